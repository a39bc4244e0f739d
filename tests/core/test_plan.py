"""The plan (`dry_run`): what a run would do, and nothing else."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import re
import shutil
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
    from collections.abc import Iterable, Mapping

ACTIONS = {"create": "created", "update": "updated", "remove": "removed", "clear": "removed", "reject": "rejected"}


def row(n: int, key: str | None = None, **values: Any) -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": f"k{n}" if key is None else key, "name": "x", **values}


def gone(n: int) -> dict[str, Any]:
    """A record that is gone."""
    return {"n": n, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}


@dataclass
class Stage:
    """Runs the fake target on records of one stream."""

    root: Path
    crm: Crm = field(default_factory=Crm)
    states: int = 0

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
        columns: dict[str, Any] = {name: {} for name in ("n", "key", "name", "score")}
        messages: list[Any] = [
            {"type": "SCHEMA", "stream": "people", "schema": {"properties": columns}, "key_properties": ["n"]},
            *({"type": "RECORD", "stream": "people", "record": one} for one in records),
            {"type": "STATE", "value": {"at": 1}},
        ]
        output = io.StringIO()
        target_class = type("OwnTarget", (FakeTarget,), {"crm": self.crm})
        code = 0
        with contextlib.redirect_stdout(output):
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
    assert sorted(one.name for one in folder.iterdir()) == ["plan.html", "plan.jsonl"]
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
    (plan_id,) = set(re.findall(r"'reverse-etl approve (\w+)'", told))
    assert len(stage.crm.records) == 20
    assert stage.run([*removals, gone(12)], approve=plan_id) == 65
    assert stage.run([row(12)], approve=plan_id) == 0
    assert len(stage.crm.records) == 8


def test_values_are_masked_and_never_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """G7: `redact` masks fields in the plan's files; the log has names and counts at every level."""
    secret = "s3cret-of-a-customer"[:20]
    with caplog.at_level(logging.DEBUG):
        assert stage.plan([row(1, name=secret), row(2, name=secret + "x" * 30)], redact=["name", "key"]) == 0
    for path in stage.root.glob("reports/*/*"):
        assert "s3cret" not in path.read_text(encoding="utf-8")
        assert '"k1"' not in path.read_text(encoding="utf-8")
    assert "s3cret" not in caplog.text


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


rows = st.builds(
    row, st.integers(0, 6), key=st.sampled_from(["", *(f"k{n}" for n in range(7))]), name=st.sampled_from("ab")
)
long = st.builds(row, st.integers(0, 6), name=st.just("x" * 30))
inputs = st.lists(st.one_of(rows, rows, long, st.builds(gone, st.integers(0, 6))), max_size=12)
ways = st.fixed_dictionaries(
    {"compare_with": st.sampled_from(["ledger", "destination"]), "load_method": st.sampled_from(["mirror", "upsert"])},
    optional={
        "stream": st.sampled_from(
            [
                {"on_removed": "clear"},
                {"fields": {"key": "key", "name": {"from": "name", "write": "if_empty"}}},
                {"fields": {"key": "key", "name": {"from": "name", "write": "on_create"}}},
            ]
        )
    },
)


@settings(max_examples=60, deadline=None)
@given(foreign=st.sets(st.integers(0, 6), max_size=2), runs=st.lists(inputs, max_size=2), last=inputs, way=ways)
def test_the_run_does_what_the_plan_says(
    foreign: set[int], runs: list[list[dict[str, Any]]], last: list[dict[str, Any]], way: dict[str, Any]
) -> None:
    """Counts and changes of a plan are those of the run right after it."""
    root = Path(tempfile.mkdtemp(prefix="plan-"))
    try:
        stage = Stage(root)
        stage.crm.records |= {f"9{n}": {"key": f"k{n}", "name": None} for n in foreign}
        way = {**way, "max_removed_percent": 100}
        for records in runs:
            assert stage.run(records, **copy.deepcopy(way)) == 0
        before = copy.deepcopy(stage.crm.records)
        assert stage.plan(last, **copy.deepcopy(way)) == 0
        assert stage.crm.records == before
        lines = [line for line in stage.lines() if not line["is_replay"]]
        assert stage.run(last, **copy.deepcopy(way)) == 0
        planned = Counter(ACTIONS[line["action"]] for line in lines if line["action"] in ACTIONS)
        totals = stage.totals()
        assert {fate: totals.get(fate, 0) for fate in ("created", "updated", "removed")} == {
            fate: planned[fate] for fate in ("created", "updated", "removed")
        }
        changed = {one for one, fields in stage.crm.records.items() if before.get(one) != fields}
        shown = {line["destination_id"] for line in lines if line["action"] in ("update", "clear") and line["fields"]}
        assert shown - {None} == changed & set(before)
    finally:
        shutil.rmtree(root)
