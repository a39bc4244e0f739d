"""The protocol of delivery under lost replies, refusals, renames and kills (guarantees G1 to G4)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from core.fake_jobs import JOB_FAULTS, JOB_KILLS, FakeJobs
from core.fakes import FAULTS, World, keeping_books_with, people, route
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.ledger import StreamLedger
from reverse_etl_core.schema import JobLimits

WEEK_S = 8 * 24 * 3600.0
KILLS = ("kill before", "kill after", "kill late")

records = st.fixed_dictionaries(
    {
        "n": st.integers(0, 3),
        "key": st.sampled_from(["a", "b", "c", "d", "e"]),
        "name": st.sampled_from(["x", "y", "z", "x" * 21, "bad", "poison"]),
    }
)
runs = st.tuples(
    st.lists(st.lists(records, min_size=1, max_size=4), max_size=3),
    st.lists(st.sampled_from([None, *FAULTS, *KILLS]), max_size=5),
    st.sampled_from([0.0, 10.0, 100.0, 7200.0]),
)
runs_with_jobs = st.tuples(
    *(st.lists(st.lists(records, min_size=1, max_size=6), max_size=3), st.just([]), st.sampled_from([0.0, 100.0])),
    st.lists(st.sampled_from([None, *JOB_FAULTS, *JOB_KILLS]), max_size=4),
)
worlds = st.tuples(st.booleans(), st.sampled_from(["upsert", "create", "update"]))
SMALL_JOBS = JobLimits(records_from=2, records_per_job=3, bytes_per_job=10_000)


def play(world: World, script: list[Any]) -> list[dict[str, Any]]:
    """Run after run; a tap sends again whatever no STATE has acknowledged."""
    unconfirmed: list[list[dict[str, Any]]] = []
    sent: list[dict[str, Any]] = []
    for chunks, faults, pause_s, *job_faults in script:
        unconfirmed += chunks
        sent += [one for chunk in chunks for one in chunk]
        if world.jobs is not None:
            world.jobs.faults = next(iter(job_faults), ())
        if world.run(unconfirmed, faults):
            unconfirmed = []
        world.crm.clock.wait(pause_s)
    if world.jobs is not None:
        world.jobs.faults = ()
    for pause_s in (WEEK_S, WEEK_S, 0.0, 0.0, 0.0, 0.0):  # a chain of renames settles one link per run
        world.crm.clock.wait(pause_s)
        assert world.run(unconfirmed), world.error
        unconfirmed = []
    return sent


def check(world: World, sent: list[dict[str, Any]]) -> None:
    """Each record at the destination belongs to one row of the ledger, and has its latest content."""
    world.crm.catch_up(everything=True)
    rows = world.rows()
    latest = {f"[{one['n']}]": one for one in sent}
    assert set(rows) == set(latest)
    # A row without an id may own the record that a lost create made, when its newer version is not valid.
    held = {number: one["key"] for number, one in world.crm.records.items()}
    owners = [
        [
            key
            for key, row in rows.items()
            if number == row["destination_id"] or (not row["destination_id"] and name == row["match_key"])
        ]
        for number, name in held.items()
    ]
    assert all(len(one) == 1 for one in owners), "a record that nobody owns: it was created twice"
    assert len({one[0] for one in owners}) == len(owners), "two records of the same source key: created twice"
    for key, record in latest.items():
        check_row(rows, key, record, world)


def check_row(rows: dict[str, dict[str, Any]], key: str, record: dict[str, Any], world: World) -> None:
    """A row says what is at the destination, or why it is not."""
    row = rows[key]
    if row["status"] == "delivered":
        held = world.crm.records[row["destination_id"]]
        if world.route.load_method != "create":
            assert (held["key"], held["name"]) == (record["key"], record["name"])
        return
    assert row["status"] == "rejected"
    reasons = {"bad": "validation_rule", "poison": "invalid_value", "x" * 21: "too_long"}
    if row["error_code"] == "duplicate_key":
        assert any(
            record["key"] in (other["match_key"], other["former_key"]) for name, other in rows.items() if name != key
        )
    elif row["error_code"] == "already_exists":  # a record that its maker has left, but that create-only never renames
        assert world.route.load_method == "create"
        assert world.crm.holders("key", record["key"])
    elif row["error_code"] == "not_found":
        assert world.route.load_method == "update"
    else:
        assert row["error_code"] == reasons.get(record["name"])


def world(
    folder: str, *, is_native: bool, load_method: str, job_limits: JobLimits | None = None, **changes: Any
) -> World:
    """An empty world."""
    way = route(people(is_native=is_native, jobs=job_limits), load_method=load_method)
    one = World(Path(folder) / "ledger.db", way, **changes)
    one.jobs = FakeJobs(one.crm) if job_limits else None
    return one


def play_and_check(script: list[Any], kind: tuple[bool, str], job_limits: JobLimits | None = None) -> None:
    """One example: G1 inside of each run, G2 and G3 at the end, then G4."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        one = world(folder, is_native=kind[0], load_method=kind[1], job_limits=job_limits)
        sent = play(one, script)
        check(one, sent)
        writes, finds = len(one.crm.writes), one.crm.finds
        assert one.run([list({record["n"]: record for record in sent}.values())] if sent else [])
        if all(row["status"] == "delivered" for row in one.rows().values()):
            assert (len(one.crm.writes), one.crm.finds) == (writes, finds)


