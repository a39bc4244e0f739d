"""Records that point to others, from stdin to the org, by collections and by jobs."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from salesforce_stage import SalesforceStage

KEY = "External_Id__c"
EXTERNAL = {"name": KEY, "external_id": True, "unique": True}
SEED = {
    "salesforce": {
        "person_accounts": True,
        "objects": [
            {
                "name": "Seat__c",
                "fields": [
                    EXTERNAL,
                    {"name": "Account__c", "type": "reference", "to": "Account", "master_detail": True},
                    {"name": "Tags__c", "type": "multipicklist", "values": ["a", "b", "c"], "restricted": True},
                    {"name": "Person__c", "type": "reference", "to": ["Contact", "Lead"], "relationship": "Person__r"},
                ],
            }
        ],
        "fields": {"Event": [EXTERNAL], "Task": [EXTERNAL], "Contact": [{"name": "At__c", "type": "time"}]},
        "record_types": {"Opportunity": [{"name": "Renewal", "developer_name": "Renewal"}]},
        "records": {
            "Account": [{"Name": f"Parent {n}", KEY: f"P{n}"} for n in (1, 2)],
            "Contact": [{"LastName": "Contact", KEY: "X1"}],
            "Lead": [{"LastName": "Lead", "Company": "C", KEY: "X1"}],
        },
    }
}
FAMILY: dict[str, Any] = {
    "people": {
        "object": "Contact",
        "match_on": KEY,
        "fields": {KEY: "id", "LastName": "name", "AccountId": {"from": "account", "lookup": {"object": "Account"}}},
    },
    "companies": {"object": "Account", "match_on": KEY, "fields": {KEY: "id", "Name": "name"}},
}


def optional(stream: str, field: str) -> dict[str, Any]:
    """The family, where a missing parent is left out."""
    changed = {**FAMILY[stream]["fields"][field]}
    changed["lookup"] = {**changed["lookup"], "on_missing": "skip_field"}
    return {**FAMILY, stream: {**FAMILY[stream], "fields": {**FAMILY[stream]["fields"], field: changed}}}


def people(count: int, account: str | None = "P1") -> list[dict[str, Any]]:
    """Contacts of an account; in `account`, `{n}` stands for their number."""
    return [{"id": f"C{n}", "name": "Ada", "account": account and account.format(n=n)} for n in range(count)]


def companies(count: int) -> list[dict[str, Any]]:
    """Accounts."""
    return [{"id": f"A{n}", "name": f"Acme {n}"} for n in range(count)]


def parents(stage: SalesforceStage, object_name: str = "Contact", field: str = "AccountId") -> dict[str, str | None]:
    """External id of a record to the external id of the one that it points to."""
    targets = {one["Id"]: one for name in ("Account", "Contact", "Lead") for one in stage.vendor.live(name)}
    found = {one[KEY]: one.get(field) for one in stage.vendor.live(object_name) if one.get(KEY, "X1") != "X1"}
    return {key: target and targets[target][KEY] for key, target in found.items()}


def test_parents_are_named_by_their_external_id(each_api: SalesforceStage) -> None:
    """No look-up: the requests are those that the children need anyway."""
    result = each_api.send({"people": people(150)}, streams=FAMILY)
    assert (result.exit_code, result.totals["created"]) == (0, 150)
    assert set(parents(each_api).values()) == {"P1"}
    assert sum(one["count"] for one in each_api.vendor.requests("/query")) == 1  # the org's own id


def test_a_parent_changes_and_is_taken_away(each_api: SalesforceStage) -> None:
    """Another parent moves the child; null clears; an absent column leaves the parent alone."""
    each_api.send({"people": people(3)}, streams=FAMILY)
    rows = people(3, "P2")
    rows[1]["account"] = None
    del rows[2]["account"]
    rows[2]["name"] = "New"
    assert each_api.send({"people": rows}, streams=FAMILY).totals["updated"] == 3
    assert parents(each_api) == {"C0": "P2", "C1": None, "C2": "P1"}


def test_a_missing_parent_rejects_the_child(each_api: SalesforceStage) -> None:
    """`on_missing: reject`: nothing of it is written, the field is named, and the next run has the parent."""
    rows = [*people(3), {"id": "C9", "name": "Orphan", "account": "A0"}]
    result = each_api.send({"people": rows}, streams=FAMILY)
    assert (result.exit_code, result.totals["created"], result.codes) == (0, 3, {"reference_not_found": 1})
    (error,) = each_api.errors().values()
    assert "'AccountId'" in error
    assert "A0" not in error
    both = {"companies": companies(1), "people": [{**rows[3], "name": "Child"}]}
    assert each_api.send(both, streams=FAMILY).codes == {}
    assert parents(each_api)["C9"] == "A0"


def test_a_plan_knows_which_parents_are_missing(each_api: SalesforceStage) -> None:
    """In the org or in the plan itself, whatever comes first, as in the run; no job is opened."""
    rows = [*people(3), *people(2, "A{n}"), {"id": "C9", "name": "Orphan", "account": "nowhere"}]
    rows = [{**one, "id": f"C{n}"} for n, one in enumerate(rows)]
    for both in ({"people": rows, "companies": companies(2)}, {"companies": companies(2), "people": rows}):
        before = each_api.vendor.write_requests()
        result = each_api.send(both, streams=FAMILY, dry_run=True)
        assert (result.exit_code, each_api.vendor.write_requests()) == (0, before), result.error
        newest = max(each_api.root.glob("reports/*/plan.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        lines = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
        assert Counter((one["stream"], one["action"], one["code"]) for one in lines) == {
            ("companies", "create", ""): 2,
            ("people", "create", ""): 5,
            ("people", "reject", "reference_not_found"): 1,
        }
    assert each_api.vendor.requests("/jobs") == []
    done = each_api.send(both, streams=FAMILY)
    assert (done.totals["created"], done.codes) == (7, {"reference_not_found": 1})


def test_a_missing_parent_is_left_out(each_api: SalesforceStage) -> None:
    """`on_missing: skip_field`: the child is written without it, the others keep theirs."""
    rows = [*people(3), {"id": "C9", "name": "Orphan", "account": "nowhere"}]
    result = each_api.send({"people": rows}, streams=optional("people", "AccountId"))
    assert (result.exit_code, result.totals["created"], result.codes) == (0, 4, {})
    assert parents(each_api) == {"C0": "P1", "C1": "P1", "C2": "P1", "C9": None}


@pytest.mark.parametrize("order", [("companies", "people"), ("people", "companies")])
def test_streams_come_in_any_order(each_api: SalesforceStage, order: tuple[str, str]) -> None:
    """Children before their parents are tried once more at the end; nobody is rejected, and the brakes stay off."""
    rows = {"companies": companies(250), "people": people(250, "A{n}")}
    result = each_api.send({stream: rows[stream] for stream in order}, streams=FAMILY)
    assert (result.exit_code, result.totals["created"], result.codes) == (0, 500, {})
    assert parents(each_api) == {f"C{n}": f"A{n}" for n in range(250)}
    assert len(each_api.vendor.events("record_created")) == 500


def test_mixed_streams_send_parents_first(each_api: SalesforceStage) -> None:
    """Records of both streams in turns: no child meets a missing parent, so nothing is sent twice."""
    heads = [
        {
            "type": "SCHEMA",
            "stream": stream,
            "schema": {"properties": {name: {} for name in rows[0]}},
            "key_properties": [],
        }
        for stream, rows in (("people", people(1)), ("companies", companies(1)))
    ]
    pairs = zip(people(100, "A{n}"), companies(100), strict=True)
    records = [
        {"type": "RECORD", "stream": stream, "record": row}
        for pair in pairs
        for stream, row in zip(("people", "companies"), pair, strict=True)
    ]
    result = each_api.run([*heads, *records], streams=FAMILY)
    assert (result.exit_code, result.totals["created"], result.codes) == (0, 200, {})
    assert each_api.vendor.write_requests() == (6 if each_api.extra["api"] == "bulk" else 2)


def test_a_tree_of_accounts_in_any_order(each_api: SalesforceStage) -> None:
    """Accounts of accounts, four levels, the lowest first."""
    lookup = {"object": "Account", "match_on": KEY}
    fields = {KEY: "id", "Name": "id", "ParentId": {"from": "parent", "lookup": lookup}}
    streams = {"companies": {"object": "Account", "match_on": KEY, "fields": fields}}
    rows = [{"id": f"A{n}", "parent": f"A{n // 3}" if n else None} for n in range(60)]
    result = each_api.send({"companies": rows[::-1]}, streams=streams)
    assert (result.exit_code, result.totals["created"], result.codes) == (0, 60, {})
    found = parents(each_api, "Account", "ParentId")
    assert {key: one for key, one in found.items() if key[0] == "A"} == {one["id"]: one["parent"] for one in rows}


@pytest.mark.parametrize(("object_name", "field"), [("Event", "WhoId"), ("Task", "WhoId"), ("Seat__c", "Person__c")])
@pytest.mark.parametrize("parent", ["Contact", "Lead"])
def test_a_reference_to_several_objects_finds_the_one_that_is_meant(
    each_api: SalesforceStage, object_name: str, field: str, parent: str
) -> None:
    """A contact and a lead have the same external id; the record points to the one that `lookup` names."""
    who = {"from": "who", "lookup": {"object": parent, "match_on": KEY}}
    fields: dict[str, Any] = {KEY: "id", field: who}
    if object_name == "Event":
        fields |= {"DurationInMinutes": "minutes", "ActivityDateTime": "at"}
    if object_name == "Seat__c":
        fields["Account__c"] = {"from": "account", "lookup": {"object": "Account", "match_on": KEY}}
    row = {"id": "E1", "who": "X1", "minutes": 30, "at": "2026-12-01T10:00:00Z", "account": "P1"}
    stream = {"object": object_name, "match_on": KEY, "fields": fields}
    result = each_api.send({"e": [row]}, streams={"e": stream})
    assert (result.exit_code, result.totals["created"]) == (0, 1), result.error + str(each_api.errors())
    (known,) = each_api.vendor.live(parent)
    assert [one[field] for one in each_api.vendor.live(object_name)] == [known["Id"]]


SEATS = {
    "seats": {
        "object": "Seat__c",
        "match_on": KEY,
        "fields": {
            KEY: "id",
            "Account__c": {"from": "account", "lookup": {"object": "Account", "match_on": KEY}},
            "Tags__c": "tags",
        },
    }
}


def test_a_master_that_cannot_change_is_given_once(each_api: SalesforceStage) -> None:
    """Salesforce takes it from creates only: a later update leaves it out, and the rest of the record arrives."""
    each_api.send({"seats": [{"id": "S1", "account": "P1", "tags": ["a"]}]}, streams=SEATS)
    result = each_api.send({"seats": [{"id": "S1", "account": "P1", "tags": ["c", "b"]}]}, streams=SEATS)
    assert (result.totals["updated"], result.codes) == (1, {})
    (seat,) = each_api.vendor.live("Seat__c")
    assert set(seat["Tags__c"].split(";")) == {"b", "c"}
    assert parents(each_api, "Seat__c", "Account__c") == {"S1": "P1"}


def test_several_options_are_checked_one_by_one(each_api: SalesforceStage) -> None:
    """Arrays and text with semicolons; a value that is none of the field's is a reject."""
    tags: list[Any] = [["a", "c"], "a;b", [], ["nope"]]
    rows = [{"id": f"S{n}", "account": "P1", "tags": one} for n, one in enumerate(tags)]
    result = each_api.send({"seats": rows}, streams=SEATS)
    assert (result.totals["created"], result.codes) == (3, {"invalid_option": 1})
    assert [one.get("Tags__c") for one in each_api.vendor.live("Seat__c")] == ["a;c", "a;b", None]


