"""Partitions: several workers share the keys, in all three sync kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tap_sync import Sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 100


@pytest.fixture(params=["duckdb", "postgres", "copied"])
def workers(request: pytest.FixtureRequest, run_tap: Callable[..., Any], tmp_path: Path) -> Callable[[int], list[Sync]]:
    """Return workers that share a model of a hundred rows, each with a STATE of its own."""
    database = request.getfixturevalue("duck" if request.param == "duckdb" else "postgres")
    database.execute("CREATE TABLE m AS SELECT i AS id, 'n' || i AS name FROM generate_series(1, 100) AS t(i)")
    settings: dict[str, Any] = {"sync_id": "crm"}
    if request.param != "postgres":
        settings["state_url"] = f"duckdb:///{tmp_path}/state.duckdb"

    def share(count: int) -> list[Sync]:
        return [
            Sync(database, run_tap, {**settings, "partition_count": count, "partition_index": index})
            for index in range(count)
        ]

    return share


def union(slices: list[list[Any]]) -> list[Any]:
    """Return all keys, each of which must be in one slice only."""
    keys = [key for slice_ in slices for key in slice_]
    assert len(keys) == len(set(keys))
    return sorted(keys)


@pytest.mark.parametrize(
    "method", [{"replication_method": "FULL_TABLE"}, {"replication_method": "INCREMENTAL", "replication_key": "id"}]
)
def test_slices_are_disjoint_complete_and_the_same_in_every_run(
    workers: Callable[[int], list[Sync]], method: dict[str, Any]
) -> None:
    """Of a full and of an incremental sync."""
    shared = workers(4)
    for worker in shared:
        worker.model = {**worker.model, **method}
    first, second = (
        [[record["id"] for record in worker.run(state={}).records()] for worker in shared] for _ in range(2)
    )
    assert first == second
    assert union(first) == list(range(1, ROWS + 1))
    assert min(map(len, first)) > ROWS // 10


def test_the_diff_has_one_baseline_and_a_plan_per_slice(workers: Callable[[int], list[Sync]]) -> None:
    """Each worker emits its changes and removals, and nobody else's."""
    shared = workers(3)
    assert union([worker.changes()[0] for worker in shared]) == list(range(1, ROWS + 1))
    shared[0].database.execute("DELETE FROM m WHERE id <= 9", "UPDATE m SET name = 'x' WHERE id > 90")
    found = [worker.changes() for worker in shared]
    assert union([sent for sent, _ in found]) == list(range(91, 101))
    assert union([removed for _, removed in found]) == list(range(1, 10))
    assert [worker.changes() for worker in shared] == [([], [])] * 3


@pytest.mark.parametrize("counts", [(1, 3), (3, 2), (2, 4), (4, 1)])
def test_another_number_of_slices_loses_nothing(workers: Callable[[int], list[Sync]], counts: tuple[int, int]) -> None:
    """What was emitted and not confirmed under the old number is sent or removed under the new one."""
    before, after = map(workers, counts)
    for worker in before:
        worker.changes()
    database = before[0].database
    database.execute("UPDATE m SET name = 'x' WHERE id > 95", "DELETE FROM m WHERE id <= 3")
    for worker in before:
        worker.run(confirm=False)
    database.execute("UPDATE m SET name = 'n' || id WHERE id > 95", "INSERT INTO m VALUES (1, 'n1'), (2, 'n2')")
    for old, new in zip(before, after, strict=False):
        new.state = old.state
    found = [worker.changes() for worker in after]
    assert set(union([sent for sent, _ in found])) >= {1, 2, *range(96, 101)}
    assert union([removed for _, removed in found]) == [3]
    assert [worker.changes() for worker in after] == [([], [])] * counts[1]


def test_the_state_of_another_slice_is_refused(workers: Callable[[int], list[Sync]]) -> None:
    """Workers that share a STATE would never confirm anything."""
    shared = workers(2)
    shared[0].run()
    run = shared[1].run(state=shared[0].state)
    assert run.exit_code == 78
    assert "STATE belongs to the slice 0/2, but this is 1/2" in run.stderr
    assert "--state-id-suffix" in run.stderr


def test_the_bookmark_of_another_slice_is_ignored(workers: Callable[[int], list[Sync]]) -> None:
    """It says nothing about these keys: all rows of the slice are read, once."""
    shared = workers(2)
    for worker in shared:
        worker.model = {**worker.model, "replication_method": "INCREMENTAL", "replication_key": "id"}
    shared[0].run()
    whole = shared[1].run(state={}).records()
    run = shared[1].run(state=shared[0].state)
    assert run.records() == whole
    assert "the bookmark belongs to the slice 0/2" in run.stderr
    assert len(shared[1].run().records()) == 1


def test_slices_need_a_key(workers: Callable[[int], list[Sync]]) -> None:
    """Without one there is nothing to divide by."""
    worker = workers(2)[0]
    worker.model = {"name": "m", "table": "m"}
    run = worker.run()
    assert run.exit_code == 78
    assert "'partition_count' divides the keys of a model" in run.stderr
