"""The rules for values: merge fields by type, addresses, moments."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.mailchimp.fields import MergeField

    Rule = Callable[[Any, MergeField], Any]

# source: mailchimp/mc-magento#497: an address without one of these does not fit the schema
ADDRESS_REQUIRED = ("addr1", "city", "state", "zip")
ADDRESS_KEYS = ("addr1", "addr2", "city", "state", "zip", "country")
MAX_NUMBER_CHARS = 64
NO_SCHEMA = "Data did not match any of the schemas described in anyOf."
# source: recording grouparoo 2021 for foo@example.com. inferred: which other addresses are taken for fakes
_FAKE = re.compile(r"(foo|bar|baz|test|fake|asdf|email)@(example\.(com|org|net)|test\.com)")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\W_](?:[\w-]*\w)?(?:\.[^\W_](?:[\w-]*\w)?)+")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_PHONE_US = re.compile(r"(\+?1[-. ]?)?\(?\d{3}\)?[-. ]?\d{3}[-. ]?\d{4}")
_URL = re.compile(r"https?://[^\s/.]+\.[^\s]+", re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?")


class ValueRefusedError(Exception):
    """A merge value breaks the rule of its field."""


def fits_schema(value: object) -> bool:
    """Whether the schema takes a merge value at all: text, a number, or an address.

    >>> fits_schema("x"), fits_schema(1.5), fits_schema(True), fits_schema(None), fits_schema({"addr1": "x"})
    (True, True, False, False, False)
    """
    if isinstance(value, dict):
        return all(name in value for name in ADDRESS_REQUIRED) and all(isinstance(one, str) for one in value.values())
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def written(value: Any, field: MergeField) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value as it is stored; an empty one clears the field.

    Raises:
        ValueRefusedError: The value does not fit the field's type.
    """
    if value == "" or (isinstance(value, str) and not value.strip()):
        return ""
    if isinstance(value, dict) and field.type != "address":
        raise ValueRefusedError(NO_SCHEMA)  # inferred: the text for an address in another field
    return RULES[field.type](value, field)


def _text(value: Any, _: MergeField) -> str:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, str) else str(value)


def _number(value: Any, _: MergeField) -> float:  # noqa: ANN401 - any JSON value
    # source: recording grouparoo 2021 (text of the error; 15.5 comes back as a number)
    msg = "Please enter a number"
    if isinstance(value, str):
        text = value.strip()
        if len(text) > MAX_NUMBER_CHARS or not _NUMBER.fullmatch(text):
            raise ValueRefusedError(msg)
        value = float(text) if re.search(r"[.eE]", text) else int(text)
    try:
        is_finite = math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        is_finite = False
    if not is_finite:
        raise ValueRefusedError(msg)
    number: float = value
    return number


def _date(value: Any, field: MergeField) -> str:  # noqa: ANN401 - any JSON value
    # source: recording grouparoo 2021: 1980-12-21 goes in and out; MM/DD/YYYY by third-party text
    text = str(value).strip()
    if found := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):
        first, second, year = found.groups()
        is_day_first = str(field.options.get("date_format", "")).startswith("DD")
        month, day = (second, first) if is_day_first else (first, second)
        text = f"{year}-{int(month):02d}-{int(day):02d}"
    try:
        date.fromisoformat(text if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else "")
    except ValueError:
        # source: issue threads (text); inferred: that a time of day is refused
        msg = "Please enter the date"
        raise ValueRefusedError(msg) from None
    return text


def _birthday(value: Any, _: MergeField) -> str:  # noqa: ANN401 - any JSON value
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})", str(value).strip())
    month, day = map(int, found.groups()) if found else (0, 0)
    try:
        date(2000, month, day)  # a leap year
    except ValueError:
        # source: issue threads
        msg = "Please enter a month (01-12) and a day (01-31)"
        raise ValueRefusedError(msg) from None
    return f"{month:02d}/{day:02d}"


