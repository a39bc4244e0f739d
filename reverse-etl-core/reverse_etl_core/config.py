"""The settings common to all targets, parsed once into frozen values.

Vendor settings live in the vendor's package; both report all their problems together.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from reverse_etl_core import addresses
from reverse_etl_core.partitions import Partition, parse_partition
from reverse_etl_core.redaction import Secret
from reverse_etl_core.settings_reader import SettingsReader
from reverse_etl_core.stream_config import LOAD_METHODS, UNKNOWN_FIELDS, StreamConfig, parse_streams

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPARE_WITH = ("ledger", "destination")
LEDGER_MODES = ("full", "rejects")
NOTIFY_FORMATS = ("json", "slack")
SLACK_HOST = "hooks.slack.com"

RECONCILE_GRACE_SECONDS = 60
MAX_REJECTED_PERCENT = 10
MAX_REMOVED_PERCENT = 20
DAILY_QUOTA_PERCENT = 80
CHECKPOINT_RECORDS = 10_000
CHECKPOINT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class CommonConfig:
    """See `settings.py` for what each setting means."""

    load_method: str
    streams: Mapping[str, StreamConfig]
    unknown_fields: str
    check_deliverability: bool
    reject_role_addresses: bool
    reject_disposable_addresses: bool
    ledger: str
    ledger_url: Secret
    sync_id: str
    partition: Partition
    reconcile_grace_s: float
    max_rejected: int | None
    max_rejected_percent: float
    daily_quota_percent: float
    concurrency: int
    report_dir: Path
    notify_url: Secret | None
    notify_format: str
    checkpoint_records: int
    checkpoint_s: float
    dry_run: bool = False
    compare_with: str = "ledger"
    hard_delete: bool = False
    remove_adopted: bool = False
    max_removed: int | None = None
    max_removed_percent: float | None = None
    approve: str | None = None
    redact: frozenset[str] = frozenset()

    def stream(self, name: str) -> StreamConfig:
        """The configuration of a stream, with every default in place."""
        return self.streams.get(name) or StreamConfig(name, None, self.load_method, None, self.unknown_fields)

    @classmethod
    def from_mapping(
        cls, config: Mapping[str, Any], *, target: str, environ: Mapping[str, str] | None = None
    ) -> CommonConfig:
        """Parse the common settings.

        Args:
            config: As Singer passes it.
            target: The target's name, for default paths and names.
            environ: Environment variables; Meltano's give the project root and the sync's name.

        Raises:
            ConfigError: Names every bad setting with its remedy.
        """
        environ = os.environ if environ is None else environ
        reader = SettingsReader(config)
        root = Path(environ.get("MELTANO_PROJECT_ROOT") or Path.cwd())
        load_method = reader.choice("load_method", LOAD_METHODS, default="upsert")
        notify_url = _notify_url(reader)
        unknown_fields = reader.choice("unknown_fields", UNKNOWN_FIELDS, default="fail")
        parsed = cls(
            load_method=load_method,
            unknown_fields=unknown_fields,
            streams=parse_streams(reader, load_method, unknown_fields),
            check_deliverability=reader.flag("check_deliverability", default=False),
            reject_role_addresses=reader.flag("reject_role_addresses", default=False),
            reject_disposable_addresses=reader.flag("reject_disposable_addresses", default=False),
            ledger=reader.choice("ledger", LEDGER_MODES, default="full"),
            ledger_url=_ledger_url(reader, root / ".reverse-etl" / f"{target}.db"),
            sync_id=reader.text("sync_id") or default_sync_id(target, environ),
            partition=parse_partition(config, reader.problems),
            reconcile_grace_s=reader.number("reconcile_grace_seconds", RECONCILE_GRACE_SECONDS, low=0),
            max_rejected=reader.optional_count("max_rejected"),
            max_rejected_percent=reader.number("max_rejected_percent", MAX_REJECTED_PERCENT, low=0, high=100),
            daily_quota_percent=reader.number("daily_quota_percent", DAILY_QUOTA_PERCENT, low=1, high=100),
            concurrency=reader.count("concurrency", 4, low=1, high=64),
            report_dir=Path(reader.text("report_dir") or root / ".reverse-etl" / "reports"),
            notify_url=notify_url,
            notify_format=reader.choice("notify_format", NOTIFY_FORMATS, default=_notify_format(notify_url)),
            checkpoint_records=reader.count("checkpoint_records", CHECKPOINT_RECORDS, low=1),
            checkpoint_s=reader.number("checkpoint_seconds", CHECKPOINT_SECONDS, low=0),
            dry_run=reader.flag("dry_run", default=False),
            compare_with=reader.choice("compare_with", COMPARE_WITH, default="ledger"),
            hard_delete=reader.flag("hard_delete", default=False),
            remove_adopted=reader.flag("remove_adopted", default=False),
            max_removed=reader.optional_count("max_removed"),
            max_removed_percent=reader.optional_percent("max_removed_percent"),
            approve=reader.text("approve"),
            redact=frozenset(reader.names("redact")),
        )
        _check_ledger(reader, parsed)
        reader.raise_if_bad()
        return parsed


def _check_ledger(reader: SettingsReader, parsed: CommonConfig) -> None:
    """Note streams that need what the ledger does not keep, so far as it shows without their objects."""
    if parsed.ledger == "full":
        return
    streams = parsed.streams or {"": parsed.stream("")}  # without any, all have the settings for all
    needing = [f"'{name}'" if name else "every stream" for name, one in streams.items() if one.needs_deliveries]
    if needing:
        reader.bad(
            "ledger",
            f"must be full for {', '.join(needing)}: what is created only once, and which records are this sync's own "
            "to remove, is known by the whole ledger.",
        )


def default_sync_id(target: str, environ: Mapping[str, str]) -> str:
    """Environment, tap and target as Meltano names them; outside of Meltano the target alone.

    >>> default_sync_id("target-crm", {"MELTANO_ENVIRONMENT": "prod", "MELTANO_EXTRACTOR_NAME": "tap-a"})
    'prod:tap-a-to-target-crm'
    >>> default_sync_id("target-crm", {})
    'target-crm'
    """
    extractor = environ.get("MELTANO_EXTRACTOR_NAME")
    loader = environ.get("MELTANO_LOADER_NAME") or target
    if not extractor:
        return loader
    return f"{environ.get('MELTANO_ENVIRONMENT') or 'default'}:{extractor}-to-{loader}"


def _notify_url(reader: SettingsReader) -> Secret | None:
    text = reader.text("notify_url")
    if text is None:
        return None
    problem = addresses.webhook_problem(text.strip(), like="https://hooks.example.com/services/…")
    if problem:
        reader.bad("notify_url", problem)
        return None
    return Secret(text.strip())


def _notify_format(url: Secret | None) -> str:
    return "slack" if url is not None and urlsplit(url.reveal()).hostname == SLACK_HOST else "json"


def _ledger_url(reader: SettingsReader, default: Path) -> Secret:
    text = reader.text("ledger_url")
    if text is None:
        return Secret(f"sqlite:///{default}")
    try:
        backend = sa.make_url(text).get_backend_name()
    except (sa.exc.ArgumentError, ValueError):
        reader.bad(
            "ledger_url",
            "is not a SQLAlchemy URL, like sqlite:////var/lib/ledger.db or postgresql+psycopg://…",
        )
        return Secret("")
    if backend not in {"sqlite", "postgresql"}:
        reader.bad("ledger_url", f"names '{backend}', but a ledger lives in SQLite or PostgreSQL.")
    if backend == "sqlite" and sa.make_url(text).database in (None, "", ":memory:"):
        reader.bad(
            "ledger_url", "is in memory and would be forgotten with the run. Name a file: sqlite:////var/ledger.db"
        )
    # The driver that our extra installs; SQLAlchemy's own default is another one.
    return Secret(re.sub(r"^postgresql://", "postgresql+psycopg://", text))
