"""How far a stream has been read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_warehouse_model.columns import Column
    from tap_warehouse_model.records import Row


class Progress:
    """Counts of one pass over a stream."""

    def __init__(self, replication_key: str | None, columns: Sequence[Column]) -> None:
        names = [column.name for column in columns]
        self.position = names.index(replication_key) if replication_key in names else -1
        self.column = columns[self.position] if self.position >= 0 else None
        self.records = self.since_state = self.null_keys = 0

    def count(self, rows: Sequence[Row]) -> None:
        """Count rows; null replication keys come first, so that most chunks are not looked at."""
        self.records += len(rows)
        self.since_state += len(rows)
        if self.column is not None and rows[0][self.position] is None:
            self.null_keys += sum(row[self.position] is None for row in rows)
