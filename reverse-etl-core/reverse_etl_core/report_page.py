"""`report.html`: what a run did, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_etl_core import charts, cures, errors, pages
from reverse_etl_core.ledger.history import PastRun
from reverse_etl_core.operations import DeferCode
from reverse_etl_core.report import utc_text
from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.report import Report

RUNS_SHOWN = 30
ENDINGS = {
    errors.EXIT_OK: ("good", "Everything is settled"),
    errors.EXIT_BRAKE: ("bad", "Stopped by a brake: a person must look"),
    errors.EXIT_TRY_LATER: ("wait", "Busy or out of quota: try later"),
    errors.EXIT_CONFIG: ("bad", "Settings or permissions must change"),
    errors.EXIT_FAILURE: ("bad", "Failed: run again once it is cured"),
}
SIGNALS = 128
UNTOUCHED = frozenset({Fate.UNCHANGED, Fate.SUPERSEDED, Fate.REJECTED, Fate.DEFERRED})


@dataclass(frozen=True, slots=True)
class Rejection:
    """One code of a stream: how often, and what to do."""

    stream: str
    code: str
    count: int
    wrong: str
    cure: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart with its words.

    Attributes:
        kind: Whose colour it has: one of the fates.
    """

    name: str
    note: str
    kind: str
    chart: charts.ColumnChart


def report_html(report: Report, history: Sequence[PastRun]) -> str:
    """The page.

    Args:
        report: Of this run.
        history: Earlier runs of the same sync, newest first.
    """
    shown = report.as_dict()
    past = [*reversed(history[: RUNS_SHOWN - 1]), _as_past(report)]
    fates = [fate.value for fate in Fate]
    streams = [
        {"name": name, "object": one["object"], "counts": one["counts"], "parts": _parts(one["counts"], fates)}
        | {"retried": one["retried"]}
        for name, one in shown["streams"].items()
    ]
    return pages.render(
        "report",
        report=shown,
        title=f"Run of {report.sync_id}",
        ending=ending(report.exit_code),
        written=_written(shown["totals"]),
        rate=shown["totals"]["read"] / report.seconds if report.seconds else 0,
        fates=fates,
        streams=streams,
        timeline=_timeline(shown["timeline"]),
        rejections=_codes(shown, is_deferral=False),
        deferrals=_codes(shown, is_deferral=True),
        quota=_quota(shown["requests"]),
        history=_history(past),
    )


def ending(exit_code: int) -> tuple[str, str]:
    """How a run ended: `good`, `wait` or `bad`, and a sentence.

    >>> ending(143)
    ('wait', 'Stopped by signal 15: run again')
    """
    if exit_code > SIGNALS:
        return "wait", f"Stopped by signal {exit_code - SIGNALS}: run again"
    return ENDINGS.get(exit_code, ENDINGS[errors.EXIT_FAILURE])


def _written(counts: dict[str, int]) -> int:
    """Records that were changed at the destination."""
    return sum(counts.get(fate.value, 0) for fate in Fate if fate not in UNTOUCHED)


def _parts(counts: dict[str, int], fates: Sequence[str]) -> list[charts.Part]:
    return charts.stacked({name: counts[name] for name in fates})


def _codes(shown: dict[str, Any], *, is_deferral: bool) -> list[Rejection]:
    """Codes of all streams, most frequent first."""
    deferrals = {one.value for one in DeferCode}
    found = [
        Rejection(stream, code, count, cures.cure(code).wrong, cures.cure(code).cure)
        for stream, one in shown["streams"].items()
        for code, count in one["codes"].items()
        if (code in deferrals) is is_deferral
    ]
    return sorted(found, key=lambda one: -one.count)


def _timeline(timeline: dict[str, Any]) -> dict[str, Any]:
    """Three charts over time, and the numbers behind them."""
    width_s = timeline["interval_s"]
    starts = [index * width_s for index in range(len(timeline["settled"]))]
    per_s = {name: [one / width_s for one in timeline[name]] for name in ("settled", "requests")}

    def panel(name: str, values: list[float], unit: str, kind: str, note: str) -> Panel:
        labels = [
            f"at {pages.lasting(at)}: {pages.grouped(value)} {unit}" for at, value in zip(starts, values, strict=True)
        ]
        return Panel(name, note, kind, charts.columns(values, labels))

    throttled_s = sum(timeline["throttled_s"])
    return {
        "width_s": width_s,
        "rows": list(zip(starts, timeline["settled"], timeline["requests"], timeline["throttled_s"], strict=True)),
        "panels": [
            panel("Records settled per second", per_s["settled"], "per second", "updated", _peak(per_s["settled"])),
            panel("Requests per second", per_s["requests"], "per second", "created", _peak(per_s["requests"])),
            panel(
                "Waiting for the rate limit",
                timeline["throttled_s"],
                "seconds",
                "deferred",
                f"{pages.lasting(throttled_s)} in all, of all requests together" if throttled_s else "none",
            ),
        ],
    }


def _peak(values: Sequence[float]) -> str:
    return f"at most {pages.grouped(max(values, default=0))}"


def _quota(requests: dict[str, Any]) -> dict[str, Any] | None:
    """The daily quota as last reported; `None` where the API says nothing of one."""
    limit, remaining = requests["daily_limit"], requests["daily_remaining"]
    if not limit or remaining is None:
        return None
    used = max(0, limit - remaining)
    return {"limit": limit, "used": used, "percent": min(100.0, 100 * used / limit)}


def _as_past(report: Report) -> PastRun:
    counts = {f"records_{name}" if name == "read" else name: count for name, count in report.totals().items()}
    return PastRun(
        int(report.started_at * 1000), report.exit_code, counts, report.traffic.requests, round(report.seconds, 3)
    )


def _history(past: Sequence[PastRun]) -> dict[str, Any]:
    """Runs, oldest first, this one last."""
    rows: list[dict[str, Any]] = [
        {
            "when": utc_text(one.started_at / 1000)[:16].replace("T", " "),
            "ending": ("wait", "Was killed") if one.exit_code is None else ending(one.exit_code),
            "exit_code": "killed" if one.exit_code is None else one.exit_code,
            "counts": one.counts,
            "written": _written(one.counts),
            "rejected": one.rejected,
            "requests": one.requests,
            "seconds": one.seconds,
        }
        for one in past
    ]

    def panel(name: str, figure: str, kind: str) -> Panel:
        values = [row[figure] for row in rows]
        labels = [f"{row['when']}: {pages.grouped(row[figure])}" for row in rows]
        return Panel(name, _peak(values), kind, charts.columns(values, labels, places=RUNS_SHOWN // 2))

    panels = [
        panel("Records written", "written", "updated"),
        panel("Records rejected", "rejected", "rejected"),
        panel("Seconds", "seconds", "unchanged"),
    ]
    return {"rows": rows, "panels": panels}
