"""What became of the last plan: the prefix that STATE names is confirmed, the rest that left the tap is tainted.

Each step can be repeated from any point: the plan is dropped last, and how far it was folded in is
recorded. Nothing here needs a transaction around more than one statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlalchemy as sa

    from tap_warehouse_model.diff.lease import Lease, Row
    from tap_warehouse_model.diff.statements import Comparison
    from tap_warehouse_model.diff.store import Store


class Settlement:
    """Settles the plans of one stream; the lease of the plan's slice must be held."""

    def __init__(self, store: Store, lease: Lease, comparison: Comparison, *, taints: bool = True) -> None:
        self._store = store
        self._lease = lease
        self._comparison = comparison
        self._taints = taints  # without it changes are lost; only a test's control experiment says False

    def settle(self, row: Row, confirmed_seq: int) -> None:
        """Fold `1..confirmed_seq` of a row's plan into the snapshot, taint what else was emitted, drop the plan."""
        if row["plan_id"]:
            plan = self._comparison.tables.named(row["plan_table"])
            folded, emitted = row["folded_seq"] or 0, row["emitted_hi"] or 0
            confirmed = min(confirmed_seq, emitted)
            if confirmed > folded:
                self._fold(plan, folded, confirmed, salt=row["plan_salt"])
                folded = confirmed
            if self._taints and emitted > folded:
                self._taint(plan, folded, emitted)
        self._discard(row)

    def _fold(self, plan: sa.TableClause, above: int, to: int, *, salt: str) -> None:
        with self._store.transaction(self._purpose("what was delivered cannot be recorded")) as connection:
            connection.execute(self._comparison.forget(plan, above, to))
            connection.execute(self._comparison.confirm(plan, above, to))
            self._lease.update(connection, folded_seq=to, salt=salt)

    def _taint(self, plan: sa.TableClause, above: int, to: int) -> None:
        with self._store.transaction(self._purpose("what may have been delivered cannot be recorded")) as connection:
            connection.execute(self._comparison.forget(plan, above, to))
            connection.execute(self._comparison.taint(plan, above, to))
            self._lease.update(connection, emitted_hi=above)

    def _discard(self, row: Row) -> None:
        """Drop the tables of the last run; a run that died while it planned left some that are not a plan yet."""
        with self._store.transaction(self._purpose("the last plan cannot be dropped")) as connection:
            if name := row["plan_table"]:
                suffix = name.removeprefix(f"plan_{row['tables']}_")
                tables = self._comparison.tables
                for table in (tables.stage(suffix), tables.changes(suffix), tables.named(name)):
                    self._store.drop(connection, table)
            self._lease.update(connection, **NO_PLAN)

    def _purpose(self, what: str) -> str:
        return f"Stream '{self._lease.stream}': {what}"


NO_PLAN = dict.fromkeys(
    ["plan_table", "plan_id", "plan_salt", "plan_rows", "plan_removals", "emitted_hi", "folded_seq"]
)
"""The values of a row without a plan."""
