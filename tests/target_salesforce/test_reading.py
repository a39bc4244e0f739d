"""Records are read as they were written: over real HTTP, against the simulator."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.coercion import coercion
from reverse_etl_core.operations import Batch, Current, Operation, Verb, Written
from reverse_etl_core.schema import Field, FieldType, Reference
from target_salesforce import reading, soql
from target_salesforce.objects import sobject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import Org

    from target_salesforce.destination import SalesforceDestination

TAGS = ["red", "green", "blue sky"]
SEED = {
    "salesforce": {
        "objects": [
            {
                "name": "Thing__c",
                "fields": [
                    {"name": "Key__c", "type": "string", "length": 80, "external_id": True, "unique": True},
                    {"name": "Text__c", "type": "textarea", "length": 4000},
                    {"name": "Phone__c", "type": "phone"},
                    {"name": "Url__c", "type": "url"},
                    {"name": "Mail__c", "type": "email"},
                    {"name": "Count__c", "type": "int"},
                    {"name": "Number__c", "type": "double", "precision": 15, "scale": 3},
                    {"name": "Price__c", "type": "currency", "precision": 14, "scale": 2},
                    {"name": "Share__c", "type": "percent", "precision": 5, "scale": 0},
                    {"name": "Is__c", "type": "boolean"},
                    {"name": "Day__c", "type": "date"},
                    {"name": "At__c", "type": "datetime"},
                    {"name": "Clock__c", "type": "time"},
                    {"name": "One__c", "type": "picklist", "values": TAGS, "restricted": True},
                    {"name": "Any__c", "type": "picklist", "values": TAGS},
                    {"name": "Many__c", "type": "multipicklist", "values": TAGS, "restricted": True},
                    {"name": "Account__c", "type": "reference", "to": "Account"},
                    {"name": "Who__c", "type": "reference", "to": ["Contact", "Lead"]},
                    {"name": "Secret__c", "type": "encryptedstring", "length": 20},
                ],
            }
        ],
        "record_types": {"Opportunity": [{"name": "Renewal", "developer_name": "Renewal"}]},
    }
}

# What a record may be sent: what is left out comes back as another value, as the docstring of `reading` says.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MOMENTS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(4000, 12, 31)).map(  # noqa: DTZ001 - as UTC
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)


def decimals(digits: int, scale: int) -> st.SearchStrategy[Any]:
    """Numbers that fit, in every form in which a stream can hold them."""
    numbers = st.integers(-(10**digits) + 1, 10**digits - 1).map(lambda one: Decimal(one).scaleb(-scale))
    return numbers.flatmap(lambda one: st.sampled_from([one, float(one), str(one), f"{one}0" if scale else str(one)]))


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Text__c": TEXTS,
    "Phone__c": st.sampled_from(["+49 30 123", "", "x"]),
    "Url__c": st.sampled_from(["https://example.com/ä?b=1", ""]),
    "Mail__c": st.sampled_from(["ada@example.com", "Ada.B+c@Example.ORG", " bob@example.com "]),
    "Count__c": st.one_of(st.integers(-(2**31) + 1, 2**31 - 1), st.sampled_from([3.0, "7", Decimal("8.0")])),
    "Number__c": decimals(15, 3),
    "Price__c": decimals(14, 2),
    "Share__c": decimals(5, 0),
    "Is__c": st.sampled_from([True, False, "yes", 0]),
    "Day__c": st.dates(dt.date(1700, 1, 1), dt.date(4000, 12, 31)).map(str),
    "At__c": st.one_of(MOMENTS.map(str), MOMENTS.map(lambda one: one.isoformat() + "+02:00")),
    "Clock__c": st.times().map(lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000).isoformat()),
    "One__c": st.sampled_from(TAGS),
    "Any__c": st.one_of(st.sampled_from(TAGS), TEXTS),
    "Many__c": st.sets(st.sampled_from(TAGS)).map(lambda some: [one for one in TAGS if one in some]),
}
RECORDS = st.fixed_dictionaries({}, optional={name: st.one_of(st.none(), one) for name, one in VALUES.items()})


def mapped(fields: Mapping[str, Field], record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as core maps it. Booleans are never empty."""
    return {
        name: coercion(fields[name])(value) if value is not None else None
        for name, value in record.items()
        if value is not None or fields[name].type is not FieldType.BOOLEAN
    }


