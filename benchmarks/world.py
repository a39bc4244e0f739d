"""Simulators, targets and customers: what the measurements of delivery have in common."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import PYTHON, Usage, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

READS = ("/batch/read", "/search", "/token", "/access-token-info")
"""Ends of the routes that are asked with POST and yet change nothing."""
LATENCY_S = 0.2
AUDIENCE = "demo0000aa"


@dataclass(frozen=True)
class Vendor:
    """A vendor as the measurements see it.

    Attributes:
        name: The simulator's; the target's module is `target_<name>`.
        object_name: Where customers go.
        match_on: The unique field by which they are found.
        fields: Field to column.
        batch: Records that one write request takes.
        settings: Of the target, beside those of every one; `{url}` is the simulator's address.
        limits: Of the simulator, so that only what is measured limits; `None` switches one off.
    """

    name: str
    object_name: str
    match_on: str
    fields: Mapping[str, str]
    batch: int
    settings: Mapping[str, Any]
    limits: Mapping[str, Any]

    def config(self, url: str, folder: Path, **changes: Any) -> dict[str, Any]:
        """The target's settings."""
        stream = {"object": self.object_name, "match_on": self.match_on, "fields": dict(self.fields)}
        given = {
            name: value.format(url=url) if isinstance(value, str) else value for name, value in self.settings.items()
        }
        paths = {"ledger_url": f"sqlite:///{folder}/ledger.db", "report_dir": str(folder / "reports")}
        return {**given, **paths, "streams": {"customers": stream}, **changes}


HUBSPOT = Vendor(
    "hubspot",
    "contacts",
    "customer_id",
    {
        "customer_id": "id",
        "email": "email",
        "firstname": "first_name",
        "lastname": "last_name",
        "plan": "plan",
        "churn_risk": "score",
    },
    100,
    {"access_token": "pat-na1-benchmark", "api_url": "{url}"},
    {"burst": None, "daily": None, "search_per_second": None},
)
SALESFORCE = Vendor(
    "salesforce",
    "Contact",
    "External_Id__c",
    {
        "External_Id__c": "id",
        "Email": "email",
        "FirstName": "first_name",
        "LastName": "last_name",
        "Title": "plan",
        "Score__c": "score",
    },
    200,
    {"access_token": "00D5g000000001!benchmark", "instance_url": "{url}", "api": "rest"},
    {"daily": None, "bulk_seconds_per_batch": 0.02},
)
MAILCHIMP = Vendor(
    "mailchimp",
    "members",
    "email_address",
    {"email_address": "email", "FNAME": "first_name", "LNAME": "last_name", "PLAN": "plan", "LTV": "score"},
    500,
    {"api_key": "benchmark-us1", "api_url": "{url}/3.0", "list_id": AUDIENCE},
    {},
)
VENDORS = (HUBSPOT, SALESFORCE, MAILCHIMP)

PLANS = ("free", "pro", "enterprise")
COLUMNS = {"id": "string", "email": "string", "first_name": "string", "last_name": "string", "plan": "string"}


def customer(number: int, version: int) -> dict[str, Any]:
    """A customer; the same number has the same key, another version another value."""
    return {
        "id": f"C{number:08d}",
        "email": f"person{number}@company{number % 997}.com",
        "first_name": "Ana" if number % 3 else "Zoë",
        "last_name": f"García {number % 5000}",
        "plan": PLANS[number % 3],
        "score": (number % 1000) + version,
    }


def write_customers(
    path: Path, count: int, *, version: int = 1, changed: Callable[[int], Mapping[str, Any]] = lambda _: {}
) -> Path:
    """Write a Singer file of customers, with a STATE every 10,000.

    Args:
        path: The file.
        count: How many.
        version: Another one changes every customer.
        changed: What is different of some, by number.
    """
    properties = {name: {"type": [kind, "null"]} for name, kind in {**COLUMNS, "score": "number"}.items()}
    schema = {"type": "SCHEMA", "stream": "customers", "key_properties": ["id"], "schema": {"properties": properties}}
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(schema) + "\n")
        for number in range(count):
            record = {**customer(number, version), **changed(number)}
            file.write(json.dumps({"type": "RECORD", "stream": "customers", "record": record}) + "\n")
            if number % 10_000 == 9_999 or number == count - 1:  # noqa: PLR2004 - as the tap does
                state = {"bookmarks": {"customers": {"at": number}}}
                file.write(json.dumps({"type": "STATE", "value": state}) + "\n")
    return path


