"""What is written where, in the kill tests: one value per vendor, object and load method."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Scenario:
    """What is written, and how.

    Attributes:
        vendor: Name of the simulator, and of the target without its prefix.
        object_name: Object that is written.
        key_field: Field that recognises its records, the stream's key property.
        text_field: Field whose value changes.
        required: Fields that a new record needs, as templates with `{key}`.
        settings: Settings that reach the simulator, as templates with `{url}`.
        write_paths: Globs of the requests that write.
        load_method: As the target's setting.
        points: Moments of a kill beyond those that every target has.
        key_template: The value of the key field, with `{key}`.
        greeting: Event of the simulator's journal that every new record may set off once.
    """

    vendor: str
    object_name: str
    key_field: str
    text_field: str
    required: Mapping[str, str]
    settings: Mapping[str, str]
    write_paths: tuple[str, ...]
    load_method: str = "upsert"
    points: tuple[str, ...] = field(default=())
    key_template: str = "{key}"
    greeting: str = ""

    def record(self, key: str, value: str) -> dict[str, Any]:
        """One row of the source."""
        required = {name: template.format(key=key) for name, template in self.required.items()}
        return {self.key_field: self.key_template.format(key=key), self.text_field: value, **required}

    def key_value(self, key: str) -> str:
        """What recognises the record of a key, as `delivered` has it."""
        return self.key_template.format(key=key).lower()

    def columns(self) -> list[str]:
        """Names of a record's fields."""
        return list(self.record("K", "red"))

    def config(self, url: str) -> dict[str, Any]:
        """The target's settings, without those of ledger and run."""
        stream = {"object": self.object_name, "match_on": self.key_field, "load_method": self.load_method}
        settings = {name: template.format(url=url) for name, template in self.settings.items()}
        return {**settings, "streams": {"s": stream}}

    def delivered(self, url: str) -> dict[str, list[str]]:
        """Key in lower case to the values of the records that the destination holds for it."""
        found: dict[str, list[str]] = {}
        after = "0"
        while after:
            page_url = f"{url}/_simulator/records/{self.vendor}/{self.object_name}?limit=1000&after={after}"
            page = requests.get(page_url, timeout=30).json()
            for record in page["records"]:
                properties = record["properties"]
                key = properties[self.key_field].lower()  # addresses lose their capitals
                found.setdefault(key, []).append(properties[self.text_field])
            after = page.get("next")
        return found

    def greeted_twice(self, url: str) -> int:
        """How often a record was greeted again."""
        greeted: Counter[str] = Counter()
        last = 0
        while self.greeting and (entries := _journal(url, last)):
            greeted.update(one["id"] for one in entries if one["event"] == self.greeting)
            last = entries[-1]["sequence"]
        return sum(count - 1 for count in greeted.values())


def _journal(url: str, after: int) -> list[dict[str, Any]]:
    page = requests.get(f"{url}/_simulator/journal?since={after}", timeout=30)
    entries: list[dict[str, Any]] = page.json()["entries"]
    return entries


_HUBSPOT: dict[str, Any] = {
    "vendor": "hubspot",
    "key_field": "customer_id",
    "settings": {"access_token": "pat-kill", "api_url": "{url}"},
    "write_paths": ("*/batch/create", "*/batch/update", "*/batch/upsert"),
}
CONTACTS = Scenario(object_name="contacts", text_field="city", required={"email": "{key}@example.com"}, **_HUBSPOT)
_DEAL = {"dealname": "Deal {key}", "dealstage": "appointmentscheduled"}
DEALS = Scenario(object_name="deals", text_field="description", required=_DEAL, **_HUBSPOT)
CREATED_DEALS = Scenario(
    object_name="deals", text_field="description", required=_DEAL, load_method="create", **_HUBSPOT
)

