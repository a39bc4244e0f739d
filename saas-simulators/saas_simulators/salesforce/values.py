"""The rules for field values: what is accepted, what is stored, what is refused with which code."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from math import inf, isfinite
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.definitions import NUMBER_TYPES
from saas_simulators.salesforce.ids import normal_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.salesforce.definitions import FieldDefinition

    Writer = Callable[[Any], Any]

JSON_NAMES = {str: "VALUE_STRING", int: "VALUE_NUMBER_INT", float: "VALUE_NUMBER_FLOAT"}
MOST_INT = 2**31 - 1
DEFAULT_PRECISION = 18
XSD_NAMES = {
    "int": "xsd:int",
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "time": "xsd:time",
}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DATETIME = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})")
_TIME = re.compile(r"(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?Z?")
# Close to the real check: one @, a domain with a dot, no spaces, no control characters.
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\W_](?:[\w-]*\w)?(?:\.[^\W_](?:[\w-]*\w)?)+")


class ValueRefusedError(Exception):
    """A value breaks a rule of its field, which fails its row; `code` is the vendor's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnparseableError(Exception):
    """A value is not of its field's type, which fails a JSON request, or the row of a CSV file."""

    def __init__(self, kind: str, value: object) -> None:
        super().__init__(kind)
        self.kind = kind
        self.value = value

    @property
    def json_message(self) -> str:
        """The parser's message; where in the body the value is, is not computed here."""
        # source: reports of users: "date from VALUE_STRING value X", "string from START_OBJECT value {"
        token, shown = _token(self.value)
        place = "or request may be missing a required field at [line:1, column:1]"
        return f"Cannot deserialize instance of {self.kind} from {token} value {shown} {place}"

    def csv_message(self, column: int) -> str:
        """Return the message of a row of a bulk job."""
        # source: recording amp-labs bulk_info_partial-failure.csv (date)
        kind = XSD_NAMES.get(self.kind, f"xsd:{self.kind}")
        reason = f"'{self.value}' is not a valid value for the type {kind}"
        return f"Failed to deserialize field at col {column}. Due to, {reason}"


def _token(value: object) -> tuple[str, str]:
    """Return how the parser names a JSON value, and what it shows of it."""
    if isinstance(value, bool):
        return ("VALUE_TRUE", "true") if value else ("VALUE_FALSE", "false")
    if isinstance(value, dict):
        return "START_OBJECT", "{"
    if isinstance(value, list):
        return "START_ARRAY", "["
    return JSON_NAMES.get(type(value), "VALUE_NULL"), str(value)


def writer(field: FieldDefinition) -> Writer:
    """Return the function that turns a sent value, not None, into the stored one; None from it clears the field.

    It raises `ValueRefusedError` or `UnparseableError`.
    """
    kind = field.type
    if kind in NUMBER_TYPES:
        return _int(field) if kind == "int" else _double(field)
    if kind in {"reference", "id"}:
        return _reference(field)
    rules: dict[str, Writer] = {"boolean": _boolean, "date": _date, "datetime": as_datetime, "time": _time}
    if kind in rules:
        return rules[kind]
    if kind == "email":
        return _email(field)
    if kind in {"picklist", "multipicklist"}:
        return _picklist(field)
    return _text(field)


def _as_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)  # source: third-party reports, numbers and booleans become text
    kind = "string"
    raise UnparseableError(kind, value)


