"""The simulator's answers have the keys and types of answers recorded from the real service."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Api

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings" / "hubspot"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside this repository")


def recorded(file: str, method: str, uri: str, status: int) -> dict[str, Any]:
    """Return the newest recorded response to a request."""
    interactions = json.loads((RECORDINGS / "captaincontrat" / f"{file}.json").read_text())["interactions"]
    found: list[dict[str, Any]] = [
        one["response"]
        for one in interactions
        if one["request"]["method"] == method
        and re.fullmatch("https://api.hubapi.com" + uri, one["request"]["uri"])
        and one["response"]["status"] == status
    ]
    return found[0]


def reported(name: str) -> dict[str, Any]:
    """Return the body of an error that a user reported."""
    items = json.loads((RECORDINGS / "reported_errors.json").read_text())["items"]
    body: dict[str, Any] = next(item["body"] for item in items if item["id"] == name)
    return body


def shape(value: Any) -> Any:
    """Return keys and types of a JSON value; lists are as their first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


def headers_of(response: dict[str, Any]) -> set[str]:
    """Return the recorded vendor headers."""
    return {name.lower() for name in response["headers"] if name.lower().startswith("x-hubspot")}


def test_list_of_contacts(api: Api) -> None:
    """A page of contacts has the recorded keys, paging link and headers."""
    real = recorded("v3_objects", "GET", r"/crm/v3/objects/contacts\?limit=1", 200)
    for name in ("Brian", "Other"):
        api.create(email=f"{name}@example.com", firstname=name, lastname="x")
    reply = api.send("GET", "/crm/v3/objects/contacts?limit=1")
    assert shape(reply.json()) == shape(real["body"])
    assert {name.lower() for name in reply.headers} >= headers_of(real)
    assert reply.headers["Content-Type"].lower() == real["headers"]["Content-Type"]
    link = real["body"]["paging"]["next"]["link"]
    assert re.sub(r"after=\d+", "", reply.json()["paging"]["next"]["link"]) == re.sub(r"after=\d+", "", link)


def test_created_ticket(api: Api) -> None:
    """A created ticket echoes at least what the recording shows, help desk internals apart."""
    real = recorded("v3_objects", "POST", "/crm/v3/objects/tickets", 201)
    reply = api.send(
        "POST",
        "/crm/v3/objects/tickets",
        {"properties": {"subject": "test ticket", "hs_pipeline_stage": "1", "hs_ticket_priority": "MEDIUM"}},
    )
    assert reply.status_code == 201
    assert set(real["body"]) <= set(reply.json())
    internals = {"hs_helpdesk_sort_timestamp", "hs_last_message_from_visitor"}
    assert set(real["body"]["properties"]) - internals <= set(reply.json()["properties"])
    assert re.sub(r"\d+$", "", reply.headers["Location"]) == re.sub(r"\d+$", "", real["headers"]["Location"])


def test_missing_ticket_is_a_page(api: Api) -> None:
    """Without a JSON `Accept` a missing record is the recorded HTML page, byte for byte."""
    real = recorded("v3_objects", "GET", r"/crm/v3/objects/tickets/\d+\?.*", 404)
    reply = api.send("GET", "/crm/v3/objects/tickets/1", Accept="*/*")
    assert reply.status_code == 404
    assert reply.text == real["body"]
    assert reply.headers["Content-Type"] == real["headers"]["Content-Type"]
    assert {name.lower() for name in reply.headers} >= headers_of(real)


def test_invalid_datetime(api: Api) -> None:
    """A bad datetime is refused with the recorded message and code."""
    real = recorded("v3_objects", "POST", "/crm/v3/objects/meetings", 400)["body"]
    reply = api.send("POST", "/crm/v3/objects/deals", {"properties": {"closedate": "invalid"}})
    assert reply.status_code == 400
    embedded = [json.loads(body["message"].partition(": ")[2])[0] for body in (real, reply.json())]
    assert (
        embedded[0].items()
        <= {
            **embedded[1],
            "name": "hs_meeting_start_time",
            "message": embedded[1]["message"].replace("48000001", "<PORTAL_ID>").replace("0-3", "0-47"),
        }.items()
    )
    assert set(real) <= set(reply.json())


def test_search_carries_no_burst_headers(api: Api) -> None:
    """A search answer has the recorded headers: the daily ones only."""
    real = recorded("v3_objects", "POST", "/crm/v3/objects/tasks/search", 200)
    api.create("tickets", subject="x", hs_pipeline_stage="1")
    reply = api.send("POST", "/crm/v3/objects/tickets/search", {"filterGroups": []})
    assert {name.lower() for name in reply.headers if name.lower().startswith("x-hubspot")} == headers_of(real)
    assert set(real["body"]) == set(reply.json())


