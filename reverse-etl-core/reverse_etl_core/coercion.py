"""Source values to the destination's types, without loss and without guessing.

Each function takes a value that is neither absent nor `None` and gives the mapped value, or raises
`ValueError`. An empty text clears every type that has no empty value of its own (guarantee G8).
Every function is idempotent: a mapped record from the ledger can be mapped again.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_etl_core.schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverse_etl_core.operations import Value
    from reverse_etl_core.schema import Field

LARGEST_EXPONENT = 400
"""Beyond the range of a double (1e308), and of every column that a destination has."""

_TRUE = frozenset({"true", "t", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "off"})
_CLOCK = re.compile(r"[T ](.*)$")


def to_text(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """Text; numbers without exponent, booleans as `true` and `false`, arrays and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(_finite(value), "f")
    if isinstance(value, (int, float)):
        return str(to_number(value))
    if isinstance(value, (list, dict)):
        return msgspec.json.Encoder(decimal_format="number").encode(value).decode()
    return str(value)


def to_email(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """An address without the blanks around it."""
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - one error type for everything that does not fit
    return value.strip() or None


def to_number(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """A finite number; text must be a plain decimal. Booleans are not numbers."""
    if isinstance(value, Decimal):
        return _finite(value)
    if isinstance(value, bool):
        raise ValueError  # noqa: TRY004 - one error type for everything that does not fit
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return _whole_if_whole(value)
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            return _finite(Decimal(value.strip()))
        except InvalidOperation:
            raise ValueError from None
    raise ValueError


def _finite(value: Decimal) -> Decimal:
    if not is_plain(value):
        raise ValueError
    return value


def is_plain(value: Decimal) -> bool:
    """Whether a decimal is finite and of a size that can be written out: 1e999999999 has a billion digits."""
    return value.is_finite() and abs(value.adjusted()) <= LARGEST_EXPONENT


def _whole_if_whole(value: float) -> Value:
    if not math.isfinite(value):
        raise ValueError
    return int(value) if value.is_integer() else Decimal(repr(value))


def to_integer(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """A whole number; 3.0 is one, 3.5 is not."""
    number = to_number(value)
    if number is None or isinstance(number, int):
        return number
    if isinstance(number, Decimal) and number == number.to_integral_value():
        return int(number)
    raise ValueError


def to_boolean(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """True or false; also 0 and 1, and the usual words."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, Decimal)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip().lower()
        if not word:
            return None
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    raise ValueError


def to_date(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """`YYYY-MM-DD`; a datetime is taken at its date in UTC."""
    if isinstance(value, dt.datetime):
        return _utc(value).date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - one error type for everything that does not fit
    text = value.strip()
    if not text:
        return None
    if _CLOCK.search(text):
        return _utc(_parse_instant(text)).date().isoformat()
    return dt.date.fromisoformat(text).isoformat()


def to_datetime(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """ISO 8601 in UTC; without a zone it is taken as UTC, a date as its midnight in UTC."""
    if isinstance(value, str):
        text = value.strip()
        return _instant_text(_parse_instant(text)) if text else None
    if isinstance(value, dt.datetime):
        return _instant_text(value)
    raise ValueError


def _parse_instant(text: str) -> dt.datetime:
    try:
        return msgspec.convert(text, dt.datetime)
    except msgspec.ValidationError:
        return dt.datetime.fromisoformat(text)  # dates, other separators and precisions


def _utc(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.timezone.utc)
    return moment.astimezone(dt.timezone.utc)


def _instant_text(moment: dt.datetime) -> str:
    """As `msgspec` writes moments in UTC."""
    return _utc(moment).replace(tzinfo=None).isoformat() + "Z"


def to_option(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """One option, as text."""
    text = to_text(value)
    return text or None


def to_options(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """A list of options from an array, or from text separated by `;`; an empty list clears."""
    if isinstance(value, str):
        value = value.split(";")
    if not isinstance(value, list):
        raise ValueError  # noqa: TRY004 - one error type for everything that does not fit
    items = [str(to_text(item)).strip() for item in value if item is not None]
    return [item for item in items if item] or None


def to_keys(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    """One match value as text, or a list of them; an empty list is null."""
    if not isinstance(value, list):
        text = str(to_text(value))
        return text if text.strip() else None
    items = [str(to_text(item)) for item in value if item is not None]
    return [item for item in items if item.strip()] or None


COERCIONS: dict[FieldType, Callable[[Any], Value]] = {
    FieldType.STRING: to_text,
    FieldType.EMAIL: to_email,
    FieldType.INTEGER: to_integer,
    FieldType.NUMBER: to_number,
    FieldType.BOOLEAN: to_boolean,
    FieldType.DATE: to_date,
    FieldType.DATETIME: to_datetime,
    FieldType.OPTION: to_option,
    FieldType.OPTIONS: to_options,
    FieldType.KEYS: to_keys,
}
"""How each type is read."""


def coercion(field: Field) -> Callable[[Any], Value]:
    """How a field's values are read: by its type, and by the other spellings that its options have."""
    read = COERCIONS[field.type]
    if not field.aliases:
        return read
    options = frozenset(field.options)
    aliases = {spelling.lower(): one for spelling, one in field.aliases.items()}

    def option(text: str) -> str:
        return text if text in options else aliases.get(text.strip().lower(), text)

    def read_option(value: Any) -> Value:  # noqa: ANN401 - any JSON value
        found = read(value)
        if isinstance(found, list):
            return [option(one) for one in found]
        return option(found) if isinstance(found, str) else found

    return read_option


UNTOUCHED: dict[FieldType, type] = {
    FieldType.STRING: str,
    FieldType.INTEGER: int,
    FieldType.NUMBER: int,
    FieldType.BOOLEAN: bool,
}
"""The Python type whose values need no coercion, so that the usual case costs one comparison."""
