"""Members of an audience as they were when it was read as a whole, on disk: memory stays bounded (guarantee G9)."""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from target_mailchimp.drafts import Member

KEYS_PER_STATEMENT = 500


class Snapshot:
    """A private database without a name, which SQLite takes away with its connection. Used by several threads.

    Args:
        parts: What it knows of each member.
    """

    def __init__(self, parts: frozenset[str]) -> None:
        self.parts = parts
        self._lock = threading.Lock()
        # source: SQLite docs, "In-Memory Databases", temporary databases: in memory as long as the cache has room
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._connection.close)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("CREATE TABLE members (id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID")

    def add(self, members: Iterable[Member]) -> None:
        """Take members in; whoever is in already, or was written since, stays as it is."""
        rows = [(str(one.get("id")), json.dumps(one)) for one in members]
        with self._lock:
            self._connection.executemany("INSERT OR IGNORE INTO members VALUES (?, ?)", rows)

    def outdate(self, members: Iterable[str]) -> None:
        """Know nothing of these members any more, now and when they are added."""
        with self._lock:
            self._connection.executemany("INSERT OR REPLACE INTO members VALUES (?, NULL)", ((one,) for one in members))

    def find(self, members: Collection[str]) -> tuple[dict[str, Member], list[str]]:
        """The members that there are, and those that have to be looked up anew."""
        wanted = list(members)
        found: dict[str, Member] = {}
        outdated: list[str] = []
        for start in range(0, len(wanted), KEYS_PER_STATEMENT):
            for member, body in self._rows(wanted[start : start + KEYS_PER_STATEMENT]):
                if body is None:
                    outdated.append(member)
                else:
                    found[member] = json.loads(body)
        return found, outdated

    def _rows(self, members: list[str]) -> list[tuple[str, str | None]]:
        marks = ", ".join("?" * len(members))
        with self._lock:
            found = self._connection.execute(
                f"SELECT id, body FROM members WHERE id IN ({marks})",  # noqa: S608 - question marks only
                members,
            )
            return list(found)
