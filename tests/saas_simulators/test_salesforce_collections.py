"""Collections: up to 200 rows, each with its own answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import SalesforceApi

PATH = "/composite/sobjects"


def codes(answers: list[dict[str, Any]]) -> list[str]:
    """Return each row's first error code, or what became of it."""
    return ["ok" if answer["success"] else answer["errors"][0]["statusCode"] for answer in answers]


def test_rows_are_answered_in_order(sf: SalesforceApi) -> None:
    """Good rows are written beside bad ones; a bad one has no id and `statusCode`."""
    answers = sf.rows("POST", [{"LastName": "a"}, {"FirstName": "b"}, {"LastName": "c", "Nam": 1}])
    assert answers[0] == {"id": answers[0]["id"], "success": True, "errors": []}
    text = "Required fields are missing: [LastName]"
    error = {"statusCode": "REQUIRED_FIELD_MISSING", "message": text, "fields": ["LastName"]}
    assert answers[1] == {"success": False, "errors": [error]}
    assert answers[2]["errors"][0]["fields"] == []
    assert len(sf.query("SELECT Id FROM Contact")) == 1


def test_all_or_none_leaves_no_trace(sf: SalesforceApi) -> None:
    """One bad row undoes the others, their journal entries too."""
    record_id = sf.create("Contact", LastName="old", External_Id__c="C0")
    before = len(sf.journal())
    rows = [
        {"External_Id__c": "C0", "LastName": "new"},
        {"External_Id__c": "C1", "LastName": "b"},
        {"External_Id__c": "C2"},
    ]
    answers = sf.upsert(rows, allOrNone=True)
    rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert codes(answers) == [rolled_back, rolled_back, "REQUIRED_FIELD_MISSING"]
    assert sf.read("Contact", record_id)["LastName"] == "old"
    assert len(sf.query("SELECT Id FROM Contact")) == 1
    assert len(sf.journal()) == before
    assert codes(sf.upsert(rows[:2], allOrNone=True)) == ["ok", "ok"]


def test_upserts_tell_what_was_created(sf: SalesforceApi) -> None:
    """Upserts by external id say `created`, last; keys match without regard to case and are stored as sent."""
    first = sf.upsert([{"External_Id__c": "c1", "LastName": "a"}, {"External_Id__c": "C2", "LastName": "b"}])
    assert [answer["created"] for answer in first] == [True, True]
    assert list(first[0]) == ["id", "success", "errors", "created"]
    (again,) = sf.upsert([{"external_id__c": "C1", "FirstName": "x"}])
    assert (again["id"], again["created"]) == (first[0]["id"], False)
    assert sf.read("Contact", again["id"])["External_Id__c"] == "C1"


def test_the_same_key_twice_fails_all_of_its_rows(sf: SalesforceApi) -> None:
    """Every row with a repeated key fails, in whatever case it is written; the others do not."""
    rows = [{"External_Id__c": key, "LastName": "x"} for key in ("a", "b", "A")]
    answers = sf.upsert(rows)
    assert codes(answers) == ["DUPLICATE_VALUE", "ok", "DUPLICATE_VALUE"]
    assert answers[2]["errors"][0]["message"] == "Duplicate external id specified: A"
    record_id = answers[1]["id"]
    answers = sf.rows("PATCH", [{"id": record_id, "FirstName": "x"}, {"Id": record_id[:15], "FirstName": "y"}])
    assert codes(answers) == ["DUPLICATE_VALUE"] * 2
    assert answers[0]["errors"][0]["message"] == f"Duplicate id specified: {record_id}"


def test_upserts_without_or_with_ambiguous_keys(sf: SalesforceApi) -> None:
    """A missing key is an argument missing; a key of several rows is refused with their ids."""
    ids = [sf.create("Contact", LastName=name, Email="a@example.com") for name in "xy"]
    answers = sf.rows("PATCH", [{"LastName": "z", "Email": "A@example.com"}, {"LastName": "z"}], "/Contact/Email")
    assert codes(answers) == ["DUPLICATE_EXTERNAL_ID", "MISSING_ARGUMENT"]
    text = f"Email: more than one record found for external id field: [{', '.join(ids)}]"
    assert answers[0]["errors"][0]["message"] == text


