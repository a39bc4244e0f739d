"""Several workers on partitions of one sync under `kill -9`: nothing is lost or doubled, also where they want the same.

Each worker has rows of its own, as the tap slices them. Some rows of different workers want the same match value: one
of them gets it, and the others wait as rejects until it is free.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from .scenarios import CREATED_BULK_CONTACTS, Scenario
from .test_kills import POINTS, Loop, dice, make_writes_slow_and_late, simulator_url, state_message

if TYPE_CHECKING:
    import random
    from pathlib import Path

__all__ = ["simulator_url"]

WORKERS = 4
ROWS = 120
SHARED = 20
VALUES = ("red", "green", "blue")

BULK = replace(CREATED_BULK_CONTACTS, load_method="upsert")
REST = replace(BULK, settings={**BULK.settings, "api": "rest"}, write_paths=("*/composite/sobjects*",), points=())
"""Contacts by an address that Salesforce lets repeat: nothing but the ledger keeps them from being doubled."""


@dataclass
class Part:
    """The rows of one worker, and a log of their changes.

    Attributes:
        index: Of the worker.
        rng: The dice.
        rows: Source key to match value and value.
        changes: Source keys in order of change; a STATE says how far it was delivered.
        position: What the last released STATE says.
    """

    index: int
    rng: random.Random
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    position: int = 0

    def change(self, count: int) -> None:
        """Add rows and change some; now and then one wants a match value that other workers' rows want as well."""
        for _ in range(count):
            number = self.rng.randrange(ROWS)
            key, own = f"w{self.index}-{number}", f"own{self.index}n{number}"
            match = self.rows[key][0] if key in self.rows else own
            if self.rng.random() < 0.15:
                match = f"shared{self.rng.randrange(SHARED)}" if match == own else own
            self.rows[key] = (match, self.rng.choice(VALUES))
            self.changes.append(key)

    def messages(self, scenario: Scenario) -> str:
        """Everything since the last STATE, with a STATE now and then."""
        columns = ["id", *scenario.columns()]
        schema = {"properties": {name: {} for name in columns}}
        lines: list[dict[str, Any]] = [{"type": "SCHEMA", "stream": "s", "schema": schema, "key_properties": ["id"]}]
        for number in range(self.position, len(self.changes)):
            key = self.changes[number]
            record = {"id": key, **scenario.record(*self.rows[key])}
            lines.append({"type": "RECORD", "stream": "s", "record": record})
            if number % 40 == 0:
                lines.append(state_message(number + 1))
        lines.append(state_message(len(self.changes)))
        return "".join(json.dumps(line) + "\n" for line in lines)


class Worker(Loop):
    """One of several loops over a ledger in PostgreSQL.

    Args:
        scenario: What is written.
        url: Of the simulators.
        folder: Of this worker.
        part: Its rows.
        ledger_url: That all workers share.
        count: How many there are.
    """

    def __init__(
        self, scenario: Scenario, url: str, folder: Path, part: Part, ledger_url: str, *, count: int = WORKERS
    ) -> None:
        super().__init__(scenario, url, folder, source=part)  # type: ignore[arg-type]
        self.part = part
        self._settings = {
            "ledger_url": ledger_url,
            "partition_count": count,
            "partition_index": part.index,
            "max_rejected_percent": 100,
        }

    def start(self, *, checkpoint_records: int = 50, **death: Any) -> None:
        """Start a run; others run meanwhile."""
        order = self.order(**self._settings, checkpoint_records=checkpoint_records)
        order["config"]["streams"]["s"]["fields"] = {name: name for name in self.scenario.columns()}
        self.send({**order, **death})

    def end(self) -> int:
        """Wait until it has ended; take over the last STATE."""
        code = self.answer()
        self.take_state()
        return code


