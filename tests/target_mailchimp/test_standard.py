"""The test suite that the Singer SDK ships for targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.standard import check_sdk_suite

from saas_simulators import SimulatorServer
from target_mailchimp.target import TargetMailchimp

if TYPE_CHECKING:
    from pathlib import Path

# The suite's streams: the audience of each, the column that tells its records apart, and its other columns.
STREAMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "test_array_data": ("Array", "id", {"fruits": "text"}),
    "test_duplicate_records": ("Duplicate", "id", {"metric": "number"}),
    "test_strings": ("Text", "id", {"info": "text"}),
    "test_strings_in_objects": ("TextInObject", "id", {"info": "text"}),
    "test_strings_in_arrays": ("TextInArray", "id", {"strings": "text"}),
    "test_invalid_schema": ("Invalid", "id", {}),
    "test_no_pk": ("NoKey", "id", {"metric": "number"}),
    "test_optional_attributes": ("Optional", "id", {"optional": "text"}),
    "example_stream": ("Example", "id", {"name": "text"}),
    "test_record_before_schema": ("Early", "id", {"metric": "number"}),
    "test_record_missing_key_property": ("Keyless", "id", {"metric": "number"}),
    "record_missing_fields": ("Sparse", "id", {"optional": "text"}),
    # `fields` may name only columns that the first SCHEMA has.
    "test_schema_updates": ("Update", "id", {}),
    "test_object_schema_with_properties": ("Properties", "object_store", {}),
    "test_object_schema_no_properties": ("NoProperties", "object_store", {}),
    "TestCamelcase": ("Camelcase", "Id", {"clientName": "text"}),
    "ForecastingTypeToCategory": ("Forecasting", "Id", {"IsDeleted": "text", "CreatedDate": "date"}),
    "test:SpecialChars!in?attributes": ("Special", "_id", {"d": "text"}),
}


def tag(column: str) -> str:
    """The merge field for a column."""
    return column.strip("_")[:10].upper()


def account() -> dict[str, Any]:
    """A seed with an audience for each stream."""
    return {
        "mailchimp": {
            "audiences": [
                {
                    "id": f"{name.lower():0<10.10}",
                    "name": name,
                    "merge_fields": [{"tag": tag(column), "type": kind} for column, kind in columns.items()],
                }
                for name, _, columns in STREAMS.values()
            ]
        }
    }


def settings() -> dict[str, Any]:
    """What leads each stream to its audience; the suite's keys are no addresses, so a stream map makes some of them."""
    streams = {
        stream: {
            "object": name,
            "fields": {"email_address": "mail", **{tag(column): column for column in columns}},
            "unknown_fields": "drop",
        }
        for stream, (name, _, columns) in STREAMS.items()
    }
    maps = {stream: {"mail": f"str(record.get('{key}')) + '@shop.example'"} for stream, (_, key, _) in STREAMS.items()}
    return {"streams": streams, "stream_maps": maps}


def test_the_sdk_suite_passes(tmp_path: Path) -> None:
    """Every test of `get_target_test_class` passes, none is skipped, and records of the streams have arrived."""
    with SimulatorServer(seed=account()) as server:
        config = {"api_key": "key-us1", "api_url": server.url, **settings()}
        check_sdk_suite(TargetMailchimp, config, tmp_path)
        by_name = {one.name: one for one in server.mailchimp.audiences.values()}
        arrived = [len(by_name[name].members) for name in ("Text", "Array", "Update")]
    assert arrived == [11, 4, 6]
