"""Memory does not grow with rows, streams, large records or many columns."""

from __future__ import annotations

from typing import Any

import pytest
import scale

MOST_MB = 300
DUCKDB_MB = 128
"""Of each embedded database of the tap: the warehouse, and with the diff its state."""
CACHE_MB = 64
"""Of SQLite, which a larger ledger fills."""


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    """A hundred thousand rows, and a million."""
    return scale.measure(1_000_000)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_memory_is_constant_in_the_number_of_rows(figures: dict[str, Any]) -> None:
    """G9: ten times the rows take no more, but for what the ledger's cache holds, and less than 300 MB."""
    for part in ("tap_full", "tap_diff", "target_unchanged"):
        peak = figures["rows_through"]["1000000"][part]["peak_mb"]
        embedded = {"tap_full": 1, "tap_diff": 2}.get(part, 0) * DUCKDB_MB
        assert peak <= MOST_MB + embedded, (part, figures["growth"])
        small = figures["rows_through"]["100000"][part]["peak_mb"]
        assert peak <= 1.1 * small + (CACHE_MB if part == "target_unchanged" else embedded), figures["growth"]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_streams_large_records_and_many_columns_fit_into_memory(figures: dict[str, Any]) -> None:
    """50 streams in one run, records of 1 MB and 500 columns are delivered, found unchanged, and stay under 300 MB."""
    for shape in ("streams", "large", "wide"):
        one = figures[shape]
        assert one["new"]["totals"]["created"] == one["records"], shape
        assert one["unchanged"]["totals"]["unchanged"] == one["records"], shape
        for which in ("new", "unchanged"):
            assert one[which]["target"]["peak_mb"] <= MOST_MB, shape
            assert one[which]["tap"]["peak_mb"] <= MOST_MB + DUCKDB_MB, shape
