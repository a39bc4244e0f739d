"""`rejects` and `retry`: what did not arrive, and trying it again."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import click

from reverse_etl_core.command import records, words
from reverse_etl_core.command.listing import Json, Listing, Moment
from reverse_etl_core.command.records import RejectFilter
from reverse_etl_core.command.session import PastMoment, listed, on_ledger
from reverse_etl_core.operations import RejectCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reverse_etl_core.command.records import StoredRecord
    from reverse_etl_core.command.session import Session

SHOWN = 100
"""Rows of a table unless the user says otherwise; programs get all."""

COLUMNS = ("stream", "object", "source_key", "code", "reason", "attempts", "since", "due")

_code = click.option("--code", "codes", multiple=True, metavar="CODE", help="Only of this code; may be repeated.")
_key = click.option("--key", "keys", multiple=True, metavar="KEY", help="Only this record; may be repeated.")


@click.command("rejects")
@on_ledger
@listed
@_code
@_key
@click.option("--since", type=PastMoment(), default=0, metavar="WHEN", help="Only since a date or span (2d).")
@click.option("--limit", type=click.IntRange(min=0), help=f"Rows; 0 for all. Default: {SHOWN} in a table.")
@click.option("--records", "shows_records", is_flag=True, help="Show the stored field values too.")
def list_rejects(
    session: Session,
    *,
    codes: Sequence[str],
    keys: Sequence[str],
    since: int,
    limit: int | None,
    shows_records: bool,
    for_people: bool,
) -> Listing:
    """List the records that are rejected, and when they are tried again.

    Without --records no field value is shown.
    """
    wanted = RejectFilter(_checked(codes), since, _named(session, keys), shows_records)
    found = records.rejected(session.archive, session.scopes, wanted)
    limit = SHOWN if limit is None and for_people else limit or None
    rows = (_row(one, session, for_people=for_people, shows_records=shows_records) for one in found)
    columns = (*COLUMNS, "record") if shows_records else COLUMNS
    return Listing(columns, _first(rows, limit))


def _row(one: StoredRecord, session: Session, *, for_people: bool, shows_records: bool) -> tuple[object, ...]:
    now_ms = session.archive.now_ms()
    due: object = words.due(one, now_ms=now_ms)
    if not for_people:
        due = None if words.rests_for_good(one) else Moment(one.due_at or 0)
    scope = one.scope
    since = Moment(one.updated_at)
    row = (scope.stream, scope.object_name, one.source_key, one.error_code, one.error, one.attempts, since, due)
    return (*row, Json(one.record) if one.record is not None else None) if shows_records else row


def _first(rows: Iterator[tuple[object, ...]], limit: int | None) -> Iterable[tuple[object, ...]]:
    """As many rows; that there are more is told on stderr."""
    yield from itertools.islice(rows, limit)
    if next(rows, None) is not None:
        click.echo(f"There are more than these {limit:,}: see --limit, --code, --stream, --csv.", err=True)


def _checked(codes: Sequence[str]) -> Sequence[str]:
    unknown = sorted(set(codes) - {one.value for one in RejectCode})
    if unknown:
        msg = f"'{unknown[0]}' is no code of a rejection. There are: {', '.join(one.value for one in RejectCode)}."
        raise click.BadParameter(msg, param_hint="--code")
    return codes


def _named(session: Session, keys: Sequence[str]) -> frozenset[tuple[int, str]] | None:
    if not keys:
        return None
    names = itertools.chain.from_iterable(session.find_all(key) for key in keys)
    return frozenset((one.scope.scope_id, one.source_key) for one in names)


@click.command("retry")
@on_ledger
@click.option("--all", "is_all", is_flag=True, help="All rejected records that may be tried again.")
@_code
@_key
def retry(session: Session, *, is_all: bool, codes: Sequence[str], keys: Sequence[str]) -> None:
    """Let the next run try rejected records again, whenever they would be due.

    Records whose person does not consent are only tried with --code consent or --key; records without a key, and those
    whose content is not stored, only when the source sends them again.
    """
    if not (is_all or codes or keys):
        msg = "Say which: --all, --code or --key."
        raise click.UsageError(msg)
    wanted = RejectFilter(_checked(codes), 0, _named(session, keys))
    consents = bool(keys) or RejectCode.CONSENT.value in codes
    now_ms = session.archive.now_ms()
    changed = ready = resting = 0
    with session.changes() as changes:
        for scope, group in itertools.groupby(
            records.rejected(session.archive, session.scopes, wanted), key=lambda one: one.scope
        ):
            while page := list(itertools.islice(group, records.PAGE)):
                tried = [one for one in page if _is_tried(one, consents=consents)]
                resting += len(page) - len(tried)
                due_later = [one.source_key for one in tried if (one.due_at or 0) > now_ms]
                ready += len(tried) - len(due_later)
                changed += changes.make_due(scope, due_later)
    click.echo(f"Rejected records that the next run tries: {changed + ready:,} ({ready:,} were due already).")
    if resting:
        click.echo(f"Only tried with a new version from the source: {resting:,}; `reverse-etl why` says why.")


def _is_tried(one: StoredRecord, *, consents: bool) -> bool:
    if one.error_code == RejectCode.CONSENT.value and consents:
        return one.has_record and one.due_at is not None
    return not words.rests_for_good(one)
