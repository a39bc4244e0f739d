"""One call on its way through the simulator, and the parts of a body that every verb reads the same way."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, Request, decode_json
from saas_simulators.hubspot.errors import body_missing, required_fields, validation, wrong_json

if TYPE_CHECKING:
    from saas_simulators.hubspot.records import Record, RecordStore
    from saas_simulators.hubspot.state import Account

JSON_NAMES = {dict: "Object", list: "Array", str: "String", bool: "Boolean", int: "Integer", float: "Double"}


@dataclass(slots=True)
class Call:
    """A request that found its route; `body` is parsed before the account's lock is taken."""

    account: Account
    request: Request
    parameters: dict[str, str]
    body: Any = None

    @property
    def store(self) -> RecordStore:
        """The store that the path's object type names."""
        return self.account.store(self.parameters["object_type"])

    def option(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        return self.request.query.get(name, [default])[-1]

    def flag(self, name: str) -> bool:
        """Return whether a query parameter says `true`."""
        return self.option(name).lower() == "true"

    def number(self, name: str, default: int, *, most: int) -> int:
        """Return a query parameter as a number from 1 to `most`."""
        text = self.option(name, str(default))
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            # source: recordings captaincontrat, the text for path parameters; inferred for the query
            message = f"Unable to parse value for query parameter: {name}"
            raise validation(message)
        if not 1 <= int(text) <= most:
            # inferred: the range is documented, the text is not
            message = f"{name} must be between 1 and {most}"
            raise validation(message)
        return int(text)


Action = Callable[[Call], Reply]


def parse_body(request: Request) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON body, or None when the request has none.

    Raises:
        HubSpotError: 400; the body is not JSON.
    """
    if not request.body:
        return None
    try:
        return decode_json(request.body)
    except (ValueError, RecursionError):
        # inferred: the text for a syntax error
        detail = "Unexpected character"
        raise wrong_json(detail) from None


def object_body(body: Any, *required: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return the body as an object that has the required fields.

    Raises:
        HubSpotError: 400 in the form that fits: no body, another type, fields missing.
    """
    if body is None:
        raise body_missing()
    checked = as_object(body)
    if missing := [name for name in required if checked.get(name) is None]:
        raise required_fields(missing)
    return checked


def as_object(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    """Return a JSON object, or refuse with the type that was sent."""
    if not isinstance(value, dict):
        detail = f"Cannot deserialize value of type `java.util.LinkedHashMap` from {json_name(value)} value"
        raise wrong_json(detail)
    return value


def as_list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    """Return a JSON array, or refuse with the type that was sent."""
    if not isinstance(value, list):
        detail = f"Cannot deserialize value of type `java.util.ArrayList` from {json_name(value)} value"
        raise wrong_json(detail)
    return value


def as_string(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a string; a JSON number is taken, as in the documentation's examples."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    # source: recording captaincontrat v3_lists.json (the token, for an object)
    token = f" (token `JsonToken.START_{json_name(value).upper()}`)" if isinstance(value, (dict, list)) else ""
    detail = f"Cannot deserialize value of type `java.lang.String` from {json_name(value)} value{token}"
    raise wrong_json(detail)


def json_name(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the name that error messages have for a JSON value's type."""
    return "Null" if value is None else JSON_NAMES[type(value)]


class Renderer:
    """Turns records into JSON values."""

    def __init__(self, call: Call, store: RecordStore, names: list[str] | None = None) -> None:
        self._store = store
        self._portal_id = call.account.portal_id
        object_type = store.type
        if names is None:
            self._names = list(object_type.shown_by_default)
        else:
            always = (object_type.created, object_type.modified, "hs_object_id")
            # source: recordings grouparoo, captaincontrat: unset is null, unknown is absent
            self._names = [name for name in dict.fromkeys((*always, *names)) if store.is_shown(name)]

    def chosen(self, record: Record) -> dict[str, Any]:
        """Return the record with the properties that were asked for."""
        return self.as_of(record, record.properties)

    def as_of(self, record: Record, properties: dict[str, str]) -> dict[str, Any]:
        """Return the record with an earlier version of its properties, as a lagging index does."""
        return self.shell(record, {name: properties.get(name) for name in self._names})

    def shell(self, record: Record, properties: dict[str, Any]) -> dict[str, Any]:
        """Return the record around the given properties."""
        shown: dict[str, Any] = {
            "id": record.id,
            "properties": properties,
            "createdAt": record.created,
            "updatedAt": record.updated,
            "archived": record.archived_at is not None,
        }
        if record.archived_at is not None:
            shown["archivedAt"] = record.archived_at
        # source: recordings captaincontrat 2026-04, captured bodies amp-labs 2025-11
        type_id = self._store.type.type_id
        shown["url"] = f"https://app.hubspot.com/contacts/{self._portal_id}/record/{type_id}/{record.id}"
        return shown


def property_names(value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """Return a body's list of property names."""
    return [as_string(name) for name in as_list(value if value is not None else [])]
