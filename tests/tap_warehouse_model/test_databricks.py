"""Databricks' dialect on a local Spark, whose SQL Databricks runs: what both understand is run for real.

Not shown here: the driver itself, Delta Lake's UPDATE and DELETE, Unity Catalog, GEOGRAPHY.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from warehouses.environments import environment
from warehouses.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.long

SCRIPT = Path(__file__).parents[1] / "warehouses/spark_runs.py"
URL = "databricks://token:hunter2@localhost?http_path=p&catalog=spark_catalog&schema=default"
INTEGER, NUMBER, TEXT = ({"type": [name, "null"]} for name in ("integer", "number", "string"))
TIMESTAMP = {**TEXT, "format": "date-time"}
ARRAY, OBJECT = {"type": ["array", "null"], "items": {}}, {"type": ["object", "null"]}
TYPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "CAST(-128 AS TINYINT)": (-128, INTEGER),
    "CAST(9223372036854775807 AS BIGINT)": (9223372036854775807, INTEGER),
    "CAST('12345678901234567890' AS DECIMAL(20,0))": (12345678901234567890, INTEGER),
    "CAST('12345678901234567890.123456789' AS DECIMAL(38,9))": (Decimal("12345678901234567890.123456789"), NUMBER),
    "CAST('1.10' AS DECIMAL(9,2))": (Decimal("1.10"), NUMBER),
    "CAST(0.1 AS FLOAT)": (Decimal("0.1"), NUMBER),
    "CAST('NaN' AS DOUBLE)": (None, NUMBER),
    "true": (True, {"type": ["boolean", "null"]}),
    "'ä 100% %s \"q\" 日本'": ('ä 100% %s "q" 日本', TEXT),
    "DATE '0044-03-15'": ("0044-03-15", {**TEXT, "format": "date"}),
    "date_add(DATE '9999-12-31', 1)": (None, {**TEXT, "format": "date"}),
    "TIMESTAMP '2024-01-02 03:04:05.678+02:00'": ("2024-01-02T01:04:05.678000+00:00", TIMESTAMP),
    "TIMESTAMP_NTZ '2024-01-02 03:04:05.678'": ("2024-01-02T03:04:05.678000+00:00", TIMESTAMP),
    "X'00ff'": ("AP8=", {**TEXT, "contentEncoding": "base64"}),
    "array(1, NULL)": ([1, None], ARRAY),
    "named_struct('a', 1, 'b', CAST(NULL AS STRING))": ({"a": 1, "b": None}, OBJECT),
    "map('k', 1.50)": ({"k": Decimal("1.50")}, OBJECT),
    "parse_json('{\"z\": [1, null]}')": (
        {"z": [1, None]},
        {"type": ["object", "array", "string", "number", "boolean", "null"]},
    ),
    "INTERVAL '1' DAY": ("INTERVAL '1' DAY", TEXT),
    "NULL": (None, TEXT),
}


@pytest.fixture
def spark(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run the tap, or the diff, on Spark: one process, one start of Java."""
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Spark needs a Java runtime, and there is none: install one, or set JAVA_HOME")
    python = environment("spark") / "bin/python"

    def run(*configs: dict[str, Any], setup: list[str], states: list[str] | None = None, diff: bool = False) -> Any:
        lines = []
        for number, config in enumerate(configs):
            path = tmp_path / f"config-{number}.json"
            path.write_text(json.dumps(config), encoding="utf-8")
            state = ["--state", states[number]] if states and states[number] else []
            lines.append(["--config", str(path), *state])
        order = {"folder": str(tmp_path / "tables"), "setup": setup, "runs": lines, "diff": diff}
        done = subprocess.run(
            [python, SCRIPT], input=json.dumps(order), capture_output=True, text=True, check=False, timeout=280,
            cwd=tmp_path, env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-1500:]
        return json.loads(done.stdout)

    return run


