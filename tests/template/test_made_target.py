"""A target made from the template works as it is: `make new-target` in a copy of the workspace."""

from __future__ import annotations

import pytest

from .workspace import Workspace

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
NAME, TITLE = "acme", "Acme CRM"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy in which the target was made."""
    one = Workspace.copy(tmp_path_factory.mktemp("workspace") / "copy")
    one.must("make", "new-target", f"NAME={NAME}", f"TITLE={TITLE}")
    return one


@pytest.mark.parametrize(
    "command",
    ["ruff check .", "ruff format --check .", "mypy", "lint-imports", "codespell"],
    ids=lambda command: command.split()[0],
)
def test_the_tools_find_nothing(command: str, workspace: Workspace) -> None:
    """Style, types, spelling, and the import contracts that were added."""
    workspace.must(*command.split())


def test_it_is_made_once(workspace: Workspace) -> None:
    """A second time is refused, and changes no file."""
    before = workspace.must("git", "status", "--porcelain", "--untracked-files=all")
    done = workspace.run("make", "new-target", f"NAME={NAME}", f"TITLE={TITLE}")
    assert (done.returncode != 0, "exists already" in done.stderr) == (True, True)
    assert workspace.must("git", "status", "--porcelain", "--untracked-files=all") == before


def test_its_tests_pass(workspace: Workspace) -> None:
    """The conformance suite and the tests of its modules and its simulator."""
    folders = (f"tests/target_{NAME}", f"tests/saas_simulators/test_{NAME}.py")
    workspace.must("python", "-m", "pytest", "-q", "-m", "not long", *folders)


def test_the_tests_of_all_targets_take_it_up(workspace: Workspace) -> None:
    """Kills at every moment, its definition for the Hub, and its part of the example project."""
    kills = f"tests/kill/test_kills.py::test_kills_lose_and_double_nothing[{NAME}-contacts]"
    workspace.must("python", "-m", "pytest", "-q", "-m", "not long", kills, "tests/docs/test_hub.py")
    workspace.must("python", "-m", "pytest", "-q", "-m", "not long", "tests/meltano/test_project.py", "-k", "not about")


def test_its_wheel_delivers(workspace: Workspace) -> None:
    """Built and installed alone, it makes a small sync twice, the second one without a write."""
    where = f"tests/packaging/test_installed.py::test_a_wheel_works_alone[target-{NAME}]"
    workspace.must("python", "-m", "pytest", "-q", where)
    assert (workspace.root / f"target-{NAME}/LICENSE").is_file()
