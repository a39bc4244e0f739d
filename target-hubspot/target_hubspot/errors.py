"""What HubSpot's errors mean: one table from code to recovery."""

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
from target_hubspot import complaints, limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_etl_core.transport import Reply, Request
    from target_hubspot.complaints import Complaint


VENDOR = "HubSpot"
_CHECK_TOKEN = "Check 'access_token', or the three OAuth settings."  # noqa: S105 - a sentence
_LIMIT = Row(Recovery.WAIT, "HubSpot's request limit is reached.")
_TAKEN = reject(RejectCode.CONFLICT, "Another record in HubSpot holds this value. Merge the two, or change one.")
_DEFECT = Row(Recovery.STOP, "HubSpot cannot read the request. This is a defect of the target; please report it.")

TABLE: Mapping[str, Row] = {
    # Who is asking. source: api/hubspot.md 2 (INVALID and EXPIRED reported live, MISSING_SCOPES recorded)
    "INVALID_AUTHENTICATION": Row(Recovery.RENEW, f"HubSpot does not know the access token. {_CHECK_TOKEN}"),
    "EXPIRED_AUTHENTICATION": Row(Recovery.RENEW, f"The access token has expired. {_CHECK_TOKEN}"),
    "HTTP 401": Row(Recovery.RENEW, f"HubSpot refuses the access token. {_CHECK_TOKEN}"),
    "MISSING_SCOPES": Row(
        Recovery.GRANT,
        "The access token lacks a permission. Grant it to the service key or app.",
        RejectCode.PERMISSION,
    ),
    "HTTP 403": Row(
        Recovery.GRANT,
        "HubSpot denies access. Check the token's scopes and what the account's plan has.",
        RejectCode.PERMISSION,
    ),
    "BAD_REFRESH_TOKEN": Row(  # reported
        Recovery.GRANT,
        "HubSpot refuses 'refresh_token'. Check 'client_id' and 'client_secret', or install the app again and set "
        "the new refresh token.",
    ),
    # Limits. source: api/hubspot.md 9 (RATE_LIMITS recorded, RATE_LIMIT and SECONDLY reported, policies documented)
    "RATE_LIMITS": _LIMIT,
    "RATE_LIMIT": _LIMIT,
    "SECONDLY": _LIMIT,
    "TEN_SECONDLY_ROLLING": _LIMIT,
    "HTTP 429": _LIMIT,
    "DAILY": Row(
        Recovery.TRY_LATER,
        "The account's daily quota of requests is used up. Run again after midnight in the account's time zone.",
    ),
    "HTTP 423": Row(Recovery.WAIT, "HubSpot has locked what the request would change."),
    "HTTP 477": Row(
        Recovery.TRY_LATER, "HubSpot is moving the account to another data centre, which takes hours. Run again later."
    ),
    # A server error may have been applied: no other reading is safe.
    "HTTP 5xx": Row(Recovery.UNCERTAIN, "HubSpot failed to answer."),
    # One property. source: api/hubspot.md 3.7 (PROPERTY_DOESNT_EXIST, INVALID_LONG recorded, the others reported)
    "PROPERTY_DOESNT_EXIST": reject(RejectCode.UNKNOWN_FIELD, "HubSpot has no such property. Create it, or drop it."),
    "INVALID_OPTION": reject(
        RejectCode.INVALID_OPTION,
        "The value is not one of the allowed options. Map it in the model, or add the option.",
    ),
    "INVALID_LONG": reject(
        RejectCode.INVALID_VALUE, "HubSpot takes a number or a point in time here. Cast it in the model."
    ),
    "INVALID_INTEGER": reject(RejectCode.INVALID_VALUE, "HubSpot takes a number here. Cast it in the model."),
    "INVALID_DATE": reject(RejectCode.INVALID_VALUE, "HubSpot takes a date here. Cast it in the model."),
    "INVALID_EMAIL": reject(RejectCode.INVALID_EMAIL, "Not a valid e-mail address. Correct it at the source."),
    "READ_ONLY_VALUE": reject(RejectCode.READ_ONLY_FIELD, "HubSpot keeps this value itself. Leave it out."),
    "MISSING_REQUIRED_PROPERTY": reject(
        RejectCode.REQUIRED_FIELD, "A rule of the account requires a value. Fill it in the model."
    ),
    "MISSING_CONDITIONAL_REQUIRED_PROPERTY": reject(
        RejectCode.REQUIRED_FIELD, "A rule of the account requires a value for records like this. Fill it in the model."
    ),
    # source: specification of the imports API. Elsewhere HubSpot says INVALID_EMAIL; `complaints.py` reads its message.
    "GDPR_BLACKLISTED_EMAIL": reject(
        RejectCode.CONSENT, "The person asked HubSpot to be forgotten. Leave the record out of the model."
    ),
    # One record. source: api/hubspot.md 3.3 (CONFLICT and OBJECT_NOT_FOUND recorded)
    "CONFLICT": _TAKEN,
    "OBJECT_NOT_FOUND": Row(Recovery.FIND, "HubSpot has no such record, or it is archived."),
    "VALIDATION_ERROR": reject(RejectCode.VENDOR_REFUSED, "HubSpot refuses the record."),
    "HTTP 413": reject(RejectCode.TOO_LONG, "The record is larger than HubSpot takes. Shorten its texts."),  # inferred
    # source: live notes on the properties API
    "OBJECT_ALREADY_EXISTS": reject(RejectCode.ALREADY_EXISTS, "HubSpot has something of this name already."),
    # Errors without a code; `complaints.py` names them.
    "UNIQUE_VALUE_CONFLICT": _TAKEN,
    "DUPLICATE_IDS": reject(RejectCode.DUPLICATE_KEY, "Two records of one request have the same match value."),
    "REQUIRED_PROPERTIES_NOT_SET": reject(
        RejectCode.REQUIRED_FIELD, "HubSpot requires a value to create a record. Fill it in the model."
    ),
    "NO_PROPERTIES": reject(RejectCode.VENDOR_REFUSED, "The record holds nothing that HubSpot could write."),
    "NON_UNIQUE_ID_PROPERTY": Row(
        Recovery.CONFIGURE,
        "HubSpot does not keep these values unique, so no record can be recognised by them. "
        "Set 'match_on' to a unique property.",
    ),
    "UNKNOWN_OBJECT_TYPE": Row(Recovery.CONFIGURE, "HubSpot has no such object. Check 'object' of the stream."),
    "TOO_MANY_INPUTS": _DEFECT,
    "INVALID_JSON": _DEFECT,
    "HTTP 404": Row(
        Recovery.STOP, "There is nothing at this address. Check 'api_url', 'api_version' and that the object exists."
    ),
}
"""Code to meaning. What is not here is fatal for a whole call, and `vendor_refused` for one record of it."""

