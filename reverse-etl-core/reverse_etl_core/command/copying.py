"""`copy`: the ledger in another database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reverse_etl_core.command.places import COPY_VARIABLE, parsed
from reverse_etl_core.command.session import confirmed, on_ledger
from reverse_etl_core.ledger.copying import copy_ledger

if TYPE_CHECKING:
    from reverse_etl_core.command.session import Session


@click.command("copy")
@on_ledger
@click.option(
    "--to",
    "named",
    required=True,
    envvar=COPY_VARIABLE,
    metavar="URL",
    help=f"Where to: a SQLAlchemy URL or a file. With a password in it, use {COPY_VARIABLE}.",
)
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
def copy(session: Session, *, named: str, is_agreed: bool) -> None:
    """Copy the whole ledger into an empty database: from SQLite to PostgreSQL, or back.

    All syncs and streams are copied. Refused while a run writes the ledger; none can begin meanwhile.
    """
    if not session.is_whole:
        msg = "A ledger is copied as a whole. Leave out --sync, --stream, --object and --account."
        raise click.UsageError(msg)
    to = parsed(named)
    confirmed(f"Copy the ledger to '{to.render_as_string(hide_password=True)}'?", is_agreed=is_agreed)
    counts = copy_ledger(session.archive, to)
    click.echo("Copied: " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) + ".")
    click.echo("Set 'ledger_url' of the target to the copy before its next run, and move the old ledger away.")
