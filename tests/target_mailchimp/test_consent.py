"""G10: who left, bounced or was forgotten is never subscribed again by default, and by policy only as it says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from target_mailchimp.consent import ALWAYS, ARCHIVED, ASK, NEVER, STATUSES, Consent

if TYPE_CHECKING:
    from conformance.stage import Result, Stage

    from .conftest import MailchimpVendor, Person

MAILS = ("welcome_mail", "confirmation_mail")
PASTS = (
    "SUBSCRIBED",
    "PENDING",
    "TRANSACTIONAL",
    "UNSUBSCRIBED",
    "LEFT",
    "BOUNCED",
    "ARCHIVED",
    "LEFT-ARCHIVED",
    "FORGOTTEN",
)


def deliver(stage: Stage, status: str | None, keys: tuple[str, ...] = PASTS, **config: Any) -> Result:
    """Deliver a record for each contact, with or without a status."""
    changes = {} if status is None else {"status": status}
    return stage.deliver(({"email_address": key, "FNAME": "second", "LTV": 1, **changes} for key in keys), **config)


def firsts(vendor: MailchimpVendor) -> dict[str, str]:
    """First names of all members, archived ones too."""
    return {
        one["properties"]["email_address"].partition("@")[0].upper(): one["properties"]["FNAME"]
        for one in vendor.members()
    }


@pytest.mark.parametrize("load_method", ["upsert", "update"])
@pytest.mark.parametrize("status", [None, "subscribed", "pending"])
def test_g10_nobody_is_subscribed_again_by_default(
    stage: Stage, vendor: MailchimpVendor, person: Person, status: str | None, load_method: str
) -> None:
    """Whatever the record says, every existing member keeps its status, gets its fields, and no mail goes out."""
    before = person.with_every_past()
    mails = vendor.events(*MAILS)
    result = deliver(stage, status, stream={"load_method": load_method})
    assert vendor.statuses() == before
    assert set(firsts(vendor).values()) == {"second"}
    assert vendor.events(*MAILS) == mails
    gone = "consent" if load_method == "upsert" else "not_found"
    assert (result.totals["updated"], result.codes) == (8, {gone: 1})


def test_pitfall_35_a_forgotten_contact_is_a_consent_reject_and_rests(
    stage: Stage, vendor: MailchimpVendor, person: Person
) -> None:
    """Forgotten looks like new until it is written; then it is a reject that the same content does not try again."""
    person.with_every_past()
    result = deliver(stage, "subscribed", ("FORGOTTEN",))
    assert result.codes == {"consent": 1}
    writes = vendor.write_requests()
    assert deliver(stage, "subscribed", ("FORGOTTEN",)).codes == {"consent": 1}
    assert vendor.write_requests() == writes


def test_a_record_that_says_unsubscribed_is_believed(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """Consent can always be taken back; archived members stay archived, bounced ones bounced; forgotten ones away."""
    before = person.with_every_past()
    result = deliver(stage, "unsubscribed")
    gone = {"SUBSCRIBED": "unsubscribed", "PENDING": "unsubscribed", "TRANSACTIONAL": "unsubscribed"}
    assert vendor.statuses() == before | gone
    assert (result.totals["updated"], result.codes) == (8, {"consent": 1})
    assert vendor.writes() - _setup_writes() == {"POST /": 2}


def _setup_writes() -> Counter[str]:
    """What `Person.with_every_past` takes."""
    forgetting = {"POST /members/{member}/actions/delete-permanent": 1}
    return Counter({"POST /members": 9, "DELETE /members/{member}": 2, **forgetting})


def test_a_new_record_that_says_unsubscribed_is_added_as_such(stage: Stage, vendor: MailchimpVendor) -> None:
    """A suppression list can be delivered: nobody of it ever is subscribed, not even for a moment."""
    deliver(stage, "unsubscribed", ("NEW",))
    assert vendor.statuses() == {"NEW": "unsubscribed"}
    assert vendor.events(*MAILS) == {}


@pytest.mark.parametrize(("setting", "mail"), [("subscribed", "welcome_mail"), ("pending", "confirmation_mail")])
def test_a_new_record_gets_the_status_of_the_setting(
    stage: Stage, vendor: MailchimpVendor, setting: str, mail: str
) -> None:
    """Where the record names none."""
    deliver(stage, None, ("NEW",), status_if_new=setting)
    assert vendor.statuses() == {"NEW": setting}
    assert vendor.events(*MAILS) == vendor.events(mail) == {"NEW": 1}


def test_transactional_is_no_way_around_an_objection(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """Who left stays on record as having left: made transactional it could be subscribed later."""
    before = person.with_every_past()
    deliver(stage, "transactional")
    assert vendor.statuses() == before | {"SUBSCRIBED": "transactional", "PENDING": "transactional"}


def test_pitfall_35_resubscribing_takes_an_explicit_policy(
    stage: Stage, vendor: MailchimpVendor, person: Person
) -> None:
    """`resubscribe: always` subscribes whom Mailchimp lets; who opted out is a consent reject, with fields written."""
    before = person.with_every_past()
    mails = vendor.events(*MAILS)
    result = deliver(stage, "subscribed", resubscribe="always")
    back = {"TRANSACTIONAL": "subscribed", "UNSUBSCRIBED": "subscribed"}
    assert vendor.statuses() == before | back
    assert vendor.events(*MAILS) - mails == dict.fromkeys(back, 1)
    assert (result.totals["updated"], result.codes) == (6, {"consent": 3})
    assert set(firsts(vendor).values()) == {"second"}


def test_asking_again_sends_one_mail_and_no_second_one(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """`resubscribe: pending` asks everybody who is not subscribed, once: who was asked is not asked again."""
    before = person.with_every_past()
    mails = vendor.events(*MAILS)
    for text in ("second", "third"):
        rows = [{"email_address": key, "FNAME": text, "status": "subscribed"} for key in before]
        stage.deliver(rows, resubscribe="pending")
    asked = dict.fromkeys(("TRANSACTIONAL", "UNSUBSCRIBED", "LEFT", "BOUNCED"), "pending")
    assert vendor.statuses() == before | asked
    assert vendor.events(*MAILS) - mails == dict.fromkeys(asked, 1)


def test_archived_members_come_back_only_by_setting(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """`revive_archived` brings them back with the record's status; whoever left before stays away, as a reject."""
    before = person.with_every_past()
    result = deliver(stage, None, ("ARCHIVED", "LEFT-ARCHIVED"), revive_archived=True)
    assert vendor.statuses() == before | {"ARCHIVED": "subscribed"}
    assert (result.totals["updated"], result.codes) == (1, {"consent": 1})


