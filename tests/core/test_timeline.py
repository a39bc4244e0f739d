"""A run over time: nothing is lost when intervals are merged, and their number is bounded."""

from __future__ import annotations

import pytest
from core.fakes import Clock
from hypothesis import given
from hypothesis import strategies as st

from reverse_etl_core.timeline import MAX_INTERVALS, Timeline
from reverse_etl_core.traffic import TimedRequest, Traffic

TIMES = st.floats(0, 1e7, allow_nan=False)


@given(st.lists(st.tuples(TIMES, st.integers(0, 1000)), max_size=60), st.lists(st.tuples(TIMES, TIMES), max_size=20))
def test_every_event_is_in_one_interval(records: list[tuple[float, int]], waits: list[tuple[float, float]]) -> None:
    """Whatever the order and the distance of the events, the sums of all intervals are the sums of the events."""
    timeline = Timeline(0.0)
    for at_s, count in records:
        timeline.settled(count, at_s)
        timeline.requested(at_s)
    for one, other in waits:
        timeline.throttled(min(one, other), max(one, other))
    found = timeline.intervals(1e7)
    assert len(found) <= MAX_INTERVALS
    assert sum(one.settled for one in found) == sum(count for _, count in records)
    assert sum(one.requests for one in found) == len(records)
    expected = sum(abs(one - other) for one, other in waits)
    assert sum(one.throttled_s for one in found) == pytest.approx(expected, abs=1e-6, rel=1e-6)


def test_an_event_stays_where_it_happened() -> None:
    """After merging, an interval holds what happened in its time."""
    timeline = Timeline(100.0, width_s=1.0, limit=4)
    for at_s in range(8):
        timeline.settled(10 + at_s, 100.0 + at_s)
    timeline.throttled(101.0, 105.0)
    found = timeline.intervals(8.0)
    assert timeline.width_s == 2.0
    assert [one.start_s for one in found] == [0, 2, 4, 6]
    assert [one.settled for one in found] == [21, 25, 29, 33]
    assert [one.throttled_s for one in found] == [1, 2, 1, 0]


def test_quiet_times_are_shown_and_the_future_is_not() -> None:
    """A run has an interval for each part of its time, and a wait that it did not see the end of is cut."""
    timeline = Timeline(0.0, width_s=1.0)
    timeline.requested(0.5)
    assert [one.requests for one in timeline.intervals(4.0)] == [1, 0, 0, 0]
    timeline.throttled(3.0, 60.0)
    assert [one.throttled_s for one in timeline.intervals(4.0)] == [0, 0, 0, 1]
    assert len(Timeline(0.0).intervals(0.0)) == 1


def test_memory_does_not_grow_with_the_run() -> None:
    """A year of requests takes as much room as a minute."""
    clock = Clock(0.0)
    traffic = Traffic(clock=clock)
    for _ in range(2000):
        clock.now_s += 365 * 43.2
        traffic.answered(TimedRequest(0.1, "POST", "/x", 200), is_write=True)
    width_s, found = traffic.timeline(clock.now_s)
    assert len(found) <= MAX_INTERVALS
    assert sum(one.requests for one in found) == 2000
    assert width_s * len(found) >= clock.now_s


def test_waits_are_spread_over_the_time_that_they_take() -> None:
    """A wait that is over lies behind, one that the API asked for lies ahead."""
    clock = Clock(0.0)
    traffic = Traffic(clock=clock)
    clock.now_s = 2.0
    traffic.waited(1.0)
    traffic.will_wait(0.5)
    clock.now_s = 3.0
    _, found = traffic.timeline(3.0)
    assert [one.start_s for one in found if one.throttled_s] == [1.0, 1.25, 1.5, 1.75, 2.0, 2.25]
    assert traffic.throttled_s == 1.5


def test_a_record_that_is_tried_again_is_settled_once() -> None:
    """A count that goes back, and comes to the same again, adds nothing."""
    clock = Clock(0.0)
    traffic = Traffic(clock=clock)
    for count in (10, 7, 10, 12):
        clock.now_s += 1
        traffic.settled_so_far(count)
    _, found = traffic.timeline(5.0)
    assert [one.settled for one in found if one.settled] == [10, 2]
