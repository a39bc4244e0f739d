"""Salesforce's request limits, and the header that tells of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from saas_simulators.limits import DailyQuota, LimitsError
from saas_simulators.salesforce.bulk.settings import BULK_BATCHES, NULLABLE, NUMBERS, SWITCHES, BulkSettings
from saas_simulators.salesforce.errors import SalesforceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAILY = 15_000  # source: LIMDOC, Developer Edition
CONCURRENT = 25  # source: LIMDOC, production and sandboxes
CONCURRENT_SECONDS = 20.0  # source: LIMDOC: only requests that run for 20 seconds or longer count
NAMES = {"daily", "daily_used", "concurrent", "concurrent_seconds"}
NAMES |= NUMBERS | SWITCHES


class OrgLimits:
    """Daily and concurrent requests of one org; one budget for all of its users."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._running: list[float] = []
        self.configure({})

    def configure(self, settings: dict[str, Any]) -> None:
        """Set the limits; what is not named gets its default, null switches one off; counters start again.

        Raises:
            LimitsError: A name or a value is wrong.
        """
        _check(settings)
        if not settings.get("enabled", True):
            settings = {**settings, "daily": None, "concurrent": None}
        self.daily = DailyQuota(settings.get("daily", DAILY))
        self.daily.roll(self._clock())
        self.daily.used = settings.get("daily_used", 0)
        self.concurrent: int | None = settings.get("concurrent", CONCURRENT)
        self.concurrent_seconds: float = settings.get("concurrent_seconds", CONCURRENT_SECONDS)
        self.bulk = BulkSettings(settings)

    def as_json(self) -> dict[str, Any]:
        """Return the settings, in the form that `configure` takes."""
        return {
            "daily": self.daily.limit,
            "daily_used": self.daily.used,
            "concurrent": self.concurrent,
            "concurrent_seconds": self.concurrent_seconds,
            **self.bulk.as_limits(),
        }

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a request as running, for as long as its answer takes, injected waits included."""
        started = self._clock()
        self._running.append(started)
        try:
            yield
        finally:
            self._running.remove(started)

    def admit(self) -> None:
        """Count a request.

        Raises:
            SalesforceError: 403; a limit is reached.
        """
        now = self._clock()
        self.daily.roll(now)
        if self.concurrent is not None:
            long_running = sum(now - started >= self.concurrent_seconds for started in tuple(self._running))
            # The request itself is among them when every request counts.
            if long_running - (self.concurrent_seconds <= 0) >= self.concurrent:
                raise too_many_at_once()
        if not self.daily.admit(now):
            raise too_many_today()

    def headers(self) -> dict[str, str]:
        """Return the header of the present counter."""
        # source: recordings grouparoo: "api-usage=235/15000"
        limit = self.daily.limit
        return {} if limit is None else {"Sforce-Limit-Info": f"api-usage={self.daily.used}/{limit}"}

    def overview(self, bulk_batches: DailyQuota) -> dict[str, dict[str, int]]:
        """Return what `GET /limits` shows: the counters, and limits that nothing here uses up."""
        # source: recording cumulusci, a full body; a selection
        daily = DAILY if self.daily.limit is None else self.daily.limit
        batches = BULK_BATCHES if bulk_batches.limit is None else bulk_batches.limit
        return {
            "DailyApiRequests": _allowance(daily, self.daily.used),
            "DailyAsyncApexExecutions": _allowance(250_000),
            "DailyBulkApiBatches": _allowance(batches, bulk_batches.used),
            "DailyBulkV2QueryFileStorageMB": _allowance(976_562),
            "DailyBulkV2QueryJobs": _allowance(10_000),
            "DailyStreamingApiEvents": _allowance(10_000),
            "DataStorageMB": _allowance(1024),
            "FileStorageMB": _allowance(1024),
            "HourlyAsyncReportRuns": _allowance(1200),
            "HourlySyncReportRuns": _allowance(500),
            "MassEmail": _allowance(5000),
            "SingleEmail": _allowance(5000),
        }


def too_many_today() -> SalesforceError:
    """Return the refusal of a request over the daily limit."""
    # source: airbyte#8690, mautic#5006, quoted bodies
    return SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def too_many_at_once() -> SalesforceError:
    """Return the refusal of a request beside too many long ones."""
    # source: RESTPDF; django-salesforce#317, quoted body
    text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    return SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", text)


def _allowance(most: int, used: int = 0) -> dict[str, int]:
    return {"Max": most, "Remaining": max(0, most - used)}


def _check(settings: object) -> None:
    if not isinstance(settings, dict) or (unknown := sorted(set(settings) - NAMES - {"enabled"})):
        name = f" {unknown[0]!r} is unknown." if isinstance(settings, dict) else ""
        msg = f"Salesforce's limits: expected an object with any of {', '.join(sorted(NAMES))}, enabled.{name}"
        raise LimitsError(msg)
    for name, value in settings.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        is_off = value is None and name in {"daily", "concurrent", *NULLABLE}
        is_switch = name == "enabled" or name in SWITCHES
        if not (isinstance(value, bool) if is_switch else is_number or is_off):
            wanted = "true or false" if is_switch else "a number that is not negative, or null"
            msg = f"Salesforce's limits: {name!r} must be {wanted}."
            raise LimitsError(msg)
