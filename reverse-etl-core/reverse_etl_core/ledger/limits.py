"""The rate limits and the daily quota of an account, for all workers that share a ledger.

One row per account and lane. A worker asks for as many permits as requests wait in it, in one small transaction; none
are kept for later, so that what is counted here is what is sent. When the database does not answer, nothing is sent:
the ledger needs it as well.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reverse_etl_core.ledger.tables import rate_limits
from reverse_etl_core.rates import DailyReading, Permits, Rate, admit

if TYPE_CHECKING:
    from reverse_etl_core.ledger.store import Ledger

_COLUMNS = rate_limits.c
_LANE = (
    (_COLUMNS.target == sa.bindparam("of_target"))
    & (_COLUMNS.account == sa.bindparam("of_account"))
    & (_COLUMNS.lane == sa.bindparam("of_lane"))
)
_LOCK = sa.select(rate_limits).where(_LANE).with_for_update()
_CHANGE = sa.update(rate_limits).where(_LANE)
# A crash of the server may forget the last permits, and nothing else: no need to wait for its disk.
_QUICK = sa.text("SET LOCAL synchronous_commit = off")
_CLOCK = sa.text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")


class AccountLimits:
    """The limits of one account. Used from several threads.

    Args:
        ledger: Where they are kept.
        target: Name of the target.
        account: The account's id.
    """

    def __init__(self, ledger: Ledger, target: str, account: str) -> None:
        self._ledger = ledger
        self._account = {"of_target": target, "of_account": account}

    def take(self, lane: str, wanted: int, rate: Rate, daily: DailyReading | None) -> Permits:
        """Ask for permits, and exchange what is known of the account."""
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            row, now_ms = self._lock(connection, lane, rate)
            rate = Rate(row.requests, row.interval_ms / 1000)
            changes = _newer(row, daily, now_ms)
            granted = 0
            wait_ms: int = row.not_before - now_ms
            if wait_ms <= 0:
                granted, wait_ms, grants = admit(json.loads(row.grants), now_ms, rate, wanted)
                changes["grants"] = json.dumps(grants, separators=(",", ":"))
            if changes:
                self._change(connection, lane, changes)
        known = {"daily_limit": row.daily_limit, "daily_remaining": row.daily_remaining, "read_at": row.read_at}
        return Permits(granted, wait_ms / 1000, rate, _reading(known | changes, now_ms))

    def count(self, lane: str, used: int, rate: Rate) -> None:
        """Count requests that went before the account was known."""
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            row, now_ms = self._lock(connection, lane, rate)
            grants = [*json.loads(row.grants), *([(now_ms, used)] if used else [])]
            self._change(connection, lane, {"grants": json.dumps(grants)})

    def hold_back(self, lane: str, seconds: float, rate: Rate) -> None:
        """Let no worker pass for that long."""
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            row, now_ms = self._lock(connection, lane, rate)
            until = max(row.not_before, now_ms + int(seconds * 1000))
            self._change(connection, lane, {"not_before": until})

    def change(self, lane: str, rate: Rate) -> None:
        """Adopt a rate for all workers."""
        with self._ledger.guarded("written"), self._ledger.begin() as connection:
            self._lock(connection, lane, rate)
            self._change(connection, lane, {"requests": rate.requests, "interval_ms": rate.interval_ms})

    def _lock(self, connection: sa.Connection, lane: str, rate: Rate) -> tuple[sa.Row[Any], int]:
        """The row of a lane, made where it is missing, and the time once nobody else can write it."""
        connection.execute(_QUICK)
        place = {**self._account, "of_lane": lane}
        row = connection.execute(_LOCK, place).one_or_none()
        if row is None:
            first: dict[str, Any] = {name.removeprefix("of_"): value for name, value in place.items()}
            first |= {"requests": rate.requests, "interval_ms": rate.interval_ms, "grants": "[]", "not_before": 0}
            connection.execute(self._ledger.insert(rate_limits).values(first).on_conflict_do_nothing())
            row = connection.execute(_LOCK, place).one()
        return row, int(connection.execute(_CLOCK).scalar_one())

    def _change(self, connection: sa.Connection, lane: str, values: dict[str, Any]) -> None:
        connection.execute(_CHANGE.values(values), {**self._account, "of_lane": lane})


def _newer(row: sa.Row[Any], daily: DailyReading | None, now_ms: int) -> dict[str, Any]:
    """What the row should say of the daily quota, where this worker's reading is newer."""
    if daily is None:
        return {}
    read_at = now_ms - int(daily.age_s * 1000)
    if row.read_at is not None and read_at <= row.read_at:
        return {}
    return {"daily_limit": daily.limit, "daily_remaining": daily.remaining, "read_at": read_at}


def _reading(values: dict[str, Any], now_ms: int) -> DailyReading | None:
    if values["read_at"] is None:
        return None
    age_s = max(0, now_ms - values["read_at"]) / 1000
    return DailyReading(values["daily_limit"], values["daily_remaining"], age_s)
