"""Associations: both directions, labels, primary companies, refusals, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators import SimulatorServer
from saas_simulators.hubspot import seeding
from saas_simulators.hubspot.associations import MAX_READ, MAX_WRITTEN

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Api

DATED = "/crm/associations/2026-09"
LEGACY = "/crm/v4/associations"
OBJECTS = "/crm/objects/2026-09"
LEGACY_OBJECTS = "/crm/v4/objects"


def spec(number: int, category: str = "HUBSPOT_DEFINED") -> dict[str, Any]:
    """One association type as requests name it."""
    return {"associationCategory": category, "associationTypeId": number}


def link(one: str, other: str, *numbers: int, category: str = "HUBSPOT_DEFINED") -> dict[str, Any]:
    """One input of batch/create."""
    return {"from": {"id": one}, "to": {"id": other}, "types": [spec(number, category) for number in numbers]}


def connect(api: Api, path: str, *inputs: dict[str, Any]) -> dict[str, Any]:
    """Create associations and return the answer."""
    reply = api.send("POST", f"{DATED}/{path}/batch/create", {"inputs": list(inputs)})
    assert reply.status_code in {201, 207}, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def held(api: Api, path: str) -> dict[int, list[tuple[int, str | None]]]:
    """Ids and labels of types by the id of what a record is associated with."""
    results = api.send("GET", f"{OBJECTS}/{path}").json()["results"]
    return {one["toObjectId"]: [(kind["typeId"], kind["label"]) for kind in one["associationTypes"]] for one in results}


@pytest.fixture
def ada(api: Api) -> str:
    """A contact."""
    return str(api.create(email="ada@example.com")["id"])


@pytest.fixture
def acme(api: Api) -> str:
    """A company."""
    return str(api.create("companies", name="Acme")["id"])


@pytest.fixture
def deal(api: Api) -> str:
    """A deal."""
    return str(api.create("deals", dealname="Big", dealstage="closedwon")["id"])


def company_of(api: Api, contact: str) -> str | None:
    """The primary company that a contact's property names."""
    shown = api.send("GET", f"{OBJECTS}/contacts/{contact}?properties=associatedcompanyid").json()
    found: str | None = shown["properties"]["associatedcompanyid"]
    return found


@pytest.mark.parametrize("base", [DATED, LEGACY, "/crm/associations/2026-03"])
def test_both_directions_are_visible(api: Api, ada: str, deal: str, base: str) -> None:
    """What was written from one side is read from the other by its own type id."""
    reply = api.send("POST", f"{base}/deals/contacts/batch/create", {"inputs": [link(deal, ada, 3)]})
    assert (reply.status_code, reply.json()["results"]) == (
        201,
        [
            {
                "fromObjectTypeId": "0-3",
                "fromObjectId": int(deal),
                "toObjectTypeId": "0-1",
                "toObjectId": int(ada),
                "labels": [],
            }
        ],
    )
    body = api.send("POST", f"{base}/contacts/deals/batch/read", {"inputs": [{"id": ada}]}).json()
    assert body["results"] == [
        {
            "from": {"id": ada},
            "to": [
                {
                    "toObjectId": int(deal),
                    "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 4, "label": None}],
                }
            ],
        }
    ]


def test_the_first_company_becomes_the_primary_one(api: Api, ada: str, acme: str) -> None:
    """The answer names the labels that were asked for; the contact's company follows the primary label."""
    other = api.create("companies", name="Other")["id"]
    answer = connect(api, "contacts/companies", link(ada, acme, 279), link(ada, other, 279))
    assert [one["labels"] for one in answer["results"]] == [[], []]
    assert held(api, f"contacts/{ada}/associations/companies") == {
        int(acme): [(1, "Primary"), (279, None)],
        int(other): [(279, None)],
    }
    assert company_of(api, ada) == acme
    answer = connect(api, "companies/contacts", link(other, ada, 2))
    assert answer["results"][0]["labels"] == ["Primary Company"]
    assert held(api, f"companies/{acme}/associations/contacts") == {int(ada): [(280, None)]}
    assert company_of(api, ada) == other


