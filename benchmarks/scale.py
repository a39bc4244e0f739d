"""Peak memory: one million rows and ten through tap and target, many streams, large records, many columns.

    python benchmarks/scale.py --rows 1000000

- `rows`: the table of the design through the tap (`full`, then `diff` with nothing delivered before) and its unchanged
  records through a target, at `--rows` and at a tenth of it. DuckDB is part of the tap's process and held to 128 MB.
- `streams`: 50 streams in one run, as many rows together as one stream has.
- `large`: records of 1 MB.
- `wide`: 500 columns.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from processes import PYTHON, pipe, run
from tap import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TARGET = Path(__file__).with_name("target.py")
STREAMS = 50
WIDE = 500
MEGABYTE = 1_000_000
MOST_LARGE = 100
MOST_WIDE = 10_000
"""DuckDB has 2,048 rows in its hands at once, for some tables more: 200 rows of 1 MB, or 100,000 of 500 columns, do not
fit into its share."""
WAREHOUSE_MEMORY = "128MB"
QUIET = {"LOGLEVEL": "WARNING"}


def measure(rows: int = 1_000_000) -> dict[str, Any]:
    """Peak memory and seconds of each shape."""
    small = rows // 10
    large, wide = max(10, min(MOST_LARGE, rows // 10_000)), max(100, min(MOST_WIDE, rows // 100))
    found: dict[str, Any] = {
        "rows": rows,
        "warehouse_memory": WAREHOUSE_MEMORY,
        "streams": _shape(_tables(STREAMS, small // STREAMS), small, STREAMS),
        "large": _shape(_large(large), large),
        "wide": _shape(_wide(wide), wide),
        "rows_through": {str(count): _rows(count) for count in (small, rows)},
    }
    through = found["rows_through"]
    found["growth"] = {
        name: round(through[str(rows)][name]["peak_mb"] / through[str(small)][name]["peak_mb"], 3)
        for name in through[str(rows)]
    }
    return found


def _rows(count: int) -> dict[str, dict[str, float]]:
    """The tap, full and diff, and a target that finds everything unchanged."""
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        _create(folder, [TABLE.format(rows=count)])
        full = run(_tap(folder, ["customers"]), environment=QUIET)
        diff = run(_tap(folder, ["customers"], replication_method="LOG_BASED"), environment=QUIET)
        stream, ledger = folder / "customers.singer", f"sqlite:///{folder}/ledger.db"
        run([PYTHON, TARGET, "--write", "--stream", stream, "--records", count])
        command = [PYTHON, TARGET, "--stream", stream, "--ledger", ledger, "--variant"]
        first = run([*command, "first-load"])
        unchanged = run([*command, "unchanged"])
        size_mb = (folder / "ledger.db").stat().st_size / MEGABYTE
    used = {"tap_full": full, "tap_diff": diff, "target_first_load": first, "target_unchanged": unchanged}
    figures = {part: usage.figures() for part, usage in used.items()}
    figures["target_unchanged"]["ledger_mb"] = round(size_mb)
    return figures


def _shape(statements: list[str], records: int, streams: int = 1) -> dict[str, Any]:
    """`tap | target` over tables of a shape: everything new, then everything unchanged."""
    names = ["customers"] if streams == 1 else [f"customers{n}" for n in range(streams)]
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        _create(folder, statements)
        target = [PYTHON, TARGET, "--variant", "first-load", "--ledger", f"sqlite:///{folder}/ledger.db"]
        columns = ["--columns", folder / "columns.json"]
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
            described = connection.execute(f"SELECT * FROM {names[0]} LIMIT 0").description  # noqa: S608
        (folder / "columns.json").write_text(json.dumps([column[0] for column in described]), encoding="utf-8")
        figures: dict[str, Any] = {"records": records, "streams": streams, "columns": len(described)}
        for which in ("new", "unchanged"):
            used = pipe(_tap(folder, names), [*target, *columns, "--reports", folder], environment=QUIET)
            figures[which] = {part: usage.figures() for part, usage in zip(("tap", "target"), used, strict=True)}
            report = max(folder.glob("reports/*/report.json"), key=lambda path: path.stat().st_mtime_ns)
            figures[which]["totals"] = json.loads(report.read_text(encoding="utf-8"))["totals"]
    return figures


def _create(folder: Path, statements: list[str]) -> None:
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def _tap(folder: Path, names: list[str], **model: str) -> list[object]:
    models = [{"name": name, "table": name, "key_properties": ["id"], **model} for name in names]
    url = f"duckdb:///{folder}/warehouse.duckdb?memory_limit={WAREHOUSE_MEMORY}"
    config = {"sqlalchemy_url": url, "models": models, "sync_id": "benchmark"}
    if model:
        config["state_url"] = f"duckdb:///{folder}/state.duckdb?memory_limit={WAREHOUSE_MEMORY}"
    path = folder / "tap.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return [PYTHON, "-m", "tap_warehouse_model", "--config", path]


def _tables(count: int, rows: int) -> list[str]:
    return [TABLE.format(rows=rows).replace("TABLE customers", f"TABLE customers{n}") for n in range(count)]


def _large(rows: int) -> list[str]:
    note = f"repeat(printf('%08d', i), {MEGABYTE // 8})"
    return [f"CREATE TABLE customers AS SELECT i AS id, {note} AS note FROM range({rows}) AS r(i)"]  # noqa: S608


def _wide(rows: int) -> list[str]:
    columns = ", ".join(f"'value ' || (i + {n}) AS column_{n}" for n in range(WIDE - 1))
    return [f"CREATE TABLE customers AS SELECT i AS id, {columns} FROM range({rows}) AS r(i)"]  # noqa: S608


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """What is printed."""
    for count, parts in figures["rows_through"].items():
        for part, one in parts.items():
            yield f"{int(count):10,} rows {part:18} {one['peak_mb']:6.0f} MB {one['seconds']:8.2f} s"
    yield f"growth: {figures['growth']}"
    for shape in ("streams", "large", "wide"):
        for which in ("new", "unchanged"):
            tap, target = (figures[shape][which][part] for part in ("tap", "target"))
            yield (
                f"{shape:8} {which:10} {figures[shape]['records']:8,} records: tap {tap['peak_mb']:4.0f} MB, target "
                f"{target['peak_mb']:4.0f} MB, {target['seconds']:.2f} s, {figures[shape][which]['totals']}"
            )


def main() -> None:
    """Measure, print, and write JSON where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = measure(given.rows)
    print("\n".join(lines(figures)))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
