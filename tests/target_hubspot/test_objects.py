from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import FieldType, RemovalWay
from target_hubspot.objects import core_object, custom_objects, object_schema, resolve

BODIES = Path(__file__).parent / "bodies"
PROPERTIES: dict[str, Any] = json.loads((BODIES / "contact_properties.json").read_text(encoding="utf-8"))
SCHEMAS = {
    "results": [
        {
            "objectTypeId": "2-7",
            "name": "subscription",
            "fullyQualifiedName": "p4711_subscription",
            "labels": {"singular": "Abo", "plural": "Abos"},
            "requiredProperties": ["number"],
        }
    ]
}
CUSTOM = custom_objects(SCHEMAS)
CONTACTS = object_schema(resolve("contacts", []), PROPERTIES)


@pytest.mark.parametrize("name", ["contacts", "contact", "CONTACT", "Contacts", "0-1", " contacts "])
def test_standard_objects_go_by_many_names(name: str) -> None:
    """Plural, singular, upper case and type id mean the same object, without a request."""
    found = core_object(name)
    assert found is not None
    assert found.name == "contacts"


@pytest.mark.parametrize("name", ["subscription", "p_subscription", "p4711_subscription", "2-7", "Abo", "abos"])
def test_custom_objects_go_by_many_names(name: str) -> None:
    """A custom object has one name in the ledger whatever the user calls it, and wins over a standard namesake."""
    assert resolve(name, CUSTOM).name == "p4711_subscription"


def test_a_custom_object_tells_what_it_requires() -> None:
    """The required properties of a custom object are known before a record is created."""
    assert object_schema(resolve("subscription", CUSTOM), {"results": []}).required_to_create == (("number",),)


@pytest.mark.parametrize(
    ("name", "known"), [("calls", "calls"), ("ORDER", "orders"), ("0-48", "calls"), ("0-999", "0-999")]
)
def test_rarer_standard_objects_are_known(name: str, known: str) -> None:
    """Other standard objects resolve too; a type id that is new is taken as it is."""
    assert resolve(name, []).name == known


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("contacts", [RemovalWay("archive", 100), RemovalWay("delete", 1, is_final=True)]),
        ("companies", [RemovalWay("archive", 100)]),
        ("subscription", [RemovalWay("archive", 100)]),
        ("calls", [RemovalWay("archive", 100)]),
        ("users", []),
        ("feedback_submissions", []),
    ],
)
def test_how_records_can_be_removed(name: str, ways: list[RemovalWay]) -> None:
    """Everything that the API takes away can be archived, and contacts be deleted for good, one by one."""
    assert list(object_schema(resolve(name, CUSTOM), {"results": []}).removals) == ways


def test_an_unknown_object_is_answered_with_the_known_ones() -> None:
    """The message names the object, the ones that there are, and the closest."""
    with pytest.raises(ConfigError, match=r"no object 'contcats'.*p4711_subscription.*'contacts'\?"):
        resolve("contcats", CUSTOM)


def test_without_the_right_to_list_custom_objects() -> None:
    """A token that may not list them still writes them by an unmistakable name; other names say what is missing."""
    assert resolve("2-7", None).name == "2-7"
    assert resolve("p_subscription", None).name == "p_subscription"
    with pytest.raises(ConfigError, match=r"crm\.schemas\.custom\.read"):
        resolve("abo", None)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("email", FieldType.EMAIL),
        ("my_new_property", FieldType.STRING),
        ("seats", FieldType.NUMBER),
        ("plan", FieldType.OPTION),
        ("hubspot_owner_id", FieldType.OPTION),
        ("regions", FieldType.OPTIONS),
        ("is_vip", FieldType.BOOLEAN),
        ("opted_in", FieldType.BOOLEAN),
        ("birthday", FieldType.DATE),
        ("seen_at", FieldType.DATETIME),
        ("mobile", FieldType.STRING),
    ],
)
def test_each_property_type_has_its_field_type(name: str, kind: FieldType) -> None:
    """What a property holds follows from its type and field type."""
    assert CONTACTS.fields[name].type is kind


def test_options_are_the_internal_values() -> None:
    """Options are internal values, hidden ones too; external ones are not listed, so any goes."""
    assert CONTACTS.fields["plan"].options == ("free", "pro")
    assert CONTACTS.fields["regions"].options == ("emea",)
    assert CONTACTS.fields["hubspot_owner_id"].options == ()
    assert CONTACTS.fields["is_vip"].options == ()


def test_texts_have_their_limit() -> None:
    """Texts end at 65,536 characters; numbers have no such limit."""
    assert CONTACTS.fields["my_new_property"].max_length == 65_536
    assert CONTACTS.fields["seats"].max_length is None


def test_calculated_and_read_only_properties_cannot_be_written() -> None:
    """HubSpot's own values are not writable."""
    read_only = {name for name, field in CONTACTS.fields.items() if not field.is_writable}
    assert read_only == {"hs_object_id", "hs_unique_creation_key", "score", "hs_additional_emails"}


def test_only_usable_properties_are_unique() -> None:
    """The e-mail counts although its definition denies it; what nobody can write, and the record id, do not."""
    assert CONTACTS.key_fields() == ["email", "customer_id", "seats"]
    assert CONTACTS.upsert_fields == {"email", "customer_id", "seats"}
    assert CONTACTS.natural_match_field == "email"
    assert not CONTACTS.fields["email"].is_case_sensitive
    assert CONTACTS.fields["customer_id"].is_case_sensitive
    assert CONTACTS.id_field == "hs_object_id"


def test_an_email_is_key_on_contacts_only() -> None:
    """A property called `email` of another object is a text like any other."""
    tickets = object_schema(resolve("tickets", []), PROPERTIES)
    assert tickets.fields["email"].type is FieldType.STRING
    assert "email" not in tickets.upsert_fields
    assert tickets.natural_match_field is None


def test_archived_properties_are_left_out() -> None:
    """An archived property cannot be mapped."""
    assert "gone" not in CONTACTS.fields


def test_a_hundred_records_per_request() -> None:
    """The batch limit is the schema's."""
    assert CONTACTS.limits.records_per_request == 100


@pytest.mark.parametrize("reply", [None, [], {}, {"results": None}, {"results": [None, 5, {}]}])
def test_odd_replies_hold_nothing(reply: object) -> None:
    """A reply of another shape describes no properties and no objects."""
    assert object_schema(resolve("contacts", []), reply).fields == {}
    assert custom_objects(reply) == []
