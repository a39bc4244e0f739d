"""What the SDK's stream maps and flattening mean for a stream: whether it is dropped, mapped, or taken as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import CustomStreamMap, RemoveRecordTransform, SameRecordTransform

from reverse_etl_core.removal_maps import RemovalMaps
from reverse_etl_core.typed import is_removed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from logging import Logger

    from singer_sdk.mapper import PluginMapper


class StreamMaps:
    """The maps of a run, by the names that the tap gives its streams.

    Args:
        mapper: The SDK's, which knows the streams whose SCHEMA has come.
        config: The target's settings.
        logger: The SDK's mapper wants one.
    """

    def __init__(self, mapper: PluginMapper, config: Mapping[str, Any], logger: Logger) -> None:
        self._mapper = mapper
        self._removals = RemovalMaps(config, logger)

    def register(self, message: Mapping[str, Any]) -> None:
        """Take note of a SCHEMA message, after the SDK did."""
        stream = message["stream"]
        if self._is_mapped(stream):
            self._removals.register(stream, message["schema"], message.get("key_properties") or [])

    def is_dropped(self, alias: str) -> bool:
        """Whether no record of a stream is let through; the SDK opens a sink for it all the same."""
        maps = [one for several in self._mapper.stream_maps.values() for one in several if one.stream_alias == alias]
        return bool(maps) and all(isinstance(one, RemoveRecordTransform) for one in maps)

    def untouched(self, stream: str) -> str | None:
        """The name of the sink that takes a stream's records as they are; `None` where something has to look first."""
        maps = self._mapper.stream_maps.get(stream) or []
        is_plain = len(maps) == 1 and type(maps[0]) is SameRecordTransform and not maps[0].flattening_enabled
        return maps[0].stream_alias if is_plain else None

    def removals(self, message: Mapping[str, Any]) -> Iterable[tuple[str, dict[str, Any]]] | None:
        """Map the removal that a RECORD message is.

        Returns:
            The name of each stream that it goes to, with what is left of it; `None` for a message that the SDK maps.

        Raises:
            InputError: While it is read: a key is computed from a column that the removal does not have.
        """
        stream, record = str(message.get("stream")), message.get("record")
        if not (isinstance(record, dict) and is_removed(record) and self._is_mapped(stream)):
            return None
        return self._removals.transform(stream, record)

    def _is_mapped(self, stream: str) -> bool:
        return any(isinstance(one, CustomStreamMap) for one in self._mapper.stream_maps.get(stream, ()))