def test_a_record_type_goes_by_its_developer_name(each_api: SalesforceStage) -> None:
    """Whatever its case; one that does not exist is a reject."""
    fields = {KEY: "id", "Name": "id", "StageName": "stage", "CloseDate": "day", "RecordTypeId": "kind"}
    streams = {"deals": {"object": "Opportunity", "match_on": KEY, "fields": fields}}
    row = {"stage": "Prospecting", "day": "2026-12-01"}
    rows = [{**row, "id": "O1", "kind": "renewal"}, {**row, "id": "O2", "kind": "Nope"}]
    result = each_api.send({"deals": rows}, streams=streams)
    assert (result.totals["created"], result.codes) == (1, {"invalid_option": 1})
    (deal,) = each_api.vendor.live("Opportunity")
    (kind,) = (one for one in each_api.vendor.live("RecordType") if one["DeveloperName"] == "Renewal")
    assert deal["RecordTypeId"] == kind["Id"]


def test_person_accounts_are_accounts_with_the_names_of_people(each_api: SalesforceStage) -> None:
    """Their record type makes them persons: no account name is asked for, and updates reach their own fields."""
    fields = {KEY: "id", "LastName": "name", "PersonEmail": "mail", "RecordTypeId": "kind"}
    streams = {"p": {"object": "Account", "match_on": KEY, "fields": fields}}
    rows = [
        {"id": f"P{n}", "name": f"Person {n}", "mail": f"p{n}@example.com", "kind": "PersonAccount"} for n in (7, 8)
    ]
    assert each_api.send({"p": rows}, streams=streams).totals["created"] == 2
    rows[1]["mail"] = "new@example.com"
    assert each_api.send({"p": rows}, streams=streams).totals["updated"] == 1
    found = [one for one in each_api.vendor.live("Account") if one.get("PersonEmail")]
    assert [(one["LastName"], one["PersonEmail"], one["IsPersonAccount"]) for one in found] == [
        ("Person 7", "p7@example.com", True),
        ("Person 8", "new@example.com", True),
    ]


