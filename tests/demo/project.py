"""A copy of this workspace to run the demo and Meltano in, apart from the checkout."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parents[2]
FOREIGN = ("TAP_", "TARGET_", "MELTANO_", "VIRTUAL_ENV", "PYTHON")
TIMEOUT_S = 240


@dataclass(frozen=True)
class Project:
    """A copy of the workspace with this environment's programs.

    Its plugins have no `pip_url`: Meltano takes the programs of `.venv`, and nothing is downloaded.
    """

    root: Path

    @classmethod
    def copy(cls, root: Path, *, port: int | None = None) -> Project:
        """Copy what git would, as it is in the checkout.

        Args:
            root: Where to; made.
            port: The port that is to be used in place of the simulators' usual one.
        """
        for name in _tracked():
            source, place = REPOSITORY / name, root / name
            if source.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, place)
        (root / ".venv").symlink_to(sys.prefix)
        meltano_yml = root / "meltano.yml"
        text = re.sub(r"^ +pip_url: .*\n", "", meltano_yml.read_text(encoding="utf-8"), flags=re.MULTILINE)
        meltano_yml.write_text(text.replace("8765", str(port)) if port else text, encoding="utf-8")
        return cls(root)

    def environment(self, **variables: str) -> dict[str, str]:
        """The environment of a shell in which nothing of another pipeline is set."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        path = f"{self.root / '.venv/bin'}:{os.environ['PATH']}"
        return kept | {"PATH": path, "MELTANO_CLI_LOG_FORMAT": "uncolored"} | variables

    def start(self, *command: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, timeout_s: float = TIMEOUT_S, **variables: str) -> tuple[int, str]:
        """Run a command to its end: exit code and whole output."""
        with self.start(*command, **variables) as process:
            try:
                output, _ = process.communicate(timeout=timeout_s)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, output

    def demo(self, *arguments: str) -> tuple[str, ...]:
        """The command line of `make demo`; `.venv` is taken as it is, whatever its age."""
        return ("make", "--old-file=.venv/.ready", "demo", *arguments)

    def processes(self) -> list[str]:
        """What still runs in the project, as command lines; waits a moment for it to end."""
        end_s = time.monotonic() + 5
        while (left := self._processes()) and time.monotonic() < end_s:
            time.sleep(0.1)
        return left

    def _processes(self) -> list[str]:
        return [" ".join(one.cmdline()) for one in psutil.process_iter() if self._is_home_of(one)]

    def _is_home_of(self, process: psutil.Process) -> bool:
        try:
            is_dead = process.status() == psutil.STATUS_ZOMBIE
            return not is_dead and Path(process.cwd()).is_relative_to(self.root)
        except (psutil.Error, OSError):
            return False


def _tracked() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    wanted = ("demo/", "meltano.yml", "Makefile", "constraints.txt", "pyproject.toml")
    return [name for name in listed.split("\0") if name.startswith(wanted)]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
