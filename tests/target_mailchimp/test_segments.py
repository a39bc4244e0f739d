"""Static segments over HTTP: who is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import DOMAIN, LIST_ID, PRESS, RICH, keyed

if TYPE_CHECKING:
    from conformance.stage import Stage

    from saas_simulators import SimulatorServer

    from .conftest import MailchimpVendor, Person


@pytest.fixture
def seed() -> dict[str, Any]:
    """An account with all that an audience can have."""
    return RICH


SUMMER = {"object": "segments/Summer", "unknown_fields": "drop"}


def segment(simulator: SimulatorServer, list_id: str, name: str) -> Any:
    """A static segment of an audience."""
    return simulator.mailchimp.audiences[list_id].segment(name)


def test_a_segment_is_created_on_demand_and_filled(
    stage: Stage, vendor: MailchimpVendor, simulator: SimulatorServer, person: Person
) -> None:
    """600 members join in two calls; who is no member is a reject of its own."""
    for n in range(600):
        person.add(f"K{n}")
    before = vendor.writes()
    rows = [{"email_address": f"K{n}"} for n in range(601)]
    result = stage.deliver(rows, stream=SUMMER)
    assert (result.totals["created"], result.codes) == (600, {"reference_not_found": 1})
    assert vendor.writes() - before == {"POST /segments": 1, "POST /segments/{segment_id}": 2}
    assert len(segment(simulator, LIST_ID, "summer").members) == 600


def test_a_segment_that_exists_is_found_by_its_name(stage: Stage, simulator: SimulatorServer) -> None:
    """Of another audience too; a rerun is free, and a member that is in there already is fine."""
    stage.deliver([stage.record(1)], stream={"object": "Press"})
    config = {"stream": {**SUMMER, "object": "press/segments/SPRING"}}
    assert stage.deliver([{"email_address": "K1"}], **config).totals["created"] == 1
    assert stage.deliver([{"email_address": "K1"}], **config).totals["unchanged"] == 1
    again = stage.deliver([{"email_address": "K1"}], ledger_url=f"sqlite:///{stage.root}/new.db", **config)
    assert again.totals["updated"] == 1
    assert len(segment(simulator, PRESS, "Spring").members) == 1


def test_a_renamed_segment_is_the_same_no_more(stage: Stage, simulator: SimulatorServer, person: Person) -> None:
    """The ledger knows segments by id: one that was renamed away is made and filled anew."""
    config = {"stream": SUMMER}
    stage.deliver([{"email_address": "FIRST"}], **config)
    number = segment(simulator, LIST_ID, "Summer").id
    person.call("PATCH", f"/segments/{number}", {"name": "Winter"})
    assert stage.deliver([{"email_address": "FIRST"}], **config).totals["created"] == 1
    assert len(segment(simulator, LIST_ID, "Summer").members) == 1


def test_a_changed_address_moves_the_membership(stage: Stage, simulator: SimulatorServer, person: Person) -> None:
    """The new address joins and the old one leaves."""
    person.add("OLD")
    person.add("NEW")
    for key in ("OLD", "NEW"):
        stage.run(keyed(stage, key), stream=SUMMER)
    found = segment(simulator, LIST_ID, "Summer")
    assert [one.email for one in simulator.mailchimp.audiences[LIST_ID].tagged(found)] == [f"NEW{DOMAIN}"]


@pytest.mark.parametrize(("load_method", "code"), [("create", "already_exists"), ("update", "not_found")])
def test_memberships_are_found_by_the_tags_of_a_member(
    stage: Stage, person: Person, load_method: str, code: str
) -> None:
    """`create` refuses who is in the segment already, `update` who is not."""
    name = "Summer"
    person.add("IN", tags=[name])
    person.add("OUT")
    key = "IN" if load_method == "create" else "OUT"
    config = {**SUMMER, "load_method": load_method}
    assert stage.deliver([{"email_address": key}], stream=config).codes == {code: 1}


def test_meltanos_connection_test_creates_no_segment(
    stage: Stage, vendor: MailchimpVendor, caplog: pytest.LogCaptureFixture
) -> None:
    """A segment that is missing is named, and a run would make it."""
    before = vendor.writes()
    test = {"type": "SCHEMA", "stream": "meltano_test_stream", "schema": {"properties": {}}, "key_properties": []}
    with caplog.at_level("INFO"):
        result = stage.run([test], stream={**SUMMER, "object": "segments/New one"})
    assert (result.exit_code, vendor.writes() - before) == (0, {})
    assert "Segment 'New one'" in caplog.text


def test_a_plan_creates_no_segment(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """A segment that is missing is imagined as empty: who is a member would join."""
    person.add("K1")
    before = vendor.writes()
    result = stage.deliver([{"email_address": "K1"}], stream={**SUMMER, "object": "segments/New one"}, dry_run=True)
    assert (result.exit_code, vendor.writes()) == (0, before)
    (lines,) = stage.root.glob("reports/*/plan.jsonl")
    assert '"action":"create"' in lines.read_text(encoding="utf-8")
