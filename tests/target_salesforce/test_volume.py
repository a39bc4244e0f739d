"""The numbers that a user can count on: requests, memory, and each record once under its parent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from target_salesforce.limits import BATCH, JOBS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from saas_simulators import SimulatorServer

COMMAND = Path(__file__).with_name("measured.py")
PREPARING = 5
"""Requests before the first record: the org, its limits, the objects."""
REQUESTS_PER_JOB = 5
"""To open it, to hand over its records, to start it, to look at it once, and for the results."""
LOOKS_PER_JOB = 12
"""Ever fewer: that many last for one and a half minutes."""
CSV_BYTES = 100_000_000
"""What a job takes (source: Bulk API 2.0 guide v66, "Upload Job Data")."""
MOST_MB = 300
GROWTH_MB = 40
"""Of SQLite's cache, which holds up to 64 MB: the ledger of 100,000 records fills half of it."""
ACCOUNTS = {"External_Id__c": "id", "Name": "name", "Description": "about"}
CONTACTS = {
    "External_Id__c": "id",
    "LastName": "name",
    "Email": "email",
    "AccountId": {"from": "account", "lookup": {"object": "Account", "match_on": "External_Id__c"}},
}


@dataclass(frozen=True)
class Load:
    """Accounts, and contacts of these accounts that are spread over the whole stream."""

    accounts: int
    contacts: int
    states_every: int = 10_000

    @property
    def total(self) -> int:
        """Records."""
        return self.accounts + self.contacts

    def parent_of(self, contact: int) -> str:
        """Key of a contact's account."""
        return f"A{contact * 7919 % self.accounts}"

    def lines(self) -> Iterator[str]:
        """The tap's output, never all of it at once."""
        yield from self._stream("accounts", self.accounts, ["id", "name", "about"])
        yield from self._stream("contacts", self.contacts, ["id", "name", "email", "account"])

    def _stream(self, stream: str, count: int, columns: list[str]) -> Iterator[str]:
        schema = {"properties": {name: {} for name in columns}}
        yield json.dumps({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["id"]})
        for n in range(count):
            yield json.dumps({"type": "RECORD", "stream": stream, "record": self._record(stream, n)})
            if (n + 1) % self.states_every == 0:
                yield json.dumps({"type": "STATE", "value": {"bookmarks": {stream: {"at": n}}}})

    def _record(self, stream: str, n: int) -> dict[str, str]:
        if stream == "accounts":
            return {"id": f"A{n}", "name": f"Account {n}", "about": "A customer since 2019."}
        return {"id": f"C{n}", "name": f"Person {n}", "email": f"person{n}@example.com", "account": self.parent_of(n)}


@dataclass
class Run:
    """What a run of the command left behind."""

    peak_mb: int
    totals: dict[str, int]
    states: int


class Org:
    """A simulated org and the sync that writes to it."""

    def __init__(self, simulator: SimulatorServer, folder: Path, **config: Any) -> None:
        streams = {
            name: {"object": object_name, "match_on": "External_Id__c", "fields": fields}
            for name, object_name, fields in (("accounts", "Account", ACCOUNTS), ("contacts", "Contact", CONTACTS))
        }
        self._simulator = simulator
        self._folder = folder
        settings = {"access_token": "00D5g000000001!volume", "instance_url": simulator.url, "streams": streams}
        paths = {"ledger_url": f"sqlite:///{folder}/ledger.db", "report_dir": str(folder / "reports")}
        (folder / "config.json").write_text(json.dumps({**settings, **paths, **config}), encoding="utf-8")

    def run(self, load: Load) -> Run:
        """Run the command; its input is made as it reads."""
        command = [sys.executable, str(COMMAND), "--config", str(self._folder / "config.json")]
        output, errors = self._folder / "output", self._folder / "errors"
        with (
            output.open("w") as out,
            errors.open("w") as err,
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=err, text=True) as target,
        ):
            assert target.stdin is not None
            target.stdin.writelines(f"{line}\n" for line in load.lines())
            target.stdin.close()
        log = errors.read_text(encoding="utf-8")
        assert target.returncode == 0, log[-2000:]
        reports = sorted(self._folder.glob("reports/*/report.json"), key=lambda path: path.stat().st_mtime_ns)
        totals = json.loads(reports[-1].read_text(encoding="utf-8"))["totals"]
        return Run(int(log.rsplit("peak_mb=", 1)[1]), totals, len(output.read_text(encoding="utf-8").splitlines()))

    def calls(self) -> Counter[str]:
        """Requests so far, by what they are for."""
        found: Counter[str] = Counter()
        for one in self._simulator.simulation.traffic.counts():
            found[_purpose(one)] += one["count"]
        return found

    def verify(self, load: Load) -> None:
        """Every record is there once, under its parent, and was written once."""
        org = self._simulator.salesforce
        accounts = {one.values["External_Id__c"]: one.id for one in org.store("Account").iterate()}
        assert accounts.keys() == {f"A{n}" for n in range(load.accounts)}
        assert org.store("Account").live_count == load.accounts
        contacts = {one.values["External_Id__c"]: one.values["AccountId"] for one in org.store("Contact").iterate()}
        assert contacts == {f"C{n}": accounts[load.parent_of(n)] for n in range(load.contacts)}
        assert org.store("Contact").live_count == load.contacts
        events = Counter(one.event for one in self._simulator.simulation.journal.since())
        assert (events["record_created"], events["record_updated"], events["record_touched"]) == (load.total, 0, 0)


