"""`--plan`: what the next run would emit, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tap_sync import Sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(params=["duckdb", "postgres", "copied"])
def sync(request: pytest.FixtureRequest, run_tap: Callable[..., Any], tmp_path: Path) -> Sync:
    """Twenty rows."""
    database = request.getfixturevalue("duck" if request.param == "duckdb" else "postgres")
    settings: dict[str, Any] = {"sync_id": "crm"}
    if request.param != "postgres":
        settings["state_url"] = f"duckdb:///{tmp_path}/state.duckdb"
    database.execute(
        "CREATE TABLE m AS SELECT i AS id, 'secret' AS name, 'x' AS plan FROM generate_series(1, 20) AS t(i)"
    )
    return Sync(database, run_tap, settings)


def plan(sync: Sync, **documents: Any) -> list[str]:
    """Return the lines that `--plan` prints."""
    config = sync.database.config(sync.model, **sync.settings)
    run = sync.run_tap(config, "--plan", **documents)
    assert run.exit_code == 0, run.stderr
    assert "secret" not in run.stdout
    return [line.strip() for line in run.stdout.splitlines()]


def test_added_changed_and_removed_rows_are_counted(sync: Sync) -> None:
    """Changed ones by column; nothing is emitted, and the next run is not disturbed."""
    assert plan(sync)[:4] == [
        "m (20 rows; the sync 'crm' delivered 0 before)",
        "added    20",
        "changed  0",
        "removed  0",
    ]
    sync.run()
    sync.database.execute(
        "UPDATE m SET plan = 'y' WHERE id <= 3", "UPDATE m SET name = 'z' WHERE id = 3", "DELETE FROM m WHERE id > 17"
    )
    sync.database.execute("INSERT INTO m VALUES (99, 'a', 'b')")
    expected = [
        "m (18 rows; the sync 'crm' delivered 20 before)",
        "added    1",
        "changed  3  (name: 1, plan: 3)",
        "removed  3",
    ]
    assert plan(sync, state=sync.state) == expected
    without_state = plan(sync)
    assert without_state[:4] == expected
    assert without_state[4].startswith("The 20 changes emitted last are taken as delivered")
    assert sync.changes() == ([1, 2, 3, 99], [18, 19, 20])
    assert plan(sync, state=sync.state)[1:4] == ["added    0", "changed  0", "removed  0"]
    assert sync.changes() == ([], [])


def test_a_run_says_what_changed(sync: Sync) -> None:
    """The same counts, in its log."""
    sync.run()
    sync.database.execute("UPDATE m SET plan = 'y' WHERE id <= 3")
    assert "0 added, 3 changed (plan: 3) and 17 unchanged; 0 removed" in sync.run().stderr


def test_brakes_that_would_stop_the_run_are_named(sync: Sync) -> None:
    """Looking is free: the exit code is 0."""
    sync.run()
    sync.database.execute("DELETE FROM m WHERE id > 5")
    assert "A brake would stop this run: it removes 15 of 20 rows" in "\n".join(plan(sync))


def test_a_resend_is_announced(sync: Sync) -> None:
    """Other columns: all rows differ, and which column changed cannot be told."""
    sync.run()
    sync.model = {**sync.model, "mapping_version": "2"}
    lines = plan(sync, state=sync.state)
    assert lines[2] == "changed  20"
    assert lines[4].startswith("All rows are sent again")


def test_there_must_be_something_to_look_at(sync: Sync) -> None:
    """Without a LOG_BASED model there is no plan."""
    config = sync.database.config({"name": "m", "table": "m"})
    run = sync.run_tap(config, "--plan")
    assert run.exit_code == 78
    assert "none is selected" in run.errors
