from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from reverse_etl_core.operations import Operation, RejectCode, Rejected, Unattempted, Written
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.retry import RetryPolicy
from target_salesforce.complaints import Complaint
from target_salesforce.contention import ALONE_ROUNDS, SIZES, Contention, Gate
from target_salesforce.verdicts import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WAIT_S = 10.0
RNG = random.Random(1)  # noqa: S311 - jitter, not cryptography


def operation(number: int) -> Operation:
    """A record with a number."""
    return Operation(f"k{number}", f"k{number}", {"LastName": "Ada", "AccountId": f"parent {number % 2}"})


def written(one: Operation) -> Answer:
    """It got through."""
    return Answer(one, Written(one.source_key, "003", created=True))


def contended(one: Operation, cause: str = "") -> Answer:
    """It was in somebody's way."""
    refused = Rejected(one.source_key, RejectCode.VENDOR_REFUSED, "busy", "UNABLE_TO_LOCK_ROW")
    return Answer(one, refused, Recovery.CONTENDED, Complaint("UNABLE_TO_LOCK_ROW", cause))


@dataclass
class Org:
    """Lets requests of at most so many records through."""

    most: int
    cause: str = ""
    sent: list[list[str]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    is_stopped: bool = False

    def send(self, group: Sequence[Operation]) -> list[Answer]:
        """One request."""
        self.sent.append([one.source_key for one in group])
        return [written(one) if len(group) <= self.most else contended(one, self.cause) for one in group]

    def sleep(self, seconds: float) -> bool:
        """No time passes."""
        self.pauses.append(seconds)
        return self.is_stopped

    def settle(
        self, answers: Sequence[Answer], *, beside: Callable[[Operation], object] = lambda _one: ""
    ) -> dict[str, Answer]:
        """Answers by key, once contention is settled."""
        policy = RetryPolicy(base_s=1, cap_s=2)
        self.contention = Contention(sleep=self.sleep, rng=RNG, policy=policy)
        found = self.contention.settle("Contact", answers, self.send, beside=beside)
        assert len(found) == len(answers)
        return {one.operation.source_key: one for one in found}


def test_without_contention_nothing_happens() -> None:
    """No request, no pause."""
    org = Org(most=200)
    org.settle([written(operation(number)) for number in range(3)])
    assert (org.sent, org.pauses) == ([], [])


def test_only_contended_records_are_sent_again() -> None:
    """Those that got through keep their outcome."""
    org = Org(most=50)
    answers = [written(operation(0)), *(contended(operation(number)) for number in range(1, 61))]
    found = org.settle(answers)
    assert all(isinstance(one.outcome, Written) for one in found.values())
    assert [len(group) for group in org.sent] == [50, 10]
    assert "k0" not in {key for group in org.sent for key in group}
    assert len(org.pauses) == 1


@pytest.mark.parametrize(("most", "requests"), [(50, 4), (10, 4 + 20), (1, 4 + 20 + 200)])
def test_requests_become_smaller(most: int, requests: int) -> None:
    """200 records go by fifty, by ten, one by one, as far as it takes."""
    org = Org(most=most)
    found = org.settle([contended(operation(number)) for number in range(200)])
    assert all(isinstance(one.outcome, Written) for one in found.values())
    assert len(org.sent) == requests


def test_it_ends_even_if_nothing_helps() -> None:
    """What is contended to the end is rejected with Salesforce's code, after a bounded number of requests."""
    org = Org(most=0)
    found = org.settle([contended(operation(number)) for number in range(200)])
    assert all(isinstance(one.outcome, Rejected) for one in found.values())
    assert len(org.sent) == 4 + 20 + ALONE_ROUNDS * 200
    assert len(org.pauses) == len(SIZES) + ALONE_ROUNDS
    assert all(0 <= pause <= 2 for pause in org.pauses)


def test_small_batches_skip_sizes_that_are_no_smaller() -> None:
    """A batch of five goes one by one at once."""
    org = Org(most=1)
    org.settle([contended(operation(number)) for number in range(5)])
    assert [len(group) for group in org.sent] == [1] * 5


def test_a_limit_that_one_record_exceeds_is_tried_once() -> None:
    """A trigger that fails for a single record fails for it again."""
    org = Org(most=0, cause="AUTOMATION_LIMIT")
    org.settle([contended(operation(number), "AUTOMATION_LIMIT") for number in range(3)])
    assert len(org.sent) == 3


def test_what_triggers_stand_is_remembered() -> None:
    """The next batch of that object is sent in such parts; a lock says nothing of the next batch."""
    org = Org(most=50, cause="AUTOMATION_LIMIT")
    org.settle([contended(operation(number), "AUTOMATION_LIMIT") for number in range(120)])
    assert org.contention.size_of("Contact", 200) == 50
    assert org.contention.size_of("Account", 200) == 200
    org.settle([contended(operation(number)) for number in range(120)])
    assert org.contention.size_of("Contact", 200) == 200


def test_one_record_that_is_too_heavy_makes_nobody_slow() -> None:
    """If the size of requests did not help, it is not remembered."""
    org = Org(most=0, cause="AUTOMATION_LIMIT")
    org.settle([contended(operation(number), "AUTOMATION_LIMIT") for number in range(60)])
    assert org.contention.size_of("Contact", 200) == 200


def test_children_of_one_parent_travel_together() -> None:
    """Two requests that lock the same parent would get into each other's way."""
    org = Org(most=50)
    answers = [contended(operation(number)) for number in range(100)]
    org.settle(answers, beside=lambda one: one.fields["AccountId"])
    parents = [{int(key[1:]) % 2 for key in group} for group in org.sent]
    assert parents == [{0}, {1}]


def test_a_run_that_is_stopped_leaves_the_rest() -> None:
    """Nothing more is sent; what was not tried to the end is not rejected."""
    org = Org(most=1, is_stopped=True)
    found = org.settle([written(operation(0)), contended(operation(1))])
    assert org.sent == []
    assert found["k1"].outcome == Unattempted("k1", is_contended=True)
    assert isinstance(found["k0"].outcome, Written)


def test_an_answer_that_ends_the_run_stops_the_repeats() -> None:
    """A full storage stays full, whatever the size of requests."""
    org = Org(most=0)

    def send(group: Sequence[Operation]) -> list[Answer]:
        org.sent.append([one.source_key for one in group])
        return [Answer(one, Unattempted(one.source_key), Recovery.STOP) for one in group]

    contention = Contention(sleep=org.sleep, rng=RNG)
    found = contention.settle("Contact", [contended(operation(number)) for number in range(120)], send)
    assert len(org.sent) == 1
    assert all(isinstance(one.outcome, Unattempted) for one in found)


# -- the gate


class Visitor(threading.Thread):
    """Passes a gate, and stays inside until it is let go."""

    def __init__(self, gate: Gate, *, is_alone: bool) -> None:
        super().__init__(daemon=True)
        self._gate = gate
        self._is_alone = is_alone
        self.is_inside = threading.Event()
        self.may_leave = threading.Event()
        self.start()

    def run(self) -> None:
        """Come, stay, leave."""
        with self._gate.alone() if self._is_alone else self._gate.together():
            self.is_inside.set()
            self.may_leave.wait(WAIT_S)

    def leave(self) -> None:
        """Let it go, and wait until it is gone."""
        self.may_leave.set()
        self.join(WAIT_S)
        assert not self.is_alive()


def test_many_pass_together() -> None:
    """Ordinary requests do not wait for each other."""
    gate = Gate()
    visitors = [Visitor(gate, is_alone=False) for _ in range(3)]
    assert all(one.is_inside.wait(WAIT_S) for one in visitors)
    for one in visitors:
        one.leave()


def test_who_is_alone_waits_for_the_others_and_keeps_them_out() -> None:
    """And whoever comes after it waits too, so that it gets its turn."""
    gate = Gate()
    first = Visitor(gate, is_alone=False)
    assert first.is_inside.wait(WAIT_S)
    alone = Visitor(gate, is_alone=True)
    assert not alone.is_inside.wait(0.05)
    late = Visitor(gate, is_alone=False)
    assert not late.is_inside.wait(0.05)
    first.leave()
    assert alone.is_inside.wait(WAIT_S)
    assert not late.is_inside.is_set()
    alone.leave()
    assert late.is_inside.wait(WAIT_S)
    late.leave()


def test_an_error_inside_opens_the_gate_again() -> None:
    """A request that fails locks nobody out."""
    gate = Gate()
    for enter in (gate.alone, gate.together):
        with pytest.raises(RuntimeError), enter():
            raise RuntimeError
    with gate.alone():
        pass
