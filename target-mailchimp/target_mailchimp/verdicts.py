"""From Mailchimp's complaints to outcomes: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.errors import RetryableError
from reverse_etl_core.operations import RejectCode, Rejected, Unanswered, Unattempted, Written
from reverse_etl_core.recovery import Recovery
from target_mailchimp import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from reverse_etl_core.operations import Outcome
    from reverse_etl_core.recovery import Refusal
    from target_mailchimp.drafts import Draft

STATUS_KEPT = (
    "Mailchimp left the member's status as it is. It does so, without an error, where a person has opted out: only the "
    "person can opt in again."
)
# source: strangerstudios/pmpro-mailchimp#151 (2026): the call for many ignores `subscribed` for who unsubscribed

NO_MEMBER = "The audience has no member with this address, so it cannot join a segment. Deliver the member first."


def one_by_one(drafts: Sequence[Draft], write: Callable[[Draft], Outcome], outcomes: dict[str, Outcome]) -> None:
    """Write one after the other; trouble ends it, and what was answered by then is kept."""
    for position, draft in enumerate(drafts):
        try:
            outcomes[draft.source_key] = write(draft)
        except RetryableError:
            if not outcomes:
                raise
            outcomes[draft.source_key] = Unanswered(draft.source_key)
            outcomes.update({one.source_key: Unattempted(one.source_key) for one in drafts[position + 1 :]})
            return


def complained(draft: Draft, error: Mapping[str, Any], *, is_create: bool = False) -> Outcome:
    """The outcome of one entry of `errors` in a successful answer."""
    if errors.item_recovery(error) is not Recovery.REJECT:
        return Unanswered(draft.source_key)
    return rejected(draft, errors.item_refusal(error), is_create=is_create)


def rejected(draft: Draft, refusal: Refusal, *, is_create: bool = False) -> Rejected:
    """A refusal, once it is known what was tried: a create whose address is taken exists already."""
    code = refusal.code
    if code in (RejectCode.CONFLICT, RejectCode.ALREADY_EXISTS):
        code = RejectCode.ALREADY_EXISTS if is_create else RejectCode.CONFLICT
    return Rejected(draft.source_key, code, refusal.reason, refusal.vendor_code, refusal.rest_s)


def status_kept(draft: Draft) -> Rejected:
    """The outcome of a record whose status was taken without an error, and not set."""
    return Rejected(draft.source_key, RejectCode.CONSENT, STATUS_KEPT)


def complained_of_membership(draft: Draft, error: Mapping[str, Any]) -> Outcome:
    """The outcome of a complaint about a member of a static segment."""
    text = str(error.get("error") or "")
    if "already" in text.lower():  # inferred: it is there, which is all that the record says
        return Written(draft.source_key, draft.member, created=False)
    return Rejected(draft.source_key, RejectCode.REFERENCE_NOT_FOUND, NO_MEMBER)
