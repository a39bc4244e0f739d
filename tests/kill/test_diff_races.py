"""Two runs of one sync: one works, the other one says so and ends; what was paused and overtaken does not go on."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .diff_books import changes, last_state
from .diff_loop import EXIT_BUSY, Loop, Stage, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .diff_world import World

TTL_S = 1.0
LONG_STOP_S = 60.0


@pytest.fixture
def loop(world: World, tmp_path: Path) -> Iterator[Loop]:
    """A sync whose lease runs out soon, where nobody renews it."""
    loop = Loop(world, tmp_path, seed=1, ttl_s=TTL_S)
    yield loop
    loop.stage.close()


def error_of(pair: Mapping[str, Any]) -> str:
    """Return the only error that a tap reported."""
    words = read(pair["stderr"])
    assert "Traceback" not in words, words
    (line,) = [line for line in words.splitlines() if "| ERROR" in line]
    return line


def race(loop: Loop) -> bool:
    """Start two runs at once; return whether they met."""
    loop.model.change(120)
    pairs = [{**loop.pair(0), "pause_s": 0.7} for _ in range(2)]
    loop.stage.start(pairs, [])
    exits = [tap for tap, _ in loop.stage.end()["exits"]]
    for tap, pair in zip(exits, pairs, strict=True):
        if tap == 0:
            loop.apply(changes(loop.world, read(pair["log"])))
            loop.states[0] = last_state(read(pair["states"]))
            assert "ERROR" not in read(pair["stderr"])
        else:
            assert tap == EXIT_BUSY
            assert "is being run by" in error_of(pair)
            assert read(pair["log"]) == ""
    assert exits.count(0) >= 1
    return exits.count(0) == 1


def test_of_two_runs_at_once_one_works(loop: Loop) -> None:
    """The other one ends with 75 and one message, and has emitted nothing; the destination becomes the model."""
    met = [race(loop) for _ in range(5)]
    assert sum(met) >= 3, "they ran one after the other"
    assert loop.verify() == 0


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_races_have_one_winner_each(loop: Loop) -> None:
    """As above, many times."""
    met = [race(loop) for _ in range(50)]
    print(loop.world.name, "races that met:", sum(met))  # noqa: T201 - the number that the test is for
    assert sum(met) >= 40
    assert loop.verify() == 0


def overtake(loop: Loop, other: Stage, *, stop_records: int) -> tuple[int, str]:
    """Pause a run in the middle of its plan, let another one take over, and let the first one wake up."""
    loop.model.change(400)
    first, second = loop.pair(0), loop.pair(0)
    shared = first["log"]  # one destination: what arrives later counts
    second["log"] = shared
    loop.stage.start(
        [first],
        [
            {"pair": 0, "who": "tap", "signal": int(number), "after_ms": ms, "log_bytes": stop_records * 130}
            for number, ms in ((signal.SIGSTOP, 0), (signal.SIGCONT, 5000 * TTL_S))
        ],
    )
    wait_for(shared, stop_records * 130)
    time.sleep(1.3 * TTL_S)
    other.start([second], [])
    ((tap, target),) = other.end()["exits"]
    assert (tap, target) == (0, 0), read(second["stderr"])
    sent = len(read(shared))
    ((late, _),) = loop.stage.end()["exits"]
    assert len(read(shared)[sent:].splitlines()) <= 60  # a page, a pipe, and a batch of the target
    loop.apply(changes(loop.world, read(shared)))
    loop.states[0] = last_state(read(second["states"]))
    return late, error_of(first) if late else ""


def wait_for(log: str, size: int) -> None:
    """Wait until a target has written so much."""
    until = time.monotonic() + LONG_STOP_S
    while not (Path(log).exists() and Path(log).stat().st_size >= size):
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_run_that_was_overtaken_stops(loop: Loop, tmp_path: Path) -> None:
    """It wakes up, finishes the page in hand, ends with 75 and one message; the destination becomes the model.

    The page in hand may hold values that the run that took over has replaced: what stops those is the lease that a
    target of this suite holds itself. The small target of this test has none, so the model does not change in between.
    """
    assert loop.verify() == 0
    other = Stage(tmp_path, ttl_s=TTL_S)
    try:
        late, error = overtake(loop, other, stop_records=40)
    finally:
        other.close()
    assert late == EXIT_BUSY, error
    assert "took over while this one was paused" in error
    assert loop.verify() == 0
