"""Records on their way: each in exactly one place."""

from __future__ import annotations

from typing import Any

from core.fakes import people, route
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reverse_etl_core import identity
from reverse_etl_core.operations import Batch, Verb
from reverse_etl_core.planning import VERBS, Candidate, Step
from reverse_etl_core.queues import WorkQueues
from reverse_etl_core.schema import JobLimits

WAITING = (Step.FIND, Step.DOUBT, Step.CREATE, Step.UPDATE, Step.UPSERT)


def candidate(n: int) -> Candidate:
    """A record."""
    payload = identity.encode({"key": f"k{n}"})
    return Candidate(f"[{n}]", f"k{n}", payload, identity.digest(payload), destination_id=str(n))


class Queues(RuleBasedStateMachine):
    """Compared with two dictionaries: where each record waits, and what is under way."""

    jobs: JobLimits | None = None

    def __init__(self) -> None:
        super().__init__()
        self.queues = WorkQueues(route(people(records_per_request=3, jobs=self.jobs)))
        self.waiting: dict[str, Step] = {}
        self.under_way: set[str] = set()

    @rule(n=st.integers(0, 12), step=st.sampled_from(WAITING))
    def put(self, n: int, step: Step) -> None:
        """A new record, or one that is under way."""
        one = self.queues.get(f"[{n}]") or candidate(n)
        if one.source_key not in self.waiting:
            self.queues.put(one, step)
            self.waiting[one.source_key] = step
            self.under_way.discard(one.source_key)

    @rule(n=st.integers(0, 12))
    def drop(self, n: int) -> None:
        """It is settled or superseded."""
        key = f"[{n}]"
        dropped = self.queues.drop(key)
        assert (dropped is not None) == (key in self.waiting or key in self.under_way)
        self.waiting.pop(key, None)
        self.under_way.discard(key)

    @rule(everything=st.booleans())
    def take_finds(self, *, everything: bool) -> None:
        """Groups of at most three; partial ones only when everything has to go."""
        for group in self.queues.take_finds(everything=everything):
            assert len(group) == 3 or (everything and group)
            self.take([one.source_key for one in group], Step.FIND)
        left = [key for key, step in self.waiting.items() if step is Step.FIND]
        assert len(left) < (1 if everything else 3)

    @rule(everything=st.booleans())
    def take_batches(self, *, everything: bool) -> None:
        """The same for batches, each of one verb."""
        steps = {VERBS[step]: step for step in WAITING if step in VERBS}
        for batch in self.queues.take_batches(everything=everything):
            assert len(batch.operations) == 3 or (everything and batch.operations)
            assert batch.verb in Verb
            self.take([one.source_key for one in batch.operations], steps[batch.verb])

    @rule()
    def take_doubts(self) -> None:
        """All of them at once."""
        self.take([one.source_key for one in self.queues.take_doubts()], Step.DOUBT)

    def take(self, keys: list[str], step: Step) -> None:
        """They were waiting there, and are under way now."""
        for key in keys:
            assert self.waiting.pop(key) is step
            self.under_way.add(key)

    @invariant()
    def every_record_is_in_one_place(self) -> None:
        """No record is lost, none is twice."""
        keys: list[Any] = sorted(one.source_key for one in self.queues.candidates())
        assert keys == sorted([*self.waiting, *self.under_way])
        assert len(self.queues) == len(keys)
        assert {one.source_key for one in self.queues.doubts()} == {
            key for key, step in self.waiting.items() if step is Step.DOUBT
        }
        for key in keys:
            assert self.queues.claimant(f"k{key[1:-1]}") == key


TestQueues = Queues.TestCase
TestQueues.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


