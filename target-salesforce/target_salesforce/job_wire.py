"""The requests of bulk jobs and what their replies say: pure, no I/O.

source: Bulk API 2.0 and Bulk API Developer Guide v66, and replies recorded in an org
(`recordings/salesforce/ampersand/bulk_*`).
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverse_etl_core.destination import JobState
from reverse_etl_core.errors import UnknownOutcomeError
from reverse_etl_core.operations import Batch, Verb
from reverse_etl_core.transport import Request
from target_salesforce.objects import ASSIGNED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OPERATIONS = {Verb.CREATE: "insert", Verb.UPDATE: "update", Verb.UPSERT: "upsert", Verb.REMOVE: "hardDelete"}
"""By jobs, records are only removed for good: into the recycle bin they go by requests."""

STATES = {
    "Open": JobState.OPEN,
    "UploadComplete": JobState.RUNNING,
    "InProgress": JobState.RUNNING,
    "JobComplete": JobState.ENDED,
    "Failed": JobState.ENDED,
    "Aborted": JobState.ENDED,
}
_JOB_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_ERROR_CODE = re.compile(r"\b([A-Z][A-Za-z]{2,39}) : ")
_UNKNOWN_COLUMN = re.compile(r"Field name not found : ([A-Za-z][\w.:]{0,120})", re.ASCII)


class ResultFile(str, enum.Enum):
    """What an ended job tells, by the names in its paths."""

    WRITTEN = "successfulResults"
    REFUSED = "failedResults"
    UNPROCESSED = "unprocessedrecords"


class Paths:
    """The paths of jobs in one version of the API. A job keeps the version that it was opened with.

    Args:
        version: `67.0`, with or without its `v`.
    """

    def __init__(self, version: str) -> None:
        self._root = f"/services/data/v{version.removeprefix('v')}"
        self._jobs = f"{self._root}/jobs/ingest"

    def limits(self) -> str:
        """What the org may do in a day, and what is left of it."""
        return f"{self._root}/limits"

    def jobs(self) -> str:
        """Where jobs are opened."""
        return self._jobs

    def job(self, job_id: str) -> str:
        """One job."""
        return f"{self._jobs}/{job_id}"

    def content(self, job_id: str) -> str:
        """Where its records go; the `contentUrl` that the API names is the same (recorded)."""
        return f"{self._jobs}/{job_id}/batches"

    def results(self, job_id: str, file: ResultFile) -> str:
        """What came of them."""
        return f"{self._jobs}/{job_id}/{file.value}"


def build_open(batch: Batch, paths: Paths, assignment_rule_id: str | None = None) -> Request:
    """Open a job. Doing so twice leaves a job that never does anything and is removed by Salesforce."""
    body = {"object": batch.schema.name, "operation": OPERATIONS[batch.verb]}
    if batch.verb is Verb.UPSERT:
        body["externalIdFieldName"] = batch.match_field
    body |= {"contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "CRLF"}
    if assignment_rule_id and batch.schema.name in ASSIGNED:
        body["assignmentRuleId"] = assignment_rule_id
    return Request("POST", paths.jobs(), json=body, is_write=True)


def parse_open(body: object) -> str:
    """The id of a new job.

    Raises:
        UnknownOutcomeError: The reply names none.
    """
    job_id = body.get("id") if isinstance(body, dict) else None
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        msg = "The reply to the opening of a bulk job names no job."
        raise UnknownOutcomeError(msg)
    return job_id


def build_upload(job_id: str, content: Path, paths: Paths) -> Request:
    """Hand over the records; never to be repeated blindly, since a job takes only one file.

    source: salesforce.stackexchange 231917 and reports of 2020 and 2026: a second PUT is refused, or the job can no
    longer be closed (`BULK_API_ERROR`, "Found … contents for job").
    """
    return Request(
        "PUT",
        paths.content(job_id),
        upload=content,
        headers={"Content-Type": "text/csv; charset=UTF-8"},
        is_write=True,
        is_idempotent=False,
    )


def build_close(job_id: str, paths: Paths) -> Request:
    """Start the job. Repeating it changes nothing: a job that is closed refuses to be closed."""
    return Request("PATCH", paths.job(job_id), json={"state": "UploadComplete"}, is_write=True)


def build_abort(job_id: str, paths: Paths) -> Request:
    """Close a job for good; what it wrote stays. It writes no record, so no quota of writes stops it."""
    return Request("PATCH", paths.job(job_id), json={"state": "Aborted"})


def build_report(job_id: str, paths: Paths) -> Request:
    """Ask how far a job is."""
    return Request("GET", paths.job(job_id))


def build_results(job_id: str, file: ResultFile, target: Path, paths: Paths) -> Request:
    """Fetch one result file."""
    return Request("GET", paths.results(job_id, file), download=target, headers={"Accept": "text/csv"})


@dataclass(frozen=True, slots=True)
class Report:
    """How far a job is.

    Attributes:
        state: In core's words.
        vendor_state: In Salesforce's.
        api_version: Its version; results are only given to whoever asks in the same one (409 otherwise).
        processed: Records attempted, refused ones included (recorded: 8 processed, 1 failed).
        error_code: Why it failed, without its message, which can quote values.
        unknown_column: The header that its object does not know.
    """

    state: JobState
    vendor_state: str
    api_version: str | None
    processed: int
    error_code: str
    unknown_column: str

    @property
    def is_complete(self) -> bool:
        """Whether all its records were attempted; otherwise it failed or was aborted, if it has ended at all."""
        return self.vendor_state == "JobComplete"


def parse_report(body: object) -> Report:
    """Read the reply to a poll.

    Raises:
        UnknownOutcomeError: It is no job, or in a state that nobody has heard of.
    """
    job: Mapping[str, Any] = body if isinstance(body, dict) else {}
    state = STATES.get(str(job.get("state")))
    if state is None:
        msg = "The reply about a bulk job names no known state."
        raise UnknownOutcomeError(msg)
    version, processed = job.get("apiVersion"), job.get("numberRecordsProcessed")
    message = str(job.get("errorMessage") or "")
    code, column = _ERROR_CODE.search(message), _UNKNOWN_COLUMN.search(message)
    return Report(
        state=state,
        vendor_state=str(job.get("state")),
        api_version=f"{version:.1f}" if isinstance(version, (int, float)) else None,
        processed=processed if isinstance(processed, int) else 0,
        error_code=code[1] if code else "",
        unknown_column=column[1].rstrip(".:") if column else "",
    )


_ROW_ERROR = re.compile(r"([A-Z][A-Z0-9_]+):(.*?)(?::([\w, .]*))?\s?--(?=[A-Z][A-Z0-9_]+:|\s*\Z)", re.DOTALL | re.ASCII)
_CODE = re.compile(r"[A-Z][A-Z0-9_]+(?=:)", re.ASCII)
_UNREADABLE = "Failed to deserialize field"


def row_errors(cell: str) -> list[dict[str, Any]]:
    """What `sf__Error` says, in the form that the other endpoints give errors of a record in.

    source: recordings (facts 9.6); that several errors follow each other is inferred.

    >>> row_errors("REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --")
    [{'statusCode': 'REQUIRED_FIELD_MISSING', 'message': 'Required fields are missing: [Name]', 'fields': ['Name']}]
    >>> row_errors("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--")[0]["fields"]
    []
    """
    found = [_row_error(*one.groups()) for one in _ROW_ERROR.finditer(cell)] if cell.rstrip().endswith("--") else []
    if found:
        return found
    code = _CODE.match(cell)
    return [_row_error(code[0] if code else "", cell[code.end() + 1 :] if code else cell, None)]


def _row_error(code: str, message: str, fields: str | None) -> dict[str, Any]:
    names = [name.strip() for name in (fields or "").split(",")]
    return {"statusCode": code, "message": message, "fields": [name for name in names if name]}


def is_unreadable(error: Mapping[str, Any]) -> bool:
    """Whether a value is not of its field's type; elsewhere INVALID_FIELD says that there is no such field.

    source: recorded (bulk_info_partial-failure.csv); inferred: numbers are refused like dates.
    """
    return (error["statusCode"], str(error["message"])[: len(_UNREADABLE)]) == ("INVALID_FIELD", _UNREADABLE)
