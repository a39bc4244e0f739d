"""The user's SQL: parameters, colons, semicolons, hostile names, many columns."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_warehouse_model import sqltext

if TYPE_CHECKING:
    from collections.abc import Callable

COLONS = r"""
SELECT :n::bigint AS n, ':n' AS quoted, ':n''s :n' AS doubled, CAST('12:34:56' AS time) AS t, /* :n ; */
    (ARRAY[10, 20, 30])[1:2] AS slice, 'a%b%%' LIKE '%b%' AS matched, ":n" AS column_name, :word || '' AS word -- :n ;
FROM (SELECT 1 AS ":n") AS x
WHERE :yes AND :nothing IS NULL AND ':other' = ':other' ; -- done :n
"""


def test_parameters_are_bound_and_other_colons_stay(database: Any, run_tap: Callable[..., Any]) -> None:
    """Only declared names outside strings, comments and identifiers are parameters."""
    word = "it's; DROP TABLE t -- \" :n %s $n"
    if database.name == "postgresql":
        params = {"n": 7, "word": word, "yes": True, "nothing": None}
        sql = COLONS.replace(":nothing IS", "CAST(:nothing AS text) IS")
    else:
        params, sql = {"n": 7, "word": word, "yes": True, "nothing": None}, COLONS
    run = run_tap(database.config({"name": "m", "sql": sql, "params": params}))
    assert run.exit_code == 0, run.stderr
    assert run.records() == [
        {
            "n": 7,
            "quoted": ":n",
            "doubled": ":n's :n",
            "t": "12:34:56",
            "slice": [10, 20],
            "matched": True,
            "column_name": 1,
            "word": word,
        }
    ]


def test_a_list_is_one_parameter(database: Any, run_tap: Callable[..., Any]) -> None:
    """A list is bound as an array."""
    sql = "SELECT x FROM (VALUES (1), (2), (3)) AS v(x) WHERE x = ANY(:wanted) ORDER BY x"
    run = run_tap(database.config({"name": "m", "sql": sql, "params": {"wanted": [1, 3]}}))
    assert [record["x"] for record in run.records()] == [1, 3]


def test_dollar_quotes_hide_what_they_hold(postgres: Any, run_tap: Callable[..., Any]) -> None:
    """Colons, semicolons and quotes inside $$ and E'' are text."""
    sql = r"SELECT $$a;':n$$ AS a, $x$ $$ :n; $x$ AS b, E'\':n;' AS c, :n AS d; /* a /* nested */ ; */"
    (record,) = run_tap(postgres.config({"name": "m", "sql": sql, "params": {"n": 1}})).records()
    assert record == {"a": "a;':n", "b": " $$ :n; ", "c": "':n;", "d": 1}


@pytest.mark.parametrize("end", ["", ";", " ; \n", " -- comment", "; -- comment; 'x", " /* open\n*/ ;;"])
def test_the_end_of_a_query_may_look_any_way(database: Any, run_tap: Callable[..., Any], end: str) -> None:
    """A trailing semicolon or comment does not break the query that is built around the model."""
    run = run_tap(database.config({"name": "m", "sql": f"WITH a AS (SELECT 1 AS id) SELECT * FROM a{end}"}))  # noqa: S608
    assert (run.exit_code, run.records()) == (0, [{"id": 1}]), run.stderr


HOSTILE = [
    "select",
    "Mixed Case",
    'quo"te',
    "per%cent",
    "col:on",
    "a.b",
    "back\\slash",
    "new\nline",
    "ünï😀",
    "$1",
    "%s",
]


def test_hostile_names_are_quoted(database: Any, run_tap: Callable[..., Any]) -> None:
    """Reserved words, quotes, line breaks and percent signs in names change nothing."""
    quoted = ['"' + name.replace('"', '""') + '"' for name in HOSTILE]
    table = '"odd schema"."ta.b""le"'
    database.execute(
        'CREATE SCHEMA "odd schema"',
        f"CREATE TABLE {table} ({', '.join(f'{name} integer' for name in quoted)})",
        f"INSERT INTO {table} VALUES ({', '.join(map(str, range(len(HOSTILE))))})",  # noqa: S608
    )
    for key in HOSTILE:
        model = {
            "name": 'stream: odd/name "x" 😀\n',
            "table": table,
            "key_properties": [key],
            "replication_method": "INCREMENTAL",
            "replication_key": key,
        }
        run = run_tap(database.config(model))
        assert run.records() == [{name: position for position, name in enumerate(HOSTILE)}], run.stderr
        again = run_tap(database.config(model), state=run.state)
        assert again.records(model["name"]) == run.records()


def test_no_rows_is_a_schema_and_a_state(database: Any, run_tap: Callable[..., Any]) -> None:
    """An empty model is not an error."""
    run = run_tap(database.config({"name": "m", "sql": "SELECT 1 AS id WHERE 1 = 0"}))
    assert [message["type"] for message in run.messages] == ["SCHEMA", "STATE"]


def test_five_hundred_columns(database: Any, run_tap: Callable[..., Any]) -> None:
    """A wide model is a record like any other."""
    columns = ", ".join(f"{position} AS c{position}" for position in range(500))
    run = run_tap(database.config({"name": "m", "sql": f"SELECT {columns}"}))
    assert run.records() == [{f"c{position}": position for position in range(500)}]


def test_composite_keys_are_announced_in_order(database: Any, run_tap: Callable[..., Any]) -> None:
    """`key_properties` keep the order of the model."""
    run = run_tap(database.config({"name": "m", "sql": "SELECT 1 AS a, 2 AS b", "key_properties": ["b", "a"]}))
    assert run.of_type("SCHEMA")[0]["key_properties"] == ["b", "a"]


@given(st.text(string.ascii_letters + "'\"$:;-/*\\ \n%1[]=", max_size=40))
def test_scanning_changes_nothing_without_parameters(sql: str) -> None:
    """Whatever the text, pieces joined are the text."""
    assert sqltext.with_placeholders(sql, [], placeholder=str, escape=str) == sql


@given(st.text(string.ascii_letters + '":;-/*\\ \n%1[]=$', max_size=40))
def test_no_text_in_a_string_becomes_a_parameter(text: str) -> None:
    """A parameter's name inside a string literal stays as it is, whatever stands beside it."""
    sql = f"SELECT ':a{text}' AS x, :a"
    assert (
        sqltext.with_placeholders(sql, ["a"], placeholder="<{}>".format, escape=str) == f"SELECT ':a{text}' AS x, <a>"
    )
