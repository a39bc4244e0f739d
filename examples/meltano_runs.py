"""Runs the jobs of a Meltano project, and tells how they ended: what the examples for Airflow and Dagster share.

It imports PyYAML, which both have, and nothing of Meltano: that lives in an environment of its own, because it and the
orchestrators share many libraries, and would hold each other back. Copy this file to where yours imports from.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SLICES_VARIABLE = "REVERSE_ETL_SLICES"
"""In a schedule's `env`: how many workers deliver it."""

FINAL = (78, 65)
"""Exit codes that a repetition does not cure: a setting is wrong, or a brake stopped the run and a person must look."""

BUSY = 75
STOP_S = 60.0
LogLine = Callable[[int, str], object]
"""Takes a level of `logging` and a text."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


@dataclass(frozen=True)
class Schedule:
    """An entry of `schedules` in `meltano.yml`.

    Attributes:
        name: Its name.
        interval: When it is due: a cron expression, or one like `@daily`.
        job: The job that it runs.
        variables: Its `env`.
        plugins: Taps and targets of the job, in order.
        loaders: The targets among them.
        streams: Per target the streams that it is configured for.
    """

    name: str
    interval: str
    job: str
    variables: Mapping[str, str]
    plugins: Sequence[str]
    loaders: Sequence[str]
    streams: Mapping[str, Sequence[str]]

    @property
    def slices(self) -> int:
        """How many workers deliver it."""
        return int(self.variables.get(SLICES_VARIABLE, 1))


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        exit_code: 0, or the most telling one of tap and target: Meltano's own is 1 for all of them.
        reports: Per target that reached its ledger its `report.json`, with the path of the page as `page`.
        message: Of the target that failed, or of Meltano.
    """

    exit_code: int
    reports: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    message: str = ""

    @property
    def is_final(self) -> bool:
        """Whether another attempt would end the same."""
        return self.exit_code in FINAL

    def totals(self) -> dict[str, int]:
        """Counts by outcome over all targets."""
        counts: dict[str, int] = {}
        for report in self.reports.values():
            for name, count in report["totals"].items():
                counts[name] = counts.get(name, 0) + count
        return counts


def schedules(project: Path, environment: str) -> list[Schedule]:
    """The schedules of `meltano.yml`.

    The file is read, and not `meltano schedule list`, which takes seconds: orchestrators load definitions often.

    Args:
        project: The folder of `meltano.yml`.
        environment: Whose configuration of the targets names the streams.
    """
    content = yaml.safe_load((project / "meltano.yml").read_text(encoding="utf-8"))
    jobs = {job["name"]: " ".join(job["tasks"]).split() for job in content["jobs"]}
    loaders = {one["name"]: one.get("config", {}) for one in content["plugins"]["loaders"]}
    for one in content.get("environments", ()):
        if one["name"] == environment:
            for loader in one.get("config", {}).get("plugins", {}).get("loaders", ()):
                loaders[loader["name"]] = loaders[loader["name"]] | loader.get("config", {})
    found = []
    for one in content.get("schedules", ()):
        plugins = jobs[one["job"]]
        targets = [name for name in plugins if name in loaders]
        found.append(
            Schedule(
                name=one["name"],
                interval=one["interval"],
                job=one["job"],
                variables=one.get("env", {}),
                plugins=plugins,
                loaders=targets,
                streams={name: list(loaders[name].get("streams") or ()) for name in targets},
            )
        )
    return found


