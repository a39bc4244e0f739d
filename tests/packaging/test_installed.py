"""Each wheel alone in a clean environment: it brings what it needs, starts, and does a small piece of its work."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import requests
from distributions import CURRENT, PACKAGES, VERSIONS, Installation, interpreter
from scenario import scenario_of

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenario import Scenario

BOOKMARK = {"bookmarks": {"s": {"position": 3}}}
WAREHOUSE = """
import duckdb
with duckdb.connect("warehouse.duckdb") as warehouse:
    warehouse.execute("CREATE TABLE people AS SELECT 'P-' || n AS id, n * 1.5 AS score FROM range(1, 4) AS t(n)")
"""
TAP = {
    "sqlalchemy_url": "duckdb:///warehouse.duckdb",
    "models": [{"name": "people", "table": "people", "key_properties": ["id"]}],
}

KEYS = tuple(f"P-{n}" for n in range(3))


def messages(scenario: Scenario) -> str:
    """A small stream as a tap writes it, with a bookmark at its end."""
    columns = {name: {"type": ["null", "string"]} for name in scenario.columns()}
    lines: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": "s", "schema": {"properties": columns}, "key_properties": [scenario.key_field]},
        *({"type": "RECORD", "stream": "s", "record": scenario.record(key, "red")} for key in KEYS),
        {"type": "STATE", "value": BOOKMARK},
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def deliver(one: Installation, url: str) -> None:
    """Deliver three records; the second run has nothing to do, and both release the bookmark."""
    config = one.folder / "config.json"
    scenario = scenario_of(one.package)
    config.write_text(json.dumps(scenario.config(url)), encoding="utf-8")
    for summary in ("3 created", "3 unchanged"):
        done = one.run("--config", config, stdin=messages(scenario))
        assert done.returncode == 0, done.stderr[-3000:]
        assert re.search(rf"Summary of the run: .*\b{summary}\b", done.stderr), done.stderr[-3000:]
        assert json.loads(done.stdout.splitlines()[-1]) == BOOKMARK
        assert "DeprecationWarning" not in done.stderr, done.stderr[-3000:]  # of releases newer than constraints.txt


def read(one: Installation) -> None:
    """Read a small DuckDB warehouse, with what the tap's own dependencies bring."""
    assert one.python(WAREHOUSE).returncode == 0
    config = one.folder / "config.json"
    config.write_text(json.dumps(TAP), encoding="utf-8")
    done = one.run("--config", config)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    records = [line["record"] for line in lines if line["type"] == "RECORD"]
    assert [record["id"] for record in records] == ["P-1", "P-2", "P-3"]


def serve(one: Installation) -> None:
    """Serve the APIs, and end when told to."""
    command = [one.folder / "bin" / one.package, "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        answer = requests.get(f"http://127.0.0.1:{port}/_simulator/requests", timeout=10)
        process.terminate()
        assert answer.status_code == 200
    assert process.returncode == 0


def look(one: Installation) -> None:
    """Look for a ledger, and say where there is none."""
    done = one.run("runs")
    assert done.returncode == 78
    assert "There is no ledger in" in done.stderr


@pytest.fixture
def url() -> Iterator[str]:
    """Simulators of the vendors."""
    with SimulatorServer() as server:
        yield server.url


def check(package: str, version: str, wheel: Path, folder: Path, url: str) -> None:
    """Install one wheel and try it."""
    one = Installation.make(wheel, package, interpreter(version), folder)
    assert f"{version}." in one.python("import sys; print(sys.version)").stdout
    expected = {package, "reverse-etl-core"} if package.startswith("target-") else {package}
    assert one.packages() & set(PACKAGES) == expected
    release = one.run("--version")
    assert (release.returncode, wheel.name.split("-")[1] in release.stdout) == (0, True), release.stderr
    if package.startswith(("tap-", "target-")):
        about = one.run("--about", "--format=json")
        assert json.loads(about.stdout)["name"] == package, about.stderr[-3000:]
    if package.startswith("target-"):
        deliver(one, url)
    else:
        {"tap-warehouse-model": read, "saas-simulators": serve, "reverse-etl-core": look}[package](one)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_works_alone(package: str, wheels: dict[str, Path], tmp_path: Path, url: str) -> None:
    """On this Python: no sibling but the core, its version, its settings, and a small sync."""
    check(package, CURRENT, wheels[package], tmp_path / "env", url)


@pytest.mark.long
@pytest.mark.parametrize("version", [one for one in VERSIONS if one != CURRENT])
@pytest.mark.parametrize("package", PACKAGES)
def test_a_wheel_works_alone_on_every_python(
    package: str, version: str, wheels: dict[str, Path], tmp_path: Path, url: str
) -> None:
    """The same on each Python that the metadata names."""
    check(package, version, wheels[package], tmp_path / "env", url)
