"""Records that Python writes and JSON does not know: NaN, Infinity, lone surrogates, broken UTF-8.

Python's own `json` writes them, so taps do. A value that cannot be read must not stop the stream, nor be taken
for another one: it becomes `UNREADABLE`, which no field takes.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

LONGEST_INTEGER = 1000
"""Digits; no destination takes as many."""


class Unreadable:
    """A value that is not JSON."""

    def __repr__(self) -> str:
        return "UNREADABLE"


UNREADABLE = Unreadable()


def read(line: str | bytes) -> dict[str, Any] | None:
    """Read an object whose values may be no JSON; `None` for what is no object even so.

    A column that holds such a value somewhere inside is `UNREADABLE` as a whole.

    Raises:
        RecursionError: It is nested too deep.

    >>> read('{"a": NaN, "b": [1, Infinity], "c": 1}')
    {'a': UNREADABLE, 'b': UNREADABLE, 'c': 1}
    """
    value = _loads(line)
    return {name: _checked(one) for name, one in value.items()} if isinstance(value, dict) else None


def read_record_message(line: str | bytes) -> dict[str, Any] | None:
    """Read a RECORD message whose record has unreadable values; `None` for anything else."""
    try:
        message = _loads(line)
    except RecursionError:
        return None
    if not isinstance(message, dict) or message.get("type") != "RECORD":
        return None
    stream, record = message.get("stream"), message.get("record")
    if not (isinstance(stream, str) and stream and isinstance(record, dict)):
        return None
    return {"type": "RECORD", "stream": stream, "record": {name: _checked(one) for name, one in record.items()}}


def _loads(line: str | bytes) -> Any:  # noqa: ANN401 - any JSON value
    text = line if isinstance(line, str) else line.decode("utf-8", errors="surrogateescape")
    try:
        return json.loads(text, parse_float=Decimal, parse_int=_integer, parse_constant=_unreadable)
    except ValueError:
        return None


def _integer(digits: str) -> int | Unreadable:
    """Python refuses to read integers of more than 4,300 digits."""
    return int(digits) if len(digits) <= LONGEST_INTEGER else UNREADABLE


def _unreadable(_constant: str) -> Unreadable:
    return UNREADABLE


def _checked(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    return value if _is_readable(value) else UNREADABLE


def _is_readable(value: object) -> bool:
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(_is_readable(name) and _is_readable(one) for name, one in value.items())
    if isinstance(value, list):
        return all(_is_readable(one) for one in value)
    return value is not UNREADABLE
