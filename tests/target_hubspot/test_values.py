"""Values that are written and read back through the simulator, and the forms that only HubSpot writes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.coercion import to_date, to_datetime
from reverse_etl_core.operations import Current, Operation, Value, Verb, Written
from reverse_etl_core.schema import Field, FieldType
from target_hubspot.values import mapped

from .hubspot_account import Account, batch

if TYPE_CHECKING:
    from reverse_etl_core.schema import ObjectSchema
    from target_hubspot.destination import HubSpotDestination

MOMENTS = st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9999, 12, 31))  # noqa: DTZ001 - all of them are UTC
VALUES: dict[str, st.SearchStrategy[Value]] = {
    # The type's example property, and what a column may hold once it is mapped.
    "city": st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    "email": st.from_regex(r"\A[A-Za-z0-9]{1,9}@[A-Za-z]{2,9}\.(com|org)\Z"),
    "churn_risk": st.decimals(-(10**12), 10**12, places=6)
    | st.decimals(0, 99, places=0)
    | st.integers(-(10**15), 10**15),
    "is_vip": st.booleans(),
    "birthday": MOMENTS.map(to_date),
    "seen_at": MOMENTS.map(to_datetime),
    "plan": st.sampled_from(["free", "pro", "enterprise"]),
    "regions": st.lists(st.sampled_from(["emea", "apac", "amer"]), min_size=1, unique=True),
}


def kept(field: Field, value: Value) -> Value:
    """The mapped value as HubSpot keeps it: the three exceptions that `values.mapped` names."""
    if value == "":
        return None
    if field.type is FieldType.EMAIL and value:
        return str(value).lower()
    if field.type is FieldType.DATETIME and value:
        moment = dt.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        return to_datetime(moment.replace(microsecond=moment.microsecond // 1000 * 1000))
    return value


def test_every_type_that_hubspot_has_is_covered(contacts: ObjectSchema) -> None:
    """HubSpot does not tell whole numbers from others, and associations are no property; every other type has one."""
    assert {contacts.fields[name].type for name in VALUES} == set(FieldType) - {FieldType.INTEGER, FieldType.KEYS}


@pytest.mark.parametrize("name", VALUES)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_was_written_is_read_back(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, name: str, data: st.DataObject
) -> None:
    """The current value of a field is its mapped value, of the same type, but for what HubSpot keeps otherwise."""
    field = contacts.fields[name]
    values = data.draw(
        st.lists(VALUES[name] | st.none(), min_size=1, max_size=20, unique_by=lambda one: str(one).lower())
    )
    account.control("POST", "reset")
    account.control("PUT", "limits", {"hubspot": {"enabled": False}})
    rows = {
        f"c{number}": {"customer_id": f"c{number}", "firstname": "A", name: one} for number, one in enumerate(values)
    }
    outcomes = hubspot.write(batch(contacts, Verb.UPSERT, *(Operation(key, key, row) for key, row in rows.items())))
    assert all(isinstance(one, Written) for one in outcomes), outcomes
    found = hubspot.read(contacts, "customer_id", list(rows), [name])
    for key, row in rows.items():
        (current,) = found[key]
        expected = kept(field, row[name])
        assert current.fields == {name: expected}
        if isinstance(expected, (bool, str, list)):
            assert type(current.fields[name]) is type(expected)


def test_a_hundred_records_are_one_request(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """By a unique property, by id and by address: values and ids in one request each, strangers absent."""
    keys = [f"c{number}" for number in range(100)]
    rows = [Operation(key, key, {"customer_id": key, "email": f"{key}@example.com", "city": key}) for key in keys[:99]]
    ids = {one.source_key: one.destination_id for one in hubspot.write(batch(contacts, Verb.UPSERT, *rows))}
    before = account.traffic.requests
    by_key = hubspot.read(contacts, "customer_id", keys, ["city"])
    by_id = hubspot.read(contacts, None, [*ids.values(), "999"], ["city"])
    by_email = hubspot.read(contacts, "email", [f"{key}@example.com" for key in keys], ["city"])
    assert account.traffic.requests == before + 3
    assert by_key == {key: [Current(ids[key], {"city": key})] for key in keys[:99]}
    assert by_id == {ids[key]: [Current(ids[key], {"city": key})] for key in keys[:99]}
    assert list(by_email.values()) == [by_key[one.removesuffix("@example.com")] for one in by_email]
    assert hubspot.read(contacts, "hs_object_id", ["999"]) == {}


def test_a_contact_is_read_by_its_second_address(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """Its values come under the key that was asked for; the field itself shows the first address."""
    survivor = account.merge(account.create(email="a@example.com", city="Rome"), account.create(email="b@example.com"))
    found = hubspot.read(contacts, "email", ["b@example.com"], ["email", "city"])
    assert found == {"b@example.com": [Current(survivor, {"email": "a@example.com", "city": "Rome"})]}


def test_a_merged_away_id_has_no_record(account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema) -> None:
    """The survivor answers, but it is another record: its values are not those of the old id."""
    old = account.create(email="a@example.com")
    survivor = account.merge(old, account.create(email="b@example.com"))
    assert list(hubspot.read(contacts, None, [old, survivor], ["email"])) == [survivor]


@pytest.mark.parametrize(
    ("kind", "given_", "value"),
    [
        (FieldType.NUMBER, "5", 5),
        (FieldType.NUMBER, "5.00", 5),
        (FieldType.NUMBER, "5.25", Decimal("5.25")),
        (FieldType.NUMBER, 5, 5),
        (FieldType.NUMBER, "n/a", "n/a"),
        (FieldType.BOOLEAN, "true", True),
        (FieldType.BOOLEAN, False, False),
        (FieldType.BOOLEAN, "maybe", "maybe"),
        (FieldType.DATE, "2019-10-31", "2019-10-31"),
        (FieldType.DATE, "1572480000000", "2019-10-31"),
        (FieldType.DATE, "someday", "someday"),
        (FieldType.DATETIME, "2022-02-17T19:22:45.581Z", "2022-02-17T19:22:45.581000Z"),
        (FieldType.DATETIME, "2022-02-17T19:22:29Z", "2022-02-17T19:22:29Z"),
        (FieldType.DATETIME, "1651568400000", "2022-05-03T09:00:00Z"),
        (FieldType.DATETIME, "999999999999999", "999999999999999"),
        (FieldType.OPTIONS, "a;b", ["a", "b"]),
        (FieldType.OPTIONS, ";a;", ["a"]),
        (FieldType.OPTION, "pro", "pro"),
        (FieldType.STRING, "05", "05"),
        *((kind, empty, None) for kind in FieldType for empty in ("", None)),
    ],
)
def test_forms_that_hubspot_writes(kind: FieldType, given_: Any, value: Value) -> None:
    """Every recorded or documented form becomes the mapped one; what is not of its type is given as it is."""
    found = mapped(Field("x", kind), given_)
    assert (type(found), found) == (type(value), value)


def test_a_property_without_a_definition_is_text() -> None:
    """What is not described is not interpreted."""
    assert mapped(None, "05") == "05"
