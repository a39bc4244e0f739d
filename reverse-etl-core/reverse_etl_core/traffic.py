"""What a run asked of the API: requests, repeats, waiting, the slowest requests."""

from __future__ import annotations

import heapq
import threading
from dataclasses import dataclass, field

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
    """

    requests: int = 0
    writes: int = 0
    failures: int = 0
    retries: int = 0
    throttled_s: float = 0.0
    daily_limit: int | None = None
    daily_remaining: int | None = None
    statuses: dict[int, int] = field(default_factory=dict)
    _here: threading.local = field(default_factory=threading.local)
    _slowest: list[TimedRequest] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, timed: TimedRequest, *, is_write: bool) -> None:
        """Count a request that got an answer."""
        with self._lock:
            self.requests += 1
            self.writes += is_write
            self.statuses[timed.status] = self.statuses.get(timed.status, 0) + 1
            keep = heapq.heappush if len(self._slowest) < SLOWEST else heapq.heappushpop
            keep(self._slowest, timed)

    def failed(self, *, is_write: bool) -> None:
        """Count a request without an answer; it may have been applied."""
        with self._lock:
            self.requests += 1
            self.writes += is_write
            self.failures += 1

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
        """Add time spent because of the rate limit."""
        with self._lock:
            self.throttled_s += seconds

    def quota(self, limit: int | None, remaining: int | None) -> None:
        """Keep the last report of the daily quota."""
        with self._lock:
            self.daily_limit = self.daily_limit if limit is None else limit
            self.daily_remaining = self.daily_remaining if remaining is None else remaining

    def slowest(self) -> list[TimedRequest]:
        """The slowest requests, slowest first."""
        with self._lock:
            return sorted(self._slowest, reverse=True)
