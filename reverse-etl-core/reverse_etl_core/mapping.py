"""Columns of a stream to fields of an object: decided once per SCHEMA, applied to every record."""

from __future__ import annotations

import difflib
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reverse_etl_core.coercion import UNTOUCHED, coercion
from reverse_etl_core.errors import ConfigError, RejectedRecordError
from reverse_etl_core.lenient import UNREADABLE
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.stream_config import APPEND, SKIP_NULL
from reverse_etl_core.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reverse_etl_core.operations import Value
    from reverse_etl_core.schema import Field, ObjectSchema, Reference
    from reverse_etl_core.stream_config import StreamConfig

logger = logging.getLogger(__name__)

SINGER_METADATA_PREFIX = "_sdc_"
"""Columns that Singer taps and targets add for themselves; never fields of a destination."""

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Column:
    """One column on its way to a field.

    Attributes:
        field: Where it goes.
        column: Where it comes from.
        untouched: The Python type whose values are taken as they are.
        coerce: What is done with all others.
        skips_null: Whether a null leaves the field alone instead of clearing it.
    """

    field: Field
    column: str
    untouched: type | None
    coerce: Callable[[Any], Value]
    skips_null: bool = False


@dataclass(frozen=True, slots=True)
class Constant:
    """A field that has the same value in every record."""

    field: Field
    value: Value


class FieldMapping:
    """The columns of one stream and where they go.

    Args:
        columns: One per field.
        constants: Of fields that no column feeds.
    """

    def __init__(self, columns: Iterable[Column], constants: Iterable[Constant] = ()) -> None:
        # By name, as the canonical JSON of a record has them (`typed.py`).
        self.columns = tuple(sorted(columns, key=lambda one: one.field.name))
        self.constants = tuple(sorted(constants, key=lambda one: one.field.name))
        fed, constant = [one.field for one in self.columns], [one.field for one in self.constants]
        self.schema_fields = (*fed, *constant)
        self._steps = tuple((one.field.name, one.column, one.untouched, one.coerce) for one in self.columns)
        self._stored = tuple((one.field.name, one.field.name, one.untouched, one.coerce) for one in self.columns)
        self._skipped = tuple(one.field.name for one in self.columns if one.skips_null)

    def column_of(self, field_name: str) -> str | None:
        """The column that feeds a field; `None` where none does."""
        return next((one.column for one in self.columns if one.field.name == field_name), None)

    def fields(self, record: Mapping[str, Any]) -> dict[str, Value]:
        """Map a Singer record. Columns that the record lacks stay absent; `None` stays `None`.

        Raises:
            RejectedRecordError: `invalid_value`, naming the field.
        """
        return self._completed(_apply(self._steps, record))

    def _completed(self, fields: dict[str, Value]) -> dict[str, Value]:
        for name in self._skipped:
            if name in fields and fields[name] is None:
                del fields[name]
        for one in self.constants:
            fields[one.field.name] = one.value
        return fields

    def again(self, stored: Mapping[str, Any]) -> dict[str, Value]:
        """Map fields that were mapped before, with today's types: a record from the ledger.

        Raises:
            RejectedRecordError: A value no longer fits, or its field is no longer mapped.
        """
        known = {one.name for one in self.schema_fields}
        gone = [name for name in stored if name not in known]
        if gone:
            msg = f"Field '{gone[0]}' of the stored record is no longer mapped. Send the record again."
            raise RejectedRecordError(RejectCode.UNKNOWN_FIELD, msg)
        return self._completed(_apply(self._stored, stored))


def _apply(
    steps: tuple[tuple[str, str, type | None, Callable[[Any], Value]], ...], record: Mapping[str, Any]
) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    get = record.get
    for name, column, untouched, coerce in steps:
        value = get(column, _ABSENT)
        if value is _ABSENT:
            continue
        if value is not None and value.__class__ is not untouched:
            if value is UNREADABLE:
                raise _does_not_fit(name, column)
            try:
                value = coerce(value)
            except (ValueError, TypeError, OverflowError):
                raise _does_not_fit(name, column) from None
        fields[name] = value
    return fields


def _does_not_fit(name: str, column: str) -> RejectedRecordError:
    msg = f"Column '{column}' does not hold what field '{name}' takes. Cast it in the model."
    return RejectedRecordError(RejectCode.INVALID_VALUE, msg)


def wanted_fields(columns: Iterable[str], config: StreamConfig) -> dict[str, str]:
    """The fields that a stream's columns are to fill, whether the object has them or not, and the column of each."""
    if config.fields is not None:
        return {name: one.column for name, one in config.fields.items() if one.column is not None}
    others = (name for name in columns if not name.startswith(SINGER_METADATA_PREFIX))
    return {name: name for name in others if name != config.object_from}


