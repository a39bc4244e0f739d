"""Access tokens: a fixed one, or one that is renewed. They live in memory only."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from reverse_etl_core.errors import AuthError, FatalError, RetryableError, ReverseETLError
from reverse_etl_core.redaction import Secret
from reverse_etl_core.transport import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.transport import Reply
    from target_hubspot.config import OAuthApp

logger = logging.getLogger(__name__)

TOKEN_INFO = "/oauth/v2/private-apps/get/access-token-info"  # noqa: S105 - a path
"""source: HubSpot docs, "Private apps", read 2026-11-28; live runs of October 2026 for service keys."""
LIFETIME_S = 1800.0
"""How long an access token lasts where the answer does not say (source: OAuth reference, `expires_in`)."""
RENEWED_BEFORE_S = 60.0
"""How long before its end a token is renewed, so that requests are not refused in turn."""


class FixedToken:
    """The token of a service key or private app; it cannot be renewed.

    Args:
        token: The token.
        send: Sends a request without credentials.
    """

    def __init__(self, token: Secret, send: Callable[[Request], Reply]) -> None:
        self._token = token
        self._send = send

    def authorization(self) -> str:
        """The value of the `Authorization` header."""
        return _header(self._token)

    def renew(self, refused: str) -> bool:
        """Never: a refused token stays refused."""
        del refused
        return False

    def scopes(self) -> frozenset[str] | None:
        """What the token may do; `None` where HubSpot does not tell, which ends nothing."""
        # In the body, where it is not logged, and never in a path.
        request = Request("POST", TOKEN_INFO, json={"tokenKey": self._token.reveal()}, is_public=True)
        try:
            return _scopes(self._send(request).json())
        except ReverseETLError as error:
            logger.info("HubSpot does not tell the token's scopes (%s); what it lacks shows later.", error)
            return None


class RenewedToken:
    """The access token of an OAuth app, asked for when it is first needed, before it ends and when it is refused.

    Args:
        app: What to ask with.
        api_version: The token endpoint's path differs.
        send: Sends a request without credentials.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, app: OAuthApp, api_version: str, send: Callable[[Request], Reply], *, clock: Callable[[], float]
    ) -> None:
        self._app = app
        # source: OAuth reference; the undated path is deprecated for February 2027 (api/hubspot.md 1 and 2)
        self._path = "/oauth/v1/token" if api_version == "v3" else f"/oauth/{api_version}/token"
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._renew_at_s = 0.0
        self._refusal: FatalError | None = None
        self._scopes: frozenset[str] | None = None

    def authorization(self) -> str:
        """The value of the `Authorization` header.

        Raises:
            AuthError: The refresh token or the app is refused.
        """
        with self._lock:
            if self._token is None or self._clock() >= self._renew_at_s:
                self._token = self._ask()
            return _header(self._token)

    def renew(self, refused: str) -> bool:
        """Ask for a new token, unless another thread just did.

        Raises:
            AuthError: The refresh token or the app is refused.
        """
        with self._lock:
            if self._token is None or _header(self._token) == refused:
                self._token = self._ask()
        return True

    def scopes(self) -> frozenset[str] | None:
        """What the token may do, as the answer that granted it says; `None` where it does not."""
        self.authorization()
        return self._scopes

    def _ask(self) -> Secret:
        """A new access token; once asking has failed for good, nobody asks again."""
        if self._refusal is not None:
            raise self._refusal
        try:
            answer = self._send(self._request()).json()
        except AuthError as refusal:
            self._refusal = refusal
            raise
        except RetryableError as error:
            # It was repeated already. Let through, it would be repeated again by every request that wants the token,
            # and a create would be taken for one whose reply was lost.
            msg = f"HubSpot's token endpoint does not answer, so nothing more can be sent. {error} Run again later."
            self._refusal = FatalError(msg)
            raise self._refusal from None
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            msg = "HubSpot's token endpoint answered without a token. Check 'api_url' and 'api_version'."
            raise AuthError(msg)
        self._scopes = _scopes(answer)
        expires_in = answer.get("expires_in")
        lifetime_s = float(expires_in) if isinstance(expires_in, (int, float)) and expires_in > 0 else LIFETIME_S
        self._renew_at_s = self._clock() + lifetime_s - min(RENEWED_BEFORE_S, lifetime_s / 10)
        return Secret(token)

    def _request(self) -> Request:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._app.client_id,
            "client_secret": self._app.client_secret.reveal(),
            "refresh_token": self._app.refresh_token.reveal(),
        }
        return Request("POST", self._path, form=form, is_public=True)


def _scopes(answer: object) -> frozenset[str] | None:
    """The scopes that an answer names, as a list or as text; `None` where it names none."""
    names = answer.get("scopes") if isinstance(answer, dict) else None
    if isinstance(names, str):
        names = names.split()
    return frozenset(map(str, names)) if isinstance(names, list) and names else None


def _header(token: Secret) -> str:
    return f"Bearer {token.reveal()}"
