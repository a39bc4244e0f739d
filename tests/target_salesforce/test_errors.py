from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_etl_core.errors import (
    AuthError,
    BatchRefusedError,
    ConfigError,
    FatalError,
    QuotaExhaustedError,
    RateLimitedError,
    RetryableError,
    ReverseETLError,
    UnknownOutcomeError,
)
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.transport import Reply, Request
from target_salesforce import complaints
from target_salesforce.codes import TABLE
from target_salesforce.errors import (
    NotFoundError,
    UnknownObjectError,
    end_of_run,
    failure,
    is_by_record,
    row_recovery,
    row_refusal,
)

BODIES = Path(__file__).parent / "bodies"
REFUSALS: dict[str, dict[str, Any]] = {
    one["code"]: one for one in json.loads((BODIES / "refusals.json").read_text(encoding="utf-8"))
}
WRITE = Request("PATCH", "/services/data/v67.0/composite/sobjects/Account/External_Id__c", json={}, is_write=True)
CREATE = Request("POST", "/services/data/v67.0/composite/sobjects", json={}, is_write=True, is_idempotent=False)
READ = Request("GET", "/services/data/v67.0/sobjects/Account/describe")

KINDS = {
    Recovery.RENEW: AuthError,
    Recovery.GRANT: AuthError,
    Recovery.WAIT: RateLimitedError,
    Recovery.TRY_LATER: QuotaExhaustedError,
    Recovery.UNCERTAIN: UnknownOutcomeError,
    Recovery.SMALLER: BatchRefusedError,
    Recovery.CONTENDED: RateLimitedError,
    Recovery.AGAIN: RateLimitedError,
    Recovery.CONFIGURE: ConfigError,
    Recovery.FIND: FatalError,
    Recovery.REJECT: BatchRefusedError,
    Recovery.STOP: FatalError,
}
OURS = {
    "NOT_A_REST_SESSION": "INVALID_SESSION_ID",
    "CONCURRENT_REQUESTS": "REQUEST_LIMIT_EXCEEDED",
    "AUTOMATION_LOCK": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "AUTOMATION_LIMIT": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "FOREIGN_KEY_NOT_FOUND": "INVALID_FIELD",
    "DUPLICATE_IN_REQUEST": "DUPLICATE_VALUE",
    "NO_SUCH_KEY_FIELD": "NOT_FOUND",
    "NO_JOB_KEY": "INVALIDJOB",
    "NO_DELETE_ACCESS": "INVALIDJOB",
    "NO_HARD_DELETE": "FEATURENOTENABLED",
}
"""Our names for what Salesforce tells apart by its message only."""


def reply(status: int, body: object = None) -> Reply:
    """A reply; without a body, the page of a proxy."""
    return Reply(status, body=b"<html>SECRETVALUE</html>" if body is None else json.dumps(body).encode())


def entry(code: str) -> Any:
    """What Salesforce says of a single record, or of a request."""
    case = REFUSALS[code]
    return case.get("row") or case.get("body")


def error_of(code: str) -> ReverseETLError:
    """What the stored body of a code amounts to, where it refuses a whole write or login."""
    case = REFUSALS[code]
    body = case.get("body")
    if "row" in case:
        body = [{"message": case["row"]["message"], "errorCode": case["row"]["statusCode"]}]
    found = failure(WRITE, reply(case.get("status", 400), body))
    assert found is not None
    return found


def reason_of(code: str) -> str:
    """What is told of a record that is refused with the code."""
    return row_refusal(complaints.read(entry(code))).reason


def rows() -> list[str]:
    """Codes that a record of a batch can be refused with."""
    return sorted(code for code, case in REFUSALS.items() if "row" in case)


# -- the table


def test_every_code_of_the_table_has_a_stored_body() -> None:
    """A code without a body that leads to it cannot enter the table."""
    assert set(REFUSALS) == set(TABLE)


@pytest.mark.parametrize("code", sorted(TABLE))
def test_each_code_leads_to_its_recovery(code: str) -> None:
    """A body with the code becomes the error that its row names."""
    assert isinstance(error_of(code), KINDS[TABLE[code].recovery])


@pytest.mark.parametrize("code", rows())
def test_a_record_is_refused_by_the_same_table(code: str) -> None:
    """One entry of a collection's reply leads to the same recovery and reject code, with Salesforce's code verbatim."""
    found = complaints.read([entry(code)])
    refusal = row_refusal(found)
    assert row_recovery(found) is TABLE[code].recovery
    assert refusal.code is TABLE[code].reject
    assert refusal.vendor_code == OURS.get(code, code)


