"""Write `docs/benchmarks.md` from `benchmarks/results.json`; `benchmarks/draw.py` draws the charts."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
import benchmark_texts as texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("benchmarks.md")
RESULTS = ROOT / "benchmarks/results.json"
CHARTS = Path(__file__).with_name("benchmarks")
NOT_YET = "not measured yet"


@dataclass(frozen=True)
class Found:
    """What a measurement says of a row.

    Attributes:
        text: For the table.
        is_reached: `None`: nobody knows yet.
    """

    text: str
    is_reached: bool | None


@dataclass(frozen=True)
class Row:
    """A row of the table of what is to be reached.

    Attributes:
        measure: Of which measurement.
        title: What is measured.
        bound: What it is compared with, measured in the same run.
        reach: What is to be reached.
        read: From the measurement's figures to what was found.
        size: From the figures to the size, in words.
    """

    measure: str
    title: str
    bound: str
    reach: str
    read: Callable[[Mapping[str, Any]], Found]
    size: Callable[[Mapping[str, Any]], str]


def percent(spread: Mapping[str, float]) -> str:
    """A ratio as per cent, with its span.

    >>> percent({"min": 0.79, "median": 0.8234, "max": 0.9, "runs": 3})
    '82 % (79 to 90)'
    """
    return f"{100 * spread['median']:.0f} % ({100 * spread['min']:.0f} to {100 * spread['max']:.0f})"


def times(spread: Mapping[str, float]) -> str:
    """A ratio with its span.

    >>> times({"min": 1.0, "median": 1.5, "max": 2.25, "runs": 3}), times({"min": 2, "median": 2, "max": 2, "runs": 1})
    ('1.50 x (1.00 to 2.25)', '2.00 x')
    """
    span = f" ({spread['min']:.2f} to {spread['max']:.2f})" if spread["runs"] > 1 else ""
    return f"{spread['median']:.2f} x{span}"


def _tap(figures: Mapping[str, Any]) -> Found:
    bound, stock = figures["ratios"]["tap_to_bound"], figures["ratios"]["tap_to_stock"]
    return Found(
        f"{percent(bound)}; {times(stock)} the stock tap",
        bound["median"] >= 0.8 and stock["median"] >= 6,  # noqa: PLR2004
    )


def _target(figures: Mapping[str, Any]) -> Found:
    ratio = figures["unchanged_to_bound"]
    return Found(percent(ratio), ratio["median"] >= 0.6)  # noqa: PLR2004 - as `reach` says


def _diff(most: float) -> Callable[[Mapping[str, Any]], Found]:
    return lambda figures: Found(times(figures["ratio"]), figures["ratio"]["median"] <= most)


def _large_diff(figures: Mapping[str, Any]) -> Found:
    peak, disk = figures["peak_mb"], figures["disk_peak_mb"]
    text = f"{peak:,} MB of memory, {disk / 1000:.0f} GB of disk, {times(figures['ratio'])} the scan"
    return Found(text, peak <= 4096)  # noqa: PLR2004 - 4 GB


def _calls(figures: Mapping[str, Any]) -> Found:
    over = {
        way: max(one["runs"][run]["requests"]["writes"] for run in ("new", "changed")) / one["floor"] - 1
        for way, one in figures["ways"].items()
    }
    text = ", ".join(f"{way} + {100 * share:.1f} %" for way, share in over.items())
    return Found(text, max(over.values()) <= 0.02)  # noqa: PLR2004 - as `reach` says


def _second(figures: Mapping[str, Any]) -> Found:
    writes = {way: one["runs"]["unchanged"]["requests"]["writes"] for way, one in figures["ways"].items()}
    text = ", ".join(f"{way} {count}" for way, count in writes.items())
    return Found(text, not any(writes.values()))


def _wall(way: str) -> Callable[[Mapping[str, Any]], Found]:
    def read(figures: Mapping[str, Any]) -> Found:
        one = figures["ways"][way]
        text = f"{one['to_limit']:.2f} x ({one['seconds']:.0f} s; limit {one['limit_s']:.0f} s)"
        return Found(text, one["to_limit"] <= 1.1)  # noqa: PLR2004 - as `reach` says

    return read


PARTS = {"tap_full": "tap, full", "tap_diff": "tap, diff", "target_unchanged": "target, unchanged"}


def _memory(figures: Mapping[str, Any]) -> Found:
    most = figures["rows_through"][str(figures["rows"])]
    apart = {"tap_full": 1, "tap_diff": 2}  # embedded databases of 128 MB
    text = "; ".join(
        f"{title} {most[part]['peak_mb']:.0f} MB ({100 * figures['growth'][part] - 100:+.0f} %)"
        for part, title in PARTS.items()
    )
    is_small = all(most[part]["peak_mb"] - 128 * apart.get(part, 0) <= 300 for part in PARTS)  # noqa: PLR2004
    return Found(text, is_small and all(figures["growth"][part] <= 1.1 for part in PARTS))  # noqa: PLR2004


def _count(name: str, what: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda figures: f"{figures[name]:,} {what}"


ROWS = (
    Row(
        "tap",
        "tap, full sync, 12 columns from DuckDB",
        "`fetchmany` + msgspec, no SDK",
        "80 % of it, and 6 x the stock SDK tap",
        _tap,
        _count("rows", "rows"),
    ),
    Row(
        "target",
        "target, records validated and unchanged",
        "msgspec parse + ledger look-up",
        "60 % of it",
        _target,
        _count("records", "records"),
    ),
    Row(
        "diff-duckdb",
        "diff, 1 % changed, DuckDB",
        "one full scan with hash",
        "at most 2 x, duplicate check included",
        _diff(2.0),
        _count("rows", "rows"),
    ),
    Row(
        "diff-postgresql",
        "diff, 1 % changed, PostgreSQL",
        "one full scan with hash",
        "at most 2.5 x, duplicate check included",
        _diff(2.5),
        _count("rows", "rows"),
    ),
    Row(
        "diff-duckdb-100m",
        "diff, 100M rows, DuckDB",
        "-",
        "within 4 GB of memory",
        _large_diff,
        _count("rows", "rows"),
    ),
    Row(
        "calls",
        "API calls, all records new, then all changed",
        "ceil(n / batch limit)",
        "the floor + 2 %",
        _calls,
        _count("records", "contacts"),
    ),
    *(
        Row(
            "cloud",
            f"wall time under the vendor's limit and 200 ms latency, {way}",
            "n / limit",
            "within 10 % of the limit",
            _wall(way),
            lambda figures, way=way: f"{figures['ways'][way]['records']:,} records",
        )
        for way in ("hubspot", "salesforce-rest", "mailchimp")
    ),
    Row("calls", "second run, nothing changed", "-", "0 write calls", _second, _count("records", "contacts")),
    Row(
        "scale",
        "peak memory, rows through tap and target",
        "a tenth of the rows",
        "same + 10 %, under 300 MB each, DuckDB's own 128 MB apart",
        _memory,
        _count("rows", "rows"),
    ),
)


def digest(results: Mapping[str, Any]) -> str:
    """Of the measurements: a chart carries that of those which it draws."""
    return hashlib.sha256(json.dumps(results["measures"], sort_keys=True).encode()).hexdigest()[:16]


def rendered(results: Mapping[str, Any]) -> str:
    """The page."""
    measures = results["measures"]
    parts = [texts.HEAD, _table(measures), _where(results), texts.METHOD]
    sections = (("cloud", _cloud), ("calls", _call_counts), ("peers", _peers), ("scale", _scale), ("startup", _startup))
    parts += [section(measures[name]["figures"]) for name, section in sections if name in measures]
    parts += [_commands(measures), texts.LEFT_OUT]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def _table(measures: Mapping[str, Any]) -> str:
    rows = []
    for row in ROWS:
        entry = measures.get(row.measure)
        found = row.read(entry["figures"]) if entry else Found("-", None)
        size = row.size(entry["figures"]) if entry else "-"
        if entry and entry["length"] != "long":
            size += ", short run"
        verdict = {None: NOT_YET, True: "reached", False: "**not reached**"}[found.is_reached]
        rows.append([row.title, size, row.bound, row.reach, found.text, verdict])
    return _grid(["measure", "size", "bound", "to reach", "found", ""], rows)


def _where(results: Mapping[str, Any]) -> str:
    lines = ["## Where and when\n"]
    for run in results["runs"].values():
        names = [name for name, one in results["measures"].items() if one["run"] == run["date"]]
        packages = ", ".join(f"{name} {version}" for name, version in run["packages"].items())
        commit = f"`{run['commit']}`" + ("" if run["is_clean"] else " with changes")
        lines.append(
            f"- {run['date']}, commit {commit}: {', '.join(names)}.\n"
            f"  {run['cores']} cores ({run['processor']}), {run['memory_gb']} GB, {run['system']}, "
            f"Python {run['python']};\n  {packages}."
        )
    loads = [one["load_before"] for one in results["measures"].values()]
    if loads:
        lines.append(
            f"\nThe machine's load before each measurement was {min(loads)} to {max(loads)}: "
            "where it is far\nfrom 0, others were at work, and only ratios mean something."
        )
    return "\n".join(lines) + "\n"


def _cloud(figures: Mapping[str, Any]) -> str:
    rows = []
    for way, one in figures["ways"].items():
        bare = f"{one['bare_s']:.1f}" if "bare_s" in one else "-"
        rows.append(
            [
                way,
                f"{one['records']:,}",
                f"{one['limit_s']:.1f}",
                bare,
                f"{one['seconds']:.1f}",
                f"{one['to_limit']:.2f}",
                _in_flight(one),
                f"{one['cpu_s']:.1f}",
                f"{one['simulator_cpu_s']:.1f}",
                f"{one['throttled_s']:.1f}",
                str(one["requests"]["refused"]),
            ]
        )
    head = ["way", "records", "limit s", "bare loop s", "target s", "x limit", "in flight", "target cpu s"]
    return texts.CLOUD + _grid([*head, "simulator cpu s", "throttled s", "429s"], rows)


def _in_flight(way: Mapping[str, Any]) -> str:
    """Requests under way, on average over the whole process, and how many the limit allows."""
    if "in_flight" not in way:
        return "-"
    mean = way["requests"]["total"] * way["latency_s"] / way["seconds"]
    per_second = way["requests_per_s"]
    allowed = per_second * way["latency_s"] if per_second else way["in_flight"]
    return f"{mean:.1f} of {allowed:.1f}"


def _call_counts(figures: Mapping[str, Any]) -> str:
    rows = []
    for way, one in figures["ways"].items():
        runs = one["runs"]
        rows.append([way, str(one["floor"]), *(_writes(runs[name]) for name in ("new", "changed", "unchanged"))])
    return texts.CALLS + _grid(["way", "floor", "all new", "all changed", "unchanged"], rows)


def _writes(run: Mapping[str, Any]) -> str:
    return f"{run['requests']['writes']} writes, {run['requests']['total']} requests, {run['seconds']:.1f} s"


_PEERS_HEAD = ["scene", "system", "runs", "seconds", "requests", "arrived", "doubled", "reported", "run again: writes"]
_PEERS_HEAD += ["records written again"]
_SYSTEMS = {"ours": "this suite", "drt": "drt", "drt-incremental": "drt, incremental"}


def _peers(figures: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    text = texts.PEERS.format(versions=versions)
    for vendor, scenes in figures["found"].items():
        text += f"\n{vendor.capitalize() if vendor != 'hubspot' else 'HubSpot'}:\n\n"
        rows = [row for scene, systems in scenes.items() for row in _scene_rows(scene, systems)]
        text += _grid(_PEERS_HEAD, rows)
    return text


def _scene_rows(scene: str, systems: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[list[str]]:
    for system, steps in systems.items():
        first = [one for one in steps if one["step"] != "rerun"]
        again = [one for one in steps if one["step"] == "rerun"]
        runs, last = [one for one in first if one["step"] == "run"], first[-1]
        said = runs[-1]["said_failed"]
        yield [
            scene,
            _SYSTEMS[system],
            " + ".join(
                _times(sum(one["step"] == step for one in first), step)
                for step in dict.fromkeys(one["step"] for one in first)
            ),
            f"{sum(one['seconds'] for one in first):.1f}",
            str(sum(one["requests"]["total"] for one in first)),
            f"{last['arrived']:,} of {last['good']:,}",
            str(max(one["doubled"] for one in steps)),
            f"ended in an error {len(runs)} x" if said is None else f"{said} of {last['bad']} bad",
            str(again[-1]["requests"]["writes"]) if again else "-",
            str(again[-1]["updated_events"] - last["updated_events"]) if again else "-",
        ]


def _times(count: int, step: str) -> str:
    plurals = {"run": "runs", "retry": "retries"}
    return f"{count} {step if count == 1 else plurals[step]}"


def _scale(figures: Mapping[str, Any]) -> str:
    through = figures["rows_through"]
    counts = list(through)
    parts = through[counts[0]]
    rows = [
        [
            part.replace("_", ", ", 1).replace("_", " "),
            *(f"{through[count][part]['peak_mb']:.0f} MB, {through[count][part]['seconds']:.0f} s" for count in counts),
            f"{figures['growth'][part]:.2f}",
        ]
        for part in parts
    ]
    text = texts.SCALE + _grid(["process", *(f"{int(count):,} rows" for count in counts), "ratio of peaks"], rows)
    shapes = []
    for shape, title in (("streams", "50 streams"), ("large", "records of 1 MB"), ("wide", "500 columns")):
        one = figures[shape]
        cells = [
            f"tap {one[run]['tap']['peak_mb']:.0f} MB, target {one[run]['target']['peak_mb']:.0f} MB, "
            f"{one[run]['target']['seconds']:.0f} s"
            for run in ("new", "unchanged")
        ]
        shapes.append([title, f"{one['records']:,}", *cells])
    return text + "\n" + _grid(["shape", "records", "all new", "unchanged"], shapes)


def _startup(figures: Mapping[str, Any]) -> str:
    rows = [
        [name, f"{one['seconds']['median']:.2f}", f"{one['cpu_s']['median']:.2f}"]
        for name, one in figures["commands"].items()
    ]
    return texts.STARTUP + _grid(["process", "seconds", "cpu seconds"], rows)


def _commands(measures: Mapping[str, Any]) -> str:
    rows = [[name, f"`{one['command']}`", f"{one['took_s'] / 60:.1f}", one["length"]] for name, one in measures.items()]
    return texts.COMMANDS + _grid(["measurement", "command", "minutes", "length"], rows)


def main() -> None:
    """Write the page."""
    PAGE.write_text(rendered(json.loads(RESULTS.read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
