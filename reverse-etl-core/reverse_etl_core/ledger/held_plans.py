"""What brakes held in one stream, until a person approves it and a run carries it out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from reverse_etl_core.ledger.tables import plans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reverse_etl_core.ledger.rows import HeldPlan
    from reverse_etl_core.ledger.store import Ledger


class HeldPlans:
    """The plans of one scope.

    Args:
        ledger: The open ledger.
        scope_id: Row of `scopes`; ids of plans follow from it.
        epoch: Of the scope's lease.
    """

    def __init__(self, ledger: Ledger, scope_id: int, epoch: int) -> None:
        self._ledger = ledger
        self._scope_id = scope_id
        self._epoch = epoch

    def id_of(self, kind: str, parts: Iterable[str]) -> str:
        """The id of exactly this plan: it follows from the scope, the kind and the parts, in any order."""
        total = 0
        for one in parts:
            total += int.from_bytes(hashlib.blake2b(one.encode(), digest_size=16).digest(), "big")
        text = f"{self._scope_id}\0{kind}\0{total}"
        return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()

    def save(self, plan: HeldPlan) -> None:
        """Keep what a brake held, for a person to approve."""
        row = {
            "plan_id": plan.plan_id,
            "scope_id": self._scope_id,
            "run_id": self._ledger.run_id,
            "kind": plan.kind,
            "reason": plan.reason,
            "counted": plan.counted,
            "base": plan.base,
            "detail": msgspec.json.encode(plan.codes).decode() if plan.codes else None,
            "saved_at": self._ledger.now_ms(),
        }
        renewed = {name: row[name] for name in ("run_id", "reason", "counted", "base", "detail", "saved_at")}
        insert = self._ledger.insert(plans).values(row)
        again = insert.on_conflict_do_update(index_elements=["plan_id"], set_={**renewed, "approved_at": None})
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            self._ledger.renew(connection, self._scope_id, self._epoch)
            connection.execute(again)

    def drop(self) -> None:
        """Forget what was held and never carried out: it is not what is to be done any more."""
        is_open = (plans.c.scope_id == self._scope_id) & plans.c.carried_out_at.is_(None)
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            connection.execute(sa.delete(plans).where(is_open))

    def approved(self, kind: str, plan_id: str) -> Mapping[str, frozenset[str]]:
        """Plans that may be carried out: those that were approved in the ledger, and the one that is named.

        Returns:
            Plan id to the codes of its rejections.
        """
        query = sa.select(plans.c.plan_id, plans.c.detail).where(
            plans.c.scope_id == self._scope_id,
            plans.c.kind == kind,
            plans.c.approved_at.is_not(None) | (plans.c.plan_id == plan_id),
            plans.c.carried_out_at.is_(None),
        )
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            rows = connection.execute(query).all()
        return {row[0]: frozenset(msgspec.json.decode(row[1] or "[]")) for row in rows}

    def is_carried_out(self, plan_id: str) -> bool:
        """Whether a plan was approved and carried out by an earlier run."""
        query = sa.select(plans.c.carried_out_at).where(plans.c.plan_id == plan_id)
        with self._ledger.guarded("read"), self._ledger.begin() as connection:
            return connection.scalar(query) is not None

    def carry_out(self, plan_id: str) -> None:
        """Note that an approved plan was carried out: it is approved once."""
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            mine = plans.c.plan_id == plan_id
            connection.execute(sa.update(plans).where(mine).values(carried_out_at=self._ledger.now_ms()))
