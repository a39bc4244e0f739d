"""Who gets new leads: what `assignment_rule` says holds for requests and for jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from salesforce_stage import SalesforceStage

KEY = "External_Id__c"
RULE = "01Q5g000000ABCDEA2"
STREAMS = {"l": {"object": "Lead", "match_on": KEY}, "a": {"object": "Account", "match_on": KEY}}
MANY = 2000  # as many as make a job


def leads(count: int) -> list[dict[str, Any]]:
    """New leads."""
    return [{KEY: f"L{n}", "LastName": "Lead", "Company": "C"} for n in range(count)]


def rules_run(stage: SalesforceStage) -> set[str]:
    """The rules that ran, and for how many leads."""
    events = stage.vendor.events("assignment_rule_run")
    return {f"{len(events)} {one['detail'][0]}" for one in events}


@pytest.mark.parametrize(
    ("rule", "runs"),
    [("default", {"300 active"}), ("off", set()), (RULE, {f"300 {RULE}"})],
    ids=["default", "off", "id"],
)
def test_requests_run_the_rule_that_is_wanted(stage: SalesforceStage, rule: str, runs: set[str]) -> None:
    """Salesforce's active rules, none, or the one that is named."""
    assert stage.send({"l": leads(300)}, streams=STREAMS, assignment_rule=rule).totals["created"] == 300
    assert rules_run(stage) == runs


@pytest.mark.parametrize(
    ("rule", "runs"), [("default", set()), ("off", set()), (RULE, {f"300 {RULE}"})], ids=["default", "off", "id"]
)
def test_jobs_run_only_a_rule_that_is_named(stage: SalesforceStage, rule: str, runs: set[str]) -> None:
    """Nor do the requests that send again what a job left over."""
    stage.vendor.faults([{"kind": "row_lock", "path": "*/jobs/ingest*", "times": 20}])
    result = stage.send({"l": leads(300)}, streams=STREAMS, assignment_rule=rule, api="bulk")
    assert (result.totals["created"], stage.vendor.jobs()) == (300, 1)
    assert len(stage.vendor.requests("/composite")) > 0
    assert rules_run(stage) == runs


@pytest.mark.parametrize(("rule", "jobs"), [("default", 0), ("off", 1), (RULE, 1)], ids=["default", "off", "id"])
def test_what_becomes_of_leads_does_not_depend_on_how_many_there_are(
    stage: SalesforceStage, rule: str, jobs: int
) -> None:
    """With `api: auto`, leads that Salesforce's own rules should assign go by requests, however many they are."""
    result = stage.send({"l": leads(MANY)}, streams=STREAMS, assignment_rule=rule, api="auto")
    assert (result.totals["created"], stage.vendor.jobs()) == (MANY, jobs)
    assert len(stage.vendor.events("assignment_rule_run")) == (0 if rule == "off" else MANY)


@pytest.mark.parametrize(("count", "jobs"), [(MANY - 1, 0), (MANY, 1)])
def test_other_objects_take_jobs_from_2000_records_on(stage: SalesforceStage, count: int, jobs: int) -> None:
    """As the README says."""
    rows = [{KEY: f"A{n}", "Name": "Acme"} for n in range(count)]
    assert stage.send({"a": rows}, streams=STREAMS, api="auto").totals["created"] == count
    assert stage.vendor.jobs() == jobs
