"""Stream maps for removals, which have their key and nothing else that an expression could ask for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import MapExpressionError
from singer_sdk.mapper import PluginMapper

from reverse_etl_core.errors import InputError
from reverse_etl_core.typed import REMOVED_AT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from logging import Logger

KEYS = "__key_properties__"
FILTER = "__filter__"
ABOUT_THE_STREAM = ("__alias__", "__source__", KEYS)
OF_THE_RUN = frozenset({"config", "fake", "__stream_name__", "__original_stream_name__"})
"""Names that an expression knows whatever the record is."""
RECORD = frozenset({"record", "_"})
"""Names by which an expression asks for the whole record."""


class RemovalMaps:
    """The user's maps, reduced to what names a stream and its keys.

    Anything else of a map would fail for want of a column, or drop `_sdc_deleted_at`, so that the removal arrived as an
    update. So would most filters: one counts if it asks for the tap's key alone, or if the map's key leaves out a part
    of the tap's, so that the removal of a record that it held back would be taken for that of another one. Elsewhere it
    is not asked: what it held back was never delivered, and is not removed either.

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
                raise _lacking(stream, str(error)) from error
            except (LookupError, TypeError, AttributeError, ValueError) as error:  # whose text may hold a value
                raise _lacking(stream, f"An expression failed with {type(error).__name__}.") from error
            if mapped is None:
                continue
            keys = one.transformed_key_properties or [name for name in mapped if name != REMOVED_AT]
            has_key = all(record.get(key) is not None for key in one.raw_key_properties or ())
            if has_key and (not keys or any(mapped.get(key) is None for key in keys)):
                raise _lacking(stream, "What is left of it has no key.")
            yield one.stream_alias, mapped


def _lacking(stream: str, reason: str) -> InputError:
    return InputError(
        f"Stream '{stream}': a removal lacks a column that 'stream_maps' computes its key, or a filter that tells keys "
        "apart, from. Let the map keep the tap's key, and choose the field that recognises records with 'match_on'. "
        f"{reason}"
    )


def _reduced(definition: Any, key_properties: Sequence[str]) -> Any:  # noqa: ANN401 - what the user wrote
    if not isinstance(definition, dict):
        return definition
    kept = {name: definition[name] for name in ABOUT_THE_STREAM if name in definition}
    of_tap = frozenset(key_properties)
    keys = {key: definition.get(key, f"record[{key!r}]") for key in definition.get(KEYS, key_properties) or ()}
    if not keys:  # its match value recognises it, under whatever name
        named = {name: one for name, one in definition.items() if not name.startswith("__")}
        of_key = {key: f"record[{key!r}]" for key in key_properties} | named
        keys = {name: one for name, one in of_key.items() if isinstance(one, str) and _columns(one, name) <= of_tap}
    rule = definition.get(FILTER)
    if isinstance(rule, str):
        told = frozenset().union(*(_columns(one, name) for name, one in keys.items() if isinstance(one, str)))
        if _columns(rule) <= of_tap or not of_tap <= told:
            kept[FILTER] = rule
    return {**kept, **keys, REMOVED_AT: REMOVED_AT, "__else__": None}


def _columns(expression: str, name: str = "") -> frozenset[str]:
    """The columns that an expression asks for, `record` or `_` where that cannot be told before it is evaluated.

    Args:
        expression: As the user wrote it; the SDK has parsed it before.
        name: Of the property that it computes, which it may call `self`.

    >>> sorted(_columns("md5(config['seed'] + id)")), sorted(_columns("record['kind'] == 'x' and int(score) > 3"))
    (['id'], ['kind', 'score'])
    """
    nodes = list(ast.walk(ast.parse(expression)))
    taken = {id(one.func) for one in nodes if isinstance(one, ast.Call)}
    found = set()
    for one in (one for one in nodes if isinstance(one, ast.Subscript)):
        is_of_record = isinstance(one.value, ast.Name) and one.value.id in RECORD
        if is_of_record and isinstance(one.slice, ast.Constant) and isinstance(one.slice.value, str):
            taken.add(id(one.value))
            found.add(one.slice.value)
    names = {one.id for one in nodes if isinstance(one, ast.Name) and id(one) not in taken}
    found |= {name if one == "self" else one for one in names - OF_THE_RUN}
    return frozenset(found)
