"""Properties that are created because a stream has a column for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.errors import AuthError, ConfigError
from target_hubspot.definitions import definition

from .hubspot_account import Account, answering
from .rows import api, count, deliver, only, person

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.stage import Stage

    from reverse_etl_core.schema import ObjectSchema

CREATE = {"create_properties": True}
TEXT = {"type": ["null", "string"]}
KINDS: dict[str, tuple[dict[str, Any], str, str, Any, str]] = {
    # column: its JSON Schema, HubSpot's type and field type, a value, and what HubSpot keeps
    "my_text": (TEXT, "string", "text", "a", "a"),
    "my_number": ({"type": ["number", "null"]}, "number", "number", 1.5, "1.5"),
    "my_integer": ({"type": "integer"}, "number", "number", 7, "7"),
    "my_either": ({"type": ["integer", "number", "null"]}, "number", "number", 7, "7"),
    "my_flag": ({"type": ["null", "boolean"]}, "bool", "booleancheckbox", True, "true"),
    "my_day": ({"type": ["null", "string"], "format": "date"}, "date", "date", "2026-03-29", "2026-03-29"),
    "my_moment": (
        {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        "datetime",
        "date",
        "2026-03-29T01:00:00Z",
        "2026-03-29T01:00:00Z",
    ),
    "my_choice": ({"type": ["null", "string"], "enum": ["a", "B c", None]}, "enumeration", "select", "B c", "B c"),
    "my_choices": (
        {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
        "enumeration",
        "checkbox",
        ["y", "x"],
        "y;x",
    ),
    "my_list": ({"type": "array", "items": {"type": "string"}}, "string", "text", ["a;b"], '["a;b"]'),
    "my_object": ({"type": "object"}, "string", "text", {"a": 1}, '{"a":1}'),
    "my_anything": ({}, "string", "text", 5, "5"),
    "my_mixture": ({"type": ["string", "number"]}, "string", "text", 5, "5"),
    "my_wide_choice": ({"enum": [f"o{n}" for n in range(101)]}, "string", "text", "o9", "o9"),
    "my_odd_choice": ({"type": "string", "enum": ["a;b", " c"]}, "string", "text", "a;b", "a;b"),
    "my_numbers": ({"type": "integer", "enum": [1, 2]}, "number", "number", 2, "2"),
    "my_nothing": ({"type": ["string", "null"], "enum": [None]}, "string", "text", None, ""),
}


def definitions(stage: Stage, object_name: str = "contacts") -> dict[str, dict[str, Any]]:
    """Properties by name, as HubSpot has them."""
    return {one["name"]: one for one in api(stage, "GET", f"/crm/v3/properties/{object_name}")["results"]}


def creations(requests: dict[str, Any]) -> int:
    """Requests that create properties."""
    routes = ((one["route"], one["count"]) for one in requests["counts"])
    return sum(count for route, count in routes if "/properties/" in route and route.endswith("/batch/create"))


@pytest.mark.parametrize("version", ["2026-09", "v3"])
def test_columns_become_properties_of_their_types(stage: Stage, version: str) -> None:
    """One request for all of them; their values arrive, and the next run creates nothing."""
    row = person(1, **{name: kind[3] for name, kind in KINDS.items()})
    types = {name: kind[0] for name, kind in KINDS.items()}
    result = deliver(stage, row, types=types, **CREATE, api_version=version)
    assert (result.exit_code, result.totals["created"]) == (0, 1), result.error
    made = {name: one for name, one in definitions(stage).items() if name.startswith("my_")}
    assert {name: (one["type"], one["fieldType"]) for name, one in made.items()} == {
        name: kind[1:3] for name, kind in KINDS.items()
    }
    assert {name: only(stage).get(name) or "" for name in KINDS} == {name: kind[4] for name, kind in KINDS.items()}
    assert {one["groupName"] for one in made.values()} == {"reverse_etl"}
    assert (made["my_day"]["label"], made["my_choice"]["hasUniqueValue"]) == ("My day", False)
    assert [one["value"] for one in made["my_flag"]["options"]] == ["true", "false"]
    again = deliver(stage, row | {"my_text": "b"}, types=types, **CREATE, api_version=version)
    assert (again.totals["updated"], creations(stage.vendor.control("requests?last=1"))) == (1, 1)
    assert count(stage, "/groups") == 2


def test_nothing_is_created_unless_it_is_asked_for(stage: Stage) -> None:
    """A column without a property is a mistake by default, and no longer one where `drop` is set."""
    assert deliver(stage, person(1, my_text="a")).exit_code == 78
    assert deliver(stage, person(1, my_text="a"), unknown_fields="drop").exit_code == 0
    assert "my_text" not in definitions(stage)


def test_a_plan_creates_nothing_and_shows_what_a_run_would(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """`dry_run` names the properties, with the values that their types take."""
    caplog.set_level("INFO")
    row = person(1, my_number="1.50", my_flag="yes")
    types = {name: KINDS[name][0] for name in ("my_number", "my_flag")}
    plan = deliver(stage, row, types=types, **CREATE, dry_run=True)
    assert plan.exit_code == 0, plan.error
    assert "lacks the fields 'my_flag', 'my_number'; a run creates them" in caplog.text
    line = next(stage.root.rglob("plan.jsonl")).read_text(encoding="utf-8").replace(" ", "")
    assert '"my_flag":[null,true]' in line
    assert "my_number" not in definitions(stage)
    assert count(stage, "/groups") + count(stage, "batch/create") == 0


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("column", "proposal"), [("Churn Risk", "churn_risk"), ("LTV", "ltv"), ("7days", "my_property"), ("größe", "gr_e")]
)
def test_a_column_that_cannot_name_a_property_is_named(
    stage: Stage, column: str, proposal: str, *, dry_run: bool
) -> None:
    """Nothing is renamed silently: the message shows how to map it, and nothing is created."""
    result = deliver(stage, person(1, my_text="a", **{column: "b"}), **CREATE, dry_run=dry_run)
    assert result.exit_code == 78
    assert f"'{column}'" in result.error
    assert f"{{{proposal}: '{column}'}}" in result.error
    assert "my_text" not in definitions(stage)


def test_a_mapped_name_is_created_with_the_type_of_its_column(stage: Stage) -> None:
    """`fields` gives a column another name."""
    fields = {"customer_id": "customer_id", "email": "email", "churn": "Churn Risk"}
    stream = {"object": "contacts", "match_on": "customer_id", "fields": fields}
    row = person(1, **{"Churn Risk": 3})
    assert deliver(stage, row, stream=stream, types={"Churn Risk": {"type": "integer"}}, **CREATE).exit_code == 0
    assert (definitions(stage)["churn"]["type"], only(stage)["churn"]) == ("number", "3")


def test_the_group_is_the_users_choice(stage: Stage) -> None:
    """An existing group is used, another one is created with a label."""
    deliver(stage, person(1, my_text="a"), **CREATE, property_group="contactinformation")
    deliver(stage, person(1, my_text="a", my_other="b"), **CREATE, property_group="from_the_warehouse")
    held = definitions(stage)
    assert (held["my_text"]["groupName"], held["my_other"]["groupName"]) == ("contactinformation", "from_the_warehouse")
    groups = {one["name"]: one["label"] for one in api(stage, "GET", "/crm/v3/properties/contacts/groups")["results"]}
    assert groups["from_the_warehouse"] == "From the warehouse"
    result = deliver(stage, person(1, my_third="a"), **CREATE, property_group="Not a Name")
    assert (result.exit_code, "'Not a Name'" in result.error) == (78, True)


def test_an_archived_property_of_the_name_comes_back(stage: Stage) -> None:
    """HubSpot restores it."""
    deliver(stage, person(1, my_text="a"), **CREATE)
    api(stage, "DELETE", "/crm/v3/properties/contacts/my_text")
    result = deliver(stage, person(1, my_text="b"), **CREATE)
    assert (result.exit_code, only(stage)["my_text"]) == (0, "b")


def test_another_run_may_be_faster(account: Account) -> None:
    """A property that exists by now is taken with the type that it has."""
    hubspot = account.connect(create_properties="true", property_group="contactinformation")
    schema = hubspot.describe("contacts")
    body = {"name": "ours", "label": "x", "type": "number", "fieldType": "number", "groupName": "contactinformation"}
    account.api("POST", "/crm/v3/properties/contacts", body)
    known = hubspot.add_fields(schema, {"ours": TEXT, "new": TEXT})
    assert [known.fields[name].type.value for name in ("ours", "new")] == ["number", "string"]


# -- answers that no simulator gives

EXISTS = (409, {"category": "OBJECT_ALREADY_EXISTS", "message": "A property named 'ours' already exists."})
LIMIT = (400, {"category": "VALIDATION_ERROR", "message": "At most 1000 custom properties per object"})
GROUPS = (200, {"results": [{"name": "reverse_etl"}]})


def listed(*names: str) -> tuple[int, dict[str, Any]]:
    """An answer with definitions of text."""
    return 200, {"results": [{"name": one, "type": "string", "fieldType": "text"} for one in names]}


def added(schema: ObjectSchema, names: Iterable[str], *answers: tuple[int, dict[str, Any]]) -> ObjectSchema:
    """The schema after properties of text are created."""
    return answering(*answers, create_properties=True).add_fields(schema, dict.fromkeys(names, TEXT))


def test_a_conflict_of_the_whole_call_leaves_no_other_one_behind(contacts: ObjectSchema) -> None:
    """The one that exists is taken, and the other one is asked for again."""
    known = added(contacts, ["ours", "new"], GROUPS, EXISTS, listed("ours"), listed("new"))
    assert {"ours", "new"} <= known.fields.keys()


def test_a_full_object_is_told(contacts: ObjectSchema) -> None:
    """Whether HubSpot refuses all of them or one of several."""
    with pytest.raises(ConfigError, match=r"'ours' for 'contacts' \(VALIDATION_ERROR\)\. .*1,000"):
        added(contacts, ["ours"], GROUPS, LIMIT, listed())
    partial = (207, {"status": "COMPLETE", "results": listed("a")[1]["results"], "errors": [LIMIT[1]]})
    with pytest.raises(ConfigError, match=r"create 'b' .*VALIDATION_ERROR"):
        added(contacts, ["a", "b"], GROUPS, partial, listed("a"), LIMIT, listed("a"))


def test_a_silent_answer_is_no_success(contacts: ObjectSchema) -> None:
    """What neither the answer nor the list shows was not created."""
    with pytest.raises(ConfigError, match="no code"):
        added(contacts, ["ours"], GROUPS, (201, {"status": "COMPLETE", "results": []}), listed())


def test_a_group_that_appears_meanwhile_is_used(contacts: ObjectSchema) -> None:
    """A refusal for another reason is told."""
    assert "ours" in added(contacts, ["ours"], (200, {"results": []}), EXISTS, listed("ours")).fields
    with pytest.raises(ConfigError, match="property_group"):
        added(contacts, ["ours"], (200, {"results": []}), LIMIT)


def test_a_missing_scope_is_named(contacts: ObjectSchema) -> None:
    """Definitions need a scope of their own, which writing records does not."""
    scope = "crm.schemas.contacts.write"
    refusal = (403, {"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": [scope]}})
    with pytest.raises(AuthError, match=scope):
        added(contacts, ["ours"], GROUPS, refusal)


def test_several_bad_names_are_one_message(contacts: ObjectSchema) -> None:
    """All of them are told before anything is asked."""
    with pytest.raises(ConfigError) as caught:
        added(contacts, ["Bad One", "good", "Worse"])
    assert len(caught.value.problems) == 2


def test_more_than_a_request_takes_are_several_requests(account: Account) -> None:
    """250 properties are three requests."""
    hubspot = account.connect(create_properties="true")
    names = [f"p{n}" for n in range(250)]
    known = hubspot.add_fields(hubspot.describe("contacts"), dict.fromkeys(names, TEXT))
    assert known.fields.keys() >= set(names)
    assert creations(account.control("GET", "requests?last=1")) == 3


@pytest.mark.parametrize("name", ["a", "a1_b", "x" * 100])
def test_names_are_taken_as_they_are(name: str) -> None:
    """Whatever HubSpot takes."""
    assert definition(name, {}, "g")["name"] == name
