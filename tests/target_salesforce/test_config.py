from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.redaction import Secret
from target_salesforce.config import API_VERSION, LOGIN_URL, SALESFORCE_SETTINGS, SANDBOX_URL, SalesforceConfig
from target_salesforce.logins import (
    ClientCredentials,
    PasswordLogin,
    ReadyToken,
    RefreshLogin,
    SignedLogin,
    SoapLogin,
)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def pem(key: Key, encryption: serialization.KeySerializationEncryption | None = None) -> str:
    """A private key as text."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, encryption or serialization.NoEncryption()).decode()


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = pem(RSA)
MY_DOMAIN = {"login_url": "https://acme.my.salesforce.com"}
READY = {"access_token": "00D!SECRET", "instance_url": "https://acme.my.salesforce.com"}
CLIENT = {"client_id": "app", "client_secret": "cs-SECRET", **MY_DOMAIN}
SIGNED = {"client_id": "app", "username": "ada@example.com", "private_key": PEM}
REFRESH = {"client_id": "app", "refresh_token": "rt-SECRET"}
SOAP = {"username": "ada@example.com", "password": "pw-SECRET"}
PASSWORD = {**SOAP, "client_id": "app", "client_secret": "cs-SECRET"}
WAYS = {
    "ready": (READY, ReadyToken),
    "client": (CLIENT, ClientCredentials),
    "signed": (SIGNED, SignedLogin),
    "refresh": (REFRESH, RefreshLogin),
    "refresh with secret": ({**REFRESH, "client_secret": "cs-SECRET"}, RefreshLogin),
    "password": (PASSWORD, PasswordLogin),
    "password with token": ({**PASSWORD, "security_token": "st-SECRET"}, PasswordLogin),
    "soap": (SOAP, SoapLogin),
    "soap with token": ({**SOAP, "security_token": "st-SECRET"}, SoapLogin),
}


def parsed(**config: Any) -> SalesforceConfig:
    """A configuration, on top of a login."""
    return SalesforceConfig.from_mapping({**READY, **config})


def problems_of(config: dict[str, Any]) -> tuple[str, ...]:
    """What is wrong with a configuration."""
    with pytest.raises(ConfigError) as caught:
        SalesforceConfig.from_mapping(config)
    assert "SECRET" not in str(caught.value)
    assert "PRIVATE KEY-----\n" not in str(caught.value)
    return caught.value.problems


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_logging_in_is_enough(way: str) -> None:
    """What each way needs is taken, and nothing of it shows (G7)."""
    config, kind = WAYS[way]
    login = SalesforceConfig.from_mapping(config).login
    assert isinstance(login, kind)
    assert "SECRET" not in f"{login!r}{login}"
    assert "PRIVATE KEY" not in f"{login!r}{login}"


def test_defaults() -> None:
    """Production, the newest version that is known, both APIs, and Salesforce's own rules."""
    config = parsed()
    assert (config.login_url, config.api_version, config.api) == (LOGIN_URL, API_VERSION, "auto")
    assert config.write_headers() == {}


def test_the_security_token_follows_the_password() -> None:
    """One follows the other; blanks of a password are its own, a line break at its end is the file's."""
    login = SalesforceConfig.from_mapping({**SOAP, "password": " a b \n", "security_token": "st\n"}).login
    assert isinstance(login, SoapLogin)
    assert login.password.reveal() == " a b st"


@pytest.mark.parametrize("text", [PEM, PEM.replace("\n", "\\n"), PEM.replace("\n", "\r\n"), f"\n {PEM.strip()} "])
def test_a_key_is_taken_in_any_form(text: str) -> None:
    """Environment variables have a backslash and an n, files of other systems have other line breaks."""
    login = SalesforceConfig.from_mapping({**SIGNED, "private_key": text}).login
    assert isinstance(login, SignedLogin)
    key = serialization.load_pem_private_key(login.private_key.reveal().encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.private_numbers() == RSA.private_numbers()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SECRET", "PEM"),
        (PEM[:300], "PEM"),
        (
            RSA.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "PEM",
        ),
        (pem(RSA, serialization.BestAvailableEncryption(b"SECRET")), "pass phrase"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "RSA"),
        (7, "string"),
    ],
    ids=["no key", "half a key", "public", "encrypted", "elliptic", "number"],
)
def test_what_is_no_key_is_refused(text: object, words: str) -> None:
    """A key that cannot sign is told before the first request."""
    (problem,) = problems_of({**SIGNED, "private_key": text})
    assert problem.startswith("'private_key'")
    assert words in problem


