"""Credentials: any non-empty one is good, except those that begin with `invalid` or `expiring`."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, encode_json
from saas_simulators.mailchimp.errors import JSON_TYPE, key_invalid

if TYPE_CHECKING:
    from saas_simulators.exchange import Request

INVALID = "invalid"
EXPIRING = "expiring"
REQUESTS_BEFORE_EXPIRY = 5


class Tokens:
    """Counts what expiring credentials were used for, and answers the OAuth endpoints."""

    def __init__(self) -> None:
        self._uses: dict[str, int] = {}
        self._granted = 0

    def check(self, authorization: str) -> None:
        """Accept a request's `Authorization` header: Basic with any user name, or Bearer.

        Raises:
            MailchimpError: 401; the credential is missing, invalid or expired.
        """
        credential = _credential(authorization)
        if not credential or credential.startswith(INVALID):
            raise key_invalid()
        if credential.startswith(EXPIRING):
            self._uses[credential] = self._uses.get(credential, 0) + 1
            if self._uses[credential] > REQUESTS_BEFORE_EXPIRY:
                raise key_invalid()

    def grant(self, request: Request) -> Reply:
        """Answer the token endpoint: the exchange of a code for a token that does not expire."""
        form = request.form
        parts = [form.get(name, "") for name in ("client_id", "client_secret", "code")]
        if not all(parts) or any(part.startswith(INVALID) for part in parts):
            return _json(400, {"error": "invalid_grant"})  # inferred: RFC 6749; not recorded
        self._granted += 1
        prefix = EXPIRING if parts[2].startswith(EXPIRING) else "granted"
        # source: Mailchimp docs "Access data on behalf of other users": no expiry, no scopes
        return _json(200, {"access_token": f"{prefix}-{self._granted}", "expires_in": 0, "scope": None})


def metadata(request: Request, account_name: str) -> Reply:
    """Tell an OAuth token's data centre: 200 even for a bad token, but then without an endpoint."""
    # source: recording grouparoo 2021 (keys); singer-io/tap-mailchimp (the answer to a bad token)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() not in {"oauth", "bearer"} or not token.strip() or token.strip().startswith(INVALID):
        return _json(200, {"error": "invalid_token"})
    body = {
        "dc": "us1",
        "role": "owner",
        "accountname": account_name,
        "user_id": 48_000_001,
        "login": {
            "email": "owner@shop.example",
            "avatar": None,
            "login_id": 48_000_001,
            "login_name": "owner",
            "login_email": "owner@shop.example",
        },
        "login_url": "https://login.mailchimp.com",
        # Not the vendor's address: whoever follows it shall stay on this machine.
        "api_endpoint": f"http://{request.headers.get('host', '127.0.0.1')}",
    }
    return _json(200, body)


def _json(status: int, body: dict[str, Any]) -> Reply:
    return Reply(status, encode_json(body), JSON_TYPE)


def _credential(authorization: str) -> str:
    scheme, _, text = authorization.partition(" ")
    text = text.strip()
    if scheme.lower() != "basic":
        return text if scheme.lower() == "bearer" else ""
    try:
        decoded = base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]
