"""Brakes: a plan that would do harm is frozen, not carried out, and the message says how to go on (G6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from tap_sync import Sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def sync(duck: Any, run_tap: Callable[..., Any], tmp_path: Path) -> Sync:
    """Twenty rows that were delivered."""
    duck.execute("CREATE TABLE m AS SELECT range AS id, 'secret' AS name FROM range(20)")
    sync = Sync(duck, run_tap, {"sync_id": "crm", "state_url": f"duckdb:///{tmp_path}/state.duckdb"})
    sync.run()
    return sync


@pytest.mark.parametrize(
    ("change", "settings", "reason"),
    [
        ("DELETE FROM m WHERE id < 5", {}, "it removes 5 of 20 rows (25 %), and 'max_removed_percent' is 20"),
        ("DELETE FROM m WHERE id < 3", {"max_removed": 2}, "it removes 3 rows, and 'max_removed' is 2"),
        (
            "UPDATE m SET name = 'x' WHERE id < 11",
            {"max_changed_percent": 50},
            "it changes 11 of 20 rows (55 %), and 'max_changed_percent' is 50",
        ),
        ("DELETE FROM m WHERE id < 2", {"min_rows": 19}, "the model has 18 rows, and 'min_rows' is 19"),
        ("DELETE FROM m", {"max_removed_percent": 100}, "the model is empty, where 20 rows were delivered"),
        ("DELETE FROM m", {"on_empty": "apply"}, "it removes 20 of 20 rows (100 %)"),
    ],
)
def test_a_plan_past_a_limit_is_not_carried_out(sync: Sync, change: str, settings: dict[str, Any], reason: str) -> None:
    """Exit 65 before the first record; counts, the plan's place and the way on are named, values are not."""
    sync.database.execute(change)
    run = sync.run(**settings)
    assert run.exit_code == 65
    assert run.of_type("RECORD") == []
    assert reason in run.errors
    assert "TAP_WAREHOUSE_MODEL_<SETTING>" in run.errors
    assert "--config" in run.errors
    assert "secret" not in run.stderr
    assert "Traceback" not in run.stderr


def test_the_plan_can_be_looked_at(sync: Sync, tmp_path: Path) -> None:
    """The message names a table that holds what would have happened."""
    sync.database.execute("DELETE FROM m WHERE id < 5", "UPDATE m SET name = 'x' WHERE id = 9")
    run = sync.run()
    table = re.search(r"look at them in (\S+) in the file", run.errors)
    assert table is not None
    with duckdb.connect(str(tmp_path / "state.duckdb")) as connection:
        connection.execute("ATTACH ':memory:' AS other")
        name = table[1].replace("reverse_etl_state", "state")
        rows = connection.execute(f"SELECT _diff_op, id FROM {name} ORDER BY _diff_seq").fetchall()  # noqa: S608
    assert rows == [("C", 9), ("R", 0), ("R", 1), ("R", 2), ("R", 3), ("R", 4)]


def test_the_way_on_for_one_run(sync: Sync) -> None:
    """With the limit of that run only; the next run has the old limit again."""
    sync.database.execute("DELETE FROM m WHERE id < 5")
    assert sync.run().exit_code == 65
    assert sync.changes(max_removed_percent=25) == ([], [0, 1, 2, 3, 4])
    assert sync.changes() == ([], [])


def test_an_empty_model_is_skipped_on_request(sync: Sync) -> None:
    """Nothing is emitted and nothing forgotten: the rows are there again tomorrow."""
    sync.database.execute("CREATE TABLE kept AS FROM m", "DELETE FROM m")
    assert sync.changes(on_empty="skip") == ([], [])
    sync.database.execute("INSERT INTO m FROM kept")
    assert sync.changes(on_empty="skip") == ([], [])


def test_an_empty_model_is_applied_on_request(sync: Sync) -> None:
    """Within the brakes on removals."""
    sync.database.execute("DELETE FROM m")
    assert sync.changes(on_empty="apply", max_removed_percent=100) == ([], list(range(20)))


