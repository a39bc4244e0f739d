"""Values of each type: what is taken, how it reads, what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.salesforce.ids import make_id, normal_id, with_suffix

if TYPE_CHECKING:
    from conftest import SalesforceApi

FIELDS = [
    {"name": "Text__c", "label": "Some text", "length": 5},
    {"name": "Flag__c", "type": "boolean"},
    {"name": "Count__c", "type": "int"},
    {"name": "Small__c", "label": "Small", "type": "double", "precision": 3, "scale": 1},
    {"name": "Day__c", "type": "date"},
    {"name": "When__c", "type": "datetime"},
    {"name": "Clock__c", "type": "time"},
    {
        "name": "Pick__c",
        "label": "Pick",
        "type": "picklist",
        "values": ["a", {"value": "b", "label": "Bee"}],
        "restricted": True,
    },
    {"name": "Many__c", "label": "Many", "type": "multipicklist", "values": ["a", "b", "c"], "restricted": True},
    {"name": "Mail__c", "label": "email field", "type": "email"},
]


@pytest.fixture
def typed(sf: SalesforceApi) -> SalesforceApi:
    """An org whose accounts have a field of each type."""
    sf.seed(fields={"Account": FIELDS})
    return sf


@pytest.mark.parametrize(
    ("name", "sent", "read"),
    [
        ("Text__c", "abc", "abc"),
        ("Text__c", 12, "12"),
        ("Text__c", True, "true"),
        ("Text__c", "", None),
        ("Flag__c", "TRUE", True),
        ("Flag__c", False, False),
        ("Count__c", "5", 5),
        ("Count__c", 5.0, 5),
        ("Small__c", "1", 1.0),
        ("Small__c", 1.26, 1.26),
        ("Small__c", 0, 0.0),
        ("Day__c", "2024-02-29", "2024-02-29"),
        ("When__c", "2021-11-06T18:38:40+0100", "2021-11-06T17:38:40.000+0000"),
        ("When__c", "2021-11-06T17:38:40.5Z", "2021-11-06T17:38:40.500+0000"),
        ("When__c", "2021-11-06T12:08:40-05:30", "2021-11-06T17:38:40.000+0000"),
        ("Clock__c", "12:30:00.000Z", "12:30:00.000Z"),
        ("Pick__c", "b", "b"),
        ("Many__c", "c;a", "a;c"),
        ("Industry", "not in the list", "not in the list"),
        ("Mail__c", "Ada@Example.com", "Ada@Example.com"),
        ("NumberOfEmployees", None, None),
    ],
)
def test_values_that_are_taken(typed: SalesforceApi, name: str, sent: Any, read: Any) -> None:
    """A value reads as its type does, whatever it was sent as."""
    row = typed.read("Account", typed.create("Account", Name="x", **{name: sent}))
    assert row[name] == read
    assert type(row[name]) is type(read)


@pytest.mark.parametrize(
    ("name", "sent", "code", "message"),
    [
        ("Text__c", "abcdef", "STRING_TOO_LONG", "Some text: data value too large: abcdef (max length=5)"),
        ("Small__c", 1000, "NUMBER_OUTSIDE_VALID_RANGE", "Small: value outside of valid range on numeric field: 1000"),
        (
            "Count__c",
            10**400,
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"Count: value outside of valid range on numeric field: {10**400}",
        ),
        (
            "Small__c",
            "1e400",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Small: value outside of valid range on numeric field: 1e400",
        ),
        (
            "Small__c",
            -(10**400),
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"Small: value outside of valid range on numeric field: {-(10**400)}",
        ),
        (
            "Pick__c",
            "Bee",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Pick: bad value for restricted picklist field: Bee",
        ),
        (
            "Many__c",
            "a;x",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Many: bad value for restricted picklist field: x",
        ),
        ("Mail__c", "badone", "INVALID_EMAIL_ADDRESS", "email field: invalid email address: badone"),
        ("ParentId", "NotReal", "MALFORMED_ID", "Parent Account ID: id value of incorrect type: NotReal"),
        ("Flag__c", None, "INVALID_TYPE_ON_FIELD_IN_RECORD", "Flag: value not of required type: "),
    ],
)
def test_values_that_are_refused(typed: SalesforceApi, name: str, sent: Any, code: str, message: str) -> None:
    """A broken rule has its code, the label in the message and the API name in `fields`."""
    error = typed.send("POST", "/sobjects/Account", {"Name": "x", name: sent}).json()
    assert error == [{"message": message, "errorCode": code, "fields": [name]}]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Count__c", "x"),
        ("Count__c", 1.5),
        ("Count__c", True),
        ("Small__c", ""),
        ("Small__c", "NaN"),
        ("Small__c", []),
        ("Flag__c", "yes"),
        ("Flag__c", 1),
        ("Day__c", "2023-02-29"),
        ("Day__c", "2021-11-06T00:00:00Z"),
        ("Day__c", ""),
        ("When__c", "2021-11-06"),
        ("When__c", "2021-11-06T25:00:00Z"),
        ("Clock__c", "24:00:00Z"),
        ("Text__c", {"a": 1}),
        ("Text__c", ["a"]),
    ],
)
def test_values_that_cannot_be_parsed(typed: SalesforceApi, name: str, sent: Any) -> None:
    """A value of another type fails the request in the parser, without `fields`."""
    reply = typed.send("POST", "/sobjects/Account", {"Name": "x", name: sent})
    (error,) = reply.json()
    assert (reply.status_code, error["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert "fields" not in error


def test_several_bad_values(typed: SalesforceApi) -> None:
    """Each bad value of a row has an error of its own."""
    errors = typed.send("POST", "/sobjects/Account", {"Name": "x", "Text__c": "abcdef", "Mail__c": "x"}).json()
    assert [error["fields"] for error in errors] == [["Text__c"], ["Mail__c"]]


def test_defaults(sf: SalesforceApi) -> None:
    """An omitted field gets its default; the stage of an opportunity brings more."""
    lead = sf.read("Lead", sf.create("Lead", LastName="x", Company="y"))
    assert (lead["Status"], lead["IsConverted"], lead["Name"]) == ("Open - Not Contacted", False, "x")
    deal = {"Name": "x", "CloseDate": "2026-01-01"}
    won = sf.read("Opportunity", sf.create("Opportunity", **deal, StageName="Closed Won"))
    assert (won["Probability"], won["IsWon"], won["IsClosed"], won["ForecastCategoryName"]) == (
        100.0,
        True,
        True,
        "Closed",
    )
    assert sf.read("Case", sf.create("Case"))["CaseNumber"].isdigit()
    person = sf.read("Contact", sf.create("Contact", LastName="Lovelace", FirstName="Ada", MailingCity="London"))
    assert person["Name"] == "Ada Lovelace"
    assert person["MailingAddress"]["city"] == "London"


def test_references(sf: SalesforceApi) -> None:
    """A reference must lead to a live row of the right object."""
    account = sf.create("Account", Name="x")
    contact = sf.create("Contact", LastName="x", AccountId=account[:15])
    assert sf.read("Contact", contact)["AccountId"] == account
    gone = sf.create("Account", Name="gone")
    sf.send("DELETE", f"/sobjects/Account/{gone}")
    cases = {
        contact: "FIELD_INTEGRITY_EXCEPTION",
        "001000000000001": "INVALID_CROSS_REFERENCE_KEY",
        gone: "ENTITY_IS_DELETED",
        "x": "MALFORMED_ID",
    }
    for sent, code in cases.items():
        reply = sf.send("POST", "/sobjects/Contact", {"LastName": "y", "AccountId": sent})
        assert reply.json()[0]["errorCode"] == code
    assert sf.send("PATCH", f"/sobjects/Contact/{contact}", {"AccountId": None}).status_code == 204
    assert sf.read("Contact", contact)["AccountId"] is None


def test_inactive_owners(sf: SalesforceApi) -> None:
    """An inactive user cannot own rows."""
    sf.seed(users=[{"username": "gone@example.com", "last_name": "Gone", "active": False}])
    (user,) = sf.query("SELECT Id FROM User WHERE Username = 'gone@example.com'")
    reply = sf.send("POST", "/sobjects/Account", {"Name": "x", "OwnerId": user["Id"]})
    assert reply.json()[0]["errorCode"] == "INACTIVE_OWNER_OR_USER"


@pytest.mark.parametrize(
    "real", ["001ak00000OQTieAAH", "750ak000009BWKLAA4", "003ak000003dQCGAA2", "005ak000005hvjJAAQ"]
)
def test_the_checksum_of_real_ids(real: str) -> None:
    """Recorded ids have the suffix that is computed, which gives lost case back."""
    assert with_suffix(real[:15]) == real
    assert normal_id(real.lower()) == normal_id(real.upper()) == real


def test_ids_differ_and_grow() -> None:
    """The ids of rows in turn sort in that order."""
    ids = [make_id("001", number) for number in range(1, 5000)]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)
    assert normal_id("tooShort") is None
    assert normal_id("x" * 18 + "!") is None
