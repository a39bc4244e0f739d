"""What is written where, in the kill tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests
from scenario import Scenario, all_scenarios

__all__ = ["BRIEF", "SCENARIOS", "Families", "Scenario"]

SCENARIOS = all_scenarios()
BRIEF = tuple(name for name, one in SCENARIOS.items() if one.is_brief)
"""Those that run every time; the others are among the long tests only."""

CONTACTS = SCENARIOS["contacts"]
DEALS = SCENARIOS["deals"]
ACCOUNTS = SCENARIOS["accounts"]
BULK_ACCOUNTS = SCENARIOS["bulk-accounts"]
CREATED_BULK_CONTACTS = SCENARIOS["created-bulk-contacts"]
MEMBERS = SCENARIOS["members"]
_COLLECTIONS = ACCOUNTS.write_paths
_JOBS = BULK_ACCOUNTS.write_paths
JOB_POINTS = BULK_ACCOUNTS.points


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
