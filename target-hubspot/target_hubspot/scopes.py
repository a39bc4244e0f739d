"""Which scopes a token needs for what the settings do, and which of them it lacks: pure.

source: HubSpot docs, "Scopes"; live notes of October 2026: definitions are read with any scope of their object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_hubspot.list_wire import wanted_list
from target_hubspot.objects import CUSTOM_REFERENCE, OTHER_OBJECTS, STANDARD_TYPE_ID, core_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reverse_etl_core.destination import Use

Needed = tuple[str, ...]
"""Scopes of which one is enough."""

OLDER = {"tickets": "tickets", "products": "e-commerce", "line_items": "e-commerce"}
"""One scope for all that can be done with an object, beside the newer ones."""
UNNAMED = "contacts"
"""What old OAuth apps have for contacts, companies and deals. It is enough, and no longer to be had.

source: HubSpot docs, "Scopes", of 2021; inferred: that it still is enough.
"""
CUSTOM = "custom"
LISTS = ("crm.lists.read", "crm.lists.write")


def needed(uses: Iterable[Use]) -> list[Needed]:
    """The scopes that uses need, in order. What other standard objects need is not evidenced: HubSpot tells then."""
    found: dict[Needed, None] = {}
    for one in uses:
        if wanted_list(one.object_name) is not None:
            found |= dict.fromkeys((name,) for name in LISTS[: 1 + one.is_written])
        elif (area := _area(one.object_name)) is not None:
            found |= dict.fromkeys(_of_object(area, is_written=one.is_written))
            if area == CUSTOM and not CUSTOM_REFERENCE.fullmatch(one.object_name.strip().lower()):
                found["crm.schemas.custom.read",] = None  # else its name means nothing
    return list(found)


def _of_object(area: str, *, is_written: bool) -> list[Needed]:
    older = (OLDER[area],) if area in OLDER else (UNNAMED,) if area != CUSTOM else ()
    return [(f"crm.objects.{area}.{verb}", *older) for verb in ("read", "write")[: 1 + is_written]]


def _area(object_name: str) -> str | None:
    """What scopes call an object; `None` where that is not evidenced."""
    name = object_name.strip().lower()
    if (core := core_object(name)) is not None:
        return core.name
    is_standard = STANDARD_TYPE_ID.fullmatch(name) or any(name in one.spellings for one in OTHER_OBJECTS)
    return None if is_standard else CUSTOM


def missing(wanted: Iterable[Needed], granted: frozenset[str]) -> list[Needed]:
    """Those of which a token has none.

    >>> missing([("crm.lists.read",), ("crm.objects.tickets.read", "tickets")], frozenset({"tickets"}))
    [('crm.lists.read',)]
    """
    return [one for one in wanted if granted.isdisjoint(one)]


def complaint(lacking: Sequence[Needed]) -> str:
    """The sentence that names scopes which are missing."""
    names = ", ".join(" or ".join(f"'{name}'" for name in one if name != UNNAMED) for one in lacking)
    return (
        f"The access token lacks scopes that the configured streams need: {names}. Grant them to the service key or "
        "app in HubSpot; an OAuth app has to be installed again then."
    )
