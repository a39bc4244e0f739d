from __future__ import annotations

from typing import Any

import pytest

from reverse_etl_core.errors import ConfigError
from target_hubspot.config import API_URL, HUBSPOT_SETTINGS, AccessToken, HubSpotConfig, OAuthApp

OAUTH = {"client_id": "app", "client_secret": "cs-SECRET", "refresh_token": "rt-SECRET"}
TOKEN = {"access_token": "pat-na1-SECRET"}


def problems_of(**config: Any) -> tuple[str, ...]:
    """What is wrong with a configuration."""
    with pytest.raises(ConfigError) as caught:
        HubSpotConfig.from_mapping(config)
    assert "SECRET" not in str(caught.value)
    return caught.value.problems


def test_a_token_is_enough() -> None:
    """A token alone gives the real API in its current version."""
    config = HubSpotConfig.from_mapping({"access_token": " pat-na1-SECRET\n"})
    assert isinstance(config.credentials, AccessToken)
    assert config.credentials.token.reveal() == "pat-na1-SECRET"
    assert (config.api_url, config.api_version) == (API_URL, "2026-09")


def test_an_oauth_app_is_enough() -> None:
    """The three OAuth settings give an app."""
    config = HubSpotConfig.from_mapping(OAUTH)
    assert isinstance(config.credentials, OAuthApp)
    assert config.credentials.refresh_token.reveal() == "rt-SECRET"


@pytest.mark.parametrize("config", [TOKEN, OAUTH])
def test_secrets_do_not_show(config: dict[str, str]) -> None:
    """Neither repr nor str of the configuration shows a credential (G7)."""
    parsed = HubSpotConfig.from_mapping(config)
    assert "SECRET" not in f"{parsed!r}{parsed}"


def test_missing_credentials_name_both_ways() -> None:
    """Without credentials both ways to give them are named."""
    (problem,) = problems_of()
    assert "'access_token'" in problem
    assert "'refresh_token'" in problem


def test_both_credentials_are_one_too_many() -> None:
    """A token and an OAuth app together are ambiguous."""
    assert len(problems_of(**TOKEN, client_id="app")) == 1


@pytest.mark.parametrize("left_out", sorted(OAUTH))
def test_half_an_oauth_app_is_named(left_out: str) -> None:
    """The missing part of the OAuth settings is named."""
    (problem,) = problems_of(**{name: value for name, value in OAUTH.items() if name != left_out})
    assert f"'{left_out}'" in problem


@pytest.mark.parametrize("token", ["Bearer pat-SECRET", "pat SECRET", "pat\nSECRET", "pät-SECRET", 5])
def test_what_cannot_be_a_token_is_refused(token: object) -> None:
    """A token with the scheme, blanks or line breaks is refused without being shown."""
    assert len(problems_of(access_token=token)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "api.hubapi.com",
        "ftp://api.hubapi.com",
        "https://",
        "https://[::1",
        "https://host:port",
        "https://user:SECRET@host",
        "https://host/?key=SECRET",
        "https://host/#SECRET",
        "http://hubapi.example.com",
        "http://127.0.0.1.example.com",
        "https://a host",
        7,
    ],
)
def test_bad_addresses_are_refused(url: object) -> None:
    """An address that cannot be called, or over which a token would leak, is refused without being shown."""
    assert len(problems_of(**TOKEN, api_url=url)) == 1


@pytest.mark.parametrize(
    "url", ["https://proxy.example.com/hubspot/", "http://127.0.0.1:8765", "http://localhost", "http://[::1]:80"]
)
def test_good_addresses_are_taken(url: str) -> None:
    """Proxies over https and loopback hosts over http are fine; a slash at the end does not matter."""
    assert HubSpotConfig.from_mapping({**TOKEN, "api_url": url}).api_url == url.rstrip("/")


def test_all_problems_come_at_once() -> None:
    """One error lists every bad setting."""
    problems = problems_of(api_url="nowhere", api_version="2025-09")
    assert len(problems) == 3
    assert any("2026-09" in problem for problem in problems)


def test_secret_settings_are_marked() -> None:
    """Meltano hides what is marked as secret, and every setting is described."""
    secret = {one.name for one in HUBSPOT_SETTINGS if one.secret}
    assert secret == {"access_token", "client_secret", "refresh_token"}
    assert all(one.description for one in HUBSPOT_SETTINGS)
