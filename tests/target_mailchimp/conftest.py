"""Mailchimp's simulator, and what the conformance suite needs to know of Mailchimp."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conformance.stage import Stage, Vendor

from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.traffic import Traffic
from saas_simulators import SimulatorServer
from target_mailchimp.config import MailchimpConfig
from target_mailchimp.destination import MailchimpDestination, connect
from target_mailchimp.target import TargetMailchimp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from saas_simulators.mailchimp.audience import Audience

LIST_ID = "demo0000aa"
DOMAIN = "@shop.example"


PRESS = "press00000"
RICH: dict[str, Any] = {
    "mailchimp": {
        "audiences": [
            {
                "id": LIST_ID,
                "merge_fields": [
                    {"tag": "BORN", "name": "Birth day", "type": "birthday"},
                    {"tag": "SINCE", "type": "date"},
                    {"tag": "SIZE", "type": "dropdown", "options": {"choices": ["S", "M"]}},
                    {"tag": "HOME", "type": "address"},
                    {"tag": "SITE", "type": "url"},
                    {"tag": "ZIP", "type": "zip"},
                ],
                "marketing_permissions": ["Email", "Post"],
                "interest_categories": [
                    {"title": "Letters", "type": "checkboxes", "interests": ["Weekly", "Monthly"]},
                    {"title": "Colour", "type": "radio", "interests": ["Red", "Blue"]},
                ],
                "members": [{"email_address": f"first{DOMAIN}"}],
            },
            {
                "id": PRESS,
                "name": "Press",
                "merge_fields": [{"tag": "FNAME", "type": "text", "required": True}],
                "segments": ["Spring"],
            },
        ],
        "too_many_signups": [f"busy{DOMAIN}"],
    }
}
"""An account with all that an audience can have, to seed a simulator with."""


class QuickTarget(TargetMailchimp):
    """The target with shorter waits between repeats."""

    retry_policy = RetryPolicy(base_s=0.02, cap_s=0.1)


class MailchimpVendor(Vendor):
    """Members of the audience that the default seed has."""

    def match_value(self, key: str) -> str:
        """An address for a key of the suite."""
        return key if "@" in key else key + DOMAIN

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Members that are not archived, by the suite's keys."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in self.members():
            if not record["archived"]:
                properties = record["properties"]
                found[key_of(properties["email_address"])].append({**properties, "id": record["id"]})
        return dict(found)

    def members(self) -> list[dict[str, Any]]:
        """All members, archived ones too."""
        rows: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = self.control(f"records/mailchimp/{LIST_ID}?limit=1000&after={after}")
            rows += page["records"]
            after = page.get("next")
        return rows

    def statuses(self) -> dict[str, str]:
        """The status of every member, archived ones too, by key."""
        return {key_of(one["properties"]["email_address"]): one["properties"]["status"] for one in self.members()}

    def write_requests(self) -> int:
        """Whatever was not read."""
        return sum(self.writes().values())

    def writes(self) -> Counter[str]:
        """Writing requests by method and route."""
        return Counter({name: count for name, count in self.requests().items() if not name.startswith("GET ")})

    def requests(self) -> Counter[str]:
        """All requests by method and route."""
        counts = self.control("requests?last=1")["counts"]
        found: Counter[str] = Counter()
        for one in (one for one in counts if one["route"].startswith("/3.0/")):
            found[f"{one['method']} {one['route'].removeprefix('/3.0/lists/{list_id}') or '/'}"] += one["count"]
        return found

    def events(self, *names: str) -> Counter[str]:
        """How often each key met one of these events, from the journal."""
        found: Counter[str] = Counter()
        last = 0
        while entries := self.control(f"journal?since={last}")["entries"]:
            met = [one for one in entries if one["event"] in names]
            found.update(key_of(one["unique"]["email_address"]) for one in met)
            last = entries[-1]["sequence"]
        return found

    def journal(self) -> list[str]:
        """The events so far, each with the key that it is about."""
        entries = self.control("journal?limit=1000")["entries"]
        return [f"{one['event']} {key_of(one['unique'].get('email_address', ''))}".strip() for one in entries]


class Person:
    """Somebody at work in Mailchimp, and the contacts themselves."""

    def __init__(self, url: str, audience: Audience) -> None:
        self._url = f"{url}/3.0/lists/{LIST_ID}"
        self._audience = audience

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API."""
        answer = requests.request(method, self._url + path, json=body, auth=("any", "person"), timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def add(self, key: str, status: str = "subscribed", **fields: Any) -> None:
        """Add a contact."""
        self.call("POST", "/members", {"email_address": key + DOMAIN, "status": status, **fields})

    def change(self, key: str, **fields: Any) -> None:
        """Change a contact."""
        self.call("PATCH", self.path(key), fields)

    def archive(self, key: str) -> None:
        """Archive a contact."""
        self.call("DELETE", self.path(key))

    def forget(self, key: str) -> None:
        """Delete a contact for good."""
        self.call("POST", f"{self.path(key)}/actions/delete-permanent")

    def tags(self, key: str) -> list[str]:
        """The tags of a contact."""
        return sorted(one["name"] for one in self.call("GET", f"{self.path(key)}/tags?count=1000")["tags"])

    @staticmethod
    def path(key: str) -> str:
        """A contact's path."""
        return f"/members/{key + DOMAIN}"

    def with_every_past(self) -> dict[str, str]:
        """One contact of every past, by key; the value is its status."""
        for status in ("subscribed", "pending", "transactional", "unsubscribed"):
            self.add(status.upper(), status)
        for key in ("LEFT", "BOUNCED", "ARCHIVED", "LEFT-ARCHIVED", "FORGOTTEN"):
            self.add(key)
        for key in ("LEFT", "LEFT-ARCHIVED"):
            self._audience.contact_unsubscribes(f"{key}{DOMAIN}".lower())
        self._audience.contact_bounces(f"bounced{DOMAIN}")
        self.archive("ARCHIVED")
        self.archive("LEFT-ARCHIVED")
        self.forget("FORGOTTEN")
        statuses = {key: key.lower() for key in ("SUBSCRIBED", "PENDING", "TRANSACTIONAL", "UNSUBSCRIBED")}
        return statuses | {
            "LEFT": "unsubscribed",
            "BOUNCED": "cleaned",
            "ARCHIVED": "archived",
            "LEFT-ARCHIVED": "archived",
        }


def destination_at(url: str, clock: Callable[[], float] = time.monotonic, **settings: Any) -> MailchimpDestination:
    """The account as core sees it."""
    config = {"api_key": "key-of-the-test-us1", "api_url": url, "list_id": LIST_ID, **settings}
    return connect(
        MailchimpConfig.from_mapping(config),
        stop=threading.Event(),
        traffic=Traffic(),
        policy=QuickTarget.retry_policy,
        clock=clock,
    )


def key_of(address: str) -> str:
    """The suite's key for an address."""
    return address.removesuffix(DOMAIN).upper()


def properties(vendor: MailchimpVendor, key: str) -> dict[str, Any]:
    """A member as the simulator keeps it."""
    (found,) = vendor.records()[key]
    return found


def keyed(stage: Stage, key: str, **changes: Any) -> list[Any]:
    """A message whose source key is not the address."""
    row = {"id": 7, "email_address": key, "FNAME": "x", **changes}
    return stage.messages([row], key_properties=["id"], columns=["id", *changes])


@pytest.fixture
def seed() -> dict[str, Any] | None:
    """What the account holds at the start; a module that needs more has its own."""
    return None


@pytest.fixture
def simulator(seed: dict[str, Any] | None) -> Iterator[SimulatorServer]:
    """A Mailchimp account."""
    with SimulatorServer(seed=seed) as server:
        yield server


@pytest.fixture
def audience(simulator: SimulatorServer) -> Audience:
    """The audience of the default seed, for what only its contacts can do."""
    audience: Audience = simulator.mailchimp.audiences[LIST_ID]
    return audience


@pytest.fixture
def person(simulator: SimulatorServer, audience: Audience) -> Person:
    """Somebody at work in Mailchimp."""
    return Person(simulator.url, audience)


@pytest.fixture
def destination(simulator: SimulatorServer) -> MailchimpDestination:
    """The account as core sees it."""
    return destination_at(simulator.url)


@pytest.fixture
def vendor(simulator: SimulatorServer) -> MailchimpVendor:
    """The simulator as the suite sees it."""
    return MailchimpVendor(
        target=QuickTarget,
        module="target_mailchimp",
        settings={"api_key": "s3cret-key-us1", "api_url": simulator.url, "list_id": LIST_ID},
        url=simulator.url,
        object_name="members",
        match_field="email_address",
        text_field="FNAME",
        required={},
        invalid=("LTV", "much", "invalid_value"),
        records_per_request=500,
        write_path=f"/3.0/lists/{LIST_ID}",
    )


@pytest.fixture
def stage(vendor: MailchimpVendor, tmp_path: Path) -> Stage:
    """Runs target-mailchimp against the simulator."""
    return Stage(vendor, tmp_path)
