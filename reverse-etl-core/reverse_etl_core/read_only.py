"""An account that is only read: what would be written to it is kept as a rehearsal."""

from __future__ import annotations

import itertools
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_etl_core import reasons
from reverse_etl_core.destination import Destination
from reverse_etl_core.expectation import Expectation
from reverse_etl_core.identity import match_key
from reverse_etl_core.operations import Current, Missing, RejectCode, Rejected, Removed, Verb, Written
from reverse_etl_core.references import parent_keys
from reverse_etl_core.rehearsal import PLACEHOLDER
from reverse_etl_core.sameness import is_shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_etl_core.destination import Use
    from reverse_etl_core.operations import Batch, Fields, Operation, Outcome, Value
    from reverse_etl_core.planlines import Change
    from reverse_etl_core.rehearsal import Rehearsal
    from reverse_etl_core.schema import Field, ObjectSchema, Reference

logger = logging.getLogger(__name__)


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
        self._expected = Expectation()

    def account(self) -> str:
        """The account's id."""
        self._rehearsal.count_request()
        return self._real.account()

    def only_look(self) -> None:
        """As the destination does."""
        self._real.only_look()

    def check_permissions(self, uses: Sequence[Use]) -> None:
        """What a plan needs: permissions to read."""
        self._real.check_permissions([replace(one, is_written=False) for one in uses])

    def describe(self, object_name: str) -> ObjectSchema:
        """The live schema, without jobs: what they would do travels here in ordinary batches."""
        self._rehearsal.count_request()
        schema = replace(self._real.describe(object_name), jobs=None)
        self._schemas[schema.name] = schema
        for parent in {one.object_name for one in schema.parents.values()} - self._schemas.keys():
            self._rehearsal.count_request()
            self._schemas[parent] = self._real.describe(parent)
        return schema

    def describe_association(
        self, source: Reference, target: Reference, label: str | None, *, replaces: bool
    ) -> ObjectSchema:
        """As the destination says."""
        self._rehearsal.count_request()
        return self._real.describe_association(source, target, label, replaces=replaces)

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
    ) -> dict[str, list[Current]]:
        """What reading gives once the plan is carried out so far."""
        if key_field is None or key_field == schema.id_field:
            found = self._present(schema, self._real_records(schema, key_field, keys, fields), fields)
            planned = self._planned(schema, [one for one in keys if one.startswith(PLACEHOLDER)], fields)
            return {**found, **{one: [record] for one, record in planned.items()}}
        there = self._real_records(schema, key_field, keys, list(dict.fromkeys([*fields, key_field])))
        ids = [one.destination_id for some in there.values() for one in some]
        now = self._expected.keys(schema.name, key_field, ids)
        field = schema.fields[key_field]
        kept = {
            key: [
                Current(one.destination_id, {name: value for name, value in one.fields.items() if name in fields})
                for one in some
                # Found by a value that is not its first one, it is still found by it whatever the first one becomes.
                if now.get(one.destination_id, key) == key
                or match_key(field, one.fields.get(key_field, key)) not in (key, None)
            ]
            for key, some in there.items()
        }
        found = self._present(schema, kept, fields)
        for key, more in self._renamed(schema, key_field, keys, fields).items():
            known = {one.destination_id for one in found.get(key, ())}
            found.setdefault(key, []).extend(one for one in more if one.destination_id not in known)
        return found

    def _real_records(
        self, schema: ObjectSchema, key_field: str | None, keys: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Sequence[Current]]:
        imagined = self._imagined.get(schema.name, frozenset())
        there = [one for one in keys if not one.startswith(PLACEHOLDER)]
        wanted = [one for one in fields if one not in imagined]
        return self._real.read(schema, key_field, there, wanted) if there and key_field not in imagined else {}

    def _present(
        self, schema: ObjectSchema, found: Mapping[str, Sequence[Current]], fields: Sequence[str]
    ) -> dict[str, list[Current]]:
        """Records with what the plan writes to them, without those that it takes away."""
        written = self._expected.fields(schema.name, {one.destination_id for some in found.values() for one in some})
        imagined = self._imagined.get(schema.name, frozenset()).intersection(fields)
        kept = {
            key: [
                Current(one.destination_id, _with({**dict.fromkeys(imagined), **one.fields}, news))
                for one in some
                if (news := written.get(one.destination_id, {})) is not None
            ]
            for key, some in found.items()
        }
        return {key: some for key, some in kept.items() if some}

    def _planned(self, schema: ObjectSchema, ids: Sequence[str], fields: Sequence[str]) -> dict[str, Current]:
        """Records that the plan itself creates, by the ids that stand for theirs."""
        found = self._expected.fields(schema.name, ids)
        return {
            one: Current(one, {name: news.get(name) for name in fields})
            for one, news in found.items()
            if news is not None
        }

    def _renamed(
        self, schema: ObjectSchema, key_field: str, keys: Sequence[str], fields: Sequence[str]
    ) -> dict[str, list[Current]]:
        """Records that get a match key in the plan: new ones, and those that have another one so far."""
        holders = self._expected.holders(schema.name, key_field, keys)
        if not holders:
            return {}
        ids = sorted({one for some in holders.values() for one in some})
        step = schema.limits.records_per_request
        records: dict[str, list[Current]] = {}
        for start in range(0, len(ids), step):
            records |= self._read(schema, None, ids[start : start + step], fields)
        found = {key: [record for one in some for record in records.get(one, ())] for key, some in holders.items()}
        return {key: some for key, some in found.items() if some}

    def write(self, batch: Batch) -> list[Outcome]:
        """What would come of a batch, as far as reading can tell."""
        self._rehearsal.count_request()
        settled = self._orphans(batch)
        batch = msgspec.structs.replace(
            batch, operations=tuple([one for one in batch.operations if one.source_key not in settled])
        )
        return [*settled.values(), *self._written(batch)]

    def _orphans(self, batch: Batch) -> dict[str, Outcome]:
        """Records that would be refused, or nothing written of, since a record that they name does not exist."""
        found: dict[str, Outcome] = {}
        for name, reference in batch.references.items():
            if reference.object_name not in self._schemas or (reference.is_optional and not batch.schema.parents):
                continue
            wanted = {one.source_key: parent_keys(reference, one.fields.get(name)) for one in batch.operations}
            missing = self._missing(reference, sorted({key for keys in wanted.values() for key in keys}))
            reason = reasons.NO_PARENT.format(field=name)
            for one in batch.operations if reference.is_optional else ():
                keys = wanted[one.source_key]
                if keys and missing.issuperset(keys):  # nothing is left that it could be tied to
                    record_id = one.destination_id or f"{PLACEHOLDER}{next(self._ids)}"
                    nothing = Written(one.source_key, record_id, created=False, changed=False)
                    found.setdefault(one.source_key, nothing)
            for source_key, keys in wanted.items() if not reference.is_optional else ():
                if not missing.isdisjoint(keys):
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
                self._updated(batch, one, held[one.match_key]) if one.match_key in held else self._upserted(batch, one)
                for one in batch.operations
            ]
        held = self._held(batch, None, {str(one.destination_id): one for one in batch.operations})
        return [self._changed(batch, one, held.get(str(one.destination_id))) for one in batch.operations]

    def _held(self, batch: Batch, key_field: str | None, operations: Mapping[str, Operation]) -> dict[str, Current]:
        names = sorted({name for one in operations.values() for name in one.fields} - batch.references.keys())
        fields = [name for name in names if name in batch.schema.fields and name != batch.schema.id_field]
        found = self._read(batch.schema, key_field, list(operations), fields)
        return {key: some[0] for key, some in found.items() if some}

    def _upserted(self, batch: Batch, operation: Operation) -> Outcome:
        """A record that the API would create by itself, or refuse where it needs more."""
        for group in batch.schema.required_to_create:
            if all(operation.fields.get(name) in (None, "") for name in group):
                reason = reasons.INCOMPLETE.format(fields=", ".join(group))
                return Rejected(operation.source_key, RejectCode.REQUIRED_FIELD, reason)
        return self._created(batch, operation)

    def _created(self, batch: Batch, operation: Operation) -> Outcome:
        changes: dict[str, Change] = {name: (None, value) for name, value in operation.fields.items()}
        self._rehearsal.would_change(batch.schema, operation.source_key, changes)
        record_id = f"{PLACEHOLDER}{next(self._ids)}"
        keys = {batch.match_field: operation.match_key, **_keys(batch, operation)}
        self._expected.note(batch.schema.name, record_id, _own_fields(batch, operation), keys)
        return Written(operation.source_key, record_id, created=True)

    def _changed(self, batch: Batch, operation: Operation, current: Current | None) -> Outcome:
        if batch.verb is Verb.REMOVE:
            if current is not None:
                self._rehearsal.would_change(batch.schema, operation.source_key, {})
                self._expected.take_away(batch.schema.name, current.destination_id)
            return Removed(operation.source_key)
        if current is None:
            return Missing(operation.source_key)
        return self._updated(batch, operation, current)

    def _updated(self, batch: Batch, operation: Operation, current: Current) -> Outcome:
        shown = current.fields
        changes = {
            name: (shown[name], _afterwards(batch.schema.fields[name], value, shown[name]))
            for name, value in operation.fields.items()
            if name in shown and not is_shown(batch.schema, batch.schema.fields[name], value, shown[name])
        }
        self._rehearsal.would_change(batch.schema, operation.source_key, changes)
        keys = _keys(batch, operation)
        if batch.verb is Verb.UPSERT:
            keys.pop(batch.match_field, None)  # it was found by this value, whatever other ones it is found by
        self._expected.note(batch.schema.name, current.destination_id, _own_fields(batch, operation), keys)
        return Written(operation.source_key, current.destination_id, created=False)

    def close(self) -> None:
        """Forget what would be written."""
        self._expected.close()


def _own_fields(batch: Batch, operation: Operation) -> Fields:
    """What is written to the record itself: not to which other records it points."""
    return {name: value for name, value in operation.fields.items() if name not in batch.references}


def _keys(batch: Batch, operation: Operation) -> dict[str, str | None]:
    """The match keys that an operation writes, by field."""
    fields = batch.schema.fields
    return {
        name: match_key(fields[name], value)
        for name, value in operation.fields.items()
        if name in fields and fields[name].is_key
    }


def _with(fields: Fields, news: Fields) -> Fields:
    """What is shown of a record, with what is written to it."""
    return {name: news.get(name, value) for name, value in fields.items()}


def _afterwards(field: Field, written: Value, shown: Value) -> Value:
    """What a field holds once a value is written to it."""
    if field.appends and isinstance(written, list) and isinstance(shown, list):
        return list(dict.fromkeys([*shown, *written]))
    return written
