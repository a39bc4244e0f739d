"""What a search knows of the records of one object type: it stays behind what was written."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from saas_simulators.hubspot.records import Record


class Clock(Protocol):
    """What an index needs of its account."""

    search_lag_s: float

    def now_ms(self) -> int:
        """Return the time in milliseconds."""


class SearchIndex:
    """Properties by record id, each version visible only after the lag."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, dict[str, str]] = {}
        self._waiting: deque[tuple[int, Record, dict[str, str] | None]] = deque()

    def known(self) -> dict[str, dict[str, str]]:
        """Return what is visible by now."""
        self._catch_up()
        return self._known

    def expose(self, record: Record) -> None:
        """Make the present version of a record visible after the lag, or its absence."""
        version = None if record.archived_at else record.properties
        lag_s = self._clock.search_lag_s
        if not lag_s and not self._waiting:
            self._show(record, version)
            return
        self._waiting.append((self._clock.now_ms() + int(lag_s * 1000), record, version))
        self._catch_up()

    def put(self, record: Record) -> None:
        """Make a record visible at once."""
        self._show(record, record.properties)

    def _catch_up(self) -> None:
        now_ms = self._clock.now_ms()
        while self._waiting and self._waiting[0][0] <= now_ms:
            _, record, version = self._waiting.popleft()
            self._show(record, version)

    def _show(self, record: Record, version: dict[str, str] | None) -> None:
        if version is None:
            self._known.pop(record.id, None)
        else:
            self._known[record.id] = version
