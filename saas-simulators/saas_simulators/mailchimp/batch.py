"""Batch subscribe: up to 500 members in one call, each accepted or refused by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, encode_json
from saas_simulators.mailchimp.calls import Call, links, raw_answer
from saas_simulators.mailchimp.drafts import Draft, parse
from saas_simulators.mailchimp.errors import MailchimpError, missing, problem, wrong_type
from saas_simulators.mailchimp.members import Member, Renderer, subscriber_hash
from saas_simulators.mailchimp.single import writer
from saas_simulators.mailchimp.writes import check_address

if TYPE_CHECKING:
    from saas_simulators.mailchimp.writes import Writer

MAX_MEMBERS = 500  # source: API reference "Batch subscribe or unsubscribe"
EXISTS = "ERROR_CONTACT_EXISTS"
GENERIC = "ERROR_GENERIC"


@dataclass(slots=True)
class Outcome:
    """What became of the members of one call."""

    created: list[Member] = field(default_factory=list)
    updated: list[Member] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)


def subscribe(call: Call) -> Reply:
    """Add or change members; 200 whatever becomes of each."""
    body = call.object_body()
    members = body.get("members")
    if members is None:
        raise missing(["members"])
    if not isinstance(members, list):
        raise wrong_type(members, "array", "members")
    if len(members) > MAX_MEMBERS:
        # inferred: the limit is documented, its text is not
        raise problem(
            field="members", message=f"Up to {MAX_MEMBERS} members may be sent with each call, not {len(members)}"
        )
    outcome = _Batch(call, body).run(members)
    return raw_answer(_text(call, outcome).encode(), "Lists/BatchPOST-Response")


class _Batch:
    """One call's flags and what it has seen so far."""

    def __init__(self, call: Call, body: dict[str, Any]) -> None:
        self._audience = call.audience
        self._writer: Writer = writer(call)
        self._updates = body.get("update_existing") is True
        self._syncs_tags = body.get("sync_tags") is True
        self._skips_duplicates = call.flag("skip_duplicate_check")
        self._seen: set[str] = set()
        self._outcome = Outcome()

    def run(self, members: list[Any]) -> Outcome:
        """Write one member after the other."""
        for member in members:
            try:
                self._write(parse(member, ("email_address",)))
            except MailchimpError as error:
                # source: brandonseydel/MailChimp.Net#384: what the schema refuses is an error of its member, too
                email = member.get("email_address") if isinstance(member, dict) else ""
                self._refuse(email if isinstance(email, str) else "", error)
        return self._outcome

    def _write(self, draft: Draft) -> None:
        key = subscriber_hash(draft.email)
        if key in self._seen:
            if not self._skips_duplicates:
                # inferred: that a duplicate is an error of its own is documented, its text is not
                detail = f"{draft.email} appears more than once in this request."
                raise MailchimpError(400, "Invalid Resource", detail)
            return  # source: API reference (`skip_duplicate_check`): the first occurrence counts
        existing = self._audience.members.get(key)
        if existing is None or (existing.is_archived and not self._updates):
            member = self._writer.add(draft)
            self._outcome.created.append(member)
        elif not self._updates:
            raise _ExistsError(draft.email)
        else:
            check_address(draft.email)
            if draft.status is None and draft.status_if_new is None:
                raise missing(["status"])
            member = self._writer.change(existing, draft)
            self._outcome.updated.append(member)
        self._seen.add(key)
        if self._syncs_tags and draft.has_tags:
            # source: Mailchimp docs "Organize contacts with tags": with `sync_tags` other tags go
            kept = {name.lower() for name in draft.tags}
            for number in list(member.tags):
                segment = self._audience.segments[number]
                if segment.name.lower() not in kept:
                    self._audience.untag(member, segment)

    def _refuse(self, email: str, error: MailchimpError) -> None:
        # source: quoted 2022 (keys); codegen PR 303 (field, field_message). inferred: of several fields the first
        code = EXISTS if isinstance(error, _ExistsError) else GENERIC
        entry = {"email_address": email, "error": str(error), "error_code": code}
        if error.problems:
            entry |= {"field": error.problems[0]["field"], "field_message": error.problems[0]["message"]}
        self._outcome.refused.append(entry)


class _ExistsError(MailchimpError):
    """A member is there already, and `update_existing` is not."""

    def __init__(self, email: str) -> None:
        # source: quoted 2022
        detail = (
            f"{email} is already a list member, do you want to update? "
            "please provide update_existing:true in the request body"
        )
        super().__init__(400, "Member Exists", detail)


def _text(call: Call, outcome: Outcome) -> str:
    """Return the answer as JSON text; members are the larger part of it."""
    renderer = Renderer(call.audience)
    created, updated = (",".join(map(renderer.text, part)) for part in (outcome.created, outcome.updated))
    tail = {
        "errors": outcome.refused,
        "total_created": len(outcome.created),
        "total_updated": len(outcome.updated),
        "error_count": len(outcome.refused),
        "_links": links(f"/lists/{call.audience.id}"),
    }
    return f'{{"new_members":[{created}],"updated_members":[{updated}],{encode_json(tail).decode()[1:]}'
