"""Enumerations: options by label or by value, and several of them in place of or beside those that a record has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from target_hubspot.objects import core_object, object_schema

from .rows import api, by_key, define, deliver, only, person

if TYPE_CHECKING:
    from conformance.stage import Stage

REGIONS = [("emea", "Europe & Africa"), ("apac", "Asia"), ("amer", "The Americas")]
STAGES = [("7", "Open"), ("8", "Won"), ("17", "Open"), ("low", "High"), ("high", "Top")]
APPENDING = {
    "object": "contacts",
    "match_on": "customer_id",
    "fields": {
        "customer_id": "customer_id",
        "email": "email",
        "regions": {"from": "regions", "write": "append"},
    },
}


@pytest.fixture(autouse=True)
def _properties(stage: Stage) -> None:
    define(stage, "regions", "enumeration", "checkbox", options=REGIONS)
    define(stage, "phase", "enumeration", "select", options=STAGES)


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ("apac", "apac"),
        ("Asia", "apac"),
        (" ASIA ", "apac"),
        ("asia; emea", "apac;emea"),
        (["Europe & Africa", "amer"], "emea;amer"),
        (["emea", "Europe & africa", "emea"], "emea"),
        (["apac", None, ""], "apac"),
    ],
)
def test_options_go_by_their_labels_or_their_values(stage: Stage, given: Any, held: str) -> None:
    """Labels whatever their case; a label and its value are the same option."""
    assert deliver(stage, person(1, regions=given)).totals["created"] == 1
    assert only(stage)["regions"] == held


@pytest.mark.parametrize(
    ("given", "held"), [("7", "7"), (8, "8"), ("won", "8"), ("Top", "high"), ("high", "high"), ("low", "low")]
)
def test_one_option_goes_by_its_label_or_its_value(stage: Stage, given: Any, held: str) -> None:
    """Stages have numbers for names, which nobody has in a warehouse."""
    assert deliver(stage, person(1, phase=given)).totals["created"] == 1
    assert only(stage)["phase"] == held


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("phase", "Open"),  # two stages are called so
        ("phase", "High"),  # the label of one is the value of another, but for its case
        ("phase", "LOW"),  # values are compared with regard to case
        ("phase", "9"),
        ("regions", ["apac", "Mars"]),
        ("regions", "apac,emea"),
    ],
)
def test_what_names_no_option_for_sure_is_refused_before_sending(stage: Stage, column: str, value: Any) -> None:
    """Nobody guesses which of two options is meant."""
    result = deliver(stage, person(1, **{column: value}), person(2))
    assert (result.codes, result.totals["created"]) == ({"invalid_option": 1}, 1)
    assert stage.vendor.write_requests() == 1


def test_a_label_instead_of_a_value_is_no_change(stage: Stage) -> None:
    """Both map to the same content, so that a rerun makes no call (G4)."""
    deliver(stage, person(1, regions=["Asia"], phase="Won"))
    result = deliver(stage, person(1, regions="apac", phase="8"))
    assert (result.totals["unchanged"], stage.vendor.write_requests()) == (1, 1)


def test_several_options_take_the_place_of_those_that_were_there(stage: Stage) -> None:
    """Replacing is the default; an empty list clears."""
    deliver(stage, person(1, regions=["emea", "apac"]))
    deliver(stage, person(1, regions=["amer"]))
    assert only(stage)["regions"] == "amer"
    deliver(stage, person(1, regions=[]))
    assert not only(stage).get("regions")


@pytest.mark.parametrize("load_method", ["upsert", "update"])
def test_options_are_added_to_those_that_a_record_has(stage: Stage, load_method: str) -> None:
    """`write: append` keeps what others chose, adds ours once, and a null or an empty list takes nothing away."""
    deliver(stage, person(1, regions=["emea"]), person(2))
    stream = {**APPENDING, "load_method": load_method}
    for regions in (["Asia"], ["apac", "emea"], None, []):
        result = deliver(stage, person(1, regions=regions), person(2, regions=["amer"]), stream=stream)
        assert result.exit_code == 0, result.error
    held = by_key(stage)
    assert (set(held["K1"]["regions"].split(";")), held["K2"]["regions"]) == ({"emea", "apac"}, "amer")


def test_adding_the_same_options_again_is_free(stage: Stage) -> None:
    """The same content makes no call, although a person took an option away meanwhile (G4)."""
    first = deliver(stage, person(1, regions=["emea", "apac"]), stream=APPENDING)
    assert only(stage)["regions"] == "emea;apac"
    body = {"properties": {"regions": "emea"}}
    api(stage, "PATCH", f"/crm/v3/objects/contacts/{only(stage)['id']}", body)
    again = deliver(stage, person(1, regions=["emea", "apac"]), stream=APPENDING)
    assert (first.totals["created"], again.totals["unchanged"], stage.vendor.write_requests()) == (1, 1, 1)
    assert only(stage)["regions"] == "emea"


def test_a_new_record_gets_its_options_without_a_leading_separator(stage: Stage) -> None:
    """Where records are created and not upserted, there is nothing to add to."""
    deliver(stage, person(1, regions=["emea", "apac"]), stream={**APPENDING, "load_method": "create"})
    assert only(stage)["regions"] == "emea;apac"


def test_what_a_record_has_beside_ours_is_no_difference(stage: Stage) -> None:
    """`compare_with: destination` writes only where one of ours is missing; a plan shows all that there would be."""
    deliver(stage, person(1, regions=["emea", "apac"]), person(2, regions=["amer"]))
    fresh = {"ledger_url": f"sqlite:///{stage.root}/fresh.db", "compare_with": "destination"}
    rows = [person(1, regions=["apac"]), person(2, regions=["apac"])]
    plan = deliver(stage, *rows, stream=APPENDING, **fresh, dry_run=True)
    assert plan.exit_code == 0, plan.error
    text = next(stage.root.rglob("plan.jsonl")).read_text(encoding="utf-8")
    assert '["amer","apac"]' in text.replace(" ", "")
    result = deliver(stage, *rows, stream=APPENDING, **fresh)
    assert (result.totals["unchanged"], result.totals["updated"]) == (1, 1)
    assert set(by_key(stage)["K2"]["regions"].split(";")) == {"amer", "apac"}


def test_clearing_leaves_what_is_only_added_to(stage: Stage) -> None:
    """Which options of such a property are ours is not known, so a removal takes none away (G5)."""
    stream = {**APPENDING, "on_removed": "clear", "source_key": ["customer_id"]}
    deliver(stage, person(1, regions=["emea"]), stream=stream, keys=("customer_id",))
    gone = {"customer_id": "K1", "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
    result = deliver(stage, {**person(1, regions=["emea"]), **gone}, stream=stream, keys=("customer_id",))
    assert result.totals["removed"] == 1
    held = only(stage)
    assert (held.get("email") or "", held["regions"]) == ("", "emea")


@pytest.mark.parametrize("name", ["phase", "city", "churn_risk"])
def test_only_what_takes_several_options_can_be_added_to(stage: Stage, name: str) -> None:
    """Exit code 78 before the first record, naming the field and the way out."""
    fields = {"customer_id": "customer_id", name: {"from": "x", "write": "append"}}
    result = deliver(stage, {"customer_id": "K1", "x": "7"}, stream={**APPENDING, "fields": fields})
    assert result.exit_code == 78
    assert f"'{name}'" in result.error
    assert "'write: append'" in result.error
    assert stage.vendor.write_requests() == 0


def test_labels_that_are_missing_or_shared_are_no_spellings() -> None:
    """Definitions as the API gives them, with holes."""
    options = [
        {"value": "a", "label": "One"},
        {"value": "b", "label": "ONE"},
        {"value": "c"},
        {"value": "d", "label": None},
        {"value": "e", "label": " Two "},
        {"label": "no value"},
        "no option",
        {"value": "f", "label": "F"},
    ]
    kind = core_object("contacts")
    assert kind is not None
    one = {"name": "size", "type": "enumeration", "fieldType": "select", "options": options}
    field = object_schema(kind, {"results": [one]}).fields["size"]
    assert field.aliases == {"two": "e", "f": "f"}
