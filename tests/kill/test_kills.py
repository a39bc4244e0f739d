"""G1 to G4 under `kill -9`: whatever the moment, everything arrives once and nothing stays stale."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from .scenarios import BRIEF, CONTACTS, CREATED_BULK_CONTACTS, SCENARIOS, Scenario

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VICTIM = Path(__file__).with_name("victim.py")
POINTS = ("after_intent", "in_flight", "before_outcome", "after_outcome", "before_state")
ROWS = 350
VALUES = ("red", "green", "blue")
LATE_S = 0.12
GRACE_S = 0.3


@dataclass
class Source:
    """A table whose rows change between runs, and a log of the changes, as an incremental tap sees it.

    Attributes:
        rng: The dice.
        only_adds: Whether every change is a new row, for targets that only create.
        rows: Key to its value.
        changes: Keys in order of change; a STATE says how far it was delivered.
        position: What the last released STATE says.
    """

    rng: random.Random
    only_adds: bool = False
    rows: dict[str, str] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    position: int = 0

    def change(self, count: int) -> None:
        """Give some rows another value, also back to an earlier one, and add a few."""
        for _ in range(count):
            key = f"K{len(self.rows) if self.only_adds else self.rng.randrange(ROWS)}"
            self.rows[key] = self.rng.choice(VALUES)
            self.changes.append(key)

    def messages(self, scenario: Scenario) -> str:
        """What an incremental tap sends: everything since the last STATE, with a STATE now and then."""
        schema = {"properties": {name: {} for name in scenario.columns()}}
        lines = [{"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": [scenario.key_field]}]
        for number in range(self.position, len(self.changes)):
            key = self.changes[number]
            lines.append({"type": "RECORD", "stream": "s", "record": scenario.record(key, self.rows[key])})
            if number % 60 == 0:
                lines.append(state_message(number + 1))
        lines.append(state_message(len(self.changes)))
        return "".join(json.dumps(line) + "\n" for line in lines)

    def count_wrong(self, scenario: Scenario, url: str) -> int:
        """Records that are missing, doubled, or hold an old value."""
        delivered, rows = scenario.delivered(url), self.rows
        wrong = scenario.greeted_twice(url)
        if scenario.load_method == "create":
            return wrong + sum(len(delivered.get(scenario.key_value(key), [])) != 1 for key in rows)
        strangers = delivered.keys() - {scenario.key_value(key) for key in rows}
        wrong += sum(delivered.get(scenario.key_value(key)) != [it] for key, it in rows.items())
        return wrong + len(strangers)


def state_message(position: int) -> dict[str, Any]:
    """A STATE that says how far the changes are delivered."""
    return {"type": "STATE", "value": {"bookmarks": {"s": {"position": position}}}}


def dice(seed: int) -> random.Random:
    """The same ones in every run of a test."""
    return random.Random(seed)  # noqa: S311 - not for secrets


class Loop:
    """Runs the victim until its input is delivered, killing it on the way.

    Args:
        scenario: What is written.
        url: Of the simulators.
        folder: Where ledger, input and output are.
        source: What the victim reads.
        control: What is taken out of the victim, so that it must fail.
    """

    def __init__(
        self, scenario: Scenario, url: str, folder: Path, *, source: Source | None = None, **control: bool
    ) -> None:
        self.scenario = scenario
        self.source = source or Source(dice(7), scenario.load_method == "create")
        self.kills: Counter[str] = Counter()
        self.url = url
        self._folder = folder
        self._control = control
        self._victim = subprocess.Popen(
            [sys.executable, str(VICTIM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": "", "MELTANO_PROJECT_ROOT": str(folder), "PYTHONPATH": ":".join(sys.path)},
        )

    def points(self) -> tuple[str, ...]:
        """The moments of a kill."""
        return (*POINTS, *self.scenario.points, "random")

    def close(self) -> None:
        """End the victim's parent."""
        assert self._victim.stdin is not None
        self._victim.stdin.close()
        self._victim.wait(timeout=30)

    def run(self, **death: Any) -> int:
        """One run; takes over the last STATE that left it."""
        self.send({**self.order(), **death})
        code = self.answer()
        self.take_state()
        return code

    def order(self, **settings: Any) -> dict[str, Any]:
        """What the victim is told, with its input."""
        source, output = self._folder / "input", self._folder / "output"
        source.write_text(self.source.messages(self.scenario), encoding="utf-8")
        config = {
            **self.scenario.config(self.url),
            "ledger_url": f"sqlite:///{self._folder}/ledger.db",
            "report_dir": str(self._folder / "reports"),
            "reconcile_grace_seconds": GRACE_S,
            "checkpoint_records": 50,
            **settings,
        }
        return {
            "vendor": self.scenario.vendor,
            "config": config,
            "input": str(source),
            "output": str(output),
            **self._control,
        }

    def take_state(self) -> None:
        """Take over the last STATE that left the run."""
        output = self._folder / "output"
        states = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
        complete = [line for line in states if line.endswith("}")]
        if complete:
            self.source.position = json.loads(complete[-1])["bookmarks"]["s"]["position"]

    def send(self, order: dict[str, Any]) -> None:
        """Start a run."""
        assert self._victim.stdin is not None
        self._victim.stdin.write(json.dumps(order) + "\n")
        self._victim.stdin.flush()

    def answer(self) -> int:
        """Wait until it has ended; how."""
        assert self._victim.stdout is not None
        code: int = json.loads(self._victim.stdout.readline())["exit"]
        return code

    def die(self, point: str, rng: random.Random) -> None:
        """Change the source, run, and be killed; a run that survives is counted as such."""
        self.source.change(rng.randint(20, 120))
        death = {"after_ms": rng.randint(5, 250)} if point == "random" else {"point": point, "nth": rng.randint(1, 2)}
        code = self.run(**death)
        assert code in (0, -9), f"the run ended with {code}"
        self.kills[point if code == -9 else "survived"] += 1

    def live(self) -> None:
        """Run to the end, as the next scheduled run would."""
        assert self.run() == 0
        assert self.source.position == len(self.source.changes)


