"""Mailchimp's own settings, parsed once into a frozen value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from reverse_etl_core.redaction import Secret
from reverse_etl_core.settings_reader import SettingsReader

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLE_URL = "https://us6.api.mailchimp.com"
PREFIX = re.compile(r"[a-z]{2,6}[0-9]{1,4}")
"""A data centre. source: Mailchimp docs, "Marketing API fundamentals", "The API root"."""
ENDING = re.compile(rf"-({PREFIX.pattern})")

# source: OpenAPI of 2026, `status_if_new` of lists/members; `cleaned` is what a bounce does, nobody starts with it
STATUSES_IF_NEW = ("subscribed", "pending", "transactional", "unsubscribed")
RESUBSCRIBE = ("never", "pending", "always")

MAILCHIMP_SETTINGS: tuple[th.Property[Any], ...] = (
    th.Property(
        "api_key",
        th.StringType,
        secret=True,
        description="API key with the data centre at its end (`…-us6`). Either this, or `access_token`. Keys that were "
        "made from 22 June 2026 on end after a year.",
    ),
    th.Property("access_token", th.StringType, secret=True, description="OAuth token of an app; it does not expire."),
    th.Property(
        "server_prefix",
        th.StringType,
        description="Data centre of the account, like `us6`, for `access_token`; without it Mailchimp is asked. An API "
        "key names its own.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        description="Root of the API; default: the data centre's, like `https://us6.api.mailchimp.com`. Another one "
        "only for a proxy or a simulator. `http` is taken for loopback hosts.",
    ),
    th.Property(
        "list_id",
        th.StringType,
        description="Audience that the object `members` means: its id or its name. A stream may name another one as "
        "its `object`, and a record by `object_from`.",
    ),
    th.Property(
        "status_if_new",
        th.StringType,
        default=STATUSES_IF_NEW[0],
        allowed_values=list(STATUSES_IF_NEW),
        description="Status of a new member whose record names none: `subscribed`; `pending` asks the person by mail "
        "first (double opt-in); `transactional` and `unsubscribed` members get no campaigns.",
    ),
    th.Property(
        "resubscribe",
        th.StringType,
        default=RESUBSCRIBE[0],
        allowed_values=list(RESUBSCRIBE),
        description="What happens to a member who is not subscribed and whose record says `subscribed`: `never` "
        "changes the status; `pending` asks the person by mail; `always` sends the status of the record, which needs a "
        "new consent of the person. Other fields are updated in any case.",
    ),
    th.Property(
        "revive_archived",
        th.BooleanType,
        default=False,
        description="Bring archived members back when a record arrives for them.",
    ),
    th.Property(
        "tag_prefix",
        th.StringType,
        description="How the tags begin that this sync manages (`crm: `, say): those that a member has and its record "
        "lacks are taken away. Without it, and for all other tags, tags are only added.",
    ),
    th.Property(
        "create_merge_fields",
        th.BooleanType,
        default=False,
        description="Create a merge field for each column that the audience has no field for.",
    ),
    th.Property(
        "skip_merge_validation",
        th.BooleanType,
        default=False,
        description="Take members without a value in merge fields that the audience requires.",
    ),
)
"""What the target adds to the settings of every target."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key; it belongs to one user of one account."""

    key: Secret


@dataclass(frozen=True, slots=True)
class OAuthToken:
    """A token of an OAuth app; it does not name the data centre."""

    token: Secret


@dataclass(frozen=True, slots=True)
class MailchimpConfig:
    """See `MAILCHIMP_SETTINGS` for what each setting means; `api_url` is `None` where Mailchimp has to be asked."""

    credentials: ApiKey | OAuthToken
    api_url: str | None
    list_id: str | None
    status_if_new: str
    resubscribe: str
    revive_archived: bool
    tag_prefix: str | None
    create_merge_fields: bool
    skip_merge_validation: bool

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> MailchimpConfig:
        """Parse Mailchimp's settings; settings of others are left alone.

        Raises:
            ConfigError: Names every bad setting with its remedy.
        """
        reader = SettingsReader(config)
        credentials = _credentials(reader)
        list_id = reader.text("list_id")
        parsed = cls(
            credentials=credentials,
            api_url=_api_url(reader, credentials),
            list_id=(list_id or "").strip() or None,
            status_if_new=reader.choice("status_if_new", STATUSES_IF_NEW, default=STATUSES_IF_NEW[0]),
            resubscribe=reader.choice("resubscribe", RESUBSCRIBE, default=RESUBSCRIBE[0]),
            revive_archived=reader.flag("revive_archived", default=False),
            tag_prefix=_tag_prefix(reader),
            create_merge_fields=reader.flag("create_merge_fields", default=False),
            skip_merge_validation=reader.flag("skip_merge_validation", default=False),
        )
        reader.raise_if_bad()
        return parsed


def _credentials(reader: SettingsReader) -> ApiKey | OAuthToken:
    problems_before = len(reader.problems)
    key, token = reader.credential("api_key"), reader.credential("access_token")
    if len(reader.problems) > problems_before:
        return ApiKey(Secret(""))  # what is wrong with it has been said; guessing further would only confuse
    if key and token:
        reader.bad("api_key", "and 'access_token' are both given. Remove one of the two.")
    elif not (key or token):
        reader.bad(
            "api_key",
            "is missing. Create a key in Mailchimp (Profile, Extras, API keys) and set it, or set 'access_token' of an "
            "OAuth app.",
        )
    return OAuthToken(Secret(token)) if token else ApiKey(Secret(key))


def _api_url(reader: SettingsReader, credentials: ApiKey | OAuthToken) -> str | None:
    """Where the API is; `None` where only Mailchimp can tell."""
    server = _server(reader)
    if reader.config.get("api_url") is not None:
        # The root of Mailchimp's own clients ends with the version, which our paths begin with.
        return reader.address("api_url", EXAMPLE_URL).removesuffix("/3.0")
    if isinstance(credentials, ApiKey) and (key := credentials.key.reveal()):
        ending = key.rpartition("-")[2]
        if not ENDING.fullmatch(f"-{ending}") or ending == key:
            reader.bad("api_key", "does not end with a data centre like -us6. Copy the whole key, its end too.")
        elif server and server != ending:
            reader.bad("server_prefix", "is not the data centre at the end of 'api_key'. Remove it.")
        server = ending
    return f"https://{server}.api.mailchimp.com" if server else None


def _server(reader: SettingsReader) -> str | None:
    text = (reader.text("server_prefix") or "").strip().lower()
    if text and not PREFIX.fullmatch(text):
        reader.bad("server_prefix", "must be a data centre like us6, as in the address of your account.")
        return None
    return text or None


def _tag_prefix(reader: SettingsReader) -> str | None:
    """How managed tags begin; a blank at its end belongs to it."""
    text = reader.text("tag_prefix")
    if text is not None and not text.strip():
        reader.bad("tag_prefix", "is blank and would take away the tags of others. Say how yours begin, or remove it.")
    return text.lstrip() if text else None
