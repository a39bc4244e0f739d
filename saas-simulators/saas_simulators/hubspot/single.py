"""The verbs of one record: create, get, list, update, archive, merge, gdpr-delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot import errors
from saas_simulators.hubspot.associations import embedded
from saas_simulators.hubspot.calls import Call, Renderer, as_object, as_string, object_body
from saas_simulators.hubspot.errors import MissingError
from saas_simulators.hubspot.records import ADDITIONAL_EMAILS, EMAIL, Record, RecordStore
from saas_simulators.hubspot.writes import Checker, Write, apply, refuse

if TYPE_CHECKING:
    from typing import Any

API = "https://api.hubapi.com"
# source: HubSpot API reference: limit of the list endpoint, lower with history
MAX_PAGE = 100
MAX_PAGE_WITH_HISTORY = 50


def create(call: Call) -> Reply:
    """Create one record; 201 with its address."""
    body = object_body(call.body)
    # source: portal probe 2026-04-21: an empty object is refused for its required properties
    store = call.store
    write = Checker(call.account, store).check_new(body)
    shown = _applied(call, store, write)
    # source: recording captaincontrat v3_objects.json
    location = f"{API}/crm/v3/objects/{store.type.name}/{shown['id']}"
    return json_reply(201, shown, {"Location": location})


def get(call: Call) -> Reply:
    """Return one record."""
    store = call.store
    name = call.option("idProperty") or None
    value = call.parameters["record_id"]
    record = _addressed(call, store, name, value)
    if call.flag("archived"):
        record = store.records.get(value)
        record = record if record and record.archived_at is not None else None
    elif record is None and value in store.merged:
        # inferred from third-party text: an old id answers with the surviving record
        record = store.find(store.surviving_id(value))
    if record is None:
        raise MissingError
    shown = Renderer(call, store, _names(call)).chosen(record)
    return json_reply(200, shown | embedded(call, store, record.id))


def listing(call: Call) -> Reply:
    """Return one page of records, by id."""
    store = call.store
    has_history = "propertiesWithHistory" in call.request.query
    limit = call.number("limit", 10, most=MAX_PAGE_WITH_HISTORY if has_history else MAX_PAGE)
    after = call.option("after", "0") or "0"
    records, cursor = store.page(int(after) if after.isdecimal() else 0, limit, archived=call.flag("archived"))
    renderer = Renderer(call, store, _names(call))
    results = [renderer.chosen(record) | embedded(call, store, record.id) for record in records]
    body: dict[str, Any] = {"results": results}
    if cursor is not None:
        # source: recording captaincontrat v3_objects.json, 2026-04
        query = f"offset_param=after&limit={limit}&after={cursor}"
        link = f"{API}/crm/objects/v3/{store.type.name}?{query}"
        body["paging"] = {"next": {"after": str(cursor), "link": link}}
    return json_reply(200, body)


def update(call: Call) -> Reply:
    """Write some properties of one record."""
    store = call.store
    properties = as_object(object_body(call.body).get("properties") or {})
    if not properties:
        # source: portal probe 2026-04-21, segmentio/action-destinations tests
        message = "No properties found to update, please provide at least one."
        raise errors.validation(message, context={"properties": ["{}"]})
    record = _addressed(call, store, call.option("idProperty") or None, call.parameters["record_id"])
    if record is None:
        raise MissingError
    return json_reply(200, _applied(call, store, Checker(call.account, store).check(properties, record)))


def archive(call: Call) -> Reply:
    """Move one record to the recycle bin; 204 also when it is there already (inferred), a survivor by an old id too."""
    store = call.store
    record = store.find(store.surviving_id(call.parameters["record_id"]))
    if record is not None:
        store.archive(record)
    return Reply(204)


def merge(call: Call) -> Reply:
    """Merge two records into a third, new one."""
    store = call.store
    body = object_body(call.body, "primaryObjectId", "objectIdToMerge")
    ids = [as_string(body["primaryObjectId"]), as_string(body["objectIdToMerge"])]
    if ids[0] == ids[1]:
        # source: recording captaincontrat legacy_errors.json (v1)
        message = f"Cannot merge a {store.type.singular} with itself"
        raise errors.validation(message)
    records = [store.find(record_id) for record_id in ids]
    primary, other = records
    if primary is None or other is None:
        raise MissingError
    survivor = _merged(call, store, primary, other)
    return json_reply(200, Renderer(call, store).chosen(survivor))


def gdpr_delete(call: Call) -> Reply:
    """Remove one record for good; an e-mail is blocked from then on, known or not."""
    store = call.store
    body = object_body(call.body, "objectId")
    value = as_string(body["objectId"])
    name = as_string(body["idProperty"]) if body.get("idProperty") is not None else None
    record = _addressed(call, store, name, value)
    if name is None:
        # inferred: archived records can be purged by id, and a merged-away id leads to the survivor
        record = store.records.get(store.surviving_id(value))
    elif name == EMAIL:
        store.blocked_emails.add(value.lower())
    if record is not None:
        store.purge(record)
    return Reply(204)


def _addressed(call: Call, store: RecordStore, name: str | None, value: str) -> Record | None:
    """Return the live record that the id, or the value of a unique property, names."""
    if name is None:
        return store.find(value)
    if name not in store.unique:
        raise errors.non_unique(store.type.type_id, name, call.account.portal_id)
    return store.find_by(name, value)


def _applied(call: Call, store: RecordStore, write: Write) -> dict[str, Any]:
    if write.is_refused:
        raise refuse(write, call.account.portal_id)
    record, echo, _ = apply(call.account, store, write)
    return Renderer(call, store, []).shell(record, echo)


def _names(call: Call) -> list[str] | None:
    """Return the properties that the query asks for, repeated or separated by commas; None when it names none."""
    given = call.request.query.get("properties", []) + call.request.query.get("propertiesWithHistory", [])
    return [name for text in given for name in text.split(",") if name] if given else None


def _merged(call: Call, store: RecordStore, primary: Record, other: Record) -> Record:
    """Merge two records: values of the first, gaps filled by the second, associations and lists of both."""
    account, type_id = call.account, store.type.type_id
    moved = [link for record in (primary, other) for link in account.links.of((type_id, record.id))]
    joined = [found for record in (primary, other) for found in account.lists.of(type_id, record.id)]
    survivor = _kept(store, primary, other) if account.merge_keeps_primary_id else _replaced(store, primary, other)
    gone = {(type_id, record.id) for record in (primary, other)}
    for end, kinds in moved:
        if end not in gone:
            account.links.adopt((type_id, survivor.id), end, kinds)
    for found in joined:
        account.lists.add(found, survivor.id)  # inferred: the survivor is in the lists of both
    return survivor


def _replaced(store: RecordStore, primary: Record, other: Record) -> Record:
    """Return a new record in the place of two; both old ids lead to it."""
    # source: HubSpot docs "Merge records": a new id, the old ones point to it
    merged = _values_of_both(store, primary, other)
    for record in (primary, other):
        store.forget(record, "record_merged_away")
    old_ids = _old_ids(primary, other, primary.id, other.id)
    survivor = store.create(merged | {"hs_merged_object_ids": ";".join(old_ids)}, event="record_merged")
    for record in (primary, other):
        store.merged[record.id] = survivor.id
    _tell_ids(store, survivor, old_ids)
    return survivor


def _kept(store: RecordStore, primary: Record, other: Record) -> Record:
    """Return the first record, which keeps its id; the second one's leads to it."""
    # source: HubSpot docs "Merge records": accounts with primary ID preservation
    merged = _values_of_both(store, primary, other)
    store.forget(other, "record_merged_away")
    old_ids = _old_ids(primary, other, other.id)
    store.absorb(primary, merged | {"hs_merged_object_ids": ";".join(old_ids)}, "record_merged")
    store.merged[other.id] = primary.id
    _tell_ids(store, primary, old_ids)
    return primary


