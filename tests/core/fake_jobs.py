"""Asynchronous jobs over a `Crm`: they outlive the run that opened them, and write when their time has come."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
from core.fakes import KilledError

from reverse_etl_core.destination import Jobs, JobState
from reverse_etl_core.errors import JobFailedError, TransportError, UnknownOutcomeError
from reverse_etl_core.operations import Batch, Operation, Outcome, RejectCode, Rejected, Unattempted, Verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.fakes import Crm

JOB_FAULTS = (
    "down",
    "not reached",
    "start lost",
    "start unanswered",
    "start late",
    "state lost",
    "refused",
    "forgotten",
    "locked",
    "all locked",
    "cut short",
)
"""What may happen to one job; `None` stands for nothing.

`down`: it cannot be opened. `not reached`: nor given its records. `start ...`: the request that starts it gets no
answer, and never arrives, has arrived or arrives later. `state lost`: asking once fails. `refused`: as a whole.
`forgotten`: as soon as it is done. `locked`: its first record, or all of them. `cut short`: after its first record.
"""
JOB_KILLS = (
    "kill opened",
    "kill intended",
    "kill uploaded",
    "kill starting late",
    "kill started",
    "kill waiting",
    "kill reading",
)
"""Where the run may be killed, in the order of a job's life."""

NEVER_STARTED = {"start lost", "kill uploaded"}
STARTED_LATE = {"start late", "kill starting late"}
KILLS_AT_START = {"kill uploaded", "kill starting late", "kill started"}
STARTS_WITHOUT_ANSWER = {"start lost", "start unanswered", "start late"}


@dataclass
class HeldJob:
    """One job as the destination holds it; times are seconds of the destination's clock."""

    fault: str | None
    batch: Batch | None = None
    starts_at: float = math.inf
    ends_at: float = math.inf
    is_aborted: bool = False
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def strike(self, *faults: str) -> bool:
        """Whether one of these faults is due; it strikes once."""
        if self.fault not in faults:
            return False
        self.fault = None
        return True


class FakeJobs(Jobs):
    """All jobs of one account, through all runs.

    Args:
        crm: What they write to.
        lasts_s: How long a job runs; it writes at the end.
        latency_s: How late a late start is.
        abort_s: How long an abort is on its way.
        reads_before_kill: Outcomes that are read before `kill reading` strikes.

    Attributes:
        faults: What happens to each job in turn; nothing once they are used up.
        taken: Verb and number of records of each job that was given its records.
    """

    def __init__(
        self,
        crm: Crm,
        *,
        lasts_s: float = 30.0,
        latency_s: float = 50.0,
        abort_s: float = 0.0,
        reads_before_kill: int = 0,
    ) -> None:
        self.crm = crm
        self.lasts_s = lasts_s
        self.latency_s = latency_s
        self.abort_s = abort_s
        self.reads_before_kill = reads_before_kill
        self.faults: Iterable[str | None] = ()
        self.held: dict[str, HeldJob] = {}
        self.taken: list[tuple[Verb, int]] = []
        self._ids = itertools.count(1)

    def open(self, batch: Batch) -> str:
        """An empty job."""
        assert batch.operations
        self.faults = iter(self.faults)
        job = HeldJob(next(self.faults, None))
        if job.strike("down"):
            raise TransportError("Not reached.")
        job_id = f"job-{next(self._ids)}"
        self.held[job_id] = job
        if job.strike("kill opened"):
            raise KilledError
        return job_id

    def submit(self, job_id: str, batch: Batch) -> None:
        """Take the records and start, or let something happen to it."""
        job, limits = self.held[job_id], batch.schema.jobs
        assert limits is not None
        assert job.batch is None, "a job got its records twice"
        assert limits.records_from <= len(batch.operations) <= limits.records_per_job
        if job.strike("not reached"):
            raise TransportError("Not reached.")
        if job.strike("kill intended"):
            raise KilledError
        job.batch = batch
        self.taken.append((batch.verb, len(batch.operations)))
        if job.fault not in NEVER_STARTED:
            self._start(job_id, job, self.latency_s if job.fault in STARTED_LATE else 0.0)
        if job.strike(*KILLS_AT_START):
            raise KilledError
        if job.strike(*STARTS_WITHOUT_ANSWER):
            raise UnknownOutcomeError("No usable answer.")

    def _start(self, job_id: str, job: HeldJob, delay_s: float) -> None:
        job.starts_at = self.crm.clock() + delay_s
        job.ends_at = job.starts_at + self.lasts_s
        if job.fault == "forgotten":
            self._write(job)
            del self.held[job_id]
        else:
            self.crm.late.append((job.ends_at, lambda: self._write(job)))

    def _write(self, job: HeldJob) -> None:
        if job.is_aborted or job.fault == "refused" or job.batch is None:
            return
        number_locked = len(job.batch.operations) if job.strike("all locked") else int(job.strike("locked"))
        number_done = 1 if job.strike("cut short") else len(job.batch.operations)
        for number, one in enumerate(job.batch.operations[:number_done]):
            job.outcomes[_key(job.batch, one)] = self._apply(job.batch, one, is_locked=number < number_locked)

    def _apply(self, batch: Batch, operation: Operation, *, is_locked: bool) -> Outcome:
        if is_locked:
            return Unattempted(operation.source_key, is_contended=True)
        if dict(operation.fields).get("name") == "poison":
            return Rejected(operation.source_key, RejectCode.INVALID_VALUE, "Something in it.", "POISON")
        return self.crm.apply(batch, operation)

    def state(self, job_id: str) -> JobState:
        """By the clock."""
        self.crm.catch_up()
        job = self.held.get(job_id)
        if job is None:
            return JobState.UNKNOWN
        if job.strike("kill waiting"):
            raise KilledError
        if job.strike("state lost"):
            raise TransportError("Not reached.")
        if job.is_aborted:
            return JobState.ENDED
        if self.crm.clock() < job.starts_at:
            return JobState.OPEN
        if self.crm.clock() < job.ends_at:
            return JobState.RUNNING
        if job.fault == "refused":
            raise JobFailedError("The job is refused.")
        return JobState.ENDED

    def abort(self, job_id: str) -> None:
        """Close it, unless it has started meanwhile."""
        self.crm.clock.wait(self.abort_s)
        if self.state(job_id) is JobState.OPEN:
            self.held[job_id].is_aborted = True

    def outcomes(self, job_id: str, batch: Batch) -> Iterator[Outcome]:
        """What came of the records that are asked for, joined by match key or id; not in their order."""
        job = self.held[job_id]
        for number, one in enumerate(reversed(batch.operations)):
            if number >= self.reads_before_kill and job.strike("kill reading"):
                raise KilledError
            known = job.outcomes.get(_key(batch, one), Unattempted(one.source_key))
            yield msgspec.structs.replace(known, source_key=one.source_key)


def _key(batch: Batch, operation: Operation) -> str:
    return str(operation.destination_id) if batch.verb is Verb.UPDATE else operation.match_key
