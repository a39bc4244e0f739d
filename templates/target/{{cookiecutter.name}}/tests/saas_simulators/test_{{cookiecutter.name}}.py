"""The simulated {{cookiecutter.title}} refuses what the API refuses.

Skeleton: what the skeleton's API does. Yours: one test for each recorded answer and for each sentence of the vendor's
documentation that a target relies on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.seeds import SeedError
from saas_simulators.simulation import Simulation

if TYPE_CHECKING:
    from .conftest import Api

ROOT = "/{{cookiecutter.name}}/v1"
CONTACTS = f"{ROOT}/objects/contacts"


def create(api: Api, *keys: str, **fields: Any) -> list[dict[str, Any]]:
    """Create contacts in one batch; its results."""
    records = [{"ref": key, "fields": {"customer_id": key, **fields}} for key in keys]
    results: list[dict[str, Any]] = api.send("POST", f"{CONTACTS}/batch/create", {"records": records}).json()["results"]
    return results


def test_only_tokens_that_are_known_are_served(api: Api) -> None:
    """No token and an invalid one are a 401; an expiring one serves five requests."""
    assert api.send("GET", f"{ROOT}/account").json() == {"id": "acct-1"}
    api.token = "invalid"
    assert api.send("GET", f"{ROOT}/account").json()["error"]["code"] == "invalid_token"
    api.token = "expiring"
    assert [api.send("GET", f"{ROOT}/account").status_code for _ in range(6)] == [200] * 5 + [401]


def test_a_record_is_refused_alone(api: Api) -> None:
    """Of a batch the others are written, and each answer carries its `ref`."""
    good, bad = create(api, "A"), create(api, "A", "B")
    assert "id" in good[0]
    assert [(one["ref"], one.get("error", {}).get("code")) for one in bad] == [("A", "conflict"), ("B", None)]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("plan", "gold", "invalid_option"),
        ("interests", ["none"], "invalid_option"),
        ("email", "nobody", "invalid_email"),
        ("seats", 1.5, "invalid_value"),
        ("seats", True, "invalid_value"),
        ("active", "yes", "invalid_value"),
        ("since", "soon", "invalid_value"),
        ("seen_at", "soon", "invalid_value"),
        ("city", "x" * 201, "too_long"),
        ("created_by", "me", "read_only_field"),
        ("nothing", "x", "unknown_field"),
    ],
)
def test_a_value_is_refused_with_its_code(api: Api, field: str, value: Any, code: str) -> None:
    """The code and the field are named, and nothing is written."""
    (result,) = create(api, "A", **{field: value})
    assert (result["error"]["code"], result["error"]["field"]) == (code, field)
    assert api.send("GET", "/_simulator/records/{{cookiecutter.name}}/contacts").json()["records"] == []


def test_a_record_is_made_changed_and_removed_alone(api: Api) -> None:
    """The endpoints of one record; what is deleted is found no more."""
    made = api.send("POST", f"{CONTACTS}/records", {"fields": {"customer_id": "A"}})
    path = f"{CONTACTS}/records/{made.json()['id']}"
    assert made.status_code == 201
    assert api.send("PATCH", path, {"fields": {"city": "Ulm"}}).json()["fields"]["city"] == "Ulm"
    assert api.send("GET", path).status_code == 200
    assert api.send("DELETE", path).status_code == 204
    assert api.send("GET", path).json()["error"]["code"] == "not_found"


def test_a_search_has_pages(api: Api) -> None:
    """60 records are two pages, the second one behind the cursor of the first; archived ones are on none."""
    keys = [f"K{n}" for n in range(60)]
    made = create(api, *keys)
    api.send("POST", f"{CONTACTS}/batch/archive", {"records": [{"ref": "0", "id": made[0]["id"]}]})
    body = {"field": "customer_id", "values": keys}
    first = api.send("POST", f"{CONTACTS}/search", body).json()
    second = api.send("POST", f"{CONTACTS}/search", {**body, "cursor": first["next_cursor"]}).json()
    found = [one["fields"]["customer_id"] for one in first["records"] + second["records"]]
    assert (len(first["records"]), found, second["next_cursor"]) == (50, keys[1:], None)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/objects/nothing", None, 404, "unknown_object"),
        ("GET", "/elsewhere", None, 404, "no_such_path"),
        ("POST", "/objects/contacts/batch/guess", {"records": []}, 404, "no_such_path"),
        ("POST", "/objects/contacts/batch/create", {}, 400, "invalid_request"),
        ("POST", "/objects/contacts/batch/create", {"records": [{}] * 101}, 400, "too_many_records"),
        ("POST", "/objects/contacts/search", {"field": "nothing", "values": []}, 422, "unknown_field"),
        ("POST", "/objects/contacts/search", {"field": "id", "values": ["x"] * 101}, 400, "invalid_request"),
        ("POST", "/objects/contacts/search", {"field": "id", "values": [], "cursor": "x"}, 400, "invalid_request"),
        ("POST", "/objects/contacts/records", {"fields": {"city": "Ulm"}}, 422, "required_field"),
    ],
)
def test_a_request_is_refused(api: Api, method: str, path: str, body: Any, status: int, code: str) -> None:
    """Each with its status and code."""
    reply = api.send(method, f"{ROOT}{path}", body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_limits_refuse_and_are_told(api: Api) -> None:
    """A used up window is a 429 that says how long to wait; a used up day has a code of its own."""
    api.send("PUT", "/_simulator/limits", {"{{cookiecutter.name}}": {"requests": 1}})
    assert api.send("GET", f"{ROOT}/account").headers["X-RateLimit-Limit"] == "1"
    refused = api.send("GET", f"{ROOT}/account")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    api.send("PUT", "/_simulator/limits", {"{{cookiecutter.name}}": {"daily": 5, "daily_used": 5}})
    assert api.send("GET", f"{ROOT}/account").json()["error"]["code"] == "daily_limit_reached"
    for wrong in ({"brust": 1}, {"requests": -1}, {"requests": "many"}):
        reply = api.send("PUT", "/_simulator/limits", {"{{cookiecutter.name}}": wrong})
        assert "Limits of {{cookiecutter.name}}" in reply.json()["error"]


def test_a_dump_is_loaded_whole() -> None:
    """Records, archived ones too, and numbers go on where they were."""
    fields = {"object": "contacts", "fields": {"customer_id": "A"}}
    first = Simulation({"{{cookiecutter.name}}": {"records": [fields]}})
    dumped = json.loads(json.dumps(first.dump()))
    second = Simulation()
    second.load(dumped)
    assert second.dump() == first.dump()


@pytest.mark.parametrize(
    "seed",
    [
        {"things": []},
        {"records": [{"object": "contacts", "fields": {"plan": "gold"}}]},
        {"objects": [{"name": "x", "fields": [{"type": "string"}]}]},
    ],
)
def test_a_wrong_seed_is_refused_with_its_place(seed: dict[str, Any]) -> None:
    """Before anything is served."""
    with pytest.raises(SeedError, match="{{cookiecutter.name}}"):
        Simulation({"{{cookiecutter.name}}": seed})
