"""Single rows: create, read, update, delete, by id and by external id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply
from saas_simulators.salesforce import keys
from saas_simulators.salesforce.calls import as_object, json_ok
from saas_simulators.salesforce.dml import write_rows
from saas_simulators.salesforce.errors import SalesforceError, error_reply, no_such_column, not_found
from saas_simulators.salesforce.rendering import row
from saas_simulators.salesforce.values import UnparseableError, ValueRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from saas_simulators.salesforce.calls import Call
    from saas_simulators.salesforce.records import Record, RecordStore
    from saas_simulators.salesforce.results import RowError, RowResult

FIRST_WITH_CREATED = 46  # source: RESTPDF "Upsert": from v46 an update answers 200 with `created`
FIRST_WITH_RIGHT_SPELLING = 62  # inferred: when `duplicateResut` became `duplicateResult` is not known
# Where a write of one row is not a 400.
STATUSES = {"NOT_FOUND": 404, "ENTITY_IS_DELETED": 404}
# source: recordings amp-labs unknown-field.json: these carry no `fields` when one row is written
WITHOUT_FIELDS = frozenset({"INVALID_FIELD", "NOT_FOUND"})


def create(call: Call) -> Reply:
    """`POST /sobjects/X`."""
    store = call.store
    result = _written(call, store, "insert", as_object(call.body))
    if not result.success:
        return _refused(call, result)
    headers = {"Location": f"{call.base}/sobjects/{store.name}/{result.id}"}
    return json_ok({"id": result.id, "success": True, "errors": []}, 201, headers)


def get(call: Call) -> Reply:
    """`GET /sobjects/X/{id}`."""
    store = call.store
    record = store.find(call.parameters["id"])
    if record is None:
        raise not_found()  # source: recordings grouparoo, for deleted rows as for unknown ones
    return _shown(call, store, record)


def update(call: Call) -> Reply:
    """`PATCH /sobjects/X/{id}`: 204 without a body."""
    store = call.store
    record = store.get(call.parameters["id"])
    if record is None:
        raise not_found()
    body = as_object(call.body)
    if any(name.lower() == "id" for name in body):
        # inferred: the text
        raise SalesforceError(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    result = _written(call, store, "update", {**body, "Id": record.id})
    return _refused(call, result) if result.errors else Reply(204)


def delete(call: Call) -> Reply:
    """`DELETE /sobjects/X/{id}`: 204 without a body."""
    store = call.store
    result = _written(call, store, "delete", {"Id": call.parameters["id"]})
    if result.errors and result.errors[0].status_code == "INVALID_CROSS_REFERENCE_KEY":
        # source: django-salesforce: 404 for an id that was never there, or is purged
        return _refused(call, result, status=404)
    return _refused(call, result) if result.errors else Reply(204)


def get_by_key(call: Call) -> Reply:
    """`GET /sobjects/X/{field}/{value}`."""
    store = call.store
    found = _found(call, store)
    if not found:
        raise not_found()
    return _choices(call, store, found) if len(found) > 1 else _shown(call, store, store.records[found[0]])


def delete_by_key(call: Call) -> Reply:
    """`DELETE /sobjects/X/{field}/{value}`."""
    store = call.store
    found = _found(call, store)
    if not found:
        raise not_found()
    if len(found) > 1:
        return _choices(call, store, found)
    result = _written(call, store, "delete", {"Id": found[0]})
    return _refused(call, result) if result.errors else Reply(204)


def upsert(call: Call) -> Reply:
    """`PATCH /sobjects/X/{field}/{value}`: 201 created, 200 (204 up to v45) updated, 300 ambiguous."""
    store = call.store
    name = keys.key_field(store, call.parameters["field"])
    body = as_object(call.body)
    if any(store.field_name(given) == name for given in body):
        # inferred: the text
        raise SalesforceError(400, "INVALID_FIELD", f"The {name} field should not be specified in the sobject data.")
    found = _found(call, store)
    if len(found) > 1:
        return _choices(call, store, found)
    if name == "Id" and not found:
        raise not_found()
    sent = {**body, name: found[0] if name == "Id" else call.parameters["value"]}
    result = _written(call, store, "upsert", sent, key=name)
    return _refused(call, result) if result.errors else _upserted(call, store, result)


def create_by_id(call: Call) -> Reply:
    """`POST /sobjects/X/Id`: an upsert without a value, which creates."""
    # source: RESTPDF "Upsert", v37 and later
    store = call.store
    result = _written(call, store, "insert", as_object(call.body))
    return _refused(call, result) if result.errors else _upserted(call, store, result)


def _upserted(call: Call, store: RecordStore, result: RowResult) -> Reply:
    body: dict[str, Any] = {"id": result.id, "success": True, "errors": []}
    if call.version >= FIRST_WITH_CREATED:
        body["created"] = result.created
    if result.created:
        return json_ok(body, 201, {"Location": f"{call.base}/sobjects/{store.name}/{result.id}"})
    return json_ok(body) if call.version >= FIRST_WITH_CREATED else Reply(204)


def _written(call: Call, store: RecordStore, verb: Any, sent: Mapping[str, Any], key: str | None = None) -> RowResult:  # noqa: ANN401 - a Verb
    options = call.dml_options(update_only=call.flag("updateOnly"))
    return write_rows(call.org, verb, store.name, [sent], external_id_field=key, options=options)[0]


def _found(call: Call, store: RecordStore) -> list[str]:
    """Return the ids of the rows that the path's key means."""
    name = keys.key_field(store, call.parameters["field"])
    value = call.parameters["value"]
    if name == "Id":
        record = store.find(value)
        return [record.id] if record else []
    try:
        return store.indexes[name].find(store.writers[name](value))
    except (ValueRefusedError, UnparseableError):
        return []


