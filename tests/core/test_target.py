"""The target as a whole: messages in, STATE and exit code out."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from core.fake_target import FakeTarget
from core.fakes import Crm
from singer_sdk.exceptions import MapExpressionError, RecordsWithoutSchemaException

from reverse_etl_core.errors import ConfigError, ReverseETLError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TESTS = Path(__file__).parents[1]
SECRET = "s3cret-of-a-customer"


def schema(*columns: str, keys: Iterable[str] = ("key",), stream: str = "people") -> dict[str, Any]:
    """A SCHEMA message."""
    properties = {name: {} for name in columns or ("key", "name")}
    return {"type": "SCHEMA", "stream": stream, "schema": {"properties": properties}, "key_properties": list(keys)}


def record(stream: str = "people", /, **values: Any) -> dict[str, Any]:
    """A RECORD message."""
    return {"type": "RECORD", "stream": stream, "record": values}


def state(at: Any) -> dict[str, Any]:
    """A STATE message."""
    return {"type": "STATE", "value": {"bookmarks": {"people": {"at": at}}}}


def text(messages: Iterable[Mapping[str, Any] | str]) -> str:
    """Messages as lines."""
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in messages)


@dataclass
class Stage:
    """Runs the fake target, in this process or as a command."""

    root: Path
    target: type[FakeTarget]
    error: BaseException | None = None
    output: str = ""
    made: list[FakeTarget] = field(default_factory=list)

    def config(self, **changes: Any) -> dict[str, Any]:
        """The settings."""
        streams = {"people": {"match_on": "key"}}
        base = {"streams": streams, "ledger_url": f"sqlite:///{self.root}/l.db", "reconcile_grace_seconds": 0}
        return base | changes

    def run(self, messages: Iterable[Mapping[str, Any] | str], **config: Any) -> list[Any]:
        """Run in this process; the positions of the STATE that left."""
        output, self.error = io.StringIO(), None
        with contextlib.redirect_stdout(output):
            try:
                target = self.target(config=self.config(**config))
                self.made.append(target)
                target.listen(io.StringIO(text(messages)))
            except Exception as error:  # noqa: BLE001 - a test looks at it
                self.error = error
        self.output = output.getvalue()
        return [json.loads(line)["bookmarks"]["people"]["at"] for line in self.output.splitlines()]

    @property
    def exit_code(self) -> int:
        """As the command would end."""
        if self.error is None:
            return 0
        return self.error.exit_code if isinstance(self.error, ReverseETLError) else 1

    def names(self) -> dict[str, Any]:
        """Key to name at the destination."""
        held = [(str(one["key"]), one.get("name")) for one in self.target.crm.records.values()]
        assert len(held) == len(dict(held))
        return dict(held)

    def report(self) -> dict[str, Any]:
        """The newest report."""
        paths = sorted(self.root.glob(".reverse-etl/reports/*/report.json"), key=lambda one: one.stat().st_mtime_ns)
        found: dict[str, Any] = json.loads(paths[-1].read_text(encoding="utf-8"))
        return found

    def command(self, **config: Any) -> subprocess.Popen[str]:
        """Start the command."""
        path = self.root / "config.json"
        path.write_text(json.dumps(self.config(**config)), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, "-m", "core.fake_target", "--config", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(TESTS)},
        )


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """An empty destination; the signal handlers that a target installs are put back."""
    held = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    yield Stage(tmp_path, type("OwnTarget", (FakeTarget,), {"crm": Crm()}))
    for one, handler in held.items():
        signal.signal(one, handler)


def test_records_arrive_and_state_leaves_at_the_end(stage: Stage) -> None:
    """The plain case: records are delivered, then STATE leaves, exit code 0."""
    assert stage.run([schema(), record(key="a", name="x"), state(1)]) == [1]
    assert (stage.exit_code, stage.names()) == (0, {"a": "x"})


def test_state_leaves_after_as_many_records_as_asked_for(stage: Stage) -> None:
    """A STATE is released once `checkpoint_records` records came since the last one, and each only when settled."""
    messages: list[Any] = [schema()]
    for part in range(4):
        messages += [record(key=f"{part}-{n}") for n in range(10)]
        messages.append(state(part))
    assert stage.run(messages, checkpoint_records=20) == [1, 3]
    assert len(stage.names()) == 40


def test_state_is_held_back_when_something_could_not_be_settled(stage: Stage) -> None:
    """G3: when a write fails no STATE leaves, and the run fails."""
    stage.target.faults = ["down"]
    assert stage.run([schema(), record(key="a"), state(1)]) == []
    assert stage.exit_code == 1
    stage.target.faults = []
    assert stage.run([schema(), record(key="a"), state(1)]) == [1]


@pytest.mark.parametrize("position", ["0.1", "12345678901234567890.123456789", "9007199254740993", "1.50", "2E+2"])
def test_a_number_in_state_comes_back_as_it_was(stage: Stage, position: str) -> None:
    """A bookmark is not rounded: rounded up it would skip rows."""
    line = json.dumps(state("HERE")).replace('"HERE"', position)
    stage.run([schema(), record(key="a"), line])
    assert f":{position}" in stage.output.replace(" ", "")


def test_a_changed_key_property_settles_what_came_before(stage: Stage) -> None:
    """G3: records before a SCHEMA with other key properties are delivered before their STATE leaves."""
    messages = [
        schema("id", "key", "name", keys=["key"]),
        record(id=1, key="a", name="x"),
        schema("id", "key", "name", keys=["id"]),
        record(id=2, key="b", name="y"),
        state(1),
    ]
    config = {"people": {"match_on": "key", "fields": {"key": "key", "name": "name"}}}
    assert stage.run(messages, streams=config) == [1]
    assert (stage.exit_code, stage.names()) == (0, {"a": "x", "b": "y"})


def test_a_changed_schema_keeps_order_and_lease(stage: Stage) -> None:
    """A column more in the middle of the stream changes nothing for the records before and after it."""
    rows = [schema(), record(key="a", name="1"), record(key="b", name="1")]
    rows += [schema("key", "name", "score"), record(key="a", name="2", score=3), state(2)]
    assert stage.run(rows) == [2]
    assert (stage.exit_code, stage.names()) == (0, {"a": "2", "b": "1"})
    assert stage.report()["totals"]["read"] == 3


def test_a_record_without_its_key_property_stops_nobody_else(stage: Stage) -> None:
    """It is rejected, all others are delivered and their STATE leaves, and the run fails and names the property."""
    rows = [schema(), record(key="a", name="x"), state(1), record(name="no key"), record(key="c"), state(3)]
    released = stage.run(rows)
    assert (stage.exit_code, released) == (1, [3])
    assert "'key'" in str(stage.error)
    assert set(stage.names()) == {"a", "c"}
    totals = stage.report()["totals"]
    assert totals["read"] == sum(count for name, count in totals.items() if name != "read")


def test_a_malformed_line_keeps_what_came_before(stage: Stage) -> None:
    """Records before a broken line are delivered and their STATE leaves; the run fails without the line's content."""
    rows = [schema(), record(key="a", name="x"), state(1), '{"type": "RECORD", "stream": "people", "rec' + SECRET]
    assert stage.run(rows) == [1]
    assert (stage.exit_code, stage.names()) == (1, {"a": "x"})
    assert "Line 4" in str(stage.error)
    assert SECRET not in str(stage.error)


