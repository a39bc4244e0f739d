"""One stream's way to one object: which object, which match field, which mapping, decided at the SCHEMA message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.mapping import FieldMapping, compile_mapping, field_problems
from reverse_etl_core.references import compile_references
from reverse_etl_core.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_etl_core.config import StreamConfig
    from reverse_etl_core.emails import EmailRules
    from reverse_etl_core.schema import ObjectSchema, Reference

NAMES_IN_MESSAGE = 8


@dataclass(frozen=True, slots=True)
class Route:
    """Everything that is known of a stream before its first record.

    Attributes:
        stream: Singer stream.
        schema: The object's live schema.
        match_field: Field by which the destination's records are recognised.
        load_method: `upsert`, `update` or `create`.
        key_columns: Columns of the source key; empty where the stream has none: the match value serves.
        mapping: Columns to fields.
        validator: Judges mapped fields.
        references: Fields that name a record of another object by its match value.
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
    left_out_of_creates: frozenset[str] = field(init=False)
    left_out_of_updates: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        fields = [one.field for one in self.mapping.columns]
        object.__setattr__(self, "left_out_of_creates", frozenset(one.name for one in fields if not one.is_creatable))
        object.__setattr__(self, "left_out_of_updates", frozenset(one.name for one in fields if not one.is_updatable))

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


def compile_route(
    stream: str,
    singer_schema: Mapping[str, Any],
    key_properties: Sequence[str],
    config: StreamConfig,
    schema: ObjectSchema,
    *,
    parents: Mapping[str, ObjectSchema],
    keeps_deliveries: bool,
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
        keeps_deliveries: Whether the ledger remembers deliveries; without it nothing is created exactly once.
        emails: What e-mail addresses have to keep to beyond their syntax.

    Raises:
        ConfigError: The stream cannot be delivered without risk; the message names the remedy.
    """
    columns = list(singer_schema.get("properties", {}))
    match_field = _match_field(stream, columns, key_properties, config, schema)
    references = compile_references(stream, config, schema, parents)
    mapping = compile_mapping(stream, columns, config, schema, match_field=match_field, references=references)
    if mapping.column_of(match_field) is None:
        msg = f"Stream '{stream}' does not fill '{match_field}', by which records are matched. Map a column to it."
        raise ConfigError(msg)
    route = Route(
        stream=stream,
        schema=schema,
        match_field=match_field,
        load_method=config.load_method,
        key_columns=tuple(key_properties),
        mapping=mapping,
        validator=Validator((one.field for one in mapping.columns), emails=emails, unruled=references),
        references=references,
    )
    _check_promise(route, keeps_deliveries=keeps_deliveries)
    return route


def setting_problems(
    stream: str, config: StreamConfig, schema: ObjectSchema, parents: Mapping[str, ObjectSchema]
) -> list[str]:
    """What is wrong with the settings of a stream, as far as it shows before the stream's SCHEMA."""
    problems: list[str] = []
    try:
        compile_references(stream, config, schema, parents)
    except ConfigError as error:
        problems += error.problems
    if config.match_on is not None:
        try:
            _checked_match_field(stream, config.match_on, schema)
        except ConfigError as error:
            problems += error.problems
    match_field = config.match_on or schema.id_field
    return problems + field_problems(stream, config.fields or (), config, schema, match_field=match_field)


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
    raise ConfigError(msg)


def _checked_match_field(stream: str, match_on: str, schema: ObjectSchema) -> str:
    if schema.canonical(match_on) == schema.id_field:
        return str(schema.id_field)
    if match_on not in schema.fields:
        msg = f"Stream '{stream}': 'match_on' names '{match_on}', which '{schema.name}' does not have."
        msg += f" Its unique fields: {_match_choices(schema)}."
        raise ConfigError(msg)
    if not schema.fields[match_on].is_key:
        msg = f"Stream '{stream}': 'match_on' names '{match_on}', whose values '{schema.name}' does not keep unique."
        msg += f" Use one of: {_match_choices(schema)}; or create a unique field at the destination."
        raise ConfigError(msg)
    return schema.canonical(match_on)


def _match_choices(schema: ObjectSchema) -> str:
    names = schema.key_fields()[:NAMES_IN_MESSAGE]
    if schema.id_field:
        names.append(f"{schema.id_field} (updates only)")
    return ", ".join(names) or "none; create a unique field at the destination first"


def _check_promise(route: Route, *, keeps_deliveries: bool) -> None:
    """Refuse what cannot be promised (guarantee G2), or would do nothing."""
    schema_field = route.schema.fields[route.match_field]
    if route.matches_by_id and len(route.mapping.columns) == 1:
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
    creates_blindly = route.load_method == "create" or not (route.has_native_upsert or route.matches_by_id)
    if creates_blindly and route.load_method != "update" and not keeps_deliveries:
        msg = f"Stream '{route.stream}': creating '{route.schema.name}' exactly once needs the whole ledger."
        msg += " Set 'ledger: full'."
        raise ConfigError(msg)
