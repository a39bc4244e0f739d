"""Taps feed a target: one that others wrote, in an environment of its own, and ours."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import duckdb
import psycopg
import pytest
from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .stage import Result, Stage

UV = Path(sys.executable).parent / "uv"
FOREIGN_TAP = "pipelinewise-tap-postgres"
BAD = 7
"""The customer whose address is none."""
SELECT = f"""
    SELECT 'C' || n AS id, CASE WHEN n = {BAD} THEN 'nobody' ELSE 'person' || n || '@example.com' END AS mail,
           CAST(n / 100.0 AS numeric(5, 2)) AS score, 'Person ' || n AS name, n AS updated
    FROM generate_series(1, 250) AS t(n)
"""  # noqa: S608 - a constant


@contextlib.contextmanager
def customers_in_postgres(folder: Path) -> Iterator[dict[str, Any]]:
    """A PostgreSQL database with 250 customers, as the settings of a tap."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver  # noqa: PLC0415 - it warns while it is imported

    with pgserver.get_server(folder / "pg") as database:
        uri = database.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE public.customers AS {SELECT}")  # type: ignore[arg-type]
            connection.execute("ALTER TABLE public.customers ADD PRIMARY KEY (id)")
        url = make_url(uri)
        host = url.host or str(url.query["host"])
        yield {"host": host, "port": url.port or 5432, "user": url.username, "password": "", "dbname": url.database}


def emitted_by_foreign_tap(config: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    """What PipelineWise's tap for PostgreSQL says of the table."""
    python = folder / "venv"
    subprocess.run([UV, "venv", "--quiet", python], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, FOREIGN_TAP], check=True)
    settings, chosen = folder / "tap.json", folder / "catalog.json"
    settings.write_text(json.dumps(config), encoding="utf-8")
    tap = python / "bin" / "tap-postgres"
    found = subprocess.run([tap, "--config", settings, "--discover"], capture_output=True, check=True)
    streams = [one for one in json.loads(found.stdout)["streams"] if one["table_name"] == "customers"]
    for entry in streams[0]["metadata"]:
        if not entry["breadcrumb"]:
            entry["metadata"] |= {"selected": True, "replication-method": "FULL_TABLE"}
    chosen.write_text(json.dumps({"streams": streams}), encoding="utf-8")
    done = subprocess.run([tap, "--config", settings, "--catalog", chosen], capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class BaseComposition:
    """249 of 250 customers arrive.

    Attributes:
        fields: Where they go: fields to the columns `id`, `mail`, `score` and `name`.
    """

    fields: ClassVar[Mapping[str, str]]

    def streams(self, stage: Stage, stream: str) -> dict[str, Any]:
        """The setting that leads the customers to the stage's object."""
        one = {"object": stage.vendor.object_name, "match_on": stage.vendor.match_field, "fields": dict(self.fields)}
        return {"streams": {stream: one}}

    def check(self, stage: Stage, result: Result) -> None:
        """All but one have arrived, and that one is rejected."""
        assert result.exit_code == 0, result.log
        assert (result.totals["created"], result.codes) == (249, {"invalid_email": 1})
        assert set(self.names(stage)) == {f"C{n}" for n in range(1, 251)} - {f"C{BAD}"}

    def names(self, stage: Stage) -> dict[str, str]:
        """Names that arrived, by the customers' ids."""
        return stage.texts()

    @pytest.mark.long
    def test_a_tap_from_pypi_feeds_the_target(self, stage: Stage, tmp_path: Path) -> None:
        """PipelineWise's tap for PostgreSQL: one reject, STATE returns, a rerun is free."""
        with customers_in_postgres(tmp_path) as config:
            messages = emitted_by_foreign_tap(config, tmp_path)
        stream = next(one["stream"] for one in messages if one["type"] == "SCHEMA")
        first = stage.run_command(messages, **self.streams(stage, stream))
        self.check(stage, first)
        assert first.states[-1] == [one["value"] for one in messages if one["type"] == "STATE"][-1]
        writes = stage.vendor.write_requests()
        assert stage.run_command(messages, **self.streams(stage, stream)).totals["unchanged"] == 249
        assert stage.vendor.write_requests() == writes

    def test_our_tap_feeds_the_target(self, stage: Stage, tmp_path: Path) -> None:
        """From DuckDB: one reject, and with the STATE that came back the next run has only what is newer."""
        database = tmp_path / "warehouse.duckdb"
        with duckdb.connect(str(database)) as connection:
            connection.execute(f"CREATE TABLE customers AS {SELECT}")
        first = stage.run_command(self.emitted(database, tmp_path), **self.streams(stage, "customers"))
        self.check(stage, first)
        with duckdb.connect(str(database)) as connection:
            connection.execute("UPDATE customers SET name = 'New name', updated = 999 WHERE id = 'C8'")
        again = self.emitted(database, tmp_path, state=first.states[-1])
        second = stage.run_command(again, **self.streams(stage, "customers"))
        # The bookmark's own row comes again, as Singer has it; the reject is looked at again.
        assert (second.exit_code, second.totals["updated"], second.totals["unchanged"]) == (0, 1, 1)
        names = self.names(stage)
        assert (names["C8"], names["C9"]) == ("New name", "Person 9")

    def emitted(self, database: Path, folder: Path, state: object = None) -> list[dict[str, Any]]:
        """What our tap says of the table."""
        model = {
            "name": "customers",
            "table": "customers",
            "key_properties": ["id"],
            "replication_method": "INCREMENTAL",
            "replication_key": "updated",
        }
        settings = folder / "tap.json"
        settings.write_text(json.dumps({"sqlalchemy_url": f"duckdb:///{database}", "models": [model]}))
        command = [sys.executable, "-m", "tap_warehouse_model", "--config", str(settings)]
        if state is not None:
            (folder / "state.json").write_text(json.dumps(state))
            command += ["--state", str(folder / "state.json")]
        done = subprocess.run(command, capture_output=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]
