"""The official client, unchanged, against the simulator."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import mailchimp_marketing
import pytest
from mailchimp_marketing.api_client import ApiClientError

if TYPE_CHECKING:
    from saas_simulators import SimulatorServer

LIST = "demo0000aa"
ADA = hashlib.md5(b"ada@shop.example").hexdigest()  # noqa: S324 - the vendor's id


@pytest.fixture
def client(server: SimulatorServer) -> Any:
    """The official client, pointed at the simulator."""
    made = mailchimp_marketing.Client({"api_key": "anything-us1"})
    made.api_client.host = f"{server.url}/3.0"
    return made


def test_account_and_lists(client: Any) -> None:
    """Ping, root and lists work."""
    assert client.ping.get() == {"health_status": "Everything's Chimpy!"}
    assert client.root.get_root()["role"] == "owner"
    assert [one["id"] for one in client.lists.get_all_lists()["lists"]] == [LIST]
    assert client.lists.get_list(LIST, fields=["name"]) == {"name": "Demo"}


def test_members(client: Any) -> None:
    """Add, upsert, update, tag, list, archive and delete one member."""
    body = {"email_address": "Ada@shop.example", "status": "subscribed"}
    assert client.lists.add_list_member(LIST, body, skip_merge_validation=True)["id"] == ADA
    changed = client.lists.set_list_member(
        LIST, ADA, {"email_address": "ada@shop.example", "status_if_new": "subscribed", "merge_fields": {"LTV": 3}}
    )
    assert changed["merge_fields"]["LTV"] == 3
    assert client.lists.update_list_member(LIST, ADA, {"vip": True})["vip"] is True
    tags = {"tags": [{"name": "vip", "status": "active"}]}
    assert client.lists.update_list_member_tags(LIST, ADA, tags).status_code == 204
    assert [tag["name"] for tag in client.lists.get_list_member_tags(LIST, ADA)["tags"]] == ["vip"]
    assert client.lists.get_list_members_info(LIST, count=5)["total_items"] == 1
    assert client.lists.delete_list_member(LIST, ADA).status_code == 204
    assert client.lists.get_list_member(LIST, ADA)["status"] == "archived"
    assert client.lists.delete_list_member_permanent(LIST, ADA).status_code == 204
    with pytest.raises(ApiClientError) as caught:
        client.lists.get_list_member(LIST, ADA)
    assert (caught.value.status_code, json.loads(caught.value.text)["title"]) == (404, "Resource Not Found")


def test_batch_subscribe(client: Any) -> None:
    """A batch answers with new members, updated ones and errors."""
    body = {
        "members": [
            {"email_address": "ada@shop.example", "status": "subscribed"},
            {"email_address": "nope", "status": "subscribed"},
        ],
        "update_existing": True,
    }
    answer = client.lists.batch_list_members(LIST, body)
    assert (answer["total_created"], answer["error_count"]) == (1, 1)
    assert client.lists.batch_list_members(LIST, body)["total_updated"] == 1


def test_definitions(client: Any) -> None:
    """Merge fields, categories, interests and segments are created and listed."""
    field = client.lists.add_list_merge_field(LIST, {"name": "Points", "type": "number", "tag": "POINTS"})
    assert client.lists.get_list_merge_field(LIST, field["merge_id"])["tag"] == "POINTS"
    assert client.lists.get_list_merge_fields(LIST)["total_items"] == 5
    assert client.lists.delete_list_merge_field(LIST, field["merge_id"]).status_code == 204
    category = client.lists.create_list_interest_category(LIST, {"title": "Days", "type": "checkboxes"})
    client.lists.create_interest_category_interest(LIST, category["id"], {"name": "Monday"})
    assert client.lists.list_interest_category_interests(LIST, category["id"])["total_items"] == 1
    client.lists.add_list_member(LIST, {"email_address": "ada@shop.example", "status": "subscribed"})
    segment = client.lists.create_segment(LIST, {"name": "Spring", "static_segment": ["ada@shop.example"]})
    removed = client.lists.batch_segment_members({"members_to_remove": ["ada@shop.example"]}, LIST, segment["id"])
    assert removed["total_removed"] == 1
    assert client.lists.delete_segment(LIST, segment["id"]).status_code == 204


def test_operations(client: Any) -> None:
    """Batch operations are started and asked about."""
    operations = [{"method": "GET", "path": f"/lists/{LIST}", "operation_id": "one"}]
    started = client.batches.start({"operations": operations})
    assert started["status"] == "pending"
    assert client.batches.status(started["id"])["total_operations"] == 1
    assert client.batches.delete_request(started["id"]).status_code == 204


def test_oauth_token(server: SimulatorServer) -> None:
    """A token works in place of a key, and a bad one is an error that the client can read."""
    for token, status in (("token", None), ("invalid", 401)):
        made = mailchimp_marketing.Client({"access_token": token, "server": "us1"})
        made.api_client.host = f"{server.url}/3.0"
        if status is None:
            assert made.ping.get()
            continue
        with pytest.raises(ApiClientError) as caught:
            made.ping.get()
        assert caught.value.status_code == status
