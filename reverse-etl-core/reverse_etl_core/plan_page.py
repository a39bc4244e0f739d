"""`plan.html`: what a run would do, for the person who has to say yes."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reverse_etl_core import charts, cures, pages
from reverse_etl_core.planlines import Action, total
from reverse_etl_core.report import utc_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.operations import Value
    from reverse_etl_core.planlines import Change, PlanCounts, PlanLine, PlanSummary

LINES_SHOWN = 2000
LONGEST_VALUE = 500
LONGEST_REASON = 1000
FIELDS_SHOWN = 40
BUDGET = 8_000_000
"""Characters that the lines of a page hold in all: browsers, and memory, take more, but not much more."""

ORDER = (
    Action.REJECT,
    Action.REMOVE,
    Action.CLEAR,
    Action.CREATE,
    Action.UPDATE,
    Action.DEFER,
    Action.SKIP,
    Action.UNCHANGED,
)
"""What a person has to look at first."""

FLOOR = 100
"""Lines that each action keeps, however many lines there are of those before it."""


class ShownLines:
    """The lines that the page shows, as it shows them: the most telling ones, in bounded memory.

    Args:
        limit: How many lines.
        budget: How many characters.
    """

    def __init__(self, *, limit: int = LINES_SHOWN, budget: int = BUDGET) -> None:
        self._limit = limit
        self._budget = budget
        self._by_action: dict[Action, list[tuple[dict[str, Any], int]]] = {action: [] for action in ORDER}
        self._count = self._size = 0

    def offer(self, number: int, line: PlanLine) -> None:
        """Keep a line if there is room, or if another one is less telling.

        Args:
            number: Of the line in `plan.jsonl`, from 1 on.
            line: With the values that may be seen.
        """
        mine = self._by_action[line.action]
        if self._count >= self._limit and not self._may_replace(line.action):
            return
        shown = condensed(number, line)
        size = len(json.dumps(shown))
        mine.append((shown, size))
        self._count += 1
        self._size += size
        while self._count > self._limit or self._size > self._budget:
            self._drop()

    def lines(self) -> list[dict[str, Any]]:
        """What is kept, the most telling first, each kind in the order of the plan."""
        return [shown for action in ORDER for shown, _ in self._by_action[action]]

    def _may_replace(self, action: Action) -> bool:
        if len(self._by_action[action]) < FLOOR:
            return True
        return ORDER.index(action) < ORDER.index(self._least_telling())

    def _least_telling(self) -> Action:
        """The action whose last line goes first: the last one in the order that has more than its floor."""
        rich = [action for action in ORDER if len(self._by_action[action]) > FLOOR]
        return (rich or [action for action in ORDER if self._by_action[action]])[-1]

    def _drop(self) -> None:
        _, size = self._by_action[self._least_telling()].pop()
        self._count -= 1
        self._size -= size


def condensed(number: int, line: PlanLine) -> dict[str, Any]:
    """A line as the page's script reads it; long texts are cut."""
    fields = list(line.fields.items())
    return {
        "n": number,
        "stream": _cut(line.stream),
        "object": _cut(line.object),
        "key": _cut(line.source_key),
        "match": None if line.match_key is None else _cut(line.match_key),
        "id": None if line.destination_id is None else _cut(line.destination_id),
        "action": line.action.value,
        "code": _cut(line.code),
        "reason": line.reason[:LONGEST_REASON],
        "replay": line.is_replay,
        "fields": [[_cut(name), *_texts(change)] for name, change in fields[:FIELDS_SHOWN]],
        "more": max(0, len(fields) - FIELDS_SHOWN),
    }


def plan_html(counts: PlanCounts, summary: PlanSummary, shown: Sequence[dict[str, Any]], written: int) -> str:
    """The page.

    Args:
        counts: Of all records.
        summary: What the plan says beyond them.
        shown: Lines as `condensed` gives them.
        written: Lines in `plan.jsonl`.
    """
    actions = [action.value for action in Action]
    return pages.render(
        "plan",
        title=f"Plan {summary.plan_id}",
        summary=summary,
        made_at=utc_text(summary.made_at),
        totals={action.value: total(counts, action) for action in Action},
        objects=[
            {
                "stream": stream,
                "object": object_name,
                "records": sum(one.actions.values()),
                "parts": charts.stacked({name: one.actions[Action(name)] for name in actions}),
                "replays": one.replays,
                "codes": _codes(one.codes.most_common()),
                "fields": one.fields.most_common(),
            }
            for (stream, object_name), one in counts.items()
        ],
        lines=shown,
        more=written - len(shown),
        written=written,
    )


def _codes(codes: Sequence[tuple[tuple[Action, str], int]]) -> list[dict[str, Any]]:
    found = []
    for (action, code), count in codes:
        known = cures.CURES.get(code, cures.Cure(""))
        found.append({"action": action.value, "code": code, "count": count, "wrong": known.wrong, "cure": known.cure})
    return found


def _texts(change: Change) -> list[str | None]:
    """Both values as text; the kind stands beside it where only that differs."""
    old, new = (_text(value) for value in change)
    if old == new and change[0] != change[1] and old is not None and new is not None:
        return [f"{old} ({_kind(change[0])})", f"{new} ({_kind(change[1])})"]
    return [old, new]


def _text(value: Value) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else _cut(value)
    if isinstance(value, (bool, list, tuple)):
        return _cut(json.dumps(value, ensure_ascii=False, default=str))
    return _cut(str(value))


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float, Decimal)) else "list" if isinstance(value, list) else "text"


def _cut(text: str) -> str:
    """At most `LONGEST_VALUE` characters, and how many there are."""
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}… ({len(text):,} characters)"
