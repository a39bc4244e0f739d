"""Single records, names of object types, paths, search, definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Api

FIELD = {"groupName": "contactinformation", "label": "x", "type": "string", "fieldType": "text"}
PATHS = ["/crm/v3/objects", "/crm/objects/v3", "/crm/objects/2026-03", "/crm/objects/2026-09"]


def search(api: Api, *filters: dict[str, Any], **more: Any) -> Any:
    """Return the reply of a contact search."""
    body = {"filterGroups": [{"filters": list(filters)}] if filters else [], **more}
    return api.send("POST", "/crm/v3/objects/contacts/search", body)


@pytest.mark.parametrize("base", PATHS)
@pytest.mark.parametrize("name", ["contacts", "contact", "CONTACT", "0-1"])
def test_every_path_and_name_leads_to_one_store(api: Api, base: str, name: str) -> None:
    """Dated and legacy paths, and all spellings of an object type, show the same record."""
    made = api.create(email="ada@example.com")
    assert [one["id"] for one in api.send("GET", f"{base}/{name}").json()["results"]] == [made["id"]]


def test_unknown_object_type(api: Api) -> None:
    """An object type that does not exist is refused without a category."""
    reply = api.send("GET", "/crm/v3/objects/butterflies")
    assert (reply.status_code, reply.json()["message"]) == (400, "Unable to infer object type from: butterflies")
    assert set(reply.json()) == {"status", "message", "correlationId"}


def test_unrouted_paths_are_pages(api: Api) -> None:
    """A path that nobody serves is the HTML 404, whatever the client accepts; a wrong verb is a 405."""
    reply = api.send("GET", "/crm/v3/nothing")
    assert (reply.status_code, reply.headers["Content-Type"].partition(";")[0]) == (404, "text/html")
    assert api.send("DELETE", "/crm/v3/objects/contacts").status_code == 405


def test_paging_walks_all_records_once(api: Api) -> None:
    """Following the cursor gives every record once and ends without `paging`."""
    made = [api.create(email=f"u{n}@example.com")["id"] for n in range(5)]
    api.send("DELETE", f"/crm/v3/objects/contacts/{made[2]}")
    seen, path = [], "/crm/v3/objects/contacts?limit=2"
    while path:
        body = api.send("GET", path).json()
        seen += [one["id"] for one in body["results"]]
        after = body.get("paging", {}).get("next", {}).get("after")
        path = f"/crm/v3/objects/contacts?limit=2&after={after}" if after else ""
    assert seen == made[:2] + made[3:]
    assert api.send("GET", "/crm/v3/objects/contacts?limit=101").status_code == 400


def test_update_by_email_and_conflict(api: Api) -> None:
    """PATCH finds a contact by e-mail; giving it a taken address is refused."""
    api.create(email="ada@example.com")
    api.create(email="bob@example.com")
    path = "/crm/v3/objects/contacts/ada%40example.com?idProperty=email"
    assert api.send("PATCH", path, {"properties": {"city": "Rome"}}).status_code == 200
    assert api.send("PATCH", path, {"properties": {"email": "bob@example.com"}}).status_code == 400
    assert api.send("PATCH", path, {"properties": {"email": "ada@new.example"}}).status_code == 200
    assert api.send("PATCH", path, {"properties": {"city": "Paris"}}).status_code == 404


def test_gdpr_delete_blocks_the_address(api: Api) -> None:
    """A contact deleted for privacy is gone for good, and its address cannot be used again."""
    made = api.create(email="ada@example.com")
    body = {"objectId": "ada@example.com", "idProperty": "email"}
    assert api.send("POST", "/crm/v3/objects/contacts/gdpr-delete", body).status_code == 204
    assert api.send("GET", f"/crm/v3/objects/contacts/{made['id']}?archived=true").status_code == 404
    reply = api.send("POST", "/crm/v3/objects/contacts", {"properties": {"email": "ada@example.com"}})
    assert reply.json()["errors"][0]["message"] == "email has been GDPR blacklisted"


def test_merge_with_itself(api: Api) -> None:
    """A record cannot be merged with itself."""
    made = api.create(email="ada@example.com")["id"]
    reply = api.send("POST", "/crm/v3/objects/contacts/merge", {"primaryObjectId": made, "objectIdToMerge": made})
    assert (reply.status_code, reply.json()["message"]) == (400, "Cannot merge a contact with itself")


def test_company_domains_may_repeat(api: Api) -> None:
    """The API creates companies with a domain that exists already."""
    assert len({api.create("companies", domain="x.example")["id"] for _ in range(2)}) == 2


@pytest.mark.parametrize(
    ("one", "found"),
    [
        ({"operator": "EQ", "value": "ROME", "propertyName": "city"}, {"ada", "cid"}),
        ({"operator": "NEQ", "value": "rome", "propertyName": "city"}, {"bob"}),
        ({"operator": "IN", "values": ["rome", "paris"], "propertyName": "city"}, {"ada", "bob", "cid"}),
        ({"operator": "NOT_IN", "values": ["paris"], "propertyName": "city"}, {"ada", "cid"}),
        ({"operator": "GT", "value": "9", "propertyName": "churn_risk"}, {"bob"}),
        ({"operator": "BETWEEN", "value": 1, "highValue": 10, "propertyName": "churn_risk"}, {"ada", "bob"}),
        ({"operator": "HAS_PROPERTY", "propertyName": "churn_risk"}, {"ada", "bob"}),
        ({"operator": "NOT_HAS_PROPERTY", "propertyName": "churn_risk"}, {"cid"}),
        ({"operator": "CONTAINS_TOKEN", "value": "ex*", "propertyName": "email"}, {"ada", "bob", "cid"}),
        ({"operator": "EQ", "value": "PRO", "propertyName": "plan"}, set()),
    ],
)
def test_search_operators(api: Api, one: dict[str, Any], found: set[str]) -> None:
    """Operators compare numbers as numbers, text without case, options with it."""
    api.create(firstname="ada", email="ada@example.com", city="Rome", churn_risk=2, plan="pro")
    api.create(firstname="bob", email="bob@example.com", city="Paris", churn_risk=10)
    api.create(firstname="cid", email="cid@example.com", city="Rome")
    reply = search(api, one)
    assert reply.status_code == 200, reply.text
    assert {result["properties"]["firstname"] for result in reply.json()["results"]} == found
    assert reply.json()["total"] == len(found)


def test_search_pages_and_sorts(api: Api) -> None:
    """Search pages by offset, sorted as asked."""
    for number in range(5):
        api.create(firstname=f"n{number}", churn_risk=number)
    sorts = [{"propertyName": "churn_risk", "direction": "DESCENDING"}]
    first = search(api, sorts=sorts, limit=3, properties=["churn_risk"]).json()
    assert [one["properties"]["churn_risk"] for one in first["results"]] == ["4", "3", "2"]
    assert (first["total"], first["paging"]) == (5, {"next": {"after": "3"}})
    second = search(api, sorts=sorts, limit=3, after=3, properties=["churn_risk"]).json()
    assert [one["properties"]["churn_risk"] for one in second["results"]] == ["1", "0"]
    assert "paging" not in second


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 200, "after": 9_900},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "HAS_PROPERTY", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "city", "operator": "EQ"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "no_such", "operator": "EQ", "value": "x"}]}]},
        {"query": "x" * 3_000},
    ],
)
def test_search_limits(api: Api, body: dict[str, Any]) -> None:
    """Pages past 10,000, too many groups, misplaced values and long bodies are refused."""
    reply = api.send("POST", "/crm/v3/objects/contacts/search", body)
    assert (reply.status_code, reply.json()["category"]) == (400, "VALIDATION_ERROR")


def test_search_lags_behind(api: Api) -> None:
    """With a lag set, search shows the state before the writes; a direct read shows them."""
    old = api.create(email="old@example.com", city="Rome")
    assert api.send("PUT", "/_simulator/lag", {"hubspot": {"search_seconds": 60}}).status_code == 200
    new = api.create(email="new@example.com")
    api.send("PATCH", f"/crm/v3/objects/contacts/{old['id']}", {"properties": {"city": "Paris"}})
    (found,) = search(api, properties=["city"]).json()["results"]
    assert (found["id"], found["properties"]["city"]) == (old["id"], "Rome")
    assert api.send("GET", f"/crm/v3/objects/contacts/{new['id']}").status_code == 200


def test_property_life(api: Api) -> None:
    """A property is created once, changed, archived and restored by creating it again."""
    path = "/crm/properties/2026-09/contacts"
    body = {**FIELD, "name": "colour", "hasUniqueValue": True}
    assert api.send("POST", path, body).status_code == 201
    clash = api.send("POST", path, body)
    assert (clash.status_code, clash.json()["subCategory"]) == (409, "Properties.PROPERTY_WITH_NAME_EXISTS")
    changed = api.send("PATCH", f"{path}/colour", {"label": "Colour", "hasUniqueValue": False}).json()
    assert (changed["label"], changed["hasUniqueValue"]) == ("Colour", True)
    assert api.send("DELETE", f"{path}/colour").status_code == 204
    assert api.send("GET", f"{path}/colour").status_code == 404
    refused = api.send("POST", "/crm/v3/objects/contacts", {"properties": {"firstname": "x", "colour": "red"}})
    assert refused.json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    assert api.send("POST", path, body).status_code == 201
    assert [entry["event"] for entry in api.journal()] == [
        "property_created",
        "property_updated",
        "property_archived",
        "property_created",
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"name": "Bad Name"}, {"type": "text"}, {"fieldType": "number"}, {"groupName": "nowhere"}, {"label": None}],
)
def test_property_definitions_are_checked(api: Api, wrong: dict[str, Any]) -> None:
    """Names, types, groups and required fields of a new property are checked."""
    reply = api.send("POST", "/crm/v3/properties/contacts", {**FIELD, "name": "colour", **wrong})
    assert (reply.status_code, reply.json()["category"]) == (400, "VALIDATION_ERROR")


def test_ten_unique_properties(api: Api) -> None:
    """An object type takes ten properties with unique values, the seeded one included."""
    statuses = [
        api.send(
            "POST", "/crm/v3/properties/contacts", {**FIELD, "name": f"key{n}", "hasUniqueValue": True}
        ).status_code
        for n in range(10)
    ]
    assert statuses == [201] * 9 + [400]


def test_property_batches_and_groups(api: Api) -> None:
    """Properties are created and read in batches, into groups that exist."""
    path = "/crm/v3/properties/contacts"
    assert api.send("POST", f"{path}/groups", {"name": "ours", "label": "Ours"}).status_code == 201
    inputs = [{**FIELD, "name": name, "groupName": "ours"} for name in ("one", "two", "email")]
    reply = api.send("POST", f"{path}/batch/create", {"inputs": inputs})
    assert (reply.status_code, reply.json()["numErrors"]) == (207, 1)
    read = api.send("POST", f"{path}/batch/read", {"inputs": [{"name": "one"}, {"name": "nope"}], "archived": False})
    assert [one["name"] for one in read.json()["results"]] == ["one"]
    assert "ours" in [one["name"] for one in api.send("GET", f"{path}/groups").json()["results"]]


def test_standard_definitions(api: Api) -> None:
    """Standard properties say what is calculated, read-only, optional, and that e-mail is not unique by definition."""
    found = {one["name"]: one for one in api.send("GET", "/crm/v3/properties/contacts").json()["results"]}
    assert found["email"]["hasUniqueValue"] is False
    assert found["customer_id"]["hasUniqueValue"] is True
    assert found["num_associated_deals"]["calculated"] is True
    assert found["createdate"]["modificationMetadata"]["readOnlyValue"] is True
    assert (found["hubspot_owner_id"]["externalOptions"], found["hubspot_owner_id"]["options"]) == (True, [])
    assert [option["value"] for option in found["lifecyclestage"]["options"]][:2] == ["subscriber", "lead"]
    for name in ("companies", "deals", "tickets", "products", "line_items"):
        assert len(api.send("GET", f"/crm/v3/properties/{name}").json()["results"]) > 10


def test_schema_life(api: Api) -> None:
    """A custom object is created with its properties and cannot be removed while it has records."""
    body = {
        "name": "car",
        "labels": {"singular": "Car", "plural": "Cars"},
        "requiredProperties": ["vin"],
        "primaryDisplayProperty": "vin",
        "properties": [{"name": "vin", "label": "VIN", "type": "string", "fieldType": "text", "hasUniqueValue": True}],
    }
    path = "/crm-object-schemas/2026-09/schemas"
    bare = {key: value for key, value in body.items() if key != "primaryDisplayProperty"}
    assert api.send("POST", path, bare).json()["subCategory"] == "PRIMARY_DISPLAY_PROPERTY_REQUIRED"
    schema = api.send("POST", path, body).json()
    assert schema["fullyQualifiedName"] == "p48000001_car"
    inputs = [{"id": "V1", "idProperty": "vin", "properties": {}}]
    (made,) = api.batch("upsert", inputs, schema["objectTypeId"]).json()["results"]
    assert set(made["properties"]) >= {"hs_createdate", "hs_lastmodifieddate", "vin"}
    assert api.send("DELETE", f"{path}/car").json()["subCategory"] == "EXISTING_OBJECT_RECORDS"
    api.send("DELETE", f"/crm/v3/objects/p_car/{made['id']}")
    assert api.send("DELETE", f"{path}/car").status_code == 204
    assert api.send("GET", "/crm/v3/objects/car").status_code == 400
