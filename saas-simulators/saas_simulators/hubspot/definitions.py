"""What a property and an object type are, and the standard ones of a new account."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

ACCOUNT_BORN = "2018-04-09T13:16:56.625Z"

# type -> the field types that it may be shown with; the first is the default.
# source: HubSpot docs "Properties"; read-only kinds are left out
FIELD_TYPES = {
    "string": ("text", "textarea", "file", "html", "phonenumber", "calculation_equation"),
    "number": ("number", "calculation_equation"),
    "bool": ("booleancheckbox", "calculation_equation"),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox", "calculation_equation"),
    "date": ("date",),
    "datetime": ("date",),
    "phone_number": ("phonenumber",),
}

# Every object type has these. source: recordings captaincontrat v3_objects.json, grouparoo property lists
_COMMON = (
    ["hs_object_id", "Record ID", "number", "number", "", "readonly"],
    ["hs_object_source", "Record source detail", "string", "text", "", "readonly", "hidden"],
    ["hs_object_source_id", "Record source ID", "string", "text", "", "readonly", "hidden"],
    ["hs_object_source_label", "Record source", "string", "text", "", "readonly"],
    ["hs_merged_object_ids", "Merged record IDs", "enumeration", "checkbox", "", "readonly", "free"],
    ["hs_created_by_user_id", "Created by user ID", "number", "number", "", "readonly"],
    ["hs_updated_by_user_id", "Updated by user ID", "number", "number", "", "readonly"],
    ["hs_unique_creation_key", "Unique creation key", "string", "text", "", "readonly", "hidden", "unique"],
)
_CUSTOM_COMMON = (
    ["hs_createdate", "Object create date/time", "datetime", "date", "", "readonly"],
    ["hs_lastmodifieddate", "Object last modified date/time", "datetime", "date", "", "readonly"],
    ["hubspot_owner_id", "Owner", "enumeration", "select", "", "owner"],
)


@dataclass(slots=True)
class PropertyDefinition:
    """One property of an object type."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    options: list[dict[str, Any]] = field(default_factory=list)
    description: str = ""
    is_unique: bool = False
    is_read_only: bool = False
    is_calculated: bool = False
    is_hidden: bool = False
    is_form_field: bool = False
    is_owner: bool = False
    is_free: bool = False
    is_hubspot_defined: bool = False
    is_archived: bool = False
    display_order: int = -1
    created: str = ACCOUNT_BORN
    updated: str = ACCOUNT_BORN

    @property
    def has_several_values(self) -> bool:
        """Whether a value is a `;`-separated list."""
        return self.type == "enumeration" and self.field_type == "checkbox"

    def as_json(self) -> dict[str, Any]:
        """Return the definition as the properties API shows it."""
        # source: recording captaincontrat v3_properties.json (keys and their order); hubspotDefined and
        # referencedObjectType: recordings grouparoo
        shown: dict[str, Any] = {
            "updatedAt": self.updated,
            "createdAt": self.created,
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": self.options,
        }
        if self.is_owner:
            shown["referencedObjectType"] = "OWNER"
        if not self.is_hubspot_defined:
            shown |= {"createdUserId": "5555888", "updatedUserId": "5555888"}
        return shown | self._flags()

    def _flags(self) -> dict[str, Any]:
        flags: dict[str, Any] = {
            "displayOrder": self.display_order,
            "calculated": self.is_calculated,
            "externalOptions": self.is_owner,
            "archived": self.is_archived,
            "hasUniqueValue": self.is_unique,
            "hidden": self.is_hidden,
        }
        if self.is_hubspot_defined:
            flags["hubspotDefined"] = True
        flags["modificationMetadata"] = {
            "archivable": not self.is_hubspot_defined,
            "readOnlyDefinition": self.is_hubspot_defined,
            "readOnlyValue": self.is_read_only or self.is_calculated,
        }
        flags["formField"] = self.is_form_field
        flags["dataSensitivity"] = "non_sensitive"
        return flags


