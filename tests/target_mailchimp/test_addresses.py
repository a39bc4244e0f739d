"""Changed addresses over HTTP: one person stays one contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import DOMAIN, RICH, keyed, properties

if TYPE_CHECKING:
    from conformance.stage import Stage

    from .conftest import MailchimpVendor, Person


@pytest.fixture
def seed() -> dict[str, Any]:
    """An account with all that an audience can have."""
    return RICH


CONFIG = {"unknown_fields": "drop"}


def test_pitfall_36_a_changed_address_keeps_the_contact(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """The contact keeps its id and tags, gets no mail, and is one contact."""
    stage.run(keyed(stage, "old", tags=["x"]), **CONFIG)
    before, mails = properties(vendor, "OLD")["contact_id"], vendor.events("welcome_mail")
    result = stage.run(keyed(stage, "New"), **CONFIG)
    assert result.totals["updated"] == 1
    assert (properties(vendor, "NEW")["contact_id"], person.tags("NEW")) == (before, ["x"])
    assert "OLD" not in vendor.records()
    assert vendor.events("welcome_mail").total() == mails.total()


def test_pitfall_36_case_and_blanks_do_not_make_another_contact(stage: Stage, vendor: MailchimpVendor) -> None:
    """The hash is that of the trimmed lower-case address; a changed case changes nothing at all."""
    stage.run(keyed(stage, f" Ada{DOMAIN.upper()} "), **CONFIG)
    effects = vendor.side_effects()
    stage.run(keyed(stage, "aDA"), **CONFIG)
    assert [one["email_address"] for one in vendor.records()["ADA"]] == [f"ada{DOMAIN}"]
    assert vendor.side_effects() == effects


def test_pitfall_36_an_address_of_somebody_else_is_a_conflict(
    stage: Stage, vendor: MailchimpVendor, person: Person
) -> None:
    """Both contacts stay as they are."""
    person.add("TAKEN", merge_fields={"FNAME": "other"})
    stage.run(keyed(stage, "old"), **CONFIG)
    assert stage.run(keyed(stage, "taken"), **CONFIG).codes == {"conflict": 1}
    assert properties(vendor, "TAKEN")["FNAME"] == "other"
    assert properties(vendor, "OLD")["FNAME"] == "x"


@pytest.mark.parametrize("kind", ["cut_after", "502_after_commit"])
@pytest.mark.parametrize("load_method", ["upsert", "update"])
def test_a_lost_reply_to_a_changed_address_makes_no_second_contact(
    stage: Stage, vendor: MailchimpVendor, kind: str, load_method: str
) -> None:
    """The repeat meets the old hash gone, and finds the contact under the new one."""
    stage.run(keyed(stage, "old"), **CONFIG)
    vendor.faults([{"kind": kind, "path": "*/members/*", "method": "PATCH", "times": 1}])
    config = {**CONFIG, "stream": {"load_method": load_method}}
    result = stage.run(keyed(stage, "new", FNAME="second"), **config)
    assert (result.totals["updated"], result.totals["created"]) == (1, 0)
    assert set(vendor.records()) == {"NEW", "FIRST"}
    assert properties(vendor, "NEW")["FNAME"] == "second"


def test_a_contact_that_changed_its_own_address_is_not_created_by_an_update(
    stage: Stage, vendor: MailchimpVendor, person: Person
) -> None:
    """`load_method: update` goes to the member's own path: the old address is free, and stays free."""
    stage.deliver([stage.record(1)])
    person.change("K1", email_address=f"moved{DOMAIN}")
    result = stage.deliver([stage.record(1, "second")], stream={"load_method": "update"})
    assert result.codes == {"not_found": 1}
    assert set(vendor.records()) == {"MOVED", "FIRST"}


def test_no_request_names_an_address(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """G7: paths and parameters are logged by many; they hold hashes."""
    person.add("OLD", tags=["crm: a"])
    asked = len(vendor.control("requests?last=200")["last"])
    for load_method in ("upsert", "create", "update"):
        rows = [stage.record(n, load_method, tags=[]) for n in range(2)] + [{"email_address": "old", "tags": []}]
        stage.deliver(rows, stream={"load_method": load_method}, tag_prefix="crm: ", resubscribe="always")
    paths = [str(one) for one in vendor.control("requests?last=200")["last"][:-asked]]
    assert not [path for path in paths if "shop.example" in path or "%40" in path]
