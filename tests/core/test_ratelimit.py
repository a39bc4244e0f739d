"""Requests per interval."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from core.fakes import Clock
from hypothesis import given, settings
from hypothesis import strategies as st

from reverse_etl_core.errors import RetryableError
from reverse_etl_core.ratelimit import Rate, RateLimiter


def limiter(rate: Rate, clock: Clock) -> RateLimiter:
    """One lane under a clock that moves only while somebody waits."""
    return RateLimiter({"default": rate}, clock=clock, sleep=clock.wait)


def most_in_any_window(times: list[float], interval_s: float) -> int:
    """The largest number of requests in any half-open window."""
    return max((sum(start <= one < start + interval_s for one in times) for start in times), default=0)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.sampled_from([0.5, 1.0, 10.0]), st.lists(st.floats(0, 3), max_size=80))
def test_no_window_holds_more_than_the_rate(requests: int, interval_s: float, pauses: list[float]) -> None:
    """Whatever the arrivals, no interval sees more requests than allowed."""
    clock = Clock(1000.0)
    one = limiter(Rate(requests, interval_s), clock)
    times = []
    for pause in pauses:
        clock.wait(pause if pause > 1.5 else 0.0)
        one.enter("default")
        times.append(clock())
    assert most_in_any_window(times, interval_s) <= requests


def test_the_rate_is_used() -> None:
    """A steady load passes at nearly the rate: the limiter does not throttle more than it has to."""
    clock = Clock(1000.0)
    one = limiter(Rate(100, 10.0), clock)
    for _ in range(1000):
        one.enter("default")
    assert clock() - 1000 <= 1000 / 100 * 10 / 0.94


def test_a_refusal_holds_everybody_back() -> None:
    """After `Retry-After` nothing passes for that long; the time is told."""
    clock = Clock(1000.0)
    one = limiter(Rate(100, 1.0), clock)
    one.hold_back("default", 7.0)
    one.hold_back("default", 2.0)
    assert one.enter("default") == pytest.approx(7.0, abs=0.01)


def test_lanes_do_not_hold_each_other_back() -> None:
    """Each limit of the account counts for itself."""
    clock = Clock(1000.0)
    one = RateLimiter({"a": Rate(1, 10.0), "b": Rate(1, 10.0)}, clock=clock, sleep=clock.wait)
    one.hold_back("a", 7.0)
    assert one.enter("b") == 0


def test_a_reported_rate_replaces_the_first_guess() -> None:
    """The vendor's headers set the rate; what says nothing or nonsense changes nothing."""
    clock = Clock(1000.0)
    one = limiter(Rate(2, 10.0), clock)
    one.observe("default", None)
    one.observe("default", Rate(0, 10.0))
    one.observe("default", Rate(50, 10.0))
    assert sum(one.enter("default") for _ in range(40)) == 0
    one.observe("default", Rate(5, 10.0))
    times = []
    for _ in range(20):
        one.enter("default")
        times.append(clock())
    assert times[0] >= 1010
    assert most_in_any_window(times, 10.0) <= 5


def test_a_stop_ends_the_wait() -> None:
    """Asked to stop, it neither waits nor spins: it raises, and nothing was sent."""
    stop = threading.Event()
    stop.set()
    calls: list[float] = []

    def sleep(seconds: float) -> bool:
        calls.append(seconds)
        return stop.wait(seconds)

    one = RateLimiter({"default": Rate(1, 60.0)}, clock=Clock(1000.0), sleep=sleep)
    one.enter("default")
    with pytest.raises(RetryableError, match="nothing was sent"):
        one.enter("default")
    assert len(calls) == 1


def test_many_threads_share_one_rate() -> None:
    """Threads together keep the limit."""
    clock, lock = Clock(1000.0), threading.Lock()
    times: list[float] = []

    def sleep(seconds: float) -> None:
        with lock:
            clock.wait(seconds)

    one = RateLimiter({"default": Rate(20, 1.0)}, clock=clock, sleep=sleep)

    def work() -> None:
        for _ in range(20):
            one.enter("default")
            times.append(clock())

    threads: list[Any] = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The fake clock moves between a place and its note: the count over the whole is exact, a window is not.
    assert len(times) == 120
    assert clock() - 1000 >= 120 / 20 - 1
