"""A run over time, in a bounded number of intervals: memory is constant whatever the length of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

MAX_INTERVALS = 120
FIRST_WIDTH_S = 0.25

T = TypeVar("T", int, float)


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened between `start_s` after the beginning and the next interval.

    Attributes:
        start_s: Seconds since the run began.
        settled: Records whose fate became known.
        requests: Requests that ended.
        throttled_s: Seconds that requests waited for the rate limit, added up over all that waited at once.
    """

    start_s: float
    settled: int
    requests: int
    throttled_s: float


class Timeline:
    """Sums over intervals of equal width. When they run out, pairs of them are merged and the width doubles.

    Not thread-safe: whoever owns it holds a lock.

    Args:
        started_s: When the run began, by the clock of all other times given.
        width_s: Of the first intervals.
        limit: Most intervals that are kept; even.
    """

    def __init__(self, started_s: float, *, width_s: float = FIRST_WIDTH_S, limit: int = MAX_INTERVALS) -> None:
        self._started_s = started_s
        self._limit = limit
        self.width_s = width_s
        self._settled: list[int] = [0]
        self._requests: list[int] = [0]
        self._throttled_s: list[float] = [0.0]

    def settled(self, count: int, at_s: float) -> None:
        """Add records."""
        index = self._reach(at_s)  # first: it may put another list in place
        self._settled[index] += count

    def requested(self, at_s: float) -> None:
        """Add a request."""
        index = self._reach(at_s)
        self._requests[index] += 1

    def throttled(self, from_s: float, to_s: float) -> None:
        """Add a wait, spread over the intervals that it lasted."""
        from_s = max(from_s, self._started_s)
        last = self._reach(to_s)
        first = self._reach(from_s)
        if first == last:
            self._throttled_s[last] += max(0.0, to_s - from_s)
            return
        for index in range(first, last + 1):
            begin_s = self._started_s + index * self.width_s
            self._throttled_s[index] += max(0.0, min(to_s, begin_s + self.width_s) - max(from_s, begin_s))

    def intervals(self, seconds: float) -> list[Interval]:
        """What happened in the first `seconds`, quiet times included; what was to come later is left out."""
        self._reach(self._started_s + seconds - 1e-9)  # not the interval that begins where the run ends
        count = max(1, min(len(self._settled), _ceiling(seconds / self.width_s)))
        columns = zip(self._settled[:count], self._requests[:count], self._throttled_s[:count], strict=True)
        found = [Interval(index * self.width_s, *column) for index, column in enumerate(columns)]
        late = sum(self._settled[count:]), sum(self._requests[count:])
        last = found[-1]  # what ended exactly with the run belongs to its last interval
        found[-1] = Interval(last.start_s, last.settled + late[0], last.requests + late[1], last.throttled_s)
        return found

    def _reach(self, at_s: float) -> int:
        """The interval of a time, after making room for it."""
        passed_s = max(0.0, at_s - self._started_s)
        while passed_s >= self.width_s * self._limit:
            self.width_s *= 2
            self._settled = _merged(self._settled)
            self._requests = _merged(self._requests)
            self._throttled_s = _merged(self._throttled_s)
        index = int(passed_s / self.width_s)
        missing = index + 1 - len(self._settled)
        if missing > 0:
            self._settled += [0] * missing
            self._requests += [0] * missing
            self._throttled_s += [0.0] * missing
        return index


def _merged(sums: list[T]) -> list[T]:
    """Neighbours added up, in pairs.

    >>> _merged([1, 2, 3])
    [3, 3]
    """
    return [sum(sums[index : index + 2]) for index in range(0, len(sums), 2)]


def _ceiling(number: float) -> int:
    return -int(-number // 1)