def config(*models: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with these models."""
    return {"sqlalchemy_url": URL, "models": list(models)}


def test_the_tap_reads_spark(spark: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """Types, parameters, bookmarks and errors are those of the other databases."""
    items = ", ".join(f"{expression} AS c{position}" for position, expression in enumerate(TYPES))
    types = {"name": "types", "sql": f"SELECT {items}"}
    orders = {
        "name": "orders",
        "sql": "SELECT id, timestamp_seconds(id) AS at FROM range(100) "
        "WHERE id < :most AND array_contains(:wanted, id % 2)",
        "params": {"most": 10, "wanted": [1]},
        "key_properties": ["ID"],
        "replication_method": "INCREMENTAL",
        "replication_key": "at",
    }
    table = {"name": "table", "table": "default.`Odd_name`"}
    wrong = [{"name": "gone", "table": "nowhere"}, {"name": "typo", "sql": "SELEC 1"}]
    failing = {"name": "failing", "sql": "SELECT CAST(v AS INT) AS n FROM VALUES ('ada@example.com') AS t(v)"}
    state = tmp_path / "state.json"
    bookmark = {"replication_key": "at", "replication_key_value": "1970-01-01T00:00:07.000000+00:00"}
    state.write_text(json.dumps({"bookmarks": {"orders": bookmark}}), encoding="utf-8")
    setup = ["CREATE TABLE `Odd_name` AS SELECT 1 AS `se``lect`, 2 AS `100%`"]
    done = spark(
        *(config(*models) for models in ([types, orders, table], [orders], wrong, [failing])),
        setup=setup,
        states=["", str(state), "", ""],
    )
    full, resumed, refused, broken = (Run(**run) for run in done["runs"])
    assert full.exit_code == 0, full.stderr
    (record,) = full.records("types")
    schema = next(message for message in full.of_type("SCHEMA") if message["stream"] == "types")["schema"]
    for position, (expression, (value, described)) in enumerate(TYPES.items()):
        assert (expression, record[f"c{position}"]) == (expression, value)
        assert (expression, schema["properties"][f"c{position}"]) == (expression, described)
    assert [row["id"] for row in full.records("orders")] == [1, 3, 5, 7, 9]
    assert full.records("table") == [{"se`lect": 1, "100%": 2}]
    assert [row["id"] for row in resumed.records()] == [7, 9], resumed.stderr
    assert refused.exit_code == 78
    assert "2 problems" in refused.errors
    assert "Model 'gone': the warehouse refuses its query: [TABLE_OR_VIEW_NOT_FOUND]" in refused.errors
    assert (broken.exit_code, "ada@example.com" in broken.stderr + broken.stdout) == (1, False)
    assert "SQLSTATE 22018" in broken.errors
    assert "hunter2" not in "".join(run.stderr for run in (full, resumed, refused, broken))


def test_the_diff_on_several_partitions(spark: Callable[..., dict[str, Any]]) -> None:
    """A first load and changes of 1,000 rows in 7 partitions: numbers without holes, the right rows and columns."""
    found = spark(setup=[], diff=True)["diff"]
    first, then = found["first"], found["next"]
    assert (first["staged"], first["counts"], first["repeated"]) == (1000, [1000, 0, 0, 0], [0, 0])
    assert [row[0] for row in first["page"]] == list(range(1, 1001))
    assert then["counts"] == [1, 2, 1, 0]
    by_kind = [(row[1], row[2]) for row in then["page"]]
    assert sorted(by_kind) == [("A", 5000), ("C", 8), ("C", 9), ("R", 7)]
    assert by_kind[-1] == ("R", 7)
    assert [row[0] for row in then["page"]] == [1, 2, 3, 4]
    assert then["changed_columns"] == [1, 1]
    keys = [[tuple(row[:2]) for row in part] for part in found["slices"]]
    assert sorted(itertools.chain.from_iterable(keys)) == sorted(
        (str(n), "eu" if n % 3 == 0 else "us") for n in range(1000)
    )
    for index, part in enumerate(keys):
        numbers = {int(hashlib.md5(f"{k}|{r}".encode()).hexdigest()[:8], 16) % 4 for k, r in part}  # noqa: S324
        assert numbers == {index}
    assert sorted(found["of_keys"]) == [["3", "eu"], ["4", "us"]]
