"""Credentials: any non-empty token is good, except those that begin with `invalid`, `expiring` or `read-only`."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot.errors import missing_scopes, new_correlation_id, token_expired, unauthenticated

if TYPE_CHECKING:
    from saas_simulators.exchange import Request

INVALID = "invalid"
READ_ONLY = "read-only"
EXPIRING = "expiring"
REQUESTS_BEFORE_EXPIRY = 5
LIFETIME_S = 1800  # source: HubSpot OAuth reference, expires_in


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

    def check_scope(self, authorization: str, scope: str) -> None:
        """Accept a write that needs a scope.

        Raises:
            HubSpotError: 403; the token may only read.
        """
        if authorization.partition(" ")[2].strip().startswith(READ_ONLY):
            raise missing_scopes(scope)

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
        # source: HubSpot OAuth reference (keys)
        return {
            "token_type": "bearer",
            "refresh_token": credential,
            "access_token": f"{prefix}-access-{next(self._serial)}",
            "expires_in": LIFETIME_S,
            "hub_id": self._account.portal_id,
            "scopes": ["crm.objects.contacts.read", "crm.objects.contacts.write", "oauth"],
            "user_id": 5_555_888,
            "token_use": "access_token",
        }


def _refusal(status: str, message: str) -> Reply:
    body = {"status": status, "message": message, "correlationId": new_correlation_id()}
    return json_reply(400, body)