@dataclass(frozen=True)
class Simulator:
    """The simulators' process, by its control surface."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """Processor seconds that it has taken so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, path: str, body: object = None, method: str = "PUT") -> Any:
        """Ask, or tell it something."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.url}/_simulator/{path}", data=content, method=method if content else "GET"
        )
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def reset(self, **limits: Mapping[str, Any]) -> None:
        """Start from the seed, with these limits of each vendor, and no faults."""
        self.ask("reset", {}, "POST")
        self.ask("limits", limits)

    def fault(self, *rules: Mapping[str, Any]) -> None:
        """Replace all rules."""
        self.ask("faults", list(rules))

    def latency(self, seconds: float = LATENCY_S) -> None:
        """Let every request wait."""
        self.fault({"kind": "latency", "seconds": seconds})

    def requests(self) -> dict[str, int]:
        """Requests so far: `total`, `writes`, and `refused` with 429."""
        counts = self.ask("requests?last=1")["counts"]
        writes = [one for one in counts if one["method"] != "GET" and not one["route"].endswith(READS)]
        return {
            "total": sum(one["count"] for one in counts),
            "writes": sum(one["count"] for one in writes),
            "refused": sum(one["count"] for one in counts if one["status"] == 429),  # noqa: PLR2004
        }

    def routes(self) -> dict[str, int]:
        """Requests so far, by method and route."""
        found: dict[str, int] = {}
        for one in self.ask("requests?last=1")["counts"]:
            name = f"{one['method']} {one['route']}"
            found[name] = found.get(name, 0) + one["count"]
        return found

    def events(self) -> Iterator[dict[str, Any]]:
        """Side effects, oldest first."""
        last = 0
        while entries := self.ask(f"journal?since={last}")["entries"]:
            yield from entries
            last = entries[-1]["sequence"]

    def live(self, vendor: Vendor) -> list[dict[str, Any]]:
        """The vendor's records that are not archived."""
        name = AUDIENCE if vendor is MAILCHIMP else vendor.object_name
        found, after = [], "0"
        while after:
            page = self.ask(f"records/{vendor.name}/{name}?limit=1000&after={after}")
            found += [one["properties"] for one in page["records"] if not one["archived"]]
            after = page.get("next")
        return found


@contextmanager
def simulator() -> Iterator[Simulator]:
    """A process of the simulators on a free port."""
    command = [PYTHON, "-m", "saas_simulators", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield Simulator(f"http://127.0.0.1:{_port(process)}", process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    return int(process.stdout.readline())


@dataclass(frozen=True)
class Delivery:
    """One run of a target.

    Attributes:
        usage: Of the process.
        report: Its `report.json`.
        requests: What the simulator counted meanwhile.
    """

    usage: Usage
    report: Mapping[str, Any]
    requests: Mapping[str, int]

    @property
    def totals(self) -> Mapping[str, int]:
        """What became of the records."""
        totals: Mapping[str, int] = self.report["totals"]
        return totals


def deliver(
    vendor: Vendor, server: Simulator, folder: Path, stream: Path, *, allowed: tuple[int, ...] = (0,), **changes: Any
) -> Delivery:
    """Run a target over a file.

    Args:
        vendor: Whose target.
        server: Where it delivers.
        folder: Where ledger and reports are; the same one means: the same sync.
        stream: The Singer messages.
        allowed: Exit codes that are no failure.
        changes: Of the settings.
    """
    folder.mkdir(exist_ok=True)
    config = folder / "config.json"
    config.write_text(json.dumps(vendor.config(server.url, folder, **changes)), encoding="utf-8")
    before = server.requests()
    known = set(folder.glob("reports/*/report.json"))
    command = [PYTHON, "-m", f"target_{vendor.name}", "--config", config]
    usage = run(command, stdin=stream, environment={"LOGLEVEL": "WARNING"}, allowed=allowed)
    after = server.requests()
    (path,) = set(folder.glob("reports/*/report.json")) - known
    report = json.loads(path.read_text(encoding="utf-8"))
    return Delivery(usage, report, {name: count - before[name] for name, count in after.items()})
