"""Columns to fields."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from core.fakes import people

from reverse_etl_core.errors import ConfigError, RejectedRecordError
from reverse_etl_core.mapping import FieldMapping, compile_mapping
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.stream_config import FieldConfig, StreamConfig

SECRET = "s3cret"


def mapping(columns: list[str], fields: dict[str, str] | None = None, unknown: str = "fail") -> FieldMapping:
    """Of stream `people`, matched on `key`."""
    wanted = None if fields is None else {name: FieldConfig(column) for name, column in fields.items()}
    config = StreamConfig("people", "key", "upsert", wanted, unknown)
    return compile_mapping("people", columns, config, people(), match_field="key", references={})


def test_absent_null_and_empty_are_three_things() -> None:
    """G8: absent stays absent, null stays null, empty stays empty where the type knows it."""
    one = mapping(["key", "name", "score"])
    assert one.fields({"key": "a"}) == {"key": "a"}
    assert one.fields({"key": "a", "name": None, "score": None}) == {"key": "a", "name": None, "score": None}
    assert one.fields({"key": "a", "name": "", "score": ""}) == {"key": "a", "name": "", "score": None}


def test_columns_go_to_the_fields_of_their_names_without_singers_own() -> None:
    """Without `fields` every column is mapped, but Singer's metadata columns."""
    one = mapping(["key", "name", "_sdc_batched_at"])
    assert one.fields({"key": "a", "name": "x", "_sdc_batched_at": "now", "other": 1}) == {"key": "a", "name": "x"}


def test_one_column_can_feed_two_fields() -> None:
    """A mapping names the column per field."""
    one = mapping(["id"], {"key": "id", "name": "id"})
    assert one.fields({"id": "7"}) == {"key": "7", "name": "7"}
    assert one.column_of("name") == "id"
    assert one.column_of("score") is None


def test_all_problems_are_named_at_once_with_suggestions() -> None:
    """A missing column, an unknown field and a read-only one are one error."""
    with pytest.raises(ConfigError) as caught:
        mapping(["key", "nme"], {"key": "kye", "nam": "nme", "total": "key", "score": "points"})
    text = str(caught.value)
    assert len(caught.value.problems) == 4
    for words in ("'kye'", "mean 'key'", "'points'", "'nam'", "mean 'name'", "'total'", "cannot be written"):
        assert words in text


def test_a_field_in_another_case_is_suggested() -> None:
    """Warehouses write names in capitals, or none at all."""
    with pytest.raises(ConfigError, match=r"'IS_ACTIVE'.*mean 'is_active'"):
        mapping(["key", "IS_ACTIVE"])


def test_unknown_fields_can_be_dropped_and_are_named_once(caplog: pytest.LogCaptureFixture) -> None:
    """`unknown_fields: drop` warns and goes on."""
    with caplog.at_level(logging.WARNING):
        one = mapping(["key", "nope"], unknown="drop")
    assert one.fields({"key": "a", "nope": 1}) == {"key": "a"}
    assert caplog.text.count("nope") == 1


@pytest.mark.parametrize(("name", "value"), [("score", SECRET), ("since", SECRET), ("is_active", SECRET), ("tags", 3)])
def test_a_value_that_does_not_fit_is_named_by_its_column(name: str, value: Any) -> None:
    """G7: the message says which column and field, and not what it holds."""
    with pytest.raises(RejectedRecordError) as caught:
        mapping(["key", name]).fields({"key": "a", name: value})
    assert caught.value.code is RejectCode.INVALID_VALUE
    assert f"'{name}'" in caught.value.reason
    assert SECRET not in caught.value.reason


def test_a_stored_record_is_mapped_by_todays_fields() -> None:
    """A record from the ledger is named by fields, and is refused when its field is no longer mapped."""
    one = mapping(["id", "points"], {"key": "id", "score": "points"})
    assert one.again({"key": "a", "score": "12"}) == {"key": "a", "score": 12}
    with pytest.raises(RejectedRecordError) as caught:
        one.again({"key": "a", "name": SECRET})
    assert caught.value.code is RejectCode.UNKNOWN_FIELD
    assert SECRET not in caught.value.reason
