"""The ledger's tables. A minor release only adds to them: what reads them keeps working.

Times are milliseconds since 1970 in UTC.
"""

from __future__ import annotations

import sqlalchemy as sa

SCHEMA_VERSION = 4

metadata = sa.MetaData()

ledger_info = sa.Table(
    "ledger_info",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)
"""`schema_version` of this ledger, and since when it has it (`version_4_since`)."""

scopes = sa.Table(
    "scopes",
    metadata,
    sa.Column("scope_id", sa.Integer, primary_key=True),
    sa.Column("sync_id", sa.String(200), nullable=False),
    sa.Column("account", sa.String(100), nullable=False),
    sa.Column("object", sa.String(200), nullable=False),
    sa.Column("stream", sa.String(200), nullable=False),
    sa.Column("lease_owner", sa.String(200)),
    sa.Column("lease_epoch", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("lease_until", sa.BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("sync_id", "account", "object", "stream", name="scopes_one_per_stream"),
)
"""Who writes what where. One writer at a time: the lease names it, the epoch fences off a writer that slept."""

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("scope_id", sa.Integer, nullable=False),
    sa.Column("partition_count", sa.Integer, nullable=False),
    sa.Column("partition_index", sa.Integer, nullable=False),
    sa.Column("owner", sa.String(200)),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("scope_id", "partition_count", "partition_index"),
)
"""Who writes which partition of a scope, where several workers share it. `scopes` is marked as held meanwhile."""

rate_limits = sa.Table(
    "rate_limits",
    metadata,
    sa.Column("target", sa.String(100), nullable=False),
    sa.Column("account", sa.String(100), nullable=False),
    sa.Column("lane", sa.String(40), nullable=False),
    sa.Column("requests", sa.Integer, nullable=False),
    sa.Column("interval_ms", sa.Integer, nullable=False),
    sa.Column("grants", sa.Text, nullable=False),
    sa.Column("not_before", sa.BigInteger, nullable=False),
    sa.Column("daily_limit", sa.Integer),
    sa.Column("daily_remaining", sa.Integer),
    sa.Column("read_at", sa.BigInteger),
    sa.PrimaryKeyConstraint("target", "account", "lane"),
)
"""What all workers together may ask of an account; times are the database's. `grants`: a JSON list of when permits were
given, and how many, within the last interval. `not_before`: the destination asked to wait until then. `daily_limit` and
`daily_remaining`: the account's daily quota, as a reply told it at `read_at`. In PostgreSQL only."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("scope_id", sa.Integer, nullable=False),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("match_key", sa.Text),
    sa.Column("former_key", sa.Text),
    sa.Column("destination_id", sa.Text),
    sa.Column("payload_hash", sa.LargeBinary(16)),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("created_by_us", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("intent_at", sa.BigInteger),
    sa.Column("in_doubt_until", sa.BigInteger),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("error_code", sa.String(40)),
    sa.Column("error", sa.Text),
    sa.Column("record", sa.Text),
    sa.Column("job_id", sa.String(100)),
    sa.Column("waiting", sa.String(8)),
    sa.Column("removal_at", sa.BigInteger),
    sa.Column("partition", sa.String(24)),
    sa.Column("fingerprint", sa.LargeBinary(32)),
    sa.PrimaryKeyConstraint("scope_id", "source_key"),
    sa.UniqueConstraint("scope_id", "match_key", name="deliveries_one_owner"),
)
"""One row per source key. `in_doubt_until`: an earlier request without an answer may be applied until then.
`match_key` is set where the row owns it: two rows never own the same one. `former_key`: the record may still hold
this match value, since a change of it got no answer: nobody else may take it.
`destination_id`: one row owns it, the one that was delivered there first. A rejected row that has one and no
`match_key` (`duplicate_key`) leads to the record of another row.
`record` holds the mapped fields of what is not delivered; it is the only place with field values.
`job_id`: the asynchronous job that a pending record travels in. `waiting`: a rejected record whose parent may still
arrive in the same run; where it came from. `removal_at`: since when the record is known to be gone from the source and
waits to be removed; with status `pending` its removal is under way, with status `removed` it is done.
`partition`: of the worker that wrote the row last, as `index/count`; null for a run without partitions. Only it goes on
with what is open. `fingerprint`: of the record as it came, then the `payload_hash` of what was made of it; null, or
with another hash than the row has, where that has to be found out (`fingerprints.py`)."""

OPEN_STATUSES = ("pending", "rejected", "ambiguous")


def is_open(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition of `deliveries_open` in its own words, by which SQLite knows that the index has all such rows."""
    statuses: list[sa.ColumnElement[str]] = [sa.literal_column(f"'{one}'") for one in OPEN_STATUSES]
    return rows.c.status.in_(statuses)


def is_double(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition for rejected records that are another row's record of the destination (`Delivery.is_double`)."""
    return (rows.c.status == "rejected") & rows.c.match_key.is_(None) & rows.c.destination_id.is_not(None)


def may_be_there(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition for records that are at the destination, or may be there."""
    is_known = rows.c.destination_id.is_not(None) | rows.c.match_key.is_not(None)
    return is_known & (rows.c.status != "removed") & ~is_double(rows)


def is_orphan(rows: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition for rejected rows that rest until their parent may have come."""
    is_refused = (rows.c.status == "rejected") & (rows.c.error_code == "reference_not_found")
    return is_refused & rows.c.waiting.is_(None) & rows.c.removal_at.is_(None)


sa.Index(
    "deliveries_open",
    deliveries.c.scope_id,
    deliveries.c.source_key,
    sqlite_where=deliveries.c.status.in_(OPEN_STATUSES),
    postgresql_where=deliveries.c.status.in_(OPEN_STATUSES),
)

sa.Index(
    "deliveries_renamed",
    deliveries.c.scope_id,
    deliveries.c.former_key,
    sqlite_where=deliveries.c.former_key.is_not(None),
    postgresql_where=deliveries.c.former_key.is_not(None),
)

sa.Index(
    "deliveries_at",
    deliveries.c.scope_id,
    deliveries.c.destination_id,
    sqlite_where=deliveries.c.destination_id.is_not(None),
    postgresql_where=deliveries.c.destination_id.is_not(None),
)

sa.Index(
    "deliveries_leaving",
    deliveries.c.scope_id,
    deliveries.c.source_key,
    sqlite_where=(deliveries.c.removal_at.is_not(None)) & (deliveries.c.status != "removed"),
    postgresql_where=(deliveries.c.removal_at.is_not(None)) & (deliveries.c.status != "removed"),
)

plans = sa.Table(
    "plans",
    metadata,
    sa.Column("plan_id", sa.String(12), primary_key=True),
    sa.Column("scope_id", sa.Integer, nullable=False),
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("counted", sa.BigInteger, nullable=False),
    sa.Column("base", sa.BigInteger, nullable=False),
    sa.Column("detail", sa.Text),
    sa.Column("saved_at", sa.BigInteger, nullable=False),
    sa.Column("approved_at", sa.BigInteger),
    sa.Column("carried_out_at", sa.BigInteger),
)
"""What a brake held, for a person to approve. `plan_id` follows from the scope, the kind and exactly what is held: what
was approved is never carried out as anything else. `kind`: `removals` or `rejections`; `counted` of `base` records;
`detail`: the codes of the rejections, as a JSON list."""

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("scope_id", sa.Integer, nullable=False),
    sa.Column("job_id", sa.String(100), nullable=False),
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("verb", sa.String(12), nullable=False),
    sa.Column("match_field", sa.String(200), nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("partition", sa.String(24)),
    sa.PrimaryKeyConstraint("scope_id", "job_id"),
)
"""Asynchronous jobs at the destination, noted before they get their records: a run that was killed finds them again.
`ended_at`: when all of their outcomes were recorded. `partition`: as in `deliveries`."""

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.String(36), primary_key=True),
    sa.Column("sync_id", sa.String(200), nullable=False),
    sa.Column("target", sa.String(100), nullable=False),
    sa.Column("account", sa.String(100), nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("exit_code", sa.Integer),
    *(
        sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        for name in (
            "records_read",
            "created",
            "updated",
            "unchanged",
            "removed",
            "superseded",
            "rejected",
            "deferred",
            "requests",
            "retries",
            "states_released",
        )
    ),
    sa.Column("throttled_s", sa.Float(53), nullable=False, server_default="0"),
    sa.Column("seconds", sa.Float(53), nullable=False, server_default="0"),
    sa.Column("partition", sa.String(24)),
    sa.Column("earlier_delivered", sa.BigInteger),
    sa.Column("earlier_removed", sa.BigInteger),
    sa.Column("earlier_rejected", sa.BigInteger),
)
"""One row per run. A run that was killed has no `ended_at`. `records_read` is the sum of what follows it, `created` to
`deferred`. `earlier_…`: what the run did with records that earlier ones had left, which are in none of these; null for
runs of a release that did not note it."""

outcomes = sa.Table(
    "outcomes",
    metadata,
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("scope_id", sa.Integer, nullable=False),
    sa.Column("source_key", sa.Text, nullable=False),
    sa.Column("outcome", sa.String(12), nullable=False),
    sa.Column("code", sa.String(40)),
    sa.Column("destination_id", sa.Text),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""What happened to which key in which run; not for `unchanged`. Kept `OUTCOME_DAYS` days."""

sa.Index("outcomes_by_key", outcomes.c.scope_id, outcomes.c.source_key)
sa.Index("outcomes_by_age", outcomes.c.at)

OUTCOME_DAYS = 30
