"""The tap's diff against its bound: one scan of the model that computes the same hashes.

    python benchmarks/diff.py --rows 5000000 --warehouse duckdb
    python benchmarks/diff.py --rows 100000000 --repeat 1 --memory-limit 3GB     # an hour, 30 GB of disk

A model of 12 columns is delivered once; then 1 % of its rows change (0.8 % updated, 0.1 % added, 0.1 % removed), and
the time from the lease to the frozen plan is measured, check for duplicate keys included.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import processes
import psycopg
import sqlalchemy as sa
from processes import PYTHON, spread

from tap_warehouse_model.config import TapConfig
from tap_warehouse_model.diff import sync
from tap_warehouse_model.diff.store import store_of
from tap_warehouse_model.settings import SETTINGS
from tap_warehouse_model.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from tap_warehouse_model.diff.position import Position

COLUMNS = """
    i AS id, 'user' || i || '@example.com' AS email, 'First' || (i % 1000) AS first_name,
    'Last' || (i % 5000) AS last_name, CAST((i % 97) / 10.0 AS decimal(18, 2)) AS amount,
    CAST(i * 0.37 AS double precision) AS score, i % 2 = 0 AS active,
    DATE '2020-01-01' + CAST(i % 1000 AS integer) AS born,
    TIMESTAMP '2024-01-01' + (i % 100000) * INTERVAL '1 minute' AS created_at,
    TIMESTAMPTZ '2024-01-01 00:00:00+00' + (i % 50000) * INTERVAL '1 minute' AS seen_at,
    'plan' || (i % 3) AS plan, i % 1000 AS visits
"""
CHANGES = (
    "UPDATE model SET plan = 'changed' WHERE id % 125 = 7",
    "DELETE FROM model WHERE id % 1000 = 13",
)


def main() -> None:
    """Measure, print, and write the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--warehouse", choices=["duckdb", "postgresql", "copied"], default="duckdb")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory-limit", default="4GB", help="DuckDB's")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.build:
        with duckdb.connect(str(arguments.build)) as connection:
            connection.execute(f"SET memory_limit = '{arguments.memory_limit}'")
            connection.execute(f"CREATE TABLE model AS {_rows(1, arguments.rows)}")
        return
    with tempfile.TemporaryDirectory(prefix="diff-") as folder, _Disk(Path(folder)) as disk:
        figures = _measured(Path(folder), arguments)
    figures["disk_peak_mb"] = round(disk.peak_mb)
    print(json.dumps(figures, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures), encoding="utf-8")


def _measured(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    url, run = _database(folder, arguments)
    if arguments.warehouse == "postgresql":
        run(f"CREATE TABLE model AS {_rows(1, arguments.rows)}")
    else:  # in a process of its own, so that its memory is not counted
        command = [PYTHON, __file__, "--build", folder / "warehouse.duckdb", "--rows", arguments.rows]
        processes.run([*command, "--memory-limit", arguments.memory_limit])
    settings: dict[str, Any] = {
        "sqlalchemy_url": url,
        "sync_id": "bench",
        "models": [{"name": "model", "table": "model", "key_properties": ["id"], "replication_method": "LOG_BASED"}],
    }
    if arguments.warehouse != "postgresql":
        settings["state_url"] = f"duckdb:///{folder}/state.duckdb?memory_limit={arguments.memory_limit}"
    config = TapConfig.from_mapping(settings, root=folder, known=SETTINGS["properties"])
    bench = _Bench(config)
    first_s, position = bench.plan(None)
    settle_s, position = bench.plan(position)
    figures: dict[str, Any] = {"rows": arguments.rows, "first_plan_s": first_s, "fold_all_and_unchanged_s": settle_s}
    run(*CHANGES)
    run(f"INSERT INTO model {_rows(arguments.rows + 1, arguments.rows * 1001 // 1000)}")
    scans, diffs = [], []
    for _ in range(arguments.repeat):
        scans.append(bench.scan())
        seconds, reached = bench.plan(position, emits=False)
        diffs.append(seconds)
    figures |= {
        "changes": reached.of,
        "scan_s": spread(scans),
        "diff_s": spread(diffs),
        "ratio": spread([diff / scan for diff, scan in zip(diffs, scans, strict=True)]),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),  # DuckDB is part of this process
        "memory_limit": arguments.memory_limit,
    }
    for file in folder.glob("*.duckdb"):
        figures[f"{file.stem}_mb"] = round(file.stat().st_size / 1e6)
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}


class _Disk:
    """What a folder holds at most, looked at every half second: files that a warehouse spills, too."""

    def __init__(self, folder: Path) -> None:
        self.peak_mb = 0.0
        self._folder = folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.5):
            self.peak_mb = max(self.peak_mb, sum(_size(path) for path in self._folder.rglob("*")) / 1e6)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:  # it is gone by now
        return 0


def _rows(first: int, last: int) -> str:
    return f"SELECT {COLUMNS} FROM generate_series({first}, {last}) AS t(i)"  # noqa: S608


def _database(folder: Path, arguments: argparse.Namespace) -> tuple[str, Callable[..., None]]:
    if arguments.warehouse == "duckdb":
        path = folder / "warehouse.duckdb"

        def run_duckdb(*statements: str) -> None:
            with duckdb.connect(str(path)) as connection:
                for statement in statements:
                    connection.execute(statement)

        return f"duckdb:///{path}?memory_limit={arguments.memory_limit}", run_duckdb
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver  # noqa: PLC0415 - it warns while it is imported

    url = pgserver.get_server(folder / "postgres", cleanup_mode="delete").get_uri()
    for setting in ("shared_buffers = '1GB'", "work_mem = '128MB'", "jit = off", "max_wal_size = '8GB'"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
    pgserver.get_server(folder / "postgres").cleanup()
    url = pgserver.get_server(folder / "postgres", cleanup_mode="delete").get_uri()

    def run_postgresql(*statements: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
            connection.execute(b"VACUUM ANALYZE model")

    return url, run_postgresql


class _Bench:
    def __init__(self, config: TapConfig) -> None:
        self._model = config.models[0]
        self._warehouse = Warehouse(config)
        columns = self._warehouse.describe(self._model)
        self._warehouse.release()
        self._keys, self._columns = list(columns[:1]), list(columns[1:])
        self._store = store_of(config)

    def plan(self, position: Position | None, *, emits: bool = True) -> tuple[float, Position]:
        """Return the seconds until a plan was frozen, and the position after all of it was read."""
        baseline = sync.baseline_of(
            self._warehouse, self._model, keys=self._keys, columns=self._columns, logger=logging.getLogger("diff")
        )
        started = time.perf_counter()
        with baseline.plan(position) as plan:
            seconds = time.perf_counter() - started
            for _, _changes in plan.pages() if emits else ():
                plan.adapt(100.0)
        return seconds, plan.position

    def scan(self) -> float:
        """Return the seconds of one scan that computes the hash of each row."""
        parts = sync.Parts(self._warehouse, self._model, self._keys, self._columns, self._store)
        stage = parts.source("0" * 16).stage().subquery("s")
        started = time.perf_counter()
        if self._store.has_model:
            with self._store.transaction("scan", with_model=True) as connection:
                connection.execute(sa.select(sa.func.max(sa.cast(stage.c[1], sa.String)))).all()
        else:
            with self._warehouse.selected(self._model, sa.select(sa.func.max(stage.c[1]))) as reader:
                reader.fetch()
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
