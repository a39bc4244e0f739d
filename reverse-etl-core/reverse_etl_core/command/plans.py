"""`plans` and `approve`: what a brake held, and letting it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec
import sqlalchemy as sa

from reverse_etl_core.command.listing import Listing, Moment
from reverse_etl_core.command.session import confirmed, listed, on_ledger
from reverse_etl_core.errors import EXIT_FAILURE
from reverse_etl_core.ledger import tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.command.session import Session

COLUMNS = ("plan", "stream", "object", "kind", "counted", "base", "reason", "saved", "state")
_EFFECTS = {
    "removals": "The next run removes these {counted:,} of {base:,} records from '{object}', if nothing changes until "
    "then: other removals make another plan.",
    "rejections": "The next run may reject more records than the limit, if they have no other codes than {codes}: they "
    "stay in the ledger, and STATE goes on. So do the removals that wait behind them, unless too many are gone: then "
    "these are a plan of their own.",
}


@click.command("plans")
@on_ledger
@listed
@click.option("--all", "is_all", is_flag=True, help="Those that were carried out too.")
def list_plans(session: Session, *, is_all: bool, for_people: bool) -> Listing:
    """List what brakes held, newest first. `approve` lets it go on."""
    del for_people
    rows = session.archive.table(tables.plans)
    query: sa.Select[Any] = sa.select(rows).where(rows.c.scope_id.in_([one.scope_id for one in session.scopes]))
    if not is_all:
        query = query.where(rows.c.carried_out_at.is_(None))
    found = session.archive.rows(query.order_by(rows.c.saved_at.desc()))
    return Listing(COLUMNS, [_row(session, row) for row in found])


def _row(session: Session, row: sa.Row[Any]) -> Sequence[object]:
    scope = next(one for one in session.scopes if one.scope_id == row.scope_id)
    told = (row.kind, row.counted, row.base, row.reason, Moment(row.saved_at), _state(row))
    return (row.plan_id, scope.stream, scope.object_name, *told)


def _codes(detail: str | None) -> str:
    codes = msgspec.json.decode(detail or "[]", type=list[str])
    return ", ".join(codes) or "those that it was held for"


def _state(row: sa.Row[Any]) -> str:
    if row.carried_out_at is not None:
        return "carried out"
    return "held" if row.approved_at is None else "approved"


@click.command("approve")
@on_ledger
@click.argument("plan_id")
@click.option("--yes", "is_agreed", is_flag=True, help="Do not ask.")
def approve(session: Session, *, plan_id: str, is_agreed: bool) -> None:
    """Let the next run do what a brake held: exactly this plan, once."""
    rows = session.archive.table(tables.plans)
    query: sa.Select[Any] = sa.select(rows).where(rows.c.plan_id == plan_id)
    mine = query.where(rows.c.scope_id.in_([one.scope_id for one in session.scopes]))
    row = next(iter(session.archive.rows(mine)), None)
    if row is None:
        click.echo("There is no such plan; `reverse-etl plans --all` lists them.", err=True)
        raise click.exceptions.Exit(EXIT_FAILURE)
    if row.carried_out_at is not None:
        click.echo(f"This plan was carried out at {Moment(row.carried_out_at)} UTC.", err=True)
        raise click.exceptions.Exit(EXIT_FAILURE)
    if row.approved_at is not None:
        click.echo(f"This plan was approved at {Moment(row.approved_at)} UTC; the next run carries it out.")
        return
    scope = next(one for one in session.scopes if one.scope_id == row.scope_id)
    effect = _EFFECTS.get(row.kind, "The next run does what this plan holds.")
    click.echo(f"Plan {row.plan_id}, {scope.title}, saved at {Moment(row.saved_at)} UTC.\n{row.reason}")
    click.echo(effect.format(counted=row.counted, base=row.base, object=scope.object_name, codes=_codes(row.detail)))
    with session.changes() as changes:
        confirmed("Approve it?", is_agreed=is_agreed)
        is_first = changes.approve(row.plan_id)
    click.echo("Approved." if is_first else "It was approved or carried out in the meantime.")
