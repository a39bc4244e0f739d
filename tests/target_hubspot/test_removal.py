"""Archiving records and deleting contacts for privacy, over real HTTP, against the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.errors import RetryableError
from reverse_etl_core.operations import (
    Batch,
    Operation,
    Outcome,
    RejectCode,
    Rejected,
    Removed,
    Unanswered,
    Verb,
    Written,
)
from target_hubspot.config import API_VERSIONS
from target_hubspot.errors import NotGrantedError, RecordRefusedError

from .hubspot_account import QUICK, Account, answering, batch, code_of, operation

if TYPE_CHECKING:
    from reverse_etl_core.schema import ObjectSchema
    from target_hubspot.destination import HubSpotDestination

WAYS = ("archive", "delete")
PATHS = {"archive": "*/batch/archive", "delete": "*/gdpr-delete"}


def removal(schema: ObjectSchema, way: str, *ids: str) -> Batch:
    """A removal of these records, each keyed by its id."""
    operations = tuple(Operation(one, one, {}, one) for one in ids)
    return Batch(Verb.REMOVE, schema, "customer_id", operations, removal=way)


def removed(*ids: str) -> list[Outcome]:
    """What removals of these records should come to."""
    return [Removed(one) for one in ids]


def archived(account: Account) -> list[str]:
    """Ids of the contacts in the recycle bin."""
    found = account.api("GET", "/crm/v3/objects/contacts?archived=true&limit=100")["results"]
    return [one["id"] for one in found]


# -- archiving


def test_a_hundred_records_are_archived_in_two_requests(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """One looks where they are, one archives them; they land in the recycle bin, and no workflow starts."""
    ids = [account.create(customer_id=f"c{number}", firstname="Ada") for number in range(100)]
    before, seen = account.traffic.requests, len(account.events())
    assert hubspot.write(removal(contacts, "archive", *ids)) == removed(*ids)
    assert account.traffic.requests == before + 2
    assert account.contacts() == {}
    assert archived(account) == ids
    assert account.events()[seen:] == ["record_archived"] * 100


def test_archiving_again_changes_nothing(account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema) -> None:
    """What is away already is removed, without another write."""
    known = account.create(customer_id="c1", firstname="Ada")
    for _ in range(2):
        assert hubspot.write(removal(contacts, "archive", known)) == removed(known)
    assert account.count("archive") == 1
    assert account.events("record_archived") == [known]


def test_known_and_unknown_records_beside_each_other(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """Archived by a person, deleted for privacy, never there: all of them are away, and the live one is archived."""
    live, binned, purged = (account.create(customer_id=f"c{number}", firstname="Ada") for number in range(3))
    other = account.create(customer_id="other", firstname="Bob")
    account.api("DELETE", f"/crm/v3/objects/contacts/{binned}")
    account.api("POST", "/crm/v3/objects/contacts/gdpr-delete", {"objectId": purged})
    ids = (live, binned, purged, "987654321")
    outcomes = hubspot.write(removal(contacts, "archive", *ids))
    assert sorted(outcomes, key=lambda one: one.source_key) == sorted(removed(*ids), key=lambda one: one.source_key)
    assert list(account.contacts()) == [other]


def test_the_survivor_of_a_merge_is_left_alone(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """The record that was ours is away; the one that a person put together is not ours (G5).

    HubSpot leads a merged-away id to its survivor; the simulator archives that when it is asked to
    (`test_an_old_id_leads_removals_to_the_survivor`).
    """
    ours, theirs, live = (account.create(email=f"p{number}@example.com") for number in range(3))
    survivor = account.merge(theirs, ours)
    outcomes = hubspot.write(removal(contacts, "archive", ours, live))
    assert sorted(one.source_key for one in outcomes if isinstance(one, Removed)) == sorted((ours, live))
    assert list(account.contacts()) == [survivor]
    assert account.events("record_archived") == [live]


def test_only_merged_records_make_no_write(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """Nothing is archived where nothing of ours is left."""
    one, two = (account.create(email=f"p{number}@example.com") for number in range(2))
    account.merge(one, two)
    assert hubspot.write(removal(contacts, "archive", one, two)) == removed(one, two)
    assert account.count("archive") == 0


def test_an_archived_record_that_returns_is_created_anew(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """Archived records are not found: the same row makes a new record, and the old one stays in the bin."""
    old = account.create(customer_id="c1", firstname="Ada")
    hubspot.write(removal(contacts, "archive", old))
    assert hubspot.find(contacts, "customer_id", ["c1"]) == {}
    (outcome,) = hubspot.write(batch(contacts, Verb.UPSERT, operation("c1")))
    assert isinstance(outcome, Written)
    assert outcome.created
    assert list(account.contacts()) == [outcome.destination_id]
    assert hubspot.write(removal(contacts, "archive", old)) == removed(old)
    assert list(account.contacts()) == [outcome.destination_id]


@pytest.mark.parametrize("version", API_VERSIONS)
@pytest.mark.parametrize("name", ["contacts", "companies", "subscription"])
def test_every_object_in_every_version(account: Account, name: str, version: str) -> None:
    """Standard and custom objects are archived on the paths of each version."""
    destination = account.connect(api_version=version)
    schema = destination.describe(name)
    properties = {"number": "S-1"} if name == "subscription" else {"customer_id": "c1", "name": "Acme"}
    if name == "contacts":
        properties = {"customer_id": "c1", "firstname": "Ada"}
    made = account.api("POST", f"/crm/v3/objects/{schema.name}", {"properties": properties})["id"]
    assert destination.write(removal(schema, "archive", made)) == removed(made)
    assert account.events("record_archived") == [made]


# -- deleting for privacy


@pytest.mark.parametrize("version", API_VERSIONS)
def test_a_contact_is_deleted_for_privacy(account: Account, version: str) -> None:
    """It is in neither list any more, repeating it is a success, and no workflow starts."""
    destination = account.connect(api_version=version)
    contacts = destination.describe("contacts")
    known = account.create(customer_id="c1", email="ada@example.com")
    seen = len(account.events())
    for _ in range(2):
        assert destination.write(removal(contacts, "delete", known)) == removed(known)
    assert (account.contacts(), archived(account)) == ({}, [])
    assert account.events()[seen:] == ["record_gdpr_deleted"]
    assert account.count("gdpr-delete") == 1


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.UPSERT])
@pytest.mark.parametrize("match_field", ["email", "customer_id"])
def test_a_forgotten_person_does_not_return(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, verb: Verb, match_field: str
) -> None:
    """The address is blocked: the record is rejected for want of consent, and not as a malformed address (G10)."""
    known = account.create(customer_id="c1", email="ada@example.com")
    hubspot.write(removal(contacts, "delete", known))
    fields = {"customer_id": "c1", "email": "Ada@example.com", "firstname": "Ada"}
    again = Operation("1", fields[match_field].lower(), fields)
    other = Operation("2", "new@example.com", {"customer_id": "c2", "email": "new@example.com"})
    refused, written = hubspot.write(batch(contacts, verb, again, other, match_field=match_field))
    assert code_of(refused) is RejectCode.CONSENT
    assert isinstance(refused, Rejected)
    assert refused.vendor_code == "GDPR_BLACKLISTED_EMAIL"
    assert isinstance(written, Written)
    assert "ada" not in str(refused)


def test_a_contact_in_the_recycle_bin_is_deleted_too(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """What a person archived is still there for 90 days: it is not taken for gone."""
    known = account.create(customer_id="c1", email="ada@example.com")
    hubspot.write(removal(contacts, "archive", known))
    assert hubspot.write(removal(contacts, "delete", known)) == removed(known)
    assert archived(account) == []
    assert account.events("record_gdpr_deleted") == [known]


def test_a_contact_that_never_was_is_not_asked_for(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """An id that HubSpot does not know in either list is away."""
    assert hubspot.write(removal(contacts, "delete", "987654321")) == removed("987654321")
    assert account.count("gdpr-delete") == 0


@pytest.mark.parametrize("is_binned", [False, True])
def test_a_merged_contact_is_not_claimed_to_be_deleted(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, *, is_binned: bool
) -> None:
    """The survivor may hold what should be forgotten, but it is not ours: a person has to look."""
    ours, theirs = (account.create(email=f"p{number}@example.com") for number in range(2))
    survivor = account.merge(theirs, ours)
    if is_binned:
        account.api("DELETE", f"/crm/v3/objects/contacts/{survivor}")
    (outcome,) = hubspot.write(removal(contacts, "delete", ours))
    assert code_of(outcome) is RejectCode.CONFLICT
    assert account.count("gdpr-delete") == 0
    assert [*account.contacts(), *archived(account)] == [survivor]


def test_a_contact_that_hubspot_has_but_does_not_find(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """A 404 for a record that still can be read is no success: it is rejected, and the run goes on."""
    known = account.create(customer_id="c1", email="ada@example.com")
    account.faults({"kind": "html_error", "path": PATHS["delete"], "status": 404})
    (outcome,) = hubspot.write(removal(contacts, "delete", known))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.vendor_code) == (RejectCode.VENDOR_REFUSED, "HTTP 404")
    assert list(account.contacts()) == [known]


def test_a_contact_that_goes_between_two_requests(contacts: ObjectSchema) -> None:
    """A 404 for a record that cannot be read any more means that somebody else was quicker."""
    here = (200, {"results": [{"id": "7"}]})
    gone = (207, {"results": [], "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["7"]}}]})
    missing = (404, {"message": "resource not found"})
    assert answering(here, missing, gone, gone).write(removal(contacts, "delete", "7")) == removed("7")


# -- trouble


@pytest.mark.parametrize("way", WAYS)
def test_a_missing_scope_is_named(account: Account, contacts: ObjectSchema, way: str) -> None:
    """A token that may only read ends the run, with the scope to grant, after one attempt."""
    known = account.create(customer_id="c1", email="ada@example.com")
    destination = account.connect(access_token="read-only-token")
    with pytest.raises(NotGrantedError, match=r"crm\.objects\.contacts\.write"):
        destination.write(removal(contacts, way, known))
    assert account.count(PATHS[way].rsplit("/", 1)[1]) == 1
    assert list(account.contacts()) == [known]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "kind", ["cut_after", "cut_before", "truncated", "502_after_commit", "html_error", "500", "423", "429"]
)
def test_a_removal_survives_trouble(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, way: str, kind: str
) -> None:
    """A removal is repeated until it is confirmed, and happens once."""
    known, other = (account.create(customer_id=f"c{number}", firstname="Ada") for number in range(2))
    extra = {"retry_after": 0} if kind in {"423", "429"} else {}
    account.faults({"kind": kind, "path": PATHS[way], "times": 2, **extra})
    assert hubspot.write(removal(contacts, way, known)) == removed(known)
    assert list(account.contacts()) == [other]
    events = [one for one in account.events() if one in {"record_archived", "record_gdpr_deleted"}]
    assert events == ["record_archived" if way == "archive" else "record_gdpr_deleted"]


@pytest.mark.parametrize("way", WAYS)
def test_attempts_run_out(account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, way: str) -> None:
    """Trouble that does not end becomes an error after the last attempt; nothing is claimed."""
    known = account.create(customer_id="c1", firstname="Ada")
    account.faults({"kind": "503", "path": PATHS[way]})
    with pytest.raises(RetryableError):
        hubspot.write(removal(contacts, way, known))
    assert account.count(PATHS[way].rsplit("/", 1)[1]) == QUICK.attempts
    assert list(account.contacts()) == [known]


@pytest.mark.parametrize("way", WAYS)
def test_a_look_that_fails_removes_nothing(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, way: str
) -> None:
    """Where nobody knows what an id leads to, nothing is written."""
    known = account.create(customer_id="c1", firstname="Ada")
    account.faults({"kind": "503", "path": "*/batch/read"})
    with pytest.raises(RetryableError):
        hubspot.write(removal(contacts, way, known))
    assert list(account.contacts()) == [known]


def test_an_id_that_an_answer_leaves_out_is_asked_for_alone(contacts: ObjectSchema) -> None:
    """Silence is no absence: the record is still there, and archived with the others."""
    both = (200, {"results": [{"id": "1"}]})
    alone = (200, {"results": [{"id": "2"}]})
    answer: tuple[int, dict[str, Any]] = (200, {"status": "COMPLETE", "errors": [{"context": {"ids": ["2"]}}]})
    outcomes = answering(both, alone, answer).write(removal(contacts, "archive", "1", "2"))
    assert outcomes[0] == Removed("1")
    assert code_of(outcomes[1]) is RejectCode.VENDOR_REFUSED


def test_an_unfinished_archive_confirms_nothing(contacts: ObjectSchema) -> None:
    """A status other than complete leaves the records open."""
    answers = ((200, {"results": [{"id": "1"}]}), (200, {"status": "PENDING"}))
    assert answering(*answers).write(removal(contacts, "archive", "1")) == [Unanswered("1")]


def test_a_refused_batch_is_for_core_to_split(contacts: ObjectSchema) -> None:
    """A whole call that is refused names its code, and is halved until the bad record stands alone."""
    answers = ((200, {"results": [{"id": "1"}]}), (400, {"category": "VALIDATION_ERROR", "message": "x"}))
    with pytest.raises(RecordRefusedError) as caught:
        answering(*answers).write(removal(contacts, "archive", "1"))
    assert caught.value.code is RejectCode.VENDOR_REFUSED
