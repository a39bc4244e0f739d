"""What becomes of a record by what Mailchimp answers: answers that the simulator does not give."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.errors import FatalError, UnknownOutcomeError
from reverse_etl_core.operations import (
    Batch,
    Missing,
    Operation,
    RejectCode,
    Rejected,
    Unanswered,
    Unattempted,
    Verb,
    Written,
)
from reverse_etl_core.transport import Reply
from target_mailchimp import errors
from target_mailchimp.audience import Audience, MergeField
from target_mailchimp.bodies import subscriber_hash
from target_mailchimp.consent import Consent
from target_mailchimp.members import MemberWriter
from target_mailchimp.objects import members_schema

if TYPE_CHECKING:
    from reverse_etl_core.operations import Outcome
    from reverse_etl_core.transport import Request

AUDIENCE = Audience("aaaaaaaaaa", (MergeField("FNAME", "First", "text"),), (), {"Post": "p1"})
SCHEMA = members_schema(AUDIENCE, demands_required=True)


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


def write(mailchimp: Mailchimp, *operations: Operation, verb: Verb = Verb.UPSERT, **settings: Any) -> list[Outcome]:
    """Write a batch."""
    consent = settings.pop("consent", Consent())
    writer = MemberWriter(
        AUDIENCE, consent, mailchimp.send, tag_prefix=settings.pop("tag_prefix", "crm: "), skips_required=False
    )
    return writer.write(Batch(verb, SCHEMA, "email_address", operations))


def operation(name: str, destination_id: str | None = None, **fields: Any) -> Operation:
    """A record."""
    return Operation(name, f"{name}@shop.example", fields, destination_id)


def member(name: str, status: str = "subscribed", **shown: Any) -> dict[str, Any]:
    """A member as it is shown."""
    address = f"{name}@shop.example"
    return {"id": subscriber_hash(address), "email_address": address, "status": status, "tags": [], **shown}


def answer(*, new: Any = (), updated: Any = (), refused: Any = ()) -> dict[str, Any]:
    """The answer to a call for many."""
    return {"new_members": list(new), "updated_members": list(updated), "errors": list(refused)}


def written(name: str, *, created: bool = False) -> Written:
    """The outcome of a delivered record."""
    return Written(name, subscriber_hash(f"{name}@shop.example"), created)


def test_pitfall_37_answers_are_joined_by_address_and_not_by_position() -> None:
    """In any order and any case; whoever is not in the answer is not written, whatever the answer counts."""
    shown = answer(new=[member("eve") | {"email_address": "EVE@Shop.example"}], updated=[member("ada")])
    refused = [{"email_address": "Bob@shop.example", "error": "Please provide a valid email address."}]
    mailchimp = Mailchimp(shown | {"errors": refused, "total_created": 4, "total_updated": 4, "error_count": 0})
    ada, bob, eve, kim = write(mailchimp, *(operation(name, FNAME="x") for name in ("ada", "bob", "eve", "kim")))
    assert (ada, eve, kim) == (written("ada"), written("eve", created=True), Unanswered("kim"))
    assert isinstance(bob, Rejected)
    assert bob.code is RejectCode.INVALID_EMAIL


def test_pitfall_37_a_success_that_says_nothing_is_no_success() -> None:
    """A 200 without members answers for nobody."""
    assert write(Mailchimp({"total_created": 1}), operation("ada", FNAME="x")) == [Unanswered("ada")]


def test_a_member_that_is_shown_and_complained_of_is_refused() -> None:
    """So that somebody looks."""
    complaint = {"email_address": "ada@shop.example", "error": "x", "error_code": "ERROR_GENERIC"}
    (outcome,) = write(Mailchimp(answer(updated=[member("ada")], refused=[complaint])), operation("ada", FNAME="x"))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.vendor_code) == (RejectCode.VENDOR_REFUSED, "ERROR_GENERIC")


@pytest.mark.parametrize(
    ("text", "code", "rests"),
    [
        ("ada@shop.example looks fake or invalid, please enter a real email address.", RejectCode.INVALID_EMAIL, False),
        (
            "ada@shop.example has signed up to a lot of lists very recently; we're not allowing more signups for now",
            RejectCode.VENDOR_REFUSED,
            True,
        ),
        (
            "ada@shop.example was permanently deleted and cannot be re-imported. The contact must re-subscribe.",
            RejectCode.CONSENT,
            False,
        ),
    ],
)
def test_pitfall_37_complaints_are_typed(text: str, code: RejectCode, rests: bool) -> None:  # noqa: FBT001 - a table
    """Fake addresses, too many sign-ups, which pass with days, and consent are told apart."""
    complaint = {"email_address": "ada@shop.example", "error": text, "error_code": "ERROR_GENERIC"}
    (outcome,) = write(Mailchimp(answer(refused=[complaint])), operation("ada", FNAME="x"))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.rest_s >= 24 * 3600) == (code, rests)
    assert "ada@" not in outcome.reason


def test_a_complaint_without_an_address_is_that_of_the_only_member() -> None:
    """With several it says nothing of any of them."""
    complaint = {"email_address": "", "error": "Please provide a valid email address."}
    (alone,) = write(Mailchimp(answer(refused=[complaint])), operation("ada", FNAME="x"))
    assert isinstance(alone, Rejected)
    two = write(Mailchimp(answer(refused=[complaint])), operation("ada", FNAME="x"), operation("bob", FNAME="x"))
    assert two == [Unanswered("ada"), Unanswered("bob")]


def test_a_status_that_is_kept_without_a_word_is_a_consent_reject() -> None:
    """Reported of 2026: the call for many ignores `subscribed` for who unsubscribed, and answers with success."""
    shown = answer(updated=[member("ada", "unsubscribed")])
    mailchimp = Mailchimp(shown, shown)
    (outcome,) = write(mailchimp, operation("ada", status="subscribed"), consent=Consent(resubscribe="always"))
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectCode.CONSENT
    assert mailchimp.requests[1].json == {
        "members": [{"email_address": "ada@shop.example", "status": "subscribed"}],
        "update_existing": True,
        "sync_tags": False,
    }


def test_an_archived_member_that_stays_archived_is_a_consent_reject() -> None:
    """It was asked to come back and did not."""
    shown = member("ada", "archived")
    mailchimp = Mailchimp(answer(updated=[shown]), shown)
    (outcome,) = write(mailchimp, operation("ada", FNAME="x"), consent=Consent(revives_archived=True))
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectCode.CONSENT


def test_a_first_call_never_holds_a_status_for_who_exists() -> None:
    """G10: whatever the record says, it is `status_if_new`; a call that updates nothing may say `status`."""
    for verb, name in ((Verb.UPSERT, "status_if_new"), (Verb.CREATE, "status")):
        mailchimp = Mailchimp(answer(new=[member("ada", "unsubscribed")]))
        write(mailchimp, operation("ada", status="unsubscribed", FNAME="x"), verb=verb)
        body = mailchimp.requests[0].json
        assert isinstance(body, dict)
        assert body["update_existing"] is (verb is Verb.UPSERT)
        assert body["members"] == [
            {"email_address": "ada@shop.example", name: "unsubscribed", "merge_fields": {"FNAME": "x"}}
        ]


@pytest.mark.parametrize(
    ("statuses", "is_safe"), [(["unsubscribed"], True), (["subscribed"], True), (["unsubscribed", "pending"], False)]
)
def test_only_calls_that_ask_for_confirmation_are_not_repeated(statuses: list[str], is_safe: bool) -> None:  # noqa: FBT001 - a table
    """Writing `pending` sends a mail each time; everything else that is written twice is written once."""
    names = [f"m{number}" for number in range(len(statuses))]
    first = answer(updated=[member(name, "transactional") for name in names])
    second = answer(updated=[member(name, status) for name, status in zip(names, statuses, strict=True)])
    mailchimp = Mailchimp(first, second)
    operations = [operation(name, status=status) for name, status in zip(names, statuses, strict=True)]
    outcomes = write(mailchimp, *operations, consent=Consent(resubscribe="always"))
    assert outcomes == [written(name) for name in names]
    assert [one.is_idempotent for one in mailchimp.requests] == [True, is_safe]


def test_a_tag_that_was_deleted_meanwhile_is_gone() -> None:
    """A 404 of its segment means that nobody has it."""
    tagged = [member(name, tags=[{"id": 7, "name": "crm: old"}]) for name in ("ada", "bob")]
    mailchimp = Mailchimp(answer(updated=tagged), (404, {"title": "Resource Not Found"}))
    operations = [operation(name, tags=["crm: new"]) for name in ("ada", "bob")]
    assert write(mailchimp, *operations) == [written("ada"), written("bob")]


def test_a_member_that_cannot_lose_its_tag_is_not_delivered() -> None:
    """A complaint about an address in the answer of the segment is of that member alone."""
    tagged = [member(name, tags=[{"id": 7, "name": "crm: old"}]) for name in ("ada", "bob")]
    refused = {"members_removed": [], "errors": [{"email_addresses": ["Bob@shop.example"], "error": "x"}]}
    operations = [operation(name, tags=[]) for name in ("ada", "bob")]
    assert write(Mailchimp(answer(updated=tagged), refused), *operations) == [written("ada"), Unanswered("bob")]


def test_permissions_that_differ_follow_one_by_one() -> None:
    """Only for members that show something else than their record says."""
    shown = [{"marketing_permission_id": "p1", "text": "Post", "enabled": True}]
    members = [member("ada", marketing_permissions=shown), member("bob", marketing_permissions=[]), member("eve")]
    mailchimp = Mailchimp(answer(updated=members), member("bob"))
    operations = [
        operation("ada", **{"marketing_permissions.Post": True}),
        operation("bob", **{"marketing_permissions.Post": True}),
        operation("eve", **{"marketing_permissions.Post": None}),
    ]
    assert write(mailchimp, *operations) == [written(name) for name in ("ada", "bob", "eve")]
    assert [one.method for one in mailchimp.requests] == ["POST", "PATCH"]
    assert mailchimp.requests[1].json == {"marketing_permissions": [{"marketing_permission_id": "p1", "enabled": True}]}


def test_trouble_with_what_follows_leaves_others_alone() -> None:
    """The record whose permission got no answer is written again; all others are delivered."""
    members = [member("ada"), member("bob", marketing_permissions=[])]
    mailchimp = Mailchimp(answer(new=members), UnknownOutcomeError("lost"))
    operations = [operation("ada", FNAME="x"), operation("bob", **{"marketing_permissions.Post": True})]
    assert write(mailchimp, *operations) == [written("ada", created=True), Unanswered("bob")]


def test_an_error_that_no_run_can_cure_ends_the_run() -> None:
    """A refused key is no verdict about a record."""
    with pytest.raises(FatalError):
        write(Mailchimp((401, {"title": "API Key Invalid"})), operation("ada", FNAME="x"))


def test_an_update_goes_to_the_members_own_path_which_never_creates() -> None:
    """One request each; who is gone is looked for anew, and what got no answer or was not sent says so."""
    mailchimp = Mailchimp(member("ada"), (404, {"title": "Resource Not Found"}), UnknownOutcomeError("lost"))
    operations = [
        operation(name, subscriber_hash(f"{name}@shop.example"), FNAME="x") for name in ("ada", "bob", "eve", "kim")
    ]
    outcomes = write(mailchimp, *operations, verb=Verb.UPDATE)
    assert outcomes == [written("ada"), Missing("bob"), Unanswered("eve"), Unattempted("kim")]
    assert {one.method for one in mailchimp.requests} == {"PATCH"}
    assert all("@" not in one.path for one in mailchimp.requests)


def test_an_update_that_changes_a_status_cannot_create_either() -> None:
    """The call for many would create who vanished meanwhile; the member's own path does not."""
    mailchimp = Mailchimp(member("ada", "subscribed"), member("ada", "unsubscribed"))
    known = subscriber_hash("ada@shop.example")
    assert write(mailchimp, operation("ada", known, FNAME="x", status="unsubscribed"), verb=Verb.UPDATE) == [
        written("ada")
    ]
    assert [(one.method, one.json) for one in mailchimp.requests] == [
        ("PATCH", {"merge_fields": {"FNAME": "x"}}),
        ("PATCH", {"status": "unsubscribed"}),
    ]


