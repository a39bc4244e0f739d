"""A tap that others wrote, in an environment of its own, feeds target-hubspot."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.stage import Stage

UV = Path(sys.executable).parent / "uv"
TAP = "pipelinewise-tap-postgres"
TABLE = (
    "CREATE TABLE public.customers (id text PRIMARY KEY, mail text, score numeric(5,2), plan text)",
    """
    INSERT INTO public.customers
    SELECT 'C' || n, 'person' || n || '@example.com', n / 100.0, CASE WHEN n = 7 THEN 'gold' ELSE 'pro' END
    FROM generate_series(1, 250) AS n
    """,
)
STREAM = {
    "match_on": "customer_id",
    "fields": {"customer_id": "id", "email": "mail", "churn_risk": "score", "plan": "plan"},
}


@pytest.fixture
def tap_config(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A PostgreSQL database with 250 customers, as the tap's settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver  # noqa: PLC0415 - it warns while it is imported

    with pgserver.get_server(tmp_path / "pg") as database:
        uri = database.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            for statement in TABLE:
                connection.execute(statement)  # type: ignore[arg-type]
        url = make_url(uri)
        host = url.host or str(url.query["host"])
        yield {"host": host, "port": url.port or 5432, "user": url.username, "password": "", "dbname": url.database}


def catalog(tap: Path, config: Path) -> str:
    """The tap's catalog with the table selected, in full."""
    found = subprocess.run([tap, "--config", config, "--discover"], capture_output=True, check=True)
    streams = [one for one in json.loads(found.stdout)["streams"] if one["table_name"] == "customers"]
    for entry in streams[0]["metadata"]:
        if not entry["breadcrumb"]:
            entry["metadata"] |= {"selected": True, "replication-method": "FULL_TABLE"}
    return json.dumps({"streams": streams})


@pytest.mark.long
def test_a_tap_from_pypi_feeds_the_target(stage: Stage, tap_config: dict[str, Any], tmp_path: Path) -> None:
    """PipelineWise's tap for PostgreSQL: 249 contacts arrive, one is rejected, STATE returns, a rerun is free."""
    python = tmp_path / "venv"
    subprocess.run([UV, "venv", "--quiet", python], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, TAP], check=True)
    config, chosen = tmp_path / "tap.json", tmp_path / "catalog.json"
    config.write_text(json.dumps(tap_config), encoding="utf-8")
    tap = python / "bin" / "tap-postgres"
    chosen.write_text(catalog(tap, config), encoding="utf-8")
    emitted = subprocess.run([tap, "--config", config, "--catalog", chosen], capture_output=True, check=True)
    messages = [json.loads(line) for line in emitted.stdout.splitlines()]
    stream = next(one["stream"] for one in messages if one["type"] == "SCHEMA")
    streams = {"streams": {stream: {"object": "contacts", **STREAM}}}
    first = stage.run_command(messages, **streams)
    assert first.exit_code == 0, first.log
    assert (first.totals["created"], first.codes) == (249, {"invalid_option": 1})
    assert first.states[-1] == [one["value"] for one in messages if one["type"] == "STATE"][-1]
    writes = stage.vendor.write_requests()
    assert stage.run_command(messages, **streams).totals["unchanged"] == 249
    assert stage.vendor.write_requests() == writes
