"""Single rows: create, read, update, delete, by id and by external id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import SalesforceApi

NOT_FOUND = [{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}]
KEY = "/sobjects/Account/External_Id__c"


def test_created_rows_have_an_address(sf: SalesforceApi) -> None:
    """A create answers 201 with the id, which reads as 15 and as 18 characters."""
    reply = sf.send("POST", "/sobjects/Account/", {"Name": "Acme"})
    record_id = reply.json()["id"]
    assert (reply.status_code, reply.json()) == (201, {"id": record_id, "success": True, "errors": []})
    assert reply.headers["Location"] == f"/services/data/v67.0/sobjects/Account/{record_id}"
    assert reply.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert (len(record_id), record_id[:3]) == (18, "001")
    row = sf.read("ACCOUNT", record_id[:15])
    assert row["attributes"] == {"type": "Account", "url": f"/services/data/v67.0/sobjects/Account/{record_id}"}
    assert (row["Name"], row["Site"], row["IsDeleted"]) == ("Acme", None, False)
    assert row["OwnerId"] == row["CreatedById"] == sf.server.salesforce.user_id
    assert row["CreatedDate"].endswith(".000+0000")


def test_updates_say_nothing(sf: SalesforceApi) -> None:
    """An update is a 204; null clears, what is not sent stays."""
    record_id = sf.create("Contact", LastName="Lovelace", FirstName="Ada", Phone="1")
    reply = sf.send("PATCH", f"/sobjects/Contact/{record_id}", {"FirstName": None, "phone": "2"})
    assert (reply.status_code, reply.content) == (204, b"")
    row = sf.read("Contact", record_id)
    assert (row["FirstName"], row["Phone"], row["Name"]) == (None, "2", "Lovelace")
    assert [entry["detail"] for entry in sf.journal("record_updated")] == [["FirstName", "Phone"]]


def test_fields_can_be_chosen(sf: SalesforceApi) -> None:
    """A read may name fields; an unknown one is refused."""
    record_id = sf.create("Account", Name="Acme")
    shown = sf.send("GET", f"/sobjects/Account/{record_id}?fields=Name,Site").json()
    assert set(shown) == {"attributes", "Name", "Site", "Id"}
    reply = sf.send("GET", f"/sobjects/Account/{record_id}?fields=Nam")
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_deleted_rows_are_gone(sf: SalesforceApi) -> None:
    """A deleted row is not found, its second delete says why, and its key is free."""
    record_id = sf.create("Account", Name="Acme", External_Id__c="A1")
    assert sf.send("DELETE", f"/sobjects/Account/{record_id}").status_code == 204
    for path in (f"/sobjects/Account/{record_id}", f"{KEY}/A1"):
        reply = sf.send("GET", path)
        assert (reply.status_code, reply.json()) == (404, NOT_FOUND)
    reply = sf.send("DELETE", f"/sobjects/Account/{record_id}")
    assert reply.status_code == 404
    assert reply.json() == [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]
    reply = sf.send("PATCH", f"/sobjects/Account/{record_id}", {"Name": "x"})
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    assert sf.send("PATCH", f"{KEY}/A1", {"Name": "New"}).json()["created"] is True
    assert [entry["id"] for entry in sf.journal("record_deleted")] == [record_id]


def test_deleting_what_never_was(sf: SalesforceApi) -> None:
    """An unknown id is a 404 of another code, and no id at all a 400."""
    reply = sf.send("DELETE", "/sobjects/Account/001000000000001")
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (404, "INVALID_CROSS_REFERENCE_KEY")
    assert sf.send("DELETE", "/sobjects/Account/x").json()[0]["errorCode"] == "MALFORMED_ID"


def test_details_go_with_their_master(sf: SalesforceApi) -> None:
    """A deleted account takes its contacts along; a case only loses the link."""
    account = sf.create("Account", Name="Acme")
    contact = sf.create("Contact", LastName="x", AccountId=account)
    case = sf.create("Case", AccountId=account)
    sf.send("DELETE", f"/sobjects/Account/{account}")
    assert sf.send("GET", f"/sobjects/Contact/{contact}").status_code == 404
    assert sf.read("Case", case)["AccountId"] is None


@pytest.mark.parametrize(("version", "status"), [("67.0", 200), ("46.0", 200), ("45.0", 204)])
def test_upsert_by_external_id(sf: SalesforceApi, version: str, status: int) -> None:
    """A created row is a 201, an updated one 200 or, up to v45, 204; `created` came with v46."""
    sf.version = version
    reply = sf.send("PATCH", f"{KEY}/A%2F1", {"Name": "Acme"})
    assert reply.status_code == 201
    assert reply.json().get("created") is (True if status == 200 else None)
    record_id = reply.json()["id"]
    reply = sf.send("PATCH", f"{KEY}/a%2f1", {"Name": "Acme 2"})
    assert reply.status_code == status
    if status == 200:
        assert reply.json() == {"id": record_id, "success": True, "errors": [], "created": False}
    row = sf.send("GET", f"{KEY}/A%2f1").json()
    assert (row["Id"], row["Name"], row["External_Id__c"]) == (record_id, "Acme 2", "a/1")


def test_ambiguous_keys(sf: SalesforceApi) -> None:
    """Several matches are a 300 with their addresses, and nothing is written."""
    ids = [sf.create("Contact", LastName=name, Email="a@example.com") for name in "xy"]
    addresses = [f"/services/data/v67.0/sobjects/Contact/{one}" for one in ids]
    for method, body in (("PATCH", {"LastName": "z"}), ("GET", None), ("DELETE", None)):
        reply = sf.send(method, "/sobjects/Contact/Email/A@example.com", body)
        assert (reply.status_code, reply.json()) == (300, addresses)
    assert {row["LastName"] for row in sf.query("SELECT LastName FROM Contact")} == {"x", "y"}


def test_what_is_no_key(sf: SalesforceApi) -> None:
    """A field that is no external id is not found, and the key may not be in the body."""
    reply = sf.send("PATCH", "/sobjects/Account/Name/Acme", {"Site": "x"})
    text = "Provided external ID field does not exist or is not accessible: Name"
    assert (reply.status_code, reply.json()) == (404, [{"message": text, "errorCode": "NOT_FOUND"}])
    assert sf.send("PATCH", f"{KEY}/A1", {"Name": "x", "external_id__c": "A1"}).status_code == 400


def test_update_only(sf: SalesforceApi) -> None:
    """With `updateOnly` an upsert without a match creates nothing."""
    assert sf.send("PATCH", f"{KEY}/A1?updateOnly=true", {"Name": "x"}).status_code == 404
    sf.create("Account", Name="Acme", External_Id__c="A1")
    assert sf.send("PATCH", f"{KEY}/A1?updateOnly=true", {"Name": "x"}).json()["created"] is False


def test_upsert_by_id(sf: SalesforceApi) -> None:
    """The id is a key, too; without a value it creates."""
    reply = sf.send("POST", "/sobjects/Account/Id", {"Name": "Acme"})
    assert (reply.status_code, reply.json()["created"]) == (201, True)
    record_id = reply.json()["id"]
    assert sf.send("PATCH", f"/sobjects/Account/Id/{record_id}", {"Site": "x"}).json()["created"] is False
    assert sf.send("PATCH", "/sobjects/Account/Id/001000000000001", {"Site": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"Nam": "x"}, {"message": "No such column 'Nam' on sobject of type Account", "errorCode": "INVALID_FIELD"}),
        (
            {"Name": None},
            {
                "message": "Required fields are missing: [Name]",
                "errorCode": "REQUIRED_FIELD_MISSING",
                "fields": ["Name"],
            },
        ),
        (
            {"Name": "x" * 256},
            {
                "message": f"Account Name: data value too large: {'x' * 256} (max length=255)",
                "errorCode": "STRING_TOO_LONG",
                "fields": ["Name"],
            },
        ),
    ],
)
def test_refused_rows(sf: SalesforceApi, body: dict[str, Any], error: dict[str, Any]) -> None:
    """A refused row is a 400 with label in the message and API name in `fields`."""
    reply = sf.send("POST", "/sobjects/Account", body)
    assert (reply.status_code, reply.json()) == (400, [error])


def test_locked_fields(sf: SalesforceApi) -> None:
    """Every field that cannot be written is named, compound ones among them."""
    body = {"Name": "x", "MasterRecordId": "001", "CreatedDate": "x", "BillingAddress": {}}
    error = sf.send("POST", "/sobjects/Account", body).json()[0]
    assert error["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert error["fields"] == ["MasterRecordId", "CreatedDate", "BillingAddress"]
    assert "Unable to create/update fields: MasterRecordId, CreatedDate, BillingAddress. Please" in error["message"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"Name": NaN}', b"[]", b"\xff"])
def test_bodies_that_are_no_object(sf: SalesforceApi, body: bytes) -> None:
    """What cannot be parsed is a parser error without `fields`."""
    url = f"{sf.server.url}{sf.base}/sobjects/Account"
    reply = sf.session.post(url, data=body, headers={"Authorization": "Bearer x"}, timeout=10)
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_unknown_objects(sf: SalesforceApi) -> None:
    """An object that is not there is not found."""
    for method in ("GET", "POST"):
        assert sf.send(method, "/sobjects/Nothing__c", {}).json() == NOT_FOUND


def test_converted_leads(sf: SalesforceApi) -> None:
    """A converted lead cannot be changed any more."""
    record_id = sf.create("Lead", LastName="x", Company="y", IsConverted=True)
    error = sf.send("PATCH", f"/sobjects/Lead/{record_id}", {"Title": "x"}).json()[0]
    assert (error["errorCode"], error["message"]) == ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")


def test_rows_that_cannot_be_written(sf: SalesforceApi) -> None:
    """The organization is there to be read only."""
    assert (
        sf.send("POST", "/sobjects/Organization", {"Name": "x"}).json()[0]["errorCode"] == "INVALID_TYPE_FOR_OPERATION"
    )


def test_automation_is_journalled(sf: SalesforceApi) -> None:
    """A new lead starts a flow and, unless the header forbids it, the assignment rule; an update no flow."""
    record_id = sf.create("Lead", LastName="x", Company="y", External_Id__c="L1")
    sf.send("PATCH", f"/sobjects/Lead/{record_id}", {"Title": "t"}, Sforce_Auto_Assign="FALSE")
    sf.send("PATCH", f"/sobjects/Lead/{record_id}", {"Title": "t"}, Sforce_Auto_Assign="FALSE")
    events = [entry["event"] for entry in sf.journal()]
    assert events == ["record_created", "assignment_rule_run", "flow_started", "record_updated", "record_touched"]
    assert sf.journal("record_created")[0]["unique"] == {"External_Id__c": "L1"}
    assert sf.journal("record_created")[0]["vendor"] == "salesforce"


def test_records_of_the_control_surface(sf: SalesforceApi) -> None:
    """Rows are shown with their values, deleted ones too, in pages."""
    first = sf.create("Account", Name="One", External_Id__c="A1")
    sf.create("Account", Name="Two")
    sf.send("DELETE", f"/sobjects/Account/{first}")
    page = sf.send("GET", "/_simulator/records/salesforce/Account?limit=1").json()
    assert page["records"][0]["id"] == first
    assert page["records"][0]["archived"] is True
    assert page["records"][0]["properties"]["External_Id__c"] == "A1"
    rest = sf.send("GET", f"/_simulator/records/salesforce/Account?after={page['next']}").json()
    assert [record["properties"]["Name"] for record in rest["records"]] == ["Two"]
    assert rest["next"] is None
    assert sf.send("GET", "/_simulator/records/salesforce/Nothing").status_code == 400
    overview = sf.send("GET", "/_simulator/overview").json()
    assert overview["counts"]["salesforce"]["Account"] == 1
    assert overview["latest"][0]["object"] == "Account"
