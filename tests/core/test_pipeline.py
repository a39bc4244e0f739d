"""One condition of delivery at a time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from core.fakes import FakeDestination, World, keeping_books_with, people, route

from reverse_etl_core.errors import AccountingError, BrakeError, FatalError, LedgerError
from reverse_etl_core.ledger import StreamLedger
from reverse_etl_core.operations import Verb
from reverse_etl_core.schema import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reverse_etl_core.operations import Batch, Outcome


def row(n: int, key: str | None = None, name: str = "x") -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": f"k{n}" if key is None else key, "name": name}


def world(tmp_path: Path, *, is_native: bool = True, load_method: str = "upsert", **schema: Any) -> World:
    """An empty world."""
    return World(tmp_path / "ledger.db", route(people(is_native=is_native, **schema), load_method=load_method))


def fates(one: World) -> dict[str, int]:
    """What the last run counted."""
    return {name: count for name, count in one.tally.as_dict().items() if count}


def test_records_are_created_then_unchanged_then_updated(tmp_path: Path) -> None:
    """G1, G4: the same input again makes no call, a change makes one."""
    one = world(tmp_path)
    assert one.run([[row(1), row(2)]])
    assert fates(one) == {"read": 2, "created": 2}
    assert one.run([[row(1), row(2)]])
    assert fates(one) == {"read": 2, "unchanged": 2}
    assert len(one.crm.writes) == 1
    assert one.run([[row(1), row(2, name="y")]])
    assert fates(one) == {"read": 2, "unchanged": 1, "updated": 1}
    assert one.crm.writes[1:] == [(Verb.UPDATE, 1)]


def test_a_few_changes_in_many_chunks_fill_one_request(tmp_path: Path) -> None:
    """What does not fill a request waits for the next chunk."""
    one = world(tmp_path)
    assert one.run([[row(n)] for n in range(6)])
    assert one.crm.writes == [(Verb.UPSERT, 3), (Verb.UPSERT, 3)]


def test_the_last_version_of_a_key_wins_across_chunks(tmp_path: Path) -> None:
    """Earlier versions are superseded, those that already wait in a queue included."""
    one = world(tmp_path)
    assert one.run([[row(1, name="1"), row(1, name="2")], [row(1, name="3")]])
    assert fates(one) == {"read": 3, "superseded": 2, "created": 1}
    assert one.contents("name") == [("3",)]


def test_a_match_value_of_another_record_is_a_duplicate_key(tmp_path: Path) -> None:
    """Two source keys never write the same record: in one chunk, in the queue, and against the ledger."""
    one = world(tmp_path)
    assert one.run([[row(1, "a"), row(2, "a")], [row(3, "a")]])
    assert fates(one) == {"read": 3, "created": 1, "rejected": 2}
    assert one.run([[row(4, "a")]])
    assert one.tally.codes == Counter(duplicate_key=1)
    assert one.contents("key") == [("a",)]


def test_a_freed_match_value_can_be_taken(tmp_path: Path) -> None:
    """After its owner moved on, the record that was refused is delivered by the next run, by itself."""
    one = world(tmp_path)
    assert one.run([[row(1, "a"), row(2, "b")]])
    assert one.run([[row(2, "a"), row(1, "c")]])
    assert one.tally.codes == Counter(duplicate_key=1)
    assert one.run([[]])
    assert one.contents("key") == [("a",), ("c",)]
    assert one.tally.retried


def test_a_renamed_record_is_changed_and_not_created(tmp_path: Path) -> None:
    """A new match value of the same source key changes the record's match field."""
    one = world(tmp_path)
    assert one.run([[row(1, "a")]])
    assert one.run([[row(1, "b")]])
    assert one.contents("key") == [("b",)]


@pytest.mark.parametrize("fault", ["unanswered", "unanswered after"])
def test_a_rename_that_is_not_answered_for_does_not_double_the_record(tmp_path: Path, fault: str) -> None:
    """G2: without an answer for it the update is sent again to the same id, never as an upsert by the new value."""
    one = world(tmp_path)
    assert one.run([[row(1, "a")]])
    assert one.run([[row(1, "b")]], [fault])
    assert one.contents("key") == [("b",)]


