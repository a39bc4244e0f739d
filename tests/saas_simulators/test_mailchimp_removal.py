"""How members are taken away and read back, by the official client and by hand."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import mailchimp_marketing
import pytest
from mailchimp_marketing.api_client import ApiClientError

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Api

LIST = "demo0000aa"
LISTS = f"/3.0/lists/{LIST}"
ADA = "ada@shop.example"


def hashed(email: str) -> str:
    """A member's id."""
    return hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def client(server: SimulatorServer) -> Any:
    """The official client, pointed at the simulator."""
    made = mailchimp_marketing.Client({"api_key": "anything-us1"})
    made.api_client.host = f"{server.url}/3.0"
    return made


@pytest.fixture
def polite() -> Iterator[SimulatorServer]:
    """A simulator whose audience says goodbye."""
    with SimulatorServer({"mailchimp": {"audiences": [{"id": LIST, "goodbye_mail": True}]}}) as server:
        yield server


def refusal(call: Any, *arguments: Any) -> tuple[int, str]:
    """Status and title of an error."""
    with pytest.raises(ApiClientError) as caught:
        call(*arguments)
    return caught.value.status_code, json.loads(caught.value.text)["title"]


def test_the_official_client_archives_and_reads_back(client: Any) -> None:
    """Archived members are shown by their hash and by their status, and cannot be archived twice."""
    for name in ("ada", "bob"):
        client.lists.add_list_member(LIST, {"email_address": f"{name}@shop.example", "status": "subscribed"})
    assert client.lists.delete_list_member(LIST, hashed(ADA)).status_code == 204
    assert refusal(client.lists.delete_list_member, LIST, hashed(ADA)) == (405, "Method Not Allowed")
    assert [one["email_address"] for one in client.lists.get_list_members_info(LIST)["members"]] == ["bob@shop.example"]
    archived = client.lists.get_list_members_info(LIST, status="archived", fields=["members.id", "total_items"])
    assert archived == {"members": [{"id": hashed(ADA)}], "total_items": 1}


def test_the_official_client_deletes_for_good(client: Any) -> None:
    """Also who is archived; nobody is there then, and nobody of that address can be added."""
    body = {"email_address": ADA, "status": "subscribed"}
    client.lists.add_list_member(LIST, body)
    client.lists.delete_list_member(LIST, hashed(ADA))
    assert client.lists.delete_list_member_permanent(LIST, hashed(ADA)).status_code == 204
    assert refusal(client.lists.delete_list_member_permanent, LIST, hashed(ADA)) == (404, "Resource Not Found")
    assert refusal(client.lists.add_list_member, LIST, body) == (400, "Forgotten Email Not Subscribed")
    batch = {"members": [{**body, "status": "unsubscribed"}], "update_existing": True}
    assert "permanently deleted" in client.lists.batch_list_members(LIST, batch)["errors"][0]["error"]


def test_the_official_client_unsubscribes_many(client: Any) -> None:
    """In one call, which would add whoever is not there; `archived` is no status that can be written."""
    client.lists.add_list_member(LIST, {"email_address": ADA, "status": "subscribed"})
    body = {"members": [{"email_address": ADA, "status": "unsubscribed"}], "update_existing": True}
    assert client.lists.batch_list_members(LIST, body)["updated_members"][0]["status"] == "unsubscribed"
    body["members"] = [{"email_address": ADA, "status": "archived"}]
    assert client.lists.batch_list_members(LIST, body)["error_count"] == 1


def test_archiving_hides_who_had_unsubscribed(api: Api) -> None:
    """Nothing shows it; who was unsubscribed by the API can be subscribed again, who left by themselves cannot."""
    for name in ("ada", "bob"):
        api.send("POST", f"{LISTS}/members", {"email_address": f"{name}@shop.example", "status": "subscribed"})
    api.send("PATCH", f"{LISTS}/members/{ADA}", {"status": "unsubscribed"})
    api.server.mailchimp.audiences[LIST].contact_unsubscribes("bob@shop.example")
    answers = {}
    for name in ("ada", "bob"):
        member = f"{LISTS}/members/{name}@shop.example"
        api.send("DELETE", member)
        shown = api.send("GET", member).json()
        assert (shown["status"], "unsubscribe_reason" in shown) == ("archived", False)
        answers[name] = api.send("PATCH", member, {"status": "subscribed"}).json()["status"]
    assert answers == {"ada": "subscribed", "bob": 400}


def test_goodbye_mails_go_out_once(api: Api, polite: SimulatorServer) -> None:
    """Where the audience has them: to who was subscribed, by whatever call, and to nobody twice."""
    api.server = polite
    api.send("POST", f"{LISTS}/members", {"email_address": ADA, "status": "subscribed"})
    api.send("POST", f"{LISTS}/members", {"email_address": "new@shop.example", "status": "unsubscribed"})
    for _ in range(2):
        api.send("PATCH", f"{LISTS}/members/{ADA}", {"status": "unsubscribed"})
    assert [one["unique"]["email_address"] for one in api.journal("goodbye_mail")] == [ADA]
    api.send("DELETE", f"{LISTS}/members/{ADA}")
    assert len(api.journal("goodbye_mail")) == 1


def test_a_member_shows_fifty_tags(api: Api) -> None:
    """And says how many there are; all of them have a path of their own."""
    tags = [f"t{n}" for n in range(60)]
    body = {"email_address": ADA, "status": "subscribed", "tags": tags}
    shown = api.send("POST", f"{LISTS}/members", body).json()
    assert ([one["name"] for one in shown["tags"]], shown["tags_count"]) == (tags[:50], 60)
    listed = api.send("GET", f"{LISTS}/members/{ADA}/tags?count=1000").json()
    assert (len(listed["tags"]), listed["total_items"]) == (60, 60)
