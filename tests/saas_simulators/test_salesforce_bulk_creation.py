"""How a bulk job is created, and that its JSON looks like recorded answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.salesforce.definitions import FieldDefinition

if TYPE_CHECKING:
    from conftest import BulkApi

RECORDED = Path("shared", "recordings", "salesforce", "ampersand")
RECORDINGS = [parent / RECORDED for parent in Path(__file__).parents if (parent / RECORDED).is_dir()]


def recorded(name: str) -> dict[str, Any]:
    """Return a recorded body."""
    if not RECORDINGS:
        pytest.skip("the recordings are not beside this repository")
    body: dict[str, Any] = json.loads((RECORDINGS[0] / f"{name}.json").read_text(encoding="utf-8"))
    return body


def shape(body: dict[str, Any]) -> list[tuple[str, type]]:
    """Return names in their order, with the types of their values."""
    return [(name, type(value)) for name, value in body.items()]


def refusal(reply: Any) -> tuple[int, str, str]:
    """Return status, code and message of a refusal."""
    [error] = reply.json()
    return reply.status_code, error["errorCode"], error["message"]


# recordings


def test_created_job_looks_like_the_recorded_one(bulk: BulkApi) -> None:
    """An upsert's job has the recorded fields in their order, and a content URL without a leading slash."""
    reply = bulk.send("POST", "", {"object": "Account", "operation": "upsert", "externalIdFieldName": "ext__c"})
    body = reply.json()
    assert shape(body) == shape(recorded("bulk_write_launch-job-opportunity"))
    assert body["contentUrl"] == f"services/data/v67.0/jobs/ingest/{body['id']}/batches"
    assert (body["apiVersion"], body["externalIdFieldName"], body["state"]) == (67.0, "ext__c", "Open")
    assert body["id"].startswith("750")


def test_created_deletion_looks_like_the_recorded_one(bulk: BulkApi) -> None:
    """Only upserts name a key."""
    body = bulk.send("POST", "", {"object": "account", "operation": "delete"}).json()
    assert shape(body) == shape(recorded("bulk_delete_launch-job-opportunity"))
    assert body["object"] == "Account"


def test_closed_job_looks_like_the_recorded_one(bulk: BulkApi) -> None:
    """The answer to closing has neither a content URL nor the file's format."""
    job_id = bulk.create("upsert", externalIdFieldName="Ext__c")
    body = bulk.change(job_id, "UploadComplete").json()
    assert shape(body) == shape(recorded("bulk_write_update-job-opportunity"))
    assert body["state"] == "UploadComplete"


def test_polled_jobs_look_like_the_recorded_ones(bulk: BulkApi) -> None:
    """Complete, failed and in progress: the recorded fields, with an errorMessage only when the job failed."""
    complete = bulk.run("Name,Ext__c\nA,1\n", "upsert", externalIdFieldName="Ext__c")
    failed = bulk.run("Nam,Ext__c\nA,1\n", "upsert", externalIdFieldName="Ext__c")
    assert shape(bulk.info(complete)) == shape(recorded("bulk_info_success"))
    assert shape(bulk.info(failed)) == shape(recorded("bulk_info_complete-failure"))
    bulk.limits(bulk_seconds_per_batch=5)
    running = bulk.create("upsert", externalIdFieldName="Ext__c")
    bulk.upload(running, "Name,Ext__c\nA,1\n")
    bulk.change(running, "UploadComplete")
    while (body := bulk.info(running))["state"] == "UploadComplete":
        pass
    assert body["state"] == "InProgress"
    assert shape(body) == shape(recorded("bulk_info_in-progress"))


def test_failed_results_look_like_the_recorded_file(bulk: BulkApi) -> None:
    """Header, quotes and error text are the recorded ones; only the last line ending is the simulator's."""
    if not RECORDINGS:
        pytest.skip("the recordings are not beside this repository")
    text = (RECORDINGS[0] / "bulk_info_partial-failure.csv").read_text(encoding="utf-8")
    key = FieldDefinition("external_id__c", "External", "string", 255, is_external_id=True, is_id_lookup=True)
    bulk.server.salesforce.store("Opportunity").define(key)
    good = '"Ada","New","external-id-1","2003-04-09"\n'
    bad = '"Noemi Miller","GENERATED","external-id-3","2003-04-987654321987654321"\n'
    job_id = bulk.run(
        f"Name,StageName,external_id__c,CloseDate\n{good}{bad}",
        "upsert",
        "Opportunity",
        externalIdFieldName="external_id__c",
    )
    assert bulk.file(job_id, "failedResults").rstrip("\n") == text.rstrip("\n")


