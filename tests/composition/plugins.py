"""Plugins from PyPI, each in an environment of its own with the versions that its file pins."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributions import FOREIGN, uv

REQUIREMENTS = Path(__file__).parent / "requirements"
COMMANDS = {
    "meltanolabs-tap-postgres": "tap-postgres",
    "meltanolabs-target-csv": "target-csv",
    "meltanolabs-target-postgres": "target-postgres",
    "pipelinewise-target-postgres": "target-postgres",
}
"""The commands of packages that are not called like them."""
TIMEOUT_S = 120


def pinned(path: Path) -> str:
    """The version of the plugin that a file of requirements asks for."""
    (version,) = re.findall(rf"^{path.stem}==(\S+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return str(version)


@dataclass(frozen=True)
class Output:
    """What a plugin said in one run."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The lines of a tap's output."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def records(self, stream: str | None = None) -> list[dict[str, Any]]:
        """The records of all streams, or of one."""
        found = [one for one in self.messages if one["type"] == "RECORD"]
        return [one["record"] for one in found if stream in (None, one["stream"])]

    @property
    def state(self) -> dict[str, Any]:
        """The last STATE that a tap said."""
        states: list[dict[str, Any]] = [one["value"] for one in self.messages if one["type"] == "STATE"]
        return states[-1]

    @property
    def given_back(self) -> dict[str, Any]:
        """The last STATE that a target gave back."""
        state: dict[str, Any] = self.messages[-1]
        return state


@dataclass(frozen=True)
class Plugin:
    """A command, and a folder for its files."""

    command: tuple[str, ...]
    folder: Path

    def run(self, config: dict[str, Any], *options: str, stdin: str = "", **documents: Any) -> Output:
        """Run it to its end.

        Args:
            config: Its settings.
            options: Further words of the command line.
            stdin: What it reads.
            documents: Further files: `state`, `catalog`.
        """
        done = self.attempt(config, *options, stdin=stdin, **documents)
        assert done.exit_code == 0, done.stderr[-5000:]
        return done

    def attempt(self, config: dict[str, Any], *options: str, stdin: str = "", **documents: Any) -> Output:
        """The same, whatever becomes of it."""
        line = list(self.command)
        for name, document in {"config": config, **documents}.items():
            path = next(path for n in itertools.count() if not (path := self.folder / f"{name}-{n}.json").exists())
            path.write_text(json.dumps(document), encoding="utf-8")
            line += [f"--{name}", str(path)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        done = subprocess.run(
            [*line, *options],
            input=stdin.encode(),
            capture_output=True,
            cwd=self.folder,
            env=kept | {"MELTANO_PROJECT_ROOT": str(self.folder)},
            check=False,
            timeout=TIMEOUT_S,
        )
        return Output(done.returncode, done.stdout.decode(), done.stderr.decode())


class Shelf:
    """Environments that are made when they are first asked for, and kept for the session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, package: str, folder: Path, *instead: str) -> Plugin:
        """A plugin of others, installed as its file says, but for what is required `instead`."""
        environment = self._folder / "-".join((package, *instead))
        if not environment.exists():
            made = uv("venv", "--quiet", "--python", sys.executable, environment)
            assert made.returncode == 0, made.stderr
            path = REQUIREMENTS / f"{package}.txt"
            installed = uv("pip", "install", "--quiet", "--python", environment, "--requirement", path)
            assert installed.returncode == 0, installed.stderr[-3000:]
            if instead:
                replaced = uv("pip", "install", "--quiet", "--python", environment, *instead)
                assert replaced.returncode == 0, replaced.stderr[-3000:]
        return Plugin((str(environment / "bin" / COMMANDS.get(package, package)),), folder)


def ours(name: str, folder: Path) -> Plugin:
    """A plugin of ours, from this environment."""
    return Plugin((str(Path(sys.executable).with_name(name)),), folder)