class Team:
    """All workers of one sync.

    Attributes:
        kills: How many runs died.
    """

    def __init__(self, scenario: Scenario, url: str, folder: Path, ledger_url: str) -> None:
        self.scenario, self.url, self.ledger_url = scenario, url, ledger_url
        self.kills: Counter[str] = Counter()
        self._rng = dice(23)
        self.workers = []
        for index in range(WORKERS):
            place = folder / str(index)
            place.mkdir()
            self.workers.append(Worker(scenario, url, place, Part(index, dice(index)), ledger_url))

    def die(self) -> None:
        """Run all at once, and kill some of them, each at a moment of its own."""
        for one in self.workers:
            one.part.change(self._rng.randint(10, 60))
            one.start(**(self._death() if self._rng.random() < 0.7 else {}))
        codes = [one.end() for one in self.workers]
        assert set(codes) <= {0, -9}, codes
        self.kills.update("killed" if one else "survived" for one in codes)

    def _death(self) -> dict[str, Any]:
        point = self._rng.choice((*POINTS, *self.scenario.points, "random", "random"))
        if point == "random":
            return {"after_ms": self._rng.randint(5, 600)}
        return {"point": point, "nth": self._rng.randint(1, 3)}

    def live(self) -> None:
        """Run all to the end; twice more, so that who waits for a match value that became free gets it."""
        for _ in range(3):
            for one in self.workers:
                one.start()
            assert [one.end() for one in self.workers] == [0] * WORKERS

    def close(self) -> None:
        """End the processes."""
        for one in self.workers:
            one.close()

    def check(self) -> int:
        """Compare model, ledger and destination; how many records wait for a match value that another one has."""
        wanted = {key: row for one in self.workers for key, row in one.part.rows.items()}
        with psycopg.connect(self.ledger_url) as connection:
            rows = connection.execute(
                "SELECT source_key, match_key, status, error_code, destination_id, partition FROM deliveries"
            ).fetchall()
            twice = connection.execute(
                "SELECT count(*) FROM (SELECT source_key FROM outcomes WHERE outcome = 'created'"
                " GROUP BY source_key HAVING count(*) > 1) AS found"
            ).fetchall()
        ledger = {json.loads(row[0])[0]: row[1:] for row in rows}
        delivered = self.scenario.delivered(self.url)
        assert ledger.keys() == wanted.keys()
        assert twice == [(0,)], "created twice"
        assert all(len(values) == 1 for values in delivered.values()), "doubled"
        assert len(delivered) == sum(row[3] is not None for row in ledger.values()), "strangers"
        owners = {row[0] for row in ledger.values()}
        waiting = 0
        for key, (match, value) in wanted.items():
            address = self.scenario.key_value(match)
            match_key, status, code, _, partition = ledger[key]
            assert partition == f"{key[1]}/{WORKERS}"
            if status == "delivered":
                assert (match_key, delivered.get(address)) == (address, [value]), key
            else:
                assert (status, code) == ("rejected", "duplicate_key"), key
                assert address in owners, "it waits for nobody"
                waiting += 1
        return waiting


def kill_and_check(team: Team, rounds: int, *, check_every: int) -> int:
    """Kill for some rounds, with checks between; how many records waited in all checks."""
    waited = 0
    make_writes_slow_and_late(team.scenario, team.url)
    try:
        for number in range(1, rounds + 1):
            team.die()
            if number % check_every == 0 or number == rounds:
                team.live()
                waited += team.check()
    finally:
        team.close()
    return waited


def test_kills_of_workers_lose_and_double_nothing(simulator_url: str, tmp_path: Path, postgres_url: str) -> None:
    """Four workers, killed at random moments while the others go on: each record once, each with one owner."""
    team = Team(REST, simulator_url, tmp_path, postgres_url)
    assert kill_and_check(team, 6, check_every=3) > 0
    assert team.kills["killed"] >= 8


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", [REST, BULK], ids=["rest", "bulk"])
def test_a_hundred_kills_of_workers(scenario: Scenario, simulator_url: str, tmp_path: Path, postgres_url: str) -> None:
    """100 kills and more, by requests and by jobs."""
    team = Team(scenario, simulator_url, tmp_path, postgres_url)
    assert kill_and_check(team, 65, check_every=5) > 0
    print(dict(team.kills))  # noqa: T201 - the numbers that the test is for
    assert team.kills["killed"] >= 100
