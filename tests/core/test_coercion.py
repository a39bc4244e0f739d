"""Source values to the destination's types."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from core.fakes import people, route
from hypothesis import assume, given
from hypothesis import strategies as st

from reverse_etl_core.coercion import COERCIONS, UNTOUCHED, coercion
from reverse_etl_core.intake import Intake
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.planning import Candidate, Refusal
from reverse_etl_core.schema import Field, FieldType, frozen

moments = st.datetimes(timezones=st.one_of(st.none(), st.timezones(), st.just(dt.timezone.utc)))
anything = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(allow_nan=False),
    st.text(),
    st.dates(),
    st.dates().map(dt.date.isoformat),
    moments,
    moments.map(dt.datetime.isoformat),
    st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", fullmatch=True),
    st.lists(st.one_of(st.text(), st.none(), st.integers()), max_size=4),
    st.dictionaries(st.text(), st.integers(), max_size=2),
    st.sampled_from(["yes", "No", " TRUE ", "0", "1", "NaN", "Infinity", "-inf", "1e5", " 12.50 ", "a;b; ;c"]),
)


def coerce(kind: FieldType, value: Any) -> Any:
    """The coerced value; the test ends where there is none."""
    try:
        return COERCIONS[kind](value)
    except (ValueError, TypeError, OverflowError):
        assume(False)  # noqa: FBT003 - hypothesis's word for it


@given(st.sampled_from(FieldType), anything)
def test_coercion_is_idempotent(kind: FieldType, value: Any) -> None:
    """A mapped record from the ledger can be mapped again."""
    once = coerce(kind, value)
    assert once is None or COERCIONS[kind](once) == once


@given(st.sampled_from(FieldType), anything)
def test_what_does_not_fit_is_one_of_three_errors(kind: FieldType, value: Any) -> None:
    """Whatever a column holds, coercion gives a value of the right Python type or a plain error."""
    kinds = {
        FieldType.INTEGER: int,
        FieldType.NUMBER: (int, Decimal),
        FieldType.BOOLEAN: bool,
        FieldType.OPTIONS: list,
        FieldType.KEYS: (str, list),
    }
    once = coerce(kind, value)
    assert once is None or isinstance(once, kinds.get(kind, str))
    if kind in UNTOUCHED and type(value) is UNTOUCHED[kind]:
        assert once in (value, None)


@given(st.integers())
def test_integers_of_any_size_keep_their_digits(value: int) -> None:
    """No number goes through a float."""
    assert COERCIONS[FieldType.INTEGER](value) == value
    assert COERCIONS[FieldType.INTEGER](str(value)) == value
    assert COERCIONS[FieldType.NUMBER](str(value)) == value
    assert COERCIONS[FieldType.STRING](value) == str(value)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_keep_their_digits(value: Decimal) -> None:
    """As a number and as text."""
    assert COERCIONS[FieldType.NUMBER](value) == value
    assert COERCIONS[FieldType.NUMBER](str(value)) == value
    assert Decimal(COERCIONS[FieldType.STRING](value)) == value
    assert "E" not in COERCIONS[FieldType.STRING](value)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-inf", float("nan"), float("inf"), Decimal("NaN")])
@pytest.mark.parametrize("kind", [FieldType.NUMBER, FieldType.INTEGER])
def test_what_is_no_number_is_refused(kind: FieldType, value: Any) -> None:
    """NaN and infinities are refused, spelt in any way."""
    with pytest.raises(ValueError):  # noqa: PT011 - coercion's only error, without a text
        COERCIONS[kind](value)


@pytest.mark.parametrize("kind", [one for one in FieldType if one is not FieldType.STRING])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_text_clears(kind: FieldType, value: str) -> None:
    """G8: a type without an empty value of its own is cleared by an empty text."""
    if kind is FieldType.OPTION and value:
        return
    assert COERCIONS[kind](value) is None
    assert COERCIONS[FieldType.STRING](value) == value


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (FieldType.STRING, True, "true"),
        (FieldType.STRING, 1.0, "1"),
        (FieldType.STRING, 1e22, "1" + "0" * 22),
        (FieldType.STRING, Decimal("1E-7"), "0.0000001"),
        (FieldType.STRING, ["a", 1], '["a",1]'),
        (FieldType.STRING, {"a": Decimal("1.5")}, '{"a":1.5}'),
        (FieldType.EMAIL, " a@b.example ", "a@b.example"),
        (FieldType.INTEGER, 3.0, 3),
        (FieldType.INTEGER, "3.00", 3),
        (FieldType.NUMBER, 0.1, Decimal("0.1")),
        (FieldType.BOOLEAN, "Yes", True),
        (FieldType.BOOLEAN, 0, False),
        (FieldType.BOOLEAN, Decimal(1), True),
        (FieldType.DATE, "2024-02-29", "2024-02-29"),
        (FieldType.DATE, "2024-03-01T01:00:00+02:00", "2024-02-29"),
        (FieldType.DATE, "2024-02-29 23:59:59", "2024-02-29"),
        (FieldType.DATETIME, "2024-02-29", "2024-02-29T00:00:00Z"),
        (FieldType.DATETIME, "2024-02-29T12:00:00", "2024-02-29T12:00:00Z"),
        (FieldType.DATETIME, "2024-02-29 12:00:00.5+02:00", "2024-02-29T10:00:00.500000Z"),
        (FieldType.DATETIME, "2024-02-29T12:00:00.123Z", "2024-02-29T12:00:00.123000Z"),
        (FieldType.DATETIME, "2024-02-29T12:00:00-0330", "2024-02-29T15:30:00Z"),
        (FieldType.OPTION, 3, "3"),
        (FieldType.OPTIONS, "a; b;;", ["a", "b"]),
        (FieldType.OPTIONS, ["a", None, 1], ["a", "1"]),
        (FieldType.OPTIONS, [], None),
    ],
)
def test_a_value_becomes_what_the_destination_takes(kind: FieldType, value: Any, expected: Any) -> None:
    """Each type's own rules."""
    got = COERCIONS[kind](value)
    assert (got, type(got)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (FieldType.EMAIL, 3),
        (FieldType.INTEGER, "3.5"),
        (FieldType.INTEGER, True),
        (FieldType.NUMBER, "12,5"),
        (FieldType.NUMBER, True),
        (FieldType.NUMBER, [1]),
        (FieldType.BOOLEAN, 2),
        (FieldType.BOOLEAN, "maybe"),
        (FieldType.DATE, "29.02.2024"),
        (FieldType.DATE, "2023-02-29"),
        (FieldType.DATE, 20240229),
        (FieldType.DATETIME, "2024-02-29T25:00:00Z"),
        (FieldType.DATETIME, 1700000000),
        (FieldType.OPTIONS, 3),
    ],
)
def test_nothing_is_guessed(kind: FieldType, value: Any) -> None:
    """What does not plainly fit is refused."""
    with pytest.raises((ValueError, TypeError)):
        COERCIONS[kind](value)