def compile_mapping(
    stream: str,
    columns: Sequence[str],
    config: StreamConfig,
    schema: ObjectSchema,
    *,
    match_field: str,
    references: Mapping[str, Reference],
) -> FieldMapping:
    """Decide which column goes where.

    Args:
        stream: For messages.
        columns: Properties of the stream's SCHEMA.
        config: The user's `fields` and `unknown_fields`.
        schema: The object's live fields.
        match_field: The record id may be read-only, since it is matched and not written.
        references: Fields that name a record of another object.

    Raises:
        ConfigError: Names every column and field that does not fit, with the closest that would.
    """
    wanted = wanted_fields(columns, config)
    names = [*wanted, *config.constants()]
    known = {name: column for name, column in wanted.items() if name in schema.fields}
    problems = _missing_columns(stream, wanted, columns)
    problems += field_problems(stream, names, config, schema, match_field=match_field)
    dropped = [name for name in names if name not in schema.fields]
    if dropped and config.unknown_fields == "drop":
        listed = ", ".join(dropped)
        logger.warning("Stream '%s': object '%s' has no field for: %s. They are dropped.", stream, schema.name, listed)
    constants = _constants(stream, config, schema, problems)
    if problems:
        raise ConfigError(*problems)
    # Nothing to add leaves alone what is there.
    skips_null = config.fields_written(SKIP_NULL) | config.fields_written(APPEND)
    return FieldMapping(
        (
            _column(_held(schema.fields[name], references.get(name)), column, skips_null=name in skips_null)
            for name, column in known.items()
        ),
        constants,
    )


def _constants(stream: str, config: StreamConfig, schema: ObjectSchema, problems: list[str]) -> list[Constant]:
    """The constants in the form that their fields take; what does not fit is added to `problems`."""
    constants = []
    for name, value in config.constants().items():
        if name not in schema.fields:
            continue
        field = schema.fields[name]
        try:
            is_plain = value is None or value.__class__ is UNTOUCHED.get(field.type)
            coerced: Value = value if is_plain else coercion(field)(value)
            Validator([field]).check({field.name: coerced})
        except (ValueError, TypeError, OverflowError, RejectedRecordError):
            problems.append(
                f"Stream '{stream}': 'value' of '{name}' is nothing that a field of type {field.type.value} takes."
            )
        else:
            constants.append(Constant(field, coerced))
    return constants


def _held(field: Field, reference: Reference | None) -> Field:
    """The field with the values that its column holds: for a reference, those of the other object's match field."""
    if reference is None:
        return field
    return replace(
        reference.match_field,
        name=field.name,
        label=field.label,
        is_creatable=field.is_creatable,
        is_updatable=field.is_updatable,
        is_key=False,
    )


def _column(field: Field, column: str, *, skips_null: bool) -> Column:
    return Column(field, column, UNTOUCHED.get(field.type), coercion(field), skips_null)


def _missing_columns(stream: str, wanted: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    return [
        f"Stream '{stream}' has no column '{column}' that 'fields' names.{_suggestion(column, columns)}"
        for column in wanted.values()
        if column not in columns
    ]


def field_problems(
    stream: str, names: Iterable[str], config: StreamConfig, schema: ObjectSchema, *, match_field: str | None
) -> list[str]:
    """What is wrong with the fields that a stream is to fill; the stream's columns need not be known yet."""
    names = list(names)
    problems = [
        f"Stream '{stream}': object '{schema.name}' has no field '{name}'.{_suggestion(name, schema.fields)} "
        "Map it in 'fields', create it at the destination, or set 'unknown_fields: drop'."
        for name in names
        if name not in schema.fields and config.unknown_fields == "fail"
    ]
    problems += _doubled(stream, [name for name in names if name in schema.fields], schema)
    known = [name for name in names if name in schema.fields and schema.canonical(name) != match_field]
    read_only = ", ".join(f"'{name}'" for name in known if not schema.fields[name].is_writable)
    if read_only:
        remedy = "Leave them out of 'fields' or the model."
        problems.append(f"Stream '{stream}': {read_only} of '{schema.name}' cannot be written. {remedy}")
    return problems


def _doubled(stream: str, names: Iterable[str], schema: ObjectSchema) -> list[str]:
    """Fields that are named twice, in different spellings: nobody knows which value counts."""
    by_field: dict[str, list[str]] = {}
    for name in names:
        by_field.setdefault(schema.canonical(name), []).append(f"'{name}'")
    return [
        f"Stream '{stream}': {' and '.join(spellings)} mean the same field of '{schema.name}'. Map one of them in "
        "'fields', or leave one out of the model."
        for spellings in by_field.values()
        if len(spellings) > 1
    ]


def _suggestion(name: str, known: Iterable[str]) -> str:
    by_lower = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f" Did you mean '{by_lower[close[0]]}'?" if close else ""
