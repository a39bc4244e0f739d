"""HubSpot's own settings, parsed once into a frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from reverse_etl_core.redaction import Secret
from reverse_etl_core.settings_reader import SettingsReader

if TYPE_CHECKING:
    from collections.abc import Mapping

API_URL = "https://api.hubapi.com"  # accounts in the EU use the same host
API_VERSIONS = ("2026-09", "2026-03", "v3")
# source: HubSpot docs, versioning pages: 2026-09 is current, v3 loses support in September 2027.
LIFECYCLE_STAGE = ("forbid", "clear_then_set")
PROPERTY_GROUP = "reverse_etl"
OAUTH_SETTINGS = ("client_id", "client_secret", "refresh_token")

HUBSPOT_SETTINGS: tuple[th.Property[Any], ...] = (
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        description="Token of a service key or private app (`pat-…`). Either this, or the three OAuth settings.",
    ),
    th.Property("client_id", th.StringType, description="Client id of the OAuth app."),
    th.Property("client_secret", th.StringType, secret=True, description="Client secret of the OAuth app."),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        description="Refresh token of the OAuth app's installation in your account. Access tokens are renewed in "
        "memory and never written anywhere.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default=API_URL,
        description="Root of the API; another one only for a proxy or a simulator. `http` is taken for loopback hosts.",
    ),
    th.Property(
        "api_version",
        th.StringType,
        default=API_VERSIONS[0],
        allowed_values=list(API_VERSIONS),
        description="Version of the API. HubSpot releases one each March and September; `v3` is the last one without "
        "a date and is supported until September 2027.",
    ),
    th.Property(
        "lifecycle_stage",
        th.StringType,
        default=LIFECYCLE_STAGE[0],
        allowed_values=list(LIFECYCLE_STAGE),
        description="What becomes of a record whose `lifecyclestage` is behind that of HubSpot, which moves it forward "
        "only: `forbid` rejects it, and `clear_then_set` empties the stage and writes it in a second request.",
    ),
    th.Property(
        "create_properties",
        th.BooleanType,
        default=False,
        description="Create a property for each column that the object has none for, with a type from the stream's "
        "schema.",
    ),
    th.Property(
        "property_group",
        th.StringType,
        default=PROPERTY_GROUP,
        description="Name of the group in which properties are created; it is created where there is none.",
    ),
    th.Property(
        "create_match_property",
        th.BooleanType,
        default=False,
        description="Create the property that `match_on` names, with unique values, where the object has neither it "
        "nor another one of the account's own with unique values.",
    ),
)
"""What the target adds to the settings of every target."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token that does not expire."""

    token: Secret


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """What an OAuth app needs to get access tokens."""

    client_id: str
    client_secret: Secret
    refresh_token: Secret


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user decides about properties; see `HUBSPOT_SETTINGS`."""

    lifecycle_stage: str = LIFECYCLE_STAGE[0]
    create_properties: bool = False
    property_group: str = PROPERTY_GROUP
    create_match_property: bool = False


@dataclass(frozen=True, slots=True)
class HubSpotConfig:
    """See `HUBSPOT_SETTINGS` for what each setting means."""

    credentials: AccessToken | OAuthApp
    api_url: str
    api_version: str
    choices: Choices

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> HubSpotConfig:
        """Parse HubSpot's settings; settings of others are left alone.

        Raises:
            ConfigError: Names every bad setting with its remedy.
        """
        reader = SettingsReader(config)
        parsed = cls(
            credentials=_credentials(reader),
            api_url=reader.address("api_url", API_URL),
            api_version=reader.choice("api_version", API_VERSIONS, default=API_VERSIONS[0]),
            choices=_choices(reader),
        )
        reader.raise_if_bad()
        return parsed


def _choices(reader: SettingsReader) -> Choices:
    return Choices(
        lifecycle_stage=reader.choice("lifecycle_stage", LIFECYCLE_STAGE, default=LIFECYCLE_STAGE[0]),
        create_properties=reader.flag("create_properties", default=False),
        property_group=(reader.text("property_group") or "").strip() or PROPERTY_GROUP,
        create_match_property=reader.flag("create_match_property", default=False),
    )


def _credentials(reader: SettingsReader) -> AccessToken | OAuthApp:
    problems_before = len(reader.problems)
    token = reader.credential("access_token")
    oauth = {name: reader.credential(name) for name in OAUTH_SETTINGS}
    given = [name for name in OAUTH_SETTINGS if oauth[name]]
    missing = [f"'{name}'" for name in OAUTH_SETTINGS if not oauth[name]]
    if len(reader.problems) > problems_before:
        pass  # what is wrong with a value has been said; guessing about the others would only confuse
    elif token and given:
        reader.bad("access_token", "and the OAuth settings are both given. Remove one of the two.")
    elif given and missing:
        reader.bad(given[0], f"is given without {', '.join(missing)}. OAuth needs all three; add what is missing.")
    elif not token and missing:
        reader.bad(
            "access_token",
            "is missing. Create a service key in HubSpot and set its token, or set 'client_id', 'client_secret' and "
            "'refresh_token' of an OAuth app.",
        )
    if token:
        return AccessToken(Secret(token))
    return OAuthApp(oauth["client_id"], Secret(oauth["client_secret"]), Secret(oauth["refresh_token"]))
