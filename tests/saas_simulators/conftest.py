"""One simulator for all tests of this folder, taken back to its seed before each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECTS = "/crm/objects/2026-09"


@dataclass
class Api:
    """A client that sends JSON with a token, over one kept connection."""

    server: SimulatorServer
    session: requests.Session
    token: str = "pat-na1-test"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Send one request; header names are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        every = {"Authorization": f"Bearer {self.token}", "Accept": "application/json", **given}
        return self.session.request(method, self.server.url + path, json=body, headers=every, timeout=10)

    def batch(
        self, verb: str, inputs: list[dict[str, Any]], object_type: str = "contacts", **more: Any
    ) -> requests.Response:
        """Send a batch verb."""
        return self.send("POST", f"{OBJECTS}/{object_type}/batch/{verb}", {"inputs": inputs, **more})

    def create(self, object_type: str = "contacts", **properties: Any) -> dict[str, Any]:
        """Create a record and return the answer."""
        reply = self.send("POST", f"{OBJECTS}/{object_type}", {"properties": properties})
        assert reply.status_code == 201, reply.text
        created: dict[str, Any] = reply.json()
        return created

    def journal(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the journal, or its entries of one event."""
        entries = self.send("GET", "/_simulator/journal").json()["entries"]
        return [entry for entry in entries if event in {None, entry["event"]}]


@pytest.fixture(scope="session")
def running() -> Iterator[SimulatorServer]:
    """A simulator that lives as long as the tests."""
    with SimulatorServer() as server:
        yield server


@pytest.fixture
def server(running: SimulatorServer) -> SimulatorServer:
    """The simulator, fresh from its seed."""
    running.simulation.reset()
    return running


@pytest.fixture
def api(server: SimulatorServer) -> Iterator[Api]:
    """A client of the fresh simulator."""
    with requests.Session() as session:
        yield Api(server, session)
