"""How members are written: one call for up to 500, then what its answer shows to be missing (`completion.py`).

The first call of a record is safe to repeat, whatever became of it: it creates a member that does not exist and leaves
the status of one that does alone, so no second welcome mail goes out. Records whose address changed, and all of a sync
that may only update, go one by one to the member's own path, which never creates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.errors import RejectedRecordError
from reverse_etl_core.operations import Missing, RejectCode, Rejected, Unanswered, Verb, Written
from target_mailchimp import errors
from target_mailchimp.calls import Calls
from target_mailchimp.completion import Completion
from target_mailchimp.consent import ARCHIVED, CLEANED, UNSUBSCRIBED
from target_mailchimp.drafts import Drafter, permission_list
from target_mailchimp.objects import EMAIL, STATUS
from target_mailchimp.removal import MemberRemover
from target_mailchimp.verdicts import complained, one_by_one, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverse_etl_core.operations import Batch, Outcome
    from reverse_etl_core.transport import Reply, Request
    from target_mailchimp.audience import Audience
    from target_mailchimp.consent import Consent
    from target_mailchimp.drafts import Draft, Member

HAVE_LEFT = frozenset({UNSUBSCRIBED, CLEANED, ARCHIVED})
LEFT_BEHIND = (
    "The member has left the audience, or its address bounced. It keeps its address: were it moved to the new one, "
    "whoever has the old one next could be subscribed again. The person can sign up with the new address."
)


class MemberWriter:
    """Writes members of one audience. Used by several threads at once.

    Args:
        audience: The audience.
        consent: Which status a member may get.
        send: Sends a request.
        tag_prefix: How the tags begin that are taken away where a record lacks them; `None` takes none away.
        skips_required: Whether required merge fields may be absent.
    """

    def __init__(
        self,
        audience: Audience,
        consent: Consent,
        send: Callable[[Request], Reply],
        *,
        tag_prefix: str | None,
        skips_required: bool,
    ) -> None:
        self._drafter = Drafter(audience, demands_required=not skips_required)
        self._calls = Calls(audience.list_id, send, skips_required=skips_required)
        self._remover = MemberRemover(audience.list_id, send)
        self._consent = consent
        self._prefix = tag_prefix
        # Members that were created while something that has to follow got no answer: they are written again, and
        # count as created then. Threads share the set but no member of it.
        self._created: set[str] = set()

    def write(self, batch: Batch) -> list[Outcome]:
        """One outcome per operation."""
        if batch.verb is Verb.REMOVE:
            return self._remover.remove(batch)
        is_create = batch.verb is Verb.CREATE
        outcomes: dict[str, Outcome] = {}
        together: list[Draft] = []
        alone: list[Draft] = []
        for one in batch.operations:
            try:
                draft = self._drafter.draft(one)
            except RejectedRecordError as refusal:
                outcomes[one.source_key] = Rejected(one.source_key, refusal.code, refusal.reason)
                continue
            goes_alone = batch.verb is Verb.UPDATE or (is_create and draft.permissions)
            (alone if goes_alone else together).append(draft)
        if together:
            outcomes |= self._write_together(together, is_create=is_create)
        one_by_one(alone, self._create if is_create else self._change, outcomes)
        return [outcomes[one.source_key] for one in batch.operations]

    def _write_together(self, drafts: Sequence[Draft], *, is_create: bool) -> dict[str, Outcome]:
        """Create members, or create and change them, in one call."""
        # A call that updates nothing cannot give an existing member a status.
        status = STATUS if is_create else "status_if_new"
        bodies = [{EMAIL: one.address, status: self._consent.first(one.status), **one.tagged()} for one in drafts]
        answers = self._calls.subscribe(bodies, updates=not is_create)
        outcomes: dict[str, Outcome] = {}
        shown: list[tuple[Draft, Member]] = []
        for draft in drafts:
            if (error := answers.refused.get(draft.address)) is not None:
                outcomes[draft.source_key] = complained(draft, error, is_create=is_create)
            elif (member := answers.shown.get(draft.address)) is not None:
                shown.append((draft, member))
            else:
                outcomes[draft.source_key] = Unanswered(draft.source_key)
        self._created.update(draft.member for draft, _ in shown if draft.address in answers.created)
        return outcomes | self._complete(shown)

    def _complete(self, shown: Sequence[tuple[Draft, Member]], *, is_own_path: bool = False) -> dict[str, Outcome]:
        completion = Completion(self._calls, self._consent, self._prefix, shown, is_own_path=is_own_path)
        outcomes = completion.run(lambda draft: draft.member in self._created)
        for draft, _ in shown:
            if not isinstance(outcomes[draft.source_key], Unanswered):
                self._created.discard(draft.member)
        return outcomes

    def _create(self, draft: Draft) -> Outcome:
        """Create one member with what the call for many does not take."""
        body = {EMAIL: draft.address, STATUS: self._consent.first(draft.status), **draft.tagged()}
        body["marketing_permissions"] = permission_list(draft.permissions)
        try:
            self._calls.add(body)
        except errors.RecordRefusedError as refused:
            return rejected(draft, refused.refusal, is_create=True)
        return Written(draft.source_key, draft.member, created=True)

    def _change(self, draft: Draft) -> Outcome:
        """Change one member by its own path, also its address."""
        former = draft.known_member
        body = dict(draft.body)
        if former != draft.member:
            body[EMAIL] = draft.address
        if draft.permissions:
            body["marketing_permissions"] = permission_list(draft.permissions)
        try:
            if former != draft.member and self._calls.read(former).get(STATUS) in HAVE_LEFT:
                return Rejected(draft.source_key, RejectCode.CONSENT, LEFT_BEHIND)
            shown = self._calls.change(former, body) if body else self._calls.read(former)
        except errors.MissingError:
            return Missing(draft.source_key)
        except errors.RecordRefusedError as refused:
            return rejected(draft, refused.refusal)
        return self._complete([(draft, shown)], is_own_path=True)[draft.source_key]
