"""Requests from batches, and outcomes from replies: pure, no I/O.

Answers are joined to operations by trace id, record id or match value, never by position: HubSpot shuffles its
results (recorded: 10 of 10), and leaves some out.
"""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import FatalError, UnknownOutcomeError
from reverse_etl_core.operations import (
    Current,
    Missing,
    RejectCode,
    Rejected,
    Removed,
    Unanswered,
    Verb,
    Written,
)
from reverse_etl_core.recovery import Recovery, Refusal
from reverse_etl_core.transport import Request
from target_hubspot.errors import item_recovery, item_refusal
from target_hubspot.objects import ADDITIONAL_EMAILS, EMAIL, ID_FIELD
from target_hubspot.values import comparable, mapped, property_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_etl_core.operations import Batch, Fields, Operation, Outcome
    from reverse_etl_core.schema import ObjectSchema
    from target_hubspot.paths import Paths

COMPLETE = "COMPLETE"
"""The only status of a batch that was ever seen; with another one the reply may not be the last word."""


# -- writing


def build_write(batch: Batch, paths: Paths) -> Request:
    """The request that writes a batch.

    Every input has a trace id of its own: then a record that is refused does not spoil the others
    (source: seen live for create and upsert; HubSpot docs, "Error handling", for create).
    """
    inputs = [_input(batch, number, one) for number, one in enumerate(batch.operations)]
    return Request(
        "POST",
        paths.batch(batch.schema.name, batch.verb.value),
        json={"inputs": inputs},
        is_write=True,
        is_idempotent=batch.verb is not Verb.CREATE,
    )


def _input(batch: Batch, number: int, operation: Operation) -> dict[str, Any]:
    fields = batch.schema.fields
    is_new = batch.verb is Verb.CREATE
    properties = {
        name: property_text(fields.get(name), value, is_new=is_new) for name, value in operation.fields.items()
    }
    item: dict[str, Any] = {"objectWriteTraceId": str(number), "properties": properties}
    if batch.verb is Verb.UPSERT:
        # The value itself and not the key: a key is folded further than HubSpot folds (the German sharp s, say).
        value = properties.get(batch.match_field, "").strip() or operation.match_key
        if not fields[batch.match_field].is_case_sensitive:
            value = value.lower()  # as HubSpot stores e-mails (live test)
        item |= {"id": value, "idProperty": batch.match_field}
    elif batch.verb is Verb.UPDATE:
        # By record id and without `idProperty`: named as a property, the id is refused as not unique (issues, 2026).
        item["id"] = operation.destination_id
    return item


def unnamed(batch: Batch, body: Mapping[str, Any]) -> list[str]:
    """Match keys that a reply does not name, where it also holds records that match none of them.

    A contact that is written by a secondary address answers with its primary one (live scenario), and whether every
    reply repeats the trace ids is not evidenced. Reading those keys tells which record is whose; see `parse_write`.
    """
    finder = _Finder(batch, {})
    results = [finder.of_result(one) for one in objects_of(body.get("results"))]
    if None not in results:
        return []
    named = {one.source_key for one in results if one}
    named.update(one.source_key for error in objects_of(body.get("errors")) for one in finder.of_error(error))
    return [one.match_key for one in batch.operations if one.source_key not in named]


def parse_write(batch: Batch, body: Mapping[str, Any], ids: Mapping[str, Sequence[str]] | None = None) -> list[Outcome]:
    """Exactly one outcome per operation, from the body of a 200, 201 or 207.

    A record that is both written and complained of counts as refused, so that somebody looks.

    Args:
        batch: What was sent.
        body: What came back.
        ids: Record ids by match key, where the reply alone does not tell; see `unnamed`.
    """
    finder = _Finder(batch, ids or {})
    outcomes: dict[str, Outcome] = {}
    for result in objects_of(body.get("results")):
        operation = finder.of_result(result)
        if operation is not None and result.get("id"):
            created = batch.verb is Verb.CREATE or result.get("new") is True
            outcomes[operation.source_key] = Written(operation.source_key, str(result["id"]), created)
    complaints, is_final = _complaints(batch, finder, body)
    outcomes |= complaints
    silent = Missing if batch.verb is Verb.UPDATE and is_final else Unanswered
    # source: live scenario (rudder-transformer): an id that was merged away is missing from the results of an update.
    return [outcomes.get(one.source_key) or silent(one.source_key) for one in batch.operations]


def _complaints(batch: Batch, finder: _Finder, body: Mapping[str, Any]) -> tuple[dict[str, Outcome], bool]:
    """Outcomes of the records that a reply complains of, and whether it is the last word on the others."""
    outcomes: dict[str, Outcome] = {}
    is_final = body.get("status", COMPLETE) == COMPLETE
    for error in objects_of(body.get("errors")):
        named = finder.of_error(error)
        is_final = is_final and bool(named)
        outcomes |= {operation.source_key: _complained(batch, operation, error) for operation in named}
    return outcomes, is_final