@pytest.mark.parametrize("code", sorted(TABLE))
def test_no_message_holds_a_value(code: str) -> None:
    """What Salesforce's messages quote of a record is never passed on (G7)."""
    shown = [str(error_of(code)), repr(error_of(code)), reason_of(code)]
    assert "SECRETVALUE" not in "".join(shown)


@pytest.mark.parametrize("code", sorted(OURS))
def test_our_own_names_are_not_shown(code: str) -> None:
    """Messages name the code that can be looked up at Salesforce."""
    assert code not in str(error_of(code))


# -- who is asking


def test_an_expired_session_may_be_renewed() -> None:
    """A 401 asks for another token, once; a session that the REST API will never take does not."""
    for code, is_renewable in (("INVALID_SESSION_ID", True), ("HTTP 401", True), ("NOT_A_REST_SESSION", False)):
        error = error_of(code)
        assert isinstance(error, AuthError)
        assert error.is_renewable is is_renewable


# -- limits


def test_the_daily_limit_is_never_waited_for() -> None:
    """The limit of the day ends the run; that of requests at a time passes."""
    assert isinstance(error_of("REQUEST_LIMIT_EXCEEDED"), QuotaExhaustedError)
    text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    error = failure(WRITE, reply(403, [{"message": text, "errorCode": "REQUEST_LIMIT_EXCEEDED"}]))
    assert isinstance(error, RateLimitedError)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_server_errors_may_have_been_applied(status: int) -> None:
    """Any 5xx, page or JSON, leaves the outcome unknown, also when its body names a code or tells of records."""
    bodies = (None, [{"errorCode": "INVALID_FIELD"}], {"errorCode": "SERVER_UNAVAILABLE"}, [{"success": False}])
    for body in bodies:
        assert isinstance(failure(WRITE, reply(status, body)), UnknownOutcomeError)


@pytest.mark.parametrize("code", ["QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG"])
def test_what_took_too_long_is_tried_with_fewer_records(code: str) -> None:
    """An upsert is halved, a read is repeated; a create is not known to be undone."""
    body = REFUSALS[code]["body"]
    assert isinstance(failure(WRITE, reply(400, body)), BatchRefusedError)
    assert type(failure(READ, reply(400, body))) is RetryableError
    assert isinstance(failure(CREATE, reply(400, body)), UnknownOutcomeError)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("STORAGE_LIMIT_EXCEEDED", FatalError),
        ("REQUEST_LIMIT_EXCEEDED", QuotaExhaustedError),
        ("API_DISABLED_FOR_ORG", AuthError),
        ("INVALID_TYPE", ConfigError),
        ("INVALID_SESSION_ID", AuthError),
    ],
)
def test_some_refusals_of_a_record_end_the_run(code: str, kind: type[ReverseETLError]) -> None:
    """What concerns the org is not the record's fault."""
    assert isinstance(end_of_run(complaints.read(entry(code))), kind)


def test_other_refusals_of_a_record_concern_the_record() -> None:
    """A rejection, and a code that nobody knows, end nothing."""
    assert end_of_run(complaints.read(entry("STRING_TOO_LONG"))) is None
    assert end_of_run(complaints.read({"statusCode": "NEW_KIND"})) is None


# -- what is named


def test_the_refused_field_is_named() -> None:
    """The rejection names the field, from `fields` or from the message."""
    for code, name in (
        ("STRING_TOO_LONG", "'Name'"),
        ("INVALID_FIELD", "'Colour__c'"),
        ("NO_SUCH_KEY_FIELD", "'Namez'"),
        ("DUPLICATE_VALUE", "'email__c', 'id__c'"),
    ):
        assert name in reason_of(code), code


def test_other_records_are_named() -> None:
    """Duplicates are named by their ids, so that somebody can look at them."""
    for code in ("DUPLICATE_EXTERNAL_ID", "HTTP 300"):
        assert "001D000000IRFmaIAH, 001D000000IRFmbIAH" in str(error_of(code)), code
    assert "a0N2w000001WQcq" in str(error_of("DUPLICATE_VALUE"))


@pytest.mark.parametrize("key", ["duplicateResult", "duplicateResut"])
def test_the_matches_of_a_duplicate_rule_are_read_in_both_spellings(key: str) -> None:
    """The rule and the records that it found are named; the misspelt key is that of the recorded v50."""
    body = json.loads((BODIES / "duplicates_detected.json").read_text(encoding="utf-8"))
    body[0][key] = body[0].pop("duplicateResut")
    error = failure(WRITE, reply(400, body))
    assert isinstance(error, BatchRefusedError)
    assert error.code is RejectCode.DUPLICATE_RULE
    assert "'Standard_Contact_Duplicate_Rule'" in str(error)
    assert "0034x00000abcdeAAA" in str(error)
    assert "SECRETVALUE" not in str(error)


