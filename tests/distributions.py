"""What `make build` makes, and clean environments to install it into."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from members import PACKAGES

REPOSITORY = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
COMMANDS = {"reverse-etl-core": "reverse-etl"}
"""The command of a package that is not called like it."""
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"
FOREIGN = ("TAP_", "TARGET_", "MELTANO_", "REVERSE_ETL_", "VIRTUAL_ENV", "PYTHON")


def uv(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run uv in the workspace."""
    command = [str(BIN / "uv"), *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def interpreter(version: str) -> Path:
    """A Python of that version which is on this machine; the test is skipped where there is none.

    Besides the path, pyenv's folder is looked into: its shims do not run for versions that are not chosen.
    """
    if version == CURRENT:
        return Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))]
    for path in filter(None, found):
        done = subprocess.run([path, "-c", "import venv"], capture_output=True, check=False)
        if done.returncode == 0:
            return Path(path)
    pytest.skip(f"There is no Python {version} on this machine")


@dataclass(frozen=True)
class Installation:
    """An environment that holds one of our wheels and what it needs."""

    folder: Path
    package: str

    @classmethod
    def make(cls, wheel: Path, package: str, python: Path, folder: Path) -> Installation:
        """Install a wheel; its siblings may come from its folder, the rest from wherever this machine gets packages."""
        done = uv("venv", "--quiet", "--no-python-downloads", "--python", python, folder)
        assert done.returncode == 0, done.stderr[-3000:]
        # An earlier folder may have had wheels of these names: what was cached of them is not what was built now.
        ours = [option for name in PACKAGES for option in ("--refresh-package", name)]
        done = uv("pip", "install", "--quiet", "--python", folder, *ours, "--find-links", wheel.parent, wheel)
        assert done.returncode == 0, done.stderr[-3000:]
        return cls(folder, package)

    def packages(self) -> set[str]:
        """What is installed."""
        listed = uv("pip", "list", "--format", "json", "--python", self.folder)
        return {one["name"] for one in json.loads(listed.stdout)}

    def run(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the package's command in the environment's folder, where there is no source of ours."""
        command = [self.folder / "bin" / COMMANDS.get(self.package, self.package), *arguments]
        return self._run(command, stdin)

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run a piece of Python."""
        return self._run([self.folder / "bin/python", "-c", code], "")

    def _run(self, command: list[str | Path], stdin: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, check=False, cwd=self.folder, env=kept, timeout=120
        )
