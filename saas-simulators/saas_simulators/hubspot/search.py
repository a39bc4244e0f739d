"""Search: filter groups over what the index knows by now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot import errors
from saas_simulators.hubspot.calls import Call, Renderer, as_list, as_object, as_string, object_body, property_names
from saas_simulators.hubspot.values import epoch_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.hubspot.records import RecordStore

# source: HubSpot docs "Search the CRM"
MAX_RESULTS = 10_000
MAX_PAGE = 200
MAX_GROUPS = 5
MAX_FILTERS_PER_GROUP = 6
MAX_FILTERS = 18
MAX_BODY_CHARS = 3_000

Filter = dict[str, Any]


def search(call: Call) -> Reply:
    """Return one page of the records that match."""
    store = call.store
    body = object_body(call.body)
    if len(call.request.body) > MAX_BODY_CHARS:
        # inferred: the limit is documented, its text is not
        message = f"The request body must not be longer than {MAX_BODY_CHARS} characters"
        raise errors.validation(message)
    limit, offset = _page(body)
    groups = [[_test(store, one) for one in group] for group in _groups(body)]
    words = str(body.get("query") or "").lower().split()
    found = [
        (record_id, properties)
        for record_id, properties in store.searchable().items()
        if _matches(properties, groups) and _mentions(properties, words)
    ]
    _sort(store, found, body)
    renderer = Renderer(call, store, property_names(body["properties"]) if body.get("properties") else None)
    results = []
    for record_id, properties in found[offset : offset + limit]:
        if record := store.records.get(record_id):
            results.append(renderer.as_of(record, properties))
    answer: dict[str, Any] = {"total": len(found), "results": results}
    if offset + limit < len(found):
        answer["paging"] = {"next": {"after": str(offset + limit)}}
    return json_reply(200, answer)


def _page(body: dict[str, Any]) -> tuple[int, int]:
    limit = body.get("limit") or 10
    after = body.get("after") or 0
    if not isinstance(limit, int) or not 1 <= limit <= MAX_PAGE:
        # inferred: the text
        message = f"limit must be between 1 and {MAX_PAGE}"
        raise errors.validation(message)
    if not str(after).isdigit():
        message = "Invalid after value"
        raise errors.validation(message)
    if int(after) + limit > MAX_RESULTS:
        # inferred: that it is a 400 is documented, the text is not
        message = f"Paging past {MAX_RESULTS} results is not supported"
        raise errors.validation(message)
    return limit, int(after)


def _groups(body: dict[str, Any]) -> list[list[Filter]]:
    # source: recording captaincontrat 2022: a list of filters at the top is one group
    groups = [as_object(group).get("filters") or [] for group in as_list(body.get("filterGroups") or [])]
    if body.get("filters"):
        groups.append(body["filters"])
    filters = [[as_object(one) for one in as_list(group)] for group in groups]
    too_many = (
        len(filters) > MAX_GROUPS
        or any(len(group) > MAX_FILTERS_PER_GROUP for group in filters)
        or sum(map(len, filters)) > MAX_FILTERS
    )
    if too_many:
        # inferred: the text
        message = f"Too many filters: at most {MAX_GROUPS} groups of {MAX_FILTERS_PER_GROUP} and {MAX_FILTERS} in all"
        raise errors.validation(message)
    return filters


def _test(store: RecordStore, one: Filter) -> Callable[[dict[str, str]], bool]:
    """Return the test of one filter.

    Raises:
        HubSpotError: 400; the property or operator is unknown, or a value is missing or too much.
    """
    for name in ("propertyName", "operator"):
        if one.get(name) is None:
            raise errors.required_fields([name])
    name, operator = as_string(one["propertyName"]), as_string(one["operator"])
    definition = store.definitions.get(name)
    if definition is None:
        # inferred: the text
        message = f"There was a problem with the request: property {name} does not exist"
        raise errors.validation(message)
    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        if one.get("value") is not None:
            # source: appsmith#39865 (that it is refused)
            message = f"{operator} does not take a value"
            raise errors.validation(message)
        wanted = operator == "HAS_PROPERTY"
        return lambda properties: bool(properties.get(name)) == wanted
    compare = _comparison(operator, one, definition.type)
    return lambda properties: compare(properties.get(name) or "")


def _comparison(operator: str, one: Filter, kind: str) -> Callable[[str], bool]:
    def key(value: Any) -> Any:  # noqa: ANN401 - numbers and texts compare among themselves
        return _sort_key(as_string(value) if not isinstance(value, float) else str(value), kind)

    if operator in {"IN", "NOT_IN"}:
        members = {key(value) for value in as_list(one.get("values") or [])}
        return lambda text: (bool(text) and key(text) in members) == (operator == "IN")
    needed = ("value", "highValue") if operator == "BETWEEN" else ("value",)
    if missing := [field for field in needed if one.get(field) is None]:
        raise errors.required_fields(missing)
    value = key(one["value"])
    if operator == "BETWEEN":
        high = key(one["highValue"])
        return lambda text: bool(text) and value <= key(text) <= high
    tests: dict[str, Callable[[str], bool]] = {
        "EQ": lambda text: bool(text) and key(text) == value,
        "NEQ": lambda text: not text or key(text) != value,
        "LT": lambda text: bool(text) and key(text) < value,
        "LTE": lambda text: bool(text) and key(text) <= value,
        "GT": lambda text: bool(text) and key(text) > value,
        "GTE": lambda text: bool(text) and key(text) >= value,
        "CONTAINS_TOKEN": lambda text: _has_token(text, str(one["value"])),
        "NOT_CONTAINS_TOKEN": lambda text: not _has_token(text, str(one["value"])),
    }
    if operator not in tests:
        message = f"Invalid input JSON: unknown operator {operator}"
        raise errors.validation(message)
    return tests[operator]


def _sort_key(text: str, kind: str) -> Any:  # noqa: ANN401 - numbers and texts compare among themselves
    """Return what a value is compared by: numbers and dates as numbers, options exactly, text without case."""
    if kind == "number":
        try:
            return float(text)
        except ValueError:
            return float("-inf")
    if kind in {"date", "datetime"}:
        moment = epoch_ms(text)
        return float("-inf") if moment is None else moment
    return text if kind == "enumeration" else text.lower()


def _has_token(text: str, wanted: str) -> bool:
    pattern = wanted.lower().strip("*")
    tokens = [*text.lower().replace("@", " ").replace(".", " ").split(), text.lower()]
    return any(pattern in token if "*" in wanted else pattern == token for token in tokens)


def _matches(properties: dict[str, str], groups: list[list[Callable[[dict[str, str]], bool]]]) -> bool:
    """Groups are alternatives; the filters of a group must all fit."""
    return not groups or any(all(test(properties) for test in group) for group in groups)


def _mentions(properties: dict[str, str], words: list[str]) -> bool:
    return all(any(word in value.lower() for value in properties.values()) for word in words)


def _sort(store: RecordStore, found: list[tuple[str, dict[str, str]]], body: dict[str, Any]) -> None:
    sorts = as_list(body.get("sorts") or [])
    if not sorts:
        return
    first = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": sorts[0]}
    name = as_string(first.get("propertyName") or store.type.created)
    kind = store.definitions[name].type if name in store.definitions else "string"
    is_descending = str(first.get("direction", "ASCENDING")).upper() == "DESCENDING"
    found.sort(key=lambda pair: _sort_key(pair[1].get(name, ""), kind), reverse=is_descending)
