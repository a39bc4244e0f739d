"""What a test knows by itself: the model, its destination, and which deliveries were confirmed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence

    from .diff_world import Control, Key, Rows, Value, World

KEYS = 400
COLORS = ("red", "green", None)
State = dict[str, Any]


@dataclass
class Model:
    """Rows that change between runs, and often back to what they were.

    Attributes:
        touched: When each key changed last, in changes counted from 1.
        clock: How many changes there were.
    """

    world: World
    rng: random.Random
    rows: Rows = field(default_factory=dict)
    touched: dict[Key, int] = field(default_factory=dict)
    clock: int = 0
    _recent: list[int] = field(default_factory=list)

    def fill(self) -> None:
        """Begin with two keys in three."""
        self.rows.update({self.world.key(number): self._value() for number in range(KEYS) if number % 3})
        self.world.write(self.rows)

    def change(self, count: int) -> None:
        """Add, change and remove rows; half of them are those that changed last time."""
        self.clock += 1
        again = self.rng.sample(self._recent, min(count // 2, len(self._recent)))
        self._recent = [*again, *(self.rng.randrange(KEYS) for _ in range(count - len(again)))]
        for number in self._recent:
            self._change(self.world.key(number))
        self.world.write(self.rows)

    def _change(self, key: Key) -> None:
        before = self.rows.pop(key, None)
        if self.rng.random() < (0.7 if before is None else 0.65):
            self.rows[key] = self._value()
        if self.rows.get(key) != before:
            self.touched[key] = self.clock

    def _value(self) -> Value:
        return self.rng.choice(COLORS), self.rng.random() < 0.5, 1


@dataclass(frozen=True)
class Position:
    """A STATE as the tap wrote it."""

    plan: str
    seq: int
    of: int


def position(state: State | None) -> Position | None:
    """Return what a STATE says."""
    bookmark = (state or {}).get("bookmarks", {}).get("m", {})
    return Position(bookmark["plan"], bookmark["seq"], bookmark["of"]) if bookmark.get("plan") else None


def owner(state: State | None) -> str | None:
    """Return the token of a STATE."""
    token: str | None = (state or {}).get("bookmarks", {}).get("m", {}).get("token")
    return token


Change = tuple["Key", "Value | None"]


@dataclass
class Emission:
    """What one run sent, until the tap has settled it.

    Attributes:
        slice: The worker's.
        received: What the target read, in order.
        possible: Keys that may have left the tap.
        clock: Of the model, when the run began.
        is_met: Whether its STATE has come back.
        is_void: Whether everything must be sent again in spite of it.
    """

    plan: str
    slice: str
    received: Sequence[Change]
    possible: set[Key]
    clock: int
    is_met: bool = False
    is_void: bool = False


@dataclass
class Book:
    """Which deliveries were confirmed by a STATE that came back, by key."""

    confirmed: dict[Key, tuple[Value | None, int]] = field(default_factory=dict)
    partial_states: int = 0
    _open: list[Emission] = field(default_factory=list)

    def begin(self, given: Mapping[str, State | None]) -> None:
        """Note that workers start with these STATEs, by slice: what they name is confirmed, and nothing else."""
        if any(position(state) is None for state in given.values()):
            self.confirmed.clear()
        known = {slice_: position(state) for slice_, state in given.items()}
        counts = {slice_.partition("/")[2] for slice_ in given}
        for emission in self._open:
            is_own = emission.slice in given
            if not is_own and emission.slice.partition("/")[2] in counts:
                continue  # of a worker that does not run now
            matching = [one for one in known.values() if one is not None and one.plan == emission.plan]
            for one in matching:
                self._confirm(emission, one)
            if not matching or (not is_own and len(matching) < len(given)):
                self._doubt(emission.possible)

    def _confirm(self, emission: Emission, reached: Position) -> None:
        delivered = emission.received[: reached.seq]
        assert len(delivered) == reached.seq, "the target confirmed more than it read"
        self._doubt(emission.possible)
        if not emission.is_void:
            self.confirmed.update({key: (value, emission.clock) for key, value in delivered})
        self.partial_states += 0 < reached.seq < reached.of and not emission.is_met
        emission.is_met = True

    def _doubt(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self.confirmed.pop(key, None)

    def forget(self) -> None:
        """Note that everything must be sent again, whatever was delivered until now."""
        self.confirmed.clear()
        for emission in self._open:
            emission.is_void = True

    def sent_again(self, received: Iterable[Change], touched: Mapping[Key, int]) -> list[Key]:
        """Return keys whose confirmed delivery is sent once more, although nothing happened to them since."""
        found = []
        for key, value in received:
            known = self.confirmed.get(key)
            if known is not None and known[0] == value and touched.get(key, 0) <= known[1]:
                found.append(key)
        return found

    def end(self, controls: Mapping[str, Control], emissions: Iterable[Emission]) -> None:
        """Note what was sent; forget what the tap has settled."""
        alive = {control.plan_id for control in controls.values()}
        self._open = [one for one in (*self._open, *emissions) if one.plan in alive]


def last_state(text: str) -> State | None:
    """Return the last STATE that was written completely."""
    lines = text.splitlines(keepends=True)
    complete = [line for line in lines if line.endswith("\n")]
    value: State | None = json.loads(complete[-1])["value"] if complete else None
    return value


def changes(world: World, text: str) -> list[Change]:
    """Return the changes that a log holds, without a last line that is not complete."""
    lines = text.splitlines(keepends=True)
    return [world.change(json.loads(line)["record"]) for line in lines if line.endswith("\n")]


def phase(before: Control | None, after: Control | None) -> str:
    """Return how far a run had come that died."""
    if after is None or (before is not None and after.epoch == before.epoch):
        return "before the lease"
    if after.lease_owner is None:
        return "after the end"
    if after.plan_id is None:
        return "while planning"
    if before is not None and after.plan_id == before.plan_id:
        return "while settling"
    if after.emitted_hi == 0:
        return "before the first page"
    return "between pages" if after.emitted_hi < after.plan_rows else "after the last page"