def test_rows_that_are_sent_again_on_purpose_are_no_change(sync: Sync) -> None:
    """A full refresh and another `mapping_version` pass the brake on changes."""
    assert len(sync.changes(state={}, max_changed_percent=1)[0]) == 20
    sync.model["mapping_version"] = 2
    assert len(sync.changes(max_changed_percent=1)[0]) == 20
    sync.database.execute("UPDATE m SET name = 'x'")
    assert sync.run(max_changed_percent=1).exit_code == 65


def test_a_small_baseline_has_no_default_share(duck: Any, run_tap: Callable[..., Any], tmp_path: Path) -> None:
    """One of three rows is a third of all, and nothing odd; a share that was set holds at any size."""
    duck.execute("CREATE TABLE m AS SELECT range AS id FROM range(3)")
    sync = Sync(duck, run_tap, {"sync_id": "crm", "state_url": f"duckdb:///{tmp_path}/state.duckdb"})
    sync.run()
    duck.execute("DELETE FROM m WHERE id = 0")
    assert sync.run(max_removed_percent=20).exit_code == 65
    assert sync.changes() == ([], [0])


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"max_removed": -1}, "'max_removed' must be a whole number"),
        ({"min_rows": 1.5}, "'min_rows' must be a whole number"),
        ({"max_removed_percent": "20"}, "'max_removed_percent' must be a number"),
        ({"on_empty": "ignore"}, "'on_empty' must be one of 'fail', 'skip', 'apply'"),
        ({"sync_id": ""}, "'sync_id' must be a text"),
        ({"sync_id": None}, "LOG_BASED (of 'm') needs 'sync_id'"),
        ({"state_schema": ""}, "'state_schema' must be the name of a schema"),
        ({"state_url": "sqlite:///x.db"}, "'state_url' must be the SQLAlchemy URL of a DuckDB file"),
        ({"state_url": "postgresql://user:hidden@host/x"}, "'state_url' must be the SQLAlchemy URL of a DuckDB file"),
        ({"on_duplicate_key": "skip"}, "'on_duplicate_key' must be 'fail' or 'reject'"),
        ({"partition_count": 0}, "'partition_count' must be a whole number"),
        ({"partition_count": 2}, "'partition_index' must be a whole number from 0 to 1"),
        ({"partition_count": 2, "partition_index": 2}, "'partition_index' must be a whole number from 0 to 1"),
        ({"partition_index": 1}, "'partition_count' must be a whole number"),
    ],
)
def test_wrong_settings_are_refused(sync: Sync, settings: dict[str, Any], part: str) -> None:
    """Before anything is read; secrets are not shown."""
    run = sync.run(**settings)
    assert run.exit_code == 78
    assert part in run.errors
    assert "hidden" not in run.stderr
    assert run.stdout == ""


def test_removals_that_were_emitted_before_are_not_braked_again(sync: Sync) -> None:
    """Allowed once and cut off, or sent again without STATE: the next scheduled run must not stop at them."""
    sync.database.execute("DELETE FROM m WHERE id < 10")
    assert sync.run(max_removed_percent=60, confirm=False).exit_code == 0
    assert sync.changes() == ([], list(range(10)))
    sync.run(state={})
    sync.database.execute("DELETE FROM m WHERE id < 16")
    run = sync.run()
    assert "it removes 6 of 10 rows (60 %)" in run.errors


def test_other_models_do_not_wait_for_a_brake(sync: Sync) -> None:
    """They are delivered; the run ends with 65 all the same."""
    sync.database.execute("DELETE FROM m WHERE id < 10", "CREATE TABLE o AS SELECT 7 AS id")
    other = {"name": "o", "table": "o", "key_properties": ["id"], "replication_method": "LOG_BASED"}
    config = sync.database.config(sync.model, other, **sync.settings)
    run = sync.run_tap(config, state=sync.state)
    assert run.exit_code == 65
    assert run.records("m") == []
    assert run.records("o") == [{"id": 7}]
    assert run.state["bookmarks"]["m"] == sync.bookmark
