"""Simulated accounts, and our targets in front of them as commands."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from saas_simulators import SimulatorServer

from .plugins import Output, ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

AUDIENCE = "demo0000aa"
READS = ("/batch/read", "/search", "/oauth2/token", "/oauth/token")
"""What is posted, and reads."""


@dataclass(frozen=True)
class Vendor:
    """One vendor's object, and where the customers' columns go.

    Attributes:
        target: The command.
        settings: Reach the simulator, whose address is `{url}`.
        records: Path of the object at the simulators' control surface.
        stream: Entry of `streams` for the customers.
        route: Begins the routes of the vendor's API.
    """

    target: str
    settings: Mapping[str, str]
    records: str
    stream: Mapping[str, Any]
    route: str

    @property
    def fields(self) -> dict[str, str]:
        """Fields to the columns `id`, `mail`, `name` and `score`."""
        return dict(self.stream["fields"])


HUBSPOT = Vendor(
    target="target-hubspot",
    settings={"access_token": "pat-any", "api_url": "{url}"},
    records="hubspot/contacts",
    stream={
        "object": "contacts",
        "match_on": "customer_id",
        "fields": {"customer_id": "id", "email": "mail", "city": "name", "churn_risk": "score"},
    },
    route="/crm/",
)
SALESFORCE = Vendor(
    target="target-salesforce",
    settings={"access_token": "00D000000000001!any", "instance_url": "{url}"},
    records="salesforce/Contact",
    stream={
        "object": "Contact",
        "match_on": "External_Id__c",
        "fields": {"External_Id__c": "id", "Email": "mail", "LastName": "name", "Score__c": "score"},
    },
    route="/services/data/",
)
MAILCHIMP = Vendor(
    target="target-mailchimp",
    settings={"api_key": "any-us1", "api_url": "{url}", "list_id": AUDIENCE},
    records=f"mailchimp/{AUDIENCE}",
    stream={"object": "members", "fields": {"email_address": "mail", "FNAME": "name", "LTV": "score"}},
    route="/3.0/",
)
VENDORS = (HUBSPOT, SALESFORCE, MAILCHIMP)


@dataclass(frozen=True)
class Delivery:
    """How a run of a target ended."""

    said: Output
    report: dict[str, Any] | None

    @property
    def counts(self) -> dict[str, int]:
        """What became of the records, without zeros."""
        assert self.report is not None, self.said.stderr
        return {name: count for name, count in self.report["totals"].items() if count}


@dataclass(frozen=True)
class Accounts:
    """An account of each vendor."""

    url: str

    @classmethod
    @contextlib.contextmanager
    def open(cls) -> Iterator[Accounts]:
        """Serve them, with daily and burst limits out of the way."""
        with SimulatorServer() as server:
            limits = {"hubspot": {"enabled": False}, "salesforce": {"daily": None, "bulk_seconds_per_batch": 0}}
            requests.put(f"{server.url}/_simulator/limits", json=limits, timeout=10).raise_for_status()
            yield cls(server.url)

    def settings(self, vendor: Vendor, folder: Path, **others: Any) -> dict[str, Any]:
        """Of the vendor's target."""
        reached = {name: value.format(url=self.url) for name, value in vendor.settings.items()}
        places = {"ledger_url": f"sqlite:///{folder}/ledger.db", "report_dir": str(folder / "reports")}
        return {**reached, **places, "reconcile_grace_seconds": 0, **others}

    def deliver(self, vendor: Vendor, text: str, folder: Path, **others: Any) -> Delivery:
        """Run the vendor's target on a tap's output."""
        before = reports(folder)
        said = ours(vendor.target, folder).attempt(self.settings(vendor, folder, **others), stdin=text)
        added = sorted(reports(folder) - before)
        return Delivery(said, json.loads(added[-1].read_text(encoding="utf-8")) if added else None)

    def live(self, vendor: Vendor) -> list[dict[str, Any]]:
        """The object's live records, under the names of the customers' columns, in the order of their mail."""
        answer = requests.get(f"{self.url}/_simulator/records/{vendor.records}?limit=1000", timeout=10)
        answer.raise_for_status()
        found = [one["properties"] for one in answer.json()["records"] if not one["archived"]]
        rows = [{column: one.get(name) for name, column in vendor.fields.items()} for one in found]
        return sorted(rows, key=lambda row: str(row["mail"]))

    def writes(self, vendor: Vendor) -> int:
        """Requests so far that may have changed something."""
        answer = requests.get(f"{self.url}/_simulator/requests?last=1", timeout=10)
        answer.raise_for_status()
        return sum(
            one["count"]
            for one in answer.json()["counts"]
            if vendor.route in one["route"] and one["method"] != "GET" and not one["route"].endswith(READS)
        )


def reports(folder: Path) -> set[Path]:
    """Of all runs."""
    return set((folder / "reports").glob("*/report.json"))


def ledger_keys(folder: Path) -> set[str]:
    """The source keys that a target's ledger knows."""
    with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        return {key for (key,) in ledger.execute("SELECT source_key FROM deliveries")}
