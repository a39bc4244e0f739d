"""`plan.md`: a plan as Markdown, for a comment on a pull request say: counts and names, and never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core import cures
from reverse_etl_core.planlines import Action
from reverse_etl_core.report import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reverse_etl_core.planlines import PlanCounts, PlanSummary

SHOWN = (Action.CREATE, Action.UPDATE, Action.UNCHANGED, Action.REMOVE, Action.CLEAR, Action.REJECT)
ROWS_SHOWN = 40
"""Of each table: a comment on GitHub takes 65,536 characters."""

NAME_LENGTH = 80


def plan_markdown(counts: PlanCounts, summary: PlanSummary) -> str:
    """The plan as GitHub's Markdown; names in it are code, so that none is taken for markup or a mention.

    Args:
        counts: Of all records.
        summary: What the plan says beyond them.
    """
    parts = [
        [f"### {'Stopped: ' if summary.brakes else ''}plan of {code(summary.sync_id)}"],
        [f"Nothing was written. {code(summary.target)}, account {code(summary.account)}, {utc_text(summary.made_at)}."],
        [f"> **This would stop the run:** {plain(brake)}" for brake in summary.brakes],
        _table(["stream", "object", *(one.value for one in SHOWN), "other"], _numbers(counts), names=2),
        _table(["stream", "what", "code", "records", "what to do"], _codes(counts), names=3),
        _table(["stream", "field that changes", "records"], _fields(counts), names=2),
        [plain(summary.estimate)],
        [plain(summary.way_on)] if summary.way_on else [],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def code(text: str) -> str:
    r"""A name as a code span in one line.

    >>> code("a|b`c\nd")
    '`a\\|b?c?d`'
    """
    clean = "".join(one if one.isprintable() and one != "`" else "?" for one in text)
    cut = clean if len(clean) <= NAME_LENGTH else f"{clean[:NAME_LENGTH]}…"
    return "`" + cut.replace("|", r"\|") + "`" if cut.strip() else "(empty)"


def plain(text: str) -> str:
    r"""A sentence that holds names: what Markdown or HTML would act on is escaped.

    >>> plain("'<b>' of @team: 3 * 4")
    "'&lt;b&gt;' of @\u200bteam: 3 \\* 4"
    """
    clean = "".join(one if one.isprintable() else " " for one in text)
    for mark in "\\`*_[]|#~":
        clean = clean.replace(mark, f"\\{mark}")
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, names: int) -> list[str]:
    """A table; the first columns are names, and at most `ROWS_SHOWN` rows are shown."""
    body = [_row(row) for row in rows]
    if not body:
        return []
    rules = [":--" if number < names or head[number] == "what to do" else "--:" for number in range(len(head))]
    more = [f"\n{len(body) - ROWS_SHOWN:,} more rows are in `plan.html`."] if len(body) > ROWS_SHOWN else []
    return [_row(head), _row(rules), *body[:ROWS_SHOWN], *more]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _numbers(counts: PlanCounts) -> Iterator[Sequence[str]]:
    for (stream, object_name), one in counts.items():
        numbers = [one.actions[action] for action in SHOWN]
        others = sum(one.actions.values()) - sum(numbers)
        yield [code(stream), code(object_name), *(f"{number:,}" for number in (*numbers, others))]


def _codes(counts: PlanCounts) -> Iterator[Sequence[str]]:
    for (stream, _), one in counts.items():
        for (action, name), count in one.codes.most_common():
            known = cures.CURES.get(name)
            # The texts of `cures` are ours, and Markdown already.
            yield [
                code(stream),
                action.value,
                code(name),
                f"{count:,}",
                known.cure.replace("|", r"\|") if known else "",
            ]


def _fields(counts: PlanCounts) -> Iterator[Sequence[str]]:
    for (stream, _), one in counts.items():
        for name, count in one.fields.most_common():
            yield [code(stream), code(name), f"{count:,}"]
