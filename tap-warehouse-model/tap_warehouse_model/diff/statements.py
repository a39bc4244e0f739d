"""All SQL of the diff, built with SQLAlchemy Core. Pure: nothing here runs a statement.

Rules that keep it right on every dialect: joins instead of correlated subqueries, and `key IN (SELECT ...)` in
DELETE. sqlalchemy-redshift 1.0.0 compiles a correlated DELETE without its correlation, which would empty the
snapshot (PROTOCOLS.md 2.10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ClauseElement, Executable

from tap_warehouse_model import expressions
from tap_warehouse_model.diff.tables import (
    ADDED,
    CHANGED,
    HASH,
    MARKS,
    OP,
    REMOVAL_MARK,
    REMOVED,
    SEQ,
    Tables,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_warehouse_model.columns import Column
    from tap_warehouse_model.dialects import Dialect
    from tap_warehouse_model.slices import Slice

Rows = sa.FromClause


class CreateTableAs(Executable, ClauseElement):
    """CREATE TABLE AS: SQLAlchemy has it from 2.1 on only."""

    inherit_cache = False
    _is_text_clause = False  # what SQLAlchemy asks every statement that it executes

    def __init__(
        self, table: sa.TableClause, select: sa.Select[Any] | sa.CompoundSelect[Any], kind: str = "TABLE"
    ) -> None:
        self.table = table
        self.select = select
        self.kind = kind


@compiles(CreateTableAs)
def _create_table_as(element: CreateTableAs, compiler: Any, **kwargs: Any) -> str:  # noqa: ANN401
    name = compiler.preparer.format_table(element.table)
    return f"CREATE {element.kind} {name} AS {compiler.process(element.select, **kwargs)}"


@dataclass(frozen=True)
class Comparison:
    """Statements about the tables of a diff.

    Attributes:
        dialect: Of the database that holds the tables.
        keys: Key columns, as the model describes them.
    """

    tables: Tables
    dialect: Dialect
    keys: Sequence[Column]
    part: Slice
    quote: Any

    def snapshot(self) -> sa.Select[Any]:
        """Return the baseline: the part of the snapshot that belongs to the slice."""
        rows = self.tables.snapshot.alias("s")
        return sa.select(*rows.c).where(*self.in_slice("s"))

    def in_slice(self, alias: str) -> list[sa.ColumnElement[bool]]:
        """Return the condition on keys of a table, none where the slice is the whole."""
        if self.part.is_whole:
            return []
        values = [f"{alias}.{self.quote(key.name)}" for key in self.keys]
        return [sa.literal_column(expressions.in_slice(self.dialect, self.part, values))]

    def snapshot_of(self, stage: sa.Select[Any]) -> sa.Select[Any]:
        """Return staged rows with the columns and types of a snapshot."""
        rows = stage.subquery("t")
        no_marks: sa.Label[Any] = sa.literal_column(expressions.filled(self.dialect.text, "NULL")).label(MARKS)
        return sa.select(*rows.c, no_marks)

    def changes(self, changes: sa.TableClause, stage: sa.TableClause, baseline: sa.Select[Any]) -> CreateTableAs:
        """Return the statement that finds every key whose row differs from the baseline."""
        staged, known = stage.alias("t"), baseline.subquery("b")
        on = self._same(staged, known)
        first = known.c[self.tables.keys[0]]
        kind = sa.case((first.is_(None), _literal(ADDED)), else_=_literal(CHANGED))
        upserts = (
            sa.select(kind.label(OP), *(staged.c[name] for name in self.tables.keys), staged.c[HASH])
            .select_from(staged.outerjoin(known, on))
            .where(sa.or_(first.is_(None), known.c[HASH].is_(None), known.c[HASH] != staged.c[HASH]))
        )
        gone = baseline.subquery("g")
        left = stage.alias("u")
        removals = (
            sa.select(_literal(REMOVED).label(OP), *(gone.c[name] for name in self.tables.keys), self._no_hash())
            .select_from(gone.outerjoin(left, self._same(gone, left)))
            .where(left.c[self.tables.keys[0]].is_(None))
        )
        return CreateTableAs(changes, sa.union_all(upserts, removals), self.dialect.scratch_table)

    def counts(self, changes: sa.TableClause) -> sa.Select[Any]:
        """Return added, changed and removed rows, and added ones with a null in their key."""
        nulls = sa.or_(*(changes.c[name].is_(None) for name in self.tables.keys))
        return sa.select(
            *(_count(changes.c[OP] == _literal(op)) for op in (ADDED, CHANGED, REMOVED)),
            _count(sa.and_(changes.c[OP] == _literal(ADDED), nulls)),
        )

    def removed_again(self, changes: sa.TableClause, baseline: sa.Select[Any]) -> sa.Select[Any]:
        """Return how many removals were emitted before and not confirmed."""
        known = baseline.subquery("b")
        both = changes.join(known, self._same(changes, known))
        is_again = sa.and_(changes.c[OP] == _literal(REMOVED), known.c[MARKS] == _literal(REMOVAL_MARK))
        return sa.select(sa.func.count()).select_from(both).where(is_again)

    def repeated(self, rows: Rows, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        """Return how many keys occur more than once, and in how many rows."""
        keys = [rows.c[name] for name in self.tables.keys]
        number = sa.func.count().label("n")
        groups = (
            sa.select(number)
            .select_from(rows)
            .where(*(key.is_not(None) for key in keys), *conditions)
            .group_by(*keys)
            .having(sa.func.count() > sa.literal_column("1"))
            .subquery("r")
        )
        return sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(groups.c.n), 0)).select_from(groups)

    def nulls(self, rows: Rows) -> sa.Select[Any]:
        """Return how many rows have a null, per key column."""
        return sa.select(*(_count(rows.c[name].is_(None)) for name in self.tables.keys)).select_from(rows)

    def removals(self, plan: sa.TableClause, changes: sa.TableClause, after: int) -> sa.Insert:
        """Return the statement that puts the removals behind the other changes."""
        keys = [changes.c[name] for name in self.tables.keys]
        number = sa.func.row_number().over(order_by=keys) + sa.literal_column(str(after))
        select = sa.select(sa.cast(number, sa.BigInteger).label(SEQ), changes.c[OP], *keys)
        names = [SEQ, OP, *self.tables.keys]
        return sa.insert(plan).from_select(names, select.where(changes.c[OP] == _literal(REMOVED)))

    def page(self, plan: sa.TableClause, above: int, to: int) -> sa.Select[Any]:
        """Return the changes `above + 1 .. to`, in order, without hashes."""
        columns = [column for column in plan.c if column.name not in (HASH, MARKS)]
        return sa.select(*columns).where(_between(plan, above, to)).order_by(plan.c[SEQ])

    def forget(self, plan: sa.TableClause, above: int, to: int) -> sa.Delete:
        """Return the statement that takes the keys of a range of a plan out of the snapshot."""
        snapshot = self.tables.snapshot
        names = self.tables.keys
        condition = _between(plan, above, to)
        if len(names) == 1:
            return sa.delete(snapshot).where(snapshot.c[names[0]].in_(sa.select(plan.c[names[0]]).where(condition)))
        if self.dialect.has_row_values:
            row = sa.tuple_(*(snapshot.c[name] for name in names))
            return sa.delete(snapshot).where(row.in_(sa.select(*(plan.c[name] for name in names)).where(condition)))
        key: sa.ColumnClause[Any] = sa.literal_column(self._key_text())
        return sa.delete(snapshot).where(key.in_(sa.select(key).select_from(plan).where(condition)))

    def confirm(self, plan: sa.TableClause, above: int, to: int) -> sa.Insert:
        """Return the statement that puts a range of a plan into the snapshot: it was delivered."""
        names = [*self.tables.keys, HASH, MARKS]
        select = sa.select(*(plan.c[name] for name in names))
        condition = sa.and_(_between(plan, above, to), plan.c[OP] != _literal(REMOVED))
        return sa.insert(self.tables.snapshot).from_select(names, select.where(condition))

    def taint(self, plan: sa.TableClause, above: int, to: int) -> sa.Insert:
        """Return the statement that keeps the keys of a range without a hash: they may have been delivered."""
        names = [*self.tables.keys, HASH, MARKS]
        marks = sa.case((plan.c[OP] == _literal(REMOVED), _literal(REMOVAL_MARK)), else_=self._no_text())
        select = sa.select(*(plan.c[name] for name in self.tables.keys), self._no_hash(), marks.label(MARKS))
        return sa.insert(self.tables.snapshot).from_select(names, select.where(_between(plan, above, to)))

    def expected(self, plan: sa.TableClause, to: int) -> sa.Select[Any]:
        """Return the baseline as it will be once the changes `1..to` of a plan are confirmed."""
        known = self.snapshot().subquery("n")
        listed = sa.select(*(plan.c[name] for name in self.tables.keys)).where(_between(plan, 0, to)).subquery("l")
        names = [*self.tables.keys, HASH, MARKS]
        kept = (
            sa.select(*(known.c[name] for name in names))
            .select_from(known.outerjoin(listed, self._same(known, listed)))
            .where(listed.c[self.tables.keys[0]].is_(None))
        )
        condition = sa.and_(_between(plan, 0, to), plan.c[OP] != _literal(REMOVED))
        delivered = sa.select(*(plan.c[name] for name in names)).where(condition)
        both = sa.union_all(kept, delivered).subquery("e")
        return sa.select(*both.c)

    def changed_columns(self, plan: sa.TableClause, baseline: sa.Select[Any], columns: int) -> sa.Select[Any]:
        """Return how many changed rows differ, per column; rows with other columns are left out."""
        new, old = plan.alias("p"), baseline.subquery("o")

        def mark(rows: Rows, start: int, length: int) -> sa.ColumnElement[Any]:
            return sa.func.substr(rows.c[MARKS], sa.literal_column(str(start)), sa.literal_column(str(length)))

        differing = [
            _count(mark(new, at, expressions.MARK_DIGITS) != mark(old, at, expressions.MARK_DIGITS))
            for at in map(expressions.mark_position, range(columns))
        ]
        layouts = (mark(rows, 1, expressions.LAYOUT_DIGITS) for rows in (new, old))
        return (
            sa.select(*differing)
            .select_from(new.join(old, self._same(new, old)))
            .where(new.c[OP] == _literal(CHANGED), next(layouts) == next(layouts))
        )

    def _same(self, left: Rows, right: Rows) -> sa.ColumnElement[bool]:
        return sa.and_(*(left.c[name] == right.c[name] for name in self.tables.keys))

    def _no_text(self) -> sa.ColumnClause[Any]:
        return sa.literal_column(expressions.filled(self.dialect.text, "NULL"))

    def _no_hash(self) -> sa.Label[Any]:
        return sa.literal_column(f"CAST(NULL AS {self.dialect.digest_type})").label(HASH)

    def _key_text(self) -> str:
        values = [self.quote(key.name) for key in self.keys]
        return expressions.key_text(self.dialect, [key.kind for key in self.keys], values)


def row_count(rows: Rows) -> sa.Select[Any]:
    """Return the statement that counts rows."""
    return sa.select(sa.func.count()).select_from(rows)


def is_any(changes: Rows, kinds: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return whether a change is of one of some kinds."""
    return changes.c[OP].in_([_literal(kind) for kind in kinds])


def _literal(text: str) -> sa.ColumnClause[Any]:
    return sa.literal_column(f"'{text}'")


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def _between(plan: sa.TableClause, above: int, to: int) -> sa.ColumnElement[bool]:
    return sa.and_(plan.c[SEQ] > above, plan.c[SEQ] <= to)
