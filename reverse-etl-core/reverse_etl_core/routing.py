"""One stream's way to one object: which object, which match field, which mapping, decided at the SCHEMA message."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_etl_core.appending import with_appending_fields
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.mapping import FieldMapping, compile_mapping, field_problems
from reverse_etl_core.references import compile_references
from reverse_etl_core.stream_config import CLEAR, IF_EMPTY, IGNORE, ON_CREATE
from reverse_etl_core.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_etl_core.emails import EmailRules
    from reverse_etl_core.ledger import Delivery
    from reverse_etl_core.schema import ObjectSchema, Reference, RemovalWay
    from reverse_etl_core.stream_config import StreamConfig

NAMES_IN_MESSAGE = 8


@dataclass(frozen=True, slots=True)
class Promise:
    """What the settings allow that hold for all streams.

    Attributes:
        keeps_deliveries: The ledger remembers deliveries; without it nothing is created exactly once.
        hard_delete: Records may be removed for good.
        remove_adopted: Records may be removed that the sync found and did not create.
        compares: The destination's values are read before anything is written.
    """

    keeps_deliveries: bool = True
    hard_delete: bool = False
    remove_adopted: bool = False
    compares: bool = False


@dataclass(frozen=True, slots=True)
class RemovalPolicy:
    """What becomes of records that are gone from the source.

    Attributes:
        action: `ignore`, `clear`, or the name of `way`.
        way: How the destination takes them away; `None` where nothing is taken away.
        includes_adopted: Whether records are taken away that this sync found and did not create.
    """

    action: str = IGNORE
    way: RemovalWay | None = None
    includes_adopted: bool = False

    @property
    def is_active(self) -> bool:
        """Whether anything becomes of them."""
        return self.action != IGNORE

    def covers(self, known: Delivery) -> bool:
        """Whether a record may be touched: what is cleared is ours in any record, what is taken away must be ours."""
        if not self.is_active:
            return False
        return self.way is None or self.way.spares_others or self.includes_adopted or known.created_by_us


@dataclass(frozen=True, slots=True)
class Route:
    """Everything that is known of a stream before its first record.

    Attributes:
        stream: Singer stream.
        schema: The object's live schema.
        match_field: Field by which the destination's records are recognised.
        load_method: `upsert`, `update` or `create`; a mirror upserts, and removes.
        key_columns: Columns of the source key; empty where the stream has none: the match value serves.
        mapping: Columns to fields.
        validator: Judges mapped fields.
        references: Fields that name a record of another object by its match value.
        then_match_on: Fields by which a record is looked for that the match field does not find.
        removal: What becomes of records that are gone from the source.
        on_create: Fields that only a new record gets.
        if_empty: Fields that are only written where the destination has no value.
        compares: Whether the destination's values are read before anything is written.
        removes_by_match: Removals are recognised by their match value, since they do not hold the source key.
        left_out_of_creates: Mapped fields that a new record does not take.
        left_out_of_updates: Mapped fields that an existing record does not take.
    """

    stream: str
    schema: ObjectSchema
    match_field: str
    load_method: str
    key_columns: tuple[str, ...]
    mapping: FieldMapping
    validator: Validator
    references: Mapping[str, Reference] = field(default_factory=dict)
    then_match_on: tuple[str, ...] = ()
    removal: RemovalPolicy = RemovalPolicy()
    on_create: frozenset[str] = frozenset()
    if_empty: frozenset[str] = frozenset()
    compares: bool = False
    removes_by_match: bool = False
    left_out_of_creates: frozenset[str] = field(init=False)
    left_out_of_updates: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        fields = self.mapping.schema_fields
        fixed = frozenset(one.name for one in fields if not one.is_updatable)
        object.__setattr__(self, "left_out_of_creates", frozenset(one.name for one in fields if not one.is_creatable))
        object.__setattr__(self, "left_out_of_updates", fixed | self.on_create)

    @property
    def matches_by_id(self) -> bool:
        """Whether records are recognised by the destination's own id, which only updates can use."""
        return self.match_field == self.schema.id_field

    @property
    def has_native_upsert(self) -> bool:
        """Whether the API itself creates or updates by the match field in one step.

        A field that only new records take, or only existing ones, needs to know first which it is.
        """
        return self.match_field in self.schema.upsert_fields and not (
            self.left_out_of_creates or self.left_out_of_updates - {self.match_field}
        )

    @property
    def match_fields(self) -> tuple[str, ...]:
        """The match field, then those by which a record is looked for that it does not find."""
        return (self.match_field, *self.then_match_on)

    @property
    def fields_read(self) -> tuple[str, ...]:
        """Fields of an existing record that have to be known before it is written; empty for most streams."""
        if self.compares:
            return tuple(one.name for one in self.mapping.schema_fields if one.name not in self.references)
        return tuple(sorted(self.if_empty))

    @property
    def looks_first(self) -> bool:
        """Whether a record that may exist is read before it is written, whatever the API could do in one step."""
        return bool(self.fields_read or self.then_match_on)


