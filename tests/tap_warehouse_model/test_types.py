"""Every type of both databases as JSON, checked against the schema that is announced."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

UTC = dt.timezone.utc

NUMBER = {"type": ["number", "null"]}
INTEGER = {"type": ["integer", "null"]}
TEXT = {"type": ["string", "null"]}
ANY = {"type": ["object", "array", "string", "number", "boolean", "null"]}
DATE = {**TEXT, "format": "date"}
TIMESTAMP = {**TEXT, "format": "date-time"}

# expression -> (value as parsed from JSON with exact decimals, JSON Schema)
BOTH: dict[str, tuple[Any, dict[str, Any]]] = {
    "CAST(-32768 AS SMALLINT)": (-32768, INTEGER),
    "CAST(2147483647 AS INTEGER)": (2147483647, INTEGER),
    "CAST(9223372036854775807 AS BIGINT)": (9223372036854775807, INTEGER),
    "CAST('12345678901234567890.123456789' AS DECIMAL(38,9))": (Decimal("12345678901234567890.123456789"), NUMBER),
    "CAST('1.10' AS DECIMAL(18,2))": (Decimal("1.10"), NUMBER),
    "CAST('12345678901234567890' AS DECIMAL(20,0))": (12345678901234567890, INTEGER),
    "CAST(0.1 AS REAL)": (Decimal("0.1"), NUMBER),
    "CAST(2.5 AS DOUBLE PRECISION)": (Decimal("2.5"), NUMBER),
    "true": (True, {"type": ["boolean", "null"]}),
    "CAST('ä \"quoted\" \\ 日本 😀' AS TEXT)": ('ä "quoted" \\ 日本 😀', TEXT),
    "DATE '2024-02-29'": ("2024-02-29", DATE),
    "DATE '0044-03-15'": ("0044-03-15", DATE),
    "TIME '12:34:56.789'": ("12:34:56.789", TEXT),
    "TIMESTAMP '2024-01-02 03:04:05.678'": ("2024-01-02T03:04:05.678000+00:00", TIMESTAMP),
    "TIMESTAMPTZ '2024-01-02 03:04:05+02'": ("2024-01-02T01:04:05.000000+00:00", TIMESTAMP),
    "CAST('B7C1D4E0-0000-4000-8000-00000000000a' AS UUID)": (
        "b7c1d4e0-0000-4000-8000-00000000000a",
        {**TEXT, "format": "uuid"},
    ),
    """CAST('{"b": [1, 2.50, null],
      "a": "x"}' AS JSON)""": ({"b": [1, Decimal("2.50"), None], "a": "x"}, ANY),
    "CAST(NULL AS INTEGER)": (None, INTEGER),
}
BYTES = ("AP8=", {**TEXT, "contentEncoding": "base64"})
ARRAY = {"type": ["array", "null"], "items": {}}
OBJECT = {"type": ["object", "null"]}

