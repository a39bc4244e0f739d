"""What a field and an object are, and the standard ones of a new org."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

TEXT_TYPES = frozenset(
    {"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox", "encryptedstring"}
)
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent"})
# source: partner WSDL v47, fieldType; the kinds that nobody can write are left out
FIELD_TYPES = TEXT_TYPES | NUMBER_TYPES | {"boolean", "date", "datetime", "time", "reference", "id", "address"}
# Where a length is not given. source: describes recorded by grouparoo and cumulusci
LENGTHS = {"id": 18, "reference": 18, "email": 80, "phone": 40, "multipicklist": 4099}
SYSTEM_FIELDS: tuple[list[str], ...] = (
    ["Id", "{label} ID", "id", "readonly", "required", "defaulted", "idlookup"],
    ["IsDeleted", "Deleted", "boolean", "readonly"],
    ["CreatedDate", "Created Date", "datetime", "readonly", "required", "defaulted"],
    ["CreatedById", "Created By ID", "reference", "readonly", "required", "defaulted", "to:User", "rel:CreatedBy"],
    ["LastModifiedDate", "Last Modified Date", "datetime", "readonly", "required", "defaulted"],
    [
        "LastModifiedById",
        "Last Modified By ID",
        "reference",
        "readonly",
        "required",
        "defaulted",
        "to:User",
        "rel:LastModifiedBy",
    ],
    ["SystemModstamp", "System Modstamp", "datetime", "readonly", "required", "defaulted"],
)


@dataclass(slots=True)
class FieldDefinition:
    """One field of an object."""

    name: str
    label: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    is_nillable: bool = True
    is_createable: bool = True
    is_updateable: bool = True
    is_defaulted: bool = False
    is_external_id: bool = False
    is_id_lookup: bool = False
    is_unique: bool = False
    is_case_sensitive: bool = False
    is_restricted: bool = False
    is_calculated: bool = False
    is_auto_number: bool = False
    is_name: bool = False
    is_custom: bool = False
    is_cascading: bool = False
    is_restricting: bool = False  # a row that is referred to cannot be deleted
    master_order: int | None = None  # 0 or 1: a master-detail reference
    is_reparentable: bool = True
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    compound: str | None = None
    options: tuple[tuple[str, str], ...] = ()  # value, label
    default: Any = None

    @property
    def is_required(self) -> bool:
        """Whether a new row must have a value."""
        return self.is_createable and not self.is_nillable and not self.is_defaulted

    @property
    def is_polymorphic(self) -> bool:
        """Whether it may refer to rows of several objects."""
        return len(self.reference_to) > 1

    @property
    def folds_case(self) -> bool:
        """Whether its values match without regard to case.

        source: describes (`caseSensitive` false); Apex guide, upsert: an external id that is not unique is matched
        exactly.
        """
        return not self.is_case_sensitive and (self.is_unique or not self.is_external_id)


@dataclass(slots=True)
class ObjectDefinition:
    """One object: its names and what may be done with its rows."""

    name: str
    label: str
    plural: str
    key_prefix: str
    is_custom: bool = False
    is_writable: bool = True
    is_deletable: bool = True  # what the user's permissions say
    children: dict[str, str] = field(default_factory=dict)  # "Contact.AccountId" -> relationship name


def standard_objects() -> list[tuple[ObjectDefinition, list[FieldDefinition]]]:
    """Return the standard objects, each with its fields; fresh copies on every call."""
    return [standard_object(name, spec) for name, spec in _table()["objects"].items()]


def person_fields() -> list[FieldDefinition]:
    """Return the fields that person accounts add to Account."""
    return [parse_field(row, {}) for row in _table()["person_fields"]]


def system_fields(label: str) -> list[FieldDefinition]:
    """Return the fields that every object has."""
    return [parse_field([row[0], row[1].format(label=label), *row[2:]], {}) for row in SYSTEM_FIELDS]


def standard_object(name: str, spec: dict[str, Any]) -> tuple[ObjectDefinition, list[FieldDefinition]]:
    """Return one object of the table."""
    definition = ObjectDefinition(
        name, spec["label"], spec["plural"], str(spec["prefix"]), is_writable=spec.get("writable", True)
    )
    options = {key: _options(values) for key, values in spec.get("picklists", {}).items()}
    return definition, system_fields(definition.label) + [parse_field(row, options) for row in spec["fields"]]


def parse_field(row: list[str], options: dict[str, tuple[tuple[str, str], ...]]) -> FieldDefinition:
    """Return the field of one line of the table; see the head of `standard.yml`."""
    name, label, kind, *flags = row
    kind, _, size = kind.partition(" ")
    made = FieldDefinition(name, label, kind)
    if kind in NUMBER_TYPES:
        made.precision, made.scale = map(int, size.split(".")) if size else (0, 0)
    else:
        made.length = int(size or LENGTHS.get(kind, 255 if kind in TEXT_TYPES else 0))
    values = {key: value for key, _, value in (flag.partition(":") for flag in flags)}
    made.options = options.get(name, ())
    made.reference_to = tuple(values["to"].split("/")) if "to" in values else ()
    made.relationship = values.get("rel")
    made.compound = values.get("in")
    made.default = _default(kind, values.get("default"))
    _set_flags(made, set(values))
    return made


def _set_flags(made: FieldDefinition, flags: set[str]) -> None:
    is_free = not flags & {"readonly", "auto", "calculated"}
    made.is_createable = is_free
    made.is_updateable = is_free and "createonly" not in flags
    # source: recorded describes: booleans are not nillable, but defaulted
    made.is_nillable = "required" not in flags and made.type != "boolean"
    made.is_defaulted = "defaulted" in flags or made.type == "boolean" or made.default is not None
    made.is_id_lookup = "idlookup" in flags
    made.is_name = "name" in flags
    made.is_auto_number = "auto" in flags
    made.is_calculated = "calculated" in flags
    made.is_restricted = "restricted" in flags
    made.is_cascading = "cascade" in flags
    made.is_unique = "unique" in flags


def _default(kind: str, text: str | None) -> Any:  # noqa: ANN401 - of the field's type
    if kind == "boolean":
        return text == "true"
    return text


def _options(values: list[str]) -> tuple[tuple[str, str], ...]:
    return tuple((str(value), str(value)) for value in values)


@cache
def _table() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = files(__package__).joinpath("standard.yml").read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.load(text, loader)  # noqa: S506 - a safe loader, in C where there is one
    return table
