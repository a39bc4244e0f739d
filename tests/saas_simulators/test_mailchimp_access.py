"""Credentials, OAuth, the account, paging and parts of answers, connections at once, and faults."""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from conftest import Api

PING = "/3.0/ping"
LIST = "/3.0/lists/demo0000aa"
ADA = {"email_address": "ada@shop.example", "status": "subscribed"}
INVALID = "Your API key may be invalid, or you've attempted to access the wrong datacenter."


def basic(key: str, user: str = "any") -> str:
    """Return a Basic header."""
    return "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()


@pytest.mark.parametrize("header", [basic("key-us1"), basic("key", "ü"), "Bearer token", "bearer token"])
def test_accepted_credentials(api: Api, header: str) -> None:
    """Any user name with any key, and any token, are good."""
    reply = api.send("GET", PING, Authorization=header)
    assert (reply.status_code, reply.json()) == (200, {"health_status": "Everything's Chimpy!"})


@pytest.mark.parametrize(
    "header", ["", "Bearer ", "Bearer invalid-x", basic(""), basic("invalid-us1"), "Basic ???", "OAuth x", "key"]
)
def test_refused_credentials(api: Api, header: str) -> None:
    """No credential, or one that begins with `invalid`, is the vendor's 401."""
    reply = api.send("GET", PING, Authorization=header)
    assert (reply.status_code, reply.json()["title"], reply.json()["detail"]) == (401, "API Key Invalid", INVALID)
    assert reply.json()["type"] == "https://mailchimp.com/developer/marketing/docs/errors/"


def test_expiring_credential(api: Api) -> None:
    """A credential that begins with `expiring` serves five requests; another one cures it."""
    header = basic("expiring-us1")
    assert [api.send("GET", PING, Authorization=header).status_code for _ in range(7)] == [200] * 5 + [401] * 2
    assert api.send("GET", PING, Authorization=basic("other-us1")).status_code == 200


def test_oauth(api: Api) -> None:
    """A code becomes a token without expiry, and its metadata leads back here; a bad token is told with 200."""
    form = {"grant_type": "authorization_code", "client_id": "c", "client_secret": "s", "code": "topsecret"}
    granted = api.session.post(api.server.url + "/oauth2/token", data=form, timeout=5).json()
    assert (granted["expires_in"], granted["scope"]) == (0, None)
    told = api.send("GET", "/oauth2/metadata", Authorization=f"OAuth {granted['access_token']}").json()
    assert (told["dc"], told["api_endpoint"]) == ("us1", api.server.url)
    bad = api.send("GET", "/oauth2/metadata", Authorization="OAuth invalid")
    assert (bad.status_code, "api_endpoint" in bad.json()) == (200, False)
    refused = api.session.post(api.server.url + "/oauth2/token", data={**form, "code": "invalid"}, timeout=5)
    assert refused.status_code == 400
    assert "topsecret" not in api.send("GET", "/_simulator/requests?bodies=true").text


def test_root(api: Api) -> None:
    """The root without its slash is moved; the account tells its subscribers."""
    api.send("POST", f"{LIST}/members", ADA)
    reply = api.send("GET", "/3.0")
    assert [one.status_code for one in reply.history] == [301]
    assert (reply.json()["account_name"], reply.json()["total_subscribers"]) == ("Demo account", 1)


def test_lists(api: Api) -> None:
    """Audiences are listed and counted by status."""
    for number, status in enumerate(["subscribed", "unsubscribed", "cleaned", "subscribed"]):
        body = {"email_address": f"u{number}@shop.example", "status": status}
        api.send("POST", f"{LIST}/members", body)
    listed = api.send("GET", "/3.0/lists").json()
    assert (listed["total_items"], listed["lists"][0]["id"]) == (1, "demo0000aa")
    stats = api.send("GET", LIST).json()["stats"]
    assert (stats["member_count"], stats["unsubscribe_count"], stats["cleaned_count"]) == (2, 1, 1)
    assert stats["merge_field_count"] == 4
    assert api.send("GET", "/3.0/lists/beef").status_code == 404


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("fields=lists.id,total_items", {"lists": [{"id": "demo0000aa"}], "total_items": 1}),
        ("fields=lists.stats.member_count", {"lists": [{"stats": {"member_count": 0}}]}),
        ("fields=nothing", {}),
        ("exclude_fields=lists,_links,constraints", {"total_items": 1}),
        ("count=0&fields=lists,total_items", {"lists": [], "total_items": 1}),
    ],
)
def test_parts_of_an_answer(api: Api, query: str, body: dict[str, Any]) -> None:
    """`fields` and `exclude_fields` choose by dotted paths."""
    assert api.send("GET", f"/3.0/lists?{query}").json() == body


def test_excluding_a_bare_name_does_not_reach_items(api: Api) -> None:
    """`exclude_fields=email_address` leaves the members of a collection whole."""
    api.send("POST", f"{LIST}/members", ADA)
    (member,) = api.send("GET", f"{LIST}/members?exclude_fields=email_address").json()["members"]
    assert "email_address" in member
    (member,) = api.send("GET", f"{LIST}/members?exclude_fields=members.email_address").json()["members"]
    assert "email_address" not in member


def test_unknown_paths_and_methods(api: Api) -> None:
    """An unknown path is a 404, an unknown method a 405 that names the known ones; bad numbers are refused."""
    assert api.send("GET", "/3.0/nothing").json()["title"] == "Resource Not Found"
    reply = api.send("PUT", LIST)
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, POST")
    assert api.send("GET", "/3.0/lists?count=x").json()["errors"][0]["field"] == "count"


