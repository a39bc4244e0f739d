"""What is in memory at once follows the size of the rows, not their number: bytes are counted, not seconds."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tracemalloc
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from tap_warehouse_model.tap import TapWarehouseModel

MEASURED = Path(__file__).parents[2] / "benchmarks" / "measured.py"
METHODS = ("FULL_TABLE", "INCREMENTAL", "LOG_BASED")
MEGABYTE = 1_000_000


class Counting(io.RawIOBase):
    """Keeps nothing of what is written to it but how many records there were, and the most bytes at once."""

    def __init__(self) -> None:
        self.records = self.longest = 0

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, lines: Any) -> int:
        """Count."""
        text = bytes(lines)
        self.records += text.count(b'"type":"RECORD"')
        self.longest = max(self.longest, len(text))
        return len(text)


def rows(*parts: tuple[int, int]) -> str:
    """Return a statement that creates the table `notes`: so many rows of so many characters, part by part."""
    selects, above = [], 0
    for count, length in parts:
        note = f"repeat(CAST(n % 10 AS VARCHAR), {length})"
        selects.append(f"SELECT n, {note} AS note FROM generate_series({above + 1}, {above + count}) AS s(n)")  # noqa: S608
        above += count
    return f"CREATE TABLE notes AS {' UNION ALL '.join(selects)}"


def emitted(database: Any, method: str, folder: Path) -> tuple[Counting, float]:
    """Emit the table, and return what was written and the megabytes that Python held at once."""
    model: dict[str, Any] = {"name": "notes", "table": "notes", "key_properties": ["n"], "replication_method": method}
    if method == "INCREMENTAL":
        model["replication_key"] = "n"
    config = database.config(model, sync_id="crm")
    if method == "LOG_BASED" and database.name == "duckdb":
        config["state_url"] = f"duckdb:///{folder}/state.duckdb"
    counting = Counting()
    with redirect_stdout(io.TextIOWrapper(io.BufferedWriter(counting), encoding="utf-8", write_through=True)):
        tap = TapWarehouseModel(config=config)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            tap.sync_all()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    return counting, (peak - before) / MEGABYTE


@pytest.mark.parametrize("method", METHODS)
def test_of_large_rows_few_are_in_memory_at_once(database: Any, method: str, tmp_path: Path) -> None:
    """150 rows of 200 kB: a few of them without the diff, a page of 4 MB with it, from the first row on."""
    database.execute(rows((150, 200_000)))
    written, peak_mb = emitted(database, method, tmp_path)
    assert written.records == 150
    assert written.longest < 1.1 * MEGABYTE
    assert peak_mb < (12 if method == "LOG_BASED" else 6)


@pytest.mark.parametrize("method", METHODS)
def test_where_rows_become_large_memory_does_not_jump(database: Any, method: str, tmp_path: Path) -> None:
    """Among what is fetched at once the large ones are held once, and written in pieces; a page of the diff ends."""
    database.execute(rows((2000, 1), (1500, 20_000)))
    written, peak_mb = emitted(database, method, tmp_path)
    assert written.records == 3500
    assert written.longest < 1.1 * MEGABYTE
    fetched_mb = 20 if database.name == "postgresql" else 5  # 1000 and 256 rows
    assert peak_mb < fetched_mb + (10 if method == "LOG_BASED" else 5)


def test_a_process_needs_no_more_for_large_rows(postgres: Any, tmp_path: Path) -> None:
    """The diff of 60 rows of 1 MB from a server: its driver holds rows too, but not all of them."""
    peaks_mb = []
    for length in (1, MEGABYTE):
        postgres.execute("DROP TABLE IF EXISTS notes", rows((60, length)))
        model = {"name": "notes", "table": "notes", "key_properties": ["n"], "replication_method": "LOG_BASED"}
        peaks_mb.append(peak_of(postgres.config(model, sync_id="crm"), tmp_path))
    assert peaks_mb[1] - peaks_mb[0] < 50


def peak_of(config: dict[str, Any], folder: Path) -> float:
    """Run the command, and return the most megabytes that its process held."""
    path, result = folder / "config.json", folder / "result.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "tap_warehouse_model", "--config", path]
    subprocess.run([sys.executable, MEASURED, result, *command], stdout=subprocess.DEVNULL, check=True)
    peak_mb: float = json.loads(result.read_text(encoding="utf-8"))["peak_mb"]
    return peak_mb
