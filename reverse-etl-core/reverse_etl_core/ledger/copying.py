"""A whole ledger in another database: from a file to PostgreSQL, or back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.ledger.faults import guarded
from reverse_etl_core.ledger.leases import fence_off_all
from reverse_etl_core.ledger.migrations import bring_up_to_date
from reverse_etl_core.ledger.store import open_engine
from reverse_etl_core.ledger.tables import SCHEMA_VERSION, deliveries, jobs, leases, outcomes, plans, runs, scopes

if TYPE_CHECKING:
    from reverse_etl_core.ledger.archive import Archive

COPIED = (scopes, deliveries, plans, jobs, runs, outcomes)
"""What is told of."""
TOO = (leases,)
"""With the leases of `scopes` they say when a run that was killed was last heard of: its last request may be applied so
much later. What is left belongs to a database: its version, and rate limits by its clock."""
ROWS_AT_ONCE = 2000


def copy_ledger(archive: Archive, to: sa.URL) -> dict[str, int]:
    """Copy everything into a database without a ledger, in one transaction; how many rows of which table.

    No run can begin on the ledger meanwhile. What is there stays.

    Raises:
        BusyError: A run writes the ledger.
        ConfigError: The ledger is of another version, or the other database has one that was used.
    """
    if archive.version != SCHEMA_VERSION:
        remedy = "Let its target of this release run once, which upgrades it."
        if archive.is_newer:
            remedy = "Copy it with the reverse-etl-core of the release that wrote it."
        msg = f"This ledger has version {archive.version} and not {SCHEMA_VERSION}. {remedy}"
        raise ConfigError(msg)
    source, target = open_engine(archive.url), open_engine(to)
    try:
        with guarded(to, "opened"):
            bring_up_to_date(target, now_ms=archive.now_ms())
            _refuse_if_used(target, to)
        with guarded(archive.url, "read"), source.begin() as reading:
            _keep_runs_out(reading, archive)
            with guarded(to, "written"), target.begin() as writing:
                counts = {table.name: _copied(table, reading, writing) for table in COPIED}
                for table in TOO:
                    _copied(table, reading, writing)
                _go_on_counting(writing)
                _look_at(writing)
    finally:
        source.dispose()
        target.dispose()
    return counts


def _refuse_if_used(target: sa.Engine, to: sa.URL) -> None:
    with target.begin() as connection:
        is_used = any(connection.scalar(sa.select(sa.literal(1)).select_from(one).limit(1)) for one in (scopes, runs))
    if is_used:
        msg = f"'{to.render_as_string(hide_password=True)}' holds a ledger that was used. Name an empty database."
        raise ConfigError(msg)


def _keep_runs_out(connection: sa.Connection, archive: Archive) -> None:
    """Let no run begin until the transaction ends, and none go on; SQLite's holds the whole file by itself."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE scopes, runs IN SHARE ROW EXCLUSIVE MODE")
    fence_off_all(connection, archive.now_ms())


def _copied(table: sa.Table, reading: sa.Connection, writing: sa.Connection) -> int:
    count = 0
    found = reading.execute(sa.select(table), execution_options={"yield_per": ROWS_AT_ONCE})
    for rows in found.mappings().partitions():
        writing.execute(sa.insert(table), [dict(row) for row in rows])
        count += len(rows)
    return count


def _go_on_counting(connection: sa.Connection) -> None:
    """Let PostgreSQL number the next scope after those that came with their numbers."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "SELECT setval(pg_get_serial_sequence('scopes', 'scope_id'), max(scope_id)) FROM scopes"
        )


def _look_at(connection: sa.Connection) -> None:
    """Have PostgreSQL look at what came: until it has, it reads all records of a stream for each look-up."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ANALYZE " + ", ".join(table.name for table in COPIED))