settings_of_all = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=40, **settings_of_all)
@given(st.lists(runs, max_size=4), worlds)
def test_one_record_per_key_with_its_latest_content_whatever_happens(script: list[Any], kind: tuple[bool, str]) -> None:
    """G1 to G4 hold for any records, faults, kills and restarts."""
    play_and_check(script, kind)


@pytest.mark.long
@settings(max_examples=5000, **settings_of_all)
@given(st.lists(runs, max_size=5), worlds)
def test_one_record_per_key_in_thousands_of_histories(script: list[Any], kind: tuple[bool, str]) -> None:
    """The same, for as many histories as a night allows."""
    play_and_check(script, kind)


@settings(max_examples=40, **settings_of_all)
@given(st.lists(runs_with_jobs, max_size=4), worlds)
def test_one_record_per_key_whatever_happens_to_jobs(script: list[Any], kind: tuple[bool, str]) -> None:
    """G1 to G4 hold where records travel in jobs, for any faults, kills and restarts."""
    play_and_check(script, kind, SMALL_JOBS)


@pytest.mark.long
@settings(max_examples=5000, **settings_of_all)
@given(st.lists(runs_with_jobs | runs, max_size=5), worlds)
def test_one_record_per_key_in_thousands_of_histories_with_jobs(script: list[Any], kind: tuple[bool, str]) -> None:
    """The same, for as many histories as a night allows, with faults of requests between."""
    play_and_check(script, kind, SMALL_JOBS)


class WithoutIntents(StreamLedger):
    """A ledger that forgets to note what is about to be sent."""

    def intend(self, intents: Any, job: Any = None) -> list[str]:
        """Forget them."""
        del intents, job
        return []


ADA = {"n": 1, "key": "a", "name": "x"}
LATE_CREATE: list[Any] = [([[ADA]], ["kill late"], 0.0), ([], [], 0.0)]


@pytest.mark.parametrize("load_method", ["upsert", "create"])
def test_a_create_that_arrives_after_the_kill_is_not_repeated(tmp_path: Path, load_method: str) -> None:
    """L1, L4: the intent makes the next run wait for a create that is still on its way."""
    one = world(str(tmp_path), is_native=False, load_method=load_method)
    check(one, play(one, LATE_CREATE))
    assert one.contents("key") == [("a",)]


def test_control_without_intents_the_same_history_creates_twice(tmp_path: Path) -> None:
    """Control: what holds the guarantee is the intent, since without it the same check fails."""
    one = world(str(tmp_path), is_native=False, load_method="upsert", ledger_class=keeping_books_with(WithoutIntents))
    with pytest.raises(AssertionError, match="created twice"):
        check(one, play(one, LATE_CREATE))
