"""Queries: rows that meet conditions, in pages."""

from __future__ import annotations

import re
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.calls import json_ok
from saas_simulators.salesforce.conditions import Matcher, candidates
from saas_simulators.salesforce.errors import SalesforceError, no_such_column
from saas_simulators.salesforce.rendering import attributes, value
from saas_simulators.salesforce.soql import SoqlError, Statement, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.exchange import Reply
    from saas_simulators.salesforce.calls import Call
    from saas_simulators.salesforce.records import Record, RecordStore
    from saas_simulators.salesforce.state import Org

PAGE = 2000  # source: RESTPDF "Query": default and most
LEAST_PAGE = 200
PERMISSIONS, HARD_DELETE = "UserPermissionAccess", "PermissionsBulkApiHardDelete"
MAX_STATEMENT = 100_000  # source: RESTPDF, characters


def query(call: Call) -> Reply:
    """`GET /query?q=`: live rows."""
    return _answer(call, with_deleted=False)


def query_all(call: Call) -> Reply:
    """`GET /queryAll?q=`: rows of the recycle bin, too."""
    return _answer(call, with_deleted=True)


def more(call: Call) -> Reply:
    """`GET /query/{locator}`: the next page."""
    rows, position, locator, page = call.org.locators.page(call.parameters["locator"])
    return json_ok(_page(call, rows, position, page, locator))


def _answer(call: Call, *, with_deleted: bool) -> Reply:
    text = call.option("q")
    try:
        statement = parse(text)
    except SoqlError as error:
        raise malformed(str(error)) from None
    if len(text) > MAX_STATEMENT:
        message = "SOQL statements cannot be longer than 100,000 characters."
        raise malformed(message)
    if statement.object_name.lower() == PERMISSIONS.lower() and not statement.is_count:
        return json_ok(_permissions(call, statement, text))
    store, rows = run(call.org, statement, text, with_deleted=with_deleted)
    if statement.is_count:
        return json_ok({"totalSize": len(rows), "done": True, "records": []})
    show = _shower(call, store, statement, text)
    return json_ok(_page(call, [show(record) for record in rows], 0, _page_size(call)))


def _permissions(call: Call, statement: Statement, text: str) -> dict[str, Any]:
    """Return the one row of what the user may do; of all permissions only the one that is kept here.

    source: Object Reference, UserPermissionAccess
    """
    for name in statement.fields:
        if name.lower() != HARD_DELETE.lower():
            raise SalesforceError(400, "INVALID_FIELD", _excerpt(text, name) + no_such_column(PERMISSIONS, name))
    shown = {
        "attributes": {"type": PERMISSIONS, "url": f"{call.base}/sobjects/{PERMISSIONS}/000000000000000AAA"},
        HARD_DELETE: call.org.limits.bulk.hard_delete,
    }
    return _page(call, [shown], 0, PAGE)


def run(org: Org, statement: Statement, text: str, *, with_deleted: bool) -> tuple[RecordStore, list[Record]]:
    """Return the object and the rows that a statement means.

    Raises:
        SalesforceError: 400; the object or a field is unknown.
    """
    if not org.has_object(statement.object_name):
        raise _unknown_object(statement, text)
    store = org.store(statement.object_name)
    matcher = Matcher(org, store, lambda name: unknown_field(text, store, name))
    holds = matcher.compiled(statement.where)
    found = [
        record
        for record in candidates(store, statement.where, with_deleted=with_deleted)
        if (with_deleted or not record.is_deleted) and holds(record)
    ]
    for name, is_descending in reversed(statement.order):
        get = matcher.getter(name)
        found.sort(key=cmp_to_key(_comparison(get)), reverse=is_descending)
    end = None if statement.limit is None else statement.offset + statement.limit
    return store, found[statement.offset : end]


def _comparison(get: Callable[[Record], Any]) -> Callable[[Record, Record], int]:
    """Return how rows compare: those without a value come first."""

    def key(record: Record) -> tuple[bool, Any]:
        found = get(record)
        return (found is not None, found.lower() if isinstance(found, str) else found if found is not None else 0)

    return lambda one, other: (key(one) > key(other)) - (key(one) < key(other))