def test_an_update_that_never_got_through_ends_the_run() -> None:
    """With nothing answered the error itself is the answer."""
    with pytest.raises(UnknownOutcomeError):
        write(Mailchimp(UnknownOutcomeError("lost")), operation("ada", "x" * 32, FNAME="x"), verb=Verb.UPDATE)


def test_an_update_of_nothing_but_tags_reads_first() -> None:
    """A member's own path takes no tags: they follow, by what the member shows."""
    mailchimp = Mailchimp(member("ada", tags=[{"id": 7, "name": "crm: old"}]), {})
    known = subscriber_hash("ada@shop.example")
    assert write(mailchimp, operation("ada", known, tags=["crm: new"]), verb=Verb.UPDATE) == [written("ada")]
    assert [one.method for one in mailchimp.requests] == ["GET", "POST"]
    assert mailchimp.requests[1].json == {
        "tags": [{"name": "crm: new", "status": "active"}, {"name": "crm: old", "status": "inactive"}]
    }


def test_pitfall_36_a_changed_address_goes_to_the_path_of_the_old_one() -> None:
    """The body holds the new address; its status is not touched."""
    former = subscriber_hash("old@shop.example")
    mailchimp = Mailchimp(member("old"), member("ada"))
    fields = {"email_address": "Ada@shop.example", "FNAME": "x"}
    assert write(mailchimp, operation("ada", former, **fields), verb=Verb.UPDATE) == [written("ada")]
    assert all(one.path.split("?")[0].endswith(former) for one in mailchimp.requests)
    assert mailchimp.requests[1].json == {"email_address": "ada@shop.example", "merge_fields": {"FNAME": "x"}}


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "archived"])
def test_who_has_left_is_not_moved(status: str) -> None:
    """G10: at the old address nobody would remember that its owner left; nothing is written."""
    mailchimp = Mailchimp(member("old", status))
    one = operation("ada", subscriber_hash("old@shop.example"), email_address="ada@shop.example", FNAME="x")
    (outcome,) = write(mailchimp, one, verb=Verb.UPDATE)
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectCode.CONSENT
    assert [request.method for request in mailchimp.requests] == ["GET"]


