"""Our messages feed a target that others wrote, in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

UV = Path(sys.executable).parent / "uv"


ROWS = (
    "CREATE TABLE t (id bigint, amount decimal(18,2), day date, seen timestamptz, note text, facts json)",
    (
        "INSERT INTO t VALUES (1, 1.10, DATE '2024-02-29', TIMESTAMPTZ '2024-01-02 03:04:05+02', 'ä', '{\"a\": [1]}'),"
        " (2, NULL, NULL, NULL, NULL, NULL)"
    ),
)


def feed(target: str, package: str, config: dict[str, Any], run: Any, folder: Path) -> None:
    """Install a target, give it a run's messages, and compare the STATE that it gives back."""
    python = folder / "venv"
    subprocess.run([UV, "venv", "--quiet", python], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, package], check=True)
    path = folder / "target.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    result = subprocess.run(
        [python / "bin" / target, "--config", path],
        input=run.stdout.encode(),
        capture_output=True,
        cwd=folder,
        check=False,
    )
    assert result.returncode == 0, result.stderr.decode()
    assert json.loads(result.stdout.splitlines()[-1]) == run.state


def incremental(database: Any, run_tap: Callable[..., Any]) -> Any:
    """Return a run over a small table."""
    database.execute(*ROWS)
    model = {
        "name": "t",
        "table": "t",
        "key_properties": ["id"],
        "replication_method": "INCREMENTAL",
        "replication_key": "id",
    }
    return run_tap(database.config(model))


@pytest.mark.long
def test_target_jsonl_takes_our_messages(database: Any, run_tap: Callable[..., Any], tmp_path: Path) -> None:
    """A classic Singer target validates and stores every record, and gives our STATE back."""
    run = incremental(database, run_tap)
    feed("target-jsonl", "target-jsonl", {"destination_path": str(tmp_path)}, run, tmp_path)
    (stored,) = tmp_path.glob("t*.jsonl")
    records = [json.loads(line) for line in stored.read_text(encoding="utf-8").splitlines()]
    assert [record["id"] for record in records] == [1, 2]
    assert (records[0]["amount"], records[0]["note"], records[0]["facts"]) == (1.1, "ä", {"a": [1]})


@pytest.mark.long
def test_target_postgres_takes_our_messages(
    duck: Any, postgres: Any, run_tap: Callable[..., Any], tmp_path: Path
) -> None:
    """A target of the SDK creates a table from our SCHEMA and upserts our records."""
    run = incremental(duck, run_tap)
    url = postgres.url.replace("postgresql://", "postgresql+psycopg://")
    config = {"sqlalchemy_url": url, "default_target_schema": "public"}
    feed("target-postgres", "meltanolabs-target-postgres", config, run, tmp_path)
    with psycopg.connect(postgres.url) as connection:
        rows = connection.execute("SELECT id, amount, day, seen, note FROM t ORDER BY id").fetchall()
    assert [row[0] for row in rows] == [1, 2]
    assert (float(rows[0][1]), str(rows[0][2])[:10], rows[0][4]) == (1.1, "2024-02-29", "ä")
    assert str(rows[0][3]).startswith("2024-01-02 01:04:05") or rows[0][3].timestamp() == 1704157445
