"""Worlds in which many records travel in asynchronous jobs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from core.fake_jobs import FakeJobs
from core.fakes import World, people, route

from reverse_etl_core.schema import JobLimits

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = JobLimits(records_from=4, records_per_job=10, bytes_per_job=100_000)
KINDS = {"native upsert": ("upsert", True), "upsert": ("upsert", False), "update": ("update", False)}
KINDS |= {"create": ("create", False)}


def row(n: int, name: str = "x") -> dict[str, Any]:
    """A record."""
    return {"n": n, "key": f"k{n}", "name": name}


def rows(count: int, name: str = "x") -> list[dict[str, Any]]:
    """Records."""
    return [row(n, name) for n in range(count)]


def world(
    tmp_path: Path, *, load_method: str = "upsert", is_native: bool = True, limits: JobLimits = LIMITS, **changes: Any
) -> World:
    """An empty world with jobs."""
    one = World(tmp_path / "ledger.db", route(people(is_native=is_native, jobs=limits), load_method=load_method))
    one.jobs = FakeJobs(one.crm, **changes)
    return one


def jobs_of(one: World) -> FakeJobs:
    """The destination's jobs."""
    assert one.jobs is not None
    return one.jobs


def fates(one: World) -> dict[str, int]:
    """What the last run counted."""
    return {name: count for name, count in one.tally.as_dict().items() if count}


def statuses(one: World) -> Counter[str]:
    """How many rows of the ledger have which status."""
    return Counter(one["status"] for one in one.rows().values())


def prepared(tmp_path: Path, kind: str) -> World:
    """A world in which five records can be written."""
    load_method, is_native = KINDS[kind]
    one = world(tmp_path, load_method=load_method, is_native=is_native)
    if load_method == "update":
        one.crm.records |= {f"old{n}": {"key": f"k{n}", "name": "old"} for n in range(5)}
    return one
