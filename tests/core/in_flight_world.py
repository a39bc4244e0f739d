"""Worlds in which requests are answered in any order, chunks after they were sent: one thread that plays several."""

from __future__ import annotations

import contextlib
import random
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from core.fakes import FakeDestination, KilledError, World

from reverse_etl_core.ledger import Ledger
from reverse_etl_core.queue_worker import QueueWorker
from reverse_etl_core.sending import Crew
from reverse_etl_core.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reverse_etl_core.operations import Batch, Outcome


class PlayedCrew(Crew[Any, Any]):
    """Works when it likes to: on any of its first `size` jobs, at any time until somebody waits for one.

    Args:
        size: Threads that it plays.
        dice: Decides.
    """

    def __init__(self, size: int, dice: random.Random) -> None:
        self.size = size
        self._dice = dice
        self._waiting: list[tuple[Callable[[Any], Any], Any, Future[Any]]] = []
        self.longest = 0

    def start(self, work: Callable[[Any], Any], job: Any) -> Future[Any]:
        """Take a job, and perhaps answer some."""
        future: Future[Any] = Future()
        self._waiting.append((work, job, future))
        self.longest = max(self.longest, len(self._waiting))
        while self._waiting and self._dice.random() < 0.3:
            self._answer_one()
        return future

    def _answer_one(self) -> None:
        work, job, future = self._waiting.pop(self._dice.randrange(min(self.size, len(self._waiting))))
        try:
            future.set_result(work(job))
        except BaseException as error:  # noqa: BLE001 - as a thread does
            future.set_exception(error)

    def wait(self, futures: Iterable[Future[Any]], **_: Any) -> tuple[set[Future[Any]], set[Future[Any]]]:
        """As that of `concurrent.futures`, for the first one that is done."""
        while not (done := [one for one in futures if one.done()]):
            self._answer_one()
        return {self._dice.choice(done)}, set()

    def close(self) -> None:
        """What a killed run had not sent is never sent."""
        self._waiting.clear()


class MortalLedger(Ledger):
    """A ledger whose run is killed at one of its transactions, and writes nothing any more."""

    lives = -1

    @contextlib.contextmanager
    def begin(self) -> Iterator[Any]:
        """As the ledger, as long as the run lives."""
        if self.lives == 0:
            raise KilledError
        self.lives -= 1
        with super().begin() as connection:
            yield connection


class SlowDestination(FakeDestination):
    """Time passes with each request."""

    def write(self, batch: Batch) -> list[Outcome]:
        """As the fake, a second later."""
        self.crm.clock.wait(1.0)
        return super().write(batch)


@dataclass
class PlayedWorld(World):
    """A world with a crew that is played.

    Attributes:
        settles: After each chunk, as a control.
        size: Threads.
        seed: Of the dice.
        longest: Requests that were under way at the same time.
        all_lives: Of each run in turn: transactions of the ledger until it is killed; negative for one that lives.
    """

    settles: bool = False
    size: int = 2
    seed: int = 0
    longest: int = 0
    all_lives: list[int] = field(default_factory=list)
    _lives: int = -1

    def open(self) -> Ledger:
        """Open the ledger of a run that may be killed."""
        ledger = super().open()
        if isinstance(ledger, MortalLedger):
            ledger.lives = self._lives
        return ledger

    def run(
        self, chunks: Iterable[Sequence[Mapping[str, Any]]], faults: Iterable[str | None] = (), **changes: Any
    ) -> bool:
        """As in any world, with a crew that is played."""
        self._lives = self.all_lives.pop(0) if self.all_lives else -1
        crew = PlayedCrew(self.size, random.Random(self.seed))  # noqa: S311 - a die
        traffic = Traffic()
        destination = SlowDestination(self.crm, self.route.schema, faults, traffic=traffic)
        destination.jobs = self.jobs
        given: dict[str, Any] = {"crew": crew, "destination": destination, "traffic": traffic}
        with contextlib.ExitStack() as patches:
            patches.enter_context(mock.patch("reverse_etl_core.sending.wait", crew.wait))
            if self.settles:
                patches.enter_context(mock.patch.object(QueueWorker, "start", _work))
            is_whole = super().run(chunks, **(given | changes))
        self.seed += 1
        self._lives = -1
        self.longest = max(self.longest, crew.longest)
        return is_whole


def _work(worker: QueueWorker) -> None:
    worker.work(everything=False)
