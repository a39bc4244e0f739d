"""Records that are gone from the source: what becomes of them, and what stays untouched."""

from __future__ import annotations

import contextlib
import json
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from core.fake_target import FakeTarget
from core.fakes import Crm, World, people, route
from core.test_target import Stage, record, schema, state

from reverse_etl_core.brakes import RemovalBrake
from reverse_etl_core.command.program import main
from reverse_etl_core.errors import BrakeError, ConfigError
from reverse_etl_core.operations import Verb
from reverse_etl_core.routing import Promise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reverse_etl_core.routing import Route


def row(n: int, key: str | None = None, name: str = "x") -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": f"k{n}" if key is None else key, "name": name}


def gone(*numbers: int) -> list[dict[str, Any]]:
    """Records that are gone, as the tap says so."""
    return [{"n": n, "_sdc_deleted_at": "2026-01-01T00:00:00Z"} for n in numbers]


def mirror(tmp_path: Path, *, is_native: bool = True, promise: Promise | None = None, **settings: Any) -> World:
    """An empty world that mirrors."""
    schema = people(is_native=is_native)
    return World(tmp_path / "ledger.db", route(schema, load_method="mirror", promise=promise or Promise(), **settings))


def fates(one: World) -> dict[str, int]:
    """What the last run counted."""
    return {name: count for name, count in one.tally.as_dict().items() if count}


def test_what_is_gone_is_removed_at_the_end_and_once(tmp_path: Path) -> None:
    """Removals follow everything else; the same removal again makes no call."""
    one = mirror(tmp_path)
    assert one.run([[row(n) for n in range(1, 5)]])
    assert one.run([gone(1), [row(2, name="y")], gone(3)])
    assert fates(one) == {"read": 3, "updated": 1, "removed": 2}
    assert one.crm.writes[-2:] == [(Verb.UPDATE, 1), (Verb.REMOVE, 2)]
    assert one.contents("key") == [("k2",), ("k4",)]
    calls = len(one.crm.writes)
    assert one.run([gone(1, 3, 99)])
    assert fates(one) == {"read": 3, "unchanged": 3}
    assert len(one.crm.writes) == calls


def test_what_returns_is_created_again(tmp_path: Path) -> None:
    """A removed record that is back is a new one, also with its old content."""
    for is_native in (True, False):
        one = mirror(tmp_path / str(is_native), is_native=is_native)
        one.path.parent.mkdir()
        assert one.run([[row(1)]])
        assert one.run([gone(1)])
        assert one.contents("key") == []
        assert one.run([[row(1)]])
        assert fates(one) == {"read": 1, "created": 1}
        assert one.contents("key") == [("k1",)]
        assert one.run([gone(1)])
        assert fates(one) == {"read": 1, "removed": 1}


def test_gone_and_back_in_one_run_makes_no_call(tmp_path: Path) -> None:
    """The later word counts, in one chunk and across chunks; every record has one fate."""
    one = mirror(tmp_path)
    assert one.run([[row(1), row(2), row(3)]])
    calls = len(one.crm.writes)
    assert one.run([gone(1), [row(1)], [*gone(2), row(2)], gone(3), gone(3), [row(3)]])
    assert fates(one) == {"read": 7, "unchanged": 3, "superseded": 4}
    assert len(one.crm.writes) == calls
    assert one.run([[]])
    assert len(one.contents("key")) == 3


def test_only_ours_is_removed(tmp_path: Path) -> None:
    """G5: what the sync found is left alone, unless `remove_adopted` says otherwise."""
    one = mirror(tmp_path)
    one.crm.records["7"] = {"key": "k1", "name": "theirs"}
    assert one.run([[row(1), row(2)]])
    assert one.run([gone(1, 2)])
    assert fates(one) == {"read": 2, "unchanged": 1, "removed": 1}
    assert one.contents("key") == [("k1",)]
    one.route = mirror(tmp_path, promise=Promise(remove_adopted=True)).route
    assert one.run([gone(1)])
    assert fates(one) == {"read": 1, "removed": 1}


