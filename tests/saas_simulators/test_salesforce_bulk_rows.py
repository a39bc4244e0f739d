"""What a bulk job makes of columns, cells and rows, and how its result files tell of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from saas_simulators.salesforce.rules import DuplicateRule

if TYPE_CHECKING:
    from conftest import BulkApi

UPSERT = {"operation": "upsert", "externalIdFieldName": "Ext__c"}


def failed_message(bulk: BulkApi, csv: str, **options: str) -> str:
    """Run a job that fails whole, and return why; nothing may be processed or written."""
    job_id = bulk.run(csv, **options)
    info = bulk.info(job_id)
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("Failed", 0, 0)
    assert bulk.records() == []
    return str(info["errorMessage"])


# the header


def test_unknown_column_fails_the_whole_job(bulk: BulkApi) -> None:
    """Counters stay at zero, only the first bad name is told, and every record is unprocessed."""
    job_id = bulk.run("Name,Nope__c,Nor__c\nA,1,2\nB,1,2\n")
    info = bulk.info(job_id)
    assert (info["state"], info["errorMessage"]) == ("Failed", "InvalidBatch : Field name not found : Nope__c")
    assert info["numberRecordsProcessed"] == 0
    assert sorted(row["Name"] for row in bulk.rows(job_id, "unprocessedrecords")) == ["A", "B"]
    assert bulk.file(job_id, "unprocessedrecords").startswith("Name,Nope__c,Nor__c\n")
    assert bulk.file(job_id, "successfulResults") == '"sf__Id","sf__Created",Name,Nope__c,Nor__c\n'


@pytest.mark.parametrize(
    ("object_name", "column", "message"),
    [
        ("Contact", "Nobody.Ext__c", "Unable to find relationship: Nobody"),
        ("Contact", "Account:Account.Ext__c", "type is not needed for non polymorphic foreign key references: Account"),
        ("Account", "Parent:Account.Ext__c", "Unable to find relationship: Account"),
        ("Account", "Account:Parent:Ext__c", "Field name not found : Account:Parent:Ext__c"),
        ("Contact", "Account.Website", "Field name not found : Account.Website"),
        ("Task", "Who.Ext__c", "type is needed for polymorphic foreign key references: Who"),
        ("Task", "Account:Who.Ext__c", "Field name not found : Account:Who.Ext__c"),
    ],
)
def test_relationship_column_that_leads_nowhere_fails_the_whole_job(
    bulk: BulkApi, object_name: str, column: str, message: str
) -> None:
    """A type is demanded where a lookup has several targets, and an error where it has one."""
    assert failed_message(bulk, f"{column}\nA\n", object_name=object_name) == f"InvalidBatch : {message}"


def test_line_ending_that_is_not_the_jobs_fails_the_whole_job(bulk: BulkApi) -> None:
    """As recorded for both endings."""
    text = "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is "
    assert failed_message(bulk, "Name\r\nA\r\n") == text + "LF"
    assert failed_message(bulk, "Name\nA\n", lineEnding="CRLF") == text + "CRLF"


def test_byte_order_mark_fails_the_whole_job(bulk: BulkApi) -> None:
    """It belongs to the first name."""
    assert failed_message(bulk, "\ufeffName\nA\n") == "InvalidBatch : Field name not found : \ufeffName"
    assert "Found unescaped quote" in failed_message(bulk, '\ufeff"Name"\nA\n')


def test_column_of_a_deletion_other_than_id_fails_the_whole_job(bulk: BulkApi) -> None:
    """Deletions take ids, nothing else."""
    message = failed_message(bulk, "Id,Name\n001,A\n", operation="delete")
    assert message == "InvalidBatch : The 'delete' batch must contain only ids"


def test_repeated_column_fails_the_whole_job(bulk: BulkApi) -> None:
    """One field cannot have two values."""
    assert failed_message(bulk, "Name,name\nA,B\n") == "InvalidBatch : Field name specified more than once : Name"


def test_field_name_in_another_case_is_written_but_not_shown(bulk: BulkApi) -> None:
    """Writing ignores case; result files keep the header and have no value below it."""
    job_id = bulk.run("name,Site\nA,B\n")
    assert [(record["Name"], record["Site"]) for record in bulk.records()] == [("A", "B")]
    [row] = bulk.rows(job_id, "successfulResults")
    assert (row["name"], row["Site"]) == ("", "B")


# cells


def test_empty_cell_keeps_and_null_mark_clears(bulk: BulkApi) -> None:
    """An empty cell leaves the field alone; #N/A empties it."""
    bulk.run("Ext__c,Name,Site,Phone\n1,A,here,123\n", **UPSERT)
    bulk.run("Ext__c,Name,Site,Phone\n1,,,#N/A\n", **UPSERT)
    [record] = bulk.records()
    assert (record["Name"], record["Site"], record.get("Phone")) == ("A", "here", None)


