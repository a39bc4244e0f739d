"""Sessions: a ready token, or one that is asked for when it is first needed. They live in memory only."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import jwt

from reverse_etl_core import addresses
from reverse_etl_core.errors import AuthError, FatalError, RetryableError
from reverse_etl_core.ratelimit import LimitReading
from reverse_etl_core.redaction import Secret
from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.transport import Request
from target_salesforce import login_errors, logins, soap
from target_salesforce.logins import ClientCredentials, PasswordLogin, ReadyToken, RefreshLogin, SignedLogin, SoapLogin

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.errors import ReverseETLError
    from reverse_etl_core.transport import Reply
    from target_salesforce.config import SalesforceConfig
    from target_salesforce.logins import Login

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
SIGNED_FOR_S = 120
"""How long a signed login is good (source: help.salesforce.com, "OAuth 2.0 JWT Bearer Flow": 3 minutes at most), with a
minute for clocks that differ."""
LOGIN_POLICY = RetryPolicy(attempts=5)
"""Fewer repeats than elsewhere: the last one has to leave before what was signed is out of date."""

_TOO_LATE = "Salesforce's login took so long to answer that the signature was out of date. Run again later."

AUDIENCES = {False: "https://login.salesforce.com", True: "https://test.salesforce.com"}
"""Whom a signed login is for, by whether the host is a sandbox's."""


class Session(Protocol):
    """Core's `Credentials`, and the address that they are for."""

    def authorization(self) -> str:
        """The value of the `Authorization` header."""

    def renew(self, refused: str) -> bool:
        """Replace a refused value; true when there is a new one to try."""

    def instance_url(self) -> str:
        """Scheme and host of the org; logs in where only that tells."""


class LoginDialect:
    """What replies to a login mean.

    Args:
        login: Whose settings a refusal names.
    """

    def __init__(self, login: Login) -> None:
        self._settings = logins.WAYS[type(login)].settings()

    def failure(self, request: Request, reply: Reply) -> ReverseETLError | None:
        """The error that a reply amounts to."""
        del request
        return login_errors.failure(reply, self._settings)

    def limits(self, request: Request, reply: Reply) -> LimitReading:
        """Nothing: logins have no limit that a reply reports."""
        del request, reply
        return LimitReading()


def session(config: SalesforceConfig, send: Callable[[Request], Reply], *, clock: Callable[[], float]) -> Session:
    """The session of a configuration; nothing is sent yet.

    Args:
        config: Its login.
        send: Sends a request without credentials to `config.login_url`, with `LoginDialect`.
        clock: Seconds since 1970.
    """
    if isinstance(config.login, ReadyToken):
        return ReadySession(config.login)
    return RenewedSession(config, send, clock=clock)


