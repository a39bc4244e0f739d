"""Operations into the fewest requests that the API accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reverse_etl_core.schema import Limits

Item = TypeVar("Item")

ENVELOPE_BYTES = 200
"""What the keys, ids and brackets around one record may take in a body; generous."""


def batches(items: Iterable[Item], limits: Limits, size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Group items into the fewest requests, in order.

    Args:
        items: Any number, consumed lazily.
        limits: Records and bytes per request.
        size: Bytes of an item's fields as UTF-8 JSON.

    Yields:
        Non-empty groups that, joined, equal `items`. An item that alone is larger than a request travels
        alone: the destination gives the verdict.

    >>> from reverse_etl_core.schema import Limits
    >>> [len(group) for group in batches(range(5), Limits(records_per_request=2), lambda item: 10)]
    [2, 2, 1]
    """
    group: list[Item] = []
    total = 0
    for item in items:
        weight = size(item) + ENVELOPE_BYTES
        is_full = len(group) == limits.records_per_request or total + weight > limits.bytes_per_request
        if group and is_full:
            yield group
            group, total = [], 0
        group.append(item)
        total += weight
    if group:
        yield group
