"""What a destination's object takes: fields, types, limits, as data read from its live metadata."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


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
    KEYS = "keys"
    """Match values of other records: a text is one of them, a list several."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object.

    Attributes:
        name: As the API spells it.
        type: What it holds.
        label: As people see it.
        is_creatable: Whether a new record takes a value; false for calculated and read-only fields.
        is_updatable: Whether an existing record takes another value.
        is_key: Records can be recognised by it: the destination keeps its values unique, or finds all records
            that share one, so that nobody has to guess.
        is_case_sensitive: Whether the destination tells `A` from `a` when it compares match values.
        max_length: Characters that a text may have; `None` where the API states no limit.
        options: Values of an option field; empty means that the API does not list them: any goes.
        aliases: Other spellings of an option to the option itself.
        pattern: Regular expression of the values that an option field takes whose options are not listed; `None` for
            any.
        remedy: What to do about a value that is none of the options, as a sentence; empty for the usual one.
        can_append: Whether the API adds options to those that a record has (`write: append`).
        appends: Whether it is to do so.
        references: Objects of which the value is a record's id; empty for a field that points nowhere.
    """

    name: str
    type: FieldType
    label: str = ""
    is_creatable: bool = True
    is_updatable: bool = True
    is_key: bool = False
    is_case_sensitive: bool = True
    max_length: int | None = None
    options: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    pattern: str | None = None
    remedy: str = ""
    can_append: bool = False
    appends: bool = False
    references: tuple[str, ...] = ()

    @property
    def is_writable(self) -> bool:
        """Whether anything can be written to it at all."""
        return self.is_creatable or self.is_updatable


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
class JobLimits:
    """What one asynchronous job may carry, and when it pays.

    Attributes:
        records_from: Fewer records than that travel in ordinary requests, which then are cheaper.
        records_per_job: Operations in one job; all of them are in memory while it runs.
        bytes_per_job: Size of their fields as UTF-8 JSON.
    """

    records_from: int
    records_per_job: int
    bytes_per_job: int


@dataclass(frozen=True, slots=True)
class RemovalWay:
    """One way in which the API takes records of an object away.

    Attributes:
        name: As `on_removed` names it: `archive`, `delete`, or a word of the vendor's.
        records_per_request: Operations in one batch.
        is_final: Whether nobody can bring the record back; only used with `hard_delete: true`.
        spares_others: Whether it takes away only what this sync added, whoever made the record: it is used for all.
    """

    name: str
    records_per_request: int
    is_final: bool = False
    spares_others: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that is filled with a record of another object, named by its match value instead of its id.

    Attributes:
        object_name: The other object, by its canonical name.
        match_field: The key field of the other object that the values belong to.
        is_optional: Whether a record whose parent does not exist is written without the reference.
    """

    object_name: str
    match_field: Field
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object of a destination.

    Attributes:
        name: Canonical name in the API's paths; also the name in the ledger.
        fields: By name; a mapping may find them by other spellings too, which it does not list.
        limits: What one batch may carry.
        jobs: What one asynchronous job may carry; `None` where there are none.
        id_field: The destination's own record id, where it may be used as `match_on`; such a record can
            only be updated.
        match_remedy: What else to do where no field recognises records, as a sentence; empty for nothing else.
        natural_match_field: The key field that people expect, an e-mail say; `None` where there is none.
        upsert_fields: Key fields by which the API itself upserts in one step, without ever making a second record.
            For any other key field a record is read before it is created.
        has_derived_ids: The record's id follows from its natural match value, so that a known record is upserted like
            any other one; by id it is only updated where its match value changes, or where nothing may be created.
        required_to_create: Groups of field names; a new record needs at least one field of each group.
        removals: How its records can be taken away.
        wholes: Groups of field names that the API takes together: an update that writes one of them writes all of those
            that the record has.
        parents: Fields that always name records of other objects, by match value, whatever the settings say.
        takes_ids: Whether references are written by record id: ids that the ledger knows travel with the batch.
        prepares: Whether batches are prepared before their intents are noted (`Destination.prepare`), where a stream
            takes away what it added.
        is_membership: Its records say only that a record of another object belongs to something: they are there or not.
        shows: Of a field, a wanted value and the one that the destination shows: whether it would show the wanted one
            so. For an API that keeps values otherwise than it was given them; `None` compares by the field's type.
    """

    name: str
    fields: Mapping[str, Field]
    limits: Limits
    jobs: JobLimits | None = None
    id_field: str | None = None
    match_remedy: str = ""
    natural_match_field: str | None = None
    upsert_fields: frozenset[str] = frozenset()
    has_derived_ids: bool = False
    required_to_create: tuple[tuple[str, ...], ...] = field(default=())
    removals: tuple[RemovalWay, ...] = ()
    wholes: tuple[frozenset[str], ...] = ()
    parents: Mapping[str, Reference] = field(default_factory=dict)
    takes_ids: bool = False
    prepares: bool = False
    is_membership: bool = False
    shows: Callable[[Field, Any, Any], bool] | None = None

    def canonical(self, name: str) -> str:
        """A field's own name, however it is spelt; a name that means no field stays as it is."""
        return self.fields[name].name if name in self.fields else name

    def key_fields(self) -> list[str]:
        """Names of the fields that can be `match_on`, the natural one first, without the record id."""
        names = [name for name, one in self.fields.items() if one.is_key]
        return sorted(names, key=lambda name: (name != self.natural_match_field, name))


def frozen(fields: Mapping[str, Field]) -> Mapping[str, Field]:
    """A read-only view, for schemas that are shared between threads."""
    return MappingProxyType(dict(fields))