def _address(value: Any, _: MergeField) -> Any:  # noqa: ANN401 - any JSON value
    """Take an address with its four obligatory parts; one that is empty altogether clears the field (inferred)."""
    parts = {name: value.get(name, "").strip() for name in ADDRESS_KEYS} if isinstance(value, dict) else {}
    if parts and not any(parts[name] for name in ADDRESS_REQUIRED):
        return ""
    if not parts or not all(parts[name] for name in ADDRESS_REQUIRED):
        # source: verbb/formie#2387; inferred: that text and a lacking state are refused, too
        msg = "Please enter a complete address"
        raise ValueRefusedError(msg)
    return {**parts, "country": parts["country"] or "US"}


def _phone(value: Any, field: MergeField) -> str:  # noqa: ANN401 - any JSON value
    text = str(value)
    if field.options.get("phone_format") == "US" and not _PHONE_US.fullmatch(text.strip()):
        msg = "Please enter a valid phone number"  # inferred: the text
        raise ValueRefusedError(msg)
    return text


def _zip(value: Any, _: MergeField) -> str:  # noqa: ANN401 - any JSON value
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{5}", text):
        # source: issue threads
        msg = "Please enter a zip code (5 digits)"
        raise ValueRefusedError(msg)
    return text


def _url(value: Any, _: MergeField) -> str:  # noqa: ANN401 - any JSON value
    text = str(value).strip()
    if not _URL.fullmatch(text):
        # source: issue threads; inferred: that an address without http is refused
        msg = "That is not a valid URL"
        raise ValueRefusedError(msg)
    return text


def _choice(value: Any, field: MergeField) -> str:  # noqa: ANN401 - any JSON value
    text = str(value)
    choices = [str(choice) for choice in field.options.get("choices", [])]
    if text not in choices:
        # source: hitobito, quoted 2025: "Value must be one of: m, w,  (not z)"; the last of the list is the empty one
        msg = f"Value must be one of: {', '.join([*choices, ''])} (not {text})"
        raise ValueRefusedError(msg)
    return text


RULES: dict[str, Rule] = {
    "text": _text,
    "number": _number,
    "address": _address,
    "phone": _phone,
    "date": _date,
    "url": _url,
    "imageurl": _url,
    "radio": _choice,
    "dropdown": _choice,
    "birthday": _birthday,
    "zip": _zip,
}


def is_email(text: str) -> bool:
    """Whether a text is an address.

    >>> is_email("ada@shop.example"), is_email("ada"), is_email("a,b@shop.example")
    (True, False, False)
    """
    return _EMAIL.fullmatch(text) is not None and ".." not in text and text[0] != "." and ".@" not in text


def is_fake(text: str) -> bool:
    """Whether an address is one of those that people make up."""
    return _FAKE.fullmatch(text.lower()) is not None


def moment(seconds: float) -> str:
    """Return a moment as Mailchimp prints it.

    >>> moment(1637707916.7)
    '2021-11-23T22:51:56+00:00'
    """
    return _second(int(seconds))


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def as_moment(text: str) -> str | None:
    """Return a moment that a client sent as Mailchimp prints it, or None when it is none.

    >>> as_moment("2021-01-02 03:04:05"), as_moment("2021-01-02T03:04:05-02:00"), as_moment("soon")
    ('2021-01-02T03:04:05+00:00', '2021-01-02T05:04:05+00:00', None)
    """
    # source: OpenAPI of 2026: `Y-m-d H:i:s` or ISO 8601 with an offset. inferred: without an offset it is UTC
    if not text:
        return ""
    if not _MOMENT.fullmatch(text):
        return None
    plain = re.sub(r"([+-]\d{2})(\d{2})$", r"\1:\2", re.sub(r"\.\d+", "", text).replace("Z", "+00:00"))
    try:
        found = datetime.fromisoformat(plain)
        found = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
        return found.astimezone(timezone.utc).isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return None
