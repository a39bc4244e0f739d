"""Requests from batches, and outcomes from replies: pure, no I/O.

Answers are joined to operations by trace id, record id or match value, never by position: HubSpot shuffles its
results (recorded: 10 of 10), and leaves some out.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import FatalError, UnknownOutcomeError
from reverse_etl_core.operations import Missing, RejectCode, Rejected, Unanswered, Verb, Written
from reverse_etl_core.recovery import Recovery, Refusal
from reverse_etl_core.schema import Field, FieldType
from reverse_etl_core.transport import Request
from target_hubspot.errors import item_recovery, item_refusal
from target_hubspot.objects import ADDITIONAL_EMAILS, EMAIL, ID_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_etl_core.operations import Batch, Operation, Outcome, Value
    from reverse_etl_core.schema import ObjectSchema

COMPLETE = "COMPLETE"
"""The only status of a batch that was ever seen; with another one the reply may not be the last word."""
_NUMBER = re.compile(r"(-?)0*(\d+?)(?:\.(\d*?)0*)?", re.ASCII)
_BELOW_MILLISECONDS = re.compile(r"(\.\d{3})\d+")


class Paths:
    """The API's paths in one version.

    Args:
        version: `v3`, or a date like `2026-09`.

    source: specification and docs of both families (api/hubspot.md 1).
    """

    def __init__(self, version: str) -> None:
        self._version = version
        self._is_dated = version != "v3"

    def _family(self, name: str) -> str:
        return f"/crm/{name}/{self._version}" if self._is_dated else f"/crm/{self._version}/{name}"

    def batch(self, object_name: str, verb: str) -> str:
        """A batch endpoint of an object."""
        return f"{self._family('objects')}/{object_name}/batch/{verb}"

    def properties(self, object_name: str) -> str:
        """The property definitions of an object."""
        return f"{self._family('properties')}/{object_name}"

    def schemas(self) -> str:
        """The definitions of custom objects."""
        return f"/crm-object-schemas/{self._version}/schemas" if self._is_dated else f"/crm/{self._version}/schemas"

    def account(self) -> str:
        """The account itself."""
        return f"/account-info/{self._version}/details"


# -- values


def text(value: Value) -> str:
    """A value as HubSpot takes it: text, `""` to clear; null is forbidden by the specification and never sent.

    source: HubSpot docs, "Properties" (api/hubspot.md 3.6).

    >>> text(None), text(True), text(Decimal("1E+3")), text(1e-7), text(["a", "b"])
    ('', 'true', '1000', '0.0000001', 'a;b')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(value)
    number = Decimal(repr(value)) if isinstance(value, float) else value
    return format(number, "f") if isinstance(number, Decimal) else str(number)


def _property(field: Field | None, value: Value) -> str:
    written = text(value)
    if field is not None and field.type is FieldType.DATETIME:
        # HubSpot keeps milliseconds (recorded); that it would refuse more digits is inferred.
        return _BELOW_MILLISECONDS.sub(r"\1", written)
    return written


def _comparable(field: Field | None, value: object) -> str:
    """A match value in the one form in which two spellings of it are equal.

    >>> _comparable(None, " Ada "), _comparable(Field("seats", FieldType.NUMBER), "05.00")
    ('Ada', '5')
    """
    plain = str(value if value is not None else "").strip()
    if field is not None and field.type in (FieldType.NUMBER, FieldType.INTEGER):
        number = _NUMBER.fullmatch(plain)
        return ".".join(filter(None, (number[1] + number[2], number[3]))) if number else plain
    return plain if field is None or field.is_case_sensitive else plain.casefold()


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
    properties = {name: _property(fields.get(name), value) for name, value in operation.fields.items()}
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
    results = [finder.of_result(one) for one in _objects(body.get("results"))]
    if None not in results:
        return []
    named = {one.source_key for one in results if one}
    named.update(one.source_key for error in _objects(body.get("errors")) for one in finder.of_error(error))
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
    for result in _objects(body.get("results")):
        operation = finder.of_result(result)
        if operation is not None and result.get("id"):
            created = batch.verb is Verb.CREATE or result.get("new") is True
            outcomes[operation.source_key] = Written(operation.source_key, str(result["id"]), created)
    is_final = body.get("status", COMPLETE) == COMPLETE
    for error in _objects(body.get("errors")):
        named = finder.of_error(error)
        is_final = is_final and bool(named)
        for operation in named:
            outcomes[operation.source_key] = _complained(batch, operation, error)
    silent = Missing if batch.verb is Verb.UPDATE and is_final else Unanswered
    # source: live scenario (rudder-transformer): an id that was merged away is missing from the results of an update.
    return [outcomes.get(one.source_key) or silent(one.source_key) for one in batch.operations]


