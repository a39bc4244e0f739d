"""A source whose rows come, change, are renamed, go and return, and what a mirror of it has to look like."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from .scenarios import Scenario

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

IDS = 150
VALUES = ("red", "green", "blue")
FOREIGN = [f"F{number}" for number in range(20)]
"""Records that another sync keeps."""


@dataclass(frozen=True)
class Mirror(Scenario):
    """What is mirrored, and how.

    Attributes:
        on_create: A required field that only new records get: then records are looked for before they are created.
        way: As `on_removed`.
    """

    on_create: str = ""
    way: str = "archive"

    def config(self, url: str) -> dict[str, Any]:
        """The target's settings, without those of ledger and run.

        Where the API upserts, a lost answer leaves open who created a record: it counts as adopted.
        """
        settings = super().config(url)
        fields: dict[str, Any] = {name: name for name in self.columns()}
        if self.on_create:
            fields[self.on_create] = {"from": self.on_create, "write": "on_create"}
        stream = {"load_method": "mirror", "on_removed": self.way, "fields": fields}
        settings["streams"]["s"] |= stream
        return {**settings, "remove_adopted": not self.on_create, "max_removed_percent": 100}

    def live(self, url: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Match value, in lower case, and content of each record that is not away."""
        after = "0"
        while after:
            path = f"records/{self.vendor}/{self.object_name}?limit=1000&after={after}"
            page = requests.get(f"{url}/_simulator/{path}", timeout=30).json()
            for record in page["records"]:
                if not record["archived"]:
                    yield str(record["properties"].get(self.key_field)).lower(), record
            after = page.get("next")

    def greetings(self, url: str) -> Counter[str]:
        """How often each match value was greeted."""
        greeted: Counter[str] = Counter()
        last = 0
        while entries := requests.get(f"{url}/_simulator/journal?since={last}", timeout=30).json()["entries"]:
            met = [one for one in entries if one["event"] == self.greeting]
            greeted.update(one["unique"].get(self.key_field, "").lower() for one in met)
            last = entries[-1]["sequence"]
        return greeted


@dataclass
class MirroredTable:
    """Rows by id, and a log of the changes, as a tap sees it that also says what is gone.

    Attributes:
        rng: The dice.
        rows: Id to match value and text.
        last_key: The match value that an id had last.
        appearances: How often a row came, or came back, under a match value.
        changes: Ids in order of change; a STATE says how far they were delivered.
        position: What the last released STATE says.
        done: How often what was done to a row.
        foreign: The records of others as they were before the first run.
    """

    rng: random.Random
    rows: dict[int, tuple[str, str]] = field(default_factory=dict)
    last_key: dict[int, str] = field(default_factory=dict)
    appearances: Counter[str] = field(default_factory=Counter)
    changes: list[int] = field(default_factory=list)
    position: int = 0
    done: Counter[str] = field(default_factory=Counter)
    foreign: dict[str, Any] = field(default_factory=dict)
    keys: int = 0

    def change(self, count: int) -> None:
        """Let rows come, change, get another match value, go, and return."""
        for _ in range(count):
            number = self.rng.randrange(IDS)
            if number not in self.rows:
                what = "return" if number in self.last_key else "come"
                key = self.last_key[number] if what == "return" and self.rng.random() < 0.8 else self._fresh_key()
                self._put(number, key, what)
            elif (dice := self.rng.random()) < 0.3:
                del self.rows[number]
                self.done["go"] += 1
            elif dice < 0.5:
                self._put(number, self._fresh_key(), "rename")
            else:
                self._put(number, self.rows[number][0], "change")
            self.changes.append(number)

    def _fresh_key(self) -> str:
        self.keys += 1
        return f"K{self.keys}"

    def _put(self, number: int, key: str, what: str) -> None:
        self.rows[number] = (key, self.rng.choice(VALUES))
        self.last_key[number] = key
        self.done[what] += 1
        self.appearances[key] += what != "change"

    def messages(self, scenario: Mirror) -> str:
        """What a tap sends: everything since the last STATE, removals too, with a STATE now and then."""
        properties = {name: {} for name in ("id", *scenario.columns())}
        lines: list[dict[str, Any]] = [
            {"type": "SCHEMA", "stream": "s", "schema": {"properties": properties}, "key_properties": ["id"]}
        ]
        for place in range(self.position, len(self.changes)):
            number = self.changes[place]
            record: dict[str, Any] = {"id": number}
            if number in self.rows:
                record |= scenario.record(*self.rows[number])
            else:
                record["_sdc_deleted_at"] = "2026-11-28T00:00:00Z"
            lines.append({"type": "RECORD", "stream": "s", "record": record})
            if place % 60 == 0:
                lines.append(_state(place + 1))
        lines.append(_state(len(self.changes)))
        return "".join(json.dumps(line) + "\n" for line in lines)

    def count_wrong(self, scenario: Mirror, url: str) -> int:
        """Records that are missing, stale, doubled or not gone; those of others that changed; second greetings."""
        live: dict[str, list[Any]] = {}
        for key, record in scenario.live(url):
            live.setdefault(key, []).append(record)
        foreign = {scenario.key_value(key) for key in FOREIGN}
        wrong = sum(live.get(key) != self.foreign.get(key) for key in foreign)
        wanted = {scenario.key_value(key): text for key, text in self.rows.values()}
        for key in wanted.keys() | (live.keys() - foreign):
            texts = [one["properties"][scenario.text_field] for one in live.get(key, [])]
            wrong += texts != ([wanted[key]] if key in wanted else [])
        allowed = {scenario.key_value(key): count for key, count in self.appearances.items()}
        greeted = scenario.greetings(url)
        return wrong + sum(greeted[key] > allowed.get(key, 1) for key in greeted)


def _state(position: int) -> dict[str, Any]:
    return {"type": "STATE", "value": {"bookmarks": {"s": {"position": position}}}}


def settle_foreign_records(scenario: Mirror, url: str, folder: Path, table: MirroredTable) -> None:
    """Let another sync, with a ledger of its own, keep records in the same object."""
    stream = {**scenario.config(url)["streams"]["s"], "load_method": "upsert", "on_removed": "ignore"}
    config = {
        **{name: template.format(url=url) for name, template in scenario.settings.items()},
        "streams": {"s": stream},
        "ledger_url": f"sqlite:///{folder}/foreign.db",
        "report_dir": str(folder / "foreign-reports"),
    }
    path = folder / "foreign.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    rows = MirroredTable(table.rng, rows={n: (key, "theirs") for n, key in enumerate(FOREIGN)})
    rows.changes = list(rows.rows)
    command = [sys.executable, "-m", f"target_{scenario.vendor}", "--config", str(path)]
    subprocess.run(command, input=rows.messages(scenario), check=True, capture_output=True, text=True, timeout=60)
    for key, record in scenario.live(url):
        table.foreign.setdefault(key, []).append(record)
