"""One Salesforce org: its objects, users, rules, limits and rows, behind one lock."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from saas_simulators.salesforce import definitions
from saas_simulators.salesforce.bulk.state import Jobs
from saas_simulators.salesforce.changes import Changes
from saas_simulators.salesforce.errors import not_found
from saas_simulators.salesforce.limits import OrgLimits
from saas_simulators.salesforce.locators import Locators
from saas_simulators.salesforce.records import RecordStore
from saas_simulators.salesforce.tokens import Tokens
from saas_simulators.salesforce.values import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from saas_simulators.faults import FaultPlan
    from saas_simulators.journal import Journal
    from saas_simulators.salesforce.definitions import FieldDefinition, ObjectDefinition
    from saas_simulators.salesforce.records import Record
    from saas_simulators.salesforce.rules import DuplicateRule, ValidationRule

VENDOR = "salesforce"
LATEST_KEPT = 50
CUSTOM_PREFIXES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Objects whose new rows start an assignment rule, unless `Sforce-Auto-Assign` says FALSE. source: RESTPDF
ASSIGNED = frozenset({"Case", "Lead"})
# Objects whose new rows start a flow in a typical org: a welcome mail, say.
WELCOMED = frozenset({"Contact", "Lead"})


class Org:
    """Everything behind one Salesforce org. Hold `lock` for every read or write."""

    def __init__(self, journal: Journal, clock: Callable[[], float], faults: FaultPlan | None = None) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.journal = journal
        self.changes = Changes()
        self.limits = OrgLimits(clock)
        self.tokens = Tokens(self)
        self.locators = Locators()
        self.objects: dict[str, RecordStore] = {}
        self.validation_rules: dict[str, list[ValidationRule]] = {}
        self.duplicate_rules: dict[str, list[DuplicateRule]] = {}
        self.apex_limits: dict[str, int] = {}
        self.has_person_accounts = False
        self.id = ""
        self.user_id = ""
        self.latest: deque[tuple[str, Record]] = deque(maxlen=LATEST_KEPT)
        self._faults = faults
        self.jobs = Jobs(self, faults)
        self._names: dict[str, RecordStore] = {}
        self._prefixes: dict[str, RecordStore] = {}
        self._moment = (-1, "")
        for definition, fields in definitions.standard_objects():
            self.add_object(definition, fields)

    def moment(self) -> str:
        """Return the time as REST prints it; to the second, as the audit fields of real rows."""
        # source: recordings: CreatedDate and LastModifiedDate always end in .000+0000
        second = int(self.clock())
        if second != self._moment[0]:
            self._moment = (second, moment(second))
        return self._moment[1]

    def add_object(self, definition: ObjectDefinition, fields: list[FieldDefinition]) -> RecordStore:
        """Add an object."""
        store = RecordStore(definition, fields, self)
        self.objects[definition.name] = store
        self._names[definition.name] = self._names[definition.name.lower()] = store
        self._prefixes[definition.key_prefix] = store
        return store

    def next_custom_prefix(self) -> str:
        """Return the key prefix of the next custom object: a00, a01, ..."""
        count = sum(store.definition.is_custom for store in self.objects.values())
        return f"a{CUSTOM_PREFIXES[count // 36]}{CUSTOM_PREFIXES[count % 36]}"

    def store(self, name: str) -> RecordStore:
        """Return the store of an object, named in any case.

        Raises:
            SalesforceError: 404; no such object.
        """
        found = self._names.get(name) or self._names.get(name.lower())
        if found is None:
            raise not_found()  # source: django-salesforce, cumulusci: the same for rows, describe and collections
        return found

    def has_object(self, name: str) -> bool:
        """Whether there is an object of this name, in any case."""
        return name.lower() in self._names

    def store_of(self, record_id: str) -> RecordStore | None:
        """Return the store whose rows have ids like this one."""
        return self._prefixes.get(record_id[:3])

    def locked_rows(self, method: str, path: str, rows: int, *, request_rows: int | None = None) -> frozenset[int]:
        """Return which rows of a chunk somebody else holds locked now, as rules of the kind `row_lock` have it."""
        if self._faults is None:
            return frozenset()
        return self._faults.draw_rows(method, path, rows, request_rows if request_rows is not None else rows)

    def note(self, store: RecordStore, record: Record, event: str, detail: Collection[str] = ()) -> None:
        """Write a side effect to the journal, once the request's changes last."""
        unique = store.unique_values(record) if store.unique else {}
        names = tuple(detail)
        now = self.clock()

        def write() -> None:
            self.latest.append((store.name, record))
            self.journal.add(
                time=now,
                vendor=VENDOR,
                event=event,
                object_name=store.name,
                record_id=record.id,
                unique=unique,
                detail=names,
            )

        self.changes.note(write)

    def note_automation(self, store: RecordStore, record: Record, auto_assign: str | None, *, is_new: bool) -> None:
        """Journal what a write sets off: the assignment rule, and a flow for somebody new."""
        if store.name in ASSIGNED and (rule := (auto_assign or "TRUE")).upper() != "FALSE":
            self.note(store, record, "assignment_rule_run", ["active" if rule.upper() == "TRUE" else rule])
        if is_new and store.name in WELCOMED:
            self.note(store, record, "flow_started", ["welcome"])
