"""Members that are taken away: what becomes of everybody, and of lost replies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.errors import RetryableError, TransportError
from reverse_etl_core.operations import (
    Batch,
    Operation,
    RejectCode,
    Rejected,
    Removed,
    Unanswered,
    Unattempted,
    Verb,
    Written,
)
from reverse_etl_core.transport import Reply
from target_mailchimp import errors, tags
from target_mailchimp.bodies import subscriber_hash
from target_mailchimp.objects import segment_schema
from target_mailchimp.removal import AWAY, MemberRemover
from target_mailchimp.segments import SegmentWriter

from .conftest import DOMAIN, LIST_ID
from .writing import kinds, operation, remove, upsert, written

if TYPE_CHECKING:
    from reverse_etl_core.operations import Outcome
    from reverse_etl_core.transport import Request
    from target_mailchimp.destination import MailchimpDestination

    from .conftest import MailchimpVendor, Person

PASTS = ("SUBSCRIBED", "PENDING", "TRANSACTIONAL", "UNSUBSCRIBED", "LEFT", "BOUNCED", "ARCHIVED", "LEFT-ARCHIVED")
GONE = ("FORGOTTEN", "NOBODY")
WAYS = ("archive", "unsubscribe", "delete")
EFFECTS = ("welcome_mail", "confirmation_mail", "goodbye_mail", "automation_triggered")


@pytest.fixture
def seed() -> dict[str, Any]:
    """An audience that says goodbye, and cannot do without first names."""
    fields = [{"tag": "MUST", "type": "text", "required": True}]
    return {"mailchimp": {"audiences": [{"id": LIST_ID, "goodbye_mail": True, "merge_fields": fields}]}}


@pytest.fixture
def person(person: Person) -> Person:
    """Somebody who gives everybody what the audience demands."""
    add = person.add
    person.add = lambda key, status="subscribed", **fields: add(  # type: ignore[method-assign]
        key, status, **{"merge_fields": {"MUST": "x"}, **fields}
    )
    return person


# -- each way


def test_the_ways_are_declared(destination: MailchimpDestination) -> None:
    """Only deleting is final; a segment's members are taken out of it by hundreds."""
    ways = {one.name: one for one in destination.describe("members").removals}
    assert [(name, ways[name].is_final) for name in WAYS] == [
        ("archive", False),
        ("unsubscribe", False),
        ("delete", True),
    ]
    (way,) = destination.describe("segments/Summer").removals
    assert (way.name, way.records_per_request, way.is_final) == ("archive", 500, False)


