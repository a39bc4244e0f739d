"""Batch operations: many requests in one, and the file that answers them."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import requests

from saas_simulators.exchange import Request
from saas_simulators.simulation import Simulation

if TYPE_CHECKING:
    from conftest import Api

BATCHES = "/3.0/batches"
MEMBERS = "/lists/demo0000aa/members"


def member(email: str) -> str:
    """Return the body of a new member, as the text that an operation carries."""
    return json.dumps({"email_address": email, "status": "subscribed"})


def results(content: bytes) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the names in a file of results, and the results."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        texts = [tar.extractfile(entry).read() for entry in tar if entry.isfile()]  # type: ignore[union-attr]
        return tar.getnames(), [one for text in texts if text for one in json.loads(text)]


def test_operations_from_start_to_file(api: Api) -> None:
    """A batch goes from pending to finished, shows its link one look later, and answers each operation in a file."""
    operations = [
        {"method": "POST", "path": MEMBERS, "body": member("ada@shop.example"), "operation_id": "add"},
        {"method": "POST", "path": MEMBERS, "body": member("ada@shop.example"), "operation_id": "again"},
        {"method": "GET", "path": MEMBERS, "params": {"count": 1, "fields": "total_items"}},
    ]
    started = api.send("POST", BATCHES, {"operations": operations}).json()
    assert (started["status"], started["total_operations"], started["response_body_url"]) == ("pending", 0, "")
    looks = [api.send("GET", f"{BATCHES}/{started['id']}").json() for _ in range(3)]
    assert [look["status"] for look in looks] == ["started", "finished", "finished"]
    assert [bool(look["response_body_url"]) for look in looks] == [False, False, True]
    assert (looks[2]["finished_operations"], looks[2]["errored_operations"]) == (3, 1)
    file = requests.get(looks[2]["response_body_url"], timeout=5)
    names, found = results(file.content)
    assert (names[0], len(names)) == (".", 4)
    by_id = {one["operation_id"]: one for one in found}
    assert [one["operation_id"] for one in found] != ["add", "again", None]
    assert by_id["add"]["status_code"] == 200
    refused = json.loads(by_id["again"]["response"])
    assert (refused["title"], refused["instance"]) == ("Member Exists", "")
    assert json.loads(by_id[None]["response"]) == {"total_items": 1}


def test_links_expire() -> None:
    """A link lasts ten minutes; another look at the batch gives a fresh one."""
    now = [1_000_000.0]
    simulation = Simulation(clock=lambda: now[0])

    def get(path: str) -> Any:
        reply = simulation.deliver(Request("GET", path, headers={"authorization": "Bearer x"})).reply
        assert reply is not None
        return reply

    body = json.dumps({"operations": []}).encode()
    made = simulation.deliver(Request("POST", BATCHES, headers={"authorization": "Bearer x"}, body=body)).reply
    assert made is not None
    one = f"{BATCHES}/{json.loads(made.body)['id']}"
    for _ in range(2):
        get(one)

    def link() -> str:
        text: str = json.loads(get(one).body)["response_body_url"]
        return text.partition("127.0.0.1")[2]

    first = link()
    now[0] += 599
    assert get(first).status == 200
    now[0] += 2
    assert get(first).status == 403
    assert get(link()).status == 200
    assert get("/mailchimp-batch-results/nothing-here.tar.gz").status == 403


def test_batches_are_listed_and_deleted(api: Api) -> None:
    """Batches are listed; a deleted one is a 404."""
    made = api.send("POST", BATCHES, {"operations": []}).json()
    assert api.send("GET", BATCHES).json()["total_items"] == 1
    assert api.send("DELETE", f"{BATCHES}/{made['id']}").status_code == 204
    assert api.send("GET", f"{BATCHES}/{made['id']}").status_code == 404


def test_open_batches_are_limited(api: Api) -> None:
    """More open batches than the limit are a 429; a finished one makes room."""
    api.send("PUT", "/_simulator/limits", {"mailchimp": {"open_batches": 1}})
    made = api.send("POST", BATCHES, {"operations": []}).json()
    assert api.send("POST", BATCHES, {"operations": []}).status_code == 429
    for _ in range(2):
        api.send("GET", f"{BATCHES}/{made['id']}")
    assert api.send("POST", BATCHES, {"operations": []}).status_code == 200


@pytest.mark.parametrize(
    "operations",
    [
        *[None, {}, ["x"], [{"method": "POST"}], [{"method": "HEAD", "path": "/"}]],
        *[[{"method": "POST", "path": MEMBERS, "body": {}}], [{"method": "GET", "path": "/", "params": "x"}]],
    ],
)
def test_wrong_operations(api: Api, operations: Any) -> None:
    """Operations of the wrong form are refused whole; a body must be text."""
    reply = api.send("POST", BATCHES, {"operations": operations})
    assert (reply.status_code, reply.json()["title"]) == (400, "Invalid Resource")
