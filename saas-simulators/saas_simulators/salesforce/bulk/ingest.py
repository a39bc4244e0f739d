"""The verbs of `/jobs/ingest`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.exchange import Reply
from saas_simulators.salesforce.bulk import creation, refusals, results
from saas_simulators.salesforce.bulk import jobs as states
from saas_simulators.salesforce.calls import as_object, json_ok
from saas_simulators.salesforce.errors import not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.salesforce.bulk.jobs import Job
    from saas_simulators.salesforce.calls import Call

FIRST_VERSION = 41  # source: Bulk API 2.0 guide v66
CSV_TYPE = "text/csv;charset=UTF-8"  # inferred
PAGE = 1000  # source: Bulk API 2.0 guide v66, "Get Information About All Jobs"
DELETABLE = (states.UPLOAD_COMPLETE, *states.FINISHED)  # source: Bulk API 2.0 guide v66, "Delete a Job"
FILES: dict[str, Callable[[Job], bytes]] = {
    "successfulresults": results.successful,
    "failedresults": results.failures,
    "unprocessedrecords": results.unprocessed,
}


def create(call: Call) -> Reply:
    """Open a job; a multipart request brings its CSV and closes it at once."""
    if call.version < FIRST_VERSION:
        raise not_found()
    org = call.org
    options, content = creation.read_request(call.request)
    order = creation.order(org, options, call.parameters["version"])
    if not org.jobs.has_batches_left():
        raise refusals.quota_exceeded()
    job: Job = org.jobs.add(order, org.user_id)
    if content is None:
        return json_ok(job.created())
    _accept(call, job, content)
    org.jobs.close(job)
    return json_ok(job.created())


def upload(call: Call) -> Reply:
    """Take the CSV of an open job."""
    job = _job(call)
    if job.state != states.OPEN:
        raise refusals.not_open(job)
    content_type = call.request.headers.get("content-type", "")
    if not content_type.lower().startswith("text/csv"):
        raise refusals.not_csv(content_type)
    if encoding := call.request.headers.get("content-encoding"):
        raise refusals.compressed(encoding)
    if job.contents and call.org.jobs.settings.second_upload_refused:
        raise refusals.several_contents(job)
    _accept(call, job, call.request.body)
    return Reply(201, content_type=CSV_TYPE)


def _accept(call: Call, job: Job, content: bytes) -> None:
    most = call.org.jobs.settings.max_base64_bytes
    if (len(content) + 2) // 3 * 4 > most:
        raise refusals.too_large(most)
    job.contents.append(content)


def change_state(call: Call) -> Reply:
    """Close or abort a job."""
    job = _job(call)
    state = as_object(call.body).get("state")
    if state == states.UPLOAD_COMPLETE:
        _close(call, job)
    elif state == states.ABORTED:
        if job.state in states.FINISHED:
            raise refusals.cannot_abort(job)
        job.close(states.ABORTED, call.org.clock())
    else:
        raise refusals.unknown_state(state)
    return json_ok(job.brief())


def _close(call: Call, job: Job) -> None:
    if job.state != states.OPEN:
        raise refusals.cannot_close(job)
    # source: salesforce.stackexchange 231917
    if len(job.contents) > 1:
        raise refusals.several_contents(job)
    # inferred: a job that was closed without an upload completes like one with an empty upload
    call.org.jobs.close(job)


def info(call: Call) -> Reply:
    """Tell how far a job is."""
    return json_ok(_job(call).full())


def listing(call: Call) -> Reply:
    """List the ingest jobs, the oldest first (inferred)."""
    query = call.request.query
    jobs = call.org.jobs.all()
    if query.get("jobType", ["V2Ingest"])[-1] != "V2Ingest" or query.get("isPkChunkingEnabled", [""])[-1] == "true":
        jobs = []
    start = next((place for place, job in enumerate(jobs) if job.id == query.get("queryLocator", [""])[-1]), 0)
    page = jobs[start : start + PAGE]
    following = jobs[start + PAGE].id if len(jobs) > start + PAGE else None
    version = call.parameters["version"]
    # source: mohan-chinnappan-n docs, a real list; inferred: the form of the locator
    url = following and f"/services/data/v{version}/jobs/ingest?queryLocator={following}"
    return json_ok({"done": following is None, "records": [job.listed() for job in page], "nextRecordsUrl": url})


def result_file(call: Call) -> Reply:
    """Return one of the three result files; their names are taken in any case."""
    job = _job(call)
    # source: simple-salesforce asks for unprocessedRecords, the Data Loader and the guide for unprocessedrecords
    file = FILES.get(call.parameters["file"].lower())
    if file is None:
        raise not_found()
    if job.order.api_version != call.parameters["version"]:
        raise refusals.other_version(job)
    if job.state not in states.FINISHED:
        raise refusals.not_finished(job)
    return Reply(200, file(job), CSV_TYPE)


def delete(call: Call) -> Reply:
    """Delete a job that is not open and not in progress."""
    job = _job(call)
    if job.state not in DELETABLE:
        raise refusals.cannot_delete(job)
    call.org.jobs.remove(job)
    return Reply(204)


def _job(call: Call) -> Job:
    job: Job | None = call.org.jobs.find(call.parameters["job_id"])
    if job is None:
        raise not_found()
    return job
