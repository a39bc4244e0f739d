"""What a run of the tap's command did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass
class Run:
    """What the command did."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Singer messages; numbers with a point as Decimal, so that nothing is rounded."""
        return [json.loads(line, parse_float=Decimal) for line in self.stdout.split("\n") if line]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return messages of one type."""
        return [message for message in self.messages if message["type"] == kind]

    def records(self, stream: str | None = None) -> list[dict[str, Any]]:
        """Return the records, of one stream or of all."""
        return [
            message["record"] for message in self.of_type("RECORD") if stream is None or message["stream"] == stream
        ]

    @property
    def state(self) -> dict[str, Any]:
        """The last STATE."""
        value: dict[str, Any] = self.of_type("STATE")[-1]["value"]
        return value

    @property
    def schema(self) -> dict[str, Any]:
        """The only SCHEMA."""
        (message,) = self.of_type("SCHEMA")
        return dict(message["schema"])

    @property
    def errors(self) -> str:
        """What was logged as an error."""
        return self.stderr[self.stderr.index("ERROR") :] if "ERROR" in self.stderr else ""
