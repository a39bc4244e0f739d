"""Associations: what a record is tied to, beside its fields. Each kind of them is delivered as a stream of its own.

A record of such a stream names one record (`from`) and those that it is tied to (`to`), by their match values. Both
are settled first; a tie whose record has not arrived waits for it, like any child for its parent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reverse_etl_core.destination import Use
from reverse_etl_core.errors import ConfigError
from reverse_etl_core.pipeline import Pipeline
from reverse_etl_core.routing import compile_route
from reverse_etl_core.schema import Reference
from reverse_etl_core.stream_config import ARCHIVE, IGNORE, FieldConfig, StreamConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    import msgspec

    from reverse_etl_core.ledger import Delivery
    from reverse_etl_core.planning import Candidate
    from reverse_etl_core.routing import Promise, Route
    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.stream_config import AssociationConfig

FROM, TO = "from", "to"
"""The fields of an association, as objects of their own have them (`Destination.describe_association`)."""


def association_stream(stream: str, config: AssociationConfig) -> str:
    """The name under which the associations of a stream are counted, reported and kept in the ledger.

    >>> from reverse_etl_core.stream_config import AssociationConfig
    >>> association_stream("customers", AssociationConfig("companies", "account_id", label="Partner"))
    'customers > companies (Partner)'
    """
    return f"{stream} > {config.object_name}" + (f" ({config.label})" if config.label else "")


def uses_of(streams: Iterable[StreamConfig]) -> list[Use]:
    """What streams do with objects: they write their own, tie them to others, and look parents up."""
    uses: dict[Use, None] = {}
    for config in streams:
        if config.object_from is None:  # else its objects are known when records name them
            uses[Use(config.object_name)] = None
        for one in config.associations:
            uses[Use(one.object_name)] = None
        for parent in config.lookups().values():
            uses[Use(parent.object_name, is_written=False)] = None
    return list(uses)


def source_of(config: StreamConfig, schema: ObjectSchema) -> Reference | None:
    """The end of an association that a stream writes, as far as it is known before the stream's SCHEMA."""
    match_field = schema.canonical(config.match_on or schema.natural_match_field or "")
    return Reference(schema.name, schema.fields[match_field]) if match_field in schema.fields else None


def target_of(stream: str, config: AssociationConfig, target: ObjectSchema) -> Reference:
    """The other end of an association.

    Raises:
        ConfigError: Nothing says, or nothing can say, which record is meant.
    """
    keys = target.key_fields()
    match_on = config.match_on or target.natural_match_field or (keys[0] if len(keys) == 1 else None)
    choices = " or ".join(f"'{one}'" for one in keys)
    if not keys:
        problem = f"no field recognises a record of '{target.name}'; create a unique field at the destination first."
    elif match_on is None:
        problem = f"nothing says which field of '{target.name}' its values belong to. Set 'match_on' to {choices}."
    elif target.canonical(match_on) not in keys:
        problem = f"'{target.name}' cannot be recognised by '{match_on}'. Set 'match_on' to {choices}."
    else:
        field = target.fields[target.canonical(match_on)]
        return Reference(target.name, field, is_optional=config.on_missing == "skip")
    msg = f"Stream '{stream}', association with '{config.object_name}': {problem}"
    raise ConfigError(msg)


def compile_association(
    name: str,
    config: AssociationConfig,
    main: Route,
    target: Reference,
    describe: Callable[[Reference, Reference, bool], ObjectSchema],
    *,
    singer_schema: Mapping[str, Any],
    key_properties: Sequence[str],
    promise: Promise,
) -> Route:
    """The way of a stream's associations with one object.

    Args:
        name: See `association_stream`.
        config: What the user says of them.
        main: The way of the stream itself.
        target: The other end.
        describe: From both ends, and whether associations are taken away again, to their schema.
        singer_schema: Of the stream.
        key_properties: Of the stream.
        promise: What the settings allow that hold for all streams.

    Raises:
        ConfigError: They cannot be delivered as configured.
    """
    column = main.mapping.column_of(main.match_field)
    if column is None or main.matches_by_id:
        msg = f"Stream '{main.stream}': associations need a 'match_on' with values of the source, not the record's id."
        raise ConfigError(msg)
    source = Reference(main.schema.name, main.schema.fields[main.match_field])
    follows_source = main.removal.is_active
    fields = {FROM: FieldConfig(column), TO: FieldConfig(config.column)}
    stream = StreamConfig(
        object_name=main.schema.name,
        match_on=FROM,
        load_method="upsert",
        fields=fields,
        unknown_fields="fail",
        source_key=main.key_columns if main.key_columns != tuple(key_properties) else (),
        on_removed=ARCHIVE if follows_source else IGNORE,
    )
    schema = describe(source, target, follows_source)
    blind = replace(promise, compares=False)  # what a record is associated with is not read first
    return compile_route(name, singer_schema, key_properties, stream, schema, parents={}, promise=blind)


class AssociationPipeline(Pipeline):
    """Delivers the associations of one stream with one object."""

    def _asks_for_nothing(self, candidate: Candidate, known: Delivery | None) -> bool:
        """Whether no column says anything, or it is empty and nothing was ever tied."""
        fields = candidate.fields
        return TO not in fields or (known is None and not fields[TO])


class AssociatedStream:
    """A stream whose records are delivered, and then what they are tied to.

    Args:
        main: Delivers the records.
        associations: Deliver what they are tied to.
    """

    def __init__(self, main: Pipeline, associations: Sequence[Pipeline]) -> None:
        self._main = main
        self._associations = tuple(associations)

    @property
    def records_at_once(self) -> int:
        """Records with which all threads are busy for a while."""
        return self._main.records_at_once

    def deliver(self, records: Sequence[msgspec.Raw | Mapping[str, Any]]) -> None:
        """Take records of the stream."""
        self._main.deliver(records)
        for one in self._associations:
            one.deliver(records)
