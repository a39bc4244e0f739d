"""Requests per interval, as the destination counts them, shared by all threads of a run.

The window itself is `pyrate-limiter`'s sliding log; what is ours is that the vendor's own headers
set its size, and that a refusal (`Retry-After`) holds back every thread and not only the one that got it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyrate_limiter import InMemoryBucket, RateItem
from pyrate_limiter import Rate as Window

from reverse_etl_core.errors import RetryableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A request counts for the vendor when it arrives, not when it leaves: requests that were spaced exactly at
# the limit arrive closer together when latency varies. What is left free here costs 4 % of the throughput.
HEADROOM = 0.96


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `requests` in any `interval_s`."""

    requests: int
    interval_s: float


@dataclass(frozen=True, slots=True)
class LimitReading:
    """What one reply says about the account's limits; `None` where it says nothing."""

    rate: Rate | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None


class _Lane:
    """One limit of the account, a bucket in the vendor's words."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.not_before_s = 0.0
        self.window = InMemoryBucket([_window(rate)])

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
    return Window(max(1, int(rate.requests * HEADROOM)), int(rate.interval_s * 1000))


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

    def enter(self, lane: str) -> float:
        """Wait until the lane has room, then take one place.

        Returns:
            Seconds spent waiting.

        Raises:
            RetryableError: The run was asked to stop meanwhile; nothing was sent.
        """
        started_s = self._clock()
        while True:
            with self._lock:
                wait_s = self._lanes[lane].try_enter(self._clock())
            if not wait_s:
                return self._clock() - started_s
            if self._sleep(wait_s):
                msg = "The run was asked to stop while it waited for the rate limit; nothing was sent."
                raise RetryableError(msg)

    def hold_back(self, lane: str, seconds: float) -> None:
        """Let nothing pass for that long: the destination asked for it."""
        with self._lock:
            one = self._lanes[lane]
            one.not_before_s = max(one.not_before_s, self._clock() + seconds)

    def observe(self, lane: str, rate: Rate | None) -> None:
        """Adopt the rate that a reply reported."""
        if rate is None or rate.requests < 1:
            return
        with self._lock:
            if self._lanes[lane].rate != rate:
                self._lanes[lane].change(rate)
