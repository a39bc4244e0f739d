"""Salesforce as the conformance suite sees it, and runs that deliver streams of their own."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import requests
import sqlalchemy as sa
from conformance.stage import Stage, Vendor, state

from reverse_etl_core.retry import RetryPolicy
from target_salesforce.target import TargetSalesforce

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.stage import Result

REQUESTS_OF_A_JOB = 3
"""To open it, to hand over its records, to start it."""


class QuickTarget(TargetSalesforce):
    """The target with shorter waits between repeats."""

    retry_policy = RetryPolicy(base_s=0.02, cap_s=0.1)


class SalesforceVendor(Vendor):
    """Contacts, matched on the external id that the default seed has."""

    def live(self, object_name: str) -> list[dict[str, Any]]:
        """Live records of an object, in the order of their creation."""
        found: list[dict[str, Any]] = []
        after = "0"
        while after:
            page = self.control(f"records/salesforce/{object_name}?limit=1000&after={after}")
            found += [one["properties"] for one in page["records"] if not one["archived"]]
            after = page.get("next")
        return found

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """Live contacts by external id."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in self.live(self.object_name):
            found[str(one.get(self.match_field))].append(one)
        return dict(found)

    def requests(self, part: str = "/services/data", *, status: int | None = None) -> list[dict[str, Any]]:
        """Counts of requests whose route has this part."""
        counts = self.control("requests?last=1")["counts"]
        return [one for one in counts if part in one["route"] and status in (None, one["status"])]

    def write_requests(self) -> int:
        """Requests that write rows, one by one, in collections or in jobs."""
        return sum(one["count"] for one in self.requests() if one["method"] != "GET")

    def write_requests_for(self, records: int) -> int:
        """A job takes them all."""
        return REQUESTS_OF_A_JOB if self.settings["api"] == "bulk" else super().write_requests_for(records)

    def jobs(self) -> int:
        """Bulk jobs that were opened."""
        return sum(one["count"] for one in self.requests("/jobs/ingest") if one["method"] == "POST")

    def events(self, name: str) -> list[dict[str, Any]]:
        """Side effects of one kind."""
        entries: list[dict[str, Any]] = self.control("journal?limit=10000")["entries"]
        return [one for one in entries if one["event"] == name]

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """A request of a person."""
        url = f"{self.url}/services/data/v67.0/{path}"
        reply = requests.request(method, url, json=body, headers={"Authorization": "Bearer 00Dperson"}, timeout=10)
        reply.raise_for_status()
        return reply.json() if reply.content else None


class SalesforceStage(Stage):
    """Runs that deliver streams of their own."""

    vendor: SalesforceVendor

    def send(self, rows: Mapping[str, Sequence[Mapping[str, Any]]], **config: Any) -> Result:
        """Deliver streams, one after the other; `streams` says where they go."""
        messages: list[dict[str, Any]] = []
        for stream, records in rows.items():
            columns = {name: {} for record in records for name in record}
            messages.append(
                {"type": "SCHEMA", "stream": stream, "schema": {"properties": columns}, "key_properties": []}
            )
            messages += [{"type": "RECORD", "stream": stream, "record": one} for one in records]
        return self.run([*messages, state(sum(len(one) for one in rows.values()))], **config)

    def errors(self) -> dict[str, str]:
        """Why records were rejected, by source key."""
        with sa.create_engine(f"sqlite:///{self.root}/ledger.db").connect() as connection:
            found = connection.execute(sa.text("SELECT source_key, error FROM deliveries WHERE status = 'rejected'"))
            return {row.source_key: row.error for row in found}
