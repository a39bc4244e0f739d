"""drt-core beside this suite: the same warehouse, the same simulator, the same latency, faults included.

    make bench-environment
    python benchmarks/peers.py --scale 1

From a DuckDB table to HubSpot's contacts, matched on `email`, and to Salesforce's, matched on an external id. Here it
is `tap-warehouse-model | target-…`, there `drt run`, each with the settings that its documentation names as its best:

- drt, HubSpot: its pace of 10 requests a second is switched off where the simulator has no limit, and left to its cap
  of 9 where it has HubSpot's. `on_error: skip` and the dead-letter queue are on; `drt retry` follows each run.
- drt, Salesforce: a bulk job is polled every second instead of every 30 s. It writes by bulk jobs only; here `api` is
  `auto`, which takes collections for fewer than 2,000 records.
- drt, `incremental`: the same with a cursor, `updated_at`, for reruns that send less. To HubSpot only: a bulk job gets
  every column of the model, the cursor's included, and Salesforce refuses fields that it does not have.

Scenes: `clean` (no limit, no latency), `cloud` (the vendor's limits and 200 ms; fewer records, one run), `trouble`:
of the first eleven requests that write, or look at a job, two replies are lost, one is a 502 after commit, one is cut
before, two are refused with 429, and one record in a hundred is one that the vendor refuses. A run that ends in an
error is started again, up to ten times. What arrived is counted at the simulator.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from processes import PYTHON, BenchmarkError, Usage, pipe, run
from world import HUBSPOT, SALESFORCE, Simulator, Vendor, simulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv-bench/bin/python"
LAUNCHER = Path(__file__).with_name("drt_here.py")
BAD_EVERY = 100
TABLE = """
CREATE TABLE customers AS SELECT
    printf('C%08d', i) AS id, 'person' || i || '@company' || i % 997 || '.com' AS email,
    'Ana' AS first_name, 'García ' || i AS last_name,
    CASE i % 3 WHEN 0 THEN 'free' WHEN 1 THEN 'pro' ELSE 'enterprise' END AS plan,
    i % 1000 AS score, TIMESTAMP '2026-01-01' + to_seconds(i) AS updated_at
FROM range({records}) AS t(i)
"""
SPOIL = {  # numbers of our own
    "hubspot": f"UPDATE customers SET plan = 'gold' WHERE CAST(substr(id, 2) AS INTEGER) % {BAD_EVERY} = 50",  # noqa: S608
    "salesforce": f"UPDATE customers SET last_name = NULL WHERE CAST(substr(id, 2) AS INTEGER) % {BAD_EVERY} = 50",  # noqa: S608
}
"""A plan that is no option; no last name, which a contact must have."""
WRITES = {"hubspot": ({"method": "POST"}, "/crm/*"), "salesforce": ({}, "/services/data/*/jobs/ingest*")}
"""What the faults hit: method and path."""
KINDS = ("cut_after", "429", "502_after_commit", "cut_before", "cut_after", "429")
CLOUD = {"hubspot": {"daily": None}, "salesforce": {"daily": None, "bulk_seconds_per_batch": 2.0}}
ONES = {"hubspot": replace(HUBSPOT, match_on="email"), "salesforce": SALESFORCE}


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        name: `run`, `retry`, `rerun`.
        usages: Of its processes, which ran at the same time.
        failed: How many records it said it could not deliver; `None`: it ended in an error and said nothing.
    """

    name: str
    usages: Sequence[Usage]
    failed: int | None


class Ours:
    """`tap-warehouse-model | target-…`."""

    name = "this suite"

    def __init__(self, vendor: Vendor, server: Simulator, folder: Path, warehouse: Path, scene: str) -> None:
        del scene
        self._folder = folder
        model = {"name": "customers", "table": "customers", "key_properties": ["id"]}
        tap = {"sqlalchemy_url": f"duckdb:///{warehouse}", "models": [model]}
        target = vendor.config(server.url, folder)
        if vendor.name == "salesforce":
            target["api"] = "auto"
        target["streams"]["customers"]["fields"] = dict(vendor.fields)
        self._commands = []
        for module, config in (("tap_warehouse_model", tap), (f"target_{vendor.name}", target)):
            path = folder / f"{module}.json"
            path.write_text(json.dumps(config), encoding="utf-8")
            self._commands.append([PYTHON, "-m", module, "--config", path])

    def steps(self) -> Iterator[Step]:
        """Runs until one says what became of the records, and the same again."""
        for _ in range(ATTEMPTS):
            done = self._step("run")
            yield done
            if done.failed is not None:
                break
        yield self._step("rerun")

    def _step(self, name: str) -> Step:
        known = set(self._folder.glob("reports/*/report.json"))
        usages = pipe(*self._commands, environment={"LOGLEVEL": "WARNING"}, allowed=None)
        (path,) = set(self._folder.glob("reports/*/report.json")) - known
        totals = json.loads(path.read_text(encoding="utf-8"))["totals"]
        return Step(name, usages, totals["rejected"] if usages[-1].exit_code == 0 else None)


