"""One Mailchimp account: its audiences, batches and limits, behind one lock."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp.audience import Audience
from saas_simulators.mailchimp.errors import not_found
from saas_simulators.mailchimp.limits import AccountLimits
from saas_simulators.mailchimp.tokens import Tokens
from saas_simulators.mailchimp.values import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from saas_simulators.exchange import Reply, Request
    from saas_simulators.journal import Journal
    from saas_simulators.mailchimp.batches import Operations
    from saas_simulators.mailchimp.members import Member

VENDOR = "mailchimp"
DEFAULT_NAME = "Demo account"
FIRST_NUMBER = 400_000_000
LATEST_KEPT = 50


class Account:
    """Everything behind one Mailchimp account. Hold `lock` for every read or write."""

    def __init__(self, journal: Journal, clock: Callable[[], float], perform: Callable[[Request], Reply]) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.journal = journal
        self.perform = perform  # what answers one operation of a batch
        self.name = DEFAULT_NAME
        self.limits = AccountLimits()
        self.tokens = Tokens()
        self.audiences: dict[str, Audience] = {}
        self.batches: dict[str, Operations] = {}
        self.too_many_signups: set[str] = set()
        self.latest: deque[tuple[Audience, Member]] = deque(maxlen=LATEST_KEPT)
        self.last_number = FIRST_NUMBER
        self.born = self.moment()

    def moment(self) -> str:
        """Return the time as Mailchimp prints it."""
        return moment(self.clock())

    def next_number(self) -> int:
        """Return a number that nothing of the account has had; numbers grow."""
        self.last_number += 1
        return self.last_number

    def audience(self, list_id: str) -> Audience:
        """Return an audience.

        Raises:
            MailchimpError: 404; there is none of this id.
        """
        found = self.audiences.get(list_id)
        if found is None:
            raise not_found()
        return found

    def add_audience(self, list_id: str, name: str) -> Audience:
        """Add an audience."""
        made = self.audiences[list_id] = Audience(list_id, name, self)
        return made

    def note(self, audience: Audience, event: str, record_id: str, email: str, detail: Collection[str]) -> None:
        """Write a side effect to the journal."""
        self.journal.add(
            time=self.clock(),
            vendor=VENDOR,
            event=event,
            object_name=audience.id,
            record_id=record_id,
            unique={"email_address": email} if email else {},
            detail=detail,
        )

    def touched(self, audience: Audience, member: Member) -> None:
        """Remember that a contact was written, for the page."""
        self.latest.append((audience, member))

    def shown(self, audience: Audience, member: Member) -> dict[str, Any]:
        """Return a contact as the control surface shows it."""
        names = {one.id: one.name for category in audience.categories.values() for one in category.interests}
        properties: dict[str, Any] = {
            "email_address": member.email,
            "status": member.status,
            **audience.fields.blank,
            **member.merge,
            "tags": [audience.segments[number].name for number in member.tags],
            "email_type": member.email_type,
            "language": member.language,
            "vip": member.vip,
            "location": {"latitude": member.latitude, "longitude": member.longitude},
            "ip_signup": member.ip_signup,
            "timestamp_signup": member.timestamp_signup,
            "ip_opt": member.ip_opt,
            "timestamp_opt": member.timestamp_opt,
            "contact_id": member.contact_id,
        }
        if names:
            properties["interests"] = [name for key, name in names.items() if member.interests.get(key)]
        if audience.permissions:
            properties["marketing_permissions"] = [
                text for key, text in audience.permissions.items() if member.permissions.get(key)
            ]
        return {
            "id": member.key,
            "properties": properties,
            "createdAt": member.timestamp_signup or member.timestamp_opt or member.last_changed,
            "updatedAt": member.last_changed,
            "archived": member.is_archived,
        }
