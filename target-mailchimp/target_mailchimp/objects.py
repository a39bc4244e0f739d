"""Mailchimp's audiences and segments as the core's schemas: pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import Field, FieldType, ObjectSchema, RemovalWay
from target_mailchimp.audience import ADDRESS, SINGLE_CHOICE, by_spelling
from target_mailchimp.consent import STATUSES
from target_mailchimp.limits import BATCH, REMOVALS_PER_BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from target_mailchimp.audience import Audience, Category, MergeField

EMAIL = "email_address"
STATUS = "status"
TAGS = "tags"
INTERESTS = "interests."
PERMISSIONS = "marketing_permissions."
LATITUDE, LONGITUDE = "location.latitude", "location.longitude"
EMAIL_TYPES = ("html", "text")
SEGMENTS = "segments"
MEMBERS = frozenset(
    {"member", "members", "contact", "contacts", "subscriber", "subscribers", "list_member", "list_members"}
)
"""Names that mean the members of the audience that `list_id` names."""

ADDRESS_PARTS = ("addr1", "addr2", "city", "state", "zip", "country")
REQUIRED_PARTS = ("addr1", "city", "state", "zip")
# source: OpenAPI of 2026, merge field of type address (api/mailchimp.md 6)
EMAIL_LENGTH = 254

ARCHIVE, UNSUBSCRIBE, DELETE = "archive", "unsubscribe", "delete"
MEMBER_REMOVALS = (
    RemovalWay(ARCHIVE, REMOVALS_PER_BATCH),
    # Not final: nothing is lost, the person can come back at any time, and `resubscribe` can ask for it. Only we cannot
    # undo it by ourselves.
    RemovalWay(UNSUBSCRIBE, REMOVALS_PER_BATCH),
    # source: quoted 2020 to 2025: "was permanently deleted and cannot be re-imported"
    RemovalWay(DELETE, REMOVALS_PER_BATCH, is_final=True),
)
SEGMENT_REMOVALS = (RemovalWay(ARCHIVE, BATCH.records_per_request),)
"""Out of the segment; the member stays in the audience."""


@dataclass(frozen=True, slots=True)
class ObjectName:
    """What a user's `object` means.

    Attributes:
        audience: Id or name of the audience; `None` for the one of the setting `list_id`.
        segment: Name or id of a static segment of it; `None` for the members themselves.
    """

    audience: str | None
    segment: str | None = None


def parse_name(name: str) -> ObjectName:
    """Take a user's `object` apart.

    >>> parse_name("Subscribers"), parse_name("Press/segments/Spring 2026").segment
    (ObjectName(audience=None, segment=None), 'Spring 2026')
    """
    text = name.strip()
    head, slash, segment = text.partition("/")
    if head.casefold() == SEGMENTS and slash:
        return ObjectName(None, segment.strip() or None)
    audience, found, segment = text.partition(f"/{SEGMENTS}/")
    whose = None if audience.strip().casefold() in MEMBERS else audience.strip()
    return ObjectName(whose, segment.strip() or None) if found else ObjectName(whose)


def resolve_audience(name: str, lists: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The audience that an id or a name means.

    Args:
        name: As the user wrote it.
        lists: The account's audiences, from `GET lists`.

    Raises:
        ConfigError: There is none, or several have the name; names those that there are.
    """
    wanted = name.strip().casefold()
    by_id = [one for one in lists if str(one.get("id")).casefold() == wanted]
    found = by_id or [one for one in lists if str(one.get("name")).strip().casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(one.get("id")) for one in found)
        msg = f"{len(found)} audiences are called '{name}': {ids}. Use the id of one of them."
        raise ConfigError(msg)
    known = ", ".join(f"'{one.get('name')}' ({one.get('id')})" for one in lists) or "none"
    names = [str(one.get(key)) for one in lists for key in ("name", "id")]
    close = difflib.get_close_matches(name, [*names, *sorted(MEMBERS)], n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    msg = (
        f"There is no object '{name}' in Mailchimp. An object is 'members', the id or name of an audience, or "
        f"'segments/<name>'; audiences: {known}.{hint}"
    )
    raise ConfigError(msg)


class Spellings(Mapping[str, Field]):
    """The fields of an object by their names; they are found by other spellings too.

    Args:
        fields: In order.
        spellings: Other spelling, in lower case, to name.
    """

    def __init__(self, fields: Sequence[Field], spellings: Mapping[str, str]) -> None:
        self._fields = {one.name: one for one in fields}
        self._spellings = spellings

    def __getitem__(self, name: str) -> Field:
        field = self._fields.get(name)
        return self._fields[self._spellings[name.strip().casefold()]] if field is None else field

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


def members_schema(audience: Audience, *, demands_required: bool) -> ObjectSchema:
    """The schema of an audience's members.

    Args:
        audience: With its merge fields, interests and permissions.
        demands_required: Whether a new member needs the required merge fields.
    """
    fields = [*_plain_fields(), *_merge_fields(audience), *_groups(audience)]
    needed = [_first_part(one) for one in audience.merge_fields if one.is_required and demands_required]
    return ObjectSchema(
        name=audience.list_id,
        fields=Spellings(fields, _spellings(audience, fields)),
        limits=BATCH,
        natural_match_field=EMAIL,
        upsert_fields=frozenset({EMAIL}),
        has_derived_ids=True,
        required_to_create=((EMAIL,), *((name,) for name in needed)),
        removals=MEMBER_REMOVALS,
        wholes=tuple(_wholes(audience)),
    )


def segment_schema(list_id: str, segment_id: str) -> ObjectSchema:
    """The schema of a static segment: who is in it."""
    field = _email_field()
    return ObjectSchema(
        name=f"{list_id}/{SEGMENTS}/{segment_id}",
        fields=Spellings([field], by_spelling([(EMAIL, EMAIL), ("email", EMAIL)])),
        limits=BATCH,
        natural_match_field=EMAIL,
        upsert_fields=frozenset({EMAIL}),
        has_derived_ids=True,
        required_to_create=((EMAIL,),),
        removals=SEGMENT_REMOVALS,
    )


def ids(name: str) -> tuple[str, str | None]:
    """The ids of audience and segment in the canonical name of an object.

    >>> ids("26d8e9db1e"), ids("26d8e9db1e/segments/49377")
    (('26d8e9db1e', None), ('26d8e9db1e', '49377'))
    """
    list_id, _, segment_id = name.partition(f"/{SEGMENTS}/")
    return list_id, segment_id or None


def _spellings(audience: Audience, fields: Sequence[Field]) -> dict[str, str]:
    """Names in any case; merge fields by what people call them too, so that a column finds the field made for it."""
    plain = [(one.name, one.name) for one in fields]
    labels = [(one.name, one.tag) for one in audience.merge_fields if one.kind != ADDRESS and one.name]
    return by_spelling([*plain, ("email", EMAIL), *labels])


def _email_field() -> Field:
    return Field(EMAIL, FieldType.EMAIL, is_key=True, is_case_sensitive=False, max_length=EMAIL_LENGTH)


def _plain_fields() -> list[Field]:
    return [
        _email_field(),
        Field(STATUS, FieldType.OPTION, options=STATUSES),
        Field(TAGS, FieldType.OPTIONS),
        Field("email_type", FieldType.OPTION, options=EMAIL_TYPES),
        Field("language", FieldType.STRING),
        Field("vip", FieldType.BOOLEAN),
        Field(LATITUDE, FieldType.NUMBER),
        Field(LONGITUDE, FieldType.NUMBER),
        Field("ip_signup", FieldType.STRING),
        Field("timestamp_signup", FieldType.DATETIME),
        Field("ip_opt", FieldType.STRING),
        Field("timestamp_opt", FieldType.DATETIME),
    ]


_TYPES = {"number": FieldType.NUMBER, "date": FieldType.DATE}


def _merge_fields(audience: Audience) -> Iterator[Field]:
    for one in audience.merge_fields:
        if one.kind == ADDRESS:
            for part in ADDRESS_PARTS:
                yield Field(f"{one.tag}.{part}", FieldType.STRING, label=f"{one.name}: {part}")
        elif one.kind in SINGLE_CHOICE:
            yield Field(one.tag, FieldType.OPTION, label=one.name, options=one.choices)
        else:
            # A birthday takes dates too, so it travels as text and is brought into form when it is sent.
            yield Field(one.tag, _TYPES.get(one.kind, FieldType.STRING), label=one.name)


def _wholes(audience: Audience) -> Iterator[frozenset[str]]:
    """An address is written as a whole, or refused; a place is replaced as one."""
    yield frozenset({LATITUDE, LONGITUDE})
    for one in audience.merge_fields:
        if one.kind == ADDRESS:
            yield frozenset(f"{one.tag}.{part}" for part in ADDRESS_PARTS)


def _first_part(one: MergeField) -> str:
    return f"{one.tag}.{REQUIRED_PARTS[0]}" if one.kind == ADDRESS else one.tag


def _groups(audience: Audience) -> Iterator[Field]:
    for category in audience.categories:
        yield Field(
            f"{INTERESTS}{category.title}",
            _category_type(category),
            label=category.title,
            options=tuple(category.interests),
        )
    for text in audience.permissions or {}:
        yield Field(f"{PERMISSIONS}{text}", FieldType.BOOLEAN, label=text)


def _category_type(category: Category) -> FieldType:
    return FieldType.OPTION if category.kind in SINGLE_CHOICE else FieldType.OPTIONS
