"""Histories that once broke a guarantee, found by the property test and made small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from core.test_pipeline_properties import check, play, play_and_check, world

if TYPE_CHECKING:
    from pathlib import Path


def row(n: int, key: str, name: str = "x") -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": key, "name": name}


def test_a_lost_create_that_is_found_stays_under_the_key_that_it_was_made_with(tmp_path: Path) -> None:
    """G2: with create only, a newer key is never written, so the ledger must not say that the record has it."""
    one = world(str(tmp_path), is_native=False, load_method="create")
    assert not one.run([[row(0, "a")]], ["kill late"])
    assert one.run([[row(0, "b")]])
    assert [(one["match_key"], one["status"]) for one in one.rows().values()] == [("a", "delivered")]
    assert one.run([[row(3, "b")], [row(4, "a")]])
    assert one.contents("key") == [("a",), ("b",)]
    assert one.tally.codes == {"duplicate_key": 1}


LOST_RENAMES: list[Any] = [
    ([[row(1, "d"), row(2, "d")]], [], 0.0),
    ([[row(0, "a", "bad"), row(1, "a", "bad")]], [], 0.0),
    ([], ["lost after"], 0.0),
    ([[row(1, "c", "bad")]], ["lost after"], 0.0),
]


@pytest.mark.parametrize("is_native", [True, False])
def test_two_lost_renames_do_not_give_the_first_key_away(*, is_native: bool) -> None:
    """G2: a record whose renames were lost may still have its first key, and nobody else adopts it by that."""
    play_and_check(LOST_RENAMES, (is_native, "upsert"))


@pytest.mark.parametrize("fault", ["kill before", "kill after"])
@pytest.mark.parametrize("is_native", [True, False])
def test_a_third_key_is_brought_by_reading_which_of_two_the_record_has(
    tmp_path: Path, fault: str, *, is_native: bool
) -> None:
    """Neither its first key nor its second is free for others before the third one is confirmed."""
    one = world(str(tmp_path), is_native=is_native, load_method="upsert")
    assert one.run([[row(1, "a")]])
    assert not one.run([[row(1, "b")]], [fault])
    assert not one.run([[row(1, "c")]], ["kill before"])
    held = one.rows()["[1]"]
    assert (held["match_key"], held["former_key"]) == ("c", "a" if fault == "kill before" else "b")
    assert one.run([[row(2, held["former_key"])], [row(1, "c")]])
    assert one.contents("key") == [("c",)]
    assert one.run([[row(2, held["former_key"])]])
    assert one.contents("key") == [(held["former_key"],), ("c",)]


def test_a_key_that_comes_back_after_a_lost_rename_needs_no_reading(tmp_path: Path) -> None:
    """It is one of the two that are known: the record is written as it is."""
    one = world(str(tmp_path), is_native=True, load_method="upsert")
    sent = play(one, [([[row(1, "a")]], [], 0.0), ([[row(1, "b")]], ["kill after"], 100.0), ([[row(1, "a")]], [], 0.0)])
    check(one, sent)
    assert one.crm.finds == 0
    assert one.contents("key") == [("a",)]
