"""What Mailchimp's errors mean: one table from title, sentence or status to recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import (
    AuthError,
    BatchRefusedError,
    ConfigError,
    FatalError,
    QuotaExhaustedError,
    RateLimitedError,
    ReverseETLError,
)
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.recovery import Recovery, Refusal, Row, about, reject, uncertain, unexpected, unreadable
from target_mailchimp import complaints, limits
from target_mailchimp.complaints import COMPLIANCE, FORGOTTEN, MEMBER_EXISTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_etl_core.transport import Reply, Request
    from target_mailchimp.complaints import Complaint


VENDOR = "Mailchimp"
_CHECK_KEY = "Check 'api_key', or 'access_token' and 'server_prefix'. Keys end after a year."
_CONNECTIONS = Row(Recovery.WAIT, f"Mailchimp takes {limits.CONNECTIONS} connections at once, and there were more.")
_EXISTS = reject(RejectCode.CONFLICT, "Another member of the audience has this address. Merge the two, or change one.")
_DEFECT = Row(Recovery.STOP, "Mailchimp cannot read the request. This is a defect of the target; please report it.")
_ROLE = Row(Recovery.GRANT, "The user of the key may not do this. Give the user the role of a manager.")
_INVALID = "The value does not fit the field. Cast it in the model."
_REQUIRED = "The audience requires a value. Fill it in the model, or set 'skip_merge_validation'."

TABLE: Mapping[str, Row] = {
    # Who is asking. source: api/mailchimp.md 2 (API Key Invalid recorded, User Disabled and the role quoted, the others
    # from the error glossary)
    "API Key Invalid": Row(Recovery.GRANT, f"Mailchimp does not know the key. {_CHECK_KEY}"),
    "API Key Missing": Row(Recovery.GRANT, f"Mailchimp sees no key. {_CHECK_KEY}"),
    "HTTP 401": Row(Recovery.GRANT, f"Mailchimp refuses the key. {_CHECK_KEY}"),
    "User Disabled": Row(Recovery.GRANT, "The account is deactivated. Ask Mailchimp why."),
    "User action not permitted": _ROLE,
    "Wrong Datacenter": Row(Recovery.GRANT, "The account lives in another data centre. Check 'server_prefix'."),
    "HTTP 403": Row(Recovery.GRANT, "Mailchimp denies access. Check the role of the key's user, and the plan."),
    # Limits. source: fundamentals page, "Throttling"; the body of a 429 was never recorded
    "HTTP 429": _CONNECTIONS,
    # Block pages, before a request reaches the API. source: api-evangelist/mailchimp; quoted in mc-woocommerce
    "EDGE": Row(
        Recovery.WAIT,
        "Mailchimp's edge blocks requests, as it does after very heavy traffic.",
        pause_s=limits.EDGE_PAUSE_S,
    ),
    # A server error may have been applied, a time-out too: no other reading is safe.
    "HTTP 5xx": Row(Recovery.UNCERTAIN, "Mailchimp failed to answer."),
    # Consent (guarantee G10). source: quoted 2020 to 2025
    COMPLIANCE: reject(
        RejectCode.CONSENT,
        "The person unsubscribed, the address bounced or Mailchimp reviews it. Only the person can subscribe again; "
        "'resubscribe: pending' asks by mail.",
    ),
    FORGOTTEN: reject(
        RejectCode.CONSENT,
        "The contact was deleted for good and cannot be imported again. Only the person can subscribe again.",
    ),
    # Addresses
    "FAKE_ADDRESS": reject(
        RejectCode.INVALID_EMAIL, "Mailchimp takes the address for fake or invalid. Correct it at the source."
    ),
    "INVALID_ADDRESS": reject(RejectCode.INVALID_EMAIL, "Not a valid e-mail address. Correct it at the source."),
    "TOO_MANY_SIGNUPS": reject(
        RejectCode.VENDOR_REFUSED,
        "The address has signed up to many audiences of Mailchimp's lately, and no more is taken for now. It is tried "
        "again after some days.",
        rest_s=limits.SIGNUPS_REST_S,
    ),
    MEMBER_EXISTS: _EXISTS,
    "ERROR_CONTACT_EXISTS": _EXISTS,
    # Fields
    "INVALID_NUMBER": reject(RejectCode.INVALID_VALUE, "Mailchimp takes a number here. Cast it in the model."),
    "INVALID_DATE": reject(RejectCode.INVALID_VALUE, "Mailchimp takes a date here. Cast it in the model."),
    "INVALID_BIRTHDAY": reject(RejectCode.INVALID_VALUE, "Mailchimp takes a birthday as MM/DD. Cast it in the model."),
    "INVALID_ZIP": reject(RejectCode.INVALID_VALUE, "Mailchimp takes a zip code of 5 digits. Cast it in the model."),
    "INVALID_URL": reject(RejectCode.INVALID_VALUE, "Mailchimp takes the whole address of a page. Mend the model."),
    "INVALID_TYPE": reject(RejectCode.INVALID_VALUE, _INVALID),
    "INVALID_MERGE_FIELDS": reject(RejectCode.INVALID_VALUE, _INVALID),
    "INVALID_CHOICE": reject(
        RejectCode.INVALID_OPTION,
        "The value is not one of the field's choices. Map it in the model, or add the choice.",
    ),
    "VALUE_REQUIRED": reject(RejectCode.REQUIRED_FIELD, _REQUIRED),
    "REQUIRED_MISSING": reject(RejectCode.REQUIRED_FIELD, _REQUIRED),
    "ADDRESS_INCOMPLETE": reject(
        RejectCode.REQUIRED_FIELD, "An address needs street, city, state and zip. Fill them in the model."
    ),
    # One record, for whatever reason
    "Invalid Resource": reject(RejectCode.VENDOR_REFUSED, "Mailchimp refuses the record."),
    "ERROR_GENERIC": reject(RejectCode.VENDOR_REFUSED, "Mailchimp refuses the record, and does not say why."),
    "HTTP 413": reject(RejectCode.TOO_LONG, "Larger than Mailchimp takes. Shorten the texts."),  # inferred
    # Paths
    "HTTP 404": Row(
        Recovery.FIND, "Mailchimp has nothing at this address: a member, an audience or a segment of it is gone."
    ),
    "HTTP 405": Row(Recovery.STOP, "Mailchimp does not allow this here."),
    "NOT MAILCHIMP": Row(Recovery.CONFIGURE, "Whoever answers is not Mailchimp's API. Check 'api_url'."),
    # source: error glossary
    "HTTP 414": _DEFECT,
    "HTTP 422": _DEFECT,
    "JSON Parse Error": _DEFECT,
    "HTTP 426": Row(Recovery.CONFIGURE, "Mailchimp wants https. Check 'api_url'."),
}
"""Title, name or status to meaning. What is not here is fatal for a call, and `vendor_refused` for an entry of one."""

_STATUS_DECIDES = frozenset({404, 405, 413, 414, 422, 426, 429})
_EDGE = frozenset({403, 429})
_SUCCESS = range(200, 300)
_NO_CONTENT = 204
_REDIRECTION = range(300, 400)
_NOT_FOUND = 404
_NOT_ALLOWED = 405
_SERVER_ERROR = 500  # and above


class RecordRefusedError(BatchRefusedError):
    """A call is refused for something in one of its records; carries what Mailchimp says of it."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.reason, code=refusal.code, vendor_code=refusal.vendor_code, rest_s=refusal.rest_s)


