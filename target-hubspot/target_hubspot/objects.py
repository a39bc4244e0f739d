"""HubSpot's objects and properties as the core's schemas: pure."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import Field, FieldType, ObjectSchema, RemovalWay, frozen
from target_hubspot.limits import BATCH, PURGED_PER_REQUEST, TEXT_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ID_FIELD = "hs_object_id"
CONTACTS = "contacts"
EMAIL = "email"
ADDITIONAL_EMAILS = "hs_additional_emails"
"""Further addresses of a contact, separated by `;`: each of them finds it (live scenario, api/hubspot.md 3.4)."""

ARCHIVE = "archive"
"""Into the recycle bin, from which a person can take a record back for 90 days.

source: HubSpot docs, "Delete a contact", "Archive a company".
"""
DELETE = "delete"
"""For good, and for privacy: HubSpot's GDPR delete, which blocks the address too."""
NOT_REMOVABLE = frozenset({"feedback_submissions", "users"})
"""source: HubSpot docs: the Users API reads and updates; survey answers are read only."""


OWNER_PATTERN = "^[^@]+$"
"""Of an owner's id: whatever is no address. An address has to be that of an owner, for which its id stands."""


def is_owner(field: Field) -> bool:
    """Whether a property holds an owner of the account."""
    return field.pattern == OWNER_PATTERN


