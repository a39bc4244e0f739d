"""{{cookiecutter.title}}'s objects and fields as the core's schemas: pure.

Skeleton: an API that describes itself. Yours: the metadata of the vendor, as an account gives it; keep a recorded
answer beside the tests. What `Field` does not know of a field, validation cannot refuse before it is sent. An API
without metadata has its fields written down here, each with the page that lists them.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.schema import Field, FieldType, ObjectSchema, RemovalWay, frozen
from target_{{cookiecutter.name}}.limits import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ID_FIELD = "id"
ARCHIVE = "archive"
DELETE = "delete"

# Skeleton: two ways to take records away, by batch. Yours: what the vendor has, under `archive` where a person can
# bring a record back and under `delete`, with `is_final`, where nobody can. Without any way, `()`: mirrors are
# refused then.
REMOVALS = (
    RemovalWay(ARCHIVE, BATCH.records_per_request),
    RemovalWay(DELETE, BATCH.records_per_request, is_final=True),
)

# Skeleton: types of the skeleton's metadata. Yours: every type that the vendor's reference lists. What is not here
# travels as text.
TYPES = {
    "string": FieldType.STRING,
    "email": FieldType.EMAIL,
    "integer": FieldType.INTEGER,
    "number": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "option": FieldType.OPTION,
    "options": FieldType.OPTIONS,
}


def object_schema(reply: Mapping[str, Any]) -> ObjectSchema:
    """The schema of an object, from the API's description of it."""
    fields = {one.name: one for one in map(field_of, entries(reply.get("fields")))}
    unique = [name for name, one in fields.items() if one.is_key]
    required = [str(one["name"]) for one in entries(reply.get("fields")) if one.get("required")]
    return ObjectSchema(
        name=str(reply["name"]),
        fields=frozen(fields),
        limits=BATCH,
        id_field=ID_FIELD,
        # Skeleton: what people expect as `match_on`. Yours: e-mail of a contact, domain of a company, say.
        natural_match_field=unique[0] if len(unique) == 1 else None,
        # Skeleton: the API knows no upsert, so core looks each new record up before it creates it. Yours: the unique
        # fields by which the API itself creates or updates in one step, where the vendor promises that no second record
        # comes of it; `Verb.UPSERT` then needs its request in `wire.py`.
        upsert_fields=frozenset(),
        required_to_create=tuple((name,) for name in required),
        removals=REMOVALS,
    )


def field_of(definition: Mapping[str, Any]) -> Field:
    """A field as its definition describes it."""
    kind = TYPES.get(str(definition.get("type")), FieldType.STRING)
    is_writable = not definition.get("read_only")
    options = definition.get("options")
    return Field(
        name=str(definition["name"]),
        type=kind,
        label=str(definition.get("label") or ""),
        is_creatable=is_writable,
        is_updatable=is_writable,
        is_key=bool(definition.get("unique")) and is_writable,
        is_case_sensitive=bool(definition.get("case_sensitive", True)),
        max_length=definition.get("max_length"),
        options=tuple(map(str, options)) if isinstance(options, list) else (),
    )


def no_such_object(name: str, known: Sequence[str]) -> ConfigError:
    """The error for a name that means nothing in this account."""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return ConfigError(f"There is no object '{name}' in {{cookiecutter.title}}; there are: {', '.join(known)}.{hint}")


def entries(value: object) -> Iterable[Mapping[str, Any]]:
    """The JSON objects of a list; none of what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
