"""One member: who may be added, changed, archived and brought back, and which mails go out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import requests
    from conftest import Api

LIST = "/3.0/lists/demo0000aa"
ADA = "ada@shop.example"


def path(email: str, rest: str = "") -> str:
    """Return the path of a member."""
    return f"{LIST}/members/{hashlib.md5(email.lower().encode()).hexdigest()}{rest}"  # noqa: S324 - the vendor's id


def add(api: Api, email: str = ADA, status: str = "subscribed", **more: Any) -> dict[str, Any]:
    """Add a member and return the answer."""
    reply = api.send("POST", f"{LIST}/members", {"email_address": email, "status": status, **more})
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def put(api: Api, email: str = ADA, **more: Any) -> requests.Response:
    """Send a PUT to the hash of an address."""
    return api.send("PUT", path(email), {"email_address": email, **more})


def status_of(api: Api, email: str = ADA) -> str:
    """Return a member's status."""
    status: str = api.send("GET", path(email)).json()["status"]
    return status


def mails(api: Api) -> list[str]:
    """Return the mails that went out."""
    return [entry["event"] for entry in api.journal() if entry["event"].endswith("_mail")]


def refusal(reply: requests.Response) -> tuple[int, str, str]:
    """Return what a refusal says."""
    return reply.status_code, reply.json()["title"], reply.json()["detail"]


def blocked(api: Api, email: str = ADA) -> None:
    """Add a member who then leaves by the link in a mail."""
    add(api, email)
    api.server.mailchimp.audiences["demo0000aa"].contact_unsubscribes(email)


def test_new_member_is_welcomed_once(api: Api) -> None:
    """A new subscriber is 200 with defaults, and one welcome mail; the same PUT again sends none."""
    made = add(api, "Ada@Shop.example", merge_fields={"FNAME": "Ada", "LNAME": "Lee", "LTV": 15.5})
    assert made["id"] == hashlib.md5(b"ada@shop.example").hexdigest()  # noqa: S324 - the vendor's id
    assert made["email_address"] == "Ada@Shop.example"
    assert made["full_name"] == "Ada Lee"
    assert made["merge_fields"] == {"FNAME": "Ada", "LNAME": "Lee", "LTV": 15.5, "PLAN": ""}
    assert (made["ip_signup"], made["timestamp_signup"], made["ip_opt"]) == ("", "", "127.0.0.1")
    again = put(api, "Ada@Shop.example", status="subscribed", merge_fields={"LTV": "15.5"})
    assert again.json()["last_changed"] == made["last_changed"]
    assert [(entry["event"], entry["unique"]["email_address"]) for entry in api.journal()] == [
        ("member_added", "Ada@Shop.example"),
        ("member_subscribed", "Ada@Shop.example"),
        ("welcome_mail", "Ada@Shop.example"),
    ]


def test_post_of_a_member_that_exists(api: Api) -> None:
    """POST does not update; the refusal carries no `type`, and its instance is the request id."""
    add(api)
    reply = api.send("POST", f"{LIST}/members", {"email_address": "ADA@shop.example", "status": "subscribed"})
    detail = "ADA@shop.example is already a list member. Use PUT to insert or update list members."
    assert refusal(reply) == (400, "Member Exists", detail)
    assert "type" not in reply.json()
    assert reply.json()["instance"] == reply.headers["X-Request-Id"]
    assert reply.headers["Content-Type"] == "application/problem+json; charset=utf-8"


def test_put_creates_under_the_hash_of_the_body(api: Api) -> None:
    """The address in the body decides on the id of a new member."""
    made = api.send("PUT", path("other@shop.example"), {"email_address": ADA, "status": "subscribed"}).json()
    assert made["id"] == path(ADA).rpartition("/")[2]
    assert api.send("GET", path("other@shop.example")).status_code == 404


def test_put_with_a_wrong_hash_hits_member_exists(api: Api) -> None:
    """A hash of the address as it was typed points at nobody, and then the address is taken."""
    add(api, "Ada@Shop.example")
    wrong = hashlib.md5(b"Ada@Shop.example").hexdigest()  # noqa: S324 - the vendor's id
    reply = api.send("PUT", f"{LIST}/members/{wrong}", {"email_address": "Ada@Shop.example", "status": "subscribed"})
    assert refusal(reply)[:2] == (400, "Member Exists")


