"""What users of other pipelines into Salesforce hit: `test_19_…` is number 19 of the list that this project keeps.

How each is met is tested elsewhere, part by part. Here every one is met by the whole target, from stdin to the org.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from salesforce_stage import SalesforceStage

KEY = "External_Id__c"
SEED = {
    "salesforce": {
        "fields": {"Account": [{"name": "Legacy__c", "type": "string", "external_id": True}]},
        "validation_rules": [
            {"object": "Account", "field": "Score__c", "is": ">", "value": 100, "message": "At most 100 points."},
        ],
        "duplicate_rules": [
            {"object": "Contact", "fields": ["Email"], "action": "alert", "name": "Same_person"},
            {"object": "Lead", "fields": ["Email"], "action": "block", "name": "Same_lead"},
        ],
        "apex_limits": {"Lead": 60, "Opportunity": 0},
        "records": {
            "Account": [{"Name": name, "Legacy__c": "twice"} for name in ("One", "Two")],
            "Contact": [{"LastName": "Known", "Email": "known@example.com"}],
            "Lead": [
                {"LastName": "Known", "Company": "C", "Email": "known@example.com"},
                {"LastName": "Converted", "Company": "C", "External_Id__c": "L1", "IsConverted": True},
            ],
        },
    }
}
CREATED = "record_created"
WRITES = "*/composite/sobjects*"
JOBS = "*/jobs/ingest*"
ACCOUNTS = {"a": {"object": "Account", "match_on": KEY}}
LEADS = {"l": {"object": "Lead", "match_on": KEY}}


def accounts(count: int, **fields: Any) -> list[dict[str, Any]]:
    """New accounts."""
    return [{KEY: f"A{n}", "Name": f"Acme {n}", **fields} for n in range(count)]


def names(stage: SalesforceStage, object_name: str = "Account", field: str = "Name") -> dict[str, Any]:
    """A field of the records that have an external id; each of them is there once."""
    found = [one for one in stage.vendor.live(object_name) if one.get(KEY)]
    assert len({one[KEY] for one in found}) == len(found)
    return {one[KEY]: one.get(field) for one in found}


# -- 19 to 22: rows and jobs that fail


def test_19_locked_rows_are_sent_again_with_fewer_others(each_api: SalesforceStage) -> None:
    """UNABLE_TO_LOCK_ROW is a matter of the row: only such rows go again, in smaller requests, until they arrive."""
    each_api.vendor.faults(
        [
            {"kind": "row_lock", "path": WRITES, "rows_over": 20, "probability": 0.3, "seed": 1},
            {"kind": "row_lock", "path": JOBS, "probability": 0.3, "seed": 2},
        ]
    )
    result = each_api.send({"a": accounts(300)}, streams=ACCOUNTS)
    assert (result.exit_code, result.totals["created"], result.codes) == (0, 300, {})
    assert len(names(each_api)) == len(each_api.vendor.events(CREATED)) == 300
    assert sum(rule["injected"] for rule in each_api.vendor.control("faults")["faults"]) > 20


def test_19_rows_that_stay_locked_are_rejected(each_api: SalesforceStage) -> None:
    """The run ends, with Salesforce's code in the ledger, and the others have arrived."""
    each_api.vendor.faults([{"kind": "row_lock", "path": path} for path in (WRITES, JOBS)])
    result = each_api.send({"a": accounts(5)}, streams=ACCOUNTS)
    assert (result.exit_code, result.codes, names(each_api)) == (0, {"vendor_refused": 5}, {})
    assert all("UNABLE_TO_LOCK_ROW" in error for error in each_api.errors().values())
    assert each_api.vendor.write_requests() < 30


def test_20_failed_rows_of_a_green_job_are_rejected(stage: SalesforceStage) -> None:
    """A job that shows JobComplete has refused two of its rows: both are rejects, with the rule's words."""
    rows = accounts(50)
    for n in (7, 31):
        rows[n]["Score__c"] = 101
    result = stage.send({"a": rows}, streams=ACCOUNTS, api="bulk")
    assert (result.exit_code, result.totals["created"], result.codes) == (0, 48, {"validation_rule": 2})
    assert stage.vendor.jobs() == 1
    assert all("At most 100 points." in error for error in stage.errors().values())


