"""Bulk jobs over real HTTP, against the simulator."""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import requests

from reverse_etl_core import identity
from reverse_etl_core.destination import JobState
from reverse_etl_core.errors import (
    EXIT_CONFIG,
    AuthError,
    FatalError,
    JobFailedError,
    QuotaExhaustedError,
    ReverseETLError,
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
from reverse_etl_core.ratelimit import LimitReading, Rate, RateLimiter
from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.schema import Field, FieldType, Limits, ObjectSchema, Reference
from reverse_etl_core.traffic import Traffic
from reverse_etl_core.transport import Reply, Request, Transport
from saas_simulators import SimulatorServer
from target_salesforce import errors
from target_salesforce.bulk import BulkJobs
from target_salesforce.objects import Relationship, SObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

VERSION = "67.0"
ROOT = f"/services/data/v{VERSION}"
KEY = Field("External_Id__c", FieldType.STRING, is_key=True, is_case_sensitive=False)
FIELDS = {
    "External_Id__c": KEY,
    "Name": Field("Name", FieldType.STRING),
    "LastName": Field("LastName", FieldType.STRING),
    "Score__c": Field("Score__c", FieldType.NUMBER),
    "AccountId": Field("AccountId", FieldType.STRING, references=("Account",)),
}
RELATIONSHIPS = {"AccountId": Relationship("Account", ("Account",), is_polymorphic=False)}
NEVER = "750000000000000AAA"


class Dialect:
    """What replies mean, without the account's limits."""

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """As the target sees it."""
        return errors.failure(request, reply)

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """Nothing of interest here."""
        del request, reply
        return LimitReading()


class Token:
    """A token that never expires."""

    def authorization(self) -> str:
        """Any token will do."""
        return "Bearer 00D5g000000001!token-of-the-test"

    def renew(self, refused: str) -> bool:
        """There is no other one."""
        del refused
        return False


@dataclass
class Org:
    """A simulated org, the jobs under test, and what else a test asks."""

    url: str
    folder: Path
    traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        """Connect."""
        self.session = requests.Session()
        self.send = Transport(
            self.url,
            dialect=Dialect(),
            limiter=RateLimiter({"default": Rate(10_000, 1.0)}, clock=time.monotonic, sleep=time.sleep),
            credentials=Token(),
            traffic=self.traffic,
            user_agent="test",
            stop=threading.Event(),
            policy=RetryPolicy(attempts=4, base_s=0.01, cap_s=0.02),
        ).send
        self.jobs = self.new_run()

    @staticmethod
    def sobject_of(name: str) -> SObject:
        """What the target knows of any object."""
        return SObject(ObjectSchema(name, FIELDS, Limits(200)), RELATIONSHIPS, frozenset())

    def new_run(self, version: str = VERSION, **options: Any) -> BulkJobs:
        """The jobs as a run sees them that knows of no earlier one."""
        return BulkJobs(self.send, self.sobject_of, version, folder=self.folder, **options)

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Ask or tell the simulator itself."""
        reply = self.session.request(method, f"{self.url}/_simulator/{path}", json=body, timeout=10)
        assert reply.ok, reply.text
        return reply.json()

    def faults(self, *rules: Mapping[str, object]) -> None:
        """Put these faults in force."""
        self.control("PUT", "faults", list(rules))

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request beside the client under test."""
        headers = {"Authorization": Token().authorization()}
        reply = self.session.request(method, self.url + ROOT + path, json=body, headers=headers, timeout=10)
        assert reply.ok, reply.text
        return reply.json() if reply.content else None

    def records(self, fields: str = "Id,External_Id__c,Name,Score__c", object_name: str = "Account") -> dict[str, Any]:
        """What the org holds, by external id."""
        query = f"SELECT {fields} FROM {object_name} WHERE External_Id__c != null"  # noqa: S608 - of the test itself
        found = self.call("GET", f"/query?q={query}")["records"]
        return {one["External_Id__c"]: one for one in found}

    def requests_of(self, method: str) -> int:
        """How many requests of a verb the simulator has got for jobs."""
        counts = self.control("GET", "requests?last=1")["counts"]
        return sum(one["count"] for one in counts if one["method"] == method and "jobs/ingest" in one["route"])

    def ended(self, job_id: str, jobs: BulkJobs | None = None) -> None:
        """Wait for the end of a job."""
        for _ in range(400):
            if (jobs or self.jobs).state(job_id) is JobState.ENDED:
                return
            time.sleep(0.01)
        raise AssertionError(job_id)

    def run(self, batch: Batch) -> dict[str, Outcome]:
        """A whole job."""
        job_id = self.jobs.open(batch)
        self.jobs.submit(job_id, batch)
        self.ended(job_id)
        return self.read(job_id, batch)

    def read(self, job_id: str, batch: Batch, jobs: BulkJobs | None = None) -> dict[str, Outcome]:
        """The outcomes of an ended job: one for each operation."""
        outcomes = list((jobs or self.jobs).outcomes(job_id, batch))
        assert sorted(one.source_key for one in outcomes) == sorted(one.source_key for one in batch.operations)
        return {one.source_key: one for one in outcomes}


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    """An org whose jobs take no time."""
    with SimulatorServer() as server:
        one = Org(server.url, tmp_path / "jobs")
        one.control("PUT", "limits", {"salesforce": {"bulk_seconds_per_batch": 0}})
        with one.session:
            yield one
        assert not list(one.folder.glob("*")), "files with records are left behind"


def operation(key: str, *, destination_id: str | None = None, **fields: Any) -> Operation:
    """An operation as core makes it; `s-<key>` is its source key."""
    return Operation(f"s-{key}", key.lower(), identity.EncodedFields(identity.encode(fields)), destination_id)


def account(key: str, **fields: Any) -> Operation:
    """An account by external id."""
    return operation(key, External_Id__c=key, **{"Name": f"Account {key}", **fields})


def batch_of(
    operations: Sequence[Operation],
    verb: Verb = Verb.UPSERT,
    object_name: str = "Account",
    references: Mapping[str, Reference] | None = None,
) -> Batch:
    """A batch by external id."""
    schema = ObjectSchema(object_name, FIELDS, Limits(200), upsert_fields=frozenset({"External_Id__c"}))
    return Batch(verb, schema, "External_Id__c", tuple(operations), references or {})


# -- the ordinary way


def test_an_upsert_job_creates_and_updates(org: Org) -> None:
    """Each record gets its own id, and tells whether it is new; texts arrive as they are."""
    first = org.run(batch_of([account("a"), account("b")]))
    hostile = 'Quote " comma , CR \r LF \n end'
    second = org.run(batch_of([account("b", Name=hostile, Score__c=2.5), account("c", Name="ß𝔊")]))
    records = org.records()
    assert {key: record["Name"] for key, record in records.items()} == {"a": "Account a", "b": hostile, "c": "ß𝔊"}
    assert records["b"]["Score__c"] == 2.5
    assert first["s-a"] == Written("s-a", records["a"]["Id"], created=True)
    assert second["s-b"] == Written("s-b", records["b"]["Id"], created=False)
    assert second["s-c"] == Written("s-c", records["c"]["Id"], created=True)


def test_absent_leaves_alone_and_null_clears(org: Org) -> None:
    """An absent field keeps its value though other rows have one; null and an empty text clear it."""
    org.run(batch_of([account(key, Score__c=1) for key in "abc"]))
    rows = [account("a", Score__c=None), account("b", Score__c=5), account("c")]
    org.run(batch_of(rows))
    assert {key: one["Score__c"] for key, one in org.records().items()} == {"a": None, "b": 5, "c": 1}


def test_many_rows_are_joined_by_key_and_not_by_order(org: Org) -> None:
    """Results come in another order than the rows were sent in."""
    outcomes = org.run(batch_of([account(f"K{n}") for n in range(2_000)]))
    records = org.records()
    for n in range(2_000):
        assert outcomes[f"s-K{n}"] == Written(f"s-K{n}", records[f"K{n}"]["Id"], created=True)


def test_an_insert_job_creates(org: Org) -> None:
    """Inserted records are joined by the match field; a value that is taken is refused."""
    org.run(batch_of([account("a")]))
    outcomes = org.run(batch_of([account("a"), account("b")], Verb.CREATE))
    assert outcomes["s-b"] == Written("s-b", org.records()["b"]["Id"], created=True)
    assert isinstance(outcomes["s-a"], Rejected)
    assert outcomes["s-a"].vendor_code == "DUPLICATE_VALUE"


@pytest.mark.parametrize("length", [15, 18])
def test_an_update_job_writes_by_record_id(org: Org, length: int) -> None:
    """Ids of 15 and of 18 characters name the record; the match field need not be sent."""
    org.run(batch_of([account("a"), account("b")]))
    records = org.records()
    batch = batch_of(
        [operation(key, destination_id=records[key]["Id"][:length], Name=f"New {key}") for key in "ab"], Verb.UPDATE
    )
    assert all(isinstance(one, Written) and not one.created for one in org.run(batch).values())
    assert [one["Name"] for one in org.records().values()] == ["New a", "New b"]


def test_one_record_under_two_spellings_of_its_id(org: Org) -> None:
    """The second one is sent by a request: results could not tell the two apart."""
    org.run(batch_of([account("a")]))
    record_id = org.records()["a"]["Id"]
    rows = [operation("a", destination_id=record_id, Name="1"), operation("b", destination_id=record_id[:15], Name="2")]
    assert org.run(batch_of(rows, Verb.UPDATE))["s-b"] == Unattempted("s-b", is_contended=True)


def test_a_refused_row_does_not_spoil_the_others(org: Org) -> None:
    """The row that lacks a required field is rejected by name of the field, the other is written."""
    outcomes = org.run(batch_of([account("a"), account("b", Name=None)]))
    assert isinstance(outcomes["s-a"], Written)
    refused = outcomes["s-b"]
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.vendor_code) == (RejectCode.REQUIRED_FIELD, "REQUIRED_FIELD_MISSING")
    assert "Name" in refused.reason


