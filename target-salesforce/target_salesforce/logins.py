"""The ways of logging in to Salesforce, and which one the settings mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_etl_core.settings_reader import SettingsReader

MY_DOMAIN = "https://<your domain>.my.salesforce.com"
# source: help.salesforce.com, "OAuth 2.0 Client Credentials Flow": the shared login hosts do not take it
SHARED_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})


@dataclass(frozen=True, slots=True)
class ReadyToken:
    """An access token that somebody else got."""

    token: Secret
    instance_url: str


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """An app that acts as the user which its administrator named."""

    client_id: str
    client_secret: Secret


@dataclass(frozen=True, slots=True)
class SignedLogin:
    """JWT bearer: an app that vouches for a user with its private key."""

    client_id: str
    username: str
    private_key: Secret


@dataclass(frozen=True, slots=True)
class RefreshLogin:
    """An app that a user has once allowed to act in their name."""

    client_id: str
    client_secret: Secret | None
    refresh_token: Secret


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """A user's password, given to an app; `password` ends with the security token."""

    client_id: str
    client_secret: Secret
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class SoapLogin:
    """A user's password without an app: legacy; `password` ends with the security token."""

    username: str
    password: Secret


Login = ReadyToken | ClientCredentials | SignedLogin | RefreshLogin | PasswordLogin | SoapLogin


@dataclass(frozen=True, slots=True)
class Way:
    """What the settings of one way of logging in are.

    Attributes:
        name: For messages.
        begun_by: The setting that means this way.
        needs: What has to be there as well.
        takes: What may be there as well.
    """

    name: str
    begun_by: str
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()

    def settings(self) -> tuple[str, ...]:
        """All that this way reads."""
        return (self.begun_by, *self.needs, *self.takes)


READY = Way("a ready token", "access_token", ("instance_url",))
SIGNED = Way("JWT bearer", "private_key", ("client_id", "username"))
REFRESH = Way("refresh token", "refresh_token", ("client_id",), ("client_secret",))
PASSWORD = Way("user name and password", "password", ("username",), ("security_token", "client_id", "client_secret"))
CLIENT = Way("client credentials", "client_secret", ("client_id",))
BEGUN = (READY, SIGNED, REFRESH, PASSWORD)
"""Those that one setting tells apart; a client's secret alone is `CLIENT`."""

# Settings that begin nothing, and what they belong to.
PARTNERS = {
    "username": "'private_key' (JWT bearer) or 'password'",
    "security_token": "'password'",
    "instance_url": "'access_token'",
}


WAYS: dict[type[Login], Way] = {
    ReadyToken: READY,
    SignedLogin: SIGNED,
    RefreshLogin: REFRESH,
    PasswordLogin: PASSWORD,
    SoapLogin: Way("SOAP login", "password", ("username",), ("security_token",)),
    ClientCredentials: CLIENT,
}
"""The way that each login is."""


def read_login(reader: SettingsReader, login_url: str) -> Login:
    """The one way that the settings describe completely; problems go to the reader.

    Args:
        reader: The settings.
        login_url: Where the login will be asked for, already read.
    """
    problems_before = len(reader.problems)
    readings: dict[str, Callable[[SettingsReader, str], str]] = {
        "password": _password,
        "private_key": _private_key,
        "username": _username,
        "instance_url": _instance_url,
    }
    names = sorted({name for way in (*BEGUN, CLIENT) for name in way.settings()})
    given = {name: text for name in names if (text := readings.get(name, _credential)(reader, name))}
    if len(reader.problems) > problems_before:
        return _login(None, given)  # what is wrong with a value has been said; guessing would only confuse
    way = _meant(reader, given)
    if way is not None:
        _check(reader, way, given)
    if way is CLIENT and urlsplit(login_url).hostname in SHARED_HOSTS:
        reader.bad(
            "login_url",
            "is a login host that all customers share, but client credentials are taken at your own one only. Set it "
            f"to your My Domain, {MY_DOMAIN}.",
        )
    return _login(way, given)


def host_problem(url: str) -> str | None:
    """What is wrong with an address of Salesforce beyond its form; the end of a sentence.

    >>> host_problem("https://acme.my.salesforce.com")
    >>> host_problem("https://acme.lightning.force.com")[:38]
    'is the address of pages for people, no'
    """
    parts = urlsplit(url)
    if parts.path not in {"", "/"}:
        return f"must end after the host, like {MY_DOMAIN}."
    # source: help.salesforce.com, "My Domain URL Formats"
    if (parts.hostname or "").endswith((".lightning.force.com", ".salesforce-setup.com")):
        return f"is the address of pages for people, not of the API. Set it to {MY_DOMAIN}."
    return None


