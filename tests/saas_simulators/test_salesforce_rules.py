"""What an org's own rules refuse, and how seeds set them up."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.seeds import SeedError
from saas_simulators.simulation import Simulation

if TYPE_CHECKING:
    from conftest import SalesforceApi

ALLOW = "allowSave=true"
DUPLICATE_RULE = {"object": "Contact", "name": "Same_mail", "fields": ["Email", "LastName"], "action": "alert"}


def test_validation_rules(sf: SalesforceApi) -> None:
    """A row that breaks a rule fails with the admin's text, at the field that the rule names."""
    rules = [
        {"object": "Account", "field": "Score__c", "is": ">", "value": 100, "message": "Too good.", "at": "Score__c"},
        {"object": "Account", "field": "Site", "is": "=", "value": "moon", "message": "Too far."},
        {"object": "Contact", "field": "Email", "is": "blank", "message": "Mail, please."},
    ]
    sf.seed(validation_rules=rules)
    error = sf.send("POST", "/sobjects/Account", {"Name": "x", "Score__c": 101}).json()
    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert error == [{"message": "Too good.", "errorCode": code, "fields": ["Score__c"]}]
    assert sf.send("POST", "/sobjects/Account", {"Name": "x", "Site": "moon"}).json()[0]["fields"] == []
    assert sf.send("POST", "/sobjects/Contact", {"LastName": "x"}).json()[0]["message"] == "Mail, please."
    record_id = sf.create("Account", Name="x", Score__c=100)
    assert sf.send("PATCH", f"/sobjects/Account/{record_id}", {"Score__c": 200}).json()[0]["errorCode"] == code


@pytest.mark.parametrize(("version", "key"), [("50.0", "duplicateResut"), ("67.0", "duplicateResult")])
def test_duplicate_rules(sf: SalesforceApi, version: str, key: str) -> None:
    """A duplicate names the rows it looks like; an alert can be overridden by a header."""
    sf.version = version
    sf.seed(duplicate_rules=[DUPLICATE_RULE])
    first = sf.create("Contact", LastName="x", Email="a@example.com")
    sent = {"LastName": "X", "Email": "A@example.com"}
    (error,) = sf.send("POST", "/sobjects/Contact", sent).json()
    assert error["errorCode"] == "DUPLICATES_DETECTED"
    assert error[key]["duplicateRule"] == "Same_mail"
    assert [match["record"]["Id"] for match in error[key]["matchResults"][0]["matchRecords"]] == [first]
    (answer,) = sf.rows("POST", [sent])
    assert set(answer["errors"][0]) == {"statusCode", "message", "fields"}
    header = f"{ALLOW}, includeRecordDetails=true"
    assert sf.send("POST", "/sobjects/Contact", sent, Sforce_Duplicate_Rule_Header=header).status_code == 201


def test_duplicate_rules_that_block(sf: SalesforceApi) -> None:
    """A block cannot be overridden; writes that leave the rule's fields alone pass."""
    sf.seed(duplicate_rules=[{**DUPLICATE_RULE, "action": "block"}])
    first = sf.create("Contact", LastName="x", Email="a@example.com")
    sent = {"LastName": "x", "Email": "a@example.com"}
    assert sf.send("POST", "/sobjects/Contact", sent, Sforce_Duplicate_Rule_Header=ALLOW).status_code == 400
    assert sf.send("PATCH", f"/sobjects/Contact/{first}", {"FirstName": "f", **sent}).status_code == 204
    assert sf.create("Contact", LastName="x")