@pytest.mark.parametrize(
    "line",
    [
        {"type": "RECORD", "record": {"key": SECRET}},
        {"type": "RECORD", "stream": "people", "name": SECRET},
        {"type": "RECORD", "stream": "people", "record": SECRET},
        {"type": "RECORD", "stream": "people", "record": [SECRET]},
        {"type": "RECORD", "stream": "other", "record": {"key": SECRET}},
        {"type": "RECORD", "stream": None, "record": {"key": SECRET}},
        {"type": SECRET, "stream": "people"},
        {"type": "STATE", "values": SECRET},
        {"type": "SCHEMA", "stream": SECRET},
        {"type": "SCHEMA", "stream": "people", "schema": {"required": [SECRET]}},
        [SECRET],
        SECRET,
    ],
)
@pytest.mark.parametrize("maps", [{}, {"people": {"key": "key"}}])
def test_what_is_not_singer_is_refused_without_its_content(stage: Stage, line: Any, maps: dict[str, Any]) -> None:
    """G7: the error of a wrong line is one with a message of its own, and does not show what the line holds."""
    line = line if isinstance(line, str) else json.dumps(line)
    stage.run([schema(), record(key="a"), line], stream_maps=maps)
    assert isinstance(stage.error, (ReverseETLError, RecordsWithoutSchemaException, MapExpressionError))
    assert stage.exit_code == 1
    assert SECRET not in str(stage.error).replace(f"stream '{SECRET}'", "")