def test_cell_of_the_wrong_type_fails_its_row_with_its_column(bulk: BulkApi) -> None:
    """The recorded text, with a zero-based column; the other rows are written."""
    job_id = bulk.run(
        "Name,StageName,Amount,CloseDate\nA,New,1,2003-04-99\nB,New,x,2003-04-09\nC,New,2.5,2003-04-09\n",
        object_name="Opportunity",
    )
    errors = {row["Name"]: row["sf__Error"] for row in bulk.rows(job_id, "failedResults")}
    assert errors["A"] == (
        "INVALID_FIELD:Failed to deserialize field at col 3. Due to, '2003-04-99' is not a valid value for the type "
        "xsd:date:CloseDate --"
    )
    assert errors["B"].startswith(
        "INVALID_FIELD:Failed to deserialize field at col 2. Due to, 'x' is not a valid value"
    )
    assert [row["Name"] for row in bulk.rows(job_id, "successfulResults")] == ["C"]
    info = bulk.info(job_id)
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 3, 2)


def test_row_that_is_not_csv_fails_alone(bulk: BulkApi) -> None:
    """A space beside a quote, or a cell too many, spoils one row; its line is shown as it was sent."""
    job_id = bulk.run('Name,Site\n"A", "x"\nB,x,y\nC,z\n')
    assert [record["Name"] for record in bulk.records()] == ["C"]
    assert len(bulk.rows(job_id, "failedResults")) == 2
    assert "INVALID_FIELD:Failed to parse CSV." in bulk.file(job_id, "failedResults")


def test_quote_in_the_middle_fails_the_job_and_leaves_the_rest(bulk: BulkApi) -> None:
    """What was written before stays; the broken chunk and all after it are unprocessed."""
    lines = [f"A{number},x" for number in range(500)]
    lines[450] = 'A450,5"x"'
    job_id = bulk.run("Name,Site\n" + "\n".join(lines) + "\n")
    info = bulk.info(job_id)
    assert (info["state"], info["numberRecordsProcessed"]) == ("Failed", 400)
    assert info["errorMessage"].startswith("InvalidBatch : Failed to parse CSV. Found unescaped quote")
    assert len(bulk.records()) == 400
    assert len(bulk.file(job_id, "unprocessedrecords").splitlines()) == 101


def test_parent_is_found_by_its_key(bulk: BulkApi) -> None:
    """An empty cell is ignored, #N/A clears the lookup, and an unknown key fails its row."""
    bulk.run("Ext__c,Name\nP,Parent\n", **UPSERT)
    contact = {**UPSERT, "object_name": "Contact"}
    bulk.run("Ext__c,LastName,Account.Ext__c\n1,Ada,p\n2,Bob,P\n3,Eve,\n", **contact)
    parents = [record.get("AccountId") for record in bulk.records("Contact")]
    parent_id = bulk.records()[0]["Id"]
    assert parents == [parent_id, parent_id, None]
    job_id = bulk.run("Ext__c,account.ext__c\n1,#N/A\n2,\n3,X\n", **contact)
    assert [record.get("AccountId") for record in bulk.records("Contact")] == [None, parent_id, None]
    [row] = bulk.rows(job_id, "failedResults")
    assert (
        row["sf__Error"] == "INVALID_FIELD:Foreign key external ID: X not found for field Ext__c in entity Account:--"
    )


