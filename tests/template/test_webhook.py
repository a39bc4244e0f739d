"""A further target, written from the template: records as JSON to any receiver, one a request.

What differs from the skeleton lies under `webhook`, and is laid over a target that was just made. Its tests are the
conformance classes that such a target can keep; those that it cannot are named there with the reason.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .workspace import Workspace, lay_over

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
OVERLAY = Path(__file__).with_name("webhook")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy in which the target was made and changed."""
    one = Workspace.copy(tmp_path_factory.mktemp("workspace") / "copy")
    one.must("python", "templates/new_target.py", "--name", "webhook", "--title", "Webhook")
    lay_over(one, OVERLAY)
    return one


@pytest.mark.parametrize("command", ["ruff check .", "ruff format --check .", "mypy", "lint-imports"])
def test_the_tools_find_nothing(command: str, workspace: Workspace) -> None:
    """Style, types, and the layers that the template gave."""
    workspace.must(*command.split())


def test_its_tests_pass(workspace: Workspace) -> None:
    """The conformance classes, and the tests of its modules and its receiver."""
    places = ("tests/target_webhook", "tests/saas_simulators/test_webhook.py")
    workspace.must("python", "-m", "pytest", "-q", "-m", "not long", *places)
