"""What a ledger says, in sentences without field values: pure."""

from __future__ import annotations

import datetime as dt
import re
import signal
from typing import TYPE_CHECKING

from reverse_etl_core.command.listing import Moment
from reverse_etl_core.cures import cure
from reverse_etl_core.errors import EXIT_BRAKE, EXIT_CONFIG, EXIT_OK, EXIT_TRY_LATER
from reverse_etl_core.ledger.book import FORGOTTEN
from reverse_etl_core.ledger.rows import Status
from reverse_etl_core.settling import NEVER_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reverse_etl_core.command.records import StoredRecord

SIGNAL_BASE = 128
_EXITS = {
    EXIT_OK: "settled",
    EXIT_BRAKE: "a brake stopped it: a person must look",
    EXIT_TRY_LATER: "busy or out of quota: try later",
    EXIT_CONFIG: "a setting, model or credential is wrong",
}
_SPAN = re.compile(r"(\d+)\s*([mhdw])")
_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def exit_meaning(code: int | None, *, is_running: bool = False) -> str:
    """What an exit code says.

    >>> exit_meaning(0), exit_meaning(143), exit_meaning(1)
    ('settled', 'stopped by SIGTERM', 'failed: see its log')
    >>> exit_meaning(None), exit_meaning(None, is_running=True)
    ('killed', 'running')
    """
    if code is None:
        return "running" if is_running else "killed"
    if code > SIGNAL_BASE:
        try:
            return f"stopped by {signal.Signals(code - SIGNAL_BASE).name}"
        except ValueError:
            return f"stopped by signal {code - SIGNAL_BASE}"
    return _EXITS.get(code, "failed: see its log")


def span_ms(text: str) -> int | None:
    """Milliseconds of a span like `90d`; `None` where it is none.

    >>> span_ms("90d"), span_ms("12h") == 12 * span_ms("60m"), span_ms("2w") == span_ms("14d"), span_ms("soon")
    (7776000000, True, True, None)
    """
    found = _SPAN.fullmatch(text.strip().lower())
    return int(found[1]) * _UNITS_MS[found[2]] if found else None


def moment_ms(text: str, *, now_ms: int) -> int | None:
    """Milliseconds since 1970 of a date, of a date and time (UTC unless it says so), or of a span before now.

    >>> moment_ms("1970-01-02", now_ms=0), moment_ms("1970-01-01T01:00+01:00", now_ms=0), moment_ms("1d", now_ms=0)
    (86400000, 0, -86400000)
    >>> moment_ms("yesterday", now_ms=0)
    """
    span = span_ms(text)
    if span is not None:
        return now_ms - span
    try:
        moment = dt.datetime.fromisoformat(text.strip().removesuffix("Z"))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
    return int(moment.timestamp() * 1000)


def rests_for_good(record: StoredRecord) -> bool:
    """Whether a rejected record is tried again only with a new version of it."""
    if record.removal_at is not None:  # a removal needs no content
        return False
    return record.due_at is None or record.due_at >= NEVER_MS or not record.has_record


def due(record: StoredRecord, *, now_ms: int) -> str:
    """When a rejected record is tried again, in a few words."""
    if rests_for_good(record):
        return "with a new version"
    at = record.due_at or 0
    return "next run" if at <= now_ms else str(Moment(at))


def without_row(last_outcome: str) -> str:
    """What is said of a record of which the ledger keeps only outcomes.

    Args:
        last_outcome: The newest of them.
    """
    if last_outcome == FORGOTTEN:
        return "gone from the source before any version of it was delivered: nothing is left to do, nor kept."
    return "forgotten, or delivered with 'ledger: rejects': only its history is kept."


def waits_to_be_removed(record: StoredRecord) -> bool:
    """Whether a rejected record is gone from the source since, and its removal not tried: that takes its content."""
    return record.status == Status.REJECTED.value and record.removal_at is not None and record.has_record


def account_of(record: StoredRecord, *, now_ms: int) -> Iterator[tuple[str, str]]:
    """What the ledger says of a record, what happens next, and what to do, as headed sentences."""
    yield "Status", _status(record)
    if record.status == Status.REJECTED.value:
        yield "Reason", f"{record.error_code}: {record.error or 'no reason is kept.'}"
    yield "Destination", _destination(record)
    yield "Next", _next(record, now_ms=now_ms)
    if record.status == Status.REJECTED.value and not waits_to_be_removed(record):
        yield "Cure", cure(record.error_code or "").cure or "See docs/rejects.md."


def _status(record: StoredRecord) -> str:
    at = Moment(record.updated_at)
    if record.status == Status.PENDING.value:
        what = "removal" if record.removal_at is not None else "request"
        return f"pending: a {what} for it left at {at} UTC, and its answer is not recorded."
    if record.status == Status.REJECTED.value:
        if waits_to_be_removed(record):
            since = Moment(record.removal_at or 0)
            return f"rejected at {at} UTC; gone from the source since {since} UTC, and waits to be removed."
        what = "its removal was refused" if record.removal_at is not None else "rejected"
        times = f" after {_times(record.attempts)}" if record.attempts else ", before it was sent"
        return f"{what} at {at} UTC{times}."
    if record.status == Status.REMOVED.value:
        return f"removed from the destination at {at} UTC, since it is gone from the source."
    return _delivered(record) if record.status == Status.DELIVERED.value else f"{record.status} at {at} UTC."


def _delivered(record: StoredRecord) -> str:
    at = Moment(record.updated_at)
    if record.removal_at is not None:
        return f"delivered; gone from the source since {Moment(record.removal_at)} UTC, and waits to be removed."
    if record.payload_hash is None:
        return (
            f"left as it is since {at} UTC: it is gone from the source and not to be removed, or it exists and only "
            "creates are wanted."
        )
    return f"delivered at {at} UTC."


def _times(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count:,} attempts"


def _destination(record: StoredRecord) -> str:
    if record.destination_id is None:
        return "no record is known there."
    origin = "made by this sync" if record.created_by_us else "found there, not made by this sync"
    is_older = record.status == Status.REJECTED.value and (record.removal_at is None or record.has_record)
    older = ", with an older version" if is_older else ""
    return f"id {record.destination_id}, {origin}{older}."


def _next(record: StoredRecord, *, now_ms: int) -> str:
    if record.status == Status.PENDING.value:
        return "The next run finds out what came of it before anything else is sent for it."
    if record.status == Status.REMOVED.value:
        return "It is delivered anew if the source sends it again."
    if record.status == Status.REJECTED.value and not waits_to_be_removed(record):
        return _next_try(record, now_ms=now_ms)
    if record.removal_at is not None:
        return "It is removed by the next run, unless a brake holds that or the source sends it again."
    if record.payload_hash is None:
        return "It is sent with its next version, whatever that holds."
    return "Nothing is sent before its content changes."


def _next_try(record: StoredRecord, *, now_ms: int) -> str:
    if record.removal_at is not None:
        return f"Its removal is tried by the next run after {Moment(record.due_at or 0)} UTC, unless it comes back."
    if (record.due_at or 0) >= NEVER_MS:
        return "The same content is never sent again; a new version is tried."
    if not record.has_record:
        return "It is tried when the source sends it again: its content is not stored."
    if record.due_at is None:
        return "It is tried when the source sends a new version: this one cannot be delivered."
    if record.due_at <= now_ms:
        return "It is tried by the next run."
    return f"It is tried by the first run after {Moment(record.due_at)} UTC; at once after `reverse-etl retry --key`."
