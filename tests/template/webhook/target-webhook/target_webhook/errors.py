"""What a receiver's answers mean: one table from code or status to recovery.

Receivers have no codes in common. One that gives `{"error": {"code", "field"}}` is understood better than by its
status.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from reverse_etl_core.recovery import (
    Recovery,
    Refusal,
    Row,
    about,
    reject,
    uncertain,
    unexpected,
)
from target_webhook import limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_etl_core.transport import Reply, Request

VENDOR = "The receiver"
_TOKEN = "Check 'access_token'."  # noqa: S105 - a sentence
_DEFECT = Row(
    Recovery.STOP,
    f"{VENDOR} cannot read the request. This is a defect of the target; please report it.",
)

TABLE: Mapping[str, Row] = {
    # Who is asking.
    "invalid_token": Row(Recovery.RENEW, f"{VENDOR} does not know the access token. {_TOKEN}"),
    "expired_token": Row(Recovery.RENEW, f"The access token has expired. {_TOKEN}"),
    "HTTP 401": Row(Recovery.RENEW, f"{VENDOR} refuses the access token. {_TOKEN}"),
    "HTTP 403": Row(
        Recovery.GRANT,
        f"{VENDOR} denies access. Give the token the permissions that it lacks.",
        RejectCode.PERMISSION,
    ),
    # Limits.
    "rate_limited": Row(Recovery.WAIT, f"{VENDOR}'s request limit is reached."),
    "HTTP 429": Row(Recovery.WAIT, f"{VENDOR}'s request limit is reached."),
    "daily_limit_reached": Row(
        Recovery.TRY_LATER,
        "The account's daily quota of requests is used up. Run again after midnight UTC.",
    ),
    # A server error may have been applied: no other reading is safe.
    "HTTP 5xx": Row(Recovery.UNCERTAIN, f"{VENDOR} failed to answer."),
    # One field.
    "unknown_field": reject(RejectCode.UNKNOWN_FIELD, f"{VENDOR} has no such field. Create it, or drop it."),
    "read_only_field": reject(RejectCode.READ_ONLY_FIELD, f"{VENDOR} keeps this value itself. Leave it out."),
    "required_field": reject(
        RejectCode.REQUIRED_FIELD,
        "A new record needs a value here. Fill it in the model.",
    ),
    "invalid_value": reject(
        RejectCode.INVALID_VALUE,
        f"{VENDOR} takes no such value here. Cast or correct it in the model.",
    ),
    "invalid_email": reject(
        RejectCode.INVALID_EMAIL,
        "Not a valid e-mail address. Correct it at the source.",
    ),
    "invalid_option": reject(
        RejectCode.INVALID_OPTION,
        "The value is not one of the allowed options. Map it in the model.",
    ),
    "too_long": reject(
        RejectCode.TOO_LONG,
        "The text is longer than the field takes. Shorten it in the model.",
    ),
    # One record.
    "conflict": reject(
        RejectCode.CONFLICT,
        f"Another record in {VENDOR} holds this value. Merge the two, or change one.",
    ),
    "HTTP 400": reject(RejectCode.VENDOR_REFUSED, f"{VENDOR} refuses the record."),
    "HTTP 409": reject(RejectCode.CONFLICT, f"{VENDOR} has something that is in the way of this record."),
    "HTTP 422": reject(RejectCode.VENDOR_REFUSED, f"{VENDOR} refuses the record."),
    "HTTP 413": reject(
        RejectCode.TOO_LONG,
        f"The record is larger than {VENDOR} takes. Shorten its texts.",
    ),
    "not_found": Row(Recovery.FIND, f"{VENDOR} has no such record."),
    # The request.
    "unknown_object": Row(
        Recovery.CONFIGURE,
        f"{VENDOR} has no such object. Check 'object' of the stream.",
    ),
    "too_many_records": _DEFECT,
    "invalid_request": _DEFECT,
    "HTTP 404": Row(Recovery.STOP, "There is nothing at this address. Check 'api_url'."),
}
"""Code or status to meaning. What is not here stops the run."""

_SUCCESS = range(200, 300)
_SERVER_ERROR = 500


class UnknownObjectError(ConfigError):
    """The receiver does not know the object in the path."""


class RecordRefusedError(BatchRefusedError):
    """A whole batch is refused for something in one of its records."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason, code=refusal.code, vendor_code=refusal.vendor_code)


@dataclass(frozen=True, slots=True)
class Complaint:
    """One error of the API, without its message: that may quote values, and is never passed on (G7)."""

    code: str = ""
    field: str = ""


def complaint(body: object) -> Complaint:
    """Read `error` of a reply, or of one record in it; anything else says nothing.

    >>> complaint({"error": {"code": "too_long", "field": "city", "message": "..."}})
    Complaint(code='too_long', field='city')
    """
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return Complaint()
    code, field = error.get("code"), error.get("field")
    return Complaint(code if isinstance(code, str) else "", field if isinstance(field, str) else "")


def failure(request: Request, reply: Reply) -> ReverseETLError | None:
    """The error that a reply amounts to; `None` for any 2xx, whatever its body."""
    if reply.status in _SUCCESS:
        return None
    found = complaint(reply.json_or_none())
    code = "HTTP 5xx" if reply.status >= _SERVER_ERROR else found.code
    row = TABLE.get(code) or TABLE.get(f"HTTP {reply.status}")
    if row is None or (row.recovery is Recovery.REJECT and not request.is_write):
        return unexpected(VENDOR, request, reply, found.code)
    return _BUILDERS[row.recovery](row, found, reply)


def _slow_down(row: Row, _found: Complaint, reply: Reply) -> ReverseETLError:
    seconds = limits.retry_after_s(reply.headers)
    if row.recovery is Recovery.WAIT and seconds <= limits.LONGEST_PAUSE_S:
        return RateLimitedError(row.sentence, retry_after_s=seconds)
    return QuotaExhaustedError(row.sentence)


def _configure(row: Row, found: Complaint, _reply: Reply) -> ReverseETLError:
    kind = UnknownObjectError if found.code == "unknown_object" else ConfigError
    return kind(row.sentence)


_BUILDERS: Mapping[Recovery, Callable[[Row, Complaint, Reply], ReverseETLError]] = {
    Recovery.RENEW: lambda row, _found, _reply: AuthError(row.sentence, is_renewable=True),
    Recovery.GRANT: lambda row, _found, _reply: AuthError(row.sentence),
    Recovery.WAIT: _slow_down,
    Recovery.TRY_LATER: _slow_down,
    Recovery.UNCERTAIN: lambda row, _found, reply: uncertain(row, reply),
    Recovery.CONFIGURE: _configure,
    Recovery.REJECT: lambda row, found, _reply: RecordRefusedError(_refusal(row, found)),
    Recovery.FIND: lambda row, _found, reply: FatalError(f"{row.sentence} (HTTP {reply.status})"),
    Recovery.STOP: lambda row, _found, reply: FatalError(f"{row.sentence} (HTTP {reply.status})"),
}


def _refusal(row: Row, found: Complaint) -> Refusal:
    fields = (found.field,) if found.field else ()
    return Refusal(row.reject, about("Field", fields, row.sentence), found.code, fields)
