"""simple-salesforce, a client that real orgs answer, runs bulk jobs against the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.bulk2 import ColumnDelimiter, LineEnding
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceOperationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import BulkApi


class Downgrade(requests.adapters.HTTPAdapter):
    """Sends what is meant for https to the simulator: the client knows no plain http."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Rewrite the address, and send."""
        url = urlsplit(str(request.url))
        request.url = urlunsplit((self._target.scheme, self._target.netloc, url.path, url.query, url.fragment))
        return super().send(request, *args, **options)


@pytest.fixture
def accounts(bulk: BulkApi) -> Iterator[Any]:
    """The client's bulk interface for accounts."""
    url = bulk.server.url
    with requests.Session() as session:
        session.trust_env = False
        session.mount(url.replace("http:", "https:"), Downgrade(url))
        client: Any = Salesforce(session_id="00D5g000000001!abc", instance_url=url, version="62.0", session=session)
        yield client.bulk2.Account


def test_client_inserts_and_reads_every_result(bulk: BulkApi, accounts: Any) -> None:
    """Counts and result records arrive as the client expects them."""
    [result] = accounts.insert(records=[{"Name": "A", "Site": "x"}, {"Name": "", "Site": "y"}], wait=0)
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"], result["numberRecordsTotal"]) == (2, 1, 2)
    found = accounts.get_all_ingest_records(result["job_id"])
    [good], [bad] = found["successfulRecords"], found["failedRecords"]
    assert (good["sf__Id"], good["Name"]) == (bulk.records()[0]["Id"], "A")
    assert bad["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    assert found["unprocessedRecords"] == []


def test_client_upserts_in_several_jobs(bulk: BulkApi, accounts: Any) -> None:
    """A second upsert with the same keys creates nothing, in jobs as large as the client cuts them."""
    records = [{"Ext__c": str(number), "Name": f"A{number}"} for number in range(1_000)]
    first = accounts.upsert(records=records, external_id_field="Ext__c", batch_size=400, wait=0)
    assert [result["numberRecordsProcessed"] for result in first] == [400, 400, 200]
    again = accounts.upsert(records=records, external_id_field="Ext__c", wait=0)
    assert {result["numberRecordsFailed"] for result in first + again} == {0}
    assert len(bulk.records()) == 1_000


def test_client_updates_and_deletes_with_other_delimiters(bulk: BulkApi, accounts: Any) -> None:
    """A pipe and CRLF, announced and used, are understood."""
    accounts.insert(records=[{"Name": "A"}, {"Name": "B"}], wait=0)
    ids = [record["Id"] for record in bulk.records()]
    accounts.update(
        records=[{"Id": record_id, "Site": "here, there | everywhere"} for record_id in ids],
        column_delimiter=ColumnDelimiter.PIPE,
        line_ending=LineEnding.CRLF,
        wait=0,
    )
    assert {record["Site"] for record in bulk.records()} == {"here, there | everywhere"}
    [result] = accounts.delete(records=[{"Id": record_id} for record_id in ids], wait=0)
    assert result["numberRecordsFailed"] == 0
    assert bulk.records() == []


def test_client_deletes_for_good(bulk: BulkApi, accounts: Any) -> None:
    """With the permission, nothing is left; without it, the client's job is refused."""
    accounts.insert(records=[{"Name": "A"}], wait=0)
    ids = [{"Id": record["Id"]} for record in bulk.records()]
    with pytest.raises(SalesforceMalformedRequest, match="special user profile permission"):
        accounts.hard_delete(records=ids, wait=0)
    bulk.limits(bulk_hard_delete=True)
    [result] = accounts.hard_delete(records=ids, wait=0)
    assert result["numberRecordsFailed"] == 0
    assert bulk.server.salesforce.store("Account").get(ids[0]["Id"]) is None


def test_client_sees_a_failed_job_and_its_reason(accounts: Any) -> None:
    """An unknown column is an exception that names it."""
    with pytest.raises(SalesforceOperationError, match="InvalidBatch : Field name not found : Nope__c"):
        accounts.insert(records=[{"Name": "A", "Nope__c": "1"}], wait=0)


def test_client_sees_a_refused_creation(accounts: Any) -> None:
    """A key that is none is the client's malformed request."""
    with pytest.raises(SalesforceMalformedRequest, match="website does not match an External ID"):
        accounts.upsert(records=[{"Website": "x", "Name": "A"}], external_id_field="Website", wait=0)


def test_client_aborts_a_job_whose_closing_is_refused(bulk: BulkApi, accounts: Any) -> None:
    """After a 503 on closing, the client asks for the job and aborts it: nothing is written."""
    bulk.faults({"kind": "503", "method": "PATCH", "times": 1})
    with pytest.raises(Exception, match="Server Unavailable"):
        accounts.insert(records=[{"Name": "A"}], wait=0)
    [job] = bulk.send("GET", "").json()["records"]
    assert job["state"] == "Aborted"
    assert bulk.records() == []


def test_client_reads_a_job_that_failed_half_way(bulk: BulkApi, accounts: Any) -> None:
    """Successful and unprocessed records together are the upload."""
    bulk.faults({"kind": "job_failure", "after": 1})
    names = [f"A{number}" for number in range(500)]
    with pytest.raises(SalesforceOperationError, match="TooManyLockFailure"):
        accounts.insert(records=[{"Name": name} for name in names], wait=0)
    [job] = bulk.send("GET", "").json()["records"]
    found = accounts.get_all_ingest_records(job["id"])
    assert len(found["successfulRecords"]) == 200
    seen = [row["Name"] for kind in ("successfulRecords", "unprocessedRecords") for row in found[kind]]
    assert sorted(seen) == sorted(names)
