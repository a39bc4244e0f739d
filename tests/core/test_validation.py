"""Mapped fields against the object's schema, and the quick way that never says more than the thorough one."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from core.fakes import FIELDS, route
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.errors import RejectedRecordError
from reverse_etl_core.intake import Intake, MissingKeyColumnError
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.planning import Candidate, Refusal, Removal
from reverse_etl_core.schema import Field, FieldType
from reverse_etl_core.stream_config import FieldConfig
from reverse_etl_core.validation import Validator

if TYPE_CHECKING:
    from reverse_etl_core.ledger import Delivery

COLUMNS = tuple(one.name for one in FIELDS if one.is_writable)
SECRET = "s3cret"

json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**25), 10**25),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=25),
        st.sampled_from(
            [
                "free",
                "pro",
                "a;b",
                "NaN",
                "1_0",
                "-Infinity",
                "12",
                " 1.50 ",
                "true",
                "a@b.de",
                "A@Example.COM",
                "x@y.test",
            ]
        ),
        st.sampled_from(
            ["2024-01-31", "2024-01-31T10:00:00Z", "2024-01-31T10:00:00.1234567+02:00", "0001-01-01T00:00:00Z"]
        ),
        st.datetimes().map(lambda one: one.isoformat() + "Z"),
        st.dates().map(str),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=3,
)
plausible: dict[str, Any] = {
    "n": st.one_of(st.integers(), st.text(max_size=4), json_values),
    "key": st.one_of(st.text(min_size=1, max_size=6), json_values),
    "email": st.one_of(st.emails(), json_values),
    "name": st.one_of(st.text(max_size=22), json_values),
    "score": st.one_of(st.integers(), json_values),
    "price": st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), json_values),
    "since": st.one_of(st.dates().map(str), json_values),
    "seen_at": st.one_of(st.datetimes().map(lambda one: one.isoformat() + "Z"), json_values),
    "is_active": st.one_of(st.booleans(), json_values),
    "plan": st.one_of(st.sampled_from(["free", "pro", "gold"]), json_values),
    "tags": st.one_of(st.lists(st.sampled_from("abc"), max_size=2), json_values),
    "labels": st.one_of(st.lists(st.text(max_size=3), max_size=3), st.just(["a b", "c;d"]), json_values),
}
records = st.fixed_dictionaries({}, optional=plausible)


def intake(**changes: Any) -> Intake:
    """Of a stream with every type, keyed by `n`."""
    return Intake(route(columns=("n", *COLUMNS), **changes))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(records)
def test_the_quick_way_and_the_thorough_one_lead_to_the_same_candidate(record: dict[str, Any]) -> None:
    """A record that is plainly fine is judged exactly as mapping and `jsonschema` judge it."""
    check_agreement(intake(), record)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(records)
def test_they_agree_for_renamed_columns(record: dict[str, Any]) -> None:
    """The same where columns and fields have different names."""
    fields = {"key": "name", "name": "key", "plan": "tags", "score": "n"}
    check_agreement(intake(fields=fields), record)


constants = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["", "Ada", None]),
        "score": st.sampled_from([0, -3, None]),
        "price": st.sampled_from([1.5, Decimal("2.00"), 10**20]),
        "since": st.just("2024-01-31"),
        "seen_at": st.sampled_from(["2024-01-31T10:00:00+02:00", "2024-01-31"]),
        "is_active": st.booleans(),
        "plan": st.just("pro"),
        "tags": st.sampled_from([["b", "a"], []]),
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(records, constants, st.sets(st.sampled_from([one for one in COLUMNS if one != "key"])))
def test_they_agree_for_constants_and_skipped_nulls(
    record: dict[str, Any], given_constants: dict[str, Any], skipping: set[str]
) -> None:
    """The same where fields have values of their own, and where null leaves a field alone."""
    fields = {
        name: FieldConfig(name, write="skip_null" if name in skipping else "always")
        for name in COLUMNS
        if name not in given_constants
    }
    fields |= {name: FieldConfig(None, constant=value) for name, value in given_constants.items()}
    check_agreement(intake(fields=fields), record)


def test_constants_and_skipped_nulls_take_the_quick_way() -> None:
    """The test before is not vacuous: a constant costs a record nothing, and an absent column neither."""
    fields = {"key": FieldConfig("key"), "name": FieldConfig("name", write="skip_null")}
    fields["plan"] = FieldConfig(None, constant="pro")
    one = intake(fields=fields)
    assert one._typed
    quick = one._typed.candidate(msgspec.Raw(b'{"n":1,"key":"a","name":"x"}'))
    assert quick is not None
    assert quick.payload == b'{"key":"a","name":"x","plan":"pro"}'
    skipped = one.judge(msgspec.Raw(b'{"n":1,"key":"a","name":null}'))
    assert isinstance(skipped, Candidate)
    assert skipped.payload == b'{"key":"a","plan":"pro"}'


@pytest.mark.long
@settings(max_examples=20000, deadline=None, suppress_health_check=list(HealthCheck))
@given(records)
def test_they_agree_for_many_records(record: dict[str, Any]) -> None:
    """The same, many times."""
    check_agreement(intake(), record)


def check_agreement(one: Intake, record: dict[str, Any]) -> None:
    """Whatever the quick way says, the thorough one says too."""
    raw = msgspec.Raw(msgspec.json.encode(record))
    assert one._typed
    quick = one._typed.candidate(raw)
    if quick is not None:
        decoded = msgspec.json.Decoder(float_hook=Decimal).decode(raw)
        assert one.judge_thoroughly(decoded) == quick


def test_most_plain_records_take_the_quick_way() -> None:
    """The quick way is not vacuous: a plain record of every type is judged by it."""
    record = {
        "n": 1, "key": "a", "email": "ada@example.com", "name": "Ada", "score": 1, "price": 1.5, "since": "2024-01-31",
        "seen_at": "2024-01-31T10:00:00Z", "is_active": True, "plan": "pro",
        "tags": ["a", "b"], "labels": ["crm: vip", "x"],
    }  # fmt: skip
    one = intake()
    assert one._typed
    assert one._typed.candidate(msgspec.Raw(msgspec.json.encode(record))) is not None


@settings(max_examples=200, deadline=None)
@given(records)
def test_a_refusal_never_holds_a_value(record: dict[str, Any]) -> None:
    """G7: the reason names fields only."""
    marked = {name: f"{value}{SECRET}" if isinstance(value, str) else value for name, value in record.items()}
    try:
        judged = intake().judge(msgspec.Raw(msgspec.json.encode(marked)))
    except MissingKeyColumnError as error:
        reason = str(error)
    else:
        reason = judged.reason if isinstance(judged, Refusal) else ""
    assert SECRET not in reason


@settings(max_examples=200, deadline=None)
@given(records)
def test_a_stored_record_is_judged_as_it_was(record: dict[str, Any]) -> None:
    """What is kept of a record is enough to judge it again, with the same verdict."""
    one = intake()
    try:
        judged = one.judge(msgspec.Raw(msgspec.json.encode(record)))
    except MissingKeyColumnError:
        return
    if isinstance(judged, Removal) or (isinstance(judged, Refusal) and not judged.is_curable):
        return  # without a key it is never judged again
    again = one.judge_again(stored(judged))
    assert type(again) is type(judged)
    assert again.payload_hash == judged.payload_hash
    if isinstance(judged, Candidate):
        assert again.payload == judged.payload


def stored(judged: Candidate | Refusal) -> Delivery:
    """The ledger's row of a record."""
    from reverse_etl_core.ledger import Delivery, Status  # noqa: PLC0415 - only here

    nothing: Any = None
    known = dict.fromkeys(Delivery.__struct_fields__, nothing)
    known |= {"source_key": judged.source_key, "status": Status.REJECTED, "record": judged.payload.decode()}
    return Delivery(**(known | {"payload_hash": judged.payload_hash, "created_by_us": False, "attempts": 0}))


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("name", "x" * 21, RejectCode.TOO_LONG),
        ("email", "nobody", RejectCode.INVALID_EMAIL),
        ("plan", "gold", RejectCode.INVALID_OPTION),
        ("tags", ["a", "z"], RejectCode.INVALID_OPTION),
        ("score", "1", RejectCode.INVALID_VALUE),
        ("score", 1.5, RejectCode.INVALID_VALUE),
        ("is_active", 1, RejectCode.INVALID_VALUE),
        ("nope", 1, RejectCode.UNKNOWN_FIELD),
    ],
)
def test_each_violation_has_its_code(name: str, value: Any, code: RejectCode) -> None:
    """The code says what is wrong, the reason names the field."""
    with pytest.raises(RejectedRecordError) as caught:
        Validator(FIELDS).check({"key": "a", name: value})
    assert caught.value.code is code
    assert name == "nope" or f"'{name}'" in caught.value.reason


