"""Requests from records, and what answers say of them: pure, no I/O.

Answers are joined to records by lower-case address or its hash, never by position, and what an answer counts is not
believed: only a member that it shows is written, and only one that it names is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_etl_core.transport import Request
from target_mailchimp.audience import objects
from target_mailchimp.bodies import subscriber_hash
from target_mailchimp.objects import EMAIL, STATUS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PAGE = 1000
"""Items of a collection in one answer. source: Mailchimp docs, "Methods and parameters", pagination."""


class Paths:
    """The API's paths; none of them holds an address."""

    ACCOUNT = "/3.0/"
    LISTS = "/3.0/lists"

    @staticmethod
    def audience(list_id: str, below: str = "") -> str:
        """Something of an audience."""
        return f"/3.0/lists/{list_id}{below}"

    @staticmethod
    def member(list_id: str, member: str, below: str = "") -> str:
        """A member by hash."""
        return f"/3.0/lists/{list_id}/members/{member}{below}"

    @staticmethod
    def segment(list_id: str, segment_id: str) -> str:
        """A static segment."""
        return f"/3.0/lists/{list_id}/segments/{segment_id}"


# -- reading


def build_page(path: str, offset: int = 0, **query: str) -> Request:
    """One page of a collection."""
    return Request("GET", path, query={"count": str(PAGE), "offset": str(offset), **query})


def build_find(list_id: str, member: str, parts: Iterable[str] = (EMAIL, "tags")) -> Request:
    """Read a member, archived or not.

    Args:
        list_id: Of the audience.
        member: Hash of its address.
        parts: What is wanted besides its id and status.
    """
    fields = ",".join(dict.fromkeys(["id", STATUS, *parts]))
    return Request("GET", Paths.member(list_id, member), query={"fields": fields})


# -- writing


def build_subscribe(
    list_id: str,
    members: Sequence[Mapping[str, Any]],
    *,
    updates: bool,
    is_idempotent: bool,
    skips_required: bool,
) -> Request:
    """Write up to 500 members in one call.

    Args:
        list_id: Of the audience.
        members: Bodies with address and `status_if_new` or `status`.
        updates: Whether members that exist are changed.
        is_idempotent: Whether a second time does nothing more.
        skips_required: Whether required merge fields may be absent.
    """
    return Request(
        "POST",
        Paths.audience(list_id),
        query=_validation(skips_required=skips_required),
        # source: Mailchimp docs, "Organize contacts with tags": without `sync_tags` tags are only added
        json={"members": list(members), "update_existing": updates, "sync_tags": False},
        is_write=True,
        is_idempotent=is_idempotent,
    )


def build_add(list_id: str, body: Mapping[str, Any], *, skips_required: bool) -> Request:
    """Create one member, with what the batch call does not take; a second time it would be refused as existing."""
    return Request(
        "POST",
        f"{Paths.audience(list_id)}/members",
        query=_validation(skips_required=skips_required),
        json=dict(body),
        is_write=True,
        is_idempotent=False,
    )


def build_change(
    list_id: str, member: str, body: Mapping[str, Any], *, skips_required: bool, is_idempotent: bool = True
) -> Request:
    """Change one member that exists; one that does not is never created."""
    return Request(
        "PATCH",
        Paths.member(list_id, member),
        query=_validation(skips_required=skips_required),
        json=dict(body),
        is_write=True,
        is_idempotent=is_idempotent,
    )


def _validation(*, skips_required: bool) -> dict[str, str] | None:
    return {"skip_merge_validation": "true"} if skips_required else None


def build_tagging(list_id: str, member: str, *, add: Iterable[str], remove: Iterable[str]) -> Request:
    """Give one member tags, and take others away."""
    tags = [{"name": name, "status": "active"} for name in add]
    tags += [{"name": name, "status": "inactive"} for name in remove]
    return Request("POST", Paths.member(list_id, member, "/tags"), json={"tags": tags}, is_write=True)


def build_mark(list_id: str, member: str, name: str) -> Request:
    """Give one member a tag that is for us alone: it sets nothing off."""
    tags = {"tags": [{"name": name, "status": "active"}], "is_syncing": True}
    return Request("POST", Paths.member(list_id, member, "/tags"), json=tags, is_write=True)


def build_archive(list_id: str, member: str) -> Request:
    """Archive one member; one that is archived, pending or cleaned answers 405."""
    return Request("DELETE", Paths.member(list_id, member), is_write=True)