_STATUS_DECIDES = frozenset({404, 413, 423, 477})
_SUCCESS = range(200, 300)
_NO_CONTENT = 204
_BAD_REQUEST = 400
_SERVER_ERROR = 500  # and above; Cloudflare's 52x too


class RecordRefusedError(BatchRefusedError):
    """A whole batch is refused for something in one of its records; carries what HubSpot says of it."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.reason, code=refusal.code, vendor_code=refusal.vendor_code)


class NotGrantedError(AuthError):
    """The credentials lack a permission, or are none any more; a person has to grant it."""


class NothingThereError(FatalError):
    """There is nothing at the request's address."""


class UnknownObjectError(ConfigError):
    """HubSpot does not know the object in the path."""


def failure(request: Request, reply: Reply) -> ReverseETLError | None:
    """The error that a reply amounts to; `None` for a success whose body can be read."""
    if reply.status in _SUCCESS:
        is_readable = reply.status == _NO_CONTENT or isinstance(reply.json_or_none(), dict)
        return None if is_readable else unreadable(VENDOR, request, reply)
    found = complaints.read(reply.json_or_none())
    code = _decisive_code(found, reply.status)
    row = TABLE["BAD_REFRESH_TOKEN"] if _is_refused_grant(request, reply) else TABLE.get(code)
    if row is None or (row.recovery is Recovery.REJECT and not request.is_write):
        return unexpected(VENDOR, request, reply, found.vendor_code)
    return _BUILDERS[row.recovery](row, found, reply, code)


def _decisive_code(found: Complaint, status: int) -> str:
    if status >= _SERVER_ERROR:
        return "HTTP 5xx"
    by_status = f"HTTP {status}"
    return by_status if status in _STATUS_DECIDES else _known_code(found) or by_status


