"""What has to follow a first call, by what its answer shows: another status, permissions, tags to take away.

All of it belongs to the outcome of a record. Where a call gets no answer, its records are written again from the first
call on: then the answer shows what is still missing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reverse_etl_core.errors import BatchRefusedError, RetryableError
from reverse_etl_core.operations import Unanswered, Written
from target_mailchimp import errors, tags
from target_mailchimp.consent import ARCHIVED
from target_mailchimp.drafts import permission_list
from target_mailchimp.objects import EMAIL, STATUS
from target_mailchimp.verdicts import complained, rejected, status_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from reverse_etl_core.operations import Outcome
    from target_mailchimp.calls import Calls
    from target_mailchimp.consent import Consent
    from target_mailchimp.drafts import Draft, Member


class Completion:
    """Completes the records of one answer.

    Args:
        calls: Endpoints of the audience.
        consent: Which status a member may get.
        tag_prefix: How the tags begin that are taken away where a record lacks them; `None` takes none away.
        shown: The records with their members as the answer shows them.
        is_own_path: Whether the answer is that of a member's own path: it took no tags, and what follows must not
            create a member either, so it goes there too.
    """

    def __init__(
        self,
        calls: Calls,
        consent: Consent,
        tag_prefix: str | None,
        shown: Sequence[tuple[Draft, Member]],
        *,
        is_own_path: bool = False,
    ) -> None:
        self._calls = calls
        self._consent = consent
        self._prefix = tag_prefix
        self._shown = shown
        self._is_own_path = is_own_path
        self._outcomes: dict[str, Outcome] = {}
        self._revived: set[str] = set()

    def run(self, created: Callable[[Draft], bool]) -> dict[str, Outcome]:
        """Make the calls that are needed, most often none.

        Args:
            created: Whether a record's member is new.

        Returns:
            One outcome per record, by source key.
        """
        self._outcomes = {one.source_key: Written(one.source_key, one.member, created(one)) for one, _ in self._shown}
        self._set_statuses()
        if self._is_own_path:
            self._add_tags()
        else:
            self._remove_tags()
        return self._outcomes

    def _settle(self, draft: Draft, outcome: Outcome) -> None:
        """Note what became of a record; what was not answered has to be written again, whatever else came of it."""
        if not isinstance(self._outcomes[draft.source_key], Unanswered):
            self._outcomes[draft.source_key] = outcome

    def _attempt(self, drafts: Sequence[Draft], call: Callable[[], None]) -> None:
        """Make a call for some records."""
        try:
            call()
        except errors.RecordRefusedError as refused:
            alone = len(drafts) == 1
            for one in drafts:
                self._settle(one, rejected(one, refused.refusal) if alone else Unanswered(one.source_key))
        except (BatchRefusedError, RetryableError, errors.MissingError):
            for one in drafts:
                self._settle(one, Unanswered(one.source_key))

    # -- tags

    def _add_tags(self) -> None:
        """Bring the tags of members in order that were written by a call that takes none."""
        for draft, member in self._shown:
            has = tags.shown_tags(member)
            lacking = tags.missing(has, draft.tags or ())
            lost = [one.name for one in self._surplus(draft, member)]
            if lacking or lost:
                self._attempt([draft], partial(self._calls.tag, draft.member, add=lacking, remove=lost))

    def _surplus(self, draft: Draft, member: Member) -> list[tags.Tag]:
        """Managed tags that a record lacks; and the mark of a removal, once the member is there again."""
        shown = tags.shown_tags(member)
        lost = [] if draft.tags is None else tags.surplus(shown, draft.tags, self._prefix)
        marks = [one for one in shown if tags.is_mark(one)]
        is_away = member.get(STATUS) == ARCHIVED and draft.source_key not in self._revived
        return [one for one in lost if one not in marks] + ([] if is_away else marks)

    def _remove_tags(self) -> None:
        """Take away managed tags that records lack, in the fewest requests."""
        drafts = {draft.member: draft for draft, _ in self._shown}
        surpluses = {
            draft.member: surplus for draft, member in self._shown if (surplus := self._surplus(draft, member))
        }
        removals = tags.plan(surpluses)
        for tag, members in removals.by_tag.items():
            losers = [drafts[one] for one in members]
            self._attempt(losers, partial(self._empty, tag, losers))
        for one, lost in removals.by_member.items():
            names = [tag.name for tag in lost]
            self._attempt([drafts[one]], partial(self._calls.tag, one, remove=names))

    def _empty(self, tag: tags.Tag, losers: Sequence[Draft]) -> None:
        """Take one tag from several members; who lost it before is not complained of."""
        try:
            answers = self._calls.membership(tag.id, remove=[one.address for one in losers])
        except errors.MissingError:
            return  # nobody has a tag that does not exist any more
        for draft in losers:
            if draft.address in answers.refused:
                self._settle(draft, Unanswered(draft.source_key))

    # -- status and permissions

    def _set_statuses(self) -> None:
        """Give members another status and permissions: what the call for many does not take goes one by one."""
        statuses: list[tuple[Draft, str]] = []
        for draft, member in self._shown:
            marked = tags.marked_status(tags.shown_tags(member))
            status = self._consent.correction(draft.status, member.get(STATUS), marked=marked)
            change: dict[str, Any] = {}
            if gaps := draft.permission_gaps(member):
                change["marketing_permissions"] = permission_list(gaps)
            if status is not None and (self._is_own_path or member.get(STATUS) == ARCHIVED):
                # A member's own path brings it back (reported); of the call for many that is not evidenced.
                change[STATUS] = status
            elif status is not None:
                statuses.append((draft, status))
            if change:
                self._attempt([draft], partial(self._change, draft, change))
        if statuses:
            self._attempt([draft for draft, _ in statuses], partial(self._set_together, statuses))

    def _change(self, draft: Draft, change: Mapping[str, Any]) -> None:
        shown = self._calls.change(draft.member, change)
        if STATUS in change and shown.get(STATUS) != change[STATUS]:
            self._settle(draft, status_kept(draft))
        elif STATUS in change:
            self._revived.add(draft.source_key)

    def _set_together(self, statuses: Sequence[tuple[Draft, str]]) -> None:
        bodies = [{EMAIL: draft.address, STATUS: status} for draft, status in statuses]
        answers = self._calls.subscribe(bodies, updates=True)
        for draft, status in statuses:
            if (error := answers.refused.get(draft.address)) is not None:
                self._settle(draft, complained(draft, error))
            elif (member := answers.shown.get(draft.address)) is None:
                self._settle(draft, Unanswered(draft.source_key))
            elif member.get(STATUS) != status:
                self._settle(draft, status_kept(draft))
