"""Members as Mailchimp shows them, in the form that mapped values have: the way back of `bodies`. Pure.

What an answer does not show is absent, and what is empty there is `None`. Some values differ for good from what was
written, which `Readings.shows` knows: a birthday is `MM/DD` although it may have been sent as a date, a place at 0, 0
reads as none, what was never ticked as false, moments have no fractions, and tags of others stand beside ours.
"""

from __future__ import annotations

import enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reverse_etl_core.coercion import coercion, to_text
from reverse_etl_core.sameness import is_same
from reverse_etl_core.schema import FieldType
from target_mailchimp import tags
from target_mailchimp.audience import ADDRESS, BIRTHDAY, SINGLE_CHOICE, Audience, objects
from target_mailchimp.bodies import birthday, moment
from target_mailchimp.objects import (
    ADDRESS_PARTS,
    EMAIL,
    INTERESTS,
    LATITUDE,
    LONGITUDE,
    PERMISSIONS,
    STATUS,
    TAGS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reverse_etl_core.operations import Fields, Value
    from reverse_etl_core.schema import Field
    from target_mailchimp.audience import Category
    from target_mailchimp.drafts import Member

    Get: TypeAlias = Callable[[Member], Any]


class _Nothing(enum.Enum):
    ABSENT = enum.auto()


ABSENT: Final = _Nothing.ABSENT
"""An answer does not show the field at all."""

TAGS_COUNT = "tags_count"
MEMBERSHIP = frozenset({TAGS, TAGS_COUNT})
"""What tells who is in a static segment: it is the same as a tag."""
DEFAULT_COUNTRY = "US"
"""Of an address that was given without one."""
_PLAIN = (EMAIL, STATUS, "email_type", "language", "vip", "ip_signup", "timestamp_signup", "ip_opt", "timestamp_opt")


class Readings:
    """Reads the fields of one object from its members.

    Args:
        audience: Its merge fields, interests and permissions.
        fields: The object's, by name.
        tag_prefix: How the tags begin that are taken away where a record lacks them; `None` takes none away.
    """

    def __init__(self, audience: Audience, fields: Mapping[str, Field], tag_prefix: str | None = None) -> None:
        self._fields = fields
        self._tag_prefix = tag_prefix
        self._birthdays = frozenset(one.tag for one in audience.merge_fields if one.kind == BIRTHDAY)
        self._countries = frozenset(f"{one.tag}.country" for one in audience.merge_fields if one.kind == ADDRESS)
        self._gets: dict[str, tuple[str, Get]] = {name: (name, partial(_plain, name)) for name in _PLAIN}
        self._gets[TAGS] = (TAGS, _tags)
        self._gets[LATITUDE] = ("location", partial(_place, "latitude"))
        self._gets[LONGITUDE] = ("location", partial(_place, "longitude"))
        for one in audience.merge_fields:
            if one.kind == ADDRESS:
                for part in ADDRESS_PARTS:
                    self._gets[f"{one.tag}.{part}"] = ("merge_fields", partial(_address_part, one.tag, part))
            else:
                self._gets[one.tag] = ("merge_fields", partial(_merge, one.tag))
        for category in audience.categories:
            self._gets[f"{INTERESTS}{category.title}"] = ("interests", partial(_interests, category))
        for text, permission in (audience.permissions or {}).items():
            self._gets[f"{PERMISSIONS}{text}"] = ("marketing_permissions", partial(_permission, permission))

    def parts(self, names: Iterable[str]) -> frozenset[str]:
        """What of a member has to be asked for, to read these fields."""
        wanted = {self._gets[name][0] for name in self._known(names).values()}
        return frozenset(wanted | {TAGS_COUNT}) if TAGS in wanted else frozenset(wanted)

    def values(self, member: Member, names: Iterable[str]) -> Fields:
        """These fields of a member, by the names that were asked for."""
        found: dict[str, Value] = {}
        for name, own in self._known(names).items():
            value = self._gets[own][1](member)
            if value is not ABSENT:
                found[name] = _mapped(self._fields[own], value)
        return found

    def shows(self, field: Field, wanted: Value, current: Value) -> bool:
        """Whether Mailchimp would show a wanted value as it shows the current one: `ObjectSchema.shows`."""
        name = field.name
        if name == TAGS:
            return self._has_tags(wanted if isinstance(wanted, list) else [], current)
        if wanted in (None, "") and name in (STATUS, "email_type"):
            return True  # null leaves them alone
        if field.type is FieldType.BOOLEAN:
            return bool(wanted) is bool(current)
        if name in (LATITUDE, LONGITUDE):
            return is_same(field, wanted or 0, current or 0)
        if name in self._countries and not wanted:
            return current in (None, DEFAULT_COUNTRY)
        if name in self._birthdays and wanted:
            wanted = birthday(str(wanted)) or wanted
        if field.type is FieldType.DATETIME and wanted:
            wanted = moment(str(wanted))
        return is_same(field, wanted, current)

    def _has_tags(self, wanted: list[str], current: Value) -> bool:
        shown = [tags.Tag("", name) for name in current] if isinstance(current, list) else []
        return not tags.missing(shown, wanted) and not tags.surplus(shown, wanted, self._tag_prefix)

    def _known(self, names: Iterable[str]) -> dict[str, str]:
        """The names that are fields, and how they are spelt."""
        own = {name: self._fields[name].name for name in names if name in self._fields}
        return {name: spelt for name, spelt in own.items() if spelt in self._gets}


def _mapped(field: Field, value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """A value as the mapping would have made it; one that does not fit its type stays the text that it is."""
    if value in ("", None):
        return None
    try:
        return coercion(field)(value)
    except (ValueError, TypeError, OverflowError):
        return to_text(value)


def _plain(name: str, member: Member) -> Any:  # noqa: ANN401 - any JSON value
    return member.get(name, ABSENT)


def _tags(member: Member) -> Any:  # noqa: ANN401 - any JSON value
    """Names of tags, without the marks that a removal leaves."""
    if TAGS not in member:
        return ABSENT
    return [one.name for one in tags.shown_tags(member) if not tags.is_mark(one)]


def _place(part: str, member: Member) -> Any:  # noqa: ANN401 - any JSON value
    """Half of a location; a member without one shows zeros (recorded)."""
    location = member.get("location")
    if not isinstance(location, dict):
        return ABSENT
    is_unknown = not location.get("latitude") and not location.get("longitude")
    return None if is_unknown else location.get(part)


def _merge(tag: str, member: Member) -> Any:  # noqa: ANN401 - any JSON value
    merge_fields = member.get("merge_fields")
    return merge_fields.get(tag, ABSENT) if isinstance(merge_fields, dict) else ABSENT


def _address_part(tag: str, part: str, member: Member) -> Any:  # noqa: ANN401 - any JSON value
    address = _merge(tag, member)
    if isinstance(address, dict):
        return address.get(part)
    return ABSENT if address is ABSENT else None


def _interests(category: Category, member: Member) -> Any:  # noqa: ANN401 - any JSON value
    """Names of a category's interests, in its order; the first where only one can be chosen."""
    shown = member.get("interests")
    if not isinstance(shown, dict):
        return ABSENT
    chosen = [name for name, one in category.interests.items() if shown.get(one) is True]
    if category.kind in SINGLE_CHOICE:
        return chosen[0] if chosen else None
    return chosen


def _permission(permission: str, member: Member) -> Any:  # noqa: ANN401 - any JSON value
    for one in objects(member.get("marketing_permissions")):
        if one.get("marketing_permission_id") == permission:
            return one.get("enabled") is True
    return ABSENT
