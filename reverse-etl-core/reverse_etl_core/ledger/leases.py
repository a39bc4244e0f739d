"""Who may write a scope: one run with all of it, or several workers with a partition each.

An epoch fences off a writer that slept: it proves within every transaction that nobody has taken over. A run with the
whole scope holds the columns of `scopes`, as in the first release; workers hold a row of `leases` each, and mark the
columns of `scopes` as held, so that a run of an older release keeps off.

Locks are taken in this order, or two workers would wait for each other: the scope, its leases, deliveries.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from reverse_etl_core.errors import BusyError
from reverse_etl_core.ledger.tables import leases, scopes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverse_etl_core.partitions import Partition

LEASE_S = 120
"""A writer that has not been heard of for so long is taken for dead. Renewed with every write and while waiting."""

LEASE_MS = LEASE_S * 1000
MARKED_AGAIN_MS = LEASE_MS // 4
"""How often a worker prolongs the mark in `scopes`, a row that all of them share."""

WORKERS = "workers:-:-"
"""Holder of a scope that is shared; no host has that name, so that an older release never takes it for dead."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A lease. `last_sign_ms`: when a run that never ended was last heard of; 0 after a run that did."""

    epoch: int
    last_sign_ms: int


class Leases(Protocol):
    """The leases of one run; all methods work within the caller's transaction."""

    def take(self, connection: sa.Connection, scope: sa.Row[Any]) -> Taken:
        """Take a lease.

        Args:
            connection: With a lock on the scope.
            scope: Row of `scopes`.

        Raises:
            BusyError: Somebody else holds it.
        """

    def renew(self, connection: sa.Connection, scope_id: int, epoch: int) -> bool:
        """Prolong a lease; false when it is no longer ours."""

    def release(self, connection: sa.Connection, scope_id: int, epoch: int) -> None:
        """Give a lease back."""


class WholeLeases:
    """Leases of a run that has scopes for itself.

    Args:
        owner: Host, process and a number.
        now_ms: The ledger's clock.
    """

    def __init__(self, owner: str, now_ms: Callable[[], int]) -> None:
        self._owner = owner
        self._now_ms = now_ms

    def take(self, connection: sa.Connection, scope: sa.Row[Any]) -> Taken:
        """Take a lease; workers that slept are fenced off."""
        parts = refuse_if_held(connection, scope, None, self._now_ms())
        epoch = scope.lease_epoch + 1
        held = {"lease_owner": self._owner, "lease_epoch": epoch, "lease_until": self._now_ms() + LEASE_MS}
        connection.execute(sa.update(scopes).where(scopes.c.scope_id == scope.scope_id).values(held))
        theirs = leases.c.scope_id == scope.scope_id
        connection.execute(sa.update(leases).where(theirs).values(epoch=leases.c.epoch + 1))
        return Taken(epoch, _last_sign_ms(scope, parts))

    def renew(self, connection: sa.Connection, scope_id: int, epoch: int) -> bool:
        """Prolong a lease; false when it is no longer ours."""
        mine = (scopes.c.scope_id == scope_id) & (scopes.c.lease_epoch == epoch)
        until = self._now_ms() + LEASE_MS
        return connection.execute(sa.update(scopes).where(mine).values(lease_until=until)).rowcount == 1

    def release(self, connection: sa.Connection, scope_id: int, epoch: int) -> None:
        """Give a lease back."""
        mine = (scopes.c.scope_id == scope_id) & (scopes.c.lease_epoch == epoch)
        connection.execute(sa.update(scopes).where(mine).values(lease_owner=None, lease_until=0))


