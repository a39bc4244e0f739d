"""A slice of the keys: what one of several workers emits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Slice:
    """One of `count` parts of every model's keys, counted from 0.

    >>> str(Slice(1, 4))
    '1/4'
    """

    index: int = 0
    count: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether it holds every key."""
        return self.count == 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_slice(config: Mapping[str, Any], problems: list[str]) -> Slice:
    """Return the slice that the settings name; what is wrong with them is added to `problems`."""
    count, index = config.get("partition_count"), config.get("partition_index")
    if count is None and index is None:
        return Slice()
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        problems.append("'partition_count' must be a whole number, 1 or more.")
        return Slice()
    if index is None and count == 1:
        return Slice()
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
        problems.append(
            f"'partition_index' must be a whole number from 0 to {count - 1}: the slice that this worker emits."
        )
        return Slice()
    return Slice(index, count)