def test_20_a_green_job_of_which_most_failed_ends_the_run(stage: SalesforceStage) -> None:
    """Nothing shows green: the brake stops the run with 65, and no STATE leaves."""
    result = stage.send({"a": accounts(100, Score__c=101)}, streams=ACCOUNTS, api="bulk")
    assert (result.exit_code, result.states, stage.vendor.jobs()) == (65, [], 1)


@pytest.mark.parametrize("policy", ["TooManyLockFailure", "Timeout"])
def test_21_rows_that_a_failed_job_left_are_sent_again(stage: SalesforceStage, policy: str) -> None:
    """The job gives up after 200 rows: the others go by the next one, and nobody is written twice."""
    stage.vendor.faults([{"kind": "job_failure", "path": JOBS, "policy": policy, "after": 1, "times": 1}])
    result = stage.send({"a": accounts(500)}, streams=ACCOUNTS, api="bulk")
    assert (result.exit_code, result.totals["created"], stage.vendor.jobs()) == (0, 500, 2)
    assert len(names(stage)) == len(stage.vendor.events(CREATED)) == 500


@pytest.mark.parametrize("load_method", ["upsert", "create"])
def test_22_failed_rows_are_told_by_their_key(each_api: SalesforceStage, load_method: str) -> None:
    """Exactly the rows that Salesforce refused are rejected, whatever the order of its results."""
    rows = accounts(300)
    bad = {f"A{n}" for n in range(300) if n % 37 == 5}
    for row in rows:
        if row[KEY] in bad:
            row["Score__c"] = 101
    result = each_api.send({"a": rows}, streams=ACCOUNTS, load_method=load_method)
    assert result.codes == {"validation_rule": len(bad)}
    assert {json.loads(key)[0].upper() for key in each_api.errors()} == bad
    assert names(each_api).keys() == {f"A{n}" for n in range(300)} - bad


# -- 23 to 26: names and values


def test_23_the_spelling_of_a_field_is_corrected_at_the_start(each_api: SalesforceStage) -> None:
    """A header in the wrong case never gets into a file: the run is refused with the right name."""
    stream = {"object": "account", "match_on": KEY, "fields": {KEY: "id", "NAME": "name"}}
    result = each_api.send({"a": [{"id": "A1", "name": "Acme"}]}, streams={"a": stream})
    assert (result.exit_code, each_api.vendor.write_requests()) == (78, 0)
    assert "'NAME'" in result.error
    assert "'Name'" in result.error


def test_24_a_field_that_is_hidden_or_misspelt_is_named_at_the_start(each_api: SalesforceStage) -> None:
    """Before anything is written, all of them at once; with `drop` the others are delivered."""
    rows = accounts(3, Hidden__c=1, Nope__c="x")
    refused = each_api.send({"a": rows}, streams=ACCOUNTS)
    assert (refused.exit_code, each_api.vendor.write_requests()) == (78, 0)
    assert "'Hidden__c'" in refused.error
    assert "'Nope__c'" in refused.error
    assert each_api.send({"a": rows}, streams=ACCOUNTS, unknown_fields="drop").totals["created"] == 3


def test_25_absent_null_empty_and_the_word_for_null(each_api: SalesforceStage) -> None:
    """Absent keeps, null and empty clear, and a text that reads `#N/A` arrives as it is."""
    each_api.send({"a": accounts(4, Site="old")}, streams=ACCOUNTS)
    changes: list[dict[str, Any]] = [{}, {"Site": None}, {"Site": ""}, {"Site": "#N/A"}]
    rows = [{KEY: f"A{n}", "Name": f"New {n}", **change} for n, change in enumerate(changes)]
    result = each_api.send({"a": rows}, streams=ACCOUNTS)
    assert (result.exit_code, result.totals["updated"]) == (0, 4)
    assert names(each_api) == {f"A{n}": f"New {n}" for n in range(4)}
    assert names(each_api, field="Site") == {"A0": "old", "A1": None, "A2": None, "A3": "#N/A"}