def _complained(batch: Batch, operation: Operation, error: Mapping[str, Any]) -> Outcome:
    recovery = item_recovery(error)
    if recovery is Recovery.FIND:
        return Missing(operation.source_key)
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
            properties = result.get("properties")
            operation = self._of_value(properties.get(self._match_field) if isinstance(properties, dict) else None)
        return operation

    def of_error(self, error: Mapping[str, Any]) -> list[Operation]:
        """The operations of an error, which may name several; none where it names nobody."""
        context = error.get("context")
        context = context if isinstance(context, dict) else {}
        traced = [self._by_trace.get(one) for one in _texts(context.get("objectWriteTraceId"))]
        named = [*_texts(context.get("ids")), *_texts(context.get("id"))]
        found = [one for one in traced if one] or [one for one in map(self._of_name, named) if one]
        # The only operation of a request needs no name.
        return found or (list(self._operations) if len(self._operations) == 1 else [])

    def _of_name(self, name: str) -> Operation | None:
        return self._by_id.get(name) or self._of_value(name)

    def _of_value(self, value: object) -> Operation | None:
        """By match value; core sends each of them once per batch."""
        if self._by_match is None:
            self._by_match = {_comparable(self._field, one.match_key): one for one in self._operations}
        return self._by_match.get(_comparable(self._field, value))


# -- finding


def build_find(schema: ObjectSchema, match_field: str, match_keys: Sequence[str], paths: Paths) -> Request:
    """The request that reads records by a unique property. Searching would miss fresh ones: its index lags behind."""
    wanted = [match_field, *([ADDITIONAL_EMAILS] if _has_more_emails(schema, match_field) else [])]
    body: dict[str, Any] = {
        "properties": wanted,
        "propertiesWithHistory": [],
        "inputs": [{"id": key} for key in match_keys],
    }
    if match_field != ID_FIELD:
        body["idProperty"] = match_field
    return Request("POST", paths.batch(schema.name, "read"), json=body)


def _has_more_emails(schema: ObjectSchema, match_field: str) -> bool:
    return match_field == EMAIL == schema.natural_match_field and ADDITIONAL_EMAILS in schema.fields


def parse_find(
    schema: ObjectSchema, match_field: str, match_keys: Sequence[str], body: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Ids by match key; a key without a record is absent.

    A contact that was found by a secondary address answers with its primary one, and names the others.

    Raises:
        FatalError: A record could not be read, which does not mean that there is none.
        UnknownOutcomeError: The reply is not complete.
    """
    _require_complete(body)
    field = schema.fields.get(match_field)
    keys = {_comparable(field, key): key for key in match_keys}
    found: dict[str, list[str]] = {}
    for result in _objects(body.get("results")):
        record_id = str(result.get("id") or "")
        for value in _match_values(match_field, result):
            key = keys.get(_comparable(field, value))
            if key is not None and record_id and not result.get("archived") and record_id not in found.get(key, ()):
                found.setdefault(key, []).append(record_id)
    return found


def _match_values(match_field: str, result: Mapping[str, Any]) -> Iterable[object]:
    if match_field == ID_FIELD:
        return [result.get("id")]
    given = result.get("properties")
    properties = given if isinstance(given, dict) else {}
    more = properties.get(ADDITIONAL_EMAILS) if match_field == EMAIL else None
    return [properties.get(match_field), *(more.split(";") if isinstance(more, str) else ())]


def _require_complete(body: Mapping[str, Any]) -> None:
    if body.get("status", COMPLETE) != COMPLETE or not isinstance(body.get("results"), list):
        msg = "HubSpot's answer to a read is not complete."
        raise UnknownOutcomeError(msg)
    for error in _objects(body.get("errors")):
        if item_recovery(error) is not Recovery.FIND:
            code = item_refusal(error).vendor_code or "no code"
            msg = f"HubSpot could not read records ({code}), so nobody knows whether they exist. Run again later."
            raise FatalError(msg)


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [str(one) for one in values]
