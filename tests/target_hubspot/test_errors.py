from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.transport import Reply, Request
from target_hubspot import complaints, limits
from target_hubspot.errors import (
    TABLE,
    NotGrantedError,
    RecordRefusedError,
    Recovery,
    UnknownObjectError,
    failure,
    item_recovery,
    item_refusal,
)

BODIES = Path(__file__).parent / "bodies"
REFUSALS: dict[str, dict[str, Any]] = {
    one["code"]: one for one in json.loads((BODIES / "refusals.json").read_text(encoding="utf-8"))
}
WRITE = Request("POST", "/crm/objects/2026-09/contacts/batch/upsert", json={}, is_write=True)
READ = Request("GET", "/crm/properties/2026-09/contacts")

KINDS = {
    Recovery.RENEW: AuthError,
    Recovery.GRANT: NotGrantedError,
    Recovery.WAIT: RateLimitedError,
    Recovery.TRY_LATER: QuotaExhaustedError,
    Recovery.UNCERTAIN: UnknownOutcomeError,
    Recovery.CONFIGURE: ConfigError,
    Recovery.FIND: FatalError,
    Recovery.REJECT: RecordRefusedError,
    Recovery.STOP: FatalError,
}


def reply(status: int, body: object = None, **headers: str) -> Reply:
    """A reply; without a body, the page of a proxy."""
    content = b"<html>SECRETVALUE</html>" if body is None else json.dumps(body).encode()
    return Reply(status, CaseInsensitiveDict({name.replace("_", "-"): text for name, text in headers.items()}), content)


def error_of(code: str, **headers: str) -> ReverseETLError:
    """What the stored body of a code amounts to."""
    case = REFUSALS[code]
    request = Request("POST", "/oauth/2026-09/token", form={}, is_public=True) if case.get("public") else WRITE
    found = failure(request, reply(case["status"], case["body"], **headers))
    assert found is not None
    return found


def test_every_code_of_the_table_has_a_stored_body() -> None:
    """A code without a body that leads to it cannot enter the table."""
    assert set(REFUSALS) == set(TABLE)


@pytest.mark.parametrize("code", sorted(TABLE))
def test_each_code_leads_to_its_recovery(code: str) -> None:
    """A body with the code becomes the error that its row names."""
    assert isinstance(error_of(code), KINDS[TABLE[code].recovery])


@pytest.mark.parametrize("code", sorted(code for code, row in TABLE.items() if row.recovery is Recovery.REJECT))
def test_each_refusal_has_its_reject_code(code: str) -> None:
    """A refused record is rejected with the code of its row, and HubSpot's code is kept."""
    error = error_of(code)
    assert isinstance(error, RecordRefusedError)
    assert error.code is TABLE[code].reject
    assert error.vendor_code == ("" if code.startswith("HTTP") else code)


@pytest.mark.parametrize("code", sorted(TABLE))
def test_no_message_holds_a_value(code: str) -> None:
    """What HubSpot's messages quote of a record is never passed on (G7)."""
    assert "SECRETVALUE" not in repr(error_of(code)) + str(error_of(code))


@pytest.mark.parametrize("code", ["INVALID_AUTHENTICATION", "EXPIRED_AUTHENTICATION", "HTTP 401"])
def test_a_refused_token_may_be_renewed(code: str) -> None:
    """A new token is tried after a 401, whatever its category."""
    error = error_of(code)
    assert isinstance(error, AuthError)
    assert error.is_renewable


def test_missing_scopes_are_named() -> None:
    """A missing scope is named, whichever of the two recorded places holds it, and no new token is tried."""
    nested = {"category": "MISSING_SCOPES", "errors": [{"context": {"requiredGranularScopes": ["tickets", "x y"]}}]}
    error = failure(READ, reply(403, nested))
    assert isinstance(error, AuthError)
    assert not error.is_renewable
    assert "'tickets'" in str(error)
    assert "x y" not in str(error)
    assert "crm.objects.contacts.write" in str(error_of("MISSING_SCOPES"))