def test_what_somebody_made_after_ours_was_gone_is_not_ours(tmp_path: Path) -> None:
    """G5: another record with the same match value, found after a removal or a deletion by hand, is adopted."""
    one = mirror(tmp_path)
    assert one.run([[row(1), row(2)]])
    assert one.run([gone(1)])
    one.crm.records.clear()
    one.crm.records |= {"70": {"key": "k1"}, "71": {"key": "k2"}}
    assert one.run([[row(1), row(2, name="y")]])
    assert fates(one) == {"read": 2, "updated": 2}
    assert one.run([gone(1, 2)])
    assert fates(one) == {"read": 2, "unchanged": 2}
    assert len(one.crm.records) == 2


def test_clear_empties_what_is_ours(tmp_path: Path) -> None:
    """`on_removed: clear` nulls the mapped fields, in records that were found too, and never the match field."""
    one = mirror(tmp_path, on_removed="clear")
    one.crm.records["7"] = {"key": "k1", "name": "theirs", "score": 5}
    assert one.run([[row(1), row(2)]])
    assert one.run([gone(1, 2)])
    assert fates(one) == {"read": 2, "removed": 2}
    assert one.contents("key", "name", "score") == [("k1", None, 5), ("k2", None, None)]
    assert one.run([[row(1, name="back")]])
    assert fates(one) == {"read": 1, "updated": 1}
    assert one.contents("key", "name")[0] == ("k1", "back")


def test_clear_leaves_what_a_record_needs(tmp_path: Path) -> None:
    """A field without which the destination takes no record is not emptied: it would refuse the rest too."""
    schema_of_it = people(is_native=True, required_to_create=(("name",), ("score", "price")))
    columns = ("n", "key", "name", "score", "price")
    way = route(schema_of_it, load_method="mirror", on_removed="clear", columns=columns)
    one = World(tmp_path / "ledger.db", way)
    assert one.run([[row(1) | {"score": 1, "price": 2}]])
    assert one.run([gone(1)])
    assert one.contents("key", "name", "score", "price") == [("k1", "x", None, None)]


def test_half_of_the_model_gone_stops_before_the_first_removal(tmp_path: Path) -> None:
    """G6: the removals are held as a plan; approved by its id, exactly these are carried out, once."""
    one = mirror(tmp_path)
    one.removal_brake = RemovalBrake()
    assert one.run([[row(n) for n in range(20)]])
    assert not one.run([[row(0, name="y")], gone(*range(10))])
    assert isinstance(one.error, BrakeError)
    assert fates(one) == {"read": 11, "superseded": 1, "deferred": 10}
    assert len(one.contents("key")) == 20
    assert Verb.REMOVE not in {verb for verb, _ in one.crm.writes}
    (plan,) = one.table("plans")
    assert (plan["kind"], plan["counted"], plan["base"]) == ("removals", 10, 20)
    assert plan["plan_id"] in str(one.error)
    assert not one.run([[]])  # they wait, though nobody announces them again
    one.approved = plan["plan_id"]
    assert not one.run([gone(10)])  # one more is another plan
    assert not one.run([[row(10)], gone(11)])
    assert one.run([[row(11)]])
    assert len(one.contents("key")) == 10
    assert one.run([[]])
    assert {fate.value: count for fate, count in one.tally.retried.items()} == {}


def test_few_removals_and_an_empty_model(tmp_path: Path) -> None:
    """A fifth is allowed; everything gone is not; a limit that was set holds for small syncs too."""
    one = mirror(tmp_path)
    one.removal_brake = RemovalBrake()
    assert one.run([[row(n) for n in range(20)]])
    assert one.run([gone(0, 1, 2, 3)])
    assert not one.run([gone(*range(4, 20))])
    assert len(one.contents("key")) == 16
    assert RemovalBrake(max_percent=20).violation(1, 4) is not None
    assert RemovalBrake(max_removed=0).violation(1, 1000) is not None
    assert RemovalBrake().violation(3, 9) is None


def test_a_refused_record_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    """What never arrived needs no removal, and is tried no more."""
    for method in ("upsert", "mirror"):
        one = mirror(tmp_path / method)
        one.path.parent.mkdir()
        one.route = route(people(is_native=True), load_method=method)
        assert one.run([[row(1, name="bad")]])
        assert set(one.rows()) == {"[1]"}
        assert one.run([gone(1)])
        assert fates(one) == {"read": 1, "unchanged": 1}
        assert one.rows() == {}


