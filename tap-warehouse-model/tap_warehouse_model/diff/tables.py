"""The tables of the diff: one row per sync that says how far it is, a snapshot, and the tables of one run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_warehouse_model.slices import Slice

SEQ, OP, HASH, MARKS, COPY = "_diff_seq", "_diff_op", "_diff_hash", "_diff_marks", "_diff_copy"
OWN_COLUMNS = (SEQ, OP, HASH, MARKS, COPY)
ADDED, CHANGED, REMOVED = "A", "C", "R"

REMOVAL_MARK = "removed"
"""In place of the marks of a row in the snapshot: its removal was emitted and not confirmed."""

SYNCS = "syncs"


def syncs_table(schema: str) -> sa.Table:
    """Return the table with one row per sync, stream and slice.

    Columns: `tables` is the part of the other tables' names that stands for sync and stream; `tokens` a JSON
    list, the confirmed one first; `salt` what the confirmed hashes were made with; `lease_until` seconds since
    1970; `emitted_hi` the highest number of the plan that may have left the tap.
    """
    return sa.Table(
        SYNCS,
        sa.MetaData(schema=schema),
        sa.Column("sync_id", sa.String(200), primary_key=True),
        sa.Column("stream", sa.String(200), primary_key=True),
        sa.Column("slice", sa.String(40), primary_key=True),
        sa.Column("tables", sa.String(12), nullable=False),
        sa.Column("tokens", sa.String(2000), nullable=False),
        sa.Column("salt", sa.String(40)),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("lease_owner", sa.String(200)),
        sa.Column("lease_until", sa.Double),
        sa.Column("plan_table", sa.String(63)),
        sa.Column("plan_id", sa.String(40)),
        sa.Column("plan_salt", sa.String(40)),
        sa.Column("plan_rows", sa.BigInteger),
        sa.Column("plan_removals", sa.BigInteger),
        sa.Column("emitted_hi", sa.BigInteger),
        sa.Column("folded_seq", sa.BigInteger),
        sa.Column("updated_at", sa.Double),
    )


@dataclass(frozen=True)
class Tables:
    """The tables of one sync, stream and slice.

    Attributes:
        schema: Where they are, as SQLAlchemy takes it.
        part: What stands for sync and stream in their names.
        keys: Key columns of the model.
        columns: Its other columns; empty where a plan keeps its rows as JSON.
    """

    schema: str
    part: str
    keys: Sequence[str]
    columns: Sequence[str] = ()

    @property
    def snapshot(self) -> sa.TableClause:
        """What was confirmed: keys, hash of the row, marks of its columns."""
        return self._table(f"snapshot_{self.part}", [*map(exact, self.keys), HASH, MARKS])

    def stage(self, suffix: str) -> sa.TableClause:
        """Keys and hashes of the model, as of this run."""
        return self._table(f"stage_{self.part}_{suffix}", [*map(exact, self.keys), HASH])

    def changes(self, suffix: str) -> sa.TableClause:
        """Keys that differ from the snapshot."""
        return self._table(f"changes_{self.part}_{suffix}", [OP, *map(exact, self.keys), HASH])

    def plan(self, suffix: str) -> sa.TableClause:
        """Changes in the order in which they are emitted, with the rows themselves."""
        return self.named(f"plan_{self.part}_{suffix}")

    def named(self, name: str) -> sa.TableClause:
        """Return a plan by its name."""
        return self._table(name, [SEQ, OP, *map(exact, [*self.keys, *self.columns]), HASH, MARKS])

    def _table(self, name: str, columns: Sequence[str]) -> sa.TableClause:
        return sa.table(name, *map(sa.column, columns), schema=self.schema)


def exact(name: str) -> str:
    """Return a column's name that is always quoted, reserved words and odd characters included."""
    return quoted_name(name, quote=True)


def part_of_names(sync_id: str, stream: str, keys: Sequence[str]) -> str:
    """Return what stands for a sync, a stream and its key in names of tables.

    Args:
        sync_id: Names the sync.
        stream: Names the stream.
        keys: Names and types of the key columns: with another key, what was delivered cannot be compared.

    >>> len(part_of_names("crm", "customers", ["id integer"]))
    12
    """
    return hashlib.sha256("\x00".join([sync_id, stream, *keys]).encode()).hexdigest()[:12]


def suffix(part: Slice, epoch: int) -> str:
    """Return what makes the tables of one run differ from those of any other run.

    >>> from tap_warehouse_model.slices import Slice
    >>> suffix(Slice(1, 4), 17)
    '1of4_17'
    """
    return f"{part.index}of{part.count}_{epoch}"