@pytest.mark.parametrize(
    ("verb", "code"), [(Verb.UPDATE, RejectCode.CONFLICT), (Verb.CREATE, RejectCode.ALREADY_EXISTS)]
)
def test_pitfall_36_member_exists_is_read_by_what_was_tried(verb: Verb, code: RejectCode) -> None:
    """To change an address it is another member's; to create it is this one."""
    exists = (400, {"title": "Member Exists", "detail": "ada@shop.example is already a list member. Use PUT to …"})
    one = operation("ada", "x" * 32, FNAME="x", **{"marketing_permissions.Post": True})
    before = [] if verb is Verb.CREATE else [member("old")]
    (outcome,) = write(Mailchimp(*before, exists), one, verb=verb)
    assert isinstance(outcome, Rejected)
    assert outcome.code is code


def test_records_that_cannot_be_right_are_not_sent() -> None:
    """A record that is refused here takes none with it."""
    audience = Audience("aaaaaaaaaa", (MergeField("BORN", "Born", "birthday"),))
    mailchimp = Mailchimp(answer(new=[member("ada")]))
    writer = MemberWriter(audience, Consent(), mailchimp.send, tag_prefix=None, skips_required=False)
    operations = (operation("ada", BORN="1980-12-21"), operation("bob", BORN="soon"))
    ada, bob = writer.write(Batch(Verb.UPSERT, SCHEMA, "email_address", operations))
    assert ada == written("ada", created=True)
    assert isinstance(bob, Rejected)
    assert "soon" not in bob.reason
