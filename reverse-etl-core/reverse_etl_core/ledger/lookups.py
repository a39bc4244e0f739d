"""What a scope of the ledger knows by keys: queries that are compiled once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reverse_etl_core.ledger import statements
from reverse_etl_core.ledger.prepared import KeyQuery, chunks
from reverse_etl_core.ledger.rows import STATUSES, Delivery, Status
from reverse_etl_core.ledger.tables import deliveries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_COLUMNS = deliveries.c
LOOKED_UP = (
    _COLUMNS.source_key,
    _COLUMNS.match_key,
    _COLUMNS.destination_id,
    _COLUMNS.payload_hash,
    _COLUMNS.status,
    _COLUMNS.created_by_us,
    _COLUMNS.attempts,
    _COLUMNS.intent_at,
    _COLUMNS.in_doubt_until,
    _COLUMNS.due_at,
    _COLUMNS.error_code,
    _COLUMNS.former_key,
    _COLUMNS.removal_at,
)
HOLDING = (_COLUMNS.destination_id, _COLUMNS.source_key, _COLUMNS.match_key, _COLUMNS.status)


def holding(rows: Iterable[sa.Row[Any]]) -> dict[str, str]:
    """Destination id to source key, of the rows to which these records belong.

    Told apart here and not by the query: for a condition on match keys, SQLite walks through the index of all of them.
    """
    return {row[0]: row[1] for row in rows if row[2] is not None and row[3] != Status.REMOVED.value}


class Lookups:
    """Reads rows of one scope by their keys, each within a transaction of the caller's.

    Args:
        scope_id: Row of `scopes`.
        dialect: Of the database.
    """

    def __init__(self, scope_id: int, dialect: sa.Dialect) -> None:
        is_mine = _COLUMNS.scope_id == scope_id
        keys: sa.BindParameter[Any] = sa.bindparam("keys", expanding=True)

        def prepared(
            held: sa.ColumnElement[Any], columns: Iterable[Any], *conditions: sa.ColumnElement[bool]
        ) -> KeyQuery:
            return KeyQuery(held, sa.select(*columns).where(is_mine, *conditions), dialect)

        self._by_source = prepared(_COLUMNS.source_key, LOOKED_UP)
        self._by_fingerprint = prepared(
            _COLUMNS.source_key,
            (_COLUMNS.source_key, statements.SEEN),
            _COLUMNS.status == Status.DELIVERED.value,
            statements.IS_OF_PAYLOAD,
            _COLUMNS.removal_at.is_(None),
        )
        former, current = _COLUMNS.former_key, _COLUMNS.match_key
        self._by_match = (
            # The partial index is only used where the query says so.
            prepared(former, (former, _COLUMNS.source_key), former.is_not(None)),
            # Here the same words would make SQLite walk the whole index instead of looking up each key.
            prepared(current, (current, _COLUMNS.source_key)),
        )
        self._ids = sa.select(current, _COLUMNS.destination_id).where(
            is_mine,
            current.in_(keys),
            _COLUMNS.status == Status.DELIVERED.value,
            _COLUMNS.destination_id.is_not(None),
        )
        self._by_destination = sa.select(*HOLDING).where(is_mine, _COLUMNS.destination_id.in_(keys))
        self._sharing = sa.select(_COLUMNS.destination_id, _COLUMNS.source_key).where(
            is_mine,
            _COLUMNS.status != Status.REMOVED.value,
            _COLUMNS.removal_at.is_(None),
            _COLUMNS.destination_id.in_(keys),
        )

    def deliveries(self, connection: sa.Connection, source_keys: Sequence[str]) -> dict[str, Delivery]:
        """What is known of records; unknown ones are absent."""
        return {
            row[0]: Delivery(row[0], row[1], row[2], row[3], STATUSES[row[4]], bool(row[5]), *row[6:])
            for row in self._by_source.rows(connection, source_keys)
        }

    def fingerprints(self, connection: sa.Connection, source_keys: Sequence[str]) -> dict[str, bytes]:
        """Of those of the records that are delivered as they came, and of which nothing is to be done."""
        return {row[0]: row[1] for row in self._by_fingerprint.rows(connection, source_keys)}

    def owners(self, connection: sa.Connection, match_keys: Sequence[str]) -> dict[str, str]:
        """Match key to the source key that owns it, or may still hold it; match keys without an owner are absent."""
        return {row[0]: row[1] for query in self._by_match for row in query.rows(connection, match_keys)}

    def ids(self, connection: sa.Connection, match_keys: Sequence[str]) -> dict[str, str]:
        """Match key to the destination id of the record that was delivered with it; others are absent."""
        parts = (connection.execute(self._ids, {"keys": keys}) for keys in chunks(match_keys))
        return {row[0]: row[1] for part in parts for row in part}

    def holders(self, connection: sa.Connection, destination_ids: Sequence[str]) -> dict[str, str]:
        """Destination id to the source key of the record that was delivered there; ids that nobody has are absent."""
        found: dict[str, str] = {}
        for ids in chunks(destination_ids):
            found.update(holding(connection.execute(self._by_destination, {"keys": ids})))
        return found

    def sharers(self, connection: sa.Connection, destination_ids: Sequence[str]) -> dict[str, set[str]]:
        """Source keys by destination id, of records that are there and of those that were refused as their doubles."""
        found: dict[str, set[str]] = {}
        for ids in chunks(destination_ids):
            for row in connection.execute(self._sharing, {"keys": ids}):
                found.setdefault(row[0], set()).add(row[1])
        return found
