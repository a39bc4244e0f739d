"""docs/benchmarks.md says what benchmarks/results.json says, and each row of the table is there."""

from __future__ import annotations

import copy
import doctest
import json
import re
from typing import TYPE_CHECKING, Any

import generate_benchmarks as page
import pytest
from demo.project import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = json.loads((REPOSITORY / "benchmarks/results.json").read_text(encoding="utf-8"))
CHARTS = sorted((REPOSITORY / "docs/benchmarks").glob("*.svg"))
WANTED = {
    "tap": "80 % of it, and 6 x the stock SDK tap",
    "target": "60 % of it",
    "diff-duckdb": "at most 2 x, duplicate check included",
    "diff-postgresql": "at most 2.5 x, duplicate check included",
    "diff-duckdb-100m": "within 4 GB of memory",
    "calls": "the floor + 2 %",
    "cloud": "within 10 % of the limit",
    "scale": "same + 10 %, under 300 MB each, DuckDB's own 128 MB apart",
}
"""What is to be reached, by measurement; `calls` has a second row."""


def test_the_page_is_fresh() -> None:
    """`make bench-page` would change nothing."""
    assert page.PAGE.read_text(encoding="utf-8") == page.rendered(RESULTS)


def test_each_row_is_there() -> None:
    """The page has each row of the table, in short: what is to be reached, and what was found."""
    text = page.PAGE.read_text(encoding="utf-8")
    for row in page.ROWS:
        line = re.search(rf"^\| {re.escape(row.title)} \|.*\|$", text, re.MULTILINE)
        assert line is not None, row.title
        assert row.reach in line[0]
        assert re.search(r"\| (reached|\*\*not reached\*\*|not measured yet) \|$", line[0])
    reaches = {(row.measure, row.reach) for row in page.ROWS}
    assert reaches == {*WANTED.items(), ("calls", "0 write calls")}
    assert [row.title for row in page.ROWS if row.measure == "cloud"] == [
        f"wall time under the vendor's limit and 200 ms latency, {way}"
        for way in ("hubspot", "salesforce-rest", "mailchimp")
    ]


def test_rows_have_been_measured() -> None:
    """All but the diff of 100 million rows, which needs an idle machine and 30 GB of disk."""
    missing = {row.measure for row in page.ROWS} - RESULTS["measures"].keys()
    assert missing <= {"diff-duckdb-100m"}


@pytest.mark.parametrize("chart", CHARTS, ids=lambda path: path.stem)
def test_charts_are_fresh(chart: Path) -> None:
    """Each chart was drawn from these results."""
    assert f"results {page.digest(RESULTS)}" in chart.read_text(encoding="utf-8")


def test_all_charts_are_there() -> None:
    """The page shows each chart, and no other."""
    shown = re.findall(r"\]\(benchmarks/(\w+)\.svg\)", page.PAGE.read_text(encoding="utf-8"))
    assert sorted(shown) == [one.stem for one in CHARTS]


def verdict(title: str, measures: dict[str, Any]) -> str:
    """What the page says of a row."""
    text = page.rendered({**RESULTS, "measures": measures})
    line = re.search(rf"^\| {re.escape(title)} .*\| ([^|]+) \|$", text, re.MULTILINE)
    assert line is not None
    return line[1]


def test_a_row_is_reached_or_not_by_its_figures() -> None:
    """One write request more than the floor and 2 per cent is not reached; nothing measured is no verdict."""
    measures = copy.deepcopy(RESULTS["measures"])
    title = "API calls, all records new, then all changed"
    assert verdict(title, measures) == "reached"
    runs = measures["calls"]["figures"]["ways"]["hubspot"]["runs"]
    runs["changed"]["requests"]["writes"] = int(1.02 * measures["calls"]["figures"]["ways"]["hubspot"]["floor"]) + 1
    assert verdict(title, measures) == "**not reached**"
    runs["unchanged"]["requests"]["writes"] = 1
    assert verdict("second run, nothing changed", measures) == "**not reached**"
    del measures["calls"]
    assert verdict(title, measures) == page.NOT_YET


def test_doctests() -> None:
    """The examples of the generator hold."""
    assert doctest.testmod(page).failed == 0
