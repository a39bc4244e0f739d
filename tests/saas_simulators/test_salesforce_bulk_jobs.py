"""The life of a bulk job, from its upload to its deletion."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import BulkApi

INVALID_STATE = "INVALIDJOBSTATE"


def refusal(reply: Any) -> tuple[int, str, str]:
    """Return status, code and message of a refusal."""
    [error] = reply.json()
    return reply.status_code, error["errorCode"], error["message"]


# upload, close, abort


def test_upload_is_answered_201_without_a_body(bulk: BulkApi) -> None:
    """There is nothing to read in the answer."""
    reply = bulk.upload(bulk.create(), "Name\nA\n")
    assert (reply.status_code, reply.content) == (201, b"")


def test_second_upload_is_taken_and_makes_the_closing_fail(bulk: BulkApi) -> None:
    """As reported: both PUTs pass, and the job can only be aborted."""
    job_id = bulk.create()
    assert [bulk.upload(job_id, "Name\nA\n").status_code for _ in range(2)] == [201, 201]
    status, code, message = refusal(bulk.change(job_id, "UploadComplete"))
    assert (status, code) == (400, "INVALIDJOB")
    assert message.startswith(f"Found multipe contents for job: <{job_id[:15]}>")  # codespell:ignore multipe
    assert bulk.change(job_id, "Aborted").json()["state"] == "Aborted"
    assert bulk.records() == []


def test_second_upload_is_refused_at_once_on_request(bulk: BulkApi) -> None:
    """With `bulk_second_upload_refused` the first upload stays, and the job can be closed."""
    bulk.limits(bulk_second_upload_refused=True)
    job_id = bulk.create()
    bulk.upload(job_id, "Name\nA\n")
    assert refusal(bulk.upload(job_id, "Name\nB\n"))[:2] == (400, "INVALIDJOB")
    assert bulk.change(job_id, "UploadComplete").status_code == 200
    assert bulk.finish(job_id)["numberRecordsProcessed"] == 1


def test_upload_whose_reply_was_lost_is_there(bulk: BulkApi) -> None:
    """A client that uploads again has two contents; one that closes has its records."""
    bulk.faults({"kind": "cut_after", "method": "PUT", "times": 1})
    job_id = bulk.create()
    with pytest.raises(OSError, match="Connection"):
        bulk.upload(job_id, "Name\nA\n")
    assert bulk.change(job_id, "UploadComplete").status_code == 200
    assert bulk.finish(job_id)["numberRecordsProcessed"] == 1


def test_closing_twice_is_refused_and_writes_once(bulk: BulkApi) -> None:
    """The second closing is a 400 that names the state, before and after the job's end."""
    bulk.limits(bulk_seconds_per_batch=1)
    job_id = bulk.create()
    bulk.upload(job_id, "Name\nA\n")
    bulk.change(job_id, "UploadComplete")
    assert refusal(bulk.change(job_id, "UploadComplete")) == (
        400,
        INVALID_STATE,
        "Closing already Closed Job not allowed",
    )
    bulk.finish(job_id)
    assert refusal(bulk.change(job_id, "UploadComplete")) == (
        400,
        INVALID_STATE,
        "Closing already Completed Job not allowed",
    )
    assert len(bulk.records()) == 1


def test_upload_to_a_closed_job_is_refused(bulk: BulkApi) -> None:
    """Only open jobs take data."""
    job_id = bulk.run("Name\nA\n")
    status, code, message = refusal(bulk.upload(job_id, "Name\nB\n"))
    assert (status, code) == (400, INVALID_STATE)
    assert message.endswith("since the Job is not Open. Current job state is 'JobComplete'")


def test_upload_over_the_limit_is_refused(bulk: BulkApi) -> None:
    """The limit holds for the base64 of the upload."""
    bulk.limits(bulk_max_base64_bytes=100)
    job_id = bulk.create()
    assert bulk.upload(job_id, b"Name\n" + b"x" * 70).status_code == 201
    assert refusal(bulk.upload(job_id, b"Name\n" + b"x" * 71))[:2] == (400, "CLIENTINPUTERROR")


