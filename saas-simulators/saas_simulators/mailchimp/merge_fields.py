"""The merge fields of an audience through the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp.calls import Call, answer, links, no_content, page
from saas_simulators.mailchimp.errors import invalid, not_found

if TYPE_CHECKING:
    from saas_simulators.exchange import Reply
    from saas_simulators.mailchimp.fields import MergeField

SCHEMA = "Lists/MergeFields"


def listing(call: Call) -> Reply:
    """Return one page of merge fields, by tag; the address is not among them."""
    audience = call.audience
    # source: recording grouparoo 2021: sorted by tag
    found = [audience.fields.by_tag[tag] for tag in sorted(audience.fields.by_tag)]
    if kind := call.option("type"):
        found = [one for one in found if one.type == kind]
    if call.option("required"):
        found = [one for one in found if one.required == call.flag("required")]
    body = {
        "merge_fields": [_shown(call, one) for one in page(call, found)],
        "list_id": audience.id,
        "total_items": len(found),
        "_links": links(f"/lists/{audience.id}/merge-fields", ("create", "", "POST")),
    }
    return answer(call, body, f"{SCHEMA}/Collection")


def get(call: Call) -> Reply:
    """Return one merge field."""
    return answer(call, _shown(call, _find(call)), f"{SCHEMA}/Instance")


def create(call: Call) -> Reply:
    """Add a merge field; 200, not 201."""
    audience = call.audience
    if call.account.limits.is_over("merge_fields", len(audience.fields.by_tag) + 1):
        detail = "This list has reached its maximum number of merge fields."  # inferred: the text
        raise invalid(detail)
    made = audience.fields.create(call.object_body())
    audience.define("merge_field_created", made.tag)
    return answer(call, _shown(call, made), f"{SCHEMA}/Instance")


def update(call: Call) -> Reply:
    """Change a merge field; with a new tag the values stay."""
    audience = call.audience
    one = _find(call)
    former = audience.fields.update(one, call.object_body())
    if former != one.tag:
        for member in audience.members.values():
            if former in member.merge:
                member.merge[one.tag] = member.merge.pop(former)
    audience.define("merge_field_updated", one.tag)
    return answer(call, _shown(call, one), f"{SCHEMA}/Instance")


def remove(call: Call) -> Reply:
    """Remove a merge field and all of its values."""
    audience = call.audience
    one = _find(call)
    audience.fields.remove(one)
    for member in audience.members.values():
        member.merge.pop(one.tag, None)
    audience.define("merge_field_deleted", one.tag)
    return no_content()


def _find(call: Call) -> MergeField:
    found = call.audience.fields.find(call.parameters["merge_id"])
    if found is None:
        raise not_found()
    return found


def _shown(call: Call, one: MergeField) -> dict[str, Any]:
    list_id = call.audience.id
    path = f"/lists/{list_id}/merge-fields/{one.merge_id}"
    return one.as_json(list_id) | {"_links": links(path, ("update", "", "PATCH"), ("delete", "", "DELETE"))}
