"""Up to 200 rows in one call; each gets its own answer."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce import keys
from saas_simulators.salesforce.calls import as_object, json_ok, parser_error
from saas_simulators.salesforce.dml import MAX_ROWS, write_rows
from saas_simulators.salesforce.errors import SalesforceError, not_found
from saas_simulators.salesforce.rendering import row
from saas_simulators.salesforce.results import RowError, RowResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.exchange import Reply
    from saas_simulators.salesforce.calls import Call
    from saas_simulators.salesforce.dml import Verb

    Rows = list[dict[str, Any]]

FIRST_VERSION, FIRST_WITH_UPSERT = 42, 46  # source: RESTPDF "sObject Collections"
MAX_RUNS = 10  # source: RESTPDF "sObject Collections": chunks of one object
MAX_RETRIEVED = 2000  # source: RESTPDF
# source: recordings amp-labs
ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


def create(call: Call) -> Reply:
    """`POST /composite/sobjects`."""
    body = as_object(call.body)
    return _answer(call, _records(body), "insert", is_strict=_is_strict(body))


def update(call: Call) -> Reply:
    """`PATCH /composite/sobjects`."""
    body = as_object(call.body)
    return _answer(call, _records(body), "update", is_strict=_is_strict(body))


def upsert(call: Call) -> Reply:
    """`PATCH /composite/sobjects/X/{field}`."""
    if call.version < FIRST_WITH_UPSERT:
        raise not_found()
    body = as_object(call.body)
    records = _records(body)
    store = call.store
    name = keys.key_field(store, call.parameters["field"])
    for record in records:
        if _type(record).lower() != store.name.lower():
            # source: RESTPDF: each record needs its type, which must be that of the path; inferred: code and text
            text = f"Record type does not match: expected {store.name}"
            raise SalesforceError(400, "INVALID_TYPE", text)
    options = call.dml_options(update_only=call.flag("updateOnly"))

    def write() -> list[RowResult]:
        return write_rows(call.org, "upsert", store.name, records, external_id_field=name, options=options)

    return json_ok([_shown(result, with_created=True) for result in _together(call, write, is_strict=_is_strict(body))])


def delete(call: Call) -> Reply:
    """`DELETE /composite/sobjects?ids=`."""
    ids = [text for text in call.option("ids").split(",") if text]
    _check_count(ids, MAX_ROWS)
    rows = [{"attributes": {"type": _object_of(call, text)}, "Id": text} for text in ids]
    return _answer(call, rows, "delete", is_strict=call.flag("allOrNone"))


def retrieve(call: Call) -> Reply:
    """`GET` and `POST /composite/sobjects/X`: rows by id, null for those that are missing."""
    if call.request.method == "POST":
        body = as_object(call.body)
        ids, asked = list(map(str, body.get("ids") or [])), list(map(str, body.get("fields") or []))
    else:
        ids, asked = ([text for text in call.option(name).split(",") if text] for name in ("ids", "fields"))
    _check_count(ids, MAX_RETRIEVED)
    store = call.store
    names = [store.field_name(name) for name in asked]
    if not asked or None in names:
        bad = asked[names.index(None)] if asked else ""
        raise SalesforceError(400, "INVALID_FIELD", f"No such column '{bad}' on sobject of type {store.name}")
    chosen = list(dict.fromkeys([*(name for name in names if name), "Id"]))
    found = [store.find(text) for text in ids]
    return json_ok([row(store, record, call.base, chosen) if record else None for record in found])


def _answer(call: Call, records: Rows, verb: Verb, *, is_strict: bool) -> Reply:
    if call.version < FIRST_VERSION:
        raise not_found()
    runs = [(name, list(rows)) for name, rows in groupby(records, key=_type)]
    if len(runs) > MAX_RUNS:
        # inferred: the text; the number is documented
        text = f"Too many object type changes in one request: {len(runs)}, at most {MAX_RUNS} are allowed"
        raise SalesforceError(400, "INVALID_INPUT", text)
    options = call.dml_options(request_rows=len(records))

    def write() -> list[RowResult]:
        return [result for name, rows in runs for result in _run(call, verb, name, rows, options)]

    return json_ok([_shown(result) for result in _together(call, write, is_strict=is_strict)])


def _run(call: Call, verb: Verb, name: str, rows: Rows, options: Any) -> list[RowResult]:  # noqa: ANN401 - DmlOptions
    """Write rows of one object."""
    if not name:
        # inferred: the text; RESTPDF demands the type
        raise SalesforceError(400, "INVALID_INPUT", "Each record must have a type in its attributes")
    if not call.org.has_object(name):
        # inferred: an unknown type fails its rows
        text = f"sObject type '{name}' is not supported."
        return [
            RowResult(success=False, id=None, created=False, errors=(RowError("INVALID_TYPE", text),)) for _ in rows
        ]
    return write_rows(call.org, verb, name, rows, options=options)


def _together(call: Call, write: Callable[[], list[RowResult]], *, is_strict: bool) -> list[RowResult]:
    """Write, and undo all of it if one row failed and `allOrNone` says so."""
    results: list[RowResult] = []

    def is_kept() -> bool:
        return not is_strict or all(result.success for result in results)

    with call.org.changes.together(is_kept):
        results = write()
    if not is_kept():
        undone = RowResult(success=False, id=None, created=False, errors=(ROLLED_BACK,))
        results = [undone if result.success else result for result in results]
    return results


def _shown(result: RowResult, *, with_created: bool = False) -> dict[str, Any]:
    # source: recordings grouparoo, amp-labs (no `id` on failure), cumulusci (`created`, last)
    if not result.success:
        return {"success": False, "errors": [error.as_json() for error in result.errors]}
    shown: dict[str, Any] = {"id": result.id, "success": True, "errors": []}
    return {**shown, "created": result.created} if with_created else shown


def _records(body: dict[str, Any]) -> Rows:
    records = body.get("records") or []
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        wanted = "records"
        raise parser_error(wanted)
    _check_count(records, MAX_ROWS)
    return records


def _check_count(rows: list[Any], most: int) -> None:
    if not rows:
        # source: recording amp-labs batch_create_contacts_err-bad-request.json
        raise SalesforceError(400, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
    if len(rows) > most:
        # source: SE, wording; the code is in the partner WSDL
        text = f"record limit reached. cannot submit more than {most} records into this call"
        raise SalesforceError(400, "EXCEEDED_ID_LIMIT", text)


def _type(record: dict[str, Any]) -> str:
    attributes = record.get("attributes")
    return str(attributes.get("type") or "") if isinstance(attributes, dict) else ""


def _object_of(call: Call, record_id: str) -> str:
    """Return the object that an id of a delete belongs to; an id of none is refused with its row."""
    store = call.org.store_of(record_id)
    return store.name if store else "Account"


def _is_strict(body: dict[str, Any]) -> bool:
    return body.get("allOrNone") is True or str(body.get("allOrNone", "")).lower() == "true"
