"""The settings that every target declares, with the words that `--about` and the docs show."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from reverse_etl_core.config import (
    COMPARE_WITH,
    DAILY_QUOTA_PERCENT,
    LEDGER_MODES,
    MAX_REJECTED_PERCENT,
    NOTIFY_FORMATS,
    RECONCILE_GRACE_SECONDS,
)
from reverse_etl_core.stream_config import ASSOCIATION_ON_MISSING, LOAD_METHODS, UNKNOWN_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable

SDK_SETTINGS_WITHOUT_EFFECT = frozenset({"add_record_metadata", "batch_size_rows", "validate_records"})
"""What other SDK targets have; taken without complaint, so that a project can be shared."""

_STREAM = th.ObjectType(
    th.Property("object", th.StringType, description="Object to write; default: the stream's name."),
    th.Property(
        "object_from",
        th.StringType,
        description="Column that names the object of each record, instead of `object`. A record that names no object "
        "is rejected as `invalid_value`.",
    ),
    th.Property(
        "match_on",
        th.CustomType({"type": ["string", "array", "null"], "items": {"type": "string"}}),
        description="Unique field by which a record is recognised, or the object's record id; default: the "
        "object's natural unique field, else the stream's only key property. Or a list of unique fields: a record that "
        "the first one does not find is looked for by the next, and adopted where the first is empty there; else it is "
        "rejected as `ambiguous_match`.",
    ),
    th.Property(
        "source_key",
        th.CustomType({"type": ["string", "array", "null"], "items": {"type": "string"}}),
        description="Column, or list of columns, that says who a record is when its match value changes: the record is "
        "then renamed in place; default: the stream's key properties.",
    ),
    th.Property(
        "load_method",
        th.StringType,
        allowed_values=list(LOAD_METHODS),
        description="Overrides `load_method`.",
    ),
    th.Property(
        "on_removed",
        th.StringType,
        description="What becomes of records that are gone from the source (`_sdc_deleted_at`): `ignore`, `clear` "
        "(empties the mapped fields), `archive`, `delete`, as far as the object allows it; default: "
        "`archive` in a mirror, else `ignore`.",
    ),
    th.Property(
        "fields",
        th.ObjectType(additional_properties=True),
        description="Destination field to column name, or to `{from: column}`. Without it every column goes "
        "to the field of the same name. A field that points to another record takes "
        "`{from: column, lookup: {object, match_on, on_missing}}`: the column holds the other record's match value, "
        "and `on_missing` says whether to `reject` a record without that other one, or to `skip_field`. "
        "`write` says when a field is written: `always`, `skip_null` (a null leaves it alone), `if_empty` (only where "
        "the destination has no value), `on_create` (only to new records), `append` (options "
        "are added to those that the record has, and never taken away; where the destination can do that). "
        "`{value: constant}` needs no column.",
    ),
    th.Property(
        "associations",
        th.ArrayType(
            th.ObjectType(
                th.Property("object", th.StringType, description="The other object."),
                th.Property("from", th.StringType, description="Column with match values of it: one, or an array."),
                th.Property("match_on", th.StringType, description="The field of it that they belong to."),
                th.Property("label", th.StringType, description="What kind of association; the plain one without."),
                th.Property("on_missing", th.StringType, allowed_values=list(ASSOCIATION_ON_MISSING)),
            )
        ),
        description="Records of other objects that the stream's records are tied to, where the API has such "
        "associations: a list of `{object, from, match_on, label, on_missing}`. `from` is a column with the other "
        "records' match values, one or an array; `on_missing` says whether to `reject` the association of a record "
        "without them, or to `skip` those that are missing. What a mirror added goes when the source no longer has it.",
    ),
    th.Property(
        "unknown_fields",
        th.StringType,
        allowed_values=list(UNKNOWN_FIELDS),
        description="Overrides `unknown_fields`.",
    ),
)


def common_settings(*, concurrency: int, checkpoint_records: int, checkpoint_seconds: int) -> list[th.Property[Any]]:
    """The properties that every target adds to its own.

    Args:
        concurrency: The vendor's default for requests in flight.
        checkpoint_records: The vendor's default for records between two STATE messages.
        checkpoint_seconds: The same in seconds.
    """
    return [
        *_delivery(),
        *_removals(),
        *_plan(),
        *_addresses(),
        *_ledger(),
        *_brakes(concurrency),
        *_reports(),
        *_checkpoints(checkpoint_records, checkpoint_seconds),
    ]


def _delivery() -> list[th.Property[Any]]:
    return [
        th.Property(
            "load_method",
            th.StringType,
            default="upsert",
            allowed_values=list(LOAD_METHODS),
            description="`upsert` creates and updates, `update` never creates, `create` never updates, `mirror` "
            "upserts and removes what is gone from the source. For all streams; `streams` overrides it for one.",
        ),
        th.Property(
            "streams",
            th.ObjectType(additional_properties=_STREAM),
            default={},
            description="Per Singer stream: `object` or `object_from`, `match_on`, `source_key`, `load_method`, "
            "`on_removed`, `fields`, `associations`, `unknown_fields`.",
        ),
        th.Property(
            "unknown_fields",
            th.StringType,
            default="fail",
            allowed_values=list(UNKNOWN_FIELDS),
            description="What to do with columns that the object has no field for: `fail` at start with the list, or "
            "`drop` them after naming them once.",
        ),
        th.Property(
            "compare_with",
            th.StringType,
            default="ledger",
            allowed_values=list(COMPARE_WITH),
            description="`ledger` sends what differs from the last delivery. `destination` reads the current values "
            "first, repairs what others changed and skips what is right already; only for records that arrive.",
        ),
    ]


def _removals() -> list[th.Property[Any]]:
    return [
        th.Property(
            "hard_delete",
            th.BooleanType,
            default=False,
            description="Allow removals that nobody can undo.",
        ),
        th.Property(
            "remove_adopted",
            th.BooleanType,
            default=False,
            description="Remove also records that this sync found at the destination and did not create.",
        ),
    ]


def _plan() -> list[th.Property[Any]]:
    return [
        th.Property(
            "dry_run",
            th.BooleanType,
            default=False,
            description="The plan: read the stream and the destination, write nothing anywhere, release no STATE. "
            "Shows what a run would do, in the log and in `plan.html`, `plan.jsonl` and `plan.md` of `report_dir`.",
        ),
        th.Property(
            "redact",
            th.ArrayType(th.StringType),
            description="Fields whose values the plan's files mask. Logs never hold values.",
        ),
    ]


def _addresses() -> list[th.Property[Any]]:
    return [
        th.Property(
            "check_deliverability",
            th.BooleanType,
            default=False,
            description="Reject e-mail addresses whose domain takes no mail, by asking the DNS once per domain. "
            "Where it does not answer, the address is taken. Addresses are always checked by their syntax.",
        ),
        th.Property(
            "reject_role_addresses",
            th.BooleanType,
            default=False,
            description="Reject e-mail addresses of a role, like `info@` or `support@`.",
        ),
        th.Property(
            "reject_disposable_addresses",
            th.BooleanType,
            default=False,
            description="Reject e-mail addresses of services for throw-away addresses, by the list of the package "
            "`disposable-email-domains`.",
        ),
    ]


def _ledger() -> list[th.Property[Any]]:
    return [
        th.Property(
            "ledger",
            th.StringType,
            default="full",
            allowed_values=list(LEDGER_MODES),
            description="`full` remembers every delivery, so that a rerun makes no call; `rejects` keeps only rejected "
            "records, for huge syncs on objects that the API itself upserts.",
        ),
        th.Property(
            "ledger_url",
            th.StringType,
            secret=True,
            description="SQLAlchemy URL of the ledger; default: a SQLite file `.reverse-etl/<target>.db` under the "
            "project's root. PostgreSQL to share it between workers.",
        ),
        th.Property(
            "sync_id",
            th.StringType,
            description="Name of this sync in the ledger; default: environment, tap and target as Meltano names them. "
            "Two syncs that write the same object need two names.",
        ),
        th.Property(
            "partition_count",
            th.IntegerType,
            description="How many workers share this sync, each with a slice of the records; needs a ledger in "
            "PostgreSQL. The tap has the same setting. Default: 1.",
        ),
        th.Property(
            "partition_index",
            th.IntegerType,
            description="The slice that this worker delivers, counted from 0; the same as the tap's.",
        ),
        th.Property(
            "reconcile_grace_seconds",
            th.NumberType,
            default=RECONCILE_GRACE_SECONDS,
            description="How long after a lost reply a record is looked for before it is created again; must exceed "
            "the API's own processing time. Paid only after a crash or a lost reply.",
        ),
    ]


def _brakes(concurrency: int) -> list[th.Property[Any]]:
    return [
        th.Property(
            "max_rejected_percent",
            th.NumberType,
            default=MAX_REJECTED_PERCENT,
            description="Stop the run when more than this share of a stream's records is rejected; checked from 100 "
            "records on, and at the end from 10.",
        ),
        th.Property(
            "max_rejected",
            th.IntegerType,
            description="Stop the run when more than this many records of a stream are rejected.",
        ),
        th.Property(
            "max_removed_percent",
            th.NumberType,
            description="Hold all removals when more than this share of a stream's delivered records is gone from the "
            "source; default: 20, from 10 delivered records on.",
        ),
        th.Property(
            "max_removed",
            th.IntegerType,
            description="Hold all removals when more than this many records of a stream are gone from the source.",
        ),
        th.Property(
            "approve",
            th.StringType,
            description="Id of a plan that a brake held and a person looked at: exactly this is carried out. For one "
            "run; `reverse-etl approve` does the same.",
        ),
        th.Property(
            "daily_quota_percent",
            th.NumberType,
            default=DAILY_QUOTA_PERCENT,
            description="Stop cleanly when the account's daily API use reaches this share.",
        ),
        th.Property(
            "concurrency",
            th.IntegerType,
            default=concurrency,
            description="Requests in flight at the same time.",
        ),
    ]


def _reports() -> list[th.Property[Any]]:
    return [
        th.Property(
            "report_dir",
            th.StringType,
            description="Folder of the run reports; default: `.reverse-etl/reports` under the project's root.",
        ),
        th.Property(
            "notify_url",
            th.StringType,
            secret=True,
            description="Webhook that is told of failed runs, of brakes, and of the first rejections after a run "
            "without any.",
        ),
        th.Property(
            "notify_format",
            th.StringType,
            allowed_values=list(NOTIFY_FORMATS),
            description="What the webhook takes: `json`, as docs/operations.md describes it, or `slack`, a message "
            "with `text` and `blocks`. Default: `slack` for hooks.slack.com, else `json`.",
        ),
    ]


def _checkpoints(records: int, seconds: int) -> list[th.Property[Any]]:
    return [
        th.Property(
            "checkpoint_records",
            th.IntegerType,
            default=records,
            description="Release STATE after this many records, once everything before it is settled.",
        ),
        th.Property(
            "checkpoint_seconds",
            th.NumberType,
            default=seconds,
            description="Release STATE after this many seconds, once everything before it is settled.",
        ),
    ]


def unknown_settings(given: Iterable[str], known: set[str], *, target: str) -> list[str]:
    """What to say of settings that nobody knows: misspelt, one would be a brake that does not work.

    >>> unknown_settings(["batch_size_rows", "max_removd"], {"max_removed"}, target="target-acme")
    ["'max_removd' is not a setting of target-acme. Did you mean 'max_removed'? See --about."]
    """
    problems = []
    for name in sorted(set(given) - known - SDK_SETTINGS_WITHOUT_EFFECT):
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        problems.append(f"'{name}' is not a setting of {target}.{hint} See --about.")
    return problems
