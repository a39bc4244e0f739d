"""The rules for property values: what is accepted, what is stored, what is refused with which code."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from saas_simulators.hubspot.definitions import PropertyDefinition

MAX_STRING_CHARS = 65_536  # source: HubSpot docs "Properties", string values
MAX_NUMBER_CHARS = 64
DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# source: HubSpot knowledge base, default lifecycle stages, in their order
LIFECYCLE = {
    stage: rank
    for rank, stage in enumerate(
        (
            "subscriber",
            "lead",
            "marketingqualifiedlead",
            "salesqualifiedlead",
            "opportunity",
            "customer",
            "evangelist",
            "other",
        )
    )
}
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"-?\d{1,18}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?")
# Close to the real check: one @, a dotted domain, no spaces or control characters.
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\W_](?:[\w-]*\w)?(?:\.[^\W_](?:[\w-]*\w)?)+")


class ValueRefusedError(Exception):
    """A value breaks the rule of its property; `code` is the vendor's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WrongShapeError(Exception):
    """A value is a JSON object or array, which no property takes."""


class Surroundings(Protocol):
    """What a rule must know about the account."""

    portal_id: int

    @property
    def owner_ids(self) -> Collection[str]:
        """The ids that an owner property takes."""


def writer(definition: PropertyDefinition, type_id: str, surroundings: Surroundings) -> Callable[[object], str]:
    """Return the function that turns a JSON value into the stored text, or raises `ValueRefusedError`."""
    if definition.is_read_only or definition.is_calculated:
        return _refuse_read_only(definition.name)
    if definition.is_owner:
        return lambda value: _owner(value, surroundings)
    if definition.name == "email" and type_id == "0-1":
        return _email
    if definition.type == "enumeration" and not definition.is_free:
        return _enumeration(definition)
    where = f"Portal {surroundings.portal_id}, object type {type_id}"
    rules: dict[str, Callable[[object], str]] = {
        "number": _number,
        "bool": _bool,
        "date": _date,
        "datetime": lambda value: _datetime(value, where),
    }
    return rules.get(definition.type, _string)


def is_behind(stage: str, other: str) -> bool:
    """Whether a lifecycle stage comes before another; custom stages and none at all have no place in the order.

    >>> is_behind("lead", "customer"), is_behind("customer", "lead"), is_behind("lead", "")
    (True, False, False)
    """
    ranks = LIFECYCLE.get(stage), LIFECYCLE.get(other)
    return ranks[0] is not None and ranks[1] is not None and ranks[0] < ranks[1]


