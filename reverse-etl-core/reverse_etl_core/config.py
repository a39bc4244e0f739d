"""The settings common to all targets, parsed once into frozen values.

Vendor settings live in the vendor's package; both report all their problems together.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import sqlalchemy as sa

from reverse_etl_core import addresses
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.partitions import Partition, parse_partition
from reverse_etl_core.redaction import Secret

LOAD_METHODS = ("upsert", "update", "create", "mirror")
IGNORE, CLEAR, ARCHIVE = "ignore", "clear", "archive"
"""What `on_removed` may say beside the vendor's own ways."""
ALWAYS, SKIP_NULL, IF_EMPTY, ON_CREATE, APPEND = "always", "skip_null", "if_empty", "on_create", "append"
WRITE_POLICIES = (ALWAYS, SKIP_NULL, IF_EMPTY, ON_CREATE, APPEND)
COMPARE_WITH = ("ledger", "destination")
LEDGER_MODES = ("full", "rejects")
UNKNOWN_FIELDS = ("fail", "drop")
ON_MISSING = ("reject", "skip_field")
ASSOCIATION_ON_MISSING = ("reject", "skip")
NOTIFY_FORMATS = ("json", "slack")
SLACK_HOST = "hooks.slack.com"

RECONCILE_GRACE_SECONDS = 60
MAX_REJECTED_PERCENT = 10
MAX_REMOVED_PERCENT = 20
DAILY_QUOTA_PERCENT = 80
CHECKPOINT_RECORDS = 10_000
CHECKPOINT_SECONDS = 60

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LookupConfig:
    """What the user says of a field that names a record of another object.

    Attributes:
        object_name: The other object, as the user spells it.
        match_on: Its key field that the column's values belong to; `None` for its natural one.
        on_missing: One of `ON_MISSING`.
    """

    object_name: str
    match_on: str | None
    on_missing: str


@dataclass(frozen=True, slots=True)
class FieldConfig:
    """Where a field's value comes from.

    Attributes:
        column: Column of the stream; `None` for a constant.
        lookup: For a field that points to another record; `None` where the column holds the value itself.
        write: One of `WRITE_POLICIES`.
        constant: The value of every record, where no column is named.
    """

    column: str | None
    lookup: LookupConfig | None = None
    write: str = ALWAYS
    constant: Any = None


@dataclass(frozen=True, slots=True)
class AssociationConfig:
    """What the user says of the records of another object that a stream's records are tied to.

    Attributes:
        object_name: The other object, as the user spells it.
        column: Column of the stream with match values of the other object: one, or an array of them.
        match_on: The other object's key field that they belong to; `None` for its natural or only one.
        label: What kind of association; `None` for the plain one.
        on_missing: One of `ASSOCIATION_ON_MISSING`.
    """

    object_name: str
    column: str
    match_on: str | None = None
    label: str | None = None
    on_missing: str = ASSOCIATION_ON_MISSING[0]


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """What the user says of one stream; `None` leaves the choice to the default.

    Attributes:
        object_name: Object to write, as the user spells it.
        match_on: Field by which records are recognised.
        load_method: One of `LOAD_METHODS`.
        fields: Destination field to where it comes from; `None` maps every column to the field of its name.
        unknown_fields: One of `UNKNOWN_FIELDS`.
        object_from: Column that names the object of each record; `None` where all of them go to `object_name`.
        then_match_on: Fields by which a record is looked for that the first one does not find.
        source_key: Columns that say who a record is, whatever its match value; empty for the stream's key properties.
        on_removed: What becomes of records that are gone from the source; `None` for the load method's default.
        associations: Records of other objects that these ones are tied to.
    """

    object_name: str
    match_on: str | None
    load_method: str
    fields: Mapping[str, FieldConfig] | None
    unknown_fields: str
    object_from: str | None = None
    then_match_on: tuple[str, ...] = ()
    source_key: tuple[str, ...] = ()
    on_removed: str | None = None
    associations: tuple[AssociationConfig, ...] = ()

    @property
    def needs_deliveries(self) -> bool:
        """Whether, whatever its object, only a ledger that knows every delivery can keep what is promised."""
        looks_first = bool(self.then_match_on) and self.load_method != "update"
        return self.removal != IGNORE or self.load_method == "create" or looks_first

    @property
    def removal(self) -> str:
        """What becomes of records that are gone from the source."""
        return self.on_removed or (ARCHIVE if self.load_method == "mirror" else IGNORE)

    def lookups(self) -> Mapping[str, LookupConfig]:
        """Fields that name a record of another object, with what the user says of them."""
        return {name: one.lookup for name, one in (self.fields or {}).items() if one.lookup is not None}

    def constants(self) -> Mapping[str, Any]:
        """Fields that have the same value in every record, as the user wrote it."""
        return {name: one.constant for name, one in (self.fields or {}).items() if one.column is None}

    def fields_written(self, policy: str) -> frozenset[str]:
        """Fields with one of `WRITE_POLICIES`."""
        return frozenset(name for name, one in (self.fields or {}).items() if one.write == policy)


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
            streams=_streams(reader, load_method, unknown_fields),
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


