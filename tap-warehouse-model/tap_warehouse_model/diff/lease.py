"""One run of a sync at a time: a lease with an epoch, and writes that only its holder can make.

A process that was paused and wakes up after somebody else took over fails at its next write: every
write names the owner and the epoch, and both have changed.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tap_warehouse_model.diff.store import ConflictError
from tap_warehouse_model.errors import BusyError, TapError
from tap_warehouse_model.slices import Slice

if TYPE_CHECKING:
    from tap_warehouse_model.diff.store import Store

TTL_S = 120.0
"""How long a lease outlives its holder where nobody can see that the holder is gone."""

_POLL_S = 0.5

Row = Mapping[str, Any]


class LeaseLostError(BusyError):
    """Another run took over while this one was paused."""


class Lease:
    """The right to change what is known about one sync, stream and slice."""

    def __init__(
        self,
        store: Store,
        syncs: sa.Table,
        sync_id: str,
        stream: str,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.stream = stream
        self._store = store
        self._syncs = syncs
        self._sync_id = sync_id
        self._clock = clock
        self._sleep = sleep
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._slice = Slice()
        self.epoch = 0

    def rows(self, connection: sa.Connection) -> dict[str, Row]:
        """Return what is known of this sync and stream, by slice."""
        syncs = self._syncs
        chosen = sa.select(syncs).where(syncs.c.sync_id == self._sync_id, syncs.c.stream == self.stream)
        return {str(row["slice"]): dict(row) for row in connection.execute(chosen).mappings()}

    def acquire(self, part: Slice, *, wait_s: float = 0.0) -> Row:
        """Take the lease of a slice; return what is known of it.

        Args:
            part: The slice.
            wait_s: How long another run may go on holding it.

        Raises:
            BusyError: Another run has it.
        """
        until = self._clock() + wait_s
        while True:
            try:
                return self._acquired(part)
            except BusyError:
                if self._clock() >= until:
                    raise
                self._sleep(_POLL_S)

    def _acquired(self, part: Slice) -> Row:
        self._slice = part
        self._insert_if_missing()
        with self._store.transaction(self._purpose) as connection:
            row = self.rows(connection)[str(part)]
            remaining_s = (row["lease_until"] or 0.0) - self._clock()
            if row["lease_owner"] and remaining_s > 0 and not _is_gone(row["lease_owner"]):
                raise BusyError(self._busy(row["lease_owner"], remaining_s))
            connection.execute(
                sa.update(self._syncs)
                .where(self._own_row, self._syncs.c.epoch == row["epoch"])
                .values(lease_owner=self._owner, lease_until=self._clock() + TTL_S, epoch=row["epoch"] + 1)
            )
        with self._store.transaction(self._purpose) as connection:
            row = self.rows(connection)[str(part)]
            if row["lease_owner"] != self._owner:
                raise BusyError(self._busy(row["lease_owner"], TTL_S))
            self.epoch = row["epoch"]
        return row

    def update(self, connection: sa.Connection, **values: Any) -> None:  # noqa: ANN401
        """Change the row, renewing the lease.

        Raises:
            LeaseLostError: Another run took over.
        """
        values = {"lease_until": self._clock() + TTL_S, "updated_at": self._clock(), **values}
        holder = sa.and_(self._own_row, self._syncs.c.lease_owner == self._owner, self._syncs.c.epoch == self.epoch)
        connection.execute(sa.update(self._syncs).where(holder).values(**values))
        if self.rows(connection)[str(self._slice)]["epoch"] != self.epoch:
            msg = (
                f"Stream '{self.stream}': another run of the sync '{self._sync_id}' took over while this one was "
                "paused. It goes on; nothing is lost. Let only one run at a time be started."
            )
            raise LeaseLostError(msg)

    def release(self) -> None:
        """Give the lease back."""
        with self._store.transaction(self._purpose) as connection:
            self.update(connection, lease_owner=None, lease_until=None)

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lease from another thread inside the block: planning and a slow target take their time."""
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(TTL_S / 4):
                try:
                    with self._store.transaction(self._purpose) as connection:
                        self.update(connection)
                except TapError:
                    continue  # the next write of the main thread meets the same trouble and reports it

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(TTL_S)

    @property
    def _own_row(self) -> sa.ColumnElement[bool]:
        syncs = self._syncs.c
        return sa.and_(syncs.sync_id == self._sync_id, syncs.stream == self.stream, syncs.slice == str(self._slice))

    @property
    def _purpose(self) -> str:
        return f"Stream '{self.stream}': the table of syncs cannot be read or written"

    def _insert_if_missing(self) -> None:
        try:
            with self._store.transaction(self._purpose) as connection:
                if str(self._slice) not in self.rows(connection):
                    connection.execute(sa.insert(self._syncs).values(**self._first_row()))
        except ConflictError:
            pass  # another run was quicker; `acquire` sees its lease

    def _first_row(self) -> dict[str, Any]:
        return {
            "sync_id": self._sync_id,
            "stream": self.stream,
            "slice": str(self._slice),
            "tables": "",
            "tokens": "[]",
            "epoch": 0,
            "updated_at": self._clock(),
        }

    def _busy(self, owner: str, remaining_s: float) -> str:
        return (
            f"Stream '{self.stream}': the sync '{self._sync_id}' (slice {self._slice}) is being run by '{owner}'. "
            f"Wait until it has finished, or {max(remaining_s, 1):.0f} s if it is dead. To deliver the model to "
            "another destination at the same time, give that sync a 'sync_id' of its own."
        )


def _is_gone(owner: str) -> bool:
    """Return whether a process of this machine no longer exists; of another machine nothing is known."""
    host, pid, _ = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
