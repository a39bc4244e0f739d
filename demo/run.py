"""`make demo`: a sample warehouse to a simulated account, three times over, in ordinary commands that it shows.

The first run delivers everything, the second one what changed, the third one nothing. What the simulators counted
is the proof. Everything that this writes is in `demo/.work`, and in Meltano's own `.meltano`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
WORK = Path("demo/.work")
WAREHOUSE = WORK / "warehouse.duckdb"
BIN = Path(os.path.relpath(Path(sys.executable).parent, ROOT))
MELTANO = (BIN / "meltano", "--environment=demo")
PORT = 8765
"""The port in `meltano.yml`; another one is taken where it is in use."""

PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
TAPS = {target: tap for job in PROJECT["jobs"] for tap, target in (task.split() for task in job["tasks"])}
"""Per target, the tap whose streams it takes: what the jobs of the example project say."""
URL_SETTINGS = {
    loader["name"]: f"{loader['name']}_{name}".replace("-", "_").upper()
    for loader in PROJECT["environments"][0]["config"]["plugins"]["loaders"]
    for name, value in loader["config"].items()
    if str(value).startswith("http://127.0.0.1:")
}
"""Per target, the variable that says where its API is: what leads to the simulators in the environment `demo`."""

READS = ("/batch/read", "/search", "/token", "/access-token-info")
"""Ends of the routes that are asked with POST and yet change nothing."""

COUNTED_EVENTS = {
    "record_created": "records created",
    "record_updated": "records updated",
    "member_added": "records created",
    "member_updated": "records updated",
    "workflow_enrolled": "automations started",  # HubSpot's word
    "flow_started": "automations started",  # Salesforce's
    "welcome_mail": "automations started",  # Mailchimp's
}
"""Side effects that are counted, and what they are called in the table."""

START_S = 20
STOP_S = 10


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class Stopped:
    """Turns SIGINT and SIGTERM into an end of this script, once every process that it started can be ended, too."""

    def __init__(self) -> None:
        self._signum = 0
        self._is_held = False

    def install(self) -> None:
        """Take over the signals that end a script, a closed terminal's too."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._handle)

    def _handle(self, signum: int, _: object) -> None:
        self._signum = signum
        if not self._is_held:
            self.check()

    def check(self) -> None:
        """End this script if a signal came.

        Raises:
            SystemExit: With 128 + signal.
        """
        if self._signum:
            raise SystemExit(128 + self._signum)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Remember signals, but do not act on them: while a process starts or ends."""
        self._is_held, before = True, self._is_held
        try:
            yield
        finally:
            self._is_held = before


STOPPED = Stopped()


@dataclass(frozen=True)
class Shell:
    """Runs commands in the project's folder and shows them as a person would type them.

    Attributes:
        variables: What is set for the commands beside the environment.
        environment: The environment of the commands, these variables included.
    """

    variables: Mapping[str, str]
    environment: Mapping[str, str]

    def run(self, *command: object, log: Path | None = None) -> None:
        """Run one command to its end.

        Args:
            command: Program and arguments.
            log: Where the whole output goes, if only warnings and the summary are to be shown.

        Raises:
            DemoError: It failed.
        """
        words = [str(word) for word in command]
        self.show(*words)
        hint = ""
        with self.started(words, stdout=subprocess.PIPE if log else None, stderr=subprocess.STDOUT) as process:
            if log and process.stdout:
                last_words = _tell(process.stdout, log)
                hint = f" Its whole output is in {log}. The plugins' last words:\n  " + "\n  ".join(last_words)
            process.wait()
        if process.returncode:
            msg = f"'{words[0]}' ended with exit code {process.returncode}.{hint}"
            raise DemoError(msg)

    def show(self, *words: str, is_background: bool = False) -> None:
        """Print a command."""
        settings = [f"{name}={shlex.quote(value)} " for name, value in self.variables.items()]
        print(f"\n$ {''.join(settings)}{shlex.join(words)}{' &' if is_background else ''}", flush=True)

    @contextmanager
    def started(self, words: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:  # noqa: ANN401
        """Start a command, and make sure that it has ended when this is left by an error or a signal."""
        with STOPPED.held():
            process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                text=True,
                encoding="utf-8",
                **options,
            )
        try:
            STOPPED.check()
            yield process
        except BaseException:  # a signal too: no process is left behind; it propagates
            stop(process)
            raise


def stop(process: subprocess.Popen[str]) -> None:
    """End a process that we started, gently at first."""
    with STOPPED.held():
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _tell(lines: Iterable[str], log: Path) -> Iterable[str]:
    """Keep all lines; show the summary, and what is not all right; return the plugins' last ones."""
    last_words: deque[str] = deque(maxlen=8)
    with (ROOT / log).open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(line)
            match = re.match(r"\S+Z \[(\w+) *\] (\S+) +(.*)", line)
            level, plugin, text = match.groups() if match else ("", "meltano", "")
            if plugin != "meltano":
                last_words.append(text)
            is_worth_it = text.startswith(("Summary", "Report")) or level in {"warning", "error", "critical"}
            if is_worth_it and plugin != "meltano":
                print(f"  {plugin}: {text}", flush=True)
    return last_words


