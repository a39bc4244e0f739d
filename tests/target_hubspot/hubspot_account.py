"""A simulated account for tests of the destination itself, and operations for it."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from reverse_etl_core.operations import Batch, Operation, Outcome, RejectCode, Rejected, Verb
from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.traffic import Traffic
from reverse_etl_core.transport import Reply, Request
from target_hubspot.config import Choices, HubSpotConfig
from target_hubspot.destination import HubSpotDestination, HubSpotDialect, connect

if TYPE_CHECKING:
    from reverse_etl_core.schema import ObjectSchema
    from saas_simulators import SimulatorServer

SEED = {
    "hubspot": {
        "portal_id": 4711,
        "properties": {
            "contacts": [
                {"name": "is_vip", "type": "bool"},
                {"name": "birthday", "type": "date"},
                {"name": "seen_at", "type": "datetime"},
                {
                    "name": "regions",
                    "type": "enumeration",
                    "field_type": "checkbox",
                    "options": ["emea", "apac", "amer"],
                },
            ]
        },
        "objects": [
            {
                "name": "subscription",
                "labels": ["Subscription", "Subscriptions"],
                "primary": "number",
                "required": ["number"],
                "properties": [{"name": "number", "type": "string", "unique": True}],
            }
        ],
    }
}
QUICK = RetryPolicy(attempts=4, base_s=0.001, cap_s=0.002)
WRITES = "*/batch/*"


@dataclass
class Account:
    """The simulated account, and destinations that are connected to it."""

    server: SimulatorServer

    def connect(self, **config: str) -> HubSpotDestination:
        """A destination; a fixed token where no credentials are given."""
        credentials = config if {"access_token", "client_id"} & set(config) else {"access_token": "pat-x", **config}
        self.traffic = Traffic()
        return connect(
            HubSpotConfig.from_mapping({"api_url": self.server.url, **credentials}),
            stop=threading.Event(),
            traffic=self.traffic,
            daily_quota_percent=80,
            policy=QUICK,
            timeout_s=(2, 2),
            clock=time.monotonic,
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the simulator's control surface."""
        reply = requests.request(method, f"{self.server.url}/_simulator/{path}", json=body, timeout=10)
        reply.raise_for_status()
        return reply.json()

    def faults(self, *rules: dict[str, Any]) -> None:
        """Put faults in force."""
        self.control("PUT", "faults", list(rules))

    def create(self, **properties: str) -> str:
        """Make a contact as a person would; its id."""
        return str(self.api("POST", "/crm/v3/objects/contacts", {"properties": properties})["id"])

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """One request of somebody else."""
        headers = {"Authorization": "Bearer pat-person", "Accept": "application/json"}
        reply = requests.request(method, self.server.url + path, json=body, headers=headers, timeout=10)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def contacts(self) -> dict[str, dict[str, str]]:
        """The properties of live contacts by id."""
        records = self.control("GET", "records/hubspot/contacts?limit=1000")["records"]
        return {one["id"]: one["properties"] for one in records if not one["archived"]}

    def events(self, event: str = "") -> list[str]:
        """Ids of the journal's entries of one event, or the events of all of them."""
        entries = self.control("GET", "journal")["entries"]
        return [one["id"] for one in entries if one["event"] == event] if event else [one["event"] for one in entries]

    def merge(self, primary: str, other: str) -> str:
        """Merge two contacts as a person would; the id of the survivor."""
        body = {"primaryObjectId": primary, "objectIdToMerge": other}
        return str(self.api("POST", "/crm/v3/objects/contacts/merge", body)["id"])

    def count(self, part: str) -> int:
        """Requests so far whose route has this part."""
        counts = self.control("GET", "requests?last=1")["counts"]
        return sum(int(one["count"]) for one in counts if part in one["route"])


def operation(key: str, destination_id: str | None = None, **fields: Any) -> Operation:
    """An operation for a contact with this customer id."""
    return Operation(f'["{key}"]', key, fields or {"customer_id": key, "firstname": "Ada"}, destination_id)


def batch(schema: ObjectSchema, verb: Verb, *operations: Operation, match_field: str = "customer_id") -> Batch:
    """A batch of contacts."""
    return Batch(verb, schema, match_field, operations)


def by_key(outcomes: list[Outcome]) -> dict[str, Outcome]:
    """Outcomes by their match key."""
    return {one.source_key[2:-2]: one for one in outcomes}


def code_of(outcome: Outcome) -> RejectCode:
    """The code of a rejection."""
    assert isinstance(outcome, Rejected), outcome
    return outcome.code


def answering(*answers: tuple[int, dict[str, Any]], **choices: Any) -> HubSpotDestination:
    """A destination that gets these answers in turn: replies that no simulator gives."""
    waiting = list(answers)

    def send(request: Request) -> Reply:
        status, body = waiting.pop(0)
        reply = Reply(status, {}, json.dumps(body).encode())
        if (error := HubSpotDialect().failure(request, reply)) is not None:
            raise error
        return reply

    return HubSpotDestination(send, "v3", Choices(**choices))
