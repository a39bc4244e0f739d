"""HubSpot's limits and bad days through the front door: what is waited for, what ends the run, what is never used."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hubspot import HubSpot
from hubspot.crm.lists import ListCreateRequest

from reverse_etl_core.errors import QuotaExhaustedError
from reverse_etl_core.transport import Reply, Request
from target_hubspot.errors import failure

if TYPE_CHECKING:
    from conformance.stage import Result, Stage

    from saas_simulators import SimulatorServer

CUSTOMERS = {"object": "contacts", "match_on": "customer_id", "fields": {"customer_id": "key", "email": "mail"}}
TIE = {"object": "companies", "from": "account", "match_on": "customer_id", "on_missing": "skip"}


@pytest.fixture
def vips(simulator: SimulatorServer) -> None:
    """A static list of contacts."""
    lists = HubSpot(access_token="pat-person", host=simulator.url, base_url=simulator.url).crm.lists.lists_api
    lists.create(ListCreateRequest(name="VIPs", object_type_id="0-1", processing_type="MANUAL"))


def rows(stream: str, count: int) -> list[dict[str, Any]]:
    """The messages of one stream."""
    schema = {"properties": {"key": {}, "mail": {}, "account": {}}}
    head = {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["key"]}
    records = [{"key": f"C{n}", "mail": f"c{n}@example.com", "account": "A1"} for n in range(count)]
    return [head, *({"type": "RECORD", "stream": stream, "record": one} for one in records)]


def deliver(stage: Stage, *streams: str, count: int = 3, **config: Any) -> Result:
    """Deliver customers with associations, and VIPs."""
    messages = [one for stream in streams or ("customers",) for one in rows(stream, count)]
    settings = {
        "customers": {**CUSTOMERS, "associations": [TIE]},
        "vips": {"object": "list:VIPs", "match_on": "customer_id", "fields": {"customer_id": "key"}},
    }
    chosen = {name: one for name, one in settings.items() if name in (streams or ("customers",))}
    return stage.run([*messages, {"type": "STATE", "value": {"at": 1}}], streams=chosen, **config)


def requests_of(stage: Stage, part: str) -> int:
    """Requests so far whose route has this part."""
    counts = stage.vendor.control("requests?last=1")["counts"]
    return sum(int(one["count"]) for one in counts if part in one["route"])


@pytest.mark.usefixtures("vips")
def test_records_are_never_searched_for(stage: Stage) -> None:
    """The search index lags behind and has a bucket of its own, so it is not used; lists alone are found by name."""
    config = {"load_method": "mirror", "compare_with": "destination"}
    for _ in range(2):
        assert deliver(stage, "customers", "vips", **config).exit_code == 0
    assert deliver(stage, "customers", "vips", dry_run=True, **config).exit_code == 0
    searches = requests_of(stage, "/search")
    assert searches == requests_of(stage, "/crm/lists/2026-09/search") == 3


@pytest.mark.usefixtures("vips")
def test_the_search_bucket_is_waited_for(stage: Stage) -> None:
    """Others use it up: the list is looked for a second later."""
    stage.vendor.faults([{"kind": "429", "path": "*/search", "policy": "SECONDLY", "times": 1}])
    started_s = time.monotonic()
    assert deliver(stage, "customers", "vips").exit_code == 0
    assert time.monotonic() - started_s >= 1.0


@pytest.mark.parametrize("status", [502, 503, 504, 521, 522, 523, 524])
def test_a_page_of_an_overloaded_server_is_repeated(stage: Stage, status: int) -> None:
    """Whichever of them answers, reads and writes are repeated, and each record is there once."""
    fault = {"kind": "html_error", "status": status, "times": 1}
    paths = ("*/details", "*/properties/*", "*/batch/upsert")
    stage.vendor.faults([{**fault, "path": path} for path in paths])
    result = deliver(stage)
    assert (result.exit_code, result.error, len(stage.vendor.records())) == (0, "", 3)


@pytest.mark.parametrize("kind", ["423", "477", "429"])
def test_a_short_pause_is_waited_for(stage: Stage, kind: str) -> None:
    """A lock, a move of the account, a limit: as long as HubSpot says, then everything arrives."""
    stage.vendor.faults([{"kind": kind, "path": "*/batch/upsert", "times": 2, "retry_after": 0.3}])
    started_s = time.monotonic()
    result = deliver(stage)
    assert (result.exit_code, len(stage.vendor.records())) == (0, 3)
    assert time.monotonic() - started_s >= 0.6


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "477", "retry_after": 86_400}, "asks to wait 1440 minutes"),
        ({"kind": "477"}, "moving the account"),
        ({"kind": "423", "retry_after": 3600}, "asks to wait 60 minutes"),
        ({"kind": "429", "retry_after": 3600}, "asks to wait 60 minutes"),
        ({"kind": "429", "policy": "DAILY", "retry_after": 1}, "after midnight in the account's time zone"),
    ],
)
def test_a_long_pause_ends_the_run_cleanly(stage: Stage, fault: dict[str, Any], words: str) -> None:
    """Exit code 75 without a second try; what was delivered counts, the rest is deferred, the next run goes on."""
    stage.vendor.faults([{**fault, "path": "*/batch/upsert", "after": 1}])
    first = deliver(stage, count=250, concurrency=1)
    assert (first.exit_code, words in first.error) == (75, True), first.error
    assert (first.totals["created"], first.states) == (100, [])
    assert first.codes == {"quota": 150 + 250}  # and the associations of all
    assert requests_of(stage, "batch/upsert") == 2
    stage.vendor.faults([])
    second = deliver(stage, count=250)
    assert (second.exit_code, len(stage.vendor.records()), len(second.states)) == (0, 250, 1)


@pytest.mark.parametrize(
    "body",
    [
        # source: HubSpot docs, "API usage guidelines and limits"
        {"errorType": "RATE_LIMIT", "message": "You have reached your daily limit.", "policyName": "DAILY"},
        {"errorType": "RATE_LIMIT", "message": "You have reached your daily limit."},
        # source: recorded of searches, with another message
        {"category": "RATE_LIMITS", "message": "You have reached your daily limit."},
        {"category": "RATE_LIMITS", "errorType": "RATE_LIMIT", "policyName": "DAILY"},
    ],
)
def test_a_used_up_day_is_known_in_every_form_of_its_answer(body: dict[str, Any]) -> None:
    """By its policy or by its message, whatever else the body holds, and however soon it asks to come back."""
    reply = Reply(429, {"Retry-After": "1"}, json.dumps({"status": "error", "correlationId": "x", **body}).encode())
    assert isinstance(failure(Request("POST", "/crm/v3/objects/contacts/batch/upsert"), reply), QuotaExhaustedError)
