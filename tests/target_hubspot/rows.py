"""Rows of a stream on their way through the whole target, and what HubSpot has afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from conformance.stage import Result, Stage

CONTACTS = {"object": "contacts", "match_on": "customer_id"}


def deliver(
    stage: Stage,
    *rows: dict[str, Any],
    stream: dict[str, Any] | None = None,
    types: dict[str, Any] | None = None,
    keys: tuple[str, ...] = (),
    **settings: Any,
) -> Result:
    """Deliver rows of the stream `rows`.

    Args:
        stage: Where to.
        rows: Records; their columns are those of the stream.
        stream: The stream's settings; contacts by `customer_id` where there are none.
        types: JSON Schema of columns; any type where there is none.
        keys: The stream's key properties.
        settings: Of the target.
    """
    columns = {name: {} for row in rows for name in row} | (types or {})
    head = {"type": "SCHEMA", "stream": "rows", "schema": {"properties": columns}, "key_properties": list(keys)}
    records = [{"type": "RECORD", "stream": "rows", "record": row} for row in rows]
    state = {"type": "STATE", "value": {"at": len(rows)}}
    return stage.run([head, *records, state], streams={"rows": CONTACTS if stream is None else stream}, **settings)


def person(n: int, **columns: Any) -> dict[str, Any]:
    """A contact's row; HubSpot wants a name or an address."""
    return {"customer_id": f"K{n}", "email": f"k{n}@example.com", **columns}


def live(stage: Stage, object_name: str = "contacts") -> list[dict[str, Any]]:
    """Properties and ids of the records that are not archived."""
    page = stage.vendor.control(f"records/hubspot/{object_name}?limit=1000")
    return [{**one["properties"], "id": one["id"]} for one in page["records"] if not one["archived"]]


def only(stage: Stage, object_name: str = "contacts") -> dict[str, Any]:
    """The one record that there is."""
    (found,) = live(stage, object_name)
    return found


def by_key(stage: Stage, object_name: str = "contacts") -> dict[str, dict[str, Any]]:
    """The records by their customer id."""
    return {one["customer_id"]: one for one in live(stage, object_name) if "customer_id" in one}


def count(stage: Stage, part: str) -> int:
    """Requests so far whose route has this part."""
    counts = stage.vendor.control("requests?last=1")["counts"]
    return sum(int(one["count"]) for one in counts if part in one["route"])


def api(stage: Stage, method: str, path: str, body: Any = None) -> Any:
    """One request of a person."""
    headers = {"Authorization": "Bearer pat-person", "Accept": "application/json"}
    reply = requests.request(method, stage.vendor.url + path, json=body, headers=headers, timeout=10)
    assert reply.ok, reply.text
    return reply.json() if reply.content else None


def define(stage: Stage, name: str, kind: str, field_type: str, *, object_name: str = "contacts", **more: Any) -> None:
    """Add a property as a person would; options are pairs of value and label."""
    group = api(stage, "GET", f"/crm/v3/properties/{object_name}/groups")["results"][0]["name"]
    truth = (("true", "True"), ("false", "False")) if kind == "bool" else ()
    options = [{"value": value, "label": label} for value, label in more.pop("options", truth)]
    body = {"name": name, "label": name, "type": kind, "fieldType": field_type, "groupName": group, "options": options}
    api(stage, "POST", f"/crm/v3/properties/{object_name}", {**body, **more})
