"""A simulated receiver, and what the conformance suite needs to know of it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conformance.stage import Stage, Vendor

from reverse_etl_core.retry import RetryPolicy
from saas_simulators import SimulatorServer
from target_webhook.target import TargetWebhook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOOK = "/webhook/hooks/{object}"
CONTACTS = {
    "path": HOOK,
    "key": "customer_id",
    "fields": {"city": "string", "email": "email", "score": "number", "name": "string"},
}


class QuickTarget(TargetWebhook):
    """The target with shorter waits between repeats."""

    retry_policy = RetryPolicy(base_s=0.02, cap_s=0.1)


class WebhookVendor(Vendor):
    """Contacts, by their key."""

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Live contacts by their key."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        after: int | None = 0
        while after is not None:
            page = self.control(f"records/webhook/{self.object_name}?limit=1000&after={after}")
            for record in page["records"]:
                if not record["archived"]:
                    properties = record["properties"]
                    found[str(properties.get(self.match_field))].append({**properties, "id": record["id"]})
            after = page["next"]
        return dict(found)

    def write_requests(self) -> int:
        """Posts."""
        counts = self.control("requests?last=1")["counts"]
        return sum(one["count"] for one in counts if one["route"] == HOOK and one["method"] == "POST")

    def person_deletes(self, key: str) -> None:
        """Delete a record as a person at the receiver would."""
        headers = {"Authorization": "Bearer token-of-a-person"}
        url = f"{self.url}/webhook/hooks/{self.object_name}/{key}"
        requests.delete(url, headers=headers, timeout=10).raise_for_status()


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """An account whose rate limit is out of the way; its headers still tell it."""
    with SimulatorServer() as server:
        limits = {"webhook": {"requests": 100_000}}
        requests.put(f"{server.url}/_simulator/limits", json=limits, timeout=10).raise_for_status()
        yield server


@pytest.fixture
def stage(simulator: SimulatorServer, tmp_path: Path) -> Stage:
    """Runs target-webhook against the simulator."""
    vendor = WebhookVendor(
        target=QuickTarget,
        module="target_webhook",
        settings={
            "access_token": "token-s3cret-of-the-test",
            "api_url": simulator.url,
            "check_path": "/webhook/status",
            "objects": {"contacts": CONTACTS},
        },
        url=simulator.url,
        object_name="contacts",
        match_field="customer_id",
        text_field="city",
        required={"email": "pl4nted{n}@example.com"},
        invalid=("email", "nobody", "invalid_email"),
        records_per_request=1,
        write_path="/webhook/hooks/*",
    )
    return Stage(vendor, tmp_path)
