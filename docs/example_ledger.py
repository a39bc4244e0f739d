"""The ledger of docs/command.md: a week of a shop's contacts in HubSpot."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reverse_etl_core.ledger import Intent, Ledger, Scope, Settlement, Status
from reverse_etl_core.ledger.tables import plans
from reverse_etl_core.redaction import Secret

if TYPE_CHECKING:
    from pathlib import Path

SYNC = "prod:tap-warehouse-model-to-target-hubspot"
ACCOUNT = "21098765"
START_S = 1_795_500_000.0
HOUR_MS = 3_600_000


class _Clock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.now_s = START_S

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now_s


def make(path: Path) -> float:
    """Make it; the time at which the examples are shown, in seconds since 1970."""
    clock = _Clock()
    for number in range(3):
        ledger = Ledger(Secret(f"sqlite:///{path}"), now=clock)
        ledger.run_id = f"6f1d{number}c0e-0000-4000-8000-00000000000{number}"
        ledger.start_run(sync_id=SYNC, target="target-hubspot", account=ACCOUNT)
        contacts = ledger.open_stream(Scope(SYNC, ACCOUNT, "contacts", "contacts"), keeps_deliveries=True)
        clock.now_s += 42
        if number == 0:
            contacts.settle([_delivered(n) for n in range(40, 60)])
        contacts.settle(_refused(number, ledger.now_ms()))
        if number == 2:  # noqa: PLR2004 - the last run
            pending = Intent('["C-00061"]', "c61@example.com", None, created_by_us=True, attempts=1, record="{}")
            contacts.intend([pending])
            _hold(ledger)
        contacts.close()
        counts = {"records_read": 23, "created": 20} if number == 0 else {"records_read": 23, "unchanged": 20}
        ledger.end_run(65 if number == 2 else 0, {**counts, "rejected": 3, "requests": 2, "seconds": 42.3})  # noqa: PLR2004
        ledger.close()
        clock.now_s += 6 * 3600
    return clock.now_s


def _delivered(number: int) -> Settlement:
    key = json.dumps([f"C-{number:05}"])
    known = {"match_key": f"c{number}@example.com", "destination_id": str(51_000 + number), "payload_hash": bytes(16)}
    return Settlement(key, Status.DELIVERED, "created", created_by_us=True, **known)


def _refused(number: int, now_ms: int) -> list[Settlement]:
    record = json.dumps({"email": "somebody@example.com", "plan": "gold"})

    def one(key: str, code: str, reason: str, **changes: Any) -> Settlement:  # noqa: ANN401 - fields of several types
        given: dict[str, Any] = {"error_code": code, "error": reason, "record": record, "due_at": now_ms}
        return Settlement(json.dumps([key]), Status.REJECTED, "rejected", **(given | changes))

    if number == 0:
        option = "Field 'plan' takes one of its options, and this is none."
        address = "Field 'email' holds no valid address."
        return [one("C-00017", "invalid_email", address), one("C-00023", "invalid_option", option)]
    taken = "Another contact has this value of 'email'. (CONTACT_EXISTS)"
    known = {"destination_id": "51042", "match_key": "c42@example.com", "created_by_us": True}
    due_at = now_ms + HOUR_MS * 4 ** (number - 1)
    return [one("C-00042", "conflict", taken, attempts=number, due_at=due_at, **known)]


def _hold(ledger: Ledger) -> None:
    reason = "12 of 20 delivered records are gone from the source and 'max_removed_percent' is 20."
    row = {"plan_id": "3a7c01f9be", "scope_id": 1, "run_id": ledger.run_id, "kind": "removals", "reason": reason}
    with ledger.begin() as connection:
        counts = {"counted": 12, "base": 20, "saved_at": ledger.now_ms()}
        connection.execute(sa.insert(plans).values({**row, **counts}))
