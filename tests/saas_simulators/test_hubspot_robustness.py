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
PARAMETERS = ("record_id", "name", "owner_id", "pipeline_id", "to_id", "list_id", "association_type_id")
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
    path = path.replace("{to_type}", "companies").replace("{list_type}", object_type)
    for parameter in PARAMETERS:
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


SPECS = st.lists(
    st.fixed_dictionaries(
        {
            "associationCategory": st.sampled_from(["HUBSPOT_DEFINED", "USER_DEFINED", "X", None]),
            "associationTypeId": st.sampled_from([1, 279, "2", 5, -1, 10**30, None, [1]]),
        }
    ),
    max_size=2,
)
IDS = st.sampled_from([None, "", 1, "1", "x", -1, "20000000001", "9" * 40, ["1"]])
SIDES = st.one_of(JSON, st.fixed_dictionaries({"id": IDS}))
LINKS = st.fixed_dictionaries(
    {"from": SIDES, "to": st.one_of(SIDES, st.lists(SIDES, max_size=2)), "types": st.one_of(JSON, SPECS), "id": IDS}
)
BODIES = st.one_of(
    st.fixed_dictionaries({"inputs": st.lists(LINKS, max_size=3)}),
    st.lists(IDS, max_size=3),
    SPECS,
    st.fixed_dictionaries({"recordIdsToAdd": st.lists(IDS, max_size=2), "recordIdsToRemove": JSON}),
    st.fixed_dictionaries({"name": st.sampled_from(VALUES), "label": JSON, "inverseLabel": JSON}),
    st.fixed_dictionaries({"associationTypeId": JSON, "label": st.sampled_from(VALUES)}),
    st.fixed_dictionaries({"name": JSON, "objectTypeId": st.sampled_from(["0-1", "x"]), "processingType": JSON}),
    st.fixed_dictionaries({"query": JSON, "count": JSON, "offset": JSON, "processingTypes": JSON}),
    st.fixed_dictionaries({"properties": st.just({"dealname": "x", "dealstage": "closedwon"}), "associations": JSON}),
)
RELATED = [route for route in routes() if "associations" in route.template or "/lists" in route.template]
RELATED += [route for route in routes() if route.template == "/crm/v3/objects/{object_type}"]


@given(route=st.sampled_from(RELATED), word=st.sampled_from(["1", "x", "%20", "20000000001"]), body=BODIES)
@settings(max_examples=500, deadline=None, derandomize=True)
def test_associations_and_lists_get_an_answer(route: Any, word: str, body: Any) -> None:
    """Bodies that are nearly right are answered or refused, and never make the simulator fail."""
    simulation.hubspot.set_limits({"enabled": False})
    path = route.template.replace("{object_type}", "deals").replace("{to_type}", "contacts")
    for parameter in (*PARAMETERS, "list_type"):
        path = path.replace(f"{{{parameter}}}", word)
    reply = simulation.deliver(Request(route.method, path, "listName=x", HEADERS, json.dumps(body).encode())).reply
    assert reply is not None
    assert reply.status in {200, 201, 204, 207, 400, 404, 409}
    if reply.status == 207:
        assert json.loads(reply.body)["errors"]


def test_associations_stay_true_under_random_writes() -> None:
    """Both sides agree, nobody has two primary companies, and nothing is left of who is gone."""
    chance = random.Random(7)  # noqa: S311 - a repeatable sequence, not a secret
    own = Simulation()
    own.hubspot.set_limits({"enabled": False})
    account = own.hubspot.account
    for step in range(1500):
        _random_relation(own, chance, step)
    links, types = account.links, account.association_types
    live = {(store.type.type_id, record.id) for store in account.stores.values() for record in store.records.values()}
    live -= {end for end in live if account.store(end[0]).find(end[1]) is None}
    connected = [(end, other, kinds) for end in live for other, kinds in links.of(end)]
    assert len(connected) > 50
    for end, other, kinds in connected:
        assert other in live
        assert {types.inverse(kind).key for kind in kinds} == {kind.key for kind in links.kinds(other, end)}
        assert any(kind.label is None for kind in kinds)
    for contact in account.stores["contacts"].records.values():
        if contact.archived_at is not None:
            continue
        companies = links.neighbours(("0-1", contact.id), "0-2")
        primary = [company for company, keys in companies.items() if ("HUBSPOT_DEFINED", 1) in keys]
        assert primary == ([held] if (held := contact.properties.get("associatedcompanyid")) else [])
    for company in {one for end, one in live if end == "0-2"}:
        parents = [
            keys for keys in links.neighbours(("0-2", company), "0-2").values() if ("HUBSPOT_DEFINED", 14) in keys
        ]
        assert len(parents) <= 1
    assert {(row[0], row[1]) for row in links.dump()} | {(row[2], row[3]) for row in links.dump()} <= live
    (vips,) = account.lists.live()
    assert {("0-1", one) for one in vips.members} <= live


def _random_relation(own: Simulation, chance: random.Random, step: int) -> None:
    """Create, connect, disconnect, archive or merge something; the merge keeps the id every other time."""
    account = own.hubspot.account

    def send(method: str, path: str, body: Any) -> None:
        reply = own.deliver(Request(method, path, "", HEADERS, json.dumps(body).encode())).reply
        assert reply is not None
        assert reply.status < 500

    def some(name: str) -> str:
        ids = [record.id for record in account.stores[name].records.values() if record.archived_at is None]
        return chance.choice(ids or ["1"])

    if step < 60:
        send("POST", "/crm/v3/objects/contacts", {"properties": {"email": f"p{step}@example.com"}})
        send("POST", "/crm/v3/objects/companies", {"properties": {"name": f"C{step}"}})
        if step == 0:
            send("POST", "/crm/v3/lists", {"name": "V", "objectTypeId": "0-1", "processingType": "MANUAL"})
        return
    pair = chance.choice([("contacts", "companies"), ("companies", "contacts"), ("companies", "companies")])
    one, other = some(pair[0]), some(pair[1])
    path = f"/crm/v4/associations/{pair[0]}/{pair[1]}/batch"
    number = chance.choice(
        {"contacts": [1, 279], "companies": [2, 280]}[pair[0]] if pair[0] != pair[1] else [450, 13, 14]
    )
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]
    given_ = {"from": {"id": one}, "to": {"id": other}, "types": types}
    verb = chance.choices(["create", "labels/archive", "archive", "list", "delete", "merge"], [12, 3, 2, 3, 0.2, 0.3])[
        0
    ]
    if verb == "delete":
        send("DELETE", f"/crm/v3/objects/{pair[0]}/{one}", {})
    elif verb == "list":
        send("PUT", "/crm/v3/lists/1/memberships/add", [some("contacts")])
    elif verb == "merge":
        account.merge_keeps_primary_id = not account.merge_keeps_primary_id
        body = {"primaryObjectId": some(pair[0]), "objectIdToMerge": one}
        send("POST", f"/crm/v3/objects/{pair[0]}/merge", body)
    else:
        send("POST", f"{path}/{verb}", {"inputs": [{**given_, "to": [{"id": other}]} if verb == "archive" else given_]})
