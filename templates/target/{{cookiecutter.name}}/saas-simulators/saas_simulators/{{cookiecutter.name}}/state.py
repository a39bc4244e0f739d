"""One account: its objects and their records, behind one lock."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_simulators.{{cookiecutter.name}}.errors import not_found, refused, unknown_object
from saas_simulators.{{cookiecutter.name}}.limits import AccountLimits
from saas_simulators.{{cookiecutter.name}}.values import FieldDefinition, accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from saas_simulators.journal import Journal

VENDOR = "{{cookiecutter.name}}"
LATEST_KEPT = 50


@dataclass(slots=True)
class Record:
    """One record; `number` grows."""

    number: int
    fields: dict[str, Any]
    created: str
    updated: str
    archived: bool = False

    @property
    def id(self) -> str:
        """The record's id."""
        return f"r{self.number}"

    def shown(self) -> dict[str, Any]:
        """As the control surface shows it."""
        properties = {name: value for name, value in self.fields.items() if value is not None}
        stamps = {"createdAt": self.created, "updatedAt": self.updated, "archived": self.archived}
        return {"id": self.id, "properties": properties, **stamps}


class Store:
    """The records of one object; those that are archived are found by nobody but the control surface."""

    def __init__(self, name: str, fields: Mapping[str, FieldDefinition], account: Account) -> None:
        self.name = name
        self.fields = dict(fields)
        self.records: dict[str, Record] = {}
        self._account = account
        self._unique: dict[str, dict[Any, Record]] = {one.name: {} for one in fields.values() if one.unique}

    @property
    def live_count(self) -> int:
        """How many records are not archived."""
        return sum(not one.archived for one in self.records.values())

    def one(self, record_id: object) -> Record:
        """A live record.

        Raises:
            ApiError: There is none.
        """
        record = self.records.get(str(record_id))
        if record is None or record.archived:
            raise not_found()
        return record

    def search(self, field: str, values: list[Any]) -> list[Record]:
        """Live records whose field has one of these values, in the order in which they were made."""
        if field == "id":
            found = [self.records[one] for one in map(str, values) if one in self.records]
        elif field in self._unique:
            found = [self._unique[field][one] for one in values if one in self._unique[field]]
        else:
            found = [one for one in self.records.values() if one.fields.get(field) in values]
        return sorted((one for one in found if not one.archived), key=lambda record: record.number)

    def create(self, values: Mapping[str, Any]) -> Record:
        """Make a record.

        Raises:
            ApiError: A value is refused, or a required one is missing.
        """
        fields = self._accepted(values, None)
        for field in self.fields.values():
            if field.required and fields.get(field.name) in (None, ""):
                raise refused(field.name, "required_field", "A new record needs a value.")
        number = self._account.next_number()
        now = self._account.moment()
        record = self.records[f"r{number}"] = Record(number, fields, now, now)
        self._index(record)
        self._account.note(self, "record_created", record, values)
        return record

    def update(self, record_id: object, values: Mapping[str, Any]) -> Record:
        """Change a record.

        Raises:
            ApiError: There is none, or a value is refused.
        """
        record = self.one(record_id)
        fields = self._accepted(values, record)
        self._unindex(record)
        record.fields |= fields
        record.updated = self._account.moment()
        self._index(record)
        self._account.note(self, "record_updated", record, values)
        return record

    def archive(self, record_id: object) -> Record:
        """Take a record away, so that a person can bring it back."""
        record = self.one(record_id)
        self._unindex(record)
        record.archived = True
        record.updated = self._account.moment()
        self._account.note(self, "record_archived", record, {})
        return record

    def delete(self, record_id: object) -> Record:
        """Take a record away for good, an archived one too."""
        record = self.records.pop(str(record_id), None)
        if record is None:
            raise not_found()
        if not record.archived:
            self._unindex(record)
        self._account.note(self, "record_deleted", record, {})
        return record

    def restore(self, number: int, fields: dict[str, Any], stamps: tuple[str, str], *, archived: bool) -> None:
        """Put a record back as it was dumped."""
        record = self.records[f"r{number}"] = Record(number, fields, *stamps, archived=archived)
        if not archived:
            self._index(record)

    def _accepted(self, values: Mapping[str, Any], record: Record | None) -> dict[str, Any]:
        fields = {}
        for name, value in values.items():
            field = self.fields.get(name)
            if field is None:
                raise refused(name, "unknown_field", "There is no such field.")
            fields[name] = accepted(field, value)
            holder = self._unique[name].get(fields[name]) if name in self._unique else None
            if holder is not None and holder is not record:
                raise refused(name, "conflict", "Another record holds this value.")
        return fields

    def _index(self, record: Record) -> None:
        for name, index in self._unique.items():
            if record.fields.get(name) not in (None, ""):
                index[record.fields[name]] = record

    def _unindex(self, record: Record) -> None:
        for name, index in self._unique.items():
            index.pop(record.fields.get(name), None)


class Account:
    """Everything behind one account. Hold `lock` for every read or write."""

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self.lock = threading.RLock()
        self.id = "acct-1"
        self.journal = journal
        self.clock = clock
        self.limits = AccountLimits(clock)
        self.stores: dict[str, Store] = {}
        self.latest: deque[tuple[Store, Record]] = deque(maxlen=LATEST_KEPT)
        self.last_number = 0

    def moment(self) -> str:
        """Return the time as the API prints it."""
        return dt.datetime.fromtimestamp(self.clock(), dt.timezone.utc).isoformat(timespec="milliseconds")

    def next_number(self) -> int:
        """Return a number that no record has had."""
        self.last_number += 1
        return self.last_number

    def store(self, name: str) -> Store:
        """Return the records of an object.

        Raises:
            ApiError: There is no such object.
        """
        if name not in self.stores:
            raise unknown_object(name)
        return self.stores[name]

    def note(self, store: Store, event: str, record: Record, values: Mapping[str, Any]) -> None:
        """Write a side effect to the journal."""
        self.latest.append((store, record))
        unique = {one.name: str(record.fields.get(one.name)) for one in store.fields.values() if one.unique}
        self.journal.add(
            time=self.clock(),
            vendor=VENDOR,
            event=event,
            object_name=store.name,
            record_id=record.id,
            unique=unique,
            detail=tuple(values),
        )
