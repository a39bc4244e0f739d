"""The deliveries of one stream: look up, note the intent, settle.

Invariants (PROTOCOLS.md 3.3): L1 the intent is durable before the call leaves. L2 `delivered` is written only
from an answer. L3 skipping needs `delivered` and an equal hash. L5 STATE waits for all of it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import sqlalchemy as sa

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.ledger import statements
from reverse_etl_core.ledger.held_plans import HeldPlans
from reverse_etl_core.ledger.lookups import LOOKED_UP, Lookups
from reverse_etl_core.ledger.prepared import RowWriter, chunks
from reverse_etl_core.ledger.rows import Delivery, Intent, Job, Settlement, Status
from reverse_etl_core.ledger.tables import deliveries, is_open, is_orphan, jobs, may_be_there, scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reverse_etl_core.ledger.store import Ledger

REPLAY_PAGE = 1000
INTENTS_AT_ONCE = 2000
"""Rows that are built at the same time; a job has many more."""

UNCHANGED = "unchanged"
"""An outcome that is not noted: nothing happened."""
FORGOTTEN = "forgotten"
"""The outcome of a record that was gone from the source before the destination took any version of it."""

_COLUMNS = deliveries.c
_IS_LEAVING = _COLUMNS.removal_at.is_not(None) & (_COLUMNS.status != Status.REMOVED.value)


class StreamLedger:
    """One scope of the ledger, with its lease. Used by one thread.

    Args:
        ledger: The open ledger.
        scope_id: Row of `scopes`.
        epoch: Of the lease; every write proves that it is still ours.
        keeps_deliveries: False keeps only rejects (`ledger: rejects`).
        last_sign_ms: When a run that never ended was last heard of; 0 after a run that did.

    Attributes:
        plans: What brakes held in this scope.
        may_hold_rejects: False once it is certain that no rejected record is kept here.
        removals_from_ms: Removals that were noted from then on are those of this run; 0 until somebody says so.
        removals_waiting: Those of this run that are neither carried out nor refused; a SCHEMA that changes keeps them.
    """

    def __init__(
        self, ledger: Ledger, scope_id: int, epoch: int, *, keeps_deliveries: bool, last_sign_ms: int = 0
    ) -> None:
        self.last_sign_ms = last_sign_ms
        self.plans = HeldPlans(ledger, scope_id, epoch)
        self.may_hold_rejects = True
        self.removals_from_ms = 0
        self.removals_waiting = 0
        self._ledger = ledger
        self._scope_id = scope_id
        self._epoch = epoch
        self._keeps_deliveries = keeps_deliveries
        self._lookups = Lookups(scope_id, ledger.dialect)
        self._partition = ledger.partition.name
        self._opened_ms = ledger.now_ms()
        self._intended = self._row_writer(statements.INTENDED)
        self._settled = self._row_writer(statements.SETTLED)
        same_owner = statements.same_owner(self._partition, statements.SETTLED)
        self._settled_in_place = RowWriter(same_owner, ledger.dialect, statements.SETTLED)
        self._log = RowWriter(statements.LOG, ledger.dialect, statements.LOGGED)
        self._lock = sa.select(scopes.c.scope_id).filter_by(scope_id=scope_id).with_for_update()
        self._of_others = sa.select(_COLUMNS.partition).where(
            _COLUMNS.scope_id == scope_id,
            _COLUMNS.source_key.in_(sa.bindparam("keys", expanding=True)),
            _COLUMNS.partition != self._partition,
            (_COLUMNS.status == Status.PENDING.value) | (_COLUMNS.updated_at >= self._opened_ms),
        )

    def _row_writer(self, names: Sequence[str]) -> RowWriter:
        statement = statements.whole_row(self._ledger.insert(deliveries), self._partition, names)
        return RowWriter(statement, self._ledger.dialect, names)

    @property
    def keeps_deliveries(self) -> bool:
        """Whether it remembers what is delivered; otherwise only what is rejected."""
        return self._keeps_deliveries

    def now_ms(self) -> int:
        """The ledger's clock."""
        return self._ledger.now_ms()

    def lookup(self, source_keys: Sequence[str]) -> dict[str, Delivery]:
        """What is known of these records; unknown ones are absent."""
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return self._lookups.deliveries(connection, source_keys)

    def fingerprints(self, source_keys: Sequence[str]) -> dict[str, bytes]:
        """Of those of these records that are delivered as they came, and of which nothing is to be done."""
        if not self._keeps_deliveries:
            return {}
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return self._lookups.fingerprints(connection, source_keys)

    def recognise(self, fingerprints: Mapping[str, bytes]) -> None:
        """Note by which fingerprints delivered records will be known, since they were found to be as delivered."""
        rows = [{"scope": self._scope_id, "key": key, "seen": one} for key, one in fingerprints.items()]
        if rows and self._keeps_deliveries:
            with self._ledger.guarded("written"), self._ledger.begin() as connection:
                self._ledger.renew(connection, self._scope_id, self._epoch)
                connection.execute(statements.RECOGNISE, rows)

    def owners(self, match_keys: Sequence[str]) -> Mapping[str, str]:
        """Match key to the source key that owns it, or may still hold it; match keys without an owner are absent."""
        if not self._keeps_deliveries:
            return {}
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return self._lookups.owners(connection, match_keys)

    def ids_of(self, match_keys: Sequence[str]) -> Mapping[str, str]:
        """Match key to the destination id of the record that was delivered with it; others are absent."""
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return self._lookups.ids(connection, match_keys)

    def holders(self, destination_ids: Sequence[str]) -> Mapping[str, str]:
        """Destination id to the source key of the record that was delivered there; ids that nobody has are absent.

        Two workers that deliver to the same record at the same moment may both be its holders: nobody locks ids.
        """
        if not self._keeps_deliveries:
            return {}
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return self._lookups.holders(connection, destination_ids)

    def sharers(self, destination_ids: Sequence[str]) -> dict[str, set[str]]:
        """Source keys by destination id, of records that are there and of those that were refused as their doubles."""
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return self._lookups.sharers(connection, destination_ids)

    def intend(self, intents: Iterable[Intent], job: Job | None = None) -> list[str]:
        """Make the intents durable (L1). The hash is cleared: nobody skips what is under way (L3).

        Args:
            intents: Records that are about to be sent.
            job: The asynchronous job that takes them; noted with them, also where only rejects are kept: the next
                run waits until it is over, or it would overwrite what is newer.

        Returns:
            Source keys of which nothing is noted, and that must not be sent: another worker has given their match
            value to another record, since it was looked up.

        Raises:
            ConfigError: Another worker has one of these records as well.
        """
        if not self._keeps_deliveries:
            intents = ()
        if not (self._keeps_deliveries or job):
            return []
        refused: list[str] = []
        now = self.now_ms()
        job_id = job.job_id if job else None
        waiting = iter(intents)
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            if self._partition:  # one worker at a time: what is looked up below stays true until all is noted
                connection.execute(self._lock)
            self._ledger.renew(connection, self._scope_id, self._epoch)
            if job is not None:
                connection.execute(sa.insert(jobs), self._job_row(job, now))
            while some := list(itertools.islice(waiting, INTENTS_AT_ONCE)):
                taken = self._taken_elsewhere(connection, some) if self._partition else ()
                refused += taken
                rows = [self._intended_row(one, now, job_id) for one in some if one.source_key not in taken]
                if rows:
                    self._intended.write(connection, rows)
        return refused

    def _taken_elsewhere(self, connection: sa.Connection, intents: Sequence[Intent]) -> set[str]:
        """Source keys whose match value another record owns."""
        for keys in chunks([one.source_key for one in intents]):
            other = connection.scalar(self._of_others, {"keys": keys})
            if other is not None:
                msg = (
                    f"A record that partition {other} has delivered in this run came to partition "
                    f"{self._ledger.partition} as well. Give the tap of each worker the same 'partition_count' and "
                    "'partition_index' as its target."
                )
                raise ConfigError(msg)
        owners = self._lookups.owners(connection, [one.match_key for one in intents])
        return {one.source_key for one in intents if owners.get(one.match_key, one.source_key) != one.source_key}

    def _intended_row(self, one: Intent, now: int, job_id: str | None) -> tuple[object, ...]:
        """A row of `statements.INTENDED`."""
        return (
            one.source_key,
            one.match_key,
            one.former_key,
            one.destination_id,
            one.created_by_us,
            one.attempts,
            one.record,
            one.removal_at,
            self._scope_id,
            Status.PENDING.value,
            now,
            now,
            job_id,
        )

    def _job_row(self, job: Job, now: int) -> dict[str, object]:
        return {
            "scope_id": self._scope_id,
            "job_id": job.job_id,
            "run_id": self._ledger.run_id,
            "verb": job.verb,
            "match_field": job.match_field,
            "opened_at": now,
            "partition": self._partition,
        }

    def unfinished_jobs(self) -> list[Job]:
        """Jobs of earlier runs whose outcomes are not all recorded, oldest first."""
        mine = (jobs.c.scope_id == self._scope_id) & jobs.c.ended_at.is_(None) & self._is_ours(jobs)
        query = sa.select(jobs.c.job_id, jobs.c.verb, jobs.c.match_field).where(mine).order_by(jobs.c.opened_at)
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return [Job(*row) for row in connection.execute(query)]

    def records_of_job(self, job_id: str) -> Iterator[Delivery]:
        """The records that a job took and whose outcome is not recorded."""
        is_mine = (_COLUMNS.status == Status.PENDING.value) & (_COLUMNS.job_id == job_id)
        for page in self._pages(is_mine):
            yield from page

    def end_job(self, job_id: str) -> None:
        """Note that all outcomes of a job are recorded."""
        mine = (jobs.c.scope_id == self._scope_id) & (jobs.c.job_id == job_id)
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            connection.execute(sa.update(jobs).where(mine).values(ended_at=self.now_ms()))

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Write what came of records, in one durable transaction."""
        now = self.now_ms()
        kept: list[Settlement] = []
        gone: list[Settlement] = []
        for one in settlements:
            (kept if self._keeps_deliveries or one.status is Status.REJECTED else gone).append(one)
            self.may_hold_rejects = self.may_hold_rejects or one.status is Status.REJECTED
        if not (kept or gone):
            return
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            self._ledger.renew(connection, self._scope_id, self._epoch)
            if gone:
                keys = [{"scope": self._scope_id, "key": one.source_key} for one in gone]
                connection.execute(statements.FORGET, keys)
            if kept:
                self._write_settled(connection, kept, now)
                log = [self._outcome_row(one, now) for one in kept if one.outcome != UNCHANGED]
                if log:
                    self._log.write(connection, log)
        self._ledger.grown(len(kept))

    def _write_settled(self, connection: sa.Connection, settlements: Sequence[Settlement], now: int) -> None:
        """Replace rows; those of records that were intended have their match key already, as a rule."""
        sent: list[Settlement] = []
        others: list[Settlement] = []
        for one in settlements:
            (sent if one.status is Status.DELIVERED and one.outcome != UNCHANGED else others).append(one)
        if others:  # first: what they give up may be taken over
            self._settled.write(connection, [self._settled_row(one, now) for one in others])
        rows = [self._settled_row(one, now) for one in sent]
        if rows and self._settled_in_place.write(connection, rows) != len(rows):
            self._settled.write(connection, rows)

    def _settled_row(self, one: Settlement, now: int) -> tuple[object, ...]:
        """A row of `statements.SETTLED`."""
        return (
            one.source_key,
            one.match_key if self._keeps_deliveries else None,
            one.former_key,
            one.destination_id,
            one.payload_hash,
            one.fingerprint,
            one.status.value,
            one.created_by_us,
            one.attempts,
            one.in_doubt_until,
            one.due_at,
            one.error_code,
            one.error,
            one.record,
            one.waiting,
            one.removal_at,
            self._scope_id,
            now,
        )

    def _outcome_row(self, one: Settlement, now: int) -> tuple[object, ...]:
        """A row of `statements.LOGGED`."""
        return (
            one.source_key,
            one.outcome,
            one.error_code,
            one.destination_id,
            self._ledger.run_id,
            self._scope_id,
            now,
        )

    def forget_rejects(self, source_keys: Sequence[str]) -> None:
        """Forget refused records that were never delivered, since they go elsewhere now."""
        if not self.may_hold_rejects:
            return
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            self._ledger.renew(connection, self._scope_id, self._epoch)
            scope = {"scope": self._scope_id}
            for keys in chunks(source_keys):
                connection.execute(statements.FORGET_REJECTS, {**scope, "keys": keys})
            self.may_hold_rejects = bool(connection.scalar(statements.HAS_REJECTS, scope))

    def renew(self) -> None:
        """Prolong the lease while waiting.

        Raises:
            BusyError: Another run has taken over.
        """
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            self._ledger.renew(connection, self._scope_id, self._epoch)

    def replayable(self) -> Iterator[list[Delivery]]:
        """Records of earlier runs that are not delivered and may be tried now, a page at a time.

        What a killed run left under way, and refusals that are due. Not what is gone from the source since then.
        """
        is_due = (_COLUMNS.status == Status.REJECTED.value) & (_COLUMNS.due_at <= self.now_ms())
        is_tried = (_COLUMNS.status == Status.PENDING.value) | is_due
        return self._pages(is_tried & _COLUMNS.removal_at.is_(None))

    def orphans(self) -> Iterator[list[Delivery]]:
        """Records of earlier runs that were rejected for a parent and are not due, a page at a time."""
        return self._pages(is_orphan(deliveries) & (_COLUMNS.due_at > self.now_ms()))

    def waiting(self) -> Iterator[list[Delivery]]:
        """Rejected records whose parent may have arrived since, a page at a time."""
        is_waiting = (_COLUMNS.status == Status.REJECTED.value) & _COLUMNS.waiting.is_not(None)
        return self._pages(is_waiting & _COLUMNS.removal_at.is_(None))

    # -- removals

    def spool(self, source_keys: Sequence[str], moment_ms: int) -> None:
        """Note durably that records are gone from the source; at the end of the input they are removed.

        When a refused version would be tried again is no matter any more: the removal is due.
        """
        self._update(statements.SPOOL, source_keys, moment=moment_ms, now=self.now_ms())

    def keep(self, source_keys: Sequence[str]) -> None:
        """Forget that records were gone: they are back, or are not to be removed after all."""
        self._update(statements.KEEP, source_keys)

    def _update(self, statement: sa.Update, source_keys: Sequence[str], **values: int) -> None:
        if not source_keys:
            return
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            self._ledger.renew(connection, self._scope_id, self._epoch)
            part = {"scope": self._scope_id, "worker": self._partition, **values}
            connection.execute(statement, [{**part, "key": one} for one in source_keys])

    def forget(self, source_keys: Sequence[str]) -> None:
        """Forget records that the destination never got and the source has no more; only the outcome is kept."""
        if not source_keys:
            return
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            self._ledger.renew(connection, self._scope_id, self._epoch)
            connection.execute(statements.FORGET, [{"scope": self._scope_id, "key": one} for one in source_keys])
            now = self.now_ms()
            left = (Settlement(one, Status.REMOVED, FORGOTTEN) for one in source_keys)
            self._log.write(connection, [self._outcome_row(one, now) for one in left])

    def make_due(self, source_keys: Sequence[str]) -> None:
        """Have rejected records tried again, by the next run."""
        self._update(statements.MAKE_DUE, source_keys, now=self.now_ms())

    def distrust(self, source_keys: Sequence[str]) -> None:
        """Forget what delivered records hold, since something else was written to them: they are written again."""
        self._update(statements.DISTRUST, source_keys)

    def leaving(self) -> Iterator[list[Delivery]]:
        """Records that wait to be removed, a page at a time; refused removals only when they are due."""
        is_due = (_COLUMNS.status != Status.REJECTED.value) | (_COLUMNS.due_at.is_(None))
        return self._pages(_IS_LEAVING & (is_due | (_COLUMNS.due_at <= self.now_ms())), needs_record=False)

    def latest_leaving(self) -> int:
        """When the last of the records was noted that wait to be removed; 0 where there are none."""
        is_mine = (_COLUMNS.scope_id == self._scope_id) & self._is_ours(deliveries)
        query = sa.select(sa.func.max(_COLUMNS.removal_at)).where(is_mine, _IS_LEAVING)
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return int(connection.scalar(query) or 0)

    def insert_rows(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Take whole rows of another ledger over."""
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            whole = self._row_writer(statements.WHOLE)
            for some in chunks(rows):
                mine = ({**one, "scope_id": self._scope_id} for one in some)
                whole.write(connection, [[one[name] for name in statements.WHOLE] for one in mine])

    def count_leaving(self) -> int:
        """How many records wait to be removed."""
        return self._count(_IS_LEAVING & self._is_ours(deliveries))

    def count_held(self) -> int:
        """Records that this sync has at the destination, or may have there; of several workers, each has a share."""
        count = self._count(may_be_there(deliveries))
        return -(-count // self._ledger.partition.count)

    def _count(self, is_wanted: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).where(_COLUMNS.scope_id == self._scope_id, is_wanted)
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return int(connection.scalar(query) or 0)

    def stop_waiting(self, due_ms: Callable[[int], int]) -> None:
        """Let rejected records rest that have waited in vain.

        Args:
            due_ms: From the number of attempts to when the next one is due.
        """
        for page in self.waiting():
            rows = [{"scope": self._scope_id, "key": one.source_key, "due": due_ms(one.attempts)} for one in page]
            with self._ledger.guarded("written"), self._ledger.begin() as connection:
                connection.execute(statements.REST, rows)

    def _pages(self, is_wanted: sa.ColumnElement[bool], *, needs_record: bool = True) -> Iterator[list[Delivery]]:
        """Our rows with their records, by source key; what is written meanwhile may be missing or come again."""
        if needs_record:  # nothing else has one
            is_wanted &= is_open(deliveries) & _COLUMNS.record.is_not(None)
        last = ""
        while True:
            page = (
                sa.select(*LOOKED_UP, _COLUMNS.record, _COLUMNS.waiting)
                .where(_COLUMNS.scope_id == self._scope_id, _COLUMNS.source_key > last, is_wanted)
                .where(self._is_ours(deliveries))
                .order_by(_COLUMNS.source_key)
                .limit(REPLAY_PAGE)
            )
            with self._ledger.guarded("read"), self._ledger.begin() as connection:
                rows = connection.execute(page).all()
            if not rows:
                return
            yield [Delivery(row[0], row[1], row[2], row[3], Status(row[4]), *row[5:]) for row in rows]
            last = rows[-1].source_key

    def _is_ours(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """What is open there is for this worker to go on with; a run without partitions takes all."""
        return sa.true() if self._partition is None else table.c.partition == self._partition

    def close(self) -> None:
        """Release the lease."""
        self._ledger.release(self._scope_id, self._epoch)