@pytest.mark.parametrize("is_native", [True, False])
def test_a_record_that_a_person_deleted_is_created_again(tmp_path: Path, *, is_native: bool) -> None:
    """L6: the destination wins; an id that it no longer knows is forgotten."""
    one = world(tmp_path, is_native=is_native)
    assert one.run([[row(1)]])
    one.crm.records.clear()
    assert one.run([[row(1, name="y")]])
    assert fates(one) == {"read": 1, "created": 1}
    assert one.contents("name") == [("y",)]


def test_update_never_creates(tmp_path: Path) -> None:
    """`load_method: update` rejects what is not there, and counts it."""
    one = world(tmp_path, load_method="update")
    one.crm.records["7"] = {"key": "k1"}
    assert one.run([[row(1), row(2)]])
    assert fates(one) == {"read": 2, "updated": 1, "rejected": 1}
    assert one.tally.codes == Counter(not_found=1)
    assert one.contents("name") == [("x",)]


def test_create_never_updates(tmp_path: Path) -> None:
    """`load_method: create` rejects what a person made, and leaves alone what it made itself."""
    one = world(tmp_path, load_method="create")
    one.crm.records["7"] = {"key": "k1", "name": "theirs"}
    assert one.run([[row(1), row(2)]])
    assert one.tally.codes == Counter(already_exists=1)
    assert one.run([[row(2, name="y")]])
    assert fates(one) == {"read": 1, "unchanged": 1}
    assert one.contents("name") == [("theirs",), ("x",)]


def test_create_takes_its_own_record_back_after_an_invalid_version(tmp_path: Path) -> None:
    """A record of ours whose newer version was invalid is not `already_exists` once it is valid again."""
    one = world(tmp_path, load_method="create", is_native=False)
    assert one.run([[row(1)]])
    assert one.run([[row(1, name="x" * 21)]])
    assert one.run([[row(1)]])
    assert not one.tally.codes
    assert one.rows()["[1]"]["status"] == "delivered"
    assert len(one.crm.writes) == 1


@pytest.mark.parametrize("fault", ["lost before", "lost after", "late"])
def test_a_lost_create_is_looked_for_before_it_is_sent_again(tmp_path: Path, fault: str) -> None:
    """G2, L4: also where the request arrives late there is one record."""
    one = world(tmp_path, is_native=False)
    assert one.run([[row(1), row(2)]], [fault])
    assert one.contents("key") == [("k1",), ("k2",)]
    assert fates(one)["read"] == 2


def test_a_lost_create_is_looked_for_under_its_own_value_after_a_rename(tmp_path: Path) -> None:
    """G2: a newer version with another match value changes the record that the lost create made."""
    one = world(tmp_path, is_native=False)
    chunks = [[row(1, "a"), row(2), row(3)], [row(1, "b")]]  # the first chunk fills a request
    assert one.run(chunks, ["lost after"])
    assert one.contents("key") == [("b",), ("k2",), ("k3",)]


def test_a_refusal_does_not_forget_a_create_on_its_way(tmp_path: Path) -> None:
    """L4: an invalid version between two valid ones does not let the second create the record again."""
    one = world(tmp_path, is_native=False)
    assert not one.run([[row(1)]], ["kill late"])
    assert one.run([[row(1, name="x" * 21)], [row(1, name="y")]])
    assert one.contents("name") == [("y",)]


def test_a_refused_update_does_not_forget_the_record_that_a_lost_create_made(tmp_path: Path) -> None:
    """G2: what was found stays ours, so that no other record of the source can take its match value."""
    one = world(tmp_path, is_native=False)
    assert one.run([[row(2, "b"), row(3, "c"), row(1, "a")], [row(1, "a", "bad")]], ["lost after"])
    assert one.rows()["[1]"]["error_code"] == "validation_rule"
    assert one.run([[row(2, "a")]])
    assert one.tally.codes == Counter(duplicate_key=1)
    assert one.contents("key") == [("a",), ("b",), ("c",)]


def test_a_match_value_stays_reserved_until_its_change_is_answered(tmp_path: Path) -> None:
    """G2, G3: nobody else adopts a record whose rename got no answer."""
    one = world(tmp_path)
    assert one.run([[row(1, "a")]])
    assert not one.run([[row(1, "b")]], ["lost before"])
    assert one.run([[row(2, "a", "y")]])
    assert one.run([[]])
    assert one.contents("key", "name") == [("a", "y"), ("b", "x")]


