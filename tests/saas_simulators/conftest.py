"""One simulator for all tests of this folder, taken back to its seed before each."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

from saas_simulators import SimulatorServer
from saas_simulators.salesforce import seeding
from saas_simulators.salesforce.definitions import FieldDefinition

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


@dataclass
class BulkApi:
    """A client of Salesforce's Bulk API 2.0 that does one call at a time, and what a test asks afterwards."""

    server: SimulatorServer
    session: requests.Session
    version: str = "67.0"

    @property
    def base(self) -> str:
        """The path of the jobs."""
        return f"/services/data/v{self.version}/jobs/ingest"

    def send(
        self, method: str, path: str, body: Any = None, *, data: bytes | None = None, **headers: str
    ) -> requests.Response:
        """Send JSON or bytes to a path below the jobs; header names are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        every = {"Authorization": "Bearer 00D5g000000001!abc", **given}
        url = self.server.url + self.base + path
        return self.session.request(method, url, json=body, data=data, headers=every, timeout=30)

    def create(self, operation: str = "insert", object_name: str = "Account", **options: Any) -> str:
        """Open a job and return its id."""
        reply = self.send("POST", "", {"object": object_name, "operation": operation, "contentType": "CSV", **options})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    def upload(self, job_id: str, content: str | bytes) -> requests.Response:
        """Send the CSV."""
        raw = content.encode() if isinstance(content, str) else content
        return self.send("PUT", f"/{job_id}/batches", data=raw, Content_Type="text/csv")

    def change(self, job_id: str, state: str) -> requests.Response:
        """Close or abort a job."""
        return self.send("PATCH", f"/{job_id}", {"state": state})

    def info(self, job_id: str) -> dict[str, Any]:
        """Return the job."""
        shown: dict[str, Any] = self.send("GET", f"/{job_id}").json()
        return shown

    def finish(self, job_id: str) -> dict[str, Any]:
        """Wait for the job's worker, and return the job."""
        job = self.server.salesforce.jobs.find(job_id)
        assert job is not None
        if job.worker is not None:
            job.worker.join(30)
        return self.info(job_id)

    def run(self, content: str | bytes, operation: str = "insert", object_name: str = "Account", **options: Any) -> str:
        """Create, upload, close and wait; return the job's id."""
        job_id = self.create(operation, object_name, **options)
        assert self.upload(job_id, content).status_code == 201
        assert self.change(job_id, "UploadComplete").status_code == 200
        self.finish(job_id)
        return job_id

    def file(self, job_id: str, name: str) -> str:
        """Return a result file."""
        reply = self.send("GET", f"/{job_id}/{name}")
        assert reply.status_code == 200, reply.text
        return reply.content.decode()

    def rows(self, job_id: str, name: str) -> list[dict[str, str]]:
        """Return the records of a result file."""
        return list(csv.DictReader(io.StringIO(self.file(job_id, name), newline="")))

    def limits(self, **settings: Any) -> None:
        """Set Salesforce's limits."""
        url = f"{self.server.url}/_simulator/limits"
        reply = self.session.put(url, json={"salesforce": settings}, timeout=10)
        assert reply.status_code == 200, reply.text

    def faults(self, *rules: dict[str, Any]) -> None:
        """Put fault rules in force."""
        self.server.simulation.faults.replace(list(rules))

    def records(self, object_name: str = "Account") -> list[dict[str, Any]]:
        """Return the values of the live records."""
        store = self.server.salesforce.store(object_name)
        return [record.values for record in store.iterate() if not record.is_deleted]

    def events(self, event: str) -> list[str]:
        """Return the record ids of the journal's entries of one event."""
        return [entry.id for entry in self.server.simulation.journal.since() if entry.event == event]


@pytest.fixture
def bulk(server: SimulatorServer) -> Iterator[BulkApi]:
    """A Bulk API client of the fresh simulator; its org has Account.Ext__c as a key."""
    org = server.salesforce
    for name in ("Account", "Contact"):
        org.store(name).define(
            FieldDefinition(
                "Ext__c",
                "External",
                "string",
                191,
                is_external_id=True,
                is_id_lookup=True,
                is_unique=True,
                is_custom=True,
            )
        )
    with requests.Session() as session:
        yield BulkApi(server, session)


@dataclass
class SalesforceApi:
    """A client of Salesforce's REST API that sends JSON with a session, over one kept connection."""

    server: SimulatorServer
    session: requests.Session
    version: str = "67.0"
    token: str = "00D5g000000001!abc"

    @property
    def base(self) -> str:
        """The path of the API version."""
        return f"/services/data/v{self.version}"

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Send one request to a path below the version, or to a whole one; header names with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        every = {"Authorization": f"Bearer {self.token}", **given}
        whole = path.startswith(("/services", "/_simulator", "/id/"))
        url = self.server.url + ("" if whole else self.base) + path
        return self.session.request(method, url, json=body, headers=every, timeout=10, allow_redirects=False)

    def create(self, object_name: str, **values: Any) -> str:
        """Create a row and return its id."""
        reply = self.send("POST", f"/sobjects/{object_name}", values)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    def rows(
        self, method: str, records: list[dict[str, Any]], path: str = "", *, kind: str = "Contact", **more: Any
    ) -> list[dict[str, Any]]:
        """Send a collection and return the answer of each row."""
        sent = [{"attributes": {"type": kind}, **record} for record in records]
        reply = self.send(method, f"/composite/sobjects{path}", {"records": sent, **more})
        assert reply.status_code == 200, reply.text
        answers: list[dict[str, Any]] = reply.json()
        return answers

    def upsert(self, records: list[dict[str, Any]], kind: str = "Contact", **more: Any) -> list[dict[str, Any]]:
        """Upsert a collection by `External_Id__c`."""
        return self.rows("PATCH", records, f"/{kind}/External_Id__c", kind=kind, **more)

    def read(self, object_name: str, record_id: str) -> dict[str, Any]:
        """Return a row."""
        reply = self.send("GET", f"/sobjects/{object_name}/{record_id}")
        assert reply.status_code == 200, reply.text
        row: dict[str, Any] = reply.json()
        return row

    def query(self, statement: str) -> list[dict[str, Any]]:
        """Return the first page of a query."""
        reply = self.session.get(
            f"{self.server.url}{self.base}/query",
            params={"q": statement},
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=10,
        )
        assert reply.status_code == 200, reply.text
        records: list[dict[str, Any]] = reply.json()["records"]
        return records

    def journal(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the journal, or its entries of one event."""
        entries = self.send("GET", "/_simulator/journal").json()["entries"]
        return [entry for entry in entries if event in {None, entry["event"]}]

    def seed(self, **seed: Any) -> None:
        """Add to the org what a seed describes."""
        seeding.apply(self.server.salesforce, seed)
        self.server.simulation.journal.clear()


@pytest.fixture
def sf(server: SimulatorServer) -> Iterator[SalesforceApi]:
    """A Salesforce client of the fresh simulator."""
    with requests.Session() as session:
        yield SalesforceApi(server, session)
