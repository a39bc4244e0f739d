"""Records that are plainly fine, judged in one step: parsed, validated and encoded by `msgspec`.

For each stream a struct is made whose fields have the types, lengths, options and patterns of the
destination's fields. A record that fits it needs nothing else; one that does not is judged by mapping and
`jsonschema`, which give the verdict. A property test holds that both ways lead to the same candidate.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from reverse_etl_core import identity
from reverse_etl_core.coercion import is_plain
from reverse_etl_core.emails import PLAIN_LENGTH, PlainAddresses
from reverse_etl_core.identity import digest
from reverse_etl_core.planning import Candidate
from reverse_etl_core.schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reverse_etl_core.mapping import FieldMapping
    from reverse_etl_core.routing import Route
    from reverse_etl_core.schema import Field

REMOVED_AT = "_sdc_deleted_at"
"""Singer's mark of a record that is gone from the source: the moment when it was removed."""


def is_removed(record: Mapping[str, Any]) -> bool:
    """Whether a record is gone from the source.

    >>> [is_removed({REMOVED_AT: mark}) for mark in ("2026-11-28T00:00:00Z", None, "", " ", False)]
    [True, False, False, False, False]
    """
    mark = record.get(REMOVED_AT)
    return bool(mark.strip() if isinstance(mark, str) else mark)


KEY_TYPE: Any = str | int | None | msgspec.UnsetType
NOT_REMOVED: Any = ("removed_at", None | msgspec.UnsetType, msgspec.UNSET)
_REMOVED_AT = {"removed_at": REMOVED_AT}
_KEPT_AS_IS = frozenset({FieldType.STRING, FieldType.EMAIL, FieldType.OPTION, FieldType.INTEGER})
"""Types of fields whose plain values are those that the stream has: a key column can be read off them."""


class TypedRecords:
    """The struct of one stream.

    Args:
        route: Where the stream goes.
    """

    def __init__(self, route: Route) -> None:
        columns = route.mapping.columns
        self._match = route.schema.fields[route.match_field]
        names = [f"c{number}" for number in range(len(columns))]
        types = [_type(one.field) | (msgspec.UnsetType if one.skips_null else None) for one in columns]
        fed = [one.column for one in columns]
        as_is = {one.column: name for one, name in zip(columns, names, strict=True) if one.field.type in _KEPT_AS_IS}
        # Whether the same struct tells the keys too; else they are decoded once more.
        self._has_keys = REMOVED_AT not in fed and as_is.keys() >= set(route.key_columns)
        self._decode = _decoder(names, fed, types, has_keys=self._has_keys)
        self._rename = _renamer(route.mapping)
        self._encode = msgspec.json.Encoder(decimal_format="number").encode
        by_field = {one.field.name: name for one, name in zip(columns, names, strict=True)}
        self._match_value = attrgetter(by_field[route.match_field])
        looks = [(one, _second_looks(one.field)) for one in columns]
        looks += [(one, route.validator.second_look(one.field.name)) for one in columns]
        self._doubtful = tuple((attrgetter(by_field[one.field.name]), look) for one, look in looks if look is not None)
        self._keys_of, key_names = _key_decoder(route.key_columns)
        self._key_values = values_reader([as_is[one] for one in route.key_columns] if self._has_keys else key_names)

    def candidate(self, raw: msgspec.Raw) -> Candidate | None:
        """The candidate of a plainly fine record; `None` says nothing.

        Raises:
            msgspec.DecodeError: The record is not JSON.
        """
        try:
            record = self._decode(raw)
            keys = self._key_values(record if self._has_keys else self._keys_of(raw))
        except msgspec.ValidationError:
            return None
        match_value = self._match_value(record)
        if match_value is msgspec.UNSET or None in keys or "" in keys or msgspec.UNSET in keys:
            return None
        match_key = identity.match_key(self._match, match_value)
        if match_key is None or not identity.is_sound(match_key) or not self._is_plain(record):
            return None
        if self._has_keys:
            record.removed_at = msgspec.UNSET  # it is null, and feeds no field
        payload = self._encode(record if self._rename is None else self._rename(record))
        source_key = identity.source_key(keys or (match_key,))
        return Candidate(source_key, match_key, payload, digest(payload))

    def _is_plain(self, record: msgspec.Struct) -> bool:
        """Whether values whose type says too little are their own mapped values."""
        for value_of, is_fine in self._doubtful:
            value = value_of(record)
            if value is not None and value is not msgspec.UNSET and not is_fine(value):
                return False
        return True


def typed_records(route: Route) -> TypedRecords | None:
    """The struct of a stream; `None` where one column feeds two fields, which a struct cannot say."""
    columns = [one.column for one in route.mapping.columns]
    return TypedRecords(route) if len(set(columns)) == len(columns) else None


