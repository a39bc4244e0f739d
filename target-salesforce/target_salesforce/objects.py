"""Salesforce's objects and fields as the core's schemas: pure."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.sameness import is_same
from reverse_etl_core.schema import Field, FieldType, ObjectSchema, frozen
from target_salesforce.limits import ARCHIVE, BATCH, HARD_DELETE, JOBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reverse_etl_core.operations import Value
    from reverse_etl_core.schema import JobLimits

ID_FIELD = "Id"
RECORD_TYPE_FIELD = "RecordTypeId"
EMAIL_FIELD = "Email"
NAMES_IN_MESSAGE = 30
SHORT_ID = 15
"""Characters that make up a record's id; three more only repeat which of them are capitals (api/salesforce.md 5.2)."""

_TYPES = {
    "boolean": FieldType.BOOLEAN,
    "int": FieldType.INTEGER,
    "long": FieldType.INTEGER,
    "double": FieldType.NUMBER,
    "currency": FieldType.NUMBER,
    "percent": FieldType.NUMBER,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "email": FieldType.EMAIL,
    "multipicklist": FieldType.OPTIONS,
}
"""What is no other type travels as text. source: partner WSDL v47, fieldType (api/salesforce.md 4)."""
_IDS = frozenset({"id", "reference"})
_COMPOUND = frozenset({"address", "location", "complexvalue"})
"""Written by their components (`BillingStreet`) only."""
_HIDDEN = _COMPOUND | {"anyType", "base64", "encryptedstring"}
"""A query shows their parts, an address or a mask. source: api/salesforce.md 5.1; describe's `mask`"""
_TEXTS = (FieldType.STRING, FieldType.EMAIL)


@dataclass(frozen=True, slots=True)
class Relationship:
    """How a field that points to other records is named by relationship.

    Attributes:
        name: `Account` for the field `AccountId`.
        targets: Objects that it may point to.
        is_polymorphic: Whether there may be more than one of them.
    """

    name: str
    targets: tuple[str, ...]
    is_polymorphic: bool


@dataclass(frozen=True, slots=True)
class SObject:
    """One object, with what only Salesforce needs to know of it.

    Attributes:
        schema: What core knows.
        relationships: By field name; only fields whose relationship has a name, without which no value can be given.
        times: Fields that hold a time of day.
        hidden: Fields whose values no query gives.
    """

    schema: ObjectSchema
    relationships: Mapping[str, Relationship]
    times: frozenset[str]
    hidden: frozenset[str] = frozenset()


# source: Bulk API 2.0 guide v66, "Create a Job", `assignmentRuleId`; REST API guide, "Assignment Rule Header"
ASSIGNED = frozenset({"Case", "Lead"})
"""Objects whose records an assignment rule gives to somebody."""


def job_limits(api: str) -> JobLimits | None:
    """When bulk jobs are used, by the setting `api`: never, where they pay, or always."""
    if api == "rest":
        return None
    return replace(JOBS, records_from=1) if api == "bulk" else JOBS


def sobject(description: Mapping[str, Any], *, jobs: JobLimits | None) -> SObject:
    """An object from the reply of `GET sobjects/X/describe`.

    Args:
        description: The reply.
        jobs: What a bulk job may carry; `None` where none are used.
    """
    definitions = [one for one in _objects(description.get("fields")) if one.get("name")]
    fields = {str(one["name"]): _field(one, description) for one in definitions}
    # Salesforce can upsert by any field of these. By one that is not unique, an upsert whose reply was lost could meet
    # a second record that somebody made meanwhile, and two of them at the same time make two records: such records are
    # looked for before they are created.
    keys = [one for one in fields.values() if one.is_key and one.is_creatable]
    times = frozenset(str(one["name"]) for one in definitions if one.get("type") == "time")
    unique = {str(one["name"]) for one in definitions if one.get("unique")}
    upsert = frozenset(one.name for one in keys if one.name in unique)
    return SObject(
        schema=ObjectSchema(
            name=str(description["name"]),
            fields=frozen(fields),
            limits=BATCH,
            jobs=jobs,
            id_field=ID_FIELD,
            natural_match_field=_natural_match_field(definitions, fields, upsert, str(description["name"])),
            upsert_fields=upsert,
            required_to_create=tuple((str(one["name"]),) for one in definitions if _is_required(one)),
            # The flag says what the object allows and what the user may do.
            removals=(ARCHIVE, HARD_DELETE) if description.get("deletable") else (),
            shows=partial(shows, dict(_scales(definitions)), times),
        ),
        relationships=MappingProxyType(dict(_relationships(definitions))),
        times=times,
        hidden=frozenset(str(one["name"]) for one in definitions if one.get("type") in _HIDDEN),
    )