def test_a_value_of_the_wrong_type_is_refused_without_being_quoted(org: Org) -> None:
    """Bulk answers INVALID_FIELD for a value that it cannot read."""
    refused = org.run(batch_of([account("a", Score__c="Bond-007")]))["s-a"]
    assert isinstance(refused, Rejected)
    assert refused.code is RejectCode.INVALID_VALUE
    assert "Bond" not in refused.reason


def test_a_record_that_is_gone_is_missing(org: Org) -> None:
    """An update of a deleted record has to find it anew."""
    org.run(batch_of([account("a")]))
    record_id = org.records()["a"]["Id"]
    org.call("DELETE", f"/sobjects/Account/{record_id}")
    outcome = org.run(batch_of([operation("a", destination_id=record_id, Name="New")], Verb.UPDATE))["s-a"]
    assert type(outcome).__name__ == "Missing"


def test_rows_that_are_locked_go_by_requests(org: Org) -> None:
    """A lock says that the row should travel with fewer others."""
    org.faults({"kind": "row_lock", "path": "*"})
    assert org.run(batch_of([account("a")])) == {"s-a": Unattempted("s-a", is_contended=True)}


def test_rows_that_a_job_cannot_carry_go_by_requests(org: Org) -> None:
    """A text that reads like null, and a key with blanks, are not sent by a job."""
    rows = [account("a"), account("b", Name="#N/A"), account("c ")]
    outcomes = org.run(batch_of(rows))
    assert list(org.records()) == ["a"]
    assert [outcomes["s-b"], outcomes["s-c "]] == [Unattempted(f"s-{key}", is_contended=True) for key in ("b", "c ")]