ALL_TYPES = (
    *FIELDS,
    Field("owner", FieldType.OPTION, pattern=r"^\d+$"),
    Field("owners", FieldType.OPTIONS, pattern=r"^\d+$"),
    Field("short", FieldType.EMAIL, max_length=12),
    Field("any_plan", FieldType.OPTION),
    Field("company", FieldType.KEYS),
)
mapped_values = st.one_of(
    json_values,
    st.decimals(),
    st.emails(),
    st.lists(st.one_of(st.sampled_from(["a", "b", "12", ""]), json_values), max_size=2),
    st.sampled_from(["12", "1x", "a@b.de", "a@b.de\n", "somebody@example.com", "x" * 20, "x" * 21]),
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from([*(one.name for one in ALL_TYPES), "nope"]), mapped_values, max_size=3))
def test_what_is_plainly_valid_is_valid(fields: dict[str, Any]) -> None:
    """Where the quick look says that a record is fine, `jsonschema` finds nothing."""
    validator = Validator(ALL_TYPES)
    if validator._is_plainly_valid(fields):
        assert list(validator._validator.iter_errors(fields)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "x" * 500),
        ("email", "ada@example.com"),
        ("name", "x" * 20),
        ("score", 10**20),
        ("price", Decimal("1.50")),
        ("price", 2),
        ("since", "2024-01-31"),
        ("seen_at", "2024-01-31T10:00:00Z"),
        ("is_active", False),
        ("plan", "pro"),
        ("tags", ["a", "b"]),
        ("labels", ["x", ""]),
        ("owner", "12"),
        ("owners", ["12", "3"]),
        ("any_plan", "gold"),
        ("company", "c1"),
        ("company", ["c1", "c2"]),
        ("company", None),
    ],
)
def test_the_quick_look_knows_values_of_every_type(name: str, value: Any) -> None:
    """The test before is not vacuous: none of these costs a look of `jsonschema`."""
    assert Validator(ALL_TYPES)._is_plainly_valid({"key": "a", name: value})


