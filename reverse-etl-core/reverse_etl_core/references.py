"""Fields that point to a record of another object, named by its match value: decided once per stream.

Values stay match values on their way: the vendor's package knows whether its API takes them as they are, or
wants ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.identity import match_key
from reverse_etl_core.schema import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_etl_core.operations import Value
    from reverse_etl_core.schema import Field, ObjectSchema
    from reverse_etl_core.stream_config import LookupConfig, StreamConfig


def compile_references(
    stream: str, config: StreamConfig, schema: ObjectSchema, parents: Mapping[str, ObjectSchema]
) -> dict[str, Reference]:
    """Check the lookups of a stream against both objects.

    Args:
        stream: For messages.
        config: What the user says of the stream.
        schema: The object that is written.
        parents: The objects that are pointed to, by the user's spelling; one that is missing is left out.

    Returns:
        Field to what it points to. A lookup by the other object's own id is none: such a value is written as it is.

    Raises:
        ConfigError: Names every lookup that makes no sense, with the choices.
    """
    references: dict[str, Reference] = {}
    problems: list[str] = []
    for name, lookup in config.lookups().items():
        field, parent = schema.fields.get(name), parents.get(lookup.object_name)
        if field is None or parent is None:
            continue  # reported with the other unknown fields and objects
        problem = _problem(field, lookup, schema, parent)
        match_on = lookup.match_on or parent.natural_match_field
        if problem:
            problems.append(f"Stream '{stream}', field '{name}': {problem}")
        elif match_on is not None and match_on != parent.id_field:
            is_optional = lookup.on_missing == "skip_field"
            references[name] = Reference(parent.name, parent.fields[match_on], is_optional=is_optional)
    if problems:
        raise ConfigError(*problems)
    return references


def parent_keys(reference: Reference, value: Value) -> list[str]:
    """The match keys in the value of a reference, which may name several records."""
    values: Sequence[Value] = value if isinstance(value, list) else [value]
    keys = (match_key(reference.match_field, one) for one in values)
    return list(dict.fromkeys(key for key in keys if key is not None))


def _problem(field: Field, lookup: LookupConfig, schema: ObjectSchema, parent: ObjectSchema) -> str:
    """What is wrong with a lookup; empty where nothing is."""
    if not field.references:
        return f"it points to no other record of '{schema.name}', so it takes no 'lookup'. Remove it."
    if parent.name not in field.references:
        return f"it points to {_listed(field.references)}, but 'lookup' names '{parent.name}'."
    match_on = lookup.match_on or parent.natural_match_field
    keys = [*parent.key_fields(), *([parent.id_field] if parent.id_field else [])]
    if not keys:
        return f"no field recognises a record of '{parent.name}'; create a unique field at the destination first."
    if match_on is None:
        return f"nothing says which field of '{parent.name}' its values belong to. Set 'match_on' to {_listed(keys)}."
    if match_on not in keys:
        return f"'{parent.name}' cannot be recognised by '{match_on}'. Set 'match_on' to {_listed(keys)}."
    return ""


NAMES_IN_MESSAGE = 8


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return " or ".join([f"'{name}'" for name in names[:NAMES_IN_MESSAGE]])
