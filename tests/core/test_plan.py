"""The plan (`dry_run`): what a run would do, and nothing else."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import re
import sqlite3
import stat
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from core.fake_target import FakeTarget
from core.fakes import Crm
from hypothesis import given, settings
from hypothesis import strategies as st

from reverse_etl_core.errors import ReverseETLError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ACTIONS = {"create": "created", "update": "updated", "remove": "removed", "clear": "removed", "reject": "rejected"}


def row(n: int, key: str | None = None, **values: Any) -> dict[str, Any]:
    """A record."""
    mail = f"{n}@example.com"
    return {"n": n, "key": f"k{n}" if key is None else key, "name": "x", "email": mail, **values}


def gone(n: int) -> dict[str, Any]:
    """A record that is gone."""
    return {"n": n, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}


def _message(one: Mapping[str, Any]) -> dict[str, Any]:
    if one == STATE:
        return {"type": "STATE", "value": {"at": 0}}
    return {"type": "RECORD", "stream": "people", "record": one}


@contextlib.contextmanager
def listening() -> Iterator[list[str]]:
    """What is logged meanwhile."""
    lines: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("reverse_etl_core")
    logger.addHandler(listener)
    level, _ = logger.level, logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(listener)


@dataclass
class Stage:
    """Runs the fake target on records of one stream."""

    root: Path
    crm: Crm = field(default_factory=Crm)
    states: int = 0
    log: list[str] = field(default_factory=list)

    def run(self, records: Iterable[Mapping[str, Any]], **changes: Any) -> int:
        """One run; its exit code."""
        stream = {"match_on": "key", "fields": {"key": "key", "name": "name", "score": "score"}}
        config = {
            "streams": {"people": stream | changes.pop("stream", {})},
            "ledger_url": f"sqlite:///{self.root}/l.db",
            "report_dir": str(self.root / "reports"),
            "reconcile_grace_seconds": 0,
            "load_method": "mirror",
            "max_rejected_percent": 100,
        }
        columns: dict[str, Any] = {name: {} for name in ("n", "key", "name", "score", "email")}
        messages: list[Any] = [
            {"type": "SCHEMA", "stream": "people", "schema": {"properties": columns}, "key_properties": ["n"]},
            *(_message(one) for one in records),
            {"type": "STATE", "value": {"at": 1}},
        ]
        output = io.StringIO()
        parts = {"crm": self.crm, "is_native": changes.pop("is_native", True)}
        target_class = type("OwnTarget", (FakeTarget,), parts)
        code = 0
        with contextlib.redirect_stdout(output), listening() as self.log:
            try:
                text = "".join(json.dumps(one) + "\n" for one in messages)
                target_class(config=config | changes).listen(io.StringIO(text))
            except ReverseETLError as error:
                code = error.exit_code
        self.states = len(output.getvalue().splitlines())
        return code

    def plan(self, records: Iterable[Mapping[str, Any]], **changes: Any) -> int:
        """A dry run; its exit code."""
        return self.run(records, dry_run=True, **changes)

    def lines(self) -> list[dict[str, Any]]:
        """Of the newest plan."""
        newest = max(self.root.glob("reports/*/plan.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]

    @property
    def table(self) -> dict[str, int]:
        """The only row of the newest plan's table."""
        (head,) = (line.split()[2:] for line in self.log if line.startswith("stream "))
        (line,) = (line.split()[2:] for line in self.log if line.startswith("people "))
        return dict(zip(head, map(int, line), strict=True))

    def totals(self) -> dict[str, int]:
        """Of the last run, without zeros."""
        newest = max(self.root.glob("reports/*/report.json"), key=lambda path: path.stat().st_mtime_ns)
        report: dict[str, dict[str, int]] = json.loads(newest.read_text(encoding="utf-8"))
        return {name: count for name, count in report["totals"].items() if count}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """An empty destination."""
    return Stage(tmp_path)