DUCKDB: dict[str, tuple[Any, dict[str, Any]]] = {
    **BOTH,
    "127::TINYINT": (127, INTEGER),
    "255::UTINYINT": (255, INTEGER),
    "65535::USMALLINT": (65535, INTEGER),
    "4294967295::UINTEGER": (4294967295, INTEGER),
    "18446744073709551615::UBIGINT": (18446744073709551615, INTEGER),
    "170141183460469231731687303715884105727::HUGEINT": (2**127 - 1, INTEGER),
    "340282366920938463463374607431768211455::UHUGEINT": (2**128 - 1, INTEGER),
    "TIME '24:00:00'": ("24:00:00", TEXT),
    "'12:00:00+02'::TIMETZ": ("12:00:00+02", TEXT),
    "'2024-01-02 03:04:05'::TIMESTAMP_S": ("2024-01-02T03:04:05.000000+00:00", TIMESTAMP),
    "'2024-01-02 03:04:05.678'::TIMESTAMP_MS": ("2024-01-02T03:04:05.678000+00:00", TIMESTAMP),
    "'2024-01-02 03:04:05.123456789'::TIMESTAMP_NS": ("2024-01-02T03:04:05.123456+00:00", TIMESTAMP),
    "'\\x00\\xFF'::BLOB": BYTES,
    "'b'::ENUM('a', 'b')": ("b", TEXT),
    "'101'::BIT": ("101", TEXT),
    "INTERVAL 1 MONTH + INTERVAL 2 DAY": ("1 month 2 days", TEXT),
    "[1.10, NULL]::DECIMAL(4,2)[]": ([Decimal("1.10"), None], ARRAY),
    "[1, 2]::INTEGER[2]": ([1, 2], ARRAY),
    "{'at': TIMESTAMP '2024-01-02 03:04:05', 'tags': ['x']}": (
        {"at": "2024-01-02T03:04:05.000000+00:00", "tags": ["x"]},
        OBJECT,
    ),
    "MAP {'a': 1}": ({"a": 1}, OBJECT),
    "union_value(num := 2)": ("2", TEXT),
    "NULL": (None, INTEGER),
}
POSTGRESQL: dict[str, tuple[Any, dict[str, Any]]] = {
    **BOTH,
    "12345678901234567890.1234567890123456789": (Decimal("12345678901234567890.1234567890123456789"), NUMBER),
    "CAST('1e3' AS numeric)": (1000, NUMBER),
    "TIME '24:00:00'": ("24:00:00", TEXT),
    "CAST('12:00:00+02' AS timetz)": ("12:00:00+02", TEXT),
    "decode('00ff', 'hex')": BYTES,
    'CAST(\'{"z": 1, "a": 1.50}\' AS jsonb)': ({"a": Decimal("1.50"), "z": 1}, ANY),
    "CAST('ab' AS char(5))": ("ab", TEXT),
    "CAST('x' AS varchar(9))": ("x", TEXT),
    "CAST('b' AS mood)": ("b", TEXT),
    "CAST('7.25' AS price)": (Decimal("7.25"), NUMBER),
    "CAST('a@b.c' AS email)": ("a@b.c", TEXT),
    "ARRAY[1, NULL, 3]": ([1, None, 3], ARRAY),
    "ARRAY[CAST('a' AS mood)]": (["a"], ARRAY),
    "CAST(ROW(1, 'x') AS pair)": ({"a": 1, "b": "x"}, OBJECT),
    "INTERVAL '1 month 2 days'": ("1 mon 2 days", TEXT),
    "CAST('10.0.0.1/8' AS inet)": ("10.0.0.1/8", TEXT),
    "int4range(1, 5)": ("[1,5)", TEXT),
    "CAST(26 AS oid)": (26, INTEGER),
    "CAST('1.50' AS money)": ("$1.50", TEXT),
    "B'101'": ("101", TEXT),
    "NULL": (None, TEXT),
}
POSTGRESQL_TYPES = (
    "CREATE TYPE mood AS ENUM ('a', 'b')",
    "CREATE DOMAIN price AS numeric(12,2)",
    "CREATE DOMAIN email AS text",
    "CREATE TYPE pair AS (a integer, b text)",
)


def check_cases(run: Any, cases: dict[str, tuple[Any, dict[str, Any]]]) -> None:
    """Compare each case with its record and its schema."""
    assert run.exit_code == 0, run.stderr
    (record,) = run.records()
    for position, (expression, (value, schema)) in enumerate(cases.items()):
        assert (expression, record[f"c{position}"]) == (expression, value)
        assert (expression, run.schema["properties"][f"c{position}"]) == (expression, schema)
    jsonschema.Draft202012Validator(run.schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER).validate(
        json.loads(json.dumps(record, default=float))
    )


def select(cases: dict[str, Any]) -> str:
    """Return one query with a column per case."""
    return "SELECT " + ", ".join(f"{expression} AS c{position}" for position, expression in enumerate(cases))


def test_every_duckdb_type_arrives_exactly(duck: Any, run_tap: Callable[..., Any]) -> None:
    """Each DuckDB type has a JSON form without loss, and a schema that fits it."""
    check_cases(run_tap(duck.config({"name": "m", "sql": select(DUCKDB)})), DUCKDB)


def test_every_postgresql_type_arrives_exactly(postgres: Any, run_tap: Callable[..., Any]) -> None:
    """Each PostgreSQL type, enums, domains, arrays and composites included, has a JSON form without loss."""
    postgres.execute(*POSTGRESQL_TYPES)
    check_cases(run_tap(postgres.config({"name": "m", "sql": select(POSTGRESQL)})), POSTGRESQL)


@pytest.mark.parametrize("mapped", [False, True], ids=["fast", "through a stream map"])
def test_a_stream_map_changes_no_value(duck: Any, run_tap: Callable[..., Any], *, mapped: bool) -> None:
    """The SDK's own way of writing, which stream maps bring back, emits the same values."""
    extra = {"stream_maps": {"m": {"added": "'x'"}}} if mapped else {}
    cases = {expression: case for expression, case in DUCKDB.items() if "UBIGINT" not in expression}
    (record,) = run_tap(duck.config({"name": "m", "sql": select(cases)}, **extra)).records()
    record.pop("added", None)
    assert list(record.values()) == [value for value, _ in cases.values()]


