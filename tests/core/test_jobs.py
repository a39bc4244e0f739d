"""Many records in one asynchronous job: what travels in it, and how it ends."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from core.fake_jobs import FakeJobs
from core.job_world import KINDS, fates, jobs_of, prepared, row, rows, statuses, world

from reverse_etl_core.errors import AccountingError, FatalError, JobFailedError
from reverse_etl_core.ledger.leases import LEASE_S
from reverse_etl_core.operations import Batch, Outcome, Verb
from reverse_etl_core.schema import JobLimits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_etl_core.destination import JobState


# -- what travels in a job


@pytest.mark.parametrize(
    ("count", "jobs", "requests"), [(3, [], [3]), (4, [4], []), (10, [10], []), (13, [10], [3]), (24, [10, 10, 4], [])]
)
def test_enough_records_go_by_job_and_few_by_requests(
    tmp_path: Path, count: int, jobs: list[int], requests: list[int]
) -> None:
    """From `records_from` on a job pays; what is left over goes by requests."""
    one = world(tmp_path)
    assert one.run([rows(count)])
    assert [size for _, size in jobs_of(one).taken] == jobs
    assert [size for _, size in one.crm.writes] == requests
    assert fates(one) == {"read": count, "created": count}


def test_records_wait_until_a_job_is_full(tmp_path: Path) -> None:
    """Before the end of the input only full jobs leave, and no request that could still become part of one."""
    one = world(tmp_path)
    with one.pipeline() as pipeline:
        for chunk in (rows(24)[:9], rows(24)[9:15], rows(24)[15:19]):
            pipeline.deliver(chunk)
        assert jobs_of(one).taken == [(Verb.UPSERT, 10)]
        assert one.crm.writes == []
        pipeline.flush()
    assert jobs_of(one).taken == [(Verb.UPSERT, 10), (Verb.UPSERT, 9)]


def test_a_job_holds_no_more_bytes_than_allowed(tmp_path: Path) -> None:
    """Large records make smaller jobs."""
    one = world(tmp_path, limits=JobLimits(2, 10, 1000))  # each record weighs some 240 bytes
    assert one.run([rows(8)])
    assert jobs_of(one).taken == [(Verb.UPSERT, 4), (Verb.UPSERT, 4)]


def test_records_that_fill_a_job_too_early_do_not_pile_up(tmp_path: Path) -> None:
    """G9: records so large that too few fit into a job go by requests, before the end of the input."""
    one = world(tmp_path, limits=JobLimits(4, 10, 400))
    with one.pipeline() as pipeline:
        for n in range(40):
            pipeline.deliver([row(n)])
        assert sum(size for _, size in one.crm.writes) >= 20
        pipeline.flush()
    assert jobs_of(one).taken == []
    assert len(one.crm.records) == 40


def test_a_locked_record_goes_by_requests_afterwards(tmp_path: Path) -> None:
    """What another write holds is tried again without a job, at once, and counted once."""
    one = world(tmp_path)
    jobs_of(one).faults = ["locked"]
    assert one.run([rows(4)])
    assert one.crm.writes == [(Verb.UPSERT, 1)]
    assert fates(one) == {"read": 4, "created": 4}


def test_what_a_job_did_not_do_goes_by_the_next_one(tmp_path: Path) -> None:
    """A job that ended early says what it left, and that is sent again."""
    one = world(tmp_path)
    jobs_of(one).faults = ["cut short"]
    assert one.run([rows(10)])
    assert jobs_of(one).taken == [(Verb.UPSERT, 10), (Verb.UPSERT, 9)]
    assert fates(one) == {"read": 10, "created": 10}


def test_each_outcome_of_a_job_is_recorded_once(tmp_path: Path) -> None:
    """G1: refusals of single records are durable, the others are delivered, and the next run sends nothing."""
    one = world(tmp_path)
    assert one.run([[*rows(3), row(3, "bad"), row(4, "poison"), row(5)]])
    assert fates(one) == {"read": 6, "created": 4, "rejected": 2}
    assert one.tally.codes == Counter(validation_rule=1, invalid_value=1)
    assert statuses(one) == Counter(delivered=4, rejected=2)
    assert len(one.table("outcomes")) == 6
    assert one.run([[*rows(3), row(3, "bad"), row(4, "poison"), row(5)]])
    assert len(jobs_of(one).taken) == 1


def test_updates_and_creates_go_by_jobs_of_their_own(tmp_path: Path) -> None:
    """Each job has one verb."""
    one = world(tmp_path, is_native=False)
    one.crm.records |= {f"old{n}": {"key": f"k{n}"} for n in range(5)}
    assert one.run([rows(10)])
    assert sorted(jobs_of(one).taken) == [(Verb.CREATE, 5), (Verb.UPDATE, 5)]
    assert fates(one) == {"read": 10, "created": 5, "updated": 5}


# -- a run that ends by itself


def test_a_job_refused_as_a_whole_ends_the_run_and_is_sent_again_by_the_next(tmp_path: Path) -> None:
    """Nothing of it is delivered; once the reason is mended everything arrives."""
    one = world(tmp_path, is_native=False)
    jobs_of(one).faults = ["refused"]
    assert not one.run([rows(5)])
    assert isinstance(one.error, JobFailedError)
    assert fates(one) == {"read": 5, "deferred": 5}
    assert one.contents("key") == []
    assert one.run([[]])
    assert len(one.contents("key")) == 5
    assert statuses(one) == Counter(delivered=5)


@pytest.mark.parametrize("fault", ["down", "not reached", "start lost", "start unanswered", "start late", "state lost"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_cannot_be_reached_ends_the_run_and_is_finished_by_the_next(
    tmp_path: Path, fault: str, kind: str
) -> None:
    """G3: what is not settled is deferred; the next run finds the job, or sends the records again."""
    one = prepared(tmp_path, kind)
    jobs_of(one).faults = [fault]
    assert not one.run([rows(5)])
    assert isinstance(one.error, FatalError)
    assert fates(one) == {"read": 5, "deferred": 5}
    assert one.run([rows(5)])
    assert one.contents("key", "name") == [(f"k{n}", "x") for n in range(5)]
    assert statuses(one) == Counter(delivered=5)


def test_asked_to_stop_while_it_waits_the_run_leaves_the_job_to_the_next(tmp_path: Path) -> None:
    """A signal ends the wait, not the job."""
    one = world(tmp_path, load_method="create", is_native=False, lasts_s=3600)
    assert not one.run([rows(5)], wait=lambda _seconds: True)
    assert isinstance(one.error, FatalError)
    assert fates(one) == {"read": 5, "deferred": 5}
    assert one.run([rows(5)])
    assert jobs_of(one).taken == [(Verb.CREATE, 5)]
    assert len(one.contents("key")) == 5


class Watching(FakeJobs):
    """Looks at the lease whenever it is asked for a job's state."""

    look: Any
    lowest_s: float = LEASE_S

    def state(self, job_id: str) -> JobState:
        """As always, once the lease is seen."""
        self.lowest_s = min(self.lowest_s, self.look())
        return super().state(job_id)


