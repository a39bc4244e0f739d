"""The properties API: definitions and groups, one by one and in batches."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot import errors
from saas_simulators.hubspot.calls import Call, as_list, as_object, as_string, object_body
from saas_simulators.hubspot.definitions import FIELD_TYPES, PropertyDefinition, option
from saas_simulators.hubspot.errors import HubSpotError
from saas_simulators.hubspot.values import iso

if TYPE_CHECKING:
    from saas_simulators.hubspot.records import RecordStore

# source: HubSpot docs "Properties"
MAX_UNIQUE = 10
MAX_CUSTOM = 1_000
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
REQUIRED = ("groupName", "name", "label", "type", "fieldType")
CHANGEABLE = {"label": "label", "description": "description", "groupName": "group", "displayOrder": "display_order"}


def listing(call: Call) -> Reply:
    """Return every property of an object type, unpaged."""
    is_archived = call.flag("archived")
    shown = [d.as_json() for d in call.store.definitions.values() if d.is_archived == is_archived]
    return json_reply(200, {"results": shown})


def get(call: Call) -> Reply:
    """Return one property; an archived one where the query says so."""
    name = call.parameters["name"]
    definition = call.store.definitions.get(name)
    if call.flag("archived") and definition is not None and definition.is_archived:
        return json_reply(200, definition.as_json())
    return json_reply(200, _find(call.store, name).as_json())


def create(call: Call) -> Reply:
    """Create one property; an archived one of the same name comes back."""
    store = call.store
    definition = _create(call, store, object_body(call.body))
    # source: recording captaincontrat v3_properties.json: the object type as in the request
    location = f"https://api.hubapi.com/crm/v3/properties/{call.parameters['object_type']}/{definition.name}"
    return json_reply(201, definition.as_json(), {"Location": location})


def update(call: Call) -> Reply:
    """Change label, description, group, order, visibility or options; options are replaced as a whole.

    What cannot be changed, such as `hasUniqueValue`, is passed over with success.
    """
    # source: live runs of October 2026: hasUniqueValue in a PATCH answers 200 and keeps the value
    store = call.store
    definition = _find(store, call.parameters["name"])
    body = object_body(call.body)
    if definition.is_hubspot_defined and set(body) - {"options"}:
        # inferred from modificationMetadata.readOnlyDefinition being true
        message = f"Property {definition.name} is defined by HubSpot and its definition cannot be changed"
        raise errors.validation(message)
    for key, attribute in CHANGEABLE.items():
        if key in body:
            setattr(definition, attribute, body[key])
    definition.is_hidden = bool(body.get("hidden", definition.is_hidden))
    definition.is_form_field = bool(body.get("formField", definition.is_form_field))
    if "options" in body:
        definition.options = _options(body["options"])
    definition.updated = iso(call.account.now_ms())
    store.define(definition)
    call.account.note_definition("property_updated", store.type.name, definition.name)
    return json_reply(200, definition.as_json())


def archive(call: Call) -> Reply:
    """Archive one property."""
    _archive(call, call.store, call.parameters["name"])
    return Reply(204)


def batch_create(call: Call) -> Reply:
    """Create properties; those that are refused are named in `errors`."""
    store = call.store
    created, failed = [], []
    for given in as_list(object_body(call.body, "inputs")["inputs"]):
        try:
            created.append(_create(call, store, as_object(given)).as_json())
        except HubSpotError as error:
            failed.append({"status": "error", "message": str(error), **error.body})
    return _batch_answer(call, created, failed, ok=201)


def batch_read(call: Call) -> Reply:
    """Return the named properties; unknown names are left out (inferred)."""
    store = call.store
    names = [as_string(as_object(given).get("name")) for given in as_list(object_body(call.body, "inputs")["inputs"])]
    return _batch_answer(call, [store.definitions[name].as_json() for name in names if name in store.definitions], [])


def batch_archive(call: Call) -> Reply:
    """Archive the named properties."""
    store = call.store
    for given in as_list(object_body(call.body, "inputs")["inputs"]):
        _archive(call, store, as_string(as_object(given).get("name")))
    return Reply(204)


def groups(call: Call) -> Reply:
    """Return the groups of an object type."""
    return json_reply(200, {"results": [_group(name, label) for name, label in call.store.type.groups.items()]})


def group(call: Call) -> Reply:
    """Return one group."""
    name = call.parameters["name"]
    if name not in call.store.type.groups:
        raise _unknown(name, "group")
    return json_reply(200, _group(name, call.store.type.groups[name]))


def create_group(call: Call) -> Reply:
    """Create a group."""
    body = object_body(call.body, "name", "label")
    name = as_string(body["name"])
    if name in call.store.type.groups:
        # inferred by analogy with properties
        message = f"A property group named '{name}' already exists."
        raise HubSpotError(409, message, category="OBJECT_ALREADY_EXISTS")
    call.store.type.groups[name] = as_string(body["label"])
    return json_reply(201, _group(name, as_string(body["label"])))


def update_group(call: Call) -> Reply:
    """Change a group's label."""
    name = call.parameters["name"]
    groups = call.store.type.groups
    if name not in groups:
        raise _unknown(name, "group")
    groups[name] = as_string(object_body(call.body).get("label") or groups[name])
    return json_reply(200, _group(name, groups[name]))


def archive_group(call: Call) -> Reply:
    """Archive a group that has no property any more."""
    name, store = call.parameters["name"], call.store
    if name not in store.type.groups:
        raise _unknown(name, "group")
    if any(one.group == name and not one.is_archived for one in store.definitions.values()):
        # source: live runs of September 2026: the refusal stands as JSON inside the message, without a category outside
        nested = {
            "status": "error",
            "message": "Can't delete or purge a group with active properties",
            "category": errors.VALIDATION,
            "subCategory": "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES",
        }
        raise HubSpotError(400, json.dumps(nested, separators=(",", ":")))
    del store.type.groups[name]
    return Reply(204)


