"""Settling, brakes, tally, traffic and report.json: what is counted, and when it stops a run."""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_etl_core.brakes import RejectionBrake
from reverse_etl_core.conclusion import write_report
from reverse_etl_core.errors import AccountingError
from reverse_etl_core.report import Report
from reverse_etl_core.settling import HOUR_MS, LONGEST_MS, due_after_ms
from reverse_etl_core.tally import Fate, Tally
from reverse_etl_core.traffic import SLOWEST, TimedRequest, Traffic


@given(st.integers(0, 10_000))
def test_refusals_rest_longer_each_time_up_to_a_week(attempts: int) -> None:
    """From an hour to a week, never shorter than before."""
    assert HOUR_MS / 4 <= due_after_ms(attempts) <= due_after_ms(attempts + 1) <= LONGEST_MS


def tally(read: int, rejected: int, code: str = "too_long") -> Tally:
    """Counts with that many rejections."""
    one = Tally(read=read)
    one.settle(Fate.REJECTED, rejected, code=code)
    one.settle(Fate.CREATED, read - rejected)
    return one


@pytest.mark.parametrize(
    ("read", "rejected", "at_end", "stops"),
    [
        (99, 99, False, False),
        (100, 10, False, False),
        (100, 11, False, True),
        (9, 9, True, False),
        (10, 1, True, False),
        (10, 2, True, True),
        (0, 0, True, False),
        (1_000_000, 100_001, False, True),
    ],
)
def test_the_brake_trips_past_its_share(read: int, rejected: int, *, at_end: bool, stops: bool) -> None:
    """From 100 records on, and at the end from 10; exactly the share is tolerated."""
    brake = RejectionBrake(None, 10)
    if not stops:
        assert brake.violation(tally(read, rejected), at_end=at_end) is None
        return
    found = brake.violation(tally(read, rejected), at_end=at_end)
    assert found is not None
    assert re.search(f"{rejected} of {read}.*too_long.*max_rejected_percent", found.reason)


def test_a_count_trips_the_brake_from_the_first_record() -> None:
    """`max_rejected` holds whatever the share; 0 tolerates none."""
    assert RejectionBrake(1, 100).violation(tally(5, 1), at_end=False) is None
    for limit, rejected in ((1, 2), (0, 1)):
        found = RejectionBrake(limit, 100).violation(tally(5, rejected), at_end=False)
        assert found is not None
        assert "'max_rejected' is" in found.reason


def test_replays_do_not_trip_the_brake() -> None:
    """Records from the ledger are no news of the stream."""
    one = Tally(read=100)
    one.settle(Fate.REJECTED, 100, code="too_long", is_replay=True)
    assert RejectionBrake(0, 0).violation(one, at_end=True) is None
    assert one.retried == Counter({Fate.REJECTED: 100})


def test_a_tally_that_does_not_add_up_says_so() -> None:
    """G1: a record without a fate, or with two, is an error."""
    tally(5, 2).verify("people")
    for fates in (4, 6):
        one = Tally(read=5)
        one.settle(Fate.UPDATED, fates)
        with pytest.raises(AccountingError, match=f"5 records were read but {fates}"):
            one.verify("people")


def test_traffic_keeps_the_slowest_requests() -> None:
    """The ten slowest, slowest first, whatever the order of arrival."""
    traffic = Traffic()
    for n in range(100):
        traffic.answered(TimedRequest(float(n * 37 % 100), "POST", "/x", 200), is_write=n % 2 == 0)
    assert [one.seconds for one in traffic.slowest()] == [float(99 - n) for n in range(SLOWEST)]
    assert (traffic.requests, traffic.writes, traffic.statuses) == (100, 50, {200: 100})


def report(**changes: Any) -> Report:
    """Of a run with one stream."""
    traffic = Traffic()
    traffic.answered(TimedRequest(0.5, "POST", "/people/batch", 200), is_write=True)
    traffic.failed(is_write=True)
    traffic.waited(1.25)
    traffic.quota(100, 40)
    given: dict[str, Any] = {
        "target": "target-x", "run_id": "12345678-aaaa", "sync_id": "sync", "account": "1", "exit_code": 0,
        "started_at": 0.0, "seconds": 2.0, "states_released": 3, "objects": {"people": "contacts"},
        "tallies": {"people": tally(10, 1)}, "traffic": traffic,
    }  # fmt: skip
    return Report(**(given | changes))


def test_the_report_says_what_was_done() -> None:
    """Totals, codes and requests are in the file, under stable names."""
    found = report().as_dict()
    assert found["totals"] | {"read": 10, "created": 9, "rejected": 1} == found["totals"]
    assert found["streams"]["people"]["codes"] == {"too_long": 1}
    assert found["streams"]["people"]["object"] == "contacts"
    assert found["requests"]["total"] == 2
    assert found["requests"]["daily_remaining"] == 40
    assert found["slowest_requests"] == [{"method": "POST", "path": "/people/batch", "status": 200, "seconds": 0.5}]
    assert found["started_at"] == "1970-01-01T00:00:00+00:00"


def test_the_figures_are_columns_of_the_ledger() -> None:
    """What is written to `runs` has a column each."""
    from reverse_etl_core.ledger.tables import runs  # noqa: PLC0415 - only here

    assert set(report().figures()) <= {column.name for column in runs.c}


def test_the_report_is_for_the_owner_alone(tmp_path: Path) -> None:
    """File 0600, folder 0700."""
    page = Path(write_report(report(), (), tmp_path / "reports"))
    path = page.with_name("report.json")
    assert [stat.S_IMODE(one.stat().st_mode) for one in (page, path, page.parent)] == [0o600, 0o600, 0o700]
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == 1


def test_a_report_that_cannot_be_written_does_not_fail_the_run(caplog: pytest.LogCaptureFixture) -> None:
    """It warns, naming the setting."""
    assert write_report(report(), (), Path("/proc/no/reports")) == ""
    assert "report_dir" in caplog.text


def test_the_summary_names_every_code(caplog: pytest.LogCaptureFixture) -> None:
    """Per stream and for the run."""
    with caplog.at_level("INFO"):
        report().log()
    assert "1 x too_long" in caplog.text
    assert "exit code 0" in caplog.text
