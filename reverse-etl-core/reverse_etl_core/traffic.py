"""What a run asked of the API: requests, repeats, waiting, the slowest requests, and all of it over time."""

from __future__ import annotations

import heapq
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reverse_etl_core.timeline import Interval, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable

SLOWEST = 10


@dataclass(frozen=True, slots=True, order=True)
class TimedRequest:
    """One request and how long its reply took."""

    seconds: float
    method: str
    path: str
    status: int


@dataclass(slots=True)
class Traffic:
    """Counts of one run, updated from several threads.

    Attributes:
        requests: Requests that got an answer, by method.
        writes: Those of them that may change something.
        failures: Requests without an answer.
        retries: Requests that repeat an earlier one.
        throttled_s: Seconds spent waiting for the rate limit or because the API asked for it.
        daily_limit: The account's daily quota as last reported.
        daily_remaining: What is left of it.
        statuses: Answers by HTTP status.
        answer_s: Seconds until the answers, added up, by HTTP status.
        clock: Seconds, monotonic.
    """

    requests: int = 0
    writes: int = 0
    failures: int = 0
    retries: int = 0
    throttled_s: float = 0.0
    daily_limit: int | None = None
    daily_remaining: int | None = None
    statuses: dict[int, int] = field(default_factory=dict)
    answer_s: dict[int, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _timeline: Timeline = field(init=False)
    _settled: int = 0
    _here: threading.local = field(default_factory=threading.local)
    _slowest: list[TimedRequest] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._timeline = Timeline(self.clock())

    def answered(self, timed: TimedRequest, *, is_write: bool) -> None:
        """Count a request that got an answer."""
        with self._lock:
            self.requests += 1
            self.writes += is_write
            self.statuses[timed.status] = self.statuses.get(timed.status, 0) + 1
            self.answer_s[timed.status] = self.answer_s.get(timed.status, 0.0) + timed.seconds
            self._timeline.requested(self.clock())
            keep = heapq.heappush if len(self._slowest) < SLOWEST else heapq.heappushpop
            keep(self._slowest, timed)

    def failed(self, *, is_write: bool) -> None:
        """Count a request without an answer; it may have been applied."""
        with self._lock:
            self.requests += 1
            self.writes += is_write
            self.failures += 1
            self._timeline.requested(self.clock())

    def retried(self) -> None:
        """Count a repeat."""
        with self._lock:
            self.retries += 1

    def became_uncertain(self) -> None:
        """Note that a write of this thread got no usable answer: it may still be applied."""
        self._here.uncertain = self.uncertain_here() + 1

    def uncertain_here(self) -> int:
        """Writes of this thread so far that got no usable answer."""
        return getattr(self._here, "uncertain", 0)

    def waited(self, seconds: float) -> None:
        """Add time that was spent because of the rate limit, until now."""
        with self._lock:
            now_s = self.clock()
            self.throttled_s += seconds
            self._timeline.throttled(now_s - seconds, now_s)

    def will_wait(self, seconds: float) -> None:
        """Add time that is spent from now on, because the API asked for it."""
        with self._lock:
            now_s = self.clock()
            self.throttled_s += seconds
            self._timeline.throttled(now_s, now_s + seconds)

    def settled_so_far(self, records: int) -> None:
        """Note how many records are settled by now, in all; fewer than before means that some are tried again."""
        with self._lock:
            if records > self._settled:
                self._timeline.settled(records - self._settled, self.clock())
                self._settled = records

    def timeline(self, seconds: float) -> tuple[float, list[Interval]]:
        """The first `seconds` over time: the width of an interval in seconds, and the intervals."""
        with self._lock:
            intervals = self._timeline.intervals(seconds)
            return self._timeline.width_s, intervals

    def quota(self, limit: int | None, remaining: int | None) -> None:
        """Keep the last report of the daily quota."""
        with self._lock:
            self.daily_limit = self.daily_limit if limit is None else limit
            self.daily_remaining = self.daily_remaining if remaining is None else remaining

    def slowest(self) -> list[TimedRequest]:
        """The slowest requests, slowest first."""
        with self._lock:
            return sorted(self._slowest, reverse=True)