def test_upserts_name_their_object(sf: SalesforceApi) -> None:
    """Each row says its type, which is the one in the path."""
    for attributes in ({}, {"type": "Lead"}):
        rows = [{"attributes": attributes, "External_Id__c": "C1", "LastName": "x"}]
        reply = sf.send("PATCH", f"{PATH}/Contact/External_Id__c", {"records": rows})
        assert reply.status_code == 400


def test_old_versions_have_no_collections(sf: SalesforceApi) -> None:
    """Collections came with v42, upserts of them with v46."""
    row = {"attributes": {"type": "Contact"}, "External_Id__c": "C1", "LastName": "x"}
    for version, method, path in (("41.0", "POST", PATH), ("45.0", "PATCH", f"{PATH}/Contact/External_Id__c")):
        sf.version = version
        assert sf.send(method, path, {"records": [row]}).status_code == 404


def test_upserts_by_id(sf: SalesforceApi) -> None:
    """`Id` null creates, a value updates."""
    record_id = sf.create("Contact", LastName="x")
    answers = sf.rows("PATCH", [{"Id": None, "LastName": "new"}, {"Id": record_id, "FirstName": "f"}], "/Contact/Id")
    assert [answer["created"] for answer in answers] == [True, False]


def test_updates_need_an_id(sf: SalesforceApi) -> None:
    """Rows without an id, and with one that leads nowhere, fail with different codes."""
    account = sf.create("Account", Name="x")
    gone = sf.create("Contact", LastName="x")
    sf.send("DELETE", f"/sobjects/Contact/{gone}")
    rows: list[dict[str, Any]] = [{"LastName": "a"}, *({"id": one} for one in ("x", account, "003000000000001", gone))]
    answers = sf.rows("PATCH", rows)
    found = ["MISSING_ARGUMENT", "MALFORMED_ID", "MALFORMED_ID", "INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED"]
    assert codes(answers) == found
    text = "Contact ID: id value of incorrect type: x"
    assert answers[1]["errors"] == [{"statusCode": "MALFORMED_ID", "message": text, "fields": ["Id"]}]


def test_unique_values(sf: SalesforceApi) -> None:
    """A value of another row is refused with that row's id; one's own is not."""
    record_id = sf.create("Contact", LastName="a", External_Id__c="C1")
    (answer,) = sf.rows("POST", [{"LastName": "b", "External_Id__c": "c1"}])
    text = f"duplicate value found: External_Id__c duplicates value on record with id: {record_id}"
    assert answer["errors"][0]["message"] == text
    assert codes(sf.rows("PATCH", [{"id": record_id, "External_Id__c": "C1"}])) == ["ok"]


def test_how_many_rows(sf: SalesforceApi) -> None:
    """No row and more than 200 rows are refused as a whole."""
    for rows, code in ([], "REQUIRED_FIELD_MISSING"), ([{}] * 201, "EXCEEDED_ID_LIMIT"):
        reply = sf.send("POST", PATH, {"records": rows})
        assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, code)


def test_mixed_objects(sf: SalesforceApi) -> None:
    """Rows may be of several objects, in at most ten runs; an unknown object fails its rows."""
    rows = [{"attributes": {"type": "Account"}, "Name": "x"}, {"LastName": "y"}, {"attributes": {"type": "Nothing"}}]
    assert codes(sf.rows("POST", rows)) == ["ok", "ok", "INVALID_TYPE"]
    alternating = [{"attributes": {"type": kind}} for kind in ("Account", "Contact") * 6]
    assert sf.send("POST", PATH, {"records": alternating}).status_code == 400
    assert sf.send("POST", PATH, {"records": [{"Name": "x"}]}).status_code == 400


def test_deletes(sf: SalesforceApi) -> None:
    """Several rows are deleted by id, each with an answer."""
    ids = [sf.create("Account", Name=name) for name in "ab"]
    answers = sf.send("DELETE", f"{PATH}?ids={ids[0]},{ids[1]},x&allOrNone=false").json()
    assert codes(answers) == ["ok", "ok", "MALFORMED_ID"]
    assert codes(sf.send("DELETE", f"{PATH}?ids={ids[0]}").json()) == ["ENTITY_IS_DELETED"]
    third = sf.create("Account", Name="c")
    answers = sf.send("DELETE", f"{PATH}?ids={third},x&allOrNone=true").json()
    assert codes(answers) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "MALFORMED_ID"]
    assert sf.read("Account", third)["Name"] == "c"


