"""Where the tables of the diff are: in the warehouse, or in a DuckDB file. The only module that opens it.

=================  =======================================================================
`WarehouseStore`   in a schema of the warehouse; the warehouse computes everything
`FileStore`        in a DuckDB file. A DuckDB warehouse is attached beside it while a plan
                   is made, read-only, and computes everything; of any other warehouse
                   keys and hashes are copied into the file
=================  =======================================================================
"""

from __future__ import annotations

import abc
import re
import threading
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import quoted_name

from tap_warehouse_model.dialects import Dialect, dialect_of
from tap_warehouse_model.diff.statements import CreateTableAs
from tap_warehouse_model.diff.tables import SEQ, syncs_table
from tap_warehouse_model.errors import BusyError, ConfigError, QueryError, TapError
from tap_warehouse_model.warehouse import interrupted_by_signals, make_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_warehouse_model.config import TapConfig

LOCK_WAIT_S = 60.0
"""How long another process may hold a file: workers of one sync share it, each for moments."""

_LOCK_POLL_S = 0.1
_STATE_CATALOG = "reverse_etl_state"
_TAKEN_CATALOGS = frozenset({"memory", "system", "temp", "main", _STATE_CATALOG})


class ConflictError(QueryError):
    """What was to be created is there: another process was quicker."""


class Store(abc.ABC):
    """Connections to the database that holds the tables of the diff."""

    dialect: Dialect
    schema: str
    """As SQLAlchemy takes it, quoted where it must be."""

    has_model: bool
    """Whether the model's SQL can be run here."""

    place: str
    """Where this is, for messages."""

    def __init__(self, engine: sa.Engine, schema_name: str) -> None:
        self.engine = engine
        self._schema_name = schema_name

    @contextmanager
    def transaction(self, purpose: str, *, with_model: bool = False) -> Iterator[sa.Connection]:
        """Open a connection and a transaction that is committed at the end.

        Args:
            purpose: For messages, such as "Model 'x': the plan cannot be made".
            with_model: The model's SQL will be run, which sees one state of the data throughout.

        Raises:
            TapError: The database refuses.
        """
        with (
            self._errors(purpose),
            self._exclusive(),
            self._connection(with_model=with_model) as connection,
            connection.begin(),
            interrupted_by_signals(self.dialect, connection),
        ):
            yield connection

    def prepare(self) -> sa.Table:
        """Create the schema and the table of syncs unless they are there; return the table."""
        syncs = syncs_table(self.schema)
        purpose = f"The tables of the diff cannot be kept in the schema '{self._schema_name}'"
        if not self._answers(purpose, sa.select(syncs.c.epoch)):
            try:
                self._create_syncs(purpose, syncs)
                # In Snowflake a session is in the schema that it created: the model's own names would not be found.
                # source: "CREATE SCHEMA", https://docs.snowflake.com/en/sql-reference/sql/create-schema
                self.engine.dispose()
            except TapError:  # two first runs at the same moment: the other one has created them
                if not self._answers(purpose, sa.select(syncs.c.epoch)):
                    raise
            # In Snowflake a session is in the schema that it created: the model's own names would not be found.
            # source: "CREATE SCHEMA", https://docs.snowflake.com/en/sql-reference/sql/create-schema
            self.engine.dispose()
        return syncs

    def _create_syncs(self, purpose: str, syncs: sa.Table) -> None:
        """Create the table, and the schema only where that fails: it takes a right that a role may not need."""
        table = sa.schema.CreateTable(syncs, if_not_exists=True)
        try:
            with self.transaction(purpose) as connection:
                connection.execute(table)
        except TapError as error:
            try:
                with self.transaction(purpose) as connection:
                    self._run(connection, f"CREATE SCHEMA IF NOT EXISTS {self._schema_sql()}")
                    connection.execute(table)
            except TapError:
                raise error from None

    def _answers(self, purpose: str, statement: sa.Select[Any]) -> bool:
        """Return whether a table can be read; why it cannot, the attempt to create it will show."""
        try:
            with self.transaction(purpose) as connection:
                connection.execute(statement.limit(1))
        except BusyError:
            raise
        except TapError:
            return False
        return True

    def ensure(self, purpose: str, table: sa.TableClause, rows: sa.Select[Any]) -> None:
        """Create a table from the types of a SELECT, unless it is there."""
        if self._answers(purpose, sa.select(table)):
            return
        try:
            with self.transaction(purpose, with_model=self.has_model) as connection:
                self.create(connection, CreateTableAs(table, rows.where(sa.literal_column("1 = 0"))))
        except TapError:  # as above
            if not self._answers(purpose, sa.select(table)):
                raise

    def drop(self, connection: sa.Connection, table: sa.TableClause) -> None:
        """Drop a table if it is there."""
        self._run(connection, f"DROP TABLE IF EXISTS {self.full_name(table)}")

    def create(self, connection: sa.Connection, statement: CreateTableAs) -> None:
        """Run CREATE TABLE AS."""
        self.dialect.create_table_as(connection, statement)

    def index(self, plan: sa.TableClause) -> None:
        """Prepare a plan for being read page by page."""
        statement = self.dialect.index(self.full_name(plan), SEQ)
        if statement is not None:
            with self.transaction(f"The plan '{plan.name}' cannot be indexed") as connection:
                self._run(connection, statement)

    def full_name(self, table: sa.TableClause) -> str:
        """Return a table's name, quoted where it must be."""
        return _undoubled(self.engine, self.engine.dialect.identifier_preparer.format_table(table))

    def quote(self, name: str) -> str:
        """Return a column's name in quotes, as it stands inside an expression."""
        return plain_quoted(self.engine, name)

    def _schema_sql(self) -> str:
        return _undoubled(self.engine, self.engine.dialect.identifier_preparer.quote_schema(self.schema))

    def _run(self, connection: sa.Connection, statement: str) -> None:
        connection.execute(sa.text(statement.replace(":", r"\:")))  # a colon in a name is no parameter

    @abc.abstractmethod
    def _connection(self, *, with_model: bool) -> AbstractContextManager[sa.Connection]: ...

    def _exclusive(self) -> AbstractContextManager[Any]:
        """Return what keeps two threads apart, where only one connection can be."""
        return nullcontext()

    @contextmanager
    def _errors(self, purpose: str) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._translated(purpose, error) from None
        except Exception as error:  # of a driver, where SQLAlchemy was not between
            if self.dialect.failure(error) is None:
                raise
            raise self._translated(purpose, error) from None

    def _translated(self, purpose: str, error: Exception) -> TapError:
        failure = self.dialect.failure(getattr(error, "orig", None) or error)
        if failure is None:
            return QueryError(f"{purpose} ({type(error).__name__}).")
        if isinstance(error, IntegrityError):
            return ConflictError(f"{purpose}: {failure.reason}")
        reason = failure.reason.rstrip(".!")
        if failure.is_busy:
            return BusyError(f"{purpose}: {reason}. Try again when the other process has finished.")
        if failure.is_config_error:
            return ConfigError(f"{purpose}: {reason}. Correct the model, grant the right, or set 'state_url'.")
        return QueryError(f"{purpose}: {reason}.")