# creation


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            {"object": "Account", "operation": "upsert", "externalIdFieldName": "Website"},
            "INVALIDJOB",
            (
                "InvalidJob : Field name provided, website does not match an External ID, Salesforce Id, or indexed "
                "field for Account"
            ),
        ),
        (
            {"object": "Account", "operation": "upsert"},
            "INVALIDJOB",
            "InvalidJob : External ID was blank for Account. An External ID must be specified for upsert.",
        ),
        (
            {"object": "Nothing__c", "operation": "insert"},
            "INVALIDENTITY",
            "InvalidEntity : Entity 'Nothing__c' is not supported by the Bulk API.",
        ),
        (
            {"object": "Account", "operation": "hardDelete"},
            "FEATURENOTENABLED",
            (
                "FeatureNotEnabled : hardDelete operation requires special user profile permission, "
                "please contact your system administrator"
            ),
        ),
        (
            {"object": "Account", "operation": "merge"},
            "INVALIDJOB",
            "InvalidJob : operation is 'merge'. Expected: insert, update, upsert, delete, hardDelete",
        ),
        (
            {"object": "Account", "operation": "insert", "lineEnding": "CR"},
            "INVALIDJOB",
            "InvalidJob : lineEnding is 'CR'. Expected: LF, CRLF",
        ),
        (
            {"object": "Account", "operation": "insert", "contentType": "JSON"},
            "INVALIDJOB",
            "InvalidJob : contentType is 'JSON'. Expected: CSV",
        ),
        ({"object": "Account", "operation": "insert", "colour": 1}, "JSON_PARSER_ERROR", 'Unrecognized field "colour"'),
    ],
)
def test_job_that_cannot_be_created_is_refused(bulk: BulkApi, options: dict[str, str], code: str, message: str) -> None:
    """Each wrong option is a 400 with the code in capitals and the message in camel case."""
    assert refusal(bulk.send("POST", "", options)) == (400, code, message)
    assert bulk.send("GET", "").json()["records"] == []


def test_created_job_keeps_its_options(bulk: BulkApi) -> None:
    """Delimiter, line ending and assignment rule come back, on creation and in polls."""
    options = {"columnDelimiter": "PIPE", "lineEnding": "CRLF", "assignmentRuleId": "01Q5g000000AAAA"}
    shown = bulk.info(bulk.create("insert", "Lead", **options))
    assert {name: shown[name] for name in options} == options


def test_body_that_is_no_json_object_is_refused(bulk: BulkApi) -> None:
    """The parser's error, for a creation and for a change of state."""
    for method, path in (("POST", ""), ("PATCH", f"/{bulk.create()}")):
        for body in (b"{", b"[]"):
            assert refusal(bulk.send(method, path, data=body))[:2] == (400, "JSON_PARSER_ERROR")


def test_versions_before_the_bulk_api_have_no_jobs(bulk: BulkApi) -> None:
    """It came with v41."""
    bulk.version = "40.0"
    assert bulk.send("POST", "", {"object": "Account", "operation": "insert"}).status_code == 404


def test_upsert_by_id_is_allowed(bulk: BulkApi) -> None:
    """`Id` is a key of every object; rows without one are created."""
    job_id = bulk.run("Id,Name\n,New\n", "upsert", externalIdFieldName="Id")
    assert [row["sf__Created"] for row in bulk.rows(job_id, "successfulResults")] == ["true"]


def test_multipart_creation_brings_the_upload_and_closes_the_job(bulk: BulkApi) -> None:
    """One request with the parts `job` and `content` does it all."""
    parts = {
        "job": (None, json.dumps({"object": "Account", "operation": "insert"}), "application/json"),
        "content": ("content", 'Name,Description\nA,"x\ny"\n', "text/csv"),
    }
    headers = {"Authorization": "Bearer 00D5g000000001!abc"}
    reply = bulk.session.post(bulk.server.url + bulk.base, files=parts, headers=headers, timeout=10)
    assert (reply.status_code, reply.json()["state"]) == (200, "UploadComplete")
    assert bulk.finish(reply.json()["id"])["numberRecordsProcessed"] == 1
    assert [record["Description"] for record in bulk.records()] == ["x\ny"]


def test_job_beyond_the_days_batches_is_refused(bulk: BulkApi) -> None:
    """The day's batches are counted, and without one left no job is created."""
    bulk.limits(bulk_batches=1)
    bulk.run("Name\nA\n")
    reply = bulk.send("POST", "", {"object": "Account", "operation": "insert"})
    assert refusal(reply) == (400, "EXCEEDEDQUOTA", "ExceededQuota : ApiBatchItems Limit exceeded.")