def test_a_refused_rename_of_a_found_record_is_tried_again_with_its_match_value(tmp_path: Path) -> None:
    """The ledger never says that a record has a match value that it does not have."""
    one = world(tmp_path)
    assert not one.run([[row(1, "a")]], ["kill after"])
    assert one.run([[row(1, "b", "bad")]])
    assert one.run([[row(1, "b", "good")]])
    assert one.contents("key", "name") == [("b", "good")]


def test_creates_that_are_always_lost_end_the_run(tmp_path: Path) -> None:
    """A destination that never answers a create is given up after a number of grace periods."""
    one = world(tmp_path, is_native=False)
    assert not one.run([[row(1)]], ["lost before"] * 50)
    assert isinstance(one.error, FatalError)
    assert 2 <= len(one.crm.writes) <= 10
    assert fates(one) == {"read": 1, "deferred": 1}


@pytest.mark.parametrize("fault", ["lost before", "down", "quota", "late"])
def test_an_upsert_without_an_answer_ends_the_run_and_is_repeated_by_the_next(tmp_path: Path, fault: str) -> None:
    """G3: what was not settled is deferred, and the next run delivers it by itself."""
    one = world(tmp_path)
    assert not one.run([[row(1)]], [fault])
    assert fates(one) == {"read": 1, "deferred": 1}
    assert one.run([[]])
    assert one.contents("key") == [("k1",)]


def test_one_bad_record_in_a_refused_batch_stands_alone(tmp_path: Path) -> None:
    """A batch that is refused for one record delivers the others."""
    one = world(tmp_path, limits=Limits(8))
    assert one.run([[row(n, name="poison" if n == 5 else "x") for n in range(8)]])
    assert fates(one) == {"read": 8, "created": 7, "rejected": 1}
    assert one.rows()["[5]"]["error"] == "Something in it. (POISON)"


def test_a_record_that_is_never_answered_for_is_rejected(tmp_path: Path) -> None:
    """Three answers without the record: it is rejected, not counted as delivered and not asked for for ever."""
    one = world(tmp_path)
    assert one.run([[row(1), row(2)]], ["unanswered"] * 9)
    assert one.tally.codes == Counter(vendor_refused=1)
    assert fates(one) == {"read": 2, "created": 1, "rejected": 1}


def test_a_create_that_is_given_up_without_an_answer_may_still_have_made_the_record(tmp_path: Path) -> None:
    """G2: its next version changes that record, also under another match value."""
    one = world(tmp_path, is_native=False)
    assert one.run([[row(1, "a")]], [*["unanswered"] * 3, "unanswered after"])
    assert one.tally.codes == Counter(vendor_refused=1)
    assert one.run([[row(1, "b")]])
    assert one.contents("key") == [("b",)]


def test_a_refused_upsert_does_not_forget_one_whose_answer_was_lost(tmp_path: Path) -> None:
    """G2: a later version under another match value changes the record that the lost upsert made."""
    one = world(tmp_path)
    assert not one.run([[row(1, "a")]], ["lost after"])
    assert one.run([[row(1, "a", "bad")]])
    assert one.run([[row(1, "b")]])
    assert one.contents("key") == [("b",)]


def test_a_refused_record_rests_until_it_is_due(tmp_path: Path) -> None:
    """G4: the same refused content is not sent again at once, but after an hour, by itself."""
    one = world(tmp_path)
    assert one.run([[row(1, name="bad")]])
    assert one.run([[row(1, name="bad")]])
    assert len(one.crm.writes) == 1
    one.crm.clock.wait(3700)
    assert one.run([[]])
    assert len(one.crm.writes) == 2
    assert one.run([[row(1, name="good")]])
    assert one.rows()["[1]"]["status"] == "delivered"


def test_a_newer_version_in_the_stream_supersedes_its_replay(tmp_path: Path) -> None:
    """What waits from an earlier run never overwrites the newer version of the stream."""
    one = world(tmp_path, is_native=False)
    assert not one.run([[row(1, name="old")]], ["kill before"])
    assert one.run([[row(1, name="new")]])
    assert one.contents("name") == [("new",)]
    assert fates(one)["read"] == 1


def test_several_matches_are_ambiguous(tmp_path: Path) -> None:
    """A match value that two records hold is rejected with their ids; nothing is written."""
    one = world(tmp_path, is_native=False)
    one.crm.records |= {"7": {"key": "k1"}, "8": {"key": "k1"}}
    assert one.run([[row(1)]])
    assert one.tally.codes == Counter(ambiguous_match=1)
    assert one.rows()["[1]"]["error"] == (
        "2 records of the destination have this value of 'key': 7, 8. Merge them there, or correct the value."
    )
    assert one.crm.writes == []


