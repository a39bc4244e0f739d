"""Metrics in the SDK's form, and the lines of a long load."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from core.fakes import Clock
from core.test_figures import report, tally
from singer_sdk import metrics as sdk

from reverse_etl_core.metrics import log_metrics, points
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.progress import Progress
from reverse_etl_core.tally import Fate, Tally
from reverse_etl_core.traffic import TimedRequest, Traffic


def by_name(**changes: Any) -> dict[str, list[dict[str, Any]]]:
    """The metrics of a run, by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for point in points(report(**changes), pid=1):
        shown = json.loads(str(point))
        found.setdefault(shown["metric"], []).append(shown)
    return found


def test_every_record_is_counted_once() -> None:
    """By outcome, rejections and deferrals by code; the sum is what was read."""
    one = tally(10, 3, RejectCode.TOO_LONG.value)
    one.settle(Fate.DEFERRED, 2, code="quota")
    one.read = 12
    found = by_name(tallies={"people": one})["settled_count"]
    assert sum(point["value"] for point in found) == 12
    assert {(point["tags"]["outcome"], point["tags"].get("code")): point["value"] for point in found} == {
        ("created", None): 7,
        ("rejected", "too_long"): 3,
        ("deferred", "quota"): 2,
    }
    assert all(point["tags"]["stream"] == "people" and point["tags"]["object"] == "contacts" for point in found)


def test_requests_are_counted_by_status() -> None:
    """Count and seconds for each status; those without an answer have none."""
    found = by_name()
    counts = {point["tags"]["http_status_code"]: point["value"] for point in found["http_request_count"]}
    assert counts == {"200": 1, "": 1}
    assert [(point["type"], point["value"]) for point in found["http_request_duration"]] == [("timer", 0.5)]
    assert found["throttled_duration"][0]["value"] == 1.25


@pytest.mark.parametrize(("exit_code", "status"), [(0, "succeeded"), (65, "failed"), (143, "failed")])
def test_the_end_is_a_metric(exit_code: int, status: str) -> None:
    """How long it took, and how it ended."""
    (point,) = by_name(exit_code=exit_code)["sync_duration"]
    assert (point["value"], point["tags"]["status"], point["tags"]["exit_code"]) == (2.0, status, str(exit_code))


def test_the_sdk_formats_them(caplog: pytest.LogCaptureFixture) -> None:
    """They come from the SDK's own logger as points, so that its filters and its structured form know them."""
    with caplog.at_level(logging.INFO):
        log_metrics(report())
    lines = [one for one in caplog.records if one.name == sdk.METRICS_LOGGER_NAME]
    assert len(lines) < 10
    for line in lines:
        assert isinstance(line.args, tuple)
        assert isinstance(line.args[0], sdk.Point)
        assert line.getMessage().startswith('METRIC: {"type":')


def test_progress_says_how_far_how_fast_and_what_holds_it_up(caplog: pytest.LogCaptureFixture) -> None:
    """Every ten seconds: read and settled per stream with news, then requests and throttling."""
    clock, tallies = Clock(0.0), {"people": Tally(), "quiet": Tally()}
    traffic = Traffic(clock=clock)
    progress = Progress(tallies, traffic, clock=clock)
    with caplog.at_level(logging.INFO):
        clock.now_s = 5
        progress.tell()
        assert caplog.text == ""
        tallies["people"].read = 3000
        tallies["people"].settle(Fate.CREATED, 2000)
        traffic.answered(TimedRequest(0.1, "POST", "/x", 200), is_write=True)
        traffic.waited(1.5)
        clock.now_s = 10
        progress.tell()
        assert [one.getMessage() for one in caplog.records] == [
            "Stream 'people': 3000 records read (300/s): 2000 created",
            "After 10 s: 1 requests (1 writes, 0 retries), 1.5 s throttled",
        ]
        caplog.clear()
        clock.now_s = 30
        progress.tell()
        assert [one.getMessage()[:10] for one in caplog.records] == ["After 30 s"]
    assert sum(one.settled for one in traffic.timeline(30.0)[1]) == 2000


def test_every_metric_is_documented() -> None:
    """docs/operations.md names each of them, with its tags."""
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    for point in points(report(), pid=1):
        (row,) = re.findall(rf"^\| `{point.metric.value}` \| {point.metric_type} \|.*$", text, re.MULTILINE)
        assert [tag for tag in map(str, json.loads(str(point))["tags"]) if tag != "pid" and f"`{tag}`" not in row] == []