# -- references


def contact(key: str, parent: str | None) -> Operation:
    """A contact whose account is named by key."""
    return operation(key, External_Id__c=key, LastName=key, AccountId=parent)


@pytest.mark.parametrize("is_optional", [True, False])
def test_a_reference_by_key_finds_its_parent(org: Org, is_optional: bool) -> None:  # noqa: FBT001
    """A parent that is not there rejects the record, or sends it to where the reference can be left out."""
    org.run(batch_of([account("p")]))
    parent_id = org.records()["p"]["Id"]
    references = {"AccountId": Reference("Account", KEY, is_optional=is_optional)}
    batch = batch_of([contact("a", "p"), contact("b", "nobody")], object_name="Contact", references=references)
    outcomes = org.run(batch)
    found = org.records("External_Id__c,AccountId", "Contact")
    assert {key: one["AccountId"] for key, one in found.items()} == {"a": parent_id}
    refused = outcomes["s-b"]
    if is_optional:
        assert refused == Unattempted("s-b", is_contended=True)
    else:
        assert isinstance(refused, Rejected)
        assert refused.code is RejectCode.REFERENCE_NOT_FOUND


def test_a_null_reference_is_cleared(org: Org) -> None:
    """Null in the column of a relationship takes the parent away."""
    org.run(batch_of([account("p")]))
    references = {"AccountId": Reference("Account", KEY)}
    for parent in ("p", None):
        org.run(batch_of([contact("a", parent)], object_name="Contact", references=references))
    assert org.records("External_Id__c,AccountId", "Contact")["a"]["AccountId"] is None


