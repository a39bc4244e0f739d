"""G10 by every path: nobody is mailed or subscribed whom the settings do not allow it for, by the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reverse_etl_core.stream_config import LOAD_METHODS
from target_mailchimp.config import RESUBSCRIBE
from target_mailchimp.consent import STATUSES

from .test_consent import PASTS, deliver

if TYPE_CHECKING:
    from conformance.stage import Stage

    from .conftest import MailchimpVendor, Person

OUT = frozenset({"TRANSACTIONAL", "UNSUBSCRIBED", "LEFT", "BOUNCED"})
"""Contacts who are there and get no campaigns."""
OBJECTED = frozenset({"LEFT", "BOUNCED", "LEFT-ARCHIVED", "FORGOTTEN"})
"""Contacts whom no setting may subscribe: only they themselves can."""


def may_be_subscribed(status: str | None, policy: str, *, revives: bool) -> set[str]:
    """Whom a record may subscribe, by what the README promises."""
    allowed = set(OUT) if (status, policy) == ("subscribed", "always") else set()
    allowed |= {"ARCHIVED"} if revives and status in (None, "subscribed") else set()
    return allowed - OBJECTED


def may_be_asked(status: str | None, policy: str, *, revives: bool) -> set[str]:
    """Whom a record may send a mail that asks for consent."""
    asks = policy == "pending" and status in ("subscribed", "pending")
    asks = asks or (policy, status) == ("always", "pending")
    revived = {"ARCHIVED", "LEFT-ARCHIVED"} if revives and status == "pending" else set()
    return (set(OUT) if asks else set()) | revived


@pytest.mark.parametrize("revives", [False, True])
@pytest.mark.parametrize("policy", RESUBSCRIBE)
@pytest.mark.parametrize(
    "load_method", [pytest.param(one, marks=() if one == "upsert" else pytest.mark.long) for one in LOAD_METHODS]
)
@pytest.mark.parametrize("status", [None, *STATUSES])
def test_g10_by_every_path(
    stage: Stage,
    vendor: MailchimpVendor,
    person: Person,
    status: str | None,
    load_method: str,
    policy: str,
    *,
    revives: bool,
) -> None:
    """Mails and statuses after two runs: only whom policy and record name, each once; `create` touches nobody."""
    before = person.with_every_past()
    welcomed, asked = vendor.events("welcome_mail"), vendor.events("confirmation_mail")
    for _ in range(2):
        config = {"resubscribe": policy, "revive_archived": revives, "max_rejected_percent": 100}
        result = deliver(stage, status, stream={"load_method": load_method}, **config)
        assert result.exit_code == 0, result.error
    after = vendor.statuses()
    new_welcomes = vendor.events("welcome_mail") - welcomed
    new_asks = vendor.events("confirmation_mail") - asked
    creates = load_method == "create"
    subscribed = set() if creates else may_be_subscribed(status, policy, revives=revives)
    ask = set() if creates else may_be_asked(status, policy, revives=revives)
    assert {key for key, one in after.items() if one == "subscribed"} - {"SUBSCRIBED"} <= subscribed
    assert set(new_welcomes) <= subscribed
    assert {key for key, one in after.items() if one == "pending"} - {"PENDING"} <= ask
    assert set(new_asks) <= ask
    assert max((new_welcomes + new_asks).values(), default=0) <= 1
    assert after.keys() == set(PASTS) - {"FORGOTTEN"}
    if creates:
        assert after == before
    if not revives:
        assert {after[key] for key in ("ARCHIVED", "LEFT-ARCHIVED")} == {"archived"}
