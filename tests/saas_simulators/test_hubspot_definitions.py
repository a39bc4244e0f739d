"""Definitions over time: properties that go and come back, groups, options, owners who left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.hubspot import seeding

if TYPE_CHECKING:
    from conftest import Api

PROPERTIES = "/crm/properties/2026-09/contacts"
CONTACTS = "/crm/objects/2026-09/contacts"
FIELD = {"groupName": "contactinformation", "name": "ref", "label": "Ref", "type": "string", "fieldType": "text"}


def values(api: Api, record_id: str, *names: str) -> dict[str, Any]:
    """Return the properties that a read shows, without those that it always shows."""
    shown = api.send("GET", f"{CONTACTS}/{record_id}?properties={','.join(names)}").json()["properties"]
    return {name: shown[name] for name in names if name in shown}


def by_ref(api: Api, ref: str) -> int:
    """The status of an upsert by the property `ref`."""
    upsert = {"id": ref, "idProperty": "ref", "properties": {"firstname": "Ada"}}
    return api.batch("upsert", [upsert]).status_code


def test_an_archived_property_comes_back_with_its_values(api: Api) -> None:
    """While it is away it is unknown, and no key; creating its name restores values under the new definition."""
    assert api.send("POST", PROPERTIES, {**FIELD, "hasUniqueValue": True}).status_code == 201
    made = api.create(firstname="Ada", ref="R1")["id"]
    assert by_ref(api, "R1") == 200
    assert api.send("DELETE", f"{PROPERTIES}/ref").status_code == 204
    assert values(api, made, "ref", "firstname") == {"firstname": "Ada"}
    assert by_ref(api, "R1") == 400
    assert api.send("GET", f"{PROPERTIES}/ref").status_code == 404
    assert api.send("GET", f"{PROPERTIES}/ref?archived=true").json()["archived"] is True
    assert api.send("DELETE", f"{PROPERTIES}/ref").status_code == 404
    restored = api.send("POST", PROPERTIES, {**FIELD, "label": "Reference", "hasUniqueValue": True})
    assert (restored.status_code, restored.json()["label"]) == (201, "Reference")
    assert values(api, made, "ref") == {"ref": "R1"}
    (result,) = api.batch("upsert", [{"id": "R1", "idProperty": "ref", "properties": {}}]).json()["results"]
    assert (result["id"], result["new"]) == (made, False)


def test_a_property_that_comes_back_as_no_key(api: Api) -> None:
    """Whether values are unique is what the last creation said."""
    api.send("POST", PROPERTIES, {**FIELD, "hasUniqueValue": True})
    api.send("DELETE", f"{PROPERTIES}/ref")
    api.send("POST", PROPERTIES, FIELD)
    assert by_ref(api, "R1") == 400


def test_unique_values_are_decided_at_creation(api: Api) -> None:
    """A change of it is answered with success and not made."""
    api.send("POST", PROPERTIES, FIELD)
    changed = api.send("PATCH", f"{PROPERTIES}/ref", {"hasUniqueValue": True, "label": "New"})
    assert (changed.status_code, changed.json()["hasUniqueValue"], changed.json()["label"]) == (200, False, "New")
    assert by_ref(api, "R1") == 400


def test_a_group_lives_as_long_as_its_properties(api: Api) -> None:
    """It must be there before a property, is renamed, and goes after its last one; the refusal is JSON in JSON."""
    body = {**FIELD, "groupName": "reverse_etl"}
    assert api.send("POST", PROPERTIES, body).status_code == 400
    assert api.send("POST", f"{PROPERTIES}/groups", {"name": "reverse_etl", "label": "ETL"}).status_code == 201
    assert api.send("POST", PROPERTIES, body).status_code == 201
    group = f"{PROPERTIES}/groups/reverse_etl"
    assert api.send("PATCH", group, {"label": "Reverse ETL"}).json()["label"] == "Reverse ETL"
    refused = api.send("DELETE", group)
    assert (refused.status_code, "category" in refused.json()) == (400, False)
    nested = json.loads(refused.json()["message"])
    assert nested["subCategory"] == "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES"
    api.send("DELETE", f"{PROPERTIES}/ref")
    assert api.send("DELETE", group).status_code == 204
    assert [api.send(method, group, {}).status_code for method in ("GET", "PATCH", "DELETE")] == [404] * 3


@pytest.mark.parametrize(
    ("kind", "field_type", "options", "status"),
    [
        ("enumeration", "select", [], 400),
        ("enumeration", "select", ["a"], 201),
        ("bool", "booleancheckbox", [], 400),
        ("bool", "booleancheckbox", ["yes", "no"], 400),
        ("bool", "booleancheckbox", ["true", "false"], 201),
    ],
)
def test_options_must_fit(api: Api, kind: str, field_type: str, options: list[str], status: int) -> None:
    """An enumeration needs options, a boolean exactly its two."""
    given = [
        {"label": value, "value": value, "hidden": False, "displayOrder": order} for order, value in enumerate(options)
    ]
    reply = api.send("POST", PROPERTIES, {**FIELD, "type": kind, "fieldType": field_type, "options": given})
    assert reply.status_code == status
    if kind == "bool" and status == 400:
        assert reply.json()["subCategory"] == "PropertyValidationError.INVALID_BOOLEAN_OPTION"


def test_two_writes_of_one_record_have_no_order(api: Api) -> None:
    """Named by two keys in one batch, the later write does not win: clearing and setting a stage needs two requests."""
    made = api.create(customer_id="C1", email="ada@example.com", lifecyclestage="customer")["id"]
    clear = {"id": made, "properties": {"lifecyclestage": ""}}
    again = {"id": "C1", "idProperty": "customer_id", "properties": {"lifecyclestage": "lead"}}
    assert api.batch("update", [clear, again]).status_code == 200
    assert not values(api, made, "lifecyclestage")["lifecyclestage"]
    for write in (clear, again):
        assert api.batch("update", [write]).status_code == 200
    assert values(api, made, "lifecyclestage") == {"lifecyclestage": "lead"}


def test_owners_who_left(api: Api) -> None:
    """An archived owner is in the archived list only, by e-mail too."""
    seeding.apply(api.server.hubspot, {"owners": [{"id": 7, "email": "Gone@example.com", "archived": True}]})
    path = "/crm/owners/2026-09?email=gone@EXAMPLE.com"
    assert api.send("GET", path).json()["results"] == []
    (owner,) = api.send("GET", f"{path}&archived=true").json()["results"]
    assert (owner["id"], owner["archived"]) == ("7", True)


def test_a_limit_per_second(api: Api) -> None:
    """Off unless it is set; then it is refused by its own policy, and search is not counted."""
    api.send("PUT", "/_simulator/limits", {"hubspot": {"per_second": 2}})
    replies = [api.send("GET", CONTACTS) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    body = replies[-1].json()
    assert (body["policyName"], body["message"]) == ("SECONDLY", "You have reached your secondly limit.")
    assert api.send("POST", f"{CONTACTS}/search", {}).status_code == 200
