"""Requests from batches, and outcomes from replies: pure, no I/O.

Answers are joined to operations by trace id, record id or match value, never by position: HubSpot shuffles
its results (recorded: 10 of 10).
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reverse_etl_core.operations import Missing, RejectCode, Rejected, Unanswered, Verb, Written
from reverse_etl_core.transport import Request
from target_hubspot.errors import complaint
from target_hubspot.objects import RECORD_ID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_etl_core.operations import Batch, Fields, Operation, Outcome, Value
    from reverse_etl_core.schema import ObjectSchema


class Paths:
    """The API's paths in one version.

    Args:
        version: `v3`, or a date like `2026-09`.
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


def text(value: Value) -> str:
    """A value as HubSpot takes it: text, `""` to clear.

    source: HubSpot docs "Properties", "Add values"; null is forbidden by the spec, so it is never sent.

    >>> text(None), text(True), text(Decimal("1E+3")), text(["a", "b"])
    ('', 'true', '1000', 'a;b')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return ";".join(value)
    return str(value)


def _properties(fields: Fields) -> dict[str, str]:
    return {name: text(value) for name, value in fields.items()}


def build_write(batch: Batch, paths: Paths) -> Request:
    """The request that writes a batch.

    Every input has a trace id: with one, a record that is refused does not spoil the others
    (source: HubSpot docs "Error handling", multi-status errors; seen live for create and upsert).
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
    item: dict[str, Any] = {"objectWriteTraceId": str(number), "properties": _properties(operation.fields)}
    if batch.verb is Verb.UPSERT:
        item |= {"id": operation.match_key, "idProperty": batch.match_field}
    elif batch.verb is Verb.UPDATE:
        item["id"] = operation.destination_id
    return item


def parse_write(batch: Batch, body: Mapping[str, Any]) -> list[Outcome]:
    """One outcome per operation, from the body of a 200, 201 or 207."""
    finder = _Finder(batch)
    outcomes: dict[str, Outcome] = {}
    for error in body.get("errors") or ():
        if isinstance(error, dict):
            for operation in finder.of_error(error):
                outcomes[operation.source_key] = _refusal(batch.verb, operation, error)
    for result in body.get("results") or ():
        found = finder.of_result(result)
        if found is not None:
            created = batch.verb is Verb.CREATE or bool(result.get("new"))
            outcomes[found.source_key] = Written(found.source_key, str(result["id"]), created)
    return [outcomes.get(one.source_key) or _silence(batch.verb, one) for one in batch.operations]


def _silence(verb: Verb, operation: Operation) -> Outcome:
    """A record that a success does not mention: an id that was merged away vanishes from the answer (seen live)."""
    return Missing(operation.source_key) if verb is Verb.UPDATE else Unanswered(operation.source_key)


def _refusal(verb: Verb, operation: Operation, error: Mapping[str, Any]) -> Outcome:
    found = complaint(error)
    if found.code is RejectCode.NOT_FOUND and verb is Verb.UPDATE:
        return Missing(operation.source_key)
    code = found.code
    if code is RejectCode.CONFLICT and verb is Verb.CREATE and found.vendor_code == "CONFLICT":
        code = RejectCode.ALREADY_EXISTS
    return Rejected(operation.source_key, code, found.reason, found.vendor_code)


class _Finder:
    """Which operation an answer belongs to."""

    def __init__(self, batch: Batch) -> None:
        self._match_field = batch.match_field
        self._by_trace = {str(number): one for number, one in enumerate(batch.operations)}
        self._by_id = {one.destination_id: one for one in batch.operations if one.destination_id}
        self._by_match = {one.match_key.casefold(): one for one in batch.operations}
        self._folds: dict[str, int] = defaultdict(int)
        for one in batch.operations:
            self._folds[one.match_key.casefold()] += 1

    def of_result(self, result: Mapping[str, Any]) -> Operation | None:
        """The operation of a result: by trace id, then by id, then by match value."""
        trace = result.get("objectWriteTraceId")
        if trace is not None and str(trace) in self._by_trace:
            return self._by_trace[str(trace)]
        if (known := self._by_id.get(str(result.get("id")))) is not None:
            return known
        value = (result.get("properties") or {}).get(self._match_field)
        folded = str(value or "").strip().casefold()
        # Two match values that differ only in case cannot be told apart here: not answered, then.
        return self._by_match.get(folded) if self._folds.get(folded) == 1 else None

    def of_error(self, error: Mapping[str, Any]) -> list[Operation]:
        """The operations of an error, which may name several; none where it names nobody."""
        context = error.get("context") or {}
        traced = [
            self._by_trace[str(one)] for one in _list(context, "objectWriteTraceId") if str(one) in self._by_trace
        ]
        if traced:
            return traced
        named = [str(one) for name in ("ids", "id") for one in _list(context, name)]
        by_id = [self._by_id[one] for one in named if one in self._by_id]
        return by_id or [self._by_match[one.casefold()] for one in named if one.casefold() in self._by_match]


def _list(context: Mapping[str, Any], name: str) -> list[Any]:
    value = context.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def build_find(schema: ObjectSchema, match_field: str, match_keys: Sequence[str], paths: Paths) -> Request:
    """The request that reads records by a unique property. Searching would miss fresh ones (index lag)."""
    body: dict[str, Any] = {"properties": [match_field], "inputs": [{"id": key} for key in match_keys]}
    if match_field != RECORD_ID:
        body["idProperty"] = match_field
    return Request("POST", paths.batch(schema.name, "read"), json=body)


def parse_find(match_field: str, match_keys: Sequence[str], body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Ids by match key; keys that were not found are absent.

    A contact that is found by a secondary address answers with its primary one. It belongs to the only key
    that no result names, if there is one such key; else it is left out, and the write decides.
    """
    by_fold = {key.casefold(): key for key in match_keys}
    found: dict[str, list[str]] = defaultdict(list)
    strangers: list[str] = []
    for result in body.get("results") or ():
        value = (result.get("properties") or {}).get(match_field) or ""
        key = by_fold.get(str(value).strip().casefold())
        if key is None:
            strangers.append(str(result["id"]))
        elif str(result["id"]) not in found[key]:
            found[key].append(str(result["id"]))
    unnamed = [key for key in match_keys if key not in found]
    if len(strangers) == 1 and len(unnamed) == 1:
        found[unnamed[0]].append(strangers[0])
    return dict(found)