def test_status_if_new_counts_for_new_members_only(api: Api) -> None:
    """`status_if_new` makes a new member, and leaves the status of others alone."""
    assert put(api, status_if_new="unsubscribed").json()["status"] == "unsubscribed"
    changed = put(api, status_if_new="subscribed", merge_fields={"FNAME": "Ada"}).json()
    assert (changed["status"], changed["merge_fields"]["FNAME"]) == ("unsubscribed", "Ada")
    assert mails(api) == []


def test_put_needs_an_address_and_a_status_for_new_members(api: Api) -> None:
    """A PUT without address, or of a new member without any status, is refused by the schema."""
    reply = api.send("PUT", path(ADA), {"status": "subscribed"})
    assert reply.json()["errors"] == [{"field": "", "message": "Required fields were not provided: email_address"}]
    assert put(api).status_code == 400
    add(api)
    assert put(api).status_code == 200


def test_partial_merge_fields(api: Api) -> None:
    """Omitted tags stay, empty ones are cleared, unknown ones are ignored, also among a new member's."""
    add(api, merge_fields={"FNAME": "Ada", "LTV": 3, "NOPE": "x", "email_address": "x"})
    changed = put(api, merge_fields={"LTV": "", "PLAN": "pro", "NOPE": "x"}).json()
    assert changed["merge_fields"] == {"FNAME": "Ada", "LNAME": "", "LTV": "", "PLAN": "pro"}
    (entry,) = api.journal("member_updated")
    assert entry["detail"] == ["LTV", "PLAN"]


def test_admin_unsubscribe_can_be_undone(api: Api) -> None:
    """Who was unsubscribed by the API can be subscribed by it; the opt-in keeps its date."""
    made = add(api)
    left = api.send("PATCH", path(ADA), {"status": "unsubscribed"}).json()
    assert (left["status"], left["unsubscribe_reason"]) == ("unsubscribed", "N/A (Unsubscribed by admin)")
    assert put(api, merge_fields={"FNAME": "Ada"}).json()["status"] == "unsubscribed"
    back = put(api, status="subscribed").json()
    assert (back["status"], back["timestamp_opt"]) == ("subscribed", made["timestamp_opt"])
    assert "unsubscribe_reason" not in back


@pytest.mark.parametrize("way", ["contact_unsubscribes", "contact_bounces"])
def test_compliance_state(api: Api, way: str) -> None:
    """Who left by himself or bounced cannot be subscribed by any verb, but updated, and asked by `pending`."""
    add(api)
    audience = api.server.mailchimp.audiences["demo0000aa"]
    getattr(audience, way)(ADA)
    text = f"{ADA} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
    for reply in (put(api, status="subscribed"), api.send("PATCH", path(ADA), {"status": "subscribed"})):
        assert refusal(reply) == (400, "Member In Compliance State", text)
        assert "type" not in reply.json()
    kept = put(api, status_if_new="subscribed", merge_fields={"PLAN": "pro"}).json()
    assert (kept["status"], kept["merge_fields"]["PLAN"]) == (
        "unsubscribed" if way == "contact_unsubscribes" else "cleaned",
        "pro",
    )
    assert put(api, status="pending").json()["status"] == "pending"
    assert put(api, status="subscribed").status_code == 400
    audience.contact_confirms(ADA)
    assert status_of(api) == "subscribed"
    assert mails(api) == ["welcome_mail", "confirmation_mail", "welcome_mail"]


def test_unsubscribing_in_between_lifts_no_block(api: Api) -> None:
    """An admin's unsubscribe does not wash away that the contact left."""
    blocked(api)
    put(api, status="unsubscribed")
    put(api, status="transactional")
    assert put(api, status="subscribed").json()["title"] == "Member In Compliance State"


@pytest.mark.parametrize("is_new", [True, False])
def test_cleaned_by_the_api(api: Api, is_new: bool) -> None:  # noqa: FBT001 - a parameter
    """Who was cleaned by the API cannot be subscribed by it, added as cleaned or not."""
    add(api, status="cleaned" if is_new else "subscribed")
    put(api, status="cleaned")
    assert put(api, status="subscribed").json()["title"] == "Member In Compliance State"


