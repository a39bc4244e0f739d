"""The verbs of one member, and the list of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.exchange import Reply, encode_json
from saas_simulators.mailchimp import errors
from saas_simulators.mailchimp.calls import (
    Call,
    answer,
    links,
    no_content,
    page,
    raw_answer,
    wants_parts,
)
from saas_simulators.mailchimp.drafts import parse
from saas_simulators.mailchimp.members import CLEANED, PENDING, Member, Renderer
from saas_simulators.mailchimp.values import as_moment
from saas_simulators.mailchimp.writes import Writer, check_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_simulators.mailchimp.audience import Audience

SCHEMA = "Lists/Members/Instance"
SORT_FIELDS = ("timestamp_opt", "timestamp_signup", "last_changed")


def create(call: Call) -> Reply:
    """Add a member; 200, not 201."""
    draft = parse(call.object_body(), ("email_address", "status"))
    draft.status_if_new = None  # a field of PUT only
    return _shown(call, writer(call).add(draft))


def upsert(call: Call) -> Reply:
    """Add a member or change one; the body's address decides on the hash of a new one."""
    audience = call.audience
    draft = parse(call.object_body(), ("email_address",))
    check_address(draft.email)
    existing = audience.find(call.parameters["member"])
    if existing is not None:
        # source: API reference: `status_if_new` counts only for addresses that are not in the audience;
        # inferred: an archived one is (mailchimp/mc-woocommerce#951: it stays archived without `status`)
        return _shown(call, writer(call).change(existing, draft))
    if draft.status is None and draft.status_if_new is None:
        raise errors.missing(["status_if_new"])
    # source: recording grouparoo 2021: an unknown hash with somebody's address is refused as Member Exists
    return _shown(call, writer(call).add(draft))


def update(call: Call) -> Reply:
    """Change some fields of a member."""
    member = call.member
    draft = parse(call.object_body())
    draft.tags = []  # source: OpenAPI of 2026: PATCH has no tags; inferred: they are ignored
    return _shown(call, writer(call).change(member, draft))


def get(call: Call) -> Reply:
    """Return one member, archived ones too."""
    return _shown(call, call.member)


def archive(call: Call) -> Reply:
    """Archive a member."""
    member = call.member
    if member.is_archived or member.status in {PENDING, CLEANED}:
        # source: recording grouparoo 2021
        detail = "This list member cannot be removed. Can not archive a contact that is bounced, pending or archived"
        raise errors.not_allowed(["GET", "PUT"], detail)
    call.audience.archive(member)
    return no_content()


def delete_permanently(call: Call) -> Reply:
    """Delete a member for good; an unknown one is a 404 (inferred)."""
    call.audience.forget(call.member)
    return no_content()


def listing(call: Call) -> Reply:
    """Return one page of members, in the order in which they came (inferred)."""
    audience = call.audience
    found = _sorted(call, _filtered(call, audience.members.values()))
    return collection(call, audience, found, f"/lists/{audience.id}/members")


def collection(call: Call, audience: Audience, found: list[Member], path: str) -> Reply:
    """Return one page of the given members."""
    renderer = Renderer(audience)
    rows = page(call, found)
    tail = {"list_id": audience.id, "total_items": len(found), "_links": links(path)}
    if wants_parts(call):
        return answer(call, {"members": [renderer.full(row) for row in rows], **tail}, "Lists/Members/Collection")
    text = ",".join(renderer.text(row) for row in rows)
    return raw_answer(f'{{"members":[{text}],{encode_json(tail).decode()[1:]}'.encode(), "Lists/Members/Collection")


def writer(call: Call) -> Writer:
    """Return what writes the members of a call."""
    return Writer(
        call.audience,
        call.address,
        call.account.too_many_signups,
        skips_required=call.flag("skip_merge_validation"),
    )


def _shown(call: Call, member: Member) -> Reply:
    renderer = Renderer(call.audience)
    if wants_parts(call):
        reply = answer(call, renderer.full(member), SCHEMA)
    else:
        reply = raw_answer(renderer.text(member).encode(), SCHEMA)
    # source: recording grouparoo 2021
    address = f"https://us1.admin.mailchimp.com/lists/members/view?id={member.web_id}"
    reply.headers["Link"] += f', <{address}>; rel="dashboard"'
    return reply


def _filtered(call: Call, members: Iterable[Member]) -> list[Member]:
    """Return the members that the query asks for; archived ones only by their status (inferred)."""
    status = call.option("status")
    found = [m for m in members if (m.status == status if status else not m.is_archived)]
    if call.option("since_last_campaign") and not status:
        # source: brandonseydel/MailChimp.Net#589
        detail = "Status is required when using since_last_campaign filter."
        raise errors.invalid(detail)
    if unique := call.option("unique_email_id"):
        found = [m for m in found if m.unique_email_id == unique]
    if kind := call.option("email_type"):
        found = [m for m in found if m.email_type == kind]
    if call.flag("vip_only"):
        found = [m for m in found if m.vip]
    return _by_interest(call, _by_time(call, found))


def _by_time(call: Call, found: list[Member]) -> list[Member]:
    """Apply `since_…` and `before_…`; ISO texts of one zone compare as they stand."""
    for attribute in ("last_changed", "timestamp_opt"):
        if since := _moment(call.option(f"since_{attribute}")):
            found = [m for m in found if getattr(m, attribute) >= since]
        if before := _moment(call.option(f"before_{attribute}")):
            found = [m for m in found if "" < getattr(m, attribute) < before]
    return found


def _moment(text: str) -> str | None:
    """Return a moment of the query, in which an unescaped `+` has become a space."""
    return as_moment(text.replace(" ", "+") if "T" in text else text)


def _by_interest(call: Call, found: list[Member]) -> list[Member]:
    wanted = [one for one in call.option("interest_ids").split(",") if one]
    if not wanted:
        return found
    match = call.option("interest_match", "any")
    if match == "none":
        return [m for m in found if not any(m.interests.get(one) for one in wanted)]
    combine = all if match == "all" else any
    return [m for m in found if combine(bool(m.interests.get(one)) for one in wanted)]


def _sorted(call: Call, found: list[Member]) -> list[Member]:
    by = call.option("sort_field")
    if by in SORT_FIELDS:
        found.sort(key=lambda m: str(getattr(m, by)), reverse=call.option("sort_dir").upper() == "DESC")
    return found
