"""G1 to G4 of the change capture under `kill -9`: no change is lost, and none is sent twice once it was confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .diff_loop import Loop
from .diff_world import CopiedWorld, DuckDBWorld, PostgreSQLWorld, World

if TYPE_CHECKING:
    from pathlib import Path

WORLDS = ("duckdb", "postgresql", "copied")


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Each place of a baseline in turn."""
    if request.param == "duckdb":
        return DuckDBWorld(tmp_path)
    kind = PostgreSQLWorld if request.param == "postgresql" else CopiedWorld
    return kind(tmp_path, request.getfixturevalue("postgres_url"))


def kill_and_verify(loop: Loop, kills: int, *, verify_every: int) -> int:
    """Kill, finish now and then, and count what is wrong at the destination."""
    wrong = 0
    try:
        while loop.tally["kills"] < kills:
            loop.die()
            if loop.tally["kills"] % verify_every == 0:
                wrong += loop.verify()
        wrong += loop.verify()
    finally:
        loop.stage.close()
    loop.tally["partial STATEs"] = loop.book.partial_states
    loop.tally["wrong"] = wrong
    print(loop.world.name, dict(sorted(loop.tally.items())))  # noqa: T201 - the numbers that the test is for
    return wrong


def test_kills_lose_nothing_and_repeat_nothing(world: World, tmp_path: Path) -> None:
    """Whatever the moment: the destination becomes the model, and what STATE confirmed is not sent again."""
    loop = Loop(world, tmp_path, seed=3)
    assert kill_and_verify(loop, 24, verify_every=6) == 0
    assert loop.again == []
    assert loop.tally["records without a change"] == 0


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_three_hundred_kills_lose_nothing_and_repeat_nothing(world: World, tmp_path: Path) -> None:
    """300 kills of tap, target or both, in each world."""
    loop = Loop(world, tmp_path, seed=5)
    assert kill_and_verify(loop, 300, verify_every=10) == 0
    assert loop.again == []
    assert loop.tally["records without a change"] == 0
    assert loop.tally["partial STATEs"] >= 50


@pytest.mark.timeout(900)
def test_without_taints_changes_are_lost(world: World, tmp_path: Path) -> None:
    """The control: the same kills, and what was not confirmed is forgotten instead of tainted."""
    loop = Loop(world, tmp_path, seed=3, taints=False)
    assert kill_and_verify(loop, 24, verify_every=6) > 0
