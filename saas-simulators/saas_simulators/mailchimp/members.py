"""One contact of an audience, and how the API shows it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from saas_simulators.mailchimp.errors import API

if TYPE_CHECKING:
    from saas_simulators.mailchimp.audience import Audience

SUBSCRIBED, UNSUBSCRIBED, CLEANED = "subscribed", "unsubscribed", "cleaned"
PENDING, TRANSACTIONAL, ARCHIVED = "pending", "transactional", "archived"
# source: OpenAPI of 2026; `archived` can be read only
WRITABLE = (SUBSCRIBED, UNSUBSCRIBED, CLEANED, PENDING, TRANSACTIONAL)
# source: recording grouparoo 2021
BY_ADMIN = "N/A (Unsubscribed by admin)"
TAGS_SHOWN = 50  # source: OpenAPI of 2026 (`tags`: "up to 50"); `/tags` has all of them
BY_CONTACT = "None given"  # inferred: the text for a contact who gave no reason
# source: recordings grouparoo 2021 (relations, their order, their schemas)
_DEFINITION = f"{API}/schema/3.0/Definitions/Lists/Members"
_LINKS: tuple[tuple[str, str, str, str, str], ...] = (
    ("self", "", "GET", "Response", ""),
    ("parent", "..", "GET", "CollectionResponse", f"{API}/schema/3.0/Paths/Lists/Members/Collection.json"),
    ("update", "", "PATCH", "Response", f"{_DEFINITION}/PATCH.json"),
    ("upsert", "", "PUT", "Response", f"{_DEFINITION}/PUT.json"),
    ("delete", "", "DELETE", "", ""),
    ("activity", "/activity", "GET", "Activity/Response", ""),
    ("goals", "/goals", "GET", "Goals/Response", ""),
    ("notes", "/notes", "GET", "Notes/CollectionResponse", ""),
    ("events", "/events", "POST", "Events/POST", ""),
    ("delete_permanent", "/actions/delete-permanent", "POST", "", ""),
)

_as_text = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode  # made once: 500 members in a batch


def subscriber_hash(email: str) -> str:
    """Return the id of an address: the MD5 of its lower-case form.

    >>> subscriber_hash("Urist.McVankab@freddiesjokes.com")
    '62eeb292278cc15f5817cb78f7790b08'
    """
    # source: Mailchimp docs "Methods and parameters" (the example)
    return hashlib.md5(email.lower().encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class Member:
    """One contact; `is_blocked` says that only the contact can opt in again."""

    key: str
    email: str
    web_id: int
    contact_id: str
    status: str
    last_changed: str
    merge: dict[str, Any] = field(default_factory=dict)
    email_type: str = "html"
    language: str = ""
    vip: bool = False
    latitude: float = 0
    longitude: float = 0
    ip_signup: str = ""
    timestamp_signup: str = ""
    ip_opt: str = ""
    timestamp_opt: str = ""
    interests: dict[str, bool] = field(default_factory=dict)
    permissions: dict[str, bool] = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=dict)
    unsubscribe_reason: str = ""
    is_blocked: bool = False

    @property
    def is_archived(self) -> bool:
        """Whether the contact was archived."""
        return self.status == ARCHIVED

    @property
    def unique_email_id(self) -> str:
        """The id of the address; it changes with it."""
        return hashlib.md5(f"unique {self.key}".encode(), usedforsecurity=False).hexdigest()[:10]

    @property
    def full_name(self) -> str:
        """First and last name, as far as they are known."""
        return f"{self.merge.get('FNAME', '')} {self.merge.get('LNAME', '')}".strip()


class Renderer:
    """Turns members of one audience into JSON."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._interests = {one.id: False for category in audience.categories.values() for one in category.interests}
        self._links = _as_text(_links(audience.id, "\0")).split(_as_text("\0")[1:-1])

    def text(self, member: Member) -> str:
        """Return the member with its links as JSON text; links are the longer part, and always the same."""
        return f'{_as_text(self.plain(member))[:-1]},"_links":{member.key.join(self._links)}}}'

    def full(self, member: Member) -> dict[str, Any]:
        """Return the member with its links, for answers of which only parts are wanted."""
        return self.plain(member) | {"_links": _links(self._audience.id, member.key)}

    def plain(self, member: Member) -> dict[str, Any]:
        """Return the member without links."""
        # source: recordings grouparoo 2021 (keys and their order)
        audience = self._audience
        shown: dict[str, Any] = {
            "id": member.key,
            "email_address": member.email,
            "unique_email_id": member.unique_email_id,
            "contact_id": member.contact_id,
            "full_name": member.full_name,
            "web_id": member.web_id,
            "email_type": member.email_type,
            "status": member.status,
        }
        if member.unsubscribe_reason:
            shown["unsubscribe_reason"] = member.unsubscribe_reason
        shown["consents_to_one_to_one_messaging"] = True
        shown["merge_fields"] = {**audience.fields.blank, **member.merge}
        if self._interests:
            shown["interests"] = {**self._interests, **member.interests}
        shown |= _history(member)
        if audience.permissions:
            shown["marketing_permissions"] = [
                {"marketing_permission_id": key, "text": text, "enabled": member.permissions.get(key, False)}
                for key, text in audience.permissions.items()
            ]
        shown["source"] = "API - Generic"
        shown["tags_count"] = len(member.tags)
        shown["tags"] = [{"id": key, "name": audience.segments[key].name} for key in list(member.tags)[:TAGS_SHOWN]]
        shown["list_id"] = audience.id
        return shown


def _history(member: Member) -> dict[str, Any]:
    """Return what a member shows of sign-up, opt-in and place."""
    return {
        "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
        "ip_signup": member.ip_signup,
        "timestamp_signup": member.timestamp_signup,
        "ip_opt": member.ip_opt,
        "timestamp_opt": member.timestamp_opt,
        "member_rating": 2,
        "last_changed": member.last_changed,
        "language": member.language,
        "vip": member.vip,
        "email_client": "",
        "location": {
            "latitude": member.latitude,
            "longitude": member.longitude,
            "gmtoff": 0,
            "dstoff": 0,
            "country_code": "",
            "timezone": "",
        },
    }


def _links(list_id: str, key: str) -> list[dict[str, str]]:
    base = f"{API}/3.0/lists/{list_id}/members"
    shown = []
    for relation, path, method, target, schema in _LINKS:
        link = {"rel": relation, "href": base if path == ".." else f"{base}/{key}{path}", "method": method}
        if target:
            link["targetSchema"] = f"{_DEFINITION}/{target}.json"
        if schema:
            link["schema"] = schema
        shown.append(link)
    return shown
