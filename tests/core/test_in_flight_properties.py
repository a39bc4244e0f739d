"""Requests that stay under way while chunks are read change nothing but the time that a run takes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from core.fake_jobs import JOB_FAULTS, JOB_KILLS, FakeJobs
from core.fakes import FAULTS, people, route
from core.in_flight_world import MortalLedger, PlayedWorld
from core.test_mirror_properties import FOREIGN
from core.test_mirror_properties import check as check_mirror
from core.test_pipeline_properties import KILLS, check, play
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reverse_etl_core.operations import Verb
from reverse_etl_core.routing import Promise, Route
from reverse_etl_core.schema import JobLimits

SMALL_JOBS = JobLimits(records_from=2, records_per_job=3, bytes_per_job=10_000)
REMOVING: dict[str, Any] = {"load_method": "mirror", "promise": Promise(remove_adopted=True)}
FORGETFUL = "keeps rejects only"
WAYS: dict[str, dict[str, Any]] = {
    FORGETFUL: {"is_native": True},
    "upserts": {"is_native": True},
    "looks first": {},
    "creates": {"load_method": "create"},
    "updates": {"load_method": "update", "is_native": True},
    "compares": {"promise": Promise(compares=True)},
    "archives": REMOVING | {"on_removed": "archive"},
    "archives what it upserts": REMOVING | {"on_removed": "archive", "is_native": True},
    "clears": REMOVING | {"on_removed": "clear"},
}


def way_of(name: str, *, has_jobs: bool) -> Route:
    """A stream's way, one record in each request: so few are enough to send some."""
    given = {"is_native": False} | WAYS[name]
    schema = people(is_native=given.pop("is_native"), records_per_request=1, jobs=SMALL_JOBS if has_jobs else None)
    return route(schema, **given)


def row(n: int, key: str, name: str) -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": key, "name": name}


def gone(n: int) -> dict[str, Any]:
    """A record that is gone from the source."""
    return {"n": n, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}


numbers, keys = st.integers(0, 4), st.sampled_from("abcdef")
names = st.sampled_from(["x", "y", "z", "x", "y", "z", "x" * 21, "bad", "poison"])
records = st.builds(row, numbers, keys, names)
removals = st.builds(gone, numbers)


def shifted(by: int, names: list[str], *, is_descending: bool) -> list[list[dict[str, Any]]]:
    """A run's input: all records, each with a match value that its neighbour may have had before."""
    rows = [[row(n, "abcdefg"[n + by], name)] for n, name in enumerate(names)]
    return rows[::-1] if is_descending else rows


def chunks_of(one: Any) -> Any:
    """A run's input."""
    shifts = st.builds(shifted, st.integers(0, 2), st.lists(names, min_size=5, max_size=5), is_descending=st.booleans())
    return st.lists(st.lists(one, min_size=1, max_size=4), min_size=1, max_size=6) | shifts


pauses = st.sampled_from([0.0, 10.0, 100.0, 7200.0])
faults = st.lists(st.sampled_from([None, None, *FAULTS, *KILLS]), max_size=6)
job_faults = st.lists(st.sampled_from([None, None, *JOB_FAULTS, *JOB_KILLS]), max_size=4)
crews = st.tuples(st.integers(1, 3), st.integers(0, 1_000_000))
calm_runs = st.lists(st.tuples(chunks_of(records | removals), pauses), min_size=1, max_size=4)
wild_runs = st.lists(
    st.tuples(chunks_of(records | removals), faults, pauses, job_faults, st.integers(-40, 60)), max_size=4
)
settings_of_all: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def folder() -> Any:
    """For ledgers, in memory where that is possible."""
    return tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)  # noqa: S108


def world(path: Path, way: str, crew: tuple[int, int], *, has_jobs: bool, **changes: Any) -> PlayedWorld:
    """An empty world."""
    one = PlayedWorld(path, way_of(way, has_jobs=has_jobs), size=crew[0], seed=crew[1], **changes)
    one.keeps_deliveries = way != FORGETFUL
    one.jobs = FakeJobs(one.crm) if has_jobs else None
    return one


def seen(one: PlayedWorld) -> Any:
    """What the destination holds and the ledger says, whatever the order in which ids were given."""
    named = {record_id: str(fields.get("key")) for record_id, fields in one.crm.records.items()}
    kept = ("status", "match_key", "former_key", "created_by_us", "attempts", "error_code", "record", "payload_hash")
    rows = {
        key: [found[name] for name in kept]
        + [named.get(found["destination_id"]), found["fingerprint"] is None, found["removal_at"] is None]
        for key, found in one.rows().items()
    }
    held = sorted(map(repr, one.crm.records.values()))
    return rows, held


