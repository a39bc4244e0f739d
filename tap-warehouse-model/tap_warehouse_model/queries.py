"""The SQL that reads a model: its statement wrapped, its columns written for JSON. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name

from tap_warehouse_model import expressions, sqltext
from tap_warehouse_model.slices import Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_warehouse_model.columns import Column
    from tap_warehouse_model.dialects import Dialect
    from tap_warehouse_model.models import Model

BOOKMARK = "tap_bookmark"
"""Name of our own bind parameter."""


@dataclass(frozen=True)
class Reading:
    """What to read of a model.

    Attributes:
        columns: Selected columns, in order.
        replication_key: Column to sort by, None for FULL_TABLE.
        tie_breakers: Columns that make the order of rows with one replication key stable.
        has_bookmark: Rows below the parameter BOOKMARK are left out.
        keys: Key columns; a slice is made of them.
        part: The slice of the keys.
    """

    columns: Sequence[Column]
    replication_key: Column | None = None
    tie_breakers: Sequence[str] = ()
    has_bookmark: bool = False
    keys: Sequence[Column] = ()
    part: Slice = field(default_factory=Slice)


def statement(model: Model, dialect: Dialect, quote: Callable[[str], str]) -> str:
    """Return the model's own query in the driver's parameter style.

    `quote` is SQLAlchemy's; it doubles percent signs where the driver wants that.
    """
    if model.sql is None:
        return f"SELECT * FROM {_table(model, dialect, quote)}"  # noqa: S608
    return sqltext.with_placeholders(model.sql, model.params, placeholder=dialect.placeholder, escape=dialect.escape)


def _table(model: Model, dialect: Dialect, quote: Callable[[str], str]) -> str:
    parts = (dialect.table_part(part, is_quoted=isinstance(part, quoted_name)) for part in model.table)
    return ".".join(map(quote, parts))


def bound(model: Model, dialect: Dialect, quote: Callable[[str], str]) -> sa.TextClause:
    """Return the model's own query for SQLAlchemy, with its parameters bound.

    `quote` must not double percent signs: SQLAlchemy does so where the driver wants that.
    """
    if model.sql is None:
        sql = _without_parameters(f"SELECT * FROM {_table(model, dialect, quote)}")  # noqa: S608
    else:
        sql = sqltext.with_placeholders(model.sql, model.params, placeholder=":{}".format, escape=_without_parameters)
    # NullType: the driver sees the values as they are, without a cast that could contradict the query.
    parameters = [
        sa.bindparam(name, dialect.argument(value), type_=sa.types.NullType()) for name, value in model.params.items()
    ]
    return sa.text(f"{sql}\n").bindparams(*parameters)  # the line break ends a comment that the model may close with


def _without_parameters(sql: str) -> str:
    """Return SQL in which SQLAlchemy finds no parameter."""
    return sql.replace(":", r"\:")


def select(model: Model, reading: Reading, dialect: Dialect, quote: Callable[[str], str]) -> str:
    """Return the query that reads a model's rows in their final form."""

    def qualified(name: str) -> str:
        return f"q.{quote(name)}"

    items = ", ".join(
        f"{dialect.escape(column.expression).replace('{}', qualified(column.name))} AS {quote(column.name)}"
        for column in reading.columns
    )
    # The line break ends a comment that the model may close with.
    parts = [f"SELECT {items}", f"FROM ({statement(model, dialect, quote)}\n) AS q"]
    key = reading.replication_key
    conditions = []
    if key is not None and reading.has_bookmark:
        cast = str(key.bookmark_type) if "{}" in str(key.bookmark_type) else f"CAST({{}} AS {key.bookmark_type})"
        bookmark = cast.replace("{}", dialect.placeholder(BOOKMARK))
        conditions.append(f"{qualified(key.name)} >= {bookmark}")
    if not reading.part.is_whole:
        values = [expressions.filled(column.expression, qualified(column.name)) for column in reading.keys]
        conditions.append(expressions.in_slice(dialect, reading.part, values))
    if conditions:
        parts.append(f"WHERE {' AND '.join(conditions)}")
    if key is not None:
        order = [f"{qualified(key.name)} NULLS FIRST"]
        order += [qualified(name) for name in reading.tie_breakers if name != key.name]
        parts.append(f"ORDER BY {', '.join(order)}")
    return "\n".join(parts)
