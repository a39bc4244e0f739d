"""Static segments, which are the same as tags; segments with conditions are not simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp.calls import Call, answer, links, no_content, page
from saas_simulators.mailchimp.errors import invalid, missing, not_found, problem, wrong_type
from saas_simulators.mailchimp.members import Member, Renderer, subscriber_hash
from saas_simulators.mailchimp.single import collection

if TYPE_CHECKING:
    from saas_simulators.exchange import Reply
    from saas_simulators.mailchimp.audience import Audience, Segment

MAX_MEMBERS = 500  # source: API reference "Batch add or remove members"
SCHEMA = "Lists/Segments"


def listing(call: Call) -> Reply:
    """Return one page of segments."""
    audience = call.audience
    kind = call.option("type")
    found = list(audience.segments.values()) if kind in {"", "static"} else []
    body = {
        "segments": [_shown(audience, one) for one in page(call, found)],
        "list_id": audience.id,
        "total_items": len(found),
        "_links": links(f"/lists/{audience.id}/segments", ("create", "", "POST")),
    }
    return answer(call, body, f"{SCHEMA}/Collection")


def get(call: Call) -> Reply:
    """Return one segment."""
    return answer(call, _shown(call.audience, _find(call)), f"{SCHEMA}/Instance")


def create(call: Call) -> Reply:
    """Create a static segment; addresses that are not in the audience are ignored."""
    audience, body = call.audience, call.object_body()
    name = _name(body)
    if "static_segment" not in body:
        # source: brandonseydel/MailChimp.Net#160. Conditions (`options`) are left out of this simulator.
        detail = 'Must provide either an "options" field or a "static_segment" field'
        raise invalid(detail)
    if audience.segment(name):
        # source: third-party code compares with this text
        detail = "Sorry, that tag already exists."
        raise invalid(detail)
    emails = _emails(body, "static_segment")
    segment = audience.add_segment(name)
    audience.define("segment_created", name)
    for email in emails:
        if member := _known(audience, email):
            audience.tag(member, segment.name)
    return answer(call, _shown(audience, segment), f"{SCHEMA}/Instance")


def update(call: Call) -> Reply:
    """Rename a segment, or replace its members."""
    audience, body, segment = call.audience, call.object_body(), _find(call)
    name = _name(body) if "name" in body else segment.name
    taken = audience.segment(name)
    if taken is not None and taken is not segment:
        detail = "Sorry, that tag already exists."
        raise invalid(detail)
    if name != segment.name:
        segment.name, segment.updated = name, call.account.moment()
        audience.put_segment(segment)
        audience.define("segment_updated", name)
    # source: API reference: an empty array empties the segment
    if "static_segment" in body:
        wanted = {
            member.key: member for email in _emails(body, "static_segment") if (member := _known(audience, email))
        }
        for member in list(audience.tagged(segment)):
            if member.key not in wanted:
                audience.untag(member, segment)
        for member in wanted.values():
            audience.tag(member, segment.name)
    return answer(call, _shown(audience, segment), f"{SCHEMA}/Instance")


def change(call: Call) -> Reply:
    """Add and remove members, up to 500 of each."""
    audience, body, segment = call.audience, call.object_body(), _find(call)
    lists = {name: _emails(body, name) for name in ("members_to_add", "members_to_remove")}
    for name, emails in lists.items():
        if len(emails) > MAX_MEMBERS:
            raise problem(name, f"Up to {MAX_MEMBERS} members may be sent with each call")  # inferred: the text
    added, removed, unknown = [], [], []
    for email in lists["members_to_add"]:
        member = _known(audience, email)
        if member is None:
            unknown.append(email)
        elif audience.tag(member, segment.name):
            added.append(member)
    for email in lists["members_to_remove"]:
        member = _known(audience, email)
        if member is None:
            unknown.append(email)
        elif audience.untag(member, segment):
            removed.append(member)
    renderer = Renderer(audience)
    # source: official specification 3.0.55 (keys). inferred: the text of the error
    refused = [{"email_addresses": unknown, "error": "Email addresses do not exist in the list."}] if unknown else []
    answered = {
        "members_added": [renderer.full(member) for member in added],
        "members_removed": [renderer.full(member) for member in removed],
        "errors": refused,
        "total_added": len(added),
        "total_removed": len(removed),
        "error_count": len(refused),
        "_links": links(f"/lists/{audience.id}/segments/{segment.id}"),
    }
    return answer(call, answered, f"{SCHEMA}/BatchPOST-Response")


def remove(call: Call) -> Reply:
    """Delete a segment; its tag goes from all members."""
    segment = _find(call)
    call.audience.remove_segment(segment)
    call.audience.define("segment_deleted", segment.name)
    return no_content()


def members(call: Call) -> Reply:
    """Return one page of a segment's members."""
    audience, segment = call.audience, _find(call)
    path = f"/lists/{audience.id}/segments/{segment.id}/members"
    return collection(call, audience, list(audience.tagged(segment)), path)


def add_member(call: Call) -> Reply:
    """Add one member to a segment."""
    audience, body, segment = call.audience, call.object_body(), _find(call)
    email = body.get("email_address")
    if not isinstance(email, str):
        raise missing(["email_address"])
    member = _known(audience, email)
    if member is None:
        raise not_found()  # inferred
    audience.tag(member, segment.name)
    return answer(call, Renderer(audience).full(member), f"{SCHEMA}/Members/Instance")


def remove_member(call: Call) -> Reply:
    """Take one member out of a segment."""
    if not call.audience.untag(call.member, _find(call)):
        raise not_found()
    return no_content()


def _find(call: Call) -> Segment:
    number = call.parameters["segment_id"]
    found = call.audience.segments.get(int(number)) if number.isdecimal() else None
    if found is None:
        raise not_found()
    return found


def _known(audience: Audience, email: str) -> Member | None:
    return audience.members.get(subscriber_hash(email.strip()))


def _name(body: dict[str, Any]) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise missing(["name"])
    return name.strip()


def _emails(body: dict[str, Any], name: str) -> list[str]:
    given = body.get(name, [])
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise wrong_type(given, "array of strings", name)
    return given


def _shown(audience: Audience, segment: Segment) -> dict[str, Any]:
    # source: official specification 3.0.55 (keys)
    path = f"/lists/{audience.id}/segments/{segment.id}"
    return {
        "id": segment.id,
        "name": segment.name,
        "member_count": sum(1 for _ in audience.tagged(segment)),
        "type": "static",
        "created_at": segment.created,
        "updated_at": segment.updated,
        "options": {"match": "any", "conditions": []},
        "list_id": audience.id,
        "_links": links(path, ("members", "/members", "GET"), ("update", "", "PATCH"), ("delete", "", "DELETE")),
    }
