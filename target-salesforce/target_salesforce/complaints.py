"""What an error body of Salesforce says, as codes, names and record ids: pure.

Salesforce's messages quote labels and values of the record. They are read for names, and never passed on, save for the
text of a validation rule, which an administrator wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_CAUSES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    # One code for several things: the message tells which. The names are ours. Where a value of the record stands in
    # the message, what is looked for stands before it. source: api/salesforce.md 2, 5 to 7, 10, 12 and 13
    ("REQUEST_LIMIT_EXCEEDED", re.compile(r"Concurrent"), "CONCURRENT_REQUESTS"),  # documented
    (
        "INVALID_SESSION_ID",
        re.compile(r"This session is not valid for use with the REST API"),
        "NOT_A_REST_SESSION",  # jsforce
    ),
    ("INVALID_FIELD", re.compile(r"Foreign key external ID: "), "FOREIGN_KEY_NOT_FOUND"),  # user reports
    ("DUPLICATE_VALUE", re.compile(r"Duplicate (?:external )?id specified"), "DUPLICATE_IN_REQUEST"),
    (
        "NOT_FOUND",
        re.compile(r"Provided external ID field does not exist or is not accessible"),
        "NO_SUCH_KEY_FIELD",  # restforce
    ),
    (
        "INVALIDJOB",  # of an upsert; the other text that is known tells of a second upload
        re.compile(r"InvalidJob : (?:Field name provided|External ID was blank)"),
        "NO_JOB_KEY",  # stackoverflow 59282347
    ),
    ("INVALIDJOB", re.compile(r"InvalidJob ?: No delete access"), "NO_DELETE_ACCESS"),  # forceworkbench#716
    ("FEATURENOTENABLED", re.compile(r"FeatureNotEnabled : hardDelete"), "NO_HARD_DELETE"),  # recorded (9.7)
)
_AUTOMATION_CODES = frozenset({"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER"})
"""Errors of triggers and flows, which pass on what happened inside them."""
_AUTOMATION_CAUSES = (
    # source: declarative-lookup-rollup-summaries#1241 and #788 ("first error: UNABLE_TO_LOCK_ROW, unable to obtain …")
    (re.compile(r"UNABLE_TO_LOCK_ROW|unable to obtain exclusive access"), "AUTOMATION_LOCK"),
    # source: EloquentSalesForce#70, SalesforceFoundation/NPSP#2381; a namespace may stand before the text
    (re.compile(r"System\.LimitException"), "AUTOMATION_LIMIT"),
)
_TRIGGER = re.compile(r"([A-Za-z][\w.]{0,79}): (?:execution of \w+|System\.)", re.ASCII)

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,79}", re.ASCII)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,119}(?:\.[A-Za-z][A-Za-z0-9_]{0,119})?", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_FIELDS_IN_MESSAGE = (
    re.compile(r"No such column '([A-Za-z]\w*)' on (?:sobject of type|entity)", re.ASCII),  # recorded
    re.compile(r"Provided external ID field does not exist or is not accessible: ([A-Za-z]\w*)", re.ASCII),
)
# source: castledio/castled, a test: "email__c duplicates value on record with id: a0N…, id__c duplicates value …"
_TAKEN = re.compile(r"(?:duplicate value found: |, )([A-Za-z]\w*) duplicates value on record with id: (\w+)", re.ASCII)
_SEVERAL = re.compile(r"more than one record found for external id field: \[([\w, ]*)\]\s*\Z", re.ASCII)
# The value can be anything, so what follows it is looked for from the end.
_PARENT = re.compile(r"Foreign key external ID: (.*) not found for field (\w+) in entity (\w+)\s*\Z", re.DOTALL)

QUOTED_CODE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
QUOTED_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Parent:
    """A record that a reference names and that does not exist.

    Attributes:
        object_name: Of which object.
        field: By which of its fields it was looked for.
        value: What was looked for. It is compared and never shown.
    """

    object_name: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error body without any text that could hold a value of the record, `quote` and `parent` apart.

    Attributes:
        code: Salesforce's own, verbatim.
        cause: Our name for what the message adds to the code; empty where the code says it all.
        fields: API names of the fields that it concerns.
        ids: Other records that it names.
        source: The trigger or duplicate rule that objects.
        parent: The record that a reference does not find.
        quote: What the administrator wrote into a validation rule.
    """

    code: str = ""
    cause: str = ""
    fields: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    source: str = ""
    parent: Parent | None = None
    quote: str = ""

    @property
    def codes(self) -> tuple[str, ...]:
        """The most specific first."""
        return tuple(one for one in (self.cause, self.code) if one)


