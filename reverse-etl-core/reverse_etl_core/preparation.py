"""What a stream needs of an object before its first record: fields that it lacks, options that are read on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverse_etl_core.mapping import wanted_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.destination import Destination
    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.stream_config import StreamConfig


def lacks_match_field(destination: Destination, schema: ObjectSchema, config: StreamConfig) -> bool:
    """Whether `match_on` names a field that does not exist, and that the destination may create."""
    return destination.adds_match_fields and config.match_on is not None and config.match_on not in schema.fields


def prepared(
    destination: Destination, schema: ObjectSchema, singer_schema: Mapping[str, Any], config: StreamConfig
) -> ObjectSchema:
    """The object's schema, once the destination has had the chance to make and to read what a stream wants of it.

    Args:
        destination: Whose object it is.
        schema: The object as it was described.
        singer_schema: Of the stream's SCHEMA message.
        config: What the user says of the stream.
    """
    columns: Mapping[str, Any] = singer_schema.get("properties", {})
    wanted = wanted_fields(columns, config)
    if lacks_match_field(destination, schema, config) and str(config.match_on) in wanted:
        schema = destination.add_match_field(schema, str(config.match_on))
    lacking = {
        name: columns[column]
        for name, column in wanted.items()
        if column in columns and name not in schema.fields and name not in config.lookups()
    }
    if lacking:
        schema = destination.add_fields(schema, lacking)
    names = dict.fromkeys(schema.canonical(one) for one in (*wanted, *config.constants()) if one in schema.fields)
    return destination.with_options(schema, list(names))