def test_an_error_in_a_stream_map_does_not_show_the_value(stage: Stage) -> None:
    """G7: an expression that fails on a value shows neither the value nor a traceback with it."""
    process = stage.command(stream_maps={"people": {"score": "int(name)"}})
    rows = [schema(), record(key="a", name=SECRET), state(1)]
    output, log = process.communicate(text(rows), timeout=60)
    assert process.returncode == 1
    assert output == ""
    assert SECRET not in log


def test_batch_messages_are_refused(stage: Stage) -> None:
    """BATCH would bypass validation; what came before it is delivered."""
    rows = [schema(), record(key="a"), state(1), {"type": "BATCH", "stream": "people", "encoding": {}, "manifest": []}]
    assert stage.run(rows) == [1]
    assert stage.exit_code == 1
    assert "batch_config" in str(stage.error)


def test_activate_version_is_ignored(stage: Stage) -> None:
    """It removes nothing and ends nothing."""
    rows = [schema(), record(key="a"), {"type": "ACTIVATE_VERSION", "stream": "people", "version": 1}, state(1)]
    assert stage.run(rows) == [1]
    assert set(stage.names()) == {"a"}


def test_a_stream_map_gives_the_same_results_as_the_direct_way(stage: Stage, tmp_path: Path) -> None:
    """Records that the SDK maps first end in the same rows as those that go straight to the sink."""
    columns = ("key", "name", "score", "price", "since", "seen_at", "is_active", "plan", "tags", "email")
    rows = [
        {"key": "1", "name": "x", "score": 1, "price": 1.5, "since": "2024-02-01", "is_active": True},
        {"key": "2", "seen_at": "2024-01-01T10:00:00+02:00", "plan": "pro", "tags": "a;b", "email": " A@example.com "},
        {"key": "3", "score": "12", "price": 12345678901234567890.5, "name": None},
        {"key": "4", "score": 2.0, "price": 3, "is_active": "yes", "name": "\u00e9\U0001f600"},
        {"key": "5", "email": "nobody@localhost"},
        {"key": "6", "plan": "gold"},
        {"key": None, "name": "x"},
        {"key": "7", "score": 10**30},
    ]
    messages = [schema(*columns), *(record(**one) for one in rows), state(1)]

    def outcome(folder: str, **config: Any) -> list[Any]:
        url = f"sqlite:///{tmp_path}/{folder}.db"
        assert stage.run(messages, ledger_url=url, max_rejected_percent=100, **config) == [1], stage.error
        query = "SELECT source_key, match_key, status, payload_hash, error_code, record FROM deliveries ORDER BY 1"
        with sa.create_engine(url).connect() as connection:
            return list(connection.exec_driver_sql(query).all())

    direct = outcome("direct")
    stage.target.crm = Crm()
    assert direct == outcome("mapped", stream_maps={"people": {"key": "key"}})
    assert len(direct) == len(rows)


def test_a_record_without_a_schema_ends_the_run(stage: Stage) -> None:
    """A RECORD of a stream without SCHEMA names the stream."""
    assert stage.run([record(key="a"), state(1)]) == []
    assert stage.exit_code == 1
    assert "people" in str(stage.error)


def test_bad_settings_end_with_78_and_name_all_of_them(stage: Stage) -> None:
    """A configuration error lists every problem and starts nothing."""
    stage.run([schema(), record(key="a")], load_method="guess", concurrency=0)
    assert stage.exit_code == 78
    assert "'load_method'" in str(stage.error)
    assert "'concurrency'" in str(stage.error)


def test_too_many_rejects_end_with_65_and_without_state(stage: Stage) -> None:
    """A brake stops the run before STATE leaves."""
    rows = [schema(), *(record(key=str(n), name="x" * 21) for n in range(150)), state(1)]
    assert stage.run(rows) == []
    assert stage.exit_code == 65
    assert "too_long" in str(stage.error)


def test_an_exhausted_quota_ends_with_75_and_defers(stage: Stage) -> None:
    """What the quota left over is deferred, and no STATE leaves."""
    stage.target.faults = ["quota"]
    assert stage.run([schema(), record(key="a"), state(1)]) == []
    assert stage.exit_code == 75
    assert stage.report()["streams"]["people"]["codes"] == {"quota": 1}