def test_children_of_one_parent_travel_together(stage: SalesforceStage) -> None:
    """Rows that lock the same parent are in the same request, so that no two requests contend for it."""
    stage.vendor.faults([{"kind": "latency", "path": "*/composite*", "seconds": 0.01}])
    rows = people(800, "A{n}")
    for n, row in enumerate(rows):
        row["account"] = f"A{n % 4}"
    assert stage.send({"companies": companies(4), "people": rows}, streams=FAMILY).codes == {}
    made = [one["AccountId"] for one in stage.vendor.live("Contact")[1:]]
    assert len({tuple(sorted(set(made[start : start + 200]))) for start in range(0, 800, 200)}) == 4


def test_a_bad_value_beside_references_is_one_reject(stage: SalesforceStage) -> None:
    """A batch that Salesforce cannot read is halved until the bad row stands alone; the others keep their parents."""
    fields = {**FAMILY["people"]["fields"], "At__c": "at"}
    streams = {"people": {**FAMILY["people"], "fields": fields}}
    rows = people(40)
    rows[13]["at"] = "noon"
    result = stage.send({"people": rows}, streams=streams)
    assert (result.totals["created"], result.codes) == (39, {"invalid_value": 1})
    assert set(parents(stage).values()) == {"P1"}
    assert stage.vendor.write_requests() > 2
