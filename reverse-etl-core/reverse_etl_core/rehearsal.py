"""A run that writes nothing: what it would do becomes a plan.

The same pipeline decides, over a destination that is only read and a ledger that stands in front of the real one: so a
run right after the plan does what the plan says, as long as nothing changes in between.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_etl_core import reasons
from reverse_etl_core.destination import Destination
from reverse_etl_core.identity import match_key
from reverse_etl_core.operations import Current, Missing, RejectCode, Rejected, Removed, Verb, Written
from reverse_etl_core.planlines import Action, PlanLine
from reverse_etl_core.sameness import is_shown
from reverse_etl_core.tally import Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_etl_core.ledger import Scope, Settlement
    from reverse_etl_core.operations import Batch, Operation, Outcome, Value
    from reverse_etl_core.planfiles import PlanWriter
    from reverse_etl_core.planlines import Change
    from reverse_etl_core.routing import Route
    from reverse_etl_core.schema import Field, ObjectSchema, Reference
    from reverse_etl_core.tally import Tally

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the keys of a plan's lines are made of."""

    match_field: str | None = None
    key_fields: tuple[str, ...] | None = None
    has_derived_ids: bool = False
    clears: bool = False


_NO_KEYS = _Keys()


@dataclass(slots=True)
class Rehearsal:
    """What is known of the writes that a run would make, until their lines are written.

    Attributes:
        requests: That the run would make.
        redact: Names, as the user has them, of fields whose values must not be seen.
        redacted: These fields, by their own names; known once the streams are.
        brakes: Those that would stop it, a sentence each.
    """

    redact: frozenset[str] = frozenset()
    redacted: set[str] = field(default_factory=set)
    _redacts: set[str] = field(default_factory=set)

    requests: int = 0
    brakes: list[str] = field(default_factory=list)
    _changes: dict[tuple[str, str], Mapping[str, Change]] = field(default_factory=dict)
    _lined: dict[str, Counter[tuple[Fate, str]]] = field(default_factory=dict)
    _routes: dict[tuple[str, str], _Keys] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count_request(self) -> None:
        """Count a request that the run would make."""
        with self._lock:
            self.requests += 1

    def would_change(self, schema: ObjectSchema, source_key: str, changes: Mapping[str, Change]) -> None:
        """Keep what a write would change, until the record is settled."""
        with self._lock:
            self._changes[schema.name, source_key] = changes

    def know(self, route: Route) -> None:
        """Keep what a plan's lines say of a stream."""
        columns = {one.column: one.field.name for one in route.mapping.columns}
        for name in self.redact:
            meant = {route.schema.canonical(name), *_spelt_like(name, route.schema.fields)}
            meant |= {columns[one] for one in _spelt_like(name, columns)} | set(_spelt_like(name, route.key_columns))
            meant &= {*route.schema.fields, *route.key_columns}
            self.redacted |= meant
            self._redacts |= {name} if meant else set()
        self._routes[route.stream, route.schema.name] = _Keys(
            route.match_field,
            # A key column that feeds no field stands for itself.
            (*(columns.get(one, one) for one in route.key_columns), *route.key_columns),
            has_derived_ids=route.schema.has_derived_ids,
            clears=route.removal.way is None,
        )

    def unknown_redactions(self) -> list[str]:
        """What `redact` names and no stream has."""
        return sorted(self.redact - self._redacts)

    def match_fields(self, object_name: str) -> set[str | None]:
        """By which fields the streams of this plan recognise the records of an object."""
        return {one.match_field for (_, name), one in self._routes.items() if name == object_name}

    def line(self, scope: Scope, settlement: Settlement, *, is_replay: bool) -> PlanLine | None:
        """The line of a record that was settled; `None` for one of which nothing would change."""
        with self._lock:
            changes = self._changes.pop((scope.object_name, settlement.source_key), None)
        keys = self._routes.get((scope.stream, scope.object_name), _NO_KEYS)
        action = _action(settlement, is_written=changes is not None, clears=keys.clears)
        if action is None:
            return None
        fate = Fate(settlement.outcome)
        if not is_replay:
            self._lined.setdefault(scope.stream, Counter())[fate, settlement.error_code or ""] += 1
        is_hidden = keys.has_derived_ids and keys.match_field in self.redacted
        is_placeholder = str(settlement.destination_id or "").startswith(PLACEHOLDER)
        return PlanLine(
            stream=scope.stream,
            object=scope.object_name,
            source_key=settlement.source_key,
            match_key=settlement.match_key,
            action=action,
            destination_id=None if is_placeholder or is_hidden else settlement.destination_id,
            code=settlement.error_code or "",
            reason=settlement.error or "",
            fields=changes or {},
            is_replay=is_replay,
            match_field=keys.match_field,
            key_fields=keys.key_fields,
        )

    def count_rest(self, writer: PlanWriter, stream: str, object_name: str, tally: Tally) -> None:
        """Count the records of a stream that have no line: those of which nothing would change."""
        lined = self._lined.get(stream, Counter())
        writer.count(stream, object_name, Action.UNCHANGED, tally.fates[Fate.UNCHANGED])
        if superseded := tally.fates[Fate.SUPERSEDED]:
            writer.count(stream, object_name, Action.SKIP, superseded, code=Fate.SUPERSEDED.value)
        for code, count in tally.codes.items():
            rest = count - lined[Fate.REJECTED, code]
            if rest > 0:
                action = Action.REJECT if tally.fates[Fate.REJECTED] else Action.DEFER
                writer.count(stream, object_name, action, rest, code=code)


