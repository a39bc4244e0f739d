"""Reading the destination before a record is written: what is asked, and what follows from the answer. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core import identity
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.planning import Step, left_to_write, step_of_removal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.operations import Current
    from reverse_etl_core.planning import Candidate
    from reverse_etl_core.routing import Route


def look(candidate: Candidate, route: Route) -> tuple[str | None, str]:
    """By which field a record is looked for, and what for; `None` where it is read by its id."""
    if candidate.found_by:
        field = route.then_match_on[candidate.found_by - 1]
        return field, _other_key(candidate, route) or ""
    if candidate.destination_id is not None and candidate.unsure_key is None:
        return None, candidate.destination_id
    return route.match_field, candidate.find_key


def _other_key(candidate: Candidate, route: Route) -> str | None:
    """The match key of the field by which a record is looked for next; `None` where it holds none."""
    field = route.schema.fields[route.then_match_on[candidate.found_by - 1]]
    return identity.match_key(field, candidate.fields.get(field.name))


def step_after_find(candidate: Candidate, route: Route, found: Sequence[Current]) -> Step | RejectCode:
    """What happens to a record after the destination was read.

    A create that was under way and is found now was ours: it is settled as it is (`SKIP`). So is a record of which
    the destination holds all that would be written, and a removed one that nobody has.
    """
    ids = [one.destination_id for one in found]
    if candidate.is_removal:
        return _removal_after_find(candidate, route, ids)
    if candidate.found_by:
        return _step_after_other_find(candidate, route, found)
    if candidate.unsure_key is not None and candidate.known is not None:
        still_has_it = candidate.destination_id in ids
        candidate.held_key = candidate.unsure_key if still_has_it else candidate.known.match_key
        candidate.unsure_key = None
        return Step.FIND if route.fields_read else Step.UPDATE
    return _step_after_own_find(candidate, route, found)


def _step_after_own_find(candidate: Candidate, route: Route, found: Sequence[Current]) -> Step | RejectCode:
    if len(found) > 1:
        return RejectCode.AMBIGUOUS_MATCH
    if not found:
        return _step_of_unfound(candidate, route)
    candidate.destination_id = found[0].destination_id
    if route.load_method == "create":
        return RejectCode.ALREADY_EXISTS if candidate.in_doubt_until is None else Step.SKIP
    return _step_of_found(candidate, route, found[0])


def _step_of_found(candidate: Candidate, route: Route, found: Current) -> Step:
    candidate.current = found.fields
    return Step.SKIP if route.fields_read and not left_to_write(candidate, route) else Step.UPDATE


def _step_of_unfound(candidate: Candidate, route: Route) -> Step | RejectCode:
    can_upsert = route.load_method == "upsert" and route.has_native_upsert
    if candidate.destination_id is not None:
        # The id is known no more (L6): the record is looked for by what it is matched by.
        candidate.destination_id = None
        return RejectCode.NOT_FOUND if route.matches_by_id else Step.FIND
    if candidate.earlier_key is not None:
        candidate.earlier_key = None
        return Step.UPSERT if can_upsert and not route.looks_first else Step.FIND
    while candidate.found_by < len(route.then_match_on):
        candidate.found_by += 1
        if _other_key(candidate, route) is not None:
            return Step.FIND
    candidate.found_by = 0
    if route.load_method == "update":
        return RejectCode.NOT_FOUND
    candidate.current = {}
    return Step.UPSERT if can_upsert else Step.CREATE


def _step_after_other_find(candidate: Candidate, route: Route, found: Sequence[Current]) -> Step | RejectCode:
    """A record that only another match field finds is ours to take where its first match field is empty."""
    if not found:
        return _step_of_unfound(candidate, route)
    if len(found) > 1 or found[0].fields.get(route.match_field) not in (None, ""):
        return RejectCode.AMBIGUOUS_MATCH
    if route.load_method == "create":
        return RejectCode.ALREADY_EXISTS
    candidate.found_by = 0
    candidate.destination_id = found[0].destination_id
    candidate.is_adopted = True
    return _step_of_found(candidate, route, found[0])


def _removal_after_find(candidate: Candidate, route: Route, ids: Sequence[str]) -> Step | RejectCode:
    if len(ids) > 1:
        return RejectCode.AMBIGUOUS_MATCH
    if not ids:
        return Step.SKIP
    candidate.destination_id = ids[0]
    return step_of_removal(candidate, route)
