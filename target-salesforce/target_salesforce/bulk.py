"""Jobs of Bulk API 2.0: opened, filled, started, watched, and read to the last record."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_etl_core import identity
from reverse_etl_core.destination import Jobs, JobState
from reverse_etl_core.errors import (
    EXIT_CONFIG,
    AuthError,
    BatchRefusedError,
    ConfigError,
    FatalError,
    JobFailedError,
    QuotaExhaustedError,
    RetryableError,
    ReverseETLError,
    UnknownOutcomeError,
)
from reverse_etl_core.operations import (
    Operation,
    RejectCode,
    Rejected,
    Removed,
    Unanswered,
    Unattempted,
    Verb,
    Written,
)
from reverse_etl_core.transport import Request
from target_salesforce import errors, job_csv, job_wire, limits, wire
from target_salesforce.job_wire import ResultFile
from target_salesforce.verdicts import Answer, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from reverse_etl_core.operations import Batch, Outcome
    from reverse_etl_core.transport import Reply
    from target_salesforce.job_csv import Result, Sheet
    from target_salesforce.job_wire import Report
    from target_salesforce.objects import SObject

logger = logging.getLogger(__name__)

PREFIX = "bulk-"
"""Of the files that hold what a job sends and receives, while it does so."""
ABANDONED_AFTER_S = 86_400

# source: Bulk API 2.0 guide v66, the errors of jobs. What is not here passes by itself: the same records, sent again,
# may succeed.
LASTING_FAILURES = frozenset(
    {
        "ClientInputError",
        "FeatureNotEnabled",
        "InvalidBatch",
        "InvalidJob",
        "InvalidOperation",
        "InvalidUser",
        "MethodNotAllowed",
    }
)
QUOTA_FAILURE = "ExceededQuota"


class UnknownColumnError(JobFailedError):
    """A field of the batch is none for bulk jobs: somebody has to grant it, or leave it out."""

    exit_code = EXIT_CONFIG


class BulkJobs(Jobs):
    """The jobs of one org.

    Args:
        send: Sends a request with credentials.
        sobject_of: The object by its canonical name, as described.
        api_version: Of the paths of new jobs.
        folder: Where records and results lie while they travel: files of mode 0600, removed afterwards.
        assignment_rule_id: The rule that assigns new leads and cases; without one, no rule runs.
        most_bytes: Size of a job's CSV; records that do not fit stay out, and go by the next one.
    """

    def __init__(
        self,
        send: Callable[[Request], Reply],
        sobject_of: Callable[[str], SObject],
        api_version: str,
        *,
        folder: Path,
        assignment_rule_id: str | None = None,
        most_bytes: int = job_csv.FILE_BYTES,
    ) -> None:
        self._send = send
        self._sobject_of = sobject_of
        self._paths = job_wire.Paths(api_version)
        self._folder = folder
        self._assignment_rule_id = assignment_rule_id
        self._api_version = api_version
        self._most_bytes = most_bytes
        self._has_asked = False
        self._has_swept = False
        self._is_quota_used = False
        self._own: set[str] = set()
        self._maybe_empty: set[str] = set()
        self._ended: dict[str, Report] = {}

    def open(self, batch: Batch) -> str:
        """Create a job without records.

        Raises:
            QuotaExhaustedError: The org's jobs of the day are used up.
        """
        self._check_batches(batch.verb)
        request = job_wire.build_open(batch, self._paths, self._assignment_rule_id)
        job_id = job_wire.parse_open(self._send(request).json())
        self._own.add(job_id)
        return job_id

    def _check_batches(self, verb: Verb) -> None:
        """Ask for the day's batches, once; a job that met their end says the same."""
        if not self._has_asked:
            self._is_quota_used = self._is_quota_used or self._batches_left() == 0
            self._has_asked = True
        if self._is_quota_used:
            msg = (
                "The org's batches of the Bulk API for the last 24 hours are used up (DailyBulkApiBatches). Run again "
                f"later, or set {_without_jobs(verb)}."
            )
            raise QuotaExhaustedError(msg)

    def _batches_left(self) -> int | None:
        try:
            body = self._send(Request("GET", self._paths.limits())).json()
        except (AuthError, errors.NotFoundError):
            # source: REST API Developer Guide, "Limits": for users with "View Setup and Configuration", which a user
            # made for a sync may lack. A login that is no good fails again with the next request.
            logger.info("The user of this sync may not read the org's limits, so they are met as they come.")
            return None
        return limits.bulk_batches_left(body)

    # -- handing over

    def submit(self, job_id: str, batch: Batch) -> None:
        """Hand over the records and start the job.

        The upload is never repeated while its first attempt may have arrived: a job that has got two files cannot be
        started. Without an answer the job is started as it is; if it turns out to be empty, `outcomes` says that
        nothing was attempted.
        """
        with self._scratch_file() as path:
            with path.open("wb") as file:
                count = job_csv.write(file, self._sheet(batch), self._most_bytes)
            logger.info("Bulk job %s takes %d of %d records.", job_id, count, len(batch.operations))
            has_arrived = self._upload(job_id, path)
            try:
                self._close(job_id)
            except RetryableError:
                raise
            except ReverseETLError:
                if has_arrived:
                    raise
                # inferred: a job without records refuses to be started; this one is open still, so it has none.
                self._upload(job_id, path)
                self._close(job_id)

    def _upload(self, job_id: str, path: Path) -> bool:
        """Whether the records are known to have arrived. A second file is refused only where there is a first one."""
        is_first = job_id not in self._maybe_empty
        try:
            self._send(job_wire.build_upload(job_id, path, self._paths))
        except UnknownOutcomeError as lost:
            logger.warning("Nobody knows whether bulk job %s got its records: %s", job_id, lost)
            self._maybe_empty.add(job_id)
            return False
        except (BatchRefusedError, ConfigError, FatalError):
            if is_first:
                raise
        return True

    def _close(self, job_id: str) -> None:
        with self._accepted(job_id, unless=(JobState.OPEN, JobState.UNKNOWN)):
            self._send(job_wire.build_close(job_id, self._paths))

    @contextlib.contextmanager
    def _accepted(self, job_id: str, *, unless: tuple[JobState, ...]) -> Iterator[None]:
        """Take a refusal for granted: an attempt whose answer got lost may have done it. The job's state tells."""
        try:
            yield
        except RetryableError:
            raise
        except ReverseETLError:
            if self.state(job_id) in unless:
                raise

    # -- watching

    def state(self, job_id: str) -> JobState:
        """Where a job stands, of this run or of an earlier one."""
        report = self._report(job_id)
        if report is None:
            return JobState.UNKNOWN
        if report.state is JobState.ENDED:
            self._ended[job_id] = report
        return report.state

    def _report(self, job_id: str) -> Report | None:
        try:
            reply = self._send(job_wire.build_report(job_id, self._paths))
        except errors.NotFoundError:
            return None
        return job_wire.parse_report(reply.json())

    def abort(self, job_id: str) -> None:
        """Close a job for good; one that has ended, or is gone, stays as it is."""
        with self._accepted(job_id, unless=(JobState.OPEN, JobState.RUNNING)):
            self._send(job_wire.build_abort(job_id, self._paths))

    # -- reading

    def outcomes(self, job_id: str, batch: Batch) -> Iterator[Outcome]:
        """Exactly one outcome per operation of an ended job, joined by the match field or the record id.

        Raises:
            ReverseETLError: See `answers`.
        """
        return (_outcome(batch, one) for one in self.answers(job_id, batch))

    def answers(self, job_id: str, batch: Batch) -> Iterator[Answer]:
        """The same, with what could still be done about each refusal.

        Raises:
            JobFailedError: The job did nothing, for a reason that lasts; a column that is not known, say.
            UnknownOutcomeError: The job is not there any more, or its results cannot be read.
        """
        report = self._ended.pop(job_id, None) or self._report(job_id)
        if report is None:
            msg = f"Salesforce has no bulk job {job_id} any more; it keeps them for seven days."
            raise UnknownOutcomeError(msg)
        layout = self._sheet(batch)
        if not report.is_complete:
            self._judge(job_id, layout, report)
        waiting: dict[str, Operation] = {}
        for one in batch.operations:
            if waiting.setdefault(layout.key(one), one) is not one:  # one record, by its id of 15 and of 18 characters
                yield Answer(one, Unattempted(one.source_key, is_contended=True))
        attempted = yield from self._answered(job_id, layout, report, waiting)
        yield from _unmentioned(layout, waiting.values(), _silent_kind(batch, report, attempted))

    def _judge(self, job_id: str, layout: Sheet, report: Report) -> None:
        """Stop where a job did nothing, and the next one would not do more."""
        logger.warning("Bulk job %s ended as %s (%s).", job_id, report.vendor_state, report.error_code or "no code")
        self._is_quota_used = self._is_quota_used or (report.error_code == QUOTA_FAILURE and job_id in self._own)
        if report.processed or job_id in self._maybe_empty:
            return
        object_name = layout.batch.schema.name
        if report.unknown_column:
            raise UnknownColumnError(_unknown_column(layout, report.unknown_column))
        if report.error_code in LASTING_FAILURES:
            msg = (
                f"Bulk job {job_id} for '{object_name}' failed with {report.error_code} before it wrote anything. Look "
                f"it up under 'Bulk Data Load Jobs' in Salesforce's setup, or set {_without_jobs(layout.batch.verb)}."
            )
            raise JobFailedError(msg)

    def _answered(
        self, job_id: str, layout: Sheet, report: Report, waiting: dict[str, Operation]
    ) -> Generator[Answer, None, int]:
        """The answers that the result files tell; they leave `waiting`. Returns the rows that were attempted."""
        batch, paths = layout.batch, job_wire.Paths(report.api_version or self._api_version)
        attempted = strangers = 0
        for kind in ResultFile:
            if not waiting:
                break
            with self._scratch_file() as path:
                self._send(job_wire.build_results(job_id, kind, path, paths))
                with path.open(encoding="utf-8-sig", newline="") as file:
                    for result in job_csv.results(file, layout.header(layout.join_field)):
                        attempted += kind is not ResultFile.UNPROCESSED
                        key = layout.key_of(result.cell)
                        operation = waiting.pop(key, None) if key else None
                        if operation is None:
                            strangers += 1
                        else:
                            yield _answer(kind, batch, operation, result)
        if strangers:
            logger.warning("Bulk job %s: %d rows of its results belong to no record of this run.", job_id, strangers)
        return attempted

    def _sheet(self, batch: Batch) -> Sheet:
        return job_csv.sheet(batch, self._sobject_of(batch.schema.name))

    @contextlib.contextmanager
    def _scratch_file(self) -> Iterator[Path]:
        """A file that only this user can read, and that does not outlive its use."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=PREFIX, suffix=".csv", dir=self._folder)
        os.close(handle)
        path = Path(name)
        self._sweep(path)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _sweep(self, fresh: Path) -> None:
        """Remove, once, what runs that were killed left behind; other runs may have files of their own under way."""
        if self._has_swept:
            return
        self._has_swept = True
        now_s = fresh.stat().st_mtime
        for file in self._folder.glob(f"{PREFIX}*"):
            with contextlib.suppress(FileNotFoundError):
                if now_s - file.stat().st_mtime > ABANDONED_AFTER_S:
                    file.unlink()


def _without_jobs(verb: Verb) -> str:
    """The setting that does without jobs."""
    return "'on_removed' to 'archive'" if verb is Verb.REMOVE else "'api' to 'rest'"


def _answer(kind: ResultFile, batch: Batch, operation: Operation, result: Result) -> Answer:
    key = operation.source_key
    if kind is ResultFile.UNPROCESSED:
        return Answer(operation, Unattempted(key))
    if kind is ResultFile.REFUSED:
        found = job_wire.row_errors(result.error)
        if job_wire.is_unreadable(found[0]):
            return Answer(operation, _unreadable(batch, operation, found[0]))
        return judge(batch, msgspec.structs.replace(operation, fields=identity.decoded(operation.fields)), found)
    if batch.verb is Verb.REMOVE:
        return Answer(operation, Removed(key))
    record_id = result.record_id or operation.destination_id
    return Answer(operation, Written(key, record_id, result.is_created) if record_id else Unanswered(key))


def _outcome(batch: Batch, answer: Answer) -> Outcome:
    """What an answer amounts to.

    Whatever could still be done about a refusal, an ordinary request does better: it goes with fewer others, knows how
    to leave out a reference, and ends the run where the refusal is about more than this row.
    """
    if answer.complaint is None:
        return answer.outcome
    one, outcome = answer.operation, wire.left_open(answer)
    if isinstance(outcome, Rejected) and outcome.code is RejectCode.REFERENCE_NOT_FOUND:
        optional = (name for name, reference in batch.references.items() if reference.is_optional)
        is_curable = any(one.fields.get(name) not in (None, "") for name in optional)
    else:
        is_curable = isinstance(outcome, Unattempted)
    return Unattempted(one.source_key, is_contended=True) if is_curable else outcome


def _unreadable(batch: Batch, operation: Operation, found: Mapping[str, Any]) -> Rejected:
    names = ", ".join(f"'{name}'" for name in found["fields"] if name in batch.schema.fields)
    reason = f"Field {names}: " if names else ""
    reason += "Salesforce cannot read the value: a date or number, say. Cast it in the model."
    return Rejected(operation.source_key, RejectCode.INVALID_VALUE, reason, found["statusCode"])


def _silent_kind(batch: Batch, report: Report, attempted: int) -> type[Unanswered | Unattempted]:
    """What a row is of which no file tells.

    The counters of a failed job are not to be relied on (source: forcedotcom/dataloader PR 1033); those of a complete
    one count every row that was attempted, and leave out what never arrived.
    """
    if report.is_complete:
        return Unattempted if attempted == report.processed else Unanswered
    return Unanswered if batch.verb is Verb.CREATE else Unattempted


def _unmentioned(
    layout: Sheet, operations: Iterable[Operation], silent: type[Unanswered | Unattempted]
) -> Iterator[Answer]:
    """The answers for rows that no file tells of: those that the job could not carry were not sent."""
    for one in operations:
        key = one.source_key
        yield Answer(one, silent(key) if layout.row(one) else Unattempted(key, is_contended=True))


def _unknown_column(layout: Sheet, header: str) -> str:
    by_header = {layout.header(name): name for name in layout.headers}
    name = by_header.get(header, header)
    return (
        f"Field '{name}' of '{layout.batch.schema.name}': a bulk job does not know it (InvalidBatch), so no record can "
        "be written. Give the user of this sync read and edit access to the field, or leave it out of 'fields'."
    )