def as_text(value: object) -> str:
    """Return the text of a JSON scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if value is None:
        # inferred: the specification types values as strings and forbids null; what really happens is not evidenced.
        code = "INVALID_VALUE"
        raise ValueRefusedError(code, "null is not a valid property value; send an empty string to clear the property")
    raise WrongShapeError


def iso(milliseconds: int) -> str:
    """Return a moment as HubSpot prints it: UTC, milliseconds left out when they are zero.

    >>> iso(1651568400000), iso(1659970341857)
    ('2022-05-03T09:00:00Z', '2022-08-08T14:52:21.857Z')
    """
    # source: recording captaincontrat v3_objects.json (meetings)
    days, rest = divmod(milliseconds, DAY_MS)
    seconds, fraction = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    clock = f"{_day(days)}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
    return f"{clock}.{fraction:03d}Z" if fraction else f"{clock}Z"


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    """Return the date that lies `days` after 1970-01-01."""
    return (EPOCH + timedelta(days=days)).date().isoformat()


@lru_cache(maxsize=4096)
def epoch_ms(text: str) -> int | None:
    """Return the milliseconds of an epoch number or an ISO 8601 text, or None for anything else.

    >>> epoch_ms("2022-05-03T09:00:00Z"), epoch_ms("1651568400000"), epoch_ms("soon")
    (1651568400000, 1651568400000, None)
    """
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DATE.fullmatch(text):
        text += "T00:00:00Z"
    if not _DATETIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(_python_iso(text))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - EPOCH) // timedelta(milliseconds=1)


def _python_iso(text: str) -> str:
    """Bring fractions and zones into the form that Python 3.10 reads."""
    text = re.sub(r"\.(\d{1,9})", lambda found: "." + found[1][:6].ljust(6, "0"), text.replace("Z", "+00:00"))
    return re.sub(r"([+-]\d{2})(\d{2})$", r"\1:\2", text)


def _refuse_read_only(name: str) -> Callable[[object], str]:
    def refuse(_: object) -> str:
        # source: HubSpot docs "Error handling" (text reported by third parties)
        code = "READ_ONLY_VALUE"
        raise ValueRefusedError(code, f'"{name}" is a read only property; its value cannot be set.')

    return refuse


def _string(value: object) -> str:
    text = value if isinstance(value, str) else as_text(value)
    if len(text) > MAX_STRING_CHARS:
        # inferred: the limit is documented, its error is not
        code = "PROPERTY_VALUE_TOO_LONG"
        message = f"The value has {len(text)} characters; at most {MAX_STRING_CHARS} are allowed."
        raise ValueRefusedError(code, message)
    return text


def _email(value: object) -> str:
    text = as_text(value).strip().lower()  # lower case: live tests 2026
    if text and not _EMAIL.fullmatch(text):
        # source: recordings captaincontrat 2022 (v1), live reports (v3)
        code = "INVALID_EMAIL"
        raise ValueRefusedError(code, f"Email address {text} is invalid")
    return text


def _number(value: object) -> str:
    text = as_text(value)
    if text and (len(text) > MAX_NUMBER_CHARS or not _NUMBER.fullmatch(text)):
        # source: HubSpot docs "Error handling"
        code = "INVALID_INTEGER"
        raise ValueRefusedError(code, f"{text} was not a valid number.")
    return text


def _bool(value: object) -> str:
    text = as_text(value)
    if text not in {"", "true", "false"}:
        # inferred: the code for a value is not evidenced; booleans are enumerations of two in the definitions API
        code = "INVALID_OPTION"
        raise ValueRefusedError(code, f"{text} was not one of the allowed options: [true, false]")
    return text


def _date(value: object) -> str:
    text = as_text(value)
    if not text:
        return text
    milliseconds = epoch_ms(text)
    code = "INVALID_DATE"
    if milliseconds is None:
        # inferred: the text for something that is not a date at all
        raise ValueRefusedError(code, f"{text} was not a valid date.")
    if milliseconds % DAY_MS:
        # source: issue threads; the clock time is printed without leading zeros
        seconds, rest = divmod(milliseconds % DAY_MS, 1000)
        clock = f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}.{rest}"
        raise ValueRefusedError(code, f"{milliseconds} is at {clock} UTC, not midnight!")
    try:
        return _day(milliseconds // DAY_MS)
    except OverflowError:
        raise ValueRefusedError(code, f"{text} was not a valid date.") from None


def _datetime(value: object, where: str) -> str:
    text = as_text(value)
    if not text:
        return text
    milliseconds = epoch_ms(text)
    # source: recording captaincontrat v3_objects.json (meetings, 400)
    code = "INVALID_LONG"
    message = f"{text} was not a valid long. {where}"
    if milliseconds is None:
        raise ValueRefusedError(code, message)
    try:
        return iso(milliseconds)
    except OverflowError:
        raise ValueRefusedError(code, message) from None


def _owner(value: object, surroundings: Surroundings) -> str:
    text = as_text(value)
    if text and text not in surroundings.owner_ids:
        # inferred: an unknown owner is refused like an unknown option
        code = "INVALID_OPTION"
        raise ValueRefusedError(code, f"{text} was not one of the allowed options: owners of this account")
    return text


def _enumeration(definition: PropertyDefinition) -> Callable[[object], str]:
    allowed = {option["value"] for option in definition.options}
    listed = ", ".join(option["value"] for option in definition.options)
    has_several = definition.has_several_values

    def check(value: object) -> str:
        text = as_text(value)
        chosen = [part for part in text.split(";") if part] if has_several else [text] if text else []
        for part in chosen:
            if part not in allowed:
                # source: gregorspan/csc-frodx#21 (September 2026)
                code = "INVALID_OPTION"
                raise ValueRefusedError(code, f"{part} was not one of the allowed options: [{listed}]")
        return text

    return check
