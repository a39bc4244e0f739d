"""The schemas API: custom objects, and the shape of standard ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot import errors
from saas_simulators.hubspot.calls import Call, as_list, as_object, as_string, object_body
from saas_simulators.hubspot.definitions import ObjectType, custom_properties
from saas_simulators.hubspot.errors import HubSpotError
from saas_simulators.hubspot.properties import NAME, parse_definition
from saas_simulators.hubspot.values import iso

if TYPE_CHECKING:
    from saas_simulators.hubspot.records import RecordStore
    from saas_simulators.hubspot.state import Account


def listing(call: Call) -> Reply:
    """Return the custom objects."""
    account = call.account
    shown = [_shown(account, store) for store in account.stores.values() if store.type.is_custom]
    return json_reply(200, {"results": shown})


def get(call: Call) -> Reply:
    """Return one object type, standard ones too."""
    return json_reply(200, _shown(call.account, call.store))


def create(call: Call) -> Reply:
    """Create a custom object with its properties."""
    store = add_custom_object(call.account, object_body(call.body))
    return json_reply(201, _shown(call.account, store))


def archive(call: Call) -> Reply:
    """Remove a custom object that has no records."""
    store = call.store
    if not store.type.is_custom or store.live_count:
        # source: live notes on the schemas API (the code); inferred: the text
        message = f"{store.type.name} still has records or is not a custom object"
        raise errors.validation(message, subCategory="EXISTING_OBJECT_RECORDS")
    call.account.remove_type(store)
    call.account.note_definition("schema_archived", store.type.name, store.type.type_id)
    return Reply(204)


def add_custom_object(account: Account, body: dict[str, Any]) -> RecordStore:
    """Create a custom object from the body of a `POST /schemas`.

    Raises:
        HubSpotError: 400 or 409 with what is missing, wrong or taken.
    """
    if missing := [key for key in ("name", "labels", "requiredProperties", "properties") if body.get(key) is None]:
        raise errors.required_fields(missing)
    name = as_string(body["name"])
    labels = as_object(body["labels"])
    if not body.get("primaryDisplayProperty"):
        # source: live notes on the schemas API (the code); inferred: the text
        message = "A primary display property is required"
        raise errors.validation(message, subCategory="PRIMARY_DISPLAY_PROPERTY_REQUIRED")
    if not NAME.fullmatch(name.lower()):
        message = f"Object name {name} is invalid"
        raise errors.validation(message)
    if name in account.stores:
        message = f"An object named '{name}' already exists."
        raise HubSpotError(409, message, category="OBJECT_ALREADY_EXISTS")
    now = iso(account.now_ms())
    object_type = _object_type(account, name, labels, body, now)
    store = account.add_type(object_type, custom_properties(f"{name}_information"))
    try:
        for given in as_list(body["properties"]):
            store.define(parse_definition(store, _with_group(as_object(given), name), now))
        for associated in as_list(body.get("associatedObjects") or []):
            associate(account, store, account.store(as_string(associated)))
    except HubSpotError:
        account.remove_type(store)
        raise
    account.note_definition("schema_created", name, object_type.type_id)
    return store


def associate(account: Account, store: RecordStore, other: RecordStore) -> None:
    """Let records of a custom object be associated with those of another object, without a label."""
    # source: live runs of October 2026: the type without a label is USER_DEFINED where a custom object is part of it
    name = f"{store.type.singular}_to_{other.type.singular}"
    account.association_types.ensure_plain(store.type.type_id, other.type.type_id, name)


def _object_type(account: Account, name: str, labels: dict[str, Any], body: dict[str, Any], now: str) -> ObjectType:
    return ObjectType(
        name=name,
        singular=name,
        type_id=account.next_custom_type_id(),
        labels=(as_string(labels.get("singular") or name), as_string(labels.get("plural") or name)),
        created="hs_createdate",
        modified="hs_lastmodifieddate",
        primary=as_string(body["primaryDisplayProperty"]),
        required=tuple(map(as_string, as_list(body["requiredProperties"]))),
        groups={f"{name}_information": f"{name} information"},
        searchable=tuple(map(as_string, as_list(body.get("searchableProperties") or []))),
        born=now,
    )


def _with_group(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {**body, "groupName": body.get("groupName") or f"{name}_information"}


def _associations(account: Account, type_id: str) -> list[dict[str, Any]]:
    # source: HubSpot API reference "Custom objects" (keys); live runs of October 2026: labels are here by name
    found = account.association_types.of(type_id)
    return [
        {"fromObjectTypeId": one.from_type, "toObjectTypeId": one.to_type, "name": one.name, "id": str(one.id)}
        for one in found
    ]


def _shown(account: Account, store: RecordStore) -> dict[str, Any]:
    # source: recordings grouparoo (GET of a schema), keys
    object_type = store.type
    shown: dict[str, Any] = {
        "labels": dict(zip(("singular", "plural"), object_type.labels, strict=True)),
        "requiredProperties": list(object_type.required),
        "searchableProperties": list(object_type.searchable),
        "primaryDisplayProperty": object_type.primary,
        "secondaryDisplayProperties": [],
        "archived": False,
        "restorable": True,
        "metaType": "PORTAL_SPECIFIC" if object_type.is_custom else "HUBSPOT",
        "id": object_type.type_id.partition("-")[2],
        "createdAt": object_type.born,
        "updatedAt": object_type.born,
        "objectTypeId": object_type.type_id,
        "properties": [d.as_json() for d in store.definitions.values() if not d.is_archived],
        "associations": _associations(account, object_type.type_id),
        "name": object_type.name,
    }
    if object_type.is_custom:
        shown["fullyQualifiedName"] = account.qualified_name(object_type)
    return shown
