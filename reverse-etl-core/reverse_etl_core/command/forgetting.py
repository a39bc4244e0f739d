"""`forget` and `purge`: what is no longer to be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reverse_etl_core.command import records
from reverse_etl_core.command.listing import Moment, printable
from reverse_etl_core.command.session import PastMoment, confirmed, on_ledger
from reverse_etl_core.errors import BusyError
from reverse_etl_core.ledger.rows import Status

if TYPE_CHECKING:
    from reverse_etl_core.command.records import StoredRecord
    from reverse_etl_core.command.session import Session

_yes = click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")


@click.command("forget")
@on_ledger
@click.argument("key")
@_yes
def forget(session: Session, *, key: str, is_agreed: bool) -> None:
    """Delete everything that the ledger knows of one record: its row, its stored fields, its outcomes.

    KEY is what `why` takes. Nothing is changed at the destination. Refused while a request for the record, or a run of
    its stream, is under way.
    """
    name = session.find_one(key)
    stored = records.read(session.archive, name)
    click.echo(printable(f"{name.source_key}, {name.scope.title}"))
    click.echo(_consequence(stored))
    with session.changes() as changes:
        confirmed("Forget this record?", is_agreed=is_agreed)
        changes.forget(name.scope, name.source_key)
    click.echo("Forgotten.")


def _consequence(stored: StoredRecord | None) -> str:
    """What the next delivery of the key does, once it is forgotten."""
    if stored is None:
        return "Only its history is kept, and will be deleted."
    lines = []
    if stored.removal_at is not None and stored.status != Status.REMOVED.value:
        lines.append("It waits to be removed from the destination; forgotten, it stays there.")
    elif stored.destination_id is not None and stored.status != Status.REMOVED.value:
        lines.append("The record at the destination stays as it is; delete it there if it has to go.")
    lines.append(
        "If the source sends this key again, the destination is asked for its match value: a record that has it is "
        "adopted and written once, as not made by this sync; without one it is created."
    )
    return "\n".join(lines)


@click.command("purge")
@on_ledger
@click.option("--older-than", "before", type=PastMoment(), metavar="SPAN", help="How old, at least: 90d, say.")
@click.option("--payloads", "is_of_payloads", is_flag=True, help="The stored fields of rejected records instead.")
@_yes
def purge(session: Session, *, before: int | None, is_of_payloads: bool, is_agreed: bool) -> None:
    """Delete history: outcomes, ended jobs, plans that were carried out, and runs (unless streams are chosen).

    With --payloads the stored fields of rejected records are deleted instead, of all ages without --older-than. Such
    records are tried again when the source sends them, no longer by themselves.
    """
    if before is None and not is_of_payloads:
        msg = "Say how old: --older-than 90d. Or delete stored fields: --payloads."
        raise click.UsageError(msg)
    until = session.archive.now_ms() if before is None else before
    if is_of_payloads:
        _purge_payloads(session, until, is_agreed=is_agreed)
    else:
        _purge_history(session, until, is_agreed=is_agreed)


def _purge_history(session: Session, until: int, *, is_agreed: bool) -> None:
    with session.changes() as changes:
        confirmed(f"Delete the history before {Moment(until)} UTC?", is_agreed=is_agreed)
        counts = changes.purge([one.scope_id for one in session.scopes], until)
        if session.is_whole:
            counts["runs"] = changes.purge_runs(until)
    click.echo("Deleted: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) + ".")


def _purge_payloads(session: Session, until: int, *, is_agreed: bool) -> None:
    blanked, busy = 0, []
    with session.changes() as changes:
        confirmed(f"Delete the stored fields of records rejected before {Moment(until)} UTC?", is_agreed=is_agreed)
        for scope in session.scopes:
            try:
                blanked += changes.blank_payloads(scope, until)
            except BusyError as error:
                busy.append(str(error))
    click.echo(f"Rejected records whose fields were deleted: {blanked:,}.")
    if busy:
        raise BusyError(" ".join(busy))