def test_null_clears_any_field() -> None:
    """Every field may be null."""
    Validator(FIELDS).check(dict.fromkeys((one.name for one in FIELDS), None))


def test_options_that_the_api_does_not_list_may_be_anything() -> None:
    """An option field without options takes any text."""
    Validator([Field("plan", FieldType.OPTION), Field("tags", FieldType.OPTIONS)]).check({"plan": "x", "tags": ["y"]})


@pytest.mark.parametrize("record", [{"n": None, "key": "a"}, {"n": "", "key": "a"}, {"n": 1, "key": " "}, {"n": 1}])
def test_an_empty_key_is_a_missing_key(record: dict[str, Any]) -> None:
    """Null and blank keys are rejected row by row, never sent."""
    judged = intake().judge(msgspec.Raw(msgspec.json.encode(record)))
    assert isinstance(judged, Refusal)
    assert judged.code is RejectCode.MISSING_KEY


def test_an_absent_key_column_is_the_taps_fault() -> None:
    """A record without its key property is rejected; the whole input is then found wanting, naming the property."""
    judge = intake()
    judged = judge.judge(msgspec.Raw(b'{"key": "a"}'))
    assert isinstance(judged, Refusal)
    assert judged.code is RejectCode.MISSING_KEY
    with pytest.raises(MissingKeyColumnError, match="'n'"):
        judge.check_input()


def test_without_key_properties_the_match_value_is_the_key() -> None:
    """A stream without key properties is told apart by its match value."""
    judged = intake(keys=()).judge(msgspec.Raw(b'{"key": " a "}'))
    assert isinstance(judged, Candidate)
    assert (judged.source_key, judged.match_key) == ('["a"]', "a")


def test_a_removed_record_is_a_removal() -> None:
    """`_sdc_deleted_at` marks it, whatever else it holds; null does not."""
    assert intake().judge(msgspec.Raw(b'{"n": 1, "_sdc_deleted_at": "2024-01-01"}')) == Removal("[1]")
    assert isinstance(intake().judge(msgspec.Raw(b'{"n": 1, "key": "a", "_sdc_deleted_at": null}')), Candidate)


@pytest.mark.parametrize("key", ["1", "1.0", "1e0", '"1"', "true", "12345678901234567890123"])
def test_a_source_key_does_not_depend_on_whether_the_record_is_valid(key: str) -> None:
    """An invalid version of a record and its valid one have the same row."""
    one = intake()
    good = one.judge(msgspec.Raw(f'{{"n": {key}, "key": "a"}}'.encode()))
    bad = one.judge(msgspec.Raw(f'{{"n": {key}, "key": "a", "name": "{"x" * 21}"}}'.encode()))
    assert isinstance(good, Candidate)
    assert isinstance(bad, Refusal)
    assert good.source_key == bad.source_key
