"""From version to version: how the ledger of an earlier release becomes one of this release.

One transaction holds all steps: a ledger is of the one version or of the other, whatever is killed meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reverse_etl_core.errors import ConfigError, LedgerError
from reverse_etl_core.ledger.tables import SCHEMA_VERSION, ledger_info, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSION = "schema_version"
LOCK = 7_264_773_812
"""Of the database's advisory locks: whoever opens a ledger in it waits for whoever upgrades one."""


def add_what_is_missing(connection: sa.Connection) -> None:
    """Create the tables, columns and indexes that this release has and the ledger has not.

    Columns that are added may be null: an older release that still runs goes on writing.

    Raises:
        ConfigError: A table has the name of one of ours, and is somebody else's.
    """
    found = sa.inspect(connection)
    older = [table for table in metadata.sorted_tables if found.has_table(table.name)]
    for table in older:
        present = {column["name"] for column in found.get_columns(table.name)}
        missing = [column for column in table.columns if column.name not in present]
        if any(not column.nullable and column.server_default is None for column in missing):
            msg = (
                f"The database that 'ledger_url' names has a table '{table.name}' that is not the ledger's; Meltano's "
                "own database has one, say. Give the ledger a database, or a schema, of its own."
            )
            raise ConfigError(msg)
        for column in missing:
            _add_column(connection, column)
    metadata.create_all(connection)
    for table in older:
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def _add_column(connection: sa.Connection, column: sa.Column[Any]) -> None:
    kind = column.type.compile(connection.dialect)
    quote = connection.dialect.identifier_preparer.quote
    # Names and types are our own, from `tables.py`.
    connection.exec_driver_sql(f"ALTER TABLE {quote(column.table.name)} ADD COLUMN {quote(column.name)} {kind}")


def _widen_ids(table: str) -> Callable[[sa.Connection], None]:
    """Ids of more than 200 characters, which SQLite never minded: of all that a record is tied to, say."""

    def widen(connection: sa.Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"ALTER TABLE {table} ALTER COLUMN destination_id TYPE text")

    return widen


STEPS: Mapping[int, Callable[[sa.Connection], None]] = {2: _widen_ids("deliveries"), 3: _widen_ids("outcomes")}
"""What leads from a version to the next one, beyond what it lacks, which is added after all steps."""


def bring_up_to_date(engine: sa.Engine, *, now_ms: int) -> None:
    """Create the ledger's tables in an empty database, and upgrade those of an earlier release.

    Raises:
        ConfigError: The database is somebody else's.
        LedgerError: A newer release wrote it.
    """
    with engine.begin() as connection:
        if version_of(connection) == SCHEMA_VERSION:
            return
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # SQLite's transactions exclude each other anyway
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        _upgrade(connection, version_of(connection), now_ms)


def version_of(connection: sa.Connection) -> int | None:
    """The version of the ledger in this database; `None` where there is none.

    Raises:
        LedgerError: A newer release wrote it, or it is damaged.
    """
    if not sa.inspect(connection).has_table(ledger_info.name):
        return None
    text = connection.scalar(sa.select(ledger_info.c.value).where(ledger_info.c.name == VERSION))
    if text is None:
        return None
    version = int(text) if text.isdigit() else 0
    if version > SCHEMA_VERSION:
        msg = (
            f"The ledger was written by a newer release (schema {version}, this one knows {SCHEMA_VERSION}). "
            "Upgrade this target."
        )
        raise LedgerError(msg)
    if version < 1:
        msg = "The ledger's 'schema_version' is no version. Restore the ledger from a backup."
        raise LedgerError(msg)
    return version


def _upgrade(connection: sa.Connection, version: int | None, now_ms: int) -> None:
    if version == SCHEMA_VERSION:  # another worker came first
        return
    for step in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
        if step in STEPS:
            STEPS[step](connection)
    add_what_is_missing(connection)
    for name, value in ((VERSION, SCHEMA_VERSION), (f"version_{SCHEMA_VERSION}_since", now_ms)):
        connection.execute(sa.delete(ledger_info).where(ledger_info.c.name == name))
        connection.execute(sa.insert(ledger_info).values(name=name, value=str(value)))
