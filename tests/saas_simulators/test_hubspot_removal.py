"""What archiving, merging and deleting for privacy leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.hubspot import seeding

if TYPE_CHECKING:
    from conftest import Api

CONTACTS = "/crm/objects/2026-09/contacts"


def merged(api: Api, *ids: str) -> str:
    """Merge two contacts as a person would; the id of the survivor."""
    body = {"primaryObjectId": ids[0], "objectIdToMerge": ids[1]}
    return str(api.send("POST", f"{CONTACTS}/merge", body).json()["id"])


def is_there(api: Api, record_id: str, *, archived: bool = False) -> bool:
    """Whether the contact can be read."""
    path = f"{CONTACTS}/{record_id}?archived={str(archived).lower()}"
    return api.send("GET", path).status_code == 200


def read(api: Api, *ids: str) -> tuple[list[str], list[Any]]:
    """Ids that a batch read shows, and its errors' contexts."""
    body = api.batch("read", [{"id": one} for one in ids]).json()
    return sorted(one["id"] for one in body["results"]), [one["context"] for one in body.get("errors", [])]


def test_a_batch_is_archived_once_and_starts_no_workflow(api: Api) -> None:
    """Known ids go to the recycle bin, unknown ones are passed over, and doing it again changes nothing."""
    ids = [api.create(email=f"p{number}@example.com")["id"] for number in range(2)]
    before = len(api.journal())
    for _ in range(2):
        reply = api.batch("archive", [{"id": one} for one in (*ids, "999")])
        assert (reply.status_code, reply.content) == (204, b"")
    assert [entry["event"] for entry in api.journal()][before:] == ["record_archived"] * 2
    assert [is_there(api, one, archived=True) for one in ids] == [True, True]
    assert read(api, *ids) == ([], [{"ids": ids}])


def test_one_record_is_archived(api: Api) -> None:
    """DELETE answers 204, for a record that is away already too."""
    made = api.create(email="ada@example.com")["id"]
    assert [api.send("DELETE", f"{CONTACTS}/{made}").status_code for _ in range(2)] == [204, 204]
    assert len(api.journal("record_archived")) == 1


def test_an_old_id_is_read_as_its_survivor(api: Api) -> None:
    """A batch read by an id that was merged away answers with the survivor's own id, and with no error."""
    one, two, three = (api.create(email=f"p{number}@example.com")["id"] for number in range(3))
    survivor = merged(api, merged(api, one, two), three)
    assert read(api, one) == ([survivor], [])
    assert read(api, two, three, survivor) == ([survivor], [])
    assert is_there(api, one)


@pytest.mark.parametrize("verb", ["archive", "DELETE", "gdpr-delete"])
def test_an_old_id_leads_removals_to_the_survivor(api: Api, verb: str) -> None:
    """The harsher reading of what is not documented: a client that does not look first takes the survivor away."""
    one, two = (api.create(email=f"p{number}@example.com")["id"] for number in range(2))
    survivor = merged(api, one, two)
    if verb == "archive":
        api.batch("archive", [{"id": one}])
    elif verb == "DELETE":
        api.send("DELETE", f"{CONTACTS}/{one}")
    else:
        api.send("POST", f"{CONTACTS}/gdpr-delete", {"objectId": one})
    assert not is_there(api, survivor)
    assert read(api, one) == ([], [{"ids": [one]}])


@pytest.mark.parametrize("is_archived", [False, True])
def test_a_contact_is_deleted_for_privacy_by_id(api: Api, *, is_archived: bool) -> None:
    """It is gone from both lists, all its addresses are blocked, and repeating it is a success."""
    one, two = (api.create(email=f"p{number}@example.com")["id"] for number in range(2))
    survivor = merged(api, one, two)
    if is_archived:
        api.batch("archive", [{"id": survivor}])
    for _ in range(2):
        reply = api.send("POST", f"{CONTACTS}/gdpr-delete", {"objectId": survivor})
        assert (reply.status_code, reply.content) == (204, b"")
    assert not is_there(api, survivor)
    assert not is_there(api, survivor, archived=True)
    assert [entry["id"] for entry in api.journal("record_gdpr_deleted")] == [survivor]
    for number in range(2):
        refused = api.send("POST", CONTACTS, {"properties": {"email": f"P{number}@example.com"}})
        assert refused.status_code == 400
        error = refused.json()["errors"][0]
        assert (error["code"], error["message"]) == ("INVALID_EMAIL", "email has been GDPR blacklisted")