def test_a_revived_member_may_come_back_unsubscribed(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """What the record says goes before the setting of new members."""
    before = person.with_every_past()
    result = deliver(stage, "unsubscribed", ("ARCHIVED", "LEFT-ARCHIVED"), revive_archived=True)
    assert vendor.statuses() == before | {"ARCHIVED": "unsubscribed", "LEFT-ARCHIVED": "unsubscribed"}
    assert result.totals["updated"] == 2


@pytest.mark.parametrize("key", ["ARCHIVED", "LEFT", "SUBSCRIBED"])
def test_create_leaves_everybody_who_exists_alone(
    stage: Stage, vendor: MailchimpVendor, person: Person, key: str
) -> None:
    """An archived member exists: creating it would bring it back."""
    before = person.with_every_past()
    result = deliver(stage, "subscribed", (key,), stream={"load_method": "create"}, revive_archived=True)
    assert result.codes == {"already_exists": 1}
    assert vendor.statuses() == before


@pytest.mark.parametrize("policy", [NEVER, ASK, ALWAYS])
def test_no_policy_changes_a_status_to_what_it_is(policy: str) -> None:
    """Nothing is sent to a member that has the status already, and nobody who is subscribed is asked to confirm."""
    consent = Consent(resubscribe=policy, revives_archived=True)
    assert [consent.correction(status, status) for status in STATUSES] == [None] * 5
    assert consent.correction("pending", "subscribed") is None
    assert consent.correction("subscribed", "pending") is None
    assert [consent.correction(None, status) for status in STATUSES] == [None] * 5
    assert consent.correction(None, None) is consent.correction("subscribed", None) is None
    assert consent.correction(None, ARCHIVED) == "subscribed"


def test_an_unsubscribed_member_is_not_made_anything_else_by_default() -> None:
    """But for `cleaned`, which says that nothing can be delivered at all."""
    made = {wanted: Consent().correction(wanted, "unsubscribed") for wanted in STATUSES}
    assert {wanted for wanted, status in made.items() if status} == {"cleaned"}
