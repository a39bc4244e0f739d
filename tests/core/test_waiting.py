"""Children whose parent is not there yet: rejected durably, tried again once the parent may have come."""

from __future__ import annotations

import time
from itertools import chain, permutations, zip_longest
from typing import TYPE_CHECKING, Any

import pytest
from core.fake_family import STATE, Family, FamilyDestination, company, lookup, person, schema

from reverse_etl_core.errors import BrakeError

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_etl_core.operations import Batch, Outcome

HOUR_S = 3600.0
BOTH = [schema("people"), schema("companies")]


@pytest.fixture
def family(tmp_path: Path) -> Family:
    """Two empty objects."""
    return Family(tmp_path)


def children(count: int, parents: int = 5) -> list[dict[str, Any]]:
    """People who work somewhere."""
    return [person(f"p{n}", company=f"c{n % parents}") for n in range(count)]


def companies(count: int = 5) -> list[dict[str, Any]]:
    """Companies."""
    return [company(f"c{n}") for n in range(count)]


def interleaved(*streams: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One of each in turn."""
    return [one for one in chain.from_iterable(zip_longest(*streams)) if one is not None]


ORDERS = {
    "children first": children(12) + companies(),
    "parents first": companies() + children(12),
    "interleaved": interleaved(children(12), companies()),
}


@pytest.mark.parametrize("schemas", [BOTH, BOTH[::-1]])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("checkpoint", [1, 10_000])
def test_children_and_parents_arrive_in_any_order(
    family: Family, order: str, schemas: list[Any], checkpoint: int
) -> None:
    """G1: all are created in one run and counted as created, whichever stream and whichever record comes first."""
    messages = interleaved(ORDERS[order], [STATE] * 17) if checkpoint == 1 else [*ORDERS[order], STATE]
    assert family.run([*schemas, *messages], checkpoint_records=checkpoint) == 0, family.error
    assert {key: one["company"] for key, one in family.held("people").items()} == {
        f"p{n}": f"c{n % 5}" for n in range(12)
    }
    assert family.totals() == {"read": 17, "created": 17}
    assert family.report()["streams"]["people"]["codes"] == {}
    assert family.states == 1
    assert family.run([*schemas, *ORDERS[order]]) == 0
    assert family.totals() == {"read": 17, "unchanged": 17}


@pytest.mark.parametrize("schemas", [BOTH, BOTH[::-1]])
@pytest.mark.parametrize("order", ORDERS)
def test_parents_that_arrived_are_settled_before_their_children_are_sent(
    family: Family, order: str, schemas: list[Any]
) -> None:
    """No child is refused for a parent that only waits for its chunk or its request to fill."""
    assert family.run([*schemas, *ORDERS[order], STATE]) == 0
    assert family.destination.refusals == []


class SlowForTheLast(FamilyDestination):
    """Takes its time for one person."""

    def write(self, batch: Batch) -> list[Outcome]:
        """As any, later."""
        if any(one.match_key == "p999" for one in batch.operations):
            time.sleep(0.5)
        return super().write(batch)


def test_a_record_does_not_overtake_its_parent_of_the_same_stream(tmp_path: Path) -> None:
    """Requests stay in flight while the next chunk is judged, but not where its records may name what is under way."""
    family = Family(tmp_path, SlowForTheLast())
    reports = [person(f"r{n}", manager="p999") for n in range(20)]
    managers = [person(f"p{n}") for n in range(1000)]
    assert family.run([schema("people"), *managers, *reports, STATE], concurrency=4) == 0
    assert family.totals() == {"read": 1020, "created": 1020}
    assert family.destination.refusals == []


def test_full_chunks_of_children_do_not_overtake_their_parents(family: Family) -> None:
    """Also in the middle of the input, where a thousand children came after a few parents."""
    family.run([*BOTH[::-1], *companies(), *children(1100), *companies(3)])
    assert family.destination.refusals == []
    assert family.totals() == {"read": 1108, "created": 1105, "unchanged": 3}


@pytest.mark.parametrize("order", [list(one) for one in permutations(range(4))])
def test_levels_of_one_object_arrive_in_any_order(family: Family, order: list[int]) -> None:
    """A person whose manager comes later, whose manager comes later still: all arrive, each once."""
    links: list[dict[str, Any]] = [{}, {"manager": "p0"}, {"manager": "p1"}, {"manager": "p2"}]
    assert family.run([schema("people"), *(person(f"p{n}", **links[n]) for n in order), STATE]) == 0
    assert family.totals() == {"read": 4, "created": 4}
    assert family.held("people")["p3"]["manager"] == "p2"


def test_a_deep_hierarchy_ends_beside_an_orphan(family: Family) -> None:
    """Trying again ends when it no longer helps; the orphan rests no longer for all those rounds."""
    rows = [person(f"p{n}", manager=f"p{n + 1}") for n in range(8)]
    rows += [person("p8"), person("orphan", manager="nobody")]
    assert family.run([schema("people"), *rows]) == 0
    assert family.totals() == {"read": 10, "created": 9, "rejected": 1}
    orphan = family.rows()['["orphan"]']
    assert (orphan["status"], orphan["error_code"], orphan["attempts"]) == ("rejected", "reference_not_found", 1)
    assert orphan["due_at"] == int((family.destination.clock() + HOUR_S) * 1000)
    assert orphan["waiting"] is None


def test_an_orphan_is_tried_at_growing_distances(family: Family) -> None:
    """After one hour, then after four more, by itself; in between nothing is sent."""
    family.run([*BOTH, *children(1)])
    sent = []
    for hours in (0.5, 0.6, 1.0, 2.9, 0.2):
        family.destination.clock.wait(hours * HOUR_S)
        before = len(family.destination.batches)
        assert family.run([*BOTH, company("other")]) == 0
        sent.append(len([one for one in family.destination.batches[before:] if one.schema.name == "people"]))
    assert sent == [0, 2, 0, 0, 2]


def test_an_orphan_is_delivered_once_its_parent_has_come_in_another_run(family: Family) -> None:
    """When it is due, without its stream: counted as retried and not as read."""
    family.run([*BOTH, *children(1)])
    family.destination.clock.wait(2 * HOUR_S)
    assert family.run([*BOTH, *companies(1)]) == 0  # the child is replayed first, then its parent comes
    assert family.totals() == {"read": 1, "created": 1}
    assert set(family.held("people")) == {"p0"}
    assert family.rows()['["p0"]']["status"] == "delivered"


def test_without_the_parents_stream_nobody_waits(family: Family) -> None:
    """Where no parent can come in this run, a child is not sent twice."""
    streams = family.streams()
    del streams["people"]["fields"]["manager"]
    assert family.run([schema("people"), person("p0", company="c0")], streams=streams) == 0
    assert len(family.destination.refusals) == 1
    assert family.rows()['["p0"]']["waiting"] is None


def test_the_brake_does_not_count_children_that_wait(family: Family) -> None:
    """G6: hundreds of children before their parents are no reason to stop; STATE leaves meanwhile."""
    rows = [*children(300), STATE, *companies()]
    assert family.run([*BOTH, *rows, STATE], checkpoint_records=200) == 0, family.error
    assert family.totals() == {"read": 305, "created": 305}


def test_the_brake_looks_at_orphans_once_the_input_has_ended(family: Family) -> None:
    """G6: parents that never came stop the run with 65, after everything else is delivered."""
    assert family.run([*BOTH, *children(150), *companies(1)], max_rejected_percent=50) == 65
    assert isinstance(family.error, BrakeError)
    assert "reference_not_found" in str(family.error)
    assert family.totals() == {"read": 151, "created": 31, "rejected": 120}
    assert family.run([*BOTH, *children(150)], max_rejected_percent=50) == 65  # again, though nothing is sent
    assert family.totals() == {"read": 150, "unchanged": 30, "rejected": 120}


@pytest.mark.parametrize("fault", ["down", "quota", "kill before"])
def test_children_that_wait_when_a_run_breaks_off_are_tried_in_the_next(family: Family, fault: str) -> None:
    """They are durable and due: neither the tap sends them again, nor does anybody wait for an hour."""
    family.destination.faults = [fault]
    assert family.run([*BOTH, *children(5), STATE, company("other")], checkpoint_records=1) != 0
    assert family.rows()['["p0"]']["waiting"] == "new"
    assert family.run([*BOTH, *companies()]) == 0
    assert set(family.held("people")) == {f"p{n}" for n in range(5)}
    assert family.totals() == {"read": 5, "created": 5}


def test_a_second_try_that_breaks_off_loses_nothing(family: Family) -> None:
    """G3: when the destination fails at the end of the input, the next run delivers the children."""
    family.destination.faults = [None, "down"]
    assert family.run([*BOTH, *children(5), *companies(), STATE]) == 1
    assert family.totals() == {"read": 10, "created": 5, "deferred": 5}
    assert family.run(BOTH) == 0
    assert set(family.held("people")) == {f"p{n}" for n in range(5)}


def test_a_newer_version_of_a_waiting_child_replaces_it(family: Family) -> None:
    """The version that waits is forgotten, and never sent after the newer one."""
    rows = [person("p0", company="c0", name="old"), STATE, person("p0", name="new"), *companies(1)]
    assert family.run([*BOTH, *rows], checkpoint_records=1) == 0
    assert family.held("people")["p0"] == {"key": "p0", "name": "new"}
    assert family.totals()["read"] == 3
    assert family.rows()['["p0"]']["status"] == "delivered"


def test_a_child_waits_through_a_change_of_its_schema(family: Family) -> None:
    """G1: it is delivered at the end and counted as created, once."""
    rows = [*children(5), STATE, schema("people", "more"), person("p9"), *companies()]
    assert family.run([*BOTH, *rows], checkpoint_records=1) == 0, family.error
    assert family.totals() == {"read": 11, "created": 11}


def test_two_streams_that_point_at_each_other_both_arrive(family: Family) -> None:
    """What points to the other side comes after it; nobody waits for himself."""
    rows = [
        company("c1", contact="p1"),
        person("p1", company="c2"),
        company("c2", contact="p2"),
        person("p2"),
        company("c3"),
    ]
    for order in (rows, rows[::-1]):
        for one in family.destination.crms.values():
            one.records.clear()
        streams = family.streams(is_mutual=True)
        assert family.run([*BOTH, *order], streams=streams, sync_id=str(order[0])) == 0, family.error
        assert family.totals() == {"read": 5, "created": 5}
        assert family.held("companies")["c1"]["contact"] == "p1"


def test_a_circle_of_parents_ends_as_rejected(family: Family) -> None:
    """Records that each wait for the other are told as such, and the run ends."""
    rows = [company("c1", contact="p1"), person("p1", company="c1"), person("p2")]
    assert family.run([*BOTH, *rows], streams=family.streams(is_mutual=True)) == 0
    assert family.totals() == {"read": 3, "created": 1, "rejected": 2}


def test_an_optional_parent_is_left_out(family: Family) -> None:
    """`on_missing: skip_field` reaches the destination, and nobody waits."""
    assert family.run([*BOTH, *children(1), company("other")], streams=family.streams(on_missing="skip_field")) == 0
    assert family.held("people")["p0"] == {"key": "p0", "name": "p0"}
    assert family.totals() == {"read": 2, "created": 2}


def test_children_are_sent_beside_those_of_the_same_parent(family: Family) -> None:
    """Requests contend for as few parents as possible, and the destination is told what the values mean."""
    assert family.run([*BOTH, *companies(), STATE, *children(25)]) == 0
    batches = [one for one in family.destination.batches if one.schema.name == "people"]
    assert [{op.fields["company"] for op in one.operations} for one in batches] == [{f"c{n}"} for n in range(5)]
    for one in batches:
        assert {name: ref.object_name for name, ref in one.references.items()} == {
            "company": "companies",
            "manager": "people",
        }


def test_a_batch_that_is_split_keeps_its_references(family: Family) -> None:
    """The halves of a refused batch name their parents too."""
    family.destination.faults = [None, "refused"]
    assert family.run([*BOTH, *companies(), STATE, *children(5, parents=1), person("p9", company="nobody")]) == 0
    assert all(one.references for one in family.destination.batches if one.schema.name == "people")
    assert len(family.destination.batches) > 3


def test_a_lookup_of_an_unknown_object_is_refused_at_start(family: Family) -> None:
    """Every lookup is checked before anything is written, with all problems at once."""
    streams = family.streams()
    streams["people"]["fields"]["company"] = lookup("company", "firms")
    streams["companies"]["fields"]["name"] = lookup("name", "people")
    streams["companies"]["fields"]["parent"] = lookup("parent", "companies", match_on="name")
    assert family.run([*BOTH, *companies()], streams=streams) == 78
    for words in ("no object 'firms'", "takes no 'lookup'", "cannot be recognised by 'name'"):
        assert words in str(family.error)
    assert family.destination.batches == []
