from __future__ import annotations

import json
from typing import Any

import pytest

from reverse_etl_core.errors import AuthError, FatalError, UnknownOutcomeError
from reverse_etl_core.redaction import Secret
from reverse_etl_core.transport import Reply, Request
from target_hubspot.auth import FixedToken, RenewedToken
from target_hubspot.config import OAuthApp

APP = OAuthApp("app", Secret("cs-SECRET"), Secret("rt-SECRET"))


class TokenEndpoint:
    """Gives `token-1`, `token-2`, … and keeps what it was asked."""

    def __init__(self, **answer: Any) -> None:
        self.requests: list[Request] = []
        self.answer = answer
        self.now_s = 0.0

    def send(self, request: Request) -> Reply:
        """Answer one request."""
        self.requests.append(request)
        answer = {"access_token": f"token-{len(self.requests)}", "expires_in": 1800, **self.answer}
        return Reply(200, {}, json.dumps(answer).encode())

    def credentials(self, version: str = "2026-09") -> RenewedToken:
        """Credentials that ask here."""
        return RenewedToken(APP, version, self.send, clock=lambda: self.now_s)


def test_a_fixed_token_is_never_renewed() -> None:
    """There is nothing to renew it with, and it does not show itself."""
    token = FixedToken(Secret("pat-SECRET"), TokenEndpoint().send)
    assert token.authorization() == "Bearer pat-SECRET"
    assert not token.renew("Bearer pat-SECRET")
    assert "SECRET" not in repr(token)


def test_a_fixed_token_is_asked_for_its_scopes_by_its_key() -> None:
    """In the body of a request without other credentials, and never in a path."""
    endpoint = TokenEndpoint(scopes=["tickets", "oauth"])
    assert FixedToken(Secret("pat-SECRET"), endpoint.send).scopes() == {"tickets", "oauth"}
    (request,) = endpoint.requests
    assert (request.is_public, request.is_write, request.json) == (True, False, {"tokenKey": "pat-SECRET"})
    assert "SECRET" not in request.path


@pytest.mark.parametrize(
    ("answer", "scopes"),
    [
        ({"scopes": ["tickets"]}, {"tickets"}),
        ({"scopes": "tickets oauth"}, {"tickets", "oauth"}),
        ({"scopes": []}, None),
        ({"scopes": 7}, None),
        ({}, None),
    ],
)
def test_scopes_come_with_a_granted_token(answer: dict[str, Any], scopes: set[str] | None) -> None:
    """As a list or as text; where there are none, nobody knows."""
    endpoint = TokenEndpoint(**answer)
    assert endpoint.credentials().scopes() == scopes
    assert len(endpoint.requests) == 1


def test_a_token_is_asked_for_when_it_is_needed() -> None:
    """Nothing is sent before the first request; then one token serves them all."""
    endpoint = TokenEndpoint()
    credentials = endpoint.credentials()
    assert endpoint.requests == []
    assert {credentials.authorization() for _ in range(3)} == {"Bearer token-1"}
    (request,) = endpoint.requests
    assert request.is_public
    assert dict(request.form or {}) == {
        "grant_type": "refresh_token",
        "client_id": "app",
        "client_secret": "cs-SECRET",
        "refresh_token": "rt-SECRET",
    }


def test_a_refused_token_is_renewed_once() -> None:
    """Whoever reports the same refused token later finds it renewed."""
    endpoint = TokenEndpoint()
    credentials = endpoint.credentials()
    first = credentials.authorization()
    assert [credentials.renew(first) for _ in range(8)] == [True] * 8
    assert credentials.authorization() == "Bearer token-2"
    assert len(endpoint.requests) == 2


def test_a_token_is_renewed_before_it_ends() -> None:
    """A minute before its end a new token is asked for, so that no request has to be refused first."""
    endpoint = TokenEndpoint()
    credentials = endpoint.credentials()
    credentials.authorization()
    endpoint.now_s = 1739.0
    assert credentials.authorization() == "Bearer token-1"
    endpoint.now_s = 1740.0
    assert credentials.authorization() == "Bearer token-2"


@pytest.mark.parametrize("expires_in", [None, "soon", 0, -5])
def test_a_token_without_a_lifetime_lasts_as_documented(expires_in: object) -> None:
    """Half an hour is assumed where the answer does not say."""
    endpoint = TokenEndpoint(expires_in=expires_in)
    credentials = endpoint.credentials()
    credentials.authorization()
    endpoint.now_s = 1700.0
    assert credentials.authorization() == "Bearer token-1"


@pytest.mark.parametrize("token", [None, "", 5, ["x"]])
def test_an_answer_without_a_token_is_refused(token: object) -> None:
    """A foreign endpoint that answers 200 gives no token."""
    with pytest.raises(AuthError, match="api_url"):
        TokenEndpoint(access_token=token).credentials().authorization()


@pytest.mark.parametrize(
    ("trouble", "kind", "words"),
    [(AuthError("refused"), AuthError, "refused"), (UnknownOutcomeError("lost"), FatalError, "token endpoint")],
)
def test_a_failure_is_not_repeated(trouble: Exception, kind: type[Exception], words: str) -> None:
    """Asking failed for good: nobody asks again, and a create that waited for the token is not taken for lost."""
    asked = []

    def send(request: Request) -> Reply:
        asked.append(request)
        raise trouble

    credentials = RenewedToken(APP, "v3", send, clock=lambda: 0.0)
    for _ in range(3):
        with pytest.raises(kind, match=words):
            credentials.authorization()
    assert [one.path for one in asked] == ["/oauth/v1/token"]


def test_credentials_do_not_show() -> None:
    """Neither the app nor the token is in a repr (G7)."""
    credentials = TokenEndpoint().credentials()
    credentials.authorization()
    assert "SECRET" not in repr(credentials)
    assert "token-1" not in repr(credentials)