def compile_route(
    stream: str,
    singer_schema: Mapping[str, Any],
    key_properties: Sequence[str],
    config: StreamConfig,
    schema: ObjectSchema,
    *,
    parents: Mapping[str, ObjectSchema],
    promise: Promise,
    emails: EmailRules | None = None,
) -> Route:
    """Decide a stream's way.

    Args:
        stream: Singer stream.
        singer_schema: Of the SCHEMA message.
        key_properties: Of the SCHEMA message.
        config: What the user says of the stream.
        schema: The object's live schema.
        parents: Live schemas of the objects that lookups name, by the user's spelling.
        promise: What the settings that hold for all streams allow.
        emails: What e-mail addresses have to keep to beyond their syntax.

    Raises:
        ConfigError: The stream cannot be delivered without risk; the message names the remedy.
    """
    columns = list(singer_schema.get("properties", {}))
    schema = with_appending_fields(stream, config, schema)
    match_field = _match_field(stream, columns, key_properties, config, schema)
    references = compile_references(stream, config, schema, parents)
    mapping = compile_mapping(stream, columns, config, schema, match_field=match_field, references=references)
    if mapping.column_of(match_field) is None:
        raise ConfigError(_unfilled(stream, match_field))
    route = Route(
        stream=stream,
        schema=schema,
        match_field=match_field,
        load_method="upsert" if config.load_method == "mirror" else config.load_method,
        key_columns=_source_key(stream, config, columns) or tuple(key_properties),
        mapping=mapping,
        validator=Validator(mapping.schema_fields, emails=emails, unruled=references),
        references={**references, **{name: one for name, one in schema.parents.items() if mapping.column_of(name)}},
        then_match_on=tuple(_checked_match_field(stream, one, schema) for one in config.then_match_on),
        removal=_removal(stream, config, schema, promise),
        on_create=_canonical(config.fields_written(ON_CREATE), schema),
        if_empty=_canonical(config.fields_written(IF_EMPTY), schema),
        compares=promise.compares,
        removes_by_match=bool(config.source_key) and set(config.source_key) != set(key_properties),
    )
    _check_removals(route, key_properties)
    _check_membership(stream, config, schema)
    _check_promise(route, keeps_deliveries=promise.keeps_deliveries)
    _check_policies(route)
    return route


def _canonical(names: Iterable[str], schema: ObjectSchema) -> frozenset[str]:
    return frozenset(schema.canonical(name) for name in names)


def _source_key(stream: str, config: StreamConfig, columns: Sequence[str]) -> tuple[str, ...]:
    missing = ", ".join(f"'{one}'" for one in config.source_key if one not in columns)
    if missing:
        msg = f"Stream '{stream}' has no column {missing} that 'source_key' names."
        raise ConfigError(msg)
    return config.source_key


