"""What the ledger says of a record, and what is said to it: values without I/O."""

from __future__ import annotations

import enum

import msgspec

WAITING_NEW = "new"
WAITING_AGAIN = "again"
"""A waiting record that came from the stream, and one that came from the ledger."""


class Status(str, enum.Enum):
    """Where a record stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    REMOVED = "removed"
    AMBIGUOUS = "ambiguous"


STATUSES = {one.value: one for one in Status}
"""By their words; a look-up costs a third of `Status(word)`."""


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One row, as it was looked up. `record` is read only for replays."""

    source_key: str
    match_key: str | None
    destination_id: str | None
    payload_hash: bytes | None
    status: Status
    created_by_us: bool
    attempts: int
    intent_at: int | None
    in_doubt_until: int | None
    due_at: int | None
    error_code: str | None
    former_key: str | None = None
    removal_at: int | None = None
    record: str | None = None
    waiting: str | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the record was taken away at the destination: its id leads nowhere."""
        return self.status is Status.REMOVED and self.match_key is None

    @property
    def is_double(self) -> bool:
        """Whether it was refused since it leads to the record of another row: the id is not its own."""
        return self.status is Status.REJECTED and self.match_key is None and self.destination_id is not None


class Job(msgspec.Struct, frozen=True, gc=False):
    """An asynchronous job at the destination whose outcomes are not all recorded.

    Attributes:
        job_id: The destination's own id.
        verb: What it does with each of its records.
        match_field: The field by which its records are joined.
    """

    job_id: str
    verb: str
    match_field: str


class HeldPlan(msgspec.Struct, frozen=True, gc=False):
    """What a brake held.

    Attributes:
        plan_id: Follows from exactly what is held.
        kind: `removals` or `rejections`.
        reason: The limit that was passed, in words.
        counted: Records that it concerns.
        base: Of so many.
        codes: Of the rejections.
    """

    plan_id: str
    kind: str
    reason: str
    counted: int
    base: int
    codes: tuple[str, ...] = ()


class Intent(msgspec.Struct, frozen=True, gc=False):
    """A record that is about to be sent.

    Attributes:
        source_key: Which one.
        match_key: What it will own.
        destination_id: Where it is known.
        created_by_us: What is known of its origin; true for a create.
        attempts: This one included.
        record: The mapped fields as JSON: nobody else may send them again.
        former_key: The match value that the record holds until the request is applied.
        removal_at: Since when it waits to be removed, for a removal.
    """

    source_key: str
    match_key: str
    destination_id: str | None
    created_by_us: bool
    attempts: int
    record: str | None
    former_key: str | None = None
    removal_at: int | None = None


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """What came of a record; `status` is `DELIVERED`, `REJECTED` or `REMOVED`.

    Attributes:
        outcome: Word for the `outcomes` table.
        match_key: What the row owns from now on; `None` for a reject that never was delivered.
        former_key: A match value that the record may still hold.
        payload_hash: Of the content that was delivered, or refused.
        fingerprint: Of the record as it came, where exactly this was delivered.
        in_doubt_until: Until when an earlier request without an answer may still be applied.
        due_at: When a refusal may be tried again.
        error: A sentence without field values.
        record: The mapped fields as JSON, for a reject.
        waiting: Where a reject came from, `WAITING_NEW` or `WAITING_AGAIN`, whose parent may still arrive in this run.
        removal_at: Since when it waits to be removed, or when it was.
    """

    source_key: str
    status: Status
    outcome: str
    match_key: str | None = None
    former_key: str | None = None
    destination_id: str | None = None
    payload_hash: bytes | None = None
    fingerprint: bytes | None = None
    created_by_us: bool = False
    attempts: int = 0
    in_doubt_until: int | None = None
    due_at: int | None = None
    error_code: str | None = None
    error: str | None = None
    record: str | None = None
    waiting: str | None = None
    removal_at: int | None = None
