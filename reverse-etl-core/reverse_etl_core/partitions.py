"""Which part of a sync's records this worker delivers, where several share it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Partition:
    """One of `count` parts of a sync, counted from 0. Which records are in it, the tap decides.

    >>> str(Partition(1, 4)), Partition(1, 4).name, Partition().name
    ('1/4', '1/4', None)
    """

    index: int = 0
    count: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether it is the only one."""
        return self.count == 1

    @property
    def name(self) -> str | None:
        """What the ledger calls it; `None` for the whole."""
        return None if self.is_whole else str(self)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_partition(config: Mapping[str, Any], problems: list[str]) -> Partition:
    """Return the part that the settings name; what is wrong with them is added to `problems`."""
    count, index = config.get("partition_count"), config.get("partition_index")
    if count is None and index is None:
        return Partition()
    parts, number = _whole(count), _whole(index)
    if parts is None or parts < 1:
        problems.append("'partition_count' must be a whole number, 1 or more.")
        return Partition()
    if index is None and parts == 1:
        return Partition()
    if number is None or not 0 <= number < parts:
        problems.append(
            f"'partition_index' must be a whole number from 0 to {parts - 1}: the slice that this worker delivers."
        )
        return Partition()
    if parts > 1 and not str(config.get("ledger_url") or "").startswith("postgresql"):
        problems.append(
            "'partition_count' needs a ledger that all workers reach, and that keeps one rate limit for them. Set "
            "'ledger_url' to a PostgreSQL database, like postgresql+psycopg://…, or remove the setting."
        )
    return Partition(number, parts)


def _whole(value: object) -> int | None:
    """A whole number; also as text, as environment variables have it."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value != int(value):
        return None
    return int(value)
