"""How memberships of a static segment are written. A record is an address: it says who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.operations import RejectCode, Rejected, Removed, Unanswered, Verb, Written
from target_mailchimp import errors, wire
from target_mailchimp.calls import Calls
from target_mailchimp.drafts import Draft
from target_mailchimp.verdicts import complained_of_membership, one_by_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.operations import Batch, Outcome
    from reverse_etl_core.transport import Reply, Request
    from target_mailchimp.wire import Answers


KEPT = "Mailchimp does not take the member out of the segment. Look at it there."


class SegmentWriter:
    """Writes memberships of one static segment.

    Args:
        list_id: Of the audience.
        segment_id: Of the segment.
        send: Sends a request.
    """

    def __init__(self, list_id: str, segment_id: str, send: Callable[[Request], Reply]) -> None:
        self._calls = Calls(list_id, send, skips_required=True)
        self._segment_id = segment_id

    def write(self, batch: Batch) -> list[Outcome]:
        """One outcome per operation. Adding who is in the segment already does nothing, so a repeat is safe."""
        drafts = [Draft(one) for one in batch.operations]
        if batch.verb is Verb.REMOVE:
            return self._remove(drafts)
        answers = self._calls.membership(self._segment_id, add=[one.address for one in drafts])
        outcomes = [_outcome(one, answers) for one in drafts]
        if batch.verb is Verb.UPDATE:
            self._leave(drafts, outcomes)
        return outcomes

    def _remove(self, drafts: list[Draft]) -> list[Outcome]:
        """Take members out; who is complained of is looked at: it mostly is no member, and so not in there either."""
        try:
            answers = self._calls.membership(self._segment_id, remove=[one.address for one in drafts])
        except errors.MissingError:
            return [Removed(one.source_key) for one in drafts]
        outcomes: dict[str, Outcome] = {one.source_key: self._removed(one, answers) for one in drafts}
        complained_of = [one for one in drafts if one.address in answers.refused]
        one_by_one(complained_of, self._look, outcomes)
        return [outcomes[one.source_key] for one in drafts]

    @staticmethod
    def _removed(draft: Draft, answers: Answers) -> Outcome:
        return Removed(draft.source_key) if draft.address in answers.shown else Unanswered(draft.source_key)

    def _look(self, draft: Draft) -> Outcome:
        try:
            member = self._calls.read(draft.member)
        except errors.MissingError:
            return Removed(draft.source_key)
        if wire.is_in_segment(member, self._segment_id):
            return Rejected(draft.source_key, RejectCode.VENDOR_REFUSED, KEPT)
        return Removed(draft.source_key)

    def _leave(self, drafts: list[Draft], outcomes: list[Outcome]) -> None:
        """Take the former addresses out, of records that have a new one by now."""
        written = {one.source_key for one in outcomes if isinstance(one, Written)}
        for one in drafts:
            former = one.operation.destination_id
            if one.source_key in written and former not in (None, one.member):
                self._calls.leave(self._segment_id, str(former))


def _outcome(draft: Draft, answers: Answers) -> Outcome:
    if (error := answers.refused.get(draft.address)) is not None:
        return complained_of_membership(draft, error)
    if draft.address not in answers.shown:
        return Unanswered(draft.source_key)
    return Written(draft.source_key, draft.member, draft.address in answers.created)
