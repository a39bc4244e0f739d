"""What each kind of property takes, stores and refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Api

DATE = {"groupName": "contactinformation", "name": "renewal", "label": "Renewal", "type": "date", "fieldType": "date"}
TOPICS = {
    "groupName": "contactinformation",
    "name": "topics",
    "label": "Topics",
    "type": "enumeration",
    "fieldType": "checkbox",
    "options": [{"label": value, "value": value, "hidden": False, "displayOrder": 0} for value in "abc"],
}


def refused(api: Api, object_type: str = "contacts", **properties: Any) -> dict[str, Any]:
    """Return the one property error of a refused create."""
    reply = api.send("POST", f"/crm/v3/objects/{object_type}", {"properties": {"firstname": "x", **properties}})
    assert reply.status_code == 400, reply.text
    (error,) = reply.json()["errors"]
    assert isinstance(error, dict)
    return error


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        ("churn_risk", 0.5, "0.5"),
        ("churn_risk", "-12", "-12"),
        ("churn_risk", 3, "3"),
        ("plan", "pro", "pro"),
        ("phone", "+49 (30) 1-2", "+49 (30) 1-2"),
        ("closedate", "1651568400000", "2022-05-03T09:00:00Z"),
        ("closedate", 1659970341857, "2022-08-08T14:52:21.857Z"),
        ("closedate", "2022-05-03T11:00:00+02:00", "2022-05-03T09:00:00Z"),
        ("closedate", "1901-05-03T11:00:00.5Z", "1901-05-03T11:00:00.500Z"),
        ("hubspot_owner_id", 31871817, "31871817"),
        ("lastname", '☃ \u0000"<b>', '☃ \u0000"<b>'),
        ("lastname", True, "true"),
    ],
)
def test_accepted_values(api: Api, name: str, sent: Any, stored: str) -> None:
    """Values are stored as text in the form that HubSpot gives them."""
    made = api.create(email="ada@example.com", **{name: sent})
    assert made["properties"][name] == stored
    read = api.send("GET", f"/crm/v3/objects/contacts/{made['id']}?properties={name}").json()
    assert read["properties"][name] == stored


@pytest.mark.parametrize(
    ("name", "sent", "code", "message"),
    [
        ("churn_risk", "1,000", "INVALID_INTEGER", "1,000 was not a valid number."),
        ("churn_risk", "12 EUR", "INVALID_INTEGER", "12 EUR was not a valid number."),
        ("churn_risk", "1.2.3", "INVALID_INTEGER", "1.2.3 was not a valid number."),
        ("plan", "Pro", "INVALID_OPTION", "Pro was not one of the allowed options: [free, pro, enterprise]"),
        ("plan", "pro;free", "INVALID_OPTION", None),
        ("email", "nobody", "INVALID_EMAIL", "Email address nobody is invalid"),
        ("email", "a b@example.com", "INVALID_EMAIL", None),
        ("closedate", "soon", "INVALID_LONG", "soon was not a valid long. Portal 48000001, object type 0-1"),
        ("hubspot_owner_id", "1", "INVALID_OPTION", None),
        (
            "createdate",
            "2020-01-01",
            "READ_ONLY_VALUE",
            '"createdate" is a read only property; its value cannot be set.',
        ),
        ("num_associated_deals", "1", "READ_ONLY_VALUE", None),
        ("hs_object_id", "1", "READ_ONLY_VALUE", None),
        ("no_such", "x", "PROPERTY_DOESNT_EXIST", 'Property "no_such" does not exist'),
        ("lastname", "x" * 65_537, "PROPERTY_VALUE_TOO_LONG", None),
        ("lastname", None, "INVALID_VALUE", None),
    ],
)
def test_refused_values(api: Api, name: str, sent: Any, code: str, message: str | None) -> None:
    """Every rule refuses with its code, and names the property."""
    error = refused(api, **{name: sent})
    assert (error["code"], error["context"]) == (code, {"propertyName": [name]})
    assert message is None or error["message"] == message
    assert api.journal() == []


def test_errors_come_in_both_forms(api: Api) -> None:
    """The same errors stand as JSON inside the message and as `errors`."""
    reply = api.send("POST", "/crm/v3/objects/contacts", {"properties": {"plan": "gold", "churn_risk": "x"}})
    embedded = json.loads(reply.json()["message"].removeprefix("Property values were not valid: "))
    assert [(one["error"], one["name"], one["isValid"]) for one in embedded] == [
        ("INVALID_OPTION", "plan", False),
        ("INVALID_INTEGER", "churn_risk", False),
    ]
    assert [one["code"] for one in reply.json()["errors"]] == ["INVALID_OPTION", "INVALID_INTEGER"]


def test_dates_are_days(api: Api) -> None:
    """A date takes a day or midnight UTC; another time of day is refused with the clock time."""
    api.send("POST", "/crm/v3/properties/contacts", DATE)
    made = [api.create(firstname="x", renewal=value) for value in ("2024-02-29", 1709164800000)]
    assert [one["properties"]["renewal"] for one in made] == ["2024-02-29", "2024-02-29"]
    assert refused(api, renewal=1709168400001)["message"] == "1709168400001 is at 1:0:0.1 UTC, not midnight!"
    assert refused(api, renewal="29.02.2024")["code"] == "INVALID_DATE"


def test_checkboxes_take_lists_and_append(api: Api) -> None:
    """A multi-select takes `;`-separated options, and a leading semicolon appends."""
    api.send("POST", "/crm/v3/properties/contacts", TOPICS)
    made = api.create(firstname="x", topics="a;b")
    path = f"/crm/v3/objects/contacts/{made['id']}"
    assert api.send("PATCH", path, {"properties": {"topics": ";c"}}).json()["properties"]["topics"] == "a;b;c"
    assert api.send("PATCH", path, {"properties": {"topics": "c"}}).json()["properties"]["topics"] == "c"
    assert refused(api, topics="a;z")["message"] == "z was not one of the allowed options: [a, b, c]"


def test_lifecycle_stage_never_goes_back(api: Api) -> None:
    """A backward stage is answered with success and keeps its value; clearing first is the way."""
    made = api.create(email="ada@example.com", lifecyclestage="customer")
    path = f"/crm/v3/objects/contacts/{made['id']}"

    def write(stage: str) -> str:
        reply = api.send("PATCH", path, {"properties": {"lifecyclestage": stage}})
        assert reply.status_code == 200
        written: str = reply.json()["properties"]["lifecyclestage"]
        return written

    assert [write("lead"), write("evangelist"), write(""), write("lead")] == ["customer", "evangelist", "", "lead"]


def test_clearing_echoes_an_empty_string(api: Api) -> None:
    """An empty string clears; a number reads as null afterwards, text as an empty string."""
    made = api.create(email="ada@example.com", churn_risk=1, city="Rome")
    path = f"/crm/v3/objects/contacts/{made['id']}"
    echo = api.send("PATCH", path, {"properties": {"churn_risk": "", "city": ""}}).json()["properties"]
    assert (echo["churn_risk"], echo["city"]) == ("", "")
    read = api.send("GET", path + "?properties=churn_risk,city").json()["properties"]
    assert (read["churn_risk"], read["city"]) == (None, "")


@pytest.mark.parametrize("value", [["a"], {"a": 1}])
def test_structures_are_no_values(api: Api, value: Any) -> None:
    """A JSON array or object as a value is a type mismatch without a category."""
    reply = api.send("POST", "/crm/v3/objects/contacts", {"properties": {"city": value}})
    assert reply.status_code == 400
    assert "Cannot deserialize value of type `java.lang.String`" in reply.json()["message"]
    assert "category" not in reply.json()


@pytest.mark.parametrize(
    ("object_type", "properties", "code"),
    [
        ("contacts", {"customer_id": "C1"}, "CONTACT"),
        ("companies", {"city": "Rome"}, "COMPANY"),
        ("deals", {"dealname": "x"}, "DEAL"),
        ("tickets", {"hs_pipeline_stage": "1"}, "TICKET"),
    ],
)
def test_required_properties(api: Api, object_type: str, properties: dict[str, str], code: str) -> None:
    """A create without what the object requires is refused."""
    reply = api.send("POST", f"/crm/v3/objects/{object_type}", {"properties": properties})
    assert reply.status_code == 400
    assert reply.json()["message"] == f"Error creating {code}. Some required properties were not set."
