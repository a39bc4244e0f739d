"""Several match values lead to one record of the destination: it has one row of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from core.fakes import Crm, World, people, route

from reverse_etl_core.routing import Promise

if TYPE_CHECKING:
    from pathlib import Path


def row(n: int, name: str = "x", **values: Any) -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": f"k{n}", "name": name, **values}


def gone(n: int) -> dict[str, Any]:
    """A record that is gone."""
    return {"n": n, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}


def shared(tmp_path: Path, *, is_native: bool = True, **settings: Any) -> World:
    """A record that the match values of rows 1 and 2 lead to."""
    one = World(
        tmp_path / "l.db",
        route(people(is_native=is_native), promise=Promise(remove_adopted=True), **settings),
        crm=Crm(records={"7": {"key": "k0", "name": "theirs"}}, others={"7": {"k1", "k2"}}),
    )
    one.crm.clock.now_s += 1
    return one


def settle(one: World, *runs: list[dict[str, Any]]) -> None:
    """Some runs, an hour apart."""
    for records in runs:
        assert one.run([records])
        one.crm.clock.now_s += 3601


@pytest.mark.parametrize("is_native", [True, False])
@pytest.mark.parametrize("apart", [True, False])
def test_the_first_row_keeps_the_record(tmp_path: Path, *, is_native: bool, apart: bool) -> None:
    """The second one is rejected without its values in the message, in the same run as in a later one."""
    one = shared(tmp_path, is_native=is_native)
    if apart:
        settle(one, [row(1, "a")], [row(2, "secret")])
    else:  # in two requests, three records each
        settle(one, [row(1, "a"), row(3), row(4), row(2, "secret"), row(5), row(6)])
    rows = one.rows()
    assert one.tally.codes == {"duplicate_key": 1}
    assert (rows["[1]"]["status"], rows["[1]"]["destination_id"], rows["[1]"]["match_key"]) == ("delivered", "7", "k1")
    assert (rows["[2]"]["status"], rows["[2]"]["error_code"]) == ("rejected", "duplicate_key")
    assert (rows["[2]"]["match_key"], rows["[2]"]["created_by_us"]) == (None, False)
    assert "k2" not in rows["[2]"]["error"]
    assert "secret" not in rows["[2]"]["error"]


def test_two_rows_in_one_request(tmp_path: Path) -> None:
    """Which of their values the record has is not known, so the first one is written once more."""
    one = shared(tmp_path)
    settle(one, [row(1, "a"), row(2, "b")])
    assert one.tally.codes == {"duplicate_key": 1}
    settle(one, [row(1, "a")])
    assert one.crm.records["7"]["name"] == "a"
    assert one.tally.fates["updated"] == 1


def test_what_the_second_row_overwrote_is_repaired_once(tmp_path: Path) -> None:
    """The owner is written again when it comes next; the second row is read from then on, and never written."""
    one = shared(tmp_path)
    settle(one, [row(1, "a")], [row(2, "b")])
    assert one.crm.records["7"]["name"] == "b"
    settle(one, [row(1, "a")])
    assert one.crm.records["7"]["name"] == "a"
    writes = len(one.crm.writes)
    settle(one, [row(1, "a"), row(2, "b")], [row(1, "a"), row(2, "c")], [row(2, "d")], [])
    assert one.crm.records["7"]["name"] == "a"
    assert len(one.crm.writes) == writes
    assert one.crm.finds > 0
    assert one.rows()["[2]"]["status"] == "rejected"


def test_a_second_row_that_matches_elsewhere_is_delivered(tmp_path: Path) -> None:
    """Once its match value is cured, nothing of the refusal is left."""
    one = shared(tmp_path)
    settle(one, [row(1, "a")], [row(2, "b")], [row(2, "b", key="k9")], [row(2, "c", key="k9")])
    assert one.rows()["[2]"]["status"] == "delivered"
    assert one.rows()["[2]"]["destination_id"] != "7"
    assert sorted(fields["name"] for fields in one.crm.records.values()) == ["b", "c"]


def test_another_refusal_of_the_second_row_takes_nothing(tmp_path: Path) -> None:
    """A version that our own rules refuse, between two that lead to the record."""
    one = shared(tmp_path)
    settle(one, [row(1, "a")], [row(2, "b")], [row(1, "a"), row(2, "x" * 30)], [row(2, "c")])
    assert one.rows()["[2]"]["error_code"] == "duplicate_key"
    assert one.crm.records["7"]["name"] == "a"


@pytest.mark.parametrize("on_removed", ["archive", "clear"])
def test_a_record_that_a_second_row_stands_for_is_spared(tmp_path: Path, on_removed: str) -> None:
    """G5: once its owner is gone, the record goes to the second row, and goes with that one."""
    one = shared(tmp_path, load_method="mirror", on_removed=on_removed)
    settle(one, [row(1, "a"), row(3), row(4)], [row(2, "b")], [gone(1)])
    assert one.crm.records["7"]["name"] == "b"
    assert "[1]" not in one.rows()
    settle(one, [row(2, "c")])
    assert one.crm.records["7"]["name"] == "c"
    assert one.rows()["[2]"]["status"] == "delivered"
    settle(one, [gone(2)])
    assert one.crm.records.get("7", {}).get("name") is None


def test_a_second_row_that_is_gone_takes_nothing_away(tmp_path: Path) -> None:
    """It never had the record."""
    one = shared(tmp_path, load_method="mirror")
    settle(one, [row(1, "a")], [row(2, "b")], [gone(2)], [row(1, "a")])
    assert one.crm.records["7"]["name"] == "a"
    assert list(one.rows()) == ["[1]"]


def test_a_second_row_whose_answer_was_lost(tmp_path: Path) -> None:
    """A killed run wrote it: the next one finds out."""
    one = shared(tmp_path)
    settle(one, [row(1, "a")])
    assert not one.run([[row(2, "b")]], ["kill after"])
    settle(one, [row(1, "a")])
    assert one.rows()["[2]"]["error_code"] == "duplicate_key"
    settle(one, [row(1, "a")])
    assert one.crm.records["7"]["name"] == "a"


def test_an_adopted_record_has_one_row(tmp_path: Path) -> None:
    """`match_on` of several fields: the record that the second field finds is another row's already."""
    fields = {name: name for name in ("key", "name", "email")}
    settings = {"match_on": "key", "then_match_on": ("email",), "fields": fields}
    columns = ("n", "key", "name", "email")
    one = World(
        tmp_path / "l.db", route(columns=columns, **settings), crm=Crm(records={"7": {"email": "a@example.com"}})
    )
    settle(one, [row(1, "a", email="a@example.com")])
    one.crm.records["7"]["key"] = None
    settle(one, [row(2, "b", email="a@example.com")])
    assert one.tally.codes == {"duplicate_key": 1}
    assert one.crm.records["7"]["name"] == "a"


def test_records_that_the_destination_merged(tmp_path: Path) -> None:
    """An update that is answered with another record's id: that one is taken."""
    one = shared(tmp_path)
    settle(one, [row(1, "a"), row(8, "b")])
    other = one.rows()["[8]"]["destination_id"]
    del one.crm.records[other]
    one.crm.others["7"].add("k8")
    settle(one, [row(8, "c")], [row(1, "a")])
    assert one.rows()["[8]"]["error_code"] == "duplicate_key"
    assert one.crm.records["7"]["name"] == "a"