def created(one: PlayedWorld) -> int:
    """How many records the destination was told to create."""
    return sum(size for verb, size in one.crm.writes if verb is Verb.CREATE)


def compare(script: list[Any], kind: tuple[str, bool], crew: tuple[int, int]) -> None:
    """Play a script with chunks that are settled and with chunks that are not, run by run."""
    way, has_jobs = kind
    with folder() as place:
        one = world(Path(place) / "one.db", way, crew, has_jobs=has_jobs)
        other = world(Path(place) / "other.db", way, crew, has_jobs=has_jobs, settles=True)
        for chunks, pause_s in script:
            for it in (one, other):
                assert it.run(chunks), it.error
                it.crm.clock.wait(pause_s)
            assert one.tally.as_dict() == other.tally.as_dict()
            assert seen(one) == seen(other)
        assert created(one) == created(other)


calm = given(calm_runs, st.tuples(st.sampled_from(list(WAYS)), st.booleans()), crews)


def test_requests_are_under_way_while_chunks_are_read() -> None:
    """The control of what follows: there is something to compare."""
    with folder() as place:
        one = world(Path(place) / "one.db", "upserts", (2, 0), has_jobs=False)
        assert one.run([[row(n, "abcdefgh"[n], "x")] for n in range(8)])
        assert one.longest > 1


@pytest.mark.parametrize("seed", range(8))
def test_a_record_is_looked_for_by_its_second_field_once_those_before_are_there(tmp_path: Path, seed: int) -> None:
    """Two rows with one address do not become two records, whenever the first one's request is answered."""
    columns = ("n", "key", "email")
    way = route(people(records_per_request=1), columns=columns, then_match_on=("email",))
    one = PlayedWorld(tmp_path / "l.db", way, size=2, seed=seed)
    rows = [{"n": n, "key": f"k{n}", "email": f"a{n % 2}@x.org"} for n in range(4)]
    assert one.run([rows[:2], rows[2:]])
    assert one.contents("key") == [("k0",), ("k1",)]
    assert one.tally.codes == {"ambiguous_match": 2}


@settings(max_examples=25, **settings_of_all)
@example([(shifted(by, ["x"] * 5, is_descending=True), 0.0) for by in (0, 1)], ("upserts", False), (1, 0))
@calm
def test_what_comes_of_records_is_the_same(script: list[Any], kind: tuple[str, bool], crew: tuple[int, int]) -> None:
    """Fates, rows and records, for any chunks, renames, swaps, removals, refusals and any order of answers."""
    compare(script, kind, crew)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=4000, **settings_of_all)
@calm
def test_what_comes_of_records_is_the_same_in_thousands_of_histories(
    script: list[Any], kind: tuple[str, bool], crew: tuple[int, int]
) -> None:
    """The same, for as many histories as a night allows."""
    compare(script, kind, crew)


def survive(script: list[Any], kind: tuple[str, bool], crew: tuple[int, int]) -> None:
    """Faults and kills, also in the middle of a transaction's work: what was promised holds at the end."""
    way, has_jobs = kind
    with folder() as place:
        one = world(Path(place) / "one.db", way, crew, has_jobs=has_jobs, ledger_class=MortalLedger)
        is_mirror = one.route.removal.is_active
        if is_mirror:
            one.crm.records = {key: dict(fields) for key, fields in FOREIGN.items()}
        one.all_lives = [lives for *_, lives in script]
        runs = [run if has_jobs else run[:3] for *run, _ in script]
        if not is_mirror:
            runs = [[[[it for it in chunk if "key" in it] for chunk in chunks], *others] for chunks, *others in runs]
        sent = play(one, runs)
        if is_mirror:
            check_mirror(one, sent, is_clearing=way == "clears")
        else:
            check(one, sent)


wild = given(wild_runs, st.tuples(st.sampled_from([one for one in WAYS if one != FORGETFUL]), st.booleans()), crews)


@settings(max_examples=20, **settings_of_all)
@wild
def test_faults_and_kills_while_requests_are_under_way(
    script: list[Any], kind: tuple[str, bool], crew: tuple[int, int]
) -> None:
    """G1 to G6 hold, for any faults and kills and any order of answers."""
    survive(script, kind, crew)


@pytest.mark.long
@pytest.mark.timeout(1800)
@settings(max_examples=4000, **settings_of_all)
@wild
def test_faults_and_kills_while_requests_are_under_way_in_thousands_of_histories(
    script: list[Any], kind: tuple[str, bool], crew: tuple[int, int]
) -> None:
    """The same, for as many histories as a night allows."""
    survive(script, kind, crew)