@pytest.mark.parametrize(
    ("config", "begun", "missing"),
    [
        ({"access_token": "t"}, "access_token", "'instance_url'"),
        ({"instance_url": "https://acme.my.salesforce.com"}, "instance_url", "'access_token'"),
        ({"client_id": "app", **MY_DOMAIN}, "client_id", "'client_secret'"),
        ({"client_secret": "cs-SECRET", **MY_DOMAIN}, "client_secret", "'client_id'"),
        ({"private_key": PEM}, "private_key", "'client_id' and 'username'"),
        ({"private_key": PEM, "client_id": "app"}, "private_key", "'username'"),
        ({"refresh_token": "rt-SECRET"}, "refresh_token", "'client_id'"),
        ({"password": "pw-SECRET"}, "password", "'username'"),
        ({"username": "ada"}, "username", "'private_key' (JWT bearer) or 'password'"),
        ({"username": "ada", "client_id": "app"}, "username", "'private_key' (JWT bearer) or 'password'"),
        ({"security_token": "st-SECRET"}, "security_token", "'password'"),
        ({**SOAP, "client_id": "app"}, "client_id", "'client_secret'"),
        ({**SOAP, "client_secret": "cs-SECRET"}, "client_secret", "'client_id'"),
    ],
)
def test_half_a_login_says_what_is_missing(config: dict[str, str], begun: str, missing: str) -> None:
    """The way that was begun is named by what is there, and by what is not."""
    (problem,) = problems_of(config)
    assert problem.startswith(f"'{begun}' is given without {missing}.")


def test_no_login_names_them_all() -> None:
    """Without any login the ways to give one are listed."""
    (problem,) = problems_of({})
    for setting in ("client_secret", "private_key", "refresh_token", "password", "access_token"):
        assert f"'{setting}'" in problem


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({**READY, **REFRESH}, ("'access_token' (a ready token)", "'refresh_token' (refresh token)")),
        ({**SIGNED, "password": "pw-SECRET"}, ("'private_key' (JWT bearer)", "'password'")),
        ({**READY, "client_id": "app"}, ("'client_id' is not used beside 'access_token'",)),
        ({**SIGNED, "client_secret": "cs-SECRET"}, ("'client_secret' is not used beside 'private_key'",)),
        ({**REFRESH, "username": "ada"}, ("'username' is not used beside 'refresh_token'",)),
        ({**SOAP, "instance_url": "https://acme.my.salesforce.com"}, ("'instance_url' is not", "The login itself")),
    ],
)
def test_contradictions_are_named(config: dict[str, str], named: tuple[str, ...]) -> None:
    """Two logins at once, or parts of another one, are ambiguous."""
    (problem,) = problems_of(config)
    assert all(one in problem for one in named)


@pytest.mark.parametrize("host", [None, "sandbox", "https://login.salesforce.com", "https://TEST.salesforce.com/"])
def test_client_credentials_need_a_my_domain(host: str | None) -> None:
    """The hosts that all customers share refuse them; that is said before they do."""
    (problem,) = problems_of({"client_id": "app", "client_secret": "cs-SECRET", "login_url": host})
    assert problem.startswith("'login_url'")
    assert "My Domain" in problem


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sandbox", SANDBOX_URL),
        ("Test", SANDBOX_URL),
        ("production", LOGIN_URL),
        ("login", LOGIN_URL),
        ("https://acme.my.salesforce.com/", "https://acme.my.salesforce.com"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
    ],
)
def test_login_hosts_have_short_names(written: str, meant: str) -> None:
    """The words that people use for the two shared hosts are taken; `http` on this machine only."""
    assert SalesforceConfig.from_mapping({**SOAP, "login_url": written}).login_url == meant


