"""Audiences and segments as schemas."""

from __future__ import annotations

import pytest

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import FieldType
from target_mailchimp import audience as parts
from target_mailchimp.audience import Audience, Category, MergeField
from target_mailchimp.objects import ObjectName, members_schema, parse_name, resolve_audience, segment_schema

LISTS = [
    {"id": "26d8e9db1e", "name": "Press"},
    {"id": "f16bdfbb65", "name": "Shop"},
    {"id": "aaaaaaaaaa", "name": "Shop"},
]
AUDIENCE = Audience(
    "26d8e9db1e",
    (
        MergeField("FNAME", "First Name", "text"),
        MergeField("LTV", "Lifetime value", "number"),
        MergeField("SINCE", "Since", "date"),
        MergeField("BORN", "Born", "birthday"),
        MergeField("SIZE", "Shirt size", "dropdown", choices=("S", "M")),
        MergeField("HOME", "Home", "address", is_required=True),
    ),
    (Category("Letters", "checkboxes", {"Weekly": "w"}), Category("Colour", "radio", {"Red": "r"})),
    {"Direct Mail": "d"},
)
SCHEMA = members_schema(AUDIENCE, demands_required=True)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("members", ObjectName(None)),
        (" Contacts ", ObjectName(None)),
        ("subscriber", ObjectName(None)),
        ("Press", ObjectName("Press")),
        ("segments/Spring", ObjectName(None, "Spring")),
        ("Segments/a/b", ObjectName(None, "a/b")),
        ("Press/segments/Spring", ObjectName("Press", "Spring")),
        ("members/segments/Spring", ObjectName(None, "Spring")),
    ],
)
def test_names_of_objects(name: str, meaning: ObjectName) -> None:
    """Members in any spelling, an audience by id or name, a segment of either."""
    assert parse_name(name) == meaning


def test_an_audience_is_found_by_id_or_name() -> None:
    """Without regard to case."""
    assert resolve_audience("press", LISTS) is LISTS[0]
    assert resolve_audience("F16BDFBB65", LISTS) is LISTS[1]


def test_an_ambiguous_name_is_refused_with_the_ids() -> None:
    """Nobody guesses which of two audiences is meant."""
    with pytest.raises(ConfigError, match="f16bdfbb65, aaaaaaaaaa"):
        resolve_audience("shop", LISTS)


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    """The message names the audiences and the closest spelling."""
    with pytest.raises(ConfigError, match=r"'Press' \(26d8e9db1e\).*Did you mean 'Press'"):
        resolve_audience("Pres", LISTS)


def test_the_address_is_the_key() -> None:
    """The only key field, not case-sensitive, upserted by, and needed to create."""
    field = SCHEMA.fields["email_address"]
    assert (SCHEMA.key_fields(), SCHEMA.natural_match_field) == (["email_address"], "email_address")
    assert (field.type, field.is_case_sensitive, SCHEMA.id_field) == (FieldType.EMAIL, False, None)
    assert SCHEMA.upsert_fields == {"email_address"}
    assert SCHEMA.has_derived_ids
    assert SCHEMA.name == "26d8e9db1e"
    assert SCHEMA.limits.records_per_request == 500


def test_fields_have_the_types_of_the_audience() -> None:
    """Merge fields by kind, interests as options, permissions as booleans."""
    types = {name: one.type for name, one in SCHEMA.fields.items()}
    assert types["FNAME"] is types["BORN"] is types["HOME.zip"] is FieldType.STRING
    assert (types["LTV"], types["SINCE"], types["SIZE"]) == (FieldType.NUMBER, FieldType.DATE, FieldType.OPTION)
    assert (types["interests.Letters"], types["interests.Colour"]) == (FieldType.OPTIONS, FieldType.OPTION)
    assert (types["marketing_permissions.Direct Mail"], types["vip"]) == (FieldType.BOOLEAN, FieldType.BOOLEAN)
    assert (types["status"], types["tags"]) == (FieldType.OPTION, FieldType.OPTIONS)
    assert SCHEMA.fields["SIZE"].options == ("S", "M")
    assert SCHEMA.fields["tags"].options == ()
    assert "HOME" not in SCHEMA.fields


@pytest.mark.parametrize(
    ("spelling", "name"),
    [("fname", "FNAME"), ("Email", "email_address"), ("lifetime VALUE", "LTV"), ("home.ZIP", "HOME.zip")],
)
def test_fields_are_found_by_other_spellings(spelling: str, name: str) -> None:
    """In any case, a merge field by the name that people gave it, too: that is how a column finds its field."""
    assert SCHEMA.fields[spelling].name == name
    assert spelling in SCHEMA.fields
    assert spelling not in list(SCHEMA.fields)


def test_a_tag_wins_over_the_name_of_another_field() -> None:
    """Two merge fields may be called the same; a tag is always its own field."""
    fields = (MergeField("CITY", "Town", "text"), MergeField("TOWN", "City", "text"))
    found = members_schema(Audience("a", fields), demands_required=True).fields
    assert [found[name].name for name in ("city", "town")] == ["CITY", "TOWN"]


def test_required_merge_fields_are_needed_to_create() -> None:
    """Unless that check is switched off; of an address its first part stands for it."""
    assert SCHEMA.required_to_create == (("email_address",), ("HOME.addr1",))
    assert members_schema(AUDIENCE, demands_required=False).required_to_create == (("email_address",),)


def test_a_segment_holds_addresses() -> None:
    """Its name is that of the audience and its own id; there is one field."""
    schema = segment_schema("26d8e9db1e", "49377")
    assert (schema.name, list(schema.fields)) == ("26d8e9db1e/segments/49377", ["email_address"])
    assert "email" in schema.fields


def test_metadata_is_read_as_it_comes() -> None:
    """Tags in upper case, choices as text, members' permissions; what is not there does no harm."""
    definitions = [{"tag": "size", "name": "Size", "type": "dropdown", "required": True, "options": {"choices": [1]}}]
    size = MergeField("SIZE", "Size", "dropdown", is_required=True, choices=("1",))
    assert parts.merge_fields([*definitions, {}]) == (size,)
    member = {"marketing_permissions": [{"marketing_permission_id": "d", "text": "Direct Mail", "enabled": False}]}
    assert parts.permissions({"members": [{}, member]}) == {"Direct Mail": "d"}
    assert parts.permissions([]) == parts.permissions({"members": [{}]}) == {}
