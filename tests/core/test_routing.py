"""A stream's way to an object, or why there is none."""

from __future__ import annotations

from typing import Any

import pytest
from core.fakes import people, route

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.routing import Promise
from reverse_etl_core.schema import Field, FieldType, frozen


@pytest.mark.parametrize(
    ("given", "match_field"),
    [
        ({"match_on": "key"}, "key"),
        ({"match_on": None, "columns": ("n", "email", "key")}, "email"),
        ({"match_on": None, "columns": ("key", "name"), "keys": ("key",)}, "key"),
        ({"match_on": None, "columns": ("n", "name"), "keys": ("n",), "fields": {"key": "n"}}, "key"),
        ({"match_on": None, "columns": ("id", "name"), "keys": ("id",), "load_method": "update"}, "id"),
        ({"match_on": "id", "columns": ("id", "name")}, "id"),
    ],
)
def test_the_match_field_is_given_natural_or_the_only_key(given: dict[str, Any], match_field: str) -> None:
    """In this order."""
    assert route(**given).match_field == match_field


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"match_on": "nope"}, ["'nope'", "does not have", "email", "key"]),
        ({"match_on": "name"}, ["'name'", "does not keep unique", "email, id, key", "create a unique field"]),
        ({"match_on": None, "columns": ("n", "name")}, ["created twice", "'match_on'", "key"]),
        ({"match_on": None, "columns": ("a", "b", "name"), "keys": ("a", "b")}, ["created twice", "'match_on'"]),
        ({"match_on": "key", "columns": ("n", "name")}, ["does not fill 'key'", "Map a column"]),
        (
            {"match_on": "id", "columns": ("id", "name"), "load_method": "create"},
            ["exist already", "load_method: update"],
        ),
        ({"promise": Promise(keeps_deliveries=False)}, ["exactly once", "ledger: full"]),
        ({"promise": Promise(keeps_deliveries=False), "load_method": "create"}, ["exactly once", "ledger: full"]),
    ],
)
def test_what_cannot_be_promised_is_refused_with_the_remedy(given: dict[str, Any], words: list[str]) -> None:
    """G2: the sync is refused at start, and the message says what to do."""
    with pytest.raises(ConfigError) as caught:
        route(**given)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("method", ["upsert", "update"])
def test_rejects_mode_needs_native_upsert_or_updates_only(method: str) -> None:
    """Without the whole ledger only what cannot double is allowed."""
    promise = Promise(keeps_deliveries=False)
    assert route(people(is_native=True), promise=promise, load_method=method).load_method == method
    assert route(people(), promise=promise, load_method="update")
    assert route(promise=promise, match_on="id", columns=("id", "name"))


def test_an_object_without_a_unique_field_says_so() -> None:
    """There is nothing to choose from, and the message says what to create."""
    bare = people(fields=frozen({"name": Field("name", FieldType.STRING)}), id_field=None, natural_match_field=None)
    with pytest.raises(ConfigError, match="create a unique field at the destination first"):
        route(bare, match_on=None, columns=("n", "name"))


class AnyCase(dict[str, Field]):
    """Fields that are found in any case."""

    def __missing__(self, name: str) -> Field:
        return self[name.lower()] if name != name.lower() else dict.__getitem__(self, name)

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, str(name).lower())


FOUND = people(fields=AnyCase(people().fields))


@pytest.mark.parametrize(
    ("given", "match_field"),
    [
        ({"match_on": "KEY", "columns": ("n", "Key", "name")}, "key"),
        ({"match_on": None, "columns": ("n", "EMail", "KEY")}, "email"),
        ({"match_on": None, "columns": ("KEY", "name"), "keys": ("KEY",)}, "key"),
        ({"match_on": "Id", "columns": ("ID", "name")}, "id"),
    ],
)
def test_fields_may_be_named_by_other_spellings(given: dict[str, Any], match_field: str) -> None:
    """Where the destination finds a field by another spelling, its own name is what is written and matched."""
    found = route(FOUND, **given)
    assert found.match_field == match_field
    assert {one.field.name for one in found.mapping.columns} <= set(FOUND.fields)


def test_two_spellings_of_one_field_are_refused() -> None:
    """Nobody knows which of two columns counts."""
    with pytest.raises(ConfigError, match="'name' and 'Name' mean the same field"):
        route(FOUND, columns=("key", "name", "Name"))