def test_a_lost_create_that_is_gone_is_found_and_removed(tmp_path: Path) -> None:
    """L4: a create without an answer may have been applied; its removal looks for it after the grace period."""
    for fault in ("kill after", "kill before", "kill late"):
        one = mirror(tmp_path / fault, is_native=False)
        one.path.parent.mkdir()
        assert not one.run([[row(1)]], [fault])
        with one.pipeline() as pipeline:  # its replay delivers it; the removal follows
            pipeline.close()
        assert one.run([gone(1)])
        assert one.contents("key") == []
        assert fates(one)["removed"] == 1


@pytest.mark.parametrize("method", ["upsert", "mirror"])
def test_what_is_left_alone_is_not_tried_again(tmp_path: Path, method: str) -> None:
    """An upsert without an answer, and a refused version, end where the record is gone: nothing comes back later."""
    one = mirror(tmp_path)
    one.route = route(people(is_native=True), load_method=method)
    one.crm.records["7"] = {"key": "k2", "name": "theirs"}
    assert one.run([[row(2, name="ours")]])
    assert one.run([[row(2, name="bad")]])
    assert not one.run([[row(1)]], ["kill late"])
    one.crm.late.clear()
    assert one.run([gone(1, 2)])
    assert (fates(one), len(one.contents("key"))) == ({"read": 2, "unchanged": 2}, 1)
    one.crm.clock.wait(8000)
    calls = len(one.crm.writes)
    assert one.run([[]])
    assert (one.contents("key", "name"), len(one.crm.writes)) == ([("k2", "ours")], calls)
    assert one.run([[row(1)], gone(2)])
    assert one.contents("key", "name") == [("k1", "x"), ("k2", "ours")]


@pytest.mark.parametrize("fault", ["lost before", "lost after", "late", "unanswered after"])
def test_a_create_that_is_found_in_the_same_run_is_ours(tmp_path: Path, fault: str) -> None:
    """Its answer was lost, it is found after the grace period: it can be removed, also when it is back once more."""
    one = mirror(tmp_path, is_native=False)
    for _ in range(2):
        assert one.run([[row(1)]], [fault])
        assert one.rows()["[1]"]["created_by_us"]
        assert one.run([gone(1)])
        assert (fates(one), one.contents("key")) == ({"read": 1, "removed": 1}, [])


@pytest.mark.parametrize("fault", ["kill before", "kill after", "lost before", "lost after", "unanswered"])
def test_a_removal_without_an_answer_is_repeated(tmp_path: Path, fault: str) -> None:
    """A removal may be repeated at once: the next run does, unasked."""
    one = mirror(tmp_path)
    assert one.run([[row(1), row(2)]])
    one.run([gone(1)], [fault])
    assert one.run([[]])
    assert one.contents("key") == [("k2",)]
    assert one.rows()["[1]"]["status"] == "removed"


def test_what_returns_while_its_removal_is_in_doubt_waits(tmp_path: Path) -> None:
    """A late removal must not hit the record that is back."""
    one = mirror(tmp_path)
    assert one.run([[row(1)]])
    assert not one.run([gone(1)], ["kill late"])
    assert one.run([[row(1, name="back")]])
    one.crm.catch_up(everything=True)
    assert one.contents("key", "name") == [("k1", "back")]


@pytest.mark.parametrize("fault", ["late", "late, repeated"])
def test_what_returns_waits_for_a_removal_that_had_to_be_repeated(tmp_path: Path, fault: str) -> None:
    """The repeated one was answered, but the first one may still empty the fields of the record that is back."""
    one = mirror(tmp_path, on_removed="clear")
    assert one.run([[row(1)]])
    one.run([gone(1)], [fault])
    assert one.run([[row(1, name="back")]])
    one.crm.catch_up(everything=True)
    assert one.contents("key", "name") == [("k1", "back")]


def test_a_cleared_record_keeps_both_match_values_of_a_lost_rename(tmp_path: Path) -> None:
    """It may still have the first one, so nobody else takes it over by that."""
    one = mirror(tmp_path, on_removed="clear")
    assert one.run([[row(1, key="a")]])
    assert not one.run([[row(1, key="b")]], ["kill before"])
    assert one.run([gone(1)])
    assert one.contents("key", "name") == [("a", None)]
    assert one.run([[row(2, key="a", name="y")]])
    assert one.tally.codes == {"duplicate_key": 1}
    assert one.run([[row(1, key="b", name="back")]])
    assert one.run([[]])
    assert one.contents("key", "name") == [("a", "y"), ("b", "back")]


