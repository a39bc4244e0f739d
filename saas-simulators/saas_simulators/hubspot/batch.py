"""The batch verbs of objects: create, read, update, upsert, archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot import errors
from saas_simulators.hubspot.calls import Call, Renderer, as_list, as_object, as_string, object_body, property_names
from saas_simulators.hubspot.errors import VALIDATION, HubSpotError
from saas_simulators.hubspot.records import EMAIL, Record, RecordStore, fold
from saas_simulators.hubspot.values import iso
from saas_simulators.hubspot.writes import Checker, Write, apply, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_INPUTS = 100  # source: live test 2026: 101 inputs are refused
MAX_INPUTS_WITH_HISTORY = 50  # source: activepieces#9359

Input = dict[str, Any]


def create(call: Call) -> Reply:
    """Create records; 201, or 207 when trace ids let the good ones pass."""
    store = call.store
    inputs = _inputs(call.body, "properties")
    checker = Checker(call.account, store)
    writes = [_traced(checker.check_new(given), given) for given in inputs]
    return _answer_writes(call, store, inputs, writes, ok=201)


def update(call: Call) -> Reply:
    """Update records by id or by a unique property; unknown ids make it 207."""
    store = call.store
    inputs = _inputs(call.body, "id", "properties")
    keys = [_key(call, store, given, default=None, by_email=False) for given in inputs]
    _refuse_duplicates(keys)
    checker = Checker(call.account, store)
    writes: list[Write] = []
    unknown: list[str] = []
    for given, (name, value) in zip(inputs, keys, strict=True):
        record = _find(store, name, value)
        if record is not None:
            writes.append(_traced(checker.check(given["properties"], record), given))
        elif name is not None or (value.isdigit() and value not in store.merged):
            unknown.append(value)
        # source: hubspot-api-nodejs#548: an e-mail in `id` is answered with success and changes nothing;
        # rudder-transformer live test: a merged-away id is simply missing from the results.
    return _answer_writes(call, store, inputs, _unordered(writes), unknown=unknown)


def upsert(call: Call) -> Reply:
    """Update the record that owns the unique value, or create it; results say `new`."""
    store = call.store
    inputs = _inputs(call.body, "id", "properties")
    keys = [_key(call, store, given, default="hs_object_id", by_email=True) for given in inputs]
    _refuse_duplicates(keys)
    checker = Checker(call.account, store)
    writes = []
    for given, (name, value) in zip(inputs, keys, strict=True):
        record = _find(store, name, value)
        defaults = {name: value} if record is None and name is not None else None
        writes.append(_traced(checker.check(given["properties"], record, defaults), given))
    return _answer_writes(call, store, inputs, writes, say_new=True)


def read(call: Call) -> Reply:
    """Return the records that exist; the others are named in `errors`, and the answer is 207."""
    store = call.store
    body = object_body(call.body, "inputs")
    has_history = bool(body.get("propertiesWithHistory"))
    inputs = _inputs(body, "id", most=MAX_INPUTS_WITH_HISTORY if has_history else MAX_INPUTS)
    name = body.get("idProperty")
    if name is not None:
        _require_unique(call, store, as_string(name), by_email=True)
    names = property_names(body.get("properties")) + property_names(body.get("propertiesWithHistory"))
    renderer = Renderer(call, store, names)
    is_archived = call.flag("archived")
    found: dict[str, Record] = {}
    unknown: list[str] = []
    for value in dict.fromkeys(as_string(given["id"]) for given in inputs):
        # source: community.hubspot.com m-p/1101616 (2025) and the changelog on merges: an id that was merged away
        # leads to the surviving record, which answers under its own id; nothing in the answer names the old one.
        key = store.surviving_id(value) if name is None else value
        record = _find(store, name, key) if not is_archived else _find_archived(store, name, key)
        if record is not None:
            found[record.id] = record
        else:
            unknown.append(value)
    results = [renderer.chosen(record) for record in found.values()]
    return _answer(call, results, _not_found(store, unknown), ok=200)


def archive(call: Call) -> Reply:
    """Archive records; 204, for unknown ids too (inferred for the latter)."""
    store = call.store
    for given in _inputs(call.body, "id"):
        # inferred, the harsher of two readings: an id that was merged away leads to the survivor, as it does in reads
        record = store.find(store.surviving_id(as_string(given["id"])))
        if record is not None:
            store.archive(record)
    return Reply(204)


# reading the inputs


def _inputs(body: Any, *required: str, most: int = MAX_INPUTS) -> list[Input]:  # noqa: ANN401 - any JSON value
    inputs = [as_object(given) for given in as_list(object_body(body, "inputs")["inputs"])]
    if len(inputs) > most:
        # source: activepieces#9359 for 50; for 100 by analogy (inferred)
        kind = " for property histories" if most == MAX_INPUTS_WITH_HISTORY else ""
        message = (
            f"The maximum number of inputs supported in a batch request{kind} is {most}. "
            "Please reduce the number of items and try again"
        )
        raise errors.validation(message)
    for given in inputs:
        if missing := [name for name in required if given.get(name) is None]:
            raise errors.required_fields(missing)
    return inputs


def _key(
    call: Call, store: RecordStore, given: Input, *, default: str | None, by_email: bool
) -> tuple[str | None, str]:
    """Return the property and the value that name the record of an input; None stands for the record id."""
    name = given.get("idProperty") or default
    if name is not None:
        _require_unique(call, store, as_string(name), by_email=by_email)
    value = as_string(given["id"])
    if not value.strip():
        # inferred
        message = "id must not be blank"
        raise errors.validation(message)
    return name, fold(name, value) if name else value


def _require_unique(call: Call, store: RecordStore, name: str, *, by_email: bool) -> None:
    # source: hubspot-api-nodejs#548: e-mail names contacts in upsert and read, not in batch/update
    if name not in store.unique or (name == EMAIL and not by_email):
        raise errors.non_unique(store.type.type_id, name, call.account.portal_id)


def _refuse_duplicates(keys: list[tuple[str | None, str]]) -> None:
    if len(set(keys)) == len(keys):
        return
    seen: set[tuple[str | None, str]] = set()
    repeated: dict[str, None] = {}
    for key in keys:
        if key in seen:
            repeated[key[1]] = None
        seen.add(key)
    raise errors.duplicate_ids(list(repeated))


def _find(store: RecordStore, name: str | None, value: str) -> Record | None:
    return store.find(value) if name is None else store.find_by(name, value)


def _find_archived(store: RecordStore, name: str | None, value: str) -> Record | None:
    """Return an archived record; by id only, since archiving gives unique values back."""
    record = store.records.get(value) if name is None else None
    return record if record and record.archived_at is not None else None


def _traced(write: Write, given: Input) -> Write:
    trace_id = given.get("objectWriteTraceId")
    write.trace_id = None if trace_id is None else as_string(trace_id)
    return write


# answering


def _unordered(writes: list[Write]) -> list[Write]:
    """Return writes in the order in which they are done: two of one record the other way round.

    No order is promised within a batch, so whoever counts on it shall notice.
    """
    records = [id(write.record) for write in writes]
    return writes if len(set(records)) == len(records) else writes[::-1]


def _answer_writes(
    call: Call,
    store: RecordStore,
    inputs: list[Input],
    writes: list[Write],
    *,
    ok: int = 200,
    unknown: list[str] | None = None,
    say_new: bool = False,
) -> Reply:
    """Write what may be written, and answer 2xx, 207 or, without trace ids, refuse all of it."""
    refused = [write for write in writes if write.is_refused]
    if refused and not _are_traced(inputs):
        raise _whole_call(refused, call.account.portal_id)
    render = _echo(call, Renderer(call, store, []), say_new=say_new)
    results = [render(store, write) for write in writes if not write.is_refused]
    failed = [_item(write, call.account.portal_id) for write in refused]
    return _answer(call, results, failed + _not_found(store, unknown or []), ok=ok)


def _are_traced(inputs: list[Input]) -> bool:
    """Whether every input has a trace id of its own; that repeated ones count as none is inferred."""
    trace_ids = [given.get("objectWriteTraceId") for given in inputs]
    return None not in trace_ids and len(set(map(str, trace_ids))) == len(inputs)


def _echo(call: Call, renderer: Renderer, *, say_new: bool) -> Callable[[RecordStore, Write], dict[str, Any]]:
    def render(store: RecordStore, write: Write) -> dict[str, Any]:
        record, properties, is_new = apply(call.account, store, write)
        shown = renderer.shell(record, properties)
        if say_new:
            shown["new"] = is_new
        if write.trace_id is not None:
            shown["objectWriteTraceId"] = write.trace_id
        return shown

    return render


def _whole_call(refused: list[Write], portal_id: int) -> HubSpotError:
    """Return the one error of a call without trace ids: all bad values, else the first conflict."""
    # source: captured bodies amp-labs (all bad values of all inputs); hubspot-api-python#51 (only the first conflict)
    problems = [problem for write in refused for problem in write.problems]
    return errors.invalid_properties(problems, portal_id) if problems else refuse(refused[0], portal_id)


def _item(write: Write, portal_id: int) -> dict[str, Any]:
    """Return one entry of `errors` for a refused input."""
    error = refuse(write, portal_id)
    item = {"status": "error", "category": error.body.get("category", VALIDATION), "message": str(error)}
    if "errors" in error.body:
        item["errors"] = error.body["errors"]
    trace = {"objectWriteTraceId": [write.trace_id]}
    return {**item, "context": {**trace, **error.item_context, **error.body.get("context", {})}}


def _not_found(store: RecordStore, ids: list[str]) -> list[dict[str, Any]]:
    """Return one error that names all ids, as HubSpot does."""
    if not ids:
        return []
    # source: captured bodies amp-labs, rudder-transformer
    message = (
        f"Could not get some {store.type.code} objects, they may be deleted or not exist. Check that ids are valid."
    )
    return [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": ids}}]


def _answer(call: Call, results: list[dict[str, Any]], failed: list[dict[str, Any]], *, ok: int) -> Reply:
    account = call.account
    account.shuffle(results)  # source: recordings grouparoo: 10 of 10 answers were not in the order of the inputs
    now = iso(account.now_ms())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if failed:
        body |= {"numErrors": len(failed), "errors": failed}
    return json_reply(207 if failed else ok, body)
