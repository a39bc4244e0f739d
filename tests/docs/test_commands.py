"""The commands in the documents, run one after the other as a reader would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from demo.project import REPOSITORY, Project, free_port

if TYPE_CHECKING:
    from pathlib import Path

README = REPOSITORY / "README.md"
QUICKSTART = REPOSITORY / "docs/quickstart.md"
BLOCK = re.compile(r"<!-- test: ([^>]+) -->\n( *)```bash\n(.*?)^\2```", re.MULTILINE | re.DOTALL)


def commands(page: Path, marker: str) -> str:
    """The shell blocks with a marker, in order."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return "\n".join(code for kind, _, code in found if kind == marker)


@pytest.fixture(scope="module")
def port() -> int:
    """Where the simulators of this module listen."""
    return free_port()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, port: int) -> Project:
    """A copy of the workspace."""
    return Project.copy(tmp_path_factory.mktemp("docs") / "project", port=port)


def script(text: str, port: int) -> str:
    """Commands as a script that stops at the first failure, on the port of this module."""
    waits = f"until curl --silent --output /dev/null http://127.0.0.1:{port}/; do sleep 0.1; done"
    started = re.sub(r"^(saas-simulators serve .*&)$", rf"\1\n{waits}", text, flags=re.MULTILINE)
    head = "set -e\nset -o pipefail\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n"
    return head + started.replace("8765", str(port))


def test_the_readmes_commands_work(project: Project, port: int) -> None:
    """By hand: the first delivery, some changes, the delivery of the changes."""
    text = commands(README, "run")
    assert text.count("meltano run") == 2
    code, output = project.run("bash", "-c", script(text, port))
    assert code == 0, output
    first, second = re.findall(r"Summary of the run: (.*)", output)
    assert "0 updated" in first
    assert "10 created, 69 updated" in second  # five of them are associations
    assert project.processes() == []


def test_the_quickstarts_connection_test_works(project: Project, port: int) -> None:
    """The connection test reaches the account, and says so; nothing is written. `packaging` tries the whole page."""
    (block,) = (code for _, _, code in BLOCK.findall(QUICKSTART.read_text(encoding="utf-8")) if "test_stream" in code)
    steps = f"saas-simulators serve --port {port} &\n{block}\nkill %1"
    code, output = project.run("bash", "-c", script(steps, port))
    assert code == 0, output
    assert re.search(r"Connection test: account \d+ is reached", output)
    assert project.processes() == []


def test_markers_are_known() -> None:
    """Each marker is one that these tests act on, or says why it is skipped."""
    for page in (README, *QUICKSTART.parent.glob("*.md")):
        for kind, _, _ in BLOCK.findall(page.read_text(encoding="utf-8")):
            assert kind in {"run", "fresh", "make demo"} or re.fullmatch(r"skip, .+", kind), (page.name, kind)
