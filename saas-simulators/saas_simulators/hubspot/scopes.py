"""Which scopes a call needs, and which there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_simulators.hubspot.calls import Action
    from saas_simulators.hubspot.records import RecordStore
    from saas_simulators.hubspot.state import Account
    from saas_simulators.routing import Match

Needed = list[tuple[str, ...]]  # all of these; of each, one is enough

# source: HubSpot docs "Scopes"; older names that still grant the same
_OLDER = {"tickets": "tickets", "products": "e-commerce", "line_items": "e-commerce"}
_OBJECTS = ("contacts", "companies", "deals", "tickets", "products", "line_items", "custom")
ALL: tuple[str, ...] = (
    "oauth",
    "crm.lists.read",
    "crm.lists.write",
    "crm.objects.owners.read",
    *dict.fromkeys(_OLDER.values()),
    *(
        f"crm.{area}.{name}.{verb}"
        for name in _OBJECTS
        for area in ("objects", "schemas")
        for verb in ("read", "write")
    ),
)
READING = tuple(scope for scope in ALL if scope.endswith(".read") or scope == "oauth")


def needed(match: Match[Action], account: Account) -> Needed:
    """Return the scopes that a call needs.

    Raises:
        HubSpotError: 400; the path names an object type that does not exist.
    """
    route = match.route
    is_reading = route.method == "GET" or route.template.endswith(("/search", "/batch/read"))
    if route.template.startswith(("/crm/lists/", "/crm/v3/lists")):
        return [("crm.lists.read" if is_reading else "crm.lists.write",)]
    if "/owners" in route.template:
        return [("crm.objects.owners.read",)]
    if "/schemas" in route.template and "object_type" not in match.parameters:
        return [("crm.schemas.custom.read" if is_reading else "crm.schemas.custom.write",)]
    names = [match.parameters[name] for name in ("object_type", "to_type") if name in match.parameters]
    # inferred: an association needs the scopes of both of its objects
    return list(dict.fromkeys(_of_object(route.template, account.store(name), is_reading=is_reading) for name in names))


def missing(wanted: Needed, granted: Iterable[str]) -> tuple[str, ...]:
    """Return the alternatives of the first scope that is needed and not granted; none when all are."""
    held = set(granted)
    return next((some for some in wanted if not held.intersection(some)), ())


def is_about_schemas(match: Match[Action]) -> bool:
    """Whether a call belongs to the schemas API, which words a missing scope in its own way."""
    return "/schemas" in match.route.template


def _of_object(template: str, store: RecordStore, *, is_reading: bool) -> tuple[str, ...]:
    # source: live runs of October 2026: definitions, labels, schemas and pipelines are written with crm.schemas.*,
    # and read with that or any scope of the object; records need crm.objects.*
    name = "custom" if store.type.is_custom else store.type.name
    older = (_OLDER[name],) if name in _OLDER else ()
    is_definition = any(word in template for word in ("/properties/", "/schemas", "/pipelines/", "/labels"))
    if not is_definition or template.endswith("/labels/archive"):
        return (f"crm.objects.{name}.{'read' if is_reading else 'write'}", *older)
    if is_reading:
        return (f"crm.schemas.{name}.read", f"crm.objects.{name}.read", f"crm.objects.{name}.write", *older)
    return (f"crm.schemas.{name}.write", *older)
