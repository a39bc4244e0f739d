"""Associations of a mirror under `kill -9`: they are those of the model, and those that others made are untouched."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import requests

from .test_kills import Loop, dice, kill_and_verify, simulator_url, state_message

if TYPE_CHECKING:
    import random
    from pathlib import Path

__all__ = ["simulator_url"]

COMPANIES = 12
HEADERS = {"Authorization": "Bearer pat-person"}
FOREIGN = 10
"""People whom somebody else associated with the first company, before this sync came."""


@dataclass(frozen=True)
class Ties:
    """Contacts that are tied to companies, in a mirror."""

    vendor: str = "hubspot"
    load_method: str = "mirror"
    points: tuple[str, ...] = ()
    write_paths: tuple[str, ...] = (
        "*/associations/*/batch/create",
        "*/associations/*/batch/archive",
        "*/objects/*/batch/upsert",
        "*/objects/*/batch/update",
        "*/objects/*/batch/archive",
    )

    def config(self, url: str) -> dict[str, Any]:
        """The target's settings, without those of ledger and run.

        Where the API upserts, a lost answer leaves open who created a person: it counts as adopted.
        """
        people = {
            "object": "contacts",
            "match_on": "customer_id",
            "load_method": "mirror",
            "fields": {"customer_id": "id", "email": "email"},
            "associations": [{"object": "companies", "from": "works_at", "match_on": "customer_id"}],
        }
        companies = {"object": "companies", "match_on": "customer_id", "fields": {"customer_id": "id", "name": "id"}}
        settings = {"access_token": "pat-kill", "api_url": url, "max_removed_percent": 100, "remove_adopted": True}
        return {**settings, "streams": {"people": people, "companies": companies}}


@dataclass
class Workplaces:
    """Who works where, and a log of the changes.

    Attributes:
        rng: The dice.
        people: The companies of each.
        changes: Who changed, in order.
        position: What the last released STATE says.
        done: What happened how often.
    """

    rng: random.Random
    people: dict[int, frozenset[int]] = field(default_factory=dict)
    changes: list[int] = field(default_factory=list)
    position: int = 0
    done: Counter[str] = field(default_factory=Counter)

    def change(self, count: int) -> None:
        """People come, go, come back, and change their companies."""
        for _ in range(count):
            one = self.rng.randrange(150)
            if one in self.people and self.rng.random() < 0.15:
                del self.people[one]
                self.done["go"] += 1
            else:
                # The first company is that of the others: nobody in the model works there.
                self.people[one] = frozenset(self.rng.sample(range(1, COMPANIES), self.rng.randrange(4)))
                self.done["tie"] += 1
            self.changes.append(one)

    def messages(self, _scenario: Ties) -> str:
        """The companies, and every change since the last STATE."""
        lines: list[dict[str, Any]] = [
            _schema("companies", "id"),
            *(_record("companies", id=f"A{one}") for one in range(COMPANIES)),
            _schema("people", "id", "email", "works_at"),
        ]
        for number, one in enumerate(self.changes[self.position :], start=self.position + 1):
            lines.append(self._row(one))
            if number % 40 == 0:
                lines.append(state_message(number))
        lines.append(state_message(len(self.changes)))
        return "".join(json.dumps(line) + "\n" for line in lines)

    def _row(self, one: int) -> dict[str, Any]:
        if one not in self.people:
            return _record("people", id=f"P{one}", _sdc_deleted_at="2026-11-28T00:00:00Z")
        works_at = [f"A{company}" for company in sorted(self.people[one])]
        return _record("people", id=f"P{one}", email=f"p{one}@example.com", works_at=works_at)

    def count_wrong(self, _scenario: Ties, url: str) -> int:
        """Ties that are missing, left over or taken from others, and people who are missing or doubled."""
        companies = {one["id"]: one["properties"].get("customer_id") for one in _live(url, "companies")}
        contacts = {one["id"]: one["properties"].get("customer_id") for one in _live(url, "contacts")}
        found = Counter(
            (contacts[from_id], companies[to_id])
            for from_id, others in _ties(url, list(contacts)).items()
            for to_id in others
        )
        wanted = Counter((f"P{one}", f"A{company}") for one, some in self.people.items() for company in some)
        wanted += Counter((f"F{one}", "A0") for one in range(FOREIGN))
        names = Counter(contacts.values())
        wanted_names = Counter([*(f"P{one}" for one in self.people), *(f"F{one}" for one in range(FOREIGN))])
        difference = (found - wanted) + (wanted - found)
        difference += Counter(str(one) for one in ((names - wanted_names) + (wanted_names - names)).elements())
        return difference.total()


def _schema(stream: str, *columns: str) -> dict[str, Any]:
    properties = {one: {} for one in columns}
    return {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}, "key_properties": ["id"]}


def _record(stream: str, **values: Any) -> dict[str, Any]:
    return {"type": "RECORD", "stream": stream, "record": values}


def _live(url: str, object_name: str) -> list[dict[str, Any]]:
    page = requests.get(f"{url}/_simulator/records/hubspot/{object_name}?limit=1000", timeout=30).json()
    return [one for one in page["records"] if not one["archived"]]


def _post(url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = requests.post(f"{url}{path}", json=body, headers=HEADERS, timeout=30)
    reply.raise_for_status()
    found: dict[str, Any] = reply.json()
    return found


def _ties(url: str, ids: list[str]) -> dict[str, list[str]]:
    path = "/crm/associations/2026-09/contacts/companies/batch/read"
    body = _post(url, path, {"inputs": [{"id": one} for one in ids]})
    return {one["from"]["id"]: [str(to["toObjectId"]) for to in one["to"]] for one in body["results"]}


def settle_foreign_ties(url: str) -> None:
    """The first company, and people whom somebody else tied to it."""
    company = _post(url, "/crm/objects/2026-09/companies", {"properties": {"customer_id": "A0", "name": "A0"}})["id"]
    for one in range(FOREIGN):
        person = {"properties": {"customer_id": f"F{one}", "email": f"f{one}@example.com"}}
        contact = _post(url, "/crm/objects/2026-09/contacts", person)["id"]
        _post(
            url,
            "/crm/associations/2026-09/contacts/companies/batch/associate/default",
            {"inputs": [{"from": {"id": contact}, "to": {"id": company}}]},
        )


def loop_of(url: str, folder: Path) -> Loop:
    """A loop over people who come, go, and change their companies."""
    settle_foreign_ties(url)
    return Loop(Ties(), url, folder, source=Workplaces(dice(7)))  # type: ignore[arg-type]


def test_kills_leave_the_models_associations(simulator_url: str, tmp_path: Path) -> None:
    """After every kill the next run settles all: no tie is missing, none is left over, none of others is gone."""
    loop = loop_of(simulator_url, tmp_path)
    assert kill_and_verify(loop, kills_per_point=3) == 0
    assert sum(count for point, count in loop.kills.items() if point != "survived") >= 8


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_hundred_kills_leave_the_models_associations(simulator_url: str, tmp_path: Path) -> None:
    """200 kills and more, at every point."""
    loop = loop_of(simulator_url, tmp_path)
    assert kill_and_verify(loop, kills_per_point=45) == 0, dict(loop.kills)
    print(dict(loop.kills), dict(loop.source.done))  # type: ignore[attr-defined]  # noqa: T201 - the numbers
    assert sum(count for point, count in loop.kills.items() if point != "survived") >= 200