def test_the_lease_is_kept_while_a_job_runs(tmp_path: Path) -> None:
    """Nobody takes a run for dead that waits for a long job; the job is asked for less and less often."""
    one = world(tmp_path)
    watching = Watching(one.crm, lasts_s=3600)
    watching.look = lambda: one.table("scopes")[0]["lease_until"] / 1000 - one.crm.clock()
    one.jobs = watching
    assert one.run([rows(5)])
    assert watching.lowest_s > LEASE_S / 2


class Careless(FakeJobs):
    """Answers twice for its first record, or not at all."""

    answers = 2

    def outcomes(self, job_id: str, batch: Batch) -> Iterator[Outcome]:
        """As always, but for one record."""
        first, *others = super().outcomes(job_id, batch)
        yield from itertools.repeat(first, self.answers)
        yield from others


@pytest.mark.parametrize("answers", [0, 2])
def test_a_job_that_does_not_answer_once_for_each_record_ends_the_run(tmp_path: Path, answers: int) -> None:
    """A defect of a target is never taken for a delivery, and the job is still there for a target that is mended."""
    one = world(tmp_path, load_method="create", is_native=False)
    careless = Careless(one.crm)
    careless.answers = answers
    one.jobs = careless
    assert not one.run([rows(5)])
    assert isinstance(one.error, AccountingError)
    assert fates(one)["read"] == 5
    careless.answers = 1
    assert one.run([rows(5)])
    assert len(one.contents("key")) == 5
    assert statuses(one) == Counter(delivered=5)
