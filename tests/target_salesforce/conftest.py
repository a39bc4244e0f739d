"""Salesforce's simulator, stages that run target-salesforce against it, and destinations without a target."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import requests
from salesforce_stage import QuickTarget, SalesforceStage, SalesforceVendor

from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.traffic import Traffic
from saas_simulators import SimulatorServer
from target_salesforce.config import SalesforceConfig
from target_salesforce.destination import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from target_salesforce.destination import SalesforceDestination


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Iterator[SimulatorServer]:
    """A Salesforce org whose daily limit is out of the way, and whose jobs take no time.

    A module that needs objects, rules or records of its own has them in `SEED`.
    """
    with SimulatorServer(seed=getattr(request.module, "SEED", None)) as server:
        limits = {"salesforce": {"daily": None, "bulk_seconds_per_batch": 0}}
        requests.put(f"{server.url}/_simulator/limits", json=limits, timeout=10)
        yield server


@pytest.fixture
def stage(simulator: SimulatorServer, tmp_path: Path) -> SalesforceStage:
    """Runs target-salesforce against the simulator, by collections."""
    vendor = SalesforceVendor(
        target=QuickTarget,
        module="target_salesforce",
        settings={"access_token": "00D000000000001!s3cret", "instance_url": simulator.url, "api": "rest"},
        url=simulator.url,
        object_name="Contact",
        match_field="External_Id__c",
        text_field="MailingCity",
        required={"LastName": "pl4nted {n}"},
        invalid=("Email", "nobody", "invalid_email"),
        records_per_request=200,
        write_path="*/composite/sobjects*",
    )
    return SalesforceStage(vendor, tmp_path)


@pytest.fixture(params=["rest", "bulk"])
def each_api(request: pytest.FixtureRequest, stage: SalesforceStage) -> SalesforceStage:
    """The same by collections, and by jobs."""
    stage.extra["api"] = request.param
    return stage


# -- destinations without a target

QUICK = RetryPolicy(attempts=4, base_s=0.001, cap_s=0.002)


@dataclass
class Org:
    """The simulated org, and destinations that are connected to it."""

    server: SimulatorServer
    folder: Path
    stop: threading.Event = field(default_factory=threading.Event)
    traffic: Traffic = field(default_factory=Traffic)

    def connect(self, *, daily_quota_percent: float = 80, **config: Any) -> SalesforceDestination:
        """A destination; a ready token where no login is given."""
        ready = {"access_token": "00D!x", "instance_url": self.server.url}
        login = {"login_url": self.server.url} if "client_id" in config else ready
        self.traffic = Traffic()
        return connect(
            SalesforceConfig.from_mapping({"api": "rest", **login, **config}),
            stop=self.stop,
            traffic=self.traffic,
            daily_quota_percent=daily_quota_percent,
            folder=self.folder,
            policy=QUICK,
            timeout_s=(2, 2),
            clock=time.monotonic,
            now=time.time,
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the simulator's control surface."""
        reply = requests.request(method, f"{self.server.url}/_simulator/{path}", json=body, timeout=10)
        reply.raise_for_status()
        return reply.json()

    def faults(self, *rules: dict[str, Any]) -> None:
        """Put faults in force."""
        self.control("PUT", "faults", list(rules))

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """One request of somebody else."""
        url = f"{self.server.url}/services/data/v67.0/{path}"
        reply = requests.request(method, url, json=body, headers={"Authorization": "Bearer 00D!person"}, timeout=10)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def create(self, object_name: str, **fields: Any) -> str:
        """Make a record as a person would; its id."""
        return str(self.api("POST", f"sobjects/{object_name}", fields)["id"])

    def read(self, object_name: str, record_id: str) -> dict[str, Any]:
        """A record as it is now."""
        found: dict[str, Any] = self.api("GET", f"sobjects/{object_name}/{record_id}")
        return found

    def live(self, object_name: str) -> int:
        """How many records there are."""
        return int(self.server.salesforce.store(object_name).live_count)

    def count(self, part: str, method: str = "") -> int:
        """Requests so far whose route has this part."""
        counts = self.control("GET", "requests?last=1")["counts"]
        return sum(int(one["count"]) for one in counts if part in one["route"] and method in one["method"])


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[SimulatorServer]:
    """One simulator for a module; with its `SEED`, if it has one."""
    with SimulatorServer(seed=getattr(request.module, "SEED", None)) as server:
        yield server


@pytest.fixture
def org(running: SimulatorServer, tmp_path: Path) -> Org:
    """The org, fresh from its seed."""
    fresh = Org(running, tmp_path)
    fresh.control("POST", "reset")
    return fresh


@pytest.fixture
def salesforce(org: Org) -> SalesforceDestination:
    """The destination."""
    return org.connect()
