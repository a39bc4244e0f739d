"""Records that were refused because of others: sent again in ever smaller requests, and alone in the end.

Such a refusal says for certain that the record is not written (the row's transaction was undone), so that repeating is
safe for creates, too. source: api/salesforce.md 10 and 13, pitfalls 19 and 32
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING

from reverse_etl_core.operations import Unattempted
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.retry import RetryPolicy, backoff_s
from target_salesforce.verdicts import Answer

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence

    from reverse_etl_core.operations import Operation

logger = logging.getLogger(__name__)

SIZES = (50, 10)
"""Records per request, one after the other; triggers that fail on 200 mostly stand 50."""
ALONE_ROUNDS = 3
"""How often a record is tried alone; in all 4 + 20 + 3 x 200 requests if 200 records never get through."""
BACKOFF = RetryPolicy(base_s=1.0, cap_s=10.0)
"""Salesforce itself waits ten seconds for a lock before it gives up (source: help.salesforce.com, knowledge article
000229525, "Unable to lock row"): there is no hurry, and no need for long pauses."""
TOO_MANY = "AUTOMATION_LIMIT"
"""The cause that does not pass by itself: what fails alone fails again, and the next batch fails as this one did."""


class Gate:
    """Lets requests of several threads pass together, or one thread alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._waiting_alone = 0
        self._is_alone = False

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Pass beside others, once nobody is alone or waits for it."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._is_alone or self._waiting_alone))
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Pass once nobody else is inside, and keep everybody out meanwhile."""
        with self._changed:
            self._waiting_alone += 1
            self._changed.wait_for(lambda: not (self._is_alone or self._inside))
            self._waiting_alone -= 1
            self._is_alone = True
        try:
            yield
        finally:
            with self._changed:
                self._is_alone = False
                self._changed.notify_all()


class Contention:
    """Repeats what was contended. One for all threads of a destination.

    Args:
        sleep: Waits that many seconds; true when the run is asked to stop meanwhile.
        rng: Source of the jitter.
        policy: How long the pauses are.
    """

    def __init__(self, *, sleep: Callable[[float], object], rng: random.Random, policy: RetryPolicy = BACKOFF) -> None:
        self.gate = Gate()
        self._sleep = sleep
        self._rng = rng
        self._policy = policy
        self._sizes: dict[str, int] = {}

    def size_of(self, object_name: str, most: int) -> int:
        """Records of an object that its triggers stand in one request, as far as that has shown."""
        return self._sizes.get(object_name, most)

    def settle(
        self,
        object_name: str,
        answers: Sequence[Answer],
        send: Callable[[Sequence[Operation]], list[Answer]],
        *,
        beside: Callable[[Operation], object] = lambda _operation: "",
    ) -> list[Answer]:
        """Answers of which none is contended any more, as far as that can be reached.

        Args:
            object_name: That is written.
            answers: Of one batch.
            send: Sends some of its operations again; gives an answer for each and never raises.
            beside: What operations that should travel together have in common: the parent whose row they lock.

        Returns:
            One answer per operation, in any order. What is contended to the end keeps its rejection; what was not
            tried to the end, because the run stops, is `Unattempted`.
        """
        settled = {one.operation.source_key: one for one in answers}
        for attempt, size in enumerate((*SIZES, *[1] * ALONE_ROUNDS), start=1):
            waiting = _contended(settled, is_last=attempt > len(SIZES) + 1)
            if not waiting or (size > 1 and size >= len(answers)):
                continue
            if self._sleep(backoff_s(self._policy, attempt, None, self._rng.uniform)):
                break
            waiting.sort(key=lambda one: str(beside(one)))
            are_too_many = any(_is_too_many(settled[one.source_key]) for one in waiting)
            logger.info(
                "'%s': %d records were refused because of others; they are sent again, %d at a time.",
                object_name,
                len(waiting),
                size,
            )
            if not self._round(settled, waiting, size, send):
                break
            if are_too_many and size > 1 and not any(_is_too_many(settled[one.source_key]) for one in waiting):
                self._sizes[object_name] = size
        else:
            return list(settled.values())
        return [left(one) for one in settled.values()]

    def _round(
        self,
        settled: dict[str, Answer],
        waiting: Sequence[Operation],
        size: int,
        send: Callable[[Sequence[Operation]], list[Answer]],
    ) -> bool:
        """Send operations again; false when an answer ends the run, so that nothing more should be sent."""
        for start in range(0, len(waiting), size):
            group = waiting[start : start + size]
            with self.gate.alone() if len(group) == 1 else self.gate.together():
                answers = send(group)
            settled.update({one.operation.source_key: one for one in answers})
            if any(one.recovery is Recovery.STOP for one in answers):
                return False
        return True


def _contended(settled: dict[str, Answer], *, is_last: bool) -> list[Operation]:
    return [
        one.operation
        for one in settled.values()
        if one.recovery is Recovery.CONTENDED and not (is_last and _is_too_many(one))
    ]


def _is_too_many(answer: Answer) -> bool:
    return answer.recovery is Recovery.CONTENDED and bool(answer.complaint and answer.complaint.cause == TOO_MANY)


def left(answer: Answer) -> Answer:
    """The answer for a record that is not tried to the end: contention does not reject it."""
    if answer.recovery is not Recovery.CONTENDED:
        return answer
    return Answer(answer.operation, Unattempted(answer.operation.source_key, is_contended=True))
