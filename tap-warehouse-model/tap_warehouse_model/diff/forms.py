"""The forms in which a plan keeps its rows, and the RECORD messages made of them. Pure.

A change, as it is read from a plan, is a tuple: number, kind of change, the key's values, then the rest.
"""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tap_warehouse_model.columns import DELETED_AT, Column, Kind
from tap_warehouse_model.diff.tables import REMOVED
from tap_warehouse_model.records import RecordEncoder, message_lines, parsed, utc_text

if TYPE_CHECKING:
    import datetime as dt

RECORD_COLUMN = "_diff_record"
"""The column of a plan that keeps each row as JSON."""

_BEFORE_KEY = 2

Change = Sequence[Any]


class Form(abc.ABC):
    """Makes RECORD messages of changes."""

    def __init__(self, stream: str, keys: Sequence[Column]) -> None:
        self._stream = stream
        self._keys = keys
        self._removals = RecordEncoder(stream, [*keys, DELETED_AT])

    @property
    def nulled(self) -> Counter[str]:
        """Values that JSON cannot hold and that were written as null, by column."""
        return Counter()

    def lines(self, changes: Sequence[Change], now: dt.datetime) -> bytes:
        """Return one RECORD line per change, in order."""
        upserts, removals = _divided(changes)
        at = utc_text(now)
        lines = self._upsert_lines(upserts, at) if upserts else b""
        return lines + (self._removals.encode(self._removed(removals, at), at) if removals else b"")

    def records(self, changes: Sequence[Change], now: dt.datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the records of upserts and those of removals as dictionaries, for the SDK's own way of writing."""
        upserts, removals = _divided(changes)
        return self._upsert_records(upserts), self._removals.records(self._removed(removals, utc_text(now)))

    def _removed(self, removals: Sequence[Change], at: str) -> list[tuple[Any, ...]]:
        end = _BEFORE_KEY + len(self._keys)
        return [(*self._key(change[_BEFORE_KEY:end]), at) for change in removals]

    def _key(self, values: Sequence[Any]) -> Sequence[Any]:
        return values

    @abc.abstractmethod
    def _upsert_lines(self, changes: Sequence[Change], at: str) -> bytes: ...

    @abc.abstractmethod
    def _upsert_records(self, changes: Sequence[Change]) -> list[dict[str, Any]]: ...


class ColumnForm(Form):
    """Rows lie in columns of their own: the plan was made where the model is."""

    def __init__(self, stream: str, keys: Sequence[Column], columns: Sequence[Column]) -> None:
        super().__init__(stream, keys)
        self._encoder = RecordEncoder(stream, [*keys, *columns])

    @property
    def nulled(self) -> Counter[str]:
        """Values that JSON cannot hold and that were written as null, by column."""
        return self._encoder.nulled

    def _upsert_lines(self, changes: Sequence[Change], at: str) -> bytes:
        return self._encoder.encode([change[_BEFORE_KEY:] for change in changes], at)

    def _upsert_records(self, changes: Sequence[Change]) -> list[dict[str, Any]]:
        return self._encoder.records([change[_BEFORE_KEY:] for change in changes])


class JsonForm(Form):
    """Rows lie as JSON texts, and keys as texts: the plan was copied out of the warehouse."""

    def __init__(self, stream: str, keys: Sequence[Column], nulled: Counter[str]) -> None:
        super().__init__(stream, keys)
        self._nulled = nulled  # counted while the plan was made
        self._from_text = [_FROM_TEXT.get(key.kind, str) for key in keys]

    @property
    def nulled(self) -> Counter[str]:
        """Values that JSON cannot hold and that were written as null, by column."""
        return self._nulled

    def _key(self, values: Sequence[Any]) -> Sequence[Any]:
        return [read(value) for read, value in zip(self._from_text, values, strict=True)]

    def _upsert_lines(self, changes: Sequence[Change], at: str) -> bytes:
        return message_lines(self._stream, [change[-1].encode() for change in changes], at)

    def _upsert_records(self, changes: Sequence[Change]) -> list[dict[str, Any]]:
        return [parsed(change[-1].encode()) for change in changes]


_FROM_TEXT: dict[Kind, Callable[[str], Any]] = {
    Kind.INTEGER: int,
    Kind.BOOLEAN: lambda text: text.lower() in {"true", "t", "1"},
}


def _divided(changes: Sequence[Change]) -> tuple[Sequence[Change], Sequence[Change]]:
    """Return the upserts and the removals; in a plan the removals come last."""
    first = next((at for at, change in enumerate(changes) if change[1] == REMOVED), len(changes))
    return changes[:first], changes[first:]
