"""Schedules of the example project, by Meltano's own commands and as the examples read them; units and manifests."""

from __future__ import annotations

import doctest
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from demo.project import REPOSITORY, Project

from .stage import EXAMPLES, SCHEDULE, SLICES, small_project

if TYPE_CHECKING:
    from types import ModuleType

FILE: dict[str, Any] = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the workspace, without simulators."""
    return small_project(tmp_path_factory.mktemp("schedules") / "project")


@pytest.fixture(scope="module")
def runs() -> ModuleType:
    """The module that the examples share."""
    spec = importlib.util.spec_from_file_location("meltano_runs", EXAMPLES / "meltano_runs.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["meltano_runs"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def listed(project: Project, kind: str) -> dict[str, Any]:
    """What Meltano lists, as JSON."""
    code, output = project.run("meltano", kind, "list", "--format=json")
    assert code == 0, output
    found: dict[str, Any] = json.loads(output[output.index("\n{") :])
    return found


def test_meltano_lists_what_the_examples_read(project: Project, runs: ModuleType) -> None:
    """Each job and schedule of `meltano.yml`, with its cron interval, as Meltano understands it."""
    by_meltano = {one["name"]: one for one in listed(project, "schedule")["schedules"]["job"]}
    read = {one.name: one for one in runs.schedules(project.root, "demo")}
    assert list(by_meltano) == list(read) == [one["name"] for one in FILE["schedules"]]
    for name, one in read.items():
        assert (by_meltano[name]["interval"], by_meltano[name]["job"]["name"]) == (one.interval, one.job)
        assert " ".join(by_meltano[name]["job"]["tasks"]).split() == one.plugins
    assert read[SCHEDULE].slices == SLICES
    assert read["mailchimp-daily"].streams == {"target-mailchimp": ["contacts"]}
    jobs = {one["job_name"]: one["tasks"] for one in listed(project, "job")["jobs"]}
    assert jobs == {one["name"]: one["tasks"] for one in FILE["jobs"]}


def test_a_plugins_exit_code_is_found_behind_meltanos(project: Project, runs: ModuleType) -> None:
    """Meltano ends with 1 for whatever reason; the run tells 78, and what the target said."""
    (schedule,) = (one for one in runs.schedules(project.root, "demo") if one.name == SCHEDULE)
    lines: list[tuple[int, str]] = []
    given = project.environment(TARGET_HUBSPOT_STREAMS='{"contacts": {"match_on": 5}}')
    run = runs.Run(project.root, "demo", schedule, index=1, variables=given)
    outcome = run.start(lambda level, text: lines.append((level, text)))
    assert run.command[-2:] == ["--state-id-suffix=slice-1", "sync-hubspot"]
    assert outcome.exit_code == 78
    assert outcome.is_final
    assert "'streams.contacts.match_on'" in outcome.message
    assert any(level == 40 and text.startswith("target-hubspot: ") for level, text in lines)


def test_a_run_that_is_broken_off_leaves_no_process(tmp_path: Path, runs: ModuleType) -> None:
    """A timeout of the orchestrator asks Meltano to stop, and waits until it has."""
    program, told = tmp_path / "meltano", tmp_path / "told"
    program.write_text(
        f"#!/bin/sh\ntrap 'echo stopped > {told}; exit 143' TERM\necho begun\nwhile :; do sleep 0.05; done\n"
    )
    program.chmod(0o755)
    schedule = runs.Schedule("s", "@daily", "job", {}, [], [], {})
    run = runs.Run(tmp_path, "demo", schedule, program=str(program))

    def log(_: int, text: str) -> None:
        raise TimeoutError(text)

    with pytest.raises(TimeoutError, match="begun"):
        run.start(log)
    assert told.read_text() == "stopped\n"


def test_the_examples_examples_hold(runs: ModuleType) -> None:
    """The doctests of the shared module."""
    assert doctest.testmod(runs).failed == 0


@pytest.mark.long
def test_schedule_run_ends_with_meltanos_code(project: Project) -> None:
    """`meltano schedule run` runs the job once, now: 1 where it fails, whatever the interval says."""
    variables = {"TARGET_HUBSPOT_API_URL": "http://127.0.0.1:9", "TARGET_HUBSPOT_ACCESS_TOKEN": ""}
    code, output = project.run("meltano", "--environment=demo", "schedule", "run", SCHEDULE, **variables)
    assert code == 1
    assert "exit code 78" in output or "'access_token' is missing" in output


def test_cron_lines_and_units_name_schedules_that_exist() -> None:
    """Nobody copies a line that runs nothing; times agree with `meltano.yml`."""
    known = {one["name"]: one["interval"] for one in FILE["schedules"]}
    lines = re.findall(
        r"^(\S+ \S+ \S+ \S+ \S+) .* schedule run (\S+) ", (EXAMPLES / "cron/crontab").read_text(), re.MULTILINE
    )
    assert lines
    assert all(known[name] == interval for interval, name in lines)
    (timer,) = (EXAMPLES / "systemd").glob("*.timer")
    assert timer.stem.split("@")[1] in known


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` finds no fault in them; the program that they start need not be here."""
    for path in (EXAMPLES / "systemd").iterdir():
        text = path.read_text(encoding="utf-8").replace("/srv/crm/.venv/bin/meltano", "/bin/true")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    (timer,) = tmp_path.glob("*.timer")
    units = [str(timer), str(timer.with_suffix(".service"))]
    shutil.copy2(tmp_path / "reverse-etl@.service", units[1])
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "reverse-etl" in line]
    assert (done.returncode, ours) == (0, [])


def test_kubernetes_accepts_the_manifest() -> None:
    """By the published schemas, which `kubernetes-validate` has with it; unknown keys are refused."""
    command = [str(Path(sys.executable).with_name("kubernetes-validate")), "--strict"]
    done = subprocess.run(
        [*command, str(EXAMPLES / "kubernetes/cronjob.yaml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
