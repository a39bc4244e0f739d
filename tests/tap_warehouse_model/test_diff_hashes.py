"""Two rows have equal hashes if and only if what is emitted for them is equal."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tap_warehouse_model import expressions
from tap_warehouse_model.dialects import dialect_of
from tap_warehouse_model.records import RecordEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TYPES = {
    "a": "VARCHAR",
    "b": "VARCHAR",
    "c": "VARCHAR",
    "i": "BIGINT",
    "n": "NUMERIC(9,2)",
    "f": "DOUBLE PRECISION",
    "o": "BOOLEAN",
    "d": "DATE",
    "t": "TIMESTAMP",
    "z": "TIMESTAMPTZ",
    "j": "JSON",
    "l": "VARCHAR[]",
    "r": "BYTEA",
}
ODD = [
    "",
    "~",
    "|",
    ":",
    "1:",
    "1:~",
    "0:|~",
    "2:ab|1:c",
    "null",
    "NULL",
    "'",
    '"',
    "\\",
    "1",
    "1.00",
    "true",
    "é",
    "e\u0301",
]
TEXT = st.sampled_from(ODD) | st.text(st.sampled_from(list("|:~01'\"\\ aé😀\n\t{},")), max_size=6)
JSON = st.recursive(TEXT | st.integers(-9, 9), lambda inner: st.lists(inner, max_size=2), max_leaves=3)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "VARCHAR": TEXT,
    "BIGINT": st.sampled_from([0, 1, -1, 10, 2**63 - 1, -(2**63)]),
    "NUMERIC(9,2)": st.sampled_from([Decimal("1.00"), Decimal("1.01"), Decimal("-0.10"), Decimal("9999999.99")]),
    "DOUBLE PRECISION": st.sampled_from([0.0, 1.0, 0.1, 0.1 + 0.2, 0.3, 1e300, -1.5, 5e-324]),
    "BOOLEAN": st.booleans(),
    "DATE": st.sampled_from([dt.date(1, 1, 1), dt.date(2024, 2, 29), dt.date(9999, 12, 31)]),
    "TIMESTAMP": st.sampled_from(
        [dt.datetime(1, 1, 1), dt.datetime(2024, 1, 2, 3, 4, 5, 6), dt.datetime(2024, 1, 2, 3, 4, 5, 7)]  # noqa: DTZ001
    ),
    "TIMESTAMPTZ": st.sampled_from(
        [
            dt.datetime(2024, 1, 2, 3, tzinfo=dt.timezone.utc),
            dt.datetime(2024, 1, 2, 4, tzinfo=dt.timezone(dt.timedelta(hours=1))),
            dt.datetime(2024, 1, 2, 3, 0, 0, 1, tzinfo=dt.timezone.utc),
        ]
    ),
    "JSON": st.lists(JSON, max_size=2).map(json.dumps),
    "VARCHAR[]": st.lists(st.none() | TEXT, max_size=3),
    "BYTEA": st.sampled_from([b"", b"~", b"\x00", b"\x00\xff", b"1:a", b"\\x41", b"A"]),
}
ROW = st.tuples(*(st.none() | VALUES[kind] for kind in TYPES.values()))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Two rows that differ in few columns, in none, or in where a text is cut in two."""
    row, other = draw(ROW), draw(ROW)
    taken = draw(st.sets(st.integers(0, len(TYPES) - 1), max_size=3))
    mixed = [theirs if at in taken else ours for at, (ours, theirs) in enumerate(zip(row, other, strict=True))]
    if draw(st.booleans()):
        whole = "".join(filter(None, mixed[:3]))
        first, second = sorted(draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
        mixed[:3] = whole[:first], whole[first:second], whole[second:]
    return row, tuple(mixed)


Probe = "Callable[[Sequence[tuple[Any, ...]]], list[tuple[str, bytes]]]"


def probe_of(url: str, connection: Any, placeholder: str) -> Callable[..., list[tuple[str, bytes]]]:
    """Return a function that returns hash and record of each of some rows."""
    dialect = dialect_of(sa.make_url(url))
    cursor = connection.cursor()
    for pin in dialect.session_pins:
        cursor.execute(pin)
    names = ", ".join(f"{name} {kind}" for name, kind in TYPES.items())
    cursor.execute(f"CREATE TEMP TABLE t (row_at INTEGER, {names})")
    columns = [dialect.column(one) for one in dialect.describe(cursor, "SELECT * FROM t", {}) if one.name != "row_at"]
    written = [f"{expressions.filled(column.expression, f't.{column.name}')}" for column in columns]
    digest = expressions.row_hash(dialect, "salt", columns, lambda name: f"t.{name}")
    query = f"SELECT CAST({digest} AS VARCHAR), {', '.join(written)} FROM t ORDER BY row_at"  # noqa: S608
    values = ", ".join([placeholder] * (len(TYPES) + 1))
    encoder = RecordEncoder("m", columns)

    def probe(rows: Sequence[tuple[Any, ...]]) -> list[tuple[str, bytes]]:
        cursor.execute("DELETE FROM t")
        for at, row in enumerate(rows):
            cursor.execute(f"INSERT INTO t VALUES ({values})", (at, *row))  # noqa: S608
        cursor.execute(query)
        found = cursor.fetchall()
        return list(zip([row[0] for row in found], encoder.bodies([row[1:] for row in found]), strict=True))

    return probe


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def probe(request: pytest.FixtureRequest) -> Iterator[Callable[..., list[tuple[str, bytes]]]]:
    """One connection for all examples."""
    if request.param == "duckdb":
        with duckdb.connect() as connection:
            yield probe_of("duckdb:///:memory:", connection, "?")
        return
    url = request.getfixturevalue("postgres_server")
    with contextlib.closing(psycopg.connect(url, autocommit=True)) as connection:
        yield probe_of(url, connection, "%s")


EMPTY = (None,) * len(TYPES)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=pairs())
@example(rows=(("a|1:b", "c", None, *EMPTY[3:]), ("a", "b|1:c", None, *EMPTY[3:])))
@example(rows=((None, "", "~", *EMPTY[3:]), ("", None, "~", *EMPTY[3:])))
@example(rows=(("~", None, None, *EMPTY[3:]), (None, "~", None, *EMPTY[3:])))
def test_hashes_are_equal_if_and_only_if_records_are(
    probe: Callable[..., list[tuple[str, bytes]]], rows: tuple[tuple[Any, ...], tuple[Any, ...]]
) -> None:
    """Bars, colons, tildes, digits, quotes, nulls and empty texts, in any of several columns."""
    (hash_a, record_a), (hash_b, record_b) = probe(rows)
    assert (hash_a == hash_b) == (record_a == record_b), (record_a, record_b)