# source: HubSpot docs, "Properties": whether values are unique is decided when a property is created
MATCH_REMEDY = (
    "'create_match_property: true' creates the property that 'match_on' names, where there is none of that name; "
    "whether one that exists is unique cannot be changed."
)


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One kind of records.

    Attributes:
        name: As it stands in paths and in the ledger, whatever the user called it.
        spellings: Names that mean it, in lower case.
        required: Groups of properties; a new record needs at least one of each group.
    """

    name: str
    spellings: frozenset[str]
    required: tuple[tuple[str, ...], ...] = ()


def _standard(rows: str, required: Mapping[str, tuple[tuple[str, ...], ...]]) -> tuple[ObjectType, ...]:
    lines = [line.split() for line in rows.splitlines() if line.strip()]
    return tuple(ObjectType(line[0], frozenset(line), required.get(line[0], ())) for line in lines)


_REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    CONTACTS: ((EMAIL, "firstname", "lastname"),),
    "companies": (("name", "domain"),),
    "deals": (("dealname",),),
    "tickets": (("subject",), ("hs_pipeline_stage",)),
}
# source: HubSpot docs per object (api/hubspot.md 3.2). Whether deals need a stage is told both ways: HubSpot decides.

CORE_OBJECTS = _standard(
    """
    contacts contact 0-1
    companies company 0-2
    deals deal 0-3
    tickets ticket 0-5
    products product 0-7
    line_items line_item 0-8
    """,
    _REQUIRED,
)
"""Objects of every account. No custom object can have their names, so they resolve without a request (inferred)."""

OTHER_OBJECTS = _standard(
    """
    appointments appointment 0-421
    calls call 0-48
    carts cart 0-142
    communications communication 0-18
    courses course 0-410
    discounts discount 0-84
    emails email 0-49
    feedback_submissions feedback_submission 0-19
    fees fee 0-85
    goal_targets goal_target 0-74
    invoices invoice 0-53
    leads lead 0-136
    listings listing 0-420
    meetings meeting 0-47
    notes note 0-46
    orders order 0-123
    postal_mail 0-116
    projects project 0-970
    quotes quote 0-14
    services service 0-162
    subscriptions subscription 0-69
    tasks task 0-27
    taxes tax 0-86
    users user 0-115
    """,
    {},
)
"""Objects that an account may have. A custom object of the same name is the one that is meant."""
# source: HubSpot docs, "Understanding the CRM", object type ids, and the API catalogue's path names.

STANDARD_TYPE_ID = re.compile(r"0-\d+")
CUSTOM_REFERENCE = re.compile(r"2-\d+|p\d*_\w+", re.ASCII)


def core_object(name: str) -> ObjectType | None:
    """The object of every account that a name means; `None` where the account has to be asked."""
    wanted = name.strip().lower()
    return next((one for one in CORE_OBJECTS if wanted in one.spellings), None)


def custom_objects(reply: object) -> list[ObjectType]:
    """The custom objects in the reply of `GET schemas`."""
    return [_custom_object(one) for one in entries(reply) if one.get("objectTypeId")]


def _custom_object(definition: Mapping[str, Any]) -> ObjectType:
    """A custom object under its fully qualified name, which never changes and which no other object has."""
    type_id = str(definition["objectTypeId"])
    plain = str(definition.get("name") or type_id)
    labels = definition.get("labels")
    shown = labels.values() if isinstance(labels, dict) else ()
    qualified = str(definition.get("fullyQualifiedName") or type_id)
    required = definition.get("requiredProperties") or ()
    return ObjectType(
        name=qualified,
        spellings=frozenset(str(one).lower() for one in (type_id, plain, f"p_{plain}", qualified, *shown) if one),
        required=tuple((str(one),) for one in required),
    )


def resolve(name: str, custom: Sequence[ObjectType] | None) -> ObjectType:
    """The object that a user's name means.

    Args:
        name: Plural, singular, in any case; a type id; a custom object's name, plain, `p_name` or fully qualified.
        custom: The account's custom objects; `None` where the token may not list them.

    Raises:
        ConfigError: There is no such object; names those that there are.
    """
    wanted = name.strip().lower()
    for one in (*CORE_OBJECTS, *(custom or ()), *OTHER_OBJECTS):
        if wanted in one.spellings:
            return one
    is_unlisted_standard = STANDARD_TYPE_ID.fullmatch(wanted)
    if is_unlisted_standard or (custom is None and CUSTOM_REFERENCE.fullmatch(wanted)):
        return ObjectType(wanted, frozenset({wanted}))
    raise no_such_object(name, custom)


def no_such_object(name: str, custom: Sequence[ObjectType] | None) -> ConfigError:
    """The error for a name that means nothing in this account."""
    kinds = (*CORE_OBJECTS, *(custom or ()), *OTHER_OBJECTS)
    spellings = sorted(spelling for one in kinds for spelling in one.spellings)
    close = difflib.get_close_matches(name.strip().lower(), spellings, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    unlisted = ""
    if custom is None:
        unlisted = " Custom objects are not listed: the token lacks the scope 'crm.schemas.custom.read'."
    known = ", ".join(one.name for one in kinds)
    return ConfigError(f"There is no object '{name}' in HubSpot; there are: {known}.{hint}{unlisted}")


def object_schema(kind: ObjectType, reply: object) -> ObjectSchema:
    """The schema of an object from the reply of `GET properties`."""
    definitions = [one for one in entries(reply) if one.get("name") and not one.get("archived")]
    fields = {one.name: one for one in (field_of(kind.name, definition) for definition in definitions)}
    unique = frozenset(name for name, one in fields.items() if one.is_key)
    return ObjectSchema(
        name=kind.name,
        fields=frozen(fields),
        limits=BATCH,
        id_field=ID_FIELD,
        match_remedy="" if unique - {EMAIL} else MATCH_REMEDY,
        natural_match_field=EMAIL if kind.name == CONTACTS and EMAIL in fields else None,
        upsert_fields=unique,
        required_to_create=kind.required,
        removals=_removals(kind),
    )


def _removals(kind: ObjectType) -> tuple[RemovalWay, ...]:
    if kind.name in NOT_REMOVABLE:
        return ()
    archive = RemovalWay(ARCHIVE, BATCH.records_per_request)
    purge = RemovalWay(DELETE, PURGED_PER_REQUEST, is_final=True)
    return (archive, purge) if kind.name == CONTACTS else (archive,)


def field_of(object_name: str, definition: Mapping[str, Any]) -> Field:
    """A property as its definition describes it."""
    name = str(definition["name"])
    is_email = object_name == CONTACTS and name == EMAIL
    modification = definition.get("modificationMetadata")
    is_read_only = isinstance(modification, dict) and bool(modification.get("readOnlyValue"))
    is_writable = not (is_read_only or definition.get("calculated"))
    options = _options(definition)
    kind_of_value = FieldType.EMAIL if is_email else _type(definition, options)
    is_text = kind_of_value in (FieldType.STRING, FieldType.EMAIL)
    return Field(
        name=name,
        type=kind_of_value,
        label=str(definition.get("label") or ""),
        is_creatable=is_writable,
        is_updatable=is_writable,
        # The definition of a contact's e-mail says that it is not unique (recorded); it is the natural key. A unique
        # property that cannot be written, like `hs_unique_creation_key`, gives a new record no key.
        is_key=is_email or (is_writable and bool(definition.get("hasUniqueValue")) and name != ID_FIELD),
        # inferred: custom unique properties compare exactly; e-mails are stored in lower case (live test).
        is_case_sensitive=not is_email,
        max_length=TEXT_LENGTH if is_text else None,
        options=options if kind_of_value in (FieldType.OPTION, FieldType.OPTIONS) else (),
        aliases=_labels(definition) if options and kind_of_value is not FieldType.BOOLEAN else {},
        pattern=OWNER_PATTERN if definition.get("referencedObjectType") == "OWNER" else None,
        can_append=kind_of_value is FieldType.OPTIONS,
    )


_TYPES = {
    "number": FieldType.NUMBER,
    "bool": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
}
_TRUTH_VALUES = {"true", "false"}


def _type(definition: Mapping[str, Any], options: tuple[str, ...]) -> FieldType:
    """What a property holds; whatever is no other type travels as text (string, phone_number, json, …)."""
    kind = str(definition.get("type"))
    if kind != "enumeration":
        return _TYPES.get(kind, FieldType.STRING)
    if definition.get("fieldType") == "checkbox":
        return FieldType.OPTIONS
    return FieldType.BOOLEAN if set(options) == _TRUTH_VALUES else FieldType.OPTION


def _options(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """The values that an enumeration takes; hidden ones too, since hiding concerns forms and menus.

    Owner and other external options come as an empty list (recorded), which means that any value goes.
    """
    return tuple(str(one["value"]) for one in _listed(definition))


def _listed(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = definition.get("options")
    if definition.get("externalOptions") or not isinstance(given, list):
        return []
    return [one for one in given if isinstance(one, dict) and one.get("value") is not None]


def _labels(definition: Mapping[str, Any]) -> dict[str, str]:
    """Labels of options, whatever their case, to the option itself.

    A label that several options share, or that is another option's value but for its case, names none of them: stages
    of two pipelines are called alike, say.
    """
    meant: dict[str, set[str]] = {}
    for one in _listed(definition):
        value = str(one["value"])
        for spelling in {value.lower(), str(one.get("label") or "").strip().lower()}:
            meant.setdefault(spelling, set()).add(value)
    labels = {str(one.get("label") or "").strip().lower() for one in _listed(definition)} - {""}
    return {label: next(iter(meant[label])) for label in sorted(labels) if len(meant[label]) == 1}


def entries(reply: object) -> Iterable[Mapping[str, Any]]:
    """The items in the reply of a list."""
    results = reply.get("results") if isinstance(reply, dict) else None
    return [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
