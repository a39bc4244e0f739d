"""Batch subscribe: one answer for up to 500 members, each accepted or refused by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Api

LIST = "/3.0/lists/demo0000aa"
EXISTS = "is already a list member, do you want to update? please provide update_existing:true in the request body"


def member(email: str, **more: Any) -> dict[str, Any]:
    """Return one member of a batch."""
    return {"email_address": email, "status": "subscribed", **more}


def subscribe(api: Api, *members: Any, query: str = "", **flags: Any) -> dict[str, Any]:
    """Send a batch; its answer is 200 whatever becomes of the members."""
    reply = api.send("POST", f"{LIST}?{query}", {"members": list(members), **flags})
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    assert (body["total_created"], body["total_updated"]) == (len(body["new_members"]), len(body["updated_members"]))
    assert body["error_count"] == len(body["errors"])
    return body


def totals(answer: dict[str, Any]) -> tuple[int, int, int]:
    """Return how many were created, updated and refused."""
    return answer["total_created"], answer["total_updated"], answer["error_count"]


def test_create_then_update(api: Api) -> None:
    """A batch creates; with `update_existing` it updates, and the same again leaves no trace."""
    members = [member(f"u{n}@shop.example", merge_fields={"FNAME": f"n{n}", "LTV": n}) for n in range(3)]
    made = subscribe(api, *members)
    assert totals(made) == (3, 0, 0)
    assert set(made["new_members"][0]) == set(api.send("GET", f"{LIST}/members/u0@shop.example").json())
    before = len(api.journal())
    assert totals(subscribe(api, *members, update_existing=True)) == (0, 3, 0)
    assert len(api.journal()) == before
    members[1]["merge_fields"]["LTV"] = 9
    subscribe(api, *members, update_existing=True)
    assert [(e["event"], e["unique"]["email_address"], e["detail"]) for e in api.journal()[before:]] == [
        ("member_updated", "u1@shop.example", ["LTV"])
    ]
    assert len(api.journal("welcome_mail")) == 3


def test_existing_members_without_update(api: Api) -> None:
    """Without `update_existing` a member that exists is an error of its own code; the others are written."""
    subscribe(api, member("ada@shop.example"))
    answer = subscribe(api, member("Ada@shop.example"), member("lee@shop.example"))
    assert totals(answer) == (1, 0, 1)
    assert answer["errors"] == [
        {
            "email_address": "Ada@shop.example",
            "error": f"Ada@shop.example {EXISTS}",
            "error_code": "ERROR_CONTACT_EXISTS",
        }
    ]


def test_each_refusal_stands_by_itself(api: Api) -> None:
    """Bad addresses, values, types and statuses are errors of their members, with the field where there is one."""
    answer = subscribe(
        api,
        member("nope"),
        member("foo@example.com"),
        member("a@shop.example", merge_fields={"LTV": "much"}),
        member("b@shop.example", merge_fields={"FNAME": None}),
        {"email_address": "c@shop.example"},
        member("d@shop.example", email_type="HTML"),
        "not a member",
        {"status": "subscribed"},
        member("good@shop.example"),
    )
    assert totals(answer) == (1, 0, 8)
    assert {error["error_code"] for error in answer["errors"]} == {"ERROR_GENERIC"}
    said = [(e["email_address"], e["error"], e.get("field"), e.get("field_message")) for e in answer["errors"]]
    schema = "The resource submitted could not be validated. For field-specific details, see the 'errors' array."
    assert said[0] == ("nope", "Please provide a valid email address.", None, None)
    assert said[1][1] == "foo@example.com looks fake or invalid, please enter a real email address."
    assert said[2] == ("a@shop.example", "Your merge fields were invalid.", "LTV", "Please enter a number")
    assert said[3][1:3] == (schema, "merge_fields.FNAME")
    assert said[4][1:] == (schema, "", "Required fields were not provided: status")
    assert said[5][1:3] == (schema, "email_type")
    assert said[6][:2] == ("", schema)
    assert said[7][:2] == ("", schema)


def test_compliance_and_forgotten(api: Api) -> None:
    """Who left, and who was deleted, is refused with the same texts as alone."""
    subscribe(api, member("left@shop.example"), member("gone@shop.example"))
    api.server.mailchimp.audiences["demo0000aa"].contact_unsubscribes("left@shop.example")
    api.send("POST", f"{LIST}/members/gone@shop.example/actions/delete-permanent")
    members = [member("left@shop.example"), member("gone@shop.example")]
    answer = subscribe(api, *members, update_existing=True)
    assert totals(answer) == (0, 0, 2)
    assert "compliance state" in answer["errors"][0]["error"]
    assert "permanently deleted" in answer["errors"][1]["error"]
    quiet = {"email_address": "left@shop.example", "status_if_new": "subscribed", "merge_fields": {"PLAN": "x"}}
    answer = subscribe(api, quiet, update_existing=True)
    assert (totals(answer), answer["updated_members"][0]["status"]) == ((0, 1, 0), "unsubscribed")


def test_duplicates(api: Api) -> None:
    """A second occurrence of an address is an error, whatever its case; with the flag it is passed over."""
    pair = (member("ada@shop.example", merge_fields={"PLAN": "first"}), member("ADA@shop.example", vip=True))
    answer = subscribe(api, *pair)
    assert totals(answer) == (1, 0, 1)
    assert answer["errors"][0]["email_address"] == "ADA@shop.example"
    answer = subscribe(api, *pair, update_existing=True, query="skip_duplicate_check=true")
    assert totals(answer) == (0, 1, 0)
    assert (answer["updated_members"][0]["vip"], len(api.journal("welcome_mail"))) == (False, 1)


@pytest.mark.parametrize("updates", [False, True])
def test_archived_members_come_back(api: Api, updates: bool) -> None:  # noqa: FBT001 - a parameter
    """An archived contact is revived: as updated with `update_existing`, else as new."""
    subscribe(api, member("ada@shop.example", merge_fields={"PLAN": "pro"}))
    api.send("DELETE", f"{LIST}/members/ada@shop.example")
    assert totals(subscribe(api, {"email_address": "ada@shop.example"}, update_existing=updates)) == (0, 0, 1)
    answer = subscribe(api, member("ada@shop.example"), update_existing=updates)
    assert totals(answer) == ((0, 1, 0) if updates else (1, 0, 0))
    (back,) = answer["updated_members"] + answer["new_members"]
    assert (back["status"], back["merge_fields"]["PLAN"]) == ("subscribed", "pro")


def test_tags_are_added_or_synced(api: Api) -> None:
    """Tags of a batch are added; with `sync_tags` they are all there are."""
    subscribe(api, member("ada@shop.example", tags=["one", "two"]))
    again = subscribe(api, member("ada@shop.example", tags=["three"]), update_existing=True)
    assert [tag["name"] for tag in again["updated_members"][0]["tags"]] == ["one", "two", "three"]
    synced = subscribe(api, member("ada@shop.example", tags=["Two"]), update_existing=True, sync_tags=True)
    assert [tag["name"] for tag in synced["updated_members"][0]["tags"]] == ["two"]
    kept = subscribe(api, member("ada@shop.example"), update_existing=True, sync_tags=True)
    assert kept["updated_members"][0]["tags_count"] == 1


def test_500_members_at_most(api: Api) -> None:
    """500 members are fine, in their order; 501 are refused whole."""
    members = [member(f"u{n}@shop.example") for n in range(501)]
    answer = subscribe(api, *members[:500])
    assert [one["email_address"] for one in answer["new_members"]] == [one["email_address"] for one in members[:500]]
    reply = api.send("POST", LIST, {"members": members, "update_existing": True})
    assert (reply.status_code, reply.json()["errors"][0]["field"]) == (400, "members")


@pytest.mark.parametrize("body", [{}, {"members": {}}, {"members": None}, [], "x"])
def test_wrong_envelopes(api: Api, body: Any) -> None:
    """An envelope that does not parse is a 400."""
    reply = api.send("POST", LIST, body)
    assert (reply.status_code, reply.json()["title"]) == (400, "Invalid Resource")


def test_unknown_audience(api: Api) -> None:
    """A batch for nobody is a 404."""
    assert api.send("POST", "/3.0/lists/beef", {"members": []}).json()["title"] == "Resource Not Found"


@pytest.fixture
def strict() -> Iterator[SimulatorServer]:
    """A simulator whose audience wants a plan and an address of everybody."""
    fields = [{"tag": "PLAN2", "required": True}, {"tag": "HOME", "type": "address", "required": True}]
    with SimulatorServer({"mailchimp": {"audiences": [{"id": "demo0000aa", "merge_fields": fields}]}}) as server:
        yield server


def test_required_merge_fields(api: Api, strict: SimulatorServer) -> None:
    """Required fields must have a value in the end, unless the call skips that; types are checked all the same."""
    api.server = strict
    bare = member("ada@shop.example")
    (error,) = subscribe(api, bare)["errors"]
    assert (error["error"], error["field"]) == ("Your merge fields were invalid.", "PLAN2")
    assert error["field_message"] == "Please enter a value"
    reply = api.send("POST", f"{LIST}/members", bare)
    assert reply.json()["errors"] == [
        {"field": "PLAN2", "message": "Please enter a value"},
        {"field": "HOME", "message": "Please enter a complete address"},
    ]
    assert totals(subscribe(api, bare, query="skip_merge_validation=true")) == (1, 0, 0)
    wrong = member("ada@shop.example", merge_fields={"LTV": "x"})
    assert subscribe(api, wrong, query="skip_merge_validation=true", update_existing=True)["error_count"] == 1
    assert subscribe(api, bare, update_existing=True)["error_count"] == 1
    home = {"addr1": "Main Street 1", "city": "Berlin", "state": "BE", "zip": "10115"}
    full = member("ada@shop.example", merge_fields={"PLAN2": "x", "HOME": home})
    assert totals(subscribe(api, full, update_existing=True)) == (0, 1, 0)
    assert totals(subscribe(api, bare, update_existing=True)) == (0, 1, 0)
