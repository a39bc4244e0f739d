"""{{cookiecutter.title}}'s own settings, parsed once into a frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from reverse_etl_core.redaction import Secret
from reverse_etl_core.settings_reader import SettingsReader

if TYPE_CHECKING:
    from collections.abc import Mapping

# Skeleton: the root of the API. Yours: the vendor's reference.
API_URL = "https://api.example.com"

# Skeleton: one token that does not expire. Yours: whatever the vendor asks for; a secret has `secret=True`, and each
# setting has its row in the README and its line in meltano.yml.
OWN_SETTINGS: tuple[th.Property[Any], ...] = (
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        description="Token of the account, as its settings page shows it.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default=API_URL,
        description="Root of the API; another one only for a proxy or a simulator. `http` is taken for loopback hosts.",
    ),
)
"""What the target adds to the settings of every target."""


@dataclass(frozen=True, slots=True)
class {{cookiecutter.class_name}}Config:
    """See `OWN_SETTINGS` for what each setting means."""

    access_token: Secret
    api_url: str

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> {{cookiecutter.class_name}}Config:
        """Parse the target's own settings; settings of others are left alone.

        Raises:
            ConfigError: Names every bad setting with its remedy.
        """
        reader = SettingsReader(config)
        before = len(reader.problems)
        token = reader.credential("access_token")
        if not token and len(reader.problems) == before:
            # Skeleton: where a token is made. Yours: the menu of the vendor's settings, in its own words.
            reader.bad("access_token", "is missing. Make one in the settings of the account, and set it.")
        parsed = cls(access_token=Secret(token), api_url=reader.address("api_url", API_URL))
        reader.raise_if_bad()
        return parsed
