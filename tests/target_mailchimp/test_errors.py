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
from target_mailchimp import complaints, limits
from target_mailchimp.errors import (
    TABLE,
    MissingError,
    RecordRefusedError,
    Recovery,
    failure,
    item_recovery,
    item_refusal,
)

BODIES = Path(__file__).parent / "bodies"
REFUSALS: dict[str, dict[str, Any]] = {
    one["code"]: one for one in json.loads((BODIES / "refusals.json").read_text(encoding="utf-8"))
}
WRITE = Request("POST", "/3.0/lists/0123456789", json={}, is_write=True)
READ = Request("GET", "/3.0/lists/0123456789/merge-fields")

KINDS = {
    Recovery.GRANT: AuthError,
    Recovery.WAIT: RateLimitedError,
    Recovery.UNCERTAIN: UnknownOutcomeError,
    Recovery.CONFIGURE: ConfigError,
    Recovery.FIND: MissingError,
    Recovery.REJECT: RecordRefusedError,
    Recovery.STOP: FatalError,
}
REJECTS = sorted(code for code, row in TABLE.items() if row.recovery is Recovery.REJECT)


def reply(status: int, body: object = None, page: str = "<html>SECRETVALUE</html>", **headers: str) -> Reply:
    """A reply; without a body, the page of a proxy."""
    content = page.encode() if body is None else json.dumps(body).encode()
    return Reply(status, CaseInsensitiveDict({name.replace("_", "-"): text for name, text in headers.items()}), content)


def error_of(code: str, **headers: str) -> ReverseETLError:
    """What the stored body of a row amounts to."""
    case = REFUSALS[code]
    found = failure(WRITE, reply(case["status"], case.get("body"), case.get("page", ""), **headers))
    assert found is not None
    return found


def test_every_row_of_the_table_has_a_stored_body() -> None:
    """A row without a body that leads to it cannot enter the table."""
    assert set(REFUSALS) == set(TABLE)


@pytest.mark.parametrize("code", sorted(TABLE))
def test_each_body_leads_to_its_recovery(code: str) -> None:
    """A stored body becomes the error that its row names, although none of them has a `type` (pitfall 35)."""
    error = error_of(code)
    assert isinstance(error, KINDS[TABLE[code].recovery])
    assert TABLE[code].sentence in str(error)


@pytest.mark.parametrize("code", REJECTS)
def test_each_refusal_has_its_reject_code(code: str) -> None:
    """A refused record is rejected with the code of its row, and Mailchimp's title or our name for it is kept."""
    error = error_of(code)
    assert isinstance(error, RecordRefusedError)
    assert (error.code, error.rest_s) == (TABLE[code].reject, TABLE[code].rest_s)
    assert error.vendor_code == ("Payload Too Large" if code == "HTTP 413" else code)


@pytest.mark.parametrize("code", sorted(TABLE))
def test_no_message_holds_an_address_or_value(code: str) -> None:
    """What Mailchimp's sentences quote of a record is never passed on (G7)."""
    assert "SECRETVALUE" not in repr(error_of(code)) + str(error_of(code))


@pytest.mark.parametrize("code", sorted(code for code, case in REFUSALS.items() if case.get("field")))
def test_the_refused_field_is_named(code: str) -> None:
    """The rejection names the merge field, wherever the body names it (pitfall 37)."""
    assert "Field 'LTV': " in str(error_of(code))


# -- consent (pitfall 35)


@pytest.mark.parametrize(
    "detail",
    [
        "a@b.example is in a compliance state due to unsubscribe, bounce, or compliance review.",
        "a@b.example is already a list member in compliance state due to unsubscribe, bounce or compliance review.",
        "a@b.example was permanently deleted and cannot be re-imported. The contact must re-subscribe.",
        "a@b.example was permanently deleted. Ask the contact.",
    ],
)
@pytest.mark.parametrize("title", ["Invalid Resource", "Something Else", None])
def test_consent_is_recognised_by_the_sentence_alone(title: str | None, detail: str) -> None:
    """Titles and endings have changed: what matters is said in the sentence."""
    error = failure(WRITE, reply(400, {"detail": detail} | ({"title": title} if title else {})))
    assert isinstance(error, RecordRefusedError)
    assert error.code is RejectCode.CONSENT