def _meant(reader: SettingsReader, given: Mapping[str, str]) -> Way | None:
    """The way that was begun; `None` where none was, or several."""
    begun = [way for way in BEGUN if way.begun_by in given]
    if len(begun) > 1:
        names = " and ".join(f"'{way.begun_by}' ({way.name})" for way in begun)
        reader.bad(begun[0].begun_by, f"is not the only login: {names} are given. Keep one of them.")
        return None
    if begun:
        return begun[0]
    strays = [name for name in PARTNERS if name in given]
    for name in strays:
        reader.bad(name, f"is given without {PARTNERS[name]}. Add it, or remove '{name}'.")
    if strays:
        return None
    if "client_id" in given or "client_secret" in given:
        return CLIENT
    reader.bad(
        "client_id",
        "is missing, and so is every other login. Set 'client_id' and 'client_secret' (client credentials), "
        "'client_id', 'username' and 'private_key' (JWT bearer), 'client_id' and 'refresh_token', 'username' and "
        "'password', or 'access_token' and 'instance_url'.",
    )
    return None


def _check(reader: SettingsReader, way: Way, given: Mapping[str, str]) -> None:
    """Complain of what the way lacks, and of what contradicts it."""
    present = [name for name in way.settings() if name in given]
    missing = [f"'{name}'" for name in (way.begun_by, *way.needs) if name not in given]
    if missing:
        reader.bad(present[0], f"is given without {' and '.join(missing)}. Add what is missing for {way.name}.")
    half = {"client_id", "client_secret"} & set(given)
    if way is PASSWORD and len(half) == 1:
        (other,) = {"client_id", "client_secret"} - half
        reader.bad(half.pop(), f"is given without '{other}'. A password needs both (OAuth) or none (SOAP).")
    for name in given:
        if name not in way.settings():
            because = "The login itself tells it. " if name == "instance_url" else ""
            reader.bad(name, f"is not used beside '{way.begun_by}' ({way.name}). {because}Remove one of the two.")


def _login(way: Way | None, given: Mapping[str, str]) -> Login:
    """The values of one way; without one, something that is never used."""
    text = {name: given.get(name, "") for name in (*given, *(way.settings() if way else ()))}
    if way is SIGNED:
        return SignedLogin(text["client_id"], text["username"], Secret(text["private_key"]))
    if way is REFRESH:
        secret = text["client_secret"]
        return RefreshLogin(text["client_id"], Secret(secret) if secret else None, Secret(text["refresh_token"]))
    if way is CLIENT:
        return ClientCredentials(text["client_id"], Secret(text["client_secret"]))
    if way is PASSWORD:
        # source: REST API Developer Guide, "OAuth 2.0 Username-Password Flow": one follows the other directly
        password = Secret(text["password"] + text["security_token"])
        if not text["client_id"]:
            return SoapLogin(text["username"], password)
        return PasswordLogin(text["client_id"], Secret(text["client_secret"]), text["username"], password)
    return ReadyToken(Secret(given.get("access_token", "")), given.get("instance_url", ""))


def _credential(reader: SettingsReader, name: str) -> str:
    return reader.credential(name)


def _password(reader: SettingsReader, name: str) -> str:
    """As it is, blanks included, but for the line break that a file ends with."""
    return (reader.text(name) or "").rstrip("\r\n")


def _username(reader: SettingsReader, name: str) -> str:
    return (reader.text(name) or "").strip()


def _instance_url(reader: SettingsReader, name: str) -> str:
    if reader.config.get(name) in (None, ""):
        return ""
    problems_before = len(reader.problems)
    url = reader.address(name, MY_DOMAIN)
    problem = host_problem(url)
    if problem and len(reader.problems) == problems_before:
        reader.bad(name, problem)
    return url


def _private_key(reader: SettingsReader, name: str) -> str:
    """The key as PEM; environment variables often have a backslash and an n where it has line breaks."""
    text = (reader.text(name) or "").strip()
    if not text:
        return ""
    text = text.replace("\\r", "").replace("\\n", "\n") + "\n"
    if "ENCRYPTED" in text:
        reader.bad(name, "is protected by a pass phrase. Take it off: openssl rsa -in server.key -out plain.key")
        return text
    try:
        is_rsa = isinstance(load_pem_private_key(text.encode(), password=None), RSAPrivateKey)
    except (ValueError, TypeError):
        reader.bad(name, "is not a private key in PEM form, from -----BEGIN … to … PRIVATE KEY----- with its lines.")
        return text
    if not is_rsa:
        reader.bad(name, "is not an RSA key, and Salesforce takes no other (RS256).")
    return text
