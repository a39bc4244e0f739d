"""Whole processes, measured from outside: seconds with start-up, processor seconds, and peak memory.

Standard library only: the benchmark that starts processes stays small itself.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

MEASURED = Path(__file__).with_name("measured.py")
PYTHON = sys.executable
LAST_WORDS = 3000


class BenchmarkError(Exception):
    """What was to be measured failed; the message has its last words."""


@dataclass(frozen=True)
class Usage:
    """One process.

    Attributes:
        seconds: From its start to its end.
        cpu_s: Of the processor, in user and in system mode.
        peak_mb: The most memory that it held at once.
        exit_code: Negative for a signal.
        log: The end of what it said on stderr.
    """

    seconds: float
    cpu_s: float
    peak_mb: float
    exit_code: int
    log: str = ""

    def figures(self) -> dict[str, float]:
        """What is kept of it."""
        return {
            name: round(value, 3) for name, value in asdict(self).items() if name in {"seconds", "cpu_s", "peak_mb"}
        }


def run(
    command: Sequence[object],
    *,
    stdin: Path | None = None,
    stdout: Path | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    allowed: Collection[int] | None = (0,),
) -> Usage:
    """Run one command to its end.

    Args:
        command: Program and arguments.
        stdin: A file that it reads.
        stdout: Where its output goes; by default nowhere.
        environment: Variables beside those of this process.
        cwd: Where it runs.
        allowed: Exit codes that are no failure; `None`: any.

    Raises:
        BenchmarkError: It failed.
    """
    with ExitStack() as files:
        source = files.enter_context(stdin.open("rb")) if stdin else subprocess.DEVNULL
        sink = files.enter_context(stdout.open("wb")) if stdout else subprocess.DEVNULL
        started = _Started(command, source, sink, environment=environment, cwd=cwd)
        usage = started.wait()
    _check(usage, command, allowed)
    return usage


def pipe(
    first: Sequence[object],
    second: Sequence[object],
    *,
    environment: Mapping[str, str] | None = None,
    allowed: Collection[int] | None = (0,),
) -> tuple[Usage, Usage]:
    """Run `first | second`; each is measured alone.

    Raises:
        BenchmarkError: One of them failed.
    """
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as sink:
        left = _Started(first, subprocess.DEVNULL, sink, environment=environment)
        right = _Started(second, source, subprocess.DEVNULL, environment=environment)
    used = left.wait(), right.wait()
    for usage, command in zip(used, (first, second), strict=True):
        _check(usage, command, allowed)
    return used


class _Started:
    def __init__(
        self,
        command: Sequence[object],
        stdin: IO[bytes] | int,
        stdout: IO[bytes] | int,
        *,
        environment: Mapping[str, str] | None,
        cwd: Path | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="measured-")
        self._result = Path(self._folder.name, "result.json")
        self._log = Path(self._folder.name, "stderr")
        wrapped = [PYTHON, "-I", "-S", str(MEASURED), str(self._result), *(str(word) for word in command)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                wrapped, stdin=stdin, stdout=stdout, stderr=log, env={**os.environ, **(environment or {})}, cwd=cwd
            )

    def wait(self) -> Usage:
        self._process.wait()
        log = self._log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:]
        if not self._result.exists():
            raise BenchmarkError(log)
        figures = json.loads(self._result.read_text(encoding="utf-8"))
        self._folder.cleanup()
        return Usage(*(figures[name] for name in ("seconds", "cpu_s", "peak_mb", "exit_code")), log=log)


def _check(usage: Usage, command: Sequence[object], allowed: Collection[int] | None) -> None:
    if allowed is not None and usage.exit_code not in allowed:
        msg = f"{' '.join(str(word) for word in command)}\nended with exit code {usage.exit_code}:\n{usage.log}"
        raise BenchmarkError(msg)


def spread(values: Sequence[float], places: int = 3) -> dict[str, float]:
    """Minimum, median and maximum.

    >>> spread([3.0, 1.0, 2.0])
    {'min': 1.0, 'median': 2.0, 'max': 3.0, 'runs': 3}
    """
    return {
        "min": round(min(values), places),
        "median": round(statistics.median(values), places),
        "max": round(max(values), places),
        "runs": len(values),
    }


def in_turn(runs: Mapping[str, Callable[[], Usage]], repeat: int) -> dict[str, dict[str, Any]]:
    """Measure several commands in turn, A B A B, so that a slow moment of the machine hits all.

    Args:
        runs: What starts each.
        repeat: How often each is run.

    Returns:
        Per name the spreads of its figures, and `each`: its seconds, run by run.
    """
    used: dict[str, list[Usage]] = {name: [] for name in runs}
    for _ in range(repeat):
        for name, start in runs.items():
            used[name].append(start())
    return {name: summary(usages) for name, usages in used.items()}


def summary(usages: Sequence[Usage]) -> dict[str, Any]:
    """The spreads of a command's figures."""
    figures = {name: spread([getattr(one, name) for one in usages]) for name in ("seconds", "cpu_s", "peak_mb")}
    return {**figures, "each": [round(one.seconds, 3) for one in usages]}


def ratios(numerator: Mapping[str, Any], denominator: Mapping[str, Any]) -> dict[str, float]:
    """The ratio of two commands that were measured in turn, pair by pair.

    >>> ratios({"each": [2.0, 4.0]}, {"each": [1.0, 1.0]})
    {'min': 2.0, 'median': 3.0, 'max': 4.0, 'runs': 2}
    """
    return spread([one / other for one, other in zip(numerator["each"], denominator["each"], strict=True)])
