"""Rows as a table for people, and as CSV or JSON for programs."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDE = 10_000
"""Columns of what is no terminal: nothing is wrapped, so that `grep` finds it."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control characters, which a terminal would obey, and those that change the order of what is read."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula when a cell begins with it."""


class Moment(int):
    """Milliseconds since 1970 in UTC, shown as date and time."""

    def iso(self) -> str:
        """For programs.

        >>> Moment(1767323472000).iso()
        '2026-01-02T03:11:12Z'
        """
        return f"{self._instant():%Y-%m-%dT%H:%M:%S}Z"

    def __str__(self) -> str:
        return f"{self._instant():%Y-%m-%d %H:%M:%S}"

    def _instant(self) -> dt.datetime:
        latest = 253_402_300_799  # the end of the year 9999
        return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=min(self // 1000, latest))  # noqa: DTZ001 - UTC


class Json(str):
    """Text that is JSON already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows under named columns.

    Attributes:
        columns: For programs with underscores; people see blanks.
        rows: As many cells each: text, numbers, `Moment`, `Json`, or `None` for nothing.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[object]]


def printable(text: str) -> str:
    r"""Text whose control characters are written out: a key must not give orders to a terminal.

    >>> print(printable("two\nlines \x1b[31m"))
    two\x0alines \x1b[31m
    """
    return _UNPRINTABLE.sub(lambda found: rf"\x{ord(found[0]):02x}", text)


def csv_cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula.

    >>> csv_cell("=1+1"), csv_cell(-1), csv_cell(None), csv_cell("Ada")
    ("'=1+1", -1, '', 'Ada')
    """
    if value is None:
        return ""
    if isinstance(value, Moment):
        return value.iso()
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_table(listing: Listing, out: TextIO | None = None) -> None:
    """Write a table, as wide as the terminal; elsewhere as wide as it is."""
    out = out or sys.stdout
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in listing.columns:
        table.add_column(Text(column.replace("_", " ")), overflow="fold")
    for row in listing.rows:
        table.add_row(*(Text(_shown(cell), justify=_side(cell)) for cell in row))
    if out.isatty():
        Console(file=out, highlight=False).print(table)
        return
    plain = io.StringIO()
    Console(file=plain, width=WIDE, highlight=False, no_color=True).print(table)
    out.writelines(f"{line.rstrip()}\n" for line in plain.getvalue().splitlines())


def write_csv(listing: Listing, out: TextIO | None = None) -> None:
    """Write CSV with a line of names; row by row, however many there are."""
    out = out or sys.stdout
    out.write(_csv_line(listing.columns))
    for row in listing.rows:
        out.write(_csv_line(row))


def _csv_line(row: Sequence[object]) -> str:
    """One line; Python 3.10 to 3.12 quote a carriage return only where it is part of the line's own end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([csv_cell(cell) for cell in row])
    return line.getvalue().removesuffix("\r\n") + "\n"


def write_json(listing: Listing, out: TextIO | None = None) -> None:
    """Write a JSON list with an object in each line; row by row, however many there are."""
    out = out or sys.stdout
    separator = "["
    for row in listing.rows:
        record = dict(zip(listing.columns, (_json_cell(cell) for cell in row), strict=True))
        out.write(f"{separator}\n{msgspec.json.encode(record).decode()}")
        separator = ","
    out.write("[]\n" if separator == "[" else "\n]\n")


def _json_cell(value: object) -> object:
    if isinstance(value, Moment):
        return value.iso()
    return msgspec.Raw(value.encode()) if isinstance(value, Json) else value


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and not isinstance(value, Moment):
        return f"{value:,}"
    return printable(str(value))


def _side(value: object) -> Literal["left", "right"]:
    return "right" if isinstance(value, (int, float)) and not isinstance(value, (bool, Moment)) else "left"
