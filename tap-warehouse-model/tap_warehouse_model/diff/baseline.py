"""The protocol: what was confirmed is the baseline, a run emits what differs, and STATE confirms it.

A run goes through these steps; each is durable before the next one begins, so that a process may be
killed at any point.

1.  Take the lease of the slice. Compare the token of STATE with those that were given out: another
    sync's STATE is refused. Without STATE (a first run, `--full-refresh`) a new token is given out; as
    the hashes begin with the token, all rows differ and are sent again, while no key is forgotten.
2.  Settle the last plan: fold the prefix that STATE names into the snapshot, taint what else was
    emitted (keep the key, forget the hash), drop the plan. A value that went A -> B -> A, a row that
    came and went, a removed row that came back: each is sent again if B may have been delivered.
3.  Freeze a plan of what differs: upserts first, removals last, numbered. Check the brakes.
4.  Emit page by page. Before a page leaves, its last number is noted (`emitted_hi`).
5.  STATE names the plan and how far it was emitted. It comes back in the next run, at step 2.

Invariants: the snapshot holds what was confirmed, or no hash; only step 2 writes it; each key that was
ever emitted stays in it until its removal is confirmed; only the holder of the lease writes at all.
"""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_warehouse_model.brakes import violations
from tap_warehouse_model.diff.lease import Lease, Row
from tap_warehouse_model.diff.plans import Plan
from tap_warehouse_model.diff.position import Position
from tap_warehouse_model.diff.preview import Preview, Sync
from tap_warehouse_model.diff.settlement import NO_PLAN, Settlement
from tap_warehouse_model.diff.tables import suffix as suffix_of
from tap_warehouse_model.errors import BrakeError, QueryError, StateError, TapError
from tap_warehouse_model.slices import Slice

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping

    import sqlalchemy as sa

    from tap_warehouse_model.diff.forms import Form
    from tap_warehouse_model.diff.planning import Found, Planner
    from tap_warehouse_model.diff.statements import Comparison
    from tap_warehouse_model.diff.store import Store

OTHER_SLICE_WAIT_S = 30.0
"""How long a worker waits for another one that settles the same slice of a former number of slices."""

MOST_TOKENS = 20
"""Tokens that were given out and not confirmed are kept up to this number."""


@dataclass(frozen=True)
class Run:
    """What one run needs once its salt is known."""

    planner: Planner
    form: Form


