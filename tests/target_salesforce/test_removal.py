"""Records are removed, over real HTTP, against the simulator: into the recycle bin, or for good."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.errors import (
    AuthError,
    InterruptedRunError,
    QuotaExhaustedError,
    UnknownOutcomeError,
)
from reverse_etl_core.operations import (
    Batch,
    Missing,
    Operation,
    Outcome,
    RejectCode,
    Rejected,
    Removed,
    Unattempted,
    Verb,
    Written,
)
from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.transport import Reply
from target_salesforce import hard_delete, limits
from target_salesforce.bulk import BulkJobs
from target_salesforce.errors import NotFoundError
from target_salesforce.objects import sobject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conftest import Org

    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.transport import Request
    from target_salesforce.destination import SalesforceDestination

SEED = {
    "salesforce": {
        "objects": [
            {
                "name": "Invoice__c",
                "fields": [{"name": "Account__c", "type": "reference", "to": "Account", "master_detail": True}],
            },
            {
                "name": "Lock__c",
                "fields": [{"name": "Account__c", "type": "reference", "to": "Account", "restricted_delete": True}],
            },
        ],
        "not_deletable": ["Campaign"],
    }
}
WAYS = ["archive", "delete"]
COLLECTIONS, JOBS = "*/composite/sobjects*", "*/jobs/ingest*"
NOBODY = "001000000000001AAA"


@pytest.fixture(autouse=True)
def _quick(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    """The permission for good deletions is there; jobs take no time, and are not waited for."""
    allow(org)
    monkeypatch.setattr(hard_delete, "FIRST_POLL_S", 0.01)


def allow(org: Org, **more: Any) -> None:
    """Grant "Bulk API Hard Delete", and more limits."""
    settings = {"bulk_hard_delete": True, "bulk_seconds_per_batch": 0, **more}
    org.control("PUT", "limits", {"salesforce": settings})


@pytest.fixture
def accounts(salesforce: SalesforceDestination) -> ObjectSchema:
    """The live schema of accounts."""
    return salesforce.describe("Account")


def removal(schema: ObjectSchema, way: str, *ids: str) -> Batch:
    """A batch that removes these records; their operations have the content that the ledger knows."""
    operations = tuple(Operation(f"s{n}", f"k{n}", {"Name": "Acme"}, one) for n, one in enumerate(ids))
    return Batch(Verb.REMOVE, schema, "External_Id__c", operations, removal=way)


def in_order(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes in the order of their records."""
    return sorted(outcomes, key=lambda one: int(one.source_key[1:]))


def removed(count: int) -> list[Outcome]:
    """So many records are away."""
    return [Removed(f"s{number}") for number in range(count)]


def rejected(outcome: Outcome) -> Rejected:
    """A rejection."""
    assert isinstance(outcome, Rejected), outcome
    return outcome


def new_accounts(org: Org, count: int) -> list[str]:
    """Ids of new accounts."""
    return [org.create("Account", Name=f"A{number}") for number in range(count)]


def binned(org: Org, object_name: str = "Account") -> set[str]:
    """Ids in the recycle bin."""
    found = org.api("GET", f"queryAll?q=SELECT+Id+FROM+{object_name}+WHERE+IsDeleted=true")
    return {one["Id"] for one in found["records"]}


def deletions(org: Org) -> list[str]:
    """Ids of the records whose deletion the journal tells, one for each time."""
    entries = org.control("GET", "journal?limit=10000")["entries"]
    return [one["id"] for one in entries if one["event"] == "record_deleted"]


# -- what there is


def test_what_can_be_deleted_can_be_removed(org: Org, salesforce: SalesforceDestination) -> None:
    """In two ways, of which the final one says so; with `api: rest`, and where jobs are not used otherwise, too."""
    ways = {one.name: one for one in salesforce.describe("Account").removals}
    assert list(ways) == WAYS
    assert [one.is_final for one in ways.values()] == [False, True]
    assert [one.records_per_request for one in ways.values()] == [200, 10_000]
    assert org.connect(api="auto").describe("Lead").removals == salesforce.describe("Account").removals
    assert salesforce.describe("Campaign").removals == ()
    assert sobject({"name": "X"}, jobs=None).schema.removals == ()


# -- archive


def test_archived_records_lie_in_the_bin(org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema) -> None:
    """200 go by one request; others stay."""
    *gone, stays = new_accounts(org, 201)
    before = org.count("/composite/sobjects")
    assert salesforce.write(removal(accounts, "archive", *gone)) == removed(200)
    assert org.count("/composite/sobjects") == before + 1
    assert binned(org) == set(gone)
    assert salesforce.find(accounts, "Id", [*gone, stays]) == {stays: [stays]}