def read(body: object) -> Complaint:
    """Read an error body, or one entry of `errors` in a reply; anything else says nothing.

    Requests are refused with an array whose entries have an `errorCode`, rows with a `statusCode`; several records that
    match one key come as an array of their addresses (HTTP 300).

    >>> read([{"message": "Required fields are missing: [Name]", "errorCode": "REQUIRED_FIELD_MISSING",
    ...        "fields": ["Name"]}])
    Complaint(code='REQUIRED_FIELD_MISSING', cause='', fields=('Name',), ids=(), source='', parent=None, quote='')
    >>> read(["/services/data/v67.0/sobjects/Account/001D000000IRFmaIAH"]).ids
    ('001D000000IRFmaIAH',)
    """
    if isinstance(body, list):
        addresses = [one.rpartition("/")[2] for one in body if isinstance(one, str)]
        return Complaint(ids=_fitting(_ID, addresses)) if addresses else read(body[0] if body else None)
    if not isinstance(body, dict):
        return Complaint()
    code = next(iter(_fitting(_CODE, [body.get("errorCode"), body.get("statusCode")])), "")
    message = body["message"] if isinstance(body.get("message"), str) else ""
    rule = _objects([body.get("duplicateResult"), body.get("duplicateResut")])  # [sic]; recorded in v50
    return Complaint(
        code=code,
        cause=_cause(code, message),
        fields=_fields(body, message),
        ids=_ids(message, rule),
        source=_source(code, message, rule),
        parent=_parent(message),
        quote=_quote(message) if code == QUOTED_CODE else "",
    )


def _cause(code: str, message: str) -> str:
    if code in _AUTOMATION_CODES:
        return next((name for pattern, name in _AUTOMATION_CAUSES if pattern.search(message)), "")
    return next((name for its_code, pattern, name in _CAUSES if code == its_code and pattern.match(message)), "")


def _fields(body: Mapping[str, Any], message: str) -> tuple[str, ...]:
    given = body.get("fields")
    named = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    in_message = [found[1] for pattern in _FIELDS_IN_MESSAGE if (found := pattern.match(message))]
    return _fitting(_FIELD, [*named, *in_message, *(name for name, _ in _TAKEN.findall(message))])


def _ids(message: str, rules: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    several = _SEVERAL.search(message)
    listed = several[1].split(", ") if several else []
    return _fitting(_ID, [*listed, *(record_id for _, record_id in _TAKEN.findall(message)), *_matches(rules)])


def _matches(rules: Sequence[Mapping[str, Any]]) -> Iterator[object]:
    """Ids of the records that a duplicate rule found (source: a body of v50, api/salesforce.md 13)."""
    for rule in rules:
        for result in _objects(rule.get("matchResults")):
            for match in _objects(result.get("matchRecords")):
                record = match.get("record")
                yield record.get("Id") if isinstance(record, dict) else None


def _source(code: str, message: str, rules: Sequence[Mapping[str, Any]]) -> str:
    trigger = _TRIGGER.match(message) if code in _AUTOMATION_CODES else None
    named = [trigger[1] if trigger else None, *(rule.get("duplicateRule") for rule in rules)]
    return next(iter(_fitting(_FIELD, named)), "")


def _parent(message: str) -> Parent | None:
    found = _PARENT.match(message)
    return Parent(object_name=found[3], field=found[2], value=found[1]) if found else None


def _quote(message: str) -> str:
    """One line of at most `QUOTED_CHARACTERS`."""
    line = " ".join("".join(one if one.isprintable() else " " for one in message).split())
    return line if len(line) <= QUOTED_CHARACTERS else line[: QUOTED_CHARACTERS - 1] + "…"


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _fitting(shape: re.Pattern[str], texts: Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if isinstance(text, str) and shape.fullmatch(text)))
