"""A ledger that is looked at: of any version, beside a run that writes it, and never changed by reading."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.ledger.faults import guarded
from reverse_etl_core.ledger.leases import is_dead
from reverse_etl_core.ledger.rows import Status
from reverse_etl_core.ledger.store import SQLITE_BUSY_S
from reverse_etl_core.ledger.tables import SCHEMA_VERSION, is_open, ledger_info, metadata, scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScopeFilter:
    """Which parts of a ledger are meant; `None` means all.

    Attributes:
        sync_id: The sync's name.
        stream: The Singer stream.
        object_name: The destination's object.
        account: The destination's account.
    """

    sync_id: str | None = None
    stream: str | None = None
    object_name: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One stream of one sync into one object, with its lease."""

    scope_id: int
    sync_id: str
    account: str
    object_name: str
    stream: str
    lease_owner: str | None
    lease_until: int

    def is_leased(self, now_ms: int) -> bool:
        """Whether a run writes it now."""
        return bool(self.lease_owner) and self.lease_until > now_ms and not is_dead(self.lease_owner or "")

    @property
    def title(self) -> str:
        """How a person calls it."""
        return f"stream '{self.stream}' to '{self.object_name}' of sync '{self.sync_id}', account '{self.account}'"


class Archive:
    """An existing ledger, opened read-only.

    Args:
        url: Of the ledger.
        now: Seconds since 1970.

    Attributes:
        url: Of the ledger.
        version: Of its schema. A newer one only has more than is looked at here.

    Raises:
        ConfigError: There is none at this URL.
        LedgerError: The database refuses.
    """

    def __init__(self, url: sa.URL, *, now: Callable[[], float]) -> None:
        self.url = url
        self._now = now
        self._engine = reading_engine(url)
        with guarded(url, "opened"):
            self._columns = self._found_columns()
            self.version = self._found_version()

    def guarded(self) -> contextlib.AbstractContextManager[None]:
        """Turn database errors into ours."""
        return guarded(self.url, "read")

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self._now() * 1000)

    def _found_columns(self) -> dict[str, set[str]]:
        found = sa.inspect(self._engine)
        present = set(found.get_table_names())
        return {
            name: {column["name"] for column in found.get_columns(name)} for name in metadata.tables if name in present
        }

    def _found_version(self) -> int:
        place = self.url.render_as_string(hide_password=True)
        missing = ConfigError(f"'{place}' holds no ledger. Name the one of a target: its 'ledger_url'.")
        if not {"ledger_info", "deliveries", "scopes"} <= set(self._columns):
            raise missing
        query = sa.select(ledger_info.c.value).where(ledger_info.c.name == "schema_version")
        with self._engine.begin() as connection:
            version = connection.scalar(query)
        if version is None or not version.isdigit():
            raise missing
        return int(version)

    @property
    def is_newer(self) -> bool:
        """Whether a newer release writes it."""
        return self.version > SCHEMA_VERSION

    def has(self, table: sa.Table) -> bool:
        """Whether this ledger has a table; older ones lack some."""
        return table.name in self._columns

    def table(self, table: sa.Table) -> sa.FromClause:
        """A table with all of its columns; those that this ledger does not have yet are null.

        Databases merge the subquery into the query, so that indexes are used.
        """
        present = self._columns.get(table.name, set())
        if all(column.name in present for column in table.c):
            return table
        empty = sa.select(*(_null(column) for column in table.c)).where(sa.false())
        if not present:
            return empty.subquery(table.name)
        shown = [column if column.name in present else _null(column) for column in table.c]
        return sa.select(*shown).subquery(table.name)

    def rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """All rows of a query, in a transaction of its own: no run has to wait for a reader."""
        with self.guarded(), self._engine.begin() as connection:
            return connection.execute(query).all()

    def scopes(self, wanted: ScopeFilter) -> list[ScopeRow]:
        """The parts that are meant, by sync, stream and object.

        Raises:
            ConfigError: There is none; the message names those that there are.
        """
        order = (scopes.c.sync_id, scopes.c.stream, scopes.c.object, scopes.c.account)
        columns = ("scope_id", "sync_id", "account", "object", "stream", "lease_owner", "lease_until")
        found = [ScopeRow(*row) for row in self.rows(sa.select(*(scopes.c[one] for one in columns)).order_by(*order))]
        chosen = [one for one in found if _is_meant(one, wanted)]
        if found and not chosen:
            known = "".join(f"\n  - {one.title}" for one in found)
            msg = f"This ledger has no such stream or sync. It has:{known}"
            raise ConfigError(msg)
        return chosen

    def close(self) -> None:
        """Close all connections, and leave nothing beside the ledger."""
        self._engine.dispose()
        _tidy(self.url)


def is_rejected(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition for rejected records, which are found by an index."""
    return is_open(rows) & (rows.c.status == Status.REJECTED.value)


def _null(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(sa.null(), column.type).label(column.name)


def _is_meant(scope: ScopeRow, wanted: ScopeFilter) -> bool:
    given = (wanted.sync_id, wanted.stream, wanted.object_name, wanted.account)
    has = (scope.sync_id, scope.stream, scope.object_name, scope.account)
    return all(one is None or one == other for one, other in zip(given, has, strict=True))


def reading_engine(url: sa.URL) -> sa.Engine:
    """An engine that cannot write.

    Raises:
        ConfigError: There is no such file, or no driver.
    """
    if url.get_backend_name() == "sqlite":
        path = sqlite_file(url)
        return sa.create_engine("sqlite://", creator=lambda: _reading_connection(path), poolclass=sa.NullPool)
    options = {"postgresql_readonly": True}
    try:
        return sa.create_engine(url, execution_options=options, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        msg = (
            f"The ledger's driver '{error.name}' is not installed. Install reverse-etl-core[postgres]; with Meltano, "
            "add it to the plugin's 'pip_url' and run 'meltano install'."
        )
        raise ConfigError(msg) from None


def holds_tables(url: sa.URL) -> bool:
    """Whether anything is in a database: a run makes its ledger in an empty one."""
    engine = reading_engine(url)
    try:
        with guarded(url, "opened"):
            return bool(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()
        _tidy(url)


def _tidy(url: sa.URL) -> None:
    """Let SQLite take away the two files that it made beside a ledger for those who read it.

    Only the last connection removes them, and only one that may write. It changes nothing in the ledger: a log that
    holds something is left to the next run, and what somebody else has open stays as it is.
    """
    if url.get_backend_name() != "sqlite":
        return
    path = Path(cast("str", url.database)).absolute()
    log = path.with_name(path.name + "-wal")
    if not log.exists() or log.stat().st_size:
        return
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        logger.debug("Two empty files stay beside the ledger: %s", type(error).__name__)


def sqlite_file(url: sa.URL) -> Path:
    """The file of a SQLite ledger.

    Raises:
        ConfigError: There is none.
    """
    path = Path(cast("str", url.database)).absolute()
    if not path.is_file():
        msg = f"There is no ledger '{path}'. Check the path, or run a target first."
        raise ConfigError(msg)
    return path


def _reading_connection(path: Path) -> sqlite3.Connection:
    """Open a file read-only, also where nothing may be written beside it.

    A reader of a file in WAL mode needs two files beside it, which SQLite makes; in a folder that is read-only it
    cannot. Without a log there is no writer either, and the file can be taken as it is.
    """
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=SQLITE_BUSY_S)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        log = path.with_name(path.name + "-wal")
        if os.access(path.parent, os.W_OK) or (log.exists() and log.stat().st_size):
            raise
        return sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True, timeout=SQLITE_BUSY_S)
    return connection
