"""`why` and `history`: everything that is known of one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import sqlalchemy as sa

from reverse_etl_core.command import records, words
from reverse_etl_core.command.listing import Listing, Moment, printable, write_table
from reverse_etl_core.command.session import listed, on_ledger
from reverse_etl_core.ledger.tables import outcomes, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.command.records import RecordName, StoredRecord
    from reverse_etl_core.command.session import Session

RECENT = 5
COLUMNS = ("at", "outcome", "code", "destination_id", "run", "run_ended")


@click.command("why")
@on_ledger
@click.argument("key")
@click.option("--records", "shows_records", is_flag=True, help="Show the stored field values and the match key too.")
def why(session: Session, *, key: str, shows_records: bool) -> None:
    """Say why a record is, or is not, at the destination, and what happens next.

    KEY is the record's key in the source (42, or '[42,"EU"]' where it has several parts), the value that it is matched
    on, or the destination's id. Without --records no field value is shown.
    """
    name = session.find_one(key)
    stored = records.read(session.archive, name)
    click.echo(printable(f"{name.source_key}, {name.scope.title}"))
    found = _history(session, name, RECENT)
    if stored is None:
        lines = [("Status", words.without_row(str(found[-1][1]) if found else ""))]
    else:
        lines = _told(session, stored, shows_records=shows_records)
    width = max(len(head) for head, _ in lines)
    for head, text in lines:
        click.echo(f"  {head:<{width}}  {printable(text)}")
    if found:
        click.echo("\nLast outcomes, in UTC:\n")
        write_table(Listing(COLUMNS, found))


def _told(session: Session, stored: StoredRecord, *, shows_records: bool) -> list[tuple[str, str]]:
    lines = [*words.account_of(stored, now_ms=session.archive.now_ms())]
    if shows_records:
        lines += [("Match key", stored.match_key or "none is owned."), ("Record", stored.record or "is not stored.")]
    return lines


@click.command("history")
@on_ledger
@listed
@click.argument("key")
def history(session: Session, *, key: str, for_people: bool) -> Listing:
    """List what happened to one record, oldest first.

    KEY is what `why` takes. Runs that found it unchanged are not listed; outcomes are kept for 30 days.
    """
    del for_people
    return Listing(COLUMNS, _history(session, session.find_one(key), None))


def _history(session: Session, name: RecordName, limit: int | None) -> Sequence[tuple[object, ...]]:
    """The outcomes of a record, oldest first; only the newest ones where there is a limit."""
    told, ended = session.archive.table(outcomes), session.archive.table(runs)
    with_runs = told.outerjoin(ended, told.c.run_id == ended.c.run_id)
    shown = ("at", "outcome", "code", "destination_id", "run_id")
    query: sa.Select[Any] = (
        sa.select(*(told.c[one] for one in shown), ended.c.ended_at, ended.c.exit_code)
        .select_from(with_runs)
        .where(told.c.scope_id == name.scope.scope_id, told.c.source_key == name.source_key)
        .order_by(told.c.at.desc())
        .limit(limit)
    )
    return [_line(row) for row in reversed(session.archive.rows(query))]


def _line(row: Sequence[Any]) -> tuple[object, ...]:
    *told, ended_at, exit_code = row
    ending = "not ended" if ended_at is None else words.exit_meaning(exit_code)
    return (Moment(told[0]), *told[1:], ending)
