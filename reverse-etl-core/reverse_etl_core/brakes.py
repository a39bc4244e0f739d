"""Brakes: stop before harm, with the way on (guarantee G6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverse_etl_core.errors import BrakeError
from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections import Counter

    from reverse_etl_core.tally import Tally

RECORDS_BEFORE_CHECK = 100
"""A share of fewer records says little while the input still flows."""

RECORDS_AT_END = 10


@dataclass(frozen=True, slots=True)
class RejectionBrake:
    """Stops a run that rejects too much: usually the model or a setting is wrong, not the rows.

    Attributes:
        max_rejected: Count that is tolerated; `None` for any.
        max_percent: Share of the records read that is tolerated.
    """

    max_rejected: int | None
    max_percent: float

    def check(self, stream: str, tally: Tally, *, at_end: bool) -> None:
        """Look at the rejected records of the stream so far; replays from the ledger do not count.

        Records that were rejected before do count: a run that is repeated after a brake must brake again.

        Raises:
            BrakeError: Too many.
        """
        rejected = tally.fates[Fate.REJECTED] - tally.waiting[False]
        if self.max_rejected is not None and rejected > self.max_rejected:
            raise BrakeError(self._message(stream, tally, f"'max_rejected' is {self.max_rejected}"))
        if tally.read < (RECORDS_AT_END if at_end else RECORDS_BEFORE_CHECK):
            return
        if rejected * 100 > self.max_percent * tally.read:
            raise BrakeError(self._message(stream, tally, f"'max_rejected_percent' is {self.max_percent:g}"))

    def _message(self, stream: str, tally: Tally, limit: str) -> str:
        return (
            f"Stream '{stream}': {tally.fates[Fate.REJECTED]} of {tally.read} records were rejected "
            f"({_most_common(tally.codes)}) and {limit}. Mend the model or the mapping; the rejected records are in "
            "the ledger with their reasons. To accept this share once, raise the setting for one run."
        )


def _most_common(codes: Counter[str]) -> str:
    return ", ".join(f"{count} {code}" for code, count in codes.most_common(3))