class MissingError(FatalError):
    """What the path names is not there (any more): a member, a segment, an audience."""


class NotAllowedError(FatalError):
    """The path knows what it names, and does not let this be done to it."""


def failure(request: Request, reply: Reply) -> ReverseETLError | None:
    """The error that a reply amounts to; `None` for a success whose body can be read."""
    body = reply.json_or_none()
    if reply.status in _SUCCESS:
        is_readable = reply.status == _NO_CONTENT or isinstance(body, dict)
        return None if is_readable else unreadable(VENDOR, request, reply)
    found = complaints.read(body)
    code = _decisive_code(found, reply, is_json=isinstance(body, dict))
    row = TABLE.get(code)
    if row is None or (row.recovery is Recovery.REJECT and not request.is_write):
        return unexpected(VENDOR, request, reply, found.vendor_code)
    return _BUILDERS[row.recovery](row, found, reply)


def _decisive_code(found: Complaint, reply: Reply, *, is_json: bool) -> str:
    status = reply.status
    if status >= _SERVER_ERROR:
        return "HTTP 5xx"
    if status in _EDGE and not is_json:
        return "EDGE"
    if status in _REDIRECTION or (status == _NOT_FOUND and not is_json):
        return "NOT MAILCHIMP"
    by_status = f"HTTP {status}"
    return by_status if status in _STATUS_DECIDES else _known_code(found) or by_status