def kept(value: Any) -> Any:
    """A text without characters is none."""
    return None if value == "" else value


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(RECORDS, min_size=1, max_size=8))
def test_what_was_written_is_read(salesforce: SalesforceDestination, records: list[dict[str, Any]]) -> None:
    """A value of any type comes back as mapping made it, so that a second run sees no difference."""
    schema = salesforce.describe("Thing__c")
    assert {schema.fields[name].type for name in VALUES} == set(FieldType) - {FieldType.KEYS}  # not of a field
    sent = [
        Operation(str(number), f"k{number}", {"Key__c": f"k{number}"} | mapped(schema.fields, one))
        for number, one in enumerate(records)
    ]
    outcomes = salesforce.write(Batch(Verb.UPSERT, schema, "Key__c", tuple(sent)))
    assert all(isinstance(one, Written) for one in outcomes), outcomes
    found = salesforce.read(schema, "Key__c", [one.match_key for one in sent], list(VALUES))
    for one in sent:
        (current,) = found[one.match_key]
        assert set(current.fields) == set(VALUES)
        assert {name: current.fields[name] for name in one.fields if name != "Key__c"} == {
            name: kept(value) for name, value in one.fields.items() if name != "Key__c"
        }


def test_what_is_empty_is_none(org: Org, salesforce: SalesforceDestination) -> None:
    """Every field that a record has no value in; a checkbox always has one."""
    record_id = org.create("Thing__c", Key__c="K1")
    ((current,),) = salesforce.read(salesforce.describe("Thing__c"), None, [record_id], list(VALUES)).values()
    assert current == Current(record_id, {name: False if name == "Is__c" else None for name in VALUES})


def test_records_are_read_by_id_or_by_key(org: Org, salesforce: SalesforceDestination) -> None:
    """As the keys were spelt; what is not there is absent, and without fields there are ids."""
    first, second = (org.create("Thing__c", Key__c=key, Text__c=key.lower()) for key in ("K1", "K2"))
    things = salesforce.describe("Thing__c")
    by_key = salesforce.read(things, "Key__c", ["k1", "k3"], ["Text__c"])
    assert by_key == {"k1": [Current(first, {"Text__c": "k1"})]}
    for key_field in (None, "Id"):
        by_id = salesforce.read(things, key_field, [first[:15], second], ["Text__c"])
        assert by_id == {first[:15]: [Current(first, {"Text__c": "k1"})], second: [Current(second, {"Text__c": "k2"})]}
    assert salesforce.read(things, "Key__c", ["k1"]) == {"k1": [Current(first)]}


def test_the_key_and_the_id_are_fields_too(org: Org, salesforce: SalesforceDestination) -> None:
    """The query selects them in any case, and once; the stored case comes back."""
    record_id = org.create("Thing__c", Key__c="K1")
    found = salesforce.read(salesforce.describe("Thing__c"), "Key__c", ["k1"], ["Key__c", "Id", "Key__c"])
    assert found == {"k1": [Current(record_id, {"Key__c": "K1", "Id": record_id})]}


def test_references_are_ids_or_the_parents_key(org: Org, salesforce: SalesforceDestination) -> None:
    """A parent without a key, or none, gives null; a reference to several objects gives its id only."""
    account, bare = org.create("Account", Name="A", External_Id__c="A1"), org.create("Account", Name="B")
    lead = org.create("Lead", LastName="L", Company="C", External_Id__c="L1")
    org.create("Thing__c", Key__c="K1", Account__c=account, Who__c=lead)
    org.create("Thing__c", Key__c="K2", Account__c=bare)
    org.create("Thing__c", Key__c="K3")
    things, keys = salesforce.describe("Thing__c"), ["k1", "k2", "k3"]
    found = salesforce.read(things, "Key__c", keys, ["Account__c", "Who__c"])
    assert [found[key][0].fields["Account__c"] for key in keys] == [account, bare, None]
    assert found["k1"][0].fields["Who__c"] == lead
    parents = {
        name: Reference(target, salesforce.describe(target).fields["External_Id__c"])
        for name, target in {"Account__c": "Account", "Who__c": "Lead"}.items()
    }
    found = salesforce.read(things, "Key__c", keys, ["Account__c", "Who__c"], references=parents)
    assert [found[key][0].fields for key in keys] == [{"Account__c": one} for one in ("A1", None, None)]


def test_fields_without_a_value_to_compare_are_absent(org: Org, salesforce: SalesforceDestination) -> None:
    """An address, a masked text, and what there is not at all."""
    record_id = org.create("Account", Name="A", BillingCity="Berlin")
    accounts = salesforce.describe("Account")
    found = salesforce.read(accounts, None, [record_id], ["BillingAddress", "BillingCity", "Nothing__c"])
    assert found == {record_id: [Current(record_id, {"BillingCity": "Berlin"})]}
    record_id = org.create("Thing__c", Secret__c="1234")
    assert salesforce.read(salesforce.describe("Thing__c"), None, [record_id], ["Secret__c"]) == {
        record_id: [Current(record_id, {})]
    }


