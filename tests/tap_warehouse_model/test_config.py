"""Configuration, model files and queries that cannot work: one clear error each, exit code 78."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MODEL = {"name": "m", "sql": "SELECT 1 AS id"}


def refused(run: Any, *parts: str) -> None:
    """Assert a configuration error without traceback, before any message."""
    assert run.exit_code == 78, run.stderr
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    for part in parts:
        assert part in run.errors


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ({"sql": "SELECT 1"}, "a model needs a 'name'"),
        ({"name": "m"}, "give exactly one of 'sql', 'sql_file', 'table', 'dbt_model' (found: none)"),
        ({**MODEL, "table": "t"}, "(found: 'sql' and 'table')"),
        ({"name": "m", "sql": " "}, "'sql' must be a text that is not empty"),
        ({"name": "m", "sql": "-- nothing"}, "its SQL is empty"),
        ({"name": "m", "sql": "SELECT 1; SELECT 2"}, "holds more than one statement"),
        ({"name": "m", "table": "a..b"}, "'table' has an empty part"),
        ({**MODEL, "key_properties": "id"}, "must be a list of column names"),
        ({**MODEL, "key_properties": ["id", "id"]}, "names a column twice"),
        ({**MODEL, "key_properties": ["nope"]}, "the key column 'nope' is not among the query's columns (id)"),
        ({**MODEL, "replication_method": "LOG_BASED"}, "LOG_BASED needs 'key_properties', the columns"),
        ({**MODEL, "replication_method": "incremental"}, "must be FULL_TABLE, INCREMENTAL or LOG_BASED"),
        ({**MODEL, "replication_method": "INCREMENTAL"}, "INCREMENTAL needs 'replication_key'"),
        ({**MODEL, "replication_key": "id"}, "has no effect with FULL_TABLE"),
        (
            {**MODEL, "replication_method": "INCREMENTAL", "replication_key": "x"},
            "'x' is not among the query's columns",
        ),
        ({**MODEL, "start_value": 1}, "'start_value' needs INCREMENTAL"),
        ({**MODEL, "params": [1]}, "'params' must map names to values"),
        ({**MODEL, "params": {"a": 1}}, "parameter 'a' is not used"),
        ({**MODEL, "params": {"a b": 1}}, "the parameter name 'a b' is not an identifier"),
        ({"name": "m", "sql": "SELECT :a", "params": {"a": {}}}, "parameter 'a' must be a text, a number"),
        ({"name": "m", "table": "t", "params": {"a": 1}}, "'params' go with 'sql' or 'sql_file'"),
        ({**MODEL, "primary_key": ["id"]}, "unknown setting 'primary_key'. Remove it, or use one of"),
        ({**MODEL, "key_property": ["id"]}, "Did you mean 'key_properties'?"),
        ({"name": "m", "sql_file": "nope.sql"}, "'sql_file' was not found"),
        ({"name": "m", "sql": "SELECT 1 AS a, 2 AS b, 3 AS a"}, "more than one column 'a'"),
        ({"name": "m", "sql": "SELECT * FROM nowhere"}, "the warehouse refuses its query"),
        ({"name": "m", "sql": "SELEC 1"}, "the warehouse refuses its query"),
        ({"name": "m", "sql": "SELECT x AS a FROM (SELECT 1 AS y) AS z"}, "the warehouse refuses its query"),
        ("text", "must be a mapping"),
    ],
)
def test_a_wrong_model_is_refused_with_the_remedy(
    database: Any, run_tap: Callable[..., Any], entry: Any, part: str
) -> None:
    """Whatever is wrong with a model, one message says what and where."""
    refused(run_tap(database.config(entry)), part)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"models": [MODEL]}, "'sqlalchemy_url' is missing"),
        ({"sqlalchemy_url": "hunter2@@", "models": [MODEL]}, "'sqlalchemy_url' is not a SQLAlchemy URL"),
        ({"sqlalchemy_url": "mysql://u:hunter2@h/d", "models": [MODEL]}, "'mysql' is not supported"),
        ({"sqlalchemy_url": ["hunter2"], "models": [MODEL]}, "'sqlalchemy_url' is missing"),
        ({"sqlalchemy_url": "duckdb://"}, "There are no models"),
        ({"sqlalchemy_url": "duckdb://", "models": []}, "There are no models"),
        ({"sqlalchemy_url": "duckdb://", "models": {"m": 1}}, "'models' must be a list"),
        ({"sqlalchemy_url": "duckdb://", "models_path": "nowhere"}, "nowhere' does not exist"),
        ({"sqlalchemy_url": "duckdb://", "models_path": 1}, "'models_path' must be the path of a folder"),
        ({"sqlalchemy_url": "duckdb://", "models": [MODEL, MODEL]}, "Model 'm' is defined 2 times"),
        ({"sqlalchemy_url": "duckdb://", "models": [MODEL], "engine_options": 1}, "'engine_options' must map"),
        ({"sqlalchemy_url": "duckdb://", "models": [MODEL], "engine_options": {"nope": "hunter2"}}, "given: 'nope'"),
        ({"sqlalchemy_url": "duckdb://", "modles": [MODEL]}, "Unknown setting 'modles'. Did you mean 'models'?"),
        ({"sqlalchemy_url": "duckdb:////nowhere/x.duckdb", "models": [MODEL]}, "'/nowhere/x.duckdb' does not exist"),
        ({"sqlalchemy_url": "duckdb://", "models": [MODEL], "stream_maps": 5}, "stream_maps"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_remedy(
    run_tap: Callable[..., Any], settings: dict[str, Any], part: str
) -> None:
    """Whatever is wrong with a setting, one message says what, and never shows its value."""
    run = run_tap(settings)
    refused(run, part)
    assert "hunter2" not in run.stderr
    if "stream_maps" not in settings:  # discovery does not apply them
        refused(run_tap(settings, "--discover"), part)


def test_one_error_lists_every_problem(run_tap: Callable[..., Any]) -> None:
    """A user corrects everything at once, not one message after the other."""
    run = run_tap({"modles": 1, "models": [{"name": "a"}, {"name": "b", "sql": ""}, MODEL, MODEL]})
    refused(run, "5 problems in the configuration", "'modles'", "Model 'a'", "Model 'b'", "defined 2 times")
    assert run.errors.count("ERROR") == 1


def test_every_model_that_the_warehouse_refuses_is_listed(duck: Any, run_tap: Callable[..., Any]) -> None:
    """Models are all described before one error names those that fail."""
    bad = [{"name": name, "sql": f"SELECT * FROM {name}"} for name in ("first", "second")]  # noqa: S608
    refused(run_tap(duck.config(*bad, MODEL)), "2 problems", "Model 'first'", "Model 'second'")


def test_a_file_that_is_no_database_is_named(tmp_path: Path, run_tap: Callable[..., Any]) -> None:
    """Pointing at another kind of file says so."""
    path = tmp_path / "x.duckdb"
    path.write_text("not a database" * 1000, encoding="utf-8")
    run = run_tap({"sqlalchemy_url": f"duckdb:///{path}", "models": [MODEL]})
    assert run.exit_code == 78
    assert "not a valid DuckDB database file" in run.errors


@contextmanager
def another_process(path: Path, *, read_only: bool) -> Iterator[None]:
    """Keep the file open in another process."""
    code = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}, read_only={read_only}); "
        "print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate()


def test_a_file_that_is_being_written_is_busy(duck: Any, run_tap: Callable[..., Any]) -> None:
    """While another process writes the file, the run ends with 75, which asks to try again."""
    with another_process(duck.path, read_only=False):
        run = run_tap(duck.config(MODEL))
    assert run.exit_code == 75
    assert "in use by another process" in run.errors
    assert run_tap(duck.config(MODEL)).exit_code == 0


def test_two_processes_read_one_file_at_once(duck: Any, run_tap: Callable[..., Any]) -> None:
    """The file is opened read-only, so that another reader is not locked out."""
    with another_process(duck.path, read_only=True):
        assert run_tap(duck.config(MODEL)).exit_code == 0


def test_a_server_that_does_not_answer_is_an_error_without_password(run_tap: Callable[..., Any]) -> None:
    """The message names the server; the password is nowhere."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        run = run_tap({"sqlalchemy_url": f"postgresql://u:hunter2@127.0.0.1:{port}/d", "models": [MODEL]})
    assert run.exit_code == 1
    assert "127.0.0.1" in run.errors
    assert "hunter2" not in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


def test_a_query_that_breaks_off_shows_no_value(database: Any, run_tap: Callable[..., Any]) -> None:
    """A value that cannot be cast fails the run; the value itself appears nowhere."""
    database.execute("CREATE TABLE t (v text)", "INSERT INTO t VALUES ('1'), ('ada@example.com')")
    run = run_tap(database.config({"name": "m", "sql": "SELECT CAST(v AS integer) AS n FROM t"}))
    assert run.exit_code == 1
    assert "Model 'm': the query failed" in run.errors
    assert "ada@example.com" not in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


def test_a_model_cannot_write(postgres: Any, run_tap: Callable[..., Any]) -> None:
    """The session is read-only, whatever a function in the model does."""
    postgres.execute("CREATE SEQUENCE s")
    run = run_tap(postgres.config({"name": "m", "sql": "SELECT nextval('s') AS n"}))
    assert run.exit_code == 78
    assert "the session may only read" in run.errors
