"""What the user says of one stream in `streams`, parsed into frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reverse_etl_core.settings_reader import SettingsReader

LOAD_METHODS = ("upsert", "update", "create", "mirror")
IGNORE, CLEAR, ARCHIVE = "ignore", "clear", "archive"
"""What `on_removed` may say beside the vendor's own ways."""
ALWAYS, SKIP_NULL, IF_EMPTY, ON_CREATE, APPEND = "always", "skip_null", "if_empty", "on_create", "append"
WRITE_POLICIES = (ALWAYS, SKIP_NULL, IF_EMPTY, ON_CREATE, APPEND)
UNKNOWN_FIELDS = ("fail", "drop")
ON_MISSING = ("reject", "skip_field")
ASSOCIATION_ON_MISSING = ("reject", "skip")


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


def parse_streams(reader: SettingsReader, load_method: str, unknown_fields: str) -> dict[str, StreamConfig]:
    """What `streams` says, by stream.

    Args:
        reader: Of all settings; problems are noted there.
        load_method: Of streams that have none of their own.
        unknown_fields: The same.
    """
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