def test_a_record_that_was_there_before_is_adopted(tmp_path: Path) -> None:
    """An upsert changes what a person made, and it stays of their making (G5)."""
    one = world(tmp_path, is_native=False)
    one.crm.records["7"] = {"key": "k1"}
    assert one.run([[row(1)]])
    assert fates(one) == {"read": 1, "updated": 1}
    assert one.rows()["[1]"]["created_by_us"] == 0


def test_an_incomplete_record_is_not_created_but_may_be_updated(tmp_path: Path) -> None:
    """A field that only a new record needs is asked for only there."""
    one = world(tmp_path, is_native=False, required_to_create=(("name", "email"),))
    one.crm.records["7"] = {"key": "k1"}
    assert one.run([[row(1, name=""), row(2, name="")]])
    assert fates(one) == {"read": 2, "updated": 1, "rejected": 1}
    assert one.tally.codes == Counter(required_field=1)


def test_mass_rejection_stops_the_run(tmp_path: Path) -> None:
    """G6: the brake stops a run whose records are mostly refused, and the rest is deferred."""
    one = world(tmp_path)
    one.max_percent = 10
    assert not one.run([[row(n, name="x" * 21 if n % 2 else "x") for n in range(200)]])
    assert isinstance(one.error, BrakeError)
    assert fates(one)["rejected"] == 100
    assert fates(one)["deferred"] == 100


def test_removed_records_are_left_alone(tmp_path: Path) -> None:
    """Without mirror a removal changes nothing, and is counted."""
    one = world(tmp_path)
    assert one.run([[row(1)]])
    assert one.run([[{"n": 1, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}]])
    assert fates(one) == {"read": 1, "unchanged": 1}
    assert one.contents("key") == [("k1",)]


def test_rejects_mode_keeps_only_rejects(tmp_path: Path) -> None:
    """`ledger: rejects` has no row of a delivered record, and drops the row of a cured one."""
    one = world(tmp_path)
    one.keeps_deliveries = False
    assert one.run([[row(1), row(2, name="bad")]])
    assert set(one.rows()) == {"[2]"}
    one.crm.clock.wait(3700)
    assert one.run([[row(2, name="good")]])
    assert one.rows() == {}
    assert len(one.contents()) == 2


class BrokenLedger(StreamLedger):
    """Cannot write outcomes."""

    def settle(self, settlements: Any) -> None:
        """Fail, once there is something to write."""
        if list(settlements):
            msg = "The disk is full."
            raise LedgerError(msg)


def test_an_outcome_that_cannot_be_recorded_still_adds_up(tmp_path: Path) -> None:
    """G1: when the ledger fails after the call, the records are deferred and nothing is counted twice or not at all."""
    one = world(tmp_path)
    one.ledger_class = keeping_books_with(BrokenLedger)
    assert not one.run([[row(1), row(2)]])
    assert isinstance(one.error, LedgerError)
    assert fates(one) == {"read": 2, "deferred": 2}


class Careless(FakeDestination):
    """Forgets an outcome, or raises what nobody expects."""

    def write(self, batch: Batch) -> list[Outcome]:
        """One outcome too few."""
        return super().write(batch)[1:]


def test_an_outcome_too_few_ends_the_run(tmp_path: Path) -> None:
    """A target that does not answer for each operation is a defect, and nothing is taken for delivered."""
    one = world(tmp_path)
    assert not one.run([[row(1), row(2)]], destination=Careless(one.crm, one.route.schema))
    assert isinstance(one.error, AccountingError)
    assert fates(one) == {"read": 2, "deferred": 2}


def test_a_page_of_replays_is_not_the_end(tmp_path: Path) -> None:
    """More than a page of refused records is tried again as a whole."""
    one = world(tmp_path, limits=Limits(100))
    rows: Sequence[dict[str, Any]] = [row(n, name="bad") for n in range(2300)]
    assert one.run([rows])
    one.crm.clock.wait(3700)
    before = len(one.crm.writes)
    assert one.run([[]])
    assert len(one.crm.writes) - before == 23
    assert sum(one.tally.retried.values()) == 2300