class Drt:
    """`drt run`, then `drt retry` where something failed."""

    mode: Mapping[str, str] = {"mode": "full"}

    def __init__(self, vendor: Vendor, server: Simulator, folder: Path, warehouse: Path, scene: str) -> None:
        self._sync = vendor.name
        self._folder = folder
        self._environment = {
            "HOME": str(folder),
            "DO_NOT_TRACK": "1",
            "HUBSPOT_TOKEN": "pat-na1-benchmark",
            "SF_URL": server.url,
            **dict.fromkeys(("SF_ID", "SF_SECRET", "SF_USER", "SF_PASSWORD"), "benchmark"),
        }
        self._command = [PEERS, LAUNCHER, server.url]
        destination = _HUBSPOT if vendor.name == "hubspot" else _SALESFORCE
        columns = ", ".join(f'{column} AS "{field}"' for field, column in vendor.fields.items())
        options = {
            **self.mode,
            "batch_size": 100 if vendor.name == "hubspot" else 10_000,
            "on_error": "skip",
            "dlq": {"enabled": True},
            "rate_limit": {"requests_per_second": 0 if scene != "cloud" else 10},
        }
        if "cursor_field" in options:
            columns += (
                ", CAST(updated_at AS VARCHAR) AS updated_at"  # a timestamp cannot be kept in its dead-letter queue
            )
            texts = ", ".join(f'"{field}": {{{{ row.{field} | tojson }}}}' for field in vendor.fields)
            destination = {**destination, "properties_template": f"{{{texts}}}"}
        sync = {
            "name": vendor.name,
            "model": f"SELECT {columns} FROM customers",  # noqa: S608 - our own
            "destination": {**destination, **({} if vendor.name == "hubspot" else _LOGIN)},
            "sync": options,
        }
        for path, content in (
            ("drt_project.yml", {"name": "benchmark", "version": "0.1", "profile": "warehouse"}),
            (".drt/profiles.yml", {"warehouse": {"type": "duckdb", "database": str(warehouse)}}),
            (f"syncs/{vendor.name}.yml", sync),
        ):
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML

    def steps(self) -> Iterator[Step]:
        """Runs until one says what became of the records, a retry of what failed, and the run again."""
        for _ in range(ATTEMPTS):
            done = self._step("run", "run", "--select", self._sync, "--output", "json")
            yield done
            if done.failed is not None:
                break
        if done.failed and self._sync == "hubspot":  # bulk jobs fill no dead-letter queue
            yield self._step("retry", "retry", self._sync)
        yield self._step("rerun", "run", "--select", self._sync, "--output", "json")

    def _step(self, name: str, *arguments: str) -> Step:
        output = self._folder / "output"
        usage = run(
            [*self._command, *arguments],
            stdout=output,
            environment=self._environment,
            cwd=self._folder,
            allowed=(0, 1),
        )
        try:
            (sync,) = json.loads(output.read_text(encoding="utf-8"))["syncs"]
        except ValueError:  # `retry` prints no JSON
            return Step(name, [usage], None)
        return Step(name, [usage], sync["rows_failed"] if sync["status"] != "failed" else None)


class DrtIncremental(Drt):
    """The same with a cursor."""

    mode: Mapping[str, str] = {"mode": "incremental", "cursor_field": "updated_at"}


_HUBSPOT = {
    "type": "hubspot",
    "object_type": "contacts",
    "id_property": "email",
    "auth": {"type": "bearer", "token_env": "HUBSPOT_TOKEN"},
}
_SALESFORCE = {
    "type": "salesforce_bulk",
    "instance_url_env": "SF_URL",
    "object_name": "Contact",
    "operation": "upsert",
    "external_id_field": "External_Id__c",
    "poll_interval_seconds": 1,
}
_LOGIN = {
    "client_id_env": "SF_ID",
    "client_secret_env": "SF_SECRET",
    "username_env": "SF_USER",
    "password_env": "SF_PASSWORD",
}
SYSTEMS = {"ours": Ours, "drt": Drt, "drt-incremental": DrtIncremental}
SCENES = ("clean", "cloud", "trouble")
RECORDS = {"hubspot": 1000, "salesforce": 20_000}
CLOUD_SHARE = {"hubspot": 5, "salesforce": 1}
ATTEMPTS = 10


