"""Opening a ledger: file, tables, leases, runs."""

from __future__ import annotations

import contextlib
import logging
import operator
import os
import socket
import stat
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from reverse_etl_core.errors import BusyError, ConfigError, LedgerError
from reverse_etl_core.ledger.book import StreamLedger
from reverse_etl_core.ledger.layouts import refuse_foreign_rows, take_over_rejects
from reverse_etl_core.ledger.leases import Leases, PartLeases, WholeLeases, refuse_if_held
from reverse_etl_core.ledger.limits import AccountLimits
from reverse_etl_core.ledger.tables import (
    OPEN_STATUSES,
    OUTCOME_DAYS,
    SCHEMA_VERSION,
    deliveries,
    jobs,
    ledger_info,
    metadata,
    outcomes,
    runs,
    scopes,
)
from reverse_etl_core.partitions import Partition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reverse_etl_core.redaction import Secret

logger = logging.getLogger(__name__)

SQLITE_BUSY_S = 10

LOOKED_AT_ROWS = 1000
"""After so many, PostgreSQL is asked to look at a table that it knows as empty."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one stream of one sync writes: the part of the ledger that one writer owns."""

    sync_id: str
    account: str
    object_name: str
    stream: str


class RowWriter:
    """An INSERT of whole rows, compiled once.

    SQLAlchemy compiles one that knows ON CONFLICT for every execution, and looks at every value of every row: a third
    of the processor's time that the ledger took.

    Args:
        statement: Takes all columns of its table; their types need no conversion by SQLAlchemy.
        dialect: Of the database.
    """

    def __init__(self, statement: sa.Insert, dialect: sa.Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=[one.name for one in statement.table.columns])
        self._sql = str(compiled)
        self._places: tuple[str, ...] | None = tuple(compiled.positiontup) if compiled.positional else None

    def write(self, connection: sa.Connection, rows: Sequence[Mapping[str, object]]) -> None:
        """Execute it within the connection's transaction."""
        if self._places is None:
            connection.exec_driver_sql(self._sql, [dict(row) for row in rows])
        else:
            pick = operator.itemgetter(*self._places)
            connection.exec_driver_sql(self._sql, [pick(row) for row in rows])


