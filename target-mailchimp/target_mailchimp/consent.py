"""Who may be mailed: which status a record may give a member (guarantee G10). Pure.

A write never sends a status blindly. The first request of a record creates a member with a status, and leaves that of
an existing one alone (`status_if_new`); its answer shows the status that the member has, and only then, and only
where the policy allows it, another one is set. So nobody who left is subscribed again by accident, no archived
contact comes back, and no member gets a mail for a status that it has already.
"""

from __future__ import annotations

from dataclasses import dataclass

SUBSCRIBED, PENDING, TRANSACTIONAL = "subscribed", "pending", "transactional"
UNSUBSCRIBED, CLEANED, ARCHIVED = "unsubscribed", "cleaned", "archived"

STATUSES = (SUBSCRIBED, PENDING, TRANSACTIONAL, UNSUBSCRIBED, CLEANED)
"""What can be written; `archived` can only be read."""
# source: OpenAPI of 2026 (api/mailchimp.md 4)

ARCHIVABLE = frozenset({SUBSCRIBED, TRANSACTIONAL})
"""Whom a removal archives; who has one of the other statuses stays as it is, or is refused."""

NEVER, ASK, ALWAYS = "never", "pending", "always"

_MAY_BECOME = {
    TRANSACTIONAL: frozenset({SUBSCRIBED, PENDING}),
    UNSUBSCRIBED: frozenset({SUBSCRIBED, PENDING, TRANSACTIONAL}),
    CLEANED: frozenset({SUBSCRIBED, PENDING, TRANSACTIONAL, UNSUBSCRIBED}),
}
"""Statuses that take consent back, and whom they may be given to. Who left stays on record as having left."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The policy of one sync.

    Attributes:
        status_if_new: Status of a new member whose record names none.
        resubscribe: What happens to a member who is not subscribed when its record says `subscribed` or `pending`:
            nothing (`never`), it is asked by mail (`pending`), `always` does what the record says.
        revives_archived: Whether an archived member comes back when a record arrives for it.
    """

    status_if_new: str = SUBSCRIBED
    resubscribe: str = NEVER
    revives_archived: bool = False

    def first(self, wanted: str | None) -> str:
        """The status of a member that does not exist yet."""
        return wanted or self.status_if_new

    def correction(self, wanted: str | None, shown: str | None, *, marked: str | None = None) -> str | None:
        """The status that an existing member has to get; `None` where it keeps the one that it has.

        Args:
            wanted: What the record says; `None` where it says nothing.
            shown: What the member has; `None` where the answer does not say.
            marked: What an archived member had when a removal archived it; `None` for one that somebody else archived.

        An archived member with a mark comes back with the status that it had, and no other one than that could become.

        >>> Consent().correction("subscribed", "unsubscribed"), Consent().correction("unsubscribed", "subscribed")
        (None, 'unsubscribed')
        """
        if shown is None:
            return None
        if shown == ARCHIVED and marked in ARCHIVABLE:
            return self.correction(wanted, marked) or marked
        if shown == ARCHIVED:
            return self.first(wanted) if self.revives_archived else None
        if wanted in (SUBSCRIBED, PENDING):
            return self._opted_in_again(wanted, shown)
        return wanted if wanted is not None and shown in _MAY_BECOME[wanted] else None

    def _opted_in_again(self, wanted: str, shown: str) -> str | None:
        # Who has not confirmed yet was asked already: asking again sends another mail, and only the person may answer.
        if self.resubscribe == NEVER or shown in (SUBSCRIBED, PENDING):
            return None
        return PENDING if self.resubscribe == ASK else wanted