class Simulators:
    """The simulators' control surface."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """GET something of the control surface."""
        with urllib.request.urlopen(f"{self.url}/_simulator/{path}", timeout=30) as reply:  # noqa: S310 - loopback
            return json.load(reply)

    def counts(self) -> dict[str, int]:
        """What happened since the start: requests, those that write, and what they changed."""
        routes = self.ask("requests?last=0")["counts"]
        writes = [one for one in routes if one["method"] != "GET" and not one["route"].endswith(READS)]
        counts = {"requests": _sum(routes), "writes": _sum(writes)}
        return counts | self._side_effects()

    def _side_effects(self) -> dict[str, int]:
        counts = dict.fromkeys(COUNTED_EVENTS.values(), 0)
        last = 0
        while entries := (page := self.ask(f"journal?since={last}"))["entries"]:
            last = page["last"]
            for entry in entries:
                if entry["event"] in COUNTED_EVENTS:
                    counts[COUNTED_EVENTS[entry["event"]]] += 1
        return counts


def _sum(routes: Sequence[Mapping[str, Any]]) -> int:
    return sum(one["count"] for one in routes)


@contextmanager
def simulators(shell: Shell, *, keep: bool) -> Iterator[Simulators]:
    """Serve the simulators while the demo runs, or on after it."""
    words = [str(BIN / "saas-simulators"), "serve", "--port", str(free_port())]
    shell.show(*words, is_background=True)
    log = ROOT / WORK / "simulators.log"
    with log.open("w") as file, shell.started(words, stdout=file, stderr=file, start_new_session=keep) as process:
        url = _address(process, log)
        print(f"  Watch records and requests arrive: {url}")
        yield Simulators(url)
        if keep:
            print(f"\nThe simulators go on at {url}. Stop them with: kill {process.pid}")
        else:
            stop(process)


def free_port() -> int:
    """The port that `meltano.yml` names, or 0, which lets the simulators choose."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return 0
    return PORT


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """The address that the simulators print once they listen."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        match = re.search(r"http://127\.0\.0\.1:\d+", log.read_text(encoding="utf-8"))
        if match:
            return match.group()
        time.sleep(0.05)
    msg = f"The simulators did not start: {log.read_text(encoding='utf-8').strip() or 'no answer'}"
    raise DemoError(msg)


def check_settings() -> None:
    """Refuse a `.env` that would send the demo elsewhere: Meltano prefers it to `meltano.yml`.

    Raises:
        DemoError: Names what it sets.
    """
    path = ROOT / ".env"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    names = re.findall(r"^\s*(?:export\s+)?((?:TAP|TARGET)_\w+)\s*=", text, re.MULTILINE)
    if names:
        msg = (
            f"'.env' sets {', '.join(names)}, which Meltano would use in place of the demo's own settings. "
            "Run the demo in a clone of its own, or move '.env' away."
        )
        raise DemoError(msg)


def environment() -> dict[str, str]:
    """The environment for the commands: without settings of other pipelines, that plugins would obey."""
    foreign = ("TAP_", "TARGET_", "MELTANO_", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"MELTANO_CLI_LOG_FORMAT": "uncolored", "PYTHONUNBUFFERED": "1"}


def demonstrate(target: str, *, keep: bool) -> None:
    """All of it.

    Raises:
        DemoError: A step failed, or the third run wrote something.
    """
    check_settings()
    shutil.rmtree(ROOT / WORK, ignore_errors=True)
    (ROOT / WORK).mkdir(mode=0o700)
    shell = Shell({}, environment())
    shell.run(BIN / "python", "demo/warehouse.py", "build", WAREHOUSE)
    shell.run(*MELTANO, "install", log=WORK / "install.log")
    shell.run(*MELTANO, "state", "clear", "--force", f"demo:{TAPS[target]}-to-{target}", log=WORK / "state.log")
    with simulators(shell, keep=keep) as account:
        rows = [sync("first run", shell, target, account)]
        shell.run(BIN / "python", "demo/warehouse.py", "change", WAREHOUSE)
        rows.append(sync("some rows changed", shell, target, account))
        rows.append(sync("nothing changed", shell, target, account))
        _conclude(rows, account.url)


def sync(title: str, shell: Shell, target: str, account: Simulators) -> dict[str, Any]:
    """One run of the pipeline, and what came of it as a row of the table."""
    variables = {} if account.url.endswith(f":{PORT}") else {URL_SETTINGS[target]: account.url}
    before, began_s = account.counts(), time.monotonic()
    pipeline_shell = Shell(variables, {**shell.environment, **variables})
    pipeline_shell.run(*MELTANO, "run", TAPS[target], target, log=WORK / f"{title.replace(' ', '-')}.log")
    seconds = round(time.monotonic() - began_s)
    after = account.counts()
    return {"": title, "seconds": seconds} | {name: after[name] - before[name] for name in after}


def _conclude(rows: Sequence[Mapping[str, Any]], url: str) -> None:
    print("\nWhat the simulators counted:\n")
    _print_table(rows)
    if not rows[0]["records created"] or rows[-1]["writes"]:
        msg = "The first run should have created records, and the last one should have written nothing."
        raise DemoError(msg)
    print("\nThe last run made no write request, and it set nothing off.\n")
    places = {
        f"{WORK}/reports/*/report.json": "one report per run",
        f"{WORK}/ledger.db": "what was delivered, and why some records were not: docs/ledger.md",
        url: "the account, as long as the simulators run: make demo KEEP=1",
        "README.md": "how to go on with your own warehouse and account",
    }
    print("Where to look:")
    for place, what in places.items():
        print(f"  {place:34} {what}")


def _print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(rows[0])
    for line in (names, *([str(row[name]) for name in names] for row in rows)):
        first, *others = line
        print(
            f"  {first:18}",
            *(f"{text:>{len(title)}}" for text, title in zip(others, names[1:], strict=True)),
            sep="  ",
        )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="target-hubspot", choices=sorted(URL_SETTINGS))
    parser.add_argument("--keep", action="store_true", help="leave the simulators running")
    chosen = parser.parse_args()
    os.chdir(ROOT)
    STOPPED.install()
    try:
        demonstrate(chosen.target, keep=chosen.keep)
    except DemoError as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except SystemExit:
        print("\nStopped; no process is left.", file=sys.stderr)
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
