"""What is read of a model: SELECT statements over its own SQL, built with SQLAlchemy Core. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tap_warehouse_model import expressions
from tap_warehouse_model.diff import statements
from tap_warehouse_model.diff.tables import COPY, HASH, MARKS, OP, SEQ, exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_warehouse_model.columns import Column
    from tap_warehouse_model.dialects import Dialect
    from tap_warehouse_model.slices import Slice


@dataclass(frozen=True)
class Source:
    """A model's rows as they will be emitted.

    Attributes:
        statement: The model's own SQL, with its parameters bound.
        keys: Its key columns.
        columns: Its other columns that are selected.
        salt: What all hashes begin with.
        part: The slice of the keys.
        keeps_first: Whether one row of each key is kept.
        quote: A column's name, quoted.
    """

    statement: sa.TextClause
    keys: Sequence[Column]
    columns: Sequence[Column]
    salt: str
    part: Slice
    keeps_first: bool
    dialect: Dialect
    quote: Any

    def with_all_rows(self) -> Source:
        """Return a source with every row, those that would be left out for their keys included."""
        return replace(self, keeps_first=False)

    def stage(self) -> sa.Select[Any]:
        """Return keys and hashes of all rows."""
        rows = self._rows()
        select = sa.select(*self._written(self.keys), self._hash()).select_from(rows)
        return self._narrowed(select)

    def payload(self, changes: sa.TableClause, kinds: Sequence[str]) -> sa.Select[Any]:
        """Return the rows of some kinds of change, numbered from 1."""
        changed = changes.alias("c")
        on = sa.and_(*(self._value(key) == changed.c[key.name] for key in self.keys))
        number = sa.func.row_number().over(order_by=self._order(changed))
        select = sa.select(
            sa.cast(number, sa.BigInteger).label(SEQ),
            changed.c[OP],
            *self._written([*self.keys, *self.columns]),
            self._hash(),
            sa.literal_column(expressions.row_marks(self.dialect, self.columns, self._place)).label(MARKS),
        )
        joined = self._rows().join(changed, on)
        return self._narrowed(select.select_from(joined).where(statements.is_any(changed, kinds)))

    def copied_stage(self) -> sa.Select[Any]:
        """Return keys and hashes of all rows as texts, for a stage that is kept elsewhere."""
        return self._narrowed(sa.select(*self._key_texts(), self._hash_text()).select_from(self._rows()))

    def copied_rows(self, keys: str | None = None) -> sa.Select[Any]:
        """Return key texts, hashes and marks, and then the rows.

        Args:
            keys: A JSON array of arrays of key texts, to which the rows are limited where the warehouse can do so.
        """
        marks: sa.Label[Any] = sa.literal_column(expressions.row_marks(self.dialect, self.columns, self._place)).label(
            MARKS
        )
        written = self._written([*self.keys, *self.columns])
        select = sa.select(*self._key_texts(), self._hash_text(), marks, *written)
        relation = None if keys is None else self.dialect.keys_relation(len(self.keys), ":wanted_keys")
        if relation is None:
            return self._narrowed(select.select_from(self._rows()))
        names = [f"k{position}" for position in range(len(self.keys))]
        bound = sa.text(relation.replace("::", r"\:\:")).bindparams(
            sa.bindparam("wanted_keys", keys, type_=sa.String())
        )
        wanted = bound.columns(*map(sa.column, names)).subquery("w")
        on = [text.element == wanted.c[name] for text, name in zip(self._key_texts(), names, strict=True)]
        return self._narrowed(select.select_from(self._rows().join(wanted, sa.and_(*on))))

    def _key_texts(self) -> list[sa.Label[Any]]:
        return [
            sa.literal_column(expressions.filled(self.dialect.text, self._raw(key))).label(f"k{position}")
            for position, key in enumerate(self.keys)
        ]

    def _hash_text(self) -> sa.Label[Any]:
        text = expressions.row_hash(self.dialect, self.salt, self.columns, self._place)
        return sa.literal_column(expressions.filled(self.dialect.text, text)).label(HASH)

    def _order(self, changed: sa.FromClause) -> list[sa.ColumnElement[Any]] | None:
        return None if self.dialect.numbers_unordered else [changed.c[key.name] for key in self.keys]

    def _rows(self) -> sa.Subquery:
        rows = self.statement.columns(*(sa.column(exact(column.name)) for column in [*self.keys, *self.columns]))
        query = rows.subquery("q")
        if not self.keeps_first:
            return query
        values = [self._value(key) for key in self.keys]
        order: sa.ColumnClause[Any] = sa.literal_column(
            expressions.row_hash(self.dialect, self.salt, self.columns, self._place)
        )
        copy = sa.func.row_number().over(partition_by=values, order_by=order).label(COPY)
        numbered = sa.select(sa.literal_column("q.*"), copy).select_from(query)
        return numbered.where(*(value.is_not(None) for value in values)).subquery("q")

    def _narrowed(self, select: sa.Select[Any]) -> sa.Select[Any]:
        if self.keeps_first:
            select = select.where(sa.literal_column(f"q.{COPY}") == sa.literal_column("1"))
        if self.part.is_whole:
            return select
        values = [self._raw(key) for key in self.keys]
        return select.where(sa.literal_column(expressions.in_slice(self.dialect, self.part, values)))

    def _written(self, columns: Sequence[Column]) -> list[sa.Label[Any]]:
        return [self._value(column).label(exact(column.name)) for column in columns]

    def _value(self, column: Column) -> sa.ColumnClause[Any]:
        return sa.literal_column(self._raw(column))

    def _raw(self, column: Column) -> str:
        return expressions.filled(column.expression, self._place(column.name))

    def _hash(self) -> sa.Label[Any]:
        text = expressions.row_hash(self.dialect, self.salt, self.columns, self._place)
        return sa.literal_column(text).label(HASH)

    def _place(self, name: str) -> str:
        return f"q.{self.quote(name)}"