class QueuesWithJobs(Queues):
    """The same for an object that takes jobs."""

    jobs = JobLimits(records_from=2, records_per_job=4, bytes_per_job=10_000)

    @rule(everything=st.booleans())
    def take_job(self, *, everything: bool) -> None:
        """Full jobs; smaller ones that are worth it only when everything has to go, and none of contended records."""
        steps = {VERBS[step]: step for step in WAITING if step in VERBS}
        full = {step for step in VERBS if sum(held is step for held in self.waiting.values()) >= 4}
        while (batch := self.queues.take_job(everything=everything)) is not None:
            assert len(batch.operations) in ((2, 3, 4) if everything or steps[batch.verb] in full else (4,))
            keys = [one.source_key for one in batch.operations]
            assert not any(one.is_contended for one in self.queues.candidates() if one.source_key in keys)
            self.take(keys, steps[batch.verb])

    @rule(n=st.integers(0, 12))
    def contend(self, n: int) -> None:
        """Another write holds what it needs."""
        one = self.queues.get(f"[{n}]")
        if one is not None:
            one.is_contended = True

    @rule(n=st.integers(0, 12))
    def adopt(self, n: int) -> None:
        """A record that is under way in a job of an earlier run."""
        if self.queues.get(f"[{n}]") is None:
            self.queues.adopt(candidate(n))
            self.under_way.add(f"[{n}]")

    @invariant()
    def sizes_add_up(self) -> None:
        """The size of a queue, by which a job is full, is that of its records."""
        for step in WAITING:
            keys = [key for key, held in self.waiting.items() if held is step]
            assert self.queues._bytes[step] == sum(len(candidate(int(key[1:-1])).payload) for key in keys)


TestQueuesWithJobs = QueuesWithJobs.TestCase
TestQueuesWithJobs.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_requests_wait_while_a_job_may_still_fill() -> None:
    """Partial jobs wait for more records, or for the end; contended ones that would fill a job do not."""
    queues = WorkQueues(route(people(records_per_request=3, jobs=JobLimits(2, 4, 10_000))))
    for n in range(3):
        queues.put(candidate(n), Step.UPDATE)
    assert queues.take_job(everything=False) is None
    assert list(queues.take_batches(everything=False)) == []
    for one in queues.candidates():
        one.is_contended = True
    queues.put(candidate(3), Step.UPDATE)
    assert queues.take_job(everything=False) is None
    assert [len(one.operations) for one in queues.take_batches(everything=False)] == [3]
    assert queues.take_job(everything=True) is None
    assert [len(one.operations) for one in queues.take_batches(everything=True)] == [1]


def test_a_dropped_record_gives_its_match_value_free() -> None:
    """Another source key can claim it, and keeps it when the first is dropped again."""
    queues = WorkQueues(route())
    first, second = candidate(1), candidate(2)
    second.match_key = "k1"
    queues.put(first, Step.CREATE)
    queues.drop("[1]")
    queues.put(second, Step.CREATE)
    assert queues.drop("[1]") is None
    assert queues.claimant("k1") == "[2]"


def test_contended_records_do_not_wait_for_jobs() -> None:
    """They fill requests of their own, and are not counted where a job has to be full."""
    queues = WorkQueues(route(people(records_per_request=3, jobs=JobLimits(1, 4, 10_000))))
    for n in range(7):
        one = candidate(n)
        one.is_contended = n % 2 == 0
        queues.put(one, Step.UPDATE)
    assert queues.take_job(everything=False) is None
    assert [keys(batch) for batch in queues.take_batches(everything=False)] == [["[0]", "[2]", "[4]"]]
    queues.put(candidate(7), Step.UPDATE)
    job = queues.take_job(everything=False)
    assert job is not None
    assert keys(job) == ["[1]", "[3]", "[5]", "[7]"]
    assert [keys(batch) for batch in queues.take_batches(everything=True)] == [["[6]"]]


def keys(batch: Batch) -> list[str]:
    """Who travels in it."""
    return [one.source_key for one in batch.operations]


def test_it_is_time_to_send_once_each_thread_has_a_full_request() -> None:
    """One request alone would leave the other threads idle while its answer is awaited; the end waits for nothing."""
    queues = WorkQueues(route(people(records_per_request=3)), in_flight=2)
    for n in range(5):
        queues.put(candidate(n), Step.UPDATE)
    assert not queues.is_due(everything=False)
    assert queues.is_due(everything=True)
    queues.put(candidate(5), Step.UPDATE)
    assert queues.is_due(everything=False)
