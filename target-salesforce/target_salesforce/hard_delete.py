"""Records that go for good: by bulk jobs, since no other part of the API leaves the recycle bin out.

Unlike the jobs that core runs, these are waited for inside one call and stand in no ledger. Whatever gets lost on the
way, deleting once more what is deleted does no harm.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from reverse_etl_core.destination import JobState
from reverse_etl_core.errors import InterruptedRunError, ReverseETLError, UnknownOutcomeError
from reverse_etl_core.jobs import FIRST_POLL_S, LONGEST_POLL_S, POLL_GROWTH
from reverse_etl_core.operations import Unanswered, Unattempted
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.retry import backoff_s
from target_salesforce import contention, verdicts, wire
from target_salesforce.objects import SHORT_ID

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from reverse_etl_core.operations import Batch, Operation
    from reverse_etl_core.retry import RetryPolicy
    from target_salesforce.bulk import BulkJobs
    from target_salesforce.verdicts import Answer

logger = logging.getLogger(__name__)

JOBS_PER_BATCH = 4
"""The first one, and those for records that were locked or left out. Salesforce itself waits for a lock, and tries a
batch of a job anew (source: Bulk API 2.0 guide v66, "How Requests Are Processed")."""


class HardDelete:
    """Deletes batches of records for good, one after the other.

    Args:
        jobs: Of its own: it is used by one thread at a time.
        sleep: Waits that many seconds; true when the run is asked to stop meanwhile.
        rng: Source of the jitter.
        policy: How long the pauses between two jobs of a batch are.
    """

    def __init__(
        self, jobs: BulkJobs, *, sleep: Callable[[float], object], rng: random.Random, policy: RetryPolicy
    ) -> None:
        self._jobs = jobs
        self._sleep = sleep
        self._rng = rng
        self._policy = policy
        self._lock = threading.Lock()

    def answers(self, batch: Batch) -> list[Answer]:
        """What came of each record.

        What other writes hold is tried in further jobs; what is held to the end keeps its rejection.

        Raises:
            ReverseETLError: The first job cannot be finished. An error of a later one leaves its records unattempted,
                and shows in the next call.
        """
        by_id: dict[str, Operation] = {}
        for one in batch.operations:
            by_id.setdefault(_id(one), one)  # two rows of a job with the same id are both refused
        with self._lock:
            settled = self._settled(wire.part(batch, list(by_id.values())))
        return [verdicts.renamed(settled[_id(one)], one) for one in batch.operations]

    def _settled(self, batch: Batch) -> dict[str, Answer]:
        """The answers by id."""
        settled = {_id(one.operation): one for one in self._run(batch)}
        for number in range(1, JOBS_PER_BATCH):
            waiting = [one.operation for one in settled.values() if _is_open(one)]
            if not waiting or _has_ended(settled):
                return settled
            if self._sleep(backoff_s(self._policy, number, None, self._rng.uniform)):
                break
            try:
                again = self._run(wire.part(batch, waiting))
            except ReverseETLError as error:
                logger.warning("'%s': %d records are left: %s", batch.schema.name, len(waiting), error)
                break
            settled.update({_id(one.operation): one for one in again})
        else:
            return settled
        return {key: contention.left(one) for key, one in settled.items()}

    def _run(self, batch: Batch) -> list[Answer]:
        job_id = self._jobs.open(batch)
        logger.info("Bulk job %s deletes %d records of '%s'.", job_id, len(batch.operations), batch.schema.name)
        self._jobs.submit(job_id, batch)
        self._wait_for(job_id)
        return list(self._jobs.answers(job_id, batch))

    def _wait_for(self, job_id: str) -> None:
        pause_s = FIRST_POLL_S
        while (state := self._jobs.state(job_id)) in (JobState.RUNNING, JobState.OPEN):
            if self._sleep(pause_s):
                msg = f"The run was asked to stop while bulk job {job_id} deleted records. The next run goes on there."
                raise InterruptedRunError(msg)
            pause_s = min(LONGEST_POLL_S, pause_s * POLL_GROWTH)
        if state is JobState.UNKNOWN:
            msg = f"Salesforce has no bulk job {job_id} any more, so nobody knows what it deleted."
            raise UnknownOutcomeError(msg)


def _id(operation: Operation) -> str:
    return str(operation.destination_id)[:SHORT_ID]


def _is_open(answer: Answer) -> bool:
    """Whether another job may delete the record."""
    if answer.recovery is None:
        return isinstance(answer.outcome, (Unattempted, Unanswered))
    return answer.recovery in (Recovery.CONTENDED, Recovery.AGAIN)


def _has_ended(settled: dict[str, Answer]) -> bool:
    return any(one.recovery is Recovery.STOP for one in settled.values())
