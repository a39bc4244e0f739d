"""Bookmarks: what STATE says about an INCREMENTAL stream, read strictly and written in one form.

Rows arrive sorted by the database, so the last row's replication key is the bookmark; values are
never compared here, except with the present moment.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tap_warehouse_model.columns import UNREPRESENTABLE, Column, Kind
from tap_warehouse_model.errors import StateError
from tap_warehouse_model.records import utc_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_warehouse_model.slices import Slice

# source: Meltano Singer SDK 0.54, singer_sdk/helpers/_state.py: the names that other tools read
KEY = "replication_key"
VALUE = "replication_key_value"
SLICE = "slice"
"""Ours: which slice of the keys a bookmark is about; absent for all of them."""


@dataclass(frozen=True)
class Start:
    """Where an INCREMENTAL stream begins.

    Attributes:
        value: Lowest replication key to read, None for the beginning.
        ignored: Why a bookmark is not used, such as "the replication key 'id'": what it belongs to.
    """

    value: str | int | None = None
    ignored: str | None = None


def start(stream: str, state: Mapping[str, Any], column: Column, start_value: str | int | None, part: Slice) -> Start:
    """Return where to begin.

    Args:
        stream: For messages.
        state: The stream's part of STATE.
        column: The replication key.
        start_value: From the model, used where there is no bookmark.
        part: The slice of the keys; the bookmark of another one says nothing about it.

    Raises:
        StateError: The value is not one of the column's.
    """
    value, ignored = state.get(VALUE), None
    source = "the bookmark in STATE"
    if value is not None and state.get(KEY) != column.name:
        value, ignored = None, f"the replication key '{state.get(KEY)}'"
    elif value is not None and state.get(SLICE) not in (None, str(part)):
        value, ignored = None, f"the slice {state.get(SLICE)} of the keys"
    if value is None:
        value, source = start_value, "'start_value'"
    if value is None:
        return Start(None, ignored)
    try:
        return Start(_canonical(column.kind, value), ignored)
    except (ValueError, TypeError):
        msg = (
            f"Stream '{stream}': {source} does not fit the replication key '{column.name}' ({column.sql_type}). "
            "Correct it, or begin anew with 'meltano run --full-refresh'."
        )
        raise StateError(msg) from None


def _canonical(kind: Kind, value: object) -> str | int:
    """Return a bookmark in the form in which records carry it."""
    if kind is Kind.INTEGER:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise TypeError
        return int(value)
    if not isinstance(value, str):
        raise TypeError
    if kind is Kind.DATE:
        return dt.date.fromisoformat(value[:10]).isoformat()
    if kind is Kind.TIMESTAMP:
        return _timestamp(value)
    return value


def _timestamp(value: str) -> str:
    # fromisoformat of Python 3.10 knows neither 'Z' nor short fractions; msgspec does
    if len(value) == len("2024-01-01"):
        value += "T00:00:00Z"
    try:
        return utc_text(msgspec.convert(value.replace(" ", "T", 1), dt.datetime))
    except msgspec.ValidationError:
        raise ValueError from None


def latest(rows: Sequence[Sequence[Any]], position: int) -> str | int | None:
    """Return the highest replication key of sorted rows; None when all are null or out of range."""
    for row in reversed(rows):
        value = row[position]
        if value is not None and value != UNREPRESENTABLE:
            return value if isinstance(value, str) else int(value)
    return None


def capped(value: str | int, kind: Kind, now: dt.datetime) -> str | int:
    """Return a time no later than now: one row dated 2999 must not hide what changes until then.

    >>> capped("2999-01-01", Kind.DATE, dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc))
    '2024-01-02'
    """
    if kind is Kind.TIMESTAMP:
        return min(str(value), utc_text(now))
    if kind is Kind.DATE:
        return min(str(value), utc_text(now)[:10])
    return value


def problems(name: str, key: str | None, columns: Mapping[str, Column]) -> list[str]:
    """Return why a column cannot be the replication key of a model, with the remedy."""
    if not key:
        return [f"Model '{name}': INCREMENTAL needs 'replication_key', the column that grows with every change."]
    if key not in columns:
        return [
            (
                f"Model '{name}': 'replication_key' '{key}' is not among the query's columns ({', '.join(columns)}). "
                "Correct it or the query."
            )
        ]
    if columns[key].bookmark_type is None:
        return [
            (
                f"Model '{name}': the column '{key}' of type {columns[key].sql_type} cannot be a replication key. "
                "Use an integer, date, timestamp, text or UUID column, or cast it in the query "
                "(a decimal to BIGINT, for example)."
            )
        ]
    return []