def _complained(batch: Batch, operation: Operation, error: Mapping[str, Any]) -> Outcome:
    recovery = item_recovery(error)
    if recovery is Recovery.FIND:
        return (Removed if batch.verb is Verb.REMOVE else Missing)(operation.source_key)
    if recovery in (Recovery.WAIT, Recovery.TRY_LATER, Recovery.UNCERTAIN):
        return Unanswered(operation.source_key)
    refusal = in_context(batch, item_refusal(error))
    return Rejected(operation.source_key, refusal.code, refusal.reason, refusal.vendor_code)


def in_context(batch: Batch, refusal: Refusal) -> Refusal:
    """A refusal, once it is known what was tried: a create whose match value is taken exists already.

    HubSpot's "already exists" names no property; for contacts it is the e-mail (recorded), for others unknown.
    """
    if batch.verb is not Verb.CREATE or refusal.code is not RejectCode.CONFLICT:
        return refusal
    contested = refusal.fields or (batch.schema.natural_match_field or batch.match_field,)
    return replace(refusal, code=RejectCode.ALREADY_EXISTS) if batch.match_field in contested else refusal


class _Finder:
    """Which operation an answer belongs to."""

    def __init__(self, batch: Batch, ids: Mapping[str, Sequence[str]]) -> None:
        self._operations = batch.operations
        self._match_field = batch.match_field
        self._field = batch.schema.fields.get(batch.match_field)
        self._by_trace = {str(number): one for number, one in enumerate(batch.operations)}
        self._by_id = {one: operation for operation in batch.operations for one in ids.get(operation.match_key, ())}
        self._by_id |= {one.destination_id: one for one in batch.operations if one.destination_id}
        self._by_match: dict[str, Operation] | None = None

    def of_result(self, result: Mapping[str, Any]) -> Operation | None:
        """The operation of a result: by trace id, then by id, then by match value."""
        operation = self._by_trace.get(str(result.get("objectWriteTraceId")))
        if operation is None:
            operation = self._by_id.get(str(result.get("id")))
        if operation is None:
            operation = self._of_value(properties_of(result).get(self._match_field))
        return operation

    def of_error(self, error: Mapping[str, Any]) -> list[Operation]:
        """The operations of an error, which may name several; none where it names nobody."""
        context = error.get("context")
        context = context if isinstance(context, dict) else {}
        traced = [self._by_trace.get(one) for one in _texts(context.get("objectWriteTraceId"))]
        found = [one for one in traced if one] or [one for one in map(self._of_name, _named(error)) if one]
        # The only operation of a request needs no name.
        return found or (list(self._operations) if len(self._operations) == 1 else [])

    def _of_name(self, name: str) -> Operation | None:
        return self._by_id.get(name) or self._of_value(name)

    def _of_value(self, value: object) -> Operation | None:
        """By match value; core sends each of them once per batch."""
        if self._by_match is None:
            self._by_match = {comparable(self._field, one.match_key): one for one in self._operations}
        return self._by_match.get(comparable(self._field, value))


# -- removing


class Whereabouts(enum.Enum):
    """Where a record is that once had an id."""

    HERE = "under its own id"
    MERGED = "part of another record"
    AWAY = "nowhere"


def build_look(schema: ObjectSchema, ids: Sequence[str], paths: Paths, *, archived: bool) -> Request:
    """The request that looks for records by id, among the live or the archived ones."""
    body = {"properties": [ID_FIELD], "propertiesWithHistory": [], "inputs": [{"id": one} for one in ids]}
    return Request(
        "POST",
        paths.batch(schema.name, "read"),
        json=body,
        query={"archived": "true"} if archived else None,
    )


def parse_look(ids: Sequence[str], body: Mapping[str, Any]) -> dict[str, Whereabouts]:
    """Where records are; an id that the answer does not mention is absent, and has to be looked for alone.

    An id that was merged away leads to the surviving record, which answers under its own id (source:
    community.hubspot.com, "Question about using batch read API", 2025; changelog, "Updated merge functionality").

    Raises:
        FatalError: A record could not be read, which does not mean that there is none.
        UnknownOutcomeError: The reply is not complete.
    """
    complete(body)
    shown = {str(one.get("id")) for one in objects_of(body.get("results"))}
    missed = {name for error in objects_of(body.get("errors")) for name in _named(error)}
    if len(ids) == 1 and not shown & set(ids):
        return {ids[0]: Whereabouts.MERGED if shown else Whereabouts.AWAY}
    found = {one: Whereabouts.AWAY for one in ids if one in missed}
    return found | {one: Whereabouts.HERE for one in ids if one in shown}


def build_archive(batch: Batch, paths: Paths) -> Request:
    """The request that archives a batch by record id. Repeating it is safe: an archived id is passed over."""
    inputs = [{"id": one} for one in dict.fromkeys(one.destination_id for one in batch.operations)]
    path = paths.batch(batch.schema.name, "archive")
    return Request("POST", path, json={"inputs": inputs}, is_write=True)