def test_retrieving(sf: SalesforceApi) -> None:
    """Rows are read by id, with null for the missing ones."""
    record_id = sf.create("Account", Name="x")
    by_get = sf.send("GET", f"{PATH}/Account?ids={record_id},001000000000001&fields=name").json()
    by_post = sf.send("POST", f"{PATH}/Account", {"ids": [record_id, "001000000000001"], "fields": ["Name"]}).json()
    assert by_get == by_post
    assert (by_get[0]["Name"], by_get[0]["Id"], by_get[1]) == ("x", record_id, None)
    assert sf.send("GET", f"{PATH}/Account?ids={record_id}&fields=Nam").status_code == 400


def test_unparsable_values_fail_the_request(sf: SalesforceApi) -> None:
    """A value of the wrong type fails all rows of all objects, since the parser meets it first."""
    rows: list[dict[str, Any]] = [
        {"attributes": {"type": "Account"}, "Name": "x"},
        {"attributes": {"type": "Contact"}, "LastName": "x", "Birthdate": "1.1.2000"},
    ]
    reply = sf.send("POST", PATH, {"records": rows})
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert reply.json()[0]["message"].startswith("Cannot deserialize instance of date from VALUE_STRING value 1.1.2000")
    assert sf.query("SELECT Id FROM Account") == []
    assert sf.journal() == []


def test_update_only_collections(sf: SalesforceApi) -> None:
    """With `updateOnly` rows without a match fail alone."""
    sf.create("Contact", LastName="x", External_Id__c="C1")
    rows = [{"External_Id__c": key, "LastName": "y"} for key in ("C1", "C2")]
    answers = sf.rows("PATCH", rows, "/Contact/External_Id__c?updateOnly=true")
    assert codes(answers) == ["ok", "NOT_FOUND"]


def test_locked_rows(sf: SalesforceApi) -> None:
    """`row_lock` fails rows of large requests, seeded; the others are written and smaller requests get through."""
    rule = {"kind": "row_lock", "probability": 0.5, "seed": 7, "rows_over": 10, "path": "*/composite/sobjects*"}
    rows = [{"External_Id__c": f"C{number}", "LastName": "x"} for number in range(40)]
    outcomes = []
    for _ in range(2):
        sf.server.simulation.reset()
        sf.send("PUT", "/_simulator/faults", [rule])
        outcomes.append(codes(sf.upsert(rows)))
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {"ok", "UNABLE_TO_LOCK_ROW"}
    locked = [row for row, code in zip(rows, outcomes[0], strict=True) if code != "ok"]
    assert len(sf.query("SELECT Id FROM Contact")) == 40 - len(locked)
    retried = [codes(sf.upsert(locked[start : start + 10])) for start in range(0, len(locked), 10)]
    assert {code for answer in retried for code in answer} == {"ok"}
    assert sf.send("GET", "/_simulator/faults").json()["faults"][0]["injected"] == len(locked)


@pytest.mark.parametrize("rows_over", [-1, "x"])
def test_locks_with_wrong_numbers(sf: SalesforceApi, rows_over: Any) -> None:
    """A rule with an impossible number is refused."""
    assert sf.send("PUT", "/_simulator/faults", [{"kind": "row_lock", "rows_over": rows_over}]).status_code == 400


def test_speed(sf: SalesforceApi) -> None:
    """200 upserts take milliseconds, so that a benchmark measures the client."""
    rows = [
        {"External_Id__c": f"C{number}", "LastName": "x", "Email": f"{number}@example.com"} for number in range(200)
    ]
    sf.upsert(rows)
    started = time.perf_counter()
    for round_number in range(5):
        sf.upsert([{**row, "FirstName": str(round_number)} for row in rows])
    assert (time.perf_counter() - started) / 5 < 0.1
