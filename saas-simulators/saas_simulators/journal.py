"""The journal: every side effect, in order, so that tests can assert that nothing happened twice."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Entry:
    """One side effect; `detail` names properties, never their values."""

    sequence: int
    time: str
    vendor: str
    event: str
    object: str
    id: str
    unique: Mapping[str, str]
    detail: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """Return the entry as the control surface shows it."""
        return {
            "sequence": self.sequence,
            "time": self.time,
            "vendor": self.vendor,
            "event": self.event,
            "object": self.object,
            "id": self.id,
            "unique": dict(self.unique),
            "detail": list(self.detail),
        }


class Journal:
    """An append-only list of side effects."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []

    def add(  # noqa: PLR0913 - one argument per column
        self,
        *,
        time: str,
        vendor: str,
        event: str,
        object_name: str,
        record_id: str,
        unique: Mapping[str, str],
        detail: Sequence[str] = (),
    ) -> None:
        """Append one side effect."""
        with self._lock:
            sequence = len(self._entries) + 1
            self._entries.append(Entry(sequence, time, vendor, event, object_name, record_id, unique, detail))

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
