"""A plan on the terminal, which becomes a log under Meltano: counts and names, and never a value."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from reverse_etl_core.planlines import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reverse_etl_core.planlines import ObjectPlan, PlanCounts, PlanSummary

WIDTH = 100
NAME_WIDTH, OBJECT_WIDTH, NUMBER_WIDTH = 22, 17, 10
SHOWN = (Action.CREATE, Action.UPDATE, Action.UNCHANGED, Action.REMOVE, Action.REJECT)
FIELDS_SHOWN = 12


def table(counts: PlanCounts, summary: PlanSummary) -> list[str]:
    """The plan as lines of ASCII text, none longer than `WIDTH`.

    The column `other` has what is cleared, deferred or skipped; lines below say how many of each.
    """
    head = _row("stream", "object", [*(action.value for action in SHOWN), "other"])
    lines = [f"Plan {_plain(summary.plan_id, 60)}: nothing was written.", head, "-" * len(head)]
    for (stream, object_name), one in counts.items():
        others = sum(one.actions.values()) - sum(one.actions[action] for action in SHOWN)
        numbers = [*(one.actions[action] for action in SHOWN), others]
        lines.append(_row(stream, object_name, map(_short, numbers)))
    for (stream, _), one in counts.items():
        for note in _notes(one):
            lines += _wrapped(f"{_plain(stream, NAME_WIDTH)}: {note}")
    lines += _wrapped(summary.estimate)
    for brake in summary.brakes:
        lines += _wrapped(f"This would stop the run: {brake}")
    if summary.way_on:
        lines += _wrapped(summary.way_on)
    return lines


def _row(stream: str, object_name: str, cells: Iterable[str]) -> str:
    names = f"{_plain(stream, NAME_WIDTH):{NAME_WIDTH}} {_plain(object_name, OBJECT_WIDTH):{OBJECT_WIDTH}}"
    return names + "".join(f"{cell:>{NUMBER_WIDTH}}" for cell in cells)


def _short(number: int) -> str:
    """A number that leaves a blank in its column.

    >>> _short(9_999_999), _short(123_456_789)
    ('9,999,999', '123.5M')
    """
    text = f"{number:,}"
    return text if len(text) < NUMBER_WIDTH else f"{number / 1e6:,.1f}M"


def _notes(one: ObjectPlan) -> Iterator[str]:
    """What the columns leave out: codes, the fields that would change, what comes from the ledger."""
    for action in Action:
        codes = {code: count for (of, code), count in one.codes.most_common() if of is action}
        words = [f"{count:,} {_plain(code, 40)}" for code, count in codes.items()]
        rest = one.actions[action] - sum(codes.values())
        if rest and (codes or action not in SHOWN):
            words.append(f"{rest:,} others" if codes else f"{rest:,}")
        if words:
            yield f"{action.value}: {', '.join(words)}"
    if one.fields:
        words = [f"{_plain(name, 40)} {count:,}" for name, count in one.fields.most_common(FIELDS_SHOWN)]
        more = len(one.fields) - len(words)
        yield "fields that change: " + ", ".join(words) + (f", and {more} more" if more > 0 else "")
    if one.replays:
        yield f"{one.replays:,} of these were left by earlier runs"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(_ascii(text), WIDTH, subsequent_indent="    ")


def _ascii(text: str) -> str:
    return "".join(one if " " <= one <= "~" else "?" for one in text)


def _plain(name: str, width: int) -> str:
    r"""A name as ASCII of limited width: no line break of it begins another line of the log.

    >>> _plain("a\nb", 9), _plain("a_rather_long_name", 9)
    ('a?b', 'a_rath...')
    """
    clean = _ascii(name)
    return clean if len(clean) <= width else clean[: width - 3] + "..."
