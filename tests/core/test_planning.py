"""What to do with a record: the whole decision table."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from core.fakes import people, route

from reverse_etl_core import identity
from reverse_etl_core.finding import step_after_find
from reverse_etl_core.ledger import Delivery, Status
from reverse_etl_core.operations import Current, RejectCode, Verb
from reverse_etl_core.planning import (
    Candidate,
    Step,
    first_step,
    missing_to_create,
    next_step,
    operation,
)

NOW, GRACE = 1_000_000, 60_000
METHODS = ("upsert", "update", "create")


def known(status: Status, **changes: Any) -> Delivery:
    """A row of the ledger."""
    given: dict[str, Any] = dict.fromkeys(Delivery.__struct_fields__)
    given |= {"source_key": "[1]", "match_key": "a", "status": status, "created_by_us": False, "attempts": 1}
    return Delivery(**(given | changes))


def candidate(row: Delivery | None = None, *, key: str = "a", name: str = "x", **changes: Any) -> Candidate:
    """A record of source key 1."""
    payload = identity.encode({"key": key, "name": name})
    one = Candidate("[1]", key, payload, identity.digest(payload), **changes)
    one.learn(row)
    return one


SAME = candidate().payload_hash
ROWS = {
    "unknown": None,
    "delivered": known(Status.DELIVERED, destination_id="7", payload_hash=SAME),
    "changed": known(Status.DELIVERED, destination_id="7", payload_hash=b"other"),
    "renamed": known(Status.DELIVERED, destination_id="7", payload_hash=SAME, match_key="b"),
    "create under way": known(Status.PENDING, intent_at=NOW - 1000),
    "create over": known(Status.PENDING, intent_at=NOW - GRACE),
    "update under way": known(Status.PENDING, destination_id="7", intent_at=NOW - 1000),
    "update over": known(Status.PENDING, destination_id="7", intent_at=NOW - GRACE),
    "resting": known(Status.REJECTED, match_key=None, payload_hash=SAME, due_at=NOW + 1),
    "due": known(Status.REJECTED, match_key=None, payload_hash=SAME, due_at=NOW),
    "refused otherwise": known(Status.REJECTED, match_key=None, payload_hash=b"other", due_at=NOW + 1),
    "refused update": known(Status.REJECTED, destination_id="7", payload_hash=b"other", due_at=NOW + 1),
    "in doubt": known(Status.DELIVERED, destination_id="7", payload_hash=b"other", in_doubt_until=NOW + 1),
}
FIRST = {  # upsert with native upsert, upsert without, update, create
    "unknown": (Step.UPSERT, Step.FIND, Step.FIND, Step.FIND),
    "delivered": (Step.SKIP, Step.SKIP, Step.SKIP, Step.SKIP),
    "changed": (Step.UPDATE, Step.UPDATE, Step.UPDATE, Step.SKIP),
    "renamed": (Step.UPDATE, Step.UPDATE, Step.UPDATE, Step.SKIP),
    "create under way": (Step.DOUBT, Step.DOUBT, Step.DOUBT, Step.DOUBT),
    "create over": (Step.UPSERT, Step.FIND, Step.FIND, Step.FIND),
    "update under way": (Step.DOUBT, Step.DOUBT, Step.DOUBT, Step.SKIP),
    "update over": (Step.UPDATE, Step.UPDATE, Step.UPDATE, Step.SKIP),
    "resting": (Step.STAY_REJECTED,) * 4,
    "due": (Step.UPSERT, Step.FIND, Step.FIND, Step.FIND),
    "refused otherwise": (Step.UPSERT, Step.FIND, Step.FIND, Step.FIND),
    "refused update": (Step.UPDATE, Step.UPDATE, Step.UPDATE, Step.SKIP),
    "in doubt": (Step.DOUBT, Step.DOUBT, Step.DOUBT, Step.SKIP),
}
WAYS = [
    route(people(is_native=True)),
    route(people()),
    route(people(is_native=True), load_method="update"),
    route(people(), load_method="create"),
]


@pytest.mark.parametrize(("row", "way"), list(itertools.product(ROWS, range(4))))
def test_the_first_step_follows_the_table(row: str, way: int) -> None:
    """Each status of the ledger leads to one step per load method."""
    assert first_step(candidate(ROWS[row]), WAYS[way], now_ms=NOW, grace_ms=GRACE) is FIRST[row][way]


def test_a_known_record_is_upserted_where_its_id_follows_from_its_match_value() -> None:
    """Where ids are derived a known record travels with the new ones, unless its match value changed."""
    base = route()
    derived = replace(base, schema=replace(base.schema, upsert_fields=frozenset({"key"}), has_derived_ids=True))
    steps = {name: next_step(candidate(ROWS[name]), derived, now_ms=NOW) for name in ROWS}
    assert {name for name, step in steps.items() if step is Step.UPDATE} == {"renamed"}
    assert steps["changed"] is steps["update over"] is Step.UPSERT
    only_updates = replace(derived, load_method="update")
    assert next_step(candidate(ROWS["changed"]), only_updates, now_ms=NOW) is Step.UPDATE


def test_the_last_sign_of_a_killed_run_prolongs_the_doubt() -> None:
    """A killed run's last request left no earlier than it was last heard of."""
    row = known(Status.PENDING, intent_at=NOW - 2 * GRACE)
    one = candidate(row)
    assert first_step(one, WAYS[1], now_ms=NOW, grace_ms=GRACE, last_sign_ms=NOW - 10) is Step.DOUBT
    assert one.in_doubt_until == NOW - 10 + GRACE


