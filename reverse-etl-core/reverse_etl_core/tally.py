"""What became of every record that was read (guarantee G1)."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field

from reverse_etl_core.errors import AccountingError


class Fate(str, enum.Enum):
    """Every record read ends as exactly one of these."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    DEFERRED = "deferred"


@dataclass(slots=True)
class Tally:
    """Counts of one stream.

    Attributes:
        read: Records that arrived.
        fates: What became of them.
        codes: Rejections and deferrals by code.
        retried: Earlier rejects and unfinished records that this run settled; not among `read`.
        waiting: Rejected records whose parent may still arrive in this run, by whether they come from the ledger.
    """

    read: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    retried: Counter[Fate] = field(default_factory=Counter)
    waiting: Counter[bool] = field(default_factory=Counter)

    def settle(
        self, fate: Fate, count: int = 1, *, code: str = "", is_replay: bool = False, is_waiting: bool = False
    ) -> None:
        """Count records.

        Args:
            fate: What became of them.
            count: How many.
            code: Of a rejection or deferral.
            is_replay: They come from the ledger and not from the stream.
            is_waiting: They are rejected for a parent that may still arrive in this run.
        """
        if not count:
            return
        self.waiting[is_replay] += count if is_waiting else 0
        if is_replay:
            self.retried[fate] += count
            return
        self.fates[fate] += count
        if code:
            self.codes[code] += count

    def take_back(self, code: str, *, is_replay: bool) -> None:
        """Count a waiting record no longer as rejected: it is tried once more."""
        self.waiting[is_replay] -= 1
        if is_replay:
            self.retried[Fate.REJECTED] -= 1
            return
        self.fates[Fate.REJECTED] -= 1
        self.codes[code] -= 1
        if not self.codes[code]:
            del self.codes[code]

    def verify(self, stream: str) -> None:
        """Check that every record has one fate.

        Raises:
            AccountingError: The counts differ, which is a defect of this suite.
        """
        settled = sum(self.fates.values())
        if settled != self.read:
            msg = (
                f"Stream '{stream}': {self.read} records were read but {settled} are accounted for. "
                "Please report this; the next run delivers what is missing."
            )
            raise AccountingError(msg)

    def as_dict(self) -> dict[str, int]:
        """All counts, zero ones included."""
        return {"read": self.read} | {fate.value: self.fates[fate] for fate in Fate}