def _action(settlement: Settlement, *, is_written: bool, clears: bool) -> Action | None:
    if settlement.outcome == Fate.REMOVED.value:
        if not is_written:
            return Action.SKIP
        return Action.CLEAR if clears else Action.REMOVE
    return _ACTIONS.get(Fate(settlement.outcome))


_ACTIONS = {Fate.CREATED: Action.CREATE, Fate.UPDATED: Action.UPDATE, Fate.REJECTED: Action.REJECT}

PLACEHOLDER = "planned:"
"""Begins the ids of records that a plan would create."""


class ReadOnlyDestination(Destination):
    """An account of which everything is read and nothing written; what would be written is kept as a rehearsal.

    Args:
        real: The account.
        rehearsal: Where it is kept.

    Attributes:
        planned: From an object and match keys to those of records that the plan itself would create.
    """

    planned: Callable[[str, Sequence[str]], set[str]] = staticmethod(lambda _object, _keys: set())

    def __init__(self, real: Destination, rehearsal: Rehearsal) -> None:
        self.adds_fields = real.adds_fields
        self.adds_match_fields = real.adds_match_fields
        self._real = real
        self._rehearsal = rehearsal
        self._ids = itertools.count(1)
        self._imagined: dict[str, frozenset[str]] = {}
        self._schemas: dict[str, ObjectSchema] = {}
        self._renamed: dict[tuple[str, str], dict[str, Value]] = {}

    def account(self) -> str:
        """The account's id."""
        self._rehearsal.count_request()
        return self._real.account()

    def describe(self, object_name: str) -> ObjectSchema:
        """The live schema, without jobs: what they would do travels here in ordinary batches."""
        self._rehearsal.count_request()
        schema = replace(self._real.describe(object_name), jobs=None)
        self._schemas[schema.name] = schema
        return schema

    def add_fields(self, schema: ObjectSchema, columns: Mapping[str, Mapping[str, Any]]) -> ObjectSchema:
        """The schema as if the fields were there."""
        if not self.adds_fields:
            return schema
        return self._imagine(schema, columns, self._real.with_planned_fields(schema, columns))

    def add_match_field(self, schema: ObjectSchema, name: str) -> ObjectSchema:
        """The schema as if it had the field that recognises its records: none of them has a value there."""
        if not self.adds_match_fields:
            return schema
        return self._imagine(schema, [name], self._real.with_planned_fields(schema, {name: {}}, name))

    def _imagine(self, schema: ObjectSchema, names: Iterable[str], planned: ObjectSchema) -> ObjectSchema:
        imagined = frozenset(names)
        self._imagined[schema.name] = imagined | self._imagined.get(schema.name, frozenset())
        self._rehearsal.requests += len(imagined)
        listed = ", ".join(f"'{name}'" for name in sorted(imagined))
        logger.info("Object '%s' lacks the fields %s; a run creates them.", schema.name, listed)
        return planned

    def with_options(self, schema: ObjectSchema, names: Sequence[str]) -> ObjectSchema:
        """As the run would read them."""
        known = self._real.with_options(schema, names)
        if known is not schema:
            self._rehearsal.count_request()
        return known

    def read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str] = ()
    ) -> Mapping[str, Sequence[Current]]:
        """Read as the run would."""
        self._rehearsal.count_request()
        return self._read(schema, key_field, keys, fields)

    def _read(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Sequence[Current]]:
        imagined = self._imagined.get(schema.name, frozenset())
        there = [one for one in keys if not one.startswith(PLACEHOLDER)]
        # A record that the plan itself would create is there; what it holds is not kept.
        planned = {one: [Current(one)] for one in keys if one.startswith(PLACEHOLDER)} if key_field is None else {}
        wanted = [one for one in fields if one not in imagined]
        is_known = key_field not in imagined
        found = self._real.read(schema, key_field, there, wanted) if there and is_known else {}
        renamed = self._renamed.get((schema.name, key_field or ""))
        if not renamed:
            return {**found, **planned}
        kept = {
            key: [one for one in some if renamed.get(one.destination_id, key) == key] for key, some in found.items()
        }
        return {key: some for key, some in kept.items() if some}

    def write(self, batch: Batch) -> list[Outcome]:
        """What would come of a batch, as far as reading can tell."""
        self._rehearsal.count_request()
        orphans = self._orphans(batch)
        batch = msgspec.structs.replace(
            batch, operations=tuple([one for one in batch.operations if one.source_key not in orphans])
        )
        return [*orphans.values(), *self._written(batch)]

    def _orphans(self, batch: Batch) -> dict[str, Outcome]:
        """Records that would be refused, since a record that they name does not exist."""
        found: dict[str, Outcome] = {}
        for name, reference in batch.references.items():
            if reference.is_optional or reference.object_name not in self._schemas:
                continue
            wanted = {
                one.source_key: match_key(reference.match_field, one.fields.get(name)) for one in batch.operations
            }
            missing = self._missing(reference, sorted({key for key in wanted.values() if key is not None}))
            reason = reasons.NO_PARENT.format(field=name)
            for source_key, key in wanted.items():
                if key in missing:
                    found[source_key] = Rejected(source_key, RejectCode.REFERENCE_NOT_FOUND, reason)
        return found

    def _missing(self, reference: Reference, keys: Sequence[str]) -> set[str]:
        """Keys of records that neither exist nor would be created."""
        field, parent = reference.match_field.name, self._schemas[reference.object_name]
        if self._rehearsal.match_fields(parent.name) - {field}:
            return set()  # what is created under another key is not known by this one
        missing = set(keys) - self.planned(parent.name, keys)
        step = parent.limits.records_per_request
        asked = sorted(missing)
        for start in range(0, len(asked), step):
            missing -= self._read(parent, field, asked[start : start + step], ()).keys()
        return missing

    def _written(self, batch: Batch) -> list[Outcome]:
        if batch.verb is Verb.CREATE:
            return [self._created(batch, one) for one in batch.operations]
        if batch.verb is Verb.UPSERT:
            held = self._held(batch, batch.match_field, {one.match_key: one for one in batch.operations})
            return [
                self._updated(batch, one, held[one.match_key]) if one.match_key in held else self._created(batch, one)
                for one in batch.operations
            ]
        held = self._held(batch, None, {str(one.destination_id): one for one in batch.operations})
        return [self._changed(batch, one, held.get(str(one.destination_id))) for one in batch.operations]

    def _held(self, batch: Batch, key_field: str | None, operations: Mapping[str, Operation]) -> dict[str, Current]:
        names = sorted({name for one in operations.values() for name in one.fields} - batch.references.keys())
        fields = [name for name in names if name in batch.schema.fields and name != batch.schema.id_field]
        found = self._read(batch.schema, key_field, list(operations), fields)
        return {key: some[0] for key, some in found.items() if some}

    def _created(self, batch: Batch, operation: Operation) -> Outcome:
        changes: dict[str, Change] = {name: (None, value) for name, value in operation.fields.items()}
        self._rehearsal.would_change(batch.schema, operation.source_key, changes)
        return Written(operation.source_key, f"{PLACEHOLDER}{next(self._ids)}", created=True)

    def _changed(self, batch: Batch, operation: Operation, current: Current | None) -> Outcome:
        if batch.verb is Verb.REMOVE:
            if current is not None:
                self._rehearsal.would_change(batch.schema, operation.source_key, {})
            return Removed(operation.source_key)
        if current is None:
            return Missing(operation.source_key)
        return self._updated(batch, operation, current)

    def _updated(self, batch: Batch, operation: Operation, current: Current) -> Outcome:
        shown: dict[str, Value] = dict(current.fields)
        if not current.destination_id.startswith(PLACEHOLDER):
            shown |= dict.fromkeys(self._imagined.get(batch.schema.name, ()))
        changes = {
            name: (shown[name], _afterwards(batch.schema.fields[name], value, shown[name]))
            for name, value in operation.fields.items()
            if name in shown and not is_shown(batch.schema, batch.schema.fields[name], value, shown[name])
        }
        self._rehearsal.would_change(batch.schema, operation.source_key, changes)
        record_id = current.destination_id
        if batch.match_field in changes:
            renamed = self._renamed.setdefault((batch.schema.name, batch.match_field), {})
            renamed[record_id] = operation.match_key
        return Written(operation.source_key, record_id, created=False)


def _afterwards(field: Field, written: Value, shown: Value) -> Value:
    """What a field holds once a value is written to it."""
    if field.appends and isinstance(written, list) and isinstance(shown, list):
        return list(dict.fromkeys([*shown, *written]))
    return written


def _spelt_like(name: str, names: Iterable[str]) -> list[str]:
    """Those of the names that are the same but for capitals."""
    return [one for one in names if one.casefold() == name.casefold()]
