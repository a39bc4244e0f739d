"""What recognises a record: a property with unique values, which is created on request where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .rows import api, count, define, deliver, live, only

if TYPE_CHECKING:
    from conformance.stage import Stage

CREATE = {"create_match_property": True}
TICKETS = {"object": "tickets", "match_on": "external_id"}


def ticket(n: int, **columns: Any) -> dict[str, Any]:
    """A ticket's row; the simulator's tickets have no unique property of their own."""
    return {"external_id": f"T{n}", "subject": f"Help {n}", "hs_pipeline_stage": "1", **columns}


def definition(stage: Stage, name: str = "external_id", object_name: str = "tickets") -> dict[str, Any]:
    """A property as HubSpot has it; empty where there is none."""
    found = api(stage, "GET", f"/crm/v3/properties/{object_name}")["results"]
    return next((one for one in found if one["name"] == name), {})


@pytest.mark.parametrize("load_method", ["upsert", "create", "mirror"])
def test_an_object_without_a_key_gets_one(stage: Stage, load_method: str) -> None:
    """Created once, with unique values; reruns, other ledgers and changes make no second record (pitfall 11)."""
    stream = {**TICKETS, "load_method": load_method}
    rows = [ticket(n) for n in range(150)]
    first = deliver(stage, *rows, stream=stream, **CREATE)
    assert (first.exit_code, first.totals["created"]) == (0, 150), first.error
    made = definition(stage)
    assert (made["hasUniqueValue"], made["type"], made["groupName"]) == (True, "string", "reverse_etl")
    again = deliver(stage, *rows, stream=stream, **CREATE)
    assert again.totals["unchanged"] == 150
    fresh = f"sqlite:///{stage.root}/fresh.db"
    lost = deliver(stage, *rows, stream=stream, **CREATE, ledger_url=fresh, max_rejected_percent=100)
    assert (lost.totals["created"], len(live(stage, "tickets"))) == (0, 150)


def test_a_number_is_a_key_too(stage: Stage) -> None:
    """The property is text, in which numbers compare exactly."""
    row = {**ticket(1), "external_id": 42}
    types = {"external_id": {"type": "integer"}}
    assert deliver(stage, row, stream=TICKETS, types=types, keys=("external_id",), **CREATE).totals["created"] == 1
    assert only(stage, "tickets")["external_id"] == "42"
    row["subject"] = "Other"
    assert deliver(stage, row, stream=TICKETS, types=types, keys=("external_id",), **CREATE).totals["updated"] == 1


@pytest.mark.parametrize("kind", ["cut_after", "502_after_commit", "truncated"])
def test_a_lost_reply_makes_no_second_record(stage: Stage, kind: str) -> None:
    """Neither of a property nor of a record (G2)."""
    stage.vendor.faults([{"kind": kind, "path": "*/batch/*", "method": "POST", "times": 2}])
    assert deliver(stage, *(ticket(n) for n in range(3)), stream=TICKETS, **CREATE).exit_code == 0
    assert len(live(stage, "tickets")) == 3


def test_a_plan_creates_no_key_and_finds_no_record(stage: Stage) -> None:
    """Nothing has a value in a property that does not exist: all records would be created."""
    plan = deliver(stage, ticket(1), ticket(2), stream={**TICKETS, "load_method": "create"}, **CREATE, dry_run=True)
    assert plan.exit_code == 0, plan.error
    text = next(stage.root.rglob("plan.jsonl")).read_text(encoding="utf-8")
    assert text.count('"create"') == 2
    assert (definition(stage), live(stage, "tickets")) == ({}, [])


def test_a_column_may_have_another_name(stage: Stage) -> None:
    """`fields` maps it; the rest of the stream's settings is still looked at before the first record."""
    fields = {"external_id": "id", "subject": "subject", "hs_pipeline_stage": "hs_pipeline_stage"}
    row = {"id": 1, "subject": "Help", "hs_pipeline_stage": "1"}
    assert deliver(stage, row, stream={**TICKETS, "fields": fields}, **CREATE).totals["created"] == 1
    result = deliver(stage, row, stream={**TICKETS, "fields": {**fields, "subjekt": "subject"}}, **CREATE)
    assert (result.exit_code, "Did you mean 'subject'?" in result.error) == (78, True)


