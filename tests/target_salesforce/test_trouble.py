"""G1 to G3 by requests and by jobs: lost replies, refusals, locks and failing jobs; each record is created once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from conformance.suite import LOST_REPLY_FAULTS
from salesforce_stage import QuickTarget

from reverse_etl_core.schema import JobLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.stage import Result, Stage

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination

COLLECTIONS = "*/composite/sobjects*"
JOBS = "*/jobs/ingest*"
JOB = "*/jobs/ingest/*"


class SmallJobsTarget(QuickTarget):
    """The target with jobs so small that a test has many of them."""

    job_limits: ClassVar[JobLimits] = JobLimits(records_from=1, records_per_job=250, bytes_per_job=10_000_000)

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """The real org."""
        destination = super().connect(config, common)
        if destination.jobs is not None:
            destination._job_limits = self.job_limits  # type: ignore[attr-defined]
        return destination


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """Small jobs that are done at once."""
    stage.vendor = replace(stage.vendor, target=SmallJobsTarget)
    stage.vendor.control("limits", {"salesforce": {"daily": None, "bulk_seconds_per_batch": 0}})
    return stage


def lost_replies(*paths: str) -> list[dict[str, Any]]:
    """5 % each of lost replies, 502 after the commit, 429 and cut connections, on every request of these paths."""
    kinds = [(kind, path) for path in paths for kind in LOST_REPLY_FAULTS]
    return [{"kind": kind, "path": path, "probability": 0.05, "seed": seed} for seed, (kind, path) in enumerate(kinds)]


def created(stage: Stage) -> Counter[str]:
    """How often each contact was created, from the simulator's journal."""
    found: Counter[str] = Counter()
    last = 0
    while entries := stage.vendor.control(f"journal?since={last}")["entries"]:
        found.update(one["unique"]["External_Id__c"] for one in entries if one["event"] == "record_created")
        last = entries[-1]["sequence"]
    return found


def jobs_opened(stage: Stage) -> int:
    """Jobs that the org was asked for."""
    counts = stage.vendor.control("requests?last=1")["counts"]
    return sum(one["count"] for one in counts if one["method"] == "POST" and one["route"].endswith("/jobs/ingest"))


def verify(stage: Stage, result: Result, count: int) -> None:
    """All arrived, each was created once, and the summary adds up."""
    assert (result.exit_code, result.codes) == (0, {}), result.error
    assert result.totals["read"] == sum(result.totals.values()) - result.totals["read"] == count
    assert created(stage) == Counter({f"K{n}": 1 for n in range(count)})
    assert len(result.states) == 1


WAYS = pytest.mark.parametrize(
    ("api", "load_method"), [("rest", "upsert"), ("rest", "create"), ("bulk", "upsert"), ("bulk", "create")]
)
SIZES = pytest.mark.parametrize(
    "count", [1000, pytest.param(20_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)


@SIZES
@WAYS
def test_lost_replies_double_nothing(stage: Stage, api: str, load_method: str, count: int) -> None:
    """With 5 % each of lost replies, 502 after commit, 429 and cut connections, each contact is created once."""
    stage.vendor.faults(lost_replies(COLLECTIONS, JOBS))
    rows = (stage.record(n) for n in range(count))
    verify(stage, stage.deliver(rows, api=api, stream={"load_method": load_method}), count)


@SIZES
@WAYS
def test_locked_rows_arrive(stage: Stage, api: str, load_method: str, count: int) -> None:
    """One row in five is locked whenever several travel together; all arrive, each once."""
    rules = [{"kind": "row_lock", "path": path, "probability": 0.2, "rows_over": 1} for path in (COLLECTIONS, JOB)]
    stage.vendor.faults(rules)
    rows = (stage.record(n) for n in range(count))
    verify(stage, stage.deliver(rows, api=api, stream={"load_method": load_method}), count)


@SIZES
@pytest.mark.parametrize("load_method", ["upsert", "create"])
@pytest.mark.parametrize("policy", ["TooManyLockFailure", "Timeout"])
def test_jobs_that_fail_in_the_middle_double_nothing(stage: Stage, policy: str, load_method: str, count: int) -> None:
    """What a failed job has written counts, and the rest goes by another one; replies get lost beside that."""
    failure = {"kind": "job_failure", "path": JOB, "policy": policy, "probability": 0.3}
    stage.vendor.faults([failure, *lost_replies(JOBS)])
    rows = (stage.record(n) for n in range(count))
    verify(stage, stage.deliver(rows, api="bulk", stream={"load_method": load_method}), count)


@pytest.mark.parametrize("policy", ["TooManyLockFailure", "Timeout"])
def test_what_two_jobs_left_out_goes_by_requests(stage: Stage, policy: str) -> None:
    """Jobs that fail say nothing against their records: none is rejected for it."""
    stage.vendor.faults([{"kind": "job_failure", "path": JOB, "policy": policy}])
    verify(stage, stage.deliver((stage.record(n) for n in range(500)), api="bulk"), 500)
    assert jobs_opened(stage) == 2 * 2


def test_records_whose_uploads_get_lost_go_by_requests(stage: Stage) -> None:
    """The same for jobs that never got their records."""
    stage.vendor.faults([{"kind": "cut_before", "path": JOB, "method": "PUT"}])
    verify(stage, stage.deliver((stage.record(n) for n in range(250)), api="bulk"), 250)
    assert jobs_opened(stage) == 2