def test_owners(api: Api) -> None:
    """Owners have the recorded keys and types; an unknown e-mail gives an empty list."""
    real = recorded("v3_owners", "GET", "/crm/v3/owners", 200)
    assert shape(api.send("GET", "/crm/v3/owners").json()) == {"results": [shape(real["body"]["results"][0])]}
    assert api.send("GET", "/crm/v3/owners?email=nobody@example.com").json() == {"results": []}


def test_archived_record(api: Api) -> None:
    """Archiving answers as it was recorded: 204, no body and no content type, with the vendor's headers."""
    real = recorded("v3_objects", "DELETE", r"/crm/v3/objects/meetings/\d+", 204)
    made = api.create(email="ada@example.com")["id"]
    for reply in (api.send("DELETE", f"/crm/v3/objects/contacts/{made}"), api.batch("archive", [{"id": made}])):
        assert (reply.status_code, reply.text) == (204, real["body"])
        assert "Content-Type" not in reply.headers
        assert {name.lower() for name in reply.headers} >= headers_of(real)


def test_associations(api: Api) -> None:
    """Associations are created, partly refused, listed and archived as recorded."""
    path = "/crm/v4/associations/Deal/Contact/batch/create"
    real = recorded("v4_associations", "POST", path, 201)
    deal = api.create("deals", dealname="x", dealstage="closedwon")["id"]
    contacts = [api.create(email=f"p{number}@example.com")["id"] for number in range(2)]
    kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]
    inputs = [{"from": {"id": deal}, "to": {"id": one}, "types": kinds} for one in contacts]
    reply = api.send("POST", path, {"inputs": inputs})
    assert (reply.status_code, shape(reply.json())) == (real["status"], shape(real["body"]))
    real = recorded("v4_associations", "POST", path, 207)
    reply = api.send("POST", path, {"inputs": [{"from": {"id": deal}, "to": {"id": 1234}, "types": kinds}]})
    assert reply.status_code == real["status"]
    assert reply.json()["errors"] == real["body"]["errors"]
    assert set(reply.json()) == set(real["body"])
    real = recorded("v4_associations", "GET", r"/crm/v4/objects/Deal/\d+/associations/Contact", 200)
    assert shape(api.send("GET", f"/crm/v4/objects/Deal/{deal}/associations/Contact").json()) == shape(real["body"])
    real = recorded("v4_associations", "POST", "/crm/v4/associations/Deal/Company/batch/archive", 204)
    inputs = [{"from": {"id": deal}, "to": [{"id": 1234}, {"id": int(contacts[0])}]}]
    reply = api.send("POST", "/crm/v4/associations/Deal/Contact/batch/archive", {"inputs": inputs})
    assert (reply.status_code, reply.text) == (real["status"], real["body"])


@pytest.mark.parametrize(("uri", "one", "other", "number"), [("Company/Contact", 0, 1, 2), ("Deal/Company", 2, 0, 5)])
def test_primary_labels(api: Api, uri: str, one: int, other: int, number: int) -> None:
    """The labels of primary companies read as recorded."""
    real = recorded("v4_associations", "POST", f"/crm/v4/associations/{uri}/batch/create", 201)
    ids = [
        api.create("companies", name="x")["id"],
        api.create(email="p@example.com")["id"],
        api.create("deals", dealname="x", dealstage="closedwon")["id"],
    ]
    kinds = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]
    inputs = [{"from": {"id": ids[one]}, "to": {"id": ids[other]}, "types": kinds}]
    reply = api.send("POST", f"/crm/v4/associations/{uri}/batch/create", {"inputs": inputs})
    assert reply.json()["results"][0]["labels"] == real["body"]["results"][0]["labels"]


