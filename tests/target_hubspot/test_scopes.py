"""Scopes that a token lacks are named before the first record, all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
from hubspot import HubSpot
from hubspot.crm.lists import ListCreateRequest

from reverse_etl_core.destination import Use
from target_hubspot.scopes import complaint, missing, needed

if TYPE_CHECKING:
    from conformance.stage import Result, Stage

    from saas_simulators import SimulatorServer

TOKEN = "pat-na1-s3cret-of-the-test"
CUSTOMERS = {"object": "contacts", "match_on": "customer_id"}
READS = ("crm.objects.contacts.read",)
LISTS = ("crm.lists.read", "crm.lists.write")
OAUTH = {"access_token": None, "client_id": "app", "client_secret": "s3cret", "refresh_token": "refresh-s3cret"}


def rows() -> list[dict[str, Any]]:
    """One customer."""
    schema = {"properties": {"customer_id": {}, "email": {}}}
    row = {"customer_id": "C1", "email": "c1@example.com"}
    return [
        {"type": "SCHEMA", "stream": "customers", "schema": schema, "key_properties": ["customer_id"]},
        {"type": "RECORD", "stream": "customers", "record": row},
    ]


def grant(stage: Stage, *scopes: str, token: str = TOKEN) -> None:
    """Take all other scopes from a token."""
    stage.vendor.control("scopes", {"hubspot": {token: list(scopes)}})


def deliver(stage: Stage, streams: dict[str, Any] | None = None, **config: Any) -> Result:
    """Deliver one customer."""
    return stage.run(rows(), streams={"customers": CUSTOMERS} if streams is None else streams, **config)


def named(result: Result) -> list[str]:
    """The scopes that the first problem names."""
    words = result.error.partition("Grant them")[0].split("'")
    return [one for one in words if one.startswith(("crm.", "tickets", "e-commerce"))]


def asked(stage: Stage) -> int:
    """How often the token's scopes were asked for."""
    counts = stage.vendor.control("requests?last=1")["counts"]
    return sum(one["count"] for one in counts if "access-token-info" in one["route"])


def test_every_missing_scope_is_named_before_the_first_record(stage: Stage, simulator: SimulatorServer) -> None:
    """Of the object, of those that it is tied to and looked up by, of lists and of the records in them."""
    lists = HubSpot(access_token="pat-person", host=simulator.url, base_url=simulator.url).crm.lists.lists_api
    lists.create(ListCreateRequest(name="Deals", object_type_id="0-3", processing_type="MANUAL"))
    grant(stage, *READS, "crm.lists.read")
    tie = {"object": "companies", "from": "account_id", "match_on": "customer_id"}
    streams = {
        "customers": {**CUSTOMERS, "associations": [tie]},
        "cases": {"object": "tickets"},
        "machines": {"object": "p_machine"},
        "best": {"object": "list:Deals", "match_on": "hs_object_id"},
        "notes": {"object": "notes"},
    }
    result = deliver(stage, streams)
    assert result.exit_code == 78
    assert named(result) == [
        "crm.objects.contacts.write",
        "crm.objects.companies.read",
        "crm.objects.companies.write",
        "crm.objects.tickets.read",
        "tickets",
        "crm.objects.tickets.write",
        "tickets",
        "crm.objects.custom.read",
        "crm.objects.custom.write",
        "crm.lists.write",
        "crm.objects.deals.read",
    ]
    assert "There is no object 'p_machine'" in result.error
    assert TOKEN not in result.error
    assert (stage.vendor.side_effects(), asked(stage)) == (1, 1)


@pytest.mark.parametrize("streams", [None, {}])
def test_enough_scopes_are_enough(stage: Stage, streams: dict[str, Any] | None) -> None:
    """Reading and writing the object is all that it takes; a stream without settings is looked at when it comes."""
    grant(stage, *READS)
    lacking = deliver(stage, streams, stream_maps={"customers": {"__alias__": "contacts"}} if streams == {} else {})
    assert (lacking.exit_code, named(lacking)) == (78, ["crm.objects.contacts.write"])
    grant(stage, *READS, "crm.objects.contacts.write")
    assert deliver(stage, {"customers": CUSTOMERS}).exit_code == 0


@pytest.mark.parametrize(
    ("object_name", "scopes"),
    [
        ("tickets", ["tickets"]),
        ("products", ["e-commerce"]),
        ("line_items", ["crm.objects.line_items.read", "crm.objects.line_items.write"]),
        ("DEAL", ["contacts"]),
        ("notes", ["oauth"]),
        ("0-420", ["oauth"]),
        ("2-77", ["crm.objects.custom.read", "crm.objects.custom.write"]),
        ("machine", ["crm.objects.custom.read", "crm.objects.custom.write", "crm.schemas.custom.read"]),
    ],
)
def test_what_an_object_needs(object_name: str, scopes: list[str]) -> None:
    """Older scopes count too; of objects whose scopes are not evidenced nothing is claimed."""
    wanted = needed([Use(object_name)])
    assert missing(wanted, frozenset(scopes)) == []
    lacking = missing(wanted, frozenset({"crm.lists.read"}))
    assert bool(lacking) == (scopes != ["oauth"])
    assert "'contacts'" not in complaint(lacking)