def _known_code(found: Complaint) -> str | None:
    """The most specific code that the table has."""
    return next((code for code in found.codes if code in TABLE), None)


def _grant(row: Row, found: Complaint, _reply: Reply) -> ReverseETLError:
    title = f" ({found.vendor_code})" if found.vendor_code else ""
    return AuthError(f"{row.sentence}{title}")


def _wait(row: Row, _found: Complaint, reply: Reply) -> ReverseETLError:
    seconds = limits.retry_after_s(reply.headers, row.pause_s or limits.CONNECTIONS_PAUSE_S)
    if seconds <= limits.LONGEST_PAUSE_S:
        return RateLimitedError(row.sentence, retry_after_s=seconds)
    return QuotaExhaustedError(f"{row.sentence} It asks to wait {seconds / 60:.0f} minutes.")


def _configure(row: Row, _found: Complaint, _reply: Reply) -> ReverseETLError:
    return ConfigError(row.sentence)


def _missing(row: Row, _found: Complaint, _reply: Reply) -> ReverseETLError:
    return MissingError(row.sentence)


def _refused(row: Row, found: Complaint, _reply: Reply) -> ReverseETLError:
    return RecordRefusedError(_refusal(row, found))


def _stop(row: Row, _found: Complaint, reply: Reply) -> ReverseETLError:
    kind = NotAllowedError if reply.status == _NOT_ALLOWED else FatalError
    return kind(f"{row.sentence} (HTTP {reply.status})")


_BUILDERS: Mapping[Recovery, Callable[[Row, Complaint, Reply], ReverseETLError]] = {
    Recovery.GRANT: _grant,
    Recovery.WAIT: _wait,
    Recovery.UNCERTAIN: lambda row, _found, reply: uncertain(row, reply),
    Recovery.CONFIGURE: _configure,
    Recovery.FIND: _missing,
    Recovery.REJECT: _refused,
    Recovery.STOP: _stop,
}


def item_recovery(item: Mapping[str, Any]) -> Recovery:
    """What has to happen after one entry of `errors` in a successful answer; an unknown one rejects its record."""
    code = _known_code(complaints.read(item))
    return TABLE[code].recovery if code else Recovery.REJECT


def item_refusal(item: Mapping[str, Any]) -> Refusal:
    """One entry of `errors` in a successful answer, in our words."""
    found = complaints.read(item)
    return _refusal(TABLE[_known_code(found) or "ERROR_GENERIC"], found)


def _refusal(row: Row, found: Complaint) -> Refusal:
    return Refusal(row.reject, _sentence(row, found), found.vendor_code, found.fields, row.rest_s)


def _sentence(row: Row, found: Complaint) -> str:
    return about("Field", found.fields, row.sentence)
