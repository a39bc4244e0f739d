"""The geometry of charts: numbers to rectangles in percent, so that a page draws them at any width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a stacked bar.

    Attributes:
        name: What it counts.
        count: How much.
        x: Where it begins, in percent of the bar.
        width: In percent.
        share: In percent, exactly.
    """

    name: str
    count: int
    x: float
    width: float
    share: float


@dataclass(frozen=True, slots=True)
class Column:
    """One column; all in percent of the chart, `y` from its top.

    Attributes:
        label: What it stands for, in words.
    """

    label: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Columns side by side, without those that are zero; `top` is the value at the upper edge."""

    columns: tuple[Column, ...]
    top: float


THINNEST = 0.6
LOWEST = 1.5
"""Percent: what is there at all is seen."""


def stacked(counts: Mapping[str, int]) -> list[Part]:
    """The pieces of a bar of length 100, without those that are zero.

    >>> [(one.name, one.x, one.width) for one in stacked({"a": 1, "b": 0, "c": 3})]
    [('a', 0.0, 25.0), ('c', 25.0, 75.0)]
    """
    total = sum(counts.values())
    there = {name: count for name, count in counts.items() if count > 0}
    seen = {name: max(THINNEST, 100 * count / total) for name, count in there.items()}
    scale = 100 / sum(seen.values()) if seen else 0
    parts, x = [], 0.0
    for name, count in there.items():
        width = seen[name] * scale
        parts.append(Part(name, count, round(x, 3), round(width, 3), 100 * count / total))
        x += width
    return parts


def columns(values: Sequence[float], labels: Sequence[str], *, places: int = 1) -> ColumnChart:
    """A chart of columns, oldest on the left.

    Args:
        values: At least 0 each.
        labels: As many: what each column stands for.
        places: Columns that the chart has room for at least; fewer ones stand on the right.

    >>> chart = columns([1, 0, 2], ["first", "none", "last"])
    >>> chart.top, [(one.label, one.height) for one in chart.columns]
    (2.0, [('first', 50.0), ('last', 100.0)])
    """
    top = pleasing(max(values, default=0.0))
    width = 100 / max(len(values), places)
    first = 100 - width * len(values)
    found = []
    for index, (value, label) in enumerate(zip(values, labels, strict=True)):
        if value > 0:
            height = max(LOWEST, 100 * value / top)
            x, y = first + index * width, 100 - height
            found.append(Column(label, round(x, 3), round(y, 3), round(width, 3), round(height, 3)))
    return ColumnChart(tuple(found), top)


def pleasing(value: float) -> float:
    """The next number that reads well on an axis.

    >>> pleasing(0), pleasing(7), pleasing(1234), pleasing(0.3)
    (1.0, 8.0, 1500.0, 0.3)
    """
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    step = next(step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * unit >= value * (1 - 1e-9))
    return float(f"{step * unit:.6g}")
