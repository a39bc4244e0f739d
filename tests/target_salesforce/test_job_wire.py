from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from reverse_etl_core.destination import JobState
from reverse_etl_core.errors import UnknownOutcomeError
from reverse_etl_core.operations import Batch, Operation, Verb
from reverse_etl_core.schema import Field, FieldType, Limits, ObjectSchema
from target_salesforce import job_wire
from target_salesforce.job_wire import Paths, ResultFile

JOB = "750ak000009BWKLAA4"
PATHS = Paths("v67.0")
RECORDINGS = next(
    (
        found
        for parent in Path(__file__).parents
        if (found := parent / "shared/recordings/salesforce/ampersand").is_dir()
    ),
    None,
)


def batch(verb: Verb, object_name: str = "Account") -> Batch:
    """One operation."""
    fields = {"Key__c": Field("Key__c", FieldType.STRING, is_key=True)}
    return Batch(
        verb, ObjectSchema(object_name, fields, Limits(200)), "Key__c", (Operation('["k"]', "k", {"Key__c": "k"}),)
    )


def job(**changes: object) -> dict[str, object]:
    """The reply to a poll, in the recorded form."""
    return {
        "id": JOB,
        "operation": "upsert",
        "object": "Opportunity",
        "state": "JobComplete",
        "apiVersion": 60.0,
        "numberRecordsProcessed": 8,
        "numberRecordsFailed": 1,
        **changes,
    }


@pytest.mark.parametrize(
    ("verb", "extra"),
    [
        (Verb.UPSERT, {"operation": "upsert", "externalIdFieldName": "Key__c"}),
        (Verb.UPDATE, {"operation": "update"}),
        (Verb.CREATE, {"operation": "insert"}),
    ],
)
def test_a_job_is_opened_for_its_verb(verb: Verb, extra: dict[str, str]) -> None:
    """Only an upsert names an external id."""
    request = job_wire.build_open(batch(verb), PATHS)
    assert (request.method, request.path) == ("POST", "/services/data/v67.0/jobs/ingest")
    assert request.json == {
        "object": "Account",
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "CRLF",
        **extra,
    }
    assert request.is_idempotent


@pytest.mark.parametrize(("object_name", "is_named"), [("Lead", True), ("Case", True), ("Account", False)])
def test_an_assignment_rule_is_named_where_there_are_any(object_name: str, is_named: bool) -> None:  # noqa: FBT001
    """Leads and cases are assigned by rules; other objects would refuse one."""
    body = job_wire.build_open(batch(Verb.UPSERT, object_name), PATHS, "01Q000000000001AAA").json
    assert isinstance(body, dict)
    assert ("assignmentRuleId" in body) is is_named


def test_the_other_requests_are_those_of_the_guide() -> None:
    """Paths, bodies and types as documented; only the upload may not be repeated blindly."""
    path = Path("rows.csv")
    upload = job_wire.build_upload(JOB, path, PATHS)
    assert (upload.method, upload.path) == ("PUT", f"/services/data/v67.0/jobs/ingest/{JOB}/batches")
    assert upload.headers == {"Content-Type": "text/csv; charset=UTF-8"}
    assert (upload.upload, upload.is_idempotent) == (path, False)
    close, abort = job_wire.build_close(JOB, PATHS), job_wire.build_abort(JOB, PATHS)
    assert [(one.method, one.path, one.json) for one in (close, abort)] == [
        ("PATCH", f"/services/data/v67.0/jobs/ingest/{JOB}", {"state": state})
        for state in ("UploadComplete", "Aborted")
    ]
    assert job_wire.build_report(JOB, PATHS).path == f"/services/data/v67.0/jobs/ingest/{JOB}"
    assert [job_wire.build_results(JOB, one, path, PATHS).path.rsplit("/", 1)[1] for one in ResultFile] == [
        "successfulResults",
        "failedResults",
        "unprocessedrecords",
    ]


def test_the_id_of_a_new_job_is_read() -> None:
    """Ids have 15 or 18 characters."""
    assert job_wire.parse_open({"id": JOB, "state": "Open"}) == JOB


@pytest.mark.parametrize("body", [None, [], {}, {"id": None}, {"id": "../../query"}, {"id": JOB + "x"}])
def test_a_reply_without_a_job_is_no_success(body: object) -> None:
    """What names no job may still have opened one, which then does nothing."""
    with pytest.raises(UnknownOutcomeError):
        job_wire.parse_open(body)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Open", JobState.OPEN),
        ("UploadComplete", JobState.RUNNING),
        ("InProgress", JobState.RUNNING),
        ("JobComplete", JobState.ENDED),
        ("Failed", JobState.ENDED),
        ("Aborted", JobState.ENDED),
    ],
)
def test_states(state: str, expected: JobState) -> None:
    """Every documented state is one of ours."""
    report = job_wire.parse_report(job(state=state))
    assert (report.state, report.is_complete) == (expected, state == "JobComplete")
    assert (report.api_version, report.processed) == ("60.0", 8)