def test_pending_sends_a_confirmation_each_time(api: Api) -> None:
    """`pending` mails, again on every write of it; the sign-up is dated, the opt-in is not."""
    made = add(api, status="pending")
    assert (made["timestamp_opt"], bool(made["timestamp_signup"])) == ("", True)
    put(api, status="pending")
    put(api, status_if_new="pending")
    assert mails(api) == ["confirmation_mail"] * 2


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "transactional"])
def test_other_statuses_send_nothing(api: Api, status: str) -> None:
    """A contact that does not become subscribed gets no mail."""
    assert add(api, status=status)["status"] == status
    assert mails(api) == []


@pytest.mark.parametrize("status", ["archived", "SUBSCRIBED", "deleted", 5, None])
def test_unwritable_statuses(api: Api, status: Any) -> None:
    """`archived` can be read only, and the rest is none."""
    reply = api.send("POST", f"{LIST}/members", {"email_address": ADA, "status": status})
    assert reply.json()["detail"].startswith("The resource submitted could not be validated.")
    assert {error["field"] for error in reply.json()["errors"]} <= {"", "status"}


def test_email_change_in_place(api: Api) -> None:
    """A new address changes the id, and keeps contact, tags and values; the old hash is gone."""
    made = add(api, merge_fields={"FNAME": "Ada"}, tags=["vip"])
    moved = api.send("PUT", path(ADA), {"email_address": "Lee@shop.example"}).json()
    assert moved["id"] == path("lee@shop.example").rpartition("/")[2]
    for name in ("contact_id", "web_id", "tags", "merge_fields", "status"):
        assert moved[name] == made[name]
    assert moved["unique_email_id"] != made["unique_email_id"]
    assert api.send("GET", path(ADA)).status_code == 404
    assert api.send("POST", path(ADA, "/tags"), {"tags": []}).status_code == 404
    assert api.journal("member_updated")[0]["detail"] == ["email_address"]
    back = api.send("PATCH", path("lee@shop.example"), {"email_address": ADA})
    assert back.json()["id"] == made["id"]
    assert mails(api) == ["welcome_mail"]


def test_email_change_to_a_taken_address(api: Api) -> None:
    """An address that another member has is Member Exists, an archived one's too."""
    add(api)
    add(api, "lee@shop.example")
    reply = api.send("PUT", path(ADA), {"email_address": "LEE@shop.example"})
    assert refusal(reply)[:2] == (400, "Member Exists")
    api.send("DELETE", path("lee@shop.example"))
    assert api.send("PATCH", path(ADA), {"email_address": "lee@shop.example"}).json()["title"] == "Member Exists"


def test_case_of_the_address(api: Api) -> None:
    """Another case of the same address is the same member."""
    made = add(api)
    changed = put(api, "ADA@Shop.example").json()
    assert (changed["id"], changed["email_address"]) == (made["id"], "ADA@Shop.example")


def test_members_are_found_by_hash_address_and_contact_id(api: Api) -> None:
    """A path may name a member in three ways."""
    made = add(api)
    for name in (made["id"], "ADA%40shop.example", made["contact_id"]):
        assert api.send("GET", f"{LIST}/members/{name}").json()["id"] == made["id"]
    assert refusal(api.send("GET", path("no@shop.example"))) == (
        404,
        "Resource Not Found",
        "The requested resource could not be found.",
    )


def test_archive_and_revive(api: Api) -> None:
    """DELETE archives; POST brings the same contact back, with its tags and old values, and a new opt-in."""
    made = add(api, merge_fields={"FNAME": "Ada", "LTV": 1}, tags=["vip"])
    gone = api.send("DELETE", path(ADA))
    assert (gone.status_code, gone.content) == (204, b"")
    assert gone.headers["Content-Type"] == "application/json; charset=utf-8"
    archived = api.send("GET", path(ADA)).json()
    assert (archived["status"], archived["tags"]) == ("archived", made["tags"])
    assert api.send("GET", f"{LIST}/members").json()["total_items"] == 0
    assert api.send("GET", f"{LIST}/members?status=archived").json()["total_items"] == 1
    assert api.send("POST", path(ADA, "/tags"), {"tags": [{"name": "x", "status": "active"}]}).status_code == 204
    back = add(api, merge_fields={"LTV": 2})
    for name in ("id", "contact_id", "web_id"):
        assert back[name] == made[name]
    assert (back["status"], back["tags_count"]) == ("subscribed", 2)
    assert (back["merge_fields"]["FNAME"], back["merge_fields"]["LTV"]) == ("Ada", 2)
    assert api.journal("member_archived")[0]["unique"] == {"email_address": ADA}


