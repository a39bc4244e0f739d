"""Lists and their members, with HubSpot's spelling of what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.hubspot import lists, seeding

if TYPE_CHECKING:
    from conftest import Api

DATED = "/crm/lists/2026-09"
LEGACY = "/crm/v3/lists"
CONTACTS = "/crm/objects/2026-09/contacts"


def make(api: Api, name: str = "VIPs", kind: str = "MANUAL", base: str = DATED) -> str:
    """Create a list of contacts and return its id."""
    reply = api.send("POST", base, {"name": name, "objectTypeId": "0-1", "processingType": kind})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["list"]["listId"])


def people(api: Api, count: int) -> list[str]:
    """Create contacts and return their ids."""
    return [str(api.create(email=f"p{number}@example.com")["id"]) for number in range(count)]


def change(api: Api, list_id: str, verb: str, body: Any) -> dict[str, Any]:
    """Change memberships and return the answer with its ids in order."""
    reply = api.send("PUT", f"{DATED}/{list_id}/memberships/{verb}", body)
    assert reply.status_code == 200, reply.text
    return {name: sorted(ids) for name, ids in reply.json().items()}


@pytest.mark.parametrize("base", [DATED, LEGACY])
def test_a_list_is_made_found_renamed_and_deleted(api: Api, base: str) -> None:
    """By id and by name, without regard to case; a deleted one is found by its id only, and says so."""
    made = make(api, base=base)
    assert api.send("GET", f"{base}/{made}").json()["list"]["name"] == "VIPs"
    by_name = f"{base}/object-type-id/0-1/name"
    assert api.send("GET", f"{by_name}/vips").json()["list"]["listId"] == made
    renamed = api.send("PUT", f"{base}/{made}/update-list-name?listName=Big%20spenders").json()["updatedList"]
    assert (renamed["listId"], renamed["name"]) == (made, "Big spenders")
    missing = api.send("GET", f"{by_name}/VIPs")
    assert (missing.status_code, missing.json()["subCategory"]) == (404, "ListError.LIST_NAME_DOES_NOT_EXIST")
    assert [api.send("DELETE", f"{base}/{made}").status_code for _ in range(2)] == [204, 204]
    assert api.send("GET", f"{by_name}/Big%20spenders").status_code == 404
    assert api.send("GET", f"{base}/{made}").json()["list"]["deletedAt"]
    assert api.send("PUT", f"{base}/{made}/memberships/add", ["1"]).status_code == 404
    assert api.send("PUT", f"{base}/{made}/restore").status_code == 204
    assert api.send("GET", f"{by_name}/Big%20spenders").status_code == 200
    events = [entry["event"] for entry in api.journal()]
    assert events == ["list_created", "list_updated", "list_deleted", "list_restored"]


def test_names_are_unique(api: Api) -> None:
    """A second list of the same name is refused; of another object type it is not."""
    make(api)
    body = {"name": "vips", "objectTypeId": "0-1", "processingType": "MANUAL"}
    refused = api.send("POST", DATED, body)
    assert (refused.status_code, refused.json()["subCategory"]) == (400, "ILS.DUPLICATE_LIST_NAMES")
    assert api.send("POST", DATED, {**body, "objectTypeId": "0-2"}).status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [({"name": None}, 400), ({"processingType": "SMART"}, 400), ({"objectTypeId": "0-99"}, 400)],
)
def test_bad_lists(api: Api, change: dict[str, Any], status: int) -> None:
    """A list needs a name, a known object type and a known way of processing."""
    body = {"name": "x", "objectTypeId": "0-1", "processingType": "MANUAL", **change}
    assert api.send("POST", DATED, body).status_code == status


def test_members_are_added_and_removed_once(api: Api) -> None:
    """Only what changed is named; repeating it answers an empty object and is no side effect."""
    made, ids = make(api), people(api, 3)
    assert change(api, made, "add", [*map(int, ids[:2]), "42"]) == {
        "recordsIdsAdded": ids[:2],
        "recordIdsMissing": ["42"],
    }
    before = api.journal()
    assert change(api, made, "add", ids[:2]) == {}
    assert change(api, made, "remove", [ids[2]]) == {}
    assert api.journal() == before
    both = {"recordIdsToAdd": [ids[2], ids[1]], "recordIdsToRemove": [ids[0], "42"]}
    assert change(api, made, "add-and-remove", both) == {
        "recordsIdsAdded": [ids[2]],
        "recordIdsRemoved": [ids[0]],
        "recordIdsMissing": ["42"],
    }
    (entry,) = api.journal("list_member_removed")
    assert (entry["object"], entry["id"], entry["detail"]) == ("contacts", ids[0], [f"lists/{made}"])
    assert entry["unique"] == {"email": "p0@example.com"}


def test_members_are_paged(api: Api) -> None:
    """By record id, with an opaque cursor that may be escaped once more on its way back."""
    made, ids = make(api), people(api, 5)
    change(api, made, "add", ids)
    path = f"{DATED}/{made}/memberships?limit=2"
    found: list[str] = []
    after = ""
    while True:
        body = api.send("GET", f"{path}&after={after}" if after else path).json()
        found += [one["recordId"] for one in body["results"]]
        assert body["total"] == 5
        if "paging" not in body:
            break
        after = body["paging"]["next"]["after"].replace("%", "%25")
    assert found == ids
    assert api.send("GET", f"{path}&after=!!").status_code == 400


def test_dynamic_lists_are_not_changed_by_hand(api: Api) -> None:
    """HubSpot decides who is in them."""
    made, ids = make(api, kind="DYNAMIC"), people(api, 1)
    for verb, body in (
        ("add", ids),
        ("remove", ids),
        ("add-and-remove", {"recordIdsToAdd": ids, "recordIdsToRemove": []}),
    ):
        reply = api.send("PUT", f"{DATED}/{made}/memberships/{verb}", body)
        assert (reply.status_code, reply.json()["category"]) == (400, "VALIDATION_ERROR")
    assert api.journal("list_member_added") == []


def test_too_many_ids(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """One id more than a call takes is refused as a whole."""
    monkeypatch.setattr(lists, "MAX_IDS", 3)
    made, ids = make(api), people(api, 4)
    assert api.send("PUT", f"{DATED}/{made}/memberships/add", ids).status_code == 400
    assert api.send("GET", f"{DATED}/{made}/memberships").json() == {"results": [], "total": 0}


def test_who_leaves_the_account_leaves_its_lists(api: Api) -> None:
    """Archived and deleted records are no members any more; a merge puts the survivor into the lists of both."""
    made, other, ids = make(api), make(api, "Others"), people(api, 4)
    change(api, made, "add", ids)
    change(api, other, "add", [ids[3]])
    api.batch("archive", [{"id": ids[0]}])
    api.send("POST", f"{CONTACTS}/gdpr-delete", {"objectId": ids[1]})
    body = {"primaryObjectId": ids[2], "objectIdToMerge": ids[3]}
    survivor = api.send("POST", f"{CONTACTS}/merge", body).json()["id"]
    for one in (made, other):
        rows = api.send("GET", f"{DATED}/{one}/memberships").json()["results"]
        assert [row["recordId"] for row in rows] == [survivor]


def test_lists_are_searched(api: Api) -> None:
    """By a part of the name, in pages; lists by id show their size, and without ids there are none."""
    ids = [make(api, f"Segment {number}") for number in range(3)]
    make(api, "Other", kind="DYNAMIC")
    change(api, ids[0], "add", people(api, 2))
    page = api.send("POST", f"{DATED}/search", {"query": "segment", "count": 2}).json()
    assert (page["offset"], page["hasMore"], page["total"]) == (2, True, 3)
    assert page["lists"][0]["additionalProperties"]["hs_list_size"] == "2"
    page = api.send("POST", f"{DATED}/search", {"query": "segment", "offset": 2}).json()
    assert ([one["listId"] for one in page["lists"]], page["hasMore"]) == (ids[2:], False)
    kinds = api.send("POST", f"{DATED}/search", {"processingTypes": ["DYNAMIC"]}).json()
    assert [one["name"] for one in kinds["lists"]] == ["Other"]
    (listed,) = api.send("GET", f"{DATED}?listIds={ids[0]}").json()["lists"]
    assert listed["size"] == 2
    assert api.send("GET", DATED).json() == {"lists": []}
    assert api.send("POST", f"{DATED}/search", {"offset": "x"}).status_code == 400


@pytest.mark.parametrize("base", [DATED, LEGACY])
def test_the_lists_of_records_are_read(api: Api, base: str) -> None:
    """Of one, or of many; a deleted list is none of them, and too many records at once are refused."""
    made, other, gone, ids = make(api), make(api, "Others"), make(api, "Gone"), people(api, 3)
    change(api, made, "add", ids[:2])
    change(api, other, "add", ids[:1])
    change(api, gone, "add", ids[:1])
    api.send("DELETE", f"{base}/{gone}")
    one = api.send("GET", f"{base}/records/0-1/{ids[0]}/memberships").json()["results"]
    assert [row["listId"] for row in one] == [made, other]
    inputs = [{"objectTypeId": "0-1", "recordId": record_id} for record_id in ids]
    reply = api.send("POST", f"{base}/records/memberships/batch/read", {"inputs": inputs}).json()
    found = {row["recordId"]: [it["listId"] for it in row["recordListMemberships"]] for row in reply["results"]}
    assert (reply["status"], found) == ("COMPLETE", {ids[0]: [made, other], ids[1]: [made], ids[2]: []})
    assert api.send("POST", f"{base}/records/memberships/batch/read", {"inputs": inputs * 34}).status_code == 400


def test_lists_are_seeded_and_saved(api: Api) -> None:
    """A seed names lists; a saved state has them with their members."""
    seeding.apply(api.server.hubspot, {"lists": [{"name": "Smart", "processing_type": "DYNAMIC"}, {"name": "Static"}]})
    static = api.send("GET", f"{DATED}/object-type-id/contacts/name/static").json()["list"]
    ids = people(api, 2)
    change(api, static["listId"], "add", ids)
    dumped = api.server.simulation.dump()
    api.server.simulation.reset()
    api.server.simulation.load(dumped)
    assert api.send("GET", f"{DATED}/{static['listId']}/memberships").json()["total"] == 2
    api.batch("archive", [{"id": ids[0]}])
    assert api.send("GET", f"{DATED}/{static['listId']}/memberships").json()["total"] == 1
