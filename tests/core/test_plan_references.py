"""A plan knows which records name a parent that does not exist."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from core.fake_family import STATE, Family, company, person, schema

from reverse_etl_core.operations import Verb

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path) -> Family:
    """Two empty objects."""
    return Family(tmp_path)


def lines(stage: Family) -> dict[str, tuple[str, str]]:
    """Source key to action and code; nobody has two lines."""
    newest = max(stage.root.glob("reports/*/plan.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    found = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    assert len({one["source_key"] for one in found}) == len(found)
    return {one["source_key"]: (one["action"], one["code"]) for one in found}


def outcomes(stage: Family) -> dict[str, tuple[str, str]]:
    """Source key to status and code after a run."""
    return {
        key: ("create", "") if row["status"] == "delivered" else ("reject", row["error_code"])
        for key, row in stage.rows().items()
    }


PEOPLE: list[dict[str, Any]] = [
    schema("people"),
    person("ada", company="acme"),
    person("bob", company="nobody"),
    person("cy", company=None, manager="ada"),
    person("dee", manager="bob"),
    person("eve", company="late"),
    STATE,
]
COMPANIES = [schema("companies"), company("acme"), company("sub", parent="late"), company("late"), STATE]


@pytest.mark.parametrize("is_children_first", [False, True])
def test_parents_are_looked_for_at_the_destination_and_in_the_plan(stage: Family, *, is_children_first: bool) -> None:
    """Whatever comes first, each record has one line, and the run right afterwards does what it says."""
    messages = PEOPLE + COMPANIES if is_children_first else COMPANIES + PEOPLE
    assert stage.run(messages, dry_run=True, max_rejected_percent=100) == 0
    planned = lines(stage)
    assert (stage.destination.batches, stage.states) == ([], 0)
    assert {key: one for key, one in planned.items() if one != ("create", "")} == {
        '["bob"]': ("reject", "reference_not_found"),
        '["dee"]': ("reject", "reference_not_found"),
    }
    assert stage.run(messages, max_rejected_percent=100) == 0
    assert outcomes(stage) == planned


def test_a_parent_of_an_earlier_run_is_there(stage: Family) -> None:
    """It is read where it is, in one request for all of them."""
    assert stage.run([schema("companies"), company("acme"), company("late"), STATE]) == 0
    finds = stage.destination.crms["companies"].finds
    children = [person(f"p{n}", company="acme" if n % 2 else "late") for n in range(5)]
    assert stage.run([schema("people"), *children, STATE], dry_run=True) == 0
    assert set(lines(stage).values()) == {("create", "")}
    assert stage.destination.crms["companies"].finds == finds + 1


def test_what_may_be_missing_rejects_nobody(stage: Family) -> None:
    """`on_missing: skip_field`."""
    streams = stage.streams(on_missing="skip_field")
    assert stage.run([schema("people"), person("bob", company="nobody"), STATE], dry_run=True, streams=streams) == 0
    assert lines(stage) == {'["bob"]': ("create", "")}
    assert [one.verb for one in stage.destination.batches if one.verb is not Verb.UPSERT] == []


def test_a_parent_that_the_plan_knows_by_another_field_is_taken_to_be_there(stage: Family) -> None:
    """What the plan creates is known by its match value alone: nobody is refused on a guess."""
    streams = stage.streams()
    fields = {"key": "key", "name": "name", "number": "name"}
    streams["companies"] = {"match_on": "number", "fields": fields}
    messages = [schema("companies"), company("acme", name=7), schema("people"), person("ada", company="acme"), STATE]
    assert stage.run(messages, dry_run=True, streams=streams) == 0
    assert set(lines(stage).values()) == {("create", "")}


def test_what_one_stream_creates_another_one_finds(stage: Family) -> None:
    """Two streams that write the same object, as in a run: the second one changes what the first one creates."""
    streams = stage.streams()
    streams["guests"] = {"object": "people", "match_on": "key", "fields": {"key": "key", "name": "name"}}
    guests = {**schema("people"), "stream": "guests"}
    guest = person("ada", name="other")
    messages = [schema("people"), person("ada", name="x"), STATE, guests, {**guest, "stream": "guests"}, STATE]
    assert stage.run(messages, dry_run=True, streams=streams) == 0
    newest = max(stage.root.glob("reports/*/plan.jsonl"), key=lambda path: path.stat().st_mtime_ns)
    found = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    assert [one["action"] for one in found] == ["create", "update"]
    first, last = found[0]["fields"]["name"][1], found[1]["fields"]["name"]
    assert last[0] == first
    assert stage.run(messages, streams=streams) == 0
    assert [one["name"] for one in stage.destination.crms["people"].records.values()] == [last[1]]
