"""One audience: its definitions, its contacts and what the API may not know of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from saas_simulators.mailchimp.fields import MergeFields
from saas_simulators.mailchimp.members import (
    ARCHIVED,
    BY_CONTACT,
    CLEANED,
    PENDING,
    SUBSCRIBED,
    UNSUBSCRIBED,
    Member,
    subscriber_hash,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Surroundings(Protocol):
    """What an audience needs of its account."""

    def moment(self) -> str:
        """Return the time as Mailchimp prints it."""

    def next_number(self) -> int:
        """Return a number that nothing of the account has had."""

    def note(self, audience: Audience, event: str, record_id: str, email: str, detail: Collection[str]) -> None:
        """Write a side effect to the journal."""

    def touched(self, audience: Audience, member: Member) -> None:
        """Remember that a contact was written."""


@dataclass(slots=True)
class Segment:
    """A static segment, which is the same as a tag; `members` are ids of contacts."""

    id: int
    name: str
    created: str
    updated: str
    members: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Interest:
    """One choice of a category."""

    id: str
    name: str
    display_order: int


@dataclass(slots=True)
class Category:
    """A group of interests."""

    id: str
    title: str
    type: str
    display_order: int
    interests: list[Interest] = field(default_factory=list)


class Audience:
    """Definitions and contacts of one list."""

    def __init__(self, list_id: str, name: str, account: Surroundings) -> None:
        self.id = list_id
        self.name = name
        self.web_id = account.next_number()
        self.created = account.moment()
        self.double_optin = False
        self.has_welcome = True
        self.has_goodbye = False
        self.permissions: dict[str, str] = {}
        self.fields = MergeFields()
        self.categories: dict[str, Category] = {}
        self.segments: dict[int, Segment] = {}
        self.members: dict[str, Member] = {}
        self.forgotten: set[str] = set()
        self._account = account
        self._contacts: dict[str, Member] = {}
        self._tags: dict[str, Segment] = {}

    # contacts

    def find(self, address: str) -> Member | None:
        """Return the contact that a path names: by hash, contact id or e-mail; archived ones too."""
        # source: OpenAPI of 2026 ("subscriber_hash": hash, e-mail or contact_id)
        found = self.members.get(address) or self._contacts.get(address)
        return found or (self.members.get(subscriber_hash(address)) if "@" in address else None)

    def add(self, email: str, status: str) -> Member:
        """Create a contact; the caller fills it and tells the journal."""
        number = self._account.next_number()
        contact_id = hashlib.md5(f"{self.id} {number}".encode(), usedforsecurity=False).hexdigest()
        return self.put(Member(subscriber_hash(email), email, number, contact_id, status, self._account.moment()))

    def put(self, member: Member) -> Member:
        """Take in a contact, under its hash and its contact id."""
        self.members[member.key] = member
        self._contacts[member.contact_id] = member
        return member

    def rename(self, member: Member, email: str) -> None:
        """Change a contact's address, and with it its hash; the caller has checked that it is free."""
        key = subscriber_hash(email)
        member.email = email
        if key != member.key:
            del self.members[member.key]
            member.key = key
            self.members[key] = member

    def archive(self, member: Member) -> None:
        """Archive a contact; fields and tags stay."""
        member.status = ARCHIVED
        # source: brandonseydel/MailChimp.Net#529: nothing shows whether an archived contact had unsubscribed
        member.unsubscribe_reason = ""
        self.changed(member, "member_archived")

    def forget(self, member: Member) -> None:
        """Delete a contact for good; the address cannot come back through the API."""
        self.forgotten.add(member.key)
        del self.members[member.key]
        del self._contacts[member.contact_id]
        for number in member.tags:
            self.segments[number].members.discard(member.contact_id)
        self.note(member, "member_deleted")

    # what only the contact can do, for tests

    def contact_unsubscribes(self, email: str) -> None:
        """Unsubscribe as the contact would, by the link in a mail: the API cannot undo it."""
        self._from_outside(email, UNSUBSCRIBED, BY_CONTACT)

    def contact_bounces(self, email: str) -> None:
        """Clean a contact, as after hard bounces: the API cannot undo it."""
        self._from_outside(email, CLEANED, "")

    def contact_confirms(self, email: str) -> None:
        """Follow the link of the confirmation mail."""
        member = self.members[subscriber_hash(email)]
        if member.status == PENDING:
            self._from_outside(email, SUBSCRIBED, "")
            member.timestamp_opt = member.last_changed
            self.welcome(member)

    def _from_outside(self, email: str, status: str, reason: str) -> None:
        member = self.members[subscriber_hash(email)]
        member.status = status
        member.unsubscribe_reason = reason
        member.is_blocked = status != SUBSCRIBED
        self.changed(member, f"member_{status}", ["contact"])

    # the journal

    def note(self, member: Member, event: str, detail: Collection[str] = ()) -> None:
        """Write a side effect to the journal."""
        self._account.note(self, event, member.key, member.email, detail)

    def changed(self, member: Member, event: str, detail: Collection[str] = ()) -> None:
        """Tell the journal of a change, and move the date of the last one."""
        member.last_changed = self._account.moment()
        self._account.touched(self, member)
        self.note(member, event, detail)

    def define(self, event: str, name: str) -> None:
        """Write a change of a definition to the journal."""
        self._account.note(self, event, name, "", ())

    def welcome(self, member: Member) -> None:
        """Send the welcome mail, where the audience has one."""
        if self.has_welcome:
            self.note(member, "welcome_mail")

    def say_goodbye(self, member: Member) -> None:
        """Send the goodbye mail, where the audience has one."""
        if self.has_goodbye:
            self.note(member, "goodbye_mail")

    # tags, which are static segments

    def segment(self, name: str) -> Segment | None:
        """Return the static segment of this name, without regard to case (inferred)."""
        return self._tags.get(name.lower())

    def add_segment(self, name: str) -> Segment:
        """Create a static segment, which is a tag."""
        now = self._account.moment()
        return self.put_segment(Segment(self._account.next_number(), name, now, now))

    def put_segment(self, segment: Segment) -> Segment:
        """Take in a segment, or its new name."""
        self._tags = {key: other for key, other in self._tags.items() if other is not segment}
        self.segments[segment.id] = segment
        self._tags[segment.name.lower()] = segment
        return segment

    def remove_segment(self, segment: Segment) -> None:
        """Remove a segment and take its tag from all contacts."""
        for contact_id in segment.members:
            self._contacts[contact_id].tags.pop(segment.id, None)
        del self.segments[segment.id]
        del self._tags[segment.name.lower()]

    def tag(self, member: Member, name: str, *, is_syncing: bool = False) -> bool:
        """Give a contact a tag, created on first use; return whether it is new to the contact."""
        segment = self.segment(name) or self.add_segment(name)
        if segment.id in member.tags:
            return False
        member.tags[segment.id] = self._account.moment()
        segment.members.add(member.contact_id)
        self.changed(member, "tag_added", [segment.name])
        if not is_syncing and member.status == SUBSCRIBED:
            # source: API reference (`is_syncing`); inferred: automations take subscribed contacts only
            self.note(member, "automation_triggered", [f"tag:{segment.name}"])
        return True

    def untag(self, member: Member, segment: Segment | None) -> bool:
        """Take a tag from a contact; return whether the contact had it."""
        if segment is None or segment.id not in member.tags:
            return False
        del member.tags[segment.id]
        segment.members.discard(member.contact_id)
        self.changed(member, "tag_removed", [segment.name])
        return True

    def tagged(self, segment: Segment) -> Iterator[Member]:
        """Yield a segment's contacts, archived ones apart (inferred)."""
        for contact_id in sorted(segment.members):
            member = self._contacts[contact_id]
            if not member.is_archived:
                yield member

    # counts

    def count(self, *statuses: str) -> int:
        """Return how many contacts have one of these statuses."""
        return sum(member.status in statuses for member in self.members.values())

    def interests(self) -> dict[str, Interest]:
        """Return all interests by id."""
        return {one.id: one for category in self.categories.values() for one in category.interests}