def _decoder(names: list[str], columns: list[str], types: list[Any], *, has_keys: bool) -> Callable[[msgspec.Raw], Any]:
    fields = [(name, one | msgspec.UnsetType, msgspec.UNSET) for name, one in zip(names, types, strict=True)]
    rename = dict(zip(names, columns, strict=True))
    if has_keys:
        fields.append(NOT_REMOVED)
        rename |= _REMOVED_AT
    return msgspec.json.Decoder(msgspec.defstruct("Columns", fields, rename=rename, gc=False)).decode


def _renamer(mapping: FieldMapping) -> Callable[[Any], Any] | None:
    """From a struct that is named by columns to one that is named by fields, constants included."""
    fields = [one.field.name for one in mapping.columns]
    if fields == [one.column for one in mapping.columns] and not mapping.constants:
        return None
    fields += [one.field.name for one in mapping.constants]
    constants = tuple(one.value for one in mapping.constants)
    places = sorted(range(len(fields)), key=fields.__getitem__)
    untyped = [(f"f{place}", Any | msgspec.UnsetType, msgspec.UNSET) for place in places]
    struct = msgspec.defstruct("Fields", untyped, rename={f"f{place}": fields[place] for place in places}, gc=False)
    astuple = msgspec.structs.astuple
    fed = len(mapping.columns)  # what comes after them is no field
    if not constants:
        return lambda record: struct(*astuple(record)[:fed])

    def renamed(record: Any) -> Any:  # noqa: ANN401 - structs made at run time
        values = astuple(record)[:fed] + constants
        return struct(*[values[place] for place in places])

    return renamed


def _key_decoder(columns: tuple[str, ...]) -> tuple[Callable[[msgspec.Raw], Any], list[str]]:
    """Decoder of the key columns, and their names in what it gives; a removed record does not fit."""
    names = [f"k{number}" for number in range(len(columns))]
    fields: list[Any] = [(name, KEY_TYPE, msgspec.UNSET) for name in names]
    rename = dict(zip(names, columns, strict=True)) | _REMOVED_AT
    struct = msgspec.defstruct("Keys", [*fields, NOT_REMOVED], rename=rename, gc=False)
    return msgspec.json.Decoder(struct).decode, names


def values_reader(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What gives the values of a struct's fields."""
    if not names:
        return lambda _struct: ()
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda struct: (only(struct),)
    return attrgetter(*names)


def _type(field: Field) -> Any:  # noqa: ANN401 - a type
    """The type whose values are certainly fine for a field, and are their own mapped values."""
    if field.type is FieldType.EMAIL:
        return Annotated[str, msgspec.Meta(max_length=min(PLAIN_LENGTH, field.max_length or PLAIN_LENGTH))]
    if field.type is FieldType.STRING:
        return str if field.max_length is None else Annotated[str, msgspec.Meta(max_length=field.max_length)]
    if field.type is FieldType.OPTION and field.options:
        return Literal[field.options]
    if field.type is FieldType.OPTIONS:
        return _list_type(field.options)
    if field.type is FieldType.KEYS:
        return Annotated[str, msgspec.Meta(pattern=r"\S")] | _list_type(())
    return _TYPES.get(field.type, msgspec.UnsetType)


def _list_type(options: tuple[str, ...]) -> Any:  # noqa: ANN401 - a type
    """Lists of trimmed texts; an empty one clears, and so is another value once it is mapped."""
    item: Any = Annotated[str, msgspec.Meta(pattern=r"^\S(?:.*\S)?\Z")]
    if options:
        trimmed = tuple(one for one in options if one and one == one.strip())
        item = Literal[trimmed] if trimmed else msgspec.UnsetType
    return Annotated[list[item], msgspec.Meta(min_length=1)]


def _second_looks(field: Field) -> Callable[[Any], bool] | None:
    """Whether a value is plain, of a field whose type says too little."""
    return PlainAddresses().has if field.type is FieldType.EMAIL else _SECOND_LOOKS.get(field.type)


_SECOND_LOOKS: dict[FieldType, Callable[[Any], bool]] = {
    FieldType.NUMBER: is_plain,  # JSON has no NaN, but "NaN" is text that a decimal accepts
    FieldType.DATETIME: lambda moment: moment.tzinfo is dt.timezone.utc,  # anything else is brought to UTC first
}

_TYPES: dict[FieldType, Any] = {
    FieldType.INTEGER: int,
    FieldType.NUMBER: Decimal,
    FieldType.BOOLEAN: bool,
    FieldType.DATE: dt.date,
    FieldType.DATETIME: dt.datetime,
}
"""Types without parameters."""
