"""The few changes of a ledger that are a person's to make, each in short transactions: no run waits long for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reverse_etl_core.errors import BusyError, ConfigError, LedgerError
from reverse_etl_core.ledger.aging import ROWS_AT_ONCE, deletion
from reverse_etl_core.ledger.archive import ScopeRow, is_rejected, sqlite_file
from reverse_etl_core.ledger.faults import guarded
from reverse_etl_core.ledger.rows import Status
from reverse_etl_core.ledger.store import open_engine
from reverse_etl_core.ledger.tables import deliveries, jobs, outcomes, plans, runs, scopes

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator, Sequence

    from reverse_etl_core.ledger.archive import Archive

KEYS_AT_ONCE = 500


class Changes:
    """Writes to an existing ledger; of an older version too, since only columns of the first one are written.

    Args:
        archive: The same ledger, opened for reading.

    Raises:
        LedgerError: A newer release writes it.
        ConfigError: It may not be written.
    """

    def __init__(self, archive: Archive) -> None:
        if archive.is_newer:
            msg = f"A newer release writes this ledger (schema {archive.version}). Upgrade reverse-etl-core."
            raise LedgerError(msg)
        if archive.url.get_backend_name() == "sqlite":
            sqlite_file(archive.url)
        self._archive = archive
        self._engine = open_engine(archive.url)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        if self._is_sqlite:
            sa.event.listen(self._engine, "connect", _overwrite_what_is_deleted)

    def guarded(self) -> contextlib.AbstractContextManager[None]:
        """Turn database errors into ours."""
        return guarded(self._archive.url, "written")

    def make_due(self, scope: ScopeRow, source_keys: Sequence[str]) -> int:
        """Let rejected records be tried by the next run; how many were not due before."""
        now = self._archive.now_ms()
        changed = 0
        for start in range(0, len(source_keys), KEYS_AT_ONCE):
            mine = deliveries.c.source_key.in_(source_keys[start : start + KEYS_AT_ONCE])
            rests = (deliveries.c.status == Status.REJECTED.value) & (deliveries.c.due_at > now)
            change = sa.update(deliveries).where(deliveries.c.scope_id == scope.scope_id, mine, rests)
            changed += self._execute(change.values(due_at=now))
        return changed

    def forget(self, scope: ScopeRow, source_key: str) -> None:
        """Delete what is known of a record: its row with the stored fields, and its outcomes.

        Raises:
            BusyError: A run writes this stream, or a request for the record may still be under way.
        """
        mine = (deliveries.c.scope_id == scope.scope_id) & (deliveries.c.source_key == source_key)
        known = sa.select(deliveries.c.status, deliveries.c.in_doubt_until).where(mine)
        with self.guarded(), self._engine.begin() as connection:
            self._lock(connection, scope)
            row = connection.execute(known).one_or_none()
            if row is not None and (row[0] == Status.PENDING.value or (row[1] or 0) > self._archive.now_ms()):
                msg = (
                    "A request for this record may be under way; forgotten now, it could be created twice. Run the "
                    "sync once more, which finds out what came of it, then forget it."
                )
                raise BusyError(msg)
            connection.execute(sa.delete(deliveries).where(mine))
            of_record = (outcomes.c.scope_id == scope.scope_id) & (outcomes.c.source_key == source_key)
            connection.execute(sa.delete(outcomes).where(of_record))
        self._shrink_log()

    def blank_payloads(self, scope: ScopeRow, before_ms: int) -> int:
        """Take the stored fields out of rejected records; they are only tried again with a new version.

        Args:
            scope: Of which stream.
            before_ms: Only of those that were rejected before.

        Raises:
            BusyError: A run writes this stream: it may need them.
        """
        column = deliveries.c
        is_held = is_rejected(deliveries) & column.record.is_not(None)
        wanted = (column.scope_id == scope.scope_id) & is_held & (column.updated_at < before_ms)
        blanked = 0
        while True:
            some = sa.select(column.source_key).where(wanted).limit(ROWS_AT_ONCE).scalar_subquery()
            change = sa.update(deliveries).where(wanted, column.source_key.in_(some)).values(record=None)
            with self.guarded(), self._engine.begin() as connection:
                self._lock(connection, scope)
                count = connection.execute(change).rowcount
            if not count:
                break
            blanked += count
        self._shrink_log()
        return blanked

    def purge(self, scope_ids: Sequence[int], before_ms: int) -> dict[str, int]:
        """Delete what is older of streams' history; how many rows of which table."""
        ended = (jobs, jobs.c.ended_at < before_ms)
        carried_out = (plans, plans.c.carried_out_at < before_ms)
        counts = {}
        for table, is_old in ((outcomes, outcomes.c.at < before_ms), ended, carried_out):
            counts[table.name] = self._delete(table, is_old & table.c.scope_id.in_(scope_ids))
        self._shrink_log()
        return counts

    def purge_runs(self, before_ms: int) -> int:
        """Delete older runs, which belong to all streams of a sync; how many."""
        return self._delete(runs, runs.c.started_at < before_ms)

    def approve(self, plan_id: str) -> bool:
        """Approve a plan once; false where that is no longer possible."""
        is_open = plans.c.approved_at.is_(None) & plans.c.carried_out_at.is_(None)
        change = sa.update(plans).where(plans.c.plan_id == plan_id, is_open)
        return bool(self._execute(change.values(approved_at=self._archive.now_ms())))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _execute(self, change: sa.Update) -> int:
        with self.guarded(), self._engine.begin() as connection:
            return int(connection.execute(change).rowcount)

    def _delete(self, table: sa.Table, is_old: sa.ColumnElement[bool]) -> int:
        """Delete rows, some at a time; a table that an older ledger does not have is empty."""
        if not self._archive.has(table):
            return 0
        change = deletion(table, is_old, self._engine.dialect)
        return sum(self._counts_of(change))

    def _counts_of(self, change: sa.Delete) -> Iterator[int]:
        while True:
            with self.guarded(), self._engine.begin() as connection:
                count = connection.execute(change).rowcount
            if not count:
                return
            yield count

    def _lock(self, connection: sa.Connection, scope: ScopeRow) -> None:
        """Keep runs out of a stream until the transaction ends.

        Raises:
            BusyError: One is in.
        """
        query = sa.select(scopes.c.lease_owner, scopes.c.lease_until).where(scopes.c.scope_id == scope.scope_id)
        lease = connection.execute(query.with_for_update()).one_or_none()
        if lease is None:
            msg = f"There is no {scope.title} any more."
            raise ConfigError(msg)
        now = ScopeRow(scope.scope_id, scope.sync_id, scope.account, scope.object_name, scope.stream, *lease)
        if now.is_leased(self._archive.now_ms()):
            msg = f"A run writes {scope.title}. Wait until it has ended."
            raise BusyError(msg)

    def _shrink_log(self) -> None:
        """Take deleted values out of SQLite's log too, unless somebody reads it just now."""
        if self._is_sqlite:
            with self._engine.connect() as connection:
                cursor: Any = connection.connection.cursor()
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()


def _overwrite_what_is_deleted(connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's connection
    connection.execute("PRAGMA secure_delete=ON").close()
