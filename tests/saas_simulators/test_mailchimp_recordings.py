"""The simulator's answers have the keys, types and texts of answers recorded from the real service or quoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import requests
    from conftest import Api

BESIDE = Path("shared", "recordings", "mailchimp")
FOUND = [parent / BESIDE for parent in Path(__file__).parents if (parent / BESIDE).is_dir()]
pytestmark = pytest.mark.skipif(not FOUND, reason="the recordings are not beside this repository")
LIST = "/3.0/lists/demo0000aa"


def recorded(number: int) -> dict[str, Any]:
    """Return one recorded interaction of 2016 and 2017."""
    text = (FOUND[0] / "dominicsayers" / "mailchimp_api_v3.json").read_text("utf-8")
    interaction: dict[str, Any] = json.loads(text)["interactions"][number]
    return interaction


def reported(name: str) -> dict[str, Any]:
    """Return a body that a user quoted."""
    items = json.loads((FOUND[0] / "reported_bodies.json").read_text("utf-8"))["items"]
    body: dict[str, Any] = next(item["body"] for item in items if item["id"] == name)
    return body


def shape(value: Any) -> Any:
    """Return keys and types of a JSON value; whole and broken numbers are the same, links are left out."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in {"_links", "interests"}}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def assert_covers(real: Any, answer: Any) -> None:
    """Assert that an answer has at least the recorded keys, with the recorded types; newer keys are fine."""
    if isinstance(real, dict):
        assert set(real) <= set(answer)
        for key, value in real.items():
            assert_covers(value, answer[key])
    elif isinstance(real, list) and real:
        assert_covers(real[0], answer[0])
    else:
        assert real == answer


def assert_like(reply: requests.Response, interaction: dict[str, Any]) -> None:
    """Assert that a reply has the status, content type and shape of a recorded one."""
    real = interaction["response"]
    assert reply.status_code == real["status"]
    assert reply.headers["Content-Type"] == real["headers"]["Content-Type"]
    assert {"X-Request-Id", "Link"} & set(real["headers"]) <= set(reply.headers)
    if real["status"] != 204:
        assert_covers(shape(real["body"]), shape(reply.json()))


def assert_same_refusal(reply: requests.Response, body: dict[str, Any], email: str = "") -> None:
    """Assert that a refusal says what a recorded one says; `type` and `instance` changed over the years."""
    for key in {"title", "status", "detail", "errors"} & set(body):
        expected = body[key].replace("u@example.com", email) if key == "detail" else body[key]
        assert reply.json()[key] == expected


def add(api: Api, email: str = "ada@shop.example", **more: Any) -> requests.Response:
    """Add a member."""
    return api.send("POST", f"{LIST}/members", {"email_address": email, "status": "subscribed", **more})


def test_moved_root(api: Api) -> None:
    """The root without a slash is the recorded page with another host."""
    reply = api.session.get(
        f"{api.server.url}/3.0", headers={"Authorization": "Bearer x"}, allow_redirects=False, timeout=5
    )
    real = recorded(0)["response"]
    assert (reply.status_code, reply.headers["Location"]) == (real["status"], f"{api.server.url}/3.0/")
    assert reply.text == real["body"].replace("http://us11.api.mailchimp.com", api.server.url)


def test_root_and_lists(api: Api) -> None:
    """Account, audiences and one audience have the recorded keys."""
    assert_like(api.send("GET", "/3.0/"), recorded(1))
    assert_like(api.send("GET", "/3.0/lists?count=500&exclude_fields=lists._links,_links&offset=0"), recorded(2))
    assert_like(api.send("GET", LIST), recorded(31))


def test_bad_key(api: Api) -> None:
    """A bad key is the recorded refusal."""
    reply = api.send("GET", "/3.0/", Authorization="Bearer invalid")
    assert_like(reply, recorded(7))
    assert_same_refusal(reply, recorded(7)["response"]["body"])
    assert_same_refusal(reply, reported("api-key-invalid-401"))


def test_unknown_list(api: Api) -> None:
    """An unknown audience is the recorded 404."""
    reply = api.send("GET", "/3.0/lists/beef")
    assert_like(reply, recorded(32))
    assert_same_refusal(reply, recorded(32)["response"]["body"])


def test_members(api: Api) -> None:
    """A member that is added, read, changed and listed has the recorded keys and types."""
    assert_like(add(api, merge_fields={"FNAME": "Cat", "LNAME": "Example"}), recorded(37))
    path = f"{LIST}/members/ada@shop.example"
    assert_like(api.send("GET", path), recorded(30))
    for number in (34, 35, 36):
        interaction = recorded(number)
        reply = api.send("PATCH", path, interaction["request"]["body"])
        assert_like(reply, interaction)
        real = interaction["response"]["body"]["merge_fields"]
        assert {tag: reply.json()["merge_fields"][tag] for tag in real} == real
    query = "count=500&exclude_fields=members._links,_links&offset=0"
    assert_like(api.send("GET", f"{LIST}/members?{query}"), recorded(28))
    assert_like(api.send("DELETE", path), recorded(39))


