"""Redshift's dialect on PostgreSQL, which Redshift descends from: what both understand is run for real.

Not shown here: SUPER, VARBYTE, GEOMETRY, limits of VARCHAR, Redshift's own cursors and errors, its isolation.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from warehouses.cluster import Cluster
    from warehouses.environments import Command

INTEGER, NUMBER, TEXT = ({"type": [name, "null"]} for name in ("integer", "number", "string"))
TIMESTAMP = {**TEXT, "format": "date-time"}
TYPES: dict[str, tuple[Any, dict[str, Any]]] = {
    "CAST(-32768 AS SMALLINT)": (-32768, INTEGER),
    "CAST(9223372036854775807 AS BIGINT)": (9223372036854775807, INTEGER),
    "CAST('12345678901234567890' AS DECIMAL(20,0))": (12345678901234567890, INTEGER),
    "CAST('12345678901234567890.123456789' AS DECIMAL(38,9))": (Decimal("12345678901234567890.123456789"), NUMBER),
    "CAST(0.1 AS REAL)": (Decimal("0.1"), NUMBER),
    "CAST('NaN' AS DOUBLE PRECISION)": (None, NUMBER),
    "true": (True, {"type": ["boolean", "null"]}),
    "CAST('ä 100% %s' AS VARCHAR(20))": ("ä 100% %s", TEXT),
    "CAST('ab' AS CHAR(5))": ("ab", TEXT),
    "DATE '0044-03-15'": ("0044-03-15", {**TEXT, "format": "date"}),
    "DATE '0044-03-15 BC'": (None, {**TEXT, "format": "date"}),
    "TIME '12:34:56.789'": ("12:34:56.789", TEXT),
    "TIMESTAMP '2024-01-02 03:04:05.678'": ("2024-01-02T03:04:05.678000+00:00", TIMESTAMP),
    "TIMESTAMPTZ '2024-01-02 03:04:05+02'": ("2024-01-02T01:04:05.000000+00:00", TIMESTAMP),
    "NULL": (None, TEXT),
}


def test_types_arrive_exactly(cluster: Cluster, redshift_command: Command) -> None:
    """Each type that both have arrives in its documented form."""
    items = ", ".join(f"{expression} AS c{position}" for position, expression in enumerate(TYPES))
    run = redshift_command(cluster.config({"name": "m", "sql": f"SELECT {items}"}))
    assert run.exit_code == 0, run.stderr
    (record,) = run.records()
    for position, (expression, (value, schema)) in enumerate(TYPES.items()):
        assert (expression, record[f"c{position}"]) == (expression, value)
        assert (expression, run.schema["properties"][f"c{position}"]) == (expression, schema)
    assert run.stderr.lower().count("warning") == 1


def test_bookmarks_parameters_and_percent_signs(cluster: Cluster, redshift_command: Command) -> None:
    """An incremental model with parameters resumes at its bookmark."""
    cluster.execute("CREATE TABLE t (id integer, at timestamp, note varchar(9))")
    cluster.execute("INSERT INTO t VALUES (1, '2024-01-01', 'a%'), (2, '2024-01-02', 'b%'), (3, NULL, 'b')")
    model = {
        "name": "m",
        "sql": "SELECT * FROM t WHERE id < :most AND note LIKE '%' AND id IN :wanted -- :most",
        "params": {"most": 9, "wanted": [1, 2, 3]},
        "key_properties": ["ID"],
        "replication_method": "INCREMENTAL",
        "replication_key": "at",
    }
    first = redshift_command(cluster.config(model))
    assert [record["id"] for record in first.records()] == [3, 1, 2], first.stderr
    again = redshift_command(cluster.config(model), state=first.state)
    assert again.records() == [{"id": 2, "at": "2024-01-02T00:00:00.000000+00:00", "note": "b%"}]


def test_errors_are_those_of_the_other_databases(cluster: Cluster, redshift_command: Command) -> None:
    """A wrong model is refused with the server's reason; an error in the data shows no value."""
    cluster.execute("CREATE TABLE t (v text)", "INSERT INTO t VALUES ('ada@example.com')")
    wrong = redshift_command(cluster.config({"name": "m", "table": "nowhere"}))
    assert (wrong.exit_code, "the warehouse refuses its query" in wrong.errors) == (78, True), wrong.stderr
    failed = redshift_command(cluster.config({"name": "m", "sql": "SELECT CAST(v AS integer) AS n FROM t"}))
    assert (failed.exit_code, "ada@example.com" in failed.stderr) == (1, False)
    config = cluster.config({"name": "m", "sql": "SELECT 1 AS n"})
    config["sqlalchemy_url"] = "redshift+redshift_connector://u:hunter2@localhost/d"
    refused = redshift_command(config)
    assert (refused.exit_code, "Write 'redshift://...'" in refused.errors) == (78, True)
    assert "hunter2" not in refused.stderr


def test_a_signal_breaks_off_a_query(cluster: Cluster, redshift_command: Command) -> None:
    """psycopg2 waits without looking for signals; the query is cancelled from another thread."""
    line = redshift_command.arguments(cluster.config({"name": "m", "sql": "SELECT CAST(pg_sleep(600) AS text) AS n"}))
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # SCHEMA
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        out, logs = process.communicate(timeout=20)
    assert process.returncode == 143, logs.decode()
    assert json.loads(out.splitlines()[-1])["type"] == "STATE"


@pytest.mark.long
def test_memory_does_not_grow_with_the_rows(cluster: Cluster, redshift_command: Command) -> None:
    """300 records of 1 MB pass through a server's cursor in less than 250 MB."""
    sql = "SELECT id, repeat('x', 1000000) AS body FROM generate_series(1, 300) AS id"
    line = redshift_command.arguments(cluster.config({"name": "big", "sql": sql}))
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        watched = psutil.Process(process.pid)
        peak = records = 0
        for text in process.stdout:
            records += text.startswith(b'{"type":"RECORD"')
            if records % 50 == 0:
                peak = max(peak, watched.memory_info().rss)
    assert (process.returncode, records) == (0, 300)
    assert peak < 250e6
