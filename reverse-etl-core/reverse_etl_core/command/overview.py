"""`runs` and `streams`: how the syncs are."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import click
import sqlalchemy as sa

from reverse_etl_core.command.listing import Listing, Moment
from reverse_etl_core.command.session import listed, on_ledger
from reverse_etl_core.command.words import exit_meaning
from reverse_etl_core.ledger.rows import Status
from reverse_etl_core.ledger.tables import deliveries, runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_etl_core.command.session import Session
    from reverse_etl_core.ledger.archive import ScopeRow

COUNTS = ("records_read", "created", "updated", "unchanged", "removed", "superseded", "rejected", "deferred")
EARLIER = ("earlier_delivered", "earlier_removed", "earlier_rejected")
RUN_COLUMNS = ("started", "sync", "exit_code", "meaning", *COUNTS, *EARLIER, "requests", "seconds", "run")
STREAM_COLUMNS = ("sync", "account", "stream", "object", *(one.value for one in Status), "leaving", "lease")


@click.command("runs")
@on_ledger
@listed
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
def list_runs(session: Session, *, limit: int, for_people: bool) -> Listing:
    """List the last runs, newest first: when, how they ended, what they did.

    Times are in UTC. `earlier_` counts what was left by earlier runs, and is in none of the other columns.
    """
    rows = session.archive.table(runs)
    query: sa.Select[Any] = sa.select(rows).order_by(rows.c.started_at.desc()).limit(limit)
    if not session.is_whole:
        query = query.where(rows.c.sync_id.in_({one.sync_id for one in session.scopes}))
    now_ms = session.archive.now_ms()
    busy = {one.sync_id for one in session.scopes if one.is_leased(now_ms)}
    lines, seen = [], set()
    for row in session.archive.rows(query):
        worker = (row.sync_id, row.partition)
        is_running = row.ended_at is None and row.sync_id in busy and worker not in seen
        seen.add(worker)  # only the newest run of each holds the lease
        lines.append(_run(row, is_running=is_running, for_people=for_people))
    return Listing(RUN_COLUMNS, lines)


def _run(row: sa.Row[Any], *, is_running: bool, for_people: bool) -> tuple[object, ...]:
    seconds = round(row.seconds, 1) if for_people else row.seconds
    meaning = exit_meaning(row.exit_code, is_running=is_running)
    counts = (getattr(row, name) for name in (*COUNTS, *EARLIER))
    return (Moment(row.started_at), row.sync_id, row.exit_code, meaning, *counts, row.requests, seconds, row.run_id)


@click.command("streams")
@on_ledger
@listed
def list_streams(session: Session, *, for_people: bool) -> Listing:
    """List each stream of each sync: how many records are where, and whether a run writes it now.

    `leaving` counts those that are gone from the source and wait to be removed. Counting ten million takes seconds.
    """
    del for_people
    counts = _counts(session)
    now_ms = session.archive.now_ms()
    return Listing(STREAM_COLUMNS, [_stream(one, counts[one.scope_id], now_ms) for one in session.scopes])


def _counts(session: Session) -> Mapping[int, Mapping[str, int]]:
    rows = session.archive.table(deliveries)
    is_leaving = rows.c.removal_at.is_not(None) & (rows.c.status != Status.REMOVED.value)
    query = (
        sa.select(rows.c.scope_id, rows.c.status, sa.func.count(), sa.func.count().filter(is_leaving))
        .where(rows.c.scope_id.in_([one.scope_id for one in session.scopes]))
        .group_by(rows.c.scope_id, rows.c.status)
    )
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for scope_id, status, count, leaving in session.archive.rows(query):
        counts[scope_id] += Counter({status: count, "leaving": leaving})
    return counts


def _stream(scope: ScopeRow, counts: Mapping[str, int], now_ms: int) -> Sequence[object]:
    known = (counts.get(name, 0) for name in (*(one.value for one in Status), "leaving"))
    return (scope.sync_id, scope.account, scope.stream, scope.object_name, *known, _lease(scope, now_ms))


def _lease(scope: ScopeRow, now_ms: int) -> str:
    if not scope.lease_owner:
        return "free"
    owner = scope.lease_owner.rsplit(":", 1)[0].removesuffix(":-")
    return f"held by {owner}" if scope.is_leased(now_ms) else f"free: {owner} was killed"
