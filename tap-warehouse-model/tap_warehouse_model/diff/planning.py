"""Making a plan: stage the keys and hashes of the model, compare them with the baseline, freeze what differs.

Where the warehouse holds the tables, it does all of it, and two statements read the model: one for keys and
hashes, one for the rows that differ. `copying.py` does the same for a warehouse that is only read.
"""

from __future__ import annotations

import abc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tap_warehouse_model.brakes import SKIP, Counts
from tap_warehouse_model.diff import statements
from tap_warehouse_model.diff.statements import Comparison, CreateTableAs
from tap_warehouse_model.diff.tables import ADDED, CHANGED, OP
from tap_warehouse_model.errors import DuplicateKeyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_warehouse_model.diff.source import Source
    from tap_warehouse_model.diff.store import Store


@dataclass(frozen=True)
class Found:
    """What a plan holds.

    Attributes:
        changed_columns: Changed rows, by column; of rows whose earlier columns are known.
        left_out: Rows of keys that occur more than once, or are null, that were left out.
        vanished: Keys that were gone when their rows were read, after they had been compared.
    """

    counts: Counts
    changed_columns: Mapping[str, int]
    left_out: int = 0
    vanished: int = 0


class Planner(abc.ABC):
    """Makes the plan of one model."""

    def __init__(self, store: Store, source: Source, comparison: Comparison, stream: str) -> None:
        self._store = store
        self._source = source
        self._comparison = comparison
        self._tables = comparison.tables
        self._stream = stream

    def prepare(self) -> None:
        """Create the snapshot unless it is there."""
        self._store.ensure(self._purpose, self._tables.snapshot, self._no_rows())

    def make(self, suffix: str, *, on_empty: str, is_resend: bool) -> Found:
        """Create the plan's table and fill it.

        Args:
            suffix: Of the names of this run's tables.
            on_empty: With `skip`, an empty model makes an empty plan.
            is_resend: For the counts.

        Raises:
            DuplicateKeyError: Keys are null or occur more than once.
            ConfigError: The model's SQL is wrong.
        """
        plan, known = self._tables.plan(suffix), self._comparison.snapshot()
        with self._compared(suffix, known) as (connection, changes, counts):
            self._freeze(connection, plan, changes, [ADDED, CHANGED])
            upserts = connection.scalar(statements.row_count(plan)) or 0
            skips = counts.rows == 0 and on_empty == SKIP
            if not skips:
                connection.execute(self._comparison.removals(plan, changes, upserts))
            by_column = self._changed_columns(connection, plan, known, counts)
            left_out = self._left_out(connection, counts)
        self._store.index(plan)
        vanished = counts.added + counts.changed - upserts
        kept = replace(counts, is_resend=is_resend, **({"removed": 0, "removed_again": 0} if skips else {}))
        return Found(kept, by_column, left_out, vanished)

    def preview(self, suffix: str, baseline: sa.Select[Any], *, is_resend: bool) -> Found:
        """Count what a plan would hold, and keep nothing.

        Args:
            suffix: Of the names of tables that are dropped at the end.
            baseline: What is compared with.
            is_resend: For the counts.

        Raises:
            DuplicateKeyError: Keys are null or occur more than once.
            ConfigError: The model's SQL is wrong.
        """
        plan = self._tables.plan(suffix)
        with self._without_leftovers(plan), self._compared(suffix, baseline) as (connection, changes, counts):
            if counts.changed:
                self._freeze(connection, plan, changes, [CHANGED])
            by_column = self._changed_columns(connection, plan, baseline, counts)
            left_out = self._left_out(connection, counts)
        return Found(replace(counts, is_resend=is_resend), by_column, left_out)

    @contextmanager
    def _compared(self, suffix: str, known: sa.Select[Any]) -> Iterator[tuple[sa.Connection, sa.TableClause, Counts]]:
        """Find the keys that differ; yield the connection, the table of these keys, and the counts."""
        stage, changes = self._tables.stage(suffix), self._tables.changes(suffix)
        with (
            self._without_leftovers(stage, changes),
            self._store.transaction(self._purpose, with_model=self._store.has_model) as connection,
        ):
            self._stage(connection, stage)
            self._store.create(connection, self._comparison.changes(changes, stage, known))
            yield connection, changes, self._counts(connection, stage, changes, known)

    @property
    def _purpose(self) -> str:
        return f"Model '{self._stream}': changes cannot be found"

    @contextmanager
    def _without_leftovers(self, *tables: sa.TableClause) -> Iterator[None]:
        """Drop tables that only this run needs; where a transaction was rolled back they are gone already."""
        try:
            yield
        finally:
            with self._store.transaction(self._purpose) as connection:
                for table in tables:
                    self._store.drop(connection, table)

    def _counts(
        self, connection: sa.Connection, stage: sa.TableClause, changes: sa.TableClause, known: sa.Select[Any]
    ) -> Counts:
        """Count, and refuse keys that do not identify rows.

        Keys of the baseline are unique. So as many staged rows have a key in it as keys of it are staged, unless
        one is staged twice; only keys that are new must be grouped.
        """
        rows = connection.scalar(statements.row_count(stage)) or 0
        baseline = connection.scalar(statements.row_count(known.subquery("k"))) or 0
        added, changed, removed, nulls = (int(n) for n in connection.execute(self._comparison.counts(changes)).one())
        twice = rows - added != baseline - removed
        if not twice and added:
            is_added = changes.c[OP] == sa.literal_column(f"'{ADDED}'")
            twice = bool(connection.execute(self._comparison.repeated(changes, is_added)).one()[0])
        if nulls or twice:
            raise DuplicateKeyError(self._not_unique(connection, stage))
        again = connection.scalar(self._comparison.removed_again(changes, known)) or 0 if removed else 0
        return Counts(rows, baseline, added, changed, removed, removed_again=again)

    def _not_unique(self, connection: sa.Connection, stage: sa.TableClause) -> str:
        keys, rows = (int(count) for count in connection.execute(self._comparison.repeated(stage)).one())
        nulls = connection.execute(self._comparison.nulls(stage)).one()
        found = [f"{keys} keys occur more than once, in {rows} rows"] if keys else []
        found += [
            f"{count} rows have no value in '{name}'"
            for name, count in zip(self._tables.keys, nulls, strict=True)
            if count
        ]
        return (
            f"Model '{self._stream}': its key ({', '.join(self._tables.keys)}) does not identify rows: "
            f"{'; '.join(found)}. Nothing was emitted. Mend the query or 'key_properties', or set "
            "'on_duplicate_key: reject' to keep one row of each key and report how many are left out."
        )

    def _changed_columns(
        self, connection: sa.Connection, plan: sa.TableClause, known: sa.Select[Any], counts: Counts
    ) -> dict[str, int]:
        names = [column.name for column in self._source.columns]
        if not names or not counts.changed:
            return {}
        found = connection.execute(self._comparison.changed_columns(plan, known, len(names))).one()
        return {name: int(count) for name, count in zip(names, found, strict=True) if count}

    def _left_out(self, connection: sa.Connection, counts: Counts) -> int:
        if not self._source.keeps_first:
            return 0
        return self._all_rows(connection) - counts.rows

    @abc.abstractmethod
    def _no_rows(self) -> sa.Select[Any]:
        """Return a SELECT that has the types of the snapshot; its rows are not wanted."""

    @abc.abstractmethod
    def _stage(self, connection: sa.Connection, stage: sa.TableClause) -> None:
        """Create the table of all keys and hashes."""

    @abc.abstractmethod
    def _freeze(
        self, connection: sa.Connection, plan: sa.TableClause, changes: sa.TableClause, kinds: Sequence[str]
    ) -> None:
        """Create the plan with the rows of some kinds of change, numbered from 1."""

    @abc.abstractmethod
    def _all_rows(self, connection: sa.Connection) -> int:
        """Return the number of the model's rows, those that are left out included."""


class WarehousePlanner(Planner):
    """Lets the warehouse do everything: it holds the model and the tables."""

    def _no_rows(self) -> sa.Select[Any]:
        return self._comparison.snapshot_of(self._source.stage())

    def _stage(self, connection: sa.Connection, stage: sa.TableClause) -> None:
        self._store.create(connection, CreateTableAs(stage, self._source.stage(), self._store.dialect.scratch_table))

    def _freeze(
        self, connection: sa.Connection, plan: sa.TableClause, changes: sa.TableClause, kinds: Sequence[str]
    ) -> None:
        self._store.create(connection, CreateTableAs(plan, self._source.payload(changes, kinds)))

    def _all_rows(self, connection: sa.Connection) -> int:
        everything = self._source.with_all_rows().stage().subquery("a")
        return connection.scalar(statements.row_count(everything)) or 0
