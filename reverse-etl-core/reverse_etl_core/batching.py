"""Operations into the fewest requests that the API accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.identity import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reverse_etl_core.operations import Operation
    from reverse_etl_core.schema import Limits

ENVELOPE_BYTES = 200
"""What the keys, ids and brackets around one record may take in a body; generous."""


def batches(operations: Iterable[Operation], limits: Limits) -> Iterator[Sequence[Operation]]:
    """Group operations into the fewest requests, in order.

    Args:
        operations: Any number, consumed lazily.
        limits: Records and bytes per request.

    Yields:
        Non-empty groups that, joined, equal `operations`. An operation that alone is larger than a request
        travels alone: the destination gives the verdict.

    >>> from reverse_etl_core.operations import Operation
    >>> from reverse_etl_core.schema import Limits
    >>> five = [Operation(str(n), str(n), {}) for n in range(5)]
    >>> [len(group) for group in batches(five, Limits(records_per_request=2))]
    [2, 2, 1]
    """
    group: list[Operation] = []
    size = 0
    for operation in operations:
        weight = len(encode(operation.fields)) + ENVELOPE_BYTES
        is_full = len(group) == limits.records_per_request or size + weight > limits.bytes_per_request
        if group and is_full:
            yield group
            group, size = [], 0
        group.append(operation)
        size += weight
    if group:
        yield group
