"""The test suite that the Singer SDK ships for targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.standard import check_sdk_suite

from saas_simulators import SimulatorServer
from target_hubspot.target import TargetHubSpot

if TYPE_CHECKING:
    from pathlib import Path

# The suite's streams, with the properties that an account would have for them.
OBJECTS: dict[str, dict[str, str]] = {
    "test_array_data": {"fruits": "string"},
    "test_duplicate_records": {"metric": "number"},
    "test_strings": {"info": "string"},
    "test_strings_in_objects": {"info": "string"},
    "test_strings_in_arrays": {"strings": "string"},
    "test_invalid_schema": {},
    "test_no_pk": {"metric": "number"},
    "test_optional_attributes": {"optional": "string"},
    "example_stream": {"name": "string", "email": "string"},
    "test_record_before_schema": {"metric": "number"},
    "test_record_missing_key_property": {"metric": "number"},
    "record_missing_fields": {"optional": "string"},
    "test_schema_updates": {
        "a1": "number",
        "a2": "string",
        "a3": "bool",
        "a4": "string",
        "a5": "string",
        "a6": "number",
    },
    "test_object_schema_with_properties": {"object_store": "string"},
    "test_object_schema_no_properties": {"object_store": "string"},
    "camelcase": {"client_name": "string"},
    "forecasting": {"is_deleted": "bool", "created_date": "datetime"},
    "special_chars": {"d": "string"},
}
UNIQUE = {"test_object_schema_with_properties": "object_store", "test_object_schema_no_properties": "object_store"}
STREAMS: dict[str, dict[str, Any]] = {
    # Streams without key properties need to be told what recognises a record.
    "test_no_pk": {"match_on": "id"},
    "example_stream": {"match_on": "id"},
    "test_invalid_schema": {"match_on": "id"},
    "test_object_schema_with_properties": {"match_on": "object_store"},
    "test_object_schema_no_properties": {"match_on": "object_store"},
    # HubSpot's names have no capitals, colons or leading underscores.
    "TestCamelcase": {"object": "camelcase", "fields": {"id": "Id", "client_name": "clientName"}},
    "ForecastingTypeToCategory": {
        "object": "forecasting",
        "fields": {"id": "Id", "is_deleted": "IsDeleted", "created_date": "CreatedDate"},
    },
    "test:SpecialChars!in?attributes": {"object": "special_chars", "fields": {"id": "_id", "d": "d"}},
}


def account() -> dict[str, Any]:
    """A seed with a custom object for each stream."""
    objects = []
    for name, properties in OBJECTS.items():
        unique = UNIQUE.get(name, "id")
        every = {unique: "string"} | properties
        listed = [{"name": one, "type": kind, "unique": one == unique} for one, kind in every.items()]
        objects.append({"name": name, "primary": unique, "properties": listed})
    return {"hubspot": {"objects": objects}}


def test_the_sdk_suite_passes(tmp_path: Path) -> None:
    """Every test of `get_target_test_class` passes, none is skipped, and records of the streams have arrived."""
    with SimulatorServer(seed=account()) as server:
        config = {"access_token": "pat-na1-token", "api_url": server.url, "streams": STREAMS}
        check_sdk_suite(TargetHubSpot, config, tmp_path)
        arrived = {store.type.name: store.live_count for store in server.hubspot.stores.values()}
    assert (arrived["test_strings"], arrived["test_array_data"], arrived["test_schema_updates"]) == (11, 4, 6)
