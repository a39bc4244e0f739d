"""Merge fields for columns that the audience does not know."""

from __future__ import annotations

from typing import Any

import pytest

from target_mailchimp.columns import RESERVED, TAG_LENGTH, definition, tag


@pytest.mark.parametrize(
    ("singer_type", "kind"),
    [
        ({"type": ["null", "string"]}, "text"),
        ({"type": "integer"}, "number"),
        ({"type": ["number", "null"]}, "number"),
        ({"type": ["string", "number"]}, "text"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "date"),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, "date"),
        ({"type": "string", "format": "uri"}, "url"),
        ({"type": "boolean"}, "text"),
        ({"type": "string", "enum": ["a", "b", None]}, "dropdown"),
        ({"type": "integer", "enum": [1, 2]}, "number"),
        ({}, "text"),
    ],
)
def test_the_kind_follows_from_the_singer_type(singer_type: dict[str, Any], kind: str) -> None:
    """Numbers, dates, addresses of pages and enumerations have kinds of their own, everything else is text."""
    assert definition("x", singer_type, ())["type"] == kind


def test_an_enumeration_becomes_the_choices_of_a_dropdown() -> None:
    """Null is no choice: a dropdown can always be empty."""
    assert definition("plan", {"enum": ["free", None, "pro"]}, ())["options"] == {"choices": ["free", "pro"]}


@pytest.mark.parametrize("column", ["customer_since_when", "größe", "", "1", "email", "To", "a b-c", "日本"])
def test_a_tag_is_short_free_and_of_allowed_characters(column: str) -> None:
    """At most ten upper-case characters, never one that is reserved or taken, however often it is asked for."""
    taken: set[str] = set()
    for _ in range(12):
        made = tag(column, taken)
        assert made not in taken | RESERVED
        assert 0 < len(made) <= TAG_LENGTH
        assert made == made.upper()
        assert made.replace("_", "").isalnum()
        assert made.isascii()
        taken.add(made)
