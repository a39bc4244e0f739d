"""Opening a ledger: file, tables, leases, runs."""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import stat
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import tenacity
from sqlalchemy.dialects import postgresql, sqlite

from reverse_etl_core.errors import BusyError, ConfigError
from reverse_etl_core.ledger.aging import ROWS_AT_ONCE, deletion
from reverse_etl_core.ledger.book import StreamLedger
from reverse_etl_core.ledger.faults import guarded
from reverse_etl_core.ledger.layouts import refuse_foreign_rows, take_over_rejects
from reverse_etl_core.ledger.leases import Leases, PartLeases, WholeLeases, refuse_if_held
from reverse_etl_core.ledger.limits import AccountLimits
from reverse_etl_core.ledger.migrations import bring_up_to_date
from reverse_etl_core.ledger.tables import (
    OUTCOME_DAYS,
    deliveries,
    is_open,
    jobs,
    outcomes,
    runs,
    scopes,
)
from reverse_etl_core.partitions import Partition

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Mapping

    from reverse_etl_core.redaction import Secret

logger = logging.getLogger(__name__)

SQLITE_BUSY_S = 10

FORGET_AT_START_S = 0.25
FORGET_AT_END_S = 10
"""How long a run deletes what is old: a ledger opens fast, and at the end nobody waits."""
LOOKED_AT_ROWS = 1000
"""After so many, PostgreSQL is asked to look at a table that it knows as empty."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one stream of one sync writes: the part of the ledger that one writer owns."""

    sync_id: str
    account: str
    object_name: str
    stream: str


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
        self._engine = open_engine(self._url)
        self.run_id = str(uuid.uuid4())
        self._rows_until_look = LOOKED_AT_ROWS
        with self.guarded("opened"):
            bring_up_to_date(self._engine, now_ms=self.now_ms())
            self._forget_what_is_old(FORGET_AT_START_S)

    def guarded(self, what: str) -> contextlib.AbstractContextManager[None]:
        """Turn database errors into ours, without the URL's password and without values."""
        return guarded(self._url, what)

    def _forget_what_is_old(self, budget_s: float) -> None:
        """Delete outcomes and ended jobs of more than a month ago, as many as the time allows."""
        horizon = self.now_ms() - OUTCOME_DAYS * 86_400_000
        end_s = self._now() + budget_s
        some = deletion(outcomes, outcomes.c.at < horizon, self._engine.dialect)
        with self.begin() as connection:
            connection.execute(sa.delete(jobs).where(jobs.c.ended_at < horizon))
        is_more = True
        while is_more:
            with self.begin() as connection:
                is_more = connection.execute(some).rowcount == ROWS_AT_ONCE and self._now() < end_s

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

    @property
    def dialect(self) -> sa.Dialect:
        """Of the database."""
        return self._engine.dialect

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
        has_open = (deliveries.c.scope_id == scopes.c.scope_id) & is_open(deliveries)
        has_job = (jobs.c.scope_id == scopes.c.scope_id) & jobs.c.ended_at.is_(None)
        query = (
            sa.select(scopes.c.object)
            .filter_by(sync_id=sync_id, account=account, stream=stream)
            .where(sa.exists().where(has_open) | sa.exists().where(has_job))
            .order_by(scopes.c.object)
        )
        with self.guarded("read"), self.begin() as connection:
            return list(connection.scalars(query))

    def objects_of(self, sync_id: str, account: str, stream: str) -> list[str]:
        """Objects to which a stream ever went, by their names in the scopes."""
        query = sa.select(scopes.c.object).filter_by(sync_id=sync_id, account=account, stream=stream)
        with self.guarded("read"), self.begin() as connection:
            return list(connection.scalars(query.order_by(scopes.c.object)))

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
        with self.guarded("written"):
            self._forget_what_is_old(FORGET_AT_END_S)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def open_engine(url: sa.URL) -> sa.Engine:
    """An engine that writes; a SQLite file is made where there is none.

    Raises:
        ConfigError: File or driver cannot be used.
    """
    if url.get_backend_name() == "sqlite":
        _create_private_file(url)
        engine = sa.create_engine(url, connect_args={"timeout": SQLITE_BUSY_S})
        sa.event.listen(engine, "connect", _tune_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
        return engine
    try:
        return sa.create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        msg = (
            f"The ledger's driver '{error.name}' is not installed. Install reverse-etl-core[postgres]; with Meltano, "
            "add it to the plugin's 'pip_url' and run 'meltano install'."
        )
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
    _use_write_ahead_log(cursor)
    # FULL: an intent must survive a power cut, or a lost reply becomes a second record (PROTOCOLS.md 3.4).
    for pragma in ("synchronous=FULL", "cache_size=-65536", "wal_autocheckpoint=4000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@tenacity.retry(
    retry=tenacity.retry_if_exception_type(sqlite3.OperationalError),
    stop=tenacity.stop_after_delay(SQLITE_BUSY_S),
    wait=tenacity.wait_random(max=0.1),
    reraise=True,
)
def _use_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    """Of two that open a new file at once, SQLite refuses one without waiting: neither could go on."""
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
