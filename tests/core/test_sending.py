"""Several requests in flight, and what came of each operation."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from core.fakes import Crm, FakeDestination, people
from hypothesis import given, settings
from hypothesis import strategies as st

from reverse_etl_core.errors import AccountingError, BusyError, FatalError, UnknownOutcomeError
from reverse_etl_core.operations import Batch, Operation, RejectCode, Rejected, Verb, Written
from reverse_etl_core.sending import Crew, send

if TYPE_CHECKING:
    from collections.abc import Iterator


def batch(names: list[str]) -> Batch:
    """An upsert of records with these names."""
    schema = people(is_native=True, records_per_request=100)
    operations = [Operation(f"[{n}]", f"k{n}", {"key": f"k{n}", "name": name}) for n, name in enumerate(names)]
    return Batch(Verb.UPSERT, schema, "key", tuple(operations))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["x", "poison"]), min_size=1, max_size=20))
def test_a_refused_batch_is_split_until_the_bad_ones_stand_alone(names: list[str]) -> None:
    """Every bad record is rejected with the vendor's code, every good one is written, each once."""
    crm = Crm()
    sent = send(FakeDestination(crm, people(records_per_request=100)), batch(names))
    fates = {one.source_key: one for one in sent.outcomes}
    assert len(sent.outcomes) == len(fates) == len(names)
    assert (sent.error, sent.unsettled) == (None, [])
    for n, name in enumerate(names):
        expected = Rejected(f"[{n}]", RejectCode.INVALID_VALUE, "Something in it.", "POISON")
        assert fates[f"[{n}]"] == expected if name == "poison" else isinstance(fates[f"[{n}]"], Written)
    assert len(crm.records) == names.count("x")


def test_one_bad_record_in_a_hundred_takes_few_requests() -> None:
    """Halving: about twice the logarithm."""
    crm = Crm()
    send(
        FakeDestination(crm, people(records_per_request=100)), batch(["poison" if n == 42 else "x" for n in range(100)])
    )
    assert len(crm.writes) <= 15


def test_an_error_keeps_what_was_answered() -> None:
    """After a split, an error in one part leaves the answers of the others, and says what is unsettled."""
    names = ["poison", *["x"] * 7]
    sent = send(FakeDestination(Crm(), people(), [None, None, None, "down"]), batch(names))
    keys = [one.source_key for one in sent.outcomes] + sent.unsettled
    assert sorted(keys) == sorted(f"[{n}]" for n in range(8))
    assert sent.outcomes
    assert sent.unsettled
    assert sent.error is not None


@pytest.mark.parametrize("answers", [[], ["[0]"], ["[0]", "[0]"], ["[0]", "[1]", "[2]"], ["[0]", "[5]"]])
def test_outcomes_that_do_not_match_the_operations_are_a_defect(answers: list[str]) -> None:
    """Too few, too many, twice the same or somebody else's: nothing is taken for delivered."""

    class Odd(FakeDestination):
        def write(self, batch: Batch) -> list[Any]:
            del batch
            return [Written(key, "1", created=True) for key in answers]

    sent = send(Odd(Crm()), batch(["x", "y"]))
    assert isinstance(sent.error, AccountingError)
    assert (sent.outcomes, sent.unsettled) == ([], ["[0]", "[1]"])


def nothing(*_: object) -> None:
    """No one asks."""


def test_a_crew_keeps_its_size_and_does_all_jobs() -> None:
    """Never more jobs at the same time than threads, all of them done, the books kept by one thread."""
    crew: Crew[int, int] = Crew(3)
    lock, here = threading.Lock(), threading.get_ident()
    flying: set[int] = set()
    most, done, keepers = 0, [], set()

    def work(job: int) -> int:
        nonlocal most
        with lock:
            flying.add(job)
            most = max(most, len(flying))
        with lock:
            flying.discard(job)
        return job * 2

    def after(job: int, result: int) -> None:
        done.append((job, result))
        keepers.add(threading.get_ident())

    crew.run(range(50), work=work, after=after, idle=nothing)
    crew.close()
    assert sorted(done) == [(job, job * 2) for job in range(50)]
    assert most <= 3
    assert keepers == {here}


def test_an_error_of_one_job_does_not_lose_the_answers_of_those_in_flight() -> None:
    """Jobs that left are recorded before the error comes out; jobs that did not leave stay."""
    crew: Crew[int, int] = Crew(3)
    gate, done, started = threading.Barrier(3), [], []

    def work(job: int) -> int:
        if job < 3:
            gate.wait(10)
        if job == 0:
            raise UnknownOutcomeError("lost")
        return job

    def jobs() -> Iterator[int]:
        for job in range(9):
            started.append(job)
            yield job

    with pytest.raises(UnknownOutcomeError):
        crew.run(jobs(), work=work, after=lambda job, _: done.append(job), idle=nothing)
    crew.close()
    assert {1, 2} <= set(done)
    assert sorted([0, *done]) == started


def test_an_error_before_a_job_records_what_is_in_flight() -> None:
    """An intent that cannot be written sends nothing more, and the others are recorded."""
    crew: Crew[int, int] = Crew(4)
    done: list[int] = []

    def jobs() -> Iterator[int]:
        yield from range(2)
        raise BusyError("taken over")

    with pytest.raises(BusyError):
        crew.run(jobs(), work=int, after=lambda job, _: done.append(job), idle=nothing)
    crew.close()
    assert sorted(done) == [0, 1]


def test_an_error_while_recording_comes_out_after_the_rest() -> None:
    """An outcome that cannot be recorded does not keep the others from it."""
    crew: Crew[int, int] = Crew(2)
    done: list[int] = []

    def after(job: int, _: int) -> None:
        done.append(job)
        if len(done) == 1:
            raise FatalError("disk full")

    with pytest.raises(FatalError):
        crew.run(range(2), work=int, after=after, idle=nothing)
    crew.close()
    assert sorted(done) == [0, 1]
