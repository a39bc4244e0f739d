"""One HubSpot account: its object types, owners, limits and records, behind one lock."""

from __future__ import annotations

import random
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from saas_simulators.hubspot import definitions
from saas_simulators.hubspot.association_types import AssociationTypes
from saas_simulators.hubspot.errors import unknown_object_type
from saas_simulators.hubspot.limits import AccountLimits
from saas_simulators.hubspot.links import Links
from saas_simulators.hubspot.list_store import ListStore
from saas_simulators.hubspot.records import Record, RecordStore
from saas_simulators.hubspot.tokens import Tokens
from saas_simulators.hubspot.values import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from saas_simulators.hubspot.association_types import Key
    from saas_simulators.hubspot.links import End
    from saas_simulators.hubspot.list_store import RecordList
    from saas_simulators.journal import Journal

VENDOR = "hubspot"
DEFAULT_PORTAL_ID = 48_000_001
FIRST_ID = 20_000_000_001  # beyond 32 bits, as in real accounts
LATEST_KEPT = 50


class Account:
    """Everything behind one HubSpot account. Hold `lock` for every read or write."""

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.journal = journal
        self.portal_id = DEFAULT_PORTAL_ID
        self.search_lag_s = 0.0
        self.merge_keeps_primary_id = False
        self.makes_companies = False
        self.limits = AccountLimits(clock)
        self.tokens = Tokens(self)
        self.owners: dict[str, dict[str, Any]] = {}
        self.stores: dict[str, RecordStore] = {}
        self.association_types = AssociationTypes()
        self.links = Links(self.association_types, self)
        self.lists = ListStore(self)
        self.latest: deque[tuple[str, Record]] = deque(maxlen=LATEST_KEPT)
        self.shuffle = random.Random(48).shuffle  # noqa: S311 - the order of results, not a secret
        self._names: dict[str, RecordStore] = {}
        self._last_id = FIRST_ID - 1
        self._moment = (-1, "")
        self._last_custom_type = 140_000_000
        for object_type, properties in definitions.standard_objects():
            self.add_type(object_type, properties)

    @property
    def owner_ids(self) -> Collection[str]:
        """The ids of all owners."""
        return self.owners.keys()

    def now_ms(self) -> int:
        """Return the time in milliseconds."""
        return int(self.clock() * 1000)

    def moment(self) -> str:
        """Return the time as HubSpot prints it; records of one batch mostly share it."""
        now_ms = self.now_ms()
        if now_ms != self._moment[0]:
            self._moment = (now_ms, iso(now_ms))
        return self._moment[1]

    def next_id(self) -> str:
        """Return the next record id; ids grow and are shared by all object types."""
        self._last_id += 1
        return str(self._last_id)

    def next_custom_type_id(self) -> str:
        """Return the type id of a new custom object."""
        self._last_custom_type += 1
        return f"2-{self._last_custom_type}"

    def add_type(
        self, object_type: definitions.ObjectType, properties: list[definitions.PropertyDefinition]
    ) -> RecordStore:
        """Add an object type; every name that the API accepts leads to it."""
        store = RecordStore(object_type, properties, self)
        self.stores[object_type.name] = store
        for name in self._spellings(object_type):
            self._names[name] = store
        return store

    def remove_type(self, store: RecordStore) -> None:
        """Remove a custom object type."""
        del self.stores[store.type.name]
        self.association_types.remove_object(store.type.type_id)
        self._names = {name: other for name, other in self._names.items() if other is not store}

    def store(self, name: str) -> RecordStore:
        """Return the store of an object type: plural, singular, any case, type id, `p_name` or fully qualified.

        Raises:
            HubSpotError: No such object type.
        """
        found = self._names.get(name) or self._names.get(name.lower())
        if found is None:
            raise unknown_object_type(name)
        return found

    def qualified_name(self, object_type: definitions.ObjectType) -> str:
        """Return the fully qualified name of a custom object."""
        return f"p{self.portal_id}_{object_type.name}"

    def _spellings(self, object_type: definitions.ObjectType) -> set[str]:
        plain = {object_type.name, object_type.singular, object_type.type_id}
        if object_type.is_custom:
            plain |= {f"p_{object_type.name}", self.qualified_name(object_type)}
        return {name.lower() for name in plain}

    def note(self, store: RecordStore, record: Record, event: str, detail: Collection[str]) -> None:
        """Write a side effect to the journal, and the workflows that it sets off."""
        names = tuple(detail)
        unique = store.unique_values(record)
        self._journal(store, record, event, unique, names)
        self.latest.append((store.type.name, record))
        for workflow in _workflows(store, record, event, names):
            self._journal(store, record, "workflow_enrolled", unique, (workflow,))

    def record_left(self, store: RecordStore, record: Record) -> None:
        """End the associations and memberships of a record that was archived, merged away or deleted."""
        self.links.end((store.type.type_id, record.id))
        self.lists.end(store.type.type_id, record.id)

    def load_associations(self, types: dict[str, Any], links: list[Any]) -> None:
        """Take over dumped associations; limits stay as the seed has them."""
        most = self.links.most
        self.association_types = AssociationTypes()
        self.association_types.load(types)
        self.links = Links(self.association_types, self)
        self.links.most = most
        self.links.load(links)

    def note_association(self, event: str, one: End, other: End, keys: Iterable[Key]) -> None:
        """Write a change of an association to the journal, at the record that the request or the event began with."""
        store = self.store(one[0])
        record = store.records.get(one[1])
        target = f"{self.store(other[0]).type.name}/{other[1]}"
        self.journal.add(
            time=self.clock(),
            vendor=VENDOR,
            event=event,
            object_name=store.type.name,
            record_id=one[1],
            unique=store.unique_values(record) if record else {},
            detail=[f"{target} {category} {number}" for category, number in keys],
        )

    def note_membership(self, event: str, found: RecordList, record_id: str) -> None:
        """Write a change of a list's members to the journal, at the record."""
        store = self.store(found.object_type)
        record = store.records.get(record_id)
        unique = store.unique_values(record) if record else {}
        detail = [f"lists/{found.id}"]
        self.journal.add(
            time=self.clock(),
            vendor=VENDOR,
            event=event,
            object_name=store.type.name,
            record_id=record_id,
            unique=unique,
            detail=detail,
        )

    def follow_primary_company(self, contact_id: str, company_id: str) -> None:
        """Keep a contact's `associatedcompanyid` as its primary company is."""
        contacts = self.stores["contacts"]
        if contact := contacts.find(contact_id):
            contacts.derive(contact, "associatedcompanyid", company_id)

    def note_definition(self, event: str, object_name: str, name: str) -> None:
        """Write a change of a definition to the journal."""
        now = self.clock()
        self.journal.add(time=now, vendor=VENDOR, event=event, object_name=object_name, record_id=name, unique={})

    def _journal(
        self, store: RecordStore, record: Record, event: str, unique: dict[str, str], detail: Collection[str]
    ) -> None:
        self.journal.add(
            time=self.clock(),
            vendor=VENDOR,
            event=event,
            object_name=store.type.name,
            record_id=record.id,
            unique=unique,
            detail=detail,
        )

    def reserve_ids(self, last_id: int, last_custom_type: int) -> None:
        """Continue numbering after a saved state."""
        self._last_id = max(self._last_id, last_id)
        self._last_custom_type = max(self._last_custom_type, last_custom_type)

    @property
    def numbering(self) -> tuple[int, int]:
        """The last record id and the last custom type number given out."""
        return self._last_id, self._last_custom_type


def _workflows(store: RecordStore, record: Record, event: str, names: Collection[str]) -> list[str]:
    """Return the automations that a typical account would start: one for every new contact, one per stage."""
    if store.type.type_id == "0-1":
        welcome = ["welcome"] if event == "record_created" else []
        stage = record.properties.get("lifecyclestage")
        return welcome + ([f"lifecyclestage:{stage}"] if "lifecyclestage" in names and stage else [])
    stage_name = store.type.stage
    if stage_name and stage_name in names:
        return [f"{stage_name}:{record.properties.get(stage_name, '')}"]
    return []