def test_a_rerun_triggers_nothing(api: Api, ada: str, acme: str) -> None:
    """Repeating associations answers as before and is no side effect; the journal names types, not labels."""
    inputs = [link(ada, acme, 1)]
    first = connect(api, "contacts/companies", *inputs)["results"]
    (entry,) = api.journal("association_created")
    assert (entry["object"], entry["id"], entry["unique"]) == ("contacts", ada, {"email": "ada@example.com"})
    assert entry["detail"] == [f"companies/{acme} HUBSPOT_DEFINED 1", f"companies/{acme} HUBSPOT_DEFINED 279"]
    before = api.journal()
    assert connect(api, "contacts/companies", *inputs)["results"] == first
    path = f"{OBJECTS}/contacts/{ada}/associations"
    assert api.send("PUT", f"{path}/companies/{acme}", [spec(1)]).status_code == 201
    assert api.send("PUT", f"{path}/default/companies/{acme}").status_code == 200
    assert api.journal() == before


def test_a_batch_is_partial(api: Api, ada: str, acme: str) -> None:
    """Each refused input is one error in the recorded form; the others are written, and not in their order."""
    more = [api.create("companies", name=f"C{number}")["id"] for number in range(6)]
    good = [link(ada, one, 279) for one in (acme, *more)]
    bad = [link("x1", acme, 279), link(ada, "1234", 279), link("99", "1234", 279), link(ada, acme, 5)]
    answer = connect(api, "contacts/companies", *bad, *good)
    assert answer["numErrors"] == 4
    assert answer["errors"] == [
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": "x1 is not a valid ID",
            "subCategory": "crm.associations.INVALID_IDENTIFIER",
            "context": {"id": ["x1"]},
        },
        {"status": "error", "category": "VALIDATION_ERROR", "message": "COMPANY=1234 is not valid"},
        {"status": "error", "category": "VALIDATION_ERROR", "message": "CONTACT=99 is not valid"},
        {"status": "error", "category": "VALIDATION_ERROR", "message": f"DEAL={ada} is not valid"},
    ]
    written = [str(one["toObjectId"]) for one in answer["results"]]
    assert sorted(written) == sorted([acme, *more])
    assert written != [acme, *more]


def test_self_links_are_refused(api: Api, ada: str) -> None:
    """A record is not associated with itself; two contacts are."""
    answer = connect(api, "contacts/contacts", link(ada, ada, 449))
    assert answer["errors"][0]["message"] == f"Object {ada} cannot be associated to itself ({ada})"
    bob = api.create(email="bob@example.com")["id"]
    connect(api, "contacts/contacts", link(ada, bob, 449))
    assert held(api, f"contacts/{bob}/associations/contacts") == {int(ada): [(449, None)]}


def test_a_company_has_one_parent(api: Api, acme: str) -> None:
    """A second parent takes the label from the first one."""
    parents = [api.create("companies", name=name)["id"] for name in ("P1", "P2")]
    for parent in parents:
        connect(api, "companies/companies", link(acme, parent, 14))
    assert held(api, f"companies/{acme}/associations/companies") == {
        int(parents[0]): [(450, None)],
        int(parents[1]): [(14, "Parent Company"), (450, None)],
    }
    assert held(api, f"companies/{parents[1]}/associations/companies")[int(acme)][0] == (13, "Child Company")


