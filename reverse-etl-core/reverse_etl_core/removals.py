"""Records that are gone from the source: noted durably as they arrive, removed once the input has ended.

That a record did not arrive is never taken for its removal (guarantee G6), and what this sync did not create is only
touched where the settings say so (guarantee G5).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from reverse_etl_core import identity, settling
from reverse_etl_core.ledger import Status
from reverse_etl_core.planning import Candidate
from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reverse_etl_core.brakes import RemovalBrake
    from reverse_etl_core.holding import PlanHolder
    from reverse_etl_core.ledger import Delivery, StreamLedger
    from reverse_etl_core.planning import Removal
    from reverse_etl_core.routing import Route
    from reverse_etl_core.tally import Tally

logger = logging.getLogger(__name__)


class RemovalSpool:
    """The removals of one stream.

    Args:
        route: Says what becomes of them.
        ledger: The stream's part of it, where they wait.
        tally: Where fates are counted.
        brake: Looks at their number.
        holder: Holds what the brake finds.
    """

    def __init__(
        self, route: Route, ledger: StreamLedger, tally: Tally, *, brake: RemovalBrake, holder: PlanHolder
    ) -> None:
        self._route = route
        self._ledger = ledger
        self._tally = tally
        self._brake = brake
        self._holder = holder
        if not ledger.removals_from_ms:  # later than those of all earlier runs, whatever the clock says
            ledger.removals_from_ms = max(ledger.now_ms(), ledger.latest_leaving() + 1)
        self._moment = ledger.removals_from_ms
        self._has_warned = False
        self._spared = 0

    def abandon(self) -> int:
        """Leave the removals that are neither carried out nor refused to the next run; how many they are."""
        left, self._ledger.removals_waiting = self._ledger.removals_waiting, 0
        return left

    def take(
        self,
        removals: Sequence[Removal],
        known: Mapping[str, Delivery],
        doubt_ends_ms: Callable[[Delivery], int | None],
    ) -> None:
        """Note removals that the stream announces.

        Args:
            removals: With their source keys.
            known: What the ledger knows, by source key.
            doubt_ends_ms: Until when an earlier request for a record may still be applied.
        """
        spooled: list[str] = []
        forgotten: list[str] = []
        left: list[Delivery] = []
        for one in removals:
            row = known.get(one.source_key)
            if row is None or row.status is Status.REMOVED:
                self._tally.settle(Fate.UNCHANGED)
            elif _was_never_there(row):
                forgotten.append(one.source_key)
                self._tally.settle(Fate.UNCHANGED)
            elif not self._route.removal.covers(row):
                left.append(row)
                self._leave_alone()
            elif self._is_resting(row):
                self._tally.settle(Fate.REJECTED, code=str(row.error_code))
            elif self._is_of_this_run(row):
                self._tally.settle(Fate.SUPERSEDED)
            else:
                spooled.append(one.source_key)
        left = self._left_to_doubles(left)
        self._ledger.forget(forgotten)
        # What was under way or refused is not tried again: it would come back to the destination alone.
        is_open = (Status.PENDING, Status.REJECTED)
        self._ledger.settle(
            settling.left_alone(one, in_doubt_until=doubt_ends_ms(one)) for one in left if one.status in is_open
        )
        self._ledger.spool(spooled, self._moment)
        self._ledger.removals_waiting += len(spooled)

    def _left_to_doubles(self, left: Sequence[Delivery]) -> list[Delivery]:
        """Let rows that are doubles of these have their records, which stay; the others of these."""
        ids = [one.destination_id for one in left if one.destination_id is not None]
        mine = {one.source_key for one in left}
        sharers = {one: keys - mine for one, keys in self._ledger.sharers(ids).items()} if ids else {}
        passed = self._pass_on([one for one in left if sharers.get(one.destination_id or "")], sharers)
        return [one for one in left if one.source_key not in passed]

    def _leave_alone(self) -> None:
        self._tally.settle(Fate.UNCHANGED)
        if self._route.removal.is_active:
            self._spared += 1
        elif not self._has_warned:
            self._has_warned = True
            logger.warning("Stream '%s': records removed at the source are left alone here.", self._route.stream)

    def _is_resting(self, row: Delivery) -> bool:
        """Whether the destination refused the removal, and the next try is not due."""
        is_refused = row.status is Status.REJECTED and row.removal_at is not None
        return is_refused and row.due_at is not None and row.due_at > self._ledger.now_ms()

    def _is_of_this_run(self, row: Delivery) -> bool:
        return row.removal_at is not None and row.removal_at >= self._moment

    def keep(self, known: Sequence[Delivery]) -> None:
        """Forget the removals of records that are back.

        Args:
            known: What the ledger knows of records that arrived.
        """
        back = [one for one in known if one.removal_at is not None and one.status is not Status.REMOVED]
        announced = sum(self._is_of_this_run(one) for one in back)
        self._ledger.keep([one.source_key for one in back])
        self._tally.settle(Fate.SUPERSEDED, announced)
        self._ledger.removals_waiting -= announced

    def check(self) -> None:
        """Look at all removals that wait, those of earlier runs too, before the first one is carried out.

        Raises:
            BrakeError: There are too many, and nobody approved them.
        """
        if self._spared:
            logger.warning(
                "Stream '%s': %d records are gone from the source and left alone, since this sync did not create them. "
                "'remove_adopted: true' would remove them.",
                self._route.stream,
                self._spared,
            )
        count = self._ledger.count_leaving() if self._route.removal.is_active else 0
        violation = self._brake.violation(count, self._ledger.count_held()) if count else None
        if violation is not None:
            keys = (one.source_key for page in self._ledger.leaving() for one in page)
            self._holder.hold_removals(violation, keys)

    def candidates(self) -> Iterator[tuple[list[Candidate], Mapping[str, Delivery]]]:
        """What is to be removed now, a page at a time, with what the ledger knows of it."""
        if not self._route.removal.is_active:
            return
        for page in self._ledger.leaving():
            spared = {one.source_key for one in page if not self._route.removal.covers(one)} | self._shared(page)
            self._ledger.keep(sorted(spared))
            announced = sum(self._is_of_this_run(one) for one in page if one.source_key in spared)
            self._tally.settle(Fate.UNCHANGED, announced)
            self._ledger.removals_waiting -= announced
            rows = {one.source_key: one for one in page if one.source_key not in spared}
            candidates = [self._candidate(one) for one in rows.values()]
            self._ledger.removals_waiting -= sum(not one.is_replay for one in candidates)
            yield candidates, rows

    def _shared(self, page: Sequence[Delivery]) -> set[str]:
        """Those that another row of the source still stands for: two rows may have found the same record."""
        ids = [one.destination_id for one in page if one.destination_id is not None]
        sharers = self._ledger.sharers(ids) if ids else {}
        shared = {one.source_key for one in page if sharers.get(one.destination_id or "")}
        self._pass_on([one for one in page if one.source_key in shared], sharers)
        if shared:
            logger.warning(
                "Stream '%s': %d records are gone from the source and left alone, since other rows of it are the same "
                "records of the destination.",
                self._route.stream,
                len(shared),
            )
        return shared

    def _pass_on(self, shared: Sequence[Delivery], sharers: Mapping[str, set[str]]) -> set[str]:
        """Let records go to rows that were refused as their doubles, once the rows that own them are gone.

        Returns:
            Source keys of those that are gone for good.
        """
        keys = sorted({key for one in shared for key in sharers[str(one.destination_id)]})
        known = self._ledger.lookup(keys) if keys else {}
        doubles = {key for key in keys if key in known and known[key].is_double}
        left = [one for one in shared if sharers[str(one.destination_id)] <= doubles]
        self._ledger.forget([one.source_key for one in left])
        self._ledger.make_due(sorted(doubles & {key for one in left for key in sharers[str(one.destination_id)]}))
        return {one.source_key for one in left}

    def _candidate(self, row: Delivery) -> Candidate:
        payload = identity.encode(dict.fromkeys(self._cleared())) if self._route.removal.way is None else b"{}"
        return Candidate(
            row.source_key,
            row.match_key or "",
            payload,
            identity.digest(payload),
            is_replay=not self._is_of_this_run(row),
            is_removal=True,
        )

    def _cleared(self) -> list[str]:
        """The fields that are ours and can be emptied: not those that recognise the record, nor those that it needs."""
        route = self._route
        needed = {names[0] for names in route.schema.required_to_create if len(names) == 1}
        kept = {*route.match_fields, *route.left_out_of_updates, *route.if_empty, *needed}
        # Which options of a field are ours that others fill too is not known.
        return [one.name for one in route.mapping.schema_fields if one.name not in kept and not one.appends]


def _was_never_there(row: Delivery) -> bool:
    """Whether every version of the record was refused, so that nothing of it is at the destination."""
    is_refused = row.status is Status.REJECTED and row.removal_at is None
    return is_refused and row.match_key is None and (row.destination_id is None or row.is_double)
