"""From a candidate and its outcome to the row that the ledger keeps: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.ledger import Intent, Settlement, Status
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from reverse_etl_core.ledger import Delivery
    from reverse_etl_core.operations import Written
    from reverse_etl_core.planning import Candidate, Refusal

HOUR_MS = 3_600_000
LONGEST_MS = 7 * 24 * HOUR_MS
NEVER_MS = 253_402_300_800_000
"""The year 10000."""


def due_after_ms(attempts: int) -> int:
    """How long a refusal of the destination rests before the same content is tried again.

    One hour, then four times longer each time, at most a week.

    >>> [due_after_ms(attempts) // HOUR_MS for attempts in (1, 2, 3, 4, 5)]
    [1, 4, 16, 64, 168]
    """
    return int(min(LONGEST_MS, HOUR_MS * 4 ** min(attempts - 1, 10)))


def intent(candidate: Candidate, *, is_create: bool) -> Intent:
    """The row that must be durable before the call leaves."""
    known = candidate.known
    former_key = candidate.earlier_key or (known.former_key if known else None)
    if known is not None and known.destination_id is not None and known.match_key != candidate.match_key:
        former_key = candidate.held_key or known.match_key
    return Intent(
        source_key=candidate.source_key,
        match_key=candidate.match_key,
        destination_id=candidate.destination_id,
        created_by_us=is_create or _is_ours(candidate, candidate.destination_id),
        attempts=1 + (known.attempts if known else 0),
        record=candidate.payload.decode(),
        former_key=former_key,
    )


def removal_intent(candidate: Candidate) -> Intent:
    """The row that must be durable before a removal leaves: it holds no record, so that nobody delivers it again."""
    known = candidate.known
    return Intent(
        source_key=candidate.source_key,
        match_key=candidate.match_key,
        destination_id=candidate.destination_id,
        created_by_us=bool(known and known.created_by_us),
        attempts=1 + (known.attempts if known else 0),
        record=None,
        former_key=known.former_key if known else None,
        removal_at=known.removal_at if known else None,
    )


def _is_ours(candidate: Candidate, destination_id: str | None) -> bool:
    """Whether the record with this id is one that we created: not one that was found after ours was gone."""
    known = candidate.known
    was_ours = known is not None and known.created_by_us
    # A create of ours that got no answer made the match value too: a record without it is somebody else's.
    is_lost_create = candidate.losses > 0 or (was_ours and known is not None and known.destination_id is None)
    if is_lost_create and not candidate.is_adopted:
        return True
    return was_ours and known is not None and known.destination_id == destination_id


def removed(candidate: Candidate, *, is_cleared: bool, now_ms: int, in_doubt_until: int | None = None) -> Settlement:
    """The row of a record that is removed.

    One that was only cleared is still there, and keeps its match value; both of them where a change of it was lost.
    Where an earlier attempt got no answer, it may be applied after the one that did: a record that is back waits.
    """
    known = candidate.known
    return Settlement(
        source_key=candidate.source_key,
        status=Status.REMOVED,
        outcome=Fate.REMOVED.value,
        match_key=known.match_key if known and is_cleared else None,
        former_key=known.former_key if known and is_cleared else None,
        destination_id=candidate.destination_id,
        created_by_us=bool(known and known.created_by_us),
        in_doubt_until=in_doubt_until,
        removal_at=now_ms,
    )


def fate_of(written: Written) -> Fate:
    """What a confirmed record counts as."""
    if written.created:
        return Fate.CREATED
    return Fate.UPDATED if written.changed else Fate.UNCHANGED


def delivered(
    candidate: Candidate, written: Written, *, in_doubt_until: int | None = None, held_key: str | None = None
) -> Settlement:
    """The row of a record that the destination confirmed, under `held_key` where that is not the newest match key.

    Where an earlier attempt got no answer, it may be applied after the one that did: with the same content,
    but a newer version must not be sent before that is over.
    """
    return Settlement(
        source_key=candidate.source_key,
        status=Status.DELIVERED,
        outcome=fate_of(written).value,
        match_key=held_key or candidate.match_key,
        destination_id=written.destination_id,
        payload_hash=candidate.payload_hash,
        fingerprint=None if held_key else candidate.fingerprint,
        created_by_us=written.created or _is_ours(candidate, written.destination_id),
        in_doubt_until=in_doubt_until,
    )


def unchanged(candidate: Candidate, destination_id: str) -> Settlement:
    """The row of a record of which the destination holds everything already."""
    return Settlement(
        source_key=candidate.source_key,
        status=Status.DELIVERED,
        outcome=Fate.UNCHANGED.value,
        match_key=candidate.match_key,
        destination_id=destination_id,
        payload_hash=candidate.payload_hash,
        fingerprint=candidate.fingerprint,
        created_by_us=_is_ours(candidate, destination_id),
    )


def left_alone(known: Delivery, *, in_doubt_until: int | None = None) -> Settlement:
    """The row of a record of which nothing is sent any more: no request and no refusal stays open.

    It exists where only creates are wanted, or it is gone from the source and not ours to take away. Without a hash,
    since its newest version was not delivered.
    """
    return Settlement(
        source_key=known.source_key,
        status=Status.DELIVERED,
        outcome=Fate.UNCHANGED.value,
        match_key=known.match_key,
        former_key=known.former_key,
        destination_id=known.destination_id,
        created_by_us=known.created_by_us,
        in_doubt_until=in_doubt_until,
    )


def refused(
    candidate: Candidate,
    code: RejectCode,
    reason: str,
    *,
    now_ms: int,
    rest_ms: int = 0,
    found_id: str | None = None,
    in_doubt_until: int | None = None,
    waiting: str | None = None,
) -> Settlement:
    """The row of a record that the destination refused.

    A record that was delivered before keeps its id and what it owns: only the newest version is refused. So does
    one that was found (`found_id`) and whose update is refused, or that is given up without an answer
    (`in_doubt_until`): a lost create of ours may have made it.

    One that waits for its parent (`waiting`) may be tried again at once. One whose person does not consent is not
    tried again with the same content, others not before the destination's own time (`rest_ms`).
    """
    known = candidate.known
    if known is not None and known.is_gone:
        known = None
    attempts = 1 + (known.attempts if known else 0)
    was_delivered = known is not None and known.destination_id is not None
    owned = known.match_key if known and was_delivered else candidate.find_key if found_id or in_doubt_until else None
    due_at = now_ms + (0 if waiting else max(rest_ms, due_after_ms(attempts)))
    return Settlement(
        source_key=candidate.source_key,
        status=Status.REJECTED,
        outcome=Fate.REJECTED.value,
        match_key=owned,
        former_key=known.former_key if known and was_delivered else None,
        destination_id=known.destination_id if known and was_delivered else found_id,
        payload_hash=candidate.payload_hash,
        created_by_us=bool(known and known.created_by_us and owned is not None),
        attempts=attempts,
        in_doubt_until=in_doubt_until,
        due_at=NEVER_MS if code is RejectCode.CONSENT else due_at,
        error_code=code.value,
        error=reason,
        record=None if candidate.is_removal else candidate.payload.decode(),
        waiting=waiting,
        removal_at=candidate.known.removal_at if candidate.is_removal and candidate.known else None,
    )


def double(
    candidate: Candidate, destination_id: str, reason: str, *, now_ms: int, in_doubt_until: int | None = None
) -> Settlement:
    """The row of a record that leads to the record of another row: it owns neither the id nor a match value.

    The id is noted all the same: while this row stands for the record too, it is not taken away.
    """
    attempts = 1 + (candidate.known.attempts if candidate.known else 0)
    return Settlement(
        source_key=candidate.source_key,
        status=Status.REJECTED,
        outcome=Fate.REJECTED.value,
        destination_id=destination_id,
        payload_hash=candidate.payload_hash,
        attempts=attempts,
        in_doubt_until=in_doubt_until,
        due_at=now_ms + due_after_ms(attempts),
        error_code=RejectCode.DUPLICATE_KEY.value,
        error=reason,
        record=candidate.payload.decode(),
    )


def refused_by_us(refusal: Refusal, *, now_ms: int, in_doubt_until: int | None) -> Settlement:
    """The row of a record that our own rules refuse; it is looked at again in every run, since that is free.

    What an earlier version owns stays, also where only a lost create may have made it: forgetting that would
    let the next valid version create the record again.
    """
    known = None if refusal.known and refusal.known.is_gone else refusal.known
    return Settlement(
        source_key=refusal.source_key,
        status=Status.REJECTED,
        outcome=Fate.REJECTED.value,
        match_key=known.match_key if known else None,
        former_key=known.former_key if known else None,
        destination_id=known.destination_id if known else None,
        payload_hash=refusal.payload_hash,
        created_by_us=bool(known and known.created_by_us),
        in_doubt_until=in_doubt_until,
        due_at=now_ms if refusal.is_curable else None,
        error_code=refusal.code.value,
        error=refusal.reason,
        record=refusal.payload.decode(),
    )