def test_a_replay_does_not_rest() -> None:
    """What the ledger says is due is tried, also where the row was read a moment earlier."""
    one = candidate(ROWS["resting"], is_replay=True)
    assert first_step(one, WAYS[0], now_ms=NOW, grace_ms=GRACE) is Step.UPSERT


@pytest.mark.parametrize("way", range(2))
def test_a_lost_create_under_another_value_is_looked_for_first(way: int) -> None:
    """A renamed record is looked for under its earlier value, then under its own, and only then created."""
    one = candidate(known(Status.PENDING, match_key="b", intent_at=0))
    assert first_step(one, WAYS[way], now_ms=NOW, grace_ms=GRACE) is Step.FIND
    assert one.find_key == "b"
    assert step_after_find(one, WAYS[way], []) is (Step.UPSERT, Step.FIND)[way]
    assert one.find_key == "a"
    assert step_after_find(one, WAYS[1], []) is Step.CREATE


@pytest.mark.parametrize(
    ("method", "found", "expected"),
    [
        ("upsert", [], Step.CREATE),
        ("upsert", ["7"], Step.UPDATE),
        ("update", [], RejectCode.NOT_FOUND),
        ("update", ["7"], Step.UPDATE),
        ("create", [], Step.CREATE),
        ("create", ["7"], RejectCode.ALREADY_EXISTS),
        *((method, ["7", "8"], RejectCode.AMBIGUOUS_MATCH) for method in METHODS),
    ],
)
def test_what_was_found_decides(method: str, found: list[str], expected: Any) -> None:
    """None, one or several records at the destination."""
    one = candidate()
    assert step_after_find(one, route(load_method=method), [Current(record_id) for record_id in found]) is expected
    assert one.destination_id == ("7" if len(found) == 1 else None)


def test_a_create_that_was_under_way_and_is_found_was_ours() -> None:
    """Where only creates are wanted it is settled as it is."""
    one = candidate(known(Status.PENDING, intent_at=0))
    first_step(one, WAYS[3], now_ms=NOW, grace_ms=GRACE)
    assert step_after_find(one, WAYS[3], [Current("7")]) is Step.SKIP


def test_a_record_matched_by_its_id_is_only_updated() -> None:
    """The match value is the id."""
    way = route(match_on="id", columns=("id", "name"), keys=("id",))
    payload = identity.encode({"id": "7", "name": "x"})
    one = Candidate('["7"]', "7", payload, identity.digest(payload))
    assert next_step(one, way, now_ms=NOW) is Step.UPDATE
    sent = operation(one, Verb.UPDATE, way)
    assert (sent.destination_id, dict(sent.fields)) == ("7", {"name": "x"})


@pytest.mark.parametrize(
    ("row", "verb", "has_match_field"),
    [
        (None, Verb.CREATE, True),
        (None, Verb.UPSERT, True),
        ("changed", Verb.UPDATE, False),
        ("renamed", Verb.UPDATE, True),
        ("update over", Verb.UPDATE, True),
        ("create over", Verb.UPDATE, False),
        ("refused update", Verb.UPDATE, False),
    ],
)
def test_an_update_leaves_the_match_field_out_unless_it_changes(
    row: str | None, verb: Verb, *, has_match_field: bool
) -> None:
    """Writing it again could move a secondary address to the front; half changed it has to be written."""
    one = candidate(ROWS[row] if row else None)
    assert ("key" in operation(one, verb, WAYS[0]).fields) is has_match_field


def test_an_update_of_nothing_but_the_match_field_still_has_a_field() -> None:
    """A record with only its match value is sent with it, never empty."""
    payload = identity.encode({"key": "a"})
    one = Candidate("[1]", "a", payload, identity.digest(payload), destination_id="7")
    assert dict(operation(one, Verb.UPDATE, WAYS[0]).fields) == {"key": "a"}


def test_a_new_record_needs_one_field_of_each_group() -> None:
    """Null and empty do not count."""
    way = route(people(required_to_create=(("key", "email"), ("name",))))
    assert missing_to_create(candidate(name="x"), way) == ()
    assert missing_to_create(candidate(name=""), way) == ("name",)