class Run:
    """One run of a schedule's job.

    Args:
        project: The folder of `meltano.yml`; Meltano is in its `.venv`.
        environment: Meltano's environment.
        schedule: What to run.
        index: The slice that this run delivers, from 0 on.
        variables: Environment variables beside those of this process: secrets, say.
        program: Meltano, where it is elsewhere.
    """

    def __init__(
        self,
        project: Path,
        environment: str,
        schedule: Schedule,
        *,
        index: int = 0,
        variables: Mapping[str, str] | None = None,
        program: str = "",
    ) -> None:
        suffix = [f"--state-id-suffix=slice-{index}"] if schedule.slices > 1 else []
        # `--force`: Meltano's own lock would outlive a killed worker by minutes; the lease in the ledger does not.
        self.command = [
            program or str(project / ".venv/bin/meltano"),
            f"--environment={environment}",
            "--log-format=json",
            "run",
            "--force",
            *suffix,
            schedule.job,
        ]
        self._project = project
        root = {"MELTANO_PROJECT_ROOT": str(project)}
        self._variables = {**root, **schedule.variables, **_slice(schedule, index), **(variables or {})}
        self._process: subprocess.Popen[str] | None = None

    def start(self, log: LogLine) -> Outcome:
        """Run it to its end, and pass its log on.

        An exception in the meantime, a timeout say, ends Meltano and with it tap and target, gently.
        """
        with subprocess.Popen(
            self.command,
            cwd=self._project,
            env={**os.environ, **self._variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as self._process:
            try:
                events = list(_events(self._process.stdout or (), log))
                return _outcome(self._process.wait(), events)
            except BaseException:  # a timeout or a signal too: no process is left behind; it propagates
                self.stop()
                self._kill_late()
                raise

    def stop(self) -> None:
        """Ask Meltano to stop: it passes SIGTERM on, and the target settles what is under way."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def _kill_late(self) -> None:
        if self._process is not None:
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()


def _slice(schedule: Schedule, index: int) -> dict[str, str]:
    """The settings that make tap and target one of several workers."""
    if schedule.slices == 1:
        return {}
    chosen = {}
    for plugin in schedule.plugins:
        prefix = plugin.upper().replace("-", "_")
        chosen[f"{prefix}_PARTITION_COUNT"] = str(schedule.slices)
        chosen[f"{prefix}_PARTITION_INDEX"] = str(index)
    return chosen


def _events(lines: Iterator[str] | Sequence[str], log: LogLine) -> Iterator[dict[str, Any]]:
    """Meltano's log, line by line; those that say how the run ended."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            log(_LEVELS["info"], line.rstrip())
            continue
        text, level = str(event.get("event", "")), _LEVELS.get(event.get("level", ""), 20)
        if text != "METRIC":
            log(level, f"{event.get('name', 'meltano')}: {text}")
        if "exit_codes" in event or text.startswith("Report: ") or level >= _LEVELS["error"]:
            yield event


def _outcome(meltanos_code: int, events: Sequence[Mapping[str, Any]]) -> Outcome:
    codes = [code for one in events for code in dict(one.get("exit_codes") or {}).values()]
    reports = {}
    for one in events:
        if str(one["event"]).startswith("Report: "):
            page = Path(str(one["event"]).removeprefix("Report: "))
            reports[str(one["string_id"])] = json.loads(page.with_suffix(".json").read_text(encoding="utf-8")) | {
                "page": str(page)
            }
    message = _last_words(events) if meltanos_code else ""
    return Outcome(_most_telling(meltanos_code, codes), reports, message)


def _last_words(events: Sequence[Mapping[str, Any]]) -> str:
    """The last error that the target told; else the tap's; else Meltano's."""
    errors = [one for one in events if _LEVELS.get(str(one.get("level")), 0) >= _LEVELS["error"]]
    for source in ("consumer", "producer", "event"):
        told = [str(one["event"]) for one in errors if one.get(source)]
        if told:
            return told[-1]
    return ""


def _most_telling(meltanos_code: int, codes: Sequence[int]) -> int:
    """The code that says what to do.

    A target that stops early takes the tap with it, so that a code of ours counts before any other.

    >>> _most_telling(1, [1, 78]), _most_telling(1, [120, 75]), _most_telling(1, [1]), _most_telling(0, [])
    (78, 75, 1, 0)
    """
    if meltanos_code != 1:  # all is well, or a signal ended it
        return 128 - meltanos_code if meltanos_code < 0 else meltanos_code
    return next((code for code in (*FINAL, BUSY) if code in codes), next((one for one in codes if one), 1))