def _removal(stream: str, config: StreamConfig, schema: ObjectSchema, promise: Promise) -> RemovalPolicy:
    """What becomes of records that are gone from the source.

    Raises:
        ConfigError: The object does not know the way, or it cannot be undone and nobody confirmed it.
    """
    action = config.removal
    if action == IGNORE:
        return RemovalPolicy()
    if not promise.keeps_deliveries:
        msg = f"Stream '{stream}': which records are this sync's own is known by the whole ledger. Set 'ledger: full'."
        raise ConfigError(msg)
    if action == CLEAR:
        return RemovalPolicy(CLEAR)
    ways = {one.name: one for one in schema.removals}
    if action not in ways:
        choices = ", ".join([IGNORE, CLEAR, *ways])
        msg = f"Stream '{stream}': records of '{schema.name}' cannot be removed by '{action}'. Set 'on_removed' to one "
        msg += f"of: {choices}."
        raise ConfigError(msg)
    if ways[action].is_final and not promise.hard_delete:
        msg = (
            f"Stream '{stream}': nobody can bring back what 'on_removed: {action}' takes away. Set 'hard_delete: true' "
        )
        msg += "to allow it, or another way."
        raise ConfigError(msg)
    return RemovalPolicy(action, ways[action], promise.remove_adopted)


def setting_problems(
    stream: str, config: StreamConfig, schema: ObjectSchema, parents: Mapping[str, ObjectSchema], promise: Promise
) -> list[str]:
    """What is wrong with the settings of a stream, as far as it shows before the stream's SCHEMA."""
    problems: list[str] = []
    checks: list[Callable[[], object]] = [
        lambda: compile_references(stream, config, schema, parents),
        lambda: _removal(stream, config, schema, promise),
        lambda: with_appending_fields(stream, config, schema),
        lambda: _check_membership(stream, config, schema),
    ]
    names = [one for one in (config.match_on, *config.then_match_on) if one is not None]
    checks += [functools.partial(_checked_match_field, stream, one, schema) for one in names]
    for check in checks:
        try:
            check()
        except ConfigError as error:
            problems += error.problems
    match_field = config.match_on or schema.id_field
    if config.match_on is not None and config.match_on in schema.fields and config.fields is not None:
        filled = {schema.canonical(one) for one in config.fields}
        if schema.canonical(config.match_on) not in filled:
            problems.append(_unfilled(stream, config.match_on))
    return problems + field_problems(stream, config.fields or (), config, schema, match_field=match_field)


def _unfilled(stream: str, match_field: str) -> str:
    return f"Stream '{stream}' does not fill '{match_field}', by which records are matched. Map a column to it."


def _match_field(
    stream: str, columns: Sequence[str], key_properties: Sequence[str], config: StreamConfig, schema: ObjectSchema
) -> str:
    if config.match_on is not None:
        return _checked_match_field(stream, config.match_on, schema)
    wanted = {schema.canonical(name) for name in (config.fields if config.fields is not None else columns)}
    if schema.natural_match_field in wanted:
        return str(schema.natural_match_field)
    if len(key_properties) == 1:
        column = key_properties[0]
        fields = [name for name, source in (config.fields or {}).items() if source.column == column] or [column]
        for name in map(schema.canonical, fields):
            if name == schema.id_field or name in schema.key_fields():
                return name
    msg = (
        f"Stream '{stream}': nothing says which field of '{schema.name}' recognises a record, so records could be "
        f"created twice. Set 'match_on' to one of: {_match_choices(schema)}."
    )
    raise ConfigError(_with_remedy(msg, schema))


def _checked_match_field(stream: str, match_on: str, schema: ObjectSchema) -> str:
    if schema.canonical(match_on) == schema.id_field:
        return str(schema.id_field)
    if match_on not in schema.fields:
        msg = f"Stream '{stream}': 'match_on' names '{match_on}', which '{schema.name}' does not have."
        msg += f" Its unique fields: {_match_choices(schema)}."
        raise ConfigError(_with_remedy(msg, schema))
    if not schema.fields[match_on].is_key:
        msg = f"Stream '{stream}': 'match_on' names '{match_on}', whose values '{schema.name}' does not keep unique."
        msg += f" Use one of: {_match_choices(schema)}; or create a unique field at the destination."
        raise ConfigError(_with_remedy(msg, schema))
    return schema.canonical(match_on)


def _with_remedy(message: str, schema: ObjectSchema) -> str:
    return f"{message} {schema.match_remedy}".rstrip()


def _match_choices(schema: ObjectSchema) -> str:
    names = schema.key_fields()[:NAMES_IN_MESSAGE]
    if schema.id_field:
        names.append(f"{schema.id_field} (updates only)")
    return ", ".join(names) or "none; create a unique field at the destination first"


