"""Settings: one message names all that is wrong, and shows no secret."""

from __future__ import annotations

from typing import Any

import pytest

from reverse_etl_core.errors import ConfigError
from target_{{cookiecutter.name}}.config import API_URL, {{cookiecutter.class_name}}Config


def test_a_token_is_enough() -> None:
    """The address has a default; blanks of copying go; nothing shows the token (G7)."""
    config = {{cookiecutter.class_name}}Config.from_mapping({"access_token": " s3cret\n"})
    assert (config.access_token.reveal(), config.api_url) == ("s3cret", API_URL)
    assert "s3cret" not in f"{config!r}{config}"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, ["'access_token' is missing"]),
        ({"access_token": "Bearer x"}, ["'access_token'", "Bearer"]),
        ({"access_token": "x", "api_url": "http://api.example.com"}, ["'api_url'", "https"]),
        ({"api_url": "nonsense"}, ["'access_token'", "'api_url'"]),
    ],
)
def test_what_is_wrong_is_named(config: dict[str, Any], words: list[str]) -> None:
    """Each problem, in one error."""
    with pytest.raises(ConfigError) as caught:
        {{cookiecutter.class_name}}Config.from_mapping(config)
    assert all(word in str(caught.value) for word in words)
