from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reverse_etl_core.coercion import coercion
from reverse_etl_core.schema import FieldType
from target_salesforce import limits
from target_salesforce.objects import job_limits, no_such_object, sobject

BODIES = Path(__file__).parent / "bodies"
DESCRIPTION: dict[str, Any] = json.loads((BODIES / "contact_describe.json").read_text(encoding="utf-8"))
CONTACT = sobject(DESCRIPTION, jobs=None)
SCHEMA = CONTACT.schema


def changed(name: str = "Contact", **fields: dict[str, Any] | None) -> dict[str, Any]:
    """The description with other fields; `None` takes one away."""
    kept = [
        {**one, **(fields[one["name"]] or {})} if one["name"] in fields else one
        for one in DESCRIPTION["fields"]
        if fields.get(one["name"], {}) is not None
    ]
    return {**DESCRIPTION, "name": name, "fields": kept}


# -- fields


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("LastName", FieldType.STRING),
        ("MailingStreet", FieldType.STRING),
        ("Phone", FieldType.STRING),
        ("Opens__c", FieldType.STRING),
        ("AccountId", FieldType.STRING),
        ("Email", FieldType.EMAIL),
        ("Birthdate", FieldType.DATE),
        ("CreatedDate", FieldType.DATETIME),
        ("Seats__c", FieldType.INTEGER),
        ("Score__c", FieldType.NUMBER),
        ("Revenue__c", FieldType.NUMBER),
        ("HasOptedOutOfEmail", FieldType.BOOLEAN),
        ("Plan__c", FieldType.OPTION),
        ("LeadSource", FieldType.STRING),
        ("Regions__c", FieldType.OPTIONS),
        ("Tags__c", FieldType.OPTIONS),
        ("RecordTypeId", FieldType.OPTION),
    ],
)
def test_types(name: str, kind: FieldType) -> None:
    """Salesforce's types become core's; what is none of them travels as text."""
    assert SCHEMA.fields[name].type is kind


def test_only_restricted_picklists_have_options() -> None:
    """Other picklists take any text, and an inactive value is none."""
    assert SCHEMA.fields["Plan__c"].options == ("free", "pro")
    assert SCHEMA.fields["Regions__c"].options == ("emea", "apac")
    assert SCHEMA.fields["LeadSource"].options == ()
    assert SCHEMA.fields["Tags__c"].options == ()


def test_lengths_are_those_of_texts() -> None:
    """A text has its length; a number, a choice and a time of day have none."""
    lengths = {
        name: SCHEMA.fields[name].max_length for name in ("LastName", "Email", "Score__c", "Plan__c", "Opens__c")
    }
    assert lengths == {"LastName": 80, "Email": 80, "Score__c": None, "Plan__c": None, "Opens__c": None}


@pytest.mark.parametrize(
    ("name", "creatable", "updatable"),
    [
        ("LastName", True, True),
        ("Name", False, False),
        ("Id", False, False),
        ("Formula__c", False, False),
        ("Number__c", False, False),
        ("MailingAddress", False, False),
        ("Master__c", True, False),
    ],
)
def test_what_can_be_written(name: str, creatable: bool, updatable: bool) -> None:  # noqa: FBT001 - a table
    """Calculated, numbered and compound fields cannot be written, a master only once."""
    field = SCHEMA.fields[name]
    assert (field.is_creatable, field.is_updatable) == (creatable, updatable)


def test_record_types_go_by_their_names() -> None:
    """Only those that the user may choose; developer names win over names, and case does not matter."""
    field = SCHEMA.fields["RecordTypeId"]
    read = coercion(field)
    partner, other = "0124x000000AbcDAAS", "0124x000000AbcEAAS"
    assert field.options == (partner, other)
    assert read("partner") == read("PARTNER") == partner
    assert read("business partner") == partner
    assert read("Business_Partner") == other
    assert read("0124x000000AbcE") == other
    assert read(partner) == partner
    assert read("Old") == "Old"  # no option: it is rejected


def test_without_record_types_any_id_goes() -> None:
    """An object that has the master only keeps the field as it is."""
    only_master = {**DESCRIPTION, "recordTypeInfos": DESCRIPTION["recordTypeInfos"][-1:]}
    assert sobject(only_master, jobs=None).schema.fields["RecordTypeId"].type is FieldType.STRING


# -- keys


def test_keys_are_lookup_fields() -> None:
    """External ids and lookup fields, unique or not; the record id is apart."""
    assert set(SCHEMA.key_fields()) == {"External_Id__c", "Email", "Number__c", "Shared_Key__c"}
    assert SCHEMA.id_field == "Id"


def test_upserts_need_a_unique_key() -> None:
    """By a key that is not unique, or that a new record cannot be given, records are looked for first."""
    assert SCHEMA.upsert_fields == {"External_Id__c"}


def test_keys_that_cannot_be_searched_are_none() -> None:
    """A field that no query can filter by finds nothing."""
    found = sobject(changed(Shared_Key__c={"filterable": False}), jobs=None).schema
    assert "Shared_Key__c" not in found.key_fields()


def test_keys_compare_as_salesforce_compares() -> None:
    """By its flag; e-mails never mind case, whatever the flag says, ids always do."""
    exact = {
        name for name in ("External_Id__c", "Email", "Exact_Key__c", "Id") if SCHEMA.fields[name].is_case_sensitive
    }
    assert exact == {"Exact_Key__c", "Id"}


