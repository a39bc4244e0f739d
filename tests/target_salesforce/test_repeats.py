"""What the destination makes of replies in a row that the simulator does not give: they are scripted."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.errors import (
    AuthError,
    ConfigError,
    FatalError,
    QuotaExhaustedError,
    RetryableError,
    UnknownOutcomeError,
)
from reverse_etl_core.operations import (
    Batch,
    Operation,
    Outcome,
    RejectCode,
    Rejected,
    Unanswered,
    Unattempted,
    Verb,
    Written,
)
from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.transport import Reply, Request
from target_salesforce.contention import Contention
from target_salesforce.destination import SalesforceDestination
from target_salesforce.errors import failure

if TYPE_CHECKING:
    from collections.abc import Sequence

QUICK = RetryPolicy(attempts=4, base_s=0.001, cap_s=0.002)
DESCRIPTION: dict[str, Any] = json.loads(
    (Path(__file__).parent / "bodies" / "contact_describe.json").read_text(encoding="utf-8")
)
CONTACT_ID = "003D000000IRFmaIAH"


def scripted(*replies: Any, **settings: Any) -> tuple[SalesforceDestination, list[Request]]:
    """A destination that gets these replies, one after the other: bodies, whole replies, or errors."""
    waiting, sent = list(replies), []

    def send(request: Request) -> Reply:
        sent.append(request)
        found = waiting.pop(0)
        if isinstance(found, Exception):
            raise found
        reply = found if isinstance(found, Reply) else Reply(200, body=json.dumps(found).encode())
        error = failure(request, reply)
        if error is not None:
            raise error
        return reply

    contention = Contention(sleep=lambda _seconds: False, rng=random.Random(1), policy=QUICK)  # noqa: S311 - jitter
    return SalesforceDestination(send, "67.0", headers={}, contention=contention, **settings), sent


def good(record_id: str = CONTACT_ID, **more: Any) -> dict[str, Any]:
    """A record that was written."""
    return {"id": record_id, "success": True, "errors": [], **more}


def bad(code: str, message: str = "") -> dict[str, Any]:
    """A record that was refused."""
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}


LOCKED = bad("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
FULL = bad("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
RACE = bad(
    "DUPLICATE_VALUE", "duplicate value found: External_Id__c duplicates value on record with id: 003D000000IRFmb"
)


def operation(key: str, **fields: Any) -> Operation:
    """An operation for a contact with this external id, whose record id is known."""
    return Operation(key, key.lower(), fields or {"External_Id__c": key, "LastName": "Ada"}, CONTACT_ID)


def batch(salesforce: SalesforceDestination, verb: Verb, *operations: Operation) -> Batch:
    """A batch of contacts; the object is described first."""
    return Batch(verb, salesforce.describe("Contact"), "External_Id__c", operations)


def by_key(outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    """Outcomes by key."""
    return {one.source_key: one for one in outcomes}


def rejected(outcome: Outcome) -> Rejected:
    """A rejection."""
    assert isinstance(outcome, Rejected), outcome
    return outcome


def test_an_org_that_is_none() -> None:
    """Whoever answers a query without an organization is not Salesforce."""
    salesforce, _ = scripted({"totalSize": 0, "done": True, "records": []})
    with pytest.raises(ConfigError, match="names no organization"):
        salesforce.account()


def test_many_records_come_in_pages() -> None:
    """Each page leads to the next, until the last one says so."""
    path = "/services/data/v67.0/query/01gD0000002HU6K-2000"
    first = {"done": False, "nextRecordsUrl": path, "records": [{"Id": "001a", "External_Id__c": "K1"}]}
    second = {"done": True, "records": [{"Id": "001b", "External_Id__c": "k2"}]}
    salesforce, requests_ = scripted(DESCRIPTION, first, second)
    found = salesforce.find(salesforce.describe("Contact"), "External_Id__c", ["k1", "k2"])
    assert found == {"k1": ["001a"], "k2": ["001b"]}
    assert requests_[-1].path == path


def test_a_race_is_run_once_more() -> None:
    """The record that somebody made meanwhile is updated; a second refusal is a conflict."""
    salesforce, sent = scripted(DESCRIPTION, [RACE, good()], [good(created=False)])
    found = by_key(salesforce.write(batch(salesforce, Verb.UPSERT, operation("a1"), operation("a2"))))
    assert found["a1"] == Written("a1", CONTACT_ID, created=False)
    assert len(sent) == 3
    salesforce, sent = scripted(DESCRIPTION, [RACE], [RACE])
    (outcome,) = salesforce.write(batch(salesforce, Verb.UPSERT, operation("a1")))
    assert rejected(outcome).code is RejectCode.CONFLICT
    assert len(sent) == 3


def test_a_refusal_of_each_record_with_a_status_of_400() -> None:
    """The body counts, whatever stands above it."""
    body = json.dumps([good(created=True), bad("STRING_TOO_LONG")]).encode()
    salesforce, _ = scripted(DESCRIPTION, Reply(400, body=body))
    found = by_key(salesforce.write(batch(salesforce, Verb.UPSERT, operation("a1"), operation("a2"))))
    assert isinstance(found["a1"], Written)
    assert rejected(found["a2"]).code is RejectCode.TOO_LONG


def test_a_full_storage_keeps_what_was_written() -> None:
    """The outcomes of this batch are told, the next one ends the run; without any, this one does."""
    salesforce, sent = scripted(DESCRIPTION, [good(created=True), FULL, RACE])
    one = batch(salesforce, Verb.UPSERT, operation("a1"), operation("a2"), operation("a3"))
    found = by_key(salesforce.write(one))
    assert found == {
        "a1": Written("a1", CONTACT_ID, created=True),
        "a2": Unattempted("a2"),
        "a3": Unattempted("a3"),
    }
    with pytest.raises(FatalError, match="storage"):
        salesforce.write(one)
    assert len(sent) == 2
    salesforce, _ = scripted(DESCRIPTION, [FULL])
    with pytest.raises(FatalError, match="storage"):
        salesforce.write(batch(salesforce, Verb.CREATE, operation("a1")))


def test_a_create_that_is_lost_while_repeated_concerns_its_own_records() -> None:
    """The others keep their outcome, and nobody takes the lost ones for not written."""
    salesforce, _ = scripted(DESCRIPTION, [good(), LOCKED], UnknownOutcomeError("cut"))
    found = by_key(salesforce.write(batch(salesforce, Verb.CREATE, operation("a1"), operation("a2"))))
    assert isinstance(found["a1"], Written)
    assert found["a2"] == Unanswered("a2")


@pytest.mark.parametrize("error", [QuotaExhaustedError("used up"), AuthError("revoked"), RetryableError("no luck")])
def test_an_error_while_repeating_loses_nothing(error: Exception) -> None:
    """What was answered is told; what ends the run is raised by the next call."""
    salesforce, _ = scripted(DESCRIPTION, [good(), LOCKED], *[error] * 4)
    one = batch(salesforce, Verb.CREATE, operation("a1"), operation("a2"))
    found = by_key(salesforce.write(one))
    assert isinstance(found["a1"], Written)
    assert isinstance(found["a2"], Unattempted)
    with pytest.raises(type(error)):
        salesforce.write(one)


def test_parts_of_a_batch_do_not_depend_on_each_other() -> None:
    """Where triggers stand few records, a batch goes in parts; what one of them loses is not lost to the others."""
    too_many = bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.LimitException: Too many SOQL queries: 101")
    keys = [f"a{number}" for number in range(12)]
    replies: list[Any] = [DESCRIPTION, [too_many] * 12, [good()] * 10, [good()] * 2]
    salesforce, sent = scripted(*replies, [good()] * 10, UnknownOutcomeError("cut"))
    one = batch(salesforce, Verb.CREATE, *map(operation, keys))
    assert all(isinstance(outcome, Written) for outcome in salesforce.write(one))
    found = by_key(salesforce.write(one))
    assert [key for key in keys if isinstance(found[key], Unanswered)] == ["a10", "a11"]
    assert len(sent) == 6


def test_an_examination_that_fails_changes_nothing() -> None:
    """The refusal stands; only an answer that is lost leaves the record unknown."""
    duplicate = bad("DUPLICATES_DETECTED", "Use one of these records?")
    salesforce, _ = scripted(DESCRIPTION, [duplicate], RetryableError("no luck"))
    (outcome,) = salesforce.write(batch(salesforce, Verb.CREATE, operation("a1")))
    assert rejected(outcome).code is RejectCode.DUPLICATE_RULE
    salesforce, _ = scripted(DESCRIPTION, [duplicate], UnknownOutcomeError("cut"))
    (outcome,) = salesforce.write(batch(salesforce, Verb.CREATE, operation("a1")))
    assert outcome == Unanswered("a1")


def test_a_lost_record_that_cannot_be_looked_at_is_rejected() -> None:
    """It is tried again in a later run, as every rejection."""
    lost = bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    salesforce, _ = scripted(DESCRIPTION, [lost], RetryableError("no luck"))
    (outcome,) = salesforce.write(batch(salesforce, Verb.UPDATE, operation("a1", AccountId="001D000000IRFmaIAH")))
    assert rejected(outcome).code is RejectCode.REFERENCE_NOT_FOUND


def test_a_description_that_is_none() -> None:
    """Whatever else answers is no object."""
    salesforce, _ = scripted([], {"sobjects": []})
    with pytest.raises(ConfigError):
        salesforce.describe("Contact")


def test_an_org_that_does_not_tell_is_asked_by_the_job() -> None:
    """An older version, say, has no such object: nothing is refused for that."""
    organization = {"totalSize": 1, "done": True, "records": [{"Id": "00D000000000001AAA"}]}
    refusal = [{"errorCode": "INVALID_TYPE", "message": "sObject type 'UserPermissionAccess' is not supported."}]
    for answer in (Reply(400, body=json.dumps(refusal).encode()), {"totalSize": 0, "done": True, "records": []}):
        destination, sent = scripted(organization, answer, deletes_for_good=True)
        assert destination.account() == "00D000000000001AAA"
        assert len(sent) == 2
