"""What a ledger has of one stream, read without changing anything: the ground on which a plan is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from reverse_etl_core.ledger.book import REPLAY_PAGE
from reverse_etl_core.ledger.lookups import HOLDING, LOOKED_UP, holding
from reverse_etl_core.ledger.prepared import chunks
from reverse_etl_core.ledger.rows import Delivery, Status
from reverse_etl_core.ledger.tables import deliveries, is_orphan, may_be_there, plans

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reverse_etl_core.ledger.archive import Archive
    from reverse_etl_core.partitions import Partition


class BaseScope:
    """What the real ledger has of one scope.

    Args:
        archive: The real ledger.
        scope_id: Its row of `scopes`.
        part: What this worker goes on with; a run without partitions takes all.
    """

    def __init__(self, archive: Archive, scope_id: int, part: Partition) -> None:
        self.scope_id = scope_id
        self._archive = archive
        self._rows = archive.table(deliveries)
        self._mine = self._rows.c.scope_id == scope_id
        self._ours = self._mine if part.is_whole else self._mine & (self._rows.c.partition == part.name)
        self._workers = part.count
        self._shown = [self._rows.c[column.name] for column in LOOKED_UP]

    def lookup(self, source_keys: Sequence[str]) -> dict[str, Delivery]:
        """Rows by source key."""
        found: dict[str, Delivery] = {}
        for keys in chunks(source_keys):
            query = sa.select(*self._shown).where(self._mine, self._rows.c.source_key.in_(keys))
            found.update((row[0], _delivery(row)) for row in self._archive.rows(query))
        return found

    def whole_rows(self, source_keys: Sequence[str]) -> list[dict[str, Any]]:
        """Rows with all of their columns."""
        found: list[dict[str, Any]] = []
        for keys in chunks(source_keys):
            query = sa.select(self._rows).where(self._mine, self._rows.c.source_key.in_(keys))
            found += [dict(row._mapping) for row in self._archive.rows(query)]  # noqa: SLF001 - SQLAlchemy's way
        return found

    def owners(self, match_keys: Sequence[str]) -> dict[str, str]:
        """Match key to the source key that owns it, or may still hold it."""
        found: dict[str, str] = {}
        for keys in chunks(match_keys):
            for held in (self._rows.c.former_key, self._rows.c.match_key):
                query = sa.select(held, self._rows.c.source_key).where(self._mine, held.in_(keys))
                found.update((row[0], row[1]) for row in self._archive.rows(query))
        return found

    def pages(self, is_wanted: sa.ColumnElement[bool]) -> Iterator[list[Delivery]]:
        """Rows with their records, by source key."""
        last = ""
        while True:
            query = (
                sa.select(*self._shown, self._rows.c.record)
                .where(self._ours, self._rows.c.source_key > last, is_wanted)
                .order_by(self._rows.c.source_key)
                .limit(REPLAY_PAGE)
            )
            page = [_delivery(row) for row in self._archive.rows(query)]
            if not page:
                return
            yield page
            last = page[-1].source_key

    def replayable(self, now_ms: int) -> sa.ColumnElement[bool]:
        """The condition for records of earlier runs that are not delivered and may be tried now."""
        rows = self._rows.c
        is_due = (rows.status == Status.REJECTED.value) & (rows.due_at <= now_ms)
        is_open = (rows.status == Status.PENDING.value) | is_due
        return is_open & rows.removal_at.is_(None) & rows.record.is_not(None)

    def orphans(self, now_ms: int) -> sa.ColumnElement[bool]:
        """The condition for records that were rejected for a parent and are not due."""
        return is_orphan(self._rows) & (self._rows.c.due_at > now_ms) & self._rows.c.record.is_not(None)

    def leaving(self, due_ms: int | None) -> sa.ColumnElement[bool]:
        """The condition for records that wait to be removed; refused removals only when they are due."""
        rows = self._rows.c
        is_leaving = rows.removal_at.is_not(None) & (rows.status != Status.REMOVED.value)
        if due_ms is None:
            return is_leaving
        return is_leaving & ((rows.status != Status.REJECTED.value) | rows.due_at.is_(None) | (rows.due_at <= due_ms))

    def sharers(self, destination_ids: Sequence[str]) -> dict[str, set[str]]:
        """Source keys of the records that are at the destination under these ids."""
        rows = self._rows.c
        found: dict[str, set[str]] = {}
        for ids in chunks(destination_ids):
            is_here = (rows.status != Status.REMOVED.value) & rows.removal_at.is_(None) & rows.destination_id.in_(ids)
            query = sa.select(rows.destination_id, rows.source_key).where(self._mine, is_here)
            for row in self._archive.rows(query):
                found.setdefault(row[0], set()).add(row[1])
        return found

    def holders(self, destination_ids: Sequence[str]) -> dict[str, str]:
        """Destination id to the source key of the record that was delivered there."""
        rows = self._rows.c
        found: dict[str, str] = {}
        for ids in chunks(destination_ids):
            shown = [rows[one.name] for one in HOLDING]
            query = sa.select(*shown).where(self._mine, rows.destination_id.in_(ids))
            found.update(holding(self._archive.rows(query)))
        return found

    def count_held(self, source_keys: Sequence[str] | None = None) -> int:
        """Records at the destination, or that may be there; of these source keys, or of all workers."""
        query = sa.select(sa.func.count()).where(self._mine, may_be_there(self._rows))
        if source_keys is None:
            return int(self._archive.rows(query)[0][0])
        parts = (query.where(self._rows.c.source_key.in_(keys)) for keys in chunks(source_keys))
        return sum(int(self._archive.rows(one)[0][0]) for one in parts)

    def share(self, count: int) -> int:
        """Of several workers, each has a share."""
        return -(-count // self._workers)

    def approved_plans(self, kind: str, plan_id: str) -> dict[str, frozenset[str]]:
        """Plans that a run may carry out."""
        held = self._archive.table(plans).c
        query = sa.select(held.plan_id, held.detail).where(
            held.scope_id == self.scope_id,
            held.kind == kind,
            held.approved_at.is_not(None) | (held.plan_id == plan_id),
            held.carried_out_at.is_(None),
        )
        return {row[0]: frozenset(msgspec.json.decode(row[1] or "[]")) for row in self._archive.rows(query)}

    def is_carried_out(self, plan_id: str) -> bool:
        """Whether a run carried a plan out."""
        held = self._archive.table(plans).c
        query = sa.select(held.plan_id).where(held.plan_id == plan_id, held.carried_out_at.is_not(None))
        return bool(self._archive.rows(query))


def _delivery(row: sa.Row[Any]) -> Delivery:
    return Delivery(row[0], row[1], row[2], row[3], Status(row[4]), *row[5:])