def test_the_natural_key_is_the_only_external_id() -> None:
    """Without one, or with several, people go by their e-mail and other objects by nothing."""
    assert SCHEMA.natural_match_field == "External_Id__c"
    assert sobject(changed(Shared_Key__c={"unique": True}), jobs=None).schema.natural_match_field == "Email"
    assert sobject(changed(External_Id__c=None), jobs=None).schema.natural_match_field == "Email"
    assert sobject(changed("Project__c", External_Id__c=None), jobs=None).schema.natural_match_field is None
    without_email = changed(External_Id__c=None, Email={"idLookup": False})
    assert sobject(without_email, jobs=None).schema.natural_match_field is None


def test_what_a_new_record_needs() -> None:
    """What can be set, must not be empty and gets no value by itself."""
    assert SCHEMA.required_to_create == (("LastName",), ("Master__c",))


def test_person_accounts_need_no_name() -> None:
    """Where accounts can be persons, describe says that their name may be empty."""
    person = changed("Account", LastName={"nillable": True}, Master__c=None)
    assert sobject(person, jobs=None).schema.required_to_create == ()


# -- references


def test_references_lead_to_objects() -> None:
    """A field knows where it leads; without a relationship's name it takes ids only, and no `lookup`."""
    assert SCHEMA.fields["Target__c"].references == ("Contact", "Lead")
    assert SCHEMA.fields["Nameless__c"].references == ()
    assert CONTACT.relationships["AccountId"].name == "Account"
    assert not CONTACT.relationships["AccountId"].is_polymorphic
    assert CONTACT.relationships["Target__c"].is_polymorphic
    assert "Nameless__c" not in CONTACT.relationships


def test_times_of_day_are_told_apart() -> None:
    """They are text for core, and are spelt in one way only by Salesforce."""
    assert CONTACT.times == {"Opens__c"}


# -- objects


def test_limits_come_with_the_object() -> None:
    """A batch has 200 records; jobs are used never, where they pay, or always."""
    assert SCHEMA.limits.records_per_request == 200
    assert job_limits("rest") is None
    assert job_limits("auto") == limits.JOBS
    always = job_limits("bulk")
    assert always is not None
    assert (always.records_from, always.records_per_job) == (1, limits.JOBS.records_per_job)
    assert sobject(DESCRIPTION, jobs=always).schema.jobs is always


LISTING = {
    "sobjects": [
        {"name": "Account", "label": "Account", "labelPlural": "Accounts", "createable": True},
        {"name": "Contact", "label": "Contact", "labelPlural": "Contacts", "createable": True},
        {"name": "Project__c", "label": "Project", "labelPlural": "Projects", "createable": True},
        {"name": "ContactHistory", "label": "Contact: History", "labelPlural": "History", "createable": False},
    ]
}


@pytest.mark.parametrize(
    ("name", "close"), [("contacts", "Contact"), ("Akkount", "Account"), ("project", "Project__c")]
)
def test_an_unknown_object_is_answered_with_close_ones(name: str, close: str) -> None:
    """By name, label or plural, and with the ending of custom objects."""
    assert f"'{close}'" in str(no_such_object(name, LISTING))


def test_an_object_like_no_other_is_answered_with_those_that_there_are() -> None:
    """Those that records can be made of; a listing that cannot be read lists none."""
    message = str(no_such_object("zzzz", LISTING))
    assert "Account, Contact, Project__c." in message
    assert "History" not in message
    assert "'zzzz'" in str(no_such_object("zzzz", "nonsense"))


@pytest.mark.parametrize(
    ("name", "wanted", "current", "is_same"),
    [
        ("Price__c", "10.004", 10, True),
        ("Price__c", 10.005, 10.01, True),
        ("Price__c", "1.005", 1.005, True),
        ("Price__c", "1.005", 1, True),
        ("Price__c", "1.005", 1.004, False),
        ("Price__c", "1.005", 1.02, False),
        ("Price__c", 1, 1.004, False),
        ("Price__c", "0.12345678901234567891", 0.12345678901234568, True),
        ("Price__c", -10.005, -10.01, True),
        ("Price__c", 10.01, 10, False),
        ("Price__c", Decimal("1E+30"), 1e30, True),
        ("Price__c", None, None, True),
        ("Price__c", None, 0, False),
        ("Share__c", 12.5, 13, True),
        ("Clock__c", "10:20:30.5", "10:20:30.500000", True),
        ("Clock__c", "10:20:30", "10:20:31", False),
        ("AccountId", "001000000000001", "001000000000001AAA", True),
        ("AccountId", "00100000000000a", "001000000000001AAA", False),
        ("AccountId", None, "001000000000001AAA", False),
        ("LastName", "Lovelace ", "Lovelace", True),
    ],
)
def test_values_are_compared_as_salesforce_keeps_them(name: str, wanted: Any, current: Any, *, is_same: bool) -> None:
    """Numbers whole or rounded to the decimals of their field, times of day to the millisecond, ids by 15 signs."""
    kinds = {"Price__c": ("currency", 2), "Share__c": ("percent", 0), "Clock__c": ("time", 0)}
    more = [{"name": one, "type": kind, "scale": scale} for one, (kind, scale) in kinds.items()]
    schema = sobject({**DESCRIPTION, "fields": [*DESCRIPTION["fields"], *more]}, jobs=None).schema
    field = schema.fields[name]
    mapped = None if wanted is None else coercion(field)(wanted)
    assert schema.shows is not None
    assert schema.shows(field, mapped, current) is is_same
