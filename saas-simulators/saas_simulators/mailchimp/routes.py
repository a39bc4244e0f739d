"""Every path of Mailchimp that the simulator answers, the busiest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.mailchimp import batch, batches, interests, lists, merge_fields, segments, single, tags
from saas_simulators.routing import Route

if TYPE_CHECKING:
    from saas_simulators.mailchimp.calls import Action

ROOT = "/3.0"
LIST = "/lists/{list_id}"
MEMBER = LIST + "/members/{member}"
CATEGORY = LIST + "/interest-categories/{category_id}"
SEGMENT = LIST + "/segments/{segment_id}"
LINES: tuple[tuple[str, str, Action], ...] = (
    ("POST", LIST, batch.subscribe),
    ("PUT", MEMBER, single.upsert),
    ("PATCH", MEMBER, single.update),
    ("GET", MEMBER, single.get),
    ("DELETE", MEMBER, single.archive),
    ("POST", MEMBER + "/actions/delete-permanent", single.delete_permanently),
    ("POST", MEMBER + "/tags", tags.change),
    ("GET", MEMBER + "/tags", tags.listing),
    ("POST", LIST + "/members", single.create),
    ("GET", LIST + "/members", single.listing),
    ("GET", LIST + "/merge-fields", merge_fields.listing),
    ("POST", LIST + "/merge-fields", merge_fields.create),
    ("GET", LIST + "/merge-fields/{merge_id}", merge_fields.get),
    ("PATCH", LIST + "/merge-fields/{merge_id}", merge_fields.update),
    ("DELETE", LIST + "/merge-fields/{merge_id}", merge_fields.remove),
    ("GET", LIST + "/tag-search", tags.search),
    ("GET", LIST + "/segments", segments.listing),
    ("POST", LIST + "/segments", segments.create),
    ("GET", SEGMENT, segments.get),
    ("POST", SEGMENT, segments.change),
    ("PATCH", SEGMENT, segments.update),
    ("DELETE", SEGMENT, segments.remove),
    ("GET", SEGMENT + "/members", segments.members),
    ("POST", SEGMENT + "/members", segments.add_member),
    ("DELETE", SEGMENT + "/members/{member}", segments.remove_member),
    ("GET", LIST + "/interest-categories", interests.categories),
    ("POST", LIST + "/interest-categories", interests.create_category),
    ("GET", CATEGORY, interests.category),
    ("PATCH", CATEGORY, interests.update_category),
    ("DELETE", CATEGORY, interests.remove_category),
    ("GET", CATEGORY + "/interests", interests.listing),
    ("POST", CATEGORY + "/interests", interests.create),
    ("GET", CATEGORY + "/interests/{interest_id}", interests.get),
    ("PATCH", CATEGORY + "/interests/{interest_id}", interests.update),
    ("DELETE", CATEGORY + "/interests/{interest_id}", interests.remove),
    ("GET", LIST, lists.get),
    ("GET", "/lists", lists.listing),
    ("POST", "/batches", batches.create),
    ("GET", "/batches", batches.listing),
    ("GET", "/batches/{batch_id}", batches.get),
    ("DELETE", "/batches/{batch_id}", batches.remove),
    ("GET", "/ping", lists.ping),
    ("GET", "", lists.root),
)
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
METADATA_PATH = "/oauth2/metadata"


def routes() -> list[Route[Action]]:
    """Return the route table."""
    return [Route(method, ROOT + path, action) for method, path, action in LINES]