@dataclass(slots=True)
class ObjectType:
    """One object type: its names, its special properties, its pipelines."""

    name: str
    singular: str
    type_id: str
    labels: tuple[str, str]
    created: str
    modified: str
    primary: str
    shown: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    required_any: tuple[str, ...] = ()
    stage: str | None = None
    pipeline: str | None = None
    pipelines: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    searchable: tuple[str, ...] = ()
    born: str = ACCOUNT_BORN

    @property
    def is_custom(self) -> bool:
        """Whether the account defined it."""
        return self.type_id.startswith("2-")

    @property
    def code(self) -> str:
        """The name in error messages."""
        return self.singular.upper()

    @property
    def shown_by_default(self) -> tuple[str, ...]:
        """What a read returns when it names no properties."""
        # source: recordings grouparoo, captaincontrat
        return (self.created, self.modified, "hs_object_id", *self.shown)


def option(value: str, label: str | None = None, order: int = -1) -> dict[str, Any]:
    """Return one option of an enumeration."""
    return {"label": label or value, "value": value, "displayOrder": order, "hidden": False}


def standard_objects() -> list[tuple[ObjectType, list[PropertyDefinition]]]:
    """Return the standard object types, each with its properties; fresh copies on every call."""
    return [_object(name, spec) for name, spec in _table().items()]


def custom_properties(group: str) -> list[PropertyDefinition]:
    """Return the properties that HubSpot gives every custom object."""
    return [_definition([*row[:4], group, *row[5:]], {}) for row in (*_COMMON, *_CUSTOM_COMMON)]


@cache
def _table() -> dict[str, dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = files(__package__).joinpath("standard.yml").read_text(encoding="utf-8")
    table: dict[str, dict[str, Any]] = yaml.load(text, loader)  # noqa: S506 - a safe loader, in C where there is one
    return table


def _object(name: str, spec: dict[str, Any]) -> tuple[ObjectType, list[PropertyDefinition]]:
    object_type = ObjectType(
        name=name,
        singular=spec["singular"],
        type_id=spec["type_id"],
        labels=tuple(spec["labels"]),
        created=spec["created"],
        modified=spec["modified"],
        primary=spec["primary"],
        shown=tuple(spec["shown"]),
        required=tuple(spec.get("required", ())),
        required_any=tuple(spec.get("required_any", ())),
        stage=spec.get("stage"),
        pipeline=spec.get("pipeline"),
        pipelines={key: dict(value) for key, value in spec.get("pipelines", {}).items()},
        groups=dict(spec["groups"]),
    )
    options = {key: _options(texts) for key, texts in spec.get("options", {}).items()} | _stages(object_type)
    group = next(iter(object_type.groups))
    common = [[*row[:4], group, *row[5:]] for row in _COMMON]
    return object_type, [_definition(row, options) for row in (*spec["properties"], *common)]


def _options(texts: list[str]) -> list[dict[str, Any]]:
    pairs = [text.split("/", 1) for text in texts]
    return [option(value, label, order) for order, (value, label) in enumerate(pairs)]


def _stages(object_type: ObjectType) -> dict[str, list[dict[str, Any]]]:
    """Return the options of the pipeline and stage properties."""
    if not object_type.stage or not object_type.pipeline:
        return {}
    pipelines = object_type.pipelines
    stages = [pair for pipeline in pipelines.values() for pair in pipeline["stages"].items()]
    return {
        object_type.pipeline: [option(key, value["label"]) for key, value in pipelines.items()],
        object_type.stage: [option(key, label, order) for order, (key, label) in enumerate(stages)],
    }


def _definition(row: list[str], options: dict[str, list[dict[str, Any]]]) -> PropertyDefinition:
    name, label, kind, field_type, group, *flags = row
    return PropertyDefinition(
        name=name,
        label=label,
        type=kind,
        field_type=field_type,
        group=group,
        options=list(options.get(name, [])),
        is_unique="unique" in flags,
        is_read_only="readonly" in flags,
        is_calculated="calculated" in flags,
        is_hidden="hidden" in flags,
        is_form_field="form" in flags,
        is_owner="owner" in flags,
        is_free="free" in flags,
        is_hubspot_defined=True,
    )