def _purpose(one: Mapping[str, Any]) -> str:
    route, method = str(one["route"]), str(one["method"])
    if "jobs/ingest" in route:
        return "results" if route.endswith("{file}") else "looks" if method == "GET" else "jobs"
    return "preparing" if method == "GET" else "collections"


def collections_needed(load: Load) -> int:
    """The fewest requests by which these records can be written."""
    return sum(-(-count // BATCH.records_per_request) for count in (load.accounts, load.contacts))


def jobs_needed(load: Load, records_per_job: int) -> int:
    """The fewest jobs."""
    sizes = [(load.accounts, len('"A100000","Account 100000","A customer since 2019."\r\n'))]
    sizes += [(load.contacts, len('"C100000","Person 100000","person100000@example.com","A100000"\r\n'))]
    return sum(max(-(-count // records_per_job), -(-count * size // CSV_BYTES)) for count, size in sizes)


def verify_rest(org: Org, load: Load) -> Run:
    """Deliver by requests: not one more than have to be; a second run writes nothing."""
    first = org.run(load)
    calls = org.calls()
    assert calls["collections"] == collections_needed(load)
    assert calls.total() <= collections_needed(load) + PREPARING
    assert first.totals["created"] == first.totals["read"] == load.total
    org.verify(load)
    verify_rerun(org, load)
    return first


def verify_jobs(org: Org, load: Load, records_per_job: int) -> Run:
    """Deliver by jobs: not one more than have to be, and few looks at each; a second run writes nothing."""
    first = org.run(load)
    calls = org.calls()
    needed = jobs_needed(load, records_per_job)
    assert calls["jobs"] + calls["results"] == (REQUESTS_PER_JOB - 1) * needed
    assert needed <= calls["looks"] <= LOOKS_PER_JOB * needed
    assert calls["collections"] == 0
    assert calls["preparing"] <= PREPARING
    assert first.totals["created"] == first.totals["read"] == load.total
    org.verify(load)
    verify_rerun(org, load)
    return first


def verify_rerun(org: Org, load: Load) -> None:
    """G4: the same input again is free, but for the question which org this is and what its objects are."""
    before = org.calls()
    again = org.run(load)
    made = org.calls() - before
    assert again.totals["unchanged"] == load.total
    assert set(made) == {"preparing"}
    assert made.total() <= PREPARING


def test_sixteen_thousand_records_take_the_fewest_requests(simulator: SimulatorServer, tmp_path: Path) -> None:
    """4,000 accounts and 12,000 contacts of them by collections of 200."""
    verify_rest(Org(simulator, tmp_path, api="rest"), Load(4000, 12_000))


def test_sixteen_thousand_records_take_the_fewest_jobs(simulator: SimulatorServer, tmp_path: Path) -> None:
    """The same by jobs as large as the records between two bookmarks."""
    org = Org(simulator, tmp_path, api="auto", checkpoint_records=4000)
    verify_jobs(org, Load(4000, 12_000, states_every=4000), records_per_job=4000)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("api", ["rest", "auto"])
def test_four_hundred_thousand_records(simulator: SimulatorServer, tmp_path: Path, api: str) -> None:
    """100,000 accounts and 300,000 contacts: the fewest requests, and no more memory than for one job."""
    peaks = []
    for load in (Load(2000, 98_000), Load(100_000, 300_000)):
        simulator.simulation.reset()
        simulator.simulation.salesforce.set_limits({"daily": None})
        folder = tmp_path / str(load.total)
        folder.mkdir()
        org = Org(simulator, folder, api=api)
        is_rest = api == "rest"
        first = verify_rest(org, load) if is_rest else verify_jobs(org, load, JOBS.records_per_job)
        peaks.append(first.peak_mb)
    small, large = peaks
    assert large <= 1.1 * small + GROWTH_MB, peaks
    assert large <= MOST_MB, peaks
