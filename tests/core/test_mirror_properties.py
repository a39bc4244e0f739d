"""A mirror under lost replies, refusals, renames, removals, returns and kills (guarantees G1 to G6)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from core.fakes import FAULTS, World, people, route
from core.test_pipeline_properties import KILLS, check_row, play
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.routing import Promise

FOREIGN: dict[str, dict[str, Any]] = {
    "F1": {"key": "f1", "name": "theirs", "score": 1},
    "F2": {"key": None, "name": "x"},
    "F3": {"email": "a@b.de", "name": "x"},
}
"""Records of others, under ids that the fake never gives."""


def row(n: int, key: str, name: str = "x") -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": key, "name": name}


def gone(n: int) -> dict[str, Any]:
    """A record that is gone from the source."""
    return {"n": n, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}


numbers = st.integers(0, 3)
names = st.sampled_from(["x", "y", "z", "x" * 21, "bad"])
keys = st.sampled_from(["a", "b", "c", "d", "e"])
records = st.builds(row, numbers, keys, names) | st.builds(gone, numbers)
runs = st.tuples(
    st.lists(st.lists(records, min_size=1, max_size=4), max_size=3),
    st.lists(st.sampled_from([None, *FAULTS, *KILLS]), max_size=5),
    st.sampled_from([0.0, 10.0, 100.0, 7200.0]),
)
worlds = st.tuples(st.booleans(), st.sampled_from(["archive", "clear"]), st.booleans())
settings_of_all: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def check(world: World, sent: list[dict[str, Any]], *, is_clearing: bool) -> None:
    """The destination holds the model and what others have, and the ledger says so."""
    world.crm.catch_up(everything=True)
    assert {key: one for key, one in world.crm.records.items() if key in FOREIGN} == FOREIGN, "others were touched"
    rows = world.rows()
    latest = {f"[{one['n']}]": one for one in sent}
    owned = {str(one["destination_id"]): key for key, one in rows.items() if one["status"] != "removed" or is_clearing}
    unowned = world.crm.records.keys() - FOREIGN.keys() - owned.keys()
    # A row without an id may own the record that a lost create made, when nothing more is sent for it.
    lost = {one["match_key"] for one in rows.values() if one["destination_id"] is None and one["status"] != "removed"}
    assert all(world.crm.records[one]["key"] in lost for one in unowned), "a record that nobody owns"
    for key, one in latest.items():
        if "key" in one:
            check_row(rows, key, one, world)
        elif key in rows:
            check_gone(rows[key], world, is_clearing=is_clearing)


def check_gone(row_of_it: dict[str, Any], world: World, *, is_clearing: bool) -> None:
    """A record that is gone from the source: away, empty, or left alone since nobody knows who made it."""
    found = world.crm.records.get(str(row_of_it["destination_id"]))
    if is_clearing and row_of_it["status"] == "removed":
        assert found is None or found["name"] is None
    elif row_of_it["status"] == "removed":
        assert found is None
    else:
        assert not row_of_it["created_by_us"]
        assert world.route.has_native_upsert
        assert not world.route.removal.includes_adopted


def play_and_check(script: list[Any], kind: tuple[bool, str, bool]) -> None:
    """One example: G1 inside of each run, the rest at the end."""
    is_native, action, includes_adopted = kind
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        way = route(
            people(is_native=is_native),
            load_method="mirror",
            on_removed=action,
            promise=Promise(remove_adopted=includes_adopted),
        )
        one = World(Path(folder) / "ledger.db", way)
        one.crm.records = {key: dict(fields) for key, fields in FOREIGN.items()}
        sent = play(one, script)
        check(one, sent, is_clearing=action == "clear")
        writes = len(one.crm.writes)
        assert one.run([[record] for record in {record["n"]: record for record in sent}.values()])
        if not any(row_of_it["status"] == "rejected" for row_of_it in one.rows().values()):
            assert len(one.crm.writes) == writes


@settings(max_examples=60, **settings_of_all)
@given(st.lists(runs, max_size=4), worlds)
def test_the_destination_is_the_model_whatever_happens(script: list[Any], kind: tuple[bool, str, bool]) -> None:
    """Any records, renames, key swaps, removals, returns, faults and kills: the model arrives, and no more."""
    play_and_check(script, kind)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=5000, **settings_of_all)
@given(st.lists(runs, max_size=5), worlds)
def test_the_destination_is_the_model_in_thousands_of_histories(
    script: list[Any], kind: tuple[bool, str, bool]
) -> None:
    """The same, for as many histories as a night allows."""
    play_and_check(script, kind)