@given(moments)
def test_a_moment_stays_the_same_moment(moment: dt.datetime) -> None:
    """A datetime and its text in any zone are the same instant in UTC."""
    assume(dt.datetime(1, 1, 3) < moment.replace(tzinfo=None) < dt.datetime(9999, 12, 29))  # noqa: DTZ001 - only bounds
    offset = moment.utcoffset() or dt.timedelta()
    assume(not offset.seconds % 60)
    mapped = COERCIONS[FieldType.DATETIME](moment.isoformat())
    assert mapped == COERCIONS[FieldType.DATETIME](moment)
    expected = moment.replace(tzinfo=moment.tzinfo or dt.timezone.utc).astimezone(dt.timezone.utc)
    assert dt.datetime.fromisoformat(str(mapped).replace("Z", "+00:00")) == expected


PLAN = Field(
    "plan",
    FieldType.OPTION,
    options=("free", "pro", "Free of charge"),
    aliases={"Free of charge": "free", "Professional": "pro"},
)


@pytest.mark.parametrize(
    ("value", "option"),
    [
        ("pro", "pro"),
        ("Professional", "pro"),
        ("  professional ", "pro"),
        ("PROFESSIONAL", "pro"),
        ("Free of charge", "Free of charge"),  # an option of its own wins over the same spelling of another one
        ("free of CHARGE", "free"),
        ("gold", "gold"),
        ("PRO", "PRO"),
        ("", None),
        (7, "7"),
    ],
)
def test_an_option_may_be_spelled_otherwise(value: Any, option: Any) -> None:
    """A label stands for its option, whatever its case; what is neither is left to the validation."""
    read = coercion(PLAN)
    assert read(value) == option
    assert option is None or read(option) == option


def test_each_of_several_options_may_be_spelled_otherwise() -> None:
    """A list is read option by option, from an array or from text."""
    read = coercion(replace(PLAN, type=FieldType.OPTIONS))
    assert read(["Professional", "gold", " free of CHARGE "]) == ["pro", "gold", "free"]
    assert read("PROFESSIONAL;pro") == ["pro", "pro"]
    assert read([]) is None


def test_a_value_beside_the_options_that_are_not_listed_has_a_form() -> None:
    """A field without listed options takes what its pattern takes; the refusal says what else there is to do."""
    field = Field("owner", FieldType.OPTION, aliases={"a@b.io": "7"}, pattern="^[0-9]+$", remedy="Ask Ada.")
    way = route(people(fields=frozen({**people().fields, "owner": field})), columns=("n", "key", "owner"))
    rows = [b'{"n": 1, "key": "a", "owner": "%b"}' % one for one in (b"7", b"A@b.io", b"8", b"x@b.io")]
    first, second, other, refused = [Intake(way).judge(msgspec.Raw(one)) for one in rows]
    assert isinstance(first, Candidate)
    assert first == second
    assert isinstance(other, Candidate)
    assert isinstance(refused, Refusal)
    assert refused.code is RejectCode.INVALID_OPTION
    assert refused.reason.endswith("Ask Ada.")
    assert "x@b.io" not in refused.reason


@given(anything)
def test_aliases_change_only_their_own_spellings(value: Any) -> None:
    """Coercion stays idempotent, and as it was for every other value."""
    plain = coerce(FieldType.OPTION, value)
    read = coercion(PLAN)(value)
    assert read == plain or str(plain).strip().lower() in {"free of charge", "professional"}
    assert read is None or coercion(PLAN)(read) == read


def test_a_record_with_an_alias_is_judged_like_one_with_the_option() -> None:
    """Both are the same candidate, so that a rerun with the other spelling makes no call."""
    way = route(people(fields=frozen({**people().fields, "plan": PLAN})), columns=("n", "key", "plan"))
    spelled = [b'{"n": 1, "key": "a", "plan": "Professional"}', b'{"n": 1, "key": "a", "plan": "pro"}']
    first, second = [Intake(way).judge(msgspec.Raw(one)) for one in spelled]
    assert isinstance(first, Candidate)
    assert first == second
    refused = Intake(way).judge(msgspec.Raw(b'{"n": 1, "key": "a", "plan": "gold"}'))
    assert isinstance(refused, Refusal)
    assert refused.code is RejectCode.INVALID_OPTION