_SALESFORCE: dict[str, Any] = {
    "vendor": "salesforce",
    "object_name": "Account",
    "key_field": "External_Id__c",
    "text_field": "Description",
    "required": {"Name": "Account {key}"},
}
_LOGIN = {"access_token": "00Dkill!token", "instance_url": "{url}"}
_COLLECTIONS = ("*/composite/sobjects*",)
_JOBS = ("*/jobs/ingest*",)
JOB_POINTS = ("job_opened", "job_uploading", "job_submitted", "job_ended")
ACCOUNTS = Scenario(settings={**_LOGIN, "api": "rest"}, write_paths=_COLLECTIONS, **_SALESFORCE)
CREATED_ACCOUNTS = Scenario(
    settings={**_LOGIN, "api": "rest"}, write_paths=_COLLECTIONS, load_method="create", **_SALESFORCE
)
BULK_ACCOUNTS = Scenario(settings={**_LOGIN, "api": "bulk"}, write_paths=_JOBS, points=JOB_POINTS, **_SALESFORCE)
CREATED_BULK_ACCOUNTS = Scenario(
    settings={**_LOGIN, "api": "bulk"}, write_paths=_JOBS, load_method="create", points=JOB_POINTS, **_SALESFORCE
)
CREATED_BULK_CONTACTS = Scenario(
    vendor="salesforce",
    object_name="Contact",
    key_field="Email",
    key_template="{key}@example.com",
    text_field="MailingCity",
    required={"LastName": "Person {key}"},
    settings={**_LOGIN, "api": "bulk"},
    write_paths=_JOBS,
    load_method="create",
    points=JOB_POINTS,
)
"""By a field whose values may repeat: nothing but the ledger keeps them from being created twice."""

MEMBERS = Scenario(
    vendor="mailchimp",
    object_name="demo0000aa",
    key_field="email_address",
    text_field="FNAME",
    required={},
    settings={"api_key": "kill-us1", "api_url": "{url}"},
    write_paths=("/3.0/lists/demo0000aa",),
    key_template="{key}@shop.example",
    greeting="welcome_mail",
)
CREATED_MEMBERS = replace(MEMBERS, load_method="create")

SCENARIOS = {
    "contacts": CONTACTS,
    "deals": DEALS,
    "created-deals": CREATED_DEALS,
    "accounts": ACCOUNTS,
    "created-accounts": CREATED_ACCOUNTS,
    "bulk-accounts": BULK_ACCOUNTS,
    "created-bulk-accounts": CREATED_BULK_ACCOUNTS,
    "created-bulk-contacts": CREATED_BULK_CONTACTS,
    "members": MEMBERS,
    "created-members": CREATED_MEMBERS,
}

BRIEF = (
    "contacts",
    "created-deals",
    "accounts",
    "bulk-accounts",
    "created-bulk-contacts",
    "members",
    "created-members",
)
"""Those that run every time; the others are among the long tests only."""


@dataclass(frozen=True)
class Families:
    """Accounts, and contacts that name them by external id, in two streams of one input.

    Attributes:
        api: As the target's setting.
        is_children_first: Whether the contacts come before their accounts.
    """

    api: str
    is_children_first: bool
    vendor: str = "salesforce"
    load_method: str = "upsert"

    @property
    def write_paths(self) -> tuple[str, ...]:
        """Globs of the requests that write."""
        return (*_COLLECTIONS, *_JOBS)

    @property
    def points(self) -> tuple[str, ...]:
        """Moments of a kill beyond those that every target has."""
        return JOB_POINTS if self.api == "bulk" else ()

    def config(self, url: str) -> dict[str, Any]:
        """The target's settings, without those of ledger and run."""
        lookup = {"from": "account", "lookup": {"object": "Account", "match_on": "External_Id__c"}}
        contact = {"External_Id__c": "id", "LastName": "name", "AccountId": lookup}
        streams = {
            "accounts": {"object": "Account", "fields": {"External_Id__c": "id", "Name": "name"}},
            "contacts": {"object": "Contact", "match_on": "External_Id__c", "fields": contact},
        }
        return {"access_token": "00Dkill!token", "instance_url": url, "api": self.api, "streams": streams}

    def delivered(self, url: str, object_name: str) -> list[dict[str, Any]]:
        """The records of an object."""
        found: list[dict[str, Any]] = []
        after = "0"
        while after:
            page = requests.get(
                f"{url}/_simulator/records/salesforce/{object_name}?limit=1000&after={after}", timeout=30
            )
            found += [{"Id": one["id"], **one["properties"]} for one in page.json()["records"]]
            after = page.json().get("next")
        return found
