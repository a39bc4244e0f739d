"""Fields whose options are added to those that a record has, instead of taking their place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import frozen
from reverse_etl_core.stream_config import APPEND

if TYPE_CHECKING:
    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.stream_config import StreamConfig


def with_appending_fields(stream: str, config: StreamConfig, schema: ObjectSchema) -> ObjectSchema:
    """The object as a stream writes it: its fields with `write: append` say so themselves.

    Raises:
        ConfigError: A field takes one value, or the API only replaces all of them.
    """
    names = [schema.canonical(one) for one in sorted(config.fields_written(APPEND)) if one in schema.fields]
    problems = [
        f"Stream '{stream}': '{name}' of '{schema.name}' does not add to what a record has. Remove its 'write: append'."
        for name in names
        if not schema.fields[name].can_append
    ]
    if problems:
        raise ConfigError(*problems)
    if not names:
        return schema
    appending = {name: replace(schema.fields[name], appends=True) for name in names}
    return replace(schema, fields=frozen({**schema.fields, **appending}))
