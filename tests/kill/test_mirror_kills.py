"""G1 to G6 of a mirror under `kill -9`: what is in the model is there, what is gone is gone, others are untouched."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest

from .mirror_world import FOREIGN, Mirror, MirroredTable, settle_foreign_records
from .scenarios import ACCOUNTS, BULK_ACCOUNTS, CONTACTS, DEALS, MEMBERS, SCENARIOS, Scenario
from .test_kills import Loop, dice, kill_and_verify, simulator_url

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["simulator_url"]


def mirrored(scenario: Scenario, *, on_create: str = "", greeting: str = "record_created") -> Mirror:
    """The same object, mirrored."""
    given = {one.name: getattr(scenario, one.name) for one in fields(scenario)}
    return Mirror(**{**given, "on_create": on_create, "greeting": greeting})


_HUBSPOT = (*CONTACTS.write_paths, "*/batch/archive")
_MAILCHIMP = (*MEMBERS.write_paths, "/3.0/lists/demo0000aa/members/*")
MIRRORS = {
    "contacts": mirrored(replace(CONTACTS, write_paths=_HUBSPOT)),
    "looked-up-deals": mirrored(replace(DEALS, write_paths=_HUBSPOT), on_create="dealname"),
    "accounts": mirrored(ACCOUNTS),
    "looked-up-accounts": mirrored(ACCOUNTS, on_create="Name"),
    "bulk-accounts": mirrored(BULK_ACCOUNTS),
    "members": mirrored(replace(MEMBERS, write_paths=_MAILCHIMP), greeting="welcome_mail"),
}
MIRRORS |= {
    name: mirrored(replace(one, write_paths=(*one.write_paths, *one.removal_paths)))
    for name, one in SCENARIOS.items()
    if one.removal_paths
}
BRIEF = {"looked-up-deals": 2, "accounts": 2, "members": 1}
"""Kills at each point, of those that run every time; the others are among the long tests only."""


def set_up(scenario: Mirror, url: str, folder: Path, **control: bool) -> tuple[Loop, MirroredTable]:
    """A loop over a table that is mirrored, and the table."""
    table = MirroredTable(dice(7))
    settle_foreign_records(scenario, url, folder, table)
    assert len(table.foreign) >= len(FOREIGN)
    return Loop(scenario, url, folder, source=table, **control), table  # type: ignore[arg-type]


def mirror_and_kill(scenario: Mirror, url: str, folder: Path, kills_per_point: int) -> Loop:
    """Kill at every point while the model changes; nothing may be wrong at any stop."""
    loop, table = set_up(scenario, url, folder)
    wrong = kill_and_verify(loop, kills_per_point=kills_per_point)
    assert wrong == 0, f"{wrong} are wrong after {dict(loop.kills)}"
    assert min(table.done[what] for what in ("come", "change", "rename", "go", "return")) > 0
    return loop


@pytest.mark.parametrize("name", BRIEF)
def test_kills_leave_the_model_and_what_others_have(name: str, simulator_url: str, tmp_path: Path) -> None:
    """After every kill the next run settles all: renames, removals and returns too, and nobody is greeted twice."""
    loop = mirror_and_kill(MIRRORS[name], simulator_url, tmp_path, BRIEF[name])
    assert sum(count for point, count in loop.kills.items() if point != "survived") >= 3 * BRIEF[name]


def test_without_intents_the_model_is_missed(simulator_url: str, tmp_path: Path) -> None:
    """The control: the same kills without intents leave records behind, so the test above can fail."""
    loop, _ = set_up(MIRRORS["looked-up-deals"], simulator_url, tmp_path, has_intents=False)
    assert kill_and_verify(loop, kills_per_point=1) > 0


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("scenario", MIRRORS.values(), ids=MIRRORS)
def test_two_hundred_kills_leave_the_model_and_what_others_have(
    scenario: Mirror, simulator_url: str, tmp_path: Path
) -> None:
    """The same with 200 kills and more, at least 20 at each point."""
    loop = mirror_and_kill(scenario, simulator_url, tmp_path, kills_per_point=45)
    print(dict(loop.kills), dict(loop.source.done))  # type: ignore[attr-defined]  # noqa: T201 - the numbers
    assert sum(count for point, count in loop.kills.items() if point != "survived") >= 200
    assert all(loop.kills[point] >= 20 for point in loop.points()), dict(loop.kills)
