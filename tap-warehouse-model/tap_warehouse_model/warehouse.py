"""The warehouse: one engine, queries described and rows read in chunks. The only module that connects."""

from __future__ import annotations

import weakref
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from tap_warehouse_model import queries
from tap_warehouse_model.dialects import Dialect, Failure, dialect_of
from tap_warehouse_model.errors import BusyError, ConfigError, QueryError, TapError
from tap_warehouse_model.interrupts import interrupting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tap_warehouse_model.columns import Column
    from tap_warehouse_model.config import TapConfig
    from tap_warehouse_model.models import Model

FIRST_CHUNK_ROWS = 1
"""Nothing is known of the size of rows before the first one."""
_ENGINES: weakref.WeakSet[sa.Engine] = weakref.WeakSet()


class Warehouse:
    """Reads models. A connection is taken from SQLAlchemy's pool per query, so that all queries share one.

    Opening a DuckDB file takes longer than most queries: 0.2 s when it has a thousand tables.
    """

    def __init__(self, config: TapConfig) -> None:
        self.config = config
        self.dialect = dialect_of(config.url)
        self.engine = make_engine(config, self.dialect)
        self._quote = self.engine.dialect.identifier_preparer.quote_identifier

    def describe(self, model: Model) -> tuple[Column, ...]:
        """Return the columns of a model's query, in order.

        Raises:
            ConfigError: The query is wrong, or two of its columns have the same name.
            QueryError: The warehouse could not answer.
        """
        sql = queries.statement(model, self.dialect, self._quote)
        with self._connection() as connection, self._errors(model):
            cursor = connection.cursor()
            described = self.dialect.describe(cursor, sql, model.params)
        twice = [name for name, count in Counter(item.name for item in described).items() if count > 1]
        if twice:
            names = ", ".join(f"'{name}'" for name in twice)
            msg = f"Model '{model.name}': the query has more than one column {names}. Rename or drop all but one."
            raise ConfigError(msg)
        return tuple(self.dialect.column(item) for item in described)

    def release(self) -> None:
        """Close the connections of the pool where they would keep others from writing; the next query opens one."""
        if self.dialect.has_lock():
            self.engine.dispose()

    @contextmanager
    def rows(self, model: Model, reading: queries.Reading, bookmark: str | int | None = None) -> Iterator[ChunkReader]:
        """Run a model's query; the reader is valid inside the `with` block.

        Raises:
            QueryError: The warehouse refused or broke off the query.
        """
        sql = queries.select(model, reading, self.dialect, self._quote)
        params: dict[str, Any] = dict(model.params)
        if bookmark is not None:
            params[queries.BOOKMARK] = bookmark
        with self._streaming(model, sql, self.dialect.arguments(params)) as reader:
            yield reader

    @contextmanager
    def selected(self, model: Model, statement: sa.Select[Any]) -> Iterator[ChunkReader]:
        """Run a statement about a model; the reader is valid inside the `with` block.

        Raises:
            QueryError: The warehouse refused or broke off the query.
        """
        compiled = statement.compile(dialect=self.engine.dialect)
        values = compiled.params
        if compiled.positional:
            params: Any = [values[name] for name in compiled.positiontup or ()]
        else:
            params = self.dialect.arguments(values)
        with self._streaming(model, str(compiled), params) as reader:
            yield reader

    @contextmanager
    def _streaming(self, model: Model, sql: str, params: Any) -> Iterator[ChunkReader]:  # noqa: ANN401
        with (
            self._connection() as connection,
            self._errors(model),
            interrupting(lambda: self.dialect.interrupt(connection)),
        ):
            cursor = self.dialect.stream(connection)
            try:
                cursor.execute(sql, params)
                yield ChunkReader(cursor, self.dialect.chunk_rows)
            finally:
                cursor.close()

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        """Open a connection of the pool, as the driver knows it."""
        try:
            connection = self.engine.raw_connection()
        except Exception as error:  # noqa: BLE001 - each driver has its own errors for a host that cannot be reached
            raise self._unreachable(error) from None
        try:
            yield connection
        finally:
            connection.close()

    def _unreachable(self, error: Exception) -> TapError:
        failure = self.dialect.failure(getattr(error, "orig", None) or error)
        reason = failure.reason if failure else type(error).__name__
        if failure and failure.is_busy:
            return BusyError(
                f"The warehouse is in use by another process: {reason}. "
                "DuckDB allows many readers or one writer. Try again when the writer has finished."
            )
        kind = ConfigError if failure and failure.is_config_error else QueryError
        return kind(f"The warehouse cannot be opened: {reason.rstrip('.!')}. Check 'sqlalchemy_url'.")

    @contextmanager
    def _errors(self, model: Model) -> Iterator[None]:
        """Turn errors of the driver into ours; anything else passes."""
        try:
            yield
        except Exception as error:  # each driver has its own errors; what the dialect does not know propagates
            failure = self.dialect.failure(error)
            if failure is None:
                raise
            raise _query_error(model, failure) from None


