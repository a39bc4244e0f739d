"""Wall time under the vendors' limits and 200 ms of latency, beside what the limit allows.

    python benchmarks/cloud.py --scale 1

Each target delivers new records to a simulator that lets every request wait and enforces the vendor's limits. Beside
it stands a bare loop of the standard library that sends the same number of records in requests that are made
beforehand, as fast as the limit allows: what no client of this machine and simulator can beat by much.

- `limit_s`: requests times what the limit says of one. HubSpot: 190 requests in 10 s. Salesforce documents no rate:
  the target has 4 requests in flight. Mailchimp: 10 connections. Bulk jobs: what the simulated org takes for its
  batches, two jobs at the same time.
- `cpu_s`, `simulator_cpu_s`: processor seconds of the target and of the simulator, for where the time goes.
"""

from __future__ import annotations

import argparse
import http
import http.client
import json
import queue
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import PYTHON, run
from world import AUDIENCE, HUBSPOT, LATENCY_S, MAILCHIMP, SALESFORCE, Vendor, customer, deliver, simulator
from world import write_customers as write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from world import Simulator

BULK_SECONDS_PER_BATCH = 2.0
BULK_BATCH = 10_000
PAUSE_S = 0.2


@dataclass(frozen=True)
class Way:
    """A target in one of its ways of writing.

    Attributes:
        records: How many take about a minute.
        limits: Of the simulator: the vendor's own.
        in_flight: Requests at once.
        per_second: Requests a second, where the vendor limits those.
        settings: Of the target.
        latency_s: Of every request.
    """

    vendor: Vendor
    records: int
    in_flight: int
    limits: Mapping[str, Any]
    settings: Mapping[str, Any]
    per_second: float | None = None
    latency_s: float = LATENCY_S

    def limit_s(self, records: int) -> float:
        """What the limit allows."""
        requests = -(-records // self.vendor.batch)
        return requests / self.per_second if self.per_second else requests * self.latency_s / self.in_flight


NO_DAILY = {"daily": None}
WAYS = {
    "hubspot": Way(HUBSPOT, 120_000, 8, NO_DAILY, {}, per_second=19.0),
    "salesforce-rest": Way(SALESFORCE, 200_000, 4, NO_DAILY, {"api": "rest"}),
    "mailchimp": Way(MAILCHIMP, 300_000, 10, {}, {"concurrency": 10}),
    "mailchimp-default": Way(MAILCHIMP, 300_000, 10, {}, {}),
    "mailchimp-2s": Way(MAILCHIMP, 100_000, 10, {}, {"concurrency": 10}, latency_s=2.0),
}
BULK = Way(
    SALESFORCE,
    200_000,
    2,
    {**NO_DAILY, "bulk_seconds_per_batch": BULK_SECONDS_PER_BATCH},
    {"api": "bulk"},
)


def measure(scale: float = 1.0) -> dict[str, Any]:
    """Seconds of each way, what its limit allows, and where the time goes."""
    with tempfile.TemporaryDirectory(prefix="cloud-") as name, simulator() as server:
        folder = Path(name)
        ways = {}
        for way_name, way in WAYS.items():
            records = max(way.vendor.batch, int(way.records * scale) // way.vendor.batch * way.vendor.batch)
            ways[way_name] = _one_way(way_name, way, server, folder, records)
        ways["salesforce-bulk"] = _bulk(server, folder, max(BULK_BATCH, int(BULK.records * scale)))
    return {"latency_s": LATENCY_S, "ways": ways}


def _one_way(name: str, way: Way, server: Simulator, folder: Path, records: int) -> dict[str, Any]:
    limit_s = way.limit_s(records)
    _prepare(way, server)
    bare = run([PYTHON, __file__, "--bare", name, "--url", server.url, "--records", records])
    bare_s = float(bare.log.rsplit("bare_s=", 1)[1])
    found = _delivered(name, way, server, folder, records)
    return {
        **found,
        "records": records,
        "latency_s": way.latency_s,
        "in_flight": way.in_flight,
        "requests_per_s": way.per_second,
        "limit_s": round(limit_s, 2),
        "bare_s": round(bare_s, 2),
        "to_limit": round(found["seconds"] / limit_s, 3),
        "bare_to_limit": round(bare_s / limit_s, 3),
    }


def _bulk(server: Simulator, folder: Path, records: int) -> dict[str, Any]:
    _prepare(BULK, server)
    found = _delivered("salesforce-bulk", BULK, server, folder, records)
    limit_s = -(-records // BULK_BATCH) * BULK_SECONDS_PER_BATCH / BULK.in_flight
    return {**found, "records": records, "limit_s": limit_s, "to_limit": round(found["seconds"] / limit_s, 3)}


def _prepare(way: Way, server: Simulator) -> None:
    server.reset(**{way.vendor.name: way.limits})
    server.latency(way.latency_s)


def _delivered(name: str, way: Way, server: Simulator, folder: Path, records: int) -> dict[str, Any]:
    stream = write(folder / "customers.singer", records)
    _prepare(way, server)
    cpu_before = server.cpu_s()
    done = deliver(way.vendor, server, folder / name, stream, **way.settings)
    return {
        **done.usage.figures(),
        "simulator_cpu_s": round(server.cpu_s() - cpu_before, 2),
        "report_s": done.report["seconds"],
        "throttled_s": done.report["requests"]["throttled_s"],
        "requests": dict(done.requests),
        "totals": {fate: count for fate, count in done.totals.items() if count},
    }


def send_bare(name: str, url: str, records: int) -> float:
    """Send requests that are made beforehand as fast as the limit allows, and return the seconds."""
    way = WAYS[name]
    work: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    method, path, body_of = _REQUESTS[way.vendor.name]
    for start in range(0, records, way.vendor.batch):
        body = body_of([customer(n, 1) for n in range(start, min(start + way.vendor.batch, records))])
        work.put(json.dumps(body).encode())
    pace = _Pace(way.per_second)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=_sender, args=(url, method, path, work, pace, statuses)) for _ in range(way.in_flight)
    ]
    for _ in threads:
        work.put(None)
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started
    if refused := [status for status in statuses if status >= 300]:  # noqa: PLR2004 - a success is below
        msg = f"{len(refused)} of {len(statuses)} bare requests to {name} failed, with {sorted(set(refused))}."
        raise SystemExit(msg)
    return seconds


def _sender(
    url: str, method: str, path: str, work: queue.SimpleQueue[bytes | None], pace: _Pace, statuses: list[int]
) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    headers = {"Authorization": "Bearer benchmark-us1", "Content-Type": "application/json"}
    while (body := work.get()) is not None:
        pace.wait()
        while (status := _status(connection, method, path, body, headers)) == http.HTTPStatus.TOO_MANY_REQUESTS:
            time.sleep(PAUSE_S)  # the pace is the limit's own, so that one request may come a moment too early
        statuses.append(status)
    connection.close()


def _status(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: Mapping[str, str]
) -> int:
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


class _Pace:
    """So many a second, at even distances."""

    def __init__(self, per_second: float | None) -> None:
        self._gap_s = 1 / per_second if per_second else 0.0
        self._next_s = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Until it is this request's turn."""
        with self._lock:
            turn_s = self._next_s = max(self._next_s + self._gap_s, time.monotonic())
        time.sleep(max(0.0, turn_s - time.monotonic()))


def _fields(vendor: Vendor, row: Mapping[str, Any]) -> dict[str, Any]:
    return {field: row[column] for field, column in vendor.fields.items()}


def _hubspot(rows: list[dict[str, Any]]) -> dict[str, Any]:
    texts = ({field: str(value) for field, value in _fields(HUBSPOT, row).items()} for row in rows)
    return {"inputs": [{"id": one["customer_id"], "idProperty": "customer_id", "properties": one} for one in texts]}


def _salesforce(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "allOrNone": False,
        "records": [{"attributes": {"type": "Contact"}, **_fields(SALESFORCE, row)} for row in rows],
    }


def _mailchimp(rows: list[dict[str, Any]]) -> dict[str, Any]:
    def member(row: dict[str, Any]) -> dict[str, Any]:
        fields = _fields(MAILCHIMP, row)
        return {"email_address": fields.pop("email_address"), "status": "subscribed", "merge_fields": fields}

    return {"members": [member(row) for row in rows], "update_existing": True}


_REQUESTS: Mapping[str, tuple[str, str, Callable[[list[dict[str, Any]]], dict[str, Any]]]] = {
    "hubspot": ("POST", "/crm/v3/objects/contacts/batch/upsert", _hubspot),
    "salesforce": ("PATCH", "/services/data/v62.0/composite/sobjects/Contact/External_Id__c", _salesforce),
    "mailchimp": ("POST", f"/3.0/lists/{AUDIENCE}", _mailchimp),
}


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """What is printed."""
    for name, one in figures["ways"].items():
        yield (
            f"{name:18} {one['records']:8,} records {one['seconds']:7.2f} s = {one['to_limit']:.2f} x limit "
            f"({one['limit_s']} s), bare {one.get('bare_s', '-')} s, cpu {one['cpu_s']:.1f} s, simulator "
            f"{one['simulator_cpu_s']:.1f} s, throttled {one['throttled_s']} s, {one['requests']}"
        )


def main() -> None:
    """Measure and print; `--bare` is how this calls itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the records; 1 takes about 8 minutes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--bare", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--records", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        print(f"bare_s={send_bare(given.bare, given.url, given.records)}", file=sys.stderr)
        return
    figures = measure(given.scale)
    print("\n".join(lines(figures)))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
