"""Queries and describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from saas_simulators.salesforce.soql import unescaped

if TYPE_CHECKING:
    from conftest import SalesforceApi

ROWS = [
    {"Name": "Acme", "External_Id__c": "A1", "NumberOfEmployees": 10, "Site": "x"},
    {"Name": "acme two", "External_Id__c": "a2", "NumberOfEmployees": 20},
    {"Name": "O'Neill \\ 100%", "External_Id__c": "B1", "AnnualRevenue": 5},
]


@pytest.fixture
def org(sf: SalesforceApi) -> SalesforceApi:
    """An org with three accounts, one with a contact."""
    sf.rows("POST", ROWS, kind="Account")
    sf.create("Contact", LastName="x", Birthdate="2000-01-31", Account={"External_Id__c": "A1"})
    return sf


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("", ["A1", "a2", "B1"]),
        ("WHERE External_Id__c = 'a1'", ["A1"]),
        ("WHERE External_Id__c IN ('A2', 'b1', 'none')", ["a2", "B1"]),
        ("where name = 'ACME'", ["A1"]),
        ("WHERE Name LIKE 'acme%'", ["A1", "a2"]),
        ("WHERE Name LIKE '_cme'", ["A1"]),
        (r"WHERE Name LIKE '%\%'", ["B1"]),
        (r"WHERE Name = 'O\'Neill \\ 100%'", ["B1"]),
        ("WHERE NumberOfEmployees > 10", ["a2"]),
        ("WHERE NumberOfEmployees >= 10 AND NumberOfEmployees < 20", ["A1"]),
        ("WHERE NumberOfEmployees = null", ["B1"]),
        ("WHERE Site != null", ["A1"]),
        ("WHERE AnnualRevenue = 5.0 OR Site = 'X'", ["A1", "B1"]),
        ("WHERE (Site = 'x' OR NumberOfEmployees = 20) AND Name LIKE '%two'", ["a2"]),
        ("WHERE NOT Name = 'acme'", ["a2", "B1"]),
        ("WHERE External_Id__c NOT IN ('A1','a2')", ["B1"]),
        ("WHERE IsDeleted = false AND CreatedDate > 2000-01-01T00:00:00Z", ["A1", "a2", "B1"]),
        ("WHERE Owner.Username = 'ada.admin@example.com' AND Site = 'x'", ["A1"]),
        ("ORDER BY Name DESC", ["B1", "a2", "A1"]),
        ("ORDER BY NumberOfEmployees ASC NULLS FIRST, Name LIMIT 2", ["B1", "A1"]),
        ("ORDER BY Name LIMIT 1 OFFSET 1", ["a2"]),
        ("LIMIT 0", []),
    ],
)
def test_conditions(org: SalesforceApi, where: str, keys: list[str]) -> None:
    """Text compares without regard to case, escapes mean what they say, rows without a value come first."""
    rows = org.query(f"SELECT External_Id__c FROM Account {where}")  # noqa: S608 - of a simulator
    assert [row["External_Id__c"] for row in rows] == keys


def test_ids_and_dates_compare(org: SalesforceApi) -> None:
    """Ids match with 15 and 18 characters; dates stand without quotes."""
    (account,) = org.query("SELECT Id FROM Account WHERE Site = 'x'")
    for form in (account["Id"], account["Id"][:15]):
        assert org.query(f"SELECT Id FROM Account WHERE Id = '{form}'") == [account]  # noqa: S608 - of a simulator
        assert len(org.query(f"SELECT Id FROM Contact WHERE AccountId IN ('{form}')")) == 1  # noqa: S608 - of a simulator
    assert len(org.query("SELECT Id FROM Contact WHERE Birthdate = 2000-01-31")) == 1


def test_parents(org: SalesforceApi) -> None:
    """A parent's fields come as an object inside, or null."""
    org.create("Contact", LastName="y")
    rows = org.query("SELECT Id, Account.Name, Account.External_Id__c, Contact.LastName FROM Contact ORDER BY LastName")
    assert [list(row) for row in rows] == [["attributes", "Id", "LastName", "Account"]] * 2
    assert rows[0]["Account"]["attributes"]["type"] == "Account"
    assert (rows[0]["Account"]["Name"], rows[0]["Account"]["External_Id__c"], rows[1]["Account"]) == (
        "Acme",
        "A1",
        None,
    )
    assert len(org.query("SELECT Id FROM Contact WHERE Account.Name = 'acme'")) == 1