def test_the_code_of_the_imports_api_means_the_same() -> None:
    """A blocked address is a matter of consent under the code that the imports API has for it, too."""
    detail = {"code": "GDPR_BLACKLISTED_EMAIL", "message": "x", "context": {"propertyName": ["email"]}}
    error = failure(WRITE, reply(400, {"category": "VALIDATION_ERROR", "message": "x", "errors": [detail]}))
    assert isinstance(error, RecordRefusedError)
    assert error.code is RejectCode.CONSENT


def test_the_refused_property_is_named() -> None:
    """The rejection names the property, from `errors` or from the JSON inside the message."""
    assert "'colour'" in str(error_of("INVALID_OPTION"))
    assert "'colour'" in str(error_of("INVALID_LONG"))
    assert "'customer_id'" in str(error_of("UNIQUE_VALUE_CONFLICT"))
    assert "'dealname'" in str(error_of("NON_UNIQUE_ID_PROPERTY"))


def test_a_message_that_is_cut_short() -> None:
    """A list of bad values that is not whole is a refusal all the same, under its category."""
    body = {"category": "VALIDATION_ERROR", "message": 'Property values were not valid: [{"error":"INVALID_OPT'}
    error = failure(WRITE, reply(400, body))
    assert isinstance(error, RecordRefusedError)
    assert (error.code, error.vendor_code) == (RejectCode.VENDOR_REFUSED, "VALIDATION_ERROR")


def test_an_unknown_object_can_be_told_apart() -> None:
    """The destination can name the objects that there are."""
    assert isinstance(error_of("UNKNOWN_OBJECT_TYPE"), UnknownObjectError)


@pytest.mark.parametrize(
    ("code", "headers", "seconds"),
    [
        ("TEN_SECONDLY_ROLLING", {}, limits.BURST_PAUSE_S),
        ("SECONDLY", {limits.INTERVAL_HEADER: "10000"}, limits.SECONDLY_PAUSE_S),
        ("RATE_LIMITS", {}, limits.SECONDLY_PAUSE_S),
        ("HTTP 429", {limits.INTERVAL_HEADER: "10000"}, limits.BURST_PAUSE_S),
        ("HTTP 423", {}, limits.LOCKED_PAUSE_S),
        ("TEN_SECONDLY_ROLLING", {"Retry_After": "7"}, 7.0),
        ("HTTP 423", {"Retry_After": "9"}, 9.0),
        ("HTTP 477", {"Retry_After": "30"}, 30.0),
        (
            "HTTP 429",
            {"Retry_After": "Sat, 21 Nov 2026 10:00:05 GMT", "Date": "Sat, 21 Nov 2026 10:00:00 GMT"},
            5.0,
        ),
    ],
)
def test_the_pause_after_a_limit(code: str, headers: dict[str, str], seconds: float) -> None:
    """`Retry-After` decides where it is given, as seconds or as a date; else the limit's own interval."""
    error = error_of(code, **headers)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == seconds


@pytest.mark.parametrize("code", ["HTTP 429", "HTTP 423", "HTTP 477"])
def test_a_pause_of_hours_ends_the_run(code: str) -> None:
    """Nobody sits out 24 hours inside a run: it ends with 'try later'."""
    assert isinstance(error_of(code, Retry_After="86400"), QuotaExhaustedError)


def test_the_daily_limit_is_never_waited_for() -> None:
    """`DAILY` ends the run whatever `Retry-After` says, also where only the message tells."""
    assert isinstance(error_of("DAILY", Retry_After="1"), QuotaExhaustedError)
    body = {"status": "error", "message": "You have reached your daily limit.", "category": "RATE_LIMITS"}
    assert isinstance(failure(WRITE, reply(429, body)), QuotaExhaustedError)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521, 524, 526])
def test_server_errors_may_have_been_applied(status: int) -> None:
    """Any 5xx, page or JSON, leaves the outcome unknown, also when its body names a category."""
    assert isinstance(failure(WRITE, reply(status)), UnknownOutcomeError)
    assert isinstance(failure(WRITE, reply(status, {"category": "VALIDATION_ERROR"})), UnknownOutcomeError)


