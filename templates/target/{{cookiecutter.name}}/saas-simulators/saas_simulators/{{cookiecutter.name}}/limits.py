"""Limits of the account, and the headers that tell of them.

Skeleton: a window and a quota per day. Yours: the vendor's page on usage limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.limits import DailyQuota, LimitsError, RollingWindow
from saas_simulators.{{cookiecutter.name}}.errors import ApiError, rate_limited

if TYPE_CHECKING:
    from collections.abc import Callable

REQUESTS = 100
INTERVAL_S = 10.0
NAMES = {"enabled", "requests", "daily", "daily_used"}


class AccountLimits:
    """One budget for all credentials of the account."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.configure({})

    def configure(self, settings: dict[str, Any]) -> None:
        """Set the limits; what is not named gets its default, null switches one off; counters start again.

        Raises:
            LimitsError: A name or a value is wrong.
        """
        if not isinstance(settings, dict) or set(settings) - NAMES:
            msg = f"Limits of {{cookiecutter.name}}: expected an object with any of {', '.join(sorted(NAMES))}."
            raise LimitsError(msg)
        for name, value in settings.items():
            if value is not None and (not isinstance(value, int) or value < 0):
                msg = f"Limits of {{cookiecutter.name}}: {name!r} must be a whole number, or null."
                raise LimitsError(msg)
        is_off = settings.get("enabled", True) is False
        self.window = RollingWindow(None if is_off else settings.get("requests", REQUESTS), INTERVAL_S)
        self.daily = DailyQuota(None if is_off else settings.get("daily"))
        self.daily.roll(self._clock())
        self.daily.used = settings.get("daily_used") or 0

    def as_json(self) -> dict[str, Any]:
        """Return the settings, in the form that `configure` takes."""
        return {"requests": self.window.limit, "daily": self.daily.limit, "daily_used": self.daily.used}

    def refusal(self) -> ApiError | None:
        """Count a request; the 429 where a limit is reached."""
        now = self._clock()
        if not self.daily.admit(now):
            return rate_limited("daily_limit_reached")
        return None if self.window.admit(now) else rate_limited()

    def headers(self) -> dict[str, str]:
        """What a reply tells of the limits."""
        told: dict[str, str] = {}
        if self.window.limit is not None:
            told |= {"X-RateLimit-Limit": str(self.window.limit), "X-RateLimit-Interval": f"{INTERVAL_S:g}"}
        if self.daily.limit is not None:
            told["X-RateLimit-Daily"] = str(self.daily.limit)
            told["X-RateLimit-Daily-Remaining"] = str(self.daily.remaining)
        return told
