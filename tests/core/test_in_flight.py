"""Requests are under way while the next records are read and judged."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from core.fake_family import Family, FamilyDestination, company, lookup, person, schema
from core.fakes import FakeDestination, World, people, route

from reverse_etl_core.errors import QuotaExhaustedError
from reverse_etl_core.operations import DeferCode, Verb
from reverse_etl_core.sending import Crew

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_etl_core.operations import Batch, Outcome
    from reverse_etl_core.pipeline import Pipeline

PATIENCE_S = 20


class GatedDestination(FakeDestination):
    """Answers a write once the gate is open, and tells when it has one in hand."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.gate = threading.Event()
        self.has_request = threading.Event()

    def write(self, batch: Batch) -> list[Outcome]:
        """As the fake, later."""
        self.has_request.set()
        assert self.gate.wait(PATIENCE_S)
        return super().write(batch)


def row(n: int, key: str | None = None, name: str = "x") -> bytes:
    """A record as it arrives."""
    return msgspec.json.encode({"n": n, "key": key or f"k{n}", "name": name})


def deliver(pipeline: Pipeline, *rows: bytes) -> None:
    """Hand over a chunk."""
    pipeline.deliver([msgspec.Raw(one) for one in rows])


@contextmanager
def gated(
    path: Path, faults: tuple[str, ...] = (), kind: type[GatedDestination] = GatedDestination
) -> Iterator[tuple[World, Pipeline, GatedDestination]]:
    """A pipeline whose requests stay under way, two records in each."""
    world = World(path / "ledger.db", route(people(is_native=True, records_per_request=2)))
    destination = kind(world.crm, world.route.schema, faults)
    crew: Crew[Any, Any] = Crew(2)
    try:
        with world.pipeline(destination=destination, crew=crew) as pipeline:
            yield world, pipeline, destination
    finally:
        destination.gate.set()
        crew.close()


def counted(world: World) -> dict[str, int]:
    """What the run counted."""
    return {name: count for name, count in world.tally.as_dict().items() if count}


def test_a_chunk_is_read_while_the_requests_of_the_one_before_are_under_way(tmp_path: Path) -> None:
    """Delivering returns with requests in flight; settling waits for them."""
    with gated(tmp_path) as (world, pipeline, destination):
        deliver(pipeline, *map(row, range(4)))
        assert destination.has_request.wait(PATIENCE_S)
        deliver(pipeline, *map(row, range(4, 7)))
        assert counted(world) == {"read": 7}
        destination.gate.set()
        pipeline.flush()
    assert counted(world) == {"read": 7, "created": 7}
    assert [size for _, size in world.crm.writes] == [2, 2, 2, 1]


def opened_soon(destination: GatedDestination) -> threading.Timer:
    """Open the gate in a moment: whoever must wait has to wait until then."""
    timer = threading.Timer(0.2, destination.gate.set)
    timer.start()
    return timer


def test_a_record_that_arrives_again_waits_for_the_version_under_way(tmp_path: Path) -> None:
    """The newer version is written after the older one has its answer, as an update of what that created."""
    with gated(tmp_path) as (world, pipeline, destination):
        deliver(pipeline, *map(row, range(4)))
        opened_soon(destination)
        deliver(pipeline, row(0, name="new"))
        assert destination.gate.is_set()
        pipeline.flush()
    assert counted(world) == {"read": 5, "created": 4, "updated": 1}
    assert world.contents("key", "name")[0] == ("k0", "new")
    assert len(world.crm.records) == 4


def test_the_same_version_again_is_unchanged(tmp_path: Path) -> None:
    """It is compared with what came of the one under way."""
    with gated(tmp_path) as (world, pipeline, destination):
        deliver(pipeline, *map(row, range(4)))
        opened_soon(destination)
        deliver(pipeline, row(0))
        pipeline.flush()
    assert counted(world) == {"read": 5, "created": 4, "unchanged": 1}


@pytest.mark.parametrize(("name", "expected"), [("x", "duplicate_key"), ("bad", None)])
def test_a_match_value_under_way_belongs_to_a_record_once_that_is_written(
    tmp_path: Path, name: str, expected: str | None
) -> None:
    """A second record with the value waits for the first one's answer, and is a duplicate only if there is one."""
    with gated(tmp_path) as (world, pipeline, destination):
        deliver(pipeline, row(0, name=name), row(1), row(2), row(3))
        opened_soon(destination)
        deliver(pipeline, row(9, key="k0"))
        pipeline.flush()
    assert world.rows()["[9]"]["error_code"] == expected


def test_what_is_under_way_when_the_run_ends_is_written_down(tmp_path: Path) -> None:
    """Its answers count; what was not sent is deferred."""
    with gated(tmp_path) as (world, pipeline, destination):
        deliver(pipeline, *map(row, range(5)))
        destination.gate.set()
        pipeline.abandon(DeferCode.STOPPED, 0)
        pipeline.tally.verify("people")
    assert counted(world) == {"read": 5, "created": 4, "deferred": 1}


def test_an_error_under_way_comes_out_with_the_next_chunk(tmp_path: Path) -> None:
    """Every record has a fate all the same: those of the chunk too, which is not looked at any more."""
    with gated(tmp_path, ("quota",)) as (world, pipeline, destination):
        deliver(pipeline, *map(row, range(4)))
        destination.gate.set()
        with pytest.raises(QuotaExhaustedError):
            deliver(pipeline, row(0, name="new"), row(8), row(9))
        pipeline.abandon(DeferCode.QUOTA, 0)
        pipeline.tally.verify("people")
    assert counted(world) == {"read": 7, "created": 2, "deferred": 5}


