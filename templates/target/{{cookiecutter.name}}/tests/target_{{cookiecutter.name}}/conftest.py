"""{{cookiecutter.title}}'s simulator, and what the conformance suite needs to know of {{cookiecutter.title}}."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conformance.stage import Stage, Vendor

from reverse_etl_core.retry import RetryPolicy
from saas_simulators import SimulatorServer
from target_{{cookiecutter.name}}.target import Target{{cookiecutter.class_name}}

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = "/{{cookiecutter.name}}/v1"


class QuickTarget(Target{{cookiecutter.class_name}}):
    """The target with shorter waits between repeats."""

    retry_policy = RetryPolicy(base_s=0.02, cap_s=0.1)


class {{cookiecutter.class_name}}Vendor(Vendor):
    """Contacts, matched on their unique field."""

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Live contacts by their key."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        after: int | None = 0
        while after is not None:
            page = self.control(f"records/{{cookiecutter.name}}/{self.object_name}?limit=1000&after={after}")
            for record in page["records"]:
                if not record["archived"]:
                    properties = record["properties"]
                    found[str(properties.get(self.match_field))].append({**properties, "id": record["id"]})
            after = page["next"]
        return dict(found)

    def write_requests(self) -> int:
        """Batches."""
        counts = self.control("requests?last=1")["counts"]
        return sum(one["count"] for one in counts if "/batch/" in one["route"])

    def person(self, method: str, path: str, body: object = None) -> Any:
        """One request of a person beside the sync."""
        headers = {"Authorization": "Bearer token-of-a-person"}
        url = f"{self.url}{ROOT}/objects/{self.object_name}/records/{path}"
        answer = requests.request(method, url, json=body, headers=headers, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """An account whose rate limit is out of the way; its headers still tell it."""
    with SimulatorServer() as server:
        limits = {"{{cookiecutter.name}}": {"requests": 100_000}}
        requests.put(f"{server.url}/_simulator/limits", json=limits, timeout=10).raise_for_status()
        yield server


@pytest.fixture
def stage(simulator: SimulatorServer, tmp_path: Path) -> Stage:
    """Runs target-{{cookiecutter.name}} against the simulator.

    Skeleton: object, fields, limits and paths of the skeleton's API.
    """
    vendor = {{cookiecutter.class_name}}Vendor(
        target=QuickTarget,
        module="target_{{cookiecutter.name}}",
        settings={"access_token": "token-s3cret-of-the-test", "api_url": simulator.url},
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
