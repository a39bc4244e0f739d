"""Fields that only new records take, or only existing ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from core.fakes import FIELDS, World, people, route

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.operations import Verb
from reverse_etl_core.schema import ObjectSchema, frozen

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("n", "key", "name", "score", "price")
RECORD = {"n": 1, "key": "a", "name": "x", "score": 1, "price": 2}


def partly(**changes: dict[str, bool]) -> ObjectSchema:
    """The schema with some fields that do not take every write."""
    fields = {one.name: replace(one, **changes.get(one.name, {})) for one in FIELDS}
    return people(is_native=True, fields=frozen(fields))


PARTLY = partly(score={"is_updatable": False}, price={"is_creatable": False})


def world(tmp_path: Path, load_method: str = "upsert", schema: ObjectSchema = PARTLY) -> World:
    """An empty world; `score` is create-only and `price` update-only."""
    return World(tmp_path / "ledger.db", route(schema, columns=COLUMNS, load_method=load_method))


def test_a_new_record_leaves_out_what_only_existing_ones_take(tmp_path: Path) -> None:
    """Nor is the field asked for: the record is created without it."""
    one = world(tmp_path)
    assert one.run([[RECORD]])
    assert list(one.crm.records.values()) == [{"key": "a", "name": "x", "score": 1}]


def test_an_existing_record_leaves_out_what_only_new_ones_take(tmp_path: Path) -> None:
    """A person's record keeps its score; all other fields are written."""
    one = world(tmp_path)
    one.crm.records["7"] = {"key": "a", "score": 99}
    assert one.run([[RECORD]])
    assert list(one.crm.records.values()) == [{"key": "a", "score": 99, "name": "x", "price": 2}]


def test_a_change_of_a_known_record_leaves_it_out_too(tmp_path: Path) -> None:
    """Also where the ledger knows the record, so that nobody has to look for it."""
    one = world(tmp_path)
    assert one.run([[RECORD]])
    assert one.run([[RECORD | {"score": 5, "price": 6, "name": "y"}]])
    assert list(one.crm.records.values()) == [{"key": "a", "name": "y", "score": 1, "price": 6}]
    assert one.run([[RECORD | {"score": 5, "price": 6, "name": "y"}]])
    assert len(one.crm.writes) == 2


@pytest.mark.parametrize(
    ("columns", "is_native"), [(COLUMNS, False), (("n", "key", "score"), False), (("n", "key", "price"), False)]
)
def test_an_upsert_of_such_a_field_finds_first(tmp_path: Path, columns: Any, *, is_native: bool) -> None:
    """One step cannot know which of both it will be; one kind of field is enough."""
    way = route(PARTLY, columns=columns)
    assert way.has_native_upsert is is_native
    one = World(tmp_path / "ledger.db", way)
    assert one.run([[{name: RECORD[name] for name in columns}]])
    assert (one.crm.finds, [verb for verb, _ in one.crm.writes]) == (1, [Verb.CREATE])


def test_an_upsert_without_such_a_field_takes_one_step(tmp_path: Path) -> None:
    """What is not mapped does not matter."""
    one = World(tmp_path / "ledger.db", route(PARTLY, columns=("n", "key", "name")))
    assert one.run([[{"n": 1, "key": "a", "name": "x"}]])
    assert (one.crm.finds, [verb for verb, _ in one.crm.writes]) == (0, [Verb.UPSERT])


def test_a_match_field_that_never_changes_still_upserts_in_one_step(tmp_path: Path) -> None:
    """It recognises the record and is left out of updates anyway."""
    schema = partly(key={"is_updatable": False})
    one = world(tmp_path, schema=schema)
    assert one.route.has_native_upsert
    assert one.run([[RECORD]])
    assert one.run([[RECORD | {"name": "y"}]])
    assert (one.crm.finds, [verb for verb, _ in one.crm.writes]) == (0, [Verb.UPSERT, Verb.UPDATE])


def test_creates_and_updates_alone_leave_out_the_same(tmp_path: Path) -> None:
    """Whatever the load method, each kind of write has its fields."""
    one = world(tmp_path, "create")
    assert one.run([[RECORD]])
    assert list(one.crm.records.values()) == [{"key": "a", "name": "x", "score": 1}]
    other = World(tmp_path / "other.db", route(PARTLY, columns=COLUMNS, load_method="update"))
    other.crm.records["7"] = {"key": "a"}
    assert other.run([[RECORD]])
    assert list(other.crm.records.values()) == [{"key": "a", "name": "x", "price": 2}]


@pytest.mark.parametrize("is_native", [True, False])
@pytest.mark.parametrize("load_method", ["upsert", "create"])
def test_a_key_that_the_destination_fills_itself_recognises_no_new_record(*, is_native: bool, load_method: str) -> None:
    """G2: a record could be created but never found again, so this is refused with the remedy."""
    schema = partly(key={"is_creatable": False})
    schema = schema if is_native else replace(schema, upsert_fields=frozenset())
    with pytest.raises(ConfigError, match=r"fills 'key' itself.*load_method: update"):
        route(schema, columns=COLUMNS, load_method=load_method)


@pytest.mark.parametrize("is_updatable", [True, False])
def test_a_key_that_the_destination_fills_itself_may_be_updated_by(tmp_path: Path, *, is_updatable: bool) -> None:
    """An auto-number recognises records that exist, and is never written."""
    schema = partly(key={"is_creatable": False, "is_updatable": is_updatable})
    one = world(tmp_path, "update", schema)
    one.crm.records["7"] = {"key": "a"}
    assert one.run([[RECORD]])
    assert list(one.crm.records.values()) == [{"key": "a", "name": "x", "score": 1, "price": 2}]


def test_a_field_that_takes_no_write_is_refused() -> None:
    """Neither new nor existing records take it: leave it out."""
    with pytest.raises(ConfigError, match="'total' of 'people' cannot be written"):
        route(PARTLY, columns=(*COLUMNS, "total"))