def test_a_plan_needs_to_read_only(stage: Stage) -> None:
    """Whoever may not write can still look at what would be written."""
    grant(stage, *READS)
    assert deliver(stage, dry_run=True).exit_code == 0
    grant(stage, "crm.lists.read")
    assert named(deliver(stage, dry_run=True)) == ["crm.objects.contacts.read"]


@pytest.mark.parametrize("version", ["2026-09", "v3"])
def test_an_oauth_app_tells_its_scopes_with_the_token(stage: Stage, version: str) -> None:
    """No request more: they come with the access token."""
    grant(stage, *READS, token="refresh-s3cret")
    result = deliver(stage, **OAUTH, api_version=version)
    assert (result.exit_code, named(result), asked(stage)) == (78, ["crm.objects.contacts.write"], 0)


@pytest.mark.parametrize("status", [404, 403, 502])
def test_where_scopes_are_not_told_the_run_goes_on(stage: Stage, caplog: pytest.LogCaptureFixture, status: int) -> None:
    """It is logged, without the token; what is missing shows where it is needed, with its name."""
    grant(stage, *READS)
    stage.vendor.faults([{"kind": "html_error", "path": "*access-token-info", "status": status}])
    with caplog.at_level("INFO"):
        result = deliver(stage)
    assert "does not tell the token's scopes" in caplog.text
    assert TOKEN not in caplog.text + result.error
    assert (result.exit_code, named(result)) == (78, ["crm.objects.contacts.write"])


def test_a_refused_token_is_named_as_such(stage: Stage) -> None:
    """Not as one that lacks scopes."""
    result = deliver(stage, access_token="invalid-x")
    assert (result.exit_code, "does not know the access token" in result.error) == (78, True)


def test_all_denied_objects_are_named_where_scopes_are_not_told(stage: Stage) -> None:
    """HubSpot's own words, of every stream."""
    grant(stage, "crm.lists.read")
    stage.vendor.faults([{"kind": "html_error", "path": "*access-token-info", "status": 404}])
    result = deliver(stage, {"customers": CUSTOMERS, "accounts": {"object": "companies"}})
    assert result.exit_code == 78
    assert "Stream 'customers': The access token lacks a permission." in result.error
    assert "Stream 'accounts': The access token lacks a permission." in result.error


def test_the_scopes_are_asked_for_once(stage: Stage, simulator: SimulatorServer) -> None:
    """However many streams there are."""
    limits = {"hubspot": {"burst": 100_000, "daily": None}}
    requests.put(f"{simulator.url}/_simulator/limits", json=limits, timeout=10).raise_for_status()
    deliver(stage, {"customers": CUSTOMERS, "accounts": {"object": "companies"}})
    assert asked(stage) == 1


def test_meltanos_connection_test_looks_at_scopes_lists_and_labels(stage: Stage, simulator: SimulatorServer) -> None:
    """All of it together, and nothing is written; without streams the account alone is looked at."""
    lists = HubSpot(access_token="pat-person", host=simulator.url, base_url=simulator.url).crm.lists.lists_api
    lists.create(ListCreateRequest(name="Smart", object_type_id="0-1", processing_type="DYNAMIC"))
    before = stage.vendor.side_effects()
    test = [{"type": "SCHEMA", "stream": "meltano_test_stream", "schema": {"properties": {}}, "key_properties": []}]
    tie = {"object": "companies", "from": "account_id", "match_on": "customer_id", "label": "No such label"}
    streams = {
        "customers": {**CUSTOMERS, "associations": [tie]},
        "nobody": {"object": "list:Nobody", "match_on": "customer_id"},
        "smart": {"object": "list:Smart", "match_on": "customer_id"},
    }
    grant(stage, "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.companies.read", *LISTS)
    result = stage.run(test, streams=streams)
    assert (result.exit_code, named(result)) == (78, ["crm.objects.companies.write"])
    assert all(
        one in result.error for one in ("4 settings", "No such label", "no list 'Nobody'", "'Smart' (1) is dynamic")
    )
    assert stage.run(test, streams={}).exit_code == 0
    grant(stage, "crm.objects.contacts.read", "crm.objects.contacts.write", *LISTS)
    assert stage.run(test, streams={"customers": CUSTOMERS}).exit_code == 0
    assert (stage.vendor.side_effects(), stage.vendor.write_requests()) == (before, 0)
    assert not list(stage.root.rglob("*.db"))
