"""A sync as its destination sees it: runs the tap, applies what it emits, keeps the STATE."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Database, Run

KEYS = ["id"]


@dataclass
class Sync:
    """One model, one destination."""

    database: Database
    run_tap: Callable[..., Run]
    settings: dict[str, Any]
    model: dict[str, Any] = field(
        default_factory=lambda: {"name": "m", "table": "m", "key_properties": KEYS, "replication_method": "LOG_BASED"}
    )
    state: dict[str, Any] | None = None
    rows: dict[Any, dict[str, Any]] = field(default_factory=dict)
    """The destination: what was delivered, by key."""

    def run(self, *, state: dict[str, Any] | None = None, confirm: bool = True, **settings: Any) -> Run:
        """Run the tap; its records are delivered, and its last STATE is kept if `confirm` says so.

        Args:
            state: In place of the kept one; an empty one means none.
            confirm: Whether the target lived to hand its STATE on.
            settings: Of this run only.
        """
        given = self.state if state is None else state
        documents = {"state": given} if given else {}
        run = self.run_tap(self.database.config(self.model, **{**self.settings, **settings}), **documents)
        if run.exit_code == 0:
            self.deliver(run)
            if confirm:
                self.state = run.state
        return run

    def deliver(self, run: Run) -> None:
        """Apply the records of a run."""
        keys = self.model["key_properties"]
        for record in run.records():
            key = tuple(record[name] for name in keys)
            if record.pop("_sdc_deleted_at", None):
                assert sorted(record) == sorted(keys)
                self.rows.pop(key, None)
            else:
                self.rows[key] = record

    def changes(self, **arguments: Any) -> tuple[list[Any], list[Any]]:
        """Run; return the keys that were sent and those that were removed."""
        run = self.run(**arguments)
        assert run.exit_code == 0, run.stderr
        keys = self.model["key_properties"]

        def key(record: dict[str, Any]) -> Any:
            values = tuple(record[name] for name in keys)
            return values[0] if len(values) == 1 else values

        records = run.records()
        removed = [key(record) for record in records if "_sdc_deleted_at" in record]
        return sorted(key(record) for record in records if "_sdc_deleted_at" not in record), sorted(removed)

    @property
    def bookmark(self) -> dict[str, Any]:
        """The model's part of STATE."""
        assert self.state is not None
        return dict(self.state["bookmarks"]["m"])

    def at(self, seq: int) -> dict[str, Any]:
        """Return STATE as it was after some changes of the last plan."""
        return {"bookmarks": {"m": {**self.bookmark, "seq": seq, "done": False}}}


def written(run: Run) -> str:
    """Return messages as text, to look for what must not be there."""
    return json.dumps(run.messages, default=str) + run.stderr
