"""How members are taken away: archived, unsubscribed or deleted for good (guarantees G5 and G10).

Mailchimp forgets about an archived member whether it had unsubscribed: brought back, everybody but those who left by
themselves can be subscribed. So who has unsubscribed or bounced is never archived: the record of it is worth more than
a tidy audience, and nobody mails them anyway. Whom a removal does archive gets a mark, a tag that says which status the
member had: `consent` brings back who has one when its record returns, and only those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.errors import RetryableError
from reverse_etl_core.operations import RejectCode, Rejected, Removed, Unanswered
from reverse_etl_core.recovery import Recovery
from target_mailchimp import errors, tags
from target_mailchimp.calls import Calls
from target_mailchimp.consent import ARCHIVED, CLEANED, PENDING, UNSUBSCRIBED
from target_mailchimp.drafts import Draft
from target_mailchimp.objects import ARCHIVE, DELETE, EMAIL, STATUS, UNSUBSCRIBE
from target_mailchimp.verdicts import one_by_one, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverse_etl_core.operations import Batch, Outcome
    from reverse_etl_core.transport import Reply, Request
    from target_mailchimp.drafts import Member
    from target_mailchimp.wire import Answers

# source: brandonseydel/MailChimp.Net#529, basxconnect#184 (nothing shows the status that an archived member had);
# strangerstudios/pmpro-mailchimp#152 (archived members can be subscribed where unsubscribed ones cannot)
AWAY = frozenset({ARCHIVED, UNSUBSCRIBED, CLEANED})
"""Statuses of members whom nothing is sent to: they stay as they are."""

NOT_ALLOWED = "Method Not Allowed"
UNCONFIRMED = (
    "The member has not confirmed yet, and Mailchimp archives nobody who has not. It is tried again later; "
    "'on_removed: unsubscribe' takes it away at once."
)
# source: recording grouparoo 2021: 405, "Can not archive a contact that is bounced, pending or archived"
KEPT = "Mailchimp does not let go of this member, and does not say why. Ask its support."
# source: recording grouparoo 2021: 405, "This list member cannot be removed. Please contact support."


class MemberRemover:
    """Takes members of one audience away. Used by several threads at once.

    Args:
        list_id: Of the audience.
        send: Sends a request.
    """

    def __init__(self, list_id: str, send: Callable[[Request], Reply]) -> None:
        # A member that lacks a required merge field can be taken away like any other.
        self._calls = Calls(list_id, send, skips_required=True)

    def remove(self, batch: Batch) -> list[Outcome]:
        """One outcome per operation; who is away already is `Removed`."""
        drafts = [Draft(one) for one in batch.operations]
        outcomes: dict[str, Outcome] = {}
        if batch.removal == UNSUBSCRIBE:
            self._unsubscribe(drafts, outcomes)
        else:
            ways = {ARCHIVE: self._archive, DELETE: self._delete}
            one_by_one(drafts, ways[batch.removal], outcomes)
        return [outcomes[one.source_key] for one in drafts]

    # -- archive

    def _archive(self, draft: Draft) -> Outcome:
        try:
            status = str(self._calls.read(draft.known_member).get(STATUS))
            if status in AWAY:
                return Removed(draft.source_key)
            if status == PENDING:
                return Rejected(draft.source_key, RejectCode.VENDOR_REFUSED, UNCONFIRMED, NOT_ALLOWED)
            return self._archive_active(draft, status)
        except errors.MissingError:
            return Removed(draft.source_key)
        except errors.RecordRefusedError as refused:
            return rejected(draft, refused.refusal)

    def _archive_active(self, draft: Draft, status: str) -> Outcome:
        """Mark a member, then archive it; so whoever is archived by us has a mark, whatever gets lost between."""
        self._calls.mark(draft.known_member, tags.mark(status))
        try:
            self._calls.archive(draft.known_member)
        except errors.NotAllowedError:
            # It is away by now, by the attempt before this one, say, or it cannot be archived at all.
            if self._calls.read(draft.known_member).get(STATUS) in AWAY:
                return Removed(draft.source_key)
            self._calls.tag(draft.known_member, remove=[tags.mark(status)])
            return Rejected(draft.source_key, RejectCode.VENDOR_REFUSED, KEPT, NOT_ALLOWED)
        return Removed(draft.source_key)

    # -- delete

    def _delete(self, draft: Draft) -> Outcome:
        try:
            self._calls.forget(draft.known_member)
        except errors.MissingError:
            return Removed(draft.source_key)
        except errors.NotAllowedError:
            return Rejected(draft.source_key, RejectCode.VENDOR_REFUSED, KEPT, NOT_ALLOWED)
        except errors.RecordRefusedError as refused:
            return rejected(draft, refused.refusal)
        return Removed(draft.source_key)

    # -- unsubscribe

    def _unsubscribe(self, drafts: Sequence[Draft], outcomes: dict[str, Outcome]) -> None:
        """Look who can be unsubscribed, then do that in one call: it would add, or bring back, all others."""
        active: list[tuple[Draft, str]] = []

        def look(draft: Draft) -> Outcome:
            member = self._read(draft)
            if member is None or member.get(STATUS) in AWAY:
                return Removed(draft.source_key)
            active.append((draft, str(member.get(EMAIL) or draft.address)))
            return Unanswered(draft.source_key)  # until the call

        one_by_one(drafts, look, outcomes)
        if not active:
            return
        bodies = [{EMAIL: address, STATUS: UNSUBSCRIBED} for _, address in active]
        try:
            answers = self._calls.subscribe(bodies, updates=True)
        except RetryableError:
            if len(active) == len(outcomes):
                raise
            return
        outcomes.update({draft.source_key: _unsubscribed(draft, address, answers) for draft, address in active})

    def _read(self, draft: Draft) -> Member | None:
        try:
            return self._calls.read(draft.known_member)
        except errors.MissingError:
            return None


def _unsubscribed(draft: Draft, address: str, answers: Answers) -> Outcome:
    """The outcome of an unsubscription: what the answer shows of the member."""
    if (error := answers.refused.get(address)) is not None:
        if errors.item_recovery(error) is not Recovery.REJECT:
            return Unanswered(draft.source_key)
        refusal = errors.item_refusal(error)
        # Who was deleted since then is away, too.
        is_away = refusal.code is RejectCode.CONSENT
        return Removed(draft.source_key) if is_away else rejected(draft, refusal)
    shown = answers.shown.get(address, {}).get(STATUS)
    return Removed(draft.source_key) if shown in AWAY else Unanswered(draft.source_key)
