"""What the suite needs to know of a vendor, and how it runs a target."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import leaks
import requests

from reverse_etl_core.errors import ReverseETLError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reverse_etl_core.target import ReverseETLTarget


@dataclass(frozen=True)
class Vendor:
    """A vendor's simulator and object, seen through the suite's eyes.

    Attributes:
        target: The target class.
        module: Module that runs the target as a command.
        settings: Settings that reach the simulator, without the ledger.
        url: Of the simulators, whose control surface is the suite's truth.
        object_name: The object that the suite writes; has `match_field` and `text_field`.
        match_field: A unique field of it, and the stream's key property.
        text_field: A text field without rules.
        required: Fields that a new record needs, as a template with `{n}`.
        invalid: A field, a value that our own validation refuses, and the code.
        records_per_request: The vendor's batch limit.
        write_path: Glob of the requests that write.
    """

    target: type[ReverseETLTarget]
    module: str
    settings: Mapping[str, Any]
    url: str
    object_name: str
    match_field: str
    text_field: str
    required: Mapping[str, str]
    invalid: tuple[str, Any, str]
    records_per_request: int
    write_path: str

    def control(self, path: str, body: object = None) -> Any:
        """Ask the simulators' control surface, or tell it something."""
        verb = requests.get if body is None else requests.put
        answer = verb(f"{self.url}/_simulator/{path}", **({} if body is None else {"json": body}), timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def faults(self, rules: list[dict[str, Any]]) -> None:
        """Replace the faults in force."""
        self.control("faults", rules)

    def side_effects(self) -> int:
        """Records created or changed so far, and whatever that set off."""
        total: int = self.control("journal?limit=1")["total"]
        return total

    def match_value(self, key: str) -> str:
        """The match value that stands for one of the suite's keys, where the field does not take any text."""
        return key

    def records(self) -> dict[str, list[dict[str, Any]]]:
        """The destination's live records by match value, as the suite's keys."""
        raise NotImplementedError

    def write_requests(self) -> int:
        """Requests so far that may have changed something."""
        raise NotImplementedError

    def write_requests_for(self, records: int) -> int:
        """The fewest such requests in which so many records can be written."""
        return -(-records // self.records_per_request)


@dataclass
class Result:
    """What a run of a target left behind."""

    exit_code: int
    states: list[dict[str, Any]]
    error: str
    log: str
    report: dict[str, Any] | None = None

    @property
    def totals(self) -> dict[str, int]:
        """Counts over all streams."""
        assert self.report is not None, f"no report was written: {self.error}"
        totals: dict[str, int] = self.report["totals"]
        return totals

    @property
    def codes(self) -> dict[str, int]:
        """Rejections and deferrals by code, over all streams."""
        assert self.report is not None
        codes: dict[str, int] = {}
        for stream in self.report["streams"].values():
            for code, count in stream["codes"].items():
                codes[code] = codes.get(code, 0) + count
        return codes


@dataclass
class Stage:
    """Runs a vendor's target, in this process or as a command.

    Attributes:
        vendor: The vendor.
        root: Where ledger and reports are.
        stream: Name of the Singer stream.
    """

    vendor: Vendor
    root: Path
    stream: str = "people"
    extra: dict[str, Any] = field(default_factory=dict)

    def config(self, **changes: Any) -> dict[str, Any]:
        """The target's settings."""
        stream = {"object": self.vendor.object_name, "match_on": self.vendor.match_field}
        common = {
            "ledger_url": f"sqlite:///{self.root}/ledger.db",
            "report_dir": str(self.root / "reports"),
            "streams": {self.stream: stream | changes.pop("stream", {})},
            "reconcile_grace_seconds": 0,
        }
        return {**self.vendor.settings, **common, **self.extra, **changes}

    def record(self, number: int, text: str = "first", **changes: Any) -> dict[str, Any]:
        """A valid record; the same number has the same key."""
        required = {name: template.format(n=number) for name, template in self.vendor.required.items()}
        key = self.vendor.match_value(f"K{number}")
        return {self.vendor.match_field: key, self.vendor.text_field: text, **required, **changes}

    def schema(self, *, columns: Iterable[str] = (), key_properties: Iterable[str] | None = None) -> dict[str, Any]:
        """The SCHEMA message."""
        names = {self.vendor.match_field, self.vendor.text_field, *self.vendor.required, *columns}
        keys = [self.vendor.match_field] if key_properties is None else list(key_properties)
        properties = {name: {} for name in sorted(names)}
        return {"type": "SCHEMA", "stream": self.stream, "schema": {"properties": properties}, "key_properties": keys}

    def messages(self, records: Iterable[Mapping[str, Any]], **schema: Any) -> list[dict[str, Any]]:
        """A whole input: SCHEMA, the records, and a STATE that covers them."""
        rows = [self._keyed(row) for row in records]
        columns = {name for row in rows for name in row if not name.startswith("_sdc_")}
        body = [{"type": "RECORD", "stream": self.stream, "record": row} for row in rows]
        return [self.schema(**{"columns": columns, **schema}), *body, state(len(rows))]

    def _keyed(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        key = row.get(self.vendor.match_field)
        if not isinstance(key, str) or not key.strip():
            return row
        return {**row, self.vendor.match_field: self.vendor.match_value(key)}

    def run(self, messages: Iterable[Mapping[str, Any] | str], **config: Any) -> Result:
        """Run the target in this process."""
        text = "".join(_line(one) for one in messages)
        output = io.StringIO()
        error, code = "", 0
        with contextlib.redirect_stdout(output):
            try:
                target = self.vendor.target(config=self.config(**config))
                target.listen(io.StringIO(text))
            except ReverseETLError as failure:
                error, code = str(failure), failure.exit_code
        return Result(code, _states(output.getvalue()), error, "", self.last_report())

    def run_command(self, messages: Iterable[Mapping[str, Any] | str], **config: Any) -> Result:
        """Run the target as a command, as a user does."""
        path = self.root / "config.json"
        path.write_text(json.dumps(self.config(**config)), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", self.vendor.module, "--config", str(path)],
            input="".join(_line(one) for one in messages),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        shown = leaks.found_in(done.stderr)
        assert not shown, f"planted values were shown: {shown}"
        return Result(done.returncode, _states(done.stdout), done.stderr, done.stderr, self.last_report())

    def deliver(self, records: Iterable[Mapping[str, Any]], **config: Any) -> Result:
        """Run the target on a whole input of records."""
        return self.run(self.messages(records), **config)

    def last_report(self) -> dict[str, Any] | None:
        """The newest report."""
        paths = sorted((self.root / "reports").glob("*/report.json"), key=lambda path: path.stat().st_mtime_ns)
        if not paths:
            return None
        report: dict[str, Any] = json.loads(paths[-1].read_text(encoding="utf-8"))
        return report

    def texts(self) -> dict[str, str]:
        """Match value to the text field of the only record that has it."""
        return {key: self._only(found)[self.vendor.text_field] for key, found in self.vendor.records().items()}

    @staticmethod
    def _only(found: list[dict[str, Any]]) -> dict[str, Any]:
        assert len(found) == 1, f"{len(found)} records with the same match value"
        return found[0]


def state(number: int) -> dict[str, Any]:
    """A STATE message."""
    return {"type": "STATE", "value": {"bookmarks": {"people": {"at": number}}}}


def _line(message: Mapping[str, Any] | str) -> str:
    return (message if isinstance(message, str) else json.dumps(message)) + "\n"


def _states(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]