class PartLeases:
    """Leases of a worker that shares scopes with others.

    Args:
        owner: Host, process and a number.
        now_ms: The ledger's clock.
        partition: The worker's.
    """

    def __init__(self, owner: str, now_ms: Callable[[], int], partition: Partition) -> None:
        self._owner = owner
        self._now_ms = now_ms
        self._partition = partition
        self._scope_epochs: dict[int, int] = {}
        self._marked_ms: dict[int, int] = {}

    def take(self, connection: sa.Connection, scope: sa.Row[Any]) -> Taken:
        """Take a lease; who had the whole, or a partition of another count, and slept is fenced off."""
        parts = refuse_if_held(connection, scope, self._partition, self._now_ms())
        was_whole = scope.lease_owner is not None and scope.lease_owner != WORKERS
        until = self._now_ms() + LEASE_MS
        mark = {"lease_owner": WORKERS, "lease_until": until, "lease_epoch": scope.lease_epoch + was_whole}
        connection.execute(sa.update(scopes).where(scopes.c.scope_id == scope.scope_id).values(mark))
        others = (leases.c.scope_id == scope.scope_id) & (leases.c.partition_count != self._partition.count)
        connection.execute(sa.update(leases).where(others).values(epoch=leases.c.epoch + 1))
        self._scope_epochs[scope.scope_id] = scope.lease_epoch + was_whole
        self._marked_ms[scope.scope_id] = self._now_ms()
        mine = next((one for one in parts if _is_of(one, self._partition)), None)
        epoch = mine.epoch + 1 if mine else 1
        held = {"owner": self._owner, "epoch": epoch, "until": until}
        if mine:
            connection.execute(sa.update(leases).where(self._mine(scope.scope_id)).values(held))
        else:
            of = {"partition_index": self._partition.index, "partition_count": self._partition.count}
            connection.execute(sa.insert(leases).values(scope_id=scope.scope_id, **of, **held))
        return Taken(epoch, _last_sign_ms(scope, [mine] if mine else []))

    def renew(self, connection: sa.Connection, scope_id: int, epoch: int) -> bool:
        """Prolong a lease; false when it is no longer ours, or when a run has taken the whole scope."""
        now = self._now_ms()
        scope_epoch = self._scope_epochs[scope_id]
        is_shared = (scopes.c.scope_id == scope_id) & (scopes.c.lease_epoch == scope_epoch)
        if now - self._marked_ms[scope_id] >= MARKED_AGAIN_MS:
            self._marked_ms[scope_id] = now
            connection.execute(sa.update(scopes).where(is_shared).values(lease_until=now + LEASE_MS))
        mine = self._mine(scope_id) & (leases.c.epoch == epoch) & sa.exists().where(is_shared)
        return connection.execute(sa.update(leases).where(mine).values(until=now + LEASE_MS)).rowcount == 1

    def release(self, connection: sa.Connection, scope_id: int, epoch: int) -> None:
        """Give a lease back; the last worker frees the scope."""
        connection.execute(sa.select(scopes.c.scope_id).filter_by(scope_id=scope_id).with_for_update())
        mine = self._mine(scope_id) & (leases.c.epoch == epoch)
        connection.execute(sa.update(leases).where(mine).values(owner=None, until=0))
        is_shared = (
            (scopes.c.scope_id == scope_id)
            & (scopes.c.lease_owner == WORKERS)
            & ~sa.exists().where(leases.c.scope_id == scope_id, leases.c.owner.is_not(None))
        )
        connection.execute(sa.update(scopes).where(is_shared).values(lease_owner=None, lease_until=0))

    def _mine(self, scope_id: int) -> sa.ColumnElement[bool]:
        return (
            (leases.c.scope_id == scope_id)
            & (leases.c.partition_count == self._partition.count)
            & (leases.c.partition_index == self._partition.index)
        )


def refuse_if_held(
    connection: sa.Connection, scope: sa.Row[Any], partition: Partition | None, now_ms: int
) -> Sequence[sa.Row[Any]]:
    """Look whether somebody else writes a scope.

    Args:
        connection: Within a transaction.
        scope: Row of `scopes`.
        partition: What is wanted of it; `None` for all of it.
        now_ms: The ledger's clock.

    Returns:
        The rows of its leases, locked.

    Raises:
        BusyError: Somebody does.
    """
    query = sa.select(leases).filter_by(scope_id=scope.scope_id).order_by(leases.c.partition_index)
    parts = connection.execute(query.with_for_update()).all()
    if scope.lease_owner != WORKERS and _is_live(scope.lease_owner, scope.lease_until, now_ms):
        raise BusyError(_busy(scope, "another run", scope.lease_owner))
    for one in parts:
        is_in_the_way = partition is None or partition.count != one.partition_count or _is_of(one, partition)
        if is_in_the_way and _is_live(one.owner, one.until, now_ms):
            who = f"a worker with partition {one.partition_index}/{one.partition_count}"
            raise BusyError(_busy(scope, who, one.owner))
    return parts


def fence_off_all(connection: sa.Connection, now_ms: int) -> None:
    """Let none go on that writes this ledger, since it is moved: who slept through the end of a lease stops.

    Raises:
        BusyError: Somebody writes it now.
    """
    for scope in connection.execute(sa.select(scopes).order_by(scopes.c.scope_id).with_for_update()).all():
        refuse_if_held(connection, scope, None, now_ms)
    connection.execute(sa.update(scopes).values(lease_epoch=scopes.c.lease_epoch + 1))
    connection.execute(sa.update(leases).values(epoch=leases.c.epoch + 1))


def _busy(scope: sa.Row[Any], who: str, owner: str) -> str:
    return (
        f"Stream '{scope.stream}' of sync '{scope.sync_id}' is being written by {who} ({owner.rsplit(':', 1)[0]}). "
        "Run again when it has finished, or give this sync its own 'sync_id'."
    )


def _is_of(lease: sa.Row[Any], partition: Partition) -> bool:
    return (lease.partition_index, lease.partition_count) == (partition.index, partition.count)


def _last_sign_ms(scope: sa.Row[Any], parts: Sequence[sa.Row[Any]]) -> int:
    signs = [one.until for one in parts if one.owner]
    if scope.lease_owner and scope.lease_owner != WORKERS:
        signs.append(scope.lease_until)
    return max(signs) - LEASE_MS if signs else 0


def _is_live(owner: str | None, until_ms: int, now_ms: int) -> bool:
    return bool(owner) and until_ms > now_ms and not is_dead(str(owner))


def is_dead(owner: str) -> bool:
    """Whether the owner was a process of this host that no longer runs (it was killed)."""
    host, pid, _ = owner.rsplit(":", 2)
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