def test_nothing_is_written_anywhere(stage: Stage) -> None:
    """No request, no ledger, no STATE; the files are for the owner alone."""
    assert stage.plan([row(1), row(2)]) == 0
    assert (stage.crm.writes, stage.crm.records, stage.states) == ([], {}, 0)
    assert not (stage.root / "l.db").exists()
    (folder,) = stage.root.glob("reports/*")
    assert sorted(one.name for one in folder.iterdir()) == ["plan.html", "plan.jsonl", "plan.md"]
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}
    assert stage.run([row(1)]) == 0
    ledger = (stage.root / "l.db").read_bytes()
    writes = list(stage.crm.writes)
    assert stage.plan([row(1, name="y"), gone(9), row(3, name="x" * 30)]) == 0
    assert (stage.root / "l.db").read_bytes() == ledger
    assert stage.crm.writes == writes


def test_each_record_has_a_line_with_what_would_change(stage: Stage) -> None:
    """Old and new value by field; what stays as it is has no line."""
    assert stage.run([row(1, score=1), row(2), row(3), row(4)]) == 0
    records = [row(1, name="y", score=1), row(2), gone(3), row(5), row(6, name="x" * 30), row(4, key="k4b")]
    assert stage.plan(records) == 0
    lines = {line["source_key"]: line for line in stage.lines()}
    assert {key: line["action"] for key, line in lines.items()} == {
        "[1]": "update",
        "[3]": "remove",
        "[4]": "update",
        "[5]": "create",
        "[6]": "reject",
    }
    assert lines["[1]"]["fields"] == {"name": ["x", "y"]}
    assert lines["[4]"]["fields"] == {"key": ["k4", "k4b"]}
    assert lines["[5]"]["fields"] == {"key": [None, "k5"], "name": [None, "x"]}
    assert lines["[6]"]["code"] == "too_long"
    assert "30" not in lines["[6]"]["reason"]


