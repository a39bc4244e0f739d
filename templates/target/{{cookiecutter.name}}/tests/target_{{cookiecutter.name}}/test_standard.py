"""The test suite that the Singer SDK ships for targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.standard import check_sdk_suite

from saas_simulators import SimulatorServer
from target_{{cookiecutter.name}}.target import Target{{cookiecutter.class_name}}

if TYPE_CHECKING:
    from pathlib import Path

# The suite's streams: the column that tells the records of each apart, and its other columns.
STREAMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "test_array_data": ("id", ("fruits",)),
    "test_duplicate_records": ("id", ("metric",)),
    "test_strings": ("id", ("info",)),
    "test_strings_in_objects": ("id", ("info",)),
    "test_strings_in_arrays": ("id", ("strings",)),
    "test_invalid_schema": ("id", ()),
    "test_no_pk": ("id", ("metric",)),
    "test_optional_attributes": ("id", ("optional",)),
    "example_stream": ("id", ("name",)),
    "test_record_before_schema": ("id", ("metric",)),
    "test_record_missing_key_property": ("id", ("metric",)),
    "record_missing_fields": ("id", ("optional",)),
    "test_schema_updates": ("id", ()),
    "test_object_schema_with_properties": ("object_store", ()),
    "test_object_schema_no_properties": ("object_store", ()),
    "TestCamelcase": ("Id", ("clientName",)),
    "ForecastingTypeToCategory": ("Id", ("IsDeleted", "CreatedDate")),
    "test:SpecialChars!in?attributes": ("_id", ("d",)),
}
NAMES = {stream: f"object{number}" for number, stream in enumerate(STREAMS)}


def account() -> dict[str, Any]:
    """A seed with an object for each stream."""
    objects = [
        {"name": NAMES[stream], "fields": [{"name": "key", "unique": True}, *({"name": one} for one in columns)]}
        for stream, (_, columns) in STREAMS.items()
    ]
    return {"{{cookiecutter.name}}": {"objects": objects}}


def settings() -> dict[str, Any]:
    """What leads each stream to its object."""
    streams = {
        stream: {"object": NAMES[stream], "fields": {"key": key, **{one: one for one in columns}}}
        | {"unknown_fields": "drop"}
        for stream, (key, columns) in STREAMS.items()
    }
    return {"streams": streams}


def test_the_sdk_suite_passes(tmp_path: Path) -> None:
    """Every test of `get_target_test_class` passes, none is skipped, and records of the streams have arrived."""
    with SimulatorServer(seed=account()) as server:
        config = {"access_token": "token", "api_url": server.url, **settings()}
        check_sdk_suite(Target{{cookiecutter.class_name}}, config, tmp_path)
        counts = server.simulation.vendor("{{cookiecutter.name}}").counts()
    arrived = [counts[NAMES[stream]] for stream in ("test_strings", "test_array_data", "test_schema_updates")]
    assert arrived == [11, 4, 6]
