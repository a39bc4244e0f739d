"""What happens to a closed job: batches of 10,000 records, in chunks of 200, beside the requests."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.bulk import jobs as states
from saas_simulators.salesforce.bulk.columns import read_header
from saas_simulators.salesforce.bulk.outcomes import Outcomes
from saas_simulators.salesforce.bulk.upload import RowRefusedError, UnusableUploadError, Upload
from saas_simulators.salesforce.dml import MAX_ROWS, DmlOptions, write_rows
from saas_simulators.salesforce.errors import SalesforceError
from saas_simulators.salesforce.results import RowError, RowResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from saas_simulators.salesforce.bulk.jobs import Job
    from saas_simulators.salesforce.state import Org

BATCH_RECORDS = 10_000  # source: Bulk API 2.0 guide v66, "How Requests Are Processed"
BREATH_S = 0.0002  # between chunks, so that waiting requests get the lock
MAX_RETRIES = 20  # source: Bulk API 2.0 guide v67; 10 in older ones
# source: forum reports quoted in the documentation of a backup tool (id 6723632722) for the first; inferred: the second
FAILURES = {
    "TooManyLockFailure": "TooManyLockFailure : Too many lock failure 200 Trying again later.",
    "Timeout": "Timeout : The batch took too long and was retried more than 20 times.",
}
# source: error quoted in Google's data transfer documentation
BATCHES_EXCEEDED = "ExceededQuota : ApiBatchItems Limit exceeded."


class _JobFailedError(Exception):
    """The job ends as Failed; what is written stays written, the rest is unprocessed."""


class Worker:
    """Processes one job in its thread, and leaves off as soon as the job is no longer in progress."""

    def __init__(self, org: Org, job: Job) -> None:
        self._org = org
        self._job = job
        # the same upload is always processed, and its results shown, in the same order
        self._rng = random.Random(sum(map(len, job.contents)))  # noqa: S311 - not for secrets
        self._started_s = time.monotonic()

    def run(self) -> None:
        """Process the job to its end."""
        try:
            if self._begin():
                self._write()
        except (UnusableUploadError, _JobFailedError) as error:
            self._end(states.FAILED, str(error))
        except SalesforceError as error:
            self._end(states.FAILED, f"{error.code} : {error.message}")
        except Exception:
            # a bug of the simulator: the client shall not wait for ever, and the thread's traceback shall be seen
            self._end(states.FAILED, "Unknown : The simulator failed; see its standard error.")
            raise
        else:
            self._end(states.JOB_COMPLETE)

    def _begin(self) -> bool:
        """Read the upload; return whether the job is still wanted.

        Raises:
            UnusableUploadError: Nothing can be written.
        """
        job, order = self._job, self._job.order
        if not self._advance(states.UPLOAD_COMPLETE, states.IN_PROGRESS):
            return False
        upload = Upload(b"".join(job.contents), order.column_delimiter, order.line_ending)
        with self._org.lock:
            job.upload = upload
            job.columns = read_header(self._org, order.object_name, order.operation, upload.header)
            job.outcomes = Outcomes(len(upload), self._rng)
        return True

    def _advance(self, before: str, after: str) -> bool:
        with self._org.lock:
            if self._job.state != before or self._job.stopped.is_set():
                return False
            self._job.close(after, self._org.clock())
            return True

    def _end(self, state: str, error_message: str | None = None) -> None:
        with self._org.lock:
            if self._job.state == states.IN_PROGRESS and not self._job.stopped.is_set():
                self._job.close(state, self._org.clock(), error_message)
                self._job.total_ms = int((time.monotonic() - self._started_s) * 1000)

    def _write(self) -> None:
        upload = self._job.upload
        assert upload is not None  # noqa: S101 - set by _begin
        for chunk in self._chunks(len(upload)):
            # a small job counts as one batch
            share = len(chunk) / min(BATCH_RECORDS, len(upload))
            self._job.stopped.wait(max(self._org.jobs.settings.seconds_per_batch * share, BREATH_S))
            if not self._write_chunk(upload, chunk):
                return

    def _chunks(self, count: int) -> Iterator[range]:
        """Yield the chunks as parallel batches would meet: each batch in its order, the batches mixed."""
        batches = [range(start, min(start + BATCH_RECORDS, count)) for start in range(0, count, BATCH_RECORDS)]
        admitted = [batch for batch in batches if self._org.jobs.count_batch()]
        running = [iter(_cut(batch)) for batch in admitted]
        while running:
            chosen = self._rng.choice(running)
            chunk = next(chosen, None)
            if chunk is None:
                running.remove(chosen)
            else:
                yield chunk
        if len(admitted) < len(batches):
            # source: Bulk API 2.0 guide v66: batches beyond the day's allocation are not processed; inferred: the state
            raise _JobFailedError(BATCHES_EXCEEDED)

    def _write_chunk(self, upload: Upload, numbers: Sequence[int]) -> bool:
        """Write one chunk; return False when the job has been aborted, deleted or stopped."""
        self._fail_if_asked()
        started_s = time.perf_counter()
        read = [self._read(upload, number) for number in numbers]
        with self._org.lock:
            job = self._job
            if job.state != states.IN_PROGRESS or job.stopped.is_set() or job.outcomes is None:
                return False
            written = iter(self._dml([row for row in read if not isinstance(row, RowResult)]))
            job.outcomes.add(numbers, [row if isinstance(row, RowResult) else next(written) for row in read])
            job.modified_s = self._org.clock()
            job.api_ms += int((time.perf_counter() - started_s) * 1000)
        return True

    def _read(self, upload: Upload, number: int) -> dict[str, Any] | RowResult:
        """Return the row to write, or the result of one that cannot be written."""
        columns = self._job.columns
        assert columns is not None  # noqa: S101 - set by _begin
        try:
            row = columns.row(upload.cells(number))
        except RowRefusedError as refused:
            error = RowError("INVALID_FIELD", str(refused))  # inferred: the code of a row that is not CSV
        else:
            if self._job.order.operation != "insert" or not row.get("Id"):
                return row
            # source: message of Apex and of the data import (several public repositories)
            error = RowError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ("Id",))
        return RowResult(success=False, id=None, created=False, errors=(error,))

    def _dml(self, rows: list[dict[str, Any]]) -> list[RowResult]:
        if not rows:
            return []
        job, order = self._job, self._job.order
        columns = job.columns
        options = DmlOptions(
            columns=columns.numbers if columns else {},
            auto_assign=order.assignment_rule_id or "FALSE",  # inferred: no rule runs unless it is named
            method="PATCH",
            path=self._path(),
            request_rows=len(job.upload or ()),
        )
        verb: Any = order.operation
        return write_rows(
            self._org, verb, order.object_name, rows, external_id_field=order.external_id_field, options=options
        )

    def _path(self) -> str:
        return f"/services/data/v{self._job.order.api_version}/jobs/ingest/{self._job.id}"

    def _fail_if_asked(self) -> None:
        """Fail the job when a fault rule says so; one draw per chunk.

        Raises:
            _JobFailedError: It says so.
        """
        faults = self._org.jobs.faults
        rule = faults.draw_job(self._path()) if faults else None
        if rule is not None:
            self._job.retries = MAX_RETRIES
            raise _JobFailedError(FAILURES.get(rule.policy, FAILURES["TooManyLockFailure"]))


def _cut(batch: range) -> list[range]:
    return [batch[start : start + MAX_ROWS] for start in range(0, len(batch), MAX_ROWS)]
