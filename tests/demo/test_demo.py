"""`make demo`, as a newcomer runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import psutil
import pytest
from members import TARGETS

from demo.project import REPOSITORY, TIMEOUT_S, Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROW = re.compile(r"^ +(first run|some rows changed|nothing changed) +\d+((?: +\d+){5})$", re.MULTILINE)


def table(text: str) -> dict[str, list[int]]:
    """Title to requests, writes, created, updated and workflows; without the seconds, which vary."""
    return {title: [int(number) for number in numbers.split()] for title, numbers in ROW.findall(text)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the workspace."""
    return Project.copy(tmp_path_factory.mktemp("demo") / "project")


@pytest.fixture(scope="module")
def output(project: Project) -> str:
    """What `make demo` prints."""
    code, text = project.run(*project.demo())
    assert code == 0, text
    return text


def test_only_changes_travel(output: str) -> None:
    """The second run writes what changed, the third nothing, by the simulators' own count."""
    counts = table(output)
    assert counts["first run"][2] > 8_500
    _, _, created, updated, _ = counts["some rows changed"]
    assert (created, updated) == (5, 69)
    assert counts["nothing changed"][1:] == [0, 0, 0, 0]


def test_the_readme_shows_what_people_see(output: str) -> None:
    """The table in the README is the demo's, but for the seconds; so is the number of rejected rows."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert table(readme) == table(output)
    first = output.partition("Summary of the run")[0]
    rejected = {
        stream: int(count) for stream, count in re.findall(r"stream '([^']+)': .* (\d+) rejected, 0 deferred", first)
    }
    ties = sum(count for stream, count in rejected.items() if ">" in stream)
    assert f"{sum(rejected.values()) - ties} rows of the sample are not fit" in readme
    assert f"but for {ties} whose contact or company is not there" in readme


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "target-hubspot"])
def test_every_target_has_its_demo(target: str, tmp_path: Path) -> None:
    """With another target the same rows arrive: thousands, then what changed, then nothing."""
    project = Project.copy(tmp_path / "project")
    code, text = project.run(*project.demo(f"TARGET={target}"))
    assert code == 0, text
    counts = table(text)
    assert counts["first run"][2] > 4_000
    assert counts["first run"][1] < counts["first run"][2] / 50
    _, _, created, updated, _ = counts["some rows changed"]
    assert created + updated > 20
    assert counts["nothing changed"][1:] == [0, 0, 0, 0]


def test_nothing_is_left_behind(output: str, project: Project) -> None:
    """No process goes on, and the working files are in `demo/.work` and `.meltano`, which git ignores."""
    assert output
    assert project.processes() == []
    made = {path.name for path in project.root.iterdir()} - {path.name for path in REPOSITORY.iterdir()}
    assert made <= {".meltano"}


def test_meltano_leaves_its_file_alone(output: str, project: Project, tmp_path: Path) -> None:
    """The runs do not rewrite `meltano.yml`, so that a checkout stays clean."""
    assert output
    fresh = Project.copy(tmp_path / "fresh")
    name = "meltano.yml"
    assert (project.root / name).read_text(encoding="utf-8") == (fresh.root / name).read_text(encoding="utf-8")


def test_the_sync_has_the_name_that_meltano_gives_it(output: str, project: Project) -> None:
    """The default of `sync_id` is environment, tap and target, as the variables that a loader gets name them."""
    assert output
    with closing(sqlite3.connect(project.root / "demo/.work/ledger.db")) as ledger:
        assert ledger.execute("SELECT DISTINCT sync_id FROM scopes").fetchall() == [
            ("demo:tap-warehouse-model-to-target-hubspot",)
        ]


def test_each_run_has_a_report_that_adds_up(output: str, project: Project) -> None:
    """Three runs, three reports; every stream rejects something, and none a tenth."""
    assert output
    reports = sorted((project.root / "demo/.work/reports").glob("*/report.json"))
    assert len(reports) == 3
    for stream in json.loads(reports[0].read_text(encoding="utf-8"))["streams"].values():
        counts = stream["counts"]
        read = counts.pop("read")
        assert read == sum(counts.values())
        assert 0 < counts["rejected"] < read / 10


def test_every_command_is_shown(output: str) -> None:
    """What the demo runs can be typed: each command stands after a dollar sign."""
    commands = re.findall(r"^\$ (.*)$", output, re.MULTILINE)
    assert len(commands) == 8
    assert all(command.startswith(".venv/bin/") or "=" in command.split()[0] for command in commands)


def test_a_foreign_env_file_is_refused(project: Project, output: str) -> None:
    """With settings in `.env`, which Meltano prefers, the demo stops before it touches anything, and names them."""
    assert output
    path = project.root / ".env"
    path.write_text("TARGET_HUBSPOT_ACCESS_TOKEN='pat-real'\n", encoding="utf-8")
    try:
        code, text = project.run(*project.demo())
    finally:
        path.unlink()
    assert code == 2
    assert "TARGET_HUBSPOT_ACCESS_TOKEN" in text
    assert "pat-real" not in text


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Project, subprocess.Popen[str]]]:
    """A demo whose simulators are up and whose first run has begun."""
    project = Project.copy(tmp_path / "project")
    process = project.start(str(project.root / ".venv/bin/python"), "demo/run.py")
    assert process.stdout is not None
    for line in process.stdout:
        if " run tap-warehouse-model" in line:
            break
    yield project, process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def test_ctrl_c_ends_everything(running: tuple[Project, subprocess.Popen[str]]) -> None:
    """SIGINT to the terminal's whole process group, as Ctrl-C sends it."""
    project, process = running
    os.killpg(process.pid, signal.SIGINT)
    process.wait(30)
    assert process.returncode == 130
    assert project.processes() == []


def test_a_stop_ends_everything(running: tuple[Project, subprocess.Popen[str]]) -> None:
    """SIGTERM to the demo alone."""
    project, process = running
    process.terminate()
    process.wait(30)
    assert process.returncode == 143
    assert project.processes() == []


@pytest.mark.long
def test_from_a_clean_clone(tmp_path: Path) -> None:
    """A clone, Python, make: the demo runs, runs again, and on the second time keeps the simulators as asked."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
    project = Project(clone)
    environment = {name: value for name, value in project.environment().items() if name != "PATH"}
    path = os.environ["PATH"]
    code, text = project.run("make", "demo", **environment, PATH=path)
    assert code == 0, text
    code, text = project.run("make", "demo", "KEEP=1", **environment, PATH=path)
    assert code == 0, text
    pid = int(re.findall(r"Stop them with: kill (\d+)", text)[0])
    simulators = psutil.Process(pid)
    assert "serve" in simulators.cmdline()
    simulators.terminate()
    simulators.wait(TIMEOUT_S)
    status = subprocess.run(["git", "status", "--short"], cwd=clone, check=True, capture_output=True, text=True)
    assert status.stdout == ""