def test_upload_that_is_not_csv_is_refused(bulk: BulkApi) -> None:
    """JSON is not taken for CSV."""
    reply = bulk.send("PUT", f"/{bulk.create()}/batches", {"Name": "A"})
    assert refusal(reply)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_compressed_upload_is_refused(bulk: BulkApi) -> None:
    """Compression is documented for answers only."""
    raw = gzip.compress(b"Name\nA\n")
    reply = bulk.send("PUT", f"/{bulk.create()}/batches", data=raw, Content_Type="text/csv", Content_Encoding="gzip")
    assert refusal(reply)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_aborted_open_job_writes_nothing(bulk: BulkApi) -> None:
    """A job that was never closed has nothing to show."""
    job_id = bulk.create()
    bulk.upload(job_id, "Name\nA\n")
    assert bulk.change(job_id, "Aborted").json()["state"] == "Aborted"
    assert bulk.records() == []
    assert bulk.info(job_id)["numberRecordsProcessed"] == 0
    assert refusal(bulk.change(job_id, "Aborted"))[2] == "Aborting already Aborted Job not allowed"


def test_aborting_a_complete_job_is_refused(bulk: BulkApi) -> None:
    """The recorded text."""
    job_id = bulk.run("Name\nA\n")
    assert refusal(bulk.change(job_id, "Aborted")) == (
        400,
        INVALID_STATE,
        "Aborting already Completed Job not allowed",
    )


def test_aborted_job_keeps_what_is_written_and_hands_back_the_rest(bulk: BulkApi) -> None:
    """Written and unprocessed records together are the upload; nothing is written after the answer to the abort."""
    bulk.limits(bulk_seconds_per_batch=4)
    job_id = bulk.create()
    bulk.upload(job_id, "Name\n" + "".join(f"A{n}\n" for n in range(2_000)))
    bulk.change(job_id, "UploadComplete")
    while bulk.info(job_id)["numberRecordsProcessed"] < 200:
        pass
    assert bulk.change(job_id, "Aborted").json()["state"] == "Aborted"
    written = len(bulk.records())
    names = [row["Name"] for name in ("successfulResults", "unprocessedrecords") for row in bulk.rows(job_id, name)]
    assert sorted(names) == sorted(f"A{n}" for n in range(2_000))
    assert 200 <= written < 2_000
    assert len(bulk.rows(job_id, "unprocessedRecords")) == 2_000 - written
    bulk.finish(job_id)
    assert len(bulk.records()) == written
    assert bulk.info(job_id)["numberRecordsProcessed"] == written


def test_state_that_no_client_may_ask_for_is_refused(bulk: BulkApi) -> None:
    """Clients close and abort, nothing else."""
    assert refusal(bulk.change(bulk.create(), "JobComplete"))[:2] == (400, INVALID_STATE)


def test_job_closed_without_records_completes_with_zeros(bulk: BulkApi) -> None:
    """An empty upload is legal, and result files have their own header."""
    job_id = bulk.run("")
    info = bulk.info(job_id)
    assert (info["state"], info["numberRecordsProcessed"]) == ("JobComplete", 0)
    assert bulk.file(job_id, "failedResults") == '"sf__Id","sf__Error"\n'


# polls, results, list, deletion


def test_counters_grow_while_a_job_is_in_progress(bulk: BulkApi) -> None:
    """Polls see the states in their order, and counters between nothing and all."""
    bulk.limits(bulk_seconds_per_batch=0.3)
    job_id = bulk.create()
    bulk.upload(job_id, "Name\n" + "".join(f"A{n}\n" for n in range(2_000)))
    bulk.change(job_id, "UploadComplete")
    seen: dict[str, set[int]] = {}
    while (info := bulk.info(job_id))["state"] != "JobComplete":
        seen.setdefault(info["state"], set()).add(info["numberRecordsProcessed"])
    assert "InProgress" in seen
    assert len(seen["InProgress"] - {0, 2_000}) > 2
    assert info["numberRecordsProcessed"] == 2_000