def test_archived_details_lie_in_the_bin_too(org: Org, salesforce: SalesforceDestination) -> None:
    """As Salesforce deletes them along; to remove them afterwards is to find them removed."""
    (account,) = new_accounts(org, 1)
    invoices = [org.create("Invoice__c", Account__c=account) for _ in range(3)]
    assert salesforce.write(removal(salesforce.describe("Account"), "archive", account)) == removed(1)
    assert salesforce.write(removal(salesforce.describe("Invoice__c"), "archive", *invoices)) == removed(3)
    assert binned(org, "Invoice__c") == set(invoices)


# -- for good


def test_records_go_for_good(org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema) -> None:
    """By one job, past the recycle bin, with all that belongs to them."""
    *gone, stays = new_accounts(org, 301)
    org.create("Invoice__c", Account__c=gone[0])
    assert in_order(salesforce.write(removal(accounts, "delete", *gone))) == removed(300)
    assert org.count("/jobs/ingest", "POST") == 1
    assert binned(org) == binned(org, "Invoice__c") == set()
    assert salesforce.find(accounts, "Id", [*gone, stays]) == {stays: [stays]}
    assert list(org.folder.iterdir()) == []


def test_without_the_permission_nobody_deletes_for_good(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """The run ends with what to grant, or what to do instead."""
    (account,) = new_accounts(org, 1)
    allow(org, bulk_hard_delete=False)
    with pytest.raises(AuthError, match="'Bulk API Hard Delete', or set 'on_removed' to archive"):
        salesforce.write(removal(accounts, "delete", account))
    assert org.read("Account", account)["Name"] == "A0"


def test_records_of_the_bin_are_away_already(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """A deletion for good does not reach them: they leave the bin after 15 days."""
    first, second = new_accounts(org, 2)
    salesforce.write(removal(accounts, "archive", first))
    assert in_order(salesforce.write(removal(accounts, "delete", first, second))) == removed(2)
    assert binned(org) == {first}


def test_an_ended_quota_of_jobs_ends_the_run(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """Before anything is sent, with the way on."""
    (account,) = new_accounts(org, 1)
    allow(org, bulk_batches=5, bulk_batches_used=5)
    with pytest.raises(QuotaExhaustedError, match="set 'on_removed' to 'archive'"):
        salesforce.write(removal(accounts, "delete", account))
    assert binned(org) == set()


def test_threads_delete_one_after_the_other(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """Jobs are used by one thread at a time, whoever calls."""
    ids = new_accounts(org, 20)
    batches = [removal(accounts, "delete", *ids[start : start + 5]) for start in range(0, 20, 5)]
    with ThreadPoolExecutor(4) as pool:
        outcomes = [one for some in pool.map(salesforce.write, batches) for one in some]
    assert all(isinstance(one, Removed) for one in outcomes)
    assert org.live("Account") == 0


# -- both


@pytest.mark.parametrize("way", WAYS)
def test_a_repeated_removal_removes_nothing_more(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, way: str
) -> None:
    """What is away is `Removed`: by us, by a person, merged, or never there."""
    ids = new_accounts(org, 3)
    org.api("DELETE", f"sobjects/Account/{ids[0]}")
    batch = removal(accounts, way, *ids, NOBODY)
    assert in_order(salesforce.write(batch)) == removed(4)
    before = deletions(org)
    assert in_order(salesforce.write(batch)) == removed(4)
    assert deletions(org) == before
    assert sorted(before) == sorted(ids)


@pytest.mark.parametrize("way", WAYS)
def test_one_record_by_two_names_is_removed_once(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, way: str
) -> None:
    """Also where one id has 15 characters and the other one 18; each operation has its outcome."""
    first, second = new_accounts(org, 2)
    assert in_order(salesforce.write(removal(accounts, way, first, first[:15], second))) == removed(3)
    assert sorted(deletions(org)) == [first, second]


@pytest.mark.parametrize("way", WAYS)
def test_each_record_has_an_outcome_of_its_own(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, way: str
) -> None:
    """Removed, away, held by another record, and no id at all."""
    good, held, gone = new_accounts(org, 3)
    org.create("Lock__c", Account__c=held)
    org.api("DELETE", f"sobjects/Account/{gone}")
    found = in_order(salesforce.write(removal(accounts, way, good, held, gone, "no id")))
    assert (found[0], found[2]) == (Removed("s0"), Removed("s2"))
    refusal = rejected(found[1])
    assert (refusal.code, refusal.vendor_code) == (RejectCode.VENDOR_REFUSED, "DELETE_FAILED")
    assert "A1" not in refusal.reason  # the message names the record
    assert rejected(found[3]).vendor_code == "MALFORMED_ID"
    assert org.read("Account", held)["Name"] == "A1"


def test_a_record_that_may_not_be_deleted_is_rejected(org: Org, salesforce: SalesforceDestination) -> None:
    """Each says what to grant; a job is not even opened."""
    campaign = org.create("Campaign", Name="Spring")
    schema = replace(salesforce.describe("Campaign"), removals=(limits.ARCHIVE, limits.HARD_DELETE))
    (outcome,) = salesforce.write(removal(schema, "archive", campaign))
    assert rejected(outcome).code is RejectCode.PERMISSION
    assert "may not delete this record" in rejected(outcome).reason
    with pytest.raises(AuthError, match="may not delete records of this object"):
        salesforce.write(removal(schema, "delete", campaign))


# -- what others hold


def test_locked_records_are_archived_in_smaller_requests(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """They get through, none of them twice."""
    ids = new_accounts(org, 60)
    org.faults({"kind": "row_lock", "path": COLLECTIONS, "rows_over": 10, "probability": 0.5})
    assert in_order(salesforce.write(removal(accounts, "archive", *ids))) == removed(60)
    assert sorted(deletions(org)) == sorted(ids)


def test_locked_records_are_deleted_by_another_job(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """With those only that were locked."""
    ids = new_accounts(org, 40)
    org.faults({"kind": "row_lock", "path": JOBS, "probability": 0.5, "times": 15, "seed": 1})
    assert in_order(salesforce.write(removal(accounts, "delete", *ids))) == removed(40)
    assert sorted(deletions(org)) == sorted(ids)
    assert org.count("/jobs/ingest", "POST") == 2


@pytest.mark.parametrize(("way", "path"), [("archive", COLLECTIONS), ("delete", JOBS)])
def test_records_that_stay_locked_are_rejected(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, way: str, path: str
) -> None:
    """With Salesforce's code, after a bounded number of attempts."""
    ids = new_accounts(org, 2)
    org.faults({"kind": "row_lock", "path": path})
    for outcome in salesforce.write(removal(accounts, way, *ids)):
        assert rejected(outcome).vendor_code == "UNABLE_TO_LOCK_ROW"
    assert org.count("/jobs/ingest", "POST") == (hard_delete.JOBS_PER_BATCH if way == "delete" else 0)
    assert org.live("Account") == 2


# -- what gets lost


@pytest.mark.parametrize(
    "kind", ["cut_before", "cut_after", "502_after_commit", "truncated", "timeout", "503", "html_error", "429"]
)
def test_an_archive_survives_trouble(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, kind: str
) -> None:
    """It is repeated, and what the first attempt removed counts as removed."""
    ids = new_accounts(org, 3)
    org.faults({"kind": kind, "path": COLLECTIONS, "method": "DELETE", "times": 1, "seconds": 2.5})
    assert in_order(salesforce.write(removal(accounts, "archive", *ids))) == removed(3)
    assert sorted(deletions(org)) == sorted(ids)


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "502_after_commit", "503"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "GET"])
def test_a_deletion_for_good_survives_trouble(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, kind: str, method: str
) -> None:
    """When its job is opened, filled, started, and asked."""
    ids = new_accounts(org, 3)
    org.faults({"kind": kind, "path": JOBS, "method": method, "times": 1})
    assert in_order(salesforce.write(removal(accounts, "delete", *ids))) == removed(3)
    assert sorted(deletions(org)) == sorted(ids)


def test_a_deletion_whose_results_are_lost_is_repeated(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """The error is one that passes; the same batch again finds everything removed."""
    ids = new_accounts(org, 3)
    org.faults({"kind": "503", "path": "*Results"})
    with pytest.raises(UnknownOutcomeError):
        salesforce.write(removal(accounts, "delete", *ids))
    assert sorted(deletions(org)) == sorted(ids)
    org.faults()
    assert in_order(salesforce.write(removal(accounts, "delete", *ids))) == removed(3)
    assert sorted(deletions(org)) == sorted(ids)


def test_what_a_failed_job_left_is_deleted_by_the_next_one(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """A job that met too many locks has done a part of its records."""
    ids = new_accounts(org, 250)
    org.faults({"kind": "job_failure", "path": JOBS, "after": 1, "times": 1})
    assert in_order(salesforce.write(removal(accounts, "delete", *ids))) == removed(250)
    assert sorted(deletions(org)) == sorted(ids)


def test_jobs_that_never_do_anything_leave_records_for_another_run(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """Nothing is said of records that nobody tried."""
    ids = new_accounts(org, 2)
    org.faults({"kind": "job_failure", "path": JOBS})
    assert in_order(salesforce.write(removal(accounts, "delete", *ids))) == [Unattempted("s0"), Unattempted("s1")]
    assert org.count("/jobs/ingest", "POST") == hard_delete.JOBS_PER_BATCH


def test_a_look_that_fails_takes_nothing_for_removed(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """An id that leads nowhere is tried again as long as nobody can say that the record is away."""
    first, second = new_accounts(org, 2)
    org.api("DELETE", f"sobjects/Account/{first}")
    org.faults({"kind": "503", "path": "*/query"})
    found = in_order(salesforce.write(removal(accounts, "archive", first, second)))
    assert found == [Unattempted("s0"), Removed("s1")]


def test_a_job_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    """Nobody knows what it did; repeating it is safe."""
    replies = {"POST": {"id": "750000000000001AAA"}, "PUT": None, "PATCH": {}}

    def send(request: Request) -> Reply:
        if request.path.endswith("/limits"):
            return Reply(200, body=b"{}")
        if request.method == "GET":
            raise NotFoundError
        return Reply(200, body=json.dumps(replies[request.method]).encode())

    known = sobject({"name": "Account", "fields": [{"name": "Name", "type": "string"}]}, jobs=None)
    jobs = BulkJobs(send, lambda _name: known, "67.0", folder=tmp_path)
    final = hard_delete.HardDelete(jobs, sleep=lambda _s: False, rng=random.Random(1), policy=RetryPolicy())  # noqa: S311
    with pytest.raises(UnknownOutcomeError, match="nobody knows what it deleted"):
        final.answers(removal(known.schema, "delete", NOBODY))


def test_a_run_that_is_stopped_does_not_wait(org: Org, salesforce: SalesforceDestination) -> None:
    """The job goes on; the next run finds its records removed."""
    ids = new_accounts(org, 2)
    allow(org, bulk_seconds_per_batch=1)
    accounts = salesforce.describe("Account")
    threading.Timer(0.3, org.stop.set).start()
    with pytest.raises(InterruptedRunError, match="next run"):
        salesforce.write(removal(accounts, "delete", *ids))
    org.stop.clear()
    assert in_order(org.connect().write(removal(accounts, "delete", *ids))) == removed(2)


@pytest.mark.parametrize("fault", [{"kind": "503"}, {"kind": "429", "policy": "DAILY"}])
def test_an_error_of_a_later_job_loses_nothing(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, fault: dict[str, Any]
) -> None:
    """What the first one did is told, and what it could not do."""
    ids = new_accounts(org, 2)
    locked = {"kind": "row_lock", "path": JOBS, "times": 1}
    org.faults(locked, {"path": "*/jobs/ingest", "method": "POST", "after": 1, **fault})
    found = salesforce.write(removal(accounts, "delete", *ids))
    assert sorted(type(one).__name__ for one in found) == ["Removed", "Unattempted"]


# -- afterwards


@pytest.mark.parametrize("way", WAYS)
def test_a_record_that_returns_is_a_new_one(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, way: str
) -> None:
    """An upsert by its external id does not see the recycle bin; an update by the old id finds nothing."""
    row = Operation("s0", "a1", {"External_Id__c": "A1", "Name": "Acme"})
    (first,) = salesforce.write(Batch(Verb.UPSERT, accounts, "External_Id__c", (row,)))
    assert isinstance(first, Written)
    old = first.destination_id
    salesforce.write(removal(accounts, way, old))
    assert salesforce.read(accounts, "External_Id__c", ["a1"], ["Name"]) == {}
    update = Operation("s0", "a1", {"Name": "Acme"}, old)
    assert salesforce.write(Batch(Verb.UPDATE, accounts, "External_Id__c", (update,))) == [Missing("s0")]
    (second,) = salesforce.write(Batch(Verb.UPSERT, accounts, "External_Id__c", (row,)))
    assert isinstance(second, Written)
    assert (second.created, second.destination_id == old) == (True, False)
    assert binned(org) == ({old} if way == "archive" else set())


def test_values_stay_out_of_what_is_logged(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, caplog: pytest.LogCaptureFixture
) -> None:
    """Only numbers of records and names of objects and jobs (G7)."""
    caplog.set_level("DEBUG")
    held = org.create("Account", Name="SECRETVALUE")
    org.create("Lock__c", Account__c=held)
    for way in WAYS:
        (outcome,) = salesforce.write(removal(accounts, way, held))
        assert "SECRETVALUE" not in rejected(outcome).reason
    assert "SECRETVALUE" not in caplog.text
    assert list(org.folder.iterdir()) == []
