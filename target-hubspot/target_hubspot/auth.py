"""Access tokens: a fixed one, or one that is renewed. They live in memory only."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reverse_etl_core.errors import AuthError, BatchRefusedError
from reverse_etl_core.transport import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.redaction import Secret
    from reverse_etl_core.transport import Reply
    from target_hubspot.config import OAuthApp


class FixedToken:
    """The token of a service key or private app; it cannot be renewed."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def authorization(self) -> str:
        """The value of the `Authorization` header."""
        return f"Bearer {self._token.reveal()}"

    def renew(self, refused: str) -> bool:
        """Never: a refused token stays refused."""
        del refused
        return False


class RenewedToken:
    """The access token of an OAuth app, asked for when it is first needed and when it is refused.

    Args:
        app: What to ask with.
        api_version: Its path differs.
        send: Sends a request without credentials.
    """

    def __init__(self, app: OAuthApp, api_version: str, send: Callable[[Request], Reply]) -> None:
        self._app = app
        self._path = "/oauth/v1/token" if api_version == "v3" else f"/oauth/{api_version}/token"
        self._send = send
        self._authorization = ""
        self._lock = threading.Lock()

    def authorization(self) -> str:
        """The value of the `Authorization` header."""
        if not self._authorization:
            self.renew("")
        return self._authorization

    def renew(self, refused: str) -> bool:
        """Ask for a new token, unless another thread just did.

        Raises:
            AuthError: The refresh token or the app is refused.
        """
        with self._lock:
            if self._authorization == refused:
                self._authorization = f"Bearer {self._ask()}"
        return True

    def _ask(self) -> str:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._app.client_id,
            "client_secret": self._app.client_secret.reveal(),
            "refresh_token": self._app.refresh_token.reveal(),
        }
        try:
            answer = self._send(Request("POST", self._path, form=form, is_public=True)).json()
        except (AuthError, BatchRefusedError):
            # source: BAD_REFRESH_TOKEN is a 400 (nango issue thread).
            msg = "HubSpot refuses the refresh token. Check 'client_id' and 'client_secret', and connect the app anew."
            raise AuthError(msg) from None
        return str(answer["access_token"])