def test_polymorphic_parent_is_found_with_its_type(bulk: BulkApi) -> None:
    """`Type:Relationship.Field` leads to a row of that type."""
    bulk.run("Ext__c,LastName\nC,Ada\n", object_name="Contact", **UPSERT)
    job_id = bulk.run("Subject,Contact:Who.Ext__c\nCall,C\n", object_name="Task")
    assert bulk.rows(job_id, "failedResults") == []
    assert [record["WhoId"] for record in bulk.records("Task")] == [bulk.records("Contact")[0]["Id"]]


# rows


def test_every_operation_does_what_its_name_says(bulk: BulkApi) -> None:
    """Insert, update, upsert, delete: `sf__Created` is true only for new records."""
    inserted = bulk.run("Name,Ext__c\nA,1\n")
    [row] = bulk.rows(inserted, "successfulResults")
    assert row["sf__Created"] == "true"
    updated = bulk.run(f"Id,Site\n{row['sf__Id']},here\n", "update")
    assert bulk.file(updated, "successfulResults") == (
        f'"sf__Id","sf__Created",Id,Site\n"{row["sf__Id"]}","false","{row["sf__Id"]}","here"\n'
    )
    upserted = bulk.run("Ext__c,Name\n1,B\n2,C\n", **UPSERT)
    assert {one["Ext__c"]: one["sf__Created"] for one in bulk.rows(upserted, "successfulResults")} == {
        "1": "false",
        "2": "true",
    }
    deleted = bulk.run(f"Id\n{row['sf__Id']}\n", "delete")
    assert [one["sf__Created"] for one in bulk.rows(deleted, "successfulResults")] == ["false"]
    assert [record["Ext__c"] for record in bulk.records()] == ["2"]


def test_hard_deletion_leaves_no_record_in_the_bin(bulk: BulkApi) -> None:
    """With the permission, a record is gone at once."""
    bulk.limits(bulk_hard_delete=True)
    [row] = bulk.rows(bulk.run("Name\nA\n"), "successfulResults")
    bulk.run(f"Id\n{row['sf__Id']}\n", "hardDelete")
    assert bulk.server.salesforce.store("Account").get(row["sf__Id"]) is None


def test_id_in_an_insert_fails_its_row(bulk: BulkApi) -> None:
    """An insert gives the id."""
    job_id = bulk.run("Id,Name\n0015g00000A0001AAA,A\n")
    [row] = bulk.rows(job_id, "failedResults")
    assert row["sf__Error"] == "INVALID_FIELD_FOR_INSERT_UPDATE:cannot specify Id in an insert call:Id --"


def test_failed_row_has_no_id_when_new_and_its_id_when_known(bulk: BulkApi) -> None:
    """From v53 on `sf__Id` names the record that could not be updated; before, nothing does."""
    bulk.run("Ext__c,Name\n1,A\n", **UPSERT)
    record_id = bulk.records()[0]["Id"]
    csv = "Ext__c,Name,AnnualRevenue\n1,A,x\n2,B,x\n"
    shown = {row["Ext__c"]: row["sf__Id"] for row in bulk.rows(bulk.run(csv, **UPSERT), "failedResults")}
    assert shown == {"1": record_id, "2": ""}
    bulk.version = "52.0"
    shown = {row["Ext__c"]: row["sf__Id"] for row in bulk.rows(bulk.run(csv, **UPSERT), "failedResults")}
    assert shown == {"1": "", "2": ""}