class ReadySession:
    """A token that somebody else got; it cannot be renewed."""

    def __init__(self, login: ReadyToken) -> None:
        self._login = login

    def authorization(self) -> str:
        """The value of the `Authorization` header."""
        return _header(self._login.token)

    def instance_url(self) -> str:
        """As the user set it."""
        return self._login.instance_url

    def renew(self, refused: str) -> bool:
        """Never.

        Raises:
            AuthError: Always; it says why.
        """
        del refused
        msg = (
            "Salesforce refuses 'access_token': it has ended, or does not belong to 'instance_url'. A ready token "
            "cannot be renewed; set a new one, or 'client_id' and 'client_secret' instead."
        )
        raise AuthError(msg)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a login gave: of its answer nothing else is read."""

    token: Secret
    instance_url: str


class RenewedSession:
    """A session that is asked for when it is first needed, and anew when it is refused.

    Salesforce does not say how long one lasts, and using it makes it last longer: it is never renewed ahead of time.

    Args:
        config: What to ask with.
        send: Sends a request without credentials.
        clock: Seconds since 1970.
    """

    def __init__(
        self, config: SalesforceConfig, send: Callable[[Request], Reply], *, clock: Callable[[], float]
    ) -> None:
        self._config = config
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._refusal: FatalError | None = None

    def authorization(self) -> str:
        """The value of the `Authorization` header.

        Raises:
            AuthError: The login is refused.
        """
        return _header(self._current().token)

    def instance_url(self) -> str:
        """Scheme and host that the login named.

        Raises:
            AuthError: The login is refused.
        """
        return self._current().instance_url

    def renew(self, refused: str) -> bool:
        """Log in anew, unless another thread just did.

        Raises:
            AuthError: The login is refused.
        """
        with self._lock:
            if self._grant is None or _header(self._grant.token) == refused:
                self._grant = self._ask()
            # a password can get the session that is there already
            return _header(self._grant.token) != refused

    def _current(self) -> Grant:
        with self._lock:
            if self._grant is None:
                self._grant = self._ask()
            return self._grant

    def _ask(self) -> Grant:
        """A new session; once asking has failed for good, nobody asks again: attempts lock users out."""
        if self._refusal is not None:
            raise self._refusal
        asked_at_s = self._clock()
        try:
            return parse(self._send(build(self._config, asked_at_s)))
        except FatalError as refusal:
            is_late = isinstance(self._config.login, SignedLogin) and self._clock() > asked_at_s + SIGNED_FOR_S
            self._refusal = FatalError(_TOO_LATE) if is_late else refusal
            raise self._refusal from None
        except RetryableError as error:
            # It was repeated already. Let through, it would be repeated again by every request that wants the session,
            # and a create would be taken for one whose reply was lost.
            msg = f"Salesforce's login does not answer, so nothing more can be sent. {error} Run again later."
            self._refusal = FatalError(msg)
            raise self._refusal from None


def build(config: SalesforceConfig, now_s: float) -> Request:
    """The request of a login.

    Args:
        config: Its login; not a ready token.
        now_s: Seconds since 1970.
    """
    if isinstance(config.login, SoapLogin):
        return soap.build(config.login, config.api_version)
    return Request("POST", TOKEN_PATH, form=_form(config, now_s), is_public=True)


def _form(config: SalesforceConfig, now_s: float) -> dict[str, str]:
    """The fields of a token request (source: api/salesforce.md 2.1)."""
    login = config.login
    if isinstance(login, SignedLogin):
        return {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": _assertion(login, audience(config.login_url), now_s),
        }
    if isinstance(login, RefreshLogin):
        secret = {"client_secret": login.client_secret.reveal()} if login.client_secret else {}
        return {
            "grant_type": "refresh_token",
            "client_id": login.client_id,
            "refresh_token": login.refresh_token.reveal(),
            **secret,
        }
    if isinstance(login, (ClientCredentials, PasswordLogin)):
        client = {"client_id": login.client_id, "client_secret": login.client_secret.reveal()}
        if isinstance(login, ClientCredentials):
            return {"grant_type": "client_credentials", **client}
        return {"grant_type": "password", **client, "username": login.username, "password": login.password.reveal()}
    msg = f"A {type(login).__name__} does not ask for a token: a defect of this target."
    raise FatalError(msg)


def audience(login_url: str) -> str:
    """Whom a signed login is for: login or test, whatever My Domain it is sent to; a site is its own audience.

    >>> audience("https://acme--uat.sandbox.my.salesforce.com")
    'https://test.salesforce.com'
    >>> audience("https://acme.my.salesforce.com"), audience("https://acme.my.site.com")
    ('https://login.salesforce.com', 'https://acme.my.site.com')
    """
    host = urlsplit(login_url).hostname or ""
    if host.endswith((".site.com", ".force.com")):
        return login_url
    # source: help.salesforce.com, "My Domain URL Formats"; CS… are the hosts of sandboxes without enhanced domains
    is_sandbox = host == "test.salesforce.com" or ".sandbox." in host or ".scratch." in host or "--" in host
    return AUDIENCES[is_sandbox]


def _assertion(login: SignedLogin, addressee: str, now_s: float) -> str:
    claims = {"iss": login.client_id, "sub": login.username, "aud": addressee, "exp": int(now_s) + SIGNED_FOR_S}
    return jwt.encode(claims, login.private_key.reveal(), algorithm="RS256")


def parse(reply: Reply) -> Grant:
    """What a login's answer gives.

    Raises:
        AuthError: No session, a session that is good for nothing, or one whose address a token must not be sent to.
    """
    body = reply.json_or_none()
    if isinstance(body, dict):
        token, url = body.get("access_token"), body.get("instance_url")
    else:
        found = soap.elements(reply.body)
        if found.get("passwordExpired") == "true":
            msg = "The password has expired. Change it, and set 'password' and the new 'security_token'."
            raise AuthError(msg)
        token, url = found.get("sessionId"), found.get("serverUrl")
    if not isinstance(token, str) or not token or not isinstance(url, str):
        msg = "What answers at 'login_url' is not Salesforce's login: it gives no session. Check 'login_url'."
        raise AuthError(msg)
    if addresses.problem(url, like=logins.MY_DOMAIN):
        msg = (
            "The login names an address of the org that is not https, or is none; the token is not sent there. Check "
            "'login_url'."
        )
        raise AuthError(msg)
    parts = urlsplit(url)
    return Grant(Secret(token), f"{parts.scheme}://{parts.netloc}")


def _header(token: Secret) -> str:
    return f"Bearer {token.reveal()}"
