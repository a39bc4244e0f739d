"""A project that two workers deliver: a small warehouse, simulators, ledger and STATE in PostgreSQL."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
from demo.project import REPOSITORY, Project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

EXAMPLES = REPOSITORY / "examples"
ROWS = 12
SLICES = 2
SCHEDULE = "hubspot-hourly"
CUSTOMERS = f"""
CREATE SCHEMA raw;
CREATE TABLE raw.customers AS SELECT 'C-' || n AS customer_id, NULL::VARCHAR AS account_id,
    'user' || n || '@shop.example' AS email, 'First' AS first_name, 'Last' AS last_name, NULL::VARCHAR AS phone,
    'job' AS job, 'free' AS plan, 0.5 AS churn_score, NULL::VARCHAR AS note, TIMESTAMP '2026-01-01' AS updated_at
FROM generate_series(1, {ROWS}) AS t(n)
"""  # noqa: S608 - a constant


@dataclass(frozen=True)
class Stage:
    """Where an orchestrator finds its project.

    Attributes:
        project: A copy of the workspace.
        url: Of the simulators.
        database: URI of the PostgreSQL database with ledger and STATE.
    """

    project: Project
    url: str
    database: str

    def variables(self, **more: str) -> dict[str, str]:
        """The environment of the orchestrator: where the project is, and where its parts keep what they know."""
        # A database of its own: Meltano and the ledger both have a table `runs`.
        state = self.database.replace("/postgres?", "/meltano?").replace("postgresql://", "postgresql+psycopg://")
        return self.project.environment(
            REVERSE_ETL_PROJECT=str(self.project.root),
            REVERSE_ETL_ENVIRONMENT="demo",
            TARGET_HUBSPOT_API_URL=self.url,
            TARGET_HUBSPOT_LEDGER_URL=self.database,
            MELTANO_DATABASE_URI=state,
            **more,
        )

    def writes(self) -> int:
        """Write requests that the simulators have seen."""
        counts = self._ask("requests?last=0")["counts"]
        return sum(
            one["count"] for one in counts if one["route"].endswith(("/batch/create", "/batch/update", "/upsert"))
        )

    def created(self) -> int:
        """Records that were created at the destination."""
        entries = self._ask("journal?since=0")["entries"]
        return sum(one["event"] == "record_created" for one in entries)

    def deliveries(self) -> dict[str, int]:
        """Rows of the ledger by status."""
        with psycopg.connect(self.database) as connection:
            return dict(connection.execute("SELECT status, count(*) FROM deliveries GROUP BY status").fetchall())

    def _ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_simulator/{path}", timeout=30) as reply:  # noqa: S310 - loopback
            return json.load(reply)


def environment(name: str) -> Path:
    """The folder of an orchestrator's environment; the test is skipped where it was not made."""
    path = REPOSITORY / f".venv-{name}"
    if not (path / ".ready").is_file():
        pytest.skip(f"'{path.name}' is missing: 'make test-long' makes it")
    return path


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """Set it up; simulators and database end with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pgserver = pytest.importorskip("pgserver")  # it has no wheels for the newest Pythons
    project = small_project(folder / "project")
    simulators = project.start("saas-simulators", "serve", "--port", "0")
    assert simulators.stdout is not None
    port = int(simulators.stdout.readline())
    server = pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE meltano")
    try:
        yield Stage(project, f"http://127.0.0.1:{port}", server.get_uri())
    finally:
        server.cleanup()
        simulators.terminate()
        simulators.communicate(timeout=10)


def small_project(root: Path) -> Project:
    """A copy of the workspace with one model of some rows, whose schedule for HubSpot has two slices."""
    project = Project.copy(root)
    (root / "demo/.work").mkdir(parents=True)
    for other in ("companies", "deals"):
        (root / f"demo/models/{other}.yml").unlink()
    with duckdb.connect(str(root / "demo/.work/warehouse.duckdb")) as connection:
        connection.execute(CUSTOMERS)
    path = root / "meltano.yml"
    sliced = f"\\g<0>  env: {{REVERSE_ETL_SLICES: '{SLICES}'}}\n"
    text, count = re.subn(r"- name: hubspot-hourly\n  job: .*\n", sliced, path.read_text(encoding="utf-8"))
    assert count == 1
    path.write_text(text, encoding="utf-8")
    return project


def last_json(command: list[str], variables: Mapping[str, str], log: Path, *, timeout_s: float) -> Any:
    """Run a driver; what it prints as its last line.

    Args:
        command: The driver.
        variables: Its environment.
        log: Takes its output, which is shown where it fails or does not end in time: it may wait for a retry.
        timeout_s: How long it may take.
    """
    with (
        log.open("w+") as output,
        subprocess.Popen(command, env=dict(variables), stdout=output, stderr=output) as process,
    ):
        try:
            code: int | None = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            code = None
        output.seek(0)
        lines = [line for line in output if "No tasks to run" not in line]
    assert code == 0, "".join(lines)[-12000:]
    return json.loads(lines[-1])