# -- jobs that fail


def test_a_column_that_nobody_knows_names_its_field(org: Org) -> None:
    """Every row would fail again: the run stops and says which field, and what to do."""
    with pytest.raises(JobFailedError, match=r"Field 'Nope__c' of 'Account'.*read and edit access") as caught:
        org.run(batch_of([account("a", Nope__c="x")]))
    assert caught.value.exit_code == EXIT_CONFIG


def test_a_relationship_that_nobody_knows_names_its_field(org: Org) -> None:
    """The user knows the reference by its field, not by the header of its column."""
    references = {"AccountId": Reference("Account", Field("Nope__c", FieldType.STRING))}
    with pytest.raises(JobFailedError, match="Field 'AccountId' of 'Contact'"):
        org.run(batch_of([contact("a", "p")], object_name="Contact", references=references))


def test_a_job_that_failed_for_what_lasts_stops_the_run(org: Org) -> None:
    """A job whose code nobody here can cure is named, with where to look it up."""
    batch = batch_of([account("a")])
    job_id = org.jobs.open(batch)
    headers = {"Authorization": Token().authorization(), "Content-Type": "text/csv"}
    org.session.put(f"{org.url}{ROOT}/jobs/ingest/{job_id}/batches", data="Name\n", headers=headers, timeout=10)
    org.call("PATCH", f"/jobs/ingest/{job_id}", {"state": "UploadComplete"})
    org.ended(job_id)
    with pytest.raises(JobFailedError, match=rf"{job_id} for 'Account' failed with ClientInputError"):
        org.read(job_id, batch)


@pytest.mark.parametrize("policy", ["TooManyLockFailure", "Timeout"])
def test_what_a_failed_job_has_written_counts(org: Org, caplog: pytest.LogCaptureFixture, policy: str) -> None:
    """The rest was not attempted; one warning names the job and its code, and no value."""
    org.faults({"kind": "job_failure", "path": "*", "policy": policy, "after": 1})
    with caplog.at_level(logging.WARNING):
        outcomes = org.run(batch_of([account(f"Quux{n}") for n in range(500)]))
    written = [one for one in outcomes.values() if isinstance(one, Written)]
    assert len(written) == len(org.records()) == 200
    assert [one for one in outcomes.values() if not isinstance(one, Written)] == [
        Unattempted(key) for key, one in outcomes.items() if not isinstance(one, Written)
    ]
    assert policy in caplog.text
    assert "Quux" not in caplog.text
    assert len(caplog.records) == 1


def test_an_aborted_job_has_attempted_nothing(org: Org) -> None:
    """A job that was closed for good before it started."""
    batch = batch_of([account("a")])
    job_id = org.jobs.open(batch)
    org.jobs.abort(job_id)
    assert org.jobs.state(job_id) is JobState.ENDED
    assert org.read(job_id, batch) == {"s-a": Unattempted("s-a")}


def test_what_a_failed_job_may_have_created_is_looked_for(org: Org) -> None:
    """The counters of a failed job are not reliable: an insert of which no file tells is not sent again blindly."""
    batch = batch_of([account("a")], Verb.CREATE)
    job_id = org.jobs.open(batch)
    org.jobs.abort(job_id)
    assert org.read(job_id, batch) == {"s-a": Unanswered("s-a")}