@pytest.mark.parametrize("title", ["Member In Compliance State", "Forgotten Email Not Subscribed"])
def test_consent_is_recognised_by_the_title_alone(title: str) -> None:
    """Should the sentence change altogether."""
    error = failure(WRITE, reply(400, {"title": title, "detail": "Another sentence."}))
    assert isinstance(error, RecordRefusedError)
    assert error.code is RejectCode.CONSENT


# -- addresses


def test_a_fake_address_can_be_told_from_a_broken_one() -> None:
    """Both are `invalid_email`; the code beside it differs (pitfall 37)."""
    fake, broken = error_of("FAKE_ADDRESS"), error_of("INVALID_ADDRESS")
    assert isinstance(fake, RecordRefusedError)
    assert isinstance(broken, RecordRefusedError)
    assert fake.code is broken.code is RejectCode.INVALID_EMAIL
    assert (fake.vendor_code, broken.vendor_code) == ("FAKE_ADDRESS", "INVALID_ADDRESS")


def test_an_address_that_signed_up_too_often_rests_for_a_day_at_least() -> None:
    """Trying again within minutes or hours only prolongs it (pitfall 37)."""
    error = error_of("TOO_MANY_SIGNUPS")
    assert isinstance(error, RecordRefusedError)
    assert error.rest_s >= 24 * 3600


def test_no_address_can_look_like_a_sentence() -> None:
    """What an unquoted address may hold does not match: it has no blanks."""
    body = {"title": "Invalid Resource", "detail": "looks.fake.or.invalid@is-already-a-list-member.example is odd."}
    assert complaints.read(body).codes == ("Invalid Resource",)


# -- entries of a successful answer


@pytest.mark.parametrize(
    ("entry", "code", "vendor_code"),
    [
        (
            {
                "error": "a@b.example is already a list member, do you want to update? please provide "
                "update_existing:true in the request body",
                "error_code": "ERROR_CONTACT_EXISTS",
            },
            RejectCode.CONFLICT,
            "Member Exists",
        ),
        (
            {"error": "a@b.example looks fake or invalid, please enter a real email address.", "error_code": ""},
            RejectCode.INVALID_EMAIL,
            "FAKE_ADDRESS",
        ),
        (
            {"error": "a@b.example is in a compliance state due to…", "error_code": "ERROR_GENERIC"},
            RejectCode.CONSENT,
            "Member In Compliance State",
        ),
        (
            {
                "error": "Your merge fields were invalid.",
                "error_code": "ERROR_GENERIC",
                "field": "LTV",
                "field_message": "Please enter a number",
            },
            RejectCode.INVALID_VALUE,
            "INVALID_NUMBER",
        ),
        ({"error": "Please enter a value", "field": "FNAME"}, RejectCode.REQUIRED_FIELD, "VALUE_REQUIRED"),
        ({"error": "SECRETVALUE", "error_code": "ERROR_GENERIC"}, RejectCode.VENDOR_REFUSED, "ERROR_GENERIC"),
        ({"error": "SECRETVALUE", "error_code": "ERROR_FUTURE"}, RejectCode.VENDOR_REFUSED, "ERROR_FUTURE"),
        ({}, RejectCode.VENDOR_REFUSED, ""),
    ],
)
def test_an_entry_rejects_its_record(entry: dict[str, str], code: RejectCode, vendor_code: str) -> None:
    """The call for many answers 200 with `errors` (pitfall 37); an entry that nobody knows rejects its record too."""
    assert item_recovery(entry) is Recovery.REJECT
    refusal = item_refusal(entry)
    assert (refusal.code, refusal.vendor_code) == (code, vendor_code)
    assert "SECRETVALUE" not in repr(refusal)
    assert refusal.fields == ((entry["field"],) if "field" in entry else ())


