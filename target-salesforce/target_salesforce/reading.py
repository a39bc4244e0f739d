"""Records as queries show them, in the form that mapped values have: pure, no I/O.

What Salesforce keeps is not always what it was sent, so that a value can come back as another one than was written:

- numbers are rounded to the decimals of their field (inferred), and are doubles: 15 digits are certain;
- moments have no microseconds; what is below a millisecond is not even sent (`wire.value`);
- the values of a multi-select come in the order of their definition (inferred), each once;
- ids of 15 characters come back with 18, picklist values and external ids in the case that was written last;
- a text without characters is kept as null, and blanks around a text may be gone (not evidenced; the simulator keeps
  them).

source: api/salesforce.md 5.1, 5.3 and 5.4
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reverse_etl_core.coercion import coercion
from reverse_etl_core.operations import Current
from reverse_etl_core.schema import FieldType
from target_salesforce import soql
from target_salesforce.objects import ID_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reverse_etl_core.operations import Value
    from reverse_etl_core.schema import Field, Reference
    from target_salesforce.objects import SObject

_ZONE = re.compile(r"([+-]\d\d)(\d\d)\Z", re.ASCII)
_TIME = re.compile(r"(\d\d:\d\d:\d\d)\.(\d{3})Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a query.

    Attributes:
        name: The field that is asked for.
        path: What the query selects: the field, or a field of the record that it refers to.
        held: What it holds.
        is_time: Whether that is a time of day.
    """

    name: str
    path: str
    held: Field
    is_time: bool = False

    def value(self, record: Mapping[str, Any]) -> Value:
        """The value in a record of an answer.

        Raises:
            KeyError: The record does not show it.
            ValueError: It is none that the field can hold.
        """
        found: Any = record
        for name in self.path.split("."):
            if found is None:
                break
            found = found[name]
        return None if found is None else as_mapped(self.held, found, is_time=self.is_time)


def columns(sobject: SObject, names: Iterable[str], references: Mapping[str, Reference]) -> Iterator[Column]:
    """What has to be selected for some fields; nothing for those whose values no query gives.

    Args:
        sobject: The object.
        names: Fields that are asked for; unknown ones are passed over.
        references: Fields that are wanted as the match value of the record that they refer to, and not as its id. A
            reference to records of several objects has no such path in SOQL, and is passed over.
    """
    for name in dict.fromkeys(names):
        field = sobject.schema.fields.get(name)
        if field is None or name in sobject.hidden:
            continue
        reference, parent = references.get(name), sobject.relationships.get(name)
        if reference is None:
            yield Column(name, field.name, field, is_time=name in sobject.times)
        elif parent is not None and not parent.is_polymorphic:
            yield Column(name, f"{parent.name}.{reference.match_field.name}", reference.match_field)


def as_mapped(field: Field, found: Any, *, is_time: bool = False) -> Value:  # noqa: ANN401 - any JSON value
    """A value that is not null as mapping would give it.

    >>> from reverse_etl_core.schema import Field
    >>> as_mapped(Field("At__c", FieldType.DATETIME), "2026-01-31T10:00:00.000+0000")
    '2026-01-31T10:00:00Z'
    >>> as_mapped(Field("Score__c", FieldType.NUMBER), Decimal("5.0")), as_mapped(Field("X", FieldType.OPTIONS), "a;b")
    (5, ['a', 'b'])

    Raises:
        ValueError: The field cannot hold it.
    """
    if is_time:
        return _time(str(found))
    if field.type is FieldType.DATETIME and isinstance(found, str):
        found = _ZONE.sub(r"\1:\2", found)
    value = coercion(field)(found)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    return value


def _time(text: str) -> str:
    """A time of day as ISO 8601 has it: Salesforce shows milliseconds always, and a `Z` without a zone."""
    found = _TIME.fullmatch(text)
    if found is None:
        return text
    return found[1] if found[2] == "000" else f"{found[1]}.{found[2]}000"


def current_by_key(
    field: Field, keys: Sequence[str], records: Iterable[Mapping[str, Any]], wanted: Sequence[Column]
) -> dict[str, list[Current]]:
    """Records by match key; what several queries tell of one record is put together."""
    found: dict[str, dict[str, dict[str, Value]]] = {}
    for key, record in soql.by_key(field, keys, records):
        found.setdefault(key, {}).setdefault(record[ID_FIELD], {}).update(_shown(record, wanted))
    return {key: [Current(one, fields) for one, fields in some.items()] for key, some in found.items()}


def _shown(record: Mapping[str, Any], wanted: Sequence[Column]) -> Iterator[tuple[str, Value]]:
    for column in wanted:
        try:
            yield column.name, column.value(record)
        except (KeyError, TypeError, ValueError, OverflowError):
            continue  # of another query, or nothing that could be compared