class WarehouseStore(Store):
    """In a schema of the warehouse."""

    has_model = True

    def __init__(self, config: TapConfig) -> None:
        self.dialect = dialect_of(config.url)
        super().__init__(make_engine(config, self.dialect, writes=True), config.diff.schema)
        self.schema = quoted_name(config.diff.schema, quote=None)
        self.place = f"the schema '{config.diff.schema}' of the warehouse"

    @contextmanager
    def _connection(self, *, with_model: bool) -> Iterator[sa.Connection]:
        with self.engine.connect() as connection:
            level = self.dialect.snapshot_isolation if with_model else None
            yield connection.execution_options(isolation_level=level) if level else connection


class FileStore(Store):
    """In a DuckDB file, which is open only for moments: another process can open it in between."""

    def __init__(
        self,
        config: TapConfig,
        path: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = path
        self.place = f"the file '{path}'"
        self._warehouse = _database_file(config.url)
        self.has_model = self._warehouse is not None
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()
        self.dialect = dialect_of(sa.make_url("duckdb:///:memory:"))
        super().__init__(_memory_engine(config, self.dialect, self.has_model), config.diff.schema)
        schema = plain_quoted(self.engine, config.diff.schema)
        self.schema = quoted_name(f"{_STATE_CATALOG}.{schema}", quote=False)
        if self._warehouse and self._warehouse.resolve() == path.resolve():
            msg = f"'state_url' must name another file than 'sqlalchemy_url'; both are '{path}'."
            raise ConfigError(msg)

    def _exclusive(self) -> AbstractContextManager[Any]:
        return self._lock

    def _schema_sql(self) -> str:
        return self.schema

    @contextmanager
    def _connection(self, *, with_model: bool) -> Iterator[sa.Connection]:
        with self.engine.connect() as connection:
            self._attach_state(connection)
            if "temp_directory" not in self.engine.url.query:  # of a database in memory it is the working directory
                connection.exec_driver_sql(f"SET temp_directory = {text_literal(self.path.with_suffix('.tmp'))}")
            if with_model and self._warehouse is not None:
                catalog = self._catalog(self._warehouse)
                connection.exec_driver_sql(f"ATTACH {text_literal(self._warehouse)} AS {catalog} (READ_ONLY)")
                connection.exec_driver_sql(f"USE {catalog}")
            connection.commit()
            yield connection

    def _attach_state(self, connection: sa.Connection) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            is_new = not self.path.exists()
        except OSError as error:
            raise self._unusable(type(error).__name__) from None
        until = self._clock() + LOCK_WAIT_S
        while True:
            try:
                connection.exec_driver_sql(f"ATTACH {text_literal(self.path)} AS {_STATE_CATALOG}")
                break
            except DBAPIError as error:
                failure = self.dialect.failure(error.orig) if error.orig else None
                if failure is None or not failure.is_busy:
                    raise self._unusable(failure.reason if failure else type(error).__name__) from None
                if self._clock() > until:
                    raise
                connection.rollback()
                self._sleep(_LOCK_POLL_S)
        if is_new:
            self.path.chmod(0o600)

    def _unusable(self, reason: str) -> ConfigError:
        msg = f"The file of the diff, '{self.path}', cannot be opened: {reason.rstrip('.!')}. Correct 'state_url'."
        return ConfigError(msg)

    def _catalog(self, warehouse: Path) -> str:
        """Return the name that the file has by itself, which a model may use."""
        name = warehouse.stem
        return plain_quoted(self.engine, f"{name}_file" if name.lower() in _TAKEN_CATALOGS else name)


def store_of(config: TapConfig) -> Store:
    """Return where the tables of the diff are, by the settings."""
    if config.diff.url is not None:
        return FileStore(config, config.diff.root / str(config.diff.url.database))
    if _database_file(config.url) is not None:
        return FileStore(config, default_file(config))
    if config.url.get_backend_name() == "duckdb":
        msg = (
            "LOG_BASED on a DuckDB that is not a file needs 'state_url', the file that keeps the tables of the diff: "
            "'duckdb:////data/state.duckdb'."
        )
        raise ConfigError(msg)
    return WarehouseStore(config)


def default_file(config: TapConfig) -> Path:
    """Return the file of a sync whose warehouse is a DuckDB file."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", str(config.diff.sync_id))
    return config.diff.root / ".reverse-etl" / f"{name}.duckdb"


def plain_quoted(engine: sa.Engine, name: str) -> str:
    """Return an identifier in quotes; SQLAlchemy's own would double percent signs, which is done once more later."""
    preparer = engine.dialect.identifier_preparer
    escaped = name.replace(preparer.escape_quote, preparer.escape_to_quote)
    return f"{preparer.initial_quote}{escaped}{preparer.final_quote}"


def _undoubled(engine: sa.Engine, name: str) -> str:
    return name.replace("%%", "%") if engine.dialect.identifier_preparer._double_percents else name  # noqa: SLF001


def _database_file(url: sa.URL) -> Path | None:
    database = url.database or ":memory:"
    if url.get_backend_name() != "duckdb" or database.startswith((":memory:", "md:", "motherduck:")):
        return None
    return None if "://" in database else Path(database)


def _memory_engine(config: TapConfig, dialect: Dialect, has_model: bool) -> sa.Engine:  # noqa: FBT001
    """Return an engine that attaches files; what the user set for a DuckDB warehouse holds here too."""
    state = config.diff.url
    query = {**(config.url.query if has_model else {}), **(state.query if state is not None else {})}
    query.pop("access_mode", None)
    url = sa.URL.create("duckdb", database=":memory:", query=query)
    options = dict(config.engine_options) if has_model else {}
    options["poolclass"] = NullPool
    return make_engine(config, dialect, writes=True, url=url, options=options)


def text_literal(path: Path) -> str:
    """Return a path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
