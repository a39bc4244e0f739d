"""Credentials: any non-empty token is good, except those that begin with `invalid`, `expiring` or `read-only`.

What a token may do is told by its prefix, by a seed or by the control surface; without any of these it may do all.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot import scopes
from saas_simulators.hubspot.errors import MissingError, new_correlation_id, token_expired, unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_simulators.exchange import Request

INVALID = "invalid"
READ_ONLY = "read-only"
EXPIRING = "expiring"
REQUESTS_BEFORE_EXPIRY = 5
LIFETIME_S = 1800  # source: HubSpot OAuth reference, expires_in
APP_ID = 1_024_738
USER_ID = 5_555_888


class HasPortal(Protocol):
    """What tokens know of their account."""

    portal_id: int


class Tokens:
    """Counts what expiring tokens were used for, and gives new ones."""

    def __init__(self, account: HasPortal) -> None:
        self._account = account
        self.clear()

    def clear(self) -> None:
        """Forget every token."""
        self._uses: dict[str, int] = {}
        self._grants: dict[str, int] = {}
        self._scopes: dict[str, tuple[str, ...]] = {}
        self._serial = itertools.count(1)

    def check(self, authorization: str) -> None:
        """Accept a request's `Authorization` header.

        Raises:
            HubSpotError: 401; the token is missing, invalid or expired.
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or token.startswith(INVALID):
            raise unauthenticated()
        if token.startswith(EXPIRING):
            self._uses[token] = self._uses.get(token, 0) + 1
            if self._uses[token] > REQUESTS_BEFORE_EXPIRY:
                raise token_expired()

    def limit(self, token: str, granted: Iterable[str] | None) -> None:
        """Let a token do no more than these scopes say; None lets it do all again.

        For a refresh token it holds for the access tokens that are granted from then on.
        """
        if granted is None:
            self._scopes.pop(token, None)
        else:
            self._scopes[token] = tuple(granted)

    def scopes_of(self, authorization: str) -> tuple[str, ...]:
        """Return what the token of an `Authorization` header may do."""
        return self._granted_to(authorization.partition(" ")[2].strip())

    def private_app(self, token: str) -> dict[str, Any]:
        """Return what a private app's token, or a service key, tells of itself.

        Raises:
            HubSpotError: 401; the token is not valid (inferred).
        """
        # source: HubSpot docs "Private apps"; live runs of October 2026 for service keys
        if not _is_valid(token):
            raise unauthenticated()
        hub_id = self._account.portal_id
        return {"userId": USER_ID, "hubId": hub_id, "appId": APP_ID, "scopes": list(self._granted_to(token))}

    def oauth(self, token: str) -> dict[str, Any]:
        """Return what an OAuth access token tells of itself.

        Raises:
            MissingError: The token is not valid (inferred).
        """
        # source: HubSpot API reference "OAuth tokens", version 1 (keys)
        if not _is_valid(token):
            raise MissingError
        return {
            "token": token,
            "user": "ada.owner@example.com",
            "hub_domain": "example.hubspot.com",
            "scopes": list(self._granted_to(token)),
            "hub_id": self._account.portal_id,
            "app_id": APP_ID,
            "expires_in": LIFETIME_S,
            "user_id": USER_ID,
            "token_type": "access",
        }

    def introspect(self, form: dict[str, str]) -> dict[str, Any]:
        """Return whether a token is active, and for one that is what it may do."""
        # source: HubSpot API reference "Token introspection endpoint" (`active`); inferred: the other keys
        token = form.get("token", "")
        if not _is_valid(token):
            return {"active": False}
        return {
            "active": True,
            "token_use": form.get("token_type_hint") or "access_token",
            "client_id": form.get("client_id", ""),
            "hub_id": self._account.portal_id,
            "user_id": USER_ID,
            "scopes": list(self._granted_to(token)),
            "expires_in": LIFETIME_S,
        }

    def _granted_to(self, token: str) -> tuple[str, ...]:
        if token in self._scopes:
            return self._scopes[token]
        return scopes.READING if token.startswith(READ_ONLY) else scopes.ALL

    def grant(self, request: Request) -> Reply:
        """Answer a token endpoint: a refresh, or a code exchange.

        The first token of a refresh token that begins with `expiring` expires too; every later one lasts.
        """
        form = request.form
        kind = form.get("grant_type", "")
        if kind not in {"refresh_token", "authorization_code", "client_credentials"}:
            # inferred: the text; the status was seen in third-party code
            return _refusal("BAD_GRANT_TYPE", "missing or unknown grant type")
        secrets = [form.get("client_id", ""), form.get("client_secret", "")]
        credential = form.get(
            {"refresh_token": "refresh_token", "authorization_code": "code"}.get(kind, "client_id"), ""
        )
        if not all([*secrets, credential]) or any(part.startswith(INVALID) for part in [*secrets, credential]):
            # source: NangoHQ/nango, quoted; that a bad client gets the same answer is inferred
            return _refusal("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        return json_reply(200, self._granted(credential), {"X-HubSpot-Correlation-Id": new_correlation_id()})

    def _granted(self, credential: str) -> dict[str, Any]:
        grants = self._grants[credential] = self._grants.get(credential, 0) + 1
        prefix = EXPIRING if credential.startswith(EXPIRING) and grants == 1 else "refreshed"
        token = f"{prefix}-access-{next(self._serial)}"
        if credential in self._scopes:
            self._scopes[token] = self._scopes[credential]
        # source: HubSpot OAuth reference (keys)
        return {
            "token_type": "bearer",
            "refresh_token": credential,
            "access_token": token,
            "expires_in": LIFETIME_S,
            "hub_id": self._account.portal_id,
            "scopes": list(self._granted_to(token)),
            "user_id": USER_ID,
            "token_use": "access_token",
        }


def _is_valid(token: str) -> bool:
    return bool(token) and not token.startswith(INVALID)


def _refusal(status: str, message: str) -> Reply:
    body = {"status": status, "message": message, "correlationId": new_correlation_id()}
    return json_reply(400, body)