def test_what_json_cannot_hold_becomes_null_and_is_counted(database: Any, run_tap: Callable[..., Any]) -> None:
    """NaN, infinity and dates beyond the calendar are null, and one warning counts them by column."""
    database.execute("CREATE TABLE t (id integer, score double precision, day date, seen timestamptz)")
    database.execute(
        "INSERT INTO t VALUES (1, 'NaN', 'infinity', '-infinity'), (2, '-Infinity', '0044-03-15 BC', NULL),"
        " (3, 1.5, '2024-01-02', '2024-01-02 00:00:00+00')".replace(
            " BC'", " (BC)'" if database.name == "duckdb" else " BC'"
        )
    )
    run = run_tap(database.config({"name": "m", "table": "t"}))
    assert run.records() == [
        {"id": 1, "score": None, "day": None, "seen": None},
        {"id": 2, "score": None, "day": None, "seen": None},
        {"id": 3, "score": Decimal("1.5"), "day": "2024-01-02", "seen": "2024-01-02T00:00:00.000000+00:00"},
    ]
    assert run.stderr.count("WARNING") == 1
    assert "day (2), score (2), seen (1)" in run.stderr


def test_decimals_that_are_not_numbers_become_null(postgres: Any, run_tap: Callable[..., Any]) -> None:
    """PostgreSQL's numeric NaN and infinity are null, and counted."""
    sql = "SELECT CAST(x AS numeric) AS x FROM (VALUES ('NaN'), ('Infinity'), ('-Infinity'), ('1.5')) AS v(x)"
    run = run_tap(postgres.config({"name": "m", "sql": sql}))
    assert [record["x"] for record in run.records()] == [None, None, None, Decimal("1.5")]
    assert "x (3)" in run.stderr


def test_text_that_looks_like_our_marker_stays(duck: Any, run_tap: Callable[..., Any]) -> None:
    """The marker for dates out of range is an ordinary text in a text column."""
    sql = "SELECT '@out-of-range@' AS note, ':NaN' AS other, 'infinity'::DATE AS day, 1.5::DECIMAL(4,2) AS n"
    (record,) = run_tap(duck.config({"name": "m", "sql": sql})).records()
    assert record == {"note": "@out-of-range@", "other": ":NaN", "day": None, "n": Decimal("1.50")}


def test_json_that_is_not_json_becomes_null(duck: Any, run_tap: Callable[..., Any]) -> None:
    """DuckDB takes NaN for JSON; the message stays valid."""
    sql = "SELECT 'NaN'::JSON AS a, '[1, NaN]'::JSON AS b"
    run = run_tap(duck.config({"name": "m", "sql": sql}))
    assert run.records() == [{"a": None, "b": [1, None]}]
    assert "a (1), b (1)" in run.stderr


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.decimals(places=4, min_value=-(10**12), max_value=10**12),
        st.none() | st.floats(),
        st.none() | st.booleans(),
        st.none() | TEXTS,
        st.none() | st.dates(),
        st.none() | st.datetimes(),
        st.none() | st.datetimes(timezones=st.just(UTC)),
        st.none() | st.binary(max_size=200),
        st.none() | st.uuids(),
    ),
    max_size=5,
)
NAMES = ("i", "n", "f", "b", "s", "d", "ts", "tz", "raw", "u")


def expected(row: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row as JSON would be read back."""
    import base64  # noqa: PLC0415

    def convert(value: Any) -> Any:
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, dt.datetime):
            return value.replace(tzinfo=UTC).isoformat(timespec="microseconds")
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if value is None or isinstance(value, (bool, int, str, Decimal)):
            return value
        return str(value)

    return {name: convert(value) for name, value in zip(NAMES, row, strict=True)}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=ROWS)
def test_any_value_arrives_as_it_is(database: Any, run_tap: Callable[..., Any], rows: list[Any]) -> None:
    """Whatever the values, each record equals its row and fits the announced schema."""
    binary = "BLOB" if database.name == "duckdb" else "bytea"
    database.execute(
        "DROP TABLE IF EXISTS t",
        f"CREATE TABLE t (i bigint, n decimal(18,4), f double precision, b boolean, s text, d date, ts timestamp,"
        f" tz timestamptz, raw {binary}, u uuid)",
        "INSERT INTO t VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        rows=rows,
    )
    run = run_tap(database.config({"name": "m", "table": "t"}))
    assert run.exit_code == 0, run.stderr
    validator = jsonschema.Draft202012Validator(run.schema)
    for record, row in zip(run.records(), rows, strict=True):
        validator.validate(record)
        record["f"] = None if record["f"] is None else float(record["f"])
        assert record == expected(row)
