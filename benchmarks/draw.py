"""Draw the charts of docs/benchmarks.md from `benchmarks/results.json`: `make bench-page`.

Runs in `.venv-bench`, which has matplotlib. Each chart carries the digest of the results that it was drawn from, by
which a test sees whether it is fresh.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib import pyplot as plt

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))
from generate_benchmarks import CHARTS, RESULTS, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

OURS, STOCK, BOUND = "#1f6feb", "#b0b6be", "#24292f"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "benchmarks",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",  # it has to be read on a dark page, too
    "axes.axisbelow": True,
}


def main() -> None:
    """Draw what there is to draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--charts", type=Path, default=CHARTS)
    given = parser.parse_args()
    results = json.loads(given.results.read_text(encoding="utf-8"))
    given.charts.mkdir(exist_ok=True)
    mpl.rcParams.update(STYLE)
    for name, (needs, columns, draw) in CHART.items():
        if any(one not in results["measures"] for one in needs):
            continue
        figure, axes = plt.subplots(1, columns, figsize=(9, 3.4), layout="constrained")
        draw(axes, *(results["measures"][one]["figures"] for one in needs))
        described = {"Date": None, "Creator": None, "Description": f"results {digest(results)}"}
        figure.savefig(given.charts / f"{name}.svg", metadata=described)
        plt.close(figure)


def _bars(axes: Axes, names: Sequence[str], values: Sequence[float], colours: Sequence[str], label: str) -> None:
    """Horizontal bars with their values, the first on top."""
    bars = axes.barh(names, values, color=colours)
    texts = [f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2f}" for value in values]  # noqa: PLR2004
    axes.bar_label(bars, texts, padding=3)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.margins(x=0.18)
    axes.grid(axis="x", alpha=0.3)


def _speed(axes: Sequence[Axes], tap: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    for axis, figures, shown, title in (
        (axes[0], tap, {"stock": "stock SDK tap", "tap": "this tap", "bound": "bound"}, "tap, full sync"),
        (
            axes[1],
            target,
            {
                "stock": "stock SDK sink",
                "first-load": "first load",
                "unchanged": "unchanged",
                "bound": "bound of unchanged",
            },
            "target",
        ),
    ):
        rates = [figures["variants"][name]["records_per_s"] for name in shown]
        colours = [{"stock": STOCK, "bound": BOUND}.get(name, OURS) for name in shown]
        _bars(axis, list(shown.values()), rates, colours, "records per second")
        axis.set_title(title)


def _cloud(axes: Axes, figures: Mapping[str, Any]) -> None:
    ways = figures["ways"]
    names = list(ways)
    places = range(len(names))
    bare = [ways[name].get("bare_to_limit", 0.0) for name in names]
    axes.barh([place - 0.2 for place in places], bare, 0.38, color=STOCK, label="bare loop")
    ours = axes.barh(
        [place + 0.2 for place in places],
        [ways[name]["to_limit"] for name in names],
        0.38,
        color=OURS,
        label="target, whole process",
    )
    axes.bar_label(ours, [f"{ways[name]['to_limit']:.2f} x" for name in names], padding=3)
    axes.axvline(1.0, color=BOUND, linewidth=1)
    axes.set_yticks(list(places), names)
    axes.invert_yaxis()
    axes.set_xlabel("wall time as a multiple of what the limit allows")
    axes.legend(frameon=False)
    axes.margins(x=0.12)


def _memory(axes: Axes, figures: Mapping[str, Any]) -> None:
    through = figures["rows_through"]
    small, large = through
    parts = list(through[small])
    places = range(len(parts))
    for shift, count, colour in ((-0.2, small, STOCK), (0.2, large, OURS)):
        bars = axes.barh(
            [place + shift for place in places],
            [through[count][part]["peak_mb"] for part in parts],
            0.38,
            color=colour,
            label=f"{int(count):,} rows",
        )
        axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set_yticks(list(places), [part.replace("_", ", ", 1).replace("_", " ") for part in parts])
    axes.invert_yaxis()
    axes.set_xlabel("peak memory of the process, MB")
    axes.legend(frameon=False)
    axes.margins(x=0.12)


def _peers(axes: Sequence[Axes], figures: Mapping[str, Any]) -> None:
    names, requests, seconds, colours = [], [], [], []
    titles = {"hubspot": "HubSpot", "salesforce": "Salesforce"}
    for vendor, scenes in figures["found"].items():
        for system in ("ours", "drt"):
            steps = scenes["cloud"][system]
            names.append(f"{titles[vendor]}, {'this suite' if system == 'ours' else 'drt'}")
            requests.append(steps[0]["requests"]["total"])
            seconds.append(steps[0]["seconds"])
            colours.append(OURS if system == "ours" else STOCK)
    _bars(axes[0], names, requests, colours, "requests, first run, vendor's limits and 200 ms")
    _bars(axes[1], names, seconds, colours, "seconds of the same run")
    axes[1].set_yticklabels([])


CHART: Mapping[str, tuple[tuple[str, ...], int, Callable[..., None]]] = {
    "speed": (("tap", "target"), 2, _speed),
    "cloud": (("cloud",), 1, _cloud),
    "memory": (("scale",), 1, _memory),
    "peers": (("peers",), 2, _peers),
}


if __name__ == "__main__":
    main()
