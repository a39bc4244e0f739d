"""Whose the open rows of a scope are, when the number of workers changes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import sqlalchemy as sa

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.ledger.tables import deliveries, is_open, jobs

if TYPE_CHECKING:
    from reverse_etl_core.partitions import Partition

logger = logging.getLogger(__name__)

_IS_OPEN = is_open(deliveries)
_IS_LEAVING = deliveries.c.removal_at.is_not(None) & (deliveries.c.status != "removed")
_IS_REJECTED = deliveries.c.status == "rejected"


def refuse_foreign_rows(connection: sa.Connection, scope_id: int, stream: str, partition: Partition) -> None:
    """Refuse a worker while open rows of the scope belong to another number of workers.

    Nobody would take them: which of the workers gets a record from the tap, the target cannot know, and two workers
    must never have the same record in hand. Only what a run without partitions has rejected may stay: it had its try,
    and waits for the next such run, or for a newer version.

    Raises:
        ConfigError: There are some; the message says what to do.
    """
    is_theirs = deliveries.c.partition.not_like(f"%/{partition.count}")
    is_nobodys = deliveries.c.partition.is_(None)
    found: dict[str | None, int] = {}
    for is_waiting in (
        _IS_OPEN & ((is_nobodys & ~_IS_REJECTED) | is_theirs),
        _IS_LEAVING & (is_nobodys | is_theirs),
    ):
        query = (
            sa.select(deliveries.c.partition, sa.func.count())
            .where(deliveries.c.scope_id == scope_id, is_waiting)
            .group_by(deliveries.c.partition)
        )
        found.update((row[0], row[1]) for row in connection.execute(query))
    query = sa.select(jobs.c.partition, sa.func.count()).where(
        jobs.c.scope_id == scope_id,
        jobs.c.ended_at.is_(None),
        jobs.c.partition.is_(None) | jobs.c.partition.not_like(f"%/{partition.count}"),
    )
    found.update(
        (row[0], row[1]) for row in connection.execute(query.group_by(jobs.c.partition)) if row[0] not in found
    )
    if found:
        raise ConfigError(_refusal(stream, found, partition))
    _tell_of_resting_rows(connection, scope_id, stream)


def _refusal(stream: str, found: dict[str | None, int], partition: Partition) -> str:
    counts = sorted({int(name.rpartition("/")[2]) if name else 1 for name in found})
    earlier = " and ".join("a run without partitions" if one == 1 else f"{one} workers" for one in counts)
    return (
        f"Stream '{stream}': {sum(found.values())} records that are not settled belong to {earlier}, and none of "
        f"{partition.count} workers would take them. Run the sync once without 'partition_count' and "
        "'partition_index', in tap and target, or go back to the earlier values."
    )


def _tell_of_resting_rows(connection: sa.Connection, scope_id: int, stream: str) -> None:
    of_whole_runs = _IS_OPEN & _IS_REJECTED & deliveries.c.partition.is_(None)
    query = sa.select(sa.func.count()).where(deliveries.c.scope_id == scope_id, of_whole_runs)
    count = connection.scalar(query)
    if count:
        logger.warning(
            "Stream '%s': %d rejected records wait for a newer version, or for a run without partitions.",
            stream,
            count,
        )


def take_over_rejects(connection: sa.Connection, scope_id: int) -> None:
    """Let a run without partitions have what workers rejected, whether it is due or not.

    What workers left under way becomes its own when it sends it.
    """
    theirs = (deliveries.c.scope_id == scope_id) & _IS_OPEN & _IS_REJECTED & deliveries.c.partition.is_not(None)
    connection.execute(sa.update(deliveries).where(theirs).values(partition=None))