@pytest.mark.parametrize("base", [OBJECTS, LEGACY_OBJECTS])
def test_one_association(api: Api, ada: str, acme: str, base: str) -> None:
    """PUT default shows both directions, PUT adds labels, GET pages, DELETE ends it, again and again."""
    path = f"{base}/contacts/{ada}/associations"
    reply = api.send("PUT", f"{path}/default/companies/{acme}")
    found = {(one["from"]["id"], one["associationSpec"]["associationTypeId"]) for one in reply.json()["results"]}
    assert (reply.status_code, found) == (200, {(ada, 279), (acme, 280)})
    reply = api.send("PUT", f"{path}/companies/{acme}", [spec(1)])
    assert (reply.status_code, reply.json()["labels"]) == (201, ["Primary"])
    other = api.create("companies", name="Other")["id"]
    api.send("PUT", f"{path}/default/companies/{other}")
    page = api.send("GET", f"{path}/companies?limit=1").json()
    assert [one["toObjectId"] for one in page["results"]] == [int(acme)]
    page = api.send("GET", f"{path}/companies?limit=1&after={page['paging']['next']['after']}").json()
    assert ([one["toObjectId"] for one in page["results"]], "paging" in page) == ([int(other)], False)
    assert [api.send("DELETE", f"{path}/companies/{acme}").status_code for _ in range(2)] == [204, 204]
    assert len(api.journal("association_removed")) == 1
    assert list(held(api, f"contacts/{ada}/associations/companies")) == [int(other)]
    assert company_of(api, ada) is None


@pytest.mark.parametrize(
    ("target", "types", "message", "context"),
    [
        (
            "1234",
            [spec(279)],
            "One or more associations are invalid",
            {"INVALID_OBJECT_IDS": ["COMPANY=1234 is not valid"], "objectId": ["1234"], "objectType": ["COMPANY"]},
        ),
        (
            None,
            [spec(3, "USER_DEFINED")],
            "One or more associations are invalid",
            {
                "associationSpec": ["USER_DEFINED=3"],
                "INVALID_ASSOCIATION_TYPE_ID": ["USER_DEFINED=3 is not a valid association definition id"],
            },
        ),
        ("me", [spec(279)], "me is not a valid ID", {"id": ["me"]}),
        (None, None, "Invalid JSON input: a request body was expected, but none found", None),
    ],
)
def test_one_association_is_refused(
    api: Api, ada: str, acme: str, target: str | None, types: Any, message: str, context: Any
) -> None:
    """A single association is refused with one error for the whole call."""
    reply = api.send("PUT", f"{OBJECTS}/contacts/{ada}/associations/companies/{target or acme}", types)
    assert reply.status_code == 400
    body = reply.json()
    assert (body["message"], body.get("context"), body["category"]) == (message, context, "VALIDATION_ERROR")
    assert api.journal("association_created") == []


def test_a_type_lacks_its_category(api: Api, ada: str, acme: str) -> None:
    """Category and id are both required."""
    path = f"{OBJECTS}/contacts/{ada}/associations/companies/{acme}"
    reply = api.send("PUT", path, [{"associationTypeId": 1}])
    assert reply.status_code == 400
    assert "Some required fields were not set: [associationCategory]" in reply.json()["message"]


def test_archive_ends_all_of_an_association(api: Api, ada: str, acme: str) -> None:
    """Labels go with it; unknown records are passed over, as recorded."""
    connect(api, "contacts/companies", link(ada, acme, 1))
    inputs = [{"from": {"id": ada}, "to": [{"id": acme}, {"id": "1234"}]}, {"from": {"id": "77"}, "to": [{"id": "1"}]}]
    for _ in range(2):
        reply = api.send("POST", f"{DATED}/contacts/companies/batch/archive", {"inputs": inputs})
        assert (reply.status_code, reply.content) == (204, b"")
    assert held(api, f"companies/{acme}/associations/contacts") == {}
    assert len(api.journal("association_removed")) == 1


