"""A run as Singer metrics: log lines `METRIC: {…}` in the form of the SDK, written once, at the end.

`record_count` comes from the SDK itself, per stream and minute.
"""

from __future__ import annotations

import enum
import os
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import metrics
from singer_sdk.metrics import Metric, Point, Status, Tag

from reverse_etl_core.errors import EXIT_OK
from reverse_etl_core.operations import DeferCode
from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reverse_etl_core.report import Report
    from reverse_etl_core.tally import Tally


class DeliveryMetric(str, enum.Enum):
    """What the SDK has no name for."""

    SETTLED_COUNT = "settled_count"
    """Records of a stream by what became of them; tags `outcome`, and `code` for rejections and deferrals."""
    THROTTLED_DURATION = "throttled_duration"
    """Seconds that requests waited for the rate limit, added up."""


def log_metrics(report: Report) -> None:
    """Log the metrics of a run."""
    for point in points(report, pid=os.getpid()):
        metrics.log(metrics.get_metrics_logger(), point)


def points(report: Report, *, pid: int) -> Iterator[Point[Any]]:
    """The metrics of a run; tags hold names and codes, never a field value.

    Args:
        report: The run.
        pid: Tag that the SDK gives all of its metrics.
    """
    always: dict[str, str | int] = {Tag.PID.value: pid}
    for stream, tally in report.tallies.items():
        named = {Tag.STREAM.value: stream, "object": report.objects.get(stream, "")}
        for more, count in _outcomes(tally):
            yield _point("counter", DeliveryMetric.SETTLED_COUNT, count, named | more | always)
    traffic = report.traffic
    for code, count in sorted(traffic.statuses.items()):
        answered = {Tag.HTTP_STATUS_CODE.value: str(code)} | always
        yield _point("counter", Metric.HTTP_REQUEST_COUNT, count, answered)
        yield _point("timer", Metric.HTTP_REQUEST_DURATION, round(traffic.answer_s.get(code, 0.0), 3), answered)
    if traffic.failures:
        yield _point("counter", Metric.HTTP_REQUEST_COUNT, traffic.failures, {Tag.HTTP_STATUS_CODE.value: ""} | always)
    status = Status.SUCCEEDED if report.exit_code == EXIT_OK else Status.FAILED
    yield _point("timer", DeliveryMetric.THROTTLED_DURATION, round(traffic.throttled_s, 3), always)
    ended = {Tag.STATUS.value: status.value, "exit_code": str(report.exit_code)} | always
    yield _point("timer", Metric.SYNC_DURATION, round(report.seconds, 3), ended)


def _outcomes(tally: Tally) -> Iterator[tuple[dict[str, str], int]]:
    """Counts by outcome, by code where there is one."""
    deferrals = {one.value for one in DeferCode}
    for fate, count in tally.fates.items():
        if count and fate not in {Fate.REJECTED, Fate.DEFERRED}:
            yield {"outcome": fate.value}, count
    for code, count in tally.codes.items():
        fate = Fate.DEFERRED if code in deferrals else Fate.REJECTED
        yield {"outcome": fate.value, "code": code}, count


def _point(kind: str, metric: Metric | DeliveryMetric, value: float, tags: Mapping[str, str | int]) -> Point[Any]:
    return Point(kind, cast("Metric", metric), value, dict(tags))  # the SDK wants no more of a metric than its text