def test_archiving_keeps_on_record_who_left(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """G10: who unsubscribed or bounced stays so; who has not confirmed cannot be archived and is told apart."""
    before = person.with_every_past()
    effects = vendor.events(*EFFECTS)
    outcomes = remove(destination, "archive", PASTS + GONE)
    assert vendor.statuses() == before | {"SUBSCRIBED": "archived", "TRANSACTIONAL": "archived"}
    assert kinds(outcomes) == {"Removed": 9, "Rejected": 1}
    refusal = outcomes["PENDING"]
    assert isinstance(refusal, Rejected)
    assert (refusal.code, refusal.vendor_code) == (RejectCode.VENDOR_REFUSED, "Method Not Allowed")
    assert "unsubscribe" in refusal.reason
    assert vendor.events(*EFFECTS) == effects


def test_unsubscribing_takes_one_call_and_adds_nobody(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """Archived members stay archived, bounced ones bounced, and who is not there is not added to be unsubscribed."""
    before = person.with_every_past()
    person.change("SUBSCRIBED", merge_fields={"FNAME": "x"})
    calls, mails = vendor.writes(), vendor.events(*EFFECTS)
    outcomes = remove(destination, "unsubscribe", PASTS + GONE)
    gone = dict.fromkeys(("SUBSCRIBED", "PENDING", "TRANSACTIONAL"), "unsubscribed")
    assert vendor.statuses() == before | gone
    assert kinds(outcomes) == {"Removed": 10}
    assert vendor.writes() - calls == {"POST /": 1}
    assert vendor.events(*EFFECTS) - mails == {"SUBSCRIBED": 1}


def test_deleting_leaves_nobody(vendor: MailchimpVendor, person: Person, destination: MailchimpDestination) -> None:
    """Whatever their past; none of them can be added again."""
    person.with_every_past()
    effects = vendor.events(*EFFECTS)
    outcomes = remove(destination, "delete", PASTS + GONE)
    assert vendor.statuses() == {}
    assert kinds(outcomes) == {"Removed": 10}
    assert vendor.events(*EFFECTS) == effects
    for key in PASTS:
        refusal = upsert(destination, key, MUST="x")
        assert isinstance(refusal, Rejected)
        assert refusal.code is RejectCode.CONSENT


@pytest.mark.parametrize("way", WAYS)
def test_a_second_removal_changes_nothing(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination, way: str
) -> None:
    """And gives the same outcomes."""
    person.with_every_past()
    first = remove(destination, way, PASTS + GONE)
    journal, statuses = vendor.side_effects(), vendor.statuses()
    assert remove(destination, way, PASTS + GONE) == first
    assert (vendor.side_effects(), vendor.statuses()) == (journal, statuses)


@pytest.mark.parametrize("way", WAYS)
def test_members_that_lack_a_required_field_go_too(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination, way: str
) -> None:
    """The audience demands it of who comes, not of who leaves."""
    person.call("POST", "/members?skip_merge_validation=true", {"email_address": f"k1{DOMAIN}", "status": "subscribed"})
    assert kinds(remove(destination, way, ["K1"])) == {"Removed": 1}
    assert set(vendor.statuses().values()) <= AWAY


def test_a_member_is_known_by_its_id(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """Whose address is about to change, say: the id is that of the address which Mailchimp has."""
    schema = destination.describe("members")
    for way, status in (("archive", "archived"), ("unsubscribe", "unsubscribed")):
        key = way.upper()
        person.add(key)
        known = Operation(way, f"new-{way}{DOMAIN}", {}, subscriber_hash(f"{way}{DOMAIN}"))
        assert kinds(written(destination, schema, Verb.REMOVE, [known], way)) == {"Removed": 1}
        assert vendor.statuses()[key] == status


# -- lost replies


@pytest.mark.parametrize("kind", ["502_after_commit", "cut_after", "cut_before", "truncated", "503", "429"])
@pytest.mark.parametrize("way", WAYS)
def test_lost_replies_remove_once(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination, way: str, kind: str
) -> None:
    """Each member is away, once, although every third reply is lost; nothing is sent twice."""
    keys = [f"K{n}" for n in range(20)]
    for key in keys:
        person.add(key)
    mails = vendor.events(*EFFECTS)
    vendor.faults([{"kind": kind, "path": f"/3.0/lists/{LIST_ID}*", "probability": 0.34, "seed": 7, "retry_after": 0}])
    outcomes: dict[str, Outcome] = {}
    while left := [key for key in keys if not isinstance(outcomes.get(key), Removed)]:
        outcomes |= remove(destination, way, left)
    event = {"archive": "member_archived", "unsubscribe": "member_unsubscribed", "delete": "member_deleted"}[way]
    assert vendor.events(event) == dict.fromkeys(keys, 1)
    sent = vendor.events(*EFFECTS) - mails
    assert sent == (dict.fromkeys(keys, 1) if way == "unsubscribe" else {})


def test_a_repeated_archiving_is_no_refusal(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """Its first answer was lost, and the second one says that an archived member cannot be archived."""
    person.add("ADA")
    vendor.faults([{"kind": "cut_after", "method": "DELETE", "path": "*", "times": 1}])
    assert kinds(remove(destination, "archive", ["ADA"])) == {"Removed": 1}
    assert vendor.requests()["DELETE /members/{member}"] == 2
    assert person.tags("ADA") == [tags.mark("subscribed")]


@pytest.mark.parametrize("way", WAYS)
def test_what_was_answered_before_the_trouble_is_kept(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination, way: str
) -> None:
    """The rest is repeated; where nothing was answered at all the caller decides."""
    for n in range(4):
        person.add(f"K{n}")
    keys = [f"K{n}" for n in range(4)]
    schema = destination.describe("members")
    per_member = {"archive": 3, "unsubscribe": 1, "delete": 1}[way]
    vendor.faults([{"kind": "503", "path": f"/3.0/lists/{LIST_ID}/members/*", "after": 2 * per_member}])
    outcomes = written(destination, schema, Verb.REMOVE, [operation(key) for key in keys], way)
    shapes = [type(outcomes[key]) for key in keys]
    assert shapes == [Removed, Removed, Unanswered, Unattempted]
    vendor.faults([{"kind": "503", "path": f"/3.0/lists/{LIST_ID}/*"}])
    with pytest.raises(RetryableError):
        written(destination, schema, Verb.REMOVE, [operation(key) for key in keys[2:]], way)


def test_an_unsubscription_without_an_answer_is_no_removal(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """Who was away before is, whatever becomes of the others; nobody but those waits."""
    person.add("ADA")
    schema = destination.describe("members")
    vendor.faults([{"kind": "503", "path": f"/3.0/lists/{LIST_ID}", "method": "POST"}])
    both = [operation("ADA"), operation("NOBODY")]
    outcomes = written(destination, schema, Verb.REMOVE, both, "unsubscribe")
    assert [type(outcomes[key]) for key in ("ADA", "NOBODY")] == [Unanswered, Removed]
    with pytest.raises(RetryableError):
        written(destination, schema, Verb.REMOVE, both[:1], "unsubscribe")


# -- static segments


def test_members_leave_a_segment_in_one_call(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """They stay in the audience; who was not in the segment, or is no member at all, is out of it already."""
    for key in ("IN", "TOO", "OUT"):
        person.add(key)
    destination.describe("segments/Summer")
    for key in ("IN", "TOO"):
        person.call("POST", f"{person.path(key)}/tags", {"tags": [{"name": "Summer", "status": "active"}]})
    before = vendor.writes()
    for _ in range(2):
        outcomes = remove(destination, "archive", ["IN", "OUT", "NOBODY"], "segments/Summer")
        assert kinds(outcomes) == {"Removed": 3}
    assert vendor.writes() - before == {"POST /segments/{segment_id}": 2}
    assert (person.tags("IN"), person.tags("TOO")) == ([], ["Summer"])
    assert set(vendor.statuses().values()) == {"subscribed"}
    (found,) = destination.find(destination.describe("segments/Summer"), "email_address", [f"too{DOMAIN}"]).values()
    assert found == [subscriber_hash(f"too{DOMAIN}")]


@pytest.mark.parametrize("kind", ["cut_after", "cut_before", "truncated"])
def test_a_lost_reply_of_a_segment_is_repeated(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination, kind: str
) -> None:
    """Taking somebody out a second time does nothing."""
    person.add("IN", tags=["Summer"])
    destination.describe("segments/Summer")
    vendor.faults([{"kind": kind, "path": f"/3.0/lists/{LIST_ID}/segments/*", "times": 1}])
    assert kinds(remove(destination, "archive", ["IN"], "segments/Summer")) == {"Removed": 1}
    assert vendor.events("tag_removed") == {"IN": 1}


def test_who_was_taken_out_of_a_segment_can_join_again(person: Person, destination: MailchimpDestination) -> None:
    """Like anybody else."""
    person.add("IN", tags=["Summer"])
    schema = destination.describe("segments/Summer")
    remove(destination, "archive", ["IN"], "segments/Summer")
    (outcome,) = written(destination, schema, Verb.UPSERT, [operation("IN")]).values()
    assert outcome == Written("IN", subscriber_hash(f"in{DOMAIN}"), created=True)


# -- answers that the simulator does not give


class Mailchimp:
    """Answers requests in turn, each by a body, a status with a body, or an error."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    def send(self, request: Request) -> Reply:
        """As a transport."""
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        reply = Reply(status, body=json.dumps(body).encode())
        if (failure := errors.failure(request, reply)) is not None:
            raise failure
        return reply


SUBSCRIBED = {"status": "subscribed", "email_address": f"ada{DOMAIN}"}
DONE = (204, None)
NOT_FOUND = (404, {"title": "Resource Not Found", "status": 404})
# recorded by grouparoo in 2021
SUPPORT = (
    405,
    {"title": "Method Not Allowed", "detail": "This list member cannot be removed.  Please contact support."},
)
INVALID = (400, {"title": "Invalid Resource", "status": 400, "detail": "No."})


def answered(way: str, *answers: Any) -> tuple[Outcome, list[Request]]:
    """The outcome of a removal that gets these answers, and its requests."""
    mailchimp = Mailchimp(*answers)
    batch = Batch(Verb.REMOVE, segment_schema("l1", "1"), "email_address", (operation("ADA"),), removal=way)
    (outcome,) = MemberRemover("l1", mailchimp.send).remove(batch)
    assert not mailchimp.answers
    return outcome, mailchimp.requests


def test_whom_mailchimp_does_not_let_go_keeps_no_mark() -> None:
    """It gives no reason; the member is a reject."""
    outcome, requests = answered("archive", SUBSCRIBED, DONE, SUPPORT, SUBSCRIBED, DONE)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.vendor_code) == (RejectCode.VENDOR_REFUSED, "Method Not Allowed")
    marks = [one.json for one in requests if one.path.endswith("/tags")]
    assert marks == [
        {"tags": [{"name": "Archived by sync: subscribed", "status": "active"}], "is_syncing": True},
        {"tags": [{"name": "Archived by sync: subscribed", "status": "inactive"}]},
    ]


def test_a_deletion_may_be_refused() -> None:
    """With a reject of the member, and without an end of the run."""
    for refusal in (SUPPORT, INVALID):
        outcome, _ = answered("delete", refusal)
        assert isinstance(outcome, Rejected)
        assert outcome.code is RejectCode.VENDOR_REFUSED
    outcome, _ = answered("archive", SUBSCRIBED, INVALID)
    assert isinstance(outcome, Rejected)


@pytest.mark.parametrize(
    "answers",
    [(NOT_FOUND,), (SUBSCRIBED, NOT_FOUND), (SUBSCRIBED, DONE, NOT_FOUND), (SUBSCRIBED, DONE, SUPPORT, NOT_FOUND)],
)
def test_who_vanishes_meanwhile_is_away(answers: tuple[Any, ...]) -> None:
    """Whenever it is noticed."""
    assert answered("archive", *answers)[0] == Removed("ADA")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"updated_members": [{**SUBSCRIBED, "status": "unsubscribed"}]}, Removed),
        ({"updated_members": [SUBSCRIBED]}, Unanswered),
        ({}, Unanswered),
        ({"errors": [{"email_address": f"ada{DOMAIN}", "error": "ada was permanently deleted and so on"}]}, Removed),
        ({"errors": [{"email_address": f"ada{DOMAIN}", "error": "No.", "error_code": "ERROR_GENERIC"}]}, Rejected),
    ],
)
def test_an_unsubscription_is_what_the_answer_shows(answer: dict[str, Any], kind: type) -> None:
    """Whoever it does not show as unsubscribed is asked for again."""
    outcome, _ = answered("unsubscribe", SUBSCRIBED, answer)
    assert isinstance(outcome, kind)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((NOT_FOUND,), Removed),
        (({"members_removed": [], "errors": [], "total_removed": 0, "error_count": 0},), Removed),
        (({"members_removed": [SUBSCRIBED]},), Removed),
        (({"members_removed": [], "total_removed": 1, "errors": [], "error_count": 0},), Unanswered),
        (
            ({"errors": [{"email_addresses": [f"ada{DOMAIN}"], "error": "x"}]}, {"tags": [{"id": 1, "name": "x"}]}),
            Rejected,
        ),
        (({"errors": [{"email_addresses": [f"ada{DOMAIN}"], "error": "x"}]}, {"tags": []}), Removed),
        (({"errors": [{"email_addresses": [f"ada{DOMAIN}"], "error": "x"}]}, NOT_FOUND), Removed),
    ],
)
def test_who_is_complained_of_is_looked_at(answers: tuple[Any, ...], kind: type) -> None:
    """A complaint of a segment's says nothing for certain."""
    mailchimp = Mailchimp(*answers)
    batch = Batch(Verb.REMOVE, segment_schema("l1", "1"), "email_address", (operation("ADA"),), removal="archive")
    (outcome,) = SegmentWriter("l1", "1", mailchimp.send).write(batch)
    assert isinstance(outcome, kind)
    assert not mailchimp.answers


def test_trouble_that_is_none_of_the_members_is_raised() -> None:
    """For the caller to repeat."""
    with pytest.raises(TransportError):
        answered("archive", TransportError("x"))