class ChunkReader:
    """Fetches rows in chunks whose size follows the size of the rows."""

    def __init__(self, cursor: Any, most_rows: int) -> None:  # noqa: ANN401
        self._cursor = cursor
        self._most_rows = most_rows
        self.chunk_rows = min(FIRST_CHUNK_ROWS, most_rows)

    def fetch(self, limit: int | None = None) -> Sequence[tuple[Any, ...]]:
        """Return the next rows, at most `limit`; an empty list at the end."""
        size = self.chunk_rows if limit is None else min(self.chunk_rows, limit)
        rows: Sequence[tuple[Any, ...]] = self._cursor.fetchmany(size) if size else []
        return rows

    def adapt(self, row_bytes: float, target_bytes: int) -> None:
        """Choose the next chunk so that it takes about `target_bytes`, at most eight times the last one."""
        fitting = int(target_bytes / max(row_bytes, 1.0))
        self.chunk_rows = max(1, min(fitting, self.chunk_rows * 8, self._most_rows))


def _query_error(model: Model, failure: Failure) -> TapError:
    reason = failure.reason.rstrip(".!")
    if failure.is_config_error:
        return ConfigError(f"Model '{model.name}': the warehouse refuses its query: {reason}. {model.remedy}")
    return QueryError(
        f"Model '{model.name}': the query failed: {reason}. "
        "Run the model's SQL in a client of the warehouse to see more."
    )


def make_engine(
    config: TapConfig,
    dialect: Dialect,
    *,
    writes: bool = False,
    url: sa.URL | None = None,
    options: Mapping[str, Any] | None = None,
) -> sa.Engine:
    """Return an engine whose sessions are pinned.

    Args:
        config: For the URL and the options of the user.
        dialect: Of the URL.
        writes: Sessions may write, where the database could forbid it.
        url: In place of the warehouse's.
        options: In place of the user's.

    Raises:
        ConfigError: The driver is missing, or the options are wrong.
    """
    given = config.engine_options if options is None else options
    arguments = {**dialect.engine_options(), **given}
    connect_args = {**dialect.connect_args(), **dict(arguments.pop("connect_args", None) or {})}
    url = config.url if url is None else url
    if url.get_backend_name() in {"postgres", "postgresql"} and "+" not in url.drivername:
        url = url.set(drivername="postgresql+psycopg")
    try:
        engine = sa.create_engine(url, connect_args=connect_args, **arguments)
    except (NoSuchModuleError, ImportError):
        msg = (
            f"The driver for '{url.drivername}' is not installed. Run: pip install {dialect.package}. With Meltano, "
            "make this the plugin's 'pip_url' and run 'meltano install'."
        )
        raise ConfigError(msg) from None
    except (TypeError, SQLAlchemyError) as error:
        in_url, in_options = (_names(one) for one in (url.query, given))
        msg = (
            f"SQLAlchemy's create_engine ({type(error).__name__}) refuses a parameter of 'sqlalchemy_url' (given: "
            f"{in_url}) or one of 'engine_options' (given: {in_options}). Correct or remove it. What a driver does not "
            "take in its URL, such as the file of a key, belongs into 'connect_args' of 'engine_options'."
        )
        raise ConfigError(msg) from None
    except Exception as error:  # BigQuery's client is made here, and looks for credentials
        failure = dialect.failure(error)
        if failure is None:
            raise
        msg = f"The warehouse cannot be opened: {failure.reason.rstrip('.!')}. Check 'sqlalchemy_url'."
        raise ConfigError(msg) from None
    _ENGINES.add(engine)
    _pin_sessions(engine, [*dialect.session_pins, *(dialect.write_pins if writes else dialect.read_only_pins)])
    return engine


def close_connections() -> None:
    """Close what the pools of this process hold: servers keep a session that nobody closes for hours."""
    for engine in list(_ENGINES):
        engine.dispose()


def interrupted_by_signals(dialect: Dialect, connection: sa.Connection) -> AbstractContextManager[None]:
    """Break off what a connection computes when a signal arrives inside the block."""
    driver = connection.connection.driver_connection
    return interrupting(lambda: dialect.interrupt(driver))


def _names(given: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in given) or "none"


def _pin_sessions(engine: sa.Engine, pins: Sequence[str]) -> None:
    @sa.event.listens_for(engine, "connect")
    def pin(connection: Any, _record: object) -> None:  # noqa: ANN401
        cursor = connection.cursor()
        for statement in pins:
            cursor.execute(statement)
        cursor.close()
        connection.commit()  # a rollback would take the settings back
