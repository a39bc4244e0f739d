"""Fields and objects of a seed file."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.definitions import (
    FIELD_TYPES,
    LENGTHS,
    NUMBER_TYPES,
    TEXT_TYPES,
    FieldDefinition,
    ObjectDefinition,
    parse_field,
    person_fields,
    system_fields,
)
from saas_simulators.seeds import SeedError, entries, expect_keys

if TYPE_CHECKING:
    from saas_simulators.salesforce.records import RecordStore
    from saas_simulators.salesforce.state import Org

FIELD_KEYS = {
    "name",
    "label",
    "type",
    "length",
    "precision",
    "scale",
    "required",
    "unique",
    "external_id",
    "case_sensitive",
    "values",
    "restricted",
    "default",
    "read_only",
    "calculated",
    "to",
    "relationship",
    "master_detail",
    "reparentable",
    "restricted_delete",
}
# key of the seed -> attribute of the definition, where the value is taken as it is
FLAGS = {
    "unique": "is_unique",
    "external_id": "is_external_id",
    "case_sensitive": "is_case_sensitive",
    "restricted": "is_restricted",
    "calculated": "is_calculated",
    "reparentable": "is_reparentable",
    "restricted_delete": "is_restricting",
}
WHOLE = ("length", "precision", "scale")


def add_object(org: Org, spec: dict[str, Any], place: str) -> None:
    """Add a custom object."""
    expect_keys(spec, {"name", "label", "plural", "fields"}, place, required={"name"})
    name = str(spec["name"])
    if not name.endswith("__c"):
        msg = f"{place}.name: '{name}' is not the name of a custom object; it must end with __c."
        raise SeedError(msg)
    if org.has_object(name):
        msg = f"{place}.name: there is an object '{name}' already."
        raise SeedError(msg)
    label = str(spec.get("label", name.removesuffix("__c").replace("_", " ")))
    definition = ObjectDefinition(
        name, label, str(spec.get("plural", f"{label}s")), org.next_custom_prefix(), is_custom=True
    )
    # source: describes of custom objects: the name is a key, and is given when it is left out
    fields = [*system_fields(label), parse_field(["Name", f"{label} Name", "string 80", "name", "idlookup"], {})]
    store = org.add_object(definition, fields)
    add_fields(org, store, spec.get("fields", []), f"{place}.fields")
    if not any(field.master_order is not None for field in store.fields.values()):
        # source: object reference: details of a master have its owner
        owner = ["OwnerId", "Owner ID", "reference", "required", "defaulted", "to:Group/User", "rel:Owner"]
        store.define(parse_field(owner, {}))


def add_person_accounts(org: Org) -> None:
    """Switch person accounts on: Account gets the fields of persons, and its name may be missing."""
    store = org.store("Account")
    for field in person_fields():
        store.define(field)
    # source: recording cumulusci GET_sobjects_Account_PersonAccount_describe
    store.define(dataclasses.replace(store.fields["Name"], is_nillable=True))
    org.has_person_accounts = True


def add_fields(org: Org, store: RecordStore, specs: Any, place: str) -> None:  # noqa: ANN401 - any YAML value
    """Add fields to an object, or change some of what the standard ones are."""
    for one_place, spec in entries(specs, place):
        expect_keys(spec, FIELD_KEYS, one_place, required={"name"})
        store.define(_changed(store, spec, one_place) or _custom(org, store, spec, one_place))


def _changed(store: RecordStore, spec: dict[str, Any], place: str) -> FieldDefinition | None:
    """Return a field that is there already, with what the seed says of it."""
    field = store.fields.get(str(spec["name"]))
    if field is None:
        return None
    if "type" in spec and spec["type"] != field.type:
        msg = f"{place}.type: {store.name}.{field.name} is of the type {field.type}, which cannot be changed."
        raise SeedError(msg)
    return dataclasses.replace(field, **_attributes(spec, place), label=str(spec.get("label", field.label)))


def _custom(org: Org, store: RecordStore, spec: dict[str, Any], place: str) -> FieldDefinition:
    name = str(spec["name"])
    if not name.endswith("__c") and name != "RecordTypeId":
        msg = f"{place}.name: {store.name} has no standard field '{name}', and a custom one must end with __c."
        raise SeedError(msg)
    kind = str(spec.get("type", "string"))
    if kind not in FIELD_TYPES:
        msg = f"{place}.type: {kind!r} is not a field type. Use one of {', '.join(sorted(FIELD_TYPES))}."
        raise SeedError(msg)
    field = FieldDefinition(name, str(spec.get("label", name.removesuffix("__c").replace("_", " "))), kind)
    field.is_custom = name.endswith("__c")
    field.length = LENGTHS.get(kind, 255 if kind in TEXT_TYPES else 0)
    if kind in NUMBER_TYPES and kind != "int":
        field.precision = 18
    if kind == "boolean":
        field = dataclasses.replace(field, is_nillable=False, is_defaulted=True, default=False)
    field = dataclasses.replace(field, **_attributes(spec, place))
    if kind == "reference":
        _refer(org, store, field, spec, place)
    return field


def _attributes(spec: dict[str, Any], place: str) -> dict[str, Any]:
    """Return what a seed says of a field, as attributes of its definition."""
    found: dict[str, Any] = {FLAGS[key]: bool(value) for key, value in spec.items() if key in FLAGS}
    for key in WHOLE:
        if key in spec:
            if not str(spec[key]).isdigit():
                msg = f"{place}.{key}: {spec[key]!r} is not a whole number."
                raise SeedError(msg)
            found[key] = int(spec[key])
    if "required" in spec:
        found["is_nillable"] = not spec["required"]
    if "external_id" in spec:
        found["is_id_lookup"] = bool(spec["external_id"])
    if "default" in spec:
        found |= {"default": spec["default"], "is_defaulted": True}
    if spec.get("read_only") or spec.get("calculated"):
        found |= {"is_createable": False, "is_updateable": False}
    if "values" in spec:
        found["options"] = _options(spec["values"], f"{place}.values")
    return found


def _options(given: Any, place: str) -> tuple[tuple[str, str], ...]:  # noqa: ANN401 - any YAML value
    if not isinstance(given, list):
        msg = f"{place}: expected a list of values, or of mappings with 'value' and 'label'."
        raise SeedError(msg)
    options = []
    for position, one in enumerate(given):
        value, label = (one.get("value"), one.get("label")) if isinstance(one, dict) else (one, None)
        if value is None:
            msg = f"{place}[{position}]: a value is missing."
            raise SeedError(msg)
        options.append((str(value), str(label or value)))
    return tuple(options)


def _refer(org: Org, store: RecordStore, field: FieldDefinition, spec: dict[str, Any], place: str) -> None:
    """Make a field a lookup or a master-detail reference."""
    targets = spec.get("to")
    targets = [targets] if isinstance(targets, str) else targets
    if not targets or not isinstance(targets, list):
        msg = f"{place}.to: a reference needs the object that it refers to, or a list of them."
        raise SeedError(msg)
    if unknown := [target for target in targets if not org.has_object(str(target)) and target != store.name]:
        msg = f"{place}.to: there is no object '{unknown[0]}'. Known: {', '.join(org.objects)}."
        raise SeedError(msg)
    field.reference_to = tuple(org.store(str(target)).name for target in targets)
    field.relationship = str(spec.get("relationship", f"{field.name.removesuffix('__c')}__r"))
    if spec.get("master_detail"):
        # source: describes of master-detail fields (relationshipOrder, cascadeDelete, updateable only if reparentable)
        field.master_order = sum(other.master_order is not None for other in store.fields.values())
        field.is_cascading = True
        field.is_nillable = False
        field.is_reparentable = bool(spec.get("reparentable"))
        field.is_updateable = field.is_reparentable
