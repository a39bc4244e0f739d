"""What Salesforce's refusals amount to, of whole requests and of single records; `codes.py` has the table.

Logins are refused in other words, see `login_errors.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.errors import (
    AuthError,
    BatchRefusedError,
    ConfigError,
    FatalError,
    QuotaExhaustedError,
    RateLimitedError,
    RetryableError,
    ReverseETLError,
)
from reverse_etl_core.recovery import Recovery, Refusal, about, uncertain, unexpected, unreadable
from target_salesforce import complaints
from target_salesforce.codes import TABLE, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_etl_core.recovery import Row
    from reverse_etl_core.transport import Reply, Request
    from target_salesforce.complaints import Complaint

VENDOR = "Salesforce"
IDS_IN_MESSAGE = 5
_SUCCESS = range(200, 300)
_NO_CONTENT = 204
_SEVERAL = 300
_NOT_FOUND = 404
_SERVER_ERROR = 500


class UnknownObjectError(ConfigError):
    """Salesforce does not know the object."""


class NotFoundError(FatalError):
    """There is nothing at the address of a request."""


def failure(request: Request, reply: Reply) -> ReverseETLError | None:
    """The error that a reply amounts to; `None` for a reply whose body can be read.

    That is a success, and also a refusal that says of each record what came of it.
    """
    if reply.status in _SUCCESS:
        return None if _is_readable(request, reply) else unreadable(VENDOR, request, reply)
    body = reply.json_or_none()
    if reply.status < _SERVER_ERROR and is_by_record(body):
        return None
    found = complaints.read(body)
    code = _decisive_code(found, reply.status)
    row = TABLE.get(code)
    if row is None or (row.recovery is Recovery.REJECT and not request.is_write):
        return unexpected(VENDOR, request, reply, found.code)
    return _BUILDERS[row.recovery](row, found, request, reply)


def is_by_record(body: object) -> bool:
    """Whether a body tells record by record what came of them, whatever its status (source: amp-labs/connectors)."""
    return isinstance(body, list) and bool(body) and all(isinstance(one, dict) and "success" in one for one in body)


def _is_readable(request: Request, reply: Reply) -> bool:
    """Whether a success says what it should; files that travel have no JSON."""
    is_file = request.download is not None or request.upload is not None
    return is_file or reply.status == _NO_CONTENT or isinstance(reply.json_or_none(), (dict, list))


def _decisive_code(found: Complaint, status: int) -> str:
    if status >= _SERVER_ERROR:
        return "HTTP 5xx"
    by_status = f"HTTP {status}"
    return by_status if status == _SEVERAL else _known_code(found) or by_status


def _known_code(found: Complaint) -> str | None:
    return next((code for code in found.codes if code in TABLE), None)


def _renew(row: Row, found: Complaint, _request: Request, _reply: Reply) -> ReverseETLError:
    return AuthError(_with_code(row, found), is_renewable=True)


def _denied(row: Row, found: Complaint, _request: Request, _reply: Reply) -> ReverseETLError:
    return AuthError(_with_code(row, found))


def _wait(row: Row, found: Complaint, _request: Request, _reply: Reply) -> ReverseETLError:
    return RateLimitedError(_with_code(row, found))  # Salesforce never says how long


def _try_later(row: Row, found: Complaint, _request: Request, _reply: Reply) -> ReverseETLError:
    return QuotaExhaustedError(_with_code(row, found))


def _smaller(row: Row, found: Complaint, request: Request, reply: Reply) -> ReverseETLError:
    """Fewer records are faster; but a create that ran out of time is not known to be undone."""
    if not request.is_write:
        return RetryableError(_with_code(row, found))
    return _refused(row, found, request, reply) if request.is_idempotent else uncertain(row, reply)


def _configure(row: Row, found: Complaint, _request: Request, _reply: Reply) -> ReverseETLError:
    kind = UnknownObjectError if found.code == "INVALID_TYPE" else ConfigError
    return kind(_sentence(row, found))


def _refused(row: Row, found: Complaint, _request: Request, _reply: Reply) -> ReverseETLError:
    refusal = _refusal(row, found)
    return BatchRefusedError(refusal.reason, code=refusal.code, vendor_code=refusal.vendor_code)


def _nowhere(row: Row, found: Complaint, request: Request, reply: Reply) -> ReverseETLError:
    kind = NotFoundError if reply.status == _NOT_FOUND else FatalError
    return kind(f"{request.method} {request.path}: {_with_code(row, found)}")


def _stop(row: Row, found: Complaint, _request: Request, reply: Reply) -> ReverseETLError:
    return FatalError(f"{_with_code(row, found)} (HTTP {reply.status})")


_BUILDERS: Mapping[Recovery, Callable[[Row, Complaint, Request, Reply], ReverseETLError]] = {
    Recovery.RENEW: _renew,
    Recovery.GRANT: _denied,
    Recovery.WAIT: _wait,
    Recovery.TRY_LATER: _try_later,
    Recovery.UNCERTAIN: lambda row, _found, _request, reply: uncertain(row, reply),
    Recovery.SMALLER: _smaller,
    Recovery.CONTENDED: _wait,
    Recovery.AGAIN: _wait,
    Recovery.CONFIGURE: _configure,
    Recovery.FIND: _nowhere,
    Recovery.REJECT: _refused,
    Recovery.STOP: _stop,
}


def row_recovery(found: Complaint) -> Recovery:
    """What has to happen after one record was refused; a code that the table does not know rejects."""
    code = _known_code(found)
    return TABLE[code].recovery if code else Recovery.REJECT


def row_refusal(found: Complaint) -> Refusal:
    """Why one record was refused, in our words."""
    code = _known_code(found)
    return _refusal(TABLE[code] if code else UNKNOWN, found)


_ENDS = {
    Recovery.RENEW: AuthError,
    Recovery.GRANT: AuthError,
    Recovery.TRY_LATER: QuotaExhaustedError,
    Recovery.CONFIGURE: ConfigError,
    Recovery.STOP: FatalError,
}


def end_of_run(found: Complaint) -> ReverseETLError | None:
    """The error that ends the run after one record was refused; `None` where the record alone is concerned."""
    code = _known_code(found)
    kind = _ENDS.get(TABLE[code].recovery) if code else None
    return kind(_with_code(TABLE[str(code)], found)) if kind else None


def _refusal(row: Row, found: Complaint) -> Refusal:
    return Refusal(row.reject, _sentence(row, found), found.code, found.fields)


def _with_code(row: Row, found: Complaint) -> str:
    return f"{row.sentence} ({found.code})" if found.code else row.sentence


def _sentence(row: Row, found: Complaint) -> str:
    """The row's sentence, with what Salesforce names: fields before it, rules and records after it."""
    words = about("Field", found.fields, row.sentence)
    if found.source:
        words += f" It is '{found.source}'."
    if found.quote:
        words += f' It says: "{found.quote}"'
    if found.ids:
        words += f" Records: {', '.join(found.ids[:IDS_IN_MESSAGE])}."
    return words