TEXTS = ["a\rb", "a\nb", "a\r\nb", 'say "a", b', "'", "a,b;c\td", "=1+1", "é 漢 🙂", "\\n", '"']


def test_26_line_breaks_and_quotes_arrive_as_they_are(each_api: SalesforceStage) -> None:
    """Also a lone CR, which breaks a CSV that is written carelessly."""
    rows = [{KEY: f"A{n}", "Name": f"Acme {n}", "Description": text} for n, text in enumerate(TEXTS)]
    result = each_api.send({"a": rows}, streams=ACCOUNTS)
    assert (result.exit_code, result.totals["created"]) == (0, len(TEXTS))
    assert names(each_api, field="Description") == {f"A{n}": text for n, text in enumerate(TEXTS)}


# -- 27 to 29: records that are like others


def test_27_a_key_that_several_records_hold_is_ambiguous(each_api: SalesforceStage) -> None:
    """None of them is picked, and the reject names them."""
    streams = {"a": {"object": "Account", "match_on": "Legacy__c"}}
    rows = [{"Legacy__c": "twice", "Name": "New"}, {"Legacy__c": "other", "Name": "Other"}]
    ids = [one["Id"] for one in each_api.vendor.live("Account")]
    result = each_api.send({"a": rows}, streams=streams)
    assert (result.totals["created"], result.codes) == (1, {"ambiguous_match": 1})
    assert [one["Name"] for one in each_api.vendor.live("Account")] == ["One", "Two", "Other"]
    assert all(record_id in "".join(each_api.errors().values()) for record_id in ids)


def test_27_a_parent_that_several_records_could_be_is_ambiguous(each_api: SalesforceStage) -> None:
    """DUPLICATE_EXTERNAL_ID: the child is rejected with the ids of those parents."""
    lookup = {"object": "Account", "match_on": "Legacy__c"}
    fields = {KEY: "id", "LastName": "name", "AccountId": {"from": "parent", "lookup": lookup}}
    streams = {"c": {"object": "Contact", "match_on": KEY, "fields": fields}}
    ids = [one["Id"] for one in each_api.vendor.live("Account")]
    result = each_api.send({"c": [{"id": "C1", "name": "Ada", "parent": "twice"}]}, streams=streams)
    assert (result.totals["created"], result.codes) == (0, {"ambiguous_match": 1})
    assert all(record_id in "".join(each_api.errors().values()) for record_id in ids)


def test_28_update_by_external_id_counts_what_is_not_there(each_api: SalesforceStage) -> None:
    """A stale key is a reject of its own kind, and makes no record."""
    each_api.send({"a": accounts(30)}, streams=ACCOUNTS)
    streams = {"a": {**ACCOUNTS["a"], "load_method": "update"}}
    fresh = f"sqlite:///{each_api.root}/new.db"
    result = each_api.send({"a": accounts(33, Site="x")}, streams=streams, ledger_url=fresh)
    assert (result.totals["updated"], result.codes) == (30, {"not_found": 3})
    assert names(each_api, field="Site") == {f"A{n}": "x" for n in range(30)}


def person(number: int, email: str) -> dict[str, Any]:
    """A new contact or lead."""
    return {KEY: f"P{number}", "LastName": f"Person {number}", "Email": email}


CONTACTS = {"c": {"object": "Contact", "match_on": KEY}}


def test_29_a_duplicate_rule_that_only_alerts_rejects_all_the_same(each_api: SalesforceStage) -> None:
    """Nobody is there to read the alert: the reject says so, by collections also which rule and which record it is."""
    rows = [person(1, "known@example.com"), person(2, "new@example.com")]
    (known,) = each_api.vendor.live("Contact")
    result = each_api.send({"c": rows}, streams=CONTACTS)
    assert (result.totals["created"], result.codes) == (1, {"duplicate_rule": 1})
    (error,) = each_api.errors().values()
    assert "DUPLICATES_DETECTED" in error
    if each_api.extra.get("api") == "rest":
        assert "'Same_person'" in error
        assert known["Id"] in error


