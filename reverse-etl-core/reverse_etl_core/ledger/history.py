"""What the ledger knows of earlier runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from reverse_etl_core.ledger.tables import runs

if TYPE_CHECKING:
    from reverse_etl_core.ledger.store import Ledger


class PastRun(msgspec.Struct, frozen=True):
    """One row of `runs`.

    Attributes:
        started_at: Milliseconds since 1970.
        exit_code: `None` for a run that was killed, or that has not ended.
        counts: Records read, and records by fate.
        requests: Requests sent.
        seconds: How long it took.
    """

    started_at: int
    exit_code: int | None
    counts: dict[str, int]
    requests: int
    seconds: float

    @property
    def rejected(self) -> int:
        """Records rejected."""
        return self.counts.get("rejected", 0)


_NOT_COUNTS = {
    "run_id",
    "sync_id",
    "target",
    "account",
    "started_at",
    "ended_at",
    "exit_code",
    "requests",
    "retries",
    "states_released",
    "earlier_delivered",
    "earlier_removed",
    "earlier_rejected",
}
_FATES = tuple(one for one in runs.c if isinstance(one.type, sa.BigInteger) and one.name not in _NOT_COUNTS)


def past_runs(ledger: Ledger, *, sync_id: str, target: str, limit: int) -> list[PastRun]:
    """The last runs of a sync before the one that holds this ledger, newest first.

    Raises:
        LedgerError: The ledger cannot be read.
        BusyError: Another process holds it.
    """
    query = (
        sa.select(runs)
        .where(runs.c.sync_id == sync_id, runs.c.target == target, runs.c.run_id != ledger.run_id)
        .order_by(runs.c.started_at.desc())
        .limit(limit)
    )
    with ledger.guarded("read"), ledger.begin() as connection:
        rows = connection.execute(query).mappings().all()
    return [
        PastRun(
            started_at=row["started_at"],
            exit_code=row["exit_code"],
            counts={one.name: row[one.name] for one in _FATES},
            requests=row["requests"],
            seconds=row["seconds"],
        )
        for row in rows
    ]