def parse_archive(batch: Batch, body: Mapping[str, Any]) -> list[Outcome]:
    """Exactly one outcome per operation; the usual answer is a 204 without a body, which confirms them all."""
    outcomes, is_final = _complaints(batch, _Finder(batch, {}), body)
    silent = Removed if is_final else Unanswered
    return [outcomes.get(one.source_key) or silent(one.source_key) for one in batch.operations]


def build_purge(schema: ObjectSchema, operation: Operation, paths: Paths) -> Request:
    """The request that deletes one contact for privacy. Repeating it is safe: it goes by record id."""
    return Request("POST", paths.purge(schema.name), json={"objectId": operation.destination_id}, is_write=True)


def not_purged(operation: Operation, where: Whereabouts) -> Rejected:
    """What is said of a contact that was not deleted for good."""
    if where is Whereabouts.MERGED:
        reason = (
            "It was merged into another contact in HubSpot, which this sync did not create. Delete that one by hand."
        )
        return Rejected(operation.source_key, RejectCode.CONFLICT, reason)
    reason = "HubSpot has this contact, but does not find it to delete it for good. Delete it by hand."
    return Rejected(operation.source_key, RejectCode.VENDOR_REFUSED, reason, "HTTP 404")


# -- reading


def build_read(
    schema: ObjectSchema, key_field: str, keys: Sequence[str], *, fields: Sequence[str] = (), paths: Paths
) -> Request:
    """The request that reads records by a unique property. Searching would miss fresh ones: its index lags behind."""
    lookup = [key_field, *([ADDITIONAL_EMAILS] if _has_more_emails(schema, key_field) else [])]
    body: dict[str, Any] = {
        "properties": list(dict.fromkeys([*lookup, *fields])),
        "propertiesWithHistory": [],
        "inputs": [{"id": key} for key in keys],
    }
    if key_field != ID_FIELD:
        body["idProperty"] = key_field
    return Request("POST", paths.batch(schema.name, "read"), json=body)


def _has_more_emails(schema: ObjectSchema, match_field: str) -> bool:
    return match_field == EMAIL == schema.natural_match_field and ADDITIONAL_EMAILS in schema.fields


def parse_read(
    schema: ObjectSchema, key_field: str, keys: Sequence[str], body: Mapping[str, Any], *, fields: Sequence[str] = ()
) -> dict[str, list[Current]]:
    """Records by key; a key without a record is absent.

    A contact that was found by a secondary address answers with its primary one, and names the others.

    Raises:
        FatalError: A record could not be read, which does not mean that there is none.
        UnknownOutcomeError: The reply is not complete.
    """
    complete(body)
    field = schema.fields.get(key_field)
    wanted = {comparable(field, key): key for key in keys}
    found: dict[str, dict[str, Current]] = {}
    for result in objects_of(body.get("results")):
        record_id = str(result.get("id") or "")
        if not record_id or result.get("archived"):
            continue
        current = Current(record_id, _current_fields(schema, result, fields))
        for value in _match_values(key_field, result):
            if (key := wanted.get(comparable(field, value))) is not None:
                found.setdefault(key, {})[record_id] = current
    return {key: list(records.values()) for key, records in found.items()}


def _current_fields(schema: ObjectSchema, result: Mapping[str, Any], names: Sequence[str]) -> Fields:
    """A property that HubSpot does not know, or does not show, is absent; an empty one is null (recorded)."""
    properties = properties_of(result)
    return {name: mapped(schema.fields.get(name), properties[name]) for name in names if name in properties}


def _match_values(match_field: str, result: Mapping[str, Any]) -> Iterable[object]:
    if match_field == ID_FIELD:
        return [result.get("id")]
    properties = properties_of(result)
    more = properties.get(ADDITIONAL_EMAILS) if match_field == EMAIL else None
    return [properties.get(match_field), *(more.split(";") if isinstance(more, str) else ())]


def properties_of(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties that a result shows."""
    properties = result.get("properties")
    return properties if isinstance(properties, dict) else {}


def complete(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer to a read, where it is the whole of it.

    Raises:
        FatalError: A record could not be read, which does not mean that there is none.
        UnknownOutcomeError: The reply is not complete.
    """
    if body.get("status", COMPLETE) != COMPLETE or not isinstance(body.get("results"), list):
        msg = "HubSpot's answer to a read is not complete."
        raise UnknownOutcomeError(msg)
    for error in objects_of(body.get("errors")):
        if item_recovery(error) is not Recovery.FIND:
            code = item_refusal(error).vendor_code or "no code"
            msg = f"HubSpot could not read records ({code}), so nobody knows whether they exist. Run again later."
            raise FatalError(msg)
    return body


def _named(error: Mapping[str, Any]) -> list[str]:
    """The ids or match values that an error is about."""
    context = error.get("context")
    return [*_texts(context.get("ids")), *_texts(context.get("id"))] if isinstance(context, dict) else []


def objects_of(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of a list; none of what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [str(one) for one in values]
