"""The rows of one object, with an index per key and per reference: no write ever scans."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from saas_simulators.salesforce.ids import make_id, normal_id
from saas_simulators.salesforce.values import writer

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from saas_simulators.salesforce.changes import Changes
    from saas_simulators.salesforce.definitions import FieldDefinition, ObjectDefinition
    from saas_simulators.salesforce.values import Writer


class Surroundings(Protocol):
    """What a store needs from its org."""

    changes: Changes


@dataclass(slots=True)
class Record:
    """One row; `values` is replaced on every write and never changed in place, and holds no None."""

    id: str
    values: dict[str, Any]
    is_deleted: bool = False


class Index:
    """Live rows by the values of one or several fields, as text that may fold case."""

    def __init__(self, names: tuple[str, ...], *, folds_case: bool) -> None:
        self.names = names
        self.folds_case = folds_case
        self.ids: dict[Hashable, dict[str, None]] = {}  # the ids in the order in which they came

    def key(self, values: dict[str, Any]) -> Hashable:
        """Return what a row is found by, or None when a value is missing."""
        if len(self.names) == 1:
            value = values.get(self.names[0])
            return None if value is None else self.fold(value)
        parts = tuple(values.get(name) for name in self.names)
        return None if None in parts else tuple(self.fold(part) for part in parts)

    def fold(self, value: Any) -> str:  # noqa: ANN401 - of any field's type
        """Return a value as it is compared."""
        text = str(value)
        return text.lower() if self.folds_case else text

    def find(self, value: Any) -> list[str]:  # noqa: ANN401 - of any field's type
        """Return the ids of the rows that have this value."""
        return list(self.ids.get(self.fold(value), ()))

    def add(self, key: Hashable, record_id: str) -> None:
        """Enter a row."""
        if key is not None:
            self.ids.setdefault(key, {})[record_id] = None

    def remove(self, key: Hashable, record_id: str) -> None:
        """Take a row out."""
        ids = self.ids.get(key) if key is not None else None
        if ids and record_id in ids:
            del ids[record_id]
            if not ids:
                del self.ids[key]


class RecordStore:
    """Definitions, rows and indexes of one object."""

    def __init__(self, definition: ObjectDefinition, fields: list[FieldDefinition], org: Surroundings) -> None:
        self.definition = definition
        self.name = definition.name
        self._org = org
        self.fields: dict[str, FieldDefinition] = {}
        self.writers: dict[str, Writer] = {}
        self.relationships: dict[str, FieldDefinition] = {}
        # What every new row is asked, worked out once per definition.
        self.required: tuple[str, ...] = ()
        self.unique: tuple[str, ...] = ()
        self.defaults: dict[str, Any] = {}
        self.auto_numbers: tuple[str, ...] = ()
        self.indexes: dict[str, Index] = {}
        self.groups: list[Index] = []  # of duplicate rules
        self._names: dict[str, str] = {}
        self.records: dict[str, Record] = {}
        self.live_count = 0
        self._last_number = 0
        self._ids: list[str] = []
        for field in fields:
            self.define(field)

    # definitions

    def define(self, field: FieldDefinition) -> None:
        """Add a field, or take over its changed definition."""
        self.fields[field.name] = field
        self.writers[field.name] = writer(field)
        self._names[field.name] = self._names[field.name.lower()] = field.name
        if field.relationship:
            self.relationships[field.relationship.lower()] = field
        fields = self.fields.values()
        self.required = tuple(one.name for one in fields if one.is_required)
        self.unique = tuple(one.name for one in fields if one.is_unique or one.is_external_id)
        self.defaults = {one.name: one.default for one in fields if one.default is not None}
        self.auto_numbers = tuple(one.name for one in fields if one.is_auto_number)
        is_key = field.is_id_lookup or field.is_unique or field.is_external_id
        is_link = field.type == "reference" and field.reference_to != ("User",)
        if (is_key or is_link) and field.type != "id":
            self.indexes[field.name] = self._filled(Index((field.name,), folds_case=is_key and field.folds_case))

    def group(self, names: tuple[str, ...]) -> Index:
        """Index several fields together, for a duplicate rule."""
        made = self._filled(Index(names, folds_case=True))
        self.groups.append(made)
        return made

    def _filled(self, index: Index) -> Index:
        """Enter the rows that are there."""
        for record in self.records.values():
            if not record.is_deleted:
                index.add(index.key(record.values), record.id)
        return index

    def field_name(self, name: str) -> str | None:
        """Return the API name of a field in any case."""
        return self._names.get(name) or self._names.get(name.lower())

    # reading

    def get(self, text: str) -> Record | None:
        """Return the row with this id in any form, deleted ones too."""
        return self.records.get(text) or self.records.get(normal_id(text) or "")

    def find(self, text: str) -> Record | None:
        """Return the live row with this id in any form."""
        record = self.get(text)
        return record if record and not record.is_deleted else None

    def iterate(self, after: str = "") -> Iterator[Record]:
        """Yield every row, deleted ones too, in the order of their ids."""
        for record_id in self._ids[bisect_right(self._ids, after) if after else 0 :]:
            if record_id in self.records:
                yield self.records[record_id]

    def unique_values(self, record: Record) -> dict[str, str]:
        """Return the row's unique fields that have a value."""
        found = record.values
        return {name: str(found[name]) for name in self.unique if name in found}

    # writing; rules are checked before

    def next_id(self) -> str:
        """Return an id that no row has had."""
        self._last_number += 1
        return make_id(self.definition.key_prefix, self._last_number)

    @property
    def last_number(self) -> int:
        """How many ids were given out."""
        return self._last_number

    def put(self, record_id: str, values: dict[str, Any], *, is_deleted: bool = False) -> Record:
        """Write a row whole, new or not, so that it can be undone."""
        record = self.records.get(record_id)
        self._org.changes.remember(self, record_id, record)
        return self._set(record_id, values, is_deleted=is_deleted)

    def restore(self, record_id: str, values: dict[str, Any] | None, *, is_deleted: bool) -> None:
        """Bring back what a row was before a write; None: it was not."""
        if values is not None:
            self._set(record_id, values, is_deleted=is_deleted)
            return
        record = self.records.pop(record_id)
        self._leave(record)

    def _set(self, record_id: str, values: dict[str, Any], *, is_deleted: bool) -> Record:
        record = self.records.get(record_id)
        if record is None:
            record = self.records[record_id] = Record(record_id, {}, is_deleted=True)
            self._ids.append(record_id)
        self._move(record, values, is_deleted=is_deleted)
        return record

    def _move(self, record: Record, values: dict[str, Any], *, is_deleted: bool) -> None:
        """Change values and the indexes with them."""
        old, was_live, is_live = record.values, not record.is_deleted, not is_deleted
        for index in (*self.indexes.values(), *self.groups):
            before = index.key(old) if was_live else None
            after = index.key(values) if is_live else None
            if before != after:
                index.remove(before, record.id)
                index.add(after, record.id)
        self.live_count += is_live - was_live
        record.values, record.is_deleted = values, is_deleted

    def _leave(self, record: Record) -> None:
        self._move(record, record.values, is_deleted=True)

    # persistence

    def dump(self) -> dict[str, Any]:
        """Return everything that `load` needs, as JSON values."""
        rows = [[record.id, record.values, record.is_deleted] for record in self.iterate()]
        return {"last_number": self._last_number, "rows": rows}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over what `dump` returned, in place of every row."""
        for record_id in list(self.records):
            self.restore(record_id, None, is_deleted=False)
        self._ids = []
        self._last_number = dumped["last_number"]
        for record_id, values, is_deleted in dumped["rows"]:
            self._set(record_id, values, is_deleted=is_deleted)
