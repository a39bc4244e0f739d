"""The verbs of associations: in batches, of one record, and those that come with a new record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot import errors
from saas_simulators.hubspot.association_checks import Checks, LinkRefusedError
from saas_simulators.hubspot.calls import as_list, as_object, as_string, object_body
from saas_simulators.hubspot.errors import MissingError
from saas_simulators.hubspot.values import iso

if TYPE_CHECKING:
    from saas_simulators.hubspot.association_types import AssociationType
    from saas_simulators.hubspot.calls import Call
    from saas_simulators.hubspot.links import End, Links
    from saas_simulators.hubspot.records import RecordStore

API = "https://api.hubapi.com"
# source: HubSpot changelog "Batch Read Limit for HubSpot Associations API" (1,000); Workato documentation (2,000 to
# create). inferred: the same for the other verbs that write
MAX_READ = 1_000
MAX_WRITTEN = 2_000
MAX_PAGE = 500  # source: HubSpot API reference, limit of the list; inferred for one record of a batch read


@dataclass(slots=True)
class Pair:
    """The two object types that a path names."""

    one: RecordStore
    other: RecordStore

    @property
    def types(self) -> tuple[str, str]:
        """Their type ids."""
        return self.one.type.type_id, self.other.type.type_id


def create(call: Call) -> Reply:
    """Associate records by the types given; 201, or 207 with those that cannot be."""
    pair = _pair(call)
    checks = Checks(call.account, pair.one, pair.other)
    done: dict[tuple[End, End], dict[str, None]] = {}
    failed: list[dict[str, Any]] = []
    for given in _inputs(call.body, MAX_WRITTEN, "from", "to", "types"):
        try:
            one, other = checks.ends(_id(given, "from"), _id(given, "to"))
            kinds = checks.kinds(given["types"], one, other)
            checks.room(one, other)
        except LinkRefusedError as refused:
            failed.append(refused.item())
            continue
        call.account.links.connect(one, other, kinds)
        labels = done.setdefault((one, other), {})  # inferred: inputs of one pair are answered together
        labels.update({kind.label: None for kind in kinds if kind.label})
    return _answer(call, [_shown(one, other, list(labels)) for (one, other), labels in done.items()], failed, ok=201)


def create_default(call: Call) -> Reply:
    """Associate records without a label; both directions are shown."""
    pair = _pair(call)
    checks = Checks(call.account, pair.one, pair.other)
    results: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for given in _inputs(call.body, MAX_WRITTEN, "from", "to"):
        try:
            results += _connect_plain(call, checks, _id(given, "from"), _id(given, "to"))
        except LinkRefusedError as refused:
            failed.append(refused.item())
    return _answer(call, results, failed, ok=200)


def read(call: Call) -> Reply:
    """Return the associations of each record, a page of each; a record without any is named in `errors`."""
    pair = _pair(call)
    results, failed = [], []
    for given in _inputs(call.body, MAX_READ, "id"):
        record_id = as_string(given["id"])
        if not record_id.isdecimal():
            failed.append(LinkRefusedError.not_an_id(record_id).item())
            continue
        shown, cursor = _page(call.account.links, (pair.types[0], record_id), pair.types[1], given.get("after"))
        if not shown:
            failed.append(_none(pair, record_id))
            continue
        result: dict[str, Any] = {"from": {"id": record_id}, "to": shown}
        if cursor:
            result["paging"] = {"next": {"after": cursor, "link": _link(pair, record_id, cursor)}}
        results.append(result)
    return _answer(call, results, failed, ok=200)


def archive(call: Call) -> Reply:
    """End associations with all of their labels; 204, for unknown records too."""
    # source: recordings captaincontrat v4_associations.json
    pair = _pair(call)
    for given in _inputs(call.body, MAX_WRITTEN, "from", "to"):
        for target in as_list(given["to"]):
            one = (pair.types[0], _id(given, "from"))
            call.account.links.disconnect(one, (pair.types[1], as_string(as_object(target).get("id"))))
    return Reply(204)


def archive_labels(call: Call) -> Reply:
    """Take labels off associations; 204, also where there was none (inferred)."""
    pair = _pair(call)
    checks = Checks(call.account, pair.one, pair.other)
    failed: list[dict[str, Any]] = []
    for given in _inputs(call.body, MAX_WRITTEN, "from", "to", "types"):
        one, other = (pair.types[0], _id(given, "from")), (pair.types[1], _id(given, "to"))
        try:
            call.account.links.remove_labels(one, other, checks.kinds(given["types"], one, other))
        except LinkRefusedError as refused:
            failed.append(refused.item())
    return _answer(call, [], failed, ok=200) if failed else Reply(204)


# one record


def listing(call: Call) -> Reply:
    """Return one page of the records that a record is associated with."""
    pair = _pair(call)
    record_id = call.parameters["record_id"]
    if pair.one.find(record_id) is None:
        raise MissingError
    limit = call.number("limit", MAX_PAGE, most=MAX_PAGE)
    shown, cursor = _page(call.account.links, (pair.types[0], record_id), pair.types[1], call.option("after"), limit)
    body: dict[str, Any] = {"results": shown}
    if cursor:
        body["paging"] = {"next": {"after": cursor, "link": _link(pair, record_id, cursor)}}
    return json_reply(200, body)


def put(call: Call) -> Reply:
    """Associate two records by the types given; labels that are there already stay."""
    pair = _pair(call)
    if call.body is None:
        # source: hubspot-api-ruby#187
        message = "Invalid JSON input: a request body was expected, but none found"
        raise errors.validation(message)
    checks = Checks(call.account, pair.one, pair.other)
    try:
        one, other = checks.ends(call.parameters["record_id"], call.parameters["to_id"])
        kinds = checks.kinds(call.body, one, other)
        checks.room(one, other)
    except LinkRefusedError as refused:
        raise refused.error() from None
    call.account.links.connect(one, other, kinds)
    return json_reply(201, _shown(one, other, [kind.label for kind in kinds if kind.label]))


def put_default(call: Call) -> Reply:
    """Associate two records without a label; both directions are shown."""
    # source: HubSpot docs "Line items", answer of 2023, and "Fees", answer of 2026
    pair = _pair(call)
    checks = Checks(call.account, pair.one, pair.other)
    try:
        results = _connect_plain(call, checks, call.parameters["record_id"], call.parameters["to_id"])
    except LinkRefusedError as refused:
        raise refused.error() from None
    return _answer(call, results, [], ok=200)


def delete(call: Call) -> Reply:
    """End one association; 204, also where there was none (as in batches)."""
    pair = _pair(call)
    one = (pair.types[0], call.parameters["record_id"])
    call.account.links.disconnect(one, (pair.types[1], call.parameters["to_id"]))
    return Reply(204)


def embedded(call: Call, store: RecordStore, record_id: str) -> dict[str, Any]:
    """Return the `associations` of a record, by object type, for a read whose query asks for them."""
    # source: third-party recordings of GET ?associations=companies: one entry for each type of an association
    found: dict[str, Any] = {}
    links = call.account.links
    names = [name for text in call.request.query.get("associations", []) for name in text.split(",") if name]
    for name in names:
        other = call.account.store(name)
        end = (store.type.type_id, record_id)
        entries = [
            {"id": to_id, "type": kind.name}
            for to_id in links.neighbours(end, other.type.type_id)
            for kind in links.kinds(end, (other.type.type_id, to_id))
        ]
        if entries:
            found[other.type.name] = {"results": entries}
    return {"associations": found} if found else {}


# reading and answering


def _pair(call: Call) -> Pair:
    account = call.account
    return Pair(account.store(call.parameters["object_type"]), account.store(call.parameters["to_type"]))


def _inputs(body: Any, most: int, *required: str) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    inputs = [as_object(given) for given in as_list(object_body(body, "inputs")["inputs"])]
    if len(inputs) > most:
        # inferred: the text
        message = f"The maximum number of inputs supported in a batch request is {most}."
        raise errors.validation(message)
    for given in inputs:
        if missing := [name for name in required if given.get(name) is None]:
            raise errors.required_fields(missing)
    return inputs


def _id(given: dict[str, Any], side: str) -> str:
    record_id = as_object(given[side]).get("id")
    if record_id is None:
        raise errors.required_fields(["id"])
    return as_string(record_id)


def _connect_plain(call: Call, checks: Checks, one_id: str, other_id: str) -> list[dict[str, Any]]:
    one, other = checks.ends(one_id, other_id)
    kind = checks.plain()
    checks.room(one, other)
    call.account.links.connect(one, other, [kind])
    inverse = call.account.links.types.inverse(kind)
    return [_directed(one, other, kind), _directed(other, one, inverse)]


def _directed(one: End, other: End, kind: AssociationType) -> dict[str, Any]:
    spec = {"associationCategory": kind.category, "associationTypeId": kind.id}
    return {"from": {"id": one[1]}, "to": {"id": other[1]}, "associationSpec": spec}


def _shown(one: End, other: End, labels: list[str]) -> dict[str, Any]:
    # source: recordings captaincontrat v4_associations.json, captured body amp-labs 2026-03 (dated path): numbers
    return {
        "fromObjectTypeId": one[0],
        "fromObjectId": int(one[1]),
        "toObjectTypeId": other[0],
        "toObjectId": int(other[1]),
        "labels": labels,
    }


def _page(
    links: Links,
    end: End,
    to_type: str,
    after: object,
    limit: int = MAX_PAGE,
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the associations of one record after a cursor, by id, and the next cursor."""
    cursor = str(after or "")
    start = int(cursor) if cursor.isdecimal() else 0
    ids = sorted(int(to_id) for to_id in links.neighbours(end, to_type) if int(to_id) >= start)
    shown = [
        {
            "toObjectId": to_id,
            "associationTypes": [kind.as_json() for kind in links.kinds(end, (to_type, str(to_id)))],
        }
        for to_id in ids[:limit]
    ]
    return shown, str(ids[limit]) if len(ids) > limit else None


def _link(pair: Pair, record_id: str, cursor: str) -> str:
    return f"{API}/crm/v4/objects/{pair.types[0]}/{record_id}/associations/{pair.types[1]}?after={cursor}"


def _none(pair: Pair, record_id: str) -> dict[str, Any]:
    # source: live notes of August 2026 on batch/read, quoted in full; unknown records answer alike
    one, other = pair.one.type.singular, pair.other.type.singular
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {other} is associated with {one} {record_id}.",
        "context": {"fromObjectId": [record_id], "fromObjectType": [one], "toObjectType": [other]},
    }


def _answer(call: Call, results: list[dict[str, Any]], failed: list[dict[str, Any]], *, ok: int) -> Reply:
    call.account.shuffle(results)  # source: recordings captaincontrat v4_associations.json
    now = iso(call.account.now_ms())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    if failed:
        body |= {"numErrors": len(failed), "errors": failed}
    return json_reply(207 if failed else ok, body)
