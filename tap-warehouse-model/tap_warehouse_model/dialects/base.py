"""The interface that each database implements."""

from __future__ import annotations

import abc
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from tap_warehouse_model.columns import Column, Described


@dataclass(frozen=True)
class Failure:
    """What a database error means to the user.

    Attributes:
        reason: Safe to show: no value from a row, no password.
        is_config_error: The user's SQL or URL is wrong, rather than the data or the server.
        is_busy: Another process holds the database.
    """

    reason: str
    is_config_error: bool = False
    is_busy: bool = False


def quiet(name: str) -> None:
    """Let a driver's logger say only what is an error, unless the user chose a level for it.

    Below, drivers write down statements with their parameters, and what does not concern a user.
    """
    logger = logging.getLogger(name)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.ERROR)


class Dialect(abc.ABC):
    """One kind of database."""

    package: str
    """What to install when the driver is missing."""

    chunk_rows: int
    """Most rows per fetch; fewer are fetched when rows are large."""

    session_pins: tuple[str, ...]
    """Statements that make every session read values the same way."""

    read_only_pins: tuple[str, ...] = ()
    """Statements that forbid a session to write, where the database knows some."""

    write_pins: tuple[str, ...] = ()
    """Statements for sessions that compute and keep the diff."""

    scratch_table: str = "TABLE"
    """What CREATE makes for rows that only one run needs."""

    text: str = "CAST({} AS VARCHAR)"
    """Pattern: any value as text."""

    length: str = "LENGTH({})"
    """Pattern: the length of a text, in any unit."""

    digest: str = "MD5({})"
    """Pattern: the hash of a text, as a snapshot keeps it."""

    part: str = "{}"
    """Pattern: the text of a column as it enters the text of its row."""

    digest_type: str = "VARCHAR(32)"
    """SQL type of a digest."""

    mark: str = "SUBSTR(MD5({}), 1, 3)"
    """Pattern: three hexadecimal digits of a text's hash."""

    slice_number: str
    """Pattern: the first 8 hexadecimal digits of a text's MD5 as an integer; partitions are made of it.

    The same in every database: a warehouse divides its rows by it, and a DuckDB file the keys that were copied.
    """

    snapshot_isolation: str | None = None
    """Isolation level in which all statements of a transaction see the same data, as SQLAlchemy names it.

    None where transactions do so anyway, or not at all.
    """

    has_row_values: bool = True
    """Whether `(a, b) IN (SELECT a, b ...)` is understood."""

    numbers_unordered: bool = False
    """Whether `row_number() OVER ()` is understood; without an order nothing is sorted."""

    def __init__(self, url: sa.URL) -> None:
        self.url = url

    def engine_options(self) -> dict[str, Any]:
        """Return arguments for `create_engine`; the user's come on top."""
        return {}

    def has_lock(self) -> bool:
        """Return whether an open connection keeps others from writing."""
        return False

    @abc.abstractmethod
    def connect_args(self) -> dict[str, Any]:
        """Return arguments for the driver's connect function.

        Raises:
            ConfigError: The database cannot be there, such as a file that does not exist.
        """

    @abc.abstractmethod
    def describe(self, cursor: Any, sql: str, params: Mapping[str, Any]) -> list[Described]:  # noqa: ANN401
        """Return the columns of a query without computing its rows."""

    @abc.abstractmethod
    def column(self, described: Described) -> Column:
        """Return how a column is selected and written."""

    @abc.abstractmethod
    def placeholder(self, name: str) -> str:
        """Return a bind parameter in the driver's style."""

    @abc.abstractmethod
    def escape(self, sql: str) -> str:
        """Return SQL text as it must stand beside placeholders."""

    def arguments(self, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Return parameters as the driver's `execute` takes them."""
        return {name: self.argument(value) for name, value in params.items()}

    def argument(self, value: Any) -> Any:  # noqa: ANN401
        """Return the value of one parameter as the driver takes it."""
        return value

    def table_part(self, part: str, *, is_quoted: bool) -> str:
        """Return a part of a table's name as the database keeps it."""
        del is_quoted
        return part

    @abc.abstractmethod
    def stream(self, connection: Any) -> Any:  # noqa: ANN401
        """Return a cursor of a driver's connection that holds one fetch in memory, not the whole result."""

    def joined(self, texts: Sequence[str]) -> str:
        """Return an expression that joins texts, none of them null, with a bar between them."""
        return " || '|' || ".join(texts)

    def keys_relation(self, count: int, parameter: str) -> str | None:
        """Return a SELECT of text columns k0, k1, ... from one parameter: a JSON array of arrays of texts.

        None where the database has no way to do so; a model is then read as a whole.
        """
        del count, parameter
        return None

    def create_table_as(self, connection: sa.Connection, statement: sa.Executable) -> None:
        """Run CREATE TABLE AS; overridden where the server takes no parameters in it."""
        connection.execute(statement)

    def index(self, table: str, column: str) -> str | None:
        """Return a statement that lets a table be read by ranges of a unique number; None for column stores."""
        del table, column
        return None

    def interrupt(self, connection: Any) -> None:  # noqa: ANN401, B027
        """Break off a running query, called from another thread; nothing to do where the driver looks itself."""

    @abc.abstractmethod
    def failure(self, error: BaseException) -> Failure | None:
        """Return what an error means, or None when it is not the database's."""
