"""Who a record is."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_etl_core import identity
from reverse_etl_core.schema import Field, FieldType

EXACT = Field("key", FieldType.STRING)
LOOSE = Field("email", FieldType.EMAIL, is_case_sensitive=False)

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(),
    st.lists(st.text(), max_size=3),
)
contents = st.dictionaries(st.text(), values, max_size=5)


@given(contents)
def test_a_payload_says_what_the_fields_say(fields: dict[str, Any]) -> None:
    """What is sent after encoding is what was mapped: nothing is rounded, lost or renamed."""
    decoded = dict(identity.EncodedFields(identity.encode(fields)))
    assert decoded == fields
    assert [type(one) for one in decoded.values() if isinstance(one, bool)] == [
        type(one) for one in fields.values() if isinstance(one, bool)
    ]


@given(contents)
def test_the_hash_does_not_depend_on_order(fields: dict[str, Any]) -> None:
    """The same fields in another order are the same content."""
    turned = dict(reversed(fields.items()))
    assert identity.digest(identity.encode(fields)) == identity.digest(identity.encode(turned))


@given(contents, contents)
def test_equal_hashes_mean_equal_content(one: dict[str, Any], other: dict[str, Any]) -> None:
    """L3: only equal content is ever skipped."""
    if identity.encode(one) == identity.encode(other):
        assert one == other


@pytest.mark.parametrize(
    "pair", [(None, ""), (True, 1), (False, 0), ("1", 1), (None, "null"), ([], None), (["a"], "a")]
)
def test_values_that_differ_only_in_kind_are_different_content(pair: tuple[Any, Any]) -> None:
    """Null, empty, true and 1 are different things (G8)."""
    one, other = ({"x": value} for value in pair)
    assert identity.encode(one) != identity.encode(other)
    assert identity.encode({"x": None}) != identity.encode({})


@given(st.lists(st.one_of(st.text(), st.integers()), min_size=1, max_size=3))
def test_a_source_key_is_canonical_json(keys: list[Any]) -> None:
    """The quick way for plain text gives the same as the encoder, and keys can be read back."""
    assert identity.source_key(keys) == msgspec.json.encode(keys).decode()
    assert json.loads(identity.source_key(keys)) == keys


@given(
    st.lists(st.one_of(st.text(), st.integers()), min_size=1, max_size=3),
    st.lists(st.one_of(st.text(), st.integers()), min_size=1, max_size=3),
)
def test_different_keys_have_different_source_keys(one: list[Any], other: list[Any]) -> None:
    """Two records never share a row of the ledger."""
    assert (identity.source_key(one) == identity.source_key(other)) == (one == other)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        (" \t\n", None),
        (" a B ", "a B"),
        (42, "42"),
        (Decimal("42.0"), "42"),
        (Decimal("42.50"), "42.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.10"), "-0.1"),
        (10**30, str(10**30)),
        (Decimal(100), "100"),
    ],
)
def test_match_values_compare_as_text(value: Any, expected: str | None) -> None:
    """Blanks around a value do not count, blank matches nothing, equal numbers are equal."""
    assert identity.match_key(EXACT, value) == expected


def test_case_counts_only_where_the_destination_says_so() -> None:
    """An e-mail address matches in any case, an external id does not."""
    assert identity.match_key(LOOSE, "Ada@Example.com") == identity.match_key(LOOSE, "ADA@example.COM")
    assert identity.match_key(EXACT, "a") != identity.match_key(EXACT, "A")


@given(st.text())
def test_match_keys_are_stable(value: str) -> None:
    """A match key is its own match key, so that what the destination echoes compares equal."""
    for field in (EXACT, LOOSE):
        key = identity.match_key(field, value)
        assert identity.match_key(field, key) == key


def test_a_field_can_be_left_out() -> None:
    """An update that does not rename leaves the match field out."""
    payload = identity.encode({"a": 1, "b": None})
    assert dict(identity.EncodedFields(payload, leave_out="a")) == {"b": None}
    assert dict(identity.EncodedFields(payload, leave_out="c")) == {"a": 1, "b": None}
    assert not identity.EncodedFields(identity.encode({"a": 1}), leave_out="a")


def test_encoded_fields_are_a_mapping_like_any_other() -> None:
    """Whatever asks for them finds the same as in a dictionary, a field that is left out included."""
    fields = identity.EncodedFields(identity.encode({"a": 1, "b": None, "c": "x"}), leave_out=frozenset("c"))
    assert (list(fields.items()), list(fields.keys()), list(fields.values())) == (
        [("a", 1), ("b", None)],
        ["a", "b"],
        [1, None],
    )
    assert (fields.get("a"), fields.get("b", 2), fields.get("c"), fields.get("c", 3)) == (1, None, None, 3)
    assert ("a" in fields, "c" in fields, fields == {"a": 1, "b": None}) == (True, False, True)


@pytest.mark.parametrize("key", ["a\x00b", "bell\x07", "\x1fx", "del\x7f"])
def test_a_key_with_a_control_character_is_unsound(key: str) -> None:
    """No query, address or database is asked to hold it."""
    assert not identity.is_sound(key)


@pytest.mark.parametrize("key", ["two\nlines", "tab\there", "O'Neil \\", "\u2028", "ada@example.com"])
def test_other_keys_are_sound(key: str) -> None:
    """White space, quotes and whatever else text is made of."""
    assert identity.is_sound(key)
