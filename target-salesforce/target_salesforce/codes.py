"""Salesforce's codes, and what each of them asks for: one table, data only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.operations import RejectCode
from reverse_etl_core.recovery import Recovery, Row, reject

if TYPE_CHECKING:
    from collections.abc import Mapping


def _grant(sentence: str) -> Row:
    return Row(Recovery.GRANT, sentence)


_AGAIN_LATER = "Run again later."
_DEFECT = Row(Recovery.STOP, "Salesforce cannot read the request. This is a defect of the target; please report it.")
_SECURITY = _grant("A transaction security policy of the org stops the request. Except the user of this sync from it.")
_BUSY = Row(Recovery.CONTENDED, "Another write held what this one needs, every time it was tried. " + _AGAIN_LATER)
_NO_PARENT = reject(
    RejectCode.REFERENCE_NOT_FOUND,
    "The record that it refers to does not exist, or the user of this sync does not see it. Load parents first.",
)
_TOO_SLOW = Row(Recovery.SMALLER, "Salesforce ran out of time, even for this record alone. " + _AGAIN_LATER)
_NO_ADDRESS = "There is nothing at this address. Check 'api_version', and the address of the org."

TABLE: Mapping[str, Row] = {
    # Who is asking. source: api/salesforce.md 2 (recorded by restforce, rudder-transformer, jsforce)
    "INVALID_SESSION_ID": Row(Recovery.RENEW, "Salesforce does not know the session, or it has expired. Log in anew."),
    "NOT_A_REST_SESSION": _grant("The access token is not one for the REST API. Its app needs the scope 'api'."),
    "INVALID_AUTH_HEADER": _grant("Salesforce cannot read the access token. Set another one."),
    "HTTP 401": Row(Recovery.RENEW, "Salesforce refuses the access token. Log in anew."),
    "API_DISABLED_FOR_ORG": _grant("The org's edition, or the user's profile, has no access to the API. Enable it."),
    "API_CURRENTLY_DISABLED": Row(Recovery.TRY_LATER, f"The org's API is switched off for now. {_AGAIN_LATER}"),
    "TXN_SECURITY_NO_ACCESS": _SECURITY,
    "TXN_SECURITY_END_A_SESSION": _SECURITY,
    "TXN_SECURITY_METERING_ERROR": _SECURITY,
    "HTTP 403": _grant("Salesforce denies access. Check the permissions of the user of this sync."),
    # Limits. source: api/salesforce.md 12; 403 and never 429
    "REQUEST_LIMIT_EXCEEDED": Row(
        Recovery.TRY_LATER, "The org's requests of the last 24 hours are used up. Run again later, or raise the limit."
    ),
    "CONCURRENT_REQUESTS": Row(Recovery.WAIT, "The org has too many long requests at a time."),
    "HTTP 429": Row(Recovery.WAIT, "Salesforce's request limit is reached."),
    "STORAGE_LIMIT_EXCEEDED": Row(Recovery.STOP, "The org's storage is full. Free some, or buy more, and run again."),
    "LIMIT_EXCEEDED": Row(Recovery.STOP, "A limit of the org is exceeded. Look at its system overview."),
    # A server error may have been applied: no other reading is safe.
    "HTTP 5xx": Row(Recovery.UNCERTAIN, "Salesforce failed to answer."),
    "UNKNOWN_EXCEPTION": Row(Recovery.UNCERTAIN, "Salesforce failed."),
    "SERVER_UNAVAILABLE": Row(Recovery.UNCERTAIN, "Salesforce is not available."),
    "QUERY_TIMEOUT": _TOO_SLOW,
    "REQUEST_RUNNING_TOO_LONG": _TOO_SLOW,
    # Nothing wrong with the record. source: api/salesforce.md 13, pitfalls 19 and 32
    "UNABLE_TO_LOCK_ROW": _BUSY,
    "AUTOMATION_LOCK": _BUSY,
    "TOO_MANY_APEX_REQUESTS": _BUSY,
    "APEX_TRIGGER_COUPLING_LIMIT": _BUSY,
    "AUTOMATION_LIMIT": Row(
        Recovery.CONTENDED, "A trigger or flow exceeds a limit of Apex, for this record alone. Mend it in Salesforce."
    ),
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": Row(Recovery.AGAIN, "Undone because of another record of its request."),
    "PROCESSING_HALTED": Row(Recovery.AGAIN, "Undone because of another record of its request."),
    # One field. source: api/salesforce.md 5 and 13 (the first five recorded, the others documented)
    "INVALID_FIELD": reject(
        RejectCode.UNKNOWN_FIELD, "Salesforce has no such field, or the user of this sync does not see it. Grant it."
    ),
    "INVALID_FIELD_FOR_INSERT_UPDATE": reject(
        RejectCode.READ_ONLY_FIELD, "The user of this sync may not write it, or nobody may. Grant it, or leave it out."
    ),
    "REQUIRED_FIELD_MISSING": reject(RejectCode.REQUIRED_FIELD, "Salesforce requires a value. Fill it in the model."),
    "INVALID_EMAIL_ADDRESS": reject(RejectCode.INVALID_EMAIL, "Not a valid e-mail address. Correct it at the source."),
    "MALFORMED_ID": reject(RejectCode.INVALID_VALUE, "Not the id of a record of the right object. Correct the model."),
    "STRING_TOO_LONG": reject(RejectCode.TOO_LONG, "Longer than Salesforce takes. Shorten it in the model."),
    "NUMBER_OUTSIDE_VALID_RANGE": reject(RejectCode.INVALID_VALUE, "The number has more digits than the field takes."),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": reject(
        RejectCode.INVALID_OPTION,
        "Not one of the values that the record type allows. Map it in the model, or add the value.",
    ),
    "INVALID_TYPE_ON_FIELD_IN_RECORD": reject(RejectCode.INVALID_VALUE, "Not of the field's type. Cast it."),
    "JSON_PARSER_ERROR": reject(
        RejectCode.INVALID_VALUE, "Salesforce cannot read a value: a date, number or id, say. Cast it in the model."
    ),
    # Another record
    "FOREIGN_KEY_NOT_FOUND": _NO_PARENT,
    "INVALID_CROSS_REFERENCE_KEY": Row(Recovery.FIND, _NO_PARENT.sentence, RejectCode.REFERENCE_NOT_FOUND),
    "ENTITY_IS_DELETED": Row(Recovery.FIND, _NO_PARENT.sentence, RejectCode.REFERENCE_NOT_FOUND),
    "NOT_FOUND": Row(Recovery.FIND, _NO_ADDRESS, RejectCode.NOT_FOUND),
    "FIELD_INTEGRITY_EXCEPTION": reject(
        RejectCode.REFERENCE_NOT_FOUND, "It refers to a record of the wrong object, or to one that does not fit."
    ),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": reject(
        RejectCode.PERMISSION, "The user of this sync may not use the record that it refers to. Share it."
    ),
    "INSUFFICIENT_ACCESS_OR_READONLY": reject(
        RejectCode.PERMISSION, "The user of this sync may not write this record. Share it, or grant the permission."
    ),
    "INSUFFICIENT_ACCESS": reject(RejectCode.PERMISSION, "The user of this sync may not do this. Grant it."),
    "DUPLICATE_VALUE": reject(
        RejectCode.CONFLICT, "Another record holds this value, which must be unique. Merge the two, or change one."
    ),
    "DUPLICATE_IN_REQUEST": reject(
        RejectCode.DUPLICATE_KEY, "Two records of one request are the same one for Salesforce. Make the key unique."
    ),
    "DUPLICATE_EXTERNAL_ID": reject(
        RejectCode.AMBIGUOUS_MATCH, "Several records hold the value by which one is looked for. Merge them."
    ),
    "HTTP 300": reject(RejectCode.AMBIGUOUS_MATCH, "Several records hold the match value. Merge them."),
    "DUPLICATES_DETECTED": reject(
        RejectCode.DUPLICATE_RULE, "A duplicate rule finds a record like it. Merge them, or let the rule's alert pass."
    ),
    # What stands in the way of a deletion. source: partner WSDL (codes); EDA issue 458 (how people see the first)
    "DELETE_FAILED": reject(
        RejectCode.VENDOR_REFUSED, "Other records refer to it and do not let it go. Remove or move them first."
    ),
    "DEPENDENCY_EXISTS": reject(
        RejectCode.VENDOR_REFUSED, "Something in the org depends on it. Remove that first, or keep the record."
    ),
    "DELETE_OPERATION_TOO_LARGE": reject(
        RejectCode.VENDOR_REFUSED, "Too many records would go along with it. Remove some of them first."
    ),
    "DELETE_REQUIRED_ON_CASCADE": reject(
        RejectCode.PERMISSION, "Records would go along that the user of this sync may not delete. Grant it."
    ),
    # Rules of the org
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": reject(RejectCode.VALIDATION_RULE, "A validation rule refuses the record."),
    "FIELD_FILTER_VALIDATION_EXCEPTION": reject(RejectCode.VALIDATION_RULE, "A lookup filter refuses the reference."),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": reject(
        RejectCode.VALIDATION_RULE, "A trigger of the org fails or refuses the record. Its administrator can tell why."
    ),
    "CANNOT_EXECUTE_FLOW_TRIGGER": reject(
        RejectCode.VALIDATION_RULE, "A flow of the org fails for this record. Its administrator can tell why."
    ),
    "CANNOT_UPDATE_CONVERTED_LEAD": reject(
        RejectCode.VENDOR_REFUSED, "The lead is converted and cannot change any more. Write to its contact instead."
    ),
    "ENTITY_IS_LOCKED": reject(RejectCode.PERMISSION, "An approval process has locked the record."),
    "INACTIVE_OWNER_OR_USER": reject(RejectCode.VENDOR_REFUSED, "Its owner is no active user. Name another one."),
    "OP_WITH_INVALID_USER_TYPE_EXCEPTION": reject(
        RejectCode.VENDOR_REFUSED, "The user that it names may not own such records. Name another one."
    ),
    "INVALID_TYPE_FOR_OPERATION": reject(RejectCode.PERMISSION, "The user of this sync may not write this object."),
    "MISSING_ARGUMENT": reject(RejectCode.MISSING_KEY, "Salesforce finds no id or match value in the record."),
    # The whole request
    "INVALID_TYPE": Row(Recovery.CONFIGURE, "Salesforce has no such object. Check 'object' of the stream."),
    "NO_SUCH_KEY_FIELD": Row(Recovery.CONFIGURE, "Records cannot be recognised by this field. Change 'match_on'."),
    "UNSUPPORTED_API_VERSION": Row(Recovery.CONFIGURE, "Salesforce has retired this version. Raise 'api_version'."),
    "HTTP 410": Row(Recovery.CONFIGURE, "Salesforce has retired this version. Raise 'api_version'."),
    # A bulk job that is not opened. source: api/salesforce.md 9.2 and 9.7 (spelt so in bodies of REST)
    "INVALIDENTITY": Row(Recovery.CONFIGURE, "Bulk jobs do not take this object. Set 'api' to rest."),
    "NO_JOB_KEY": Row(
        Recovery.CONFIGURE,
        "Bulk jobs cannot recognise records by this field. Change 'match_on', or set 'api' to rest.",
    ),
    "INVALIDJOB": Row(
        Recovery.STOP, "Salesforce does not take the bulk job. Run again; if that does not help, set 'api' to rest."
    ),
    "FEATURENOTENABLED": _grant(
        "The user of this sync may not run this kind of bulk job. Grant the permission, or set 'api' to rest."
    ),
    "NO_HARD_DELETE": _grant(
        "The user of this sync may not delete for good. Grant 'Bulk API Hard Delete', or set 'on_removed' to archive."
    ),
    "NO_DELETE_ACCESS": _grant("The user of this sync may not delete records of this object. Grant 'Delete' on it."),
    "EXCEEDEDQUOTA": Row(
        Recovery.TRY_LATER,
        "The org's batches of bulk jobs of the last 24 hours are used up. Run again later, or set 'api' to rest.",
    ),
    "EXCEEDED_ID_LIMIT": _DEFECT,
    "MALFORMED_QUERY": _DEFECT,
    "INVALID_QUERY_LOCATOR": Row(Recovery.STOP, f"Salesforce has forgotten a query under way. {_AGAIN_LATER}"),
    "METHOD_NOT_ALLOWED": _DEFECT,
    "UNSUPPORTED_MEDIA_TYPE": _DEFECT,
    "HTTP 414": _DEFECT,
    "HTTP 431": _DEFECT,
    "HTTP 404": Row(Recovery.FIND, _NO_ADDRESS, RejectCode.NOT_FOUND),
}
"""Code to meaning. What is not here is fatal for a whole call, and `vendor_refused` for one record of it."""

UNKNOWN = reject(RejectCode.VENDOR_REFUSED, "Salesforce refuses the record.")
"""What one record is refused for under a code that the table does not know."""