@pytest.mark.parametrize("status", [302, 400, 405, 409, 414, 422])
def test_what_the_table_does_not_know_is_fatal(status: int) -> None:
    """An unknown code stops the run and is named; a page without a code stops it, too."""
    error = failure(WRITE, reply(status, {"category": "NEW_KIND_OF_ERROR", "message": "SECRETVALUE"}))
    assert type(error) is FatalError
    assert "NEW_KIND_OF_ERROR" in str(error)
    assert "SECRETVALUE" not in str(error)
    assert type(failure(WRITE, reply(status))) is FatalError


def test_a_code_that_is_no_code_is_not_repeated() -> None:
    """A body that puts text where a code belongs does not get it into a message."""
    error = failure(WRITE, reply(400, {"category": "ada@example.com is bad", "errors": "x", "context": []}))
    assert type(error) is FatalError
    assert "ada" not in str(error)


def test_a_refused_read_is_not_a_refused_record() -> None:
    """A validation error of a request that holds no record has nobody to reject."""
    assert type(failure(READ, reply(400, REFUSALS["VALIDATION_ERROR"]["body"]))) is FatalError


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"results": [', b"[]", b'"x"'])
def test_a_success_that_cannot_be_read_is_unknown(body: bytes) -> None:
    """A truncated or foreign 200 is no confirmation."""
    assert isinstance(failure(WRITE, Reply(200, {}, body)), UnknownOutcomeError)


def test_successes_are_for_the_caller() -> None:
    """200, 201 and 207 can be parsed; 204 has nothing to parse."""
    assert all(failure(WRITE, reply(status, {})) is None for status in (200, 201, 207))
    assert failure(WRITE, Reply(204)) is None


def test_any_refusal_of_the_token_endpoint_is_about_credentials() -> None:
    """A 400 of the token endpoint asks for other OAuth settings, whatever its code."""
    request = Request("POST", "/oauth/2026-09/token", form={}, is_public=True)
    assert isinstance(failure(request, reply(400, {"error": "invalid_client"})), AuthError)


def test_the_most_specific_code_counts() -> None:
    """A property's code goes before its category, and one that nobody knows is kept verbatim."""
    known = {"category": "VALIDATION_ERROR", "errors": [{"code": "INVALID_EMAIL"}]}
    unknown = {"category": "VALIDATION_ERROR", "errors": [{"code": "VALUE_TOO_ODD"}]}
    assert item_refusal(known).code is RejectCode.INVALID_EMAIL
    assert item_refusal(unknown).code is RejectCode.VENDOR_REFUSED
    assert item_refusal(unknown).vendor_code == "VALUE_TOO_ODD"
    assert item_recovery({"category": "NEW_KIND"}) is Recovery.REJECT
    assert item_refusal({"category": "NEW_KIND"}).vendor_code == "NEW_KIND"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["message", "errors", "context", "category", "code", "name", "propertyName", "errorTokens"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from([200, 207, 400, 401, 403, 404, 409, 429, 477, 502]))
def test_no_body_breaks_the_reading(body: object, status: int) -> None:
    """Whatever JSON arrives, there is an error or a success, and never an exception."""
    complaints.read(body)
    error = failure(WRITE, reply(status, body))
    assert error is None or isinstance(error, ReverseETLError)


def test_limits_are_read_from_the_headers() -> None:
    """The recorded headers give the burst rate and the daily quota; nonsense gives nothing."""
    headers = CaseInsensitiveDict(
        {
            "X-Hubspot-Ratelimit-Daily": "1000000",
            "X-Hubspot-Ratelimit-Daily-Remaining": "999885",
            "X-Hubspot-Ratelimit-Interval-Milliseconds": "10000",
            "X-Hubspot-Ratelimit-Max": "190",
        }
    )
    found = limits.reading(headers)
    assert found.rate is not None
    assert (found.rate.requests, found.rate.interval_s) == (190, 10.0)
    assert (found.daily_limit, found.daily_remaining) == (1_000_000, 999_885)
    nothing = limits.reading({"X-HubSpot-RateLimit-Max": "many", "X-HubSpot-RateLimit-Interval-Milliseconds": "0"})
    assert (nothing.rate, nothing.daily_limit) == (None, None)
