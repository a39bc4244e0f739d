"""Sessions: any non-empty credential is good, except those that begin with `invalid` or `expiring`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from typing import TYPE_CHECKING, Any, Protocol

from saas_simulators.exchange import json_reply
from saas_simulators.salesforce.assertions import AssertionRefusedError, read_assertion
from saas_simulators.salesforce.errors import SalesforceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.exchange import Reply, Request

INVALID = "invalid"
EXPIRING = "expiring"
REQUESTS_BEFORE_EXPIRY = 5
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# What each grant must send beside the client. source: RESTPDF, simple-salesforce, jsforce
GRANTS: dict[str, tuple[str, ...]] = {
    "password": ("client_id", "client_secret", "username", "password"),
    "refresh_token": ("client_id", "refresh_token"),
    "client_credentials": ("client_id", "client_secret"),
    JWT_GRANT: ("assertion",),
}
# source: restforce, rudder, help pages: what a bad credential is told
REFUSALS = {
    "client_id": ("invalid_client_id", "client identifier invalid"),
    "client_secret": ("invalid_client", "invalid client credentials"),
    "username": ("invalid_grant", "authentication failure"),
    "password": ("invalid_grant", "authentication failure - Invalid Password"),
    "refresh_token": ("invalid_grant", "expired access/refresh token"),
}


class HasUser(Protocol):
    """What sessions know of their org."""

    id: str
    user_id: str
    clock: Callable[[], float]


class GrantRefusedError(Exception):
    """A login is refused; `error` is OAuth's code."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class Tokens:
    """Counts what expiring sessions were used for, and gives new ones."""

    def __init__(self, org: HasUser) -> None:
        self._org = org
        self._uses: dict[str, int] = {}
        self._logins: dict[str, int] = {}
        self._revoked: set[str] = set()
        self._serial = itertools.count(1)

    def check(self, authorization: str) -> None:
        """Accept a request's `Authorization` header.

        Raises:
            SalesforceError: 401; the session is missing, invalid, revoked or expired.
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() not in {"bearer", "oauth"} or not token:
            # source: rudder tests; the code is in the partner WSDL
            raise SalesforceError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        if token.startswith(INVALID) or token in self._revoked:
            raise session_expired()
        if token.startswith(EXPIRING):
            self._uses[token] = self._uses.get(token, 0) + 1
            if self._uses[token] > REQUESTS_BEFORE_EXPIRY:
                raise session_expired()

    def issue(self, credential: str) -> str:
        """Return a new session; the first of a credential that begins with `expiring` expires, later ones last."""
        logins = self._logins[credential] = self._logins.get(credential, 0) + 1
        prefix = EXPIRING if credential.startswith(EXPIRING) and logins == 1 else ""
        return f"{prefix}{self._org.id[:15]}!AQEAQ{next(self._serial):06d}.simulated"

    def revoke(self, token: str) -> None:
        """End a session."""
        self._revoked.add(token)

    def grant(self, request: Request) -> Reply:
        """Answer the token endpoint."""
        try:
            return json_reply(200, self._granted(request))
        except GrantRefusedError as refused:
            # source: RFC 6749; restforce fixtures: always 400
            return json_reply(400, {"error": refused.error, "error_description": str(refused)})

    def _granted(self, request: Request) -> dict[str, Any]:
        form = {**_basic_client(request), **request.form}
        kind = form.get("grant_type", "")
        if kind not in GRANTS:
            if not kind:
                # source: help pages, wording
                error = "invalid_request"
                raise GrantRefusedError(error, "missing required parameter: grant_type")
            error = "unsupported_grant_type"
            raise GrantRefusedError(error, "grant type not supported")
        if kind == JWT_GRANT:
            form |= self._asserted(form.get("assertion", ""))
        for name in (*GRANTS[kind], *(name for name in form if name in REFUSALS)):
            if not form.get(name) or form[name].startswith(INVALID):
                raise _refusal(name)
        secrets = [form[name] for name in (*GRANTS[kind], "client_id", *REFUSALS) if name in form]
        credential = next((secret for secret in secrets if secret.startswith(EXPIRING)), secrets[0])
        return self._answer(request, kind, credential)

    def _asserted(self, assertion: str) -> dict[str, str]:
        try:
            return read_assertion(assertion, self._org.clock())
        except AssertionRefusedError as error:
            code = "invalid_grant"
            raise GrantRefusedError(code, str(error)) from None

    def _answer(self, request: Request, kind: str, credential: str) -> dict[str, Any]:
        """Return the body; `instance_url` is the address under which the client called."""
        org = self._org
        url = own_url(request)
        identity = f"{url}/id/{org.id}/{org.user_id}"
        issued_at = str(int(org.clock() * 1000))
        digest = hmac.new(b"simulated", (identity + issued_at).encode(), hashlib.sha256).digest()
        # source: RESTPDF "OAuth 2.0"; restforce fixtures (keys)
        answer: dict[str, Any] = {
            "access_token": self.issue(credential),
            "signature": base64.b64encode(digest).decode(),
            "scope": "api refresh_token",
            "instance_url": url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
        }
        if kind == "password":
            answer["refresh_token"] = f"5Aep861.simulated.{next(self._serial)}"
        elif kind != "refresh_token":
            answer["scope"] = "api"
        return answer


def own_url(request: Request) -> str:
    """Return the address that the client has for this server."""
    return f"http://{request.headers.get('host', '127.0.0.1')}"


def session_expired() -> SalesforceError:
    """Return the refusal of a session that is none, or no longer."""
    # source: restforce, rudder, recordings amp-labs
    return SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def _refusal(name: str) -> GrantRefusedError:
    return GrantRefusedError(*REFUSALS.get(name, ("invalid_request", f"missing required parameter: {name}")))


def _basic_client(request: Request) -> dict[str, str]:
    """Return the client of an `Authorization: Basic` header, which simple-salesforce sends."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": client_id, "client_secret": secret}
