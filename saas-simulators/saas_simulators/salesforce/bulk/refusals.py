"""What the job resources refuse, a function for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.salesforce.bulk import jobs as states
from saas_simulators.salesforce.errors import SalesforceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_simulators.salesforce.bulk.jobs import Job

BAD_REQUEST = 400
# The word for a state in messages. source: "Completed" mohan-chinnappan-n docs, "aborted" ForgeRock's connector;
# inferred: the others, after Bulk API 1.0, which calls a job "Closed" from its closing on
STATE_WORDS = {
    states.UPLOAD_COMPLETE: "Closed",
    states.IN_PROGRESS: "Closed",
    states.JOB_COMPLETE: "Completed",
    states.FAILED: "Failed",
    states.ABORTED: "Aborted",
}


def invalid_job(message: str) -> SalesforceError:
    """Return the refusal of a job that cannot be created or closed like this."""
    return SalesforceError(BAD_REQUEST, "INVALIDJOB", message)


def wrong_option(name: str, value: object, known: Iterable[str]) -> SalesforceError:
    """Return the refusal of an option's value; inferred, code and text."""
    return invalid_job(f"InvalidJob : {name} is {value!r}. Expected: {', '.join(known)}")


def unknown_object(name: str) -> SalesforceError:
    """Return the refusal of an object that does not exist."""
    # source: airbyte source-salesforce tests (code), several integrations (text)
    return SalesforceError(
        BAD_REQUEST, "INVALIDENTITY", f"InvalidEntity : Entity '{name}' is not supported by the Bulk API."
    )


def no_key(field_name: str, object_name: str) -> SalesforceError:
    """Return the refusal of an upsert by a field that is no key."""
    # source: stackoverflow 59282347; the name is in lower case there
    return invalid_job(
        f"InvalidJob : Field name provided, {field_name.lower()} does not match an External ID, Salesforce Id, "
        f"or indexed field for {object_name}"
    )


def blank_key(object_name: str) -> SalesforceError:
    """Return the refusal of an upsert without a field."""
    # source: error quoted in the guide of an SDK (id 37918412918)
    return invalid_job(
        f"InvalidJob : External ID was blank for {object_name}. An External ID must be specified for upsert."
    )


def hard_delete_forbidden() -> SalesforceError:
    """Return the refusal of a hardDelete by a user without the permission."""
    # source: recorded live against an org, 2026-09 (id 71029970488), Bulk API 1.0
    return SalesforceError(
        BAD_REQUEST,
        "FEATURENOTENABLED",
        "FeatureNotEnabled : hardDelete operation requires special user profile permission, "
        "please contact your system administrator",
    )


def deletion_forbidden(object_name: str) -> SalesforceError:
    """Return the refusal of a deletion by a user who may not delete the object's records."""
    # source: forceworkbench/forceworkbench#716, Bulk API 1.0; inferred: that 2.0 says the same when a job is created
    return invalid_job(f"InvalidJob : No delete access for object:{object_name}")


def quota_exceeded() -> SalesforceError:
    """Return the refusal of a job when the day's batches are used up."""
    # source: text quoted in Google's data transfer documentation; inferred: that a creation is refused like this
    return SalesforceError(BAD_REQUEST, "EXCEEDEDQUOTA", "ExceededQuota : ApiBatchItems Limit exceeded.")


def cannot_close(job: Job) -> SalesforceError:
    """Return the refusal to close a job that is not open."""
    # source: third-party reports: "Closing already Completed Job not allowed"
    return _wrong_state(f"Closing already {STATE_WORDS[job.state]} Job not allowed")


def cannot_abort(job: Job) -> SalesforceError:
    """Return the refusal to abort a job that has ended."""
    # source: mohan-chinnappan-n docs, a real answer: "Aborting already Completed Job not allowed"
    return _wrong_state(f"Aborting already {STATE_WORDS[job.state]} Job not allowed")


def cannot_delete(job: Job) -> SalesforceError:
    """Return the refusal to delete a job that is open or in progress; the text is inferred."""
    return _wrong_state(f"Deleting {job.state} Job not allowed")


def _wrong_state(message: str) -> SalesforceError:
    return SalesforceError(BAD_REQUEST, "INVALIDJOBSTATE", message)


def unknown_state(state: object) -> SalesforceError:
    """Return the refusal of a state that no client may ask for; inferred, code and text."""
    return SalesforceError(BAD_REQUEST, "INVALIDJOBSTATE", f"InvalidJobState : Invalid job state {state}")


def not_open(job: Job) -> SalesforceError:
    """Return the refusal of an upload to a job that is not open."""
    # source: jetstreamapp/jetstream#2061, 2026-09, Bulk API 1.0; inferred: that 2.0 says the same
    return SalesforceError(
        BAD_REQUEST,
        "INVALIDJOBSTATE",
        f"InvalidJobState : Failed to create batch, since the Job is not Open. Current job state is '{job.state}'",
    )


def several_contents(job: Job) -> SalesforceError:
    """Return the refusal of a second upload."""
    # source: salesforce.stackexchange 231917 (v43), with its misspelling; there the closing is refused, not the upload
    return invalid_job(
        f"Found multipe contents for job: <{job.id[:15]}>, "  # codespell:ignore multipe
        "please 'Close' / 'Abort' / 'Delete' the current Job then "
        "create a new Job and make sure you only do 'PUT' once on a given Job."
    )


def too_large(most: int) -> SalesforceError:
    """Return the refusal of an upload beyond the limit; the limit is documented, code and text are inferred."""
    return SalesforceError(
        BAD_REQUEST, "CLIENTINPUTERROR", f"ClientInputError : The upload exceeds {most} bytes after base64 encoding"
    )


def not_csv(content_type: str) -> SalesforceError:
    """Return the refusal of an upload that is not `text/csv`; inferred, but for the code."""
    return SalesforceError(
        415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type {content_type!r} is not supported; use text/csv"
    )


def compressed(encoding: str) -> SalesforceError:
    """Return the refusal of a compressed upload; the guide knows compression of answers only, the rest is inferred."""
    return SalesforceError(
        415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding {encoding!r} is not supported for job data"
    )


def not_finished(job: Job) -> SalesforceError:
    """Return the refusal of results before the job has ended; inferred."""
    return SalesforceError(
        BAD_REQUEST, "INVALIDJOBSTATE", f"InvalidJobState : Results are not available, the job is {job.state}"
    )


def other_version(job: Job) -> SalesforceError:
    """Return the refusal of results through another API version; inferred, but for the status."""
    # source: Bulk API 2.0 guide v66: 409 when the API version does not fit the job
    return SalesforceError(409, "INVALIDVERSION", f"The job was created with API version {job.order.api_version}")
