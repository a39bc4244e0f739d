"""A ledger in front of another one, which is only read: what a plan settles is forgotten with it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from reverse_etl_core import reasons
from reverse_etl_core.ledger.archive import Archive, ScopeFilter, holds_tables
from reverse_etl_core.ledger.base_scope import BaseScope
from reverse_etl_core.ledger.book import REPLAY_PAGE, StreamLedger
from reverse_etl_core.ledger.held_plans import HeldPlans
from reverse_etl_core.ledger.prepared import chunks
from reverse_etl_core.ledger.rows import WAITING_AGAIN, Delivery, Settlement, Status
from reverse_etl_core.ledger.store import Ledger
from reverse_etl_core.ledger.tables import OPEN_STATUSES, deliveries, may_be_there, scopes
from reverse_etl_core.partitions import Partition
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reverse_etl_core.ledger.rows import HeldPlan, Job
    from reverse_etl_core.ledger.store import Scope


def existing(url: Secret, *, now: Callable[[], float]) -> Archive | None:
    """The real ledger, to be read; `None` where no run has made it yet.

    Raises:
        LedgerError: It cannot be read.
    """
    parsed = sa.make_url(url.reveal())
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file():
        return None
    return Archive(parsed, now=now) if holds_tables(parsed) else None


class RehearsedLedger(Ledger):
    """A private temporary ledger over the real one.

    Args:
        base: The real one; `None` where there is none yet.
        on_settled: Told of every settlement: its scope, and whether the record came from the ledger.
        now: Seconds since 1970.
        part: What this worker delivers, where several share the sync.
    """

    def __init__(
        self,
        base: Archive | None,
        on_settled: Callable[[Scope, Settlement, bool], None],
        *,
        now: Callable[[], float],
        part: Partition | None = None,
    ) -> None:
        self._base = base
        self._part = part or Partition()
        self._on_settled = on_settled
        self._folder = tempfile.TemporaryDirectory(prefix="reverse-etl-plan-")
        super().__init__(Secret(f"sqlite:///{self._folder.name}/plan.db"), now=now)

    def open_stream(self, scope: Scope, *, keeps_deliveries: bool) -> RehearsedStreamLedger:
        """The part of a scope, over what the real ledger has of it."""
        one = super().open_stream(scope, keeps_deliveries=keeps_deliveries)
        found = self._base_scopes(ScopeFilter(scope.sync_id, scope.stream, scope.object_name, scope.account))
        base = BaseScope(self._base, found[0], self._part) if self._base is not None and found else None
        return RehearsedStreamLedger(one, base, lambda settlement, again: self._on_settled(scope, settlement, again))

    def _base_scopes(self, wanted: ScopeFilter) -> list[int]:
        if self._base is None:
            return []
        found = [
            (scopes.c.sync_id, wanted.sync_id),
            (scopes.c.stream, wanted.stream),
            (scopes.c.object, wanted.object_name),
            (scopes.c.account, wanted.account),
        ]
        query = sa.select(scopes.c.scope_id).where(*(column == value for column, value in found if value is not None))
        return [row[0] for row in self._base.rows(query)]

    def knows_sync(self, sync_id: str, account: str) -> bool:
        """Whether the real ledger has anything of a sync."""
        return bool(self._base_scopes(ScopeFilter(sync_id=sync_id, account=account)))

    def syncs(self, account: str) -> list[str]:
        """The syncs that the real ledger knows in an account."""
        if self._base is None:
            return []
        query = sa.select(scopes.c.sync_id).where(scopes.c.account == account).distinct().order_by(scopes.c.sync_id)
        return [row[0] for row in self._base.rows(query)]

    def planned(self, object_name: str, match_keys: Sequence[str]) -> set[str]:
        """Those of the match keys that records of the plan itself have."""
        held = sa.select(deliveries.c.match_key).where(
            deliveries.c.scope_id == scopes.c.scope_id,
            deliveries.c.status == Status.DELIVERED.value,
            scopes.c.object == object_name,
        )
        with self.guarded("read"), self.begin() as connection:
            return {
                row[0]
                for keys in chunks(match_keys)
                for row in connection.execute(held.where(deliveries.c.match_key.in_(keys)))
            }

    def open_objects(self, sync_id: str, account: str, stream: str) -> list[str]:
        """Objects to which records of a stream are under way, or that refused some."""
        if self._base is None:
            return []
        rows = self._base.table(deliveries)
        is_open = (rows.c.scope_id == scopes.c.scope_id) & rows.c.status.in_(OPEN_STATUSES)
        query = sa.select(scopes.c.object).filter_by(sync_id=sync_id, account=account, stream=stream)
        return [row[0] for row in self._base.rows(query.where(sa.exists().where(is_open)))]

    def objects_of(self, sync_id: str, account: str, stream: str) -> list[str]:
        """Objects to which a stream ever went."""
        if self._base is None:
            return []
        query = sa.select(scopes.c.object).filter_by(sync_id=sync_id, account=account, stream=stream)
        return [row[0] for row in self._base.rows(query.order_by(scopes.c.object))]

    def close(self) -> None:
        """Forget everything."""
        super().close()
        if self._base is not None:
            self._base.close()
        self._folder.cleanup()


class RehearsedPlans(HeldPlans):
    """What brakes held in the real ledger; nothing is added to it.

    Args:
        own: Where the plan settles.
        base: What the real ledger has; `None` for nothing.
    """

    def __init__(self, own: StreamLedger, base: BaseScope | None) -> None:
        self.__dict__.update(own.plans.__dict__)
        self._scope_id = base.scope_id if base is not None else self._scope_id
        self._base = base

    def approved(self, kind: str, plan_id: str) -> Mapping[str, frozenset[str]]:
        """Plans that a run may carry out."""
        return self._base.approved_plans(kind, plan_id) if self._base is not None else {}

    def is_carried_out(self, plan_id: str) -> bool:
        """Whether a run carried a plan out."""
        return self._base is not None and self._base.is_carried_out(plan_id)

    def save(self, plan: HeldPlan) -> None:
        """Nothing is saved."""

    def carry_out(self, plan_id: str) -> None:
        """Nothing is carried out."""

    def drop(self) -> None:
        """Nothing is forgotten."""


class RehearsedStreamLedger(StreamLedger):
    """One scope of a rehearsed ledger. What lost requests may still do is taken as done: a plan waits for nothing.

    Args:
        own: Where the plan settles.
        base: What the real ledger has; `None` for nothing.
        on_settled: Told of each settlement, and whether the record came from the ledger.
    """

    def __init__(
        self, own: StreamLedger, base: BaseScope | None, on_settled: Callable[[Settlement, bool], None]
    ) -> None:
        self.__dict__.update(own.__dict__)
        self.last_sign_ms = 0
        self.plans = RehearsedPlans(own, base)
        self._base = base
        self._on_settled = on_settled
        self._replayed: set[str] = set()

    def lookup(self, source_keys: Sequence[str]) -> dict[str, Delivery]:
        """What the plan settled, else what the real ledger knows. Records that are asked for are no replays."""
        self._replayed.difference_update(source_keys)
        found = super().lookup(source_keys)
        if self._base is not None:
            missing = [one for one in source_keys if one not in found]
            found |= {key: _without_doubt(row) for key, row in self._base.lookup(missing).items()}
        return found

    def fingerprints(self, source_keys: Sequence[str]) -> dict[str, bytes]:
        """None: a plan looks at each record."""
        del source_keys
        return {}

    def recognise(self, fingerprints: Mapping[str, bytes]) -> None:
        """Nothing of what a plan finds is kept."""

    def owners(self, match_keys: Sequence[str]) -> Mapping[str, str]:
        """Owners by what the plan settled, else by the real ledger."""
        found = dict(super().owners(match_keys))
        if self._base is not None:
            owners = {key: owner for key, owner in self._base.owners(match_keys).items() if key not in found}
            shadowed = super().lookup(list(owners.values()))
            found |= {key: owner for key, owner in owners.items() if owner not in shadowed}
        return found

    def holders(self, destination_ids: Sequence[str]) -> Mapping[str, str]:
        """Holders by what the plan settled, else by the real ledger."""
        found = dict(super().holders(destination_ids))
        if self._base is not None and self._keeps_deliveries:
            holders = {one: key for one, key in self._base.holders(destination_ids).items() if one not in found}
            shadowed = super().lookup(list(holders.values()))
            found |= {one: key for one, key in holders.items() if key not in shadowed}
        return found

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Settle for the plan alone."""
        some = list(settlements)
        super().settle(some)
        for one in some:
            if one.waiting is not None:
                continue  # its parent may come later in the plan
            is_replay = one.source_key in self._replayed
            self._replayed.discard(one.source_key)
            self._on_settled(one, is_replay)

    def replayable(self) -> Iterator[list[Delivery]]:
        """What earlier runs left, in the real ledger."""
        if self._base is None:
            return
        for page in self._base.pages(self._base.replayable(self.now_ms())):
            self._replayed.update(one.source_key for one in page)
            yield [_without_doubt(one) for one in page]

    def orphans(self) -> Iterator[list[Delivery]]:
        """What earlier runs rejected for a parent, in the real ledger, and the plan has not settled since."""
        if self._base is None:
            return
        for page in self._base.pages(self._base.orphans(self.now_ms())):
            shadowed = super().lookup([one.source_key for one in page])
            left = [one for one in page if one.source_key not in shadowed]
            self._replayed.update(one.source_key for one in left)
            yield left

    def ids_of(self, match_keys: Sequence[str]) -> Mapping[str, str]:
        """Ids by what the plan settled, else by the real ledger."""
        found = dict(super().ids_of(match_keys))
        if self._base is None:
            return found
        owners = {key: owner for key, owner in self._base.owners(match_keys).items() if key not in found}
        shadowed = super().lookup(list(owners.values()))
        rows = self._base.lookup([one for one in owners.values() if one not in shadowed])
        for key, owner in owners.items():
            row = rows.get(owner)
            if row is not None and row.match_key == key and row.status is Status.DELIVERED and row.destination_id:
                found[key] = row.destination_id
        return found

    def stop_waiting(self, due_ms: Callable[[int], int]) -> None:
        """Tell of those whose parent did not come."""
        for page in self.waiting():
            for one in page:
                refused = Settlement(one.source_key, Status.REJECTED, "rejected", error_code=one.error_code)
                refused = msgspec.structs.replace(refused, match_key=one.match_key, error=reasons.NO_PARENT_CAME)
                self._on_settled(refused, one.waiting == WAITING_AGAIN)
        super().stop_waiting(due_ms)

    def unfinished_jobs(self) -> list[Job]:
        """None: a plan does not look after jobs."""
        return []

    def spool(self, source_keys: Sequence[str], moment_ms: int) -> None:
        """Note removals for the plan alone."""
        self._copy(source_keys)
        super().spool(source_keys, moment_ms)

    def keep(self, source_keys: Sequence[str]) -> None:
        """Forget removals for the plan alone."""
        self._copy(source_keys)
        super().keep(source_keys)

    def forget(self, source_keys: Sequence[str]) -> None:
        """Forget records for the plan alone."""
        super().settle([Settlement(one, Status.REMOVED, "unchanged") for one in source_keys])

    def make_due(self, source_keys: Sequence[str]) -> None:
        """Have records tried again for the plan alone."""
        self._copy(source_keys)
        super().make_due(source_keys)

    def distrust(self, source_keys: Sequence[str]) -> None:
        """Forget what records hold for the plan alone."""
        self._copy(source_keys)
        super().distrust(source_keys)

    def _copy(self, source_keys: Sequence[str]) -> None:
        """Take rows of the real ledger over, to change them."""
        if self._base is None or not source_keys:
            return
        present = super().lookup(source_keys)
        rows = self._base.whole_rows([one for one in source_keys if one not in present])
        self.insert_rows(rows)

    def leaving(self) -> Iterator[list[Delivery]]:
        """Records that wait to be removed, in the real ledger or since the plan."""
        yield from self._unshadowed(self.now_ms())
        for page in super().leaving():
            yield [_without_doubt(one) for one in page]

    def _unshadowed(self, due_ms: int | None) -> Iterator[list[Delivery]]:
        if self._base is None:
            return
        for page in self._base.pages(self._base.leaving(due_ms)):
            shadowed = super().lookup([one.source_key for one in page])
            rest = [_without_doubt(one) for one in page if one.source_key not in shadowed]
            self._replayed.update(one.source_key for one in rest)
            if rest:
                yield rest

    def latest_leaving(self) -> int:
        """When the last of the records was noted that wait to be removed."""
        waiting = (one.removal_at or 0 for page in self._unshadowed(None) for one in page)
        return max([super().latest_leaving(), *waiting])

    def count_leaving(self) -> int:
        """How many records wait to be removed."""
        return super().count_leaving() + sum(len(page) for page in self._unshadowed(None))

    def count_held(self) -> int:
        """How many records a run would have at the destination by then."""
        own = self._count(may_be_there(deliveries))
        return own if self._base is None else own + self._base.share(self._base.count_held() - self._shadowed_held())

    def _shadowed_held(self) -> int:
        """Of the records that the real ledger has at the destination, those of which the plan says something else."""
        count, last = 0, ""
        while self._base is not None:
            page = (
                sa.select(deliveries.c.source_key)
                .where(deliveries.c.scope_id == self._scope_id, deliveries.c.source_key > last)
                .order_by(deliveries.c.source_key)
                .limit(REPLAY_PAGE)
            )
            with self._ledger.guarded("read"), self._ledger.begin() as connection:
                keys = list(connection.scalars(page))
            if not keys:
                break
            count += self._base.count_held(keys)
            last = keys[-1]
        return count

    def sharers(self, destination_ids: Sequence[str]) -> dict[str, set[str]]:
        """Source keys by destination id, of what the plan settled and of what the real ledger knows."""
        found = super().sharers(destination_ids)
        if self._base is not None:
            for destination_id, keys in self._base.sharers(destination_ids).items():
                shadowed = super().lookup(sorted(keys))
                found.setdefault(destination_id, set()).update(keys - shadowed.keys())
        return found


def _without_doubt(row: Delivery) -> Delivery:
    return msgspec.structs.replace(row, intent_at=None, in_doubt_until=None)
