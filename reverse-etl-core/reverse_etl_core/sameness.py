"""Whether the destination holds a value already: compared as the destination's type compares."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from reverse_etl_core.schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.operations import Value
    from reverse_etl_core.schema import Field, ObjectSchema


def is_empty(value: Value) -> bool:
    """Whether a field has no value: null, an empty text, a list without items."""
    return value is None or value in ("", [])


def is_same(field: Field, wanted: Value, current: Value) -> bool:
    """Whether writing `wanted` would change nothing.

    Args:
        field: The field.
        wanted: The mapped value.
        current: What the destination shows, as `Current.fields` has it.

    >>> from decimal import Decimal
    >>> from reverse_etl_core.schema import Field
    >>> price = Field("price", FieldType.NUMBER)
    >>> is_same(price, Decimal("1.50"), 1.5), is_same(price, 2, None), is_same(price, None, None)
    (True, False, True)
    """
    if is_empty(wanted) or is_empty(current):
        return is_empty(wanted) and is_empty(current)
    if field.appends:
        return isinstance(wanted, list) and isinstance(current, list) and set(wanted) <= set(current)
    compare = _COMPARISONS.get(field.type)
    try:
        return compare(wanted, current) if compare else str(wanted).strip() == str(current).strip()
    except (ValueError, TypeError, InvalidOperation):
        return False


def is_shown(schema: ObjectSchema, field: Field, wanted: Value, current: Value) -> bool:
    """Whether writing `wanted` would change nothing, as this destination keeps values."""
    return schema.shows(field, wanted, current) if schema.shows is not None else is_same(field, wanted, current)


def _same_number(wanted: Value, current: Value) -> bool:
    return Decimal(str(wanted)) == Decimal(str(current))


def _same_moment(wanted: Value, current: Value) -> bool:
    """To the millisecond, which is what APIs keep."""
    one, other = (dt.datetime.fromisoformat(str(value).replace("Z", "+00:00")) for value in (wanted, current))
    return abs(one - other) < dt.timedelta(milliseconds=1)


def _same_options(wanted: Value, current: Value) -> bool:
    return set(wanted) == set(current) if isinstance(wanted, list) and isinstance(current, list) else False


def _same_address(wanted: Value, current: Value) -> bool:
    return str(wanted).strip().lower() == str(current).strip().lower()


_COMPARISONS: dict[FieldType, Callable[[Value, Value], bool]] = {
    FieldType.NUMBER: _same_number,
    FieldType.INTEGER: _same_number,
    FieldType.DATETIME: _same_moment,
    FieldType.OPTIONS: _same_options,
    FieldType.EMAIL: _same_address,
}
