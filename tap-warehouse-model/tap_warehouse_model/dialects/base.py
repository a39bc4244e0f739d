"""The interface that each database implements."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class Dialect(abc.ABC):
    """One kind of database."""

    package: str
    """What to install when the driver is missing."""

    chunk_rows: int
    """Most rows per fetch; fewer are fetched when rows are large."""

    session_pins: tuple[str, ...]
    """Statements that make every session read values the same way."""

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

    @abc.abstractmethod
    def stream(self, connection: Any) -> Any:  # noqa: ANN401
        """Return a cursor of a driver's connection that holds one fetch in memory, not the whole result."""

    def interrupt(self, connection: Any) -> None:  # noqa: ANN401, B027
        """Break off a running query, called from another thread; nothing to do where the driver looks itself."""

    @abc.abstractmethod
    def failure(self, error: BaseException) -> Failure | None:
        """Return what an error means, or None when it is not the database's."""
