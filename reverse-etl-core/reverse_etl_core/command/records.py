"""Records of a ledger: found by whatever name a person has for them, and those that are rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from reverse_etl_core import identity
from reverse_etl_core.ledger.archive import is_rejected
from reverse_etl_core.ledger.tables import deliveries, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reverse_etl_core.ledger.archive import Archive, ScopeRow

PAGE = 1000


class StoredRecord(msgspec.Struct, frozen=True):
    """A row of `deliveries`, with the scope that it belongs to."""

    scope: ScopeRow
    source_key: str
    match_key: str | None
    destination_id: str | None
    payload_hash: bytes | None
    status: str
    created_by_us: bool
    attempts: int
    intent_at: int | None
    in_doubt_until: int | None
    updated_at: int
    due_at: int | None
    error_code: str | None
    error: str | None
    removal_at: int | None
    has_record: bool
    record: str | None


class RecordName(msgspec.Struct, frozen=True):
    """Which record is meant, also where the ledger keeps no row of it any more."""

    scope: ScopeRow
    source_key: str


@dataclass(frozen=True, slots=True)
class RejectFilter:
    """Which rejected records are wanted.

    Attributes:
        codes: Of these codes; empty for all.
        since_ms: Rejected since then.
        source_keys: Scope and source key; `None` for all.
        shows_records: Whether the stored fields are read too.
    """

    codes: Sequence[str] = ()
    since_ms: int = 0
    source_keys: frozenset[tuple[int, str]] | None = None
    shows_records: bool = False


def source_keys_of(text: str) -> list[str]:
    r"""The source keys that a person may mean by a text, as the ledger writes them.

    >>> source_keys_of("42")
    ['["42"]', '[42]', '42']
    >>> source_keys_of('[42, "EU"]')
    ['[42,"EU"]', '["[42, \\"EU\\"]"]', '[42, "EU"]']
    >>> source_keys_of("ada@example.com")[0]
    '["ada@example.com"]'
    """
    found = [identity.source_key([text])]
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        value = text
    if isinstance(value, list):
        found.insert(0, identity.source_key(value))
    elif not isinstance(value, (str, dict)):
        found.append(identity.source_key([value]))
    return [*dict.fromkeys([*found, text])]


def find(archive: Archive, scopes: Sequence[ScopeRow], key: str) -> list[RecordName]:
    """The records that a key names: by source key, else by match key, else by the destination's id.

    Records that only the history knows are found by source key.
    """
    by_id = {one.scope_id: one for one in scopes}
    rows, history = archive.table(deliveries), archive.table(outcomes)
    ways: tuple[tuple[sa.FromClause, str, list[str]], ...] = (
        (rows, "source_key", source_keys_of(key)),
        (rows, "match_key", [key, key.lower()]),
        (rows, "destination_id", [key]),
        (history, "source_key", source_keys_of(key)),
    )
    for table, column, values in ways:
        query = sa.select(table.c.scope_id, table.c.source_key)
        is_meant = table.c.scope_id.in_(by_id) & table.c[column].in_(values)
        found = sorted({(row[0], row[1]) for row in archive.rows(query.where(is_meant))})  # sorted there, it would scan
        if found:
            return [RecordName(by_id[scope_id], source_key) for scope_id, source_key in found]
    return []


def read(archive: Archive, name: RecordName) -> StoredRecord | None:
    """What the ledger says of one record; `None` where it has no row of it."""
    rows = archive.table(deliveries)
    query = _columns(rows, shows_records=True)
    found = archive.rows(query.where(rows.c.scope_id == name.scope.scope_id, rows.c.source_key == name.source_key))
    return StoredRecord(name.scope, *found[0]) if found else None


def rejected(archive: Archive, scopes: Sequence[ScopeRow], wanted: RejectFilter) -> Iterator[StoredRecord]:
    """Rejected records by scope and source key, read page by page: no run has to wait for whoever reads them."""
    rows = archive.table(deliveries)
    query = _columns(rows, shows_records=wanted.shows_records).where(is_rejected(rows)).order_by(rows.c.source_key)
    if wanted.codes:
        query = query.where(rows.c.error_code.in_(wanted.codes))
    if wanted.since_ms:
        query = query.where(rows.c.updated_at >= wanted.since_ms)
    for scope in scopes:
        mine = query.where(rows.c.scope_id == scope.scope_id)
        if wanted.source_keys is not None:
            mine = mine.where(rows.c.source_key.in_([key for one, key in wanted.source_keys if one == scope.scope_id]))
        last = ""
        while page := archive.rows(mine.where(rows.c.source_key > last).limit(PAGE)):
            yield from (StoredRecord(scope, *row) for row in page)
            last = page[-1][0]


def _columns(rows: sa.FromClause, *, shows_records: bool) -> sa.Select[Any]:
    names = StoredRecord.__struct_fields__[1:-2]
    record = rows.c.record if shows_records else sa.null()
    return sa.select(*(rows.c[name] for name in names), rows.c.record.is_not(None), record)