def test_counting(org: SalesforceApi) -> None:
    """COUNT() has a total and no records; recordCount tells the same of live rows."""
    body = org.send("GET", "/query?q=" + quote("SELECT COUNT() FROM Account WHERE Name LIKE 'a%'")).json()  # noqa: S608 - of a simulator
    assert body == {"totalSize": 2, "done": True, "records": []}
    shown = org.send("GET", "/limits/recordCount?sObjects=Account").json()
    assert shown == {"sObjects": [{"count": 3, "name": "Account"}]}


def test_deleted_rows_are_in_query_all(org: SalesforceApi) -> None:
    """The recycle bin is seen by queryAll only."""
    (account,) = org.query("SELECT Id FROM Account WHERE External_Id__c = 'B1'")
    org.send("DELETE", f"/sobjects/Account/{account['Id']}")
    statement = quote("SELECT Id, IsDeleted FROM Account WHERE External_Id__c = 'B1'")
    assert org.send("GET", f"/query?q={statement}").json()["records"] == []
    (found,) = org.send("GET", f"/queryAll?q={statement}").json()["records"]
    assert (found["Id"], found["IsDeleted"]) == (account["Id"], True)


def test_pages(sf: SalesforceApi) -> None:
    """A long result comes in pages, the last without a next one."""
    for start in range(0, 600, 200):
        sf.upsert([{"External_Id__c": f"C{start + number}", "LastName": "x"} for number in range(200)])
    options = {"Sforce_Query_Options": "batchSize=250"}
    first = sf.send("GET", "/query/?q=SELECT+Id+FROM+Contact", **options).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (600, False, 250)
    assert first["nextRecordsUrl"].endswith("-250")
    second = sf.send("GET", first["nextRecordsUrl"]).json()
    last = sf.send("GET", second["nextRecordsUrl"]).json()
    assert (last["done"], len(last["records"]), "nextRecordsUrl" in last) == (True, 100, False)
    ids = {row["Id"] for page in (first, second, last) for row in page["records"]}
    assert len(ids) == 600
    assert sf.send("GET", "/query/01gnothing-5").json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_the_organization(sf: SalesforceApi) -> None:
    """There is one organization, whose id is the one in sessions and logins."""
    (row,) = sf.query("SELECT Id, Name, InstanceName, IsSandbox, NamespacePrefix FROM Organization")
    assert row["Id"] == sf.server.salesforce.id
    assert row["Id"][:3] == "00D"