def test_the_quota_of_batches_stops_before_the_first_job(org: Org) -> None:
    """Nothing is opened when the day's batches are used up."""
    org.control("PUT", "limits", {"salesforce": {"bulk_batches": 3, "bulk_batches_used": 3}})
    with pytest.raises(QuotaExhaustedError, match="DailyBulkApiBatches"):
        org.jobs.open(batch_of([account("a")]))
    assert org.requests_of("POST") == 0


def test_the_quota_is_read_once(org: Org) -> None:
    """One request tells for the whole run."""
    for key in "ab":
        org.jobs.open(batch_of([account(key)]))
    assert org.traffic.requests == 3


def test_a_job_that_meets_the_quota_is_the_last_one(org: Org) -> None:
    """The batches ran out while the job was under way: no other one is opened in this run."""
    org.control("PUT", "limits", {"salesforce": {"bulk_batches": 1, "bulk_seconds_per_batch": 0}})
    batch = batch_of([account("a")])
    job_id = org.jobs.open(batch)
    org.control("PUT", "limits", {"salesforce": {"bulk_batches": 1, "bulk_batches_used": 1}})
    org.jobs.submit(job_id, batch)
    org.ended(job_id)
    assert org.read(job_id, batch) == {"s-a": Unattempted("s-a")}
    org.control("PUT", "limits", {"salesforce": {"bulk_batches": 100}})
    with pytest.raises(QuotaExhaustedError):
        org.jobs.open(batch)


# -- states


def test_states_of_a_job(org: Org) -> None:
    """Open, ended, and forgotten."""
    batch = batch_of([account("a")])
    job_id = org.jobs.open(batch)
    assert org.jobs.state(job_id) is JobState.OPEN
    org.control("PUT", "limits", {"salesforce": {"bulk_seconds_per_batch": 5}})
    org.jobs.submit(job_id, batch)
    assert org.jobs.state(job_id) is JobState.RUNNING
    org.jobs.abort(job_id)
    assert org.jobs.state(job_id) is JobState.ENDED
    assert org.jobs.state(NEVER) is JobState.UNKNOWN


def test_an_abort_that_comes_too_late_is_no_error(org: Org) -> None:
    """A job that has ended, or is gone, stays as it is."""
    batch = batch_of([account("a")])
    job_id = org.jobs.open(batch)
    org.jobs.submit(job_id, batch)
    org.ended(job_id)
    org.jobs.abort(job_id)
    org.jobs.abort(NEVER)
    assert list(org.records()) == ["a"]


def test_a_job_that_is_gone_has_no_outcomes(org: Org) -> None:
    """Salesforce keeps jobs for seven days."""
    with pytest.raises(UnknownOutcomeError, match="seven days"):
        list(org.jobs.outcomes(NEVER, batch_of([account("a")])))


def test_results_are_read_in_the_version_of_the_job(org: Org) -> None:
    """A job of an earlier run may have another version, and answers 409 to any but its own."""
    batch = batch_of([account("a")])
    old = org.new_run("60.0")
    job_id = old.open(batch)
    old.submit(job_id, batch)
    org.ended(job_id)
    assert isinstance(org.read(job_id, batch)["s-a"], Written)


def test_rows_of_another_batch_are_counted_and_ignored(org: Org, caplog: pytest.LogCaptureFixture) -> None:
    """A run that takes over a job with fewer records still gets one outcome for each of its own."""
    job_id = org.jobs.open(batch_of([]))
    both = batch_of([account("a"), account("b")])
    org.jobs.submit(job_id, both)
    org.ended(job_id)
    with caplog.at_level(logging.WARNING):
        outcomes = org.read(job_id, batch_of([account("b"), account("c")]))
    assert isinstance(outcomes["s-b"], Written)
    assert outcomes["s-c"] == Unattempted("s-c")
    assert "1 rows of its results belong to no record" in caplog.text