def _page_size(call: Call) -> int:
    match = re.search(r"batchSize\s*=\s*(\d+)", call.request.headers.get("sforce-query-options", ""))
    return max(LEAST_PAGE, min(PAGE, int(match[1]))) if match else PAGE


def _page(call: Call, rows: list[dict[str, Any]], start: int, page: int, locator: str | None = None) -> dict[str, Any]:
    end = start + page
    body: dict[str, Any] = {"totalSize": len(rows), "done": end >= len(rows)}
    if end < len(rows):
        locator = locator or call.org.locators.keep(rows, page)
        body["nextRecordsUrl"] = f"{call.base}/query/{locator}-{end}"
    return {**body, "records": rows[start:end]}


def _shower(call: Call, store: RecordStore, statement: Statement, text: str) -> Callable[[Record], dict[str, Any]]:
    """Return the function that shows a row with the fields of the statement."""
    plain, parents = _columns(store, statement, text)

    def show(record: Record) -> dict[str, Any]:
        shown: dict[str, Any] = {"attributes": attributes(store, record, call.base)}
        shown |= {name: value(store, record, name) for name in plain}
        for relationship, (reference, names) in parents.items():
            shown[relationship] = _parent(call, record.values.get(reference), names)
        return shown

    return show


def _columns(store: RecordStore, statement: Statement, text: str) -> tuple[list[str], dict[str, tuple[str, list[str]]]]:
    """Return the fields of the row itself, and per relationship the reference and the fields of the parent."""
    plain: list[str] = []
    parents: dict[str, tuple[str, list[str]]] = {}
    for name in statement.fields:
        relationship, _, rest = name.rpartition(".")
        if relationship.lower() == statement.object_name.lower():
            relationship = ""
        if relationship:
            reference = store.relationships.get(relationship.lower())
            if reference is None or reference.relationship is None:
                raise _no_relationship(text, relationship)
            parents.setdefault(reference.relationship, (reference.name, []))[1].append(rest)
        elif name.startswith("FIELDS("):
            plain += list(store.fields)
        elif (found := store.field_name(rest)) is not None:
            plain.append(found)
        else:
            raise unknown_field(text, store, rest)
    return plain, parents


def _parent(call: Call, parent_id: str | None, names: list[str]) -> dict[str, Any] | None:
    store = call.org.store_of(parent_id) if parent_id else None
    record = store.get(parent_id) if store and parent_id else None
    if store is None or record is None:
        return None
    shown: dict[str, Any] = {"attributes": attributes(store, record, call.base)}
    for name in names:
        found = store.field_name(name)
        shown[found or name] = value(store, record, found) if found else None
    return shown


def malformed(message: str) -> SalesforceError:
    """Return the refusal of a statement that cannot be read."""
    return SalesforceError(400, "MALFORMED_QUERY", message)


def unknown_field(text: str, store: RecordStore, name: str) -> SalesforceError:
    """Return the refusal of a column that the object does not have."""
    return SalesforceError(400, "INVALID_FIELD", _excerpt(text, name) + no_such_column(store.name, name))


def _no_relationship(text: str, name: str) -> SalesforceError:
    # source: SOQL reference and reports, wording
    message = (
        f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship, "
        "be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe "
        "call for the appropriate names."
    )
    return SalesforceError(400, "INVALID_FIELD", _excerpt(text, name) + message)


def _unknown_object(statement: Statement, text: str) -> SalesforceError:
    # source: recording amp-labs unknown-object.json
    name = statement.object_name
    message = (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the "
        "'__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )
    return SalesforceError(400, "INVALID_TYPE", _excerpt(text, f"FROM {name}", 5) + message)


def _excerpt(text: str, name: str, skipped: int = 0) -> str:
    """Return the lines that point at a word of the statement."""
    match = re.search(re.escape(name), text, re.IGNORECASE)
    column = match.start() + skipped if match else 0
    start, end = max(0, column - 30), min(len(text), column + 30)
    return f"\n{text[start:end]}\n{' ' * (column - start)}^\nERROR at Row:1:Column:{column + 1}\n"
