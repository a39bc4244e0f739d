"""Merge fields for columns that the audience does not know: pure."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

TAG_LENGTH = 10
# source: mailchimp/mc-magento#1140 and the merge-field reference (api/mailchimp.md 6)
RESERVED = frozenset(
    {"EMAIL", "EMAIL_TYPE", "INTERESTS", "UNSUB", "FORWARD", "REWARDS", "ARCHIVE", "USER_URL", "DATE", "TO"}
)
# source: Mailchimp help, "All the merge tags" (reserved words)
MOST_CHOICES = 50
"""Values of a column that become a dropdown; what has more is text."""
_NO_TAG = re.compile(r"[^A-Z0-9_]+")
_FORMATS = {"date": "date", "date-time": "date", "uri": "url"}
_NUMBERS = frozenset({"number", "integer"})


def definition(column: str, singer_type: Mapping[str, Any], taken: Collection[str]) -> dict[str, Any]:
    """The merge field for a column, as the API takes it.

    Its name is the column's, by which a later run finds it again.

    Args:
        column: Name of the column.
        singer_type: Its part of the SCHEMA message.
        taken: Tags that are in use.

    >>> definition("Lifetime value", {"type": ["null", "number"]}, {"LIFETIMEVA"})
    {'name': 'Lifetime value', 'tag': 'LIFETIMEV1', 'type': 'number', 'required': False, 'public': False}
    """
    kind, choices = _kind(singer_type)
    made: dict[str, Any] = {"name": column, "tag": tag(column, taken), "type": kind, "required": False, "public": False}
    return made | ({"options": {"choices": choices}} if choices else {})


def tag(column: str, taken: Collection[str]) -> str:
    """A free tag that looks like the column's name.

    >>> tag("customer_since", set()), tag("email", set()), tag("größe", {"GRSSE"})
    ('CUSTOMERSI', 'EMAIL1', 'GRSSE1')
    """
    text = _NO_TAG.sub("", column.upper())
    if len(text) > TAG_LENGTH:
        text = text.replace("_", "")
    text = text[:TAG_LENGTH] or "FIELD"
    used = RESERVED | set(taken)
    return next(one for one in _variants(text) if one not in used)


def _variants(text: str) -> Iterator[str]:
    yield text
    for number in itertools.count(1):
        suffix = str(number)
        yield text[: TAG_LENGTH - len(suffix)] + suffix


def _kind(singer_type: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Mailchimp's type for a column's, and the choices of a dropdown."""
    choices = _choices(singer_type.get("enum"))
    if choices:
        return "dropdown", choices
    given = singer_type.get("type")
    names: Sequence[Any] = given if isinstance(given, list) else [given]
    options = [one for one in singer_type.get("anyOf") or () if isinstance(one, dict) and one.get("type") != "null"]
    if len(options) == 1:
        return _kind(options[0])
    if _NUMBERS.intersection(names) and "string" not in names:
        return "number", []
    return _FORMATS.get(str(singer_type.get("format")), "text"), []


def _choices(enum: object) -> list[str]:
    """The values of an enumeration of texts."""
    values = [one for one in enum if one not in (None, "")] if isinstance(enum, list) else []
    are_texts = all(isinstance(one, str) for one in values)
    return values if are_texts and 0 < len(values) <= MOST_CHOICES else []
