"""What a token may do, what it tells of itself, and how HubSpot words a missing scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.hubspot import seeding

if TYPE_CHECKING:
    from conftest import Api

CONTACTS = "/crm/objects/2026-09/contacts"
PAGE = "https://developers.hubspot.com/scopes"


def limit(api: Api, *scopes: str) -> None:
    """Take all other scopes from the client's token."""
    api.send("PUT", "/_simulator/scopes", {"hubspot": {api.token: list(scopes)}}).raise_for_status()


def info(api: Api, token: str) -> Any:
    """Ask what a private app's token says of itself; no other credential is needed."""
    url = f"{api.server.url}/oauth/v2/private-apps/get/access-token-info"
    return api.session.post(url, json={"tokenKey": token}, timeout=5)


def test_a_missing_scope_of_an_object(api: Api) -> None:
    """The scopes of which one is needed stand in the first of the errors."""
    limit(api, "crm.objects.contacts.read")
    assert api.send("GET", CONTACTS).status_code == 200
    reply = api.send("POST", CONTACTS, {"properties": {"email": "ada@example.com"}})
    body = reply.json()
    body.pop("correlationId")
    assert (reply.status_code, body) == (
        403,
        {
            "status": "error",
            "message": "This app hasn't been granted all required scopes to make this call. "
            f"Read more about required scopes here: {PAGE}.",
            "errors": [
                {
                    "message": "One or more of the following scopes are required.",
                    "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]},
                }
            ],
            "links": {"scopes": PAGE},
            "category": "MISSING_SCOPES",
        },
    )


def test_a_missing_scope_of_schemas(api: Api) -> None:
    """The schemas API words it without `errors`."""
    limit(api, "crm.objects.contacts.read")
    reply = api.send("GET", "/crm-object-schemas/2026-09/schemas")
    assert (reply.status_code, reply.json()["category"]) == (403, "MISSING_SCOPES")
    assert reply.json()["context"] == {"requiredGranularScopes": ["crm.schemas.custom.read"], "links": [PAGE]}


@pytest.mark.parametrize(
    ("granted", "method", "path"),
    [
        ("crm.objects.contacts.read", "GET", CONTACTS),
        ("crm.objects.contacts.read", "POST", f"{CONTACTS}/search"),
        ("crm.objects.contacts.read", "POST", "/crm/v3/objects/0-1/batch/read"),
        ("crm.objects.contacts.write", "POST", "/crm/v3/objects/0-1/batch/upsert"),
        ("crm.objects.deals.write", "POST", "/crm/objects/2026-03/deals/batch/archive"),
        ("tickets", "GET", "/crm/v3/objects/tickets"),
        ("e-commerce", "GET", "/crm/v3/objects/line_items"),
        ("crm.schemas.contacts.read", "GET", "/crm/v3/properties/contacts"),
        ("crm.objects.contacts.write", "GET", "/crm/v3/properties/contacts"),
        ("crm.schemas.contacts.write", "POST", "/crm/properties/2026-09/contacts"),
        ("crm.objects.deals.read", "GET", "/crm/v3/pipelines/deals"),
        ("crm.objects.owners.read", "GET", "/crm/owners/2026-09"),
        ("crm.lists.read", "POST", "/crm/v3/lists/search"),
        ("crm.lists.read", "GET", "/crm/lists/2026-09/1/memberships"),
        ("crm.lists.write", "PUT", "/crm/lists/2026-09/1/memberships/add"),
        ("crm.lists.write", "POST", "/crm/v3/lists"),
        ("crm.schemas.custom.write", "POST", "/crm/v3/schemas"),
        ("crm.schemas.contacts.read", "GET", "/crm/v4/associations/contacts/contacts/labels"),
        ("crm.schemas.contacts.write", "POST", "/crm/v4/associations/contacts/contacts/labels"),
        ("crm.objects.contacts.read", "POST", "/crm/v4/associations/contacts/contacts/batch/read"),
        ("crm.objects.contacts.write", "POST", "/crm/v4/associations/contacts/contacts/batch/labels/archive"),
    ],
)
def test_one_scope_is_enough_and_needed(api: Api, granted: str, method: str, path: str) -> None:
    """With the scope the call is answered or refused for its body, without it for the scope."""
    limit(api, granted)
    assert api.send(method, path, {}).status_code != 403
    limit(api, "oauth", "crm.objects.companies.write", "crm.schemas.companies.write")
    assert api.send(method, path, {}).status_code == 403
    api.send("PUT", "/_simulator/scopes", {"hubspot": {api.token: None}})
    assert api.send(method, path, {}).status_code != 403


