"""INCREMENTAL replication: two runs, ties, nulls, strange bookmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def model(**changes: Any) -> dict[str, Any]:
    """Return an incremental model over table `t`."""
    return {
        "name": "m",
        "table": "t",
        "key_properties": ["id"],
        "replication_method": "INCREMENTAL",
        "replication_key": "rk",
        **changes,
    }


def ids(run: Any) -> list[int]:
    """Return the keys in the order of the records."""
    assert run.exit_code == 0, run.stderr
    return [record["id"] for record in run.records()]


# column type, three rising values, the bookmark after the second
KEYS = {
    "bigint": ("bigint", ["-5", "0", "7"], 0),
    "decimal without fraction": ("decimal(20,0)", ["1", "10", "9999999999999999999"], 10),
    "text": ("text", ["'B'", "'b''; --'", "'ba'"], "b'; --"),
    "date": ("date", ["DATE '2023-12-31'", "DATE '2024-01-01'", "DATE '2024-01-02'"], "2024-01-01"),
    "timestamp": (
        "timestamp",
        ["TIMESTAMP '2024-01-01 09:00:00'", "TIMESTAMP '2024-01-01 10:00:00.5'", "TIMESTAMP '2024-01-02 00:00:00'"],
        "2024-01-01T10:00:00.500000+00:00",
    ),
    "timestamptz": (
        "timestamptz",
        [
            "TIMESTAMPTZ '2024-01-01 11:00:00+03'",
            "TIMESTAMPTZ '2024-01-01 09:00:00.000001-01'",
            "TIMESTAMPTZ '2024-01-01 11:00:00+00'",
        ],
        "2024-01-01T10:00:00.000001+00:00",
    ),
    "uuid": (
        "uuid",
        [f"CAST('00000000-0000-7000-8000-00000000000{digit}' AS uuid)" for digit in (1, 2, 3)],
        "00000000-0000-7000-8000-000000000002",
    ),
}


@pytest.mark.parametrize("case", KEYS)
def test_the_second_run_resumes_at_the_bookmark(database: Any, run_tap: Callable[..., Any], case: str) -> None:
    """A second run with the first one's STATE emits the last row again and what came after it."""
    sql_type, (first, second, third), bookmark = KEYS[case]
    create = f"CREATE TABLE t (id integer, rk {sql_type})"
    database.execute(create, f"INSERT INTO t VALUES (1, {first}), (2, {second})")  # noqa: S608
    one = run_tap(database.config(model()))
    assert ids(one) == [1, 2]
    assert one.state == {"bookmarks": {"m": {"replication_key": "rk", "replication_key_value": bookmark}}}
    database.execute(f"INSERT INTO t VALUES (3, {third})")  # noqa: S608
    two = run_tap(database.config(model()), state=one.state)
    assert ids(two) == [2, 3]
    nothing_new = run_tap(database.config(model()), state=two.state)
    assert ids(nothing_new) == [3]
    assert nothing_new.state == two.state


def test_rows_that_share_the_last_value_are_sent_again(database: Any, run_tap: Callable[..., Any]) -> None:
    """Ties at the bookmark are re-sent, so that a row that arrives late with the same value is not lost."""
    database.execute("CREATE TABLE t (id integer, rk integer)", "INSERT INTO t VALUES (1, 1), (3, 2), (2, 2)")
    one = run_tap(database.config(model()))
    assert ids(one) == [1, 2, 3]
    database.execute("INSERT INTO t VALUES (4, 2)")
    assert ids(run_tap(database.config(model()), state=one.state)) == [2, 3, 4]


def test_no_rows_leave_the_bookmark_where_it_was(database: Any, run_tap: Callable[..., Any]) -> None:
    """A run without rows emits the STATE that it was given."""
    database.execute("CREATE TABLE t (id integer, rk integer)")
    state = {"bookmarks": {"m": {"replication_key": "rk", "replication_key_value": 9}}}
    run = run_tap(database.config(model()), state=state)
    assert (run.exit_code, run.records(), run.state) == (0, [], state)


def test_rows_without_replication_key_come_with_the_full_load_only(database: Any, run_tap: Callable[..., Any]) -> None:
    """Null replication keys are emitted by the first run, with a warning that counts them."""
    database.execute("CREATE TABLE t (id integer, rk integer)", "INSERT INTO t VALUES (1, 5), (2, NULL), (3, NULL)")
    one = run_tap(database.config(model()))
    assert ids(one) == [2, 3, 1]
    assert "2 rows have no replication key 'rk'" in one.stderr
    assert ids(run_tap(database.config(model()), state=one.state)) == [1]


def test_only_null_keys_set_no_bookmark(database: Any, run_tap: Callable[..., Any]) -> None:
    """Without a single value there is nothing to resume from."""
    database.execute("CREATE TABLE t (id integer, rk integer)", "INSERT INTO t VALUES (1, NULL)")
    assert run_tap(database.config(model())).state == {"bookmarks": {"m": {}}}


def test_a_future_date_does_not_hide_later_changes(database: Any, run_tap: Callable[..., Any]) -> None:
    """The bookmark never passes the present, or one row dated 2999 would end the replication."""
    database.execute(
        "CREATE TABLE t (id integer, rk timestamp)",
        "INSERT INTO t VALUES (1, TIMESTAMP '2024-01-01 00:00:00'), (2, TIMESTAMP '2999-01-01 00:00:00')",
    )
    one = run_tap(database.config(model()))
    assert "2024-01-01" < one.state["bookmarks"]["m"]["replication_key_value"] < "2900"
    assert ids(run_tap(database.config(model()), state=one.state)) == [2]


