"""Owners by id or by e-mail address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from reverse_etl_core.schema import FieldType
from saas_simulators import SimulatorServer
from target_hubspot.owners import OWNERS_PER_PAGE, ids_by_address, parse_page

from .hubspot_account import Account, answering
from .rows import by_key, count, deliver, only, person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.stage import Stage

MANY = 2 * OWNERS_PER_PAGE + 1
OWNERS = [{"id": str(1000 + n), "email": f"Owner{n}@Example.com"} for n in range(MANY)]
TWINS = [{"id": "7001", "email": "twin@example.com"}, {"id": "7002", "email": "Twin@example.com"}]
DEFINITIONS = {
    "results": [
        {
            "name": "hubspot_owner_id",
            "type": "enumeration",
            "fieldType": "select",
            "options": [],
            "externalOptions": True,
            "referencedObjectType": "OWNER",
        },
        {"name": "hs_team", "type": "enumeration", "fieldType": "select", "options": [], "externalOptions": True},
    ]
}


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """An account with more owners than a page has."""
    with SimulatorServer(seed={"hubspot": {"owners": [*OWNERS, *TWINS]}}) as server:
        requests.put(f"{server.url}/_simulator/limits", json={"hubspot": {"enabled": False}}, timeout=10)
        yield server


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ("owner0@example.com", "1000"),
        (" OWNER200@EXAMPLE.COM ", "1200"),
        ("1007", "1007"),
        (1007, "1007"),
        ("ada.owner@example.com", "31871817"),
    ],
)
def test_an_owner_goes_by_address_or_id(stage: Stage, given: Any, held: str) -> None:
    """Addresses in any case, of any page; ids as text or number."""
    assert deliver(stage, person(1, hubspot_owner_id=given)).totals["created"] == 1
    assert only(stage)["hubspot_owner_id"] == held


def test_an_address_that_is_no_owners_is_refused_before_sending(stage: Stage) -> None:
    """Unknown ones and one that two owners share; the reason says what to do, and repeats no address (G7)."""
    rows = [person(n, hubspot_owner_id=one) for n, one in enumerate(("nobody@example.com", "twin@example.com", "1001"))]
    result = deliver(stage, *rows, max_rejected_percent=100)
    assert (result.codes, list(by_key(stage))) == ({"invalid_option": 2}, ["K2"])
    assert stage.vendor.write_requests() == 1
    assert "nobody" not in result.log


def test_an_id_that_is_not_listed_is_left_to_hubspot(stage: Stage) -> None:
    """Owners who were deactivated have ids too."""
    result = deliver(stage, person(1, hubspot_owner_id="404404"))
    assert (result.codes, stage.vendor.write_requests()) == ({"invalid_option": 1}, 1)


def test_owners_are_read_once_and_only_where_they_are_written(stage: Stage) -> None:
    """Three pages for two streams; none for a stream without an owner."""
    deliver(stage, person(1, city="Bonn"))
    assert count(stage, "/owners") == 0
    rows = [person(n, hubspot_owner_id="owner1@example.com") for n in range(250)]
    messages = [
        message
        for stream in ("people", "others")
        for message in [
            {
                "type": "SCHEMA",
                "stream": stream,
                "schema": {"properties": {name: {} for name in rows[0]}},
                "key_properties": ["customer_id"],
            },
            *({"type": "RECORD", "stream": stream, "record": row} for row in rows),
        ]
    ]
    settings = {one: {"object": "contacts", "match_on": "customer_id"} for one in ("people", "others")}
    stage.run(messages, streams=settings)
    assert count(stage, "/owners") == 3


def test_the_same_owner_in_another_spelling_is_no_change(stage: Stage) -> None:
    """Address and id map to the same content (G4), also when the destination is compared."""
    deliver(stage, person(1, hubspot_owner_id="owner1@example.com"))
    again = deliver(stage, person(1, hubspot_owner_id=1001))
    fresh = {"ledger_url": f"sqlite:///{stage.root}/fresh.db", "compare_with": "destination"}
    compared = deliver(stage, person(1, hubspot_owner_id="OWNER1@example.com"), **fresh)
    assert (again.totals["unchanged"], compared.totals["unchanged"], stage.vendor.write_requests()) == (1, 1, 1)


def test_nobody_owns_a_record_whose_owner_is_empty(stage: Stage) -> None:
    """Null and an empty text unassign."""
    for value in (None, ""):
        deliver(stage, person(1, hubspot_owner_id="owner1@example.com"))
        deliver(stage, person(1, hubspot_owner_id=value))
        assert not only(stage).get("hubspot_owner_id")


def test_a_constant_owner_may_be_an_address(stage: Stage) -> None:
    """It is checked before the first record."""
    fields = {"customer_id": "customer_id", "email": "email", "hubspot_owner_id": {"value": "owner5@example.com"}}
    stream = {"object": "contacts", "match_on": "customer_id", "fields": fields}
    assert deliver(stage, person(1), stream=stream).totals["created"] == 1
    assert only(stage)["hubspot_owner_id"] == "1005"
    fields["hubspot_owner_id"] = {"value": "nobody@example.com"}
    assert deliver(stage, person(1), stream=stream).exit_code == 78


def test_a_plan_reads_owners_too(stage: Stage) -> None:
    """Its rejections are those of the run."""
    rows = [person(1, hubspot_owner_id="owner1@example.com"), person(2, hubspot_owner_id="nobody@example.com")]
    plan = deliver(stage, *rows, dry_run=True)
    assert (plan.exit_code, stage.vendor.write_requests()) == (0, 0)
    lines = next(stage.root.rglob("plan.jsonl")).read_text(encoding="utf-8")
    assert (lines.count("invalid_option"), lines.count('"create"')) == (1, 1)


@pytest.mark.parametrize("version", ["v3", "2026-09"])
def test_every_version_has_owners(stage: Stage, version: str) -> None:
    """Also at the older path."""
    result = deliver(stage, person(1, hubspot_owner_id="owner1@example.com"), api_version=version)
    assert (result.totals["created"], only(stage)["hubspot_owner_id"]) == (1, "1001")


def test_a_token_that_may_not_read_owners_still_writes_ids() -> None:
    """Addresses are refused with the scope that is missing; other external options are never looked up."""
    refusal = (403, {"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["crm.objects.owners.read"]}})
    hubspot = answering((200, DEFINITIONS), refusal)
    schema = hubspot.describe("contacts")
    known = hubspot.with_options(schema, ["hs_team", "hubspot_owner_id"])
    owner = known.fields["hubspot_owner_id"]
    assert (owner.type, owner.aliases, owner.pattern) == (FieldType.OPTION, {}, "^[^@]+$")
    assert "'crm.objects.owners.read'" in owner.remedy
    assert known.fields["hs_team"].pattern is None


def test_owners_that_cannot_be_read_for_now_end_the_run(account: Account) -> None:
    """A passing failure is repeated by the transport."""
    hubspot = account.connect()
    schema = hubspot.describe("contacts")
    account.faults({"kind": "503", "path": "*/owners*", "times": 2})
    assert hubspot.with_options(schema, ["hubspot_owner_id"]).fields["hubspot_owner_id"].aliases


@pytest.mark.parametrize(
    "body", [None, {}, {"results": None}, {"results": [], "paging": {"next": {"after": "1"}}}, {"results": ["x"]}]
)
def test_a_page_with_nothing_in_it_is_the_last(body: Any) -> None:
    """Odd answers end the list instead of repeating it for ever."""
    assert parse_page(body) == ([], None)


def test_owners_without_an_address_have_only_their_ids() -> None:
    """Queues have no address, and who left is archived."""
    owners = [{"id": 1}, {"id": "2", "email": None}, {"email": "a@b.io"}, {"id": 3, "email": "c@b.io"}]
    assert ids_by_address(owners) == {"c@b.io": "3"}
