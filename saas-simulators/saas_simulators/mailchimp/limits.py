"""Mailchimp's limits: connections at once, open batches, merge fields."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from saas_simulators.limits import LimitsError
from saas_simulators.mailchimp.errors import too_many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from saas_simulators.exchange import Reply

# source: Mailchimp developer docs "Fundamentals", limits: 10 simultaneous connections, 500 pending batches;
# merge fields: mailchimp/mc-magento#957 (30, more on higher plans)
DEFAULTS: dict[str, float | None] = {"connections": 10, "open_batches": 500, "merge_fields": 30, "retry_after": None}


class AccountLimits:
    """The limits of one account, whatever the credential; a request counts from its arrival to its reply."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.in_flight = 0
        self.configure({})

    def configure(self, settings: dict[str, Any]) -> None:
        """Set the limits; what is not named gets its default, null switches one off.

        Raises:
            LimitsError: A name or a value is wrong.
        """
        _check(settings)
        given = {name: value for name, value in settings.items() if name != "enabled"}
        self._settings = {**DEFAULTS, **given}
        if not settings.get("enabled", True):
            self._settings |= dict.fromkeys(DEFAULTS)

    def as_json(self) -> dict[str, Any]:
        """Return the settings, in the form that `configure` takes."""
        return dict(self._settings)

    def is_over(self, name: str, count: int) -> bool:
        """Whether a count is more than a limit allows."""
        limit = self._settings[name]
        return limit is not None and count > limit

    @contextmanager
    def occupied(self) -> Iterator[Reply | None]:
        """Hold a connection; yields the 429 when there is none, and then holds nothing."""
        with self._lock:
            is_refused = self.is_over("connections", self.in_flight + 1)
            self.in_flight += not is_refused
        try:
            yield self._refusal() if is_refused else None
        finally:
            with self._lock:
                self.in_flight -= not is_refused

    def _refusal(self) -> Reply:
        limit = self._settings["connections"]
        return too_many(None if limit is None else int(limit), self._settings["retry_after"]).reply()


def _check(settings: object) -> None:
    if not isinstance(settings, dict) or (unknown := sorted(set(settings) - set(DEFAULTS) - {"enabled"})):
        name = f" {unknown[0]!r} is unknown." if isinstance(settings, dict) else ""
        msg = f"Mailchimp's limits: expected an object with any of {', '.join(sorted(DEFAULTS))}, enabled.{name}"
        raise LimitsError(msg)
    for name, value in settings.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
        if not (isinstance(value, bool) if name == "enabled" else is_number or value is None):
            wanted = "true or false" if name == "enabled" else "a number that is not negative, or null"
            msg = f"Mailchimp's limits: {name!r} must be {wanted}."
            raise LimitsError(msg)
