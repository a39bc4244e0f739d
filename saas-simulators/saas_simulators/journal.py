"""The journal: every side effect, in order, so that tests can assert that nothing happened twice."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Entry(NamedTuple):
    """One side effect; `detail` names properties, never their values."""

    sequence: int
    time: float
    vendor: str
    event: str
    object: str
    id: str
    unique: Mapping[str, str]
    detail: Collection[str]

    def as_json(self) -> dict[str, Any]:
        """Return the entry as the control surface shows it."""
        return {
            "sequence": self.sequence,
            "time": datetime.fromtimestamp(self.time, timezone.utc).isoformat(timespec="milliseconds"),
            "vendor": self.vendor,
            "event": self.event,
            "object": self.object,
            "id": self.id,
            "unique": dict(self.unique),
            "detail": sorted(self.detail),
        }


class Journal:
    """An append-only list of side effects."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def add(
        self,
        *,
        time: float,
        vendor: str,
        event: str,
        object_name: str,
        record_id: str,
        unique: Mapping[str, str],
        detail: Collection[str] = (),
    ) -> None:
        """Append one side effect."""
        with self._lock:
            entries = self._entries
            entries.append(Entry(len(entries) + 1, time, vendor, event, object_name, record_id, unique, detail))

    def since(self, sequence: int = 0, limit: int | None = None) -> list[Entry]:
        """Return the entries after `sequence`, oldest first."""
        stop = None if limit is None else sequence + limit
        return self._entries[max(0, sequence) : stop]

    def tail(self, count: int) -> list[Entry]:
        """Return the newest entries, newest first."""
        return self._entries[-1 : -count - 1 : -1]

    def __len__(self) -> int:
        """Return the number of entries, which is also the last sequence number."""
        return len(self._entries)

    def clear(self) -> None:
        """Forget everything; numbering starts again at 1."""
        with self._lock:
            self._entries = []
