"""Removals through stream maps: they have their key alone, and no other record may be taken away in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from core.test_target import Stage, record, schema, stage, state

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["stage"]
GONE = "2026-11-28T00:00:00Z"
MIRROR = {"object": "people", "match_on": "key", "load_method": "mirror"}
LACKING = "a removal lacks a column that 'stream_maps' computes its key"


def delivered(stage: Stage, maps: dict[str, Any], *messages: dict[str, Any], streams: Iterable[str] = ()) -> list[Any]:
    """Run a mirror with these maps; the STATE that left."""
    settings = dict.fromkeys(("people", *streams), MIRROR)
    return stage.run([*messages, state(1)], streams=settings, stream_maps=maps, max_removed_percent=100)


def split(field: str, *columns: str) -> dict[str, Any]:
    """Two streams of one, by its kind."""
    others = dict.fromkeys(columns)
    return {
        "people": {"__filter__": f"{field} == 'person'", "__key_properties__": ["key"], **others},
        "firms": {"__source__": "people", "__filter__": f"{field} == 'firm'", "__key_properties__": ["key"], **others},
    }


@pytest.mark.parametrize("field", ["kind", "record['kind']"])
def test_a_filter_that_tells_two_streams_apart_does_so_for_removals(stage: Stage, field: str) -> None:
    """G5: firm 1 is gone, which was never delivered; person 1 is not, which has the same key once the kind is away."""
    message = schema("kind", "key", "name", keys=["kind", "key"])
    rows = [record(kind="person", key="1"), record(kind="person", key="2"), record(kind="firm", key="3")]
    gone = [record(kind="firm", key="1", _sdc_deleted_at=GONE), record(kind="person", key="2", _sdc_deleted_at=GONE)]
    assert delivered(stage, split(field, "kind"), message, *rows, streams=["firms"]) == [1]
    assert delivered(stage, split(field, "kind"), message, *gone, streams=["firms"]) == [1]
    assert stage.names().keys() == {"1", "3"}


def test_a_filter_is_not_guessed_where_the_key_leaves_out_a_part_of_the_taps(stage: Stage) -> None:
    """G5: whether the version that is gone was the one that was delivered cannot be known: the run fails."""
    maps = {"people": {"__filter__": "is_current", "__key_properties__": ["key"], "is_current": None, "version": None}}
    message = schema("key", "version", "name", "is_current", keys=["key", "version"])
    rows = [record(key="1", version=one, is_current=one == 2) for one in (1, 2)]
    assert delivered(stage, maps, message, *rows) == [1]
    assert delivered(stage, maps, message, record(key="1", version=1, _sdc_deleted_at=GONE)) == []
    assert LACKING in str(stage.error)
    assert stage.names().keys() == {"1"}


@pytest.mark.parametrize("rule", ["name == 'x'", "record.get('name') == 'x'", "record['name'] == 'x'"])
def test_any_other_filter_holds_no_removal_back(stage: Stage, rule: str) -> None:
    """It asks for what a removal does not have."""
    maps = {"people": {"__filter__": rule, "key": "md5(key)"}}
    assert delivered(stage, maps, schema(), record(key="a", name="x")) == [1]
    assert len(stage.names()) == 1
    assert delivered(stage, maps, schema(), record(key="a", _sdc_deleted_at=GONE)) == [1]
    assert stage.names() == {}


@pytest.mark.parametrize(
    "key", ["name", "record['name']", "record.get('name')", "name.upper()", "int(record.get('name'))"]
)
def test_a_key_that_a_removal_does_not_have_ends_the_run(stage: Stage, key: str) -> None:
    """G3: the removal would be lost if its STATE left."""
    maps = {"people": {"key": key}}
    assert delivered(stage, maps, schema(), record(key="a", name="7")) == [1]
    assert delivered(stage, maps, schema(), record(key="a", _sdc_deleted_at=GONE)) == []
    assert LACKING in str(stage.error)
    assert stage.names().keys() == {"7"}


@pytest.mark.parametrize("keys", [None, []])
@pytest.mark.parametrize("key", ["id", "'P' + record['id']", "md5(config['hash_seed'] + id)"])
def test_a_stream_without_keys_is_recognised_by_what_follows_from_the_taps(
    stage: Stage, keys: list[str] | None, key: str
) -> None:
    """The match value is the key, under another name."""
    maps = {"people": {"key": key, "id": None, "name": "name.upper()", "__key_properties__": keys}}
    message = schema("id", "name", keys=["id"])
    settings = {"stream_map_config": {"hash_seed": "s"}, "max_removed_percent": 100, "stream_maps": maps}
    streams = {"people": MIRROR}
    stage.run([message, record(id="a", name="x"), record(id="b", name="y"), state(1)], streams=streams, **settings)
    assert sorted(stage.names().values()) == ["X", "Y"]
    assert stage.run([message, record(id="a", _sdc_deleted_at=GONE), state(2)], streams=streams, **settings) == [2]
    assert list(stage.names().values()) == ["Y"]


def test_a_stream_without_any_key_loses_no_removal_silently(stage: Stage) -> None:
    """Its match value is computed from what a removal does not have."""
    maps = {"people": {"key": "name", "id": None, "__key_properties__": None, "__else__": None}}
    message = schema("id", "name", keys=["id"])
    assert delivered(stage, maps, message, record(id="a", name="x")) == [1]
    assert delivered(stage, maps, message, record(id="a", _sdc_deleted_at=GONE)) == []
    assert LACKING in str(stage.error)


@pytest.mark.parametrize("mark", [None, "", " ", False])
def test_a_mark_that_says_nothing_is_no_removal(stage: Stage, mark: Any) -> None:
    """The record keeps its columns."""
    maps = {"people": {"name": "name.upper()"}}
    assert delivered(stage, maps, schema(), record(key="a", name="x", _sdc_deleted_at=mark)) == [1]
    assert stage.names() == {"a": "X"}


def test_a_removed_record_without_a_key_is_a_bad_row_and_no_bad_map(stage: Stage) -> None:
    """It is left alone, as it is without a map."""
    maps = {"people": {"name": "name.upper()"}}
    assert delivered(stage, maps, schema(), record(key=None, _sdc_deleted_at=GONE)) == [1]
    assert stage.exit_code == 0