class Baseline:
    """What was confirmed of one stream, and the runs that move it on."""

    def __init__(
        self,
        store: Store,
        comparison: Comparison,
        sync: Sync,
        *,
        run_with: Callable[[str], Run],
        logger: logging.Logger,
        taints: bool = True,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            store: Where the tables are.
            comparison: Statements about them.
            sync: What this is about.
            run_with: Makes what depends on the salt.
            logger: For what is worth knowing.
            taints: False only in a test's control experiment: changes are then lost.
        """
        self._store = store
        self._comparison = comparison
        self._sync = sync
        self._stream = sync.stream
        self._part = sync.part
        self._run_with = run_with
        self._logger = logger
        self._taints = taints

    def preview(self, position: Position | None) -> Preview:
        """Count what the next run would emit; nothing is changed.

        Args:
            position: What STATE says; without it, what was emitted last is taken as delivered.

        Raises:
            StateError: STATE belongs to another sync or slice.
            DuplicateKeyError: Keys do not identify rows.
        """
        syncs = self._store.prepare()
        rows = self._rows(Lease(self._store, syncs, self._sync.id, self._stream))
        row: Row = rows.get(str(self._part), {})
        if position is not None:
            self._check(position, rows)
        token = position.token if position else str(row.get("plan_salt") or row.get("salt") or uuid.uuid4().hex)
        salt = self._sync.salt(token)
        planner = self._run_with(salt).planner
        planner.prepare()
        taken = row.get("emitted_hi") or 0 if position is None else _confirmed(row, position)
        known = self._comparison.snapshot()
        if row.get("plan_id") and row.get("tables") == self._comparison.tables.part:
            known = self._comparison.expected(self._comparison.tables.named(row["plan_table"]), taken)
        is_resend = (row.get("plan_salt") if taken else row.get("salt")) != salt
        found = planner.preview(f"preview_{uuid.uuid4().hex[:8]}", known, is_resend=is_resend)
        assumed = taken if position is None else 0
        return Preview(self._sync, found, violations(self._sync.brakes, found.counts), assumed)

    @contextmanager
    def plan(self, position: Position | None) -> Iterator[Plan]:
        """Settle the last plan and freeze a new one; the lease is held inside the block.

        Args:
            position: What STATE says.

        Raises:
            StateError: STATE belongs to another sync or slice.
            BrakeError: The plan would do harm, or keys do not identify rows.
            BusyError: Another run of this sync is under way.
        """
        syncs = self._store.prepare()
        lease = Lease(self._store, syncs, self._sync.id, self._stream)
        row = lease.acquire(self._part)
        try:
            with lease.renewed():
                rows = self._rows(lease)
                token = self._owned(lease, rows, row, position)
                self._settle_other_slices(syncs, rows, position)
                if row["tables"] in ("", self._comparison.tables.part):
                    self._settlement(lease).settle(row, _confirmed(row, position))
                else:
                    self._begin_anew(lease, row)
                yield self._frozen(lease, token)
        finally:
            self._release(lease)

    def _rows(self, lease: Lease) -> dict[str, Row]:
        with self._store.transaction(f"Stream '{self._stream}': the table of syncs cannot be read") as connection:
            return lease.rows(connection)

    def _owned(self, lease: Lease, rows: dict[str, Row], row: Row, position: Position | None) -> str:
        """Return the token that is in force: that of STATE, or a new one."""
        given_out: list[str] = json.loads(row["tokens"])
        if position is None:
            token = uuid.uuid4().hex
            tokens = [*given_out[:1], *given_out[1:][-MOST_TOKENS:], token]
        else:
            self._check(position, rows)
            token = position.token
            tokens = [token]
        with self._store.transaction(f"Stream '{self._stream}': the sync cannot be taken over") as connection:
            lease.update(connection, tokens=json.dumps(tokens))
        return token

    def _check(self, position: Position, rows: Mapping[str, Row]) -> None:
        index, _, count = position.slice.partition("/")
        if count == str(self._part.count) and index != str(self._part.index):
            msg = (
                f"Stream '{self._stream}': STATE belongs to the slice {position.slice}, but this is {self._part}. Give "
                "each worker a STATE of its own, with 'meltano run --state-id-suffix', say."
            )
            raise StateError(msg)
        known = {slice_: json.loads(row["tokens"]) for slice_, row in rows.items()}
        own = known.get(str(self._part), [])
        others = [tokens for name, tokens in known.items() if name.partition("/")[2] != str(self._part.count)]
        if position.token in own or any(position.token in tokens for tokens in others):
            return
        where = self._store.place
        if not any(known.values()):
            reason = f"'{self._sync.id}' is not known in {where}, which STATE says it should be"
        elif position.sync != self._sync.id:
            reason = f"it belongs to the sync '{position.sync}', but 'sync_id' is '{self._sync.id}'"
        else:
            reason = f"another run with the same 'sync_id' ('{self._sync.id}') has taken over the baseline in {where}"
        msg = (
            f"Stream '{self._stream}': STATE cannot be used: {reason}. Give each destination a 'sync_id' and a STATE "
            "of its own and correct the settings; or run once with 'meltano run --full-refresh': all rows are then "
            "sent again, and of removals those since the last confirmed run."
        )
        raise StateError(msg)

    def _settle_other_slices(self, syncs: sa.Table, rows: dict[str, Row], position: Position | None) -> None:
        """Settle what workers left behind when there was another number of slices."""
        for name, row in rows.items():
            index, _, count = name.partition("/")
            if count == str(self._part.count) or not (row["plan_table"] or row["lease_owner"]):
                continue
            lease = Lease(self._store, syncs, self._sync.id, self._stream)
            # Workers of the new number meet here; each is done in moments.
            former = lease.acquire(Slice(int(index), int(count)), wait_s=OTHER_SLICE_WAIT_S)
            self._settlement(lease).settle(former, _confirmed(former, position))
            self._release(lease)

    def _begin_anew(self, lease: Lease, row: Row) -> None:
        """Forget what was delivered under another key: it cannot be compared with rows of this one."""
        self._logger.warning(
            "Model '%s': its key, or a type in it, is another one: now (%s). All rows are sent again; records that "
            "only the former key identifies are not removed at the destination.",
            self._stream,
            ", ".join(f"{key.name} {key.sql_type}" for key in self._comparison.keys),
        )
        former = replace(self._comparison.tables, part=row["tables"])
        with self._store.transaction(f"Stream '{self._stream}': former tables cannot be dropped") as connection:
            self._store.drop(connection, former.snapshot)
            if row["plan_table"]:
                self._store.drop(connection, former.named(row["plan_table"]))
            lease.update(connection, **NO_PLAN, salt=None, tables="")

    def _settlement(self, lease: Lease) -> Settlement:
        return Settlement(self._store, lease, self._comparison, taints=self._taints)

    def _frozen(self, lease: Lease, token: str) -> Plan:
        salt = self._sync.salt(token)
        run = self._run_with(salt)
        run.planner.prepare()
        suffix = suffix_of(self._part, lease.epoch)
        table = self._comparison.tables.plan(suffix)
        purpose = f"Stream '{self._stream}': the plan cannot be recorded"
        with self._store.transaction(purpose) as connection:  # its name first, so that it is dropped after a crash
            lease.update(connection, tables=self._comparison.tables.part, plan_table=table.name)
        found = run.planner.make(suffix, on_empty=self._sync.brakes.on_empty, is_resend=self._salt(lease) != salt)
        plan_id, total = uuid.uuid4().hex, found.counts.total - found.vanished
        with self._store.transaction(purpose) as connection:
            lease.update(
                connection,
                plan_id=plan_id,
                plan_salt=salt,
                plan_rows=total,
                plan_removals=found.counts.removed,
                emitted_hi=0,
                folded_seq=0,
            )
        self._report(found)
        self._check_repeatable(found)
        self._brake(found, table)
        position = Position(self._sync.id, str(self._part), token, plan_id, 0, total)
        return Plan(self._store, lease, self._comparison, table=table, form=run.form, position=position)

    def _salt(self, lease: Lease) -> str | None:
        """Return what the confirmed hashes were made with."""
        salt: str | None = self._rows(lease)[str(self._part)]["salt"]
        return salt

    def _report(self, found: Found) -> None:
        counts = found.counts
        by_column = ", ".join(f"{name}: {count}" for name, count in found.changed_columns.items())
        self._logger.info(
            "Model '%s': %d rows, of which %d added, %d changed%s and %d unchanged; %d removed%s.",
            self._stream,
            counts.rows,
            counts.added,
            counts.changed,
            f" ({by_column})" if by_column else "",
            counts.rows - counts.added - counts.changed,
            counts.removed,
            "; all rows are sent again" if counts.is_resend and counts.baseline else "",
        )
        if found.left_out:
            self._logger.warning(
                "Model '%s': %d rows are left out, because others have the same key (%s) or they have none "
                "('on_duplicate_key: reject'). Mend the query.",
                self._stream,
                found.left_out,
                ", ".join(self._comparison.tables.keys),
            )

    def _check_repeatable(self, found: Found) -> None:
        """Report rows that were gone when they were read: the query does not return the same keys twice.

        Raises:
            QueryError: Most of them were.
        """
        wanted = found.counts.added + found.counts.changed
        if not found.vanished:
            return
        reason = (
            f"Model '{self._stream}': {found.vanished} of {wanted} rows that differ were gone when they were read, "
            "moments after they were compared; the next run sees them. If nobody changed them, the query returns other "
            "keys each time (random values, or LIMIT without a complete ORDER BY). Make it repeatable."
        )
        if found.vanished * 2 > wanted:
            raise QueryError(reason)
        self._logger.warning("%s", reason)

    def _brake(self, found: Found, plan: sa.TableClause) -> None:
        reasons = violations(self._sync.brakes, found.counts)
        if not reasons:
            return
        counts = found.counts
        msg = (
            f"Model '{self._stream}': the plan is not carried out: {'; '.join(reasons)}. It holds "
            f"{counts.added} added, {counts.changed} changed and {counts.removed} removed rows; look at them in "
            f"{self._store.full_name(plan)} in {self._store.place}. Nothing was emitted of this model. "
            "If it is right, allow it for one run, without changing the project: set the limit in the environment of "
            "that run (TAP_WAREHOUSE_MODEL_<SETTING>=<value> meltano run ...), or in a second file given with --config."
        )
        raise BrakeError(msg)

    def _release(self, lease: Lease) -> None:
        try:
            lease.release()
        except TapError as error:
            self._logger.warning("The lease could not be given back and will run out by itself: %s", error)


def _confirmed(row: Row, position: Position | None) -> int:
    """Return how far a row's plan was delivered, by what STATE says."""
    return position.seq if position is not None and row.get("plan_id") == position.plan else 0
