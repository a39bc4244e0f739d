"""Records that return after their members were taken away (guarantee G10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.operations import (
    RejectCode,
    Rejected,
    Verb,
    Written,
)
from target_mailchimp import tags
from target_mailchimp.bodies import subscriber_hash

from .conftest import DOMAIN, LIST_ID, destination_at
from .writing import kinds, operation, remove, upsert, written

if TYPE_CHECKING:
    from saas_simulators import SimulatorServer
    from saas_simulators.mailchimp.audience import Audience
    from target_mailchimp.destination import MailchimpDestination

    from .conftest import MailchimpVendor, Person

PASTS = ("SUBSCRIBED", "PENDING", "TRANSACTIONAL", "UNSUBSCRIBED", "LEFT", "BOUNCED", "ARCHIVED", "LEFT-ARCHIVED")
EFFECTS = ("welcome_mail", "confirmation_mail", "goodbye_mail", "automation_triggered")


@pytest.fixture
def seed() -> dict[str, Any]:
    """An audience that says goodbye."""
    return {"mailchimp": {"audiences": [{"id": LIST_ID, "goodbye_mail": True}]}}


@pytest.mark.parametrize("status", ["subscribed", "transactional"])
@pytest.mark.parametrize("wanted", [None, "subscribed", "pending"])
def test_who_was_archived_by_a_removal_comes_back_as_it_was(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination, status: str, wanted: str | None
) -> None:
    """With the record's fields; the mark goes, no tag is left and the next delivery does no more."""
    person.add("ADA", status, tags=["by hand"])
    remove(destination, "archive", ["ADA"])
    assert vendor.statuses() == {"ADA": "archived"}
    fields = {"FNAME": "second"} | ({} if wanted is None else {"status": wanted})
    assert isinstance(upsert(destination, "ADA", **fields), Written)
    assert (vendor.statuses(), person.tags("ADA")) == ({"ADA": status}, ["by hand"])
    journal = vendor.side_effects()
    assert isinstance(upsert(destination, "ADA", **fields), Written)
    assert vendor.side_effects() == journal


def test_a_returning_record_may_say_that_its_person_left(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """Consent can always be taken back: nobody is subscribed in between, and no mail goes out."""
    person.add("ADA")
    remove(destination, "archive", ["ADA"])
    mails = vendor.events(*EFFECTS)
    assert isinstance(upsert(destination, "ADA", status="unsubscribed"), Written)
    assert vendor.statuses() == {"ADA": "unsubscribed"}
    assert vendor.events(*EFFECTS) == mails


@pytest.mark.parametrize("way", ["archive", "unsubscribe"])
def test_g10_nobody_who_left_comes_back_with_a_record(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination, way: str
) -> None:
    """Neither who left before the removal nor whom the removal unsubscribed; nor who was archived by a person."""
    person.with_every_past()
    remove(destination, way, PASTS)
    before, mails = vendor.statuses(), vendor.events(*EFFECTS)
    for key in PASTS:
        assert isinstance(upsert(destination, key, status="subscribed", FNAME="second"), Written)
    back = {"SUBSCRIBED": "subscribed", "TRANSACTIONAL": "transactional"} if way == "archive" else {}
    assert vendor.statuses() == before | back
    assert vendor.events(*EFFECTS) - mails == ({"SUBSCRIBED": 1} if back else {})


def test_who_left_while_archived_stays_away(
    vendor: MailchimpVendor, person: Person, audience: Audience, destination: MailchimpDestination
) -> None:
    """By the link of an old mail: Mailchimp refuses to subscribe them, which is a reject, and remains one."""
    person.add("ADA")
    remove(destination, "archive", ["ADA"])
    audience.members[subscriber_hash(f"ada{DOMAIN}")].is_blocked = True
    for _ in range(2):
        refusal = upsert(destination, "ADA", FNAME="second")
        assert isinstance(refusal, Rejected)
        assert refusal.code is RejectCode.CONSENT
    assert vendor.statuses() == {"ADA": "archived"}


@pytest.mark.parametrize("kind", ["502_after_commit", "cut_after", "truncated", "cut_before"])
@pytest.mark.parametrize("route", ["/members/*", "/segments/*", ""])
def test_a_lost_reply_brings_back_once(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination, kind: str, route: str
) -> None:
    """Wherever it is lost: one welcome mail, and no mark is left."""
    person.add("ADA")
    remove(destination, "archive", ["ADA"])
    mails = vendor.events(*EFFECTS)
    vendor.faults([{"kind": kind, "path": f"/3.0/lists/{LIST_ID}{route}", "times": 1}])
    assert isinstance(upsert(destination, "ADA"), Written)
    assert (vendor.statuses(), person.tags("ADA")) == ({"ADA": "subscribed"}, [])
    assert vendor.events(*EFFECTS) - mails == {"ADA": 1}


def test_a_mark_that_outlived_its_use_is_taken_away(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """Of a member that a person brought back: archived by somebody later, it would come back by mistake."""
    person.add("ADA")
    remove(destination, "archive", ["ADA"])
    person.change("ADA", status="subscribed")
    upsert(destination, "ADA")
    assert person.tags("ADA") == []
    person.change("ADA", status="unsubscribed")
    person.archive("ADA")
    upsert(destination, "ADA", status="subscribed")
    assert vendor.statuses() == {"ADA": "archived"}


def test_a_mark_is_no_tag_of_a_record(simulator: SimulatorServer, person: Person, audience: Audience) -> None:
    """It is not read, and not taken away as one that a record lacks while its member is away."""
    target = destination_at(simulator.url, tag_prefix="archived")
    person.add("ADA", tags=["vip"])
    remove(target, "archive", ["ADA"])
    schema = target.describe("members")
    ((current,),) = target.read(schema, "email_address", [f"ada{DOMAIN}"], ["tags", "status"]).values()
    assert current.fields == {"tags": ["vip"], "status": "archived"}
    audience.members[subscriber_hash(f"ada{DOMAIN}")].is_blocked = True
    assert isinstance(upsert(target, "ADA", tags=[]), Rejected)
    assert person.tags("ADA") == [tags.mark("subscribed"), "vip"]


def test_an_update_brings_back_too(vendor: MailchimpVendor, person: Person, destination: MailchimpDestination) -> None:
    """By the member's own path, where nothing may be created."""
    person.add("ADA")
    remove(destination, "archive", ["ADA"])
    schema = destination.describe("members")
    outcomes = written(destination, schema, Verb.UPDATE, [operation("ADA", FNAME="second", tags=["vip"])])
    assert kinds(outcomes) == {"Written": 1}
    assert (vendor.statuses(), person.tags("ADA")) == ({"ADA": "subscribed"}, ["vip"])


def test_many_that_return_lose_their_marks_in_one_call(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """A mark is a tag, and is taken from all of them at once."""
    keys = [f"K{n}" for n in range(30)]
    for key in keys:
        person.add(key)
    for start in (0, 15):
        remove(destination, "archive", keys[start : start + 15])
    before = vendor.writes()
    schema = destination.describe("members")
    records = [operation(key, email_address=f"{key}{DOMAIN}".lower()) for key in keys]
    assert kinds(written(destination, schema, Verb.UPSERT, records)) == {"Written": 30}
    done = {"POST /": 1, "PATCH /members/{member}": 30, "POST /segments/{segment_id}": 1}
    assert vendor.writes() - before == done
