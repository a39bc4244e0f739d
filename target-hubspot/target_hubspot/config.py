"""HubSpot's own settings, parsed once into a frozen value."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from singer_sdk import typing as th

from reverse_etl_core.config import SettingsReader
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

API_URL = "https://api.hubapi.com"
API_VERSIONS = ("2026-09", "2026-03", "v3")
OAUTH_SETTINGS = ("client_id", "client_secret", "refresh_token")

HUBSPOT_SETTINGS: tuple[th.Property[Any], ...] = (
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        description="Token of a service key or private app (`pat-…`). Needs the read and write scopes of the objects, "
        "and the read scope of their schemas. Either this, or `client_id`, `client_secret` and `refresh_token`.",
    ),
    th.Property("client_id", th.StringType, description="Of an OAuth app."),
    th.Property("client_secret", th.StringType, secret=True, description="Of an OAuth app."),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        description="Of an OAuth app; access tokens are kept in memory only.",
    ),
    th.Property("api_url", th.StringType, default=API_URL, description="Root of the API; a simulator's, say."),
    th.Property(
        "api_version",
        th.StringType,
        default=API_VERSIONS[0],
        allowed_values=list(API_VERSIONS),
        description="Version of the API's paths: dated, or the older `v3`.",
    ),
)


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """What a new access token is asked for with."""

    client_id: str
    client_secret: Secret
    refresh_token: Secret


@dataclass(frozen=True, slots=True)
class HubSpotConfig:
    """See `HUBSPOT_SETTINGS` for what each setting means. Exactly one of the two credentials is set."""

    access_token: Secret | None
    oauth_app: OAuthApp | None
    api_url: str
    api_version: str

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> HubSpotConfig:
        """Parse the vendor's settings.

        Raises:
            ConfigError: Names every bad setting with its remedy.
        """
        reader = SettingsReader(config)
        token = reader.text("access_token")
        app = _oauth_app(reader, has_token=token is not None)
        parsed = cls(
            access_token=Secret(token) if token else None,
            oauth_app=app,
            api_url=_api_url(reader),
            api_version=reader.choice("api_version", API_VERSIONS, default=API_VERSIONS[0]),
        )
        reader.raise_if_bad()
        return parsed


def _oauth_app(reader: SettingsReader, *, has_token: bool) -> OAuthApp | None:
    given = {name: reader.text(name) for name in OAUTH_SETTINGS}
    present = [name for name, value in given.items() if value]
    if has_token and present:
        reader.bad("access_token", f"and {', '.join(present)} are both set. Remove one or the other.")
    elif present and len(present) < len(OAUTH_SETTINGS):
        for name in OAUTH_SETTINGS:
            if name not in present:
                reader.bad(name, f"is missing, but {', '.join(present)} is set. OAuth needs all three.")
    elif not present and not has_token:
        reader.bad("access_token", f"is missing. Set it, or {', '.join(OAUTH_SETTINGS)}.")
    if len(present) < len(OAUTH_SETTINGS):
        return None
    values = [str(given[name]) for name in OAUTH_SETTINGS]
    return OAuthApp(values[0], Secret(values[1]), Secret(values[2]))


def _api_url(reader: SettingsReader) -> str:
    url = reader.text("api_url") or API_URL
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        reader.bad("api_url", f"must be an address like {API_URL}.")
    elif parts.scheme == "http" and not _is_loopback(parts.hostname):
        reader.bad("api_url", "must begin with https: a token would travel in the clear.")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