def test_triggers_that_do_not_stand_large_chunks(sf: SalesforceApi) -> None:
    """Requests with more rows than the triggers stand fail in all rows; smaller ones pass."""
    sf.seed(apex_limits={"Contact": 2})
    rows = [{"LastName": name} for name in "abc"]
    answers = sf.rows("POST", rows)
    assert {answer["errors"][0]["statusCode"] for answer in answers} == {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"}
    assert "Too many SOQL queries: 101" in answers[0]["errors"][0]["message"]
    assert all(answer["success"] for answer in sf.rows("POST", rows[:2]))


def test_record_types(sf: SalesforceApi) -> None:
    """Record types are rows, and a reference to none of them is refused."""
    sf.seed(record_types={"Account": [{"name": "Key Account"}]})
    (record_type,) = sf.query("SELECT Id, DeveloperName FROM RecordType WHERE SobjectType = 'Account'")
    assert record_type["DeveloperName"] == "Key_Account"
    assert sf.create("Account", Name="x", RecordTypeId=record_type["Id"])
    error = sf.send("POST", "/sobjects/Account", {"Name": "x", "RecordTypeId": "012000000000009"}).json()[0]
    assert error["message"] == "Record Type ID: this ID value isn't valid for the user: 012000000000009AAA"
    infos = sf.send("GET", "/sobjects/Account/describe").json()["recordTypeInfos"]
    assert [info["developerName"] for info in infos] == ["Key_Account", "Master"]


def test_person_accounts(sf: SalesforceApi) -> None:
    """The record type makes an account a person, with a last name in place of a name."""
    sf.seed(person_accounts=True)
    (record_type,) = sf.query("SELECT Id FROM RecordType WHERE DeveloperName = 'PersonAccount'")
    person = sf.create("Account", RecordTypeId=record_type["Id"], FirstName="Ada", LastName="Lovelace")
    row = sf.read("Account", person)
    assert (row["Name"], row["IsPersonAccount"]) == ("Ada Lovelace", True)
    assert sf.send("PATCH", f"/sobjects/Account/{person}", {"Name": "x"}).json()[0]["fields"] == ["Name"]
    business = sf.create("Account", Name="Acme")
    assert sf.send("PATCH", f"/sobjects/Account/{business}", {"LastName": "x"}).json()[0]["fields"] == ["LastName"]
    error = sf.send("POST", "/sobjects/Account", {"LastName": "x"}).json()[0]
    assert error["fields"] == ["Name"]


def test_seeds_change_standard_fields(sf: SalesforceApi) -> None:
    """A seed can restrict a standard picklist and demand a field."""
    fields = [{"name": "Industry", "restricted": True}, {"name": "Site", "required": True}]
    sf.seed(fields={"Account": fields})
    error = sf.send("POST", "/sobjects/Account", {"Name": "x", "Site": "y", "Industry": "Magic"}).json()[0]
    assert error["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert sf.send("POST", "/sobjects/Account", {"Name": "x"}).json()[0]["fields"] == ["Site"]


def test_seeds_bring_records(sf: SalesforceApi) -> None:
    """Records may name earlier ones, and set what the API cannot; nothing of it is journalled after a reset."""
    records = {
        "Account": [{"Name": "Acme", "External_Id__c": "A1", "LastActivityDate": "2024-01-31"}],
        "Contact": [{"LastName": "x", "Account": {"External_Id__c": "A1"}}],
        "Opportunity": [{"Name": "x", "StageName": "y", "CloseDate": date(2026, 1, 1)}],
    }
    simulation = Simulation({"salesforce": {"records": records, "organization": {"name": "Mine", "sandbox": True}}})
    org = simulation.salesforce.org
    (account,) = org.store("Account").iterate()
    assert account.values["LastActivityDate"] == "2024-01-31"
    (contact,) = org.store("Contact").iterate()
    assert contact.values["AccountId"] == account.id
    assert org.store("Organization").records[org.id].values["IsSandbox"] is True
    simulation.reset()
    assert len(simulation.journal) == 0
    assert simulation.salesforce.counts()["Account"] == 1
    assert list(simulation.salesforce.latest()) == []
    del sf


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ({"contacts": []}, "salesforce: unknown key 'contacts'"),
        ({"organization": {"x": 1}}, "salesforce.organization: unknown key 'x'"),
        ({"users": [{"username": "x"}]}, "salesforce.users[0]: 'last_name' is missing"),
        ({"users": [{"username": "ada.admin@example.com", "last_name": "x"}]}, "another user has this name"),
        ({"fields": []}, "salesforce.fields: expected objects"),
        ({"fields": {"Cat": []}}, "salesforce.fields: there is no object 'Cat'"),
        ({"fields": {"Account": [{"name": "Foo"}]}}, "Account has no standard field 'Foo'"),
        ({"fields": {"Account": [{"name": "F__c", "type": "text"}]}}, "Account[0].type: 'text' is not a field type"),
        ({"fields": {"Account": [{"name": "F__c", "length": "x"}]}}, "Account[0].length: 'x' is not a whole number"),
        ({"fields": {"Account": [{"name": "Site", "type": "date"}]}}, "Account.Site is of the type string"),
        ({"fields": {"Account": [{"name": "F__c", "type": "reference"}]}}, "[0].to: a reference needs the object"),
        ({"fields": {"Account": [{"name": "F__c", "type": "reference", "to": "X"}]}}, "there is no object 'X'"),
        ({"fields": {"Account": [{"name": "F__c", "type": "picklist", "values": "x"}]}}, "values: expected a list"),
        ({"fields": {"Account": [{"name": "F__c", "type": "picklist", "values": [{}]}]}}, "a value is missing"),
        ({"objects": [{"name": "Cat"}]}, "it must end with __c"),
        ({"objects": [{"name": "A__c"}, {"name": "A__c"}]}, "objects[1].name: there is an object 'A__c' already"),
        ({"record_types": {"Account": [{}]}}, "salesforce.record_types.Account[0]: 'name' is missing"),
        ({"records": {"Account": [{"Site": "x"}]}}, "records.Account[0]: Required fields are missing: [Name]"),
        ({"records": {"Account": [{"Name": "x", "AnnualRevenue": "much"}]}}, "Cannot deserialize instance of double"),
        ({"records": {"Account": [{"Name": "x", "LastActivityDate": "x"}]}}, "Account[0].LastActivityDate"),
        ({"validation_rules": [{"object": "Account", "field": "Name", "is": "~", "message": "x"}]}, "is no comparison"),
        ({"validation_rules": [{"object": "Account", "field": "X", "is": "=", "message": "x"}]}, "no field 'X'"),
        ({"duplicate_rules": [{"object": "Account", "fields": ["Name"], "action": "x"}]}, "not one of block, alert"),
        ({"duplicate_rules": [{"object": "Account", "fields": "Name", "action": "block"}]}, "expected a list"),
        ({"duplicate_rules": [{"object": "X", "fields": ["Name"], "action": "block"}]}, "there is no object 'X'"),
        ({"apex_limits": {"Account": "x"}}, "salesforce.apex_limits.Account: 'x' is not a whole number"),
        ({"apex_limits": []}, "salesforce.apex_limits: expected objects"),
    ],
)
def test_wrong_seeds_are_refused_with_their_place(seed: dict[str, Any], said: str) -> None:
    """What does not fit is refused, and the message says where."""
    with pytest.raises(SeedError) as caught:
        Simulation({"salesforce": seed})
    assert said in str(caught.value)