def test_lists(api: Api) -> None:
    """A list is created, read, renamed, listed and missed as recorded."""
    body = {"name": "x", "objectTypeId": "0-1", "processingType": "MANUAL"}
    made = api.send("POST", "/crm/v3/lists", body)
    real = recorded("v3_lists", "POST", "/crm/v3/lists", 200)
    assert (made.status_code, shape(made.json())) == (real["status"], shape(real["body"]))
    path = f"/crm/v3/lists/{made.json()['list']['listId']}"
    for method, uri, recorded_uri in (
        ("GET", path, r"/crm/v3/lists/\d+"),
        ("PUT", f"{path}/update-list-name?listName=y", r"/crm/v3/lists/\d+/update-list-name.*"),
        ("GET", f"/crm/v3/lists?listIds={path.rpartition('/')[2]}", r"/crm/v3/lists\?listIds=.*"),
    ):
        assert shape(api.send(method, uri).json()) == shape(recorded("v3_lists", method, recorded_uri, 200)["body"])
    real = recorded("v3_lists", "GET", "/crm/v3/lists/-1", 404)
    missing = api.send("GET", "/crm/v3/lists/-1")
    assert {**missing.json(), "correlationId": ""} == {**real["body"], "correlationId": ""}
    real = recorded("v3_lists", "POST", "/crm/v3/lists/search", 200)
    found = api.send("POST", "/crm/v3/lists/search", {"query": ""}).json()
    assert set(found) == set(real["body"])
    assert set(found["lists"][0]) == set(real["body"]["lists"][0])
    real = recorded("v3_lists", "POST", "/crm/v3/lists", 400)
    refused = api.send("POST", "/crm/v3/lists", {**body, "name": None})
    assert refused.json()["message"].partition(". ")[2] == real["body"]["message"].partition(". ")[2]


def test_memberships(api: Api) -> None:
    """Adding, repeating, removing and paging answer with the recorded keys."""
    body = {"name": "x", "objectTypeId": "0-1", "processingType": "MANUAL"}
    path = f"/crm/v3/lists/{api.send('POST', '/crm/v3/lists', body).json()['list']['listId']}/memberships"
    ids = [int(api.create(email=f"p{number}@example.com")["id"]) for number in range(3)]
    answers = [api.send("PUT", f"{path}/add", ids).json() for _ in range(2)]
    assert shape(answers[0]) == shape(recorded("v3_lists", "PUT", r"/crm/v3/lists/584/memberships/add", 200)["body"])
    assert answers[1] == {}
    page = api.send("GET", f"{path}?limit=1").json()
    real = recorded("v3_lists", "GET", r"/crm/v3/lists/560/memberships.*", 200)["body"]
    assert shape(page) == shape(real)
    assert len(page["paging"]["next"]["after"]) == len(real["paging"]["next"]["after"])
    removed = api.send("PUT", f"{path}/remove", ids).json()
    assert shape(removed) == shape(recorded("v3_lists", "PUT", r"/crm/v3/lists/586/memberships/remove", 200)["body"])
    real = recorded("v3_lists", "PUT", r"/crm/v3/lists/587/memberships/remove", 200)["body"]
    assert api.send("PUT", f"{path}/remove", [42]).json() == real
    real = recorded("v3_lists", "PUT", r"/crm/v3/lists/590/memberships/add", 400)["body"]
    refused = api.send("PUT", f"{path}/add", [{"changes": {}}]).json()
    assert {**refused, "correlationId": ""} == {**real, "correlationId": ""}


def test_created_property(api: Api) -> None:
    """A created property answers with exactly the recorded keys, types and Location."""
    interaction = json.loads((RECORDINGS / "captaincontrat" / "v3_properties.json").read_text())["interactions"][0]
    reply = api.send("POST", "/crm/v3/properties/ticket", interaction["request"]["body"])
    real = interaction["response"]
    assert reply.status_code == 201
    assert shape(reply.json()) == shape(real["body"])
    varying = {"createdAt", "updatedAt"}
    assert {k: v for k, v in reply.json().items() if k not in varying} == {
        k: v for k, v in real["body"].items() if k not in varying
    }
    assert reply.headers["Location"] == real["headers"]["Location"]


@pytest.mark.parametrize(
    ("name", "method", "path", "body"),
    [
        ("create-conflict-409", "POST", "/crm/v3/objects/contacts", {"properties": {"email": "a@b.example"}}),
        ("patch-no-known-properties-400", "PATCH", "/crm/v3/objects/contacts/1", {"properties": {}}),
        ("patch-missing-404", "PATCH", "/crm/v3/objects/contacts/1", {"properties": {"city": "x"}}),
        (
            "history-batch-limit-400",
            "POST",
            "/crm/v3/objects/contacts/batch/read",
            {"inputs": [{"id": str(n)} for n in range(51)], "propertiesWithHistory": ["email"]},
        ),
    ],
)
def test_reported_errors(api: Api, name: str, method: str, path: str, body: dict[str, Any]) -> None:
    """Errors that users quoted come with the same keys, message and category."""
    real = reported(name)
    api.create(email="a@b.example")
    answer = api.send(method, path, body).json()
    assert set(real) <= set(answer)
    for key in set(real) - {"correlationId"}:
        assert re.sub(r"\d{4,}", "N", str(answer[key])) == re.sub(r"\d{4,}", "N", str(real[key]))
