"""Environments with the drivers of other warehouses, and the tap's command in them."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from warehouses.runs import Run

REPOSITORY = Path(__file__).parents[2]


def environment(name: str) -> Path:
    """Return the folder of an environment; the test is skipped where it was not made."""
    path = REPOSITORY / f".venv-{name}"
    if not (path / ".ready").is_file():
        pytest.skip(f"'{path.name}' is missing: run 'make warehouses' (so does 'make test')")
    return path


class Command:
    """The tap's command, as it is installed in an environment."""

    def __init__(self, path: Path, folder: Path, **variables: str) -> None:
        self.program = str(path / "bin/tap-warehouse-model")
        self.variables = {**os.environ, **variables}
        self._folder = folder
        self._counter = itertools.count()

    def arguments(self, config: dict[str, Any], *options: str, **documents: Any) -> list[str]:
        """Write the documents to files, and return the whole command line."""
        line = [self.program]
        for name, document in {"config": config, **documents}.items():
            path = self._folder / f"{name}-{next(self._counter)}.json"
            path.write_text(json.dumps(document), encoding="utf-8")
            line += [f"--{name}", str(path)]
        return [*line, *options]

    def __call__(self, config: dict[str, Any], *options: str, **documents: Any) -> Run:
        """Run it to the end."""
        done = subprocess.run(
            self.arguments(config, *options, **documents),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=self.variables,
        )
        return Run(done.returncode, done.stdout, done.stderr)