def test_29_an_alert_passes_with_allow_duplicates(stage: SalesforceStage) -> None:
    """`api: auto` then sends no jobs, which do not know this."""
    rows = [person(1, "known@example.com"), *(person(n, f"p{n}@example.com") for n in range(2, 2500))]
    result = stage.send({"c": rows}, streams=CONTACTS, allow_duplicates=True, api="auto")
    assert (result.exit_code, result.totals["created"], stage.vendor.jobs()) == (0, 2499, 0)


def test_29_a_rule_that_blocks_is_not_passed(stage: SalesforceStage) -> None:
    """`allow_duplicates` is about alerts; a rule that blocks names what it found."""
    rows = [{**person(1, "known@example.com"), "Company": "C"}]
    result = stage.send({"l": rows}, streams=LEADS, allow_duplicates=True)
    assert (result.totals["created"], result.codes) == (0, {"duplicate_rule": 1})
    known = next(one for one in stage.vendor.live("Lead") if one["LastName"] == "Known")
    assert known["Id"] in "".join(stage.errors().values())


# -- 30: the daily limit


def test_30_a_share_of_the_daily_requests_is_left_to_others(stage: SalesforceStage) -> None:
    """At `daily_quota_percent` the run ends with 75, without a refusal, and the next one goes on."""
    stage.vendor.control("limits", {"salesforce": {"daily": 100, "daily_used": 40}})
    rows = accounts(2400)
    first = stage.send({"a": rows}, streams=ACCOUNTS, daily_quota_percent=50, concurrency=1)
    assert (first.exit_code, first.states, stage.vendor.requests(status=403)) == (75, [], [])
    assert first.codes == {"quota": first.totals["read"] - first.totals["created"]}
    assert 1000 < first.totals["created"] < 2400
    stage.vendor.control("limits", {"salesforce": {"daily": None}})
    second = stage.send({"a": rows}, streams=ACCOUNTS)
    assert (second.exit_code, len(second.states), len(names(stage))) == (0, 1, 2400)


def test_30_a_used_up_limit_ends_the_run_at_once(each_api: SalesforceStage) -> None:
    """REQUEST_LIMIT_EXCEEDED: 75, hardly a request after the first refusal, and the next run goes on."""
    each_api.vendor.control("limits", {"salesforce": {"daily": 7, "bulk_seconds_per_batch": 0}})
    rows = accounts(4000)
    first = each_api.send({"a": rows}, streams=ACCOUNTS, daily_quota_percent=100, concurrency=2)
    assert (first.exit_code, first.states) == (75, [])
    assert first.codes == {"quota": first.totals["read"] - first.totals["created"]}
    assert sum(one["count"] for one in each_api.vendor.requests(status=403)) <= 2
    each_api.vendor.control("limits", {"salesforce": {"daily": None, "bulk_seconds_per_batch": 0}})
    second = each_api.send({"a": rows}, streams=ACCOUNTS)
    assert (second.exit_code, len(second.states)) == (0, 1)
    assert len(names(each_api)) == len(each_api.vendor.events(CREATED)) == 4000


def test_30_used_up_batches_of_jobs_end_the_run_at_once(stage: SalesforceStage) -> None:
    """Jobs have a daily limit of their own: 75, no job is opened, and the next run goes on."""
    stage.vendor.control("limits", {"salesforce": {"bulk_batches": 3, "bulk_batches_used": 3}})
    first = stage.send({"a": accounts(50)}, streams=ACCOUNTS, api="bulk")
    assert (first.exit_code, first.codes, stage.vendor.jobs()) == (75, {"quota": 50}, 0)
    assert "DailyBulkApiBatches" in first.error
    stage.vendor.control("limits", {"salesforce": {"bulk_seconds_per_batch": 0}})
    assert stage.send({"a": accounts(50)}, streams=ACCOUNTS, api="bulk").totals["created"] == 50


# -- 31 to 34: what must not be repeated, and what must not become a new record


