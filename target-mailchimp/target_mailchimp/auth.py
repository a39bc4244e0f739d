"""Who is asking, and where the account is. Credentials live in memory only."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reverse_etl_core import addresses
from reverse_etl_core.errors import AuthError, FatalError, RetryableError
from reverse_etl_core.transport import Request
from target_mailchimp.config import EXAMPLE_URL, ApiKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.redaction import Secret
    from reverse_etl_core.transport import Reply
    from target_mailchimp.config import OAuthToken

LOGIN_URL = "https://login.mailchimp.com"
METADATA_PATH = "/oauth2/metadata"
API_HOST = ".api.mailchimp.com"


class Authorization:
    """A key or token; neither can be renewed."""

    def __init__(self, credentials: ApiKey | OAuthToken) -> None:
        self._credentials = credentials

    def authorization(self) -> str:
        """The value of the `Authorization` header.

        source: Mailchimp docs, "Marketing API fundamentals", "Authentication": Basic takes any user name.
        """
        given = self._credentials
        if isinstance(given, ApiKey):
            return "Basic " + base64.b64encode(f"key:{given.key.reveal()}".encode()).decode()
        return f"Bearer {given.token.reveal()}"

    def renew(self, refused: str) -> bool:
        """Never: what is refused stays refused."""
        del refused
        return False


class ApiAddress:
    """Where the API of a token's account is: Mailchimp is asked once, when it is first needed.

    Args:
        token: The OAuth token.
        send: Sends a request to `LOGIN_URL` without credentials.
    """

    def __init__(self, token: Secret, send: Callable[[Request], Reply]) -> None:
        self._token = token
        self._send = send
        self._lock = threading.Lock()
        self._url: str | None = None
        self._refusal: FatalError | None = None

    def __call__(self) -> str:
        """Scheme and host.

        Raises:
            AuthError: Mailchimp does not know the token.
        """
        with self._lock:
            if self._refusal is not None:
                raise self._refusal
            if self._url is None:
                try:
                    self._url = self._ask()
                except FatalError as refusal:
                    self._refusal = refusal
                    raise
            return self._url

    def _ask(self) -> str:
        # source: grouparoo's recording of 2021: scheme `OAuth`; 200 for a bad token too, then without `api_endpoint`
        headers = {"Authorization": f"OAuth {self._token.reveal()}"}
        try:
            answer = self._send(Request("GET", METADATA_PATH, headers=headers, is_public=True)).json()
        except RetryableError as error:
            # It was repeated already. Let through, it would be repeated again by every request that wants the address.
            msg = f"Mailchimp does not tell where the account is. {error} Set 'server_prefix', or run again later."
            raise FatalError(msg) from None
        url = answer.get("api_endpoint") if isinstance(answer, dict) else None
        if not isinstance(url, str) or not url:
            msg = "Mailchimp does not know 'access_token'. Authorise the app again and set the new token."
            raise AuthError(msg)
        return _checked(url)


def _checked(url: str) -> str:
    """The address, once it is certain that the token may be sent there."""
    host = "" if addresses.problem(url, like=EXAMPLE_URL) else urlsplit(url).hostname or ""
    if not (host.endswith(API_HOST) or addresses.is_loopback(host)):
        msg = "Mailchimp names an address for the account that is not one of its own. Set 'server_prefix'."
        raise AuthError(msg)
    return url.rstrip("/").removesuffix("/3.0")