def test_both_kinds_of_properties_are_created_together(stage: Stage) -> None:
    """The key is unique and the others are not."""
    row = ticket(1, churn=1.5)
    types = {"churn": {"type": "number"}}
    assert deliver(stage, row, stream=TICKETS, types=types, **CREATE, create_properties=True).exit_code == 0
    assert (definition(stage)["hasUniqueValue"], definition(stage, "churn")["hasUniqueValue"]) == (True, False)


def test_contacts_are_adopted_by_a_second_field(stage: Stage) -> None:
    """Records that exist get their key, and are not made anew."""
    api(stage, "DELETE", "/crm/v3/properties/contacts/customer_id")
    api(stage, "POST", "/crm/v3/objects/contacts", {"properties": {"email": "ada@example.com"}})
    row = {"crm_id": "K1", "email": "Ada@example.com", "city": "Bonn"}
    result = deliver(stage, row, stream={"object": "contacts", "match_on": ["crm_id", "email"]}, **CREATE)
    assert (result.exit_code, result.totals["updated"]) == (0, 1), result.error
    assert only(stage)["crm_id"] == "K1"


# -- refusals


@pytest.mark.parametrize(
    ("stream", "settings", "words"),
    [
        # not unique, and never can be (pitfalls 4 and 11)
        ({"object": "tickets", "match_on": "subject"}, {}, ("'subject'", "create_match_property: true", "changed")),
        ({"object": "tickets", "match_on": "subject"}, CREATE, ("'subject'", "create_match_property: true")),
        ({"object": "deals", "match_on": "dealname"}, CREATE, ("'dealname'", "customer_id")),
        # not there
        (TICKETS, {}, ("'external_id'", "create_match_property: true")),
        # a name that is not quite right would make all records anew
        ({"object": "deals", "match_on": "custmer_id"}, CREATE, ("'custmer_id'", "match_on: customer_id")),
        ({"object": "contacts", "match_on": "custmer_id"}, CREATE, ("'custmer_id'", "match_on: customer_id")),
        ({"object": "tickets", "match_on": "External Id"}, CREATE, ("'External Id'", "external_id")),
        # nothing says what recognises a record
        ({"object": "tickets"}, CREATE, ("'match_on'", "create_match_property")),
        # no column fills it
        ({"object": "tickets", "match_on": "nobody_fills"}, CREATE, ("'nobody_fills'",)),
    ],
)
def test_what_cannot_recognise_records_is_refused(
    stage: Stage, stream: dict[str, Any], settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    """Exit code 78, with the alternatives, and neither a property nor a record is created."""
    row = {"subject": "a", "dealname": "b", "external_id": "c", "custmer_id": "d", "External Id": "e"}
    names = set(stream) and [stream.get("match_on", "subject")]
    columns = {name: row[name] for name in names if name in row} or {"subject": "a"}
    result = deliver(stage, columns, stream=stream, **settings)
    assert result.exit_code == 78
    assert all(word in result.error for word in words), result.error
    assert (stage.vendor.write_requests(), count(stage, "/groups")) == (0, 0)


def test_an_archived_property_that_comes_back_must_be_unique(stage: Stage) -> None:
    """The simulator makes it anew; a property that HubSpot restored without unique values would be refused."""
    define(stage, "external_id", "string", "text", object_name="tickets")
    api(stage, "DELETE", "/crm/v3/properties/tickets/external_id")
    assert deliver(stage, ticket(1), stream=TICKETS, **CREATE).exit_code == 0
    assert definition(stage)["hasUniqueValue"] is True


def test_a_token_that_may_only_write_records_is_told(stage: Stage) -> None:
    """The scope for definitions is named, and nothing is written."""
    stage.vendor.control(
        "scopes", {"hubspot": {"pat-records": ["crm.objects.tickets.read", "crm.objects.tickets.write"]}}
    )
    result = deliver(stage, ticket(1), stream=TICKETS, **CREATE, access_token="pat-records")
    assert (result.exit_code, "crm.schemas.tickets.write" in result.error) == (78, True), result.error
    assert live(stage, "tickets") == []