def test_a_brake_is_told_with_the_plan_that_a_run_may_carry_out(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """G6: the plan ends with 65 and an id; the run that names the id does exactly that."""
    assert stage.run([row(n) for n in range(20)]) == 0
    removals = [gone(n) for n in range(12)]
    with caplog.at_level(logging.INFO):
        assert stage.plan(removals) == 65
    assert Counter(line["action"] for line in stage.lines()) == {"remove": 12}
    told = " ".join(one.getMessage().strip() for one in caplog.records)
    (plan_id,) = set(re.findall(r"'approve: (\w+)'", told))
    assert len(stage.crm.records) == 20
    assert stage.run([*removals, gone(12)], approve=plan_id) == 65
    assert stage.run([row(12)], approve=plan_id) == 0
    assert len(stage.crm.records) == 8


def test_a_plan_leaves_nothing_beside_the_ledger(stage: Stage) -> None:
    """The two files that SQLite makes for readers are gone after it, and the ledger's own is as it was."""
    assert stage.run([row(1)]) == 0
    before = {path.name: path.read_bytes() for path in stage.root.glob("l.db*")}
    assert list(before) == ["l.db"]
    assert stage.plan([row(1, name="y"), row(2)]) == 0
    assert {path.name: path.read_bytes() for path in stage.root.glob("l.db*")} == before


@pytest.mark.parametrize("is_writing", [True, False])
def test_a_plan_takes_no_file_from_whoever_has_the_ledger_open(stage: Stage, *, is_writing: bool) -> None:
    """What another process writes meanwhile is neither lost nor folded in by the plan."""
    assert stage.run([row(1)]) == 0
    with contextlib.closing(sqlite3.connect(stage.root / "l.db", isolation_level=None)) as other:
        other.execute("SELECT count(*) FROM deliveries").fetchone()
        if is_writing:
            other.execute("UPDATE deliveries SET attempts = 7")
        assert stage.plan([row(1, name="y")]) == 0
        names = {path.name: path.stat().st_size for path in stage.root.glob("l.db-*")}
        assert names.keys() == {"l.db-wal", "l.db-shm"}
        assert bool(names["l.db-wal"]) is is_writing
        other.execute("UPDATE deliveries SET attempts = attempts + 1")
    with contextlib.closing(sqlite3.connect(stage.root / "l.db")) as ledger:
        assert ledger.execute("SELECT attempts FROM deliveries").fetchone()[0] in ({8} if is_writing else {1, 2})


@pytest.mark.parametrize("removals", [0, 3, 12])
def test_what_approved_rejections_lead_to_is_told(stage: Stage, removals: int) -> None:
    """They stop a run before its removals; approved, it removes what is listed, or stops at the other brake."""
    assert stage.run([row(n) for n in range(20)]) == 0
    records = [*(gone(n) for n in range(removals)), *(row(n, name="x" * 30) for n in range(20, 40))]
    assert stage.plan(records, max_rejected_percent=10) == 65
    assert Counter(line["action"] for line in stage.lines()) == Counter({"remove": removals, "reject": 20})
    told = " ".join(line.strip() for line in stage.log)
    assert "Run without 'dry_run'" not in told
    assert stage.run(records, max_rejected_percent=10) == 65
    assert len(stage.crm.records) == 20
    ids = re.findall(r"'approve: (\w+)'", told)
    codes = [stage.run(records, max_rejected_percent=10, approve=one) for one in ids]
    if removals == 12:
        assert (codes, len(stage.crm.records)) == ([65, 65], 20)
        assert "Approved rejections let a run go on to its removals, which are not approved with them" in told
    else:
        assert (codes, len(stage.crm.records)) == ([0], 20 - removals)
        assert ("goes on to its end, and removes them too" in told) == bool(removals)


def test_values_are_masked_and_never_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """G7: `redact` masks fields in the plan's files; the log has names and counts at every level."""
    secret = "s3cret-of-a-customer"[:20]
    with caplog.at_level(logging.DEBUG):
        assert stage.plan([row(1, name=secret), row(2, name=secret + "x" * 30)], redact=["name", "key"]) == 0
    for path in stage.root.glob("reports/*/*"):
        assert "s3cret" not in path.read_text(encoding="utf-8")
        assert '"k1"' not in path.read_text(encoding="utf-8")
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("name", ["NAME", "Name", "name"])
def test_redact_takes_names_in_any_spelling(stage: Stage, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """Capitals do not matter; keys that are made of no such field stay; a name that nothing has is told."""
    with caplog.at_level(logging.WARNING):
        assert stage.plan([row(1, name="s3cret-value")], redact=[name, "nosuch"]) == 0
    (line,) = stage.lines()
    assert (line["source_key"], line["match_key"]) == ("[1]", "k1")
    assert "s3cret" not in json.dumps(line)
    assert "'nosuch'" in caplog.text


def test_what_earlier_runs_left_is_planned(stage: Stage) -> None:
    """Refused records that are due are looked at again, as a run would."""
    assert stage.run([row(1, name="x" * 30), row(2)]) == 0
    assert stage.plan([row(2)], stream={"fields": {"key": "key", "score": "score"}}) == 0
    assert stage.plan([row(1, name="cured")]) == 0
    assert [(line["action"], line["source_key"]) for line in stage.lines()] == [("create", "[1]")]


def test_a_drift_report(stage: Stage) -> None:
    """`compare_with: destination` in a dry run shows what others changed, and repairs nothing."""
    assert stage.run([row(1), row(2)]) == 0
    first = next(iter(stage.crm.records.values()))
    first["name"] = "theirs"
    assert stage.plan([row(1), row(2)], compare_with="destination") == 0
    assert [line["fields"] for line in stage.lines()] == [{"name": ["theirs", "x"]}]
    assert first["name"] == "theirs"
    assert stage.run([row(1), row(2)], compare_with="destination") == 0
    assert stage.totals() == {"read": 2, "updated": 1, "unchanged": 1}


def test_a_clear_is_no_removal(stage: Stage) -> None:
    """Also where nothing is left to be emptied."""
    assert stage.run([row(1), row(2, name=None)]) == 0
    assert stage.plan([gone(1), gone(2)], stream={"on_removed": "clear"}, max_removed_percent=100) == 0
    assert {line["source_key"]: (line["action"], line["fields"]) for line in stage.lines()} == {
        "[1]": ("clear", {"name": ["x", None]}),
        "[2]": ("clear", {}),
    }


def test_what_the_plan_itself_creates_may_be_removed(stage: Stage) -> None:
    """A record that comes and goes in one input is created and removed, as in a run."""
    records = [row(1), STATE, gone(1)]
    assert stage.plan(records, max_removed_percent=100, checkpoint_records=1) == 0
    assert [line["action"] for line in stage.lines()] == ["create", "remove"]


@pytest.mark.parametrize("is_native", [True, False])
def test_what_the_plan_itself_creates_is_there(stage: Stage, *, is_native: bool) -> None:
    """A record that comes twice is created once, also where the destination is read before each write."""
    records = [row(1), STATE, row(1), STATE, row(1, name="y")]
    way = {"compare_with": "destination", "checkpoint_records": 1, "is_native": is_native}
    assert stage.plan(records, **way) == 0
    assert [line["action"] for line in stage.lines()] == ["create", "update"]
    assert stage.run(records, **way) == 0
    assert stage.totals() == {"read": 3, "created": 1, "updated": 1, "unchanged": 1}


def test_a_name_that_the_plan_itself_vacates_is_free(stage: Stage) -> None:
    """A record renamed earlier in the plan is not found by its former name."""
    assert stage.run([row(1, "a")]) == 0
    records = [row(1, "b"), STATE, row(2, "a")]
    assert stage.plan(records, checkpoint_records=1) == 0
    assert [(line["source_key"], line["action"]) for line in stage.lines()] == [("[1]", "update"), ("[2]", "create")]
    assert stage.run(records, checkpoint_records=1) == 0
    assert stage.totals() == {"read": 2, "updated": 1, "created": 1}


STATE = {"state": 1}
rows = st.builds(
    row,
    st.integers(0, 6),
    key=st.sampled_from(["", *(f"k{n}" for n in range(7))]),
    name=st.sampled_from(["a", "b", "", None]),
)
long = st.builds(row, st.integers(0, 6), name=st.just("x" * 30))
gone_rows = st.builds(gone, st.integers(0, 6))
inputs = st.lists(st.one_of(rows, rows, rows, long, gone_rows, gone_rows, st.just(STATE)), max_size=14)
ways = st.fixed_dictionaries(
    {
        "compare_with": st.sampled_from(["ledger", "destination"]),
        "load_method": st.sampled_from(["mirror", "mirror", "upsert", "update", "create"]),
        "is_native": st.booleans(),
        "stream": st.sampled_from(
            [
                {},
                {"on_removed": "clear"},
                {"fields": {"key": "key", "name": {"from": "name", "write": "if_empty"}}},
                {"fields": {"key": "key", "name": {"from": "name", "write": "on_create"}}},
                {"fields": {"key": "key", "name": {"from": "name", "write": "skip_null"}}},
                {"match_on": ["key", "email"], "fields": {"key": "key", "name": "name", "email": "email"}},
            ]
        ),
    },
    optional={"remove_adopted": st.just(value=True)},
)


def allowed(way: dict[str, Any]) -> dict[str, Any]:
    """Without what is refused at start."""
    way = copy.deepcopy(way)
    if way["load_method"] != "mirror":
        way["stream"].pop("on_removed", None)
        way.pop("remove_adopted", None)
    if way["load_method"] == "create":
        way["compare_with"] = "ledger"
        way["stream"] = {}
    return {**way, "max_removed_percent": 100, "checkpoint_records": 1}


def lasting(lines: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """What becomes of each record, by source key, in order."""
    actions: dict[str, list[str]] = {}
    for line in lines:
        actions.setdefault(line["source_key"], []).append(line["action"])
    return actions


def filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that hold something."""
    return {name: value for name, value in fields.items() if value not in (None, "")}


def check_plan(root: Path, foreign: set[int], runs: list[Any], last: list[Any], way: dict[str, Any]) -> None:
    """Some runs, a plan, and the run that it is of.

    Foreign records are at the destination before, with a key or with an address; one with a key is found by another
    key too.
    """
    stage, way = Stage(root), allowed(way)
    stage.crm.others |= {f"9{n}": {f"k{n + 4}"} for n in foreign if n in (1, 2)}
    stage.crm.records |= {f"9{n}": {"key": f"k{n}", "name": None} for n in foreign if n < 4}
    stage.crm.records |= {f"9{n}": {"email": f"{n}@example.com"} for n in foreign if n >= 4}
    for records in runs:
        assert stage.run(records, **copy.deepcopy(way)) == 0
    before, written = copy.deepcopy(stage.crm.records), list(stage.crm.writes)
    assert stage.plan(last, **copy.deepcopy(way)) == 0
    assert (stage.crm.records, stage.crm.writes) == (before, written)
    lines, table = stage.lines(), stage.table
    fresh = [line for line in lines if not line["is_replay"]]
    assert stage.run(last, **copy.deepcopy(way)) == 0

    planned: Counter[str] = Counter(ACTIONS[line["action"]] for line in fresh if line["action"] in ACTIONS)
    planned["removed"] += sum(line["action"] == "skip" and not line["code"] for line in fresh)
    totals = stage.totals()
    for fate in ("created", "updated", "removed"):
        assert planned[fate] == totals.get(fate, 0), fate
    if not any(line["is_replay"] for line in lines):  # the table has them too, the totals have not
        columns = {"create": "created", "update": "updated", "unchanged": "unchanged", "reject": "rejected"}
        assert {column: table[column] for column in columns} == {
            column: totals.get(fate, 0) for column, fate in columns.items()
        }
        assert table["remove"] + table["other"] == totals.get("removed", 0) + totals.get("superseded", 0)
    changed = {one for one, fields in stage.crm.records.items() if filled(before.get(one, {})) != filled(fields)}
    shown = {line["destination_id"] for line in lines if line["action"] in ("update", "clear") and line["fields"]}
    removed = {line["destination_id"] for line in lines if line["action"] == "remove"}
    # A double is refused once the API has written it over the record of another row (`doubles.py`).
    doubled = {line["destination_id"] for line in lines if line["code"] == "duplicate_key"}
    assert (changed & set(before)) - removed - doubled <= shown
    assert {one for one in shown if one} <= set(before)
    assert {one for one in removed if one} == set(before) - set(stage.crm.records)
    created = sum(line["action"] == "create" for line in lines)
    gone_again = sum(line["action"] == "remove" and line["destination_id"] is None for line in lines)
    assert created - gone_again == len(set(stage.crm.records) - set(before))


comparisons = given(
    foreign=st.sets(st.integers(0, 6), max_size=2), runs=st.lists(inputs, max_size=2), last=inputs, way=ways
)


# The same examples each time: what a random one finds belongs into the long test below, not into somebody's change.
@settings(max_examples=60, deadline=None, derandomize=True)
@comparisons
def test_the_run_does_what_the_plan_says(
    foreign: set[int], runs: list[list[dict[str, Any]]], last: list[dict[str, Any]], way: dict[str, Any]
) -> None:
    """Counts, records and fields of a plan are those of the run right after it."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        check_plan(Path(folder), foreign, runs, last, way)


@pytest.mark.long
@settings(max_examples=2000, deadline=None)
@comparisons
def test_the_run_does_what_the_plan_says_in_many_cases(
    foreign: set[int], runs: list[list[dict[str, Any]]], last: list[dict[str, Any]], way: dict[str, Any]
) -> None:
    """The same, with as many examples as find what happens once in a thousand."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        check_plan(Path(folder), foreign, runs, last, way)


NULLS_LATER = [row(1, name=""), STATE, row(1, name=None), STATE, row(1, name="a"), STATE, row(1, name=None)]


@pytest.mark.parametrize("is_native", [True, False])
@pytest.mark.parametrize("write", ["always", "if_empty", "skip_null", "on_create"])
def test_a_plan_knows_what_it_has_written(tmp_path: Path, write: str, *, is_native: bool) -> None:
    """A record that is created and comes again, empty at first, then null, then filled, then null once more."""
    stream = {"fields": {"key": "key", "name": {"from": "name", "write": write}}}
    way = {"compare_with": "destination", "load_method": "mirror", "is_native": is_native, "stream": stream}
    check_plan(tmp_path, set(), [], NULLS_LATER, way)


def test_a_plan_counts_what_it_adopts_before_it_removes_it(tmp_path: Path) -> None:
    """The brake on removals sees a record that the same plan has found at the destination."""
    way = {"load_method": "mirror", "is_native": False, "stream": {}, "remove_adopted": True}
    check_plan(tmp_path, {0}, [], [row(4, key="k0"), STATE, gone(4)], way | {"compare_with": "ledger"})


def test_a_plan_finds_what_it_creates_by_every_field(tmp_path: Path) -> None:
    """`match_on` of two fields: a later record with the address of one that the plan creates is ambiguous."""
    stream = {"match_on": ["key", "email"], "fields": {"key": "key", "name": "name", "email": "email"}}
    way = {"compare_with": "ledger", "load_method": "upsert", "is_native": True, "stream": stream}
    check_plan(tmp_path, set(), [], [row(1), STATE, row(2, email="1@example.com")], way)
