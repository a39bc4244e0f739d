"""A copy of the workspace with an environment of its own, to make targets in."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from members import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

FOREIGN = ("TAP_", "TARGET_", "MELTANO_", "VIRTUAL_ENV", "PYTHON", "PYTEST", "MAKE")


@dataclass(frozen=True)
class Workspace:
    """Where it is."""

    root: Path

    @classmethod
    def copy(cls, root: Path) -> Workspace:
        """Copy what git would, and set it up as a newcomer does; packages come from wherever this machine gets them."""
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
        for name in filter(None, listed.split("\0")):
            place = root / name
            if (REPOSITORY / name).is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, place)
        one = cls(root)
        for line in (("git", "init", "--quiet"), ("git", "add", "--all"), ("make", "setup")):
            one.must(*line)
        return one

    def run(self, *command: str, timeout_s: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a command in it, programs of its environment first."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        environment = kept | {"PATH": f"{self.root / '.venv/bin'}:{os.environ['PATH']}"}
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False, timeout=timeout_s
        )

    def must(self, *command: str) -> str:
        """Run a command that has to succeed; its output."""
        done = self.run(*command)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}{done.stderr[-2000:]}"
        return done.stdout


def lay_over(workspace: Workspace, overlay: Path) -> None:
    """Put the changed files of a target over those that were made, and take away what it has no use for."""
    for path in sorted(overlay.rglob("*")):
        place = workspace.root / path.relative_to(overlay)
        if path.is_file() and path.name != "REMOVED" and "__pycache__" not in path.parts:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    for name in (overlay / "REMOVED").read_text(encoding="utf-8").split():
        (workspace.root / name).unlink()