def test_labels_are_archived_alone(api: Api, ada: str, acme: str) -> None:
    """Without its label the association stays; without the plain type it ends with every label."""
    connect(api, "contacts/companies", link(ada, acme, 1))
    path = f"{DATED}/contacts/companies/batch/labels/archive"
    assert api.send("POST", path, {"inputs": [link(ada, acme, 1)]}).status_code == 204
    assert held(api, f"companies/{acme}/associations/contacts") == {int(ada): [(280, None)]}
    assert company_of(api, ada) is None
    assert api.journal("association_label_removed")[0]["detail"] == [f"companies/{acme} HUBSPOT_DEFINED 1"]
    connect(api, "contacts/companies", link(ada, acme, 1))
    assert len(api.journal("association_label_added")) == 1
    assert api.send("POST", path, {"inputs": [link(ada, acme, 279)]}).status_code == 204
    assert held(api, f"companies/{acme}/associations/contacts") == {}


def test_batch_default(api: Api, ada: str, deal: str) -> None:
    """Unlabelled associations in a batch show both directions, and what is not valid beside them."""
    inputs = [{"from": {"id": deal}, "to": {"id": ada}}, {"from": {"id": deal}, "to": {"id": "5"}}]
    reply = api.send("POST", f"{LEGACY}/deals/contacts/batch/associate/default", {"inputs": inputs})
    assert reply.status_code == 207
    assert {one["associationSpec"]["associationTypeId"] for one in reply.json()["results"]} == {3, 4}
    assert [one["message"] for one in reply.json()["errors"]] == ["CONTACT=5 is not valid"]


def test_a_record_without_associations(api: Api, ada: str) -> None:
    """A batch read names it as an error of its own, unknown records alike, and is a 207."""
    reply = api.send("POST", f"{DATED}/contacts/companies/batch/read", {"inputs": [{"id": ada}, {"id": "a"}]})
    assert (reply.status_code, reply.json()["results"]) == (207, [])
    first, second = reply.json()["errors"]
    assert first == {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No company is associated with contact {ada}.",
        "context": {"fromObjectId": [ada], "fromObjectType": ["contact"], "toObjectType": ["company"]},
    }
    assert second["subCategory"] == "crm.associations.INVALID_IDENTIFIER"


@pytest.mark.parametrize(("verb", "most"), [("create", MAX_WRITTEN), ("archive", MAX_WRITTEN), ("read", MAX_READ)])
def test_too_many_inputs(api: Api, verb: str, most: int) -> None:
    """One input more than the limit is refused as a whole."""
    inputs = [{"id": "1", "from": {"id": "1"}, "to": {"id": "2"}, "types": [spec(279)]} for _ in range(most + 1)]
    if verb == "archive":
        inputs = [{**one, "to": [{"id": "2"}]} for one in inputs]
    path = f"{DATED}/contacts/companies/batch/{verb}"
    refused = api.send("POST", path, {"inputs": inputs})
    assert refused.status_code == 400
    assert f"is {most}" in refused.json()["message"]
    assert api.send("POST", path, {"inputs": inputs[1:]}).status_code in {204, 207}


def test_new_records_come_with_associations(api: Api, ada: str, acme: str) -> None:
    """`associations` of a create are written with the record, and are read back with it."""
    body = {
        "properties": {"dealname": "New", "dealstage": "closedwon"},
        "associations": [
            {"to": {"id": ada}, "types": [spec(3)]},
            {"to": {"id": acme}, "types": [spec(341)]},
        ],
    }
    made = api.send("POST", f"{OBJECTS}/deals", body)
    assert made.status_code == 201
    shown = api.send("GET", f"{OBJECTS}/deals/{made.json()['id']}?associations=contacts,companies").json()
    assert shown["associations"] == {
        "contacts": {"results": [{"id": ada, "type": "deal_to_contact"}]},
        "companies": {
            "results": [{"id": acme, "type": "deal_to_company"}, {"id": acme, "type": "deal_to_company_unlabeled"}]
        },
    }
    (listed,) = api.send("GET", f"{OBJECTS}/companies?associations=deals").json()["results"]
    assert {one["id"] for one in listed["associations"]["deals"]["results"]} == {made.json()["id"]}


