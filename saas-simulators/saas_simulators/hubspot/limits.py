"""HubSpot's request limits, and the headers that tell of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.hubspot.errors import rate_limited, search_limited
from saas_simulators.limits import DailyQuota, LimitsError, RollingWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.exchange import Reply

# source: HubSpot docs "Usage guidelines": Professional, private apps; search is limited per account
BURST = 190
BURST_SECONDS = 10.0
DAILY = 625_000
SEARCH_PER_SECOND = 5
NAMES = {"per_second", "burst", "burst_seconds", "daily", "daily_used", "search_per_second", "retry_after"}


class AccountLimits:
    """Burst, daily and search limits of one account; one budget for all of its credentials."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.configure({})

    def configure(self, settings: dict[str, Any]) -> None:
        """Set the limits; what is not named gets its default, null switches one off; counters start again.

        Raises:
            LimitsError: A name or a value is wrong.
        """
        _check(settings)
        if not settings.get("enabled", True):
            settings = {**settings, "per_second": None, "burst": None, "daily": None, "search_per_second": None}
        self.burst = RollingWindow(settings.get("burst", BURST), settings.get("burst_seconds", BURST_SECONDS))
        self.daily = DailyQuota(settings.get("daily", DAILY))
        self.daily.roll(self._clock())
        self.daily.used = settings.get("daily_used", 0)
        self.search = RollingWindow(settings.get("search_per_second", SEARCH_PER_SECOND), 1.0)
        self.second = RollingWindow(settings.get("per_second"), 1.0)
        self.retry_after: float | None = settings.get("retry_after")

    def as_json(self) -> dict[str, Any]:
        """Return the settings, in the form that `configure` takes."""
        return {
            "per_second": self.second.limit,
            "burst": self.burst.limit,
            "burst_seconds": self.burst.seconds,
            "daily": self.daily.limit,
            "daily_used": self.daily.used,
            "search_per_second": self.search.limit,
            "retry_after": self.retry_after,
        }

    def refuse(self, *, is_search: bool) -> Reply | None:
        """Count a request; return the 429 when a limit is reached. Refused requests are not counted (inferred)."""
        now = self._clock()
        self.daily.roll(now)
        if self.daily.limit is not None and self.daily.used >= self.daily.limit:
            return rate_limited("DAILY", self.retry_after)
        if is_search:
            if not self.search.admit(now):
                return search_limited()
        elif not self.second.admit(now):
            return rate_limited("SECONDLY", self.retry_after)
        elif not self.burst.admit(now):
            return rate_limited("TEN_SECONDLY_ROLLING", self.retry_after)
        self.daily.admit(now)
        return None

    def headers(self, *, is_search: bool) -> dict[str, str]:
        """Return the headers of the present counters; search answers carry the daily ones only."""
        # source: recordings captaincontrat v3_objects.json, names and values; search: recordings 2022
        shown: dict[str, str] = {}
        if self.daily.limit is not None:
            shown["X-HubSpot-RateLimit-Daily"] = str(self.daily.limit)
            shown["X-HubSpot-RateLimit-Daily-Remaining"] = str(self.daily.remaining)
        if is_search or self.burst.limit is None:
            return shown
        now = self._clock()
        # The deprecated pair: a tenth of the burst, minus what the last second took.
        secondly = max(1, int(self.burst.limit // self.burst.seconds))
        return {
            **shown,
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(self.burst.seconds * 1000)),
            "X-HubSpot-RateLimit-Max": str(self.burst.limit),
            "X-HubSpot-RateLimit-Remaining": str(max(0, self.burst.limit - self.burst.used(now))),
            "X-HubSpot-RateLimit-Secondly": str(secondly),
            "X-HubSpot-RateLimit-Secondly-Remaining": str(max(0, secondly - self.burst.used_since(now - 1))),
        }


def _check(settings: object) -> None:
    if not isinstance(settings, dict) or (unknown := sorted(set(settings) - NAMES - {"enabled"})):
        name = f" {unknown[0]!r} is unknown." if isinstance(settings, dict) else ""
        msg = f"HubSpot's limits: expected an object with any of {', '.join(sorted(NAMES))}, enabled.{name}"
        raise LimitsError(msg)
    for name, value in settings.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        is_off = value is None and name not in {"burst_seconds", "daily_used"}
        if not (isinstance(value, bool) if name == "enabled" else is_number or is_off):
            wanted = "true or false" if name == "enabled" else "a number that is not negative, or null"
            msg = f"HubSpot's limits: {name!r} must be {wanted}."
            raise LimitsError(msg)