def _choices(call: Call, store: RecordStore, ids: list[str]) -> Reply:
    # source: RESTPDF; restforce, simple-salesforce: an array of URLs
    return json_ok([f"{call.base}/sobjects/{store.name}/{found}" for found in ids], 300)


def _shown(call: Call, store: RecordStore, record: Record) -> Reply:
    asked = [name.strip() for name in call.option("fields").split(",") if name.strip()]
    names = []
    for name in asked:
        if (found := store.field_name(name)) is None:
            raise SalesforceError(400, "INVALID_FIELD", no_such_column(store.name, name))
        names.append(found)
    if names and "Id" not in names:
        names.append("Id")  # source: recordings: the id is always there
    return json_ok(row(store, record, call.base, names or None))


def _refused(call: Call, result: RowResult, status: int | None = None) -> Reply:
    first = result.errors[0]
    if first.match is not None:
        return _duplicate(call, first)
    body = [_error(error) for error in result.errors]
    return error_reply(status or STATUSES.get(first.status_code, 400), body)


def _error(error: RowError) -> dict[str, Any]:
    shown: dict[str, Any] = {"message": error.message, "errorCode": error.status_code}
    if error.fields or error.status_code not in WITHOUT_FIELDS:
        shown["fields"] = list(error.fields)
    return shown


def _duplicate(call: Call, error: RowError) -> Reply:
    """Return the refusal that names the rows which a duplicate rule found."""
    match = error.match
    assert match is not None  # noqa: S101 - asked by the caller
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {"type": match.object_name, "url": f"{call.base}/sobjects/{match.object_name}/{found}"},
                "Id": found,
            },
        }
        for found in match.ids
    ]
    # source: recorded body (v50), the misspelt key included
    key = "duplicateResult" if call.version >= FIRST_WITH_RIGHT_SPELLING else "duplicateResut"
    details = {
        "allowSave": not match.is_block,
        "duplicateRule": match.rule,
        "duplicateRuleEntityType": match.object_name,
        "errorMessage": error.message,
        "matchResults": [
            {
                "entityType": match.object_name,
                "errors": [],
                "matchEngine": "ExactMatchEngine",
                "matchRecords": records,
                "rule": match.rule,
                "size": len(records),
                "success": True,
            }
        ],
    }
    body = {key: details, "message": error.message, "errorCode": error.status_code, "fields": list(error.fields)}
    return error_reply(400, [body])
