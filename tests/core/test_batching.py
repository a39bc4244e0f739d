"""Operations into the fewest requests."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from reverse_etl_core.batching import ENVELOPE_BYTES, batches
from reverse_etl_core.schema import Limits

sizes = st.lists(st.integers(0, 2000), max_size=60)
limits = st.builds(Limits, st.integers(1, 10), st.integers(1, 5000))


@given(sizes, limits)
def test_batches_joined_equal_the_input(items: list[int], limit: Limits) -> None:
    """Nothing is lost, doubled, reordered or empty."""
    groups = list(batches(items, limit, int))
    assert [item for group in groups for item in group] == items
    assert all(groups)


@given(sizes, limits)
def test_batches_keep_the_limits(items: list[int], limit: Limits) -> None:
    """Neither count nor bytes are passed, but by an item that alone is too large and travels alone."""
    for group in batches(items, limit, int):
        assert len(group) <= limit.records_per_request
        assert len(group) == 1 or sum(group) + ENVELOPE_BYTES * len(group) <= limit.bytes_per_request


@given(sizes, limits)
def test_batches_are_the_fewest(items: list[int], limit: Limits) -> None:
    """No group could have taken the first item of the next one: in order, fewer requests are not possible."""
    groups = list(batches(items, limit, int))
    for group, following in itertools.pairwise(groups):
        weight = sum(group) + following[0] + ENVELOPE_BYTES * (len(group) + 1)
        assert len(group) == limit.records_per_request or weight > limit.bytes_per_request
