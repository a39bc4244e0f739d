"""API calls against the floor: new, changed and unchanged records, to every target.

    python benchmarks/calls.py --records 100000

The floor is `ceil(records / batch limit)`. Limits and latency of the simulator are off: calls are counted, by the
simulator. Bulk jobs have no batch limit of that kind; their floor is one job per 30,000 records, of three requests.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from world import HUBSPOT, MAILCHIMP, SALESFORCE, Simulator, Vendor, deliver, simulator, write_customers

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

WAYS: Mapping[str, tuple[Vendor, Mapping[str, Any]]] = {
    "hubspot": (HUBSPOT, {}),
    "salesforce-rest": (SALESFORCE, {"api": "rest"}),
    "salesforce-bulk": (SALESFORCE, {"api": "bulk"}),
    "mailchimp": (MAILCHIMP, {}),
}
RECORDS_PER_JOB = 30_000
REQUESTS_PER_JOB = 3
"""To open it, to hand over its records, to start it: what writes."""


def measure(records: int = 100_000, names: Collection[str] = tuple(WAYS)) -> dict[str, Any]:
    """Requests, seconds and memory of three runs to each target: all new, all changed, all unchanged."""
    with tempfile.TemporaryDirectory(prefix="calls-") as name, simulator() as server:
        folder = Path(name)
        streams = {
            "new": write_customers(folder / "new.singer", records),
            "changed": write_customers(folder / "changed.singer", records, version=2),
        }
        streams["unchanged"] = streams["changed"]
        ways = {way: _one_way(way, server, folder / way, streams, records) for way in names}
    return {"records": records, "ways": ways}


def _one_way(way: str, server: Simulator, folder: Path, streams: Mapping[str, Path], records: int) -> dict[str, Any]:
    vendor, changes = WAYS[way]
    server.reset(**{vendor.name: vendor.limits})
    runs = {}
    for name, stream in streams.items():
        done = deliver(vendor, server, folder, stream, **changes)
        runs[name] = {"requests": dict(done.requests), **done.usage.figures(), "totals": _counts(done.totals)}
    jobs = -(-records // RECORDS_PER_JOB) * REQUESTS_PER_JOB
    floor = jobs if way == "salesforce-bulk" else -(-records // vendor.batch)
    return {"floor": floor, "batch": vendor.batch, "runs": runs}


def _counts(totals: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in totals.items() if count}


def main() -> None:
    """Measure, print, and write JSON where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = measure(given.records)
    for way, found in figures["ways"].items():
        for name, one in found["runs"].items():
            asked = one["requests"]
            print(
                f"{way:16} {name:10} {asked['writes']:6} writes (floor {found['floor']}), {asked['total']:6} requests, "
                f"{one['seconds']:7.2f} s, {one['peak_mb']:4.0f} MB, {one['totals']}"
            )
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