def _is_refused_grant(request: Request, reply: Reply) -> bool:
    """Whether the token endpoint refuses what it was asked with; its codes other than one are not evidenced."""
    return request.is_public and reply.status == _BAD_REQUEST


def _known_code(found: Complaint) -> str | None:
    """The most specific code that the table has."""
    return next((code for code in found.codes if code in TABLE), None)


def _renew(row: Row, found: Complaint, _reply: Reply, _code: str) -> ReverseETLError:
    return AuthError(_sentence(row, found), is_renewable=True)


def _grant(row: Row, found: Complaint, _reply: Reply, _code: str) -> ReverseETLError:
    scopes = ", ".join(f"'{name}'" for name in found.scopes)
    return NotGrantedError(_sentence(row, found) + (f" Scopes that allow it: {scopes}." if scopes else ""))


def _wait(row: Row, found: Complaint, reply: Reply, code: str) -> ReverseETLError:
    pause_s = limits.LOCKED_PAUSE_S if code == "HTTP 423" else _pause_s(found, reply)
    return _slow_down(row, limits.retry_after_s(reply.headers, pause_s))


def _try_later(row: Row, _found: Complaint, reply: Reply, code: str) -> ReverseETLError:
    hours_s = float("inf")
    return _slow_down(row, hours_s if code == "DAILY" else limits.retry_after_s(reply.headers, hours_s))


def _slow_down(row: Row, seconds: float) -> ReverseETLError:
    """Wait within the run, or, where that takes too long, in the next one."""
    if seconds <= limits.LONGEST_PAUSE_S:
        return RateLimitedError(row.sentence, retry_after_s=seconds)
    asked = "" if seconds == float("inf") else f" HubSpot asks to wait {seconds / 60:.0f} minutes."
    return QuotaExhaustedError(row.sentence + asked)


def _configure(row: Row, found: Complaint, _reply: Reply, code: str) -> ReverseETLError:
    kind = UnknownObjectError if code == "UNKNOWN_OBJECT_TYPE" else ConfigError
    return kind(_sentence(row, found))


def _refused(row: Row, found: Complaint, _reply: Reply, _code: str) -> ReverseETLError:
    return RecordRefusedError(_refusal(row, found))


def _stop(row: Row, found: Complaint, reply: Reply, code: str) -> ReverseETLError:
    kind = NothingThereError if code == "HTTP 404" else FatalError
    return kind(f"{_sentence(row, found)} (HTTP {reply.status})")


_BUILDERS: Mapping[Recovery, Callable[[Row, Complaint, Reply, str], ReverseETLError]] = {
    Recovery.RENEW: _renew,
    Recovery.GRANT: _grant,
    Recovery.WAIT: _wait,
    Recovery.TRY_LATER: _try_later,
    Recovery.UNCERTAIN: lambda row, _found, reply, _code: uncertain(row, reply),
    Recovery.CONFIGURE: _configure,
    Recovery.FIND: _stop,
    Recovery.REJECT: _refused,
    Recovery.STOP: _stop,
}


def _pause_s(found: Complaint, reply: Reply) -> float:
    """How long to wait where a 429 does not say; the recorded ones have no `Retry-After`."""
    has_burst_headers = limits.INTERVAL_HEADER in reply.headers and "SECONDLY" not in found.codes
    return (
        limits.BURST_PAUSE_S if has_burst_headers or "TEN_SECONDLY_ROLLING" in found.codes else limits.SECONDLY_PAUSE_S
    )


def item_recovery(item: Mapping[str, Any]) -> Recovery:
    """What has to happen after one entry of a reply's `errors`; a code that the table does not know rejects."""
    code = _known_code(complaints.read(item))
    return TABLE[code].recovery if code else Recovery.REJECT


def item_refusal(item: Mapping[str, Any]) -> Refusal:
    """One entry of a reply's `errors` in our words."""
    found = complaints.read(item)
    return _refusal(TABLE[_known_code(found) or "VALIDATION_ERROR"], found)


def _refusal(row: Row, found: Complaint) -> Refusal:
    return Refusal(row.reject, _sentence(row, found), found.vendor_code, found.properties)


def _sentence(row: Row, found: Complaint) -> str:
    return about("Property", found.properties, row.sentence)