@dataclass(slots=True)
class SettingsReader:
    """Reads settings of one mapping and collects what is wrong, so that the user sees all of it at once.

    Attributes:
        config: The mapping.
        prefix: Where it sits, for messages: `streams.contacts.` say.
        problems: One sentence each, with the remedy; shared with nested readers.
    """

    config: Mapping[str, Any]
    prefix: str = ""
    problems: list[str] = field(default_factory=list)

    def bad(self, name: str, problem: str) -> None:
        """Note that a setting is wrong."""
        self.problems.append(f"'{self.prefix}{name}' {problem}")

    def text(self, name: str) -> str | None:
        """A non-empty string, or `None` where the setting is absent."""
        value = self.config.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.bad(name, "must be a string.")
            return None
        return value

    def credential(self, name: str) -> str:
        """A token or key without the line break that copying left at its end; empty where it is absent."""
        text = (self.text(name) or "").strip()
        if text.lower().startswith("bearer "):
            self.bad(name, "begins with the word 'Bearer'. Give the token alone.")
        elif any(not "!" <= character <= "~" for character in text):
            self.bad(name, "holds blanks or other characters that no credential has. Copy it again.")
        return text

    def address(self, name: str, default: str) -> str:
        """The address of an API, without a slash at its end; `http` is taken for this machine only."""
        if self.config.get(name) == "":
            self.bad(name, "is empty, and could be meant for a simulator. Remove it, or set it.")
        text = self.text(name)
        if text is None:
            return default
        problem = addresses.problem(text.strip(), like=default)
        if problem:
            self.bad(name, problem)
        return text.strip().rstrip("/")

    def flag(self, name: str, *, default: bool) -> bool:
        """Yes or no; also as text, as environment variables have it."""
        value = self.config.get(name)
        if value is None:
            return default
        word = str(value).strip().lower() if isinstance(value, (bool, str)) else ""
        if word not in {"true", "false"}:
            self.bad(name, "must be true or false.")
            return default
        return word == "true"

    def choice(self, name: str, allowed: tuple[str, ...], *, default: str) -> str:
        """One of the allowed words; an empty one is as none, since that is what Meltano makes of an unset variable."""
        value = self.config.get(name)
        if value is None or value == "":
            return default
        if value not in allowed:
            self.bad(name, f"must be one of {', '.join(allowed)}.")
            return default
        return str(value)

    def number(self, name: str, default: float, *, low: float, high: float | None = None) -> float:
        """A number within bounds; also as text, as environment variables have it."""
        value = self.config.get(name)
        if value is None:
            return default
        number = _number(value)
        if number is None or number < low or (high is not None and number > high):
            self.bad(name, f"must be a number {_bounds(low, high)}.")
            return default
        return number

    def count(self, name: str, default: int, *, low: int, high: int | None = None) -> int:
        """A whole number within bounds: a fraction would be a limit that nobody set."""
        value = self.config.get(name)
        if value is None:
            return default
        number = _number(value)
        if number is None or number < low or (high is not None and number > high) or number != int(number):
            self.bad(name, f"must be a whole number {_bounds(low, high)}.")
            return default
        return int(number)

    def optional_count(self, name: str) -> int | None:
        """A whole number from 0 on, or `None` where the setting is absent."""
        if self.config.get(name) is None:
            return None
        return self.count(name, 0, low=0)

    def optional_percent(self, name: str) -> float | None:
        """A share from 0 to 100, or `None` where the setting is absent."""
        if self.config.get(name) is None:
            return None
        return self.number(name, 0, low=0, high=100)

    def names(self, name: str) -> tuple[str, ...]:
        """A name, or a list of them; empty where the setting is absent."""
        value = self.config.get(name)
        if value is None or value == "":
            return ()
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)) or not all(isinstance(one, str) and one for one in names):
            self.bad(name, "must be a name or a list of names.")
            return ()
        if len(set(names)) != len(names):
            self.bad(name, "names the same thing twice.")
        return tuple(names)

    def some_names(self, name: str, what: str) -> tuple[str, ...]:
        """As `names`, but a list that is there has to name something: `what`."""
        if self.config.get(name) in ([], ()):
            self.bad(name, f"is an empty list. Name {what}, or remove it.")
        return self.names(name)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """An object; empty where the setting is absent."""
        value = self.config.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.bad(name, "must be an object (in the environment: JSON).")
            return {}
        return value

    def inside(self, name: str) -> SettingsReader:
        """A reader of a nested object, with the same list of problems."""
        return SettingsReader(self.mapping(name), f"{self.prefix}{name}.", self.problems)

    def says_nothing(self, remedy: str) -> None:
        """Note that the mapping itself, and not a setting in it, is empty."""
        self.problems.append(f"'{self.prefix.removesuffix('.')}' says nothing: {remedy}")

    def unknown(self, known: tuple[str, ...]) -> None:
        """Note every setting that nobody knows: a misspelt one would be ignored silently."""
        for name in self.config:
            if name not in known:
                self.bad(name, f"is not a setting; there are: {', '.join(known)}.")

    def raise_if_bad(self) -> None:
        """Raise one error with all problems."""
        if self.problems:
            raise ConfigError(*self.problems)


