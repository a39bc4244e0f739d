"""The webhook's own settings, parsed once into a frozen value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from reverse_etl_core.redaction import Secret
from reverse_etl_core.schema import FieldType
from reverse_etl_core.settings_reader import SettingsReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.config import CommonConfig

API_URL = "https://hooks.example.com"
CHECK_PATH = "/status"
TYPES = {one.value: one for one in FieldType if one not in (FieldType.OPTION, FieldType.OPTIONS, FieldType.KEYS)}
PATH = re.compile(r"/[\w\-./~{}]*", re.ASCII)

OWN_SETTINGS: tuple[th.Property[Any], ...] = (
    th.Property("access_token", th.StringType, secret=True, description="Token that goes with each request (Bearer)."),
    th.Property(
        "api_url",
        th.StringType,
        default=API_URL,
        description="Address of the receiver, to which paths are added. `http` is taken for loopback hosts.",
    ),
    th.Property(
        "check_path",
        th.StringType,
        default=CHECK_PATH,
        description="Path that answers a GET with 2xx where the token is good; asked once before the first record.",
    ),
    th.Property(
        "objects",
        th.ObjectType(additional_properties=th.ObjectType()),
        description="Per object its `path`, in which `{object}` stands for its name, the field that is its `key`, and "
        "`fields` with the type of each: string, email, integer, number, boolean, date or datetime.",
    ),
)
"""What the target adds to the settings of every target."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the records of an object go, and what they hold."""

    name: str
    path: str
    key: str
    fields: Mapping[str, FieldType]


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """See `OWN_SETTINGS` for what each setting means."""

    access_token: Secret
    api_url: str
    check_path: str
    objects: Mapping[str, Endpoint]

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> WebhookConfig:
        """Parse the target's own settings; settings of others are left alone.

        Raises:
            ConfigError: Names every bad setting with its remedy.
        """
        reader = SettingsReader(config)
        before = len(reader.problems)
        token = reader.credential("access_token")
        if not token and len(reader.problems) == before:
            reader.bad("access_token", "is missing. Set the token that the receiver expects.")
        check_path = reader.text("check_path") or CHECK_PATH
        if not PATH.fullmatch(check_path):
            reader.bad("check_path", "must be a path, as in /status.")
        objects = reader.inside("objects")
        parsed = cls(
            access_token=Secret(token),
            api_url=reader.address("api_url", API_URL),
            check_path=check_path,
            objects={name: _endpoint(objects.inside(name), name) for name in objects.config},
        )
        reader.raise_if_bad()
        return parsed


def _endpoint(reader: SettingsReader, name: str) -> Endpoint:
    reader.unknown(("path", "key", "fields"))
    path, key = reader.text("path") or "", reader.text("key") or ""
    if not PATH.fullmatch(path.replace("{object}", "")) or "{" in path.replace("{object}", ""):
        reader.bad("path", "must be a path, as in /hooks/{object}.")
    if not key:
        reader.bad("key", "is missing. Name the field that recognises a record.")
    kinds = {one: str(kind) for one, kind in reader.mapping("fields").items()}
    for one, kind in kinds.items():
        if kind not in TYPES:
            reader.bad(f"fields.{one}", f"has the type '{kind}'; there are: {', '.join(TYPES)}.")
    fields = {key: FieldType.STRING} | {one: TYPES.get(kind, FieldType.STRING) for one, kind in kinds.items()}
    return Endpoint(name, path.replace("{object}", name), key, fields)


def problems_without_reading(common: CommonConfig) -> list[str]:
    """What the common settings ask for and a receiver that cannot be read does not allow."""
    found = []
    if common.dry_run:
        found.append("'dry_run' has to read what is there, and a webhook cannot be read. Remove it.")
    if common.compare_with == "destination":
        found.append("'compare_with' has to read what is there, and a webhook cannot be read. Leave it at 'ledger'.")
    methods = {"load_method": common.load_method}
    methods |= {f"streams.{name}.load_method": one.load_method for name, one in common.streams.items()}
    return found + [
        f"'{name}' is '{method}', which has to look records up or remove them; a webhook takes 'upsert' only."
        for name, method in methods.items()
        if method != "upsert"
    ]
