"""Records that somebody else creates between our look for them and our create."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.fakes import FakeDestination, World, people, route

from reverse_etl_core.operations import RejectCode, Rejected, Verb

if TYPE_CHECKING:
    from pathlib import Path

    from reverse_etl_core.operations import Batch, Outcome

ROW = {"n": 1, "key": "a", "name": "ours"}


class RivalDestination(FakeDestination):
    """Refuses creates of what exists; `leaves` says whether the rival's record is there to be found."""

    leaves = True

    def write(self, batch: Batch) -> list[Outcome]:
        """Let somebody else be faster."""
        if batch.verb is not Verb.CREATE:
            return super().write(batch)
        self.crm.writes.append((batch.verb, len(batch.operations)))
        for one in batch.operations if self.leaves else ():
            self.crm.records["rival"] = {"key": one.match_key, "name": "theirs", "phone": "1"}
        return [Rejected(one.source_key, RejectCode.ALREADY_EXISTS, "It exists.") for one in batch.operations]


class StubbornDestination(RivalDestination):
    """Says that a record exists that nobody finds."""

    leaves = False


def world(path: Path, load_method: str = "upsert") -> World:
    """A destination without an upsert of its own."""
    return World(path / "ledger.db", route(people(), load_method=load_method))


def test_a_record_that_appeared_meanwhile_is_updated(tmp_path: Path) -> None:
    """It is found and updated, exists once, and is not ours to remove (G2, G5)."""
    one = world(tmp_path)
    assert one.run([[ROW]], destination=RivalDestination(one.crm))
    assert (one.tally.as_dict()["updated"], one.tally.codes) == (1, {})
    assert one.contents("key", "name", "phone") == [("a", "ours", "1")]
    (row,) = one.rows().values()
    assert (row["status"], row["destination_id"], bool(row["created_by_us"])) == ("delivered", "rival", False)


def test_where_only_creates_are_wanted_it_is_left_alone(tmp_path: Path) -> None:
    """The refusal is the answer."""
    one = world(tmp_path, "create")
    assert one.run([[ROW]], destination=RivalDestination(one.crm))
    assert one.tally.codes == {"already_exists": 1}
    assert one.contents("name") == [("theirs",)]


def test_a_record_that_nobody_finds_ends_as_a_reject(tmp_path: Path) -> None:
    """The way from look to create is not gone for ever."""
    one = world(tmp_path)
    assert one.run([[ROW]], destination=StubbornDestination(one.crm))
    assert one.tally.codes == {"already_exists": 1}
    assert len(one.crm.writes) <= 4