def _bounds(low: float, high: float | None) -> str:
    return f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):  # the SDK reads files as Decimal
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_STREAM_SETTINGS = (
    "object",
    "object_from",
    "match_on",
    "source_key",
    "load_method",
    "on_removed",
    "fields",
    "associations",
    "unknown_fields",
)


def _streams(reader: SettingsReader, load_method: str, unknown_fields: str) -> dict[str, StreamConfig]:
    streams = reader.inside("streams")
    parsed = {}
    for name in streams.config:
        one = streams.inside(name)
        one.unknown(_STREAM_SETTINGS)
        match_on = one.some_names("match_on", "a unique field")
        parsed[name] = StreamConfig(
            object_name=one.text("object") or name,
            match_on=match_on[0] if match_on else None,
            then_match_on=match_on[1:],
            source_key=one.some_names("source_key", "the columns that say who a record is"),
            on_removed=one.text("on_removed"),
            load_method=one.choice("load_method", LOAD_METHODS, default=load_method),
            fields=_fields(one),
            associations=_associations(one),
            unknown_fields=one.choice("unknown_fields", UNKNOWN_FIELDS, default=unknown_fields),
            object_from=one.text("object_from"),
        )
        if one.text("object") and one.text("object_from"):
            one.bad("object_from", "and 'object' are both given. Remove one of the two.")
        if one.text("object_from") and one.config.get("associations"):
            one.bad("associations", "and 'object_from' are both given. Make a stream of its own for each object.")
    return parsed


def _associations(stream: SettingsReader) -> tuple[AssociationConfig, ...]:
    """The list of associations; each column, object and label once."""
    given = stream.config.get("associations")
    if given is None:
        return ()
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, Mapping) for one in given):
        stream.bad("associations", "must be a list of objects like {object: companies, from: account_id}.")
        return ()
    parsed = []
    for number, entry in enumerate(given):
        one = SettingsReader(entry, f"{stream.prefix}associations[{number}].", stream.problems)
        one.unknown(("object", "from", "match_on", "label", "on_missing"))
        for name in ("object", "from"):
            if one.config.get(name) in (None, ""):
                one.bad(name, "is missing: name the other object, and the column with its match values.")
        parsed.append(
            AssociationConfig(
                one.text("object") or "",
                one.text("from") or "",
                one.text("match_on"),
                one.text("label"),
                one.choice("on_missing", ASSOCIATION_ON_MISSING, default=ASSOCIATION_ON_MISSING[0]),
            )
        )
    if len({(one.object_name, one.label) for one in parsed}) < len(parsed):
        stream.bad("associations", "names the same object with the same label twice. Put both into one column.")
    return tuple(parsed)


def _fields(stream: SettingsReader) -> dict[str, FieldConfig] | None:
    if stream.config.get("fields") is None:
        return None
    entries = stream.inside("fields")
    parsed: dict[str, FieldConfig] = {}
    for name, entry in entries.config.items():
        if isinstance(entry, str) and entry:
            parsed[name] = FieldConfig(entry)
        elif isinstance(entry, Mapping):
            one = entries.inside(name)
            one.unknown(("from", "lookup", "write", "value"))
            parsed[name] = _field(name, one)
        else:
            entries.bad(name, "must be a column name, or an object like {from: column}.")
    return parsed


def _field(name: str, entry: SettingsReader) -> FieldConfig:
    write = entry.choice("write", WRITE_POLICIES, default=ALWAYS)
    if "value" not in entry.config:
        if all(value in (None, "") for value in entry.config.values()):
            entry.says_nothing("name its column like {from: column}, or a constant like {value: text}.")
        return FieldConfig(entry.text("from") or name, _lookup(entry), write)
    if "from" in entry.config or "lookup" in entry.config:
        entry.bad("value", "is a constant, and goes with neither 'from' nor 'lookup'. Remove one of the two.")
    constant = entry.config["value"]
    if isinstance(constant, Mapping):
        entry.bad("value", "must be a text, a number, true, false, null or a list of texts.")
        constant = None
    return FieldConfig(None, None, write, constant)


def _lookup(entry: SettingsReader) -> LookupConfig | None:
    if entry.config.get("lookup") is None:
        return None
    one = entry.inside("lookup")
    one.unknown(("object", "match_on", "on_missing"))
    object_name = one.text("object")
    if one.config.get("object") in (None, "") and isinstance(entry.config["lookup"], Mapping):
        one.bad("object", "is missing: name the object of which the column holds match values.")
    on_missing = one.choice("on_missing", ON_MISSING, default=ON_MISSING[0])
    return LookupConfig(object_name or "", one.text("match_on"), on_missing)


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
