"""All ingest jobs of an org, and how they are processed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from saas_simulators.salesforce.bulk.jobs import UPLOAD_COMPLETE, Job, Order
from saas_simulators.salesforce.bulk.worker import Worker
from saas_simulators.salesforce.ids import make_id, normal_id

if TYPE_CHECKING:
    from saas_simulators.faults import FaultPlan
    from saas_simulators.limits import DailyQuota
    from saas_simulators.salesforce.bulk.settings import BulkSettings
    from saas_simulators.salesforce.state import Org

KEY_PREFIX = "750"  # source: recordings amp-labs
STOP_TIMEOUT_S = 10.0


class Jobs:
    """The ingest jobs of one org. Hold the org's lock for every read or write, but not for `stop`.

    A saved state has no jobs: they last 7 days in an org, and whoever asks after a restart gets a 404, as for a job
    that was deleted. What they wrote is saved with the records. Ids begin with the time, so that none comes twice.
    """

    def __init__(self, org: Org, faults: FaultPlan | None = None) -> None:
        self._org = org
        self._jobs: dict[str, Job] = {}
        self._last_number = int(org.clock())
        self.faults = faults

    @property
    def settings(self) -> BulkSettings:
        """The settings in force."""
        return self._org.limits.bulk

    def add(self, order: Order, created_by: str) -> Job:
        """Open a job."""
        now_s = self._org.clock()
        self._last_number += 1
        job = Job(make_id(KEY_PREFIX, self._last_number), order, created_by, now_s, now_s)
        self._jobs[job.id] = job
        return job

    def find(self, job_id: str) -> Job | None:
        """Return a job by its id of 15 or 18 characters."""
        return self._jobs.get(normal_id(job_id) or "")

    def all(self) -> list[Job]:
        """Return every job, the oldest first."""
        return list(self._jobs.values())

    def remove(self, job: Job) -> None:
        """Forget a job; what it has not written yet stays unwritten."""
        job.stopped.set()
        del self._jobs[job.id]

    def close(self, job: Job) -> None:
        """Take the upload as complete, and have it processed."""
        job.close(UPLOAD_COMPLETE, self._org.clock())
        job.worker = threading.Thread(target=Worker(self._org, job).run, daemon=True, name=f"bulk-{job.id}")
        job.worker.start()

    @property
    def batches(self) -> DailyQuota:
        """The day's batches of 10,000 records, `DailyBulkApiBatches` of `/limits`."""
        batches = self.settings.batches
        batches.roll(self._org.clock())
        return batches

    def has_batches_left(self) -> bool:
        """Return whether the day's batches are not used up."""
        return self.batches.limit is None or self.batches.remaining > 0

    def count_batch(self) -> bool:
        """Count a batch, unless the day's are used up."""
        with self._org.lock:
            return self.batches.admit(self._org.clock())

    def stop(self) -> None:
        """Leave off processing, and wait until nothing is written any more."""
        running = self.all()
        for job in running:
            job.stopped.set()
        for job in running:
            if job.worker is not None:
                job.worker.join(STOP_TIMEOUT_S)
