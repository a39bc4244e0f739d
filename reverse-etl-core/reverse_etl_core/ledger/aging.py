"""Deleting what is old, some rows at a time: nobody who writes meanwhile has to wait long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.sql.expression import ColumnElement

ROWS_AT_ONCE = 5000


def deletion(table: sa.Table, is_old: ColumnElement[bool], dialect: sa.Dialect) -> sa.Delete:
    """Delete at most `ROWS_AT_ONCE` rows, found by whatever index `is_old` has and deleted by their place."""
    is_postgresql = dialect.name == "postgresql"
    place: ColumnElement[Any] = sa.literal_column("ctid" if is_postgresql else "rowid")
    some = sa.select(place).select_from(table).where(is_old).limit(ROWS_AT_ONCE)
    if is_postgresql:  # an array, since a join would read the whole table
        return sa.delete(table).where(place == sa.func.any(sa.func.array(some.scalar_subquery())))
    return sa.delete(table).where(place.in_(some))