def _check_removals(route: Route, key_properties: Sequence[str]) -> None:
    """Refuse removals that could not be recognised: they hold the stream's key properties and nothing else.

    Raises:
        ConfigError: Neither the source key nor the match value follows from these.
    """
    if not (route.removal.is_active and route.removes_by_match):
        return
    if list(key_properties) != [route.mapping.column_of(route.match_field)]:
        msg = (
            f"Stream '{route.stream}': removals hold the key properties ({', '.join(key_properties)}), from which "
            f"neither 'source_key' ({', '.join(route.key_columns)}) nor '{route.match_field}' follows. Make "
            "'source_key' the stream's key properties, or set 'on_removed: ignore'."
        )
        raise ConfigError(msg)


def _check_membership(stream: str, config: StreamConfig, schema: ObjectSchema) -> None:
    """Refuse what a membership cannot do: it is there or not, and holds nothing that could be updated or emptied.

    Raises:
        ConfigError: Names the setting, and what to do.
    """
    if not schema.is_membership:
        return
    problems = []
    if config.load_method not in ("upsert", "mirror"):
        problems.append(
            f"'load_method: {config.load_method}' makes no sense for '{schema.name}': a record belongs to it or not. "
            "Set 'upsert', which adds, or 'mirror', which also takes out what is gone."
        )
    if config.removal == CLEAR:
        problems.append(f"'on_removed: clear' makes no sense for '{schema.name}', which has no values. Set 'archive'.")
    if config.then_match_on:
        problems.append(f"records of '{schema.name}' are recognised by one field. Name no other one in 'match_on'.")
    if problems:
        raise ConfigError(*(f"Stream '{stream}': {one}" for one in problems))


def _check_policies(route: Route) -> None:
    """Refuse field policies that make no sense.

    Raises:
        ConfigError: Names the field, and what to do.
    """
    problems = [
        f"Stream '{route.stream}': '{name}' recognises records, so it is always written. Remove its 'write'."
        for name in sorted((route.on_create | route.if_empty) & set(route.match_fields))
    ]
    problems += [
        f"Stream '{route.stream}': 'match_on' names '{name}', which no column fills. Map a column to it."
        for name in route.then_match_on
        if route.mapping.column_of(name) is None
    ]
    problems += [
        f"Stream '{route.stream}': '{name}' names another record, and whether it is empty is not looked at. Remove "
        "its 'write'."
        for name in sorted(route.if_empty & set(route.references))
    ]
    if route.then_match_on and route.matches_by_id:
        problems.append(f"Stream '{route.stream}': a record's id is certain; name no other field in 'match_on'.")
    if problems:
        raise ConfigError(*problems)


def _check_promise(route: Route, *, keeps_deliveries: bool) -> None:
    """Refuse what cannot be promised (guarantee G2), or would do nothing."""
    schema_field = route.schema.fields[route.match_field]
    if route.matches_by_id and len(route.mapping.schema_fields) == 1:
        msg = f"Stream '{route.stream}' fills '{route.match_field}' and nothing else, so there is nothing to update."
        msg += " Map the columns that should be written."
        raise ConfigError(msg)
    if not (route.matches_by_id or schema_field.is_creatable) and route.load_method != "update":
        msg = f"Stream '{route.stream}': the destination fills '{route.match_field}' itself, so a new record could not "
        msg += "be recognised by it. Set 'load_method: update', or match on another field."
        raise ConfigError(msg)
    if route.matches_by_id and route.load_method == "create":
        msg = f"Stream '{route.stream}': records matched by '{route.match_field}' exist already and cannot be created."
        msg += " Set 'load_method: update', or match on a unique field."
        raise ConfigError(msg)
    finds_out = route.matches_by_id or (route.has_native_upsert and not route.then_match_on)
    creates_blindly = route.load_method == "create" or not finds_out
    if creates_blindly and route.load_method != "update" and not keeps_deliveries:
        msg = f"Stream '{route.stream}': creating '{route.schema.name}' exactly once needs the whole ledger."
        msg += " Set 'ledger: full'."
        raise ConfigError(msg)