def test_an_error_under_way_does_not_hide_why_the_run_ended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told, and the records are deferred."""
    with gated(tmp_path, ("down",)) as (world, pipeline, destination):
        deliver(pipeline, *map(row, range(4)))
        destination.gate.set()
        pipeline.abandon(DeferCode.STOPPED, 0)
        pipeline.tally.verify("people")
    assert counted(world) == {"read": 4, "created": 2, "deferred": 2}
    assert "Not reached." in caplog.text


def test_what_waits_for_a_thread_is_not_sent_after_an_error_that_ends_the_run(tmp_path: Path) -> None:
    """A day's limit that is used up is not asked about by the requests that were handed out already."""
    with gated(tmp_path, ("quota", "quota")) as (world, pipeline, destination):
        deliver(pipeline, *map(row, range(6)))
        destination.gate.set()
        with pytest.raises(QuotaExhaustedError):
            pipeline.flush()
        pipeline.abandon(DeferCode.QUOTA, 0)
        pipeline.tally.verify("people")
    assert len(world.crm.writes) == 2
    assert counted(world) == {"read": 6, "deferred": 6}


class BrokenDestination(GatedDestination):
    """A target with a defect."""

    def write(self, batch: Batch) -> list[Outcome]:
        """Fail as no target should."""
        super().write(batch)
        raise KeyError("secret")


def test_a_defect_under_way_does_not_hide_why_the_run_ended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told without a value, and what follows the end of a run still does."""
    with gated(tmp_path, kind=BrokenDestination) as (world, pipeline, destination):
        deliver(pipeline, *map(row, range(4)))
        destination.gate.set()
        pipeline.abandon(DeferCode.STOPPED, 0)
        pipeline.tally.verify("people")
    assert counted(world) == {"read": 4, "deferred": 4}
    assert "Unexpected KeyError" in caplog.text
    assert "secret" not in caplog.text


def test_a_record_that_is_overwritten_while_it_waits_gets_its_match_value_back(tmp_path: Path) -> None:
    """Another row, under way, turns out to be the same record: the one that it belongs to writes all of its values."""
    with gated(tmp_path) as (world, pipeline, destination):
        world.crm.records["7"], world.crm.others["7"] = {"key": "k0", "name": "x"}, {"k1", "k2"}
        destination.gate.set()
        deliver(pipeline, row(1))
        pipeline.flush()
        deliver(pipeline, *map(row, (2, 10, 11, 12)))
        deliver(pipeline, row(1, name="new"))
        deliver(pipeline, row(10))  # waits for the answers
        pipeline.flush()
    assert world.rows()["[2]"]["error_code"] == "duplicate_key"
    assert world.crm.records["7"] == {"key": "k1", "name": "new"}


def test_a_record_that_is_overwritten_while_it_is_planned_gets_its_match_value_back(tmp_path: Path) -> None:
    """The same, where the chunk waits since another record in it has a match value that is under way."""
    with gated(tmp_path) as (world, pipeline, destination):
        world.crm.records["7"], world.crm.others["7"] = {"key": "k0", "name": "x"}, {"k1", "k2"}
        destination.gate.set()
        deliver(pipeline, row(1))
        pipeline.flush()
        destination.gate.clear()
        deliver(pipeline, *map(row, (2, 10, 11, 12)))
        opened_soon(destination)
        deliver(pipeline, row(1, name="new"), row(20, key="k10"))
        pipeline.flush()
    assert {one: world.rows()[one]["error_code"] for one in ("[2]", "[20]")} == dict.fromkeys(
        ("[2]", "[20]"), "duplicate_key"
    )
    assert world.crm.records["7"] == {"key": "k1", "name": "new"}


class SlowFamilyDestination(FamilyDestination):
    """Creates records, and writes one of them, a moment after it was asked to."""

    def write(self, batch: Batch) -> list[Outcome]:
        """As the family's, later."""
        if batch.verb is Verb.CREATE or any(one.match_key == "p9" for one in batch.operations):
            time.sleep(0.3)
        return super().write(batch)


def family_run(path: Path, streams: dict[str, Any], *messages: dict[str, Any]) -> Family:
    """One run with small chunks and two threads."""
    family = Family(path, SlowFamilyDestination())
    assert family.run(messages, streams=streams, concurrency=2) == 0, family.error
    return family


def test_two_streams_of_one_object_do_not_create_the_same_record_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one of them has under way is there before the other one looks for it."""
    monkeypatch.setattr("reverse_etl_core.sink.CHUNK_RECORDS", 10)
    streams = {name: {"object": "people", "match_on": "number", "fields": {"number": "n"}} for name in ("a", "b")}
    schemas = [
        {"type": "SCHEMA", "stream": name, "schema": {"properties": {"n": {}}}, "key_properties": ["n"]}
        for name in streams
    ]
    records = [{"type": "RECORD", "stream": name, "record": {"n": n}} for name in streams for n in range(10)]
    family = family_run(tmp_path, streams, *schemas, *records)
    assert len(family.destination.crms["people"].records) == 10


def test_streams_that_point_to_each_other_wait_for_what_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record is not sent before its parent's request is answered, though that stream waits for this one."""
    monkeypatch.setattr("reverse_etl_core.sink.CHUNK_RECORDS", 10)
    own = {"match_on": "key", "unknown_fields": "drop"}
    streams = {
        "people": own | {"fields": {"key": "key", "company": lookup("company", "companies")}},
        "companies": own | {"fields": {"key": "key", "contact": lookup("contact", "people")}},
    }
    people_of = [person(f"p{n}") for n in range(20)]
    messages = [schema("people"), schema("companies"), *people_of[:10], company("c", contact="p9"), *people_of[10:]]
    family = family_run(tmp_path, streams, *messages)
    assert family.destination.refusals == []
    assert family.held("companies")["c"]["contact"] == "p9"
