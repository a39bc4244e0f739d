"""Several requests in flight, and what came of each operation in them.

The caller's thread keeps the ledger; the threads here only talk to the destination.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from reverse_etl_core.errors import AccountingError, BatchRefusedError, InterruptedRunError, ReverseETLError
from reverse_etl_core.operations import Outcome, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reverse_etl_core.destination import Destination
    from reverse_etl_core.operations import Batch

Job = TypeVar("Job")
Result = TypeVar("Result")

AHEAD = 1
"""Jobs that wait for each thread, so that none is idle while the caller's thread writes down an answer."""

MOST_PER_THREAD = 4
"""Jobs for each thread at most, those that are done and not written down yet included: each holds its records."""

HEARTBEAT_S = 20.0
"""How often the caller is woken while it waits for an answer, to prolong its lease."""


@dataclass(slots=True)
class Sent:
    """What came of one batch.

    Attributes:
        outcomes: Of the operations that the destination answered for.
        unsettled: Source keys of the others.
        error: Why there are others; `None` when there are none.
        is_in_doubt: An attempt got no answer, and may be applied after the one that got one.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    error: ReverseETLError | None = None
    is_in_doubt: bool = False


def send(destination: Destination, batch: Batch) -> Sent:
    """Send a batch; one that is refused for a record in it is halved until the bad one stands alone.

    An error ends it: what was answered by then is kept, the rest is unsettled.
    """
    sent = Sent()
    waiting = [batch]
    while waiting:
        part = waiting.pop()
        if sent.error is not None:
            sent.unsettled += [one.source_key for one in part.operations]
            continue
        try:
            sent.outcomes += _answers(part, destination.write(part))
        except BatchRefusedError as refusal:
            if len(part.operations) > 1:
                waiting += _halves(part)
            else:
                key = part.operations[0].source_key
                rejected = Rejected(key, refusal.code, refusal.reason, refusal.vendor_code, refusal.rest_s)
                sent.outcomes.append(rejected)
        except ReverseETLError as error:
            sent.error = error
            sent.unsettled += [one.source_key for one in part.operations]
    return sent


def _halves(batch: Batch) -> list[Batch]:
    middle = len(batch.operations) // 2
    halves = (batch.operations[:middle], batch.operations[middle:])
    return [msgspec.structs.replace(batch, operations=half) for half in halves]


def _answers(batch: Batch, outcomes: list[Outcome]) -> list[Outcome]:
    """The outcomes, once it is certain that there is exactly one per operation."""
    asked = sorted(one.source_key for one in batch.operations)
    answered = sorted(one.source_key for one in outcomes)
    if asked != answered:
        msg = (
            f"{len(asked)} records of '{batch.schema.name}' were sent but {len(answered)} outcomes came back. "
            "This is a defect of the target; please report it."
        )
        raise AccountingError(msg)
    return outcomes


def wait_out(seconds: float, *, renew: Callable[[], None], wait: Callable[[float], bool]) -> None:
    """Let time pass, and keep the lease meanwhile.

    Args:
        seconds: How long.
        renew: Prolongs the lease.
        wait: Sleeps that many seconds; true when the run is asked to stop meanwhile.

    Raises:
        InterruptedRunError: The run is asked to stop.
    """
    while seconds > 0:
        renew()
        part = min(seconds, HEARTBEAT_S)
        if wait(part):
            msg = "The run was asked to stop while it waited for the destination. The next run goes on there."
            raise InterruptedRunError(msg)
        seconds -= part


class Crew(Generic[Job, Result]):
    """Threads that work on jobs while the caller's thread keeps the books.

    Attributes:
        size: Jobs at the same time.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(max_workers=size, thread_name_prefix="delivery")

    def start(self, work: Callable[[Job], Result], job: Job) -> Future[Result]:
        """Let a thread work on a job as soon as one is free."""
        return self._pool.submit(work, job)

    def run(
        self,
        jobs: Iterable[Job],
        *,
        work: Callable[[Job], Result],
        after: Callable[[Job, Result], None],
        idle: Callable[[], None],
    ) -> None:
        """Work on all jobs, in any order; arguments and errors as those of `InFlight`."""
        in_flight = InFlight(self, work=work, after=after, idle=idle)
        in_flight.send(jobs)
        in_flight.settle()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


class InFlight(Generic[Job, Result]):
    """Jobs that were handed to the threads of a crew, until what came of them is written down.

    Args:
        crew: Works on them.
        work: Runs in a thread.
        after: Runs in the caller's thread when a job is done.
        idle: Runs in the caller's thread now and then while it waits.
    """

    def __init__(
        self,
        crew: Crew[Job, Result],
        *,
        work: Callable[[Job], Result],
        after: Callable[[Job, Result], None],
        idle: Callable[[], None],
    ) -> None:
        self._crew = crew
        self._work = work
        self._after = after
        self._idle = idle
        self._jobs: dict[Future[Result], Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def send(self, jobs: Iterable[Job]) -> None:
        """Hand out jobs, and leave the last ones in flight.

        Args:
            jobs: Consumed as threads become free. Threads without work come before results that wait.

        Raises:
            Exception: The first error of any of these; jobs in flight are finished first, and `after` runs for them.
        """
        try:
            for job in jobs:
                self._jobs[self._crew.start(self._work, job)] = job
                while self._is_enough():
                    self._settle_one()
        except BaseException:
            # The answers of what is in flight still count: they are recorded, not thrown away.
            self._settle_rest()
            raise

    def settle(self) -> None:
        """Wait for all jobs in flight; errors as those of `send`."""
        errors = self._settle_rest()
        if errors:
            raise errors[0]

    def _is_enough(self) -> bool:
        size = self._crew.size
        at_work = sum(not one.done() for one in self._jobs)
        return at_work >= size * (1 + AHEAD) or len(self._jobs) >= size * MOST_PER_THREAD

    def _settle_rest(self) -> list[Exception]:
        errors: list[Exception] = []
        while self._jobs:
            try:
                self._settle_one()
            except Exception as error:  # noqa: BLE001 - kept for whoever asked, once everything in flight is recorded
                errors.append(error)
        return errors

    def _settle_one(self) -> None:
        done, _ = wait(self._jobs, timeout=HEARTBEAT_S, return_when=FIRST_COMPLETED)
        if not done:
            self._idle()
            return
        future = done.pop()
        self._after(self._jobs.pop(future), future.result())
