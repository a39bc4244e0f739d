"""HubSpot's simulator, and what the conformance suite needs to know of HubSpot."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conformance.stage import Stage, Vendor
from hubspot import HubSpot

from reverse_etl_core.retry import RetryPolicy
from saas_simulators import SimulatorServer
from target_hubspot.target import TargetHubSpot

from .hubspot_account import SEED, Account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_etl_core.schema import ObjectSchema
    from target_hubspot.destination import HubSpotDestination

WRITES = {"create", "update", "upsert", "archive"}


class QuickTarget(TargetHubSpot):
    """The target with shorter waits between repeats."""

    retry_policy = RetryPolicy(base_s=0.02, cap_s=0.1)


class HubSpotVendor(Vendor):
    """Contacts, matched on the unique property that the default seed has."""

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Live contacts by `customer_id`."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        after = "0"
        while after:
            page = self.control(f"records/hubspot/{self.object_name}?limit=1000&after={after}")
            for record in page["records"]:
                if not record["archived"]:
                    properties = record["properties"]
                    found[str(properties.get(self.match_field))].append({**properties, "id": record["id"]})
            after = page.get("next")
        return dict(found)

    def write_requests(self) -> int:
        """Batch requests other than reads."""
        counts = self.control("requests?last=1")["counts"]
        return sum(one["count"] for one in counts if one["route"].rsplit("/", 1)[-1] in WRITES)


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """A HubSpot account whose rate limit is out of the way; its headers still tell it."""
    with SimulatorServer() as server:
        requests.put(f"{server.url}/_simulator/limits", json={"hubspot": {"burst": 100_000, "daily": None}}, timeout=10)
        yield server


@pytest.fixture
def client(simulator: SimulatorServer) -> Any:
    """HubSpot's own client, as a person beside the sync would use it."""
    return HubSpot(access_token="pat-person", host=simulator.url, base_url=simulator.url)


@pytest.fixture
def stage(simulator: SimulatorServer, tmp_path: Path) -> Stage:
    """Runs target-hubspot against the simulator."""
    vendor = HubSpotVendor(
        target=QuickTarget,
        module="target_hubspot",
        settings={"access_token": "pat-na1-s3cret-of-the-test", "api_url": simulator.url},
        url=simulator.url,
        object_name="contacts",
        match_field="customer_id",
        text_field="city",
        required={"email": "pl4nted{n}@example.com"},
        invalid=("plan", "gold", "invalid_option"),
        records_per_request=100,
        write_path="*/batch/*",
    )
    return Stage(vendor, tmp_path)


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorServer]:
    """One simulator for this module."""
    with SimulatorServer(seed=SEED) as server:
        yield server


@pytest.fixture
def account(running: SimulatorServer) -> Account:
    """The account, fresh from its seed and without rate limits."""
    fresh = Account(running)
    fresh.control("POST", "reset")
    fresh.control("PUT", "limits", {"hubspot": {"enabled": False}})
    return fresh


@pytest.fixture
def hubspot(account: Account) -> HubSpotDestination:
    """The destination, with a fixed token."""
    return account.connect()


@pytest.fixture
def contacts(hubspot: HubSpotDestination) -> ObjectSchema:
    """The live schema of contacts."""
    return hubspot.describe("contacts")
