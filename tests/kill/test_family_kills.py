"""Parents and children under `kill -9`: whatever the moment, nobody is left without a parent, and nobody is doubled."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from .scenarios import Families
from .test_kills import Loop, dice, kill_and_verify, simulator_url, state_message

if TYPE_CHECKING:
    import random
    from pathlib import Path

__all__ = ["simulator_url"]

FAMILIES = {
    "parents-first": Families("rest", is_children_first=False),
    "children-first": Families("rest", is_children_first=True),
    "parents-first-by-jobs": Families("bulk", is_children_first=False),
    "children-first-by-jobs": Families("bulk", is_children_first=True),
}


@dataclass
class Register:
    """Two growing tables; contacts also move to other accounts.

    Attributes:
        rng: The dice.
        accounts: How many there are.
        contacts: The account of each.
        changes: New accounts and the contacts that changed with them, in order; a STATE says how far they were sent.
        position: What the last released STATE says.
    """

    rng: random.Random
    accounts: int = 0
    contacts: dict[int, int] = field(default_factory=dict)
    changes: list[tuple[list[int], list[int]]] = field(default_factory=list)
    position: int = 0

    def change(self, count: int) -> None:
        """Add accounts, and contacts of them and of others; let some contacts move."""
        accounts = range(self.accounts, self.accounts + count // 4 + 1)
        self.accounts = accounts.stop
        new = range(len(self.contacts), len(self.contacts) + count)
        moving = [self.rng.randrange(new.stop) for _ in range(count // 4)]
        contacts = list(dict.fromkeys([*new, *moving]))
        self.contacts.update({one: self.rng.randrange(self.accounts) for one in contacts})
        self.changes.append((list(accounts), contacts))

    def messages(self, families: Families) -> str:
        """Everything since the last STATE; a STATE after each change."""
        streams = [
            ("accounts", {"id": {}, "name": {}}),
            ("contacts", {"id": {}, "name": {}, "account": {}}),
        ]
        lines = [
            {"type": "SCHEMA", "stream": stream, "schema": {"properties": columns}, "key_properties": ["id"]}
            for stream, columns in (reversed(streams) if families.is_children_first else streams)
        ]
        for number, (accounts, contacts) in enumerate(self.changes[self.position :], start=self.position + 1):
            parents = [_record("accounts", id=f"A{one}", name=f"Account {one}") for one in accounts]
            children = [
                _record("contacts", id=f"C{one}", name=f"Person {one}", account=f"A{self.contacts[one]}")
                for one in contacts
            ]
            lines += [*children, *parents] if families.is_children_first else [*parents, *children]
            lines.append(state_message(number))
        return "".join(json.dumps(line) + "\n" for line in lines)

    def count_wrong(self, families: Families, url: str) -> int:
        """Records that are missing, doubled, without an account or with another one's."""
        accounts, contacts = families.delivered(url, "Account"), families.delivered(url, "Contact")
        ids = {one["External_Id__c"]: one["Id"] for one in accounts}
        found = Counter((one["External_Id__c"], one.get("AccountId")) for one in contacts)
        wanted = Counter((f"C{one}", ids.get(f"A{account}", "none")) for one, account in self.contacts.items())
        names = Counter(one["External_Id__c"] for one in accounts)
        wanted_names = Counter(f"A{one}" for one in range(self.accounts))
        return sum(((found - wanted) + (wanted - found)).values()) + sum(
            ((names - wanted_names) + (wanted_names - names)).values()
        )


def _record(stream: str, **values: str) -> dict[str, object]:
    return {"type": "RECORD", "stream": stream, "record": values}


@pytest.mark.parametrize("families", FAMILIES.values(), ids=FAMILIES)
def test_kills_leave_no_orphan(families: Families, simulator_url: str, tmp_path: Path) -> None:
    """After every kill the next run settles all: each contact once, under the account of its newest version."""
    loop = Loop(families, simulator_url, tmp_path, source=Register(dice(7)))
    assert kill_and_verify(loop, kills_per_point=2) == 0
    assert sum(count for point, count in loop.kills.items() if point != "survived") >= 5


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("families", FAMILIES.values(), ids=FAMILIES)
def test_a_hundred_kills_leave_no_orphan(families: Families, simulator_url: str, tmp_path: Path) -> None:
    """100 kills and more, at every point."""
    loop = Loop(families, simulator_url, tmp_path, source=Register(dice(7)))
    assert kill_and_verify(loop, kills_per_point=25) == 0
    print(dict(loop.kills))  # noqa: T201 - the numbers that the test is for
    assert sum(count for point, count in loop.kills.items() if point != "survived") >= 100
