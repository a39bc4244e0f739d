"""Requests about lists and who is in them, and what their replies say: pure, no I/O.

HubSpot calls them segments in its pages and lists in its API.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError, UnknownOutcomeError
from reverse_etl_core.schema import Field, FieldType, Limits, ObjectSchema, Reference, RemovalWay, frozen
from reverse_etl_core.transport import Request
from target_hubspot.limits import LISTS_PER_PAGE, MEMBERS, MEMBERS_PER_PAGE
from target_hubspot.objects import ARCHIVE, ID_FIELD
from target_hubspot.wire import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_hubspot.paths import Paths

PREFIX = "list:"
"""Begins the name of a list as an object; no object of HubSpot can have a name with a colon."""
DYNAMIC = "DYNAMIC"


@dataclass(frozen=True, slots=True)
class RecordList:
    """One list.

    Attributes:
        id: As paths name it.
        name: As people see it; unique among the lists of one object.
        object_type: Type id of the records in it.
        is_dynamic: Whether HubSpot decides by filters who is in it.
        is_deleted: Whether it is in the bin, from which a person can restore it.
    """

    id: str
    name: str
    object_type: str
    is_dynamic: bool = False
    is_deleted: bool = False


def wanted_list(object_name: str) -> str | None:
    """The name or id of the list that an object's name means; `None` for any other object.

    >>> wanted_list("list: Big spenders"), wanted_list("contacts")
    ('Big spenders', None)
    """
    name = object_name.strip()
    return name[len(PREFIX) :].strip() if name.lower().startswith(PREFIX) else None


def list_schema(one: RecordList, records: ObjectSchema) -> ObjectSchema:
    """Memberships of a list as an object: who is in it, by any field that recognises a record of its object."""
    keys = {name: replace(records.fields[name], is_updatable=True, is_creatable=True) for name in records.key_fields()}
    record_id = Field(ID_FIELD, FieldType.STRING, is_key=True)
    fields = {**keys, ID_FIELD: record_id}
    # A record that a row names by its id is there already: it is not waited for.
    return ObjectSchema(
        name=f"{PREFIX}{one.id}",
        fields=frozen(fields),
        limits=Limits(MEMBERS),
        natural_match_field=records.natural_match_field,
        upsert_fields=frozenset(fields),
        removals=(RemovalWay(ARCHIVE, MEMBERS),),
        parents={name: Reference(records.name, field) for name, field in keys.items()},
        takes_ids=True,
        prepares=True,
        is_membership=True,
    )


# -- which list


def chosen_list(wanted: str, found: Sequence[RecordList]) -> RecordList | None:
    """The list that a name means; `None` where there is none.

    Raises:
        ConfigError: Lists of several objects have the name, or HubSpot decides who is in it.
    """
    same = [one for one in found if one.name.strip().casefold() == wanted.casefold()]
    exact = [one for one in same if one.name.strip() == wanted] or same
    if len(exact) > 1:
        choices = ", ".join(f"'{PREFIX}{one.id}' of {one.object_type}" for one in exact)
        msg = f"Lists of several objects are called '{wanted}': {choices}. Name one by its id."
        raise ConfigError(msg)
    return exact[0] if exact else None


def check_list(one: RecordList) -> None:
    """Refuse a list whose members cannot be written.

    Raises:
        ConfigError: It is deleted, or HubSpot decides who is in it.
    """
    if one.is_deleted:
        msg = f"List '{one.name}' ({one.id}) is deleted. Restore it in HubSpot, which can be done for 90 days."
        raise ConfigError(msg)
    if one.is_dynamic:
        msg = (
            f"List '{one.name}' ({one.id}) is dynamic: its filters decide who is in it, and HubSpot refuses to change "
        )
        msg += "its members. Name a static list, or write the property that its filters look at."
        raise ConfigError(msg)


def no_such_list(wanted: str, found: Iterable[RecordList]) -> ConfigError:
    """The error for a name that means no list; names those that members can be written to."""
    names = sorted({one.name for one in found if not (one.is_dynamic or one.is_deleted)})
    close = difflib.get_close_matches(wanted.casefold(), [one.casefold() for one in names], n=1)
    hint = next((f" Did you mean '{one}'?" for one in names if close and one.casefold() == close[0]), "")
    known = f"static ones are: {', '.join(names)}" if names else "there is no static one"
    return ConfigError(f"There is no list '{wanted}' in HubSpot; {known}.{hint} Create it there, or name it by its id.")


def build_search(words: str, offset: int, paths: Paths) -> Request:
    """The request that looks for lists whose name holds these words. Its index knows lists, not records."""
    return Request("POST", paths.lists("search"), json={"query": words, "count": LISTS_PER_PAGE, "offset": offset})


def parse_search(body: Mapping[str, Any]) -> tuple[list[RecordList], int | None]:
    """A page of lists, and where the next one begins."""
    more = body.get("offset") if body.get("hasMore") else None
    return [parse_list(one) for one in _objects(body.get("lists"))], int(more) if more is not None else None


def parse_list(one: Mapping[str, Any]) -> RecordList:
    """One list as HubSpot shows it."""
    return RecordList(
        id=str(one.get("listId")),
        name=str(one.get("name") or ""),
        object_type=str(one.get("objectTypeId")),
        is_dynamic=one.get("processingType") == DYNAMIC,
        is_deleted=bool(one.get("deletedAt")),
    )


# -- members


def build_change(list_id: str, verb: str, ids: Sequence[str], paths: Paths) -> Request:
    """The request that adds (`add`) or removes (`remove`) members. Repeating it changes nothing (recorded)."""
    return Request("PUT", paths.lists(f"{list_id}/memberships/{verb}"), json=list(ids), is_write=True)


@dataclass(frozen=True, slots=True)
class Changed:
    """What an answer says of the records that it was sent; whom it does not name is a member, or none, already.

    Attributes:
        added: Ids of those that are members now and were not.
        missing: Ids of records that do not exist, or are archived.
    """

    added: frozenset[str]
    missing: frozenset[str]


def parse_change(body: Mapping[str, Any]) -> Changed:
    """What an answer says; keys without ids are left out of it (recorded, with their spelling: `recordsIdsAdded`)."""
    # The other spellings are those of the specification.
    added = [*_texts(body.get("recordsIdsAdded")), *_texts(body.get("recordIdsAdded"))]
    missing = [*_texts(body.get("recordIdsMissing")), *_texts(body.get("recordsIdsMissing"))]
    return Changed(frozenset(added), frozenset(missing))


def build_members(list_id: str, after: str | None, paths: Paths) -> Request:
    """The request for a page of a list's members."""
    query = {"limit": str(MEMBERS_PER_PAGE), **({"after": after} if after else {})}
    return Request("GET", paths.lists(f"{list_id}/memberships"), query=query)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of members.

    Attributes:
        ids: Of the records on it.
        after: Where the next one begins; `None` on the last one.
        total: How many members there are; `None` where the answer does not say.
    """

    ids: frozenset[str]
    after: str | None
    total: int | None


def parse_members(body: Mapping[str, Any]) -> Page:
    """A page of members.

    Raises:
        UnknownOutcomeError: The answer is none about members.
    """
    _require_results(body)
    ids = frozenset(str(one.get("recordId")) for one in _objects(body.get("results")))
    after = ((body.get("paging") or {}).get("next") or {}).get("after")
    total = body.get("total")
    return Page(ids, str(after) if after else None, total if isinstance(total, int) else None)


def build_lists_of(object_type: str, ids: Sequence[str], paths: Paths) -> Request:
    """The request for the lists that records are in."""
    inputs = [{"objectTypeId": object_type, "recordId": one} for one in ids]
    return Request("POST", paths.lists("records/memberships/batch/read"), json={"inputs": inputs})


def parse_lists_of(list_id: str, body: Mapping[str, Any]) -> frozenset[str]:
    """Ids of the records that are in a list; a record that is gone is in none.

    Raises:
        UnknownOutcomeError: The answer is not complete.
    """
    if body.get("status", COMPLETE) != COMPLETE:
        _require_results({})
    _require_results(body)
    return frozenset(
        str(one.get("recordId"))
        for one in _objects(body.get("results"))
        if any(str(it.get("listId")) == list_id for it in _objects(one.get("recordListMemberships")))
    )


def _require_results(body: Mapping[str, Any]) -> None:
    if not isinstance(body.get("results"), list):
        msg = "HubSpot's answer about members of a list is not complete."
        raise UnknownOutcomeError(msg)


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
