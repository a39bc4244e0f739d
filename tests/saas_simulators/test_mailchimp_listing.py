"""All fields of a member, the list of members, and audiences of other habits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Api

LIST = "/3.0/lists/demo0000aa"
ADA = "ada@shop.example"
MEMBER = f"{LIST}/members/{ADA}"


def add(api: Api, email: str = ADA, **more: Any) -> dict[str, Any]:
    """Add a subscriber and return the answer."""
    reply = api.send("POST", f"{LIST}/members", {"email_address": email, "status": "subscribed", **more})
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def test_every_writable_field(api: Api) -> None:
    """Language, VIP, location, mail type, addresses and moments are kept, and a second write of them is none."""
    fields: dict[str, Any] = {
        "language": "de",
        "vip": True,
        "location": {"latitude": 52.5, "longitude": 13.4},
        "email_type": "text",
        "ip_signup": "203.0.113.1",
        "ip_opt": "203.0.113.2",
        "timestamp_signup": "2020-01-02 03:04:05",
        "timestamp_opt": "2020-01-02T05:04:05+02:00",
    }
    made = add(api, **fields)
    expected = {**fields, "timestamp_signup": "2020-01-02T03:04:05+00:00", "timestamp_opt": "2020-01-02T03:04:05+00:00"}
    place = {"gmtoff": 0, "dstoff": 0, "country_code": "", "timezone": ""}
    assert {name: made[name] for name in fields} == {**expected, "location": {**fields["location"], **place}}
    before = len(api.journal())
    api.send("PATCH", MEMBER, fields)
    assert len(api.journal()) == before


def test_listing(api: Api) -> None:
    """Members are filtered, sorted and paged; past the end there are none, and the total stays."""
    for number in range(12):
        add(api, f"u{number}@shop.example", vip=number % 2 == 0, timestamp_opt=f"2020-01-{30 - number} 00:00:00")
    api.send("PATCH", f"{LIST}/members/u3@shop.example", {"status": "unsubscribed"})

    def emails(query: str = "") -> list[str]:
        found = api.send("GET", f"{LIST}/members?{query}").json()["members"]
        return [one["email_address"].partition("@")[0] for one in found]

    assert emails() == [f"u{number}" for number in range(10)]
    assert emails("offset=10") == ["u10", "u11"]
    assert emails("count=2&offset=1") == ["u1", "u2"]
    assert emails("count=1000&vip_only=true") == ["u0", "u2", "u4", "u6", "u8", "u10"]
    assert emails("status=unsubscribed") == ["u3"]
    assert emails("sort_field=timestamp_opt&sort_dir=ASC&count=2") == ["u11", "u10"]
    assert emails("since_timestamp_opt=2020-01-29T00:00:00+00:00") == ["u0", "u1"]
    assert emails("before_timestamp_opt=2020-01-20T00:00:00%2B00:00") == ["u11"]
    assert emails("since_last_changed=2099-01-01T00:00:00Z") == []
    past = api.send("GET", f"{LIST}/members?offset=99").json()
    assert (past["members"], past["total_items"], past["list_id"]) == ([], 12, "demo0000aa")
    assert api.send("GET", f"{LIST}/members?since_last_campaign=true").json()["detail"] == (
        "Status is required when using since_last_campaign filter."
    )


@pytest.fixture
def quiet() -> Iterator[SimulatorServer]:
    """A simulator whose audience asks for double opt-in, has no welcome mail and knows a throttled address."""
    audience = {"id": "quiet00000", "double_optin": True, "welcome_mail": False}
    with SimulatorServer({"mailchimp": {"audiences": [audience], "too_many_signups": [ADA]}}) as server:
        yield server


def test_double_optin_and_no_welcome(api: Api, quiet: SimulatorServer) -> None:
    """`subscribed` joins at once even with double opt-in; without an automation nothing is sent."""
    api.server = quiet
    one = api.send("GET", "/3.0/lists/quiet00000").json()
    assert (one["double_optin"], one["has_welcome"]) == (True, False)
    made = api.send("POST", "/3.0/lists/quiet00000/members", {"email_address": "a@b.example", "status": "subscribed"})
    assert made.json()["status"] == "subscribed"
    assert made.json()["merge_fields"] == {"FNAME": "", "LNAME": "", "ADDRESS": "", "PHONE": ""}
    assert not [entry for entry in api.journal() if entry["event"].endswith("_mail")]


def test_too_many_signups(api: Api, quiet: SimulatorServer) -> None:
    """An address that joined many lists is refused for now, and accepted when the vendor has calmed down."""
    api.server = quiet
    body = {"email_address": ADA, "status": "subscribed"}
    reply = api.send("POST", f"{LIST}/members", body)
    assert reply.json()["detail"] == (
        f"{ADA} has signed up to a lot of lists very recently; we're not allowing more signups for now"
    )
    quiet.mailchimp.too_many_signups.clear()
    assert api.send("POST", f"{LIST}/members", body).status_code == 200
