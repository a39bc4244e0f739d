"""The numbers that a user can count on: requests, and exactly one record each, for 20,000 contacts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from conformance.suite import faults

if TYPE_CHECKING:
    from conformance.stage import Stage

COUNT = 20_000
MOST_WRITES = 204
"""200 full batches, and 2 % for the ends of checkpoints."""


def created_per_contact(stage: Stage) -> Counter[str]:
    """How often each contact was created, from the simulator's journal."""
    created: Counter[str] = Counter()
    last = 0
    while entries := stage.vendor.control(f"journal?since={last}")["entries"]:
        created.update(one["unique"]["customer_id"] for one in entries if one["event"] == "record_created")
        last = entries[-1]["sequence"]
    return created


def test_twenty_thousand_contacts_take_the_fewest_requests(stage: Stage) -> None:
    """20,000 new contacts take at most 204 write requests, 20,000 changed ones too, and a rerun takes none."""
    stage.deliver(stage.record(n) for n in range(COUNT))
    first = stage.vendor.write_requests()
    stage.deliver(stage.record(n, "second") for n in range(COUNT))
    second = stage.vendor.write_requests() - first
    result = stage.deliver(stage.record(n, "second") for n in range(COUNT))
    assert max(first, second) <= MOST_WRITES
    assert stage.vendor.write_requests() == first + second
    assert result.totals["unchanged"] == COUNT


def test_contacts_and_what_they_are_associated_with_take_the_fewest_requests(stage: Stage) -> None:
    """10,000 contacts of 1,000 companies: 110 batches of records and 5 of associations; the rerun writes nothing."""
    company = {"object": "companies", "from": "account", "match_on": "customer_id"}
    streams = {
        "accounts": {"object": "companies", "match_on": "customer_id", "fields": {"customer_id": "id", "name": "id"}},
        "people": {
            "object": "contacts",
            "match_on": "customer_id",
            "fields": {"customer_id": "id", "email": "email"},
            "associations": [company],
        },
    }
    accounts = [{"id": f"A{n}"} for n in range(1_000)]
    people = [{"id": f"P{n}", "email": f"p{n}@example.com", "account": f"A{n % 1_000}"} for n in range(10_000)]
    messages = [*_messages("accounts", accounts), *_messages("people", people)]
    first = stage.run(messages, streams=streams)
    asked = _requests(stage)
    assert (first.exit_code, first.totals["created"]) == (0, 1_000 + 10_000 + 10_000)
    assert sum(asked.values()) <= 1.02 * (10 + 100 + 5) + 5  # what is looked at once: token, account, objects, labels
    second = stage.run(messages, streams=streams)
    assert (second.exit_code, second.totals["unchanged"]) == (0, 21_000)
    assert {one for one in _requests(stage) - asked if one.startswith("POST /crm")} == set()


def _messages(stream: str, records: list[dict[str, str]]) -> list[dict[str, Any]]:
    schema = {"properties": {name: {} for name in records[0]}}
    head = {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["id"]}
    return [head, *({"type": "RECORD", "stream": stream, "record": one} for one in records)]


def _requests(stage: Stage) -> Counter[str]:
    counts = stage.vendor.control("requests?last=1")["counts"]
    return Counter({f"{one['method']} {one['route']}": one["count"] for one in counts})


@pytest.mark.long
@pytest.mark.parametrize("load_method", ["upsert", "create"])
def test_twenty_thousand_contacts_survive_trouble_on_every_write(stage: Stage, load_method: str) -> None:
    """With 5 % each of lost replies, 502 after commit, 429 and cut connections, each contact is created once."""
    stage.vendor.faults(faults(stage, 0.05))
    result = stage.deliver((stage.record(n) for n in range(COUNT)), stream={"load_method": load_method})
    assert result.exit_code == 0
    assert result.totals["read"] == sum(result.totals.values()) - result.totals["read"] == COUNT
    assert created_per_contact(stage) == Counter({f"K{n}": 1 for n in range(COUNT)})
    assert len(stage.texts()) == COUNT