@pytest.fixture
def simulator_url(tmp_path: Path) -> Iterator[str]:
    """A simulator in a process of its own."""
    command = [sys.executable, "-m", "saas_simulators", "serve", "--port", "0", "--no-limits"]
    log = (tmp_path / "simulator.log").open("w")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
    yield url
    process.terminate()
    process.wait(timeout=10)
    log.close()


def make_writes_slow_and_late(scenario: Scenario, url: str) -> None:
    """Let every write take a while, and one in ten be applied after the client was hung up on."""
    late = {"kind": "apply_later", "probability": 0.1, "seconds": LATE_S, "cut": True}
    slow = {"kind": "latency", "seconds": 0.02, "jitter_seconds": 0.02}
    rules = [{**rule, "path": path} for rule in (late, slow) for path in scenario.write_paths]
    requests.put(f"{url}/_simulator/faults", json=rules, timeout=10).raise_for_status()


def kill_and_verify(loop: Loop, *, kills_per_point: int, verify_every: int = 6, points: Sequence[str] = ()) -> int:
    """Kill at every point, finish now and then, and count the records that are wrong."""
    rng = dice(11)
    wrong = 0
    make_writes_slow_and_late(loop.scenario, loop.url)
    deaths = [point for point in points or loop.points() for _ in range(kills_per_point)]
    rng.shuffle(deaths)
    try:
        for number, point in enumerate(deaths, start=1):
            loop.die(point, rng)
            if number % verify_every == 0 or number == len(deaths):
                loop.live()
                wrong += loop.source.count_wrong(loop.scenario, loop.url)
    finally:
        loop.close()
    return wrong


@pytest.mark.parametrize("scenario", [SCENARIOS[name] for name in BRIEF], ids=BRIEF)
def test_kills_lose_and_double_nothing(scenario: Scenario, simulator_url: str, tmp_path: Path) -> None:
    """After every kill the next run settles all: no duplicate, none missing, none stale."""
    loop = Loop(scenario, simulator_url, tmp_path)
    assert kill_and_verify(loop, kills_per_point=3) == 0
    assert sum(count for point, count in loop.kills.items() if point != "survived") >= 9


def test_without_intents_records_go_stale(simulator_url: str, tmp_path: Path) -> None:
    """The control: the same kills without intents leave old values behind, so the test above can fail."""
    loop = Loop(CONTACTS, simulator_url, tmp_path, has_intents=False)
    assert kill_and_verify(loop, kills_per_point=4) > 0


@pytest.mark.parametrize("forgets_jobs", [False, True])
def test_jobs_that_outlive_their_run_are_adopted(simulator_url: str, tmp_path: Path, *, forgets_jobs: bool) -> None:
    """A job that takes longer than the grace period is waited for; a ledger that forgets jobs doubles records."""
    limits = {"salesforce": {"enabled": False, "bulk_seconds_per_batch": 4 * GRACE_S}}
    requests.put(f"{simulator_url}/_simulator/limits", json=limits, timeout=10).raise_for_status()
    loop = Loop(CREATED_BULK_CONTACTS, simulator_url, tmp_path, forgets_jobs=forgets_jobs)
    wrong = kill_and_verify(loop, kills_per_point=4, verify_every=1, points=["job_submitted"])
    assert (wrong > 0) is forgets_jobs
    assert loop.kills["job_submitted"] >= 2


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_two_hundred_kills_lose_and_double_nothing(scenario: Scenario, simulator_url: str, tmp_path: Path) -> None:
    """200 kills and more, at least 20 at each point: no duplicate, none missing, none stale."""
    loop = Loop(scenario, simulator_url, tmp_path)
    assert kill_and_verify(loop, kills_per_point=45) == 0, dict(loop.kills)
    print(dict(loop.kills))  # noqa: T201 - the numbers that the test is for
    assert sum(count for point, count in loop.kills.items() if point != "survived") >= 200
    assert all(loop.kills[point] >= 20 for point in loop.points()), dict(loop.kills)
