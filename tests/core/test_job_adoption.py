"""A run that was killed while its records were in a job: the next one adopts the job, and doubles nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from core.fake_jobs import FakeJobs
from core.fakes import GRACE_S, KilledError, keeping_books_with, people, route
from core.job_world import KINDS, LIMITS, fates, jobs_of, prepared, row, rows, statuses, world

from reverse_etl_core.errors import FatalError, JobFailedError
from reverse_etl_core.ledger import StreamLedger
from reverse_etl_core.operations import Batch, Outcome, Verb
from reverse_etl_core.schema import Field, FieldType, JobLimits, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS = ("kill opened", "kill intended", "kill uploaded", "kill starting late", "kill started", "kill waiting")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("fault", "reads"), [*((kill, 0) for kill in KILLS), ("kill reading", 0), ("kill reading", 3)])
def test_a_killed_run_loses_and_doubles_nothing(tmp_path: Path, fault: str, reads: int, kind: str) -> None:
    """G2, G3: wherever the run is killed, the next one finishes the job instead of repeating it."""
    one = prepared(tmp_path, kind)
    jobs = jobs_of(one)
    jobs.reads_before_kill, jobs.faults = reads, [fault]
    assert not one.run([rows(5)])
    assert isinstance(one.error, KilledError)
    assert one.run([rows(5)])
    assert one.contents("key", "name") == [(f"k{n}", "x") for n in range(5)]
    assert statuses(one) == Counter(delivered=5)
    assert {bool(row["created_by_us"]) for row in one.rows().values()} == {kind != "update"}
    if fault in {"kill started", "kill waiting", "kill reading"}:
        assert [size for _, size in jobs.taken] == [5], "the job was sent again"
    assert all(job["ended_at"] for job in one.table("jobs"))
    writes = len(one.crm.writes), len(jobs.taken)
    assert one.run([rows(5)])
    assert fates(one) == {"read": 5, "unchanged": 5}
    assert (len(one.crm.writes), len(jobs.taken)) == writes


class DiesAtTheEnd(StreamLedger):
    """Is killed when every outcome of a job is recorded, but not its end."""

    is_mortal = True

    def end_job(self, job_id: str) -> None:
        """Die, the first time."""
        if DiesAtTheEnd.is_mortal:
            DiesAtTheEnd.is_mortal = False
            raise KilledError
        super().end_job(job_id)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_killed_before_it_notes_the_end_of_a_job_has_nothing_to_do(tmp_path: Path, kind: str) -> None:
    """All outcomes are there: the next run notes the end and sends nothing."""
    DiesAtTheEnd.is_mortal = True
    one = prepared(tmp_path, kind)
    one.ledger_class = keeping_books_with(DiesAtTheEnd)
    assert not one.run([rows(5)])
    assert one.run([rows(5)])
    assert fates(one) == {"read": 5, "unchanged": 5}
    assert not one.tally.retried
    assert all(job["ended_at"] for job in one.table("jobs"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_killed_between_pages_of_outcomes_goes_on_where_it_was(tmp_path: Path, kind: str) -> None:
    """Outcomes are recorded a page at a time; those that are recorded are not asked for again."""
    load_method, is_native = KINDS[kind]
    one = world(tmp_path, load_method=load_method, is_native=is_native, limits=JobLimits(4, 3000, 9_000_000))
    if load_method == "update":
        one.crm.records |= {f"old{n}": {"key": f"k{n}"} for n in range(2500)}
    jobs = jobs_of(one)
    jobs.reads_before_kill, jobs.faults = 1500, ["kill reading"]
    assert not one.run([rows(2500)])
    assert statuses(one) == Counter(delivered=1000, pending=1500)
    assert one.run([rows(2500)])
    assert sum(one.tally.retried.values()) == 1500
    assert [size for _, size in jobs.taken] == [2500]
    assert len(one.contents("key")) == 2500
    assert statuses(one) == Counter(delivered=2500)


@pytest.mark.parametrize("fault", ["kill intended", "kill uploaded"])
def test_a_job_that_never_started_is_closed_and_its_records_go_at_once(tmp_path: Path, fault: str) -> None:
    """Nothing can come of it any more, so nobody waits for the grace period."""
    one = world(tmp_path, is_native=False, lasts_s=1)
    jobs_of(one).faults = [fault]
    assert not one.run([rows(5)])
    before_s = one.crm.clock()
    assert one.run([rows(5)])
    assert one.crm.clock() - before_s < GRACE_S / 2
    assert jobs_of(one).held["job-1"].is_aborted
    assert len(one.contents("key")) == 5


def test_a_job_that_starts_while_it_is_closed_is_waited_for(tmp_path: Path) -> None:
    """G2: an abort that comes too late changes nothing; the job is read like any other."""
    one = world(tmp_path, load_method="create", is_native=False, latency_s=50, abort_s=60)
    jobs_of(one).faults = ["kill starting late"]
    assert not one.run([rows(5)])
    assert one.run([rows(5)])
    assert jobs_of(one).taken == [(Verb.CREATE, 5)]
    assert len(one.contents("key")) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_the_destination_forgot_is_looked_after_like_any_lost_request(tmp_path: Path, kind: str) -> None:
    """Its records wait for the grace period and are looked for before they are sent again."""
    one = prepared(tmp_path, kind)
    jobs_of(one).faults = ["forgotten"]
    assert not one.run([rows(5)])
    assert isinstance(one.error, FatalError)
    assert "job-1" in str(one.error)
    before_s = one.crm.clock()
    assert one.run([rows(5)])
    assert one.crm.clock() - before_s >= GRACE_S - 1
    assert one.contents("key", "name") == [(f"k{n}", "x") for n in range(5)]
    assert statuses(one) == Counter(delivered=5)


def test_a_job_that_runs_beyond_the_grace_period_is_waited_for(tmp_path: Path) -> None:
    """G2: however long it takes, its records are not created a second time."""
    one = world(tmp_path, load_method="create", is_native=False, lasts_s=100 * GRACE_S)
    jobs_of(one).faults = ["kill started"]
    assert not one.run([rows(5)])
    one.crm.clock.wait(2 * GRACE_S)
    assert one.run([rows(5)])
    assert len(one.contents("key")) == 5


class ForgetsJobs(StreamLedger):
    """A ledger that notes the intents, but not the job that they travel in."""

    def intend(self, intents: Any, job: Any = None) -> list[str]:
        """Forget the job."""
        del job
        return super().intend(intents)


def test_control_a_ledger_that_forgets_jobs_creates_twice(tmp_path: Path) -> None:
    """Control: what holds the guarantee is the noted job, since without it the same history doubles."""
    one = world(tmp_path, load_method="create", is_native=False, lasts_s=100 * GRACE_S)
    one.ledger_class = keeping_books_with(ForgetsJobs)
    jobs_of(one).faults = ["kill started"]
    assert not one.run([rows(5)])
    one.crm.clock.wait(2 * GRACE_S)
    assert one.run([rows(5)])
    assert len(one.contents("key")) == 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_of_an_earlier_run_is_finished_where_no_new_ones_are_wanted(tmp_path: Path, kind: str) -> None:
    """G2: who switches jobs off after a kill still waits for the one that is running."""
    one = prepared(tmp_path, kind)
    jobs_of(one).lasts_s, jobs_of(one).faults = 10 * GRACE_S, ["kill started"]
    assert not one.run([rows(5)])
    load_method, is_native = KINDS[kind]
    one.route = route(people(is_native=is_native), load_method=load_method)
    assert one.run([rows(5)])
    assert one.crm.writes == []
    assert one.contents("key", "name") == [(f"k{n}", "x") for n in range(5)]


def test_what_an_adopted_job_left_is_sent_as_the_mapping_is_today(tmp_path: Path) -> None:
    """A column that is no longer mapped is not written, and a new match field does not double the records."""
    one = world(tmp_path, is_native=False)
    one.crm.records["7"] = {"key": "k0", "email": "k0@example.com"}
    columns = ("n", "key", "email", "name")
    old = [{**row(n), "email": f"k{n}@example.com"} for n in range(5)]
    one.route = route(people(jobs=LIMITS), columns=columns)
    jobs_of(one).faults = ["kill intended"]
    assert not one.run([old[1:]])
    one.route = route(people(jobs=LIMITS), match_on="email", columns=columns, fields={"email": "email", "key": "key"})
    one.crm.records |= {"8": {"email": "k1@example.com"}}
    assert one.run([[]])
    assert one.tally.retried
    assert one.contents("name") == [(None,), (None,)]
    assert {row["error_code"] for row in one.rows().values()} == {"unknown_field"}
    assert one.run([old])
    assert one.contents("email") == [(f"k{n}@example.com",) for n in range(5)]


def test_locked_records_of_an_adopted_job_go_by_requests(tmp_path: Path) -> None:
    """What another write held does not go into the next job, also when the job was that of an earlier run."""
    one = world(tmp_path, lasts_s=10 * GRACE_S)
    jobs_of(one).faults = ["kill started"]
    assert not one.run([rows(5)])
    jobs_of(one).held["job-1"].fault = "all locked"
    assert one.run([rows(5)])
    assert jobs_of(one).taken == [(Verb.UPSERT, 5)]
    assert [size for _, size in one.crm.writes] == [3, 2]
    assert len(one.contents("key")) == 5


@pytest.mark.parametrize("keeps_deliveries", [True, False])
def test_an_older_job_does_not_overwrite_a_newer_version(tmp_path: Path, *, keeps_deliveries: bool) -> None:
    """The next run waits for the job before it sends what is newer, also where only rejects are kept."""
    one = world(tmp_path, lasts_s=10 * GRACE_S)
    one.keeps_deliveries = keeps_deliveries
    jobs_of(one).faults = ["kill started"]
    assert not one.run([rows(5, "old")])
    jobs_of(one).lasts_s = 1
    assert one.run([rows(5, "new")])
    assert one.contents("name") == [("new",)] * 5


class RefusedWhenRead(FakeJobs):
    """Refuses the jobs named by `refused` only when their outcomes are read."""

    refused: frozenset[str] = frozenset()

    def outcomes(self, job_id: str, batch: Batch) -> Iterator[Outcome]:
        """None, or as always."""
        if job_id in self.refused:
            raise JobFailedError("The job is refused.")
        return super().outcomes(job_id, batch)


@pytest.mark.parametrize("kind", [FakeJobs, RefusedWhenRead])
def test_an_adopted_job_that_was_refused_as_a_whole_does_not_end_the_run(tmp_path: Path, kind: type[FakeJobs]) -> None:
    """Why it was refused may be mended: its records are judged by today's rules and sent again."""
    one = world(tmp_path)
    one.jobs = jobs = kind(one.crm)
    jobs.faults = ["kill started"]
    assert not one.run([[*rows(4), row(4, "x" * 12)]])
    jobs.held["job-1"].fault = "refused"
    if isinstance(jobs, RefusedWhenRead):
        jobs.refused = frozenset({"job-1"})
        one.crm.late.clear()
        jobs.held["job-1"].fault = None
    name = Field("name", FieldType.STRING, max_length=10)
    one.route = route(people(is_native=True, jobs=LIMITS, fields=frozen({**people().fields, "name": name})))
    assert one.run([[]])
    assert one.contents("name") == [("x",)] * 4
    assert statuses(one) == Counter(delivered=4, rejected=1)
