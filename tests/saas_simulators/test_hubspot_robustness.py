"""Whatever is sent, the simulator answers as a vendor would, and its indexes stay true."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from saas_simulators.exchange import Request
from saas_simulators.hubspot.records import ADDITIONAL_EMAILS, EMAIL, fold
from saas_simulators.hubspot.routes import routes
from saas_simulators.simulation import Simulation

HEADERS = {"authorization": "Bearer x", "accept": "application/json"}
KEYS = [
    *["inputs", "id", "idProperty", "properties", "objectWriteTraceId"],
    *["filterGroups", "filters", "propertyName", "operator", "value", "values", "name"],
]
VALUES = [
    None,
    True,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "1",
    "a@b.example",
    ";a",
    "9" * 30,
    "customer_id",
    "email",
    "EQ",
    "BETWEEN",
]
JSON = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
SEEDED = {"hubspot": {"records": {"contacts": [{"email": "a@b.example", "customer_id": "1"}]}}}
simulation = Simulation(SEEDED)


@given(
    route=st.sampled_from(routes()),
    object_type=st.sampled_from(["contacts", "0-3", "x"]),
    word=st.sampled_from(["1", "email", "a%40b.example", "default"]),
    query=st.sampled_from(["", "limit=0", "limit=x", "after=x", "idProperty=email", "archived=true", "properties=,"]),
    body=JSON,
)
@settings(max_examples=400, deadline=None, derandomize=True)
def test_every_request_gets_an_answer(route: Any, object_type: str, word: str, query: str, body: Any) -> None:
    """No body, query or path makes the simulator fail; refusals are JSON with a status and a message."""
    simulation.hubspot.set_limits({"enabled": False})
    path = route.template.replace("{object_type}", object_type)
    for parameter in ("record_id", "name", "owner_id", "pipeline_id"):
        path = path.replace(f"{{{parameter}}}", word)
    reply = simulation.deliver(Request(route.method, path, query, HEADERS, json.dumps(body).encode())).reply
    assert reply is not None
    assert reply.status in {200, 201, 204, 207, 400, 404, 405, 409}
    if reply.status in {400, 409}:
        answer = json.loads(reply.body)
        assert answer["status"] == "error"
        assert answer["message"]


def test_indexes_stay_true_under_random_writes() -> None:
    """After thousands of random writes every unique value leads to the one live record that has it."""
    chance = random.Random(7)  # noqa: S311 - a repeatable sequence, not a secret
    subject = Simulation()
    subject.hubspot.set_limits({"enabled": False})
    store = subject.hubspot.account.store("contacts")
    for _ in range(1500):
        send(subject, chance, [record.id for record in store.iterate() if not record.archived_at])
        assert store.live_count == sum(1 for record in store.iterate() if not record.archived_at)
    live = [record for record in store.iterate() if not record.archived_at]
    expected: dict[str, dict[str, str]] = {name: {} for name in store.unique}
    for record in live:
        for name in store.unique:
            values = [record.properties.get(name, "")]
            values += record.properties.get(ADDITIONAL_EMAILS, "").split(";") if name == EMAIL else []
            expected[name].update({fold(name, value): record.id for value in values if value})
    assert store.unique == expected
    assert set(store.searchable()) == {record.id for record in live}


def send(subject: Simulation, chance: random.Random, ids: list[str]) -> None:
    """Send one random write."""
    properties = {
        "firstname": "x",
        chance.choice(["email", "customer_id", "city"]): f"v{chance.randrange(9)}@x.example",
    }
    some = chance.choice(ids) if ids else "1"
    other = chance.choice(ids) if ids else "1"
    body: dict[str, Any]
    verb = chance.choice(["upsert", "upsert", "create", "update", "archive", "merge", "gdpr-delete"])
    path = f"/crm/v3/objects/contacts/batch/{verb}"
    if verb == "merge":
        path, body = "/crm/v3/objects/contacts/merge", {"primaryObjectId": some, "objectIdToMerge": other}
    elif verb == "gdpr-delete":
        path, body = "/crm/v3/objects/contacts/gdpr-delete", {"objectId": some}
    elif verb == "upsert":
        name = chance.choice(["email", "customer_id"])
        inputs = [
            {"id": f"v{n}@x.example", "idProperty": name, "properties": properties, "objectWriteTraceId": str(n)}
            for n in chance.sample(range(9), 3)
        ]
        body = {"inputs": inputs}
    else:
        body = {"inputs": [{"id": some, "properties": properties, "objectWriteTraceId": "1"}]}
    subject.deliver(Request("POST", path, "", HEADERS, json.dumps(body).encode()))