def test_a_create_with_a_bad_association(api: Api, ada: str) -> None:
    """Nothing is written; in a batch with trace ids only that input is refused."""
    bad = [{"to": {"id": "77"}, "types": [spec(3)]}]
    properties = {"dealname": "New", "dealstage": "closedwon"}
    refused = api.send("POST", f"{OBJECTS}/deals", {"properties": properties, "associations": bad})
    assert refused.status_code == 400
    assert refused.json()["context"]["INVALID_OBJECT_IDS"] == ["CONTACT=77 is not valid"]
    good = [{"to": {"id": ada}, "types": [spec(3)]}]
    inputs = [
        {"properties": properties, "associations": one, "objectWriteTraceId": str(number)}
        for number, one in enumerate([bad, good])
    ]
    partial = api.batch("create", inputs, "deals")
    assert (partial.status_code, len(partial.json()["results"])) == (207, 1)
    (error,) = partial.json()["errors"]
    assert (error["message"], error["context"]["objectWriteTraceId"]) == ("One or more associations are invalid", ["0"])
    assert len(held(api, f"contacts/{ada}/associations/deals")) == 1
    wrong = api.send(
        "POST",
        f"{OBJECTS}/deals",
        {"properties": properties, "associations": [{"to": {"id": ada}, "types": [spec(4)]}]},
    )
    assert wrong.json()["message"] == "invalid from object type 0-1 for associations to be created. expected: 0-3"


@pytest.mark.parametrize("verb", ["archive", "gdpr-delete"])
def test_a_record_takes_its_associations_along(api: Api, ada: str, acme: str, verb: str) -> None:
    """What is archived or deleted is associated with nothing any more; the other side is told."""
    connect(api, "contacts/companies", link(ada, acme, 1))
    if verb == "archive":
        api.batch("archive", [{"id": ada}])
    else:
        api.send("POST", f"{OBJECTS}/contacts/gdpr-delete", {"objectId": ada})
    assert held(api, f"companies/{acme}/associations/contacts") == {}
    assert [entry["id"] for entry in api.journal("association_removed")] == [ada]


def test_a_contact_whose_company_goes(api: Api, ada: str, acme: str) -> None:
    """Its company property is cleared."""
    connect(api, "contacts/companies", link(ada, acme, 1))
    api.send("DELETE", f"{OBJECTS}/companies/{acme}")
    assert company_of(api, ada) is None


@pytest.mark.parametrize("keeps_id", [False, True])
def test_a_merge_moves_associations(api: Api, ada: str, acme: str, deal: str, *, keeps_id: bool) -> None:
    """The survivor has the associations of both; the first record's primary company stays the primary one."""
    seeding.apply(api.server.hubspot, {"merge_keeps_primary_id": keeps_id})
    bob = api.create(email="bob@example.com")["id"]
    other = api.create("companies", name="Other")["id"]
    connect(api, "contacts/companies", link(ada, acme, 1), link(bob, other, 1))
    connect(api, "contacts/deals", link(bob, deal, 4))
    connect(api, "contacts/contacts", link(ada, bob, 449))
    body = {"primaryObjectId": ada, "objectIdToMerge": bob}
    survivor = api.send("POST", f"{OBJECTS}/contacts/merge", body).json()["id"]
    companies = held(api, f"contacts/{survivor}/associations/companies")
    assert companies == {int(acme): [(1, "Primary"), (279, None)], int(other): [(279, None)]}
    assert list(held(api, f"deals/{deal}/associations/contacts")) == [int(survivor)]
    assert held(api, f"contacts/{survivor}/associations/contacts") == {}
    assert company_of(api, survivor) == acme