def test_key_twice_in_a_chunk_fails_all_of_its_rows(bulk: BulkApi) -> None:
    """None of them wins, whatever their case."""
    job_id = bulk.run("Ext__c,Name\na,1\nA,2\nb,3\n", **UPSERT)
    errors = {row["Ext__c"]: row["sf__Error"] for row in bulk.rows(job_id, "failedResults")}
    assert set(errors) == {"a", "A"}
    assert errors["a"].startswith("DUPLICATE_VALUE:Duplicate external id specified: a:")
    assert [record["Ext__c"] for record in bulk.records()] == ["b"]


def test_key_twice_in_two_chunks_is_written_twice(bulk: BulkApi) -> None:
    """In one batch the later chunk updates what the earlier one created."""
    lines = ["K,first", *(f"{number},x" for number in range(250)), "K,second"]
    job_id = bulk.run("Ext__c,Name\n" + "\n".join(lines) + "\n", **UPSERT)
    assert bulk.info(job_id)["numberRecordsFailed"] == 0
    assert [record["Name"] for record in bulk.records() if record["Ext__c"] == "K"] == ["second"]
    assert len(bulk.events("record_created")) == 251


def test_results_hold_every_row_once_in_another_order(bulk: BulkApi) -> None:
    """A client that counts lines instead of reading keys is wrong."""
    names = [f"A{number}" for number in range(1_000)]
    job_id = bulk.run("Name\n" + "\n".join(names) + "\n")
    shown = [row["Name"] for row in bulk.rows(job_id, "successfulResults")]
    assert shown != names
    assert sorted(shown) == sorted(names)
    assert shown == [row["Name"] for row in bulk.rows(job_id, "successfulResults")]


