"""What the destination would hold by then: what a plan has written so far, over what is read.

A run reads what it wrote itself a moment ago. So does a plan, from here: else a record that it creates would have no
values, and none of them would find it.
"""

from __future__ import annotations

import functools
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from reverse_etl_core import identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_etl_core.operations import Fields, Value

KEYS_PER_QUERY = 500

_TABLES = """
CREATE TABLE records (object TEXT, id TEXT, fields BLOB, PRIMARY KEY (object, id)) WITHOUT ROWID;
CREATE TABLE keys (object TEXT, id TEXT, field TEXT, key TEXT, PRIMARY KEY (object, id, field)) WITHOUT ROWID;
CREATE INDEX keys_by_key ON keys (object, field, key);
"""


class Expectation:
    """Records of all objects as a plan leaves them, by object and id; any thread may ask and note.

    They are in a temporary file that has no name, so that they take no more memory the more there are, and that nobody
    can read them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @functools.cached_property
    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(_TABLES)
        return connection

    def note(self, object_name: str, record_id: str, fields: Fields, keys: Mapping[str, str | None]) -> None:
        """Note what is written to a record.

        Args:
            object_name: Its object.
            record_id: Its id, or what stands for the id of a new one.
            fields: What is written; other fields keep what they have.
            keys: The match keys that it has from now on, by field; `None` where the field is emptied.
        """
        with self._lock:
            known = self._fields(object_name, [record_id]).get(record_id) or {}
            payload = identity.encode({**known, **fields})
            self._connection.execute("REPLACE INTO records VALUES (?, ?, ?)", (object_name, record_id, payload))
            rows = [(object_name, record_id, field, key) for field, key in keys.items()]
            self._connection.executemany("REPLACE INTO keys VALUES (?, ?, ?, ?)", rows)

    def take_away(self, object_name: str, record_id: str) -> None:
        """Note that a record is away."""
        with self._lock:
            self._connection.execute("REPLACE INTO records VALUES (?, ?, NULL)", (object_name, record_id))
            self._connection.execute("DELETE FROM keys WHERE object = ? AND id = ?", (object_name, record_id))

    def fields(self, object_name: str, record_ids: Iterable[str]) -> dict[str, Mapping[str, Value] | None]:
        """What was written to these records; `None` for one that is away, and nothing for one that is left alone."""
        with self._lock:
            return self._fields(object_name, list(record_ids))

    def _fields(self, object_name: str, record_ids: Sequence[str]) -> dict[str, Mapping[str, Value] | None]:
        rows = self._rows("SELECT id, fields FROM records WHERE object = ? AND id IN", [object_name], record_ids)
        return {row[0]: None if row[1] is None else identity.EncodedFields(row[1]) for row in rows}

    def keys(self, object_name: str, field: str, record_ids: Iterable[str]) -> dict[str, str | None]:
        """Which match key these records have by then; nothing for one whose field is left alone."""
        query = "SELECT id, key FROM keys WHERE object = ? AND field = ? AND id IN"
        with self._lock:
            return dict(self._rows(query, [object_name, field], list(record_ids)))

    def holders(self, object_name: str, field: str, keys: Sequence[str]) -> dict[str, list[str]]:
        """Ids of the records that get these match keys, by key."""
        query = "SELECT key, id FROM keys WHERE object = ? AND field = ? AND key IN"
        found: dict[str, list[str]] = {}
        with self._lock:
            for key, record_id in self._rows(query, [object_name, field], keys):
                found.setdefault(key, []).append(record_id)
        return found

    def _rows(self, query: str, fixed: Sequence[str], wanted: Sequence[str]) -> list[tuple[str, Any]]:
        rows: list[tuple[str, Any]] = []
        for start in range(0, len(wanted), KEYS_PER_QUERY):
            some = wanted[start : start + KEYS_PER_QUERY]
            marks = ", ".join("?" * len(some))
            rows += self._connection.execute(f"{query} ({marks})", [*fixed, *some]).fetchall()
        return rows

    def close(self) -> None:
        """Forget everything."""
        if "_connection" in self.__dict__:
            self._connection.close()
