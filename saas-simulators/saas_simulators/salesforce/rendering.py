"""Rows as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_simulators.salesforce.records import Record, RecordStore

ADDRESS_PARTS = ("City", "Country", "Latitude", "Longitude", "PostalCode", "State", "Street")


def attributes(store: RecordStore, record: Record, base: str) -> dict[str, str]:
    """Return what stands first in every row."""
    return {"type": store.name, "url": f"{base}/sobjects/{store.name}/{record.id}"}


def row(store: RecordStore, record: Record, base: str, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return a row with the named fields, or with all of them; fields without a value are null."""
    # source: recordings grouparoo, amp-labs
    shown: dict[str, Any] = {"attributes": attributes(store, record, base)}
    for name in store.fields if names is None else names:
        shown[name] = value(store, record, name)
    return shown


def value(store: RecordStore, record: Record, name: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of a field; an address is put together from its parts."""
    if store.fields[name].type == "address":
        return _address(record, name)
    return record.values.get(name)


def _address(record: Record, name: str) -> dict[str, Any] | None:
    prefix = name.removesuffix("Address")
    parts = {part: record.values.get(f"{prefix}{part}") for part in ADDRESS_PARTS}
    if not any(found is not None for found in parts.values()):
        return None
    # source: recordings cumulusci (keys)
    return {"geocodeAccuracy": None} | {part[0].lower() + part[1:]: found for part, found in parts.items()}