@pytest.mark.parametrize("base", [DATED, LEGACY])
def test_labels(api: Api, ada: str, acme: str, base: str) -> None:
    """A label is made in both directions, changed, used, and removed from every record with its definition."""
    path = f"{base}/contacts/companies/labels"
    body = {"name": "billing", "label": "Billing contact", "inverseLabel": "Billed by"}
    made = api.send("POST", path, body)
    assert made.status_code == 200
    one, other = made.json()["results"]
    assert (one["label"], other["label"], one["category"]) == ("Billing contact", "Billed by", "USER_DEFINED")
    answer = connect(api, "contacts/companies", link(ada, acme, one["typeId"], category="USER_DEFINED"))
    assert answer["results"][0]["labels"] == ["Billing contact"]
    inverse = f"companies/{acme}/associations/contacts"
    assert set(held(api, inverse)[int(ada)]) == {(2, "Primary Company"), (other["typeId"], "Billed by"), (280, None)}
    change = {"associationTypeId": one["typeId"], "label": "Payer"}
    assert api.send("PUT", path, change).status_code == 204
    assert (other["typeId"], "Payer") in held(api, inverse)[int(ada)]
    listed = api.send("GET", path).json()["results"]
    assert {(kind["typeId"], kind["label"]) for kind in listed} == {
        (279, None),
        (1, "Primary"),
        (one["typeId"], "Payer"),
    }
    assert api.send("DELETE", f"{path}/{one['typeId']}").status_code == 204
    assert held(api, inverse)[int(ada)] == [(2, "Primary Company"), (280, None)]
    assert api.send("DELETE", f"{path}/{one['typeId']}").status_code == 404
    events = [entry["event"] for entry in api.journal() if entry["event"].startswith("association_label_")]
    assert events == ["association_label_created", "association_label_updated", "association_label_deleted"]


def test_a_label_without_inverse_stands_on_both_sides(api: Api) -> None:
    """A single label has two ids and one text."""
    results = api.send("POST", f"{DATED}/contacts/contacts/labels", {"name": "friend", "label": "Friend"}).json()
    assert [one["label"] for one in results["results"]] == ["Friend", "Friend"]
    assert len({one["typeId"] for one in results["results"]}) == 2


@pytest.mark.parametrize("body", [{"name": "a-b", "label": "X"}, {"name": "1a", "label": "X"}, {"name": "a"}])
def test_bad_labels(api: Api, body: dict[str, Any]) -> None:
    """Names have no hyphens and no digit first; the text is required."""
    assert api.send("POST", f"{DATED}/contacts/companies/labels", body).status_code == 400


def test_fifty_labels_and_no_more(api: Api) -> None:
    """The 51st label of a pair is a 437; another pair still takes one."""
    path = f"{DATED}/contacts/companies/labels"
    replies = [api.send("POST", path, {"name": f"l{n}", "label": f"L{n}", "inverseLabel": "M"}) for n in range(51)]
    assert [reply.status_code for reply in replies] == [200] * 50 + [437]
    assert "No more than 50 association types are allowed between" in replies[-1].json()["message"]
    body = {"name": "x", "label": "X"}
    assert api.send("POST", f"{DATED}/companies/contacts/labels", body).status_code == 437
    assert api.send("POST", f"{DATED}/contacts/deals/labels", body).status_code == 200


def test_custom_objects_define_their_associations(api: Api, ada: str) -> None:
    """Between a custom object and another there is nothing until a type is defined; it is USER_DEFINED."""
    schema = {
        "name": "car",
        "labels": {"singular": "Car", "plural": "Cars"},
        "primaryDisplayProperty": "vin",
        "requiredProperties": [],
        "properties": [
            {"name": "vin", "label": "VIN", "type": "string", "fieldType": "text", "groupName": "car_information"}
        ],
    }
    assert api.send("POST", "/crm-object-schemas/2026-09/schemas", schema).status_code == 201
    car = api.create("car", vin="V1")["id"]
    default = f"{OBJECTS}/car/{car}/associations/default/contacts/{ada}"
    assert api.send("PUT", default).status_code == 400
    body = {"name": "driver", "label": "Driver", "inverseLabel": "Drives"}
    assert api.send("POST", f"{DATED}/car/contacts/labels", body).status_code == 200
    kinds = api.send("GET", f"{DATED}/contacts/car/labels").json()["results"]
    assert [(kind["category"], kind["label"]) for kind in kinds] == [("USER_DEFINED", None), ("USER_DEFINED", "Drives")]
    assert api.send("PUT", default).status_code == 200
    plain = kinds[0]["typeId"] - 1
    refused = api.send("DELETE", f"{DATED}/car/contacts/labels/{plain}")
    assert refused.json()["message"].startswith("Definition with label still exists; Cannot delete unlabeled type")
    shown = api.send("GET", "/crm-object-schemas/2026-09/schemas/car").json()["associations"]
    assert {one["name"] for one in shown} == {"driver", "car_to_contact"}


