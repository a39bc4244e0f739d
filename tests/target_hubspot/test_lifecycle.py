"""Lifecycle stages: steps back that HubSpot answers with success and does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.operations import Batch, Missing, Rejected, Unanswered, Verb, Written
from target_hubspot.lifecycle import CLEAR_THEN_SET, FORBID

from .hubspot_account import answering, operation
from .rows import api, by_key, count, define, deliver, live, only, person

if TYPE_CHECKING:
    from conformance.stage import Stage

    from reverse_etl_core.operations import Outcome
    from reverse_etl_core.schema import ObjectSchema

BACK = {"lifecycle_stage": CLEAR_THEN_SET}


def stages(stage: Stage) -> dict[str, str]:
    """Stages by customer id."""
    return {key: one.get("lifecyclestage", "") for key, one in by_key(stage).items()}


def requests_of(stage: Stage) -> list[str]:
    """Ends of the paths of batch requests, in their order."""
    log = stage.vendor.control("requests?last=100")["last"]
    return [one["path"].rsplit("/", 1)[-1] for one in reversed(log) if "/batch/" in one["path"]]


def test_a_step_forward_costs_no_request_of_its_own(stage: Stage) -> None:
    """The answer shows the stage that was written."""
    for one in ("lead", "Customer", "evangelist"):
        assert deliver(stage, person(1, lifecyclestage=one)).exit_code == 0
    assert (stages(stage), count(stage, "batch/read"), stage.vendor.write_requests()) == ({"K1": "evangelist"}, 0, 3)


def test_a_step_back_is_rejected_and_not_reported_as_delivered(stage: Stage) -> None:
    """One read of the doubtful ones; everything else of the record is written, and the reason says so."""
    deliver(stage, *(person(n, lifecyclestage="customer") for n in range(3)))
    rows = [person(n, lifecyclestage=one, city="Bonn") for n, one in enumerate(("lead", "evangelist", "customer"))]
    result = deliver(stage, *rows)
    assert (result.codes, result.totals["updated"]) == ({"validation_rule": 1}, 2)
    assert stages(stage) == {"K0": "customer", "K1": "evangelist", "K2": "customer"}
    assert {one["city"] for one in live(stage)} == {"Bonn"}
    assert (count(stage, "batch/read"), stage.vendor.write_requests()) == (1, 2)
    again = deliver(stage, *rows)
    assert (again.totals["unchanged"], again.totals["rejected"], stage.vendor.write_requests()) == (2, 1, 2)


def test_a_step_back_is_carried_out_on_request(stage: Stage) -> None:
    """Cleared in one request, set in the next, for those records only; a rerun is free (G4)."""
    deliver(stage, *(person(n, lifecyclestage="customer") for n in range(150)), **BACK)
    before = len(requests_of(stage))
    rows = [person(n, lifecyclestage="lead" if n % 2 else "evangelist") for n in range(150)]
    result = deliver(stage, *rows, **BACK, concurrency=1)
    assert (result.codes, result.totals["updated"]) == ({}, 150)
    assert stages(stage) == {one["customer_id"]: one["lifecyclestage"] for one in rows}
    assert requests_of(stage)[before:] == ["update", "read", "update", "update"] * 2
    again = deliver(stage, *rows, **BACK)
    assert (again.totals["unchanged"], len(requests_of(stage))) == (150, before + 8)


@pytest.mark.parametrize(("load_method", "match_on"), [("update", "email"), ("upsert", "hs_object_id")])
@pytest.mark.parametrize("policy", [FORBID, CLEAR_THEN_SET])
def test_updates_notice_it_too(stage: Stage, load_method: str, match_on: str, policy: str) -> None:
    """Whatever a record is recognised by."""
    deliver(stage, person(1, lifecyclestage="customer"))
    (stage.root / "ledger.db").unlink()  # rows by another key are other rows
    row = {"email": "k1@example.com", "hs_object_id": only(stage)["id"], "lifecyclestage": "lead"}
    stream = {"object": "contacts", "match_on": match_on, "load_method": load_method}
    columns = {match_on: row[match_on], "lifecyclestage": "lead"}
    result = deliver(stage, columns, stream=stream, lifecycle_stage=policy, max_rejected_percent=100)
    expected: Any = ({"validation_rule": 1}, "customer") if policy == FORBID else ({}, "lead")
    assert (result.codes, only(stage)["lifecyclestage"]) == expected


def test_companies_have_stages_as_well(stage: Stage) -> None:
    """The same rule holds for every object with the property."""
    stream = {"object": "companies", "match_on": "customer_id"}
    for one in ("customer", "lead"):
        row = {"customer_id": "K1", "name": "Acme", "lifecyclestage": one}
        result = deliver(stage, row, stream=stream, max_rejected_percent=100)
    assert (result.codes, only(stage, "companies")["lifecyclestage"]) == ({"validation_rule": 1}, "customer")


def test_stages_of_the_account_itself_have_no_order_that_is_guessed(stage: Stage) -> None:
    """HubSpot takes them from and to anywhere, and then so does the target; their labels name them."""
    options = [("customer", "Customer"), ("lead", "Lead"), ("7001", "Churned")]
    body = {"options": [{"value": value, "label": label} for value, label in options]}
    api(stage, "PATCH", "/crm/v3/properties/contacts/lifecyclestage", body)
    for one, held in (("customer", "customer"), ("churned", "7001"), ("lead", "lead")):
        assert deliver(stage, person(1, lifecyclestage=one)).codes == {}
        assert only(stage)["lifecyclestage"] == held


def test_clearing_a_stage_is_no_step_back(stage: Stage) -> None:
    """A null clears, in one request."""
    deliver(stage, person(1, lifecyclestage="customer"))
    assert deliver(stage, person(1, lifecyclestage=None)).totals["updated"] == 1
    assert (only(stage).get("lifecyclestage") or "", count(stage, "batch/read")) == ("", 0)


@pytest.mark.parametrize("fault", ["500", "cut_before", "cut_after"])
def test_a_stage_that_was_only_cleared_is_set_by_the_next_run(stage: Stage, fault: str) -> None:
    """The run fails between the two requests; nothing is reported as delivered, and the next run completes it."""
    deliver(stage, person(1, lifecyclestage="customer"), **BACK)
    stage.vendor.faults([{"kind": fault, "path": "*/batch/update", "after": 1, "times": 99}])
    failed = deliver(stage, person(1, lifecyclestage="lead"), **BACK)
    assert (failed.exit_code != 0, failed.states) == (True, [])
    stage.vendor.faults([])
    assert deliver(stage, person(1, lifecyclestage="lead"), **BACK).exit_code == 0
    assert only(stage)["lifecyclestage"] == "lead"


def test_a_property_of_the_same_name_elsewhere_is_watched_too(stage: Stage) -> None:
    """Watching costs nothing where answers show what was written."""
    define(stage, "lifecyclestage", "string", "text", object_name="deals")
    stream = {"object": "deals", "match_on": "customer_id"}
    for one in ("b", "a"):
        row = {"customer_id": "K1", "dealname": "D", "dealstage": "closedwon", "lifecyclestage": one}
        assert deliver(stage, row, stream=stream).codes == {}
    assert count(stage, "batch/read") == 0


# -- answers that no simulator gives


def answer(*results: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    """A complete batch answer."""
    return 200, {"status": "COMPLETE", "results": list(results), **more}


def shown(record_id: str, stage: str | None = None) -> dict[str, Any]:
    """A result; the stage is left out where none is given."""
    properties = {} if stage is None else {"lifecyclestage": stage}
    return {"id": record_id, "properties": {"customer_id": f"c{record_id}", **properties}}


def written(schema: ObjectSchema, *answers: tuple[int, dict[str, Any]], policy: str = FORBID) -> list[Outcome]:
    """Outcomes of two records whose stage becomes `lead`."""
    hubspot = answering(*answers, lifecycle_stage=policy)
    ones = [operation(f"c{n}", customer_id=f"c{n}", lifecyclestage="lead") for n in (1, 2)]
    return hubspot.write(Batch(Verb.UPSERT, schema, "customer_id", tuple(ones)))


def test_an_answer_without_the_stage_is_completed_by_a_read(contacts: ObjectSchema) -> None:
    """Silence about the stage is no refusal."""
    found = written(contacts, answer(shown("1"), shown("2", "lead")), answer(shown("1", "lead")))
    assert [type(one) for one in found] == [Written, Written]


def test_a_record_that_is_gone_by_then_has_no_stage(contacts: ObjectSchema) -> None:
    """It was written, which is what the answer said; that it was archived since is another story."""
    gone = {"category": "OBJECT_NOT_FOUND", "message": "Could not get", "context": {"ids": ["1"]}}
    found = written(contacts, answer(shown("1"), shown("2", "lead")), answer(errors=[gone]))
    assert [type(one) for one in found] == [Written, Written]


def test_new_records_are_not_asked_about(contacts: ObjectSchema) -> None:
    """There was no stage that could have been kept."""
    found = written(contacts, answer({**shown("1"), "new": True}, {**shown("2"), "new": True}))
    assert [type(one) for one in found] == [Written, Written]


def test_what_becomes_of_either_step_becomes_of_the_record(contacts: ObjectSchema) -> None:
    """A record that vanishes is found anew, one that is refused or kept again is rejected, silence is no success."""
    first, read = answer(shown("1"), shown("2")), answer(shown("1", "customer"), shown("2", "customer"))
    refusal = {"category": "VALIDATION_ERROR", "message": "no", "context": {"objectWriteTraceId": ["1"]}}
    refused = (207, {"status": "COMPLETE", "results": [shown("1", "")], "errors": [refusal]})
    back = {"policy": CLEAR_THEN_SET}
    found = written(contacts, first, read, refused, answer(shown("1", "lead")), **back)
    assert [type(one) for one in found] == [Written, Rejected]
    found = written(contacts, first, read, answer(shown("2", "")), answer(shown("2", "lead")), **back)
    assert [type(one) for one in found] == [Missing, Written]
    kept = answer(shown("1", "customer"), shown("2", "lead"))
    found = written(contacts, first, read, answer(shown("1", ""), shown("2", "")), kept, read, **back)
    assert [type(one) for one in found] == [Rejected, Written]
    pending = (200, {"status": "PROCESSING", "results": []})
    found = written(contacts, first, read, answer(shown("1", ""), shown("2", "")), pending, **back)
    assert [type(one) for one in found] == [Unanswered, Unanswered]


def test_two_rows_of_one_record_do_not_fight(contacts: ObjectSchema) -> None:
    """The stage of one of them is set, and the other one is rejected."""
    both = {"id": "1", "properties": {}}
    first = answer({**both, "objectWriteTraceId": "0"}, {**both, "objectWriteTraceId": "1"})
    read, empty, again = (answer(shown("1", one)) for one in ("customer", "", "lead"))
    found = written(contacts, first, read, empty, again, policy=CLEAR_THEN_SET)
    assert [type(one) for one in found] == [Rejected, Written]