def _text(field: FieldDefinition) -> Writer:
    length = field.length
    label = field.label

    def check(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
        text = value if type(value) is str else _as_text(value)
        if len(text) > length:
            # source: restforce and recorded bodies, wording; the label stands in front
            code = "STRING_TOO_LONG"
            raise ValueRefusedError(code, f"{label}: data value too large: {text} (max length={length})")
        return text or None  # source: third-party reports: an empty text is stored as null

    return check


def _email(field: FieldDefinition) -> Writer:
    as_text = _text(field)

    def check(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
        text: str | None = as_text(value)
        if text and not _EMAIL.fullmatch(text):
            # source: recording grouparoo: "email field: invalid email address: badone"
            code = "INVALID_EMAIL_ADDRESS"
            raise ValueRefusedError(code, f"{field.label}: invalid email address: {text}")
        return text

    return check


def _picklist(field: FieldDefinition) -> Writer:
    as_text = _text(field)
    allowed = {value: place for place, (value, _) in enumerate(field.options)}
    is_restricted = field.is_restricted
    if field.type == "picklist" and not is_restricted:
        return as_text

    def check(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
        text: str | None = as_text(value)
        if not text:
            return None
        parts = text.split(";") if field.type == "multipicklist" else [text]
        if is_restricted and (bad := [part for part in parts if part not in allowed]):
            # source: reports of users; the bad value is shown, not the others
            code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            raise ValueRefusedError(code, f"{field.label}: bad value for restricted picklist field: {bad[0]}")
        # inferred: several values come back in the order of their definition
        return ";".join(sorted(dict.fromkeys(parts), key=lambda part: allowed.get(part, len(allowed))))

    return check


def _boolean(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (text := value.lower()) in {"true", "false", "1", "0"}:
        return text in {"true", "1"}
    kind = "boolean"
    raise UnparseableError(kind, value)


def _number(value: Any, kind: str) -> float:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool):
        raise UnparseableError(kind, value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    # source: recording grouparoo: "float_field__c":"1" was taken
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    raise UnparseableError(kind, value)


def _as_double(number: float) -> float:
    """Return a number as it is kept; what is too large for any is infinite.

    The API keeps more decimals than the field has, and gives them back: only people see a rounded number.
    source: Salesforce Help 000387302, "Salesforce Number Field Stores More Decimal Places Than Defined When Set via API
    or Apex", May 2026
    """
    try:
        return float(number)
    except OverflowError:
        return inf


def _int(field: FieldDefinition) -> Writer:
    def check(value: Any) -> int:  # noqa: ANN401 - any JSON value
        number = _number(value, "int")
        if abs(number) > MOST_INT:
            raise _out_of_range(field, value)
        if number != int(number):
            kind = "int"
            raise UnparseableError(kind, value)
        return int(number)

    return check


def _double(field: FieldDefinition) -> Writer:
    bound = 10.0 ** ((field.precision or DEFAULT_PRECISION) - field.scale)

    def check(value: Any) -> float:  # noqa: ANN401 - any JSON value
        number = _as_double(_number(value, "double"))
        if not -bound < number < bound:
            raise _out_of_range(field, value)
        return number

    return check


def _out_of_range(field: FieldDefinition, value: object) -> ValueRefusedError:
    # source: reports of users
    text = f"{field.label}: value outside of valid range on numeric field: {value}"
    return ValueRefusedError("NUMBER_OUTSIDE_VALID_RANGE", text)


def _reference(field: FieldDefinition) -> Writer:
    label = field.label

    def check(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
        text = value if type(value) is str else _as_text(value)
        if not text:
            return None
        found = normal_id(text)
        if found is None:
            # source: report quoted by salto.io: "Account ID: id value of incorrect type: NotReal"
            code = "MALFORMED_ID"
            raise ValueRefusedError(code, f"{label}: id value of incorrect type: {text}")
        return found

    return check


@lru_cache(maxsize=4096)
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _date(value: Any) -> str:  # noqa: ANN401 - any JSON value
    # source: BULKPDF: the samples of bulk jobs also show a trailing Z
    if isinstance(value, str) and _DATE.fullmatch(text := value.removesuffix("Z")) and _is_day(text):
        return text
    kind = "date"
    raise UnparseableError(kind, value)


def as_datetime(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return a time in UTC, as it is stored and shown."""
    kind = "datetime"
    match = _DATETIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise UnparseableError(kind, value)
    day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{hour}:{minute}:{second}")
        if zone != "Z":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
            moment = moment - offset if zone[0] == "+" else moment + offset
    except (ValueError, OverflowError):
        raise UnparseableError(kind, value) from None
    return f"{moment.isoformat()}.{(fraction or '0')[:3]:0<3}+0000"


def _time(value: Any) -> str:  # noqa: ANN401 - any JSON value
    kind = "time"
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3]) > 59:  # noqa: PLR2004 - a clock's
        raise UnparseableError(kind, value)
    return f"{match[1]}:{match[2]}:{match[3]}.{match[4] or '0':0<3}Z"


def moment(seconds: float) -> str:
    """Return a time as REST prints it.

    >>> moment(1636220260.0)
    '2021-11-06T17:37:40.000+0000'
    """
    # source: recordings cumulusci, amp-labs
    found = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{found:%Y-%m-%dT%H:%M:%S}.{found.microsecond // 1000:03d}+0000"
