"""Definitions of properties that are to be created, from a stream's SCHEMA: pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# source: HubSpot docs, "Properties": lower case, a letter first. inferred: 100 characters
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)
MOST_OPTIONS = 100
"""Values of a column that become options; what has more is text."""
_OTHER_CHARACTERS = re.compile(r"[^a-z0-9]+")
_NUMBERS = frozenset({"number", "integer"})
_FORMATS = {"date": ("date", "date"), "date-time": ("datetime", "date")}
_TEXT = ("string", "text")

Kind = tuple[str, str, list[dict[str, Any]]]
"""HubSpot's type, the kind of its field in forms, and options."""


def definition(name: str, singer_type: Mapping[str, Any], group: str) -> dict[str, Any]:
    """The property for a column, as the API takes it.

    Args:
        name: Of the property.
        singer_type: The column's part of the SCHEMA message.
        group: Name of the property group.

    Raises:
        ConfigError: HubSpot takes no such name.

    >>> definition("lifetime_value", {"type": ["null", "number"]}, "ours")["fieldType"]
    'number'
    """
    require_name(name)
    kind, field_type, options = _kind(singer_type)
    made = {"groupName": group, "name": name, "label": label(name), "type": kind, "fieldType": field_type}
    return made | ({"options": options} if options else {})


def unique_definition(name: str, group: str) -> dict[str, Any]:
    """A property that recognises records: text, whose values are compared exactly, whatever the column's type.

    Raises:
        ConfigError: HubSpot takes no such name.
    """
    return definition(name, {}, group) | {"hasUniqueValue": True}


def require_name(name: str) -> None:
    """Refuse what is no name of a property; nothing is renamed silently.

    Raises:
        ConfigError: Names the column, and a way to map it.
    """
    if NAME.fullmatch(name):
        return
    proposed = _OTHER_CHARACTERS.sub("_", name.lower()).strip("_")
    example = proposed if NAME.fullmatch(proposed) else "my_property"
    msg = (
        f"No property of HubSpot can be called '{name}': names have lower-case letters, digits and underscores, and "
        f"begin with a letter. Map the column in 'fields', as in {{{example}: '{name}'}}, or leave it out."
    )
    raise ConfigError(msg)


def label(name: str) -> str:
    """What people see.

    >>> label("lifetime_value")
    'Lifetime value'
    """
    return name.replace("_", " ").strip().capitalize()


def _kind(singer_type: Mapping[str, Any]) -> Kind:
    choices = [one for one in singer_type.get("anyOf") or () if isinstance(one, dict) and one.get("type") != "null"]
    if len(choices) == 1:
        return _kind(choices[0])
    if options := _options(singer_type.get("enum")):
        return "enumeration", "select", options
    given = singer_type.get("type")
    names = {one for one in (given if isinstance(given, list) else [given]) if one != "null"}
    if names == {"boolean"}:
        return "bool", "booleancheckbox", _TRUTH_VALUES
    if names and names <= _NUMBERS:
        return "number", "number", []
    items = singer_type.get("items")
    if names == {"array"} and isinstance(items, dict) and (options := _options(items.get("enum"))):
        return "enumeration", "checkbox", options
    is_text = names == {"string"}
    return (*(_FORMATS.get(str(singer_type.get("format")), _TEXT) if is_text else _TEXT), [])


def _options(enum: object) -> list[dict[str, Any]]:
    """The values of an enumeration of texts; a separator of several values can be in none of them."""
    values = [one for one in enum if one not in (None, "")] if isinstance(enum, list) else []
    are_options = all(isinstance(one, str) and one == one.strip() and ";" not in one for one in values)
    return _shown([(one, one) for one in values]) if are_options and len(values) <= MOST_OPTIONS else []


def _shown(pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"value": value, "label": shown, "displayOrder": order, "hidden": False}
        for order, (value, shown) in enumerate(dict(pairs).items())
    ]


# source: live notes on the properties API: a bool without exactly these two is INVALID_BOOLEAN_OPTION
_TRUTH_VALUES = _shown([("true", "Yes"), ("false", "No")])
