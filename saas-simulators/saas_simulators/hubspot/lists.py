"""The lists API: lists, and their memberships."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot import errors
from saas_simulators.hubspot.calls import as_list, as_string, object_body
from saas_simulators.hubspot.errors import HubSpotError, body_missing
from saas_simulators.hubspot.list_store import PROCESSING_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_simulators.hubspot.calls import Call
    from saas_simulators.hubspot.list_store import RecordList
    from saas_simulators.hubspot.records import RecordStore

API = "https://api.hubapi.com"
USER = "5555888"
MAX_IDS = 100_000  # reported by third parties only; HubSpot documents it for add-from
MAX_FOUND = 500  # source: HubSpot API reference "Lists", count of a search; 20 is the default
MAX_READ = 100  # inferred: as for the other endpoints that read a batch
MAX_MEMBERS = 250  # source: HubSpot API reference "Lists", limit of memberships; 100 is the default


def create(call: Call) -> Reply:
    """Create a list; one with filters is filled by HubSpot, here it stays empty."""
    body = object_body(call.body, "name", "objectTypeId", "processingType")
    kind = as_string(body["processingType"])
    if kind not in PROCESSING_TYPES:
        # inferred: the text
        detail = f'Cannot deserialize value of type `ListProcessingType` from String "{kind}"'
        raise errors.wrong_json(detail)
    store = _store(call, as_string(body["objectTypeId"]))
    name = as_string(body["name"])
    _refuse_taken(call, store, name)
    branch = body.get("filterBranch")
    made = call.account.lists.create(name, store.type.type_id, kind, branch)
    call.account.note_definition("list_created", store.type.name, made.id)
    return json_reply(200, {"list": _shown(made, with_filters=True)})


def listing(call: Call) -> Reply:
    """Return the lists that the query names; without ids none, as recorded."""
    ids = [one for text in call.request.query.get("listIds", []) for one in text.split(",")]
    found = [one for one in map(call.account.lists.find, ids) if one is not None]
    with_filters = call.flag("includeFilters")
    return json_reply(200, {"lists": [_shown(one, with_filters=with_filters, with_size=True) for one in found]})


def get(call: Call) -> Reply:
    """Return one list; a deleted one too, which says so."""
    # source: a third party's acceptance run of August 2026: a deleted list answers with `deletedAt`
    found = _find(call, with_deleted=True)
    return json_reply(200, {"list": _shown(found, with_filters=call.flag("includeFilters"))})


def get_by_name(call: Call) -> Reply:
    """Return the list of a name."""
    store = _store(call, call.parameters["list_type"])
    name = call.parameters["name"]
    found = call.account.lists.find_by_name(store.type.type_id, name)
    if found is None:
        # source: a third party's acceptance run of August 2026 (category and sub-category); inferred: the text
        context = {"listName": [name], "objectTypeId": [store.type.type_id]}
        message = f"List does not exist with name {name} and object type ID {store.type.type_id}."
        raise _missing(message, "LIST_NAME_DOES_NOT_EXIST", context)
    return json_reply(200, {"list": _shown(found, with_filters=call.flag("includeFilters"))})


def search(call: Call) -> Reply:
    """Return the lists whose name holds a text."""
    body = object_body(call.body)
    words = as_string(body.get("query") or "").lower()
    kinds = set(map(as_string, as_list(body.get("processingTypes") or [])))
    found = [
        one
        for one in call.account.lists.live()
        if words in one.name.lower() and (not kinds or one.processing_type in kinds)
    ]
    offset, count = _count(body, "offset", 0), min(_count(body, "count", 20), MAX_FOUND)
    page = found[offset : offset + count]
    answer = {
        "offset": offset + len(page),
        "hasMore": offset + len(page) < len(found),
        "lists": [_found(one) for one in page],
        "total": len(found),
    }
    return json_reply(200, answer)


def rename(call: Call) -> Reply:
    """Change the name of a list."""
    found = _find(call)
    name = call.option("listName")
    if not name:
        message = "listName is required"  # inferred
        raise errors.validation(message)
    if name.lower() != found.name.lower():
        _refuse_taken(call, call.account.store(found.object_type), name)
    found.name, found.updated = name, call.account.moment()
    call.account.note_definition("list_updated", call.account.store(found.object_type).type.name, found.id)
    return json_reply(200, {"updatedList": _shown(found, with_filters=call.flag("includeFilters"))})


def delete(call: Call) -> Reply:
    """Delete a list; it can be restored."""
    found = _find(call, with_deleted=True)
    if found.deleted is None:
        found.deleted = call.account.moment()
        call.account.note_definition("list_deleted", call.account.store(found.object_type).type.name, found.id)
    return Reply(204)


def restore(call: Call) -> Reply:
    """Bring a deleted list back with its members."""
    found = _find(call, with_deleted=True)
    found.deleted = None
    call.account.note_definition("list_restored", call.account.store(found.object_type).type.name, found.id)
    return Reply(204)


# memberships


def members(call: Call) -> Reply:
    """Return one page of memberships, by record id."""
    found = _find(call)
    limit = call.number("limit", 100, most=MAX_MEMBERS)
    start = _number(call.option("after"))
    ids = sorted(int(one) for one in found.members if int(one) > start)
    rows = [
        {"membershipTimestamp": found.members[str(record_id)], "recordId": str(record_id)} for record_id in ids[:limit]
    ]
    body: dict[str, Any] = {"results": rows}
    if len(ids) > limit:
        cursor = _cursor(ids[limit - 1])
        link = f"{API}/crm/lists/v3/{found.id}/memberships?offset_param=after&limit={limit}&after={cursor}"
        body["paging"] = {"next": {"after": cursor, "link": link}}
    return json_reply(200, body | {"total": len(found.members)})


def of_record(call: Call) -> Reply:
    """Return the lists that a record is in."""
    store = _store(call, call.parameters["list_type"])
    return json_reply(200, {"results": _places(call, store, call.parameters["record_id"]), "total": None})


def of_records(call: Call) -> Reply:
    """Return the lists that some records are in; one without any is shown with none (inferred)."""
    # source: HubSpot API reference "Batch read memberships", versions 2026-03 and v3 (keys); its guide "Lists"
    inputs = [one for one in as_list(object_body(call.body, "inputs")["inputs"]) if isinstance(one, dict)]
    if len(inputs) > MAX_READ:
        message = f"The maximum number of inputs supported in a batch request is {MAX_READ}"  # inferred
        raise errors.validation(message)
    results = []
    for one in inputs:
        type_id, record_id = as_string(one.get("objectTypeId")), as_string(one.get("recordId"))
        places = _places(call, _store(call, type_id), record_id)
        results.append({"objectTypeId": type_id, "recordId": record_id, "recordListMemberships": places})
    call.account.shuffle(results)
    moment = call.account.moment()
    return json_reply(200, {"status": "COMPLETE", "results": results, "startedAt": moment, "completedAt": moment})


def _places(call: Call, store: RecordStore, record_id: str) -> list[dict[str, Any]]:
    found = call.account.lists.of(store.type.type_id, record_id)
    return [
        {
            "listId": one.id,
            "listVersion": 1,
            "isPublicList": False,
            "firstAddedTimestamp": one.members[record_id],
            "lastAddedTimestamp": one.members[record_id],
        }
        for one in found
        if one.deleted is None
    ]


def add(call: Call) -> Reply:
    """Add records; those that are members already are not named in the answer."""
    return _changed(call, to_add=_ids(call.body), to_remove=[])


def remove(call: Call) -> Reply:
    """Remove records; those that are no members are not named in the answer (inferred)."""
    return _changed(call, to_add=[], to_remove=_ids(call.body))


def add_and_remove(call: Call) -> Reply:
    """Add some records and remove others."""
    body = object_body(call.body, "recordIdsToAdd", "recordIdsToRemove")
    return _changed(call, to_add=_ids(body["recordIdsToAdd"]), to_remove=_ids(body["recordIdsToRemove"]))


def _changed(call: Call, *, to_add: Iterable[str], to_remove: Iterable[str]) -> Reply:
    found = _find(call)
    if found.is_dynamic:
        # inferred: the rule is documented, the text is that of the recorded refusal of v1
        message = "Can not operate manually on a dynamic list"
        raise errors.validation(message, context={"listId": [found.id]})
    lists, store = call.account.lists, call.account.store(found.object_type)
    to_add, to_remove = list(to_add), list(to_remove)
    missing = [one for one in dict.fromkeys([*to_add, *to_remove]) if store.find(one) is None]
    # source: recordings captaincontrat v3_lists.json: "recordsIds" is HubSpot's spelling; empty lists are left out
    answer = {
        "recordsIdsAdded": [one for one in to_add if one not in missing and lists.add(found, one)],
        "recordIdsRemoved": [one for one in to_remove if one not in missing and lists.remove(found, one)],
        "recordIdsMissing": missing,
    }
    for ids in answer.values():
        call.account.shuffle(ids)
    return json_reply(200, {name: ids for name, ids in answer.items() if ids})


# reading and showing


def _ids(body: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    if body is None:
        raise body_missing()
    ids = [as_string(one) for one in as_list(body)]
    if len(ids) > MAX_IDS:
        # inferred
        message = f"At most {MAX_IDS} record ids can be sent at once"
        raise errors.validation(message)
    return list(dict.fromkeys(ids))


def _count(body: dict[str, Any], name: str, default: int) -> int:
    text = as_string(body[name]) if body.get(name) is not None else str(default)
    if not text.isdecimal():
        detail = f'Cannot deserialize value of type `int` from String "{text}"'
        raise errors.wrong_json(detail)
    return int(text)


def _store(call: Call, type_id: str) -> RecordStore:
    try:
        return call.account.store(type_id)
    except HubSpotError:
        # source: singer-io/tap-hubspot#299
        message = f"The objectTypeId {type_id} provided for the list is not valid for this portal."
        raise errors.validation(message, subCategory="ListError.INVALID_OBJECT_TYPE_FOR_LIST") from None


def _find(call: Call, *, with_deleted: bool = False) -> RecordList:
    list_id = call.parameters["list_id"]
    found = call.account.lists.find(list_id)
    if found is None or (found.deleted is not None and not with_deleted):
        # source: recording captaincontrat v3_lists.json
        message = f"List does not exist with ID {list_id}."
        raise _missing(message, "LIST_ID_DOES_NOT_EXIST", {"listId": [list_id]})
    return found


def _missing(message: str, code: str, context: dict[str, list[str]]) -> HubSpotError:
    sub_category = f"ListError.{code}"
    return HubSpotError(404, message, context=context, category="OBJECT_NOT_FOUND", subCategory=sub_category)


def _refuse_taken(call: Call, store: RecordStore, name: str) -> None:
    if call.account.lists.find_by_name(store.type.type_id, name) is not None:
        # source: segmentio/action-destinations, hubspot (the sub-category); inferred: the text
        message = f"A list with the name {name} already exists"
        raise errors.validation(message, subCategory="ILS.DUPLICATE_LIST_NAMES")


def _shown(found: RecordList, *, with_filters: bool, with_size: bool = False) -> dict[str, Any]:
    # source: recordings captaincontrat v3_lists.json, keys and their order
    shown: dict[str, Any] = _head(found)
    if found.deleted is not None:
        shown["deletedAt"] = found.deleted
    if with_size:
        shown["size"] = len(found.members)
    if with_filters and found.filter_branch is not None:
        shown["filterBranch"] = found.filter_branch
    return shown | {
        "listPermissions": {"teamsWithEditAccess": [], "usersWithEditAccess": []},
        "membershipSettings": {"membershipTeamId": None, "includeUnassigned": None},
    }


def _head(found: RecordList) -> dict[str, Any]:
    return {
        "listId": found.id,
        "listVersion": 1,
        "createdAt": found.created,
        "updatedAt": found.updated,
        "filtersUpdatedAt": found.created,
        "processingStatus": "PROCESSING" if found.is_dynamic else "COMPLETE",
        "createdById": USER,
        "updatedById": USER,
        "processingType": found.processing_type,
        "objectTypeId": found.object_type,
        "name": found.name,
    }


def _found(found: RecordList) -> dict[str, Any]:
    """Return a list as a search shows it."""
    size = str(len(found.members))
    shown = {name: value for name, value in _head(found).items() if name != "updatedById"}
    return shown | {"additionalProperties": {"hs_list_reference_count": "0", "hs_list_size": size}}


def _cursor(record_id: int) -> str:
    # source: recording captaincontrat v3_lists.json: eight bytes in base 64, escaped for a URL already
    return quote(base64.b64encode(record_id.to_bytes(8, "big")).decode(), safe="")


def _number(cursor: str) -> int:
    try:
        return int.from_bytes(base64.b64decode(unquote(cursor), validate=True), "big")
    except (binascii.Error, ValueError):
        message = "Invalid after value"  # inferred
        raise errors.validation(message) from None
