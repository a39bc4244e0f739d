"""A stand-in for Snowflake on a port of this machine, and the drivers that talk to it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from warehouses.environments import Command, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(__file__).parent / "snowflake_server.py"
# The drivers ask the cloud's metadata service where they are; nothing of a test leaves this machine.
QUIET = {"SNOWFLAKE_DISABLE_PLATFORM_DETECTION": "true", "AWS_EC2_METADATA_DISABLED": "true"}
_NEWEST = "warehouses" if sys.version_info >= (3, 11) else "snowflake"
DRIVERS = [
    pytest.param(name, id=title, marks=[pytest.mark.long] * (name != _NEWEST))
    for name, title in {"snowflake": "connector 4", "warehouses": "connector 5"}.items()
]
"""The environments of the drivers; that of the one which pip does not install is for long runs."""


def command(name: str, folder: Path) -> Command:
    """Return the tap's command in an environment."""
    if name == "warehouses" and sys.version_info < (3, 11):
        pytest.skip("version 5 of the connector needs Python 3.11")
    return Command(environment(name), folder, **QUIET)


class Account:
    """A database of the server, and the configuration that reads it."""

    def __init__(self, port: int, database: str) -> None:
        self.port = port
        self.database = database
        self.url = f"snowflake://ada:snow@127.0.0.1:{port}/{database}/PUBLIC?account=example&warehouse=small"

    def config(self, *models: dict[str, Any], **settings: Any) -> dict[str, Any]:
        """Return a configuration with these models."""
        options = {"connect_args": {"protocol": "http"}}
        return {"sqlalchemy_url": self.url, "engine_options": options, "models": list(models), **settings}

    def execute(self, *statements: str) -> list[list[str]]:
        """Run statements on the server, beside the tap; return the rows of the last one as texts."""
        body = json.dumps({"database": self.database, "statements": statements}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/test/execute", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            rows: list[list[str]] = json.load(answer)
        assert isinstance(rows, list), rows
        return rows

    def report(self) -> dict[str, Any]:
        """Return what clients have sent to the server."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/test/report", timeout=60) as answer:
            seen: dict[str, Any] = json.load(answer)
            return seen


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """Run the server; yield its port."""
    python = environment("snowflake") / "bin/python"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    log = folder / "server.log"
    with log.open("wb") as output, subprocess.Popen([python, SERVER, str(number)], stdout=output, stderr=output) as it:
        try:
            _wait_for(it, number, log)
            yield number
        finally:
            it.terminate()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(log.read_text("utf-8")[-3000:])