def test_method_override(api: Api) -> None:
    """A POST may stand for another method; other methods may not."""
    assert api.send("POST", PING, X_HTTP_Method_Override="get").status_code == 200
    assert api.send("GET", PING, X_HTTP_Method_Override="POST").status_code == 422


def test_body_that_is_no_json(api: Api) -> None:
    """A body that is not JSON is a 400 of its own title."""
    url = f"{api.server.url}{LIST}/members"
    for body in (b"{", b'{"vip": NaN}', b"\xff", b"[" * 100_000):
        reply = requests.post(url, data=body, headers={"Authorization": "Bearer x"}, timeout=5)
        assert (reply.status_code, reply.json()["title"]) == (400, "JSON Parse Error")


# connections at once


def at_once(api: Api, count: int) -> list[requests.Response]:
    """Send requests at the same time, each over a connection of its own."""
    replies: list[requests.Response] = []

    def send() -> None:
        headers = {"Authorization": "Bearer x"}
        replies.append(requests.get(api.server.url + PING, headers=headers, timeout=10))

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


@pytest.mark.parametrize(("limit", "refused"), [(10, 3), (5, 8), (None, 0)])
def test_connections_are_limited(api: Api, limit: int | None, refused: int) -> None:
    """More requests at once than the limit are a 429 without Retry-After; a slow one counts as long as it waits."""
    api.send("PUT", "/_simulator/limits", {"mailchimp": {"connections": limit}})
    api.send("PUT", "/_simulator/faults", [{"kind": "latency", "seconds": 0.5}])
    replies = at_once(api, 13)
    limited = [reply for reply in replies if reply.status_code == 429]
    assert len(limited) == refused
    for reply in limited:
        assert reply.json()["detail"] == f"You have exceeded the limit of {limit} simultaneous connections."
        assert "Retry-After" not in reply.headers
    assert api.server.mailchimp.limits.in_flight == 0


def test_a_call_that_timed_out_still_counts(api: Api) -> None:
    """Who hangs up does not free the connection: the vendor goes on working."""
    api.send("PUT", "/_simulator/limits", {"mailchimp": {"connections": 1}})
    api.send("PUT", "/_simulator/faults", [{"kind": "timeout", "seconds": 0.6, "times": 1}])
    with pytest.raises(requests.ReadTimeout):
        requests.get(api.server.url + PING, headers={"Authorization": "Bearer x"}, timeout=0.1)
    assert api.send("GET", PING).status_code == 429
    deadline = time.monotonic() + 5
    while api.send("GET", PING).status_code == 429 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert api.send("GET", PING).status_code == 200


def test_limits_can_be_off(api: Api) -> None:
    """All limits can be off, and wrong ones are refused."""
    off = api.send("PUT", "/_simulator/limits", {"mailchimp": {"enabled": False}}).json()["mailchimp"]
    assert off == {"connections": None, "open_batches": None, "merge_fields": None, "retry_after": None}
    for wrong in ({"connections": -1}, {"burst": 1}, {"enabled": 1}, 5):
        assert "Mailchimp's limits" in api.send("PUT", "/_simulator/limits", {"mailchimp": wrong}).json()["error"]
    assert "immediate" in api.send("PUT", "/_simulator/lag", {"mailchimp": {"search_seconds": 3}}).json()["error"]


# faults


@pytest.mark.parametrize(
    ("rule", "status", "title"),
    [
        ({"kind": "429"}, 429, "Too Many Requests"),
        ({"kind": "500"}, 500, "Internal Server Error"),
        ({"kind": "503", "retry_after": 2}, 503, "Service Unavailable"),
        ({"kind": "423"}, 423, "Locked"),
        ({"kind": "477"}, 477, "Account Moved"),
        ({"kind": "expired_token"}, 401, "API Key Invalid"),
        ({"kind": "502"}, 502, None),
        ({"kind": "504"}, 504, None),
        ({"kind": "html_error", "status": 403}, 403, None),
        ({"kind": "html_error", "status": 429}, 429, None),
    ],
)
def test_refusing_faults(api: Api, rule: dict[str, Any], status: int, title: str | None) -> None:
    """Injected refusals are problem documents, those of the edge pages, and nothing is written."""
    api.send("PUT", "/_simulator/faults", [rule])
    reply = api.send("POST", f"{LIST}/members", ADA)
    assert reply.status_code == status
    assert reply.headers.get("Retry-After") == ("2" if "retry_after" in rule else None)
    if title is None:
        assert reply.headers["Content-Type"].startswith("text/html")
        assert "<HTML>" in reply.text
    else:
        assert (reply.json()["title"], reply.headers["Content-Type"]) == (
            title,
            "application/problem+json; charset=utf-8",
        )
    assert api.journal() == []


@pytest.mark.parametrize("kind", ["cut_after", "truncated", "502_after_commit"])
def test_lost_replies(api: Api, kind: str) -> None:
    """A reply that is lost has been written; the same batch again sends no second mail."""
    api.send("PUT", "/_simulator/faults", [{"kind": kind, "times": 1}])
    body = {"members": [ADA], "update_existing": True}
    with contextlib.suppress(requests.RequestException):
        api.send("POST", LIST, body).json()
    assert api.send("POST", LIST, body).json()["total_updated"] == 1
    assert len(api.journal("welcome_mail")) == 1
