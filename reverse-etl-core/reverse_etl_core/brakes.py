"""Brakes: stop before harm, with the way on (guarantee G6). Pure: whoever asks holds what they find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_etl_core.config import MAX_REMOVED_PERCENT
from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections import Counter

    from reverse_etl_core.tally import Tally

RECORDS_BEFORE_CHECK = 100
"""A share of fewer records says little while the input still flows."""

RECORDS_AT_END = 10

HELD_FOR_DEFAULT = 10
"""The default share of removals is not applied to fewer records, where one is a tenth of all; one that was set is."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A limit that was passed.

    Attributes:
        reason: What and which, in words that follow "Stream 'x': ".
        remedy: What to do about it.
        counted: Records that it concerns.
        base: Of so many.
    """

    reason: str
    remedy: str
    counted: int
    base: int


@dataclass(frozen=True, slots=True)
class RejectionBrake:
    """Stops a run that rejects too much: usually the model or a setting is wrong, not the rows.

    Attributes:
        max_rejected: Count that is tolerated; `None` for any.
        max_percent: Share of the records read that is tolerated.
    """

    max_rejected: int | None
    max_percent: float

    def violation(self, tally: Tally, *, at_end: bool) -> Violation | None:
        """Look at the rejected records of the stream so far; replays from the ledger do not count.

        Records that were rejected before do count: a run that is repeated after a brake must brake again.
        """
        rejected = tally.fates[Fate.REJECTED] - tally.waiting[False]
        if self.max_rejected is not None and rejected > self.max_rejected:
            return _too_many_rejected(tally, f"'max_rejected' is {self.max_rejected}")
        if tally.read < (RECORDS_AT_END if at_end else RECORDS_BEFORE_CHECK):
            return None
        if rejected * 100 > self.max_percent * tally.read:
            return _too_many_rejected(tally, f"'max_rejected_percent' is {self.max_percent:g}")
        return None


def _too_many_rejected(tally: Tally, limit: str) -> Violation:
    rejected = tally.fates[Fate.REJECTED]
    return Violation(
        f"{rejected} of {tally.read} records were rejected ({_most_common(tally.codes)}) and {limit}.",
        "Mend the model or the mapping; the rejected records are in the ledger with their reasons.",
        rejected,
        tally.read,
    )


def _most_common(codes: Counter[str]) -> str:
    return ", ".join(f"{count} {code}" for code, count in codes.most_common(3))


@dataclass(frozen=True, slots=True)
class RemovalBrake:
    """Stops before the first removal when too much of what was delivered is gone from the source.

    Attributes:
        max_removed: Count that is tolerated; `None` for any.
        max_percent: Share of the delivered records that is tolerated; `None` for the default, which small syncs are
            free of.
    """

    max_removed: int | None = None
    max_percent: float | None = None

    def violation(self, removals: int, held: int) -> Violation | None:
        """Look at the removals of a stream once its input has ended.

        Args:
            removals: Records that would be removed.
            held: Records that the sync has at the destination, those included.
        """
        if self.max_removed is not None and removals > self.max_removed:
            return _too_many_removed(removals, held, f"'max_removed' is {self.max_removed}")
        percent = self.max_percent
        if percent is None:
            percent = MAX_REMOVED_PERCENT if held >= HELD_FOR_DEFAULT else 100
        if removals * 100 > percent * held:
            return _too_many_removed(removals, held, f"'max_removed_percent' is {percent:g}")
        return None


def _too_many_removed(removals: int, held: int, limit: str) -> Violation:
    return Violation(
        f"{removals} of {held} delivered records are gone from the source and {limit}. None of them was removed.",
        "If the model is wrong, mend it: records that come back are kept.",
        removals,
        held,
    )
