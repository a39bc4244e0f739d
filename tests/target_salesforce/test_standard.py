"""The test suite that the Singer SDK ships for targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.standard import check_sdk_suite

from saas_simulators import SimulatorServer
from target_salesforce.target import TargetSalesforce

if TYPE_CHECKING:
    from pathlib import Path

# The suite's streams: the object that an org would have for each, its key, and its other columns.
STREAMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "test_array_data": ("Array", "id", {"fruits": "textarea"}),
    "test_duplicate_records": ("Duplicate", "id", {"metric": "double"}),
    "test_strings": ("Text", "id", {"info": "textarea"}),
    "test_strings_in_objects": ("TextInObject", "id", {"info": "textarea"}),
    "test_strings_in_arrays": ("TextInArray", "id", {"strings": "textarea"}),
    "test_invalid_schema": ("Invalid", "id", {}),
    "test_no_pk": ("NoKey", "id", {"metric": "double"}),
    "test_optional_attributes": ("Optional", "id", {"optional": "string"}),
    "example_stream": ("Example", "id", {"name": "string", "email": "email"}),
    "test_record_before_schema": ("Early", "id", {"metric": "double"}),
    "test_record_missing_key_property": ("Keyless", "id", {"metric": "double"}),
    "record_missing_fields": ("Sparse", "id", {"optional": "string"}),
    # `fields` may name only columns that the first SCHEMA has.
    "test_schema_updates": ("Update", "id", {}),
    "test_object_schema_with_properties": ("Properties", "object_store", {}),
    "test_object_schema_no_properties": ("NoProperties", "object_store", {}),
    "TestCamelcase": ("Camelcase", "Id", {"clientName": "string"}),
    "ForecastingTypeToCategory": ("Forecasting", "Id", {"IsDeleted": "boolean", "CreatedDate": "datetime"}),
    "test:SpecialChars!in?attributes": ("Special", "_id", {"d": "string"}),
}


def field_name(column: str) -> str:
    """The custom field for a column."""
    return f"My_{column.strip('_')}__c"


def org() -> dict[str, Any]:
    """A seed with a custom object for each stream."""
    objects = []
    for name, key, columns in STREAMS.values():
        fields: list[dict[str, Any]] = [{"name": field_name(key), "external_id": True, "unique": True}]
        fields += [{"name": field_name(column), "type": kind} for column, kind in columns.items()]
        objects.append({"name": f"{name}__c", "fields": fields})
    return {"salesforce": {"objects": objects}}


def streams() -> dict[str, dict[str, Any]]:
    """The setting that leads each stream to its object."""
    return {
        stream: {
            "object": f"{name}__c",
            "match_on": field_name(key),
            "fields": {field_name(column): column for column in (key, *columns)},
        }
        for stream, (name, key, columns) in STREAMS.items()
    }


def test_the_sdk_suite_passes(tmp_path: Path) -> None:
    """Every test of `get_target_test_class` passes, none is skipped, and records of the streams have arrived."""
    with SimulatorServer(seed=org()) as server:
        config = {"access_token": "00D!token", "instance_url": server.url, "streams": streams()}
        check_sdk_suite(TargetSalesforce, config, tmp_path)
        arrived = [server.salesforce.store(f"{name}__c").live_count for name in ("Text", "Array", "Update")]
    assert arrived == [11, 4, 6]
