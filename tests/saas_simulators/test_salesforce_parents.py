"""Parents named by their external id, custom objects, and references of several objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import SalesforceApi

OBJECTS = [
    {
        "name": "Invoice__c",
        "label": "Invoice",
        "fields": [{"name": "Number__c", "type": "string", "external_id": True, "unique": True}],
    },
    {
        "name": "Line__c",
        "fields": [
            {"name": "Invoice__c", "type": "reference", "to": "Invoice__c", "master_detail": True},
            {"name": "About__c", "type": "reference", "to": ["Account", "Contact"]},
        ],
    },
    {
        "name": "Note__c",
        "fields": [
            {"name": "Invoice__c", "type": "reference", "to": "Invoice__c", "master_detail": True, "reparentable": True}
        ],
    },
]


@pytest.fixture
def org(sf: SalesforceApi) -> SalesforceApi:
    """An org with an account, invoices and their lines."""
    sf.seed(objects=OBJECTS, records={"Account": [{"Name": "Acme", "External_Id__c": "A1"}]})
    return sf


def refused(sf: SalesforceApi, object_name: str, **values: Any) -> dict[str, Any]:
    """Return the error of a row."""
    error: dict[str, Any] = sf.send("POST", f"/sobjects/{object_name}", values).json()[0]
    return error


def test_a_parent_by_external_id(org: SalesforceApi) -> None:
    """The relationship's name takes the parent's key, without regard to case; null leaves it."""
    contact = org.create("Contact", LastName="x", Account={"External_Id__c": "a1"})
    (account,) = org.query("SELECT Id FROM Account")
    assert org.read("Contact", contact)["AccountId"] == account["Id"]
    org.send("PATCH", f"/sobjects/Contact/{contact}", {"Account": None})
    assert org.read("Contact", contact)["AccountId"] == account["Id"]
    owned = org.create("Account", Name="x", Owner={"attributes": {"type": "User"}, "Username": "bob.owner@example.com"})
    assert org.read("Account", owned)["OwnerId"] != org.server.salesforce.user_id


def test_a_parent_that_is_not_there(org: SalesforceApi) -> None:
    """The row of an unknown parent fails with value, field and object."""
    error = refused(org, "Contact", LastName="x", Account={"External_Id__c": "A2"})
    text = "Foreign key external ID: A2 not found for field External_Id__c in entity Account"
    assert (error["errorCode"], error["message"]) == ("INVALID_FIELD", text)


@pytest.mark.parametrize(
    ("parent", "said"),
    [
        ({"External_Id__c": "A1", "Name": "x"}, "More than 1 field provided in an external foreign key reference"),
        ({}, "does not reference a valid entity: Account"),
        ({"Nam": "x"}, "No such column 'Nam' on sobject of type Account"),
        ({"Name": "Acme"}, "does not match an External ID"),
        ({"attributes": {"type": "Contact"}, "External_Id__c": "A1"}, "does not reference a valid entity: Account"),
    ],
)
def test_parents_that_are_badly_named(org: SalesforceApi, parent: dict[str, Any], said: str) -> None:
    """Exactly one key of the right object names a parent."""
    error = refused(org, "Contact", LastName="x", Account=parent)
    assert error["errorCode"] == "INVALID_FIELD"
    assert said in error["message"]


def test_id_and_parent_together(org: SalesforceApi) -> None:
    """A reference is given by id or by key, not by both."""
    (account,) = org.query("SELECT Id FROM Account")
    error = refused(org, "Contact", LastName="x", AccountId=account["Id"], Account={"External_Id__c": "A1"})
    assert error["errorCode"] == "INVALID_FIELD"


def test_several_parents(org: SalesforceApi) -> None:
    """A key of several parents is refused."""
    for name in "ab":
        org.create("Contact", LastName=name, Email="a@example.com")
    error = refused(org, "Contact", LastName="x", ReportsTo={"Email": "a@example.com"})
    assert error["errorCode"] == "DUPLICATE_EXTERNAL_ID"


def test_parents_of_several_objects(org: SalesforceApi) -> None:
    """Where a reference may lead to several objects, the parent says which."""
    invoice = org.create("Invoice__c", Number__c="I1")
    error = refused(org, "Line__c", Invoice__c=invoice, About__r={"External_Id__c": "A1"})
    assert error["errorCode"] == "INVALID_FIELD"
    parent = {"attributes": {"type": "Account"}, "External_Id__c": "A1"}
    line = org.create("Line__c", Invoice__r={"Number__c": "I1"}, About__r=parent)
    row = org.read("Line__c", line)
    assert (row["Invoice__c"], row["About__c"][:3]) == (invoice, "001")
    assert (invoice[:3], line[:3]) == ("a00", "a01")


def test_siblings_do_not_see_each_other(org: SalesforceApi) -> None:
    """A parent that the same request creates is not found by its children."""
    rows = [
        {"External_Id__c": "P", "Name": "p"},
        {"External_Id__c": "C", "Name": "c", "Parent": {"External_Id__c": "P"}},
    ]
    answers = org.upsert(rows, "Account")
    assert [answer["success"] for answer in answers] == [True, False]
    assert [answer["success"] for answer in org.upsert(rows, "Account")] == [True, True]


def test_masters(org: SalesforceApi) -> None:
    """A detail needs its master and keeps it, unless it is reparentable, and goes with it."""
    first, second = (org.create("Invoice__c", Number__c=number) for number in ("I1", "I2"))
    assert refused(org, "Line__c")["errorCode"] == "REQUIRED_FIELD_MISSING"
    line = org.create("Line__c", Invoice__c=first)
    note = org.create("Note__c", Invoice__c=first)
    error = org.send("PATCH", f"/sobjects/Line__c/{line}", {"Invoice__c": second}).json()[0]
    assert (error["errorCode"], error["fields"]) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Invoice__c"])
    assert org.send("PATCH", f"/sobjects/Note__c/{note}", {"Invoice__c": second}).status_code == 204
    org.send("DELETE", f"/sobjects/Invoice__c/{first}")
    assert org.send("GET", f"/sobjects/Line__c/{line}").status_code == 404
    assert org.read("Note__c", note)["Invoice__c"] == second


def test_custom_objects_have_names_and_owners(org: SalesforceApi) -> None:
    """A row of a custom object gets a name and an owner; a detail has none of its own."""
    row = org.read("Invoice__c", org.create("Invoice__c"))
    assert row["Name"]
    assert row["OwnerId"] == org.server.salesforce.user_id
    shown = org.send("GET", "/sobjects/Line__c/describe").json()["fields"]
    assert "OwnerId" not in {field["name"] for field in shown}
