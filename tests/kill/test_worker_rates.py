"""How near several workers come to the account's rate limit, together."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest

from .scenarios import CONTACTS
from .test_kills import dice
from .test_worker_kills import Part, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BURST, BURST_S = 190, 10.0
REQUESTS = 600
RECORDS_PER_REQUEST = 100


@pytest.fixture
def limited_url(tmp_path: Path) -> Iterator[str]:
    """A simulator in a process of its own, with HubSpot's limits."""
    command = [sys.executable, "-m", "saas_simulators", "serve", "--port", "0"]
    log = (tmp_path / "simulator.log").open("w")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    process.terminate()
    process.wait(timeout=10)
    log.close()


@pytest.mark.long
@pytest.mark.parametrize("count", [4, 8])
def test_workers_reach_the_limit_together(count: int, limited_url: str, tmp_path: Path, postgres_url: str) -> None:
    """190 requests in 10 s: most of it is used, and hardly a request is refused."""
    workers = []
    for index in range(count):
        part = Part(index, dice(index))
        for number in range(REQUESTS * RECORDS_PER_REQUEST // count):
            part.rows[f"w{index}-{number}"] = (f"own{index}n{number}", "red")
        part.changes = list(part.rows)
        place = tmp_path / str(index)
        place.mkdir()
        workers.append(Worker(CONTACTS, limited_url, place, part, postgres_url, count=count))
    for one in workers:
        one.start(checkpoint_records=100_000)
    assert [one.end() for one in workers] == [0] * count
    for one in workers:
        one.close()
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "SELECT sum(requests), sum(retries), max(ended_at) - min(started_at), sum(created) FROM runs"
        ).fetchone()
    assert row is not None
    requests, retries, elapsed_ms, created = (int(one) for one in row)
    # The limit lets a window's requests pass at its start: so many windows have to end before the last request.
    least_s = (requests - 1) // BURST * BURST_S
    share = least_s / (elapsed_ms / 1000)
    print(  # noqa: T201
        f"{count} workers: {requests} requests in {elapsed_ms / 1000:.1f} s, {retries} refused; "
        f"the limit allows them in {least_s:.0f} s: {share:.0%}"
    )
    assert created == REQUESTS * RECORDS_PER_REQUEST
    assert retries <= 0.01 * requests
    assert share >= 0.8  # four windows, with the start of all processes on few cores
