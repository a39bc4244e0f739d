"""What a test of all targets writes to one of them: a value per object and load method, in the target's own folder.

`tests/target_<vendor>/scenarios.py` has them as `SCENARIOS`, by name. The tests of kills take them all; the first one
is also what an installed wheel is tried with.
"""

from __future__ import annotations

import runpy
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping

TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Scenario:
    """What is written, and how.

    Attributes:
        vendor: Name of the simulator, and of the target without its prefix.
        object_name: Object that is written.
        key_field: Field that recognises its records, the stream's key property.
        text_field: Field whose value changes.
        required: Fields that a new record needs, as templates with `{key}`.
        settings: Settings that reach the simulator; texts are templates with `{url}`.
        write_paths: Globs of the requests that write.
        load_method: As the target's setting.
        points: Moments of a kill beyond those that every target has.
        key_template: The value of the key field, with `{key}`.
        greeting: Event of the simulator's journal that every new record may set off once.
        is_brief: Whether it is killed in every run of the tests; the others are among the long tests only.
        removal_paths: Globs of the requests that remove, where a mirror of it is killed too.
    """

    vendor: str
    object_name: str
    key_field: str
    text_field: str
    required: Mapping[str, str]
    settings: Mapping[str, Any]
    write_paths: tuple[str, ...]
    load_method: str = "upsert"
    points: tuple[str, ...] = field(default=())
    key_template: str = "{key}"
    greeting: str = ""
    is_brief: bool = False
    removal_paths: tuple[str, ...] = ()

    def record(self, key: str, value: str) -> dict[str, Any]:
        """One row of the source."""
        required = {name: template.format(key=key) for name, template in self.required.items()}
        return {self.key_field: self.key_template.format(key=key), self.text_field: value, **required}

    def key_value(self, key: str) -> str:
        """What recognises the record of a key, as `delivered` has it."""
        return self.key_template.format(key=key).lower()

    def columns(self) -> list[str]:
        """Names of a record's fields."""
        return list(self.record("K", "red"))

    def config(self, url: str) -> dict[str, Any]:
        """The target's settings, without those of ledger and run."""
        stream = {"object": self.object_name, "match_on": self.key_field, "load_method": self.load_method}
        settings = {
            name: given.format(url=url) if isinstance(given, str) else given for name, given in self.settings.items()
        }
        return {**settings, "streams": {"s": stream}}

    def delivered(self, url: str) -> dict[str, list[str]]:
        """Key in lower case to the values of the records that the destination holds for it."""
        found: dict[str, list[str]] = {}
        after = "0"
        while after:
            page_url = f"{url}/_simulator/records/{self.vendor}/{self.object_name}?limit=1000&after={after}"
            page = requests.get(page_url, timeout=30).json()
            for record in page["records"]:
                properties = record["properties"]
                key = properties[self.key_field].lower()  # addresses lose their capitals
                found.setdefault(key, []).append(properties[self.text_field])
            after = page.get("next")
        return found

    def greeted_twice(self, url: str) -> int:
        """How often a record was greeted again."""
        greeted: Counter[str] = Counter()
        last = 0
        while self.greeting and (entries := _journal(url, last)):
            greeted.update(one["id"] for one in entries if one["event"] == self.greeting)
            last = entries[-1]["sequence"]
        return sum(count - 1 for count in greeted.values())


def _journal(url: str, after: int) -> list[dict[str, Any]]:
    page = requests.get(f"{url}/_simulator/journal?since={after}", timeout=30)
    entries: list[dict[str, Any]] = page.json()["entries"]
    return entries


def all_scenarios() -> dict[str, Scenario]:
    """Those of all targets, by name."""
    found: dict[str, Scenario] = {}
    for path in sorted(TESTS.glob("target_*/scenarios.py")):
        found |= runpy.run_path(str(path))["SCENARIOS"]
    return found


def scenario_of(target: str) -> Scenario:
    """The first one of a target."""
    return next(one for one in all_scenarios().values() if f"target-{one.vendor}" == target)
