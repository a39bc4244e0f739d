"""What rows are compared by: one text per row, its hash, and short marks of its columns. Pure.

The text is injective: values are joined with a bar; a text is written with its length before it, other values
hold no bar, and null is `~`, which no value is written as. It does not depend on the session: each column's
expression sees to that. It starts with a salt, so that rows differ from all earlier ones where they are to be
sent again: other columns, another `mapping_version`, a new owner of the baseline.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from tap_warehouse_model.columns import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_warehouse_model.dialects import Dialect
    from tap_warehouse_model.slices import Slice

HASH_VERSION = 1
"""Raised when the text of a row changes: all rows are then sent again."""

MARK_DIGITS = 3  # as many as `Dialect.mark` returns
LAYOUT_DIGITS = 4
_NEVER_WITH_BARS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.FLOAT, Kind.BOOLEAN, Kind.DATE, Kind.TIMESTAMP})
_GROUP = 50
"""Values that are joined at once: PostgreSQL takes at most 100 arguments (FUNC_MAX_ARGS)."""


def fingerprint(dialect: str, keys: Sequence[str], columns: Sequence[Column], mapping_version: str) -> str:
    """Return 16 hexadecimal digits that change when all rows must be sent again."""
    layout = [(column.name, column.sql_type) for column in columns]
    content = json.dumps([HASH_VERSION, dialect, list(keys), layout, mapping_version])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def filled(pattern: str, value: str) -> str:
    """Return a pattern with a value in its place."""
    return pattern.replace("{}", value)


def canonical(dialect: Dialect, kind: Kind, value: str) -> str:
    """Return the text of one value; never null."""
    text = filled(dialect.text, value)
    if kind in _NEVER_WITH_BARS:
        return f"COALESCE({text}, '~')"
    length = filled(dialect.text, filled(dialect.length, text))
    return f"COALESCE({length} || ':' || {text}, '~')"


def compared(dialect: Dialect, column: Column, place: str) -> str:
    """Return the text of one column; `place` is the quoted column with its table."""
    return canonical(dialect, column.kind, filled(column.compared or column.expression, place))


def row_text(dialect: Dialect, salt: str, columns: Sequence[Column], place: Callable[[str], str]) -> str:
    """Return the text of a row; `salt` holds hexadecimal digits only."""
    parts = (filled(dialect.part, compared(dialect, column, place(column.name))) for column in columns)
    return _joined(dialect, [f"'{salt}'", *parts])


def row_hash(dialect: Dialect, salt: str, columns: Sequence[Column], place: Callable[[str], str]) -> str:
    """Return the hash of a row."""
    return filled(dialect.digest, row_text(dialect, salt, columns, place))


def row_marks(dialect: Dialect, columns: Sequence[Column], place: Callable[[str], str]) -> str:
    """Return a text that tells which columns of two rows differ: digits for the list of columns, then for each."""
    marks = [filled(dialect.mark, compared(dialect, column, place(column.name))) for column in columns]
    return _joined(dialect, [f"'{layout_mark(columns)}'", *marks])


def layout_mark(columns: Sequence[Column]) -> str:
    """Return what the marks of rows with the same columns begin with."""
    names = json.dumps([(column.name, column.sql_type) for column in columns])
    return hashlib.sha256(names.encode()).hexdigest()[:LAYOUT_DIGITS]


def mark_position(position: int) -> int:
    """Return where the mark of a column begins, counted from 1 as SQL does; a bar stands before each.

    >>> mark_position(0), mark_position(1)
    (6, 10)
    """
    return LAYOUT_DIGITS + 2 + position * (MARK_DIGITS + 1)


def key_text(dialect: Dialect, kinds: Sequence[Kind], values: Sequence[str]) -> str:
    """Return the text of a key from its written values."""
    return _joined(dialect, [canonical(dialect, kind, value) for kind, value in zip(kinds, values, strict=True)])


def in_slice(dialect: Dialect, part: Slice, values: Sequence[str]) -> str:
    """Return whether a key belongs to a slice.

    Only the texts of its written values count: of a key that was copied into a file there is nothing else, and
    warehouse and file must agree.
    """
    text = _joined(dialect, [f"COALESCE({filled(dialect.text, value)}, '~')" for value in values])
    return f"MOD({filled(dialect.slice_number, text)}, {part.count}) = {part.index}"


def _joined(dialect: Dialect, texts: Sequence[str]) -> str:
    if len(texts) == 1:
        return texts[0]
    if len(texts) <= _GROUP:
        return dialect.joined(texts)
    return _joined(dialect, [_joined(dialect, texts[at : at + _GROUP]) for at in range(0, len(texts), _GROUP)])