@pytest.mark.parametrize("setting", ["login_url", "instance_url"])
@pytest.mark.parametrize(
    "url",
    [
        "acme.my.salesforce.com",
        "http://acme.my.salesforce.com",
        "https://user:SECRET@acme.my.salesforce.com",
        "https://acme.my.salesforce.com/services/oauth2/token",
        "https://acme.lightning.force.com",
        "https://acme.my.salesforce-setup.com",
        7,
    ],
)
def test_bad_addresses_are_refused(setting: str, url: object) -> None:
    """An address without the API, or over which a token would leak, is refused once, and not shown."""
    (problem,) = problems_of({**READY, setting: url})
    assert problem.startswith(f"'{setting}'")


@pytest.mark.parametrize("written", ["67.0", "v67.0", "67", "V67", 67, 67.0, " 67.0\n", "", None])
def test_versions_are_read_as_written(written: object) -> None:
    """YAML makes a number of it, and people copy the `v` of a path."""
    assert parsed(api_version=written).api_version == "67.0"


@pytest.mark.parametrize("written", ["45.0", 42, "20", "67.1", "latest", True, [67]])
def test_bad_versions_are_refused(written: object) -> None:
    """Before 46.0 several records cannot be upserted at once."""
    (problem,) = problems_of({**READY, "api_version": written})
    assert problem.startswith("'api_version'")


@pytest.mark.parametrize(
    ("rule", "header"),
    [
        ("default", None),
        ("off", "FALSE"),
        (False, "FALSE"),
        ("01Q000000000001", "01Q000000000001"),
        ("01Q000000000001AAA", "01Q000000000001AAA"),
    ],
)
def test_assignment_rules(rule: object, header: str | None) -> None:
    """Salesforce's own behaviour needs no header; YAML reads a bare off as false."""
    assert parsed(assignment_rule=rule).write_headers().get("Sforce-Auto-Assign") == header


@pytest.mark.parametrize("rule", ["TRUE", "01Q", "00Q000000000001", "01Q000000000001\r\nX: SECRET", 7])
def test_bad_assignment_rules_are_refused(rule: object) -> None:
    """Only what is an id of a rule becomes a header."""
    (problem,) = problems_of({**READY, "assignment_rule": rule})
    assert problem.startswith("'assignment_rule'")


def test_duplicates_are_allowed_on_request() -> None:
    """The header goes with requests; jobs do not know it, so none are used."""
    config = parsed(allow_duplicates="true")
    assert config.write_headers() == {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    assert config.api == "rest"
    (problem,) = problems_of({**READY, "allow_duplicates": True, "api": "bulk"})
    assert "'allow_duplicates'" in problem


def test_all_problems_come_at_once() -> None:
    """One error lists every bad setting."""
    bad = {"login_url": "x", "api_version": "x", "api": "x", "assignment_rule": "x", "allow_duplicates": "x"}
    assert len(problems_of({**bad, "access_token": "Bearer SECRET"})) == 6


def test_secret_settings_are_marked() -> None:
    """Meltano hides what is marked as secret, and every setting is described."""
    secret = {one.name for one in SALESFORCE_SETTINGS if one.secret}
    assert secret == {
        "access_token",
        "client_secret",
        "password",
        "private_key",
        "refresh_token",
        "security_token",
    }
    assert all(one.description for one in SALESFORCE_SETTINGS)


def test_secrets_are_secrets() -> None:
    """What a login holds of a secret is a `Secret`."""
    for config, _ in WAYS.values():
        login = SalesforceConfig.from_mapping(config).login
        texts = {name: getattr(login, name) for name in login.__slots__}
        assert all(isinstance(text, str | None) for text in texts.values() if not isinstance(text, Secret))
        assert not any("SECRET" in str(text) for text in texts.values())
