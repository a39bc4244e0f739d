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
        size: Jobs in flight at the same time.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(max_workers=size, thread_name_prefix="delivery")

    def run(
        self,
        jobs: Iterable[Job],
        *,
        work: Callable[[Job], Result],
        after: Callable[[Job, Result], None],
        idle: Callable[[], None],
    ) -> None:
        """Work on all jobs, in any order.

        Args:
            jobs: Consumed as threads become free.
            work: Runs in a thread.
            after: Runs in the caller's thread when a job is done.
            idle: Runs in the caller's thread now and then while it waits.

        Raises:
            Exception: The first error of any of these; jobs in flight are finished first, and `after` runs for them.
        """
        in_flight: dict[Future[Result], Job] = {}
        errors: list[Exception] = []
        try:
            for job in jobs:
                in_flight[self._pool.submit(work, job)] = job
                if len(in_flight) >= self.size * (1 + AHEAD):
                    _collect(in_flight, after, idle, errors)
                if errors:
                    break
        finally:
            # After an error the answers of what is in flight still count: they are recorded, not thrown away.
            while in_flight:
                _collect(in_flight, after, idle, errors)
        if errors:
            raise errors[0]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


def _collect(
    in_flight: dict[Future[Result], Job],
    after: Callable[[Job, Result], None],
    idle: Callable[[], None],
    errors: list[Exception],
) -> None:
    done, _ = wait(in_flight, timeout=HEARTBEAT_S, return_when=FIRST_COMPLETED)
    for future in done:
        job = in_flight.pop(future)
        try:
            after(job, future.result())
        except Exception as error:  # noqa: BLE001 - kept, and raised once everything in flight is recorded
            errors.append(error)
    if not done:
        idle()