def test_results_before_the_end_are_refused(bulk: BulkApi) -> None:
    """There is nothing to read of an open job."""
    assert refusal(bulk.send("GET", f"/{bulk.create()}/successfulResults"))[:2] == (400, INVALID_STATE)


def test_results_through_another_version_are_refused(bulk: BulkApi) -> None:
    """A job belongs to the API version that created it."""
    job_id = bulk.run("Name\nA\n")
    bulk.version = "62.0"
    assert bulk.send("GET", f"/{job_id}/successfulResults").status_code == 409


def test_names_of_result_files_are_taken_in_any_case(bulk: BulkApi) -> None:
    """Clients disagree on unprocessedrecords; an unknown file is a 404."""
    job_id = bulk.run("Name\nA\n")
    for name in ("unprocessedrecords", "unprocessedRecords", "SUCCESSFULRESULTS", "failedResults/"):
        assert bulk.send("GET", f"/{job_id}/{name}").status_code == 200
    assert bulk.send("GET", f"/{job_id}/otherResults").status_code == 404


def test_list_has_every_job_and_an_abandoned_one_stays_open(bulk: BulkApi) -> None:
    """A job whose client died is found in the list, with its content URL."""
    done, abandoned = bulk.run("Name\nA\n"), bulk.create()
    body = bulk.send("GET", "?isPkChunkingEnabled=false&jobType=V2Ingest").json()
    assert (body["done"], body["nextRecordsUrl"]) == (True, None)
    assert [(job["id"], job["state"]) for job in body["records"]] == [(done, "JobComplete"), (abandoned, "Open")]
    assert body["records"][1]["contentUrl"].endswith(f"{abandoned}/batches")
    assert bulk.send("GET", "?jobType=Classic").json()["records"] == []


def test_job_is_found_by_its_short_id(bulk: BulkApi) -> None:
    """15 characters are enough."""
    job_id = bulk.create()
    assert bulk.info(job_id[:15])["id"] == job_id


def test_deleted_job_is_gone_and_its_records_stay(bulk: BulkApi) -> None:
    """Deleting is 204 without a body, and then every path of the job is a 404."""
    job_id = bulk.run("Name\nA\n")
    reply = bulk.send("DELETE", f"/{job_id}")
    assert (reply.status_code, reply.content) == (204, b"")
    assert refusal(bulk.send("GET", f"/{job_id}")) == (404, "NOT_FOUND", "The requested resource does not exist")
    assert bulk.send("GET", f"/{job_id}/successfulResults").status_code == 404
    assert len(bulk.records()) == 1


def test_open_job_cannot_be_deleted(bulk: BulkApi) -> None:
    """It has to be aborted first."""
    assert refusal(bulk.send("DELETE", f"/{bulk.create()}"))[:2] == (400, INVALID_STATE)


def test_reset_stops_jobs_and_forgets_them(bulk: BulkApi) -> None:
    """Nothing of an old job reaches the journal of a fresh org."""
    bulk.limits(bulk_seconds_per_batch=1)
    job_id = bulk.create()
    bulk.upload(job_id, "Name\n" + "".join(f"A{n}\n" for n in range(2_000)))
    bulk.change(job_id, "UploadComplete")
    worker = bulk.server.salesforce.jobs.find(job_id)
    bulk.server.simulation.reset()
    assert worker is not None
    assert worker.worker is not None
    assert not worker.worker.is_alive()
    assert len(bulk.server.simulation.journal) == 0
    assert bulk.send("GET", f"/{job_id}").status_code == 404


def test_stopped_server_leaves_jobs_off(bulk: BulkApi) -> None:
    """An interrupted simulation writes nothing any more, so that a saved state is whole."""
    bulk.limits(bulk_seconds_per_batch=20)
    job_id = bulk.create()
    bulk.upload(job_id, "Name\n" + "".join(f"A{n}\n" for n in range(2_000)))
    bulk.change(job_id, "UploadComplete")
    bulk.server.simulation.interrupt()
    written = len(bulk.records())
    assert bulk.info(job_id)["state"] in {"UploadComplete", "InProgress"}
    assert bulk.finish(job_id)["numberRecordsProcessed"] == written < 2_000
