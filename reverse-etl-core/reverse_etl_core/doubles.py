"""Rows of the source that lead to one record of the destination: the row that was delivered first keeps it.

Several match values may lead to one record: secondary addresses, say, or ids that were merged. Where the API upserts by
itself, which do is known only once the second row was written over the first one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from reverse_etl_core import reasons, settling
from reverse_etl_core.ledger import Status
from reverse_etl_core.operations import RejectCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_etl_core.ledger import Delivery, Settlement, StreamLedger
    from reverse_etl_core.operations import Current, Written
    from reverse_etl_core.planning import Candidate
    from reverse_etl_core.queues import WorkQueues


class Doubles:
    """Finds them, and has what they overwrote written again.

    Args:
        ledger: The stream's part of it.
        queues: The records on their way.
    """

    def __init__(self, ledger: StreamLedger, queues: WorkQueues) -> None:
        self._ledger = ledger
        self._queues = queues
        self._overwritten: set[str] = set()

    def holders(self, group: Sequence[Candidate], found: Mapping[str, Sequence[Current]]) -> Mapping[str, str]:
        """Whose the records are, by their ids, that reading found and that are not known to be those of the group."""
        known = {one.known.destination_id for one in group if one.known is not None and not one.known.is_gone}
        news = {one.destination_id for records in found.values() for one in records} - known
        return self._ledger.holders(sorted(news)) if news else {}

    def is_taken(self, candidate: Candidate, holders: Mapping[str, str]) -> bool:
        """Whether the record that was found is the one of another row, which is under way or was delivered there."""
        holder = self._queues.holder(candidate.destination_id) or holders.get(candidate.destination_id or "")
        return not candidate.is_removal and holder is not None and holder != candidate.source_key

    def settled(
        self, delivered: Sequence[tuple[Candidate, Written]], *, now_ms: int, in_doubt_until: int | None
    ) -> list[Settlement]:
        """The rows of records that the destination confirmed; those of doubles are rejected.

        What doubles were written over is distrusted before: it is written again when it comes next.
        """
        owners = self._owners(delivered) if self._ledger.keeps_deliveries else {}
        self._distrust(set(owners.values()), {one.source_key for one, _ in delivered})
        settlements: list[Settlement] = []
        for one, it in delivered:
            if one.source_key in owners:
                row = settling.double(
                    one, it.destination_id, reasons.SHARED, now_ms=now_ms, in_doubt_until=in_doubt_until
                )
            else:
                row = settling.delivered(one, it, in_doubt_until=in_doubt_until)
            settlements.append(self._trusted(row))
        return settlements

    def _owners(self, delivered: Sequence[tuple[Candidate, Written]]) -> dict[str, str]:
        """Of records that were written to the record of another row: the source key of that one."""
        news = {one.source_key: it.destination_id for one, it in delivered if _is_news(one, it)}
        holders = dict(self._ledger.holders(sorted(set(news.values())))) if news else {}
        owners: dict[str, str] = {}
        for one, it in delivered:
            owner = holders.setdefault(it.destination_id, one.source_key)
            if owner != one.source_key and one.source_key in news:
                owners[one.source_key] = owner
        return owners

    def _distrust(self, owners: set[str], here: set[str]) -> None:
        unsettled = [one for one in map(self._queues.get, owners) if one is not None]
        self._overwritten |= {one.source_key for one in unsettled if one.queue is None} | (owners & here)
        for one in unsettled:
            if one.queue is not None and one.known is not None:  # it will write its match value anew
                one.known = msgspec.structs.replace(one.known, payload_hash=None)
        self._ledger.distrust(sorted(owners - here))

    def _trusted(self, row: Settlement) -> Settlement:
        """The row of a record, without its hash where another one may have been written over it meanwhile."""
        if row.status is not Status.DELIVERED or row.source_key not in self._overwritten:
            return row
        self._overwritten.discard(row.source_key)
        return msgspec.structs.replace(row, payload_hash=None, fingerprint=None)


def _is_news(candidate: Candidate, written: Written) -> bool:
    """Whether a record turned out to be where the ledger did not know it, so that it may be the one of another row."""
    known = candidate.known
    if written.created:
        return False
    return known is None or known.destination_id != written.destination_id or known.status is Status.REMOVED


def doubles_of_others(ledger: StreamLedger, candidates: Sequence[Candidate]) -> set[str]:
    """Source keys of those that were refused as duplicates, and whose record another row still stands for.

    Else a duplicate would be written over the record as soon as its other row has nothing to send.
    """
    twins = {
        one.source_key: one.known.destination_id
        for one in candidates
        if one.known is not None and _is_duplicate(one.known) and one.known.destination_id is not None
    }
    if not twins:
        return set()
    sharers = ledger.sharers(sorted(set(twins.values())))
    rows = ledger.lookup(sorted({key for keys in sharers.values() for key in keys}))
    owning = {key for key, row in rows.items() if not _is_duplicate(row)}
    return {key for key, place in twins.items() if sharers.get(place, set()) & owning - {key}}


def _is_duplicate(row: Delivery) -> bool:
    """Whether a row of the ledger was refused since another one is the same record."""
    return row.status is Status.REJECTED and row.error_code == RejectCode.DUPLICATE_KEY.value
