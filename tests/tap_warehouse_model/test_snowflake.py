"""Snowflake: the real command with the real driver, over loopback, against fakesnow.

fakesnow runs SQL on DuckDB. It cannot show: integers beyond 64 bits (NUMBER(38,0) is a BIGINT there), TIMESTAMP_LTZ
as a type of its own, GEOGRAPHY and other rare types, `TO_CHAR` of a TIME, what pins of a session do, transactions that
DDL ends, and Snowflake's own wording of errors.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

if TYPE_CHECKING:
    from warehouses.account import Account
    from warehouses.environments import Command

TEXT = {"type": ["string", "null"]}
NUMBER = {"type": ["number", "null"]}
INTEGER = {"type": ["integer", "null"]}
TIMESTAMP = {**TEXT, "format": "date-time"}
ANY = {"type": ["object", "array", "string", "number", "boolean", "null"]}

# column -> (type, SQL of the value, value as parsed from JSON, JSON Schema)
TYPES: dict[str, tuple[str, str, Any, dict[str, Any]]] = {
    "ID": ("NUMBER(10,0)", "9999999999", 9999999999, INTEGER),
    "AMOUNT": ("NUMBER(18,2)", "'1.10'", Decimal("1.10"), NUMBER),
    "EXACT": ("NUMBER(38,9)", "'12345678901234567890.123456789'", Decimal("12345678901234567890.123456789"), NUMBER),
    "SCORE": ("FLOAT", "2.5", Decimal("2.5"), NUMBER),
    "LOST": ("FLOAT", "'NaN'", None, NUMBER),
    "ACTIVE": ("BOOLEAN", "TRUE", True, {"type": ["boolean", "null"]}),
    "NAME": ("VARCHAR(40)", "'ä \"q\" \\\\ %s 100%% 日本 😀'", 'ä "q" \\ %s 100%% 日本 😀', TEXT),
    "DAY": ("DATE", "'2024-02-29'", "2024-02-29", {**TEXT, "format": "date"}),
    "AT": ("TIME", "'12:34:56.789'", "12:34:56.789", TEXT),
    "NTZ": ("TIMESTAMP_NTZ", "'2024-01-02 03:04:05.678'", "2024-01-02T03:04:05.678000+00:00", TIMESTAMP),
    "TZ": ("TIMESTAMP_TZ", "'2024-01-02 03:04:05+02:00'", "2024-01-02T01:04:05.000000+00:00", TIMESTAMP),
    "LTZ": ("TIMESTAMP_LTZ", "'2024-01-02 03:04:05.5+00:00'", "2024-01-02T03:04:05.500000+00:00", TIMESTAMP),
    "ANYTHING": ("VARIANT", "PARSE_JSON('{\"b\": [1, 2.5, null]}')", {"b": [1, Decimal("2.5"), None]}, ANY),
    "RAW": ("BINARY", "TO_BINARY('00ff', 'HEX')", "AP8=", {**TEXT, "contentEncoding": "base64"}),
    "lower": ("VARCHAR", "NULL", None, TEXT),
}


def test_every_type_arrives_exactly(account: Account, snowflake_command: Command) -> None:
    """Each type has its documented form and schema; names stay as the query returns them."""
    definitions = ", ".join(f'"{name}" {sql_type}' for name, (sql_type, *_) in TYPES.items())
    values = ", ".join(value for _, value, *_ in TYPES.values())
    account.execute(f"CREATE TABLE t ({definitions})", f"INSERT INTO t SELECT {values}")
    run = snowflake_command(account.config({"name": "m", "table": "t", "key_properties": ["id"]}))
    assert run.exit_code == 0, run.stderr
    (record,) = run.records()
    for name, (_, _, value, schema) in TYPES.items():
        assert (name, record[name]) == (name, value)
        assert (name, run.schema["properties"][name]) == (name, schema)
    jsonschema.Draft202012Validator(run.schema).validate(json.loads(json.dumps(record, default=float)))
    assert run.of_type("SCHEMA")[0]["key_properties"] == ["ID"]
    assert "LOST (1)" in run.stderr
    assert run.stderr.lower().count("warning") == 1, "the driver warns of nothing"


def test_discovery_describes_without_running(account: Account, snowflake_command: Command) -> None:
    """A query that would fail on its rows is described; keys and replication keys are found in upper case."""
    account.execute("CREATE SCHEMA marts", "CREATE TABLE marts.t (customer_id NUMBER(9,0), v VARCHAR)")
    account.execute("INSERT INTO marts.t VALUES (1, 'not a number')")
    sql = 'SELECT customer_id, CAST(v AS INTEGER) AS n, 1 AS "Exact" FROM marts.t'
    keys = {"key_properties": ["customer_id"], "replication_method": "INCREMENTAL", "replication_key": "Customer_ID"}
    run = snowflake_command(
        account.config({"name": "m", "sql": sql, **keys}, {"name": "n", "table": "Marts.T"}), "--discover"
    )
    assert run.exit_code == 0, run.stderr
    model, table = json.loads(run.stdout)["streams"]
    assert list(model["schema"]["properties"]) == ["CUSTOMER_ID", "N", "Exact"]
    assert (model["key_properties"], model["replication_key"]) == (["CUSTOMER_ID"], "CUSTOMER_ID")
    assert list(table["schema"]["properties"]) == ["CUSTOMER_ID", "V"]


BOOKMARKS = {
    "id": ("NUMBER(38,0)", ["1", "2", "3"]),
    "day": ("DATE", ["2024-01-01", "2024-01-02", "2024-02-29"]),
    "ntz": ("TIMESTAMP_NTZ", ["2024-01-01 00:00:00", "2024-01-01 00:00:00.5", "2024-01-02 00:00:00"]),
    "tz": ("TIMESTAMP_TZ", ["2024-01-01T02:00:00+02:00", "2024-01-01T00:00:00.5+00:00", "2024-01-02T00:00:00+00:00"]),
    "word": ("VARCHAR", ["a", "b", "it's 100%"]),
}


def test_a_bookmark_resumes_with_every_kind_of_key(account: Account, snowflake_command: Command) -> None:
    """A full run, then one that reads from the last key on; rows without a key come first."""
    models = []
    for name, (sql_type, values) in BOOKMARKS.items():
        rows = ", ".join(f"('{value.replace(chr(39), chr(39) * 2)}')" for value in values)
        account.execute(f"CREATE TABLE t_{name} (k {sql_type})", f"INSERT INTO t_{name} VALUES {rows}, (NULL)")  # noqa: S608
        keys = {"replication_method": "INCREMENTAL", "replication_key": "k", "key_properties": ["k"]}
        models.append({"name": name, "table": f"t_{name}", **keys})
    first = snowflake_command(account.config(*models))
    assert first.exit_code == 0, first.stderr
    assert [len(first.records(name)) for name in BOOKMARKS] == [4] * 5
    assert first.records("id")[0] == {"K": None}
    assert first.state["bookmarks"]["tz"] == {
        "replication_key": "K",
        "replication_key_value": "2024-01-02T00:00:00.000000+00:00",
    }
    again = snowflake_command(account.config(*models), state=first.state)
    assert [again.records(name) for name in BOOKMARKS] == [first.records(name)[-1:] for name in BOOKMARKS], again.stderr


def test_parameters_percent_signs_and_odd_names(account: Account, snowflake_command: Command) -> None:
    """Parameters are bound by the driver; percent signs stay, with parameters and without."""
    word = "it's; DROP TABLE t -- \" :n %s %(n)s \\ 100%"
    odd = ["select", "Mixed Case", 'quo"te', "per%cent", "col:on", "a.b", "ünï😀"]
    quoted = ['"' + name.replace('"', '""') + '"' for name in odd]
    account.execute(
        'CREATE SCHEMA "odd schema"',
        f'CREATE TABLE "odd schema"."ta.b""le" ({", ".join(f"{name} INTEGER" for name in quoted)})',
        f'INSERT INTO "odd schema"."ta.b""le" VALUES ({", ".join(map(str, range(len(odd))))})',  # noqa: S608
    )
    bound = {
        "name": "bound",
        "sql": "SELECT :n AS n, :word AS word, ':n' AS quoted, 'a%b' LIKE 'a%' AS matched, :yes AS yes, "
        ":nothing AS nothing, :n::VARCHAR AS text; -- done :n",
        "params": {"n": 7, "word": word, "yes": True, "nothing": None},
    }
    listed = {
        "name": "listed",
        "sql": "SELECT x FROM (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3) WHERE x IN (:wanted) ORDER BY x",
        "params": {"wanted": [1, 3]},
    }
    plain = {"name": "plain", "sql": "SELECT 'a%%b' AS p, 'x%' LIKE '%x%' AS matched"}
    table = {"name": "odd", "table": '"odd schema"."ta.b""le"', "key_properties": odd}
    run = snowflake_command(account.config(bound, listed, plain, table))
    assert run.exit_code == 0, run.stderr
    expected = {"N": 7, "WORD": word, "QUOTED": ":n", "MATCHED": True, "YES": True, "NOTHING": None, "TEXT": "7"}
    assert run.records("bound") == [expected]
    assert [record["X"] for record in run.records("listed")] == [1, 3]
    assert run.records("plain") == [{"P": "a%%b", "MATCHED": True}]
    assert run.records("odd") == [{name: position for position, name in enumerate(odd)}]


def test_wrong_models_are_refused_together(account: Account, snowflake_command: Command) -> None:
    """One message lists them; exit code 78."""
    run = snowflake_command(
        account.config(
            {"name": "gone", "table": "nowhere"},
            {"name": "typo", "sql": "SELEC 1"},
            {"name": "twice", "sql": 'SELECT 1 AS a, 2 AS b, 3 AS "A"'},
            {"name": "key", "sql": 'SELECT 1 AS "id", 2 AS "Id"', "key_properties": ["ID"]},
        )
    )
    assert run.exit_code == 78, run.stderr
    assert "4 problems" in run.errors
    assert "Model 'gone': the warehouse refuses its query" in run.errors
    assert "Model 'typo': the warehouse refuses its query" in run.errors
    assert "more than one column 'A'" in run.errors
    assert "the key column 'ID' is not among the query's columns (id, Id)" in run.errors
    assert "Traceback" not in run.stderr


def test_errors_of_the_data_show_no_value(account: Account, snowflake_command: Command) -> None:
    """A value that cannot be cast fails the run; the value itself appears nowhere."""
    account.execute("CREATE TABLE t (v VARCHAR)", "INSERT INTO t VALUES ('1'), ('ada@example.com')")
    run = snowflake_command(account.config({"name": "m", "sql": "SELECT CAST(v AS INTEGER) AS n FROM t"}))
    assert run.exit_code == 1
    assert "Model 'm': the query failed" in run.errors
    assert "ada@example.com" not in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


MODEL = {"name": "m", "sql": "SELECT 1 AS id"}


def test_a_wrong_password_and_a_host_that_does_not_answer(account: Account, snowflake_command: Command) -> None:
    """Each is one message without the password; exit code 1, as with every other warehouse."""
    config = account.config(MODEL)
    config["sqlalchemy_url"] = account.url.replace(":snow@", ":hunter2@")
    refused = snowflake_command(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        closed = account.url.replace(f":{account.port}/", f":{listener.getsockname()[1]}/")
        config["sqlalchemy_url"] = closed.replace(":snow@", ":hunter2@")
        config["engine_options"]["connect_args"]["login_timeout"] = 2
        unreachable = snowflake_command(config)
    for run in (refused, unreachable):
        assert run.exit_code == 1, run.stderr
        assert "The warehouse cannot be opened" in run.errors
        assert "hunter2" not in run.stdout + run.stderr
        assert "Traceback" not in run.stderr
    assert "Incorrect username or password" in refused.errors


def test_a_parameter_that_the_url_cannot_hold_is_led_to_the_options(
    account: Account, snowflake_command: Command
) -> None:
    """The driver takes no key file in its URL: the message names the parameter, without its value, and the remedy."""
    config = {**account.config(MODEL), "engine_options": {}}
    config["sqlalchemy_url"] = "snowflake://loader@acme/analytics/marts?role=r&private_key_file=hunter2.p8"
    run = snowflake_command(config)
    assert run.exit_code == 78, run.stderr
    assert "'sqlalchemy_url' (given: 'role', 'private_key_file')" in run.errors
    assert "'connect_args' of 'engine_options'" in run.errors
    assert "hunter2" not in run.stdout + run.stderr


@pytest.mark.long
def test_sessions_are_pinned_tagged_and_closed(account: Account, snowflake_command: Command) -> None:
    """Every session has the zone, the formats and the tag, unless the user wants another tag."""
    before = len(account.report()["logins"])
    assert snowflake_command(account.config(MODEL)).exit_code == 0
    config = account.config(MODEL)
    config["engine_options"]["connect_args"]["session_parameters"] = {"QUERY_TAG": "mine"}
    assert snowflake_command(config).exit_code == 0
    report = account.report()
    tags = [login["QUERY_TAG"] for login in report["logins"][before:]]
    assert sorted(set(tags)) == ["mine", "tap-warehouse-model"]
    assert "ALTER SESSION SET TIMEZONE = 'UTC'" in report["statements"]


ENDLESS = {"name": "m", "sql": "SELECT COUNT(*) AS n FROM a x, a y, a z WHERE x.i * y.i + z.i = -1"}


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_signal_cancels_the_query_on_the_server(
    account: Account, snowflake_command: Command, number: signal.Signals
) -> None:
    """The run ends with 128 + n at once, and the server is asked to stop computing."""
    account.execute(
        "CREATE TABLE a AS SELECT ROW_NUMBER() OVER (ORDER BY 1) AS i FROM TABLE(GENERATOR(ROWCOUNT => 9999))"
    )
    line = snowflake_command.arguments(account.config(ENDLESS))
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=snowflake_command.variables
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # SCHEMA
        time.sleep(1)
        process.send_signal(number)
        out, logs = process.communicate(timeout=30)
    assert process.returncode == 128 + number, logs.decode()
    assert json.loads(out.splitlines()[-1])["type"] == "STATE"
    assert b"Traceback" not in logs
    assert any("SYSTEM$CANCEL_ALL_QUERIES(7)" in statement for statement in account.report()["statements"])