def test_a_file_that_is_full_leaves_the_rest_for_later(org: Org) -> None:
    """Rows beyond 100 MB stay out of the job; its results show that they were not attempted."""
    org.jobs = org.new_run(most_bytes=150)
    outcomes = org.run(batch_of([account(f"K{n}") for n in range(10)]))
    assert 0 < sum(isinstance(one, Written) for one in outcomes.values()) == len(org.records()) < 10
    assert {type(one) for one in outcomes.values()} == {Written, Unattempted}


# -- lost replies

LOST = ["cut_after", "502_after_commit", "truncated"]
NEVER_GOT_THERE = ["cut_before", "503", "502"]


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        (kind, method, path)
        for (method, path), kind in itertools.product(
            [("POST", "*/jobs/ingest"), ("PUT", "*/batches"), ("PATCH", "*/jobs/ingest/*"), ("GET", "*/jobs/ingest/*")],
            LOST,
        )
    ],
)
@pytest.mark.parametrize("verb", [Verb.UPSERT, Verb.CREATE])
def test_a_lost_reply_changes_nothing(org: Org, kind: str, method: str, path: str, verb: Verb) -> None:
    """Opening, handing over, starting, asking and reading: each record is written once, and is known to be."""
    org.faults({"kind": kind, "method": method, "path": path, "times": 1})
    outcomes = org.run(batch_of([account("a"), account("b")], verb))
    records = org.records()
    assert outcomes == {f"s-{key}": Written(f"s-{key}", records[key]["Id"], created=True) for key in "ab"}
    found = org.call("GET", "/query?q=SELECT COUNT() FROM Account WHERE External_Id__c != null")
    assert found["totalSize"] == 2


@pytest.mark.parametrize("name", ["successfulResults", "failedResults", "unprocessedrecords"])
@pytest.mark.parametrize("kind", LOST)
def test_a_lost_result_file_is_fetched_again(org: Org, kind: str, name: str) -> None:
    """A file that was cut is not read."""
    org.faults({"kind": kind, "path": f"*/{name}", "times": 1})
    outcomes = org.run(batch_of([account("a"), account("b", Name=None), account("c", Name="#N/A")]))
    assert [type(one) for _, one in sorted(outcomes.items())] == [Written, Rejected, Unattempted]


@pytest.mark.parametrize("kind", NEVER_GOT_THERE)
@pytest.mark.parametrize("verb", [Verb.UPSERT, Verb.CREATE])
def test_an_upload_that_never_arrived_attempts_nothing(org: Org, kind: str, verb: Verb) -> None:
    """The job is started empty; its counters show that every record may be sent again at once."""
    org.faults({"kind": kind, "method": "PUT", "path": "*/batches", "times": 1})
    batch = batch_of([account("a"), account("b")], verb)
    assert org.run(batch) == {f"s-{key}": Unattempted(f"s-{key}") for key in "ab"}
    assert org.requests_of("PUT") <= 1
    assert all(isinstance(one, Written) for one in org.run(batch).values())


@pytest.mark.parametrize("kind", NEVER_GOT_THERE)
@pytest.mark.parametrize("method", ["POST", "PATCH", "GET"])
def test_other_requests_that_never_arrived_are_repeated(org: Org, kind: str, method: str) -> None:
    """Opening, starting, asking and reading may be repeated."""
    org.faults({"kind": kind, "method": method, "path": "*/jobs/ingest*", "times": 2})
    assert isinstance(org.run(batch_of([account("a")]))["s-a"], Written)


def test_a_job_that_cannot_be_started_stays_open(org: Org) -> None:
    """Attempts run out: the state tells that it never started."""
    org.faults({"kind": "503", "method": "PATCH", "path": "*/jobs/ingest/*"})
    batch = batch_of([account("a")])
    job_id = org.jobs.open(batch)
    with pytest.raises(UnknownOutcomeError):
        org.jobs.submit(job_id, batch)
    assert org.jobs.state(job_id) is JobState.OPEN


def test_a_job_that_is_gone_cannot_be_submitted(org: Org) -> None:
    """A refusal that is not about its state is passed on."""
    with pytest.raises(ReverseETLError):
        org.jobs.submit(NEVER, batch_of([account("a")]))