def test_an_unknown_address_is_blocked(api: Api) -> None:
    """A GDPR delete by an e-mail that matches nobody blocks it."""
    body = {"objectId": "New@example.com", "idProperty": "email"}
    assert api.send("POST", f"{CONTACTS}/gdpr-delete", body).status_code == 204
    (error,) = api.batch(
        "upsert",
        [{"id": "new@example.com", "idProperty": "email", "properties": {}, "objectWriteTraceId": "0"}],
    ).json()["errors"]
    assert error["errors"][0]["code"] == "INVALID_EMAIL"


def test_a_merge_that_keeps_the_first_id(api: Api) -> None:
    """With primary ID preservation the second id alone leads elsewhere; the journal tells of the merge once."""
    seeding.apply(api.server.hubspot, {"merge_keeps_primary_id": True})
    one = api.create(email="ada@example.com", city="Rome")["id"]
    two = api.create(email="bob@example.com", city="Oslo", phone="1")["id"]
    assert merged(api, one, two) == one
    assert read(api, two) == ([one], [])
    path = f"{CONTACTS}/{one}?properties=city,phone,email,hs_additional_emails,hs_merged_object_ids,hs_all_contact_vids"
    properties = api.send("GET", path).json()["properties"]
    found = {name: value for name, value in properties.items() if not name.endswith("date") and name != "hs_object_id"}
    assert found == {
        "city": "Rome",
        "phone": "1",
        "email": "ada@example.com",
        "hs_additional_emails": "bob@example.com",
        "hs_merged_object_ids": two,
        "hs_all_contact_vids": f"{one};{two}",
    }
    assert [entry["id"] for entry in api.journal("record_merged")] == [one]
    answer = api.batch("update", [{"id": two, "properties": {"city": "Bern"}}])
    assert (answer.status_code, answer.json()["results"]) == (200, [])


def test_merges_of_merges_keep_every_address_and_id(api: Api) -> None:
    """The survivor of several merges is found by each address, and names each id that it has had."""
    ids = [api.create(email=f"p{number}@example.com")["id"] for number in range(4)]
    first, second = merged(api, ids[0], ids[1]), merged(api, ids[2], ids[3])
    last = merged(api, first, second)
    for number in range(4):
        upsert = {"id": f"p{number}@example.com", "idProperty": "email", "properties": {}}
        assert api.batch("upsert", [upsert]).json()["results"][0]["id"] == last
    vids = api.send("GET", f"{CONTACTS}/{last}?properties=hs_all_contact_vids").json()["properties"]
    assert set(vids["hs_all_contact_vids"].split(";")) == {*ids, first, second, last}


def test_an_archived_contact_does_not_come_back(api: Api) -> None:
    """No write restores it: its address makes another contact, its id is unknown to updates."""
    made = api.create(email="ada@example.com")["id"]
    api.batch("archive", [{"id": made}])
    upsert = {"id": "ada@example.com", "idProperty": "email", "properties": {"city": "Rome"}}
    (result,) = api.batch("upsert", [upsert]).json()["results"]
    assert result["new"] is True
    assert result["id"] != made
    answer = api.batch("update", [{"id": made, "properties": {"city": "Bern"}}]).json()
    assert (answer["results"], answer["errors"][0]["context"]) == ([], {"ids": [made]})
    assert is_there(api, made, archived=True)


def test_a_token_that_may_only_read(api: Api) -> None:
    """Reads are answered, writes are a 403 that names the scope."""
    made = api.create(email="ada@example.com")["id"]
    api.token = "read-only-token"
    assert read(api, made) == ([made], [])
    reply = api.batch("archive", [{"id": made}])
    assert reply.status_code == 403
    assert reply.json()["category"] == "MISSING_SCOPES"
    assert reply.json()["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.contacts.write"]
    assert is_there(api, made)