@pytest.mark.parametrize(
    ("statement", "code", "said"),
    [
        ("", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT FROM Account", "MALFORMED_QUERY", "unexpected token: 'Account'"),
        ("SELECT Id FROM Account WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account WHERE Name ~ 'x'", "MALFORMED_QUERY", "unexpected token: '~'"),
        ("SELECT Id FROM Account LIMIT x", "MALFORMED_QUERY", "unexpected token: 'x'"),
        ("SELECT Id FROM Account GROUP BY Id", "MALFORMED_QUERY", "unexpected token: 'GROUP'"),
        (r"SELECT Id FROM Account WHERE Name = 'a\x'", "MALFORMED_QUERY", "Illegal character sequence"),
        ("SELECT Nam FROM Account", "INVALID_FIELD", "No such column 'Nam' on entity 'Account'"),
        ("SELECT Id FROM Account WHERE Nam = 'x'", "INVALID_FIELD", "No such column 'Nam'"),
        ("SELECT Id FROM Account ORDER BY Nam", "INVALID_FIELD", "No such column 'Nam'"),
        ("SELECT Foo.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Foo'"),
        ("SELECT Id FROM Account WHERE Foo.Name = 'x'", "INVALID_FIELD", "No such column"),
        ("SELECT Id FROM Accout", "INVALID_TYPE", "sObject type 'Accout' is not supported."),
    ],
)
def test_wrong_queries(sf: SalesforceApi, statement: str, code: str, said: str) -> None:
    """A wrong statement is a 400 whose message points at the place."""
    reply = sf.send("GET", "/query?q=" + quote(statement))
    (error,) = reply.json()
    assert (reply.status_code, error["errorCode"]) == (400, code)
    assert said in error["message"]
    if code != "MALFORMED_QUERY":
        assert "\nERROR at Row:1:Column:" in error["message"]


def test_escapes_of_strings() -> None:
    """Each escape of the language reference means its character."""
    assert unescaped(r"'a\n\t\'\"\\b'") == "a\n\t'\"\\b"


def test_describe_global(sf: SalesforceApi) -> None:
    """Every object is listed with what may be done with it."""
    body = sf.send("GET", "/sobjects/").json()
    found = {shown["name"]: shown for shown in body["sobjects"]}
    assert body["maxBatchSize"] == 200
    assert (found["Account"]["keyPrefix"], found["Account"]["createable"]) == ("001", True)
    assert found["Organization"]["createable"] is False
    assert found["Case"]["urls"]["describe"] == "/services/data/v67.0/sobjects/Case/describe"
    assert sf.send("GET", "/sobjects/Account").json()["objectDescribe"]["name"] == "Account"


def fields(sf: SalesforceApi, name: str) -> dict[str, dict[str, Any]]:
    """Return an object's fields by name."""
    return {field["name"]: field for field in sf.send("GET", f"/sobjects/{name}/describe").json()["fields"]}


def test_describe_tells_what_a_writer_needs(sf: SalesforceApi) -> None:
    """Keys, requirements, references and compounds are as in recorded describes."""
    contact = fields(sf, "contact")
    key = contact["External_Id__c"]
    assert (key["type"], key["length"], key["externalId"], key["idLookup"]) == ("string", 191, True, True)
    assert (key["unique"], key["caseSensitive"], key["custom"]) == (True, False, True)
    assert contact["Score__c"]["type"] == "double"
    assert contact["Email"]["idLookup"] is True
    assert contact["MailingCity"]["compoundFieldName"] == "MailingAddress"
    assert contact["MailingAddress"]["createable"] is False
    owner = contact["OwnerId"]
    assert (owner["referenceTo"], owner["nillable"], owner["defaultedOnCreate"]) == (["User"], False, True)
    assert fields(sf, "Lead")["OwnerId"]["referenceTo"] == ["Group", "User"]
    assert fields(sf, "Lead")["OwnerId"]["polymorphicForeignKey"] is True
    assert fields(sf, "Opportunity")["ContactId"]["relationshipName"] is None
    assert fields(sf, "Account")["Name"]["idLookup"] is False


@pytest.mark.parametrize(
    ("name", "required"),
    [
        ("Account", {"Name"}),
        ("Contact", {"LastName"}),
        ("Lead", {"LastName", "Company"}),
        ("Opportunity", {"Name", "StageName", "CloseDate"}),
        ("Case", set()),
        ("Event", set()),
    ],
)
def test_required_fields(sf: SalesforceApi, name: str, required: set[str]) -> None:
    """Exactly the fields that recorded describes demand are demanded."""
    demanded = {
        field["name"]
        for field in fields(sf, name).values()
        if field["createable"] and not field["nillable"] and not field["defaultedOnCreate"]
    }
    assert demanded == required


@pytest.mark.parametrize("is_granted", [True, False])
def test_a_user_may_ask_for_a_permission(sf: SalesforceApi, *, is_granted: bool) -> None:
    """Of all of them the one that the simulator keeps, in the only row that there is."""
    url = f"{sf.server.url}/_simulator/limits"
    sf.session.put(url, json={"salesforce": {"bulk_hard_delete": is_granted}}, timeout=10)
    (row,) = sf.query("SELECT PermissionsBulkApiHardDelete FROM UserPermissionAccess")
    assert row["PermissionsBulkApiHardDelete"] is is_granted
    query = {"q": "SELECT PermissionsModifyAllData FROM UserPermissionAccess"}
    headers = {"Authorization": f"Bearer {sf.token}"}
    refused = sf.session.get(f"{sf.server.url}{sf.base}/query", params=query, headers=headers, timeout=10)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