def test_a_record_type_is_read_as_mapping_gives_it(org: Org, salesforce: SalesforceDestination) -> None:
    """By its id, whatever it was called."""
    opportunities = salesforce.describe("Opportunity")
    field = opportunities.fields["RecordTypeId"]
    given = coercion(field)("Renewal")
    record_id = org.create("Opportunity", Name="D", StageName="Prospecting", CloseDate="2026-01-01", RecordTypeId=given)
    ((current,),) = salesforce.read(opportunities, None, [record_id], ["RecordTypeId"]).values()
    assert current.fields == {"RecordTypeId": given}


def test_many_keys_and_fields_take_few_requests(org: Org, salesforce: SalesforceDestination) -> None:
    """A batch of usual keys with all fields is one query."""
    keys = [f"customer-{number:08d}" for number in range(200)]
    things = salesforce.describe("Thing__c")
    salesforce.write(Batch(Verb.UPSERT, things, "Key__c", tuple(Operation(k, k, {"Key__c": k}) for k in keys)))
    before = org.count("/query")
    assert salesforce.read(things, "Key__c", keys, list(VALUES)).keys() == set(keys)
    assert org.count("/query") == before + 1


# -- pure


def test_what_several_queries_tell_is_put_together() -> None:
    """A record is one, however many queries its fields took; one that is told of twice is not two."""
    key, text = Field("Key__c", FieldType.STRING), Field("A", FieldType.STRING)
    wanted = [reading.Column(name, name, text) for name in "AB"]
    rows = [
        {"Id": "1", "Key__c": "k", "A": "a"},
        {"Id": "2", "Key__c": "k", "A": None},
        {"Id": "1", "Key__c": "k", "B": "b"},
    ]
    assert reading.current_by_key(key, ["k"], rows, wanted) == {
        "k": [Current("1", {"A": "a", "B": "b"}), Current("2", {"A": None})]
    }


@pytest.mark.parametrize(
    ("kind", "found", "expected"),
    [
        (FieldType.NUMBER, "12345678901234567.89", Decimal("12345678901234567.89")),
        (FieldType.NUMBER, "9.12260031E8", 912260031),
        (FieldType.NUMBER, "50000.00", 50000),
        (FieldType.INTEGER, "5.0", 5),
        (FieldType.DATETIME, '"2026-01-31T10:00:00.123+0000"', "2026-01-31T10:00:00.123000Z"),
        (FieldType.DATETIME, '"2026-01-31T10:00:00.000Z"', "2026-01-31T10:00:00Z"),
        (FieldType.OPTIONS, '"b;a"', ["b", "a"]),
        (FieldType.STRING, "5", "5"),
    ],
)
def test_answers_in_any_form(kind: FieldType, found: str, expected: Any) -> None:
    """Numbers keep their digits, moments their milliseconds."""
    assert reading.as_mapped(Field("X", kind), soql.page(found.encode())) == expected


@pytest.mark.parametrize(("found", "expected"), [("10:00:00.000Z", "10:00:00"), ("10:00:00.120Z", "10:00:00.120000")])
def test_times_of_day(found: str, expected: str) -> None:
    """As Python writes them, and with it most taps."""
    assert reading.as_mapped(Field("X", FieldType.STRING), found, is_time=True) == expected
    assert reading.as_mapped(Field("X", FieldType.STRING), "noon", is_time=True) == "noon"


@pytest.mark.parametrize("found", ["no number", [], {"a": 1}])
def test_a_value_that_is_none_is_left_out(found: Any) -> None:
    """Whoever compares it does not take it for empty."""
    key, wanted = Field("Key__c", FieldType.STRING), [reading.Column("N", "N", Field("N", FieldType.NUMBER))]
    rows = [{"Id": "1", "Key__c": "k", "N": found}]
    assert reading.current_by_key(key, ["k"], rows, wanted) == {"k": [Current("1")]}


def test_describe_tells_what_is_hidden() -> None:
    """Addresses, blobs and masked texts."""
    fields = [{"name": kind, "type": kind} for kind in ("address", "base64", "encryptedstring", "string")]
    found = sobject(json.loads(json.dumps({"name": "X", "fields": fields})), jobs=None)
    assert found.hidden == {"address", "base64", "encryptedstring"}