def parse_definition(store: RecordStore, body: dict[str, Any], moment: str) -> PropertyDefinition:
    """Return the definition that a body describes.

    Raises:
        HubSpotError: 400 with what is missing or wrong.
    """
    if missing := [name for name in REQUIRED if body.get(name) is None]:
        raise errors.required_fields(missing)
    name, kind, field_type = (as_string(body[key]) for key in ("name", "type", "fieldType"))
    for problem in _problems(store, body, name, kind, field_type):
        raise errors.validation(problem)
    _check_options(body, kind, field_type)
    return PropertyDefinition(
        name=name,
        label=as_string(body["label"]),
        type=kind,
        field_type=field_type,
        group=as_string(body["groupName"]),
        options=_options(body.get("options") or []),
        description=as_string(body.get("description") or ""),
        is_unique=bool(body.get("hasUniqueValue")),
        is_calculated=field_type == "calculation_equation",
        is_hidden=bool(body.get("hidden")),
        is_form_field=bool(body.get("formField")),
        is_owner=body.get("referencedObjectType") == "OWNER",
        display_order=body.get("displayOrder", -1),
        created=moment,
        updated=moment,
    )


def _problems(store: RecordStore, body: dict[str, Any], name: str, kind: str, field_type: str) -> list[str]:
    """Return what is wrong with a new definition. inferred: the texts; the rules are documented."""
    found = []
    if not NAME.fullmatch(name):
        found.append(f"Property name {name} is invalid: lower-case letters, digits and underscores, a letter first")
    if kind not in FIELD_TYPES:
        found.append(f"{kind} is not a property type; allowed: {', '.join(FIELD_TYPES)}")
    elif field_type not in FIELD_TYPES[kind]:
        found.append(f"{field_type} is not a field type of {kind}; allowed: {', '.join(FIELD_TYPES[kind])}")
    if as_string(body["groupName"]) not in store.type.groups:
        found.append(f"property group {body['groupName']} does not exist")
    custom = [d for d in store.definitions.values() if not d.is_hubspot_defined and not d.is_archived]
    if body.get("hasUniqueValue") and sum(d.is_unique for d in custom) >= MAX_UNIQUE:
        found.append(f"At most {MAX_UNIQUE} properties per object can have unique values")
    if len(custom) >= MAX_CUSTOM:
        found.append(f"At most {MAX_CUSTOM} custom properties per object")
    return found


def _check_options(body: dict[str, Any], kind: str, field_type: str) -> None:
    """Refuse options that do not fit: enumerations need some, a boolean exactly its two."""
    # source: HubSpot API reference (required for enumerations); live run of September 2026 (the boolean's code, while
    # its place in the body is inferred)
    if field_type == "calculation_equation" or body.get("externalOptions"):
        return
    values = {as_object(one).get("value") for one in as_list(body.get("options") or [])}
    if kind == "enumeration" and not values:
        raise errors.required_fields(["options"])
    if kind == "bool" and values != {"true", "false"}:
        message = "A boolean property must have exactly the options true and false"
        raise errors.validation(message, subCategory="PropertyValidationError.INVALID_BOOLEAN_OPTION")


def _create(call: Call, store: RecordStore, body: dict[str, Any]) -> PropertyDefinition:
    definition = parse_definition(store, body, iso(call.account.now_ms()))
    existing = store.definitions.get(definition.name)
    if existing is not None and not existing.is_archived:
        # source: live notes on the properties API
        message = f"A property named '{definition.name}' already exists."
        raise HubSpotError(
            409, message, category="OBJECT_ALREADY_EXISTS", subCategory="Properties.PROPERTY_WITH_NAME_EXISTS"
        )
    store.define(definition)
    call.account.note_definition("property_created", store.type.name, definition.name)
    return definition


def _archive(call: Call, store: RecordStore, name: str) -> None:
    definition = _find(store, name)
    if definition.is_hubspot_defined:
        # source: live notes: the sub-category; inferred: the text
        message = f"Property {name} cannot be deleted"
        sub_category = "PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE"
        raise errors.validation(message, subCategory=sub_category)
    definition.is_archived = True
    store.define(definition)
    call.account.note_definition("property_archived", store.type.name, name)


def _find(store: RecordStore, name: str) -> PropertyDefinition:
    definition = store.definitions.get(name)
    if definition is None or definition.is_archived:
        raise _unknown(name, "property")
    return definition


def _unknown(name: str, kind: str) -> HubSpotError:
    # source: live notes (status and category); inferred: the text
    return HubSpotError(404, f"The {kind} named '{name}' does not exist.", category="OBJECT_NOT_FOUND")


def _options(given: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    """Return options as they are stored; each needs a label and a value."""
    options = []
    for order, one in enumerate(as_list(given)):
        spec = as_object(one)
        if missing := [name for name in ("label", "value") if spec.get(name) is None]:
            raise errors.required_fields([f"options[{order}].{name}" for name in missing])
        stored = option(as_string(spec["value"]), as_string(spec["label"]), spec.get("displayOrder", order))
        options.append(stored | {"hidden": bool(spec.get("hidden"))})
    return options


def _group(name: str, label: str) -> dict[str, Any]:
    return {"name": name, "label": label, "displayOrder": -1, "archived": False}


def _batch_answer(call: Call, results: list[dict[str, Any]], failed: list[dict[str, Any]], *, ok: int = 200) -> Reply:
    now = iso(call.account.now_ms())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if failed:
        body |= {"numErrors": len(failed), "errors": failed}
    return json_reply(207 if failed else ok, body)
