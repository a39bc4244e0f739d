"""Statements that are executed for many rows or keys, compiled once.

SQLAlchemy compiles an INSERT that knows ON CONFLICT, and a look-up of many keys, for every execution, and looks at
every value of every row: a third of the processor's time that the ledger took.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KEYS_PER_QUERY = 500
"""Bound parameters of one look-up; SQLite's older limit is 999."""
SIZES = (1, 10, 100, KEYS_PER_QUERY)
"""Numbers of keys for which a look-up is compiled; the last key is repeated where there are fewer."""

T = TypeVar("T")


def chunks(keys: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts that one query takes."""
    for start in range(0, len(keys), KEYS_PER_QUERY):
        yield keys[start : start + KEYS_PER_QUERY]


def given(name: str) -> sa.BindParameter[Any]:
    """Stands in a statement of a `RowWriter` for a value of each row."""
    return sa.bindparam(f"given_{name}")


class RowWriter:
    """An INSERT or UPDATE of many rows.

    Args:
        statement: Its values are `given`, or the same for all rows and literal.
        dialect: Of the database.
        names: What a row holds, in this order; the types need no conversion by SQLAlchemy.
    """

    def __init__(self, statement: sa.Insert | sa.Update, dialect: sa.Dialect, names: Sequence[str]) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._names = [f"given_{one}" for one in names]
        places = [self._names.index(one) for one in compiled.positiontup] if compiled.positional else None
        self._pick = operator.itemgetter(*places) if places is not None else None

    def write(self, connection: sa.Connection, rows: Sequence[Sequence[object]]) -> int:
        """Execute it within the connection's transaction; how many rows it wrote."""
        bound: list[Any]
        if self._pick is None:
            bound = [dict(zip(self._names, row, strict=True)) for row in rows]
        else:
            bound = list(map(self._pick, rows))
        return connection.exec_driver_sql(self._sql, bound).rowcount


class KeyQuery:
    """A SELECT of the rows that have one of many keys.

    Args:
        column: Has one of the keys.
        statement: Everything else; what is bound in it stays the same.
        dialect: Of the database. The columns come as its driver gives them.
    """

    def __init__(self, column: sa.ColumnElement[Any], statement: sa.Select[Any], dialect: sa.Dialect) -> None:
        self._column = column
        self._statement = statement
        self._dialect = dialect
        self._compiled: dict[int, _Compiled] = {}

    def rows(self, connection: sa.Connection, keys: Sequence[str]) -> Iterator[sa.Row[Any]]:
        """The rows, in any order."""
        for some in chunks(keys):
            size = next(one for one in SIZES if one >= len(some))
            if size not in self._compiled:
                self._compiled[size] = self._compile(size)
            compiled = self._compiled[size]
            missing = [some[-1]] * (size - len(some))
            yield from connection.exec_driver_sql(compiled.sql, compiled.bound([*some, *missing]))

    def _compile(self, size: int) -> _Compiled:
        key_names = [f"key_{number}" for number in range(size)]
        is_wanted = self._column.in_([sa.bindparam(name) for name in key_names])
        compiled: Any = self._statement.where(is_wanted).compile(dialect=self._dialect)
        others = {name: value for name, value in compiled.params.items() if name not in key_names}
        return _Compiled(str(compiled), key_names, others, compiled.positiontup)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A look-up of one number of keys.

    Attributes:
        sql: Its text.
        key_names: The parameters that are keys, in order.
        others: Those that are not.
        order: The order of all, where the driver tells them by position.
    """

    sql: str
    key_names: Sequence[str]
    others: Mapping[str, Any]
    order: Sequence[str] | None

    def bound(self, keys: Sequence[str]) -> Any:  # noqa: ANN401 - as the driver takes it
        parameters = {**self.others, **dict(zip(self.key_names, keys, strict=True))}
        return parameters if self.order is None else tuple([parameters[one] for one in self.order])
