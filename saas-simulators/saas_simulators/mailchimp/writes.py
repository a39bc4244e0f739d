"""Adding and changing contacts: all checks first, then the write and its side effects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp import errors
from saas_simulators.mailchimp.members import (
    BY_ADMIN,
    CLEANED,
    PENDING,
    SUBSCRIBED,
    UNSUBSCRIBED,
    subscriber_hash,
)
from saas_simulators.mailchimp.values import ValueRefusedError, is_email, is_fake, written

if TYPE_CHECKING:
    from collections.abc import Collection

    from saas_simulators.mailchimp.audience import Audience
    from saas_simulators.mailchimp.drafts import Draft
    from saas_simulators.mailchimp.members import Member


class Writer:
    """Writes the contacts of one call."""

    def __init__(
        self, audience: Audience, address: str, too_many_signups: Collection[str], *, skips_required: bool = False
    ) -> None:
        self._audience = audience
        self._address = address
        self._too_many_signups = too_many_signups
        self._skips_required = skips_required

    def add(self, draft: Draft) -> Member:
        """Create a contact, or bring an archived one back.

        Raises:
            MailchimpError: The address is bad, taken or forgotten, or a value is.
        """
        check_address(draft.email)
        existing = self._audience.members.get(subscriber_hash(draft.email))
        status = draft.status_if_new or draft.status
        if status is None:
            raise errors.missing(["status"])
        if existing is not None:
            if not existing.is_archived:
                raise errors.member_exists(draft.email)
            # source: recording grouparoo 2021 (POST)
            draft.status = status
            return self.change(existing, draft)
        self._check_new_address(draft.email, status)
        merge = self._merge(draft, {})
        member = self._audience.add(draft.email, status)
        member.merge = {tag: value for tag, value in merge.items() if value != ""}
        self._mark(member)
        self._date(member)
        self._assign(member, draft)
        self._audience.changed(member, "member_added", self._names(draft))
        self._audience.note(member, f"member_{status}")
        self._mail(member)
        self._tag(member, draft)
        return member

    def change(self, member: Member, draft: Draft) -> Member:
        """Write what differs; a draft that changes nothing leaves no trace, except for a confirmation mail.

        Raises:
            MailchimpError: The status is not to be had, the new address is taken, or a value is bad.
        """
        self._check_move(member, draft)
        if draft.status:
            self._check_status(member, draft.status)
        merge = self._merge(draft, member.merge)
        changed = [tag for tag, value in merge.items() if member.merge.get(tag, "") != value]
        changed += self._assign(member, draft)
        if draft.email and draft.email != member.email:
            changed.append("email_address")
            self._audience.rename(member, draft.email)
        if changed:
            stored = {**member.merge, **{tag: merge[tag] for tag in changed if tag in merge}}
            member.merge = {tag: value for tag, value in stored.items() if value != ""}
            self._audience.changed(member, "member_updated", changed)
        if draft.status:
            self._move(member, draft.status)
        self._tag(member, draft)
        return member

    # checks

    def _check_new_address(self, email: str, status: str) -> None:
        key = subscriber_hash(email)
        if key in self._audience.forgotten:
            # source: mailchimp-for-wordpress#771: the same for subscribed and pending
            raise errors.forgotten(email)
        if key in self._too_many_signups and status in {SUBSCRIBED, PENDING}:
            raise errors.too_many_signups(email)

    def _check_move(self, member: Member, draft: Draft) -> None:
        if not draft.email or subscriber_hash(draft.email) == member.key:
            return
        check_address(draft.email)
        key = subscriber_hash(draft.email)
        if key in self._audience.members:
            # source: recording grouparoo 2021; inferred: an archived contact keeps its address, too
            raise errors.member_exists(draft.email)
        if key in self._audience.forgotten:
            raise errors.forgotten(draft.email)

    def _check_status(self, member: Member, status: str) -> None:
        if status == SUBSCRIBED and member.is_blocked:
            # source: quoted 2020 to 2025; `pending` is the documented way out
            raise errors.in_compliance(member.email)
        if member.is_archived and member.key in self._too_many_signups and status in {SUBSCRIBED, PENDING}:
            raise errors.too_many_signups(member.email)

    def _merge(self, draft: Draft, stored: dict[str, Any]) -> dict[str, Any]:
        """Return the values to store; unknown tags are ignored, required ones must have a value in the end."""
        fields = self._audience.fields.by_tag
        values: dict[str, Any] = {}
        problems: errors.Problems = []
        for tag, value in draft.merge.items():
            field = fields.get(tag) or fields.get(tag.upper())
            if field is None:
                continue  # source: recording grouparoo 2021 (`email_address` among the merge fields)
            try:
                values[field.tag] = written(value, field)
            except ValueRefusedError as refused:
                problems.append({"field": field.tag, "message": str(refused)})
        if self._audience.fields.required and not self._skips_required:
            named = {problem["field"] for problem in problems}
            problems += [
                {"field": tag, "message": _required_text(fields[tag].type)}
                for tag in self._audience.fields.required
                if tag not in named and values.get(tag, stored.get(tag, "")) == ""
            ]
        if problems:
            raise errors.bad_merge_fields(problems)
        return values

    # effects

    def _mark(self, member: Member) -> None:
        """Remember who unsubscribed a contact, and that a cleaned one cannot be subscribed."""
        # source: recording grouparoo 2021 (reason there when unsubscribed, gone when subscribed again)
        member.unsubscribe_reason = BY_ADMIN if member.status == UNSUBSCRIBED else ""
        member.is_blocked = member.is_blocked or member.status == CLEANED

    def _date(self, member: Member) -> None:
        """Date the opt-in; inferred: a pending contact has signed up, but has not opted in."""
        # source: recording grouparoo 2021 (subscribed: ip_opt and timestamp_opt only)
        if member.status == SUBSCRIBED:
            member.ip_opt, member.timestamp_opt = self._address, member.last_changed
        elif member.status == PENDING:
            member.ip_signup, member.timestamp_signup = self._address, member.last_changed

    def _assign(self, member: Member, draft: Draft) -> list[str]:
        """Set plain attributes, interests and permissions; return the names of those that changed."""
        changed = [name for name, value in draft.attributes.items() if getattr(member, name) != value]
        for name in changed:
            setattr(member, name, draft.attributes[name])
        if draft.interests:
            # inferred: an interest that does not exist is ignored
            known = self._audience.interests()
            asked = {key: value for key, value in draft.interests.items() if key in known}
            if any(member.interests.get(key, False) != value for key, value in asked.items()):
                changed.append("interests")
                member.interests = {**member.interests, **asked}
        if draft.permissions:
            asked = {key: value for key, value in draft.permissions.items() if key in self._audience.permissions}
            if any(member.permissions.get(key, False) != value for key, value in asked.items()):
                changed.append("marketing_permissions")
                member.permissions = {**member.permissions, **asked}
        return changed

    def _move(self, member: Member, status: str) -> None:
        """Change the status; a mail goes out on the way to subscribed, and for every write of pending."""
        former = member.status
        if status == former:
            if status == PENDING:
                # source: third-party reports: setting pending again sends the confirmation mail again
                self._audience.note(member, "confirmation_mail")
            return
        was_archived = member.is_archived
        member.status = status
        self._mark(member)
        self._audience.changed(member, f"member_{status}", ["unarchived"] if was_archived else ())
        if was_archived or (status == SUBSCRIBED and not member.timestamp_opt):
            # source: recording grouparoo 2021: a revived contact opts in anew, one subscribed again does not
            self._date(member)
        self._mail(member, former)

    def _mail(self, member: Member, former: str = "") -> None:
        # source: Mailchimp docs: pending sends the confirmation whatever the audience says; subscribed joins at once.
        # inferred: the welcome mail goes out whenever a contact becomes subscribed, and at no other time.
        if member.status == SUBSCRIBED:
            self._audience.welcome(member)
        elif member.status == PENDING:
            self._audience.note(member, "confirmation_mail")
        elif member.status == UNSUBSCRIBED and former == SUBSCRIBED:
            # source: API 2.0, `lists/unsubscribe`: sent unless `send_goodbye` is false. 3.0 has no such parameter;
            # inferred: it is sent there, too, to who was subscribed
            self._audience.say_goodbye(member)

    def _tag(self, member: Member, draft: Draft) -> None:
        for name in draft.tags:
            self._audience.tag(member, name)

    def _names(self, draft: Draft) -> list[str]:
        """Return the fields that a new contact came with."""
        known = self._audience.fields.by_tag
        return [*draft.attributes, *[tag for tag in draft.merge if tag in known]]


def _required_text(kind: str) -> str:
    # source: brandonseydel/MailChimp.Net#500; verbb/formie#2387 (address)
    return "Please enter a complete address" if kind == "address" else "Please enter a value"


def check_address(email: str) -> None:
    """Refuse what is no address, or one that nobody has.

    Raises:
        MailchimpError: 400 without `errors`.
    """
    if not email or not is_email(email):
        raise errors.bad_email()
    if is_fake(email):
        raise errors.fake_email(email)