def test_an_archived_member_stays_so_without_status(api: Api) -> None:
    """PUT brings an archived member back by `status` only; `status_if_new` does not."""
    add(api)
    api.send("DELETE", path(ADA))
    assert put(api, status_if_new="subscribed", merge_fields={"FNAME": "A"}).json()["status"] == "archived"
    assert put(api, status="subscribed").json()["status"] == "subscribed"


def test_archiving_does_not_lift_the_block(api: Api) -> None:
    """A contact who left, archived in between, still cannot be subscribed."""
    blocked(api)
    api.send("DELETE", path(ADA))
    reply = api.send("POST", f"{LIST}/members", {"email_address": ADA, "status": "subscribed"})
    assert reply.json()["title"] == "Member In Compliance State"


@pytest.mark.parametrize("status", ["pending", "cleaned", "archived"])
def test_members_that_cannot_be_archived(api: Api, status: str) -> None:
    """Archiving what is pending, bounced or archived is a 405 with the recorded text."""
    add(api, status="subscribed" if status == "archived" else status)
    if status == "archived":
        api.send("DELETE", path(ADA))
    reply = api.send("DELETE", path(ADA))
    detail = "This list member cannot be removed. Can not archive a contact that is bounced, pending or archived"
    assert refusal(reply) == (405, "Method Not Allowed", detail)
    assert reply.headers["Allow"] == "GET, PUT"


def test_permanent_delete(api: Api) -> None:
    """A deleted contact is unknown, and its address is refused for every status from then on."""
    add(api, tags=["vip"])
    assert api.send("POST", path(ADA, "/actions/delete-permanent")).status_code == 204
    assert api.send("GET", path(ADA)).status_code == 404
    detail = (
        f"{ADA} was permanently deleted and cannot be re-imported. "
        "The contact must re-subscribe to get back on the list."
    )
    for status in ("subscribed", "pending", "unsubscribed"):
        reply = put(api, status_if_new=status)
        assert refusal(reply) == (400, "Forgotten Email Not Subscribed", detail)
        assert "type" not in reply.json()
    add(api, "lee@shop.example")
    moved = api.send("PATCH", path("lee@shop.example"), {"email_address": ADA})
    assert moved.json()["title"] == "Forgotten Email Not Subscribed"
    assert api.send("POST", path(ADA, "/actions/delete-permanent")).status_code == 404
    assert [entry["unique"] for entry in api.journal("member_deleted")] == [{"email_address": ADA}]


@pytest.mark.parametrize(
    ("email", "detail"),
    [
        ("ada", "Please provide a valid email address."),
        ("", "Please provide a valid email address."),
        ("a,b@shop.example", "Please provide a valid email address."),
        ("ada@shop", "Please provide a valid email address."),
        (
            "foo@example.com",
            "foo@example.com looks fake or invalid, please enter a real email address.",
        ),
    ],
)
def test_bad_addresses(api: Api, email: str, detail: str) -> None:
    """A bad address is Invalid Resource without `errors`."""
    for reply in (
        api.send("POST", f"{LIST}/members", {"email_address": email, "status": "subscribed"}),
        put(api, email, status="subscribed"),
    ):
        assert refusal(reply) == (400, "Invalid Resource", detail)
        assert "errors" not in reply.json()


def test_wrong_types_are_refused_by_the_schema(api: Api) -> None:
    """Every field of the wrong type is named; nothing is written."""
    body = {
        "email_address": None,
        "status": "subscribed",
        "vip": "yes",
        "merge_fields": {"FNAME": None, "LTV": True, "PLAN": "x"},
        "interests": [],
        "location": {"latitude": "x"},
        "email_type": "HTML",
        "timestamp_opt": "soon",
    }
    reply = api.send("POST", f"{LIST}/members", body)
    assert reply.status_code == 400
    assert {error["field"]: error["message"] for error in reply.json()["errors"]} == {
        "": "Required fields were not provided: email_address",
        "email_address": "Schema describes string, NULL found instead",
        "vip": "Schema describes boolean, string found instead",
        "merge_fields.FNAME": "Data did not match any of the schemas described in anyOf.",
        "merge_fields.LTV": "Data did not match any of the schemas described in anyOf.",
        "interests": "Schema describes object, array found instead",
        "location.latitude": "Schema describes number, string found instead",
        "email_type": "Value must be one of: html, text (not HTML)",
        "timestamp_opt": "Data presented is not a valid date-time",
    }
    assert api.journal() == []