def test_an_association_needs_the_scopes_of_both_objects(api: Api) -> None:
    """The object whose scope is missing is the one that is named."""
    path = "/crm/associations/2026-09/contacts/companies/batch/create"
    limit(api, "crm.objects.contacts.write")
    reply = api.send("POST", path, {"inputs": []})
    assert reply.json()["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.companies.write"]
    limit(api, "crm.objects.contacts.write", "crm.objects.companies.write")
    assert api.send("POST", path, {"inputs": []}).status_code == 201


def test_custom_objects_share_a_scope(api: Api) -> None:
    """All custom objects need the scope `custom`."""
    seeding.apply(api.server.hubspot, {"objects": [{"name": "pet", "properties": [{"name": "tag"}]}]})
    limit(api, "crm.objects.custom.read")
    assert api.send("GET", "/crm/v3/objects/pet").status_code == 200
    reply = api.send("POST", "/crm/v3/objects/p_pet", {"properties": {"tag": "x"}})
    assert reply.json()["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.custom.write"]


def test_a_private_app_tells_its_scopes(api: Api) -> None:
    """Account and scopes of a token, by its key."""
    seeding.apply(api.server.hubspot, {"tokens": [{"token": "pat-few", "scopes": ["crm.lists.read"]}]})
    told = info(api, "pat-few").json()
    assert told == {"userId": 5555888, "hubId": 48000001, "appId": 1024738, "scopes": ["crm.lists.read"]}
    assert "crm.objects.contacts.write" in info(api, "pat-all").json()["scopes"]
    assert "crm.objects.contacts.write" not in info(api, "read-only-x").json()["scopes"]
    assert info(api, "invalid-x").status_code == 401
    url = f"{api.server.url}/oauth/v2/private-apps/get/access-token-info"
    assert api.session.post(url, json={}, timeout=5).status_code == 400


def test_an_oauth_token_tells_its_scopes(api: Api) -> None:
    """By version 1 and by introspection; a granted token has the scopes of its refresh token."""
    limit_of = {"hubspot": {"refresh-1": ["crm.lists.read", "oauth"]}}
    api.send("PUT", "/_simulator/scopes", limit_of)
    form = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "refresh-1"}
    granted = api.session.post(f"{api.server.url}/oauth/2026-09/token", data=form, timeout=5).json()
    assert granted["scopes"] == ["crm.lists.read", "oauth"]
    told = api.session.get(f"{api.server.url}/oauth/v1/access-tokens/{granted['access_token']}", timeout=5).json()
    assert (told["scopes"], told["hub_id"], told["token_type"]) == (granted["scopes"], 48000001, "access")
    assert api.session.get(f"{api.server.url}/oauth/v1/access-tokens/invalid", timeout=5).status_code == 404
    for version in ("v3", "2026-03", "2026-09"):
        url = f"{api.server.url}/oauth/{version}/token/introspect"
        told = api.session.post(url, data={"token": granted["access_token"], "client_id": "c"}, timeout=5).json()
        assert (told["active"], told["scopes"]) == (True, granted["scopes"])
        assert api.session.post(url, data={"token": "invalid"}, timeout=5).json() == {"active": False}


def test_tokens_do_not_show_in_the_log(api: Api) -> None:
    """A token that is part of a path, or of a body, is not kept."""
    api.session.get(f"{api.server.url}/oauth/v1/access-tokens/pat-secret-1", timeout=5)
    info(api, "pat-secret-1")
    seen = api.send("GET", "/_simulator/requests?bodies=true")
    assert "pat-secret" not in seen.text
    assert "/oauth/v1/access-tokens/{token}" in seen.text


@pytest.mark.parametrize("body", [{}, {"salesforce": {}}, {"hubspot": {"x": "y"}}, {"hubspot": ["x"]}])
def test_scopes_are_set_in_one_form_only(api: Api, body: dict[str, Any]) -> None:
    """Anything else is refused with what is expected."""
    assert api.send("PUT", "/_simulator/scopes", body).status_code == 400
