"""One ingest job: what the client asked for, how far it is, and the JSON that tells of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.values import moment

if TYPE_CHECKING:
    from saas_simulators.salesforce.bulk.columns import Columns
    from saas_simulators.salesforce.bulk.outcomes import Outcomes
    from saas_simulators.salesforce.bulk.upload import Upload

OPEN = "Open"
UPLOAD_COMPLETE = "UploadComplete"
IN_PROGRESS = "InProgress"
JOB_COMPLETE = "JobComplete"
FAILED = "Failed"
ABORTED = "Aborted"
FINISHED = (JOB_COMPLETE, FAILED, ABORTED)


@dataclass(frozen=True, slots=True)
class Order:
    """What the client asked for when it created the job."""

    operation: str
    object_name: str
    external_id_field: str | None
    column_delimiter: str
    line_ending: str
    assignment_rule_id: str | None
    api_version: str


@dataclass(slots=True)
class Job:
    """An ingest job. The org's lock guards all of it, except the upload, which does not change once it is there."""

    id: str
    order: Order
    created_by: str
    created_s: float
    modified_s: float
    state: str = OPEN
    contents: list[bytes] = field(default_factory=list)
    upload: Upload | None = None
    columns: Columns | None = None
    outcomes: Outcomes | None = None
    error_message: str | None = None
    retries: int = 0
    api_ms: int = 0
    total_ms: int = 0
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)
    worker: threading.Thread | None = field(default=None, repr=False)

    def close(self, state: str, now_s: float, error_message: str | None = None) -> None:
        """Move to another state."""
        self.state = state
        self.modified_s = now_s
        self.error_message = error_message

    def brief(self) -> dict[str, Any]:
        """Return the part of the job that every answer has."""
        # source: recordings amp-labs bulk_write_launch-job-opportunity.json and its siblings: keys and their order
        order = self.order
        shown: dict[str, Any] = {
            "id": self.id,
            "operation": order.operation,
            "object": order.object_name,
            "createdById": self.created_by,
            "createdDate": _moment(self.created_s),
            "systemModstamp": _moment(self.modified_s),
            "state": self.state,
        }
        if order.external_id_field is not None:
            shown["externalIdFieldName"] = order.external_id_field
        shown |= {"concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(order.api_version)}
        if order.assignment_rule_id is not None:
            shown["assignmentRuleId"] = order.assignment_rule_id
        return shown

    def created(self) -> dict[str, Any]:
        """Return the answer to the creation."""
        return {**self.brief(), **self._content_url(), **self._format()}

    def listed(self) -> dict[str, Any]:
        """Return the job as one entry of the list."""
        # source: mohan-chinnappan-n docs, a real list (id 36914377373)
        return {**self.brief(), "jobType": "V2Ingest", **self._content_url(), **self._format()}

    def full(self) -> dict[str, Any]:
        """Return the answer to a poll, counters included."""
        # source: recordings amp-labs bulk_info_in-progress.json, bulk_info_complete-failure.json
        outcomes = self.outcomes
        shown = self.listed() | {
            "numberRecordsProcessed": outcomes.processed if outcomes else 0,
            "numberRecordsFailed": outcomes.failed if outcomes else 0,
            "retries": self.retries,
            "totalProcessingTime": self.total_ms,
            "apiActiveProcessingTime": self.api_ms,
            "apexProcessingTime": 0,
        }
        return shown if self.error_message is None else {**shown, "errorMessage": self.error_message}

    def _content_url(self) -> dict[str, str]:
        if self.state != OPEN:
            return {}
        # source: recording amp-labs: no leading slash
        return {"contentUrl": f"services/data/v{self.order.api_version}/jobs/ingest/{self.id}/batches"}

    def _format(self) -> dict[str, str]:
        return {"lineEnding": self.order.line_ending, "columnDelimiter": self.order.column_delimiter}


def _moment(seconds: float) -> str:
    """Return a time as jobs print it: in whole seconds."""
    return moment(int(seconds))