def test_the_trigger_is_named() -> None:
    """A failing trigger is named, its exception is not shown."""
    assert "'AccountTrigger'" in reason_of("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    assert "'npsp.TDTM_Contact'" in reason_of("AUTOMATION_LIMIT")


def test_the_text_of_a_validation_rule_is_quoted() -> None:
    """An administrator wrote it for people; it is cut, and stays on one line."""
    assert '"Please enter a valid region."' in str(error_of("FIELD_CUSTOM_VALIDATION_EXCEPTION"))
    long = complaints.read({"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "a\n\x1b[0m" + "b" * 300})
    assert len(long.quote) == 200
    assert long.quote.isprintable()


def test_nothing_else_is_quoted() -> None:
    """Only a validation rule's code lets a message through."""
    assert not complaints.read({"statusCode": "INVALID_EMAIL_ADDRESS", "message": "SECRETVALUE"}).quote


def test_a_missing_parent_is_read_from_the_end() -> None:
    """The value can hold the very words that follow it."""
    text = "Foreign key external ID: x not found for field A in entity B not found for field Ext__c in entity Account"
    parent = complaints.read({"statusCode": "INVALID_FIELD", "message": text}).parent
    assert parent is not None
    assert (parent.object_name, parent.field) == ("Account", "Ext__c")
    assert parent.value == "x not found for field A in entity B"


# -- whole requests


@pytest.mark.parametrize("status", [302, 400, 402, 409, 412, 422])
def test_what_the_table_does_not_know_is_fatal(status: int) -> None:
    """An unknown code stops the run and is named; a page without a code stops it, too."""
    error = failure(WRITE, reply(status, [{"errorCode": "NEW_KIND_OF_ERROR", "message": "SECRETVALUE"}]))
    assert type(error) is FatalError
    assert "NEW_KIND_OF_ERROR" in str(error)
    assert "SECRETVALUE" not in str(error)
    assert type(failure(WRITE, reply(status))) is FatalError


def test_a_code_that_is_no_code_is_not_repeated() -> None:
    """A body that puts text where a code belongs does not get it into a message."""
    error = failure(WRITE, reply(400, [{"errorCode": "ada@example.com is bad", "fields": "x"}]))
    assert type(error) is FatalError
    assert "ada" not in str(error)


def test_a_refused_read_is_not_a_refused_record() -> None:
    """An error of a record in a request that holds none has nobody to reject."""
    assert type(failure(READ, reply(400, [{"errorCode": "INVALID_FIELD"}]))) is FatalError


def test_an_unknown_object_and_an_unknown_address_can_be_told_apart() -> None:
    """The destination can name the objects that there are, and the jobs that are gone."""
    assert isinstance(error_of("INVALID_TYPE"), UnknownObjectError)
    assert isinstance(error_of("NOT_FOUND"), NotFoundError)
    assert isinstance(error_of("HTTP 404"), NotFoundError)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[{", b'"x"', b"null"])
def test_a_success_that_cannot_be_read_is_unknown(body: bytes) -> None:
    """A truncated or foreign 200 is no confirmation."""
    assert isinstance(failure(WRITE, Reply(200, {}, body)), UnknownOutcomeError)


def test_successes_are_for_the_caller(tmp_path: Path) -> None:
    """Objects and arrays can be parsed; a 204 and files that travel have nothing to parse."""
    assert failure(WRITE, reply(200, [])) is None
    assert failure(WRITE, reply(201, {})) is None
    assert failure(WRITE, Reply(204)) is None
    assert failure(Request("GET", "/results", download=tmp_path), Reply(200)) is None
    assert failure(Request("PUT", "/batches", upload=tmp_path, is_write=True), Reply(201)) is None


def test_records_are_told_apart_whatever_the_status() -> None:
    """A 400 that says of each record what came of it is parsed like a 200."""
    body = [{"success": False, "errors": []}, {"success": True, "id": "001"}]
    assert is_by_record(body)
    assert failure(WRITE, reply(400, body)) is None
    assert not is_by_record([])
    assert not is_by_record([{"success": True}, {"message": "x", "errorCode": "Y"}])


# -- anything


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("message", "errorCode", "statusCode", "fields", "success"),
                    *("duplicateResult", "matchResults", "matchRecords", "record", "Id"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from([200, 207, 300, 400, 401, 403, 404, 409, 429, 502]), st.sampled_from([WRITE, READ]))
def test_no_body_breaks_the_reading(body: object, status: int, request: Request) -> None:
    """Whatever JSON arrives, there is an error or a success, and never an exception."""
    complaints.read(body)
    error = failure(request, reply(status, body))
    assert error is None or isinstance(error, ReverseETLError)