def test_removals_by_match_value(tmp_path: Path) -> None:
    """A removal that holds the match value alone finds its record; a value that the record left is no removal."""
    one = mirror(tmp_path, source_key=("n",), keys=("key",))
    assert one.run([[row(1), row(2)]])
    old = {"key": "k1", "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
    assert one.run([[row(1, key="new"), old]])
    assert fates(one) == {"read": 2, "updated": 1, "unchanged": 1}
    assert one.contents("key") == [("k2",), ("new",)]
    assert one.run([[old | {"key": "k2"}, old]])
    assert fates(one) == {"read": 2, "removed": 1, "unchanged": 1}
    assert one.contents("key") == [("new",)]


def test_a_key_is_free_once_its_owner_is_removed(tmp_path: Path) -> None:
    """Another source key may take the match value of a record that is gone."""
    one = mirror(tmp_path)
    assert one.run([[row(1, key="a")]])
    assert one.run([gone(1)])
    assert one.run([[row(2, key="a")]])
    assert fates(one) == {"read": 1, "created": 1}


def test_rejections_are_approved_by_code(tmp_path: Path) -> None:
    """An approved plan lets rejections with its codes pass, once; another code trips again."""
    one = World(tmp_path / "ledger.db", route(people(is_native=True)), max_percent=10)
    long = [row(n, name="x" * 21 if n % 2 else "x") for n in range(20)]
    with_another = [*long, row(90, key="")]

    def delivers(records: list[dict[str, Any]]) -> bool:
        try:
            with one.pipeline() as pipeline:
                pipeline.deliver(records)
                pipeline.flush()
                pipeline.finish()
                pipeline.remove()
                pipeline.close()
        except BrakeError:
            return False
        return True

    assert not delivers(long)
    (plan,) = one.table("plans")
    assert plan["kind"] == "rejections"
    one.approved = plan["plan_id"]
    assert not delivers(with_another)
    assert delivers(long)
    assert not delivers(long)


def test_counts_by_code(tmp_path: Path) -> None:
    """A removal that the destination refuses is rejected, kept, and tried again when it is due."""
    one = mirror(tmp_path)
    assert one.run([[row(1)]])
    one.crm.refuses_removals = True
    assert one.run([gone(1)])
    assert (fates(one), one.tally.codes) == ({"read": 1, "rejected": 1}, Counter(permission=1))
    calls = len(one.crm.writes)
    assert one.run([gone(1)])
    assert (fates(one), len(one.crm.writes)) == ({"read": 1, "rejected": 1}, calls)
    one.crm.refuses_removals = False
    one.crm.clock.wait(3700)
    assert one.run([[]])
    assert one.contents("key") == []


def test_a_record_whose_update_was_refused_is_removed_at_once(tmp_path: Path) -> None:
    """When the refused version would be tried again says nothing of the removal."""
    one = mirror(tmp_path)
    assert one.run([[row(1), row(2)]])
    assert one.run([[row(1, name="bad")]])
    assert one.run([gone(1)])
    assert (fates(one), one.contents("key")) == ({"read": 1, "removed": 1}, [("k2",)])


def test_a_key_passes_on_once_its_owner_is_removed(tmp_path: Path) -> None:
    """Removals come last: who takes over the match value of a record that is gone arrives in the next run."""
    one = mirror(tmp_path)
    assert one.run([[row(1, key="a")]])
    assert one.run([[row(2, key="a")], gone(1)])
    assert one.tally.codes == {"duplicate_key": 1}
    assert one.contents("key") == []
    assert one.run([[]])
    assert one.contents("key") == [("a",)]


def test_what_an_upsert_without_an_answer_made_is_not_known_to_be_ours(tmp_path: Path) -> None:
    """G5: an API that upserts does not say afterwards who created a record; one that is looked for first does."""
    for is_native, fate in ((True, "unchanged"), (False, "removed")):
        one = mirror(tmp_path / str(is_native), is_native=is_native)
        one.path.parent.mkdir()
        assert not one.run([[row(1)]], ["kill after"])
        assert one.run([gone(1)])
        assert fates(one) == {"read": 1, fate: 1}


def test_a_removal_outlives_a_schema_that_changes(tmp_path: Path) -> None:
    """What is gone is removed and counted once, also where the stream's SCHEMA comes again with another column."""
    stage = Stage(tmp_path, FakeTarget)
    stage.target.crm = Crm()
    streams = {"people": {"match_on": "key", "load_method": "mirror"}}
    stage.run([schema(), *(record(key=key, name="x") for key in "abc"), state(1)], streams=streams)
    removed = [record(key=key, _sdc_deleted_at="2026-01-01T00:00:00Z") for key in "ac"]
    changed, back = record(key="b", name="y", score=1), record(key="c", name="x")
    messages = [schema(), *removed, schema("key", "name", "score"), changed, back, state(2)]
    assert stage.run(messages, streams=streams) == [2], stage.error
    assert stage.error is None
    assert sorted(one["key"] for one in stage.target.crm.records.values()) == ["b", "c"]
    tally = stage.made[-1].run._tallies["people"].as_dict()
    counts = {name: count for name, count in tally.items() if count}
    assert counts == {"read": 4, "removed": 1, "updated": 1, "unchanged": 1, "superseded": 1}


def test_a_plan_is_approved_once(tmp_path: Path) -> None:
    """G6: the setting `approve` does not release the same removals again, once they were carried out."""
    one = mirror(tmp_path)
    one.removal_brake = RemovalBrake()
    assert one.run([[row(n) for n in range(20)]])
    assert not one.run([gone(*range(10))])
    one.approved = one.table("plans")[0]["plan_id"]
    assert one.run([[]])
    assert len(one.contents("key")) == 10
    assert one.run([[row(n) for n in range(10)]])
    for _ in range(3):
        assert not one.run([gone(*range(10))])
        assert len(one.contents("key")) == 20


def test_an_approval_ends_with_what_it_was_for(tmp_path: Path) -> None:
    """G6: when the records are back, nothing is approved any more."""
    one = mirror(tmp_path)
    one.removal_brake = RemovalBrake()
    assert one.run([[row(n) for n in range(20)]])
    assert not one.run([gone(*range(10))])
    ledger = one.open()
    with ledger.begin() as connection:
        connection.exec_driver_sql("UPDATE plans SET approved_at = 1")
    ledger.close()
    assert one.run([[row(n) for n in range(10)]])
    assert not one.run([gone(*range(10))])
    assert len(one.contents("key")) == 20


@pytest.mark.parametrize("mark", ["", " ", False, None])
def test_only_a_moment_is_a_removal(tmp_path: Path, mark: object) -> None:
    """A column that is there and says nothing removes nothing."""
    one = mirror(tmp_path)
    assert one.run([[row(1)]])
    assert one.run([[row(1) | {"_sdc_deleted_at": mark}]])
    assert fates(one) == {"read": 1, "unchanged": 1}


def test_two_rows_that_find_the_same_record(tmp_path: Path) -> None:
    """G5: one of them gets it; a record that another row stands for is not removed."""
    for chunks in ([[0, 1]], [[0], [1]]):
        one = mirror(tmp_path / str(len(chunks)), promise=Promise(remove_adopted=True))
        one.path.parent.mkdir()
        fields = {"key": "key", "email": "mail", "name": "name"}
        one.route = mirror_by_two(fields)
        one.crm.records["7"] = {"key": None, "email": "ada@shop.example", "name": "theirs"}
        rows = [row(n) | {"mail": "ada@shop.example"} for n in range(2)]
        assert one.run([[rows[n] for n in chunk] for chunk in chunks])
        assert (fates(one)["updated"], fates(one)["rejected"]) == (1, 1)
        assert one.run([gone(1)])
        assert list(one.crm.records) == ["7"]


def mirror_by_two(fields: dict[str, str]) -> Route:
    """A way that matches by key, then by address."""
    return route(
        people(is_native=True),
        load_method="mirror",
        promise=Promise(remove_adopted=True),
        columns=("n", "key", "mail", "name"),
        fields=fields,
        then_match_on=("email",),
    )


def why(one: World, key: str) -> str:
    """What the command says of a record."""
    result = CliRunner().invoke(main, ["--ledger", f"sqlite:///{one.path}", "why", key])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_why_knows_of_a_reject_that_is_gone_at_the_source(tmp_path: Path) -> None:
    """Never delivered, it is done with; delivered before, it waits for its removal, which nobody refused."""
    one = mirror(tmp_path)
    one.removal_brake = RemovalBrake(max_removed=0)
    assert one.run([[row(1), row(2, name="x" * 21)]])
    assert one.run([[row(1, name="x" * 21)]])
    one.crm.clock.wait(1)
    assert not one.run([gone(1, 2)])
    assert "gone from the source before any version of it was delivered" in why(one, "2")
    assert "forgotten" in why(one, "2").splitlines()[-1]
    told = why(one, "1")
    assert "rejected at" in told
    assert "gone from the source since" in told
    assert "It is removed by the next run, unless a brake holds that" in told
    assert "with an older version" in told
    for wrong in ("its removal was refused", "Cure", "is tried by the next run"):
        assert wrong not in told
    one.removal_brake = RemovalBrake(max_removed=9)
    one.crm.refuses_removals = True
    assert one.run([[]])
    assert "its removal was refused" in why(one, "1")
    one.crm.refuses_removals = False
    one.crm.clock.wait(3700)
    assert one.run([[]])
    assert "removed from the destination" in why(one, "1")


def test_why_knows_of_a_reject_that_is_gone_and_left_alone(tmp_path: Path) -> None:
    """The last version was refused, and the one before stays: it does not say that all is delivered."""
    one = World(tmp_path / "ledger.db", route(people(is_native=True)))
    assert one.run([[row(1)]])
    assert one.run([[row(1, name="x" * 21)]])
    assert one.run([gone(1)])
    told = why(one, "1")
    assert "left as it is" in told
    assert "gone from the source and not to be removed" in told


def test_a_shared_record_is_spared(tmp_path: Path) -> None:
    """G5: where two rows were delivered to the same record, it goes with the last of them."""
    one = mirror(tmp_path, promise=Promise(remove_adopted=True))
    assert one.run([[row(1), row(2)]])
    ledger = one.open()
    with ledger.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET destination_id = '1'")
    ledger.close()
    assert one.run([gone(2)])
    assert fates(one) == {"read": 1, "unchanged": 1}
    assert "1" in one.crm.records


def test_removals_that_nobody_could_recognise_are_refused() -> None:
    """`source_key` must follow from what a removal holds."""
    with pytest.raises(ConfigError, match="'source_key'"):
        route(load_method="mirror", source_key=("name",), keys=("n",))
    assert route(load_method="mirror", source_key=("n",), keys=("key",)).removes_by_match


def test_removals_of_an_earlier_run_are_in_report_and_ledger(tmp_path: Path) -> None:
    """G1: what arrived adds up, and what was left and is carried out now is counted beside it, the same everywhere."""
    one = Stage(tmp_path, type("OwnTarget", (FakeTarget,), {"crm": Crm()}))
    config = {"load_method": "mirror", "report_dir": str(tmp_path / ".reverse-etl" / "reports")}
    one.run([schema(), *(record(key=str(n)) for n in range(20)), state(1)], **config)
    removals = [record(key=str(n), _sdc_deleted_at="2026-01-01T00:00:00Z") for n in range(12)]
    one.run([schema(), *removals, state(2)], **config)
    assert one.exit_code == 65
    with caught() as lines:
        one.run([schema(), record(key="19"), state(3)], max_removed_percent=100, **config)
    assert one.exit_code == 0
    (summary,) = (line for line in lines if line.startswith("Summary of the run"))
    assert ", 0 removed," in summary
    assert "of earlier runs 0 delivered now, 12 removed and 0 still rejected" in summary
    assert (one.report()["totals"]["removed"], one.report()["retried"]) == (0, {"removed": 12})
    result = CliRunner().invoke(main, ["--ledger", f"sqlite:///{tmp_path}/l.db", "runs", "--json"])
    newest = json.loads(result.stdout)[0]
    assert (newest["removed"], newest["earlier_removed"], newest["earlier_delivered"]) == (0, 12, 0)
    fates_of_run = ("created", "updated", "unchanged", "removed", "superseded", "rejected", "deferred")
    assert newest["records_read"] == sum(newest[name] for name in fates_of_run) == 1


@contextlib.contextmanager
def caught() -> Iterator[list[str]]:
    """What is logged meanwhile."""
    lines: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda one: lines.append(one.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("reverse_etl_core")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(listener)
    yield lines
    logger.removeHandler(listener)
    logger.setLevel(level)
