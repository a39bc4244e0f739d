"""The command line, and what the README promises of it."""

from __future__ import annotations

import inspect
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from click.testing import CliRunner

from saas_simulators import control
from saas_simulators.__main__ import main, serve
from saas_simulators.faults import KINDS, FaultRule
from saas_simulators.hubspot import limits, seeding, state
from saas_simulators.salesforce import limits as salesforce_limits
from saas_simulators.salesforce import seedfields
from saas_simulators.salesforce import seeding as salesforce_seeding
from saas_simulators.salesforce import state as salesforce_state

if TYPE_CHECKING:
    from collections.abc import Iterator

README = (Path(__file__).parents[2] / "saas-simulators" / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A simulator started as a command on a free port, with a state file."""
    command = [sys.executable, "-m", "saas_simulators", "serve", "--port", "0", "--state", str(tmp_path / "state.json")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": ""}
    ) as started:
        yield started
        started.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_its_port_and_ends_cleanly(
    process: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    """The first line of stdout is the port; a signal ends it with status 0, the state saved, no token logged."""
    assert process.stdout is not None
    assert process.stderr is not None
    port = int(process.stdout.readline())
    with requests.Session() as session:
        url = f"http://127.0.0.1:{port}/crm/v3/objects/contacts"
        headers = {"Authorization": "Bearer pat-secret"}
        body = {"properties": {"firstname": "Ada"}}
        assert session.post(url, json=body, headers=headers, timeout=5).status_code == 201
        process.send_signal(number)
        assert process.wait(timeout=5) == 0
    assert "Ada" in (tmp_path / "state.json").read_text(encoding="utf-8")
    assert "secret" not in process.stdout.read() + process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "not loopback"),  # noqa: S104 - refused
        (["--seed", "missing.yml"], "cannot be read"),
    ],
)
def test_serve_refuses_with_one_line(arguments: list[str], said: str) -> None:
    """A bad option ends at once with a message and no traceback."""
    result = CliRunner().invoke(main, ["serve", "--port", "0", *arguments])
    assert result.exit_code == 1
    assert said in result.output
    assert "Traceback" not in result.output


def test_version() -> None:
    """`--version` prints the package's version."""
    assert re.fullmatch(r"saas-simulators, version \d+\.\d+\.\d+\n", CliRunner().invoke(main, ["--version"]).output)


@pytest.mark.parametrize(
    "word",
    [
        *KINDS,
        *[name for name in inspect.signature(FaultRule).parameters if name != "kind"],
        *[f"{route.method} {route.template}" for route in control.ROUTES if route.template != "/"],
        *sorted(limits.NAMES),
        *sorted(seeding.PROPERTY_KEYS),
        *sorted(salesforce_limits.NAMES),
        *sorted(seedfields.FIELD_KEYS),
        *[option for parameter in serve.params for option in parameter.opts],
        *re.findall(r'"(record_\w+|property_\w+|schema_\w+|workflow_\w+)"', inspect.getsource(state)),
        *re.findall(r'"(assignment_\w+|flow_\w+)"', inspect.getsource(salesforce_state)),
    ],
)
def test_readme_documents(word: str) -> None:
    """Every fault, field, path, limit, seed key and option stands in the README."""
    assert re.search(rf"`[^`\n]*{re.escape(word)}", README), word


@pytest.mark.parametrize("key", sorted(salesforce_seeding.KEYS | salesforce_seeding.USER_KEYS))
def test_readme_names_every_key_of_a_salesforce_seed(key: str) -> None:
    """Every section of a seed, and every key of a user, stands in the README's example or text."""
    assert re.search(rf"\b{key}:|`{key}`", README), key
