"""Whatever is sent, the simulator answers as Salesforce would, and its indexes stay true."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from saas_simulators.exchange import Request
from saas_simulators.salesforce.routes import BASE, LINES
from saas_simulators.simulation import Simulation

HEADERS = {"authorization": "Bearer x", "host": "localhost"}
KEYS = [
    *["records", "attributes", "type", "allOrNone", "Id", "ids", "fields", "compositeRequest"],
    *["Name", "LastName", "External_Id__c", "Account", "AccountId", "Birthdate", "Score__c", "HasOptedOutOfEmail"],
    *["method", "url", "referenceId", "body"],
]
VALUES: list[Any] = [None, True, -1, 1.5, 10**400, "", "x", "A1", "Contact", "GET", "@{x.id}", "9" * 300, "2024-01-31"]
JSON = st.recursive(
    st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
QUERIES = [
    "",
    "updateOnly=true",
    "ids=x,001000000000001&allOrNone=true",
    "fields=Id,x",
    "sObjects=x",
    *(
        "q=" + quote(text)
        for text in ("x", "SELECT Id FROM Account WHERE Name < null", "SELECT FIELDS(ALL) FROM Contact")
    ),
]
SEED = {"records": {"Account": [{"Name": "x", "External_Id__c": "A1"}], "Contact": [{"LastName": "A1"}]}}
simulation = Simulation({"salesforce": SEED})


@given(
    line=st.sampled_from([*LINES, ("POST", "/composite", None)]),
    object_name=st.sampled_from(["Account", "contact", "Organization", "x"]),
    field=st.sampled_from(["External_Id__c", "Id", "Email", "x"]),
    word=st.sampled_from(["A1", "001000000000001", "x%2F", "0015g00000A0001AAB"]),
    query=st.sampled_from(QUERIES),
    body=JSON,
)
@settings(max_examples=600, deadline=None, derandomize=True)
def test_every_request_gets_an_answer(
    line: Any, object_name: str, field: str, word: str, query: str, body: Any
) -> None:
    """No body, query or path makes the simulator fail; refusals are arrays with a code and a message."""
    simulation.salesforce.set_limits({"enabled": False})
    method, template, _ = line
    path = (BASE + template).replace("{version}", "67.0").replace("{object}", object_name).replace("{field}", field)
    for parameter in ("id", "value", "locator"):
        path = path.replace(f"{{{parameter}}}", word)
    reply = simulation.deliver(Request(method, path, query, HEADERS, json.dumps(body).encode())).reply
    assert reply is not None
    assert reply.status in {200, 201, 204, 300, 400, 404}
    if reply.status in {400, 404}:
        for error in json.loads(reply.body):
            assert error["message"]
            assert error["errorCode"]


def test_indexes_stay_true() -> None:
    """After many writes, undone ones among them, every index holds exactly what the live rows say."""
    subject = Simulation(
        {"salesforce": {"duplicate_rules": [{"object": "Contact", "fields": ["Title"], "action": "alert"}]}}
    )
    subject.salesforce.set_limits({"enabled": False})
    draw = random.Random(11)  # noqa: S311 - not for secrets
    for _ in range(300):
        rows = [
            {
                "attributes": {"type": "Contact"},
                "External_Id__c": f"C{draw.randrange(20)}",
                "LastName": draw.choice(["x", "y", None]),
                "Email": draw.choice([None, "a@example.com", "B@example.com", "bad"]),
                "Title": draw.choice([None, "a", "b"]),
            }
            for _ in range(draw.randrange(1, 5))
        ]
        body = json.dumps({"allOrNone": draw.random() < 0.5, "records": rows}).encode()
        path = BASE.replace("{version}", "67.0") + "/composite/sobjects/Contact/External_Id__c"
        subject.deliver(Request("PATCH", path, "", HEADERS, body))
        if draw.random() < 0.2:
            store = subject.salesforce.org.store("Contact")
            live = [record.id for record in store.iterate() if not record.is_deleted]
            path = BASE.replace("{version}", "67.0") + "/composite/sobjects"
            subject.deliver(Request("DELETE", path, f"ids={','.join(live[:2])}", HEADERS, b""))
    store = subject.salesforce.org.store("Contact")
    live_rows = [record for record in store.iterate() if not record.is_deleted]
    assert len(live_rows) == store.live_count > 0
    for index in (*store.indexes.values(), *store.groups):
        expected: dict[Any, set[str]] = {}
        for record in live_rows:
            if (key := index.key(record.values)) is not None:
                expected.setdefault(key, set()).add(record.id)
        assert {key: set(ids) for key, ids in index.ids.items()} == expected


def test_a_state_is_taken_over() -> None:
    """What is dumped and loaded reads the same and goes on numbering."""
    first, second = Simulation({"salesforce": SEED}), Simulation({"salesforce": SEED})
    path = BASE.replace("{version}", "67.0") + "/sobjects/Account"
    first.deliver(Request("POST", path, "", HEADERS, b'{"Name": "new", "External_Id__c": "A2"}'))
    second.load(json.loads(json.dumps(first.dump())))
    store = second.salesforce.org.store("Account")
    assert [record.values for record in store.iterate()] == [
        record.values for record in first.salesforce.org.store("Account").iterate()
    ]
    assert store.indexes["External_Id__c"].find("a2")
    second.deliver(Request("POST", path, "", HEADERS, b'{"Name": "newer"}'))
    assert len({record.id for record in store.iterate()}) == 3