def test_links_of_a_member(api: Api) -> None:
    """A member's links have the recorded relations and methods."""
    real = {(link["rel"], link["method"]) for link in recorded(37)["response"]["body"]["_links"]}
    assert real <= {(link["rel"], link["method"]) for link in add(api).json()["_links"]}


def test_member_that_exists(api: Api) -> None:
    """A second POST is refused with the recorded text, which the real service printed without the address."""
    add(api)
    reply = add(api)
    real = recorded(38)["response"]["body"]
    assert (reply.status_code, reply.json()["title"]) == (real["status"], real["title"])
    assert reply.json()["detail"] == f"ada@shop.example{real['detail']}"
    quoted = reported("member-exists-wrong-case-hash-2017")
    assert_same_refusal(reply, quoted, "ada@shop.example")


def test_interests(api: Api) -> None:
    """Categories and interests go through the recorded life."""
    categories = f"{LIST}/interest-categories"
    made = api.send("POST", categories, recorded(12)["request"]["body"])
    assert_like(made, recorded(12))
    assert_like(api.send("GET", f"{categories}?count=500"), recorded(11))
    twice = api.send("POST", categories, recorded(22)["request"]["body"])
    assert_like(twice, recorded(22))
    assert_same_refusal(twice, recorded(22)["response"]["body"])
    interests = f"{categories}/{made.json()['id']}/interests"
    assert_like(api.send("GET", interests), recorded(13))
    monday = api.send("POST", interests, recorded(14)["request"]["body"])
    assert_like(monday, recorded(14))
    assert_like(api.send("POST", interests, recorded(15)["request"]["body"]), recorded(15))
    again = api.send("POST", interests, recorded(26)["request"]["body"])
    assert_like(again, recorded(26))
    assert_same_refusal(again, recorded(26)["response"]["body"])
    assert_like(api.send("GET", interests), recorded(16))
    assert_like(api.send("DELETE", f"{interests}/{monday.json()['id']}"), recorded(17))
    assert_like(api.send("DELETE", f"{categories}/{made.json()['id']}"), recorded(23))


@pytest.mark.parametrize("name", ["compliance-400-2025-patch", "compliance-400-2024", "compliance-400-2023"])
def test_compliance(api: Api, name: str) -> None:
    """A contact who left is refused with the quoted body, key by key."""
    add(api)
    api.server.mailchimp.audiences["demo0000aa"].contact_unsubscribes("ada@shop.example")
    reply = api.send("PATCH", f"{LIST}/members/ada@shop.example", {"status": "subscribed"})
    assert_same_refusal(reply, reported(name), "ada@shop.example")
    assert set(reply.json()) == {"title", "status", "detail", "instance"}


@pytest.mark.parametrize("name", ["forgotten-400-2023", "forgotten-400-2020"])
def test_forgotten(api: Api, name: str) -> None:
    """A forgotten address is refused with the quoted body."""
    add(api)
    api.send("POST", f"{LIST}/members/ada@shop.example/actions/delete-permanent")
    assert_same_refusal(add(api, status="pending"), reported(name), "ada@shop.example")


def test_batch_subscribe_of_a_member_that_exists(api: Api) -> None:
    """The answer of a batch has the quoted keys and text."""
    add(api)
    reply = api.send("POST", LIST, {"members": [{"email_address": "ada@shop.example", "status": "subscribed"}]})
    text = json.dumps(reported("batch-subscribe-existing-200")).replace("u@example.com", "ada@shop.example")
    assert {**reply.json(), "_links": []} == json.loads(text)


def test_dropdown(api: Api) -> None:
    """A value that is no choice is refused with the quoted field and message."""
    field = {"name": "Gender", "tag": "GENDER", "type": "dropdown", "options": {"choices": ["m", "w"]}}
    api.send("POST", f"{LIST}/merge-fields", field)
    reply = add(api, merge_fields={"GENDER": "z"})
    assert_same_refusal(reply, reported("merge-field-dropdown-400"))


def test_since_last_campaign(api: Api) -> None:
    """The filter without a status is refused with the quoted body."""
    reply = api.send("GET", f"{LIST}/members?since_last_campaign=False")
    assert_same_refusal(reply, reported("since-last-campaign-400"))
    assert set(reply.json()) == set(reported("since-last-campaign-400"))


def test_started_batch(api: Api) -> None:
    """A started batch has the quoted keys and values."""
    reply = api.send("POST", "/3.0/batches", {"operations": [{"method": "GET", "path": "/lists"}]})
    varying = {"id", "submitted_at", "_links"}
    real = reported("batch-created")
    assert set(reply.json()) == set(real)
    assert {k: v for k, v in reply.json().items() if k not in varying} == {
        k: v for k, v in real.items() if k not in varying
    }
