"""Several requests in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import SalesforceApi

BASE = "/services/data/v67.0"


def step(name: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Return one request of a composite."""
    return {"method": method, "url": BASE + path, "referenceId": name} | ({"body": body} if body else {})


def send(sf: SalesforceApi, *steps: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """Send a composite and return its answers."""
    reply = sf.send("POST", "/composite", {"compositeRequest": list(steps), **more})
    assert reply.status_code == 200, reply.text
    answers: list[dict[str, Any]] = reply.json()["compositeResponse"]
    return answers


CREATE = step("acc", "POST", "/sobjects/Account", {"Name": "Acme"})


def test_later_requests_refer_to_earlier_answers(sf: SalesforceApi) -> None:
    """Ids of earlier answers go into bodies and paths; all of it counts one request."""
    answers = send(
        sf,
        CREATE,
        step("con", "POST", "/sobjects/Contact", {"LastName": "x", "AccountId": "@{acc.id}"}),
        step("upd", "PATCH", "/sobjects/Contact/@{con.id}", {"FirstName": "f"}),
        step("get", "GET", "/sobjects/Contact/@{con.id}?fields=FirstName,AccountId"),
    )
    assert [answer["httpStatusCode"] for answer in answers] == [201, 201, 204, 200]
    assert answers[0]["httpHeaders"] == {"Location": f"{BASE}/sobjects/Account/{answers[0]['body']['id']}"}
    assert answers[2]["body"] is None
    assert answers[3]["body"]["AccountId"] == answers[0]["body"]["id"]
    assert sf.server.salesforce.limits.daily.used == 1


def test_requests_fail_alone(sf: SalesforceApi) -> None:
    """Without `allOrNone` the good ones stay; what refers to a bad one is not run."""
    bad = step("bad", "POST", "/sobjects/Account", {"Site": "x"})
    child = step("con", "POST", "/sobjects/Contact", {"LastName": "x", "AccountId": "@{bad.id}"})
    answers = send(sf, CREATE, bad, child, step("no", "GET", "/nothing"))
    assert [answer["httpStatusCode"] for answer in answers] == [201, 400, 400, 404]
    assert answers[1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert len(sf.query("SELECT Id FROM Account")) == 1


def test_all_or_none(sf: SalesforceApi) -> None:
    """With `allOrNone` one failure undoes the others, journal included."""
    answers = send(sf, CREATE, step("bad", "POST", "/sobjects/Account", {"Site": "x"}), allOrNone=True)
    assert [answer["body"][0]["errorCode"] for answer in answers] == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert sf.query("SELECT Id FROM Account") == []
    assert sf.journal() == []


def test_collections_inside(sf: SalesforceApi) -> None:
    """Collections and queries may be among the requests."""
    rows = {"records": [{"attributes": {"type": "Account"}, "Name": "x"}]}
    answers = send(
        sf, step("rows", "POST", "/composite/sobjects", rows), step("q", "GET", "/query?q=SELECT+Id+FROM+Account")
    )
    assert answers[1]["body"]["records"][0]["Id"] == answers[0]["body"][0]["id"]


@pytest.mark.parametrize(
    "steps",
    [
        [step(f"r{number}", "GET", "/limits") for number in range(26)],
        [step(f"r{number}", "GET", "/query?q=x") for number in range(6)],
        [CREATE, CREATE],
        [{**CREATE, "referenceId": "with-dash"}],
        [{"method": "GET", "url": BASE}],
        ["x"],
    ],
)
def test_composites_that_are_refused(sf: SalesforceApi, steps: list[Any]) -> None:
    """Too many requests, and names that are missing or not unique, are refused before any is run."""
    assert sf.send("POST", "/composite", {"compositeRequest": steps}).status_code == 400
    assert sf.query("SELECT Id FROM Account") == []