def _scales(definitions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """The decimals of each field that holds a number."""
    for one in definitions:
        if _TYPES.get(str(one.get("type"))) is FieldType.NUMBER and isinstance(one.get("scale"), int):
            yield str(one["name"]), one["scale"]


def shows(scales: Mapping[str, int], times: frozenset[str], field: Field, wanted: Value, current: Value) -> bool:
    """Whether Salesforce would show a wanted value as it shows the current one: `ObjectSchema.shows`.

    Times of day are kept to the millisecond, and ids have 15 characters or 18.

    Args:
        scales: Decimals by field.
        times: Fields that hold a time of day.
        field: The field.
        wanted: The mapped value.
        current: What a query shows.

    >>> price = Field("Price__c", FieldType.NUMBER)
    >>> [shows({"Price__c": 2}, frozenset(), price, Decimal("1.005"), current) for current in (1.005, 1.01, 1.004)]
    [True, True, False]
    """
    scale = scales.get(field.name)
    if scale is not None and isinstance(wanted, (int, float, Decimal)):
        return is_same(field, wanted, current) or _is_kept_as(Decimal(str(wanted)), current, scale)
    if field.references and isinstance(wanted, str) and isinstance(current, str):
        return wanted[:SHORT_ID] == current[:SHORT_ID]
    if field.name in times and isinstance(wanted, str) and isinstance(current, str):
        return _clock(wanted) == _clock(current)
    return is_same(field, wanted, current)


def _clock(text: str) -> str:
    """A time of day to the millisecond."""
    seconds, _, fraction = text.strip().removesuffix("Z").partition(".")
    return f"{seconds}.{fraction[:3]:0<3}"


def _is_kept_as(wanted: Decimal, current: Value, scale: int) -> bool:
    """Whether a number with more decimals than its field has is there: as a double, or rounded to the field's decimals.

    What comes by the API is kept whole; where somebody saves it in the user interface, it may be rounded.
    source: Salesforce Help 000387302, "Salesforce Number Field Stores More Decimal Places Than Defined When Set via API
    or Apex", May 2026
    """
    if isinstance(current, bool) or not isinstance(current, (int, float, Decimal)):
        return False
    if float(wanted) == float(current):
        return True
    kept, digit = Decimal(str(current)), Decimal(1).scaleb(-scale)
    try:
        is_rounded = kept == kept.quantize(digit)
    except InvalidOperation:  # more digits than there can be
        return False
    return is_rounded and abs(wanted - kept) * 2 <= digit


def _natural_match_field(
    definitions: Sequence[Mapping[str, Any]], fields: Mapping[str, Field], upsert: frozenset[str], name: str
) -> str | None:
    """The only unique external id; else, for people, their e-mail, which several of them may share."""
    external = [str(one["name"]) for one in definitions if one.get("externalId") and one["name"] in upsert]
    if len(external) == 1:
        return external[0]
    has_email = name in ("Contact", "Lead") and EMAIL_FIELD in fields and fields[EMAIL_FIELD].is_key
    return EMAIL_FIELD if has_email else None


def _is_required(definition: Mapping[str, Any]) -> bool:
    """source: real describes (api/salesforce.md 4): Account Name, Lead LastName and Company; not Name for persons."""
    return bool(definition.get("createable")) and not (
        definition.get("nillable") or definition.get("defaultedOnCreate") or definition.get("type") == "boolean"
    )


def _relationships(definitions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Relationship]]:
    for one in definitions:
        targets = _names(one.get("referenceTo"))
        if targets and one.get("relationshipName"):
            is_polymorphic = len(targets) > 1 or bool(one.get("polymorphicForeignKey"))
            yield str(one["name"]), Relationship(str(one["relationshipName"]), targets, is_polymorphic)


