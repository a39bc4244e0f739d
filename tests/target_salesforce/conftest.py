"""Salesforce's simulator, and stages that run target-salesforce against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from salesforce_stage import QuickTarget, SalesforceStage, SalesforceVendor

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
    return SalesforceStage(vendor, tmp_path)


@pytest.fixture(params=["rest", "bulk"])
def each_api(request: pytest.FixtureRequest, stage: SalesforceStage) -> SalesforceStage:
    """The same by collections, and by jobs."""
    stage.extra["api"] = request.param
    return stage