def test_the_connection_test_of_meltano_writes_nothing(stage: Stage) -> None:
    """Meltano's test stream reaches the account and nothing else."""
    rows = [
        schema("id", "name", keys=["id"], stream="meltano_test_stream"),
        record("meltano_test_stream", id=1, name="x"),
    ]
    assert stage.run([*rows, state(1)]) == [1]
    assert (stage.exit_code, stage.names()) == (0, {})


def test_a_signal_while_idle_settles_what_was_read(stage: Stage, tmp_path: Path) -> None:
    """SIGTERM while the target waits for a line delivers what was read, releases its STATE, ends with 143."""
    process = stage.command(journal=str(tmp_path / "journal"))
    assert process.stdin
    assert process.stderr
    process.stdin.write(text([schema(), record(key="a", name="x"), state(1)]))
    process.stdin.flush()
    while "goes to 'people'" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    delivered = (tmp_path / "journal").exists()
    assert [json.loads(one)["bookmarks"]["people"]["at"] for one in output.splitlines()] == ([1] if delivered else [])


def hold_up(stage: Stage, tmp_path: Path, messages: list[Any]) -> tuple[subprocess.Popen[str], Path, Path]:
    """Start the command and wait until its first write request is under way."""
    started, gate = tmp_path / "started", tmp_path / "gate"
    os.mkfifo(started)
    os.mkfifo(gate)
    process = stage.command(journal=str(tmp_path / "journal"), started=str(started), gate=str(gate), concurrency=1)
    assert process.stdin
    process.stdin.write(text(messages))
    process.stdin.flush()
    assert started.read_text(encoding="utf-8") == "started"
    return process, started, gate


def let_go(started: Path, gate: Path, requests: int) -> None:
    """Let that many requests through, the one that waits included."""
    for left in reversed(range(requests)):
        gate.write_text("go", encoding="utf-8")
        if left:
            started.read_text(encoding="utf-8")


def test_bad_settings_of_all_kinds_are_one_error(stage: Stage) -> None:
    """The SDK's, a misspelt one, the common ones, those of a stream and what goes not together, before any request."""
    streams = {"people": {"match_on": [], "load_method": "create"}}
    stage.run([], stream_maps=3, max_removd=1, max_removed=1.5, ledger="rejects", streams=streams)
    assert isinstance(stage.error, ConfigError)
    assert stage.exit_code == 78
    problems = stage.error.problems
    named = ["stream_maps", "max_removd", "streams.people.match_on", "max_removed", "ledger"]
    assert [problem.split("'")[1] for problem in problems] == named
    assert not stage.made


@pytest.mark.parametrize("stream", [{"load_method": "mirror"}, {"load_method": "create"}, {"match_on": ["key", "x"]}])
def test_a_ledger_that_keeps_too_little_is_a_bad_setting(stage: Stage, stream: dict[str, Any]) -> None:
    """What follows from the settings alone is known before the first request."""
    stage.run([], ledger="rejects", streams={"people": {"match_on": "key"} | stream})
    assert isinstance(stage.error, ConfigError)
    assert "'ledger' must be full for 'people'" in str(stage.error)


def test_a_signal_within_a_batch_lets_it_end(stage: Stage, tmp_path: Path) -> None:
    """SIGTERM while a request is in flight: the chunk is finished, its STATE leaves, the exit code is 143."""
    rows = [schema(), *(record(key=str(n)) for n in range(500)), state(500)]
    rows += [record(key=str(n)) for n in range(500, 1000)]
    process, started, gate = hold_up(stage, tmp_path, rows)
    process.send_signal(signal.SIGTERM)
    let_go(started, gate, 10)
    output, log = process.communicate(timeout=60)
    assert process.returncode == 143, log
    assert len((tmp_path / "journal").read_text().splitlines()) == 1000
    assert [json.loads(one)["bookmarks"]["people"]["at"] for one in output.splitlines()] == [500]
    assert stage.report()["totals"]["created"] == 1000


def test_a_second_signal_ends_at_once_and_releases_nothing(stage: Stage, tmp_path: Path) -> None:
    """A second SIGTERM ends the run after the request in flight; no STATE covers what was not delivered."""
    rows = [schema(), *(record(key=str(n)) for n in range(500)), state(500)]
    rows += [record(key=str(n)) for n in range(500, 1000)]
    process, _, gate = hold_up(stage, tmp_path, rows)
    assert process.stderr
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    gate.write_text("go", encoding="utf-8")
    try:
        output, log = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode in {130, 143}, log
    assert len((tmp_path / "journal").read_text().splitlines()) < 1000
    assert output == ""
