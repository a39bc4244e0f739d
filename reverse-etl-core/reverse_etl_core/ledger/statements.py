"""Statements that change rows of `deliveries` by their keys; bound: `scope`, `key` or `keys`, and what is told."""

from __future__ import annotations

import sqlalchemy as sa

from reverse_etl_core.identity import HASH_BYTES
from reverse_etl_core.ledger.rows import Status
from reverse_etl_core.ledger.tables import deliveries

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


_BLANK: dict[str, object] = dict.fromkeys((one.name for one in deliveries.c), None)


def whole_row(scope_id: int, source_key: str, now: int, **values: object) -> dict[str, object]:
    """A whole row of `deliveries`: what is not given is cleared."""
    return _BLANK | {"scope_id": scope_id, "source_key": source_key, "updated_at": now} | values


def literal(partition: str | None) -> sa.ColumnElement[str]:
    """The name of a partition as it stands in a statement."""
    return sa.literal_column("NULL" if partition is None else f"'{partition}'")
