"""Statements that change rows of `deliveries` by their keys; bound: `scope`, `key` or `keys`, and what is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reverse_etl_core.identity import HASH_BYTES
from reverse_etl_core.ledger.prepared import given
from reverse_etl_core.ledger.rows import Status
from reverse_etl_core.ledger.tables import deliveries, outcomes

if TYPE_CHECKING:
    from collections.abc import Sequence

DUPLICATE = "duplicate_key"
"""The code of records that are another row's."""

FORGET = sa.delete(deliveries).where(
    deliveries.c.scope_id == sa.bindparam("scope"), deliveries.c.source_key == sa.bindparam("key")
)
MINE = (deliveries.c.scope_id == sa.bindparam("scope")) & (deliveries.c.source_key == sa.bindparam("key"))
SPOOL = (
    sa.update(deliveries)
    .where(MINE)
    .values(
        partition=sa.bindparam("worker", type_=sa.Text),
        removal_at=sa.bindparam("moment", type_=sa.BigInteger),
        due_at=sa.case((deliveries.c.due_at.is_not(None), sa.bindparam("now", type_=sa.BigInteger))),
    )
)
KEEP = sa.update(deliveries).where(MINE).values(removal_at=None, partition=sa.bindparam("worker", type_=sa.Text))
DISTRUST = sa.update(deliveries).where(MINE).values(payload_hash=None, partition=sa.bindparam("worker", type_=sa.Text))
RECOGNISE = (
    sa.update(deliveries)
    .where(MINE, deliveries.c.status == Status.DELIVERED.value)
    .values(fingerprint=sa.bindparam("seen", type_=sa.LargeBinary))
)
SEEN = sa.func.substr(deliveries.c.fingerprint, 1, HASH_BYTES, type_=sa.LargeBinary)
IS_OF_PAYLOAD = (
    sa.func.substr(deliveries.c.fingerprint, 1 + HASH_BYTES, type_=sa.LargeBinary) == deliveries.c.payload_hash
)
"""Whether a fingerprint is that of what was delivered: a release that knows none may have delivered another version."""
MAKE_DUE = (
    sa.update(deliveries)
    .where(MINE, deliveries.c.status == Status.REJECTED.value)
    .values(due_at=sa.bindparam("now", type_=sa.BigInteger), partition=sa.bindparam("worker", type_=sa.Text))
)
NEVER_DELIVERED = (
    (deliveries.c.scope_id == sa.bindparam("scope"))
    & (deliveries.c.status == Status.REJECTED.value)
    & deliveries.c.match_key.is_(None)
    & (deliveries.c.destination_id.is_(None) | (deliveries.c.error_code == DUPLICATE))
)
FORGET_REJECTS = sa.delete(deliveries).where(
    NEVER_DELIVERED, deliveries.c.source_key.in_(sa.bindparam("keys", expanding=True))
)
HAS_REJECTS = sa.select(sa.exists().where(NEVER_DELIVERED))
REST = (
    sa.update(deliveries)
    .where(deliveries.c.scope_id == sa.bindparam("scope"), deliveries.c.source_key == sa.bindparam("key"))
    .values(waiting=None, due_at=sa.bindparam("due"))
)


INTENDED = (
    "source_key",
    "match_key",
    "former_key",
    "destination_id",
    "created_by_us",
    "attempts",
    "record",
    "removal_at",
    "scope_id",
    "status",
    "intent_at",
    "updated_at",
    "job_id",
)
SETTLED = (
    "source_key",
    "match_key",
    "former_key",
    "destination_id",
    "payload_hash",
    "fingerprint",
    "status",
    "created_by_us",
    "attempts",
    "in_doubt_until",
    "due_at",
    "error_code",
    "error",
    "record",
    "waiting",
    "removal_at",
    "scope_id",
    "updated_at",
)
LOGGED = ("source_key", "outcome", "code", "destination_id", "run_id", "scope_id", "at")
WHOLE = tuple(one.name for one in deliveries.c if one.name != "partition")
_KEYS = ("scope_id", "source_key")


def whole_row(insert: Any, partition: str | None, names: Sequence[str]) -> sa.Insert:  # noqa: ANN401 - of two dialects
    """Writes a row, or replaces the whole of it: what is not given is cleared.

    Args:
        insert: An INSERT into `deliveries` that knows ON CONFLICT.
        partition: The worker's. It stands in the statement and not in each row: whoever writes one cannot forget it.
        names: What is given.
    """
    statement = insert.values({"partition": literal(partition), **{name: given(name) for name in names}})
    written = {one.name: statement.excluded[one.name] for one in deliveries.c if one.name not in _KEYS}
    upsert: sa.Insert = statement.on_conflict_do_update(index_elements=_KEYS, set_=written)
    return upsert


def same_owner(partition: str | None, names: Sequence[str]) -> sa.Update:
    """Replaces a row that has the match key already: the index of match keys stays as it is, which costs most."""
    keys = (*_KEYS, "match_key")
    is_it = sa.and_(*(deliveries.c[name] == given(name) for name in keys))
    cleared = {one.name: sa.null() for one in deliveries.c if one.name not in names}
    values = {name: given(name) for name in names if name not in keys}
    return sa.update(deliveries).where(is_it).values({**cleared, **values, "partition": literal(partition)})


LOG = sa.insert(outcomes).values({name: given(name) for name in LOGGED})


def literal(partition: str | None) -> sa.ColumnElement[str]:
    """The name of a partition as it stands in a statement."""
    return sa.literal_column("NULL" if partition is None else f"'{partition}'")
