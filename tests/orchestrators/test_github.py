"""The workflow that posts a plan: it is valid, and its steps do what they should, with a `gh` that keeps comments."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import yaml

from .stage import EXAMPLES, ROWS, small_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.project import Project

WORKFLOW = EXAMPLES / "github/plan.yml"
CONTENT: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
JOB = CONTENT["jobs"]["plan"]
STEPS = {step["name"]: step for step in JOB["steps"] if "run" in step}
MARKER = "<!-- reverse-etl plan -->"
GH = """#!{python}
import json, pathlib, shutil, subprocess, sys
store = pathlib.Path({store!r})
comments = json.loads(store.read_text())
arguments = sys.argv[1:]
assert arguments[0] == "api", arguments
body = "".join(pathlib.Path(one.removeprefix("body=@")).read_text() for one in arguments if one.startswith("body=@"))
if "--method" not in arguments:
    assert "repos/acme/crm/issues/7/comments" in arguments, arguments
    assert '(.body | startswith("{marker}"))' in arguments[-1], arguments
    page = [{{"id": one["id"], "user": {{"login": one["user"]}}, "body": one["body"]}} for one in comments]
    if shutil.which("jq"):  # as the real one does; not every machine has it
        sys.exit(subprocess.run(["jq", "-r", arguments[-1]], input=json.dumps(page), text=True).returncode)
    for one in page:
        if one["user"]["login"] == "github-actions[bot]" and one["body"].startswith("{marker}"):
            print(one["id"])
elif "POST" in arguments:
    assert "repos/acme/crm/issues/7/comments" in arguments, arguments
    comments.append({{"id": 100 + len(comments), "user": "github-actions[bot]", "body": body}})
else:
    assert "PATCH" in arguments, arguments
    (found,) = [one for one in comments if "repos/acme/crm/issues/comments/%d" % one["id"] in arguments]
    found["body"] = body
store.write_text(json.dumps(comments))
"""


class Runner:
    """GitHub's runner, as far as the workflow's shell steps need it.

    Args:
        project: Where it is checked out; its `.venv` stands for what the step `Install` makes.
        url: Of the simulators.
    """

    def __init__(self, project: Project, url: str) -> None:
        self.project = project
        self._url = url
        self._store = project.root / "comments.json"
        self._store.write_text(json.dumps([{"id": 1, "user": "ada", "body": f"{MARKER} quoted by a person"}]))
        program = project.root / "bin/gh"
        program.parent.mkdir()
        program.write_text(GH.format(python=sys.executable, store=str(self._store), marker=MARKER))
        program.chmod(0o755)

    def run(self, **variables: str) -> tuple[str, bool]:
        """Push a commit: the outcome of the plan, and whether the job is green."""
        shutil.rmtree(self.project.root / ".plan", ignore_errors=True)  # each job has a machine of its own
        outcome = "success" if self._step("Plan", **variables) == 0 else "failure"
        assert self._step("Comment", outcome=outcome) == 0
        assert STEPS["Verdict"]["if"].startswith("steps.plan.outcome != 'success'")
        return outcome, outcome == "success" or self._step("Verdict") == 0

    def comments(self) -> list[str]:
        """The comments of the bot."""
        return [one["body"] for one in json.loads(self._store.read_text()) if one["user"] == "github-actions[bot]"]

    def _step(self, name: str, *, outcome: str = "", **variables: str) -> int:
        step = STEPS[name]
        given = {key: self._rendered(value, outcome) for key, value in {**JOB["env"], **step.get("env", {})}.items()}
        environment = self.project.environment(**{**given, "TARGET_HUBSPOT_API_URL": self._url, **variables})
        environment["MELTANO_ENVIRONMENT"] = "demo"  # the environment whose streams are configured in this project
        environment["PATH"] = f"{self.project.root / 'bin'}:{environment['PATH']}"
        command = ["bash", "--noprofile", "--norc", "-e", "-c", step["run"]]
        return subprocess.run(command, cwd=self.project.root, env=environment, check=False, timeout=200).returncode

    def _rendered(self, text: str, outcome: str) -> str:
        warehouse = self.project.root / "demo/.work/warehouse.duckdb"
        known = {
            "github.workspace": str(self.project.root), "github.repository": "acme/crm",
            "github.server_url": "https://github.example", "github.run_id": "42", "github.token": "a-token",
            "github.event.pull_request.number": "7", "github.event.pull_request.head.sha": "abc123",
            "steps.plan.outcome": outcome, "secrets.PLAN_SQLALCHEMY_URL": f"duckdb:///{warehouse}",
            "secrets.PLAN_HUBSPOT_TOKEN": "any", "secrets.PLAN_LEDGER_URL": f"sqlite:///{self.project.root}/ledger.db",
        }  # fmt: skip
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: known[found[1]], text)


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    """A checkout, and the simulators."""
    project = small_project(tmp_path / "project")
    simulators = project.start("saas-simulators", "serve", "--port", "0")
    assert simulators.stdout is not None
    port = int(simulators.stdout.readline())
    yield Runner(project, f"http://127.0.0.1:{port}")
    simulators.terminate()
    simulators.communicate(timeout=10)


def test_the_workflow_is_valid() -> None:
    """By the published schema of workflows, which `check-jsonschema` has with it."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_workflow_may_do_little() -> None:
    """It reads the code and writes the comment; forks are left out, and no other's code is run but by its hash."""
    assert CONTENT["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert list(CONTENT[True]) == ["pull_request"]  # YAML takes `on` for true
    assert JOB["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    used = [step["uses"] for step in JOB["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/\w+@[0-9a-f]{40}", one) for one in used)
    assert not any("${{" in step["run"] for step in STEPS.values())  # nothing from outside becomes shell


def test_the_plan_becomes_one_comment_and_a_brake_fails_the_job(runner: Runner) -> None:
    """The first push posts the plan, the second one renews it; a brake that would trip is told, and the job is red."""
    assert runner.run() == ("success", True)
    (comment,) = runner.comments()
    assert comment.startswith(f"{MARKER}\n### plan of `demo:tap-warehouse-model-to-target-hubspot`")
    assert f"| `contacts` | `contacts` | {ROWS} | 0 |" in comment
    assert "Commit abc123, success: [log](https://github.example/acme/crm/actions/runs/42)" in comment
    assert "@shop.example" not in comment

    with duckdb.connect(str(runner.project.root / "demo/.work/warehouse.duckdb")) as warehouse:
        warehouse.execute("UPDATE raw.customers SET email = 'none'")
    assert runner.run() == ("failure", False)
    (comment,) = runner.comments()
    assert f"{MARKER}\n### Stopped: plan of" in comment
    assert "`invalid_email` | 12 |" in comment
    assert not (runner.project.root / "ledger.db").exists()


@pytest.mark.long
def test_a_run_without_a_plan_says_so(runner: Runner) -> None:
    """A refused token leaves no plan: the comment does not show an older one, and the job is red."""
    assert runner.run(TARGET_HUBSPOT_ACCESS_TOKEN="invalid-token") == ("failure", False)
    (comment,) = runner.comments()
    assert "### No plan: the run failed before there was one" in comment
