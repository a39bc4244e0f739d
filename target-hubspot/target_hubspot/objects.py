"""HubSpot's objects and properties as core's schemas: pure.

source: HubSpot docs "Properties", "Understanding the CRM"; recorded definitions (`v3_properties.json`).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import Field, FieldType, ObjectSchema, frozen
from target_hubspot.limits import BATCH, TEXT_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RECORD_ID = "hs_object_id"


@dataclass(frozen=True, slots=True)
class StandardObject:
    """What the API does not tell of an object.

    Attributes:
        name: In paths and in the ledger.
        type_id: The API's number for it.
        singular: The other name that users write.
        natural_match_field: Unique although its definition does not say so.
        required_to_create: One of each group must have a value.
    """

    name: str
    type_id: str
    singular: str
    natural_match_field: str | None = None
    required_to_create: tuple[tuple[str, ...], ...] = ()


# source: HubSpot docs of each object, "Create"; type ids from recordings and docs.
STANDARD_OBJECTS = (
    StandardObject("contacts", "0-1", "contact", "email", (("email", "firstname", "lastname"),)),
    StandardObject("companies", "0-2", "company", None, (("name", "domain"),)),
    StandardObject("deals", "0-3", "deal", None, (("dealname",),)),
    StandardObject("tickets", "0-5", "ticket", None, (("subject",), ("hs_pipeline_stage",))),
    StandardObject("products", "0-7", "product", None, (("name",),)),
    StandardObject("line_items", "0-8", "line_item"),
)

_TYPES = {
    "bool": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "number": FieldType.NUMBER,
    "enumeration": FieldType.OPTION,
}
"""Property types other than text; what is not here (`string`, `phone_number`, `json`, …) is text."""

_MULTIPLE = "checkbox"
"""The `fieldType` of an enumeration that holds several options."""


def standard_object(name: str) -> StandardObject | None:
    """A standard object by plural, singular, upper case or type id.

    >>> standard_object("CONTACT").name
    'contacts'
    """
    wanted = name.strip().lower()
    return next((one for one in STANDARD_OBJECTS if wanted in (one.name, one.singular, one.type_id)), None)


def custom_object(name: str, schemas: Iterable[Mapping[str, Any]]) -> StandardObject:
    """A custom object by name, fully qualified name, type id or label.

    Args:
        name: As the user wrote it.
        schemas: `results` of the schemas endpoint.

    Raises:
        ConfigError: There is none; the message names those that there are.
    """
    schemas = list(schemas)
    wanted = name.strip().lower()
    for schema in schemas:
        if wanted in _names(schema):
            qualified = str(schema.get("fullyQualifiedName") or schema["name"])
            required = tuple((str(one),) for one in schema.get("requiredProperties") or ())
            return StandardObject(qualified, str(schema["objectTypeId"]), str(schema["name"]), None, required)
    known = [one.name for one in STANDARD_OBJECTS] + [str(schema["name"]) for schema in schemas]
    close = difflib.get_close_matches(wanted, known, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    msg = f"HubSpot has no object '{name}'.{hint} There are: {', '.join(known)}. Set 'object' in 'streams'."
    raise ConfigError(msg)


def _names(schema: Mapping[str, Any]) -> set[str]:
    labels = schema.get("labels") or {}
    names = (schema.get("name"), schema.get("fullyQualifiedName"), schema.get("objectTypeId"), *labels.values())
    return {str(one).lower() for one in names if one} | {f"p_{schema.get('name')}".lower()}


def object_schema(one: StandardObject, definitions: Iterable[Mapping[str, Any]]) -> ObjectSchema:
    """The schema of an object from its property definitions (`results` of the properties endpoint)."""
    fields = {str(definition["name"]): _field(one, definition) for definition in definitions}
    return ObjectSchema(
        name=one.name,
        fields=frozen(fields),
        limits=BATCH,
        id_field=RECORD_ID,
        natural_match_field=one.natural_match_field,
        upsert_fields=frozenset(name for name, field in fields.items() if field.is_unique),
        required_to_create=one.required_to_create,
    )


def _field(one: StandardObject, definition: Mapping[str, Any]) -> Field:
    name = str(definition["name"])
    is_natural = name == one.natural_match_field
    kind = _kind(definition, is_email=is_natural and name == "email")
    rules = definition.get("modificationMetadata") or {}
    return Field(
        name=name,
        type=kind,
        label=str(definition.get("label") or ""),
        is_writable=not (rules.get("readOnlyValue") or definition.get("calculated")),
        # A contact's `email` is unique although its definition says `hasUniqueValue: false` (recorded).
        is_unique=(bool(definition.get("hasUniqueValue")) or is_natural) and name != RECORD_ID,
        # HubSpot stores addresses in lower case (seen on a live portal); other values: inferred to be exact.
        is_case_sensitive=kind is not FieldType.EMAIL,
        max_length=TEXT_LENGTH if kind in (FieldType.STRING, FieldType.EMAIL) else None,
        options=_options(definition, kind),
    )


def _kind(definition: Mapping[str, Any], *, is_email: bool) -> FieldType:
    if is_email:
        return FieldType.EMAIL
    kind = _TYPES.get(str(definition.get("type")), FieldType.STRING)
    if kind is FieldType.OPTION and definition.get("fieldType") == _MULTIPLE:
        return FieldType.OPTIONS
    return kind


def _options(definition: Mapping[str, Any], kind: FieldType) -> tuple[str, ...]:
    """The options' internal values; owners and the like come from elsewhere and list none (recorded)."""
    if kind not in (FieldType.OPTION, FieldType.OPTIONS) or definition.get("externalOptions"):
        return ()
    return tuple(str(option["value"]) for option in definition.get("options") or ())
