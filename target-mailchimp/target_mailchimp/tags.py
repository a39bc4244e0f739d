"""Tags that a member has and should not have, and how to take them away in the fewest requests. Pure.

A tag is a static segment of the audience: the tags that a member shows carry the segment's id (recorded).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from target_mailchimp.audience import objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of an audience.

    Attributes:
        id: Of its static segment.
        name: As it is shown.
    """

    id: str
    name: str


_MARK = "Archived by sync: "


def mark(status: str) -> str:
    """The name of the tag that a member gets before it is archived: it says which status the member had.

    >>> mark("subscribed")
    'Archived by sync: subscribed'
    """
    return f"{_MARK}{status}"


def is_mark(tag: Tag) -> bool:
    """Whether a tag is a mark, and none of a record's."""
    return _spelled(tag.name).startswith(_MARK.casefold())


def marked_status(shown: Iterable[Tag]) -> str | None:
    """The status that a member had when it was archived; `None` where that is not known.

    >>> marked_status([Tag("1", "vip"), Tag("2", mark("transactional"))])
    'transactional'
    """
    return next((one.name.strip()[len(_MARK) :] for one in shown if is_mark(one)), None)


@dataclass(slots=True)
class Removals:
    """Which requests take tags away.

    Attributes:
        by_tag: Tag to the members that lose it: one request per tag.
        by_member: Member to the tags that it loses: one request per member.
    """

    by_tag: dict[Tag, list[str]] = field(default_factory=dict)
    by_member: dict[str, list[Tag]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.by_tag) + len(self.by_member)


def shown_tags(member: Mapping[str, Any]) -> list[Tag]:
    """The tags that an answer shows."""
    shown = objects(member.get("tags"))
    return [Tag(str(one["id"]), str(one["name"])) for one in shown if one.get("id") is not None and one.get("name")]


def missing(shown: Iterable[Tag], wanted: Sequence[str]) -> list[str]:
    """Wanted tags that a member lacks, compared without regard to case."""
    has = {_spelled(one.name) for one in shown}
    return [name for name in wanted if _spelled(name) not in has]


def surplus(shown: Iterable[Tag], wanted: Sequence[str], prefix: str | None) -> list[Tag]:
    """Managed tags that a member has and its record lacks.

    Args:
        shown: What the member has.
        wanted: What the record says.
        prefix: How managed tags begin; `None` manages none.

    >>> surplus([Tag("1", "crm: vip"), Tag("2", "by hand")], [], "CRM:")
    [Tag(id='1', name='crm: vip')]
    """
    if prefix is None:
        return []
    keep = {_spelled(name) for name in wanted}
    start = prefix.casefold()
    return [one for one in shown if _spelled(one.name).startswith(start) and _spelled(one.name) not in keep]


def _spelled(name: str) -> str:
    # inferred: tags are told apart without regard to case
    return name.strip().casefold()


def plan(surpluses: Mapping[str, Sequence[Tag]]) -> Removals:
    """The fewest requests that take away the tags of several members.

    The tags that most members lose go by tag, and what is left of the others by member.

    Args:
        surpluses: Member to the tags that it loses.

    >>> vip, old, odd = (Tag(str(n), name) for n, name in enumerate(("vip", "old", "odd")))
    >>> made = plan({"ada": [vip], "bob": [vip, old, odd], "eve": [vip]})
    >>> sorted(one.name for one in made.by_tag), list(made.by_member)
    (['vip'], ['bob'])
    """
    losers: dict[Tag, list[str]] = defaultdict(list)
    for member, tags in surpluses.items():
        for one in tags:
            losers[one].append(member)
    ranked = sorted(losers, key=lambda one: (-len(losers[one]), one.id))
    candidates = (_split(ranked[:count], losers, surpluses) for count in range(len(ranked), -1, -1))
    return min(candidates, key=len)


def _split(by_tag: Sequence[Tag], losers: Mapping[Tag, list[str]], surpluses: Mapping[str, Sequence[Tag]]) -> Removals:
    rest = {member: [one for one in tags if one not in by_tag] for member, tags in surpluses.items()}
    return Removals({one: losers[one] for one in by_tag}, {member: tags for member, tags in rest.items() if tags})
