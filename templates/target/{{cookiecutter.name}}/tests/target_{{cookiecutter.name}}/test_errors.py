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
from target_{{cookiecutter.name}}.errors import TABLE, RecordRefusedError, failure, record_recovery, record_refusal

WRITE = Request("POST", "/{{cookiecutter.name}}/v1/objects/contacts/batch/create", json={}, is_write=True)
READ = Request("GET", "/{{cookiecutter.name}}/v1/account")
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
# Skeleton: made up from the skeleton's API. Yours: recorded answers, in files beside this one.
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
        return Reply(503 if code == "HTTP 5xx" else int(code.removeprefix("HTTP ")), given, b"<html>s3cret</html>")
    return Reply(STATUSES.get(code, 422), given, json.dumps(body(code, "city")).encode())


@pytest.mark.parametrize("code", sorted(TABLE))
def test_each_line_leads_to_its_recovery(code: str) -> None:
    """The error is of the right kind, says what to do, and quotes nothing of the answer."""
    error = failure(WRITE, reply(code))
    assert isinstance(error, KINDS[TABLE[code].recovery])
    assert TABLE[code].sentence in str(error)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize("code", sorted(code for code, row in TABLE.items() if row.recovery is Recovery.REJECT))
def test_a_refusal_names_code_and_field(code: str) -> None:
    """Of one record of a batch: ours, theirs verbatim, and the field."""
    refusal = record_refusal(body(code, "city"))
    assert (refusal.code, refusal.vendor_code, refusal.fields) == (TABLE[code].reject, code, ("city",))
    assert refusal.reason.startswith("Field 'city': ")
    assert record_recovery(body(code)) is Recovery.REJECT


def test_what_the_table_does_not_know() -> None:
    """A code that nobody knows stops the run where it is about a request, and rejects where it is about a record."""
    assert isinstance(failure(WRITE, Reply(418, CaseInsensitiveDict(), b"{}")), FatalError)
    assert record_refusal(body("new_code")).code.value == "vendor_refused"
    assert record_refusal({}).vendor_code == ""


def test_a_refusal_of_a_read_is_no_record() -> None:
    """Nothing can be rejected where nothing was written."""
    assert type(failure(READ, reply("too_long"))) is FatalError


def test_a_success_that_cannot_be_read_is_uncertain() -> None:
    """A proxy's page with status 200 says nothing of what was applied."""
    assert isinstance(failure(WRITE, Reply(200, CaseInsensitiveDict(), b"<html>")), UnknownOutcomeError)
    assert failure(WRITE, Reply(200, CaseInsensitiveDict(), b"{}")) is None


@pytest.mark.parametrize(("asked", "kind"), [("2", RateLimitedError), ("3600", QuotaExhaustedError)])
def test_a_long_pause_is_for_the_next_run(asked: str, kind: type[ReverseETLError]) -> None:
    """Seconds are waited out; an hour ends the run."""
    error = failure(WRITE, reply("rate_limited", Retry_After=asked))
    assert type(error) is kind
    assert getattr(error, "retry_after_s", 2.0) == 2.0
