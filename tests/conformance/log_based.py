"""Our tap's diff feeds a mirror: what is deleted in the warehouse goes at the destination, and both have brakes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

    from .stage import Result, Stage

ROWS = 20


class Warehouse:
    """A model in DuckDB, the tap over it, and the STATE that came back.

    Args:
        folder: Where it is.
        columns: What the model selects of the numbers `n`.
    """

    def __init__(self, folder: Path, columns: str) -> None:
        self._folder = folder
        self._path = folder / "warehouse.duckdb"
        self._state: dict[str, Any] | None = None
        numbers = f"generate_series(1, {ROWS}) AS t(n)"
        self.execute(f"CREATE TABLE people AS SELECT n AS id, {columns} FROM {numbers}")  # noqa: S608 - constants

    def execute(self, statement: str) -> None:
        """Change the model's table, as a transformation would."""
        with duckdb.connect(str(self._path)) as connection:
            connection.execute(statement)

    def emit(self, **settings: Any) -> tuple[int, list[dict[str, Any]], str]:
        """Run the tap: its exit code, what it says, and its log."""
        model = {
            "name": "people",
            "table": "people",
            "key_properties": ["id"],
            "replication_method": "LOG_BASED",
        }
        config = {"sqlalchemy_url": f"duckdb:///{self._path}", "models": [model], "sync_id": "to-target", **settings}
        path = self._folder / "tap.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "tap_warehouse_model", "--config", str(path)]
        if self._state is not None:
            (self._folder / "state.json").write_text(json.dumps(self._state), encoding="utf-8")
            command += ["--state", str(self._folder / "state.json")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def sync(self, stage: Stage, *, target: dict[str, Any] | None = None, **settings: Any) -> Result:
        """Run tap and target, and keep the STATE that came back."""
        code, messages, log = self.emit(**settings)
        assert code == 0, log
        result = stage.run_command(messages, **(target or {}))
        if result.states:
            self._state = result.states[-1]
        return result


class BaseLogBased:
    """A mirror that our tap feeds.

    Attributes:
        columns: SQL of the model's columns, by `n`, under the names of the destination's fields.
    """

    columns: str

    def keys(self, stage: Stage) -> set[str]:
        """Match values that are at the destination."""
        return set(stage.vendor.records())

    def test_what_is_deleted_in_the_model_is_removed(self, stage: Stage, tmp_path: Path) -> None:
        """G5, G6: one row goes; half of them first meets the tap's brake, then the target's; approved, they go."""
        warehouse = Warehouse(tmp_path, self.columns)
        streams = {
            "people": {
                "object": stage.vendor.object_name,
                "match_on": stage.vendor.match_field,
                "load_method": "mirror",
            }
        }
        target: dict[str, Any] = {"streams": streams, "unknown_fields": "drop"}
        first = warehouse.sync(stage, target=target)
        assert (first.exit_code, first.totals["created"]) == (0, ROWS), first.log

        warehouse.execute("DELETE FROM people WHERE id = 7")
        second = warehouse.sync(stage, target=target)
        assert (second.exit_code, second.totals["read"], second.totals["removed"]) == (0, 1, 1), second.log
        assert self.keys(stage) == {f"K{n}" for n in range(1, ROWS + 1)} - {"K7"}
        assert warehouse.sync(stage, target=target).totals["read"] == 0

        warehouse.execute("DELETE FROM people WHERE id % 2 = 0")
        code, messages, log = warehouse.emit()
        assert (code, [one for one in messages if one["type"] == "RECORD"]) == (65, [])
        assert "'max_removed_percent'" in log

        third = warehouse.sync(stage, target=target, max_removed_percent=60)
        assert (third.exit_code, third.codes) == (65, {"brake": 10}), third.log
        assert len(self.keys(stage)) == ROWS - 1

        # The removals wait in the target's ledger: the tap need not say them again, and a person lets them go on.
        again = warehouse.sync(stage, target=target, max_removed_percent=60)
        assert again.exit_code == 65
        plan = again.log.split("'approve: ")[1].split("'")[0]
        last = warehouse.sync(stage, target={**target, "approve": plan}, max_removed_percent=60)
        assert last.exit_code == 0, last.log
        assert self.keys(stage) == {f"K{n}" for n in range(1, ROWS + 1, 2)} - {"K7"}
        assert warehouse.sync(stage, target=target).totals["read"] == 0
