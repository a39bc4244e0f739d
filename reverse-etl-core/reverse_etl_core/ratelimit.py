"""Requests per interval, as the destination counts them, shared by all threads of a run.

The window itself is `pyrate-limiter`'s sliding log; what is ours is that the vendor's own headers
set its size, and that a refusal (`Retry-After`) holds back every thread and not only the one that got it.
Once the account is known, the window may be one that all workers share (`SharedLimits`).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pyrate_limiter import InMemoryBucket, RateItem
from pyrate_limiter import Rate as Window

from reverse_etl_core.errors import RetryableError
from reverse_etl_core.rates import DailyReading, LimitReading, Rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_etl_core.rates import SharedLimits

__all__ = ["LimitReading", "Rate", "RateLimiter"]

LONGEST_WAIT_S = 1.0
"""Asked again after so long at the latest: another worker may have learnt a higher rate."""


class _Lane:
    """One limit of the account, a bucket in the vendor's words."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.not_before_s = 0.0
        self.window = InMemoryBucket([_window(rate)])
        self.asking = threading.Lock()
        self.waiting = 0
        self.permits = 0

    def change(self, rate: Rate) -> None:
        self.rate = rate
        self.window.rates = [_window(rate)]

    def try_enter(self, now_s: float) -> float:
        """Seconds to wait before trying again; 0 when the request may go."""
        if now_s < self.not_before_s:
            return self.not_before_s - now_s
        now_ms = int(now_s * 1000)
        self.window.leak(now_ms)
        item = RateItem("request", now_ms)
        if self.window.put(item):
            return 0.0
        wait_ms = self.window.waiting(item)
        return max(1, wait_ms if isinstance(wait_ms, int) else 1) / 1000


def _window(rate: Rate) -> Window:
    return Window(rate.permits, rate.interval_ms)


class RateLimiter:
    """Lets requests pass at the account's rate.

    Args:
        rates: Lane name to the rate to start with, until a reply tells the real one.
        clock: Seconds, monotonic.
        sleep: Waits that many seconds; true, and at once, when the run is asked to stop.
    """

    def __init__(
        self, rates: Mapping[str, Rate], *, clock: Callable[[], float], sleep: Callable[[float], object]
    ) -> None:
        self._lanes = {name: _Lane(rate) for name, rate in rates.items()}
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._shared: SharedLimits | None = None
        self._started_s = clock()
        self._daily: tuple[int, int, float] | None = None

    def share(self, shared: SharedLimits) -> None:
        """Keep the limits together with other workers from now on; what went before is counted there."""
        for name, lane in self._lanes.items():
            lane.window.leak(int(self._clock() * 1000))
            shared.count(name, lane.window.count(), lane.rate)
        self._shared = shared

    def enter(self, lane: str) -> float:
        """Wait until the lane has room, then take one place.

        Returns:
            Seconds spent waiting.

        Raises:
            RetryableError: The run was asked to stop meanwhile; nothing was sent.
        """
        started_s = self._clock()
        if self._shared is not None:
            self._enter_shared(lane, self._shared)
            return self._clock() - started_s
        while True:
            with self._lock:
                wait_s = self._lanes[lane].try_enter(self._clock())
            if not wait_s:
                return self._clock() - started_s
            self._pause(wait_s)

    def _enter_shared(self, lane: str, shared: SharedLimits) -> None:
        """Take a permit; one thread asks for all that wait, and none is kept for later."""
        one = self._lanes[lane]
        with self._lock:
            one.waiting += 1
        try:
            with one.asking:
                while not one.permits:
                    answer = shared.take(lane, one.waiting, one.rate, self._own_reading())
                    one.rate, one.permits = answer.rate, answer.granted
                    self._adopt(answer.daily)
                    if not answer.granted:
                        self._pause(min(answer.wait_s, LONGEST_WAIT_S))
                one.permits -= 1
        finally:
            with self._lock:
                one.waiting -= 1

    def _pause(self, seconds: float) -> None:
        if self._sleep(seconds):
            msg = "The run was asked to stop while it waited for the rate limit; nothing was sent."
            raise RetryableError(msg)

    def _own_reading(self) -> DailyReading | None:
        with self._lock:
            daily = self._daily
        return DailyReading(daily[0], daily[1], max(0.0, self._clock() - daily[2])) if daily else None

    def _adopt(self, reading: DailyReading | None) -> None:
        """Take over a newer reading of another worker; one from before this run may be yesterday's."""
        if reading is None:
            return
        at_s = self._clock() - reading.age_s
        with self._lock:
            if at_s > (self._daily[2] if self._daily else self._started_s):
                self._daily = (reading.limit, reading.remaining, at_s)

    @property
    def daily(self) -> tuple[int | None, int | None]:
        """The account's daily quota and what is left of it, as any worker last learnt it."""
        return self._daily[:2] if self._daily else (None, None)

    def learn(self, lane: str, reading: LimitReading) -> None:
        """Take over what a reply says."""
        self.observe(lane, reading.rate)
        if reading.daily_limit is not None and reading.daily_remaining is not None:
            with self._lock:
                self._daily = (reading.daily_limit, reading.daily_remaining, self._clock())

    def hold_back(self, lane: str, seconds: float) -> None:
        """Let nothing pass for that long: the destination asked for it."""
        if self._shared is not None:
            self._shared.hold_back(lane, seconds, self._lanes[lane].rate)
            return
        with self._lock:
            one = self._lanes[lane]
            one.not_before_s = max(one.not_before_s, self._clock() + seconds)

    def observe(self, lane: str, rate: Rate | None) -> None:
        """Adopt the rate that a reply reported."""
        if rate is None or rate.requests < 1:
            return
        with self._lock:
            if self._lanes[lane].rate == rate:
                return
            self._lanes[lane].change(rate)
        if self._shared is not None:
            self._shared.change(lane, rate)
