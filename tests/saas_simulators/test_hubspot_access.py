"""Credentials, limits and what the account says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from saas_simulators.hubspot.limits import AccountLimits

if TYPE_CHECKING:
    from conftest import Api

DETAILS = "/account-info/2026-09/details"


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer invalid-token", "Basic abc"])
def test_refused_credentials(api: Api, header: str) -> None:
    """No token, or one that begins with `invalid`, is a 401 without limit headers."""
    reply = api.send("GET", DETAILS, Authorization=header)
    assert (reply.status_code, reply.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    assert not [name for name in reply.headers if "RateLimit" in name]


def test_expiring_token(api: Api) -> None:
    """A token that begins with `expiring` serves five requests."""
    api.token = "expiring-abc"
    replies = [api.send("GET", DETAILS) for _ in range(7)]
    assert [reply.status_code for reply in replies] == [200] * 5 + [401] * 2
    assert replies[-1].json()["category"] == "EXPIRED_AUTHENTICATION"


@pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-09/token"])
def test_refresh_cures(api: Api, path: str) -> None:
    """The first token of an expiring refresh token expires too; the next one lasts."""
    form = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "expiring-r"}

    def grant() -> str:
        token: str = api.session.post(api.server.url + path, data=form, timeout=5).json()["access_token"]
        return token

    api.token = grant()
    assert [api.send("GET", DETAILS).status_code for _ in range(6)] == [200] * 5 + [401]
    api.token = grant()
    assert {api.send("GET", DETAILS).status_code for _ in range(10)} == {200}


@pytest.mark.parametrize("field", ["client_id", "client_secret", "refresh_token"])
def test_bad_refresh_token(api: Api, field: str) -> None:
    """A refresh with an invalid part is the documented 400."""
    form = {"grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    reply = api.session.post(api.server.url + "/oauth/v1/token", data={**form, field: "invalid"}, timeout=5)
    assert (reply.status_code, reply.json()["status"]) == (400, "BAD_REFRESH_TOKEN")
    assert reply.json()["message"] == "missing or invalid refresh token"


def test_account_details(api: Api) -> None:
    """The account tells its portal id, and its usage counts requests."""
    assert api.send("GET", DETAILS).json()["portalId"] == 48000001
    (usage,) = api.send("GET", "/account-info/v3/api-usage/daily/private-apps").json()["results"]
    assert (usage["usageLimit"], usage["currentUsage"]) == (625_000, 2)


def test_burst_limit(api: Api) -> None:
    """Past the burst limit the answer is the documented 429, and the headers count down to it."""
    api.send("PUT", "/_simulator/limits", {"hubspot": {"burst": 3}})
    replies = [api.send("GET", DETAILS) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["X-HubSpot-RateLimit-Remaining"] for reply in replies] == ["2", "1", "0", "0"]
    body = replies[-1].json()
    assert (body["policyName"], body["errorType"]) == ("TEN_SECONDLY_ROLLING", "RATE_LIMIT")
    assert body["message"] == "You have reached your ten_secondly_rolling limit."
    assert "Retry-After" not in replies[-1].headers


def test_daily_limit(api: Api) -> None:
    """With the daily quota spent every request is refused by the DAILY policy."""
    api.send("PUT", "/_simulator/limits", {"hubspot": {"daily": 100, "daily_used": 99}})
    assert api.send("GET", DETAILS).headers["X-HubSpot-RateLimit-Daily-Remaining"] == "0"
    reply = api.send("GET", DETAILS)
    assert (reply.status_code, reply.json()["policyName"]) == (429, "DAILY")
    assert reply.json()["message"] == "You have reached your daily limit."


def test_search_has_its_own_limit(api: Api) -> None:
    """Five searches a second and no more, answered without a policy, beside the burst limit."""
    path = "/crm/v3/objects/contacts/search"
    replies = [api.send("POST", path, {"filterGroups": []}) for _ in range(6)]
    assert [reply.status_code for reply in replies] == [200] * 5 + [429]
    body = replies[-1].json()
    assert (body["category"], body["message"]) == ("RATE_LIMITS", "You have reached your secondly limit.")
    assert "policyName" not in body
    assert "X-HubSpot-RateLimit-Max" not in replies[-1].headers
    assert api.send("GET", DETAILS).headers["X-HubSpot-RateLimit-Remaining"] == "189"


def test_limits_can_be_off(api: Api) -> None:
    """With limits off nothing is refused and no limit is told."""
    api.send("PUT", "/_simulator/limits", {"hubspot": {"enabled": False}})
    replies = [api.send("GET", DETAILS) for _ in range(200)]
    assert {reply.status_code for reply in replies} == {200}
    assert not [name for name in replies[0].headers if "RateLimit" in name]


def test_burst_rolls() -> None:
    """The burst window rolls: room comes back ten seconds after each request, not at fixed times."""
    now = [100.0]
    limits = AccountLimits(lambda: now[0])
    limits.configure({"burst": 2})
    outcomes = []
    for second in (0, 6, 9, 10.5, 11, 16.5):
        now[0] = 100.0 + second
        outcomes.append(limits.refuse(is_search=False) is None)
    assert outcomes == [True, True, False, True, False, True]
