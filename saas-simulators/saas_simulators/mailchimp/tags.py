"""The tags of one member, and the search for tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp.calls import Call, answer, links, no_content, page
from saas_simulators.mailchimp.drafts import parse_tag
from saas_simulators.mailchimp.errors import missing, wrong_type

if TYPE_CHECKING:
    from saas_simulators.exchange import Reply


def change(call: Call) -> Reply:
    """Add active and remove inactive tags; a tag is created on first use, and an unknown one is removed in peace."""
    # source: recording grouparoo 2021: 204 for an empty list, for unknown tags and for archived members
    member = call.member
    body = call.object_body()
    given = body.get("tags")
    if given is None:
        raise missing(["tags"])
    if not isinstance(given, list):
        raise wrong_type(given, "array", "tags")
    wanted = [parse_tag(one, f"tags.item:{position}") for position, one in enumerate(given)]
    audience = call.audience
    for name, is_active in wanted:
        if is_active:
            audience.tag(member, name, is_syncing=body.get("is_syncing") is True)
        else:
            audience.untag(member, audience.segment(name))
    return no_content()


def listing(call: Call) -> Reply:
    """Return one page of a member's tags."""
    audience, member = call.audience, call.member
    found = [
        {"id": number, "name": audience.segments[number].name, "date_added": added}
        for number, added in member.tags.items()
    ]
    # source: official specification 3.0.55 (keys)
    path = f"/lists/{audience.id}/members/{member.key}/tags"
    body: dict[str, Any] = {"tags": page(call, found), "total_items": len(found), "_links": links(path)}
    return answer(call, body, "Lists/Members/Tags/Collection")


def search(call: Call) -> Reply:
    """Return the tags whose names begin with `name`."""
    audience = call.audience
    start = call.option("name").lower()
    found = [
        {"id": one.id, "name": one.name} for one in audience.segments.values() if one.name.lower().startswith(start)
    ]
    return answer(call, {"tags": found, "total_items": len(found)}, "Lists/TagSearch")
