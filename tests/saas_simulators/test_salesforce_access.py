"""Logins, sessions, versions and limits."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.salesforce.limits import OrgLimits

if TYPE_CHECKING:
    import requests
    from conftest import SalesforceApi

TOKEN = "/services/oauth2/token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT = {"client_id": "3MVG9", "client_secret": "s3cret"}
ERROR_401 = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def jwt(**claims: Any) -> str:
    """Return an unsigned assertion, as nobody can check the signature here."""
    every = {"iss": "3MVG9", "sub": "ada@example.com", "aud": "https://login.salesforce.com", **claims}
    every.setdefault("exp", str(int(time.time()) + 100))  # simple-salesforce sends text
    parts = [{"alg": "RS256", "typ": "JWT"}, every]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".c2ln"
    )


GRANTS = {
    "password": {**CLIENT, "username": "ada@example.com", "password": "pwTOKEN"},
    "refresh_token": {"client_id": "3MVG9", "refresh_token": "5Aep861"},
    "client_credentials": CLIENT,
    JWT_BEARER: {},  # its assertion is made when it is used: it lasts for a few minutes, and the suite for longer
}


def login(sf: SalesforceApi, **form: str) -> requests.Response:
    """Ask the token endpoint."""
    return sf.session.post(sf.server.url + TOKEN, data=form, timeout=10)


@pytest.mark.parametrize("grant", GRANTS)
def test_each_grant_gives_a_session(sf: SalesforceApi, grant: str) -> None:
    """All four grants answer with a session that works at the address that was called."""
    assertion = {"assertion": jwt()} if grant == JWT_BEARER else {}
    answer = login(sf, grant_type=grant, **GRANTS[grant], **assertion)
    assert answer.status_code == 200
    body = answer.json()
    assert body["instance_url"] == sf.server.url
    assert re.fullmatch(r"00D\w{12}![.\w]+", body["access_token"])
    assert isinstance(body["issued_at"], str)
    assert ("refresh_token" in body) == (grant == "password")
    sf.token = body["access_token"]
    assert sf.send("GET", "/sobjects").status_code == 200


def test_a_client_may_come_as_basic_authorization(sf: SalesforceApi) -> None:
    """Client credentials are taken from the header, too."""
    url = sf.server.url + TOKEN
    answer = sf.session.post(url, data={"grant_type": "client_credentials"}, auth=("id", "secret"), timeout=10)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "device"}, "unsupported_grant_type"),
        ({"grant_type": "password", **GRANTS["password"], "password": "invalid-pw"}, "invalid_grant"),
        ({"grant_type": "password", **GRANTS["password"], "client_id": "invalid-id"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", **CLIENT, "client_secret": "invalid-s"}, "invalid_client"),
        ({"grant_type": "refresh_token", "client_id": "3MVG9", "refresh_token": "invalid-t"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "client_id": "3MVG9"}, "invalid_grant"),
    ],
)
def test_bad_credentials_are_refused(sf: SalesforceApi, form: dict[str, str], error: str) -> None:
    """Whatever begins with `invalid`, or is missing, gets OAuth's 400."""
    answer = login(sf, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"]


@pytest.mark.parametrize(
    "claims", [{"iss": "invalid-key"}, {"exp": 1}, {"aud": "nobody"}, {"sub": ""}, {"exp": "soon"}]
)
def test_bad_assertions_are_refused(sf: SalesforceApi, claims: dict[str, Any]) -> None:
    """Issuer, subject, audience and time of a JWT are checked."""
    answer = login(sf, grant_type=JWT_BEARER, assertion=jwt(**claims))
    assert answer.status_code == 400
    assert login(sf, grant_type=JWT_BEARER, assertion="no.jwt").status_code == 400


@pytest.mark.parametrize("token", ["invalid-token", "expiring-token"])
def test_sessions_are_refused(sf: SalesforceApi, token: str) -> None:
    """An invalid session never works, an expiring one for five requests."""
    sf.token = token
    statuses = [sf.send("GET", "/sobjects").status_code for _ in range(6)]
    assert statuses == ([401] * 6 if token.startswith("invalid") else [200] * 5 + [401])
    reply = sf.send("GET", "/sobjects")
    assert reply.json() == ERROR_401
    assert "Sforce-Limit-Info" not in reply.headers


def test_the_first_session_of_an_expiring_credential_expires(sf: SalesforceApi) -> None:
    """A new login with the same credential cures it."""
    form = {"grant_type": "refresh_token", "client_id": "3MVG9", "refresh_token": "expiring-token"}
    sf.token = login(sf, **form).json()["access_token"]
    assert [sf.send("GET", "/limits").status_code for _ in range(6)] == [200] * 5 + [401]
    sf.token = login(sf, **form).json()["access_token"]
    assert [sf.send("GET", "/limits").status_code for _ in range(7)] == [200] * 7


def test_no_session_at_all(sf: SalesforceApi) -> None:
    """A missing or strange header has an error of its own."""
    for header in ("", "Basic eDp5", "Bearer "):
        reply = sf.send("GET", "/sobjects", Authorization=header)
        assert (reply.status_code, reply.json()[0]["errorCode"]) == (401, "INVALID_AUTH_HEADER")


def test_revoked_sessions_end(sf: SalesforceApi) -> None:
    """A revoked session is refused."""
    sf.session.post(f"{sf.server.url}/services/oauth2/revoke", data={"token": sf.token}, timeout=10)
    assert sf.send("GET", "/sobjects").status_code == 401


def test_userinfo_names_org_and_user(sf: SalesforceApi) -> None:
    """The user of every session is the first of the seed."""
    shown = sf.send("GET", "/services/oauth2/userinfo").json()
    assert shown["organization_id"] == sf.server.salesforce.id
    assert shown["preferred_username"] == "ada.admin@example.com"
    assert sf.read("User", shown["user_id"])["Name"] == "Ada Admin"


def soap(sf: SalesforceApi, version: str, username: str, word: str = "pw") -> requests.Response:
    """Log in by SOAP."""
    body = (
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>'
        f'<n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{username}</n1:username>'
        f"<n1:password>{word}</n1:password></n1:login></env:Body></env:Envelope>"
    )
    url = f"{sf.server.url}/services/Soap/u/{version}"
    return sf.session.post(url, data=body, headers={"Content-Type": "text/xml", "SOAPAction": "login"}, timeout=10)


def test_soap_login(sf: SalesforceApi) -> None:
    """Up to v64 a SOAP login gives a session and the address of the instance."""
    reply = soap(sf, "59.0", "ada@example.com")
    assert reply.status_code == 200
    token = re.findall("<sessionId>(.*)</sessionId>", reply.text)[0]
    assert f"<serverUrl>{sf.server.url}/services/Soap/u/59.0/" in reply.text
    sf.token = token
    assert sf.send("GET", "/sobjects").status_code == 200


@pytest.mark.parametrize(
    ("version", "username", "code"),
    [("65.0", "ada", "UNSUPPORTED_API_VERSION"), ("59.0", "invalid", "INVALID_LOGIN"), ("59.0", "", "INVALID_LOGIN")],
)
def test_soap_login_is_refused(sf: SalesforceApi, version: str, username: str, code: str) -> None:
    """From v65 there is no SOAP login, and bad credentials are a fault."""
    reply = soap(sf, version, username)
    assert reply.status_code == 500
    assert f"<sf:exceptionCode>{code}</sf:exceptionCode>" in reply.text


def test_logins_are_not_kept(sf: SalesforceApi) -> None:
    """The request log shows no body of a login."""
    login(sf, grant_type="password", **GRANTS["password"])
    soap(sf, "59.0", "ada@example.com", "topsecret")
    sf.create("Account", Name="Acme")
    shown = sf.send("GET", "/_simulator/requests?bodies=true")
    assert [seen["body"] for seen in shown.json()["last"][1:]] == [None, None]
    assert "pwTOKEN" not in shown.text
    assert "topsecret" not in shown.text


def test_versions(sf: SalesforceApi) -> None:
    """Versions are told to everybody, count for no limit, and retired ones are gone."""
    reply = sf.session.get(f"{sf.server.url}/services/data", timeout=10)
    assert {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"} in reply.json()
    assert "Sforce-Limit-Info" not in reply.headers
    assert sf.server.salesforce.limits.daily.used == 0
    assert sf.send("GET", "/services/data/v31.0").json()["sobjects"] == "/services/data/v31.0/sobjects"
    assert sf.send("GET", "/services/data/v30.0/sobjects").status_code == 410
    for version in ("v69.0", "v67", "vx"):
        assert sf.send("GET", f"/services/data/{version}/sobjects").status_code == 404


def test_every_request_counts_once(sf: SalesforceApi) -> None:
    """Row calls, collections and composites count one each, as the header tells."""
    sf.create("Account", Name="Acme")
    sf.rows("POST", [{"LastName": str(number)} for number in range(200)])
    reply = sf.send("GET", "/limits/")
    assert reply.headers["Sforce-Limit-Info"] == "api-usage=3/15000"
    assert reply.json()["DailyApiRequests"] == {"Max": 15000, "Remaining": 14997}
    assert {"DailyBulkApiBatches", "DailyBulkV2QueryJobs", "DataStorageMB"} <= set(reply.json())


def test_the_daily_limit(sf: SalesforceApi) -> None:
    """Over the daily limit requests get 403, not 429, until it is switched off."""
    sf.send("PUT", "/_simulator/limits", {"salesforce": {"daily": 10, "daily_used": 9}})
    assert sf.send("GET", "/sobjects").status_code == 200
    reply = sf.send("GET", "/sobjects")
    assert reply.status_code == 403
    assert reply.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    sf.send("PUT", "/_simulator/limits", {"salesforce": {"enabled": False}})
    reply = sf.send("GET", "/sobjects")
    assert reply.status_code == 200
    assert "Sforce-Limit-Info" not in reply.headers


def test_the_concurrency_limit() -> None:
    """Only requests that run for long count, and the next one is refused."""
    now = [0.0]
    limits = OrgLimits(lambda: now[0])
    limits.configure({"concurrent": 2})
    with limits.running(), limits.running(), limits.running():
        limits.admit()
        now[0] = 20.0
        with pytest.raises(Exception, match=r"ConcurrentRequests .* Limit exceeded"):
            limits.admit()
    limits.admit()


@pytest.mark.parametrize(
    "settings", [{"burst": 1}, {"daily": -1}, {"daily": True}, {"enabled": 1}, {"daily_used": None}]
)
def test_wrong_limits_are_refused(sf: SalesforceApi, settings: dict[str, Any]) -> None:
    """A misspelt or impossible limit is a 400 that says so."""
    reply = sf.send("PUT", "/_simulator/limits", {"salesforce": settings})
    assert reply.status_code == 400
    assert "Salesforce's limits" in reply.json()["error"]


@pytest.mark.parametrize(
    ("rule", "status", "said"),
    [
        ({"kind": "429"}, 403, "ConcurrentRequests (Concurrent API Requests) Limit exceeded."),
        ({"kind": "429", "policy": "DAILY"}, 403, "TotalRequests Limit exceeded."),
        ({"kind": "expired_token"}, 401, "INVALID_SESSION_ID"),
        ({"kind": "500"}, 500, "UNKNOWN_EXCEPTION"),
        ({"kind": "503"}, 503, "SERVER_UNAVAILABLE"),
        ({"kind": "502"}, 502, "<html>"),
        ({"kind": "html_error", "status": 504}, 504, "<html>"),
    ],
)
def test_injected_refusals(sf: SalesforceApi, rule: dict[str, Any], status: int, said: str) -> None:
    """Each refusal has Salesforce's status and body, and nothing is written."""
    sf.send("PUT", "/_simulator/faults", [{**rule, "path": "/services/data/*"}])
    reply = sf.send("POST", "/sobjects/Account", {"Name": "Acme"})
    assert reply.status_code == status
    assert said in reply.text
    sf.send("PUT", "/_simulator/faults", [])
    assert sf.query("SELECT Id FROM Account") == []


def test_lost_replies_are_written(sf: SalesforceApi) -> None:
    """A 502 after the commit leaves the row there."""
    sf.send("PUT", "/_simulator/faults", [{"kind": "502_after_commit", "times": 1}])
    assert sf.send("POST", "/sobjects/Account", {"Name": "Acme"}).status_code == 502
    assert len(sf.query("SELECT Id FROM Account")) == 1


def test_long_addresses(sf: SalesforceApi) -> None:
    """A URI of more than 16,384 bytes is refused."""
    statement = "SELECT+Id+FROM+Account+WHERE+Name+IN+('" + "x" * 16_400 + "')"
    assert sf.send("GET", f"/query?q={statement}").status_code == 414


def test_paths_and_methods(sf: SalesforceApi) -> None:
    """Unknown paths are not found, unknown methods name the known ones, and PATCH can come as POST."""
    assert sf.send("GET", "/nothing").json()[0]["errorCode"] == "NOT_FOUND"
    reply = sf.send("DELETE", "/sobjects/Account")
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    record_id = sf.create("Account", Name="Acme")
    assert sf.send("POST", f"/sobjects/Account/{record_id}?_HttpMethod=PATCH", {"Site": "x"}).status_code == 204
    assert sf.read("account", record_id)["Site"] == "x"
