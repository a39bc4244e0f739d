"""Two rows of the source that are one record of the org."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from salesforce_stage import SalesforceStage


def test_a_row_that_became_the_contact_of_another_one(each_api: SalesforceStage) -> None:
    """The first is delivered and the second is a duplicate, then and in later runs: they do not take turns."""
    stage = each_api
    both = {"match_on": ["External_Id__c", "Email"]}
    first, second = (stage.record(n, "a", Email="ada@example.com") for n in (1, 2))
    assert stage.deliver([first], stream=both).totals["created"] == 1
    ((contact,),) = stage.vendor.records().values()
    url = f"{stage.vendor.url}/services/data/v67.0/sobjects/Contact/{contact['Id']}"
    requests.patch(url, json={"External_Id__c": None}, headers={"Authorization": "Bearer 00Dperson"}, timeout=10)
    refused = stage.deliver([second], stream=both, max_rejected_percent=100)
    assert (refused.totals["updated"], refused.codes) == (0, {"duplicate_key": 1})
    rows = [{**first, "MailingCity": "b"}, {**second, "MailingCity": "c"}]
    result = stage.deliver(rows, stream=both, max_rejected_percent=100)
    assert (result.totals["updated"], result.codes) == (1, {"duplicate_key": 1})
    before = stage.vendor.write_requests()
    for _ in range(2):
        again = stage.deliver(rows, stream=both, max_rejected_percent=100)
        assert (again.totals["unchanged"], again.codes) == (1, {"duplicate_key": 1})
    assert stage.vendor.write_requests() == before
    assert list(stage.texts().values()) == ["b"]


def test_two_rows_that_find_the_same_contact(each_api: SalesforceStage) -> None:
    """By the second field of `match_on`: the first row gets it."""
    stage = each_api
    url = f"{stage.vendor.url}/services/data/v67.0/sobjects/Contact"
    body = {"LastName": "pl4nted", "Email": "ada@example.com"}
    requests.post(url, json=body, headers={"Authorization": "Bearer 00Dperson"}, timeout=10)
    rows = [stage.record(n, f"city {n}", Email="ada@example.com") for n in (1, 2)]
    result = stage.deliver(rows, stream={"match_on": ["External_Id__c", "Email"]}, max_rejected_percent=100)
    assert (result.totals["updated"], result.codes) == (1, {"duplicate_key": 1})
    assert stage.texts() == {"K1": "city 1"}
