"""A target's command as a process: what users, Meltano and schedulers see of it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from .stage import state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .stage import Stage

MELTANO_TEST = [
    {"type": "SCHEMA", "stream": "meltano_test_stream", "schema": {"properties": {"id": {}}}, "key_properties": []},
    {"type": "RECORD", "stream": "meltano_test_stream", "record": {"id": "test"}},
]
REFUSED = "invalid-token-of-somebody"
"""The simulators refuse credentials that begin so."""


def run(stage: Stage, *arguments: str, text: str = "", timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", stage.vendor.module, *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=timeout_s)


def lines(messages: list[dict[str, Any]]) -> str:
    """Messages as a tap writes them."""
    return "".join(json.dumps(one) + "\n" for one in messages)


def config_file(stage: Stage, **changes: Any) -> str:
    """The path of a file with the stage's settings."""
    path = stage.root / "config.json"
    path.write_text(json.dumps(stage.config(**changes)), encoding="utf-8")
    return str(path)


def feed(process: subprocess.Popen[str], stage: Stage) -> int:
    """Write records and STATE until nobody reads them; returns how many records there were."""
    assert process.stdin is not None
    written = 0
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(lines([stage.schema()]))
        while True:
            rows = [stage.record(n) for n in range(written, written + 100)]
            written += 100
            process.stdin.write(lines([{"type": "RECORD", "stream": stage.stream, "record": row} for row in rows]))
            process.stdin.write(lines([state(written)]))
    return written


