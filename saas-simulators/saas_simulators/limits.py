"""Counters that say whether one more request is allowed."""

from __future__ import annotations

from collections import deque


class LimitsError(ValueError):
    """Limits cannot be set as asked; the message names the setting and what it takes."""


class RollingWindow:
    """At most `limit` requests in any `seconds`; a refused request does not count.

    >>> window = RollingWindow(limit=2, seconds=10.0)
    >>> [window.admit(now) for now in (0.0, 1.0, 2.0, 10.5)]
    [True, True, False, True]
    """

    def __init__(self, limit: int | None, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._times: deque[float] = deque()

    def admit(self, now: float) -> bool:
        """Count a request, unless the window is full."""
        used = self.used(now)
        if self.limit is not None and used >= self.limit:
            return False
        self._times.append(now)
        return True

    def used(self, now: float) -> int:
        """Return how many requests the window holds now."""
        times = self._times
        oldest = now - self.seconds
        while times and times[0] <= oldest:
            times.popleft()
        return len(times)

    def used_since(self, start: float) -> int:
        """Return how many of the held requests came after `start`."""
        count = 0
        for time in reversed(self._times):
            if time <= start:
                break
            count += 1
        return count


class DailyQuota:
    """At most `limit` requests between two midnights (UTC here; the real reset follows the account's time zone)."""

    DAY_S = 86_400

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.used = 0
        self._day = -1

    def admit(self, now: float) -> bool:
        """Count a request, unless the day's allowance is spent."""
        self.roll(now)
        if self.limit is not None and self.used >= self.limit:
            return False
        self.used += 1
        return True

    def roll(self, now: float) -> None:
        """Start again at zero when the day has changed."""
        day = int(now // self.DAY_S)
        if day != self._day:
            if self._day >= 0:
                self.used = 0
            self._day = day

    @property
    def remaining(self) -> int:
        """Requests left today; 0 when there is no limit to count against."""
        return max(0, (self.limit or 0) - self.used)
