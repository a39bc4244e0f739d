"""G1 to G4 of the change capture under `kill -9`: no change is lost, and none is sent twice once it was confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .diff_loop import Loop
from .diff_world import PostgreSQLWorld, World

if TYPE_CHECKING:
    from pathlib import Path


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
    assert kill_and_verify(loop, 12, verify_every=6) == 0
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


def assert_losses_without_taints(world: World, folder: Path) -> None:
    """Forget what was not confirmed instead of tainting it."""
    assert kill_and_verify(Loop(world, folder, seed=3, taints=False), 24, verify_every=6) > 0


def test_without_taints_changes_are_lost(postgres_url: str, tmp_path: Path) -> None:
    """The control: the same kills, and the destination differs from the model."""
    assert_losses_without_taints(PostgreSQLWorld(tmp_path, postgres_url), tmp_path)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_without_taints_changes_are_lost_everywhere(world: World, tmp_path: Path) -> None:
    """The control in each world."""
    assert_losses_without_taints(world, tmp_path)