class BaseCommand:
    """Exit codes, what stands on stdout and stderr, signals, and Meltano's connection test.

    Attributes:
        credential: The setting of the stage that holds the credential.
        address: The setting of the stage that leads to the vendor.
        account_route: Part of the route by which the account is reached.
    """

    credential: ClassVar[str]
    address: ClassVar[str]
    account_route: ClassVar[str]

    def test_version_and_about(self, stage: Stage) -> None:
        """`--version` and `--about` answer without any setting, in every format, and mark what is secret."""
        assert run(stage, "--version").stdout.startswith(f"{stage.vendor.target.name} v0.1.0")
        about = json.loads(run(stage, "--about", "--format=json").stdout)
        assert about["settings"]["properties"][self.credential]["secret"] is True
        for arguments in (["--about"], ["--about", "--format=markdown"]):
            done = run(stage, *arguments)
            assert (done.returncode, self.credential in done.stdout) == (0, True)

    @pytest.mark.parametrize("content", ["{", "[]", None])
    def test_a_config_file_that_is_none(self, stage: Stage, tmp_path: Path, content: str | None) -> None:
        """A missing or broken file given to `--config` fails without output."""
        path = tmp_path / "settings.json"
        if content is not None:
            path.write_text(content, encoding="utf-8")
        done = run(stage, "--config", str(path))
        assert done.returncode != 0
        assert done.stdout == ""

    def test_without_settings_the_run_is_refused(self, stage: Stage) -> None:
        """Without credentials the exit code is 78, the message names the setting, and there is no traceback."""
        done = run(stage)
        assert done.returncode == 78
        assert f"'{self.credential}'" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_run_that_settles_everything_ends_with_0(self, stage: Stage) -> None:
        """Exit code 0, and nothing but STATE on stdout."""
        text = lines(stage.messages([stage.record(1), stage.record(2)]))
        done = run(stage, "--config", config_file(stage), text=text)
        assert done.returncode == 0, done.stderr
        assert [json.loads(line) for line in done.stdout.splitlines()] == [state(2)["value"]]
        assert set(stage.texts()) == {"K1", "K2"}

    def test_a_brake_ends_with_65(self, stage: Stage) -> None:
        """Mass rejection: exit code 65, no STATE."""
        field, value, _ = stage.vendor.invalid
        rows = [stage.record(n, **{field: value}) for n in range(100)]
        done = run(stage, "--config", config_file(stage), text=lines(stage.messages(rows)))
        assert (done.returncode, done.stdout) == (65, "")

    def test_an_invalid_token_ends_with_78(self, stage: Stage) -> None:
        """Refused credentials: exit code 78, the setting is named, the token is not shown, nothing is written."""
        config = config_file(stage, **{self.credential: REFUSED})
        done = run(stage, "--config", config, text=lines(stage.messages([stage.record(1)])))
        assert (done.returncode, done.stdout) == (78, "")
        assert f"'{self.credential}'" in done.stderr
        assert REFUSED not in done.stderr
        assert stage.vendor.write_requests() == 0

    def test_input_that_is_no_singer_ends_with_1(self, stage: Stage) -> None:
        """Text that is no JSON: exit code 1, the line is named, and there is no traceback."""
        done = run(stage, "--config", config_file(stage), text="hello\n")
        assert (done.returncode, done.stdout) == (1, "")
        assert "Line 1" in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.long
    def test_an_unreachable_host_ends_with_1(self, stage: Stage) -> None:
        """Nobody listens: after the last attempt the exit code is 1, and the URL is named."""
        config = config_file(stage, **{self.address: "http://127.0.0.1:9"})
        done = run(stage, "--config", config, text=lines(stage.messages([stage.record(1)])), timeout_s=280)
        assert (done.returncode, done.stdout) == (1, "")
        assert "http://127.0.0.1:9" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_signal_ends_with_143_and_state_is_never_ahead(self, stage: Stage) -> None:
        """SIGTERM mid-load: exit code 143, and every STATE that left covers only records that arrived."""
        config = config_file(stage, checkpoint_records=500, concurrency=1)
        command = [sys.executable, "-m", stage.vendor.module, "--config", config]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        with ThreadPoolExecutor(1) as pool:
            feeding = pool.submit(feed, process, stage)
            first = process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            rest = process.stdout.read()
            assert process.wait(60) == 143
        positions = [json.loads(line)["bookmarks"]["people"]["at"] for line in (first + rest).splitlines()]
        assert 0 < max(positions) < feeding.result()
        assert {f"K{n}" for n in range(max(positions))} <= set(stage.vendor.records())

    def test_meltanos_connection_test_checks_the_account_and_writes_nothing(self, stage: Stage) -> None:
        """`meltano config test`: success without a line that Meltano would take for a failure, and without a write."""
        done = run(stage, "--config", config_file(stage), text=lines(MELTANO_TEST))
        assert (done.returncode, done.stdout) == (0, "")
        assert not [line for line in done.stderr.lower().splitlines() if "error" in line or "exception" in line]
        assert stage.vendor.write_requests() == 0
        routes = {one["route"] for one in stage.vendor.control("requests?last=1")["counts"]}
        assert any(self.account_route in route for route in routes)

    def test_meltanos_connection_test_looks_at_every_stream(self, stage: Stage) -> None:
        """`meltano config test` with streams: all problems together, exit code 78; nothing is written, no ledger."""
        vendor = stage.vendor
        good = {"object": vendor.object_name, "match_on": vendor.match_field, "fields": {vendor.match_field: "key"}}
        fields = {vendor.match_field: "key", "no_such_field": "x"}
        bad = {
            "elsewhere": {"object": "no_such_object", "match_on": vendor.match_field},
            "unmatched": {**good, "match_on": "no_such_key"},
            "unmapped": {**good, "fields": fields},
        }
        done = run(stage, "--config", config_file(stage, streams={"people": good}), text=lines(MELTANO_TEST))
        assert (done.returncode, done.stdout) == (0, "")
        assert "configured streams in order: 1" in done.stderr
        done = run(stage, "--config", config_file(stage, streams={"people": good, **bad}), text=lines(MELTANO_TEST))
        assert done.returncode == 78, done.stderr
        assert all(name in done.stderr for name in ("no_such_object", "no_such_key", "no_such_field")), done.stderr
        assert (vendor.write_requests(), vendor.side_effects()) == (0, 0)
        assert not list(stage.root.rglob("*.db"))

    def test_meltanos_connection_test_fails_with_an_invalid_token(self, stage: Stage) -> None:
        """The same with refused credentials: exit code 78."""
        config = config_file(stage, **{self.credential: REFUSED})
        assert run(stage, "--config", config, text=lines(MELTANO_TEST)).returncode == 78


class BaseDailyQuota:
    """A vendor that takes so many requests a day.

    Attributes:
        used_up: Limits of the simulator with which the day's requests are used up.
        come_back: What the message about that says of when to come back.
    """

    used_up: ClassVar[Mapping[str, Any]]
    come_back: ClassVar[str]

    def test_a_used_up_quota_ends_with_75(self, stage: Stage) -> None:
        """The daily limit: exit code 75, and when to come back."""
        stage.vendor.control("limits", self.used_up)
        done = run(stage, "--config", config_file(stage), text=lines(stage.messages([stage.record(1)])))
        assert (done.returncode, done.stdout) == (75, "")
        assert self.come_back in done.stderr