# -- limits and the edge


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        (429, {"title": "Too Many Requests"}, limits.CONNECTIONS_PAUSE_S),
        (429, None, limits.EDGE_PAUSE_S),
        (403, None, limits.EDGE_PAUSE_S),
    ],
)
def test_no_limit_says_how_long(status: int, body: object, seconds: float) -> None:
    """Without `Retry-After`, in JSON or as a page: the same request is sent again after a pause (pitfall 37)."""
    error = failure(WRITE, reply(status, body))
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == seconds


def test_a_pause_that_is_asked_for_is_kept_or_ends_the_run() -> None:
    """Should the edge say how long: minutes are waited, hours are another run's."""
    error = error_of("EDGE", Retry_After="60")
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == 60
    assert isinstance(error_of("EDGE", Retry_After="7200"), QuotaExhaustedError)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
@pytest.mark.parametrize("body", [None, {"title": "Internal Server Error"}, {"title": "Member Exists"}, []])
def test_a_server_error_may_have_been_applied(status: int, body: object) -> None:
    """Whatever its body says: a gateway's time-out does not end the request behind it."""
    assert isinstance(failure(WRITE, reply(status, body)), UnknownOutcomeError)


def test_fewer_requests_are_in_flight_than_connections_are_allowed() -> None:
    """A few are left for others, and the client waits longer than Mailchimp does."""
    assert 1 < limits.DEFAULT_CONCURRENCY < limits.CONNECTIONS
    assert limits.TIMEOUT_S[1] > limits.SERVER_TIMEOUT_S
    assert limits.BATCH.records_per_request == 500


# -- everything else


@pytest.mark.parametrize("status", [301, 302, 308])
def test_a_redirection_is_not_mailchimps_api(status: int) -> None:
    """Credentials are not carried along."""
    assert isinstance(failure(READ, reply(status)), ConfigError)


@pytest.mark.parametrize("code", REJECTS)
def test_what_refuses_a_record_is_fatal_for_a_request_without_one(code: str) -> None:
    """A read has no record that could be rejected."""
    case = REFUSALS[code]
    error = failure(READ, reply(case["status"], case["body"]))
    assert type(error) is FatalError
    assert "SECRETVALUE" not in str(error)


def test_an_unknown_error_is_fatal_and_named() -> None:
    """Nobody guesses; the title is passed on, text that could hold a value is not."""
    error = failure(WRITE, reply(400, {"title": "Brand New", "detail": "SECRETVALUE"}))
    assert type(error) is FatalError
    assert "Brand New" in str(error)
    assert "SECRETVALUE" not in str(error)
    assert "a@b.example" not in str(failure(WRITE, reply(400, {"title": "a@b.example"})))


@pytest.mark.parametrize("body", [{}, {"errors": []}, {"title": "Invalid Resource"}])
def test_a_success_that_can_be_read_is_none(body: object) -> None:
    """A 200 is parsed by whoever asked, also one with errors inside; a 204 has no body."""
    assert failure(WRITE, reply(200, body)) is None
    assert failure(WRITE, Reply(204)) is None


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_a_success_that_cannot_be_read_is_uncertain(body: object) -> None:
    """A page of a proxy with 200 says nothing of the records."""
    assert isinstance(failure(WRITE, reply(200, body)), UnknownOutcomeError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["title", "detail", "errors", "field", "message", "error", "error_code", "field_message"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.integers(200, 599), JSON)
def test_no_body_can_break_the_reading(status: int, body: object) -> None:
    """Whatever arrives is a success or one of our errors."""
    found = failure(WRITE, reply(status, body))
    assert found is None or isinstance(found, ReverseETLError)