class Ledger:
    """An open ledger.

    Args:
        url: SQLAlchemy URL of SQLite or PostgreSQL.
        now: Seconds since 1970.
        partition: What this worker delivers, where several share a sync.

    Raises:
        ConfigError: Its file or driver cannot be used; the message says what to do.
        LedgerError: The database refuses.
        BusyError: Another process holds it for longer than 10 s.
    """

    def __init__(
        self, url: Secret, *, now: Callable[[], float] = time.time, partition: Partition | None = None
    ) -> None:
        self._url = sa.make_url(url.reveal())
        self._now = now
        self.partition = partition or Partition()
        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._leases: Leases = WholeLeases(owner, self.now_ms)
        if not self.partition.is_whole:
            self._leases = PartLeases(owner, self.now_ms, self.partition)
        self._engine = _engine(self._url)
        self.run_id = str(uuid.uuid4())
        self._rows_until_look = LOOKED_AT_ROWS
        with self.guarded("opened"):
            self._create_tables()
            self._check_version()
            self._forget_old_outcomes()

    @contextlib.contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Turn database errors into ours, without the URL's password and without values."""
        place = self._url.render_as_string(hide_password=True)
        try:
            yield
        except sa.exc.DBAPIError as error:
            kind = type(error.orig).__name__
            if "locked" in str(error.orig).lower():
                msg = f"The ledger '{place}' is locked by another process. Run again when that one has finished."
                raise BusyError(msg) from None
            reason = str(error.orig).splitlines()[0] if isinstance(error, sa.exc.OperationalError) else kind
            msg = (
                f"The ledger '{place}' cannot be {what} ({reason}). Check 'ledger_url', the folder and its permissions."
            )
            raise LedgerError(msg) from None
        except sa.exc.NoSuchModuleError as error:
            msg = f"The ledger's driver is not installed ({error}). Install reverse-etl-core[postgres]."
            raise LedgerError(msg) from None

    def _create_tables(self) -> None:
        """Create what is missing; workers that start together may both try, and one of them comes too late."""
        try:
            self._add_columns()
            metadata.create_all(self._engine)
        except (sa.exc.ProgrammingError, sa.exc.IntegrityError):
            metadata.create_all(self._engine)

    def _add_columns(self) -> None:
        """Give the tables of an earlier release the columns that they lack; all of them may be null."""
        found = sa.inspect(self._engine)
        for table in metadata.sorted_tables:
            if not found.has_table(table.name):
                continue
            present = {column["name"] for column in found.get_columns(table.name)}
            for column in table.columns:
                if column.name not in present:
                    self._add_column(column)
            for index in table.indexes:
                index.create(self._engine, checkfirst=True)

    def _add_column(self, column: sa.Column[Any]) -> None:
        kind = column.type.compile(self._engine.dialect)
        quote = self._engine.dialect.identifier_preparer.quote
        with self.begin() as connection:
            # Names and types are our own, from `tables.py`.
            connection.exec_driver_sql(f"ALTER TABLE {quote(column.table.name)} ADD COLUMN {quote(column.name)} {kind}")

    def _check_version(self) -> None:
        with self.begin() as connection:
            found = connection.scalar(sa.select(ledger_info.c.value).where(ledger_info.c.name == "schema_version"))
            if found is None:
                values = {"name": "schema_version", "value": str(SCHEMA_VERSION)}
                connection.execute(self.insert(ledger_info).values(values).on_conflict_do_nothing())
            elif int(found) > SCHEMA_VERSION:
                msg = (
                    f"The ledger was written by a newer release (schema {found}, this one knows {SCHEMA_VERSION}). "
                    "Upgrade this target."
                )
                raise LedgerError(msg)

    def _forget_old_outcomes(self) -> None:
        horizon = self.now_ms() - OUTCOME_DAYS * 86_400_000
        with self.begin() as connection:
            connection.execute(sa.delete(outcomes).where(outcomes.c.at < horizon))
            connection.execute(sa.delete(jobs).where(jobs.c.ended_at < horizon))

    def begin(self) -> contextlib.AbstractContextManager[sa.Connection]:
        """One durable transaction."""
        return self._engine.begin()

    def grown(self, rows: int) -> None:
        """Count rows that were written to `deliveries`.

        Once there are some, PostgreSQL is made to look at them: by itself it does so only after a minute, and until
        then each look-up reads the whole table.
        """
        if self._rows_until_look <= 0 or self._engine.dialect.name != "postgresql":
            return
        self._rows_until_look -= rows
        if self._rows_until_look > 0:
            return
        size = sa.text("SELECT reltuples FROM pg_class WHERE oid = CAST('deliveries' AS regclass)")
        with self.guarded("written"), self.begin() as connection:
            if connection.execute(size).scalar_one() < LOOKED_AT_ROWS:
                connection.exec_driver_sql("ANALYZE deliveries")

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self._now() * 1000)

    def writer(self, statement: sa.Insert) -> RowWriter:
        """Prepare an INSERT of whole rows that is executed many times."""
        return RowWriter(statement, self._engine.dialect)

    def insert(self, table: sa.Table) -> Any:  # noqa: ANN401 - two dialects' Insert without a common type
        """An INSERT that knows ON CONFLICT."""
        return postgresql.insert(table) if self._engine.dialect.name == "postgresql" else sqlite.insert(table)

    def open_stream(self, scope: Scope, *, keeps_deliveries: bool) -> StreamLedger:
        """Take the lease of a scope and open its part of the ledger.

        Raises:
            BusyError: Another run holds the lease.
        """
        key = {
            "sync_id": scope.sync_id,
            "account": scope.account,
            "object": scope.object_name,
            "stream": scope.stream,
        }
        with self.guarded("written"), self.begin() as connection:
            connection.execute(self.insert(scopes).values(key).on_conflict_do_nothing())
            row = connection.execute(sa.select(scopes).filter_by(**key).with_for_update()).one()
            taken = self._leases.take(connection, row)
            if self.partition.is_whole:
                take_over_rejects(connection, row.scope_id)
            else:
                refuse_foreign_rows(connection, row.scope_id, scope.stream, self.partition)
        return StreamLedger(
            self, row.scope_id, taken.epoch, keeps_deliveries=keeps_deliveries, last_sign_ms=taken.last_sign_ms
        )

    def check_partition(self, sync_id: str, account: str) -> None:
        """Look before anything is sent whether this worker may write all that the sync has written so far.

        Raises:
            BusyError: Another run holds some of it.
            ConfigError: Open rows belong to another number of workers.
        """
        if self.partition.is_whole:
            return
        query = sa.select(scopes).filter_by(sync_id=sync_id, account=account).order_by(scopes.c.scope_id)
        with self.guarded("read"), self.begin() as connection:
            for scope in connection.execute(query).all():
                refuse_if_held(connection, scope, self.partition, self.now_ms())
                refuse_foreign_rows(connection, scope.scope_id, scope.stream, self.partition)

    def open_objects(self, sync_id: str, account: str, stream: str) -> list[str]:
        """Objects to which records of a stream are under way, or that refused some, by their names in the scopes."""
        is_open = (deliveries.c.scope_id == scopes.c.scope_id) & deliveries.c.status.in_(OPEN_STATUSES)
        has_job = (jobs.c.scope_id == scopes.c.scope_id) & jobs.c.ended_at.is_(None)
        query = (
            sa.select(scopes.c.object)
            .filter_by(sync_id=sync_id, account=account, stream=stream)
            .where(sa.exists().where(is_open) | sa.exists().where(has_job))
            .order_by(scopes.c.object)
        )
        with self.guarded("read"), self.begin() as connection:
            return list(connection.scalars(query))

    def renew(self, connection: sa.Connection, scope_id: int, epoch: int) -> None:
        """Prove within a transaction that the lease is still ours, and prolong it.

        Raises:
            BusyError: Another run has taken over; nothing may be written any more.
        """
        if not self._leases.renew(connection, scope_id, epoch):
            msg = "Another run has taken over this sync, since this one was not heard of for too long. It stops here."
            raise BusyError(msg)

    def release(self, scope_id: int, epoch: int) -> None:
        """Give the lease back, so that the next run need not wait."""
        with self.guarded("written"), self.begin() as connection:
            self._leases.release(connection, scope_id, epoch)

    def limits(self, target: str, account: str) -> AccountLimits | None:
        """The limits of an account, for all workers; `None` in a file, which knows no clock but each process's own."""
        return AccountLimits(self, target, account) if self._engine.dialect.name == "postgresql" else None

    def start_run(self, *, sync_id: str, target: str, account: str) -> None:
        """Note that a run has begun."""
        row = {"run_id": self.run_id, "sync_id": sync_id, "target": target, "account": account}
        started = {"started_at": self.now_ms(), "partition": self.partition.name}
        with self.guarded("written"), self.begin() as connection:
            connection.execute(sa.insert(runs).values(**started, **row))

    def end_run(self, exit_code: int, figures: Mapping[str, float]) -> None:
        """Note how a run ended; `figures` are columns of `runs`."""
        ended = {"ended_at": self.now_ms(), "exit_code": exit_code, **figures}
        with self.guarded("written"), self.begin() as connection:
            connection.execute(sa.update(runs).where(runs.c.run_id == self.run_id).values(ended))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        _create_private_file(url)
        engine = sa.create_engine(url, connect_args={"timeout": SQLITE_BUSY_S})
        sa.event.listen(engine, "connect", _tune_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
        return engine
    try:
        return sa.create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        msg = f"The ledger's driver '{error.name}' is not installed. Install reverse-etl-core[postgres]."
        raise ConfigError(msg) from None


def _create_private_file(url: sa.URL) -> None:
    """Create file and folder for the owner alone, before SQLite would create them for everybody."""
    if not url.database or url.database == ":memory:":
        return
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, stat.S_IRUSR | stat.S_IWUSR))
    except OSError as error:
        msg = (
            f"The ledger '{path}' cannot be opened ({error.strerror}). Check 'ledger_url' and the folder's permissions."
        )
        raise ConfigError(msg) from None


def _tune_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    connection.isolation_level = None  # transactions are begun below, IMMEDIATE, so that readers never deadlock writers
    cursor = connection.cursor()
    # FULL: an intent must survive a power cut, or a lost reply becomes a second record (PROTOCOLS.md 3.4).
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "wal_autocheckpoint=4000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
