"""The records of one object type, with an index per unique property: no batch verb ever scans."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from saas_simulators.hubspot import values as rules
from saas_simulators.hubspot.derived import on_create, on_update
from saas_simulators.hubspot.search_index import SearchIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from saas_simulators.hubspot.definitions import ObjectType, PropertyDefinition

EMAIL = "email"
ADDITIONAL_EMAILS = "hs_additional_emails"


class Portal(Protocol):
    """What a store needs from its account."""

    portal_id: int
    search_lag_s: float

    @property
    def owner_ids(self) -> Collection[str]:
        """The ids of the owners."""

    def next_id(self) -> str:
        """Return an id that no record has had."""

    def moment(self) -> str:
        """Return the time as HubSpot prints it."""

    def now_ms(self) -> int:
        """Return the time in milliseconds."""

    def note(self, store: RecordStore, record: Record, event: str, detail: Collection[str]) -> None:
        """Write a side effect to the journal."""

    def record_left(self, store: RecordStore, record: Record) -> None:
        """End what only a live record has: its associations and its places in lists."""


@dataclass(slots=True)
class Record:
    """One record; `properties` is replaced on every write and never changed in place, so readers may keep it."""

    id: str
    properties: dict[str, str]
    created: str
    updated: str
    archived_at: str | None = None


class RecordStore:
    """Definitions, records and indexes of one object type."""

    def __init__(self, object_type: ObjectType, definitions: list[PropertyDefinition], portal: Portal) -> None:
        self.type = object_type
        self.portal = portal
        self.definitions: dict[str, PropertyDefinition] = {}
        self.writers: dict[str, Callable[[object], str]] = {}
        self.unique: dict[str, dict[str, str]] = {EMAIL: {}} if object_type.type_id == "0-1" else {}
        self._stateful = {"lifecyclestage"}  # what is written depends on the old value
        self._null_when_clear: set[str] = set()  # text reads as an empty string then; recordings show both
        self.records: dict[str, Record] = {}
        for definition in definitions:
            self.define(definition)
        self.clear()

    def clear(self) -> None:
        """Remove every record; definitions stay."""
        self.records = {}
        self.live_count = 0
        self.merged: dict[str, str] = {}
        self.blocked_emails: set[str] = set()
        self._ids: list[int] = []
        self._index = SearchIndex(self.portal)
        for index in self.unique.values():
            index.clear()

    # definitions

    def define(self, definition: PropertyDefinition) -> None:
        """Add a property, or take over its changed definition."""
        name = definition.name
        self.definitions[name] = definition
        if definition.is_archived or not definition.is_unique:
            self._stop_indexing(name)
        if definition.is_archived:
            self.writers.pop(name, None)
            return
        self.writers[name] = rules.writer(definition, self.type.type_id, self.portal)
        if definition.has_several_values:
            self._stateful.add(name)
        if definition.type != "string":
            self._null_when_clear.add(name)
        if definition.is_unique and name not in self.unique:
            self.unique[name] = {}
            for record in self.records.values():
                if record.archived_at is None:
                    self._claim(record, [name])

    def _stop_indexing(self, name: str) -> None:
        if name != EMAIL:  # the definition of a contact's e-mail says nothing of being unique
            self.unique.pop(name, None)

    def is_shown(self, name: str) -> bool:
        """Whether reads show a property; the values of an archived one wait for its return."""
        # source: live runs of October 2026: values survive an archived property and come back with it
        definition = self.definitions.get(name)
        return definition is not None and not definition.is_archived

    # reading

    def find(self, record_id: str) -> Record | None:
        """Return the live record with this id."""
        record = self.records.get(record_id)
        return record if record and record.archived_at is None else None

    def find_by(self, name: str, value: str) -> Record | None:
        """Return the live record that owns this value of a unique property; e-mails also by a secondary address."""
        record_id = self.unique[name].get(fold(name, value))
        return self.records.get(record_id) if record_id else None

    def surviving_id(self, record_id: str) -> str:
        """Return the id of the record that an id leads to after every merge."""
        while record_id in self.merged:
            record_id = self.merged[record_id]
        return record_id

    def unique_values(self, record: Record) -> dict[str, str]:
        """Return the record's unique properties that have a value."""
        found = record.properties
        return {name: found[name] for name in self.unique if found.get(name)}

    def page(self, after: int, limit: int, *, archived: bool = False) -> tuple[list[Record], int | None]:
        """Return up to `limit` records with an id from `after` on, by id, and the cursor of the next page."""
        chosen: list[Record] = []
        for record in self.iterate(after):
            if (record.archived_at is not None) != archived:
                continue
            if len(chosen) == limit:
                return chosen, int(chosen[-1].id) + 1
            chosen.append(record)
        return chosen, None

    def iterate(self, start: int = 0) -> Iterator[Record]:
        """Yield every record, archived ones too, with an id from `start` on, by id."""
        for number in self._ids[bisect_left(self._ids, start) :]:
            record = self.records.get(str(number))
            if record:
                yield record

    def searchable(self) -> dict[str, dict[str, str]]:
        """Return what the search index knows by now: properties by record id."""
        return self._index.known()

    # writing

    def create(self, written: dict[str, str], event: str = "record_created") -> Record:
        """Create a record from checked values."""
        moment = self.portal.moment()
        if stateful := self._stateful.intersection(written):
            # inferred: options that are added to none are the new record's options
            written = written | {name: self._resolved(name, written[name], {}) for name in stateful}
        record = Record(self.portal.next_id(), {}, moment, moment)
        properties = on_create(self.type, written, record.id, moment)
        record.properties = properties
        self.records[record.id] = record
        self._ids.append(int(record.id))
        self.live_count += 1
        self._claim(record, self.unique)
        self._index.expose(record)
        self.portal.note(self, record, event, written)
        return record

    def update(self, record: Record, written: dict[str, str]) -> dict[str, str]:
        """Write checked values and return those that really changed something."""
        old = record.properties
        if stateful := self._stateful.intersection(written):
            written = written | {name: self._resolved(name, written[name], old) for name in stateful}
        changes = {name: value for name, value in written.items() if old.get(name, "") != value}
        if not changes:
            return changes  # inferred: a write that changes nothing leaves the modified date and triggers nothing
        record.updated = self.portal.moment()
        merged = {**old, **changes, **on_update(self.type, changes), self.type.modified: record.updated}
        for name in [name for name, value in changes.items() if not value and name in self._null_when_clear]:
            del merged[name]
        touched = [name for name in self.unique if name in changes]
        self._release(record, touched)
        record.properties = merged
        self._claim(record, touched)
        self._index.expose(record)
        self.portal.note(self, record, "record_updated", changes)
        return changes

    def archive(self, record: Record) -> None:
        """Move a record to the recycle bin; its unique values become free (inferred)."""
        self._release(record, self.unique)
        record.archived_at = self.portal.moment()
        self.live_count -= 1
        self._index.expose(record)
        self.portal.note(self, record, "record_archived", ())
        self.portal.record_left(self, record)

    def forget(self, record: Record, event: str) -> None:
        """Remove a record for good."""
        is_live = record.archived_at is None
        if is_live:
            self._release(record, self.unique)
            self.live_count -= 1
        record.archived_at = record.archived_at or self.portal.moment()
        self._index.expose(record)
        del self.records[record.id]
        self.portal.note(self, record, event, ())
        if is_live:
            self.portal.record_left(self, record)

    def derive(self, record: Record, name: str, value: str) -> None:
        """Set a property that follows from something else; the journal tells of that instead."""
        others = {key: held for key, held in record.properties.items() if key != name}
        record.updated = self.portal.moment()
        record.properties = others | ({name: value} if value else {}) | {self.type.modified: record.updated}
        self._index.expose(record)

    def absorb(self, record: Record, properties: dict[str, str], event: str) -> None:
        """Give a record the values of a merge, read-only ones too."""
        self._release(record, self.unique)
        record.updated = self.portal.moment()
        record.properties = {**record.properties, **properties, self.type.modified: record.updated}
        self._claim(record, self.unique)
        self._index.expose(record)
        self.portal.note(self, record, event, properties)

    def purge(self, record: Record) -> None:
        """Remove a contact for privacy; its addresses cannot be used again, further ones neither (inferred)."""
        self.blocked_emails.update(self._keys(record, EMAIL))
        self.forget(record, "record_gdpr_deleted")

    def _resolved(self, name: str, value: str, old: dict[str, str]) -> str:
        """Apply the rules that depend on the old value."""
        if (
            name == "lifecyclestage"
            and value
            and rules.LIFECYCLE.get(value, 99) < rules.LIFECYCLE.get(old.get(name, ""), -1)
        ):
            # source: community thread 1333 and several guides: success, but a stage never goes back
            return old[name]
        if value[:1] == ";":
            # source: HubSpot docs "Properties": a leading semicolon appends
            return ";".join(dict.fromkeys(part for part in f"{old.get(name, '')}{value}".split(";") if part))
        return value

    def _keys(self, record: Record, name: str) -> list[str]:
        value = record.properties.get(name)
        keys = [fold(name, value)] if value else []
        if name == EMAIL and (others := record.properties.get(ADDITIONAL_EMAILS)):
            keys += [fold(name, other) for other in others.split(";") if other]
        return keys

    def _claim(self, record: Record, names: Iterable[str]) -> None:
        for name in names:
            for key in self._keys(record, name):
                self.unique[name].setdefault(key, record.id)

    def _release(self, record: Record, names: Iterable[str]) -> None:
        for name in names:
            for key in self._keys(record, name):
                if self.unique[name].get(key) == record.id:
                    del self.unique[name][key]

    # persistence

    def dump(self) -> dict[str, Any]:
        """Return everything that `load` needs, as JSON values."""
        return {
            "records": [[r.id, r.properties, r.created, r.updated, r.archived_at] for r in self.iterate()],
            "merged": self.merged,
            "blocked_emails": sorted(self.blocked_emails),
        }

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over what `dump` returned."""
        self.clear()
        self.merged = dict(dumped["merged"])
        self.blocked_emails = set(dumped["blocked_emails"])
        for row in dumped["records"]:
            record = Record(*row)
            self.records[record.id] = record
            self._ids.append(int(record.id))
            if record.archived_at is None:
                self.live_count += 1
                self._claim(record, self.unique)
                self._index.put(record)


def fold(name: str, value: str) -> str:
    """Return a unique value as it is compared: e-mails without regard to case, the rest exactly (inferred)."""
    return value.strip().lower() if name == EMAIL else value
