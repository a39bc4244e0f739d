"""The rules of the workspace, held by its own tools."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
REGISTRY_HOSTS = re.compile("|".join(("py" + "pi.org", "pythonhosted" + ".org", "npm" + "js.org", "npmjs" + ".com")))


def run(*command: str, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Run a tool of the environment."""
    return subprocess.run([str(BIN / command[0]), *command[1:]], cwd=cwd, capture_output=True, text=True, check=False)


def tracked_files() -> list[Path]:
    """Files of the repository, as git sees them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    return [REPOSITORY / name for name in listed.decode().split("\0") if name and (REPOSITORY / name).is_file()]


@pytest.mark.parametrize(
    "command",
    [
        ("lint-imports",),
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("codespell",),
    ],
    ids=lambda command: command[0],
)
def test_a_tool_finds_nothing(command: tuple[str, ...]) -> None:
    """Import contracts, style, types and spelling hold."""
    done = run(*command)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_no_file_names_a_package_registry() -> None:
    """A clone installs from whatever registry its owner uses: none is written down."""
    named = [path for path in tracked_files() if REGISTRY_HOSTS.search(path.read_text("utf-8", errors="ignore"))]
    assert named == []
