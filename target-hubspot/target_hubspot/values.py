"""Values on their way to HubSpot and back: pure. HubSpot takes and gives every one of them as text."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from reverse_etl_core.coercion import COERCIONS, to_text
from reverse_etl_core.schema import Field, FieldType

if TYPE_CHECKING:
    from reverse_etl_core.operations import Value

_NUMBER = re.compile(r"(-?)0*(\d+?)(?:\.(\d*?)0*)?", re.ASCII)
_BELOW_MILLISECONDS = re.compile(r"(\.\d{3})\d+")
_EPOCH_MS = re.compile(r"-?\d{5,15}", re.ASCII)
"""More digits than a year has."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def text(value: Value) -> str:
    """A value as HubSpot takes it: text, `""` to clear; null is forbidden by the specification and never sent.

    source: HubSpot docs, "Properties" (api/hubspot.md 3.6).

    >>> text(None), text(True), text(Decimal("1E+3")), text(1e-7), text(["a", "b"])
    ('', 'true', '1000', '0.0000001', 'a;b')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(dict.fromkeys(value))  # two spellings of an option, a label and its value say
    number = Decimal(repr(value)) if isinstance(value, float) else value
    return format(number, "f") if isinstance(number, Decimal) else str(number)


def property_text(field: Field | None, value: Value, *, is_new: bool = False) -> str:
    """A value as the text that its property takes; a record that is new has no options that others could go with."""
    written = text(value)
    if field is not None and field.appends and written and not is_new:
        # source: HubSpot docs, "Properties": a leading semicolon adds to the options that the record has. Adding what
        # it has already changes nothing (inferred).
        return f";{written}"
    if field is not None and field.type is FieldType.DATETIME:
        # HubSpot keeps milliseconds (recorded); that it would refuse more digits is inferred.
        return _BELOW_MILLISECONDS.sub(r"\1", written)
    return written


def mapped(field: Field | None, given: object) -> Value:
    """What HubSpot gives for a property, in the form that mapped values have; `None` where it is empty.

    Some values come back otherwise than they were mapped, since that is how HubSpot keeps them: an empty text as
    `None`, an e-mail address in lower case, a moment without what is below its milliseconds. A text that is not of
    the property's type is given as it is: it equals no mapped value.

    >>> mapped(Field("seats", FieldType.NUMBER), "5.0"), mapped(Field("regions", FieldType.OPTIONS), "emea;apac")
    (5, ['emea', 'apac'])
    """
    if given is None or given == "":
        return None
    plain = given if isinstance(given, str) else to_text(given)
    kind = FieldType.STRING if field is None else field.type
    try:
        return _whole(COERCIONS[kind](_moment(plain) if kind in (FieldType.DATE, FieldType.DATETIME) else plain))
    except (ValueError, OverflowError):
        return plain


def _moment(plain: Value) -> object:
    """Dates and moments come as ISO 8601 (recorded); the API reference shows a date in milliseconds too."""
    if isinstance(plain, str) and _EPOCH_MS.fullmatch(plain):
        return _EPOCH + dt.timedelta(milliseconds=int(plain))
    return plain


def _whole(value: Value) -> Value:
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def comparable(field: Field | None, value: object) -> str:
    """A match value in the one form in which two spellings of it are equal.

    >>> comparable(None, " Ada "), comparable(Field("seats", FieldType.NUMBER), "05.00")
    ('Ada', '5')
    """
    plain = str(value if value is not None else "").strip()
    if field is not None and field.type in (FieldType.NUMBER, FieldType.INTEGER):
        number = _NUMBER.fullmatch(plain)
        return ".".join(filter(None, (number[1] + number[2], number[3]))) if number else plain
    return plain if field is None or field.is_case_sensitive else plain.casefold()