def test_a_seed_sets_labels_and_limits(api: Api, acme: str, ada: str) -> None:
    """A record that is full refuses one more association, from either side; what is there may be repeated."""
    seed = {
        "association_labels": [{"from": "contacts", "to": "companies", "label": "Decision maker"}],
        "association_limits": [{"from": "companies", "to": "contacts", "most": 1}],
        "objects": [{"name": "pet", "properties": [{"name": "tag"}], "associated": ["contacts"]}],
    }
    seeding.apply(api.server.hubspot, seed)
    label = api.send("GET", f"{DATED}/contacts/companies/labels").json()["results"][-1]
    assert label["label"] == "Decision maker"
    assert api.send("GET", f"{DATED}/pet/companies/labels").json()["results"] == []
    assert len(api.send("GET", f"{DATED}/pet/contacts/labels").json()["results"]) == 1
    bob = api.create(email="bob@example.com")["id"]
    again = link(ada, acme, label["typeId"], category="USER_DEFINED")
    answer = connect(api, "contacts/companies", link(ada, acme, 279), again, link(bob, acme, 279))
    assert answer["numErrors"] == 1
    assert f"Object {acme} (0-2) has reached its limit" in answer["errors"][0]["message"]
    body = {
        "properties": {"email": "eve@example.com"},
        "associations": [{"to": {"id": acme}, "types": [spec(279)]}],
    }
    assert api.send("POST", f"{OBJECTS}/contacts", body).status_code == 400


def test_companies_from_emails(api: Api) -> None:
    """An account may have made a contact's primary company before a client names another one."""
    seeding.apply(api.server.hubspot, {"companies_from_emails": True})
    known = api.create("companies", name="Shop", domain="shop.example")["id"]
    ada = api.create(email="ada@shop.example")["id"]
    assert company_of(api, ada) == known
    other = api.create("companies", name="Other", domain="other.example")["id"]
    connect(api, "contacts/companies", link(ada, other, 279))
    assert company_of(api, ada) == known
    inputs = [{"properties": {"email": f"{name}@new.example"}} for name in ("eve", "bob")]
    made = [one["id"] for one in api.batch("create", inputs).json()["results"]]
    assert len({company_of(api, one) for one in made}) == 1
    assert company_of(api, made[0]) not in {known, other, None}
    assert company_of(api, api.create(email="zoe@gmail.com")["id"]) is None


def test_associations_are_saved(api: Api, ada: str, acme: str, tmp_path: Path) -> None:
    """A saved state has associations and labels, and no entry in the journal for loading them."""
    body = {"name": "billing", "label": "Billing contact", "inverseLabel": "Billed by"}
    number = api.send("POST", f"{DATED}/contacts/companies/labels", body).json()["results"][0]["typeId"]
    connect(api, "contacts/companies", link(ada, acme, number, category="USER_DEFINED"))
    dumped = api.server.simulation.dump()
    path = f"companies/{acme}/associations/contacts"
    before = held(api, path)
    with SimulatorServer(state_path=tmp_path / "state.json") as other:
        other.simulation.load(dumped)
        copy = type(api)(other, api.session)
        assert held(copy, path) == before
        assert copy.journal() == []