def test_files_are_for_this_user_only(org: Org) -> None:
    """What a job sends lies in a file of mode 0600 while it is sent."""
    modes: list[tuple[int, int]] = []

    def watched(request: Request) -> Reply:
        files = [path for path in (request.upload, request.download) if path is not None]
        modes.extend((file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) for file in files)
        return org.send(request)

    org.jobs = BulkJobs(watched, org.sobject_of, VERSION, folder=org.folder)
    org.run(batch_of([account("a")]))
    assert set(modes) == {(0o600, 0o700)}


@pytest.mark.parametrize("age_s", [60, 100_000])
def test_files_of_killed_runs_are_removed_in_the_end(org: Org, age_s: int) -> None:
    """What a killed run left behind goes after a day; before, another run may be at it."""
    org.folder.mkdir()
    left = org.folder / "bulk-left.csv"
    left.write_text("External_Id__c")
    os.utime(left, (time.time() - age_s, time.time() - age_s))
    org.run(batch_of([account("a")]))
    assert left.exists() is (age_s == 60)
    left.unlink(missing_ok=True)


def test_limits_that_may_not_be_read_are_no_obstacle(org: Org, tmp_path: Path) -> None:
    """A user made for the sync may lack the permission to see the setup."""

    def send(request: Request) -> Reply:
        if request.path.endswith("/limits"):
            msg = "INSUFFICIENT_ACCESS"
            raise AuthError(msg)
        return org.send(request)

    jobs = BulkJobs(send, Org.sobject_of, VERSION, folder=tmp_path)
    assert jobs.state(jobs.open(batch_of([account("a")]))) is JobState.OPEN


@pytest.mark.parametrize("is_there", [True, False])
def test_an_open_job_that_refuses_to_start_is_filled_once_more(tmp_path: Path, is_there: bool) -> None:  # noqa: FBT001
    """Should Salesforce refuse to start a job that seems empty, it gets its records again; two files are refused."""
    seen: list[str] = []

    def send(request: Request) -> Reply:
        seen.append(request.method)
        if seen == ["PUT"]:
            msg = "lost"
            raise UnknownOutcomeError(msg)
        if seen == ["PUT", "PATCH"] or (is_there and seen == ["PUT", "PATCH", "GET", "PUT"]):
            msg = "INVALIDJOB"
            raise FatalError(msg)
        return Reply(200, body=b'{"state": "Open"}')

    BulkJobs(send, Org.sobject_of, VERSION, folder=tmp_path).submit(NEVER, batch_of([account("a")]))
    assert seen == ["PUT", "PATCH", "GET", "PUT", "PATCH"]
    assert not list(tmp_path.iterdir())


def test_rows_that_results_leave_out_are_not_taken_for_unattempted(org: Org) -> None:
    """The counters say that more rows were attempted than the files tell of: nobody knows which."""

    def send(request: Request) -> Reply:
        reply = org.send(request)
        if request.download is not None and request.path.endswith("successfulResults"):
            lines = request.download.read_bytes().splitlines(keepends=True)
            request.download.write_bytes(b"".join(lines[:-1]))
        return reply

    org.jobs = BulkJobs(send, Org.sobject_of, VERSION, folder=org.folder)
    outcomes = org.run(batch_of([account("a"), account("b")]))
    assert {type(one) for one in outcomes.values()} == {Written, Unanswered}


def test_an_empty_job_that_fails_for_being_empty_stops_nothing(org: Org) -> None:
    """Should Salesforce fail a job that never got its records, they are simply sent again."""

    def send(request: Request) -> Reply:
        if request.method == "PUT":
            msg = "lost"
            raise UnknownOutcomeError(msg)
        reply = org.send(request)
        if b"JobComplete" in reply.body:
            body = reply.body.replace(b"JobComplete", b"Failed").rstrip(b"}") + b', "errorMessage": "InvalidBatch : x"}'
            return Reply(200, reply.headers, body)
        return reply

    org.jobs = BulkJobs(send, Org.sobject_of, VERSION, folder=org.folder)
    assert org.run(batch_of([account("a")])) == {"s-a": Unattempted("s-a")}
