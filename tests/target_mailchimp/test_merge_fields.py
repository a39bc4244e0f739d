"""Merge fields on request, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import RICH, properties

if TYPE_CHECKING:
    from conformance.stage import Stage

    from saas_simulators.mailchimp.audience import Audience

    from .conftest import MailchimpVendor


@pytest.fixture
def seed() -> dict[str, Any]:
    """An account with all that an audience can have."""
    return RICH


def typed(stage: Stage, row: dict[str, Any], types: dict[str, Any]) -> list[Any]:
    """A message whose SCHEMA has types."""
    schema, *rest = stage.messages([row])
    schema["schema"]["properties"] |= types
    return [schema, *rest]


def test_merge_fields_are_created_on_request(stage: Stage, vendor: MailchimpVendor, audience: Audience) -> None:
    """Each column gets a field of its type, and finds it again by its own name in the next run."""
    row = {"email_address": "ada", "customer_since": "2020-01-02", "seats_in_use": 7, "plan_name": "pro", "note": "x"}
    types = {
        "customer_since": {"type": ["null", "string"], "format": "date"},
        "seats_in_use": {"type": ["null", "integer"]},
        "plan_name": {"enum": ["free", "pro"]},
    }
    result = stage.run(typed(stage, row, types), create_merge_fields=True)
    assert result.totals["created"] == 1
    made = {one.name: (tag, one.type) for tag, one in audience.fields.by_tag.items()}
    assert {name: made[name] for name in row if name in made} == {
        "customer_since": ("CUSTOMERSI", "date"),
        "seats_in_use": ("SEATSINUSE", "number"),
        "plan_name": ("PLAN_NAME", "dropdown"),
        "note": ("NOTE", "text"),
    }
    found = properties(vendor, "ADA")
    assert (found["CUSTOMERSI"], found["SEATSINUSE"], found["PLAN_NAME"]) == ("2020-01-02", 7, "pro")
    again = stage.run(typed(stage, row | {"note": "y"}, types), create_merge_fields=True)
    assert (again.totals["updated"], properties(vendor, "ADA")["NOTE"]) == (1, "y")
    assert vendor.writes()["POST /merge-fields"] == 4


def test_without_the_setting_an_unknown_column_is_refused(stage: Stage, vendor: MailchimpVendor) -> None:
    """Nothing is created, and the column is named."""
    result = stage.deliver([{"email_address": "ada", "seats": 7}])
    assert (result.exit_code, "seats" in result.error) == (78, True)
    assert vendor.write_requests() == 0


def test_a_merge_field_too_many_is_refused_with_its_column(stage: Stage, vendor: MailchimpVendor) -> None:
    """An audience has room for 30; what does not fit is named before a record is sent."""
    row = {"email_address": "ada"} | {f"column_{n}": n for n in range(40)}
    result = stage.deliver([row], create_merge_fields=True)
    assert (result.exit_code, "column_" in result.error) == (78, True)
    assert vendor.writes()["POST /"] == 0


def test_parts_of_other_fields_are_not_made_up(stage: Stage) -> None:
    """A misspelt interest is a mistake and no merge field."""
    result = stage.deliver([{"email_address": "ada", "interests.Leters": "Weekly"}], create_merge_fields=True)
    assert result.exit_code == 78
    assert "interests.Letters" in result.error


def test_a_plan_creates_no_merge_field(stage: Stage, vendor: MailchimpVendor) -> None:
    """Those that are missing are imagined as texts: what would go into them is shown, and nothing is asked of them."""
    stage.deliver([{"email_address": "ada"}])
    before = vendor.writes()
    row = {"email_address": "ada", "note": "x"}
    result = stage.deliver([row, {"email_address": "bob", "note": "y"}], create_merge_fields=True, dry_run=True)
    assert (result.exit_code, vendor.writes()) == (0, before)
    (path,) = stage.root.glob("reports/*/plan.jsonl")
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["action"], line["fields"].get("note")) for line in lines] == [
        ("update", [None, "x"]),
        ("create", [None, "y"]),
    ]
