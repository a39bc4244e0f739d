"""What a run would do, as values: one line per record, counts, and what it would take."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from reverse_etl_core.operations import Value  # noqa: TC001 - msgspec reads the annotations

Change: TypeAlias = "tuple[Value, Value]"
"""A field's value before and after. Before a create there is none: `None`."""

MASK = "\N{BULLET}" * 3
"""Stands for a value that must not be seen; null stays null."""


class Action(str, enum.Enum):
    """What would become of a record."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    REMOVE = "remove"
    CLEAR = "clear"
    REJECT = "reject"
    DEFER = "defer"
    SKIP = "skip"


class PlanLine(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a plan; a line of `plan.jsonl` has these keys, but for the last two.

    Attributes:
        stream: Its Singer stream.
        object: Where it goes.
        source_key: Its key properties as canonical JSON text.
        match_key: Its match value; `None` where it has none.
        destination_id: The destination's own id where it is known. Where that is computed from a field that must not
            be seen, leave it out.
        action: What would become of it.
        code: Of a rejection, a deferral, or the policy that skips it.
        reason: A sentence without field values.
        fields: What would change, before and after.
        is_replay: It comes from the ledger and not from the stream.
        match_field: The field that the match key belongs to; `None` where the caller does not know.
        key_fields: Fields that the key properties go to; `None` where the caller does not know.
    """

    stream: str
    object: str
    source_key: str
    match_key: str | None
    action: Action
    destination_id: str | None = None
    code: str = ""
    reason: str = ""
    fields: Mapping[str, Change] = {}
    is_replay: bool = False
    match_field: str | None = None
    key_fields: tuple[str, ...] | None = None


def masked(line: PlanLine, redact: AbstractSet[str]) -> PlanLine:
    """The line without the values of some fields.

    A key is masked too where it belongs to such a field, or where nobody says to which one it belongs.

    Args:
        line: What was planned.
        redact: Names of destination fields.
    """
    if not redact:
        return line
    hides_match = line.match_field is None or line.match_field in redact
    hides_source = line.key_fields is None or not redact.isdisjoint(line.key_fields)
    return msgspec.structs.replace(
        line,
        source_key=MASK if hides_source else line.source_key,
        match_key=MASK if hides_match and line.match_key is not None else line.match_key,
        fields={
            name: (_masked(change[0]), _masked(change[1])) if name in redact else change
            for name, change in line.fields.items()
        },
    )


def _masked(value: Value) -> Value:
    return None if value is None else MASK


@dataclass(slots=True)
class ObjectPlan:
    """What would become of the records of one stream that go to one object.

    Attributes:
        actions: Records by action.
        codes: Rejections, deferrals and skips by action and code.
        fields: In how many records each field would change.
        replays: Records that come from the ledger; they are among `actions`.
    """

    actions: Counter[Action] = field(default_factory=Counter)
    codes: Counter[tuple[Action, str]] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    replays: int = 0

    def add(self, action: Action, *, code: str = "", count: int = 1) -> None:
        """Count records."""
        self.actions[action] += count
        if code:
            self.codes[action, code] += count


PlanCounts: TypeAlias = Mapping[tuple[str, str], ObjectPlan]
"""By stream and object, in the order of their first record."""


def total(counts: PlanCounts, action: Action) -> int:
    """Records of all streams with an action."""
    return sum(one.actions[action] for one in counts.values())


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """What a plan says beyond its lines.

    Attributes:
        plan_id: Names the plan.
        target: Name of the target.
        sync_id: The sync.
        account: Whose account.
        made_at: When, in seconds since 1970.
        requests: How many requests it would take.
        seconds: How long they would take at the rate limit; `None` where that is not known.
        daily_limit: The account's daily quota; `None` where the API does not say.
        daily_remaining: What is left of it.
        brakes: The brakes that would stop the run, a sentence each, without field values.
        way_on: What to do to carry the plan out; empty where there is nothing to say.
    """

    plan_id: str
    target: str
    sync_id: str
    account: str
    made_at: float
    requests: int
    seconds: float | None = None
    daily_limit: int | None = None
    daily_remaining: int | None = None
    brakes: tuple[str, ...] = ()
    way_on: str = ""

    @property
    def quota_percent(self) -> float | None:
        """The share of the daily quota that the requests would take."""
        return 100 * self.requests / self.daily_limit if self.daily_limit else None

    @property
    def estimate(self) -> str:
        """What it would take, as a sentence."""
        text = f"It would take about {self.requests:,} requests"
        if self.quota_percent is not None:
            text += f", {self.quota_percent:.1f} % of the daily quota of {self.daily_limit:,}"
        if self.daily_remaining is not None:
            text += f" ({self.daily_remaining:,} are left)"
        if self.seconds is not None:
            text += f", and {self.seconds:,.0f} s at the rate limit"
        return text + "."
