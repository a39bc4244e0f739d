"""Stream maps for removals, which have their key and nothing else that an expression could ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import PluginMapper

from reverse_etl_core.errors import InputError
from reverse_etl_core.typed import REMOVED_AT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from logging import Logger

KEYS = "__key_properties__"
ABOUT_THE_STREAM = ("__alias__", "__source__", KEYS)


class RemovalMaps:
    """The user's maps, reduced to what names a stream and its keys.

    Anything else of a map would fail for want of a column, or drop `_sdc_deleted_at`, so that the removal arrived as an
    update. A filter does not count: what it held back was never delivered, and is not removed either.

    Args:
        config: The target's settings, with the SDK's `stream_maps`.
        logger: The SDK's mapper wants one.
    """

    def __init__(self, config: Mapping[str, Any], logger: Logger) -> None:
        self._config = config
        self._logger = logger
        self._mappers: dict[str, PluginMapper] = {}

    def register(self, stream: str, schema: Mapping[str, Any], key_properties: Sequence[str]) -> None:
        """Take note of a SCHEMA message; a later one for the same stream replaces it."""
        maps = {name: _reduced(one, key_properties) for name, one in (self._config.get("stream_maps") or {}).items()}
        mapper = PluginMapper(plugin_config={**self._config, "stream_maps": maps}, logger=self._logger)
        mark = {REMOVED_AT: {"type": ["string", "null"], "format": "date-time"}}
        marked = {**schema, "properties": {**schema["properties"], **mark}}
        mapper.register_raw_stream_schema(stream, marked, key_properties)
        self._mappers[stream] = mapper

    def transform(self, stream: str, record: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Map a removal.

        Yields:
            The name of each stream that it goes to, and what is left of it.

        Raises:
            InputError: A key is computed from a column that the removal does not have.
        """
        for one in self._mappers[stream].stream_maps[stream]:
            try:
                mapped = one.transform(dict(record))
            except MapExpressionError as error:
                msg = (
                    f"Stream '{stream}': a removal lacks a column that 'stream_maps' computes its key from. Let the "
                    f"map keep the tap's key, and choose the field that recognises records with 'match_on'. {error}"
                )
                raise InputError(msg) from error
            if mapped is not None:
                yield one.stream_alias, mapped


def _reduced(definition: Any, key_properties: Sequence[str]) -> Any:  # noqa: ANN401 - what the user wrote
    if not isinstance(definition, dict):
        return definition
    kept = {name: definition[name] for name in ABOUT_THE_STREAM if name in definition}
    keys = {key: definition.get(key, f"record[{key!r}]") for key in definition.get(KEYS) or key_properties}
    return {**kept, **keys, REMOVED_AT: REMOVED_AT, "__else__": None}
