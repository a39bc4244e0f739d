"""Runs a sync over and over, kills it, and compares what arrived with what should have."""

from __future__ import annotations

import itertools
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .diff_books import Book, Change, Emission, Model, State, changes, last_state, owner, phase, position

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .diff_world import Control, Key, Value, World

STAGE = Path(__file__).with_name("diff_stage.py")
LAYOUTS = (1, 3, 2)
MOST_PAGE_ROWS = 16
RECORD_BYTES = 130
TERMINATED = (128 + signal.SIGTERM, -signal.SIGTERM)
EXIT_BUSY, EXIT_CONFIG = 75, 78


class Stage:
    """The process that runs tap and target."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._settings = {"most_page_rows": MOST_PAGE_ROWS, **settings}
        self._log = (folder / "stage.log").open("w", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, str(STAGE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={"PATH": "", "MELTANO_PROJECT_ROOT": str(folder), "PYTHONPATH": ":".join(sys.path)},
        )

    def start(self, pairs: Sequence[Mapping[str, Any]], signals: Sequence[Mapping[str, Any]]) -> None:
        """Start pairs of tap and target."""
        assert self._process.stdin is not None
        order = {"pairs": pairs, "signals": signals, "settings": self._settings}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def end(self) -> dict[str, Any]:
        """Wait until they have ended; return how."""
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._log.close()


class Loop:
    """One sync: its model, its destination, its STATEs.

    Attributes:
        states: The STATE of each worker, by its index.
        count: How many workers there are.
        delivered: The destination.
        tally: What happened, counted.
        again: Keys that were sent again although they were confirmed.
    """

    def __init__(
        self,
        world: World,
        folder: Path,
        *,
        seed: int,
        has_upsets: bool = True,
        by_records: float = 0.5,
        **settings: Any,
    ) -> None:
        """Fill the model; nothing has run yet.

        Args:
            world: Where model and baseline are.
            folder: For files of the runs.
            seed: Of the dice.
            has_upsets: Whether more happens than changes and kills.
            by_records: The share of kills after some records, rather than at any moment.
            settings: Of the stage.
        """
        self.world = world
        self.rng = random.Random(seed)  # noqa: S311 - not for secrets
        self.model = Model(world, self.rng)
        self.book = Book()
        self.stage = Stage(folder, **settings)
        self.states: dict[int, State | None] = {0: None}
        self.count = 1
        self.mapping_version = 1
        self.delivered: dict[Key, Value] = {}
        self.tally: Counter[str] = Counter()
        self.again: list[Key] = []
        self._full_ms = {False: 600.0, True: 1500.0}
        self._has_upsets = has_upsets
        self._by_records = by_records
        self._folder = folder
        self._history: list[dict[int, State | None]] = []
        self._numbers = itertools.count()
        world.create()
        self.model.fill()

    def run(
        self,
        indexes: Sequence[int],
        signals: Sequence[Mapping[str, Any]] = (),
        *,
        installed: bool = False,
        changes_after_ms: float | None = None,
    ) -> list[list[int]]:
        """Run workers side by side; take over what they delivered and the STATEs that they handed on."""
        given = {self._slice(index): self.states.get(index) for index in indexes}
        clock, before = self.model.clock, self.world.controls()
        self.book.begin(given)
        pairs = [self.pair(index, installed=installed) for index in indexes]
        self.stage.start(pairs, signals)
        if changes_after_ms is not None:
            time.sleep(changes_after_ms / 1000)
            self.model.change(20)
        answer = self.stage.end()
        after = self.world.controls()
        emissions = [
            self._taken(index, pair, clock, before.get(self._slice(index)), after.get(self._slice(index)))
            for index, pair in zip(indexes, pairs, strict=True)
        ]
        self.book.end(after, [one for one in emissions if one is not None])
        self._judge(indexes, pairs, answer["exits"], before, after)
        self.tally["runs"] += len(indexes)
        self._history.append(dict(self.states))
        if not signals:
            self._full_ms[installed] += 0.3 * (answer["ms"] - self._full_ms[installed])
        exits: list[list[int]] = answer["exits"]
        return exits

    def die(self) -> None:
        """Change the model, run, and be killed; now and then STATE, mapping or number of workers change as well."""
        self.model.change(self.rng.randint(20, 70) * min(self.count, 2))
        if self._has_upsets:
            self._upset()
        together = self.count > 1 and self.rng.random() < 0.5
        groups = [list(range(self.count))] if together else [[index] for index in range(self.count)]
        doomed = self.rng.choice(groups)
        for group in groups:
            is_shared = self.world.is_shared and self.rng.random() < 0.3
            installed = self.rng.random() < 0.05
            moment = self.rng.uniform(0, self._full_ms[installed])
            self.run(
                group,
                self._death(len(group), installed=installed) if group is doomed else (),
                installed=installed,
                changes_after_ms=moment if is_shared else None,
            )

    def _death(self, size: int, *, installed: bool) -> list[dict[str, Any]]:
        """Return who dies when: at any moment of a run, or shortly after some records have arrived."""
        victims: list[list[tuple[str, int]]] = [
            [("tap", signal.SIGKILL)],
            [("target", signal.SIGKILL)],
            [("tap", signal.SIGKILL), ("target", signal.SIGKILL)],
            [("tap", signal.SIGTERM)],
        ]
        (chosen,) = self.rng.choices(victims, [6, 3, 2, 2])
        when = {"after_ms": self.rng.uniform(0, self._full_ms[installed] * 1.1)}
        if self.rng.random() < self._by_records:
            when = {"after_ms": self.rng.uniform(0, 30), "log_bytes": self.rng.randrange(60) * RECORD_BYTES + 1}
        pair = self.rng.randrange(size)
        self.tally["kills"] += 1
        self.tally[" and ".join(f"{who} {signal.Signals(number).name}" for who, number in chosen)] += 1
        return [{"pair": pair, "who": who, "signal": int(number), **when} for who, number in chosen]

    def _upset(self) -> None:
        (event,) = self.rng.choices(["", "lost", "restored", "mapping", "layout"], [84, 3, 5, 3, 5])
        if event == "restored":
            earlier = self._history[-3:-2]
            if not earlier or earlier[0].keys() != self.states.keys():
                return
            self.states = dict(earlier[0])
        elif event == "lost":
            self.states = dict.fromkeys(self.states)
        elif event == "mapping":
            self.mapping_version += 1
            self.book.forget()
        elif event == "layout":
            self.divide(LAYOUTS[(LAYOUTS.index(self.count) + 1) % len(LAYOUTS)])
        if event:
            self.tally[f"STATE {event}" if event in {"lost", "restored"} else event] += 1

    def divide(self, count: int) -> None:
        """Change the number of workers; each begins with the STATE of a former one.

        Where STATEs were lost the workers own different parts of the baseline, and send what is not theirs again.
        """
        if len({owner(state) for state in self.states.values()}) > 1:
            self.book.forget()
        self.states = {index: self.states[index % self.count] for index in range(count)}
        self.count = count

    def verify(self) -> int:
        """Run to the end as the next scheduled run would, and once more; return how much is wrong."""
        for index in range(self.count):
            self._finish(index, installed=self.rng.random() < 0.3)
        wanted, found = self.model.rows, self.delivered
        wrong = [key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)]
        sent = self.tally["records"]
        for index in range(self.count):
            self._finish(index, installed=False)
        self.tally["records without a change"] += self.tally["records"] - sent
        self.tally["verifications"] += 1
        self._check_tables()
        return len(wrong)

    def _finish(self, index: int, *, installed: bool) -> None:
        for _ in range(2):  # an old STATE may be refused once
            ((tap, target),) = self.run([index], installed=installed)
            if tap == 0:
                break
        reached = position(self.states[index])
        assert (tap, target) == (0, 0)
        assert reached is not None
        assert reached.seq == reached.of

    def _check_tables(self) -> None:
        """Nothing may be left behind but the snapshot and the last plan of each slice."""
        plans = {control.plan_table for control in self.world.controls().values()}
        strange = [name for name in self.world.tables() if name not in plans and name != "syncs"]
        assert len(strange) == 1, strange
        assert strange[0].startswith("snapshot_")

    def _slice(self, index: int) -> str:
        return f"{index}/{self.count}"

    def pair(self, index: int, *, installed: bool = False) -> dict[str, Any]:
        """Return what the stage needs for a run of a worker, with its STATE."""
        folder = self._folder / "runs" / str(next(self._numbers))
        folder.mkdir(parents=True)
        settings = {"mapping_version": self.mapping_version}
        if self.count > 1:
            settings |= {"partition_count": self.count, "partition_index": index}
        arguments = ["--config", str(folder / "config.json")]
        (folder / "config.json").write_text(json.dumps(self.world.config(**settings)), encoding="utf-8")
        if (state := self.states.get(index)) is not None:
            (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
            arguments += ["--state", str(folder / "state.json")]
        paths = {name: str(folder / name) for name in ("log", "states", "stderr")}
        return {"arguments": arguments, "installed": installed, "seed": self.rng.randrange(10**6), **paths}

    def apply(self, received: Sequence[Change]) -> None:
        """Let changes arrive at the destination."""
        for key, value in received:
            self.delivered.pop(key, None)
            if value is not None:
                self.delivered[key] = value
        self.tally["records"] += len(received)

    def _taken(
        self, index: int, pair: Mapping[str, Any], clock: int, before: Control | None, after: Control | None
    ) -> Emission | None:
        """Apply what the target received; return it as an emission if there is a new plan."""
        received = changes(self.world, read(pair["log"]))
        self.again += self.book.sent_again(received, self.model.touched)
        self.apply(received)
        printed = last_state(read(pair["states"]))
        self.states[index] = self.states.get(index) if printed is None else printed
        if after is None or after.plan_id is None or (before is not None and before.plan_id == after.plan_id):
            assert not received
            return None
        # one page more: a transaction that was under way when the tap died may have been committed since
        possible = set(self.world.planned(after, after.emitted_hi + MOST_PAGE_ROWS))
        return Emission(after.plan_id, self._slice(index), received, possible | {key for key, _ in received}, clock)

    def _judge(
        self,
        indexes: Sequence[int],
        pairs: Sequence[Mapping[str, Any]],
        exits: Sequence[Sequence[int]],
        before: Mapping[str, Control],
        after: Mapping[str, Control],
    ) -> None:
        """Check how the processes ended, and count where they died."""
        for index, pair, (tap, target) in zip(indexes, pairs, exits, strict=True):
            words, slice_ = read(pair["stderr"]), self._slice(index)
            assert "Traceback" not in words, words
            if tap == EXIT_CONFIG:
                assert "STATE cannot be used" in words
                self.states[index] = None
                self.tally["STATE refused"] += 1
            elif tap == EXIT_BUSY:
                assert len(indexes) > 1, words
                self.tally["busy"] += 1
            elif tap == -signal.SIGKILL or tap in TERMINATED:
                self.tally[f"died {phase(before.get(slice_), after.get(slice_))}"] += 1
            else:
                assert tap == 0 or target == -signal.SIGKILL, words
            assert target in {0, -signal.SIGKILL}


def read(path: str) -> str:
    """Return a file's text; nothing where there is none."""
    file = Path(path)
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
