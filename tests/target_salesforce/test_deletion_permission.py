"""Whether records may be deleted for good is known before anything is written."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from salesforce_stage import SalesforceStage

FOR_GOOD: dict[str, Any] = {
    "hard_delete": True,
    "max_removed_percent": 100,
    "stream": {"on_removed": "delete"},
}


def statuses(stage: SalesforceStage) -> set[tuple[Any, ...]]:
    """Of the ledger's rows, with whether a removal waits."""
    with sqlite3.connect(stage.root / "ledger.db") as connection:
        return set(connection.execute("SELECT status, removal_at IS NOT NULL FROM deliveries").fetchall())


def test_without_the_permission_a_run_ends_before_it_writes(stage: SalesforceStage) -> None:
    """With what to grant; a plan says so too, no row is left pending, and a record that is back is as it was."""
    assert stage.deliver([stage.record(1, "a"), stage.record(2, "a")]).totals["created"] == 2
    before = stage.vendor.write_requests()
    removal = {**stage.record(1, "a"), "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
    for changes in ({}, {"dry_run": True}):
        refused = stage.deliver([stage.record(2, "b"), removal], **FOR_GOOD, **changes)
        assert (refused.exit_code, refused.states) == (78, [])
        assert "Grant 'Bulk API Hard Delete', or set 'on_removed' to archive" in refused.error
    assert statuses(stage) == {("delivered", 0)}
    assert stage.vendor.write_requests() == before
    stage.vendor.control("limits", {"salesforce": {"bulk_hard_delete": True, "bulk_seconds_per_batch": 0}})
    again = stage.deliver([stage.record(1, "a"), stage.record(2, "a")], **FOR_GOOD)
    assert (again.exit_code, again.totals["unchanged"]) == (0, 2)
    assert stage.vendor.write_requests() == before
    assert stage.deliver([removal], **FOR_GOOD).totals["removed"] == 1
    assert set(stage.texts()) == {"K2"}


def test_who_deletes_nothing_for_good_is_not_asked(stage: SalesforceStage) -> None:
    """Without such a stream the permission is no matter."""
    assert stage.deliver([stage.record(1, "a")], hard_delete=True).exit_code == 0
    assert stage.deliver([stage.record(1, "b")], stream={"on_removed": "archive"}).exit_code == 0
