"""What an audience knows of its members, read from its live metadata: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ADDRESS = "address"
BIRTHDAY = "birthday"
SINGLE_CHOICE = frozenset({"radio", "dropdown"})
"""Kinds of merge fields and of interest categories that take one of their options."""


@dataclass(frozen=True, slots=True)
class MergeField:
    """One merge field.

    Attributes:
        tag: Its name in bodies, in upper case.
        name: As people see it.
        kind: Mailchimp's type.
        is_required: Whether a member needs a value.
        choices: Of a dropdown or of radio buttons.
    """

    tag: str
    name: str
    kind: str
    is_required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """A group of interests.

    Attributes:
        title: As people see it.
        kind: `checkboxes`, `hidden`, `radio` or `dropdown`.
        interests: Name to id.
    """

    title: str
    kind: str
    interests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Audience:
    """One audience, a list in the API's words.

    Attributes:
        list_id: Its id.
        merge_fields: In the audience's order.
        categories: Groups of interests.
        permissions: Text of a marketing permission to its id.
    """

    list_id: str
    merge_fields: tuple[MergeField, ...] = ()
    categories: tuple[Category, ...] = ()
    permissions: Mapping[str, str] | None = None

    def required_tags(self) -> list[str]:
        """Tags of the merge fields that a member needs."""
        return [one.tag for one in self.merge_fields if one.is_required]


def merge_fields(definitions: Iterable[Mapping[str, Any]]) -> tuple[MergeField, ...]:
    """The merge fields of `GET merge-fields`; the address is not among them (recorded)."""
    return tuple(merge_field(one) for one in definitions if one.get("tag"))


def merge_field(definition: Mapping[str, Any]) -> MergeField:
    """One merge field, from a list of them or from the answer to its creation."""
    options = definition.get("options")
    choices = options.get("choices") if isinstance(options, dict) else None
    return MergeField(
        tag=str(definition["tag"]).upper(),
        name=str(definition.get("name") or ""),
        kind=str(definition.get("type") or "text"),
        is_required=definition.get("required") is True,
        choices=tuple(str(one) for one in choices) if isinstance(choices, list) else (),
    )


def category(definition: Mapping[str, Any], definitions: Iterable[Mapping[str, Any]]) -> Category:
    """A group of interests, from its definition and those of `GET interests`."""
    interests = {str(one["name"]): str(one["id"]) for one in definitions if one.get("id")}
    return Category(str(definition.get("title") or ""), str(definition.get("type") or ""), interests)


def permissions(reply: object) -> dict[str, str]:
    """The marketing permissions, from a list of members: only they show them."""
    for member in entries(reply, "members"):
        shown = objects(member.get("marketing_permissions"))
        if shown:
            return {str(one.get("text")): str(one["marketing_permission_id"]) for one in shown if _has_id(one)}
    return {}


def contacts(entry: Mapping[str, Any]) -> int:
    """How many members an audience has, from `GET lists`; archived and unconfirmed ones are not counted there."""
    stats = entry.get("stats")
    counts = stats if isinstance(stats, dict) else {}
    names = ("member_count", "unsubscribe_count", "cleaned_count")
    return sum(one for name in names if isinstance(one := counts.get(name), int))


def _has_id(permission: Mapping[str, Any]) -> bool:
    return bool(permission.get("text") and permission.get("marketing_permission_id"))


def entries(reply: object, name: str) -> Sequence[Mapping[str, Any]]:
    """The items of a collection."""
    return objects(reply.get(name)) if isinstance(reply, dict) else []


def objects(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects of a list; none of what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def by_spelling(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names by their spellings, without regard to case; the first owner of a spelling keeps it."""
    known: dict[str, str] = {}
    for spelling, name in names:
        known.setdefault(spelling.strip().casefold(), name)
    return known
