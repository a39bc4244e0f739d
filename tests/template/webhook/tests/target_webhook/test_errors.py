"""Every line of the table of errors is reached by an answer, and leads where it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from reverse_etl_core.errors import (
    AuthError,
    ConfigError,
    FatalError,
    QuotaExhaustedError,
    RateLimitedError,
    ReverseETLError,
    UnknownOutcomeError,
)
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.transport import Reply, Request
from target_webhook.errors import (
    TABLE,
    RecordRefusedError,
    failure,
)

WRITE = Request("POST", "/webhook/hooks/contacts", json={}, is_write=True)
READ = Request("GET", "/status")
KINDS: dict[Recovery, type[ReverseETLError]] = {
    Recovery.RENEW: AuthError,
    Recovery.GRANT: AuthError,
    Recovery.WAIT: RateLimitedError,
    Recovery.TRY_LATER: QuotaExhaustedError,
    Recovery.UNCERTAIN: UnknownOutcomeError,
    Recovery.CONFIGURE: ConfigError,
    Recovery.REJECT: RecordRefusedError,
    Recovery.FIND: FatalError,
    Recovery.STOP: FatalError,
}
# How a receiver could word them.
STATUSES = {
    "invalid_token": 401,
    "expired_token": 401,
    "rate_limited": 429,
    "daily_limit_reached": 429,
    "not_found": 404,
    "unknown_object": 404,
    "too_many_records": 400,
    "invalid_request": 400,
}
MESSAGE = "s3cret value of a record"


def body(code: str, field: str = "") -> dict[str, Any]:
    """An error as the API words it; its message quotes a value."""
    return {"error": {"code": code, "message": MESSAGE} | ({"field": field} if field else {})}


def reply(code: str, **headers: str) -> Reply:
    """The answer that a line of the table is about."""
    given = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    if code.startswith("HTTP "):
        return Reply(
            503 if code == "HTTP 5xx" else int(code.removeprefix("HTTP ")),
            given,
            b"<html>s3cret</html>",
        )
    return Reply(STATUSES.get(code, 422), given, json.dumps(body(code, "city")).encode())


@pytest.mark.parametrize("code", sorted(TABLE))
def test_each_line_leads_to_its_recovery(code: str) -> None:
    """The error is of the right kind, says what to do, and quotes nothing of the answer."""
    error = failure(WRITE, reply(code))
    assert isinstance(error, KINDS[TABLE[code].recovery])
    assert TABLE[code].sentence in str(error)
    assert "s3cret" not in str(error)


def test_what_the_table_does_not_know() -> None:
    """A status that nobody knows stops the run."""
    assert isinstance(failure(WRITE, Reply(418, CaseInsensitiveDict(), b"{}")), FatalError)


def test_a_refusal_of_a_read_is_no_record() -> None:
    """Nothing can be rejected where nothing was written."""
    assert type(failure(READ, reply("too_long"))) is FatalError


def test_any_success_confirms() -> None:
    """Receivers answer with whatever they like."""
    assert failure(WRITE, Reply(204, CaseInsensitiveDict(), b"")) is None
    assert failure(WRITE, Reply(200, CaseInsensitiveDict(), b"ok")) is None


@pytest.mark.parametrize(("asked", "kind"), [("2", RateLimitedError), ("3600", QuotaExhaustedError)])
def test_a_long_pause_is_for_the_next_run(asked: str, kind: type[ReverseETLError]) -> None:
    """Seconds are waited out; an hour ends the run."""
    error = failure(WRITE, reply("rate_limited", Retry_After=asked))
    assert type(error) is kind
    assert getattr(error, "retry_after_s", 2.0) == 2.0
