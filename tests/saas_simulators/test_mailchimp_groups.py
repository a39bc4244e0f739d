"""Tags, static segments and interests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Api

LIST = "/3.0/lists/demo0000aa"
ADA = f"{LIST}/members/ada@shop.example"


@pytest.fixture(autouse=True)
def ada(api: Api) -> None:
    """An audience with two members, and a journal that begins afterwards."""
    for name in ("ada", "lee"):
        body = {"email_address": f"{name}@shop.example", "status": "subscribed"}
        assert api.send("POST", f"{LIST}/members", body).status_code == 200


def tag(api: Api, *wanted: tuple[str, str], **more: Any) -> int:
    """Add and remove tags of Ada; return the status."""
    tags = [{"name": name, "status": status} for name, status in wanted]
    return api.send("POST", f"{ADA}/tags", {"tags": tags, **more}).status_code


def events(api: Api) -> list[tuple[str, str]]:
    """Return what happened to tags."""
    return [
        (entry["event"], entry["detail"][0])
        for entry in api.journal()
        if entry["event"] in {"tag_added", "tag_removed", "automation_triggered"}
    ]


def test_tags_are_added_and_removed_once(api: Api) -> None:
    """A tag is created on first use and fires its automation; what changes nothing is no side effect."""
    assert tag(api, ("vip", "active"), ("old", "inactive")) == 204
    assert tag(api, ("VIP", "active")) == 204
    assert events(api) == [("tag_added", "vip"), ("automation_triggered", "tag:vip")]
    listed = api.send("GET", f"{ADA}/tags").json()
    assert [(one["name"], listed["total_items"]) for one in listed["tags"]] == [("vip", 1)]
    assert api.send("GET", ADA).json()["tags"] == [{"id": listed["tags"][0]["id"], "name": "vip"}]
    assert tag(api, ("vip", "inactive")) == 204
    assert tag(api, ("vip", "inactive")) == 204
    assert events(api)[2:] == [("tag_removed", "vip")]
    assert api.send("GET", f"{LIST}/tag-search?name=V").json()["tags"][0]["name"] == "vip"


def test_syncing_fires_no_automation(api: Api) -> None:
    """With `is_syncing` no automation starts; for others than subscribers neither."""
    tag(api, ("one", "active"), is_syncing=True)
    api.send("PATCH", ADA, {"status": "unsubscribed"})
    tag(api, ("two", "active"))
    assert events(api) == [("tag_added", "one"), ("tag_added", "two")]


@pytest.mark.parametrize(
    "body",
    [{}, {"tags": None}, {"tags": ["vip"]}, {"tags": [{"name": "x"}]}, {"tags": [{"name": "", "status": "active"}]}],
)
def test_wrong_tags(api: Api, body: dict[str, Any]) -> None:
    """Tags of the wrong form are a 400."""
    assert api.send("POST", f"{ADA}/tags", body).json()["title"] == "Invalid Resource"


def test_segments_are_tags(api: Api) -> None:
    """A static segment shows as a tag of its members, and a tag as a static segment."""
    emails = ["ada@shop.example", "nobody@shop.example"]
    made = api.send("POST", f"{LIST}/segments", {"name": "Spring", "static_segment": emails}).json()
    assert (made["member_count"], made["type"]) == (1, "static")
    assert api.send("GET", ADA).json()["tags"] == [{"id": made["id"], "name": "Spring"}]
    tag(api, ("vip", "active"))
    listed = api.send("GET", f"{LIST}/segments?type=static").json()
    assert [one["name"] for one in listed["segments"]] == ["Spring", "vip"]
    assert api.send("GET", f"{LIST}/segments?type=saved").json()["total_items"] == 0


def test_batch_of_a_segment(api: Api) -> None:
    """Members come and go by batch; strangers are named in `errors`."""
    made = api.send("POST", f"{LIST}/segments", {"name": "Spring", "static_segment": []}).json()
    path = f"{LIST}/segments/{made['id']}"
    body = {"members_to_add": ["ada@shop.example", "LEE@shop.example", "no@shop.example"], "members_to_remove": []}
    answer = api.send("POST", path, body).json()
    assert (answer["total_added"], answer["total_removed"], answer["error_count"]) == (2, 0, 1)
    assert answer["errors"][0]["email_addresses"] == ["no@shop.example"]
    assert api.send("GET", f"{path}/members").json()["total_items"] == 2
    answer = api.send("POST", path, {"members_to_remove": ["ada@shop.example"]}).json()
    assert (answer["total_removed"], answer["members_removed"][0]["tags"]) == (1, [])
    too_many = {"members_to_add": [f"u{n}@shop.example" for n in range(501)]}
    assert api.send("POST", path, too_many).status_code == 400


def test_segment_by_segment(api: Api) -> None:
    """A segment is renamed, refilled, and deleted with its tag; single members come and go."""
    body = {"name": "Spring", "static_segment": ["ada@shop.example"]}
    path = f"{LIST}/segments/{api.send('POST', f'{LIST}/segments', body).json()['id']}"
    assert api.send("POST", f"{LIST}/segments", body).json()["detail"] == "Sorry, that tag already exists."
    changed = api.send("PATCH", path, {"name": "Summer", "static_segment": ["lee@shop.example"]}).json()
    assert (changed["name"], changed["member_count"]) == ("Summer", 1)
    assert api.send("GET", ADA).json()["tags_count"] == 0
    assert api.send("POST", f"{path}/members", {"email_address": "ada@shop.example"}).status_code == 200
    assert api.send("POST", f"{path}/members", {"email_address": "no@shop.example"}).status_code == 404
    assert api.send("DELETE", f"{path}/members/lee@shop.example").status_code == 204
    assert api.send("DELETE", f"{path}/members/lee@shop.example").status_code == 404
    assert api.send("GET", path).json()["member_count"] == 1
    assert api.send("DELETE", path).status_code == 204
    assert api.send("GET", path).status_code == 404
    assert api.send("GET", ADA).json()["tags"] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"name": "x"}, 'Must provide either an "options" field or a "static_segment" field'),
        ({"static_segment": []}, "validated"),
        ({"name": "x", "static_segment": "a@b.example"}, "validated"),
    ],
)
def test_wrong_segments(api: Api, body: dict[str, Any], said: str) -> None:
    """A segment without members or name is a 400."""
    assert said in api.send("POST", f"{LIST}/segments", body).json()["detail"]


def test_interests(api: Api) -> None:
    """Categories and interests are created once, chosen by members, counted as text, and gone when deleted."""
    assert "interests" not in api.send("GET", ADA).json()
    categories = f"{LIST}/interest-categories"
    days = api.send("POST", categories, {"title": "Days", "type": "checkboxes"}).json()
    again = api.send("POST", categories, {"title": "Days", "type": "radio"}).json()
    assert again["detail"] == "An interest category with the title 'Days' already exists."
    interests = f"{categories}/{days['id']}/interests"
    monday = api.send("POST", interests, {"name": "Monday"}).json()
    assert (monday["subscriber_count"], monday["display_order"]) == ("0", 1)
    twice = api.send("POST", interests, {"name": "Monday"}).json()
    assert twice["detail"] == 'Cannot add "Monday" because it already exists on the list.'
    tuesday = api.send("POST", interests, {"name": "Tuesday"}).json()
    changed = api.send("PATCH", ADA, {"interests": {monday["id"]: True, "unknown": True}}).json()
    assert changed["interests"] == {monday["id"]: True, tuesday["id"]: False}
    api.send("PATCH", ADA, {"interests": {monday["id"]: True, tuesday["id"]: False}})
    assert [entry["detail"] for entry in api.journal("member_updated")] == [["interests"]]
    assert api.send("GET", f"{interests}/{monday['id']}").json()["subscriber_count"] == "1"
    for match, count in (("any", 1), ("all", 0), ("none", 1)):
        query = f"interest_ids={monday['id']},{tuesday['id']}&interest_match={match}"
        assert api.send("GET", f"{LIST}/members?{query}").json()["total_items"] == count
    assert api.send("PATCH", f"{interests}/{tuesday['id']}", {"name": "Sunday"}).json()["name"] == "Sunday"
    assert api.send("DELETE", f"{interests}/{monday['id']}").status_code == 204
    assert api.send("GET", ADA).json()["interests"] == {tuesday["id"]: False}
    listed = api.send("GET", f"{interests}?count=500&exclude_fields=interests._links,_links").json()
    assert [one["name"] for one in listed["interests"]] == ["Sunday"]
    assert api.send("PATCH", f"{categories}/{days['id']}", {"title": "Week"}).json()["title"] == "Week"
    assert api.send("DELETE", f"{categories}/{days['id']}").status_code == 204
    assert "interests" not in api.send("GET", ADA).json()
    assert api.send("GET", f"{categories}/{days['id']}").status_code == 404


@pytest.mark.parametrize("body", [{}, {"title": "x"}, {"title": "x", "type": "slider"}])
def test_wrong_categories(api: Api, body: dict[str, Any]) -> None:
    """A category without title or of an unknown type is a 400."""
    assert api.send("POST", f"{LIST}/interest-categories", body).status_code == 400
