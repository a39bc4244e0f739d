"""Many records in one asynchronous job: noted before it can write anything, waited for, adopted after a kill.

The order that makes a kill harmless: the destination opens an empty job; its id and the intents are durable; then
the records are handed over. A run that finds such a job in its ledger reads what came of it, instead of sending
again what may be written already.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reverse_etl_core import identity
from reverse_etl_core.destination import JobState
from reverse_etl_core.errors import AccountingError, FatalError, JobFailedError, RetryableError
from reverse_etl_core.ledger import Job
from reverse_etl_core.operations import Batch, Verb
from reverse_etl_core.planning import Candidate, operation
from reverse_etl_core.sending import wait_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reverse_etl_core.destination import Jobs
    from reverse_etl_core.ledger import Delivery, StreamLedger
    from reverse_etl_core.queues import WorkQueues
    from reverse_etl_core.recording import Recorder
    from reverse_etl_core.routing import Route

logger = logging.getLogger(__name__)

FIRST_POLL_S = 0.5
LONGEST_POLL_S = 15.0
POLL_GROWTH = 1.25
"""A job is asked about soon, then ever less often: each question is a request of the account's quota. What a job took
is exceeded by an eighth on average: one of ten seconds costs eight questions, one of ten minutes fifty."""

JOBS_AT_ONCE = 2
"""While the destination works on one, the next one is filled and handed over. Each keeps its records in memory, and
records that contend for the same parent are kept together within a job only."""

OUTCOMES_AT_ONCE = 1000
"""Outcomes that are recorded in one step."""


class JobRunner:
    """Runs the jobs of one stream, a few at the same time.

    Args:
        jobs: The destination's.
        route: Where the stream goes.
        ledger: The stream's part of it.
        queues: The records on their way.
        recorder: Records outcomes.
        wait: Sleeps that many seconds; true when the run is asked to stop meanwhile.
        at_once: Jobs that may run at the same time.
    """

    def __init__(
        self,
        jobs: Jobs,
        route: Route,
        *,
        ledger: StreamLedger,
        queues: WorkQueues,
        recorder: Recorder,
        wait: Callable[[float], bool],
        at_once: int,
    ) -> None:
        self._jobs = jobs
        self._route = route
        self._ledger = ledger
        self._queues = queues
        self._recorder = recorder
        self._wait = wait
        self._at_once = at_once
        self._running: deque[tuple[Job, Batch]] = deque()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, batch: Batch) -> None:
        """Hand a batch over to a job. What came of it is recorded by `settle`, or when too many run.

        Raises:
            FatalError: One of them cannot be finished now; the next run finds it and goes on.
        """
        while len(self._running) >= self._at_once:
            self._settle_first()
        job = self._open(batch)
        with self._explained(job):
            batch = self._recorder.intend(batch, job)
            if not batch.operations:
                self._jobs.abort(job.job_id)
                self._ledger.end_job(job.job_id)
                return
            logger.info(
                "Stream '%s': job %s takes %d records to %s.",
                self._route.stream,
                job.job_id,
                len(batch.operations),
                batch.verb.value,
            )
            self._jobs.submit(job.job_id, batch)
        self._running.append((job, batch))

    def settle(self) -> None:
        """Wait for the jobs that run, and record what came of them; errors as those of `start`."""
        while self._running:
            self._settle_first()

    def _settle_first(self) -> None:
        job, batch = self._running.popleft()
        with self._explained(job):
            if self._ended(job) is JobState.UNKNOWN:
                msg = f"Stream '{self._route.stream}': the destination has lost job {job.job_id}. Run again."
                raise FatalError(msg)
            self._collect(job, batch)

    @contextmanager
    def _explained(self, job: Job) -> Iterator[None]:
        """What an error of a job means for the run."""
        try:
            yield
        except JobFailedError:
            self._ledger.end_job(job.job_id)
            raise
        except RetryableError as error:
            msg = f"Stream '{self._route.stream}': {error} The next run looks after the job and goes on."
            raise FatalError(msg) from error

    def _open(self, batch: Batch) -> Job:
        try:
            return Job(self._jobs.open(batch), batch.verb.value, batch.match_field)
        except RetryableError as error:
            msg = f"Stream '{self._route.stream}': {error} What was read but not delivered is sent by the next run."
            raise FatalError(msg) from error

    def adopt(self) -> None:
        """Finish the jobs that earlier runs left behind."""
        for job in self._ledger.unfinished_jobs():
            logger.info("Stream '%s': job %s of an earlier run is looked after.", self._route.stream, job.job_id)
            try:
                self._adopt(job)
            except JobFailedError as error:
                # Why it was refused may be mended by now; its records are sent again like any others.
                logger.warning("Stream '%s': %s", self._route.stream, error)
                self._ledger.end_job(job.job_id)
            except RetryableError as error:
                msg = f"Stream '{self._route.stream}': job {job.job_id} cannot be looked after: {error}"
                raise FatalError(msg) from error

    def _adopt(self, job: Job) -> None:
        if self._jobs.state(job.job_id) is JobState.OPEN:
            self._jobs.abort(job.job_id)
        if self._ended(job) is JobState.UNKNOWN:
            # Its records are treated like any others that a killed run left under way.
            logger.warning("Stream '%s': the destination has forgotten job %s.", self._route.stream, job.job_id)
            self._ledger.end_job(job.job_id)
            return
        verb = Verb(job.verb)
        candidates = [_adopted(row) for row in self._ledger.records_of_job(job.job_id)]
        for one in candidates:
            self._queues.adopt(one)
        operations = tuple([operation(one, verb, self._route) for one in candidates])
        if operations:
            self._collect(job, Batch(verb, self._route.schema, job.match_field, operations, self._route.references))
        else:
            self._ledger.end_job(job.job_id)

    def _ended(self, job: Job) -> JobState:
        """Wait until a job writes nothing any more."""
        pause_s = FIRST_POLL_S
        while (state := self._jobs.state(job.job_id)) in (JobState.RUNNING, JobState.OPEN):
            wait_out(pause_s, renew=self._ledger.renew, wait=self._wait)
            pause_s = min(LONGEST_POLL_S, pause_s * POLL_GROWTH)
        return state

    def _collect(self, job: Job, batch: Batch) -> None:
        """Record what came of an ended job, a page at a time."""
        open_keys = {one.source_key for one in batch.operations}
        outcomes = self._jobs.outcomes(job.job_id, batch)
        while page := list(itertools.islice(outcomes, OUTCOMES_AT_ONCE)):
            answered = {one.source_key for one in page}
            if len(answered) != len(page) or not answered <= open_keys:
                msg = f"Job {job.job_id} answered twice for a record. This is a defect of the target; please report it."
                raise AccountingError(msg)
            open_keys -= answered
            self._recorder.outcomes(batch.verb, page)
        if open_keys:
            msg = f"Job {job.job_id} did not answer for {len(open_keys)} records. This is a defect; please report it."
            raise AccountingError(msg)
        self._ledger.end_job(job.job_id)


def _adopted(row: Delivery) -> Candidate:
    """A record as the run that was killed handed it over."""
    payload = (row.record or "{}").encode()
    match_key = row.match_key or ""
    candidate = Candidate(row.source_key, match_key, payload, identity.digest(payload), is_replay=True)
    candidate.learn(row)
    return candidate