@pytest.mark.parametrize("body", [None, [], {}, job(state="Sleeping"), job(state=None)])
def test_an_unknown_state_is_not_guessed(body: object) -> None:
    """Whoever cannot read the answer asks again."""
    with pytest.raises(UnknownOutcomeError):
        job_wire.parse_report(body)


@pytest.mark.parametrize(
    ("message", "code", "column"),
    [
        ("InvalidBatch : Field name not found : StageName_x", "InvalidBatch", "StageName_x"),  # recorded
        # node-sf-bulk2#17
        ("null:InvalidBatch : InvalidBatch : Field name not found : Name. Batch will not be retried.",
         "InvalidBatch", "Name"),
        ("InvalidBatch : Field name not found : User:Owner.Key__c", "InvalidBatch", "User:Owner.Key__c"),
        ("ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
         "ClientInputError", ""),
        ("TooManyLockFailure : Too many lock failure 200 Trying again later.", "TooManyLockFailure", ""),
        ("something else", "", ""),
        (None, "", ""),
    ],
)  # fmt: skip
def test_why_a_job_failed(message: object, code: str, column: str) -> None:
    """The code and the unknown column are read; the message is not kept."""
    report = job_wire.parse_report(job(state="Failed", errorMessage=message))
    assert (report.error_code, report.unknown_column) == (code, column)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",  # jsforce, of a real org
         [("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ["Name"])]),
        ("INVALID_FIELD:Failed to deserialize field at col 3. Due to, 'x:y' is not valid for the type xsd:d:F --",
         [("INVALID_FIELD",
           "Failed to deserialize field at col 3. Due to, 'x:y' is not valid for the type xsd:d",
           ["F"])]),
        ("DUPLICATES_DETECTED:Use one of these records?:--",
         [("DUPLICATES_DETECTED", "Use one of these records?", [])]),
        ("A_B:m: with: colons:F1,F2 --", [("A_B", "m: with: colons", ["F1", "F2"])]),
        ("A_B:one:F1 --C_D:two:--", [("A_B", "one", ["F1"]), ("C_D", "two", [])]),
        ("A_B:line\nbreak -- and dashes:--", [("A_B", "line\nbreak -- and dashes", [])]),
        ("A_B:no end", [("A_B", "no end", [])]),
        ("no code", [("", "no code", [])]),
        ("", [("", "", [])]),
    ],
)  # fmt: skip
def test_errors_of_a_row(cell: str, expected: list[tuple[str, str, list[str]]]) -> None:
    """Code, message and fields of each error; a text of another form is one error."""
    errors = job_wire.row_errors(cell)
    assert [(one["statusCode"], one["message"], one["fields"]) for one in errors] == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("INVALID_FIELD:Failed to deserialize field at col 3. Due to, 'x' is not valid:F --", True),
        ("INVALID_FIELD:Foreign key external ID: x not found for field Key__c in entity Account:--", False),
        ("OTHER:Failed to deserialize field at col 3.:--", False),
    ],
)
def test_a_value_that_cannot_be_read_is_told_from_an_unknown_field(cell: str, expected: bool) -> None:  # noqa: FBT001
    """Both have the same code."""
    assert job_wire.is_unreadable(job_wire.row_errors(cell)[0]) is expected


def test_a_long_message_takes_no_time() -> None:
    """A message that quotes a long value is read in one go."""
    cell = "STRING_TOO_LONG:Name: data value too large: " + "A:B " * 10_000 + " (max length=80):Name --"
    assert job_wire.row_errors(cell)[0]["fields"] == ["Name"]


@pytest.mark.skipif(RECORDINGS is None, reason="the recordings are not part of the repository")
def test_recorded_replies_are_read() -> None:
    """Every reply that an org gave about an ingest job has an id and a state."""
    assert RECORDINGS is not None
    seen: dict[str, Any] = {}
    for path in sorted(RECORDINGS.glob("bulk_[diw]*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        assert job_wire.parse_open(body) == body["id"]
        seen[path.stem] = job_wire.parse_report(body)
    assert seen["bulk_info_complete-failure"].unknown_column == "StageName_invalid_field_on_purpose"
    assert seen["bulk_info_in-progress"].state is JobState.RUNNING
    assert seen["bulk_info_success"].processed == 3000


@pytest.mark.skipif(RECORDINGS is None, reason="the recordings are not part of the repository")
def test_recorded_row_error_is_read() -> None:
    """The one failed row that was recorded."""
    assert RECORDINGS is not None
    with (RECORDINGS / "bulk_info_partial-failure.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    (error,) = job_wire.row_errors(row["sf__Error"])
    assert (error["statusCode"], error["fields"]) == ("INVALID_FIELD", ["CloseDate"])
