"""Salesforce's own settings, parsed once into a frozen value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from reverse_etl_core.settings_reader import SettingsReader
from target_salesforce import logins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_salesforce.logins import Login

LOGIN_URL = "https://login.salesforce.com"
SANDBOX_URL = "https://test.salesforce.com"
LOGIN_WORDS = {"production": LOGIN_URL, "login": LOGIN_URL, "sandbox": SANDBOX_URL, "test": SANDBOX_URL}
"""What people write instead of the address."""

API_VERSION = "67.0"  # Summer '26
# source: REST API Developer Guide, "Upsert Multiple Records with Fewer Round-Trips": from v46.0, and only from there
# upserts tell a created record from an updated one
FIRST_VERSION = 46
APIS = ("auto", "rest", "bulk")
RULES = ("default", "off")
# source: Object Reference, key prefix of AssignmentRule; ids have 15 or 18 characters
RULE_ID = re.compile(r"01Q[0-9A-Za-z]{12}(?:[0-9A-Z]{3})?")

SALESFORCE_SETTINGS: tuple[th.Property[Any], ...] = (
    th.Property(
        "client_id",
        th.StringType,
        description="Consumer key of the external client app or connected app. With `client_secret` alone: client "
        "credentials, the simplest way; they need `login_url` to be your My Domain.",
    ),
    th.Property("client_secret", th.StringType, secret=True, description="Consumer secret of the app."),
    th.Property(
        "private_key",
        th.StringType,
        secret=True,
        description="RSA key of the app's certificate, as PEM text without a pass phrase (line breaks may be `\\n`). "
        "With `client_id` and `username`: JWT bearer.",
    ),
    th.Property(
        "refresh_token",
        th.StringType,
        secret=True,
        description="With `client_id`, and `client_secret` where the app asks for it. Access tokens are renewed in "
        "memory and never written anywhere.",
    ),
    th.Property("username", th.StringType, description="User of JWT bearer, or of a login with `password`."),
    th.Property(
        "password",
        th.StringType,
        secret=True,
        description="With `username`, and with `client_id` and `client_secret`: OAuth's password flow, which new orgs "
        "block. Without an app: SOAP login, which new orgs switch off and which ends in June 2027; it logs in with "
        "version 64.0, the last one that has it, whatever `api_version` says.",
    ),
    th.Property(
        "security_token",
        th.StringType,
        secret=True,
        description="What Salesforce mailed to the user; goes with `password`, unless the network is trusted.",
    ),
    th.Property(
        "access_token",
        th.StringType,
        secret=True,
        description="A token that is there already, with `instance_url`; it ends after some hours and cannot be "
        "renewed.",
    ),
    th.Property(
        "instance_url",
        th.StringType,
        description="Where `access_token` belongs, like `https://acme.my.salesforce.com`. Every other login tells it.",
    ),
    th.Property(
        "login_url",
        th.StringType,
        default=LOGIN_URL,
        description="Where to log in: `sandbox` for `https://test.salesforce.com`, or your My Domain like "
        "`https://acme.my.salesforce.com`. `http` is taken for loopback hosts.",
    ),
    th.Property(
        "api_version",
        th.StringType,
        default=API_VERSION,
        description=f"Version of the API, {FIRST_VERSION}.0 or later.",
    ),
    th.Property(
        "api",
        th.StringType,
        default=APIS[0],
        allowed_values=list(APIS),
        description="`rest` sends 200 records a request, `bulk` uploads jobs of many thousands that Salesforce works "
        "off by itself; `auto` takes jobs where 2,000 records or more are waiting.",
    ),
    th.Property(
        "assignment_rule",
        th.StringType,
        default=RULES[0],
        description="Who gets leads, cases and accounts that are written: `default` leaves it to Salesforce, which "
        "applies the active assignment rules; `off` applies none; or the id of a rule (`01Q…`). Bulk jobs know none "
        "but a rule that is named: with `default`, `api: auto` takes no jobs for leads and cases, and `api: bulk` "
        "applies no rules.",
    ),
    th.Property(
        "allow_duplicates",
        th.BooleanType,
        default=False,
        description="Write records even where a duplicate rule only warns. Without it they are rejected as "
        "`duplicate_rule`. Bulk jobs do not know this, so none are used with it.",
    ),
)
"""What the target adds to the settings of every target."""


@dataclass(frozen=True, slots=True)
class SalesforceConfig:
    """See `SALESFORCE_SETTINGS` for what each setting means; `api` is `rest` where a setting rules out jobs."""

    login: Login
    login_url: str
    api_version: str
    api: str
    assignment_rule: str
    allow_duplicates: bool

    @classmethod
    def from_mapping(cls, config: Mapping[str, Any]) -> SalesforceConfig:
        """Parse Salesforce's settings; settings of others are left alone.

        Raises:
            ConfigError: Names every bad setting with its remedy.
        """
        reader = SettingsReader(config)
        login_url = _login_url(reader)
        api = reader.choice("api", APIS, default=APIS[0])
        allow_duplicates = reader.flag("allow_duplicates", default=False)
        if allow_duplicates and api == "bulk":
            reader.bad("allow_duplicates", "has no effect in bulk jobs. Set 'api' to rest, or remove it.")
        parsed = cls(
            login=logins.read_login(reader, login_url),
            login_url=login_url,
            api_version=_api_version(reader),
            # source: REST API Developer Guide, "Duplicate Rule Header"; Bulk API 2.0 documents nothing of the kind
            api="rest" if allow_duplicates else api,
            assignment_rule=_assignment_rule(reader),
            allow_duplicates=allow_duplicates,
        )
        reader.raise_if_bad()
        return parsed

    def write_headers(self) -> dict[str, str]:
        """The headers with which records are written.

        Bulk API 2.0 documents neither of them; its jobs take the id of an assignment rule when they are created.
        """
        headers = {}
        # source: REST API Developer Guide, "Assignment Rule Header" and "Duplicate Rule Header"
        if self.assignment_rule == "off" or (self.assignment_rule == "default" and self.api == "bulk"):
            headers["Sforce-Auto-Assign"] = "FALSE"  # jobs run no rule that is not named, nor does what they leave over
        elif self.assignment_rule != "default":
            headers["Sforce-Auto-Assign"] = self.assignment_rule
        if self.allow_duplicates:
            headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
        return headers


def _login_url(reader: SettingsReader) -> str:
    value = reader.config.get("login_url")
    if isinstance(value, str) and value.strip().lower() in LOGIN_WORDS:
        return LOGIN_WORDS[value.strip().lower()]
    problems_before = len(reader.problems)
    url = reader.address("login_url", LOGIN_URL)
    problem = logins.host_problem(url)
    if problem and len(reader.problems) == problems_before:
        reader.bad("login_url", problem)
    return url


def _api_version(reader: SettingsReader) -> str:
    """The version with its decimal; YAML makes a number of it, and people write the `v` of the paths."""
    value = reader.config.get("api_version")
    if value is None or value == "":
        return API_VERSION
    text = "" if isinstance(value, bool) else str(value).strip().lower()
    match = re.fullmatch(r"v?([0-9]{1,3})(?:\.0)?", text)
    if not match:
        reader.bad("api_version", f"must be a version like {API_VERSION}.")
        return API_VERSION
    if int(match[1]) < FIRST_VERSION:
        reader.bad("api_version", f"must be {FIRST_VERSION}.0 or later: older ones cannot upsert several records.")
    return f"{int(match[1])}.0"


def _assignment_rule(reader: SettingsReader) -> str:
    if reader.config.get("assignment_rule") is False:
        return "off"  # what YAML makes of a bare off
    text = (reader.text("assignment_rule") or "default").strip()
    if text.lower() in RULES:
        return text.lower()
    if not RULE_ID.fullmatch(text):
        reader.bad("assignment_rule", "must be default, off, or the id of an assignment rule, which begins with 01Q.")
    return text
