"""Salesforce's simulator, and what the conformance suite needs to know of Salesforce."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conformance.stage import Stage, Vendor

from reverse_etl_core.retry import RetryPolicy
from saas_simulators import SimulatorServer
from target_salesforce.target import TargetSalesforce

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class QuickTarget(TargetSalesforce):
    """The target with shorter waits between repeats."""

    retry_policy = RetryPolicy(base_s=0.02, cap_s=0.1)


class SalesforceVendor(Vendor):
    """Contacts, matched on the external id that the default seed has."""

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Live contacts by external id."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        after = "0"
        while after:
            page = self.control(f"records/salesforce/{self.object_name}?limit=1000&after={after}")
            for record in page["records"]:
                values = record.get("properties", record)
                if not (record.get("archived") or values.get("IsDeleted")):
                    found[str(values.get(self.match_field))].append(values)
            after = page.get("next")
        return dict(found)

    def write_requests(self) -> int:
        """Requests that write rows, one by one, in collections or in jobs."""
        counts = self.control("requests?last=1")["counts"]
        return sum(one["count"] for one in counts if one["method"] != "GET" and "/services/data" in one["route"])


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """A Salesforce org whose daily limit is out of the way."""
    with SimulatorServer() as server:
        requests.put(f"{server.url}/_simulator/limits", json={"salesforce": {"daily": None}}, timeout=10)
        yield server


@pytest.fixture
def stage(simulator: SimulatorServer, tmp_path: Path) -> Stage:
    """Runs target-salesforce against the simulator."""
    vendor = SalesforceVendor(
        target=QuickTarget,
        module="target_salesforce",
        settings={"access_token": "00D000000000001!session", "instance_url": simulator.url, "api": "rest"},
        url=simulator.url,
        object_name="Contact",
        match_field="External_Id__c",
        text_field="MailingCity",
        required={"LastName": "Person {n}"},
        invalid=("Email", "nobody", "invalid_email"),
        records_per_request=200,
        write_path="*/composite/sobjects*",
    )
    return Stage(vendor, tmp_path)