def _values_of_both(store: RecordStore, primary: Record, other: Record) -> dict[str, str]:
    properties = {**other.properties, **{name: value for name, value in primary.properties.items() if value}}
    own = {"hs_object_id", "hs_all_contact_vids", "associatedcompanyid"}
    merged = {name: value for name, value in properties.items() if name not in own}
    if EMAIL in store.unique:
        further = [record.properties.get(ADDITIONAL_EMAILS, "") for record in (primary, other)]
        addresses = ";".join([other.properties.get(EMAIL, ""), *further]).split(";")
        merged[ADDITIONAL_EMAILS] = ";".join(
            dict.fromkeys(one for one in addresses if one and one != properties.get(EMAIL))
        )
    return {name: value for name, value in merged.items() if value}


def _old_ids(primary: Record, other: Record, *ids: str) -> list[str]:
    earlier = [record.properties.get("hs_merged_object_ids", "") for record in (primary, other)]
    return [one for text in (*earlier, *ids) for one in text.split(";") if one]


def _tell_ids(store: RecordStore, survivor: Record, old_ids: list[str]) -> None:
    # source: HubSpot docs "Contacts": hs_all_contact_vids names every id that a contact has had
    if "hs_all_contact_vids" in store.definitions:
        store.derive(survivor, "hs_all_contact_vids", ";".join([survivor.id, *old_ids]))