def test_31_a_converted_lead_is_rejected_once(each_api: SalesforceStage) -> None:
    """With Salesforce's code and where to write instead; a rerun does not try again, nor does it make another lead."""
    rows = [{KEY: "L1", "LastName": "Converted", "Company": "New"}]
    result = each_api.send({"l": rows}, streams=LEADS)
    assert (result.exit_code, result.codes) == (0, {"vendor_refused": 1})
    (error,) = each_api.errors().values()
    assert "CANNOT_UPDATE_CONVERTED_LEAD" in error
    assert "contact" in error
    before = each_api.vendor.write_requests()
    assert each_api.send({"l": rows}, streams=LEADS).totals["rejected"] == 1
    assert (each_api.vendor.write_requests(), len(each_api.vendor.live("Lead"))) == (before, 2)


def test_32_a_trigger_that_stands_few_records_gets_few(each_api: SalesforceStage) -> None:
    """Too many SOQL queries for 200 records at once: the same records arrive in smaller requests."""
    rows = [{KEY: f"L{n}", "LastName": "Lead", "Company": "C"} for n in range(10, 310)]
    result = each_api.send({"l": rows}, streams=LEADS)
    assert (result.exit_code, result.totals["created"], result.codes) == (0, 300, {})
    assert len(each_api.vendor.events(CREATED)) == 300


def test_32_a_trigger_that_stands_no_record_rejects_it(each_api: SalesforceStage) -> None:
    """Alone, too, it exceeds the limit: a reject that says so, after few requests."""
    rows = [{KEY: f"O{n}", "Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-01"} for n in range(20)]
    result = each_api.send({"o": rows}, streams={"o": {"object": "Opportunity", "match_on": KEY}})
    assert (result.exit_code, result.codes, names(each_api, "Opportunity")) == (65, {"vendor_refused": 20}, {})
    assert all("limit of Apex" in error for error in each_api.errors().values())
    assert each_api.vendor.write_requests() < 40


def test_33_an_update_that_fails_never_creates(each_api: SalesforceStage) -> None:
    """A record that is gone, or refused, stays so: nothing is posted in its place."""
    each_api.send({"a": accounts(3)}, streams=ACCOUNTS)
    gone = next(one["Id"] for one in each_api.vendor.live("Account") if one.get(KEY) == "A0")
    each_api.vendor.ask("DELETE", f"sobjects/Account/{gone}")
    streams = {"a": {**ACCOUNTS["a"], "load_method": "update"}}
    rows = accounts(3, Site="x")
    rows[1]["Score__c"] = 101
    result = each_api.send({"a": rows}, streams=streams)
    assert (result.totals["updated"], result.codes) == (1, {"not_found": 1, "validation_rule": 1})
    assert names(each_api, field="Site") == {"A1": None, "A2": "x"}
    assert len(each_api.vendor.events(CREATED)) == 3


def test_33_records_by_id_are_never_created(each_api: SalesforceStage) -> None:
    """`match_on: Id` knows only records that are there."""
    known = each_api.vendor.live("Account")[0]["Id"]
    rows = [{"Id": known, "Site": "x"}, {"Id": "0015g00000ZZZZZEAB", "Site": "y"}]
    result = each_api.send({"a": rows}, streams={"a": {"object": "Account", "match_on": "Id"}})
    assert (result.totals["updated"], result.codes) == (1, {"not_found": 1})
    assert [one.get("Site") for one in each_api.vendor.live("Account")] == ["x", None]


@pytest.mark.parametrize("kind", ["502_after_commit", "cut_after", "truncated"])
@pytest.mark.parametrize("match_on", [KEY, "Legacy__c"])
def test_34_a_lost_reply_never_inserts_blindly(each_api: SalesforceStage, kind: str, match_on: str) -> None:
    """Written, and the answer lost: each record exists once, also where only creates are wanted or no key is unique."""
    each_api.vendor.faults([{"kind": kind, "path": path, "times": 2} for path in (WRITES, JOBS)])
    rows = [{match_on: f"A{n}", "Name": f"Acme {n}"} for n in range(300)]
    streams = {"a": {"object": "Account", "match_on": match_on, "load_method": "create"}}
    result = each_api.send({"a": rows}, streams=streams)
    assert (result.exit_code, result.totals["created"]) == (0, 300)
    assert len(each_api.vendor.events(CREATED)) == 300
