"""What a destination's object takes: fields, types, limits, as data read from its live metadata."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class FieldType(str, enum.Enum):
    """The kinds of values that destinations know."""

    STRING = "string"
    EMAIL = "email"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    OPTION = "option"
    """One of `Field.options`."""
    OPTIONS = "options"
    """Any number of `Field.options`; the mapped value is a list."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object.

    Attributes:
        name: As the API spells it.
        type: What it holds.
        label: As people see it.
        is_writable: False for calculated and read-only fields.
        is_unique: The destination keeps its values unique, so that it can be a match field.
        is_case_sensitive: Whether the destination tells `A` from `a` when it compares match values.
        max_length: Characters that a text may have; `None` where the API states no limit.
        options: Values of an option field; empty means that the API does not list them: any goes.
    """

    name: str
    type: FieldType
    label: str = ""
    is_writable: bool = True
    is_unique: bool = False
    is_case_sensitive: bool = True
    max_length: int | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may carry.

    Attributes:
        records_per_request: Operations in one batch.
        bytes_per_request: Size of the body as UTF-8 JSON.
    """

    records_per_request: int
    bytes_per_request: int = 10_000_000


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object of a destination.

    Attributes:
        name: Canonical name in the API's paths; also the name in the ledger.
        fields: By name.
        limits: What one batch may carry.
        id_field: The destination's own record id, where it may be used as `match_on`; such a record can
            only be updated.
        natural_match_field: The unique field that people expect, an e-mail say; `None` where there is none.
        upsert_fields: Match fields by which the API itself upserts in one step. For any other unique field
            a record is read before it is created.
        required_to_create: Groups of field names; a new record needs at least one field of each group.
    """

    name: str
    fields: Mapping[str, Field]
    limits: Limits
    id_field: str | None = None
    natural_match_field: str | None = None
    upsert_fields: frozenset[str] = frozenset()
    required_to_create: tuple[tuple[str, ...], ...] = field(default=())

    def unique_fields(self) -> list[str]:
        """Names of the fields that can be `match_on`, the natural one first, without the record id."""
        names = [name for name, one in self.fields.items() if one.is_unique]
        return sorted(names, key=lambda name: (name != self.natural_match_field, name))


def frozen(fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """A read-only view, for schemas that are shared between threads."""
    return MappingProxyType(dict(fields))
