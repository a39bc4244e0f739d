"""The benchmark itself: it runs, and its variants write the same records."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "tap.py"


def benchmark() -> ModuleType:
    """Load the file, which is no package, and finds its neighbours by the path of its folder."""
    if str(BENCHMARK.parent) not in sys.path:
        sys.path.append(str(BENCHMARK.parent))
    spec = importlib.util.spec_from_file_location("benchmark_tap", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_measures_every_variant() -> None:
    """A small run yields seconds and ratios for all."""
    results = benchmark().measure(1000, repeat=1, variants=("bound", "tap"))
    assert set(results["variants"]) == {"bound", "tap"}
    assert results["ratios"]["tap_to_bound"]["median"] > 0


def test_the_bound_writes_what_the_tap_writes(tmp_path: Path, run_tap: Any) -> None:
    """The comparison is fair: stock, bound and tap emit equal records."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(benchmark().TABLE.format(rows=50))
    ours = run_tap({"sqlalchemy_url": f"duckdb:///{path}", "models": [{"name": "customers", "table": "customers"}]})
    for variant in ("bound", "stock"):
        result = subprocess.run(
            [sys.executable, BENCHMARK, "--variant", variant, "--database", path], capture_output=True, check=True
        )
        messages = [json.loads(line, parse_float=Decimal) for line in result.stdout.splitlines()]
        records = [message["record"] for message in messages if message["type"] == "RECORD"]
        if variant == "bound":
            assert records == ours.records()
        assert len(records) == 50
        assert [record["email"] for record in records] == [record["email"] for record in ours.records()]


def test_the_diff_is_measured_against_a_scan(tmp_path: Path) -> None:
    """One per cent of the rows changes, and all of it is found."""
    path = tmp_path / "diff.json"
    command = [sys.executable, BENCHMARK.with_name("diff.py"), "--rows", "200000", "--json", path]
    subprocess.run(command, capture_output=True, check=True)
    figures = json.loads(path.read_text(encoding="utf-8"))
    assert figures["changes"] == 2000
    assert 0 < figures["ratio"]["min"] < 6