def _field(definition: Mapping[str, Any], description: Mapping[str, Any]) -> Field:
    name, kind = str(definition["name"]), str(definition.get("type"))
    own_type = _type(definition)
    is_writable = kind not in _COMPOUND and kind != "id" and not definition.get("calculated")
    is_creatable = is_writable and bool(definition.get("createable"))
    options: tuple[str, ...] = _options(definition, own_type)
    aliases: dict[str, str] = {}
    record_types = _record_types(description) if name == RECORD_TYPE_FIELD else ()
    if record_types:
        own_type, options, aliases = FieldType.OPTION, tuple(record_types), _spellings(record_types)
    length = definition.get("length")
    return Field(
        name=name,
        type=own_type,
        label=str(definition.get("label") or ""),
        is_creatable=is_creatable,
        is_updatable=is_writable and bool(definition.get("updateable")),
        is_key=kind != "id" and _is_lookup(definition),
        is_case_sensitive=_is_case_sensitive(definition, kind),
        max_length=length if own_type in _TEXTS and isinstance(length, int) and length > 0 else None,
        options=options,
        aliases=aliases,
        # Without a relationship's name (Opportunity.ContactId) no value but an id can be given.
        references=_names(definition.get("referenceTo")) if definition.get("relationshipName") else (),
    )


def _type(definition: Mapping[str, Any]) -> FieldType:
    kind = str(definition.get("type"))
    if kind == "picklist" and definition.get("restrictedPicklist"):
        return FieldType.OPTION
    # source: real describes: most standard picklists are not restricted, and then take any text (api/salesforce.md 4)
    return _TYPES.get(kind, FieldType.STRING)


def _is_lookup(definition: Mapping[str, Any]) -> bool:
    return (
        bool(definition.get("idLookup") or definition.get("externalId")) and definition.get("filterable") is not False
    )


def _is_case_sensitive(definition: Mapping[str, Any], kind: str) -> bool:
    """Ids of 15 characters are, whatever the flag says; e-mails are not."""
    return kind in _IDS or (kind != "email" and bool(definition.get("caseSensitive")))


def _options(definition: Mapping[str, Any], own_type: FieldType) -> tuple[str, ...]:
    """The values of a restricted picklist; any value goes for one that is not."""
    if own_type not in (FieldType.OPTION, FieldType.OPTIONS) or not definition.get("restrictedPicklist"):
        return ()
    given = _objects(definition.get("picklistValues"))
    return tuple(str(one["value"]) for one in given if one.get("active") and one.get("value") is not None)


def _record_types(description: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Record types that the user of this sync may choose, by id; the master stands for 'none'."""
    return {
        str(one["recordTypeId"]): one
        for one in _objects(description.get("recordTypeInfos"))
        if one.get("active") and one.get("available") and not one.get("master") and one.get("recordTypeId")
    }


def _spellings(record_types: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Developer names, and names and short ids where nothing else is spelt so, in lower case: core ignores case."""
    found: dict[str, str] = {}
    for key in ("developerName", "name"):
        for record_type_id, one in record_types.items():
            if one.get(key):
                found.setdefault(str(one[key]).strip().lower(), record_type_id)
    short = [one[:SHORT_ID].lower() for one in record_types]
    return found | {name: one for name, one in zip(short, record_types, strict=True) if short.count(name) == 1}


def no_such_object(name: str, listing: object) -> ConfigError:
    """The error for a name that means nothing in this org.

    Args:
        name: As the user wrote it.
        listing: The reply of `GET sobjects`.
    """
    known = {str(one["name"]): one for one in _objects(_get(listing, "sobjects")) if one.get("name")}
    spellings = {
        str(spelling).lower(): canonical
        for canonical, one in known.items()
        for spelling in (one.get("labelPlural"), one.get("label"), canonical)
        if spelling
    }
    wanted = name.strip().lower()
    close = difflib.get_close_matches(wanted, spellings, n=3) + [one for one in spellings if one == f"{wanted}__c"]
    hint = " or ".join(f"'{one}'" for one in dict.fromkeys(spellings[spelling] for spelling in close))
    writable = [canonical for canonical, one in known.items() if one.get("createable") and one.get("layoutable", True)]
    shown = ", ".join(writable[:NAMES_IN_MESSAGE]) + (", …" if len(writable) > NAMES_IN_MESSAGE else "")
    return ConfigError(
        f"There is no object '{name}' in Salesforce that the user of this sync sees."
        + (f" Did you mean {hint}?" if hint else f" There are: {shown}.")
    )


def _get(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
