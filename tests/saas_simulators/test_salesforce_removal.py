"""Deleting: the recycle bin, what goes along, what stands in the way, and deletion for good."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from saas_simulators import SimulatorServer
from saas_simulators.seeds import SeedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import BulkApi, SalesforceApi

PATH = "/composite/sobjects"
SEED = {
    "salesforce": {
        "objects": [
            {
                "name": "Invoice__c",
                "fields": [{"name": "Account__c", "type": "reference", "to": "Account", "master_detail": True}],
            },
            {
                "name": "Line__c",
                "fields": [{"name": "Invoice__c", "type": "reference", "to": "Invoice__c", "master_detail": True}],
            },
            {
                "name": "Lock__c",
                "plural": "Locks",
                "fields": [{"name": "Line__c", "type": "reference", "to": "Line__c", "restricted_delete": True}],
            },
        ],
        "not_deletable": ["Campaign"],
    }
}


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    """An org with details of details, and something that holds them."""
    with SimulatorServer(seed=SEED) as running:
        yield running


def deleted(sf: SalesforceApi, *ids: str) -> list[str]:
    """Delete in one call; "ok" or the code of each."""
    answers = sf.send("DELETE", f"{PATH}?ids={','.join(ids)}&allOrNone=false").json()
    return ["ok" if one["success"] else one["errors"][0]["statusCode"] for one in answers]


def binned(sf: SalesforceApi, object_name: str) -> list[str]:
    """Ids of the rows of an object that only queryAll sees."""
    statement = quote(f"SELECT Id FROM {object_name} WHERE IsDeleted = true")  # noqa: S608
    return [one["Id"] for one in sf.send("GET", f"/queryAll?q={statement}").json()["records"]]


def family(sf: SalesforceApi) -> tuple[str, str, str]:
    """An account, its invoice, and a line of that."""
    account = sf.create("Account", Name="Acme")
    invoice = sf.create("Invoice__c", Account__c=account)
    return account, invoice, sf.create("Line__c", Invoice__c=invoice)


def test_details_go_to_the_bin_with_their_master(sf: SalesforceApi) -> None:
    """Of any depth; whoever deletes them afterwards hears that they are deleted."""
    account, invoice, line = family(sf)
    assert deleted(sf, account) == ["ok"]
    assert [binned(sf, name) for name in ("Account", "Invoice__c", "Line__c")] == [[account], [invoice], [line]]
    assert deleted(sf, line) == ["ENTITY_IS_DELETED"]


def test_a_detail_beside_its_master_is_deleted_already(sf: SalesforceApi) -> None:
    """In one call the master takes it along before its turn comes; the other way round both are deleted."""
    account, invoice, _ = family(sf)
    parent = sf.create("Account", Name="Parent")
    contact, other = (sf.create("Contact", LastName="x", AccountId=parent) for _ in range(2))
    assert deleted(sf, account, invoice) == ["ok", "ENTITY_IS_DELETED"]
    assert deleted(sf, contact, parent, other) == ["ok", "ok", "ENTITY_IS_DELETED"]


def test_a_row_that_is_held_stays_and_so_does_its_master(sf: SalesforceApi) -> None:
    """A lookup that restricts deletion is named by its object's label; describe tells of it."""
    account, invoice, line = family(sf)
    lock = sf.create("Lock__c", Line__c=line)
    for record_id in (line, invoice, account):
        (answer,) = sf.send("DELETE", f"{PATH}?ids={record_id}").json()
        (error,) = answer["errors"]
        assert error["statusCode"] == "DELETE_FAILED"
        assert error["message"].endswith("because it is associated with the following locks.")
    assert sf.read("Line__c", line)["Invoice__c"] == invoice
    children = sf.send("GET", "/sobjects/Line__c/describe").json()["childRelationships"]
    assert [one["restrictedDelete"] for one in children if one["childSObject"] == "Lock__c"] == [True]
    assert deleted(sf, lock) == ["ok"]
    assert deleted(sf, account) == ["ok"]


def test_without_the_permission_rows_stay(sf: SalesforceApi, bulk: BulkApi) -> None:
    """Describe says so, each row is refused, and a job is not even opened."""
    bulk.limits(bulk_hard_delete=True)
    assert sf.send("GET", "/sobjects/Campaign/describe").json()["deletable"] is False
    assert sf.send("GET", "/sobjects/Account/describe").json()["deletable"] is True
    campaign = sf.create("Campaign", Name="Spring")
    assert deleted(sf, campaign) == ["INSUFFICIENT_ACCESS_OR_READONLY"]
    for operation in ("delete", "hardDelete"):
        (error,) = bulk.send("POST", "", {"object": "Campaign", "operation": operation}).json()
        assert (error["errorCode"], error["message"]) == (
            "INVALIDJOB",
            "InvalidJob : No delete access for object:Campaign",
        )


def test_hard_deletion_takes_details_along_and_leaves_nothing(sf: SalesforceApi, bulk: BulkApi) -> None:
    """Neither the row nor what belongs to it can be seen by anybody; a second time it is unknown."""
    bulk.limits(bulk_hard_delete=True)
    account, _, _ = family(sf)
    bulk.run(f"Id\n{account}\n", "hardDelete")
    assert [binned(sf, name) for name in ("Account", "Invoice__c", "Line__c")] == [[], [], []]
    (row,) = bulk.rows(bulk.run(f"Id\n{account}\n", "hardDelete"), "failedResults")
    assert row["sf__Error"] == "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--"
    assert deleted(sf, account) == ["INVALID_CROSS_REFERENCE_KEY"]


def test_hard_deletion_leaves_the_bin_alone(sf: SalesforceApi, bulk: BulkApi) -> None:
    """A row that was deleted before is refused as such, and stays where it is."""
    bulk.limits(bulk_hard_delete=True)
    account = sf.create("Account", Name="Acme")
    deleted(sf, account)
    (row,) = bulk.rows(bulk.run(f"Id\n{account}\n", "hardDelete"), "failedResults")
    assert row["sf__Error"] == "ENTITY_IS_DELETED:entity is deleted:--"
    assert binned(sf, "Account") == [account]


def test_a_key_of_the_bin_is_free(sf: SalesforceApi) -> None:
    """An upsert makes a new row, and the old one stays deleted."""
    (first,) = sf.upsert([{"External_Id__c": "C1", "LastName": "x"}])
    deleted(sf, first["id"])
    (second,) = sf.upsert([{"External_Id__c": "c1", "LastName": "y"}])
    assert second["created"] is True
    assert second["id"] != first["id"]
    assert binned(sf, "Contact") == [first["id"]]


def test_what_is_not_deletable_is_an_object() -> None:
    """A seed that names none is refused."""
    for wrong in (["Nothing"], "Account"):
        with pytest.raises(SeedError, match="not_deletable"):
            SimulatorServer(seed={"salesforce": {"not_deletable": wrong}})
