"""A ledger with one record of each kind, and the command over it."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from click.testing import CliRunner

from reverse_etl_core.command.program import main
from reverse_etl_core.ledger import Intent, Ledger, Scope, Settlement, Status
from reverse_etl_core.ledger.tables import plans
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    from reverse_etl_core.ledger import StreamLedger

PEOPLE = Scope("prod:tap-to-target-crm", "account-1", "contacts", "people")
OTHERS = Scope("prod:tap-to-target-crm", "account-1", "companies", "firms")
VALUE = "a-value-that-nobody-may-see"
HOUR_MS = 3_600_000
NEVER_MS = 253_402_300_800_000
_DROP_FROM_BOUNDING_SET, _DAC_OVERRIDE = 24, 1
READING = (
    ("rejects",),
    ("rejects", "--json", "--records"),
    ("rejects", "--csv"),
    ("why", "late"),
    ("history", "late"),
    ("runs",),
    ("streams",),
    ("scopes",),
    ("plans", "--all"),
)
"""Subcommands that only read."""


def obey_permissions() -> None:
    """Take from root, before it starts a program, the right to write what is read-only."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(_DROP_FROM_BOUNDING_SET, _DAC_OVERRIDE, 0, 0, 0)


def keeps_permissions(path: Path) -> bool:
    """Whether a program without root's rights is kept from writing there."""
    check = f"import os; raise SystemExit(os.access({str(path)!r}, os.W_OK))"
    return subprocess.run([sys.executable, "-c", check], preexec_fn=obey_permissions, check=False).returncode == 0


def rejected(key: str, code: str, now_ms: int, **changes: Any) -> Settlement:
    """A refusal with a stored record."""
    given: dict[str, Any] = {
        "error_code": code,
        "error": f"Sentence of {code}.",
        "record": json.dumps({"name": VALUE}),
        "due_at": now_ms + HOUR_MS,
        "attempts": 1,
    }
    return Settlement(key, Status.REJECTED, "rejected", **(given | changes))


def delivered(key: str, match_key: str, **changes: Any) -> Settlement:
    """A delivery."""
    given: dict[str, Any] = {"destination_id": f"id-{match_key}", "payload_hash": bytes(16), "created_by_us": True}
    return Settlement(key, Status.DELIVERED, "created", match_key=match_key, **(given | changes))


@dataclass
class Office:
    """A ledger, and the command.

    Attributes:
        url: Of the ledger.
    """

    url: str

    def fill(self) -> None:
        """One record of each kind in `people`, two in `firms`."""
        ledger = Ledger(Secret(self.url))
        now = ledger.now_ms()
        ledger.start_run(sync_id=PEOPLE.sync_id, target="target-crm", account=PEOPLE.account)
        people = ledger.open_stream(PEOPLE, keeps_deliveries=True)
        people.intend([Intent('["flying"]', "flying@example.com", None, created_by_us=True, attempts=1, record="{}")])
        people.settle(
            [
                delivered("[42]", "ada@example.com"),
                rejected('["late"]', "too_long", now),
                rejected('["due"]', "invalid_email", now, due_at=now, attempts=0),
                rejected('["keyless"]', "missing_key", now, due_at=None, attempts=0),
                rejected('["=1+1"]', "consent", now, due_at=NEVER_MS),
                rejected('["doubt"]', "vendor_refused", now, in_doubt_until=now + HOUR_MS),
            ]
        )
        people.settle([rejected('["late"]', "too_long", now, attempts=2)])
        people.close()
        firms = ledger.open_stream(OTHERS, keeps_deliveries=True)
        firms.settle([delivered("[42]", "firm"), delivered('["42"]', "second firm")])
        firms.close()
        ledger.end_run(65, {"records_read": 9, "created": 3, "rejected": 6, "seconds": 1.25})
        self.plan(ledger, "plan-1")
        ledger.close()

    def plan(self, ledger: Ledger, plan_id: str, **changes: Any) -> None:
        """What a brake held."""
        row = {"plan_id": plan_id, "scope_id": 1, "run_id": ledger.run_id, "kind": "removals", "reason": "Too many."}
        counts = {"counted": 1340, "base": 5000, "saved_at": ledger.now_ms()}
        with ledger.begin() as connection:
            connection.execute(sa.insert(plans).values({**row, **counts, **changes}))

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        """Run the command on the ledger."""
        return CliRunner().invoke(main, ["--ledger", self.url, *arguments], input=answer)

    def told(self, *arguments: str, answer: str | None = None) -> str:
        """What a command that succeeds writes."""
        result = self.run(*arguments, answer=answer)
        assert result.exit_code == 0, result.output
        return result.stdout

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """What a command lists, as JSON."""
        rows: list[dict[str, Any]] = json.loads(self.told(*arguments, "--json"))
        return rows

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run SQL beside the command."""
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            rows = [tuple(row) for row in result.all()] if result.returns_rows else []
        engine.dispose()
        return rows

    def in_stream(self, look: Callable[[StreamLedger], Any], scope: Scope = PEOPLE) -> Any:
        """What a run finds in its part of the ledger."""
        ledger = Ledger(Secret(self.url), now=time.time)
        stream = ledger.open_stream(scope, keeps_deliveries=True)
        try:
            return look(stream)
        finally:
            stream.close()
            ledger.close()
