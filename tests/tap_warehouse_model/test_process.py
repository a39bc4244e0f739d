"""The installed command as a process: signals, a closed pipe, exit codes, memory, logs."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = [str(Path(sys.executable).parent / "tap-warehouse-model")]

NUMBERS = {
    "name": "numbers",
    "sql": "SELECT range AS id, 'some text to fill the pipe' AS note FROM range(3000000)",
    "replication_method": "INCREMENTAL",
    "replication_key": "id",
}


@pytest.fixture
def start(tmp_path: Path, duck: Any) -> Callable[..., subprocess.Popen[bytes]]:
    """Start the command on a database (the DuckDB file by default) with models."""

    def run(*models: dict[str, Any], database: Any = duck, **environment: str) -> subprocess.Popen[bytes]:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(database.config(*models)), encoding="utf-8")
        return subprocess.Popen(
            [*COMMAND, "--config", str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )

    return run


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_with_state_and_not_with_success(
    start: Callable[..., subprocess.Popen[bytes]], number: signal.Signals, unbuffered: str
) -> None:
    """Whole lines, a last STATE that covers only emitted records, and 128 + n: Meltano must not see a success.

    Images for containers often set PYTHONUNBUFFERED; a signal then cuts a write short.
    """
    process = start(NUMBERS, PYTHONUNBUFFERED=unbuffered)
    assert process.stdout is not None
    head = [process.stdout.readline() for _ in range(30000)]
    process.send_signal(number)
    assert process.stderr is not None
    rest, logs = process.stdout.read(), process.stderr.read()  # communicate() would lose what readline() buffered
    messages = [json.loads(line) for line in b"".join([*head, rest]).splitlines()]
    assert process.wait(30) == 128 + number
    assert messages[-1]["type"] == "STATE"
    last = [message["record"]["id"] for message in messages if message["type"] == "RECORD"][-1]
    assert 29000 < last < 2999999
    assert messages[-1]["value"]["bookmarks"]["numbers"]["replication_key_value"] <= last
    assert b"Traceback" not in logs
    assert number.name.encode() in logs


ENDLESS = {
    "duck": "SELECT count(*) AS n FROM range(3000000) AS a, range(3000000) AS b WHERE a.range * b.range % 7 = 3",
    "postgres": "SELECT CAST(pg_sleep(600) AS text) AS n",
}


@pytest.mark.parametrize("pause_s", [0.5, 3])
@pytest.mark.parametrize("source", ENDLESS)
def test_a_signal_breaks_off_a_query_that_computes(
    start: Callable[..., subprocess.Popen[bytes]], request: pytest.FixtureRequest, source: str, pause_s: float
) -> None:
    """A query that takes minutes before its first row does not delay the end."""
    process = start({"name": "m", "sql": ENDLESS[source]}, database=request.getfixturevalue(source))
    assert process.stdout is not None
    process.stdout.readline()  # SCHEMA
    time.sleep(pause_s)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    process.communicate()


def test_a_signal_before_the_first_row_replaces_no_state(
    start: Callable[..., subprocess.Popen[bytes]], postgres: Any
) -> None:
    """While models are described, nothing is known of STATE yet: an empty one must not become the last."""
    postgres.execute("CREATE TABLE m (id integer)")
    with psycopg.connect(postgres.url) as connection:
        connection.execute("LOCK TABLE m")
        process = start({"name": "m", "table": "m"}, database=postgres)
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        with psycopg.connect(postgres.url, autocommit=True) as observer:  # a transaction would see one moment only
            while not observer.execute(waiting).fetchall():
                time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        out, logs = process.communicate(timeout=20)
    assert process.returncode == 143
    assert out == b""
    assert b"Traceback" not in logs


def wait_until_full(pipe: int) -> None:
    """Return when nothing is added to what can be read."""
    sizes = [0, 1]
    while sizes[-1] == 0 or sizes[-1] != sizes[-2]:
        time.sleep(0.2)
        answer = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
        sizes.append(int.from_bytes(answer, sys.byteorder))


def test_a_second_signal_stops_a_tap_whose_reader_hangs(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """The first signal waits for the line in hand; the second one does not."""
    process = start(NUMBERS)
    assert process.stdout is not None
    process.stdout.readline()
    wait_until_full(process.stdout.fileno())
    process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 143
    process.communicate()


def test_a_reader_that_leaves_is_an_error_without_traceback(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """When the target dies, the tap says so and fails."""
    process = start(NUMBERS)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    logs = process.stderr.read().decode()
    assert process.wait(30) == 1
    assert "The target stopped reading before the end" in logs
    assert "Traceback" not in logs
    assert "Exception ignored" not in logs


def test_memory_does_not_grow_with_the_rows(start: Callable[..., subprocess.Popen[bytes]], postgres: Any) -> None:
    """400 records of 1 MB pass through less than 200 MB, and arrive whole."""
    sql = "SELECT id, repeat('x', 1000000) AS body FROM generate_series(1, 400) AS id"
    process = start({"name": "big", "sql": sql}, database=postgres)
    watched = psutil.Process(process.pid)
    peak = records = 0
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(b'{"type":"RECORD"'):
            records += 1
            assert len(line) > 1_000_000
        if records % 50 == 0:
            peak = max(peak, watched.memory_info().rss)
    process.communicate()
    assert (process.returncode, records) == (0, 400)
    assert peak < 200e6


def test_configuration_errors_exit_with_78(tmp_path: Path) -> None:
    """The exit code is that of sysexits for a configuration error, also while discovering and testing."""
    path = tmp_path / "config.json"
    path.write_text('{"sqlalchemy_url": "duckdb:////nowhere.duckdb"}', encoding="utf-8")
    for arguments in ([], ["--discover"], ["--test"]):
        result = subprocess.run(
            [*COMMAND, "--config", str(path), *arguments], capture_output=True, text=True, check=False
        )
        assert result.returncode == 78
        assert result.stdout == ""
        assert "There are no models" in result.stderr
        assert "Traceback" not in result.stderr


def test_settings_come_from_the_environment(duck: Any) -> None:
    """`--config=ENV` reads TAP_WAREHOUSE_MODEL_*; lists are JSON."""
    environment = {
        **os.environ,
        "TAP_WAREHOUSE_MODEL_SQLALCHEMY_URL": duck.url,
        "TAP_WAREHOUSE_MODEL_MODELS": '[{"name": "m", "sql": "SELECT 1 AS id"}]',
    }
    result = subprocess.run([*COMMAND, "--config=ENV"], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert '"record":{"id":1}' in result.stdout


def test_logs_are_structured_on_request_and_hold_no_value(
    start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """With the log configuration that Meltano passes, each line of stderr is JSON."""
    config = tmp_path / "logging.json"
    formatter = {"()": "singer_sdk.logging.StructuredFormatter"}
    handler = {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
    config.write_text(
        json.dumps(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "formatters": {"json": formatter},
                "handlers": {"console": handler},
                "root": {"level": "DEBUG", "handlers": ["console"]},
            }
        ),
        encoding="utf-8",
    )
    model = {"name": "m", "sql": "SELECT 'ada@example.com' AS email, 'nan'::DOUBLE AS score"}
    process = start(model, SINGER_SDK_LOG_CONFIG=str(config), TAP_WAREHOUSE_MODEL_LOGLEVEL="DEBUG")
    out, logs = process.communicate()
    assert process.returncode == 0
    assert b"ada@example.com" in out
    lines = [json.loads(line) for line in logs.splitlines()]
    assert any("score (1)" in line["message"] for line in lines)
    assert b"ada@example.com" not in logs


@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
@pytest.mark.parametrize("content", [None, "", "{"])
def test_a_file_that_cannot_be_read_is_a_message(option: str, content: str | None, tmp_path: Path) -> None:
    """A missing, empty or broken file ends with a message and 78 or click's 2, never with a traceback."""
    config = tmp_path / "config.json"
    config.write_text('{"sqlalchemy_url": "duckdb:////nowhere.duckdb", "models": []}', encoding="utf-8")
    path = tmp_path / "given.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    arguments = ["--config", str(path)] if option == "--config" else ["--config", str(config), option, str(path)]
    command = [sys.executable, "-m", "tap_warehouse_model", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (2, 78), done.stderr
    assert "Traceback" not in done.stderr
