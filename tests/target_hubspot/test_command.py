"""The command as a process: what users, Meltano and schedulers see of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conformance.stage import state

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.stage import Stage

COMMAND = [sys.executable, "-m", "target_hubspot"]


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run([*COMMAND, *arguments], input=text, capture_output=True, text=True, check=False, timeout=60)


def lines(messages: list[dict[str, Any]]) -> str:
    """Messages as a tap writes them."""
    return "".join(json.dumps(one) + "\n" for one in messages)


def config_file(stage: Stage, **changes: Any) -> str:
    """The path of a file with the stage's settings."""
    path = stage.root / "config.json"
    path.write_text(json.dumps(stage.config(**changes)), encoding="utf-8")
    return str(path)


def test_version_and_about() -> None:
    """`--version` and `--about` answer without any setting, in every format, and hold no default secret."""
    assert run("--version").stdout.startswith("target-hubspot v0.1.0")
    about = json.loads(run("--about", "--format=json").stdout)
    assert about["settings"]["properties"]["access_token"]["secret"] is True
    for arguments in (["--about"], ["--about", "--format=markdown"]):
        done = run(*arguments)
        assert (done.returncode, "access_token" in done.stdout) == (0, True)


@pytest.mark.parametrize("content", ["{", "[]", None])
def test_a_config_file_that_is_none(tmp_path: Path, content: str | None) -> None:
    """A missing or broken file given to `--config` fails without reading input, and names the file."""
    path = tmp_path / "settings.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    done = run("--config", str(path))
    assert done.returncode != 0
    assert done.stdout == ""


def test_without_settings_the_run_is_refused() -> None:
    """Without credentials the exit code is 78, the message names the setting, and there is no traceback."""
    done = run(text="")
    assert done.returncode == 78
    assert "'access_token' is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_that_settles_everything_ends_with_0(stage: Stage) -> None:
    """Exit code 0, and nothing but STATE on stdout."""
    done = run("--config", config_file(stage), text=lines(stage.messages([stage.record(1), stage.record(2)])))
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [state(2)["value"]]
    assert set(stage.texts()) == {"K1", "K2"}


def test_a_brake_ends_with_65(stage: Stage) -> None:
    """Mass rejection: exit code 65, no STATE."""
    rows = [stage.record(n, plan="gold") for n in range(100)]
    done = run("--config", config_file(stage), text=lines(stage.messages(rows)))
    assert (done.returncode, done.stdout) == (65, "")


def test_a_used_up_quota_ends_with_75(stage: Stage) -> None:
    """The daily limit: exit code 75, and when to come back."""
    limits = {"hubspot": {"daily": 1000, "daily_used": 1000}}
    requests.put(f"{stage.vendor.url}/_simulator/limits", json=limits, timeout=10).raise_for_status()
    done = run("--config", config_file(stage), text=lines(stage.messages([stage.record(1)])))
    assert (done.returncode, done.stdout) == (75, "")
    assert "midnight" in done.stderr


def test_an_invalid_token_ends_with_78(stage: Stage) -> None:
    """Refused credentials: exit code 78, the setting is named, the token is not shown, nothing is written."""
    token = "invalid-token-of-somebody"
    config = config_file(stage, access_token=token)
    done = run("--config", config, text=lines(stage.messages([stage.record(1)])))
    assert (done.returncode, done.stdout) == (78, "")
    assert "'access_token'" in done.stderr
    assert token not in done.stderr
    assert stage.vendor.write_requests() == 0


def test_input_that_is_no_singer_ends_with_1(stage: Stage) -> None:
    """Text that is no JSON: exit code 1, the line is named, and there is no traceback."""
    done = run("--config", config_file(stage), text="hello\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Line 1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
def test_an_unreachable_host_ends_with_1(stage: Stage) -> None:
    """Nobody listens at `api_url`: after the last attempt the exit code is 1, and the URL is named."""
    config = config_file(stage, api_url="http://127.0.0.1:9")
    done = subprocess.run(
        [*COMMAND, "--config", config],
        input=lines(stage.messages([stage.record(1)])),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "http://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_signal_ends_with_143_and_state_is_never_ahead(stage: Stage) -> None:
    """SIGTERM mid-load: exit code 143, and every STATE that left covers only records that arrived."""
    stage.vendor.faults([{"kind": "latency", "path": "*/batch/*", "seconds": 0.05}])
    config = config_file(stage, checkpoint_records=500, concurrency=1)
    process = subprocess.Popen([*COMMAND, "--config", config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(lines([stage.schema()]))
    for part in range(40):
        rows = [stage.record(n) for n in range(part * 100, part * 100 + 100)]
        process.stdin.write(lines([{"type": "RECORD", "stream": stage.stream, "record": row} for row in rows]))
        process.stdin.write(lines([state(part * 100 + 100)]))
    process.stdin.flush()
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    process.stdin.close()
    rest = process.stdout.read()
    assert process.wait(60) == 143
    positions = [json.loads(line)["bookmarks"]["people"]["at"] for line in (first + rest).splitlines()]
    arrived = stage.vendor.records()
    assert 0 < max(positions) < 4000
    assert {f"K{n}" for n in range(max(positions))} <= set(arrived)


MELTANO_TEST = [
    {"type": "SCHEMA", "stream": "meltano_test_stream", "schema": {"properties": {"id": {}}}, "key_properties": []},
    {"type": "RECORD", "stream": "meltano_test_stream", "record": {"id": "test"}},
]


def test_meltanos_connection_test_checks_the_account_and_writes_nothing(stage: Stage) -> None:
    """`meltano config test`: success without a line that Meltano would take for a failure, and without a write."""
    done = run("--config", config_file(stage), text=lines(MELTANO_TEST))
    assert (done.returncode, done.stdout) == (0, "")
    assert not [line for line in done.stderr.lower().splitlines() if "error" in line or "exception" in line]
    assert stage.vendor.write_requests() == 0
    paths = {one["route"] for one in stage.vendor.control("requests?last=1")["counts"]}
    assert any("account-info" in path for path in paths)


def test_meltanos_connection_test_fails_with_an_invalid_token(stage: Stage) -> None:
    """The same with refused credentials: exit code 78."""
    done = run("--config", config_file(stage, access_token="invalid"), text=lines(MELTANO_TEST))
    assert done.returncode == 78
