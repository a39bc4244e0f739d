"""How memberships of a static segment are written. A record is an address: it says who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.operations import Unanswered, Verb, Written
from target_mailchimp.calls import Calls
from target_mailchimp.drafts import Draft
from target_mailchimp.verdicts import complained_of_membership

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.operations import Batch, Outcome
    from reverse_etl_core.transport import Reply, Request
    from target_mailchimp.wire import Answers


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
        answers = self._calls.membership(self._segment_id, add=[one.address for one in drafts])
        outcomes = [_outcome(one, answers) for one in drafts]
        if batch.verb is Verb.UPDATE:
            self._leave(drafts, outcomes)
        return outcomes

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