def test_infinity_does_not_become_a_bookmark(database: Any, run_tap: Callable[..., Any]) -> None:
    """A timestamp of infinity is emitted as null and passed over by the bookmark."""
    database.execute(
        "CREATE TABLE t (id integer, rk timestamp)",
        "INSERT INTO t VALUES (1, TIMESTAMP '2024-01-01 00:00:00'), (2, 'infinity')",
    )
    run = run_tap(database.config(model()))
    assert run.records()[1] == {"id": 2, "rk": None}
    assert run.state["bookmarks"]["m"]["replication_key_value"] == "2024-01-01T00:00:00.000000+00:00"


def test_state_in_between_lets_a_run_resume(duck: Any, run_tap: Callable[..., Any]) -> None:
    """STATE comes at least every 10,000 records or so, has constant size, and covers only what was written."""
    duck.execute("CREATE TABLE t AS SELECT range AS id, range // 7 AS rk FROM range(50000)")
    run = run_tap(duck.config(model()))
    states = [(position, message) for position, message in enumerate(run.messages) if message["type"] == "STATE"]
    assert len(states) >= 5
    for position, message in states:
        (bookmark,) = message["value"]["bookmarks"].values()
        before = [m["record"]["rk"] for m in run.messages[:position] if m["type"] == "RECORD"]
        assert bookmark == {"replication_key": "rk", "replication_key_value": before[-1]}
    resumed = run_tap(duck.config(model()), state=states[2][1]["value"])
    done = {m["record"]["id"] for m in run.messages[: states[2][0]] if m["type"] == "RECORD"}
    assert done | set(ids(resumed)) == set(range(50000))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-01-02T00:00:00Z", [2, 3]),
        ("2024-01-02 02:00:00+02:00", [2, 3]),
        ("2024-01-02", [2, 3]),
        ("2024-01-03T00:00:00.5", []),
    ],
)
def test_bookmarks_of_other_taps_are_understood(
    database: Any, run_tap: Callable[..., Any], written: str, expected: list[int]
) -> None:
    """A timestamp in any ISO form, with any offset, is the same moment."""
    database.execute(
        "CREATE TABLE t (id integer, rk timestamptz)",
        *[f"INSERT INTO t VALUES ({day}, TIMESTAMPTZ '2024-01-0{day} 00:00:00+00')" for day in (1, 2, 3)],  # noqa: S608
    )
    state = {"bookmarks": {"m": {"replication_key": "rk", "replication_key_value": written}}}
    assert ids(run_tap(database.config(model()), state=state)) == expected


@pytest.mark.parametrize(
    ("sql_type", "value"), [("integer", "x"), ("integer", 1.5), ("timestamp", "soon"), ("date", 5)]
)
def test_a_bookmark_of_another_type_is_refused(
    database: Any, run_tap: Callable[..., Any], sql_type: str, value: object
) -> None:
    """A bookmark that does not fit the column stops the run with the remedy, and is not shown."""
    database.execute(f"CREATE TABLE t (id integer, rk {sql_type})")
    state = {"bookmarks": {"m": {"replication_key": "rk", "replication_key_value": value}}}
    run = run_tap(database.config(model()), state=state)
    assert run.exit_code == 78
    assert "the bookmark in STATE does not fit the replication key 'rk'" in run.errors
    assert "--full-refresh" in run.errors
    assert "soon" not in run.errors


def test_a_bookmark_of_another_column_is_ignored_with_a_warning(duck: Any, run_tap: Callable[..., Any]) -> None:
    """After the replication key was changed, all rows are read once."""
    duck.execute("CREATE TABLE t (id integer, rk integer)", "INSERT INTO t VALUES (1, 1), (2, 2)")
    state = {"bookmarks": {"m": {"replication_key": "old", "replication_key_value": 9}}}
    run = run_tap(duck.config(model()), state=state)
    assert ids(run) == [1, 2]
    assert "the bookmark belongs to the replication key 'old'" in run.stderr


def test_start_value_is_where_the_first_run_begins(duck: Any, run_tap: Callable[..., Any]) -> None:
    """`start_value` counts until there is a bookmark."""
    duck.execute("CREATE TABLE t (id integer, rk date)", "INSERT INTO t VALUES (1, '2023-01-01'), (2, '2024-01-01')")
    config = duck.config(model(start_value="2023-06-01"))
    assert ids(run_tap(config)) == [2]
    state = {"bookmarks": {"m": {"replication_key": "rk", "replication_key_value": "2022-01-01"}}}
    assert ids(run_tap(config, state=state)) == [1, 2]


@pytest.mark.parametrize("sql_type", ["double precision", "decimal(10,2)", "boolean"])
def test_a_replication_key_that_state_cannot_hold_is_refused(
    database: Any, run_tap: Callable[..., Any], sql_type: str
) -> None:
    """Floats, decimals and what has no useful order are refused at the start, with the remedy."""
    database.execute(f"CREATE TABLE t (id integer, rk {sql_type})")
    run = run_tap(database.config(model()))
    assert (run.exit_code, run.records()) == (78, [])
    assert "cannot be a replication key" in run.errors
    assert "cast it in the query" in run.errors


def test_full_table_needs_no_bookmark(database: Any, run_tap: Callable[..., Any]) -> None:
    """FULL_TABLE emits every row in every run, whatever STATE says."""
    database.execute("CREATE TABLE t (id integer)", "INSERT INTO t VALUES (1), (2)")
    config = database.config({"name": "m", "table": "t", "key_properties": ["id"]})
    one = run_tap(config)
    assert one.state == {"bookmarks": {"m": {}}}
    assert sorted(ids(run_tap(config, state=one.state))) == [1, 2]
