"""How fast the tap reads: against the SDK as one would use it, and against no SDK at all.

Every variant is a process of its own that writes Singer messages to /dev/null, start-up included:

- `stock`: a tap as the SDK's documentation teaches it: a Stream whose `get_records` yields SQLAlchemy mappings.
- `bound`: no SDK; `fetchmany` and msgspec, chunk by chunk, with the columns already cast in SQL.
- `naive`: the same without casting: TIMESTAMPTZ becomes `datetime` in Python.
- `tap`: this tap.

Run: python benchmarks/tap.py --rows 1000000
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
from processes import PYTHON, Usage, in_turn, ratios, run, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STREAM = "customers"
VARIANTS = ("stock", "naive", "bound", "tap")
REACH = {"tap_to_stock": 6.0, "tap_to_bound": 0.8}

TABLE = """
CREATE TABLE customers AS SELECT
    i AS id, 'user' || i || '@example.com' AS email, 'First ' || i AS first_name, 'Last ' || i % 1000 AS last_name,
    (18 + i % 80)::INTEGER AS age, (i * 0.01)::DECIMAL(18, 2) AS lifetime_value, random() AS churn_risk,
    i % 2 = 0 AS is_active, DATE '2020-01-01' + (i % 1000)::INTEGER AS signed_up_on,
    TIMESTAMP '2024-01-01' + to_seconds(i) AS updated_at,
    TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds(i) AS seen_at,
    'Some longer text about customer ' || i || ', as a note would have' AS note
FROM range({rows}) AS r(i)
"""
ISO = "'%Y-%m-%dT%H:%M:%S.%f+00:00'"
CAST_IN_SQL = f"""
SELECT * REPLACE (
    strftime(seen_at AT TIME ZONE 'UTC', {ISO}) AS seen_at, strftime(updated_at, {ISO}) AS updated_at,
    CAST(signed_up_on AS VARCHAR) AS signed_up_on
) FROM customers
"""  # noqa: S608


def measure(
    rows: int = 1_000_000, *, repeat: int = 3, repeat_stock: int = 1, variants: tuple[str, ...] = VARIANTS
) -> dict[str, Any]:
    """Return seconds, records per second and ratios.

    Args:
        rows: Rows of the table, 12 columns.
        repeat: How often each variant runs; they take turns, so that a slow moment hits all.
        repeat_stock: The same of `stock`, which takes minutes.
        variants: Which to run.
    """
    with tempfile.TemporaryDirectory(prefix="tap-") as folder:
        path = Path(folder) / "warehouse.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute(TABLE.format(rows=rows))
        starts = {variant: _start(variant, path) for variant in variants}
        stock = {"stock": starts.pop("stock")} if "stock" in starts else {}
        found = {**in_turn(stock, repeat_stock), **in_turn(starts, repeat)}
    for one in found.values():
        one["records_per_s"] = round(rows / one["seconds"]["median"])
    return {"rows": rows, "variants": found, "ratios": dict(_ratios(found))}


def _ratios(found: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, float]]]:
    """How many times as fast the tap is, pair by pair; to `stock`, by the medians."""
    for other in found.keys() - {"tap"} if "tap" in found else ():
        one, tap = found[other], found["tap"]
        if len(one["each"]) == len(tap["each"]):
            yield f"tap_to_{other}", ratios(one, tap)
        else:
            yield f"tap_to_{other}", spread([seconds / tap["seconds"]["median"] for seconds in one["each"]])


def _start(variant: str, path: Path) -> Callable[[], Usage]:
    """What runs a variant's process."""
    config = path.with_suffix(".json")
    config.write_text(
        json.dumps(
            {
                "sqlalchemy_url": f"duckdb:///{path}",
                "models": [{"name": STREAM, "table": STREAM, "key_properties": ["id"]}],
            }
        ),
        encoding="utf-8",
    )
    command = [PYTHON, __file__, "--variant", variant, "--database", str(path)]
    if variant == "tap":
        command = [PYTHON, "-m", "tap_warehouse_model", "--config", str(config)]
    return lambda: run(command, environment={"LOGLEVEL": "WARNING"})


def _run_stock(path: str) -> None:
    import singer_sdk.typing as th  # noqa: PLC0415 - only this variant pays for the import
    import sqlalchemy as sa  # noqa: PLC0415
    from singer_sdk import Stream, Tap  # noqa: PLC0415

    class Customers(Stream):
        name = STREAM
        primary_keys = ("id",)
        schema = th.PropertiesList(
            th.Property("id", th.IntegerType),
            *[th.Property(name, th.StringType) for name in ("email", "first_name", "last_name", "note")],
            th.Property("age", th.IntegerType),
            th.Property("lifetime_value", th.NumberType),
            th.Property("churn_risk", th.NumberType),
            th.Property("is_active", th.BooleanType),
            th.Property("signed_up_on", th.DateType),
            th.Property("updated_at", th.DateTimeType),
            th.Property("seen_at", th.DateTimeType),
        ).to_dict()

        def get_records(self, context: object) -> Iterator[dict[str, Any]]:  # noqa: ARG002
            engine = sa.create_engine(f"duckdb:///{path}", connect_args={"read_only": True})
            with engine.connect().execution_options(stream_results=True) as connection:
                for row in connection.execute(sa.text("SELECT * FROM customers")).mappings():
                    yield dict(row)

    class StockTap(Tap):
        name = "tap-stock"
        config_jsonschema = th.PropertiesList().to_dict()

        def discover_streams(self) -> list[Stream]:
            return [Customers(self)]

    StockTap().sync_all()


def _run_naive(path: str) -> None:
    _fetch_and_encode(path, "SELECT * FROM customers")


def _run_bound(path: str) -> None:
    _fetch_and_encode(path, CAST_IN_SQL)


def _fetch_and_encode(path: str, query: str) -> None:
    """Write the messages that the tap writes, with nothing else around it."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    connection = duckdb.connect(path, read_only=True)
    connection.execute("SET TimeZone = 'UTC'")
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    output = sys.stdout.buffer
    while rows := cursor.fetchmany(10_000):
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00", time.gmtime())
        messages = [
            {"type": "RECORD", "stream": STREAM, "record": dict(zip(names, row, strict=True)), "time_extracted": now}
            for row in rows
        ]
        output.write(encoder.encode_lines(messages))
    output.flush()


_RUNNERS: dict[str, Callable[[str], None]] = {"stock": _run_stock, "naive": _run_naive, "bound": _run_bound}


def lines(results: dict[str, Any]) -> Iterator[str]:
    """What is printed."""
    yield f"{results['rows']:,} rows x 12 columns from DuckDB, to /dev/null, start-up included"
    for variant, one in results["variants"].items():
        yield (
            f"  {variant:6} {one['seconds']['median']:8.2f} s {one['records_per_s']:12,} records/s "
            f"{one['peak_mb']['max']:5.0f} MB"
        )
    for name, ratio in results["ratios"].items():
        wanted = f" (to reach: {REACH[name]})" if name in REACH else ""
        yield f"  {name}: {ratio}{wanted}"


def main() -> None:
    """Parse arguments; `--variant` is how the benchmark calls itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, in turn; `stock` runs once")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--variant", choices=_RUNNERS, help=argparse.SUPPRESS)
    parser.add_argument("--database", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.variant:
        _RUNNERS[arguments.variant](arguments.database)
        return
    results = measure(arguments.rows, repeat=arguments.repeat)
    print("\n".join(lines(results)))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