def test_batches_are_processed_beside_each_other(bulk: BulkApi) -> None:
    """Records of the second 10,000 are written before the first are done."""
    bulk.limits(enabled=False, bulk_seconds_per_batch=0)
    names = [f"A{number}" for number in range(20_400)]
    job_id = bulk.run("Name\n" + "\n".join(names) + "\n")
    batches = [int(record["Name"][1:]) // 10_000 for record in bulk.records()]
    assert Counter(batches) == {0: 10_000, 1: 10_000, 2: 400}
    assert batches != sorted(batches)
    assert bulk.info(job_id)["numberRecordsProcessed"] == 20_400


def test_result_values_are_quoted_and_the_header_is_echoed(bulk: BulkApi) -> None:
    """The format of the recorded file, with the job's delimiter and line ending."""
    csv = '"Name";Site;Description\r\n"A ""x"";";;"1\n2"\r\n'
    job_id = bulk.run(csv, columnDelimiter="SEMICOLON", lineEnding="CRLF")
    record_id = bulk.records()[0]["Id"]
    assert bulk.file(job_id, "successfulResults") == (
        f'"sf__Id";"sf__Created";"Name";Site;Description\r\n"{record_id}";"true";"A ""x"";";"";"1\n2"\r\n'
    )
    assert bulk.send("GET", f"/{job_id}/failedResults").headers["Content-Type"].startswith("text/csv")


def test_required_field_missing_has_the_recorded_text(bulk: BulkApi) -> None:
    """An empty cell of an insert is an absent field."""
    job_id = bulk.run("Name,Site\n,here\n")
    [row] = bulk.rows(job_id, "failedResults")
    assert row["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"


def test_alert_of_a_duplicate_rule_refuses_rows(bulk: BulkApi) -> None:
    """No header lets a job save duplicates that a user could."""
    org = bulk.server.salesforce
    rule = DuplicateRule("Same site", org.store("Account").group(("Site",)), is_block=False)
    org.duplicate_rules["Account"] = [rule]
    job_id = bulk.run("Name,Site\nA,here\nB,Here\n")
    [row] = bulk.rows(job_id, "failedResults")
    assert row["sf__Error"] == "DUPLICATES_DETECTED:Use one of these records?:--"


# what goes wrong on request, and limits


def test_job_fails_on_request_after_some_chunks(bulk: BulkApi) -> None:
    """Written rows stay, the rest is unprocessed, and the error names the kind of failure."""
    bulk.faults({"kind": "job_failure", "path": "*/jobs/ingest/*", "after": 2, "times": 1})
    names = [f"A{number}" for number in range(1_000)]
    job_id = bulk.run("Name\n" + "\n".join(names) + "\n")
    info = bulk.info(job_id)
    assert (info["state"], info["numberRecordsProcessed"]) == ("Failed", 400)
    assert info["errorMessage"].startswith("TooManyLockFailure : ")
    assert info["retries"] > 0
    done = [row["Name"] for row in bulk.rows(job_id, "successfulResults")]
    rest = [row["Name"] for row in bulk.rows(job_id, "unprocessedrecords")]
    assert (len(done), len(rest)) == (400, 600)
    assert sorted(done + rest) == sorted(names)
    assert bulk.info(bulk.run("Name\nB\n"))["state"] == "JobComplete"


def test_job_times_out_on_request(bulk: BulkApi) -> None:
    """`policy` chooses the failure; polls are not hit by it."""
    bulk.faults({"kind": "job_failure", "policy": "Timeout"})
    info = bulk.info(bulk.run("Name\nA\n"))
    assert (info["state"], info["numberRecordsProcessed"]) == ("Failed", 0)
    assert info["errorMessage"].startswith("Timeout : ")


def test_rows_are_locked_on_request(bulk: BulkApi) -> None:
    """A locked row fails alone, and a second job with it succeeds."""
    bulk.faults({"kind": "row_lock", "path": "*/jobs/ingest/*", "probability": 0.3, "seed": 1})
    names = [f"A{number}" for number in range(100)]
    job_id = bulk.run("Name\n" + "\n".join(names) + "\n")
    failed = bulk.rows(job_id, "failedResults")
    assert 10 < len(failed) < 60
    assert all(row["sf__Error"].startswith("UNABLE_TO_LOCK_ROW:") for row in failed)
    bulk.faults()
    again = bulk.run("Name\n" + "\n".join(row["Name"] for row in failed) + "\n")
    assert bulk.info(again)["numberRecordsFailed"] == 0
    assert sorted(record["Name"] for record in bulk.records()) == sorted(names)


def test_batches_beyond_the_days_are_unprocessed(bulk: BulkApi) -> None:
    """Counted batches are written, the others handed back; `/limits` shows the counter."""
    bulk.limits(bulk_batches=1, bulk_seconds_per_batch=0)
    job_id = bulk.run("Name\n" + "".join(f"A{number}\n" for number in range(10_100)))
    info = bulk.info(job_id)
    assert (info["state"], info["numberRecordsProcessed"]) == ("Failed", 10_000)
    assert info["errorMessage"] == "ExceededQuota : ApiBatchItems Limit exceeded."
    assert len(bulk.rows(job_id, "unprocessedrecords")) == 100
    url = f"{bulk.server.url}/services/data/v67.0/limits"
    shown = bulk.session.get(url, headers={"Authorization": "Bearer 00D!x"}, timeout=10).json()
    assert shown["DailyBulkApiBatches"] == {"Max": 1, "Remaining": 0}


def test_assignment_rule_runs_only_when_it_is_named(bulk: BulkApi) -> None:
    """The journal tells of it, once per new lead."""
    lead = "LastName,Company\nAda,Analytical\n"
    bulk.run(lead, object_name="Lead")
    assert bulk.events("assignment_rule_run") == []
    bulk.run(lead.replace("Ada", "Bob"), object_name="Lead", assignmentRuleId="01Q5g000000AAAA")
    assert len(bulk.events("assignment_rule_run")) == 1