def build_forget(list_id: str, member: str) -> Request:
    """Delete one member for good; a second time it is not there."""
    return Request("POST", Paths.member(list_id, member, "/actions/delete-permanent"), is_write=True)


def build_membership(list_id: str, segment_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Request:
    """Put up to 500 members into a static segment, or take them out."""
    lists = {"members_to_add": list(add), "members_to_remove": list(remove)}
    body = {name: addresses for name, addresses in lists.items() if addresses}
    return Request("POST", Paths.segment(list_id, segment_id), json=body, is_write=True)


def build_leave(list_id: str, segment_id: str, member: str) -> Request:
    """Take one member out of a static segment; one that is not in it answers 404."""
    return Request("DELETE", f"{Paths.segment(list_id, segment_id)}/members/{member}", is_write=True)


def build_segment(list_id: str, name: str) -> Request:
    """Create an empty static segment."""
    return Request(
        "POST",
        f"{Paths.audience(list_id)}/segments",
        json={"name": name, "static_segment": []},
        is_write=True,
        is_idempotent=False,
    )


def build_merge_field(list_id: str, definition: Mapping[str, Any]) -> Request:
    """Create a merge field."""
    path = f"{Paths.audience(list_id)}/merge-fields"
    return Request("POST", path, json=dict(definition), is_write=True, is_idempotent=False)


# -- answers


@dataclass(slots=True)
class Answers:
    """What a call said of the members in it.

    Attributes:
        shown: Address key to the member as it is now.
        created: Address keys of new members.
        refused: Address key to the complaint.
    """

    shown: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    refused: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def parse_subscribe(body: object, keys: Sequence[str]) -> Answers:
    """What the answer to `build_subscribe` says.

    Args:
        body: Of a 200, which this call always answers with.
        keys: Lower-case addresses that were sent.
    """
    answers = Answers()
    if not isinstance(body, dict):
        return answers
    by_hash = {subscriber_hash(key): key for key in keys}
    for name in ("new_members", "updated_members"):
        for member in objects(body.get(name)):
            key = _key_of(member, by_hash)
            if key is None:
                continue
            answers.shown[key] = member
            if name == "new_members":
                answers.created.add(key)
    for error in objects(body.get("errors")):
        key = by_hash.get(subscriber_hash(str(error.get(EMAIL) or "")))
        # The only member of a call needs no name.
        key = key or (keys[0] if len(keys) == 1 else None)
        if key is not None:
            answers.refused[key] = error
    return answers


def _key_of(member: Mapping[str, Any], by_hash: Mapping[str, str]) -> str | None:
    return by_hash.get(subscriber_hash(str(member.get(EMAIL) or ""))) or by_hash.get(str(member.get("id")))


def parse_membership(body: object, keys: Sequence[str], change: str = "added") -> Answers:
    """What the answer to `build_membership` says of those that were to be added or removed.

    Whoever was in the segment already, or was not, is neither named nor complained of. That is believed where the
    answer agrees with itself: as many members and complaints as it counts.

    Args:
        body: Of a 200.
        keys: Lower-case addresses that were sent.
        change: `added` or `removed`.
    """
    answers = Answers()
    if not isinstance(body, dict):
        return answers
    by_hash = {subscriber_hash(key): key for key in keys}
    changed = objects(body.get(f"members_{change}"))
    for member in changed:
        if (key := _key_of(member, by_hash)) is not None:
            answers.shown[key] = member
            answers.created.add(key)
    errors = objects(body.get("errors"))
    for error in errors:
        for address in _addresses(error):
            if (key := by_hash.get(subscriber_hash(address))) is not None:
                answers.refused[key] = error
    agrees = body.get(f"total_{change}") == len(changed) and body.get("error_count") == len(errors)
    if agrees and all(_addresses(error) for error in errors):
        for key in keys:
            if key not in answers.refused:
                answers.shown.setdefault(key, {})
    return answers


def is_in_segment(member: Mapping[str, Any], segment_id: str) -> bool:
    """Whether a member shows the tag of a static segment, which is the same thing."""
    return any(str(one.get("id")) == segment_id for one in objects(member.get("tags")))


def _addresses(error: Mapping[str, Any]) -> list[str]:
    """The addresses of a complaint about a segment (official specification 3.0.55: `email_addresses`)."""
    named = error.get("email_addresses")
    return [str(one) for one in named] if isinstance(named, list) else []