def measure(scale: float = 1.0) -> dict[str, Any]:
    """Seconds, requests and what arrived, by vendor, scene and system."""
    if not PEERS.exists():
        msg = "The environment of the peers is missing. Run: make bench-environment"
        raise BenchmarkError(msg)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="peers-") as name, simulator() as server:
        for vendor in ONES.values():
            for scene in SCENES:
                for system in SYSTEMS:
                    if (vendor.name, system) == ("salesforce", "drt-incremental"):
                        continue
                    folder = Path(name, f"{vendor.name}-{scene}-{system}")
                    folder.mkdir()
                    done = _scene(server, folder, vendor, scene, system, int(RECORDS[vendor.name] * scale))
                    found.setdefault(vendor.name, {}).setdefault(scene, {})[system] = done
    return {
        "records": {name: int(count * scale) for name, count in RECORDS.items()},
        "versions": versions(),
        "found": found,
    }


def versions() -> dict[str, str]:
    """Of the peers."""
    code = "import importlib.metadata as m, json; print(json.dumps({n: m.version(n) for n in ('drt-core', 'httpx')}))"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "versions")
        run([PEERS, "-c", code], stdout=output)
        found: dict[str, str] = json.loads(output.read_text(encoding="utf-8"))
    return found


def _scene(
    server: Simulator, folder: Path, vendor: Vendor, scene: str, system: str, records: int
) -> list[dict[str, Any]]:
    records = records // CLOUD_SHARE[vendor.name] if scene == "cloud" else records
    warehouse = folder / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(TABLE.format(records=records))
        if scene == "trouble":
            connection.execute(SPOIL[vendor.name])
    server.reset(**{vendor.name: CLOUD[vendor.name] if scene == "cloud" else vendor.limits})
    if scene == "cloud":
        server.latency()
    steps = SYSTEMS[system](vendor, server, folder, warehouse, scene).steps()
    if scene == "trouble":
        method, path = WRITES[vendor.name]
        server.fault(
            *({"kind": kind, "path": path, "after": 2 * n, "times": 1, **method} for n, kind in enumerate(KINDS))
        )
    before, found = server.requests(), []
    for step in islice(steps, 1 if scene == "cloud" else None):
        after = server.requests()
        found.append(
            {
                "step": step.name,
                "seconds": round(max(one.seconds for one in step.usages), 2),
                "cpu_s": round(sum(one.cpu_s for one in step.usages), 2),
                "peak_mb": round(sum(one.peak_mb for one in step.usages)),
                "exit_code": step.usages[-1].exit_code,
                "said_failed": step.failed,
                "requests": {name: count - before[name] for name, count in after.items()},
                **_truth(server, vendor, records, is_spoilt=scene == "trouble"),
            }
        )
        before = after
    return found


def _truth(server: Simulator, vendor: Vendor, records: int, *, is_spoilt: bool) -> dict[str, int]:
    """What is at the simulator, against what should be."""
    key = next(field for field, column in vendor.fields.items() if column == "id")
    there = Counter(str(one.get(key)) for one in server.live(vendor))
    bad = {n for n in range(records) if is_spoilt and n % BAD_EVERY == 50}  # noqa: PLR2004 - as in SPOIL
    good = {f"C{n:08d}" for n in range(records) if n not in bad}
    events = Counter(one["event"] for one in server.events())
    return {
        "good": len(good),
        "bad": len(bad),
        "arrived": len(good & there.keys()),
        "missing": len(good - there.keys()),
        "doubled": sum(count - 1 for count in there.values()),
        "created_events": events["record_created"],
        "updated_events": events["record_updated"] + events["record_touched"],
    }


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """What is printed."""
    for vendor, scenes in figures["found"].items():
        for scene, systems in scenes.items():
            for system, steps in systems.items():
                for one in steps:
                    yield (
                        f"{vendor:10} {scene:8} {system:15} {one['step']:6} {one['seconds']:7.2f} s, "
                        f"{one['requests']['total']:5} requests, {one['requests']['writes']:5} writes, "
                        f"{one['arrived']}/{one['good']} arrived, {one['doubled']} doubled, "
                        f"said failed: {one['said_failed']} of {one['bad']} bad, exit {one['exit_code']}, "
                        f"events {one['created_events']}+{one['updated_events']}"
                    )


def main() -> None:
    """Measure, print, and write JSON where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the records")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = measure(given.scale)
    print("\n".join(lines(figures)))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
