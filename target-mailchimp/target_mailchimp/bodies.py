"""A record's fields as the body of a member: pure.

What Mailchimp would refuse for certain is refused here, with the field's name: an incomplete address, a required merge
field that is cleared, a birthday that is none.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reverse_etl_core.errors import RejectedRecordError
from reverse_etl_core.operations import RejectCode
from target_mailchimp.audience import ADDRESS, BIRTHDAY
from target_mailchimp.objects import (
    ADDRESS_PARTS,
    INTERESTS,
    LATITUDE,
    LONGITUDE,
    PERMISSIONS,
    REQUIRED_PARTS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reverse_etl_core.operations import Fields, Value
    from target_mailchimp.audience import Audience, Category, MergeField

    Put = Callable[[dict[str, Any], Value], None]

_BIRTHDAY = re.compile(r"(?:\d{4}-|--)?(\d{1,2})[-/](\d{1,2})(?:[T ].*)?", re.ASCII)
_LEAP_YEAR = 2000
_BELOW_SECONDS = re.compile(r"\.\d+")
_TEXTS = ("language", "ip_signup", "ip_opt")
_MOMENTS = ("timestamp_signup", "timestamp_opt")
HASHES_REMEMBERED = 10_000
"""As many as the members in twenty requests: each of them is asked for the same hash several times."""


@functools.lru_cache(HASHES_REMEMBERED)
def subscriber_hash(address: str) -> str:
    """The id of the member with this address: the MD5 of its lower-case form.

    >>> subscriber_hash("Urist.McVankab@freddiesjokes.com")
    '62eeb292278cc15f5817cb78f7790b08'
    """
    # source: Mailchimp docs, "Methods and parameters" (the example)
    return hashlib.md5(address.strip().lower().encode(), usedforsecurity=False).hexdigest()


class Bodies:
    """Makes the bodies of one audience's members.

    Args:
        audience: Its merge fields, interests and permissions.
        demands_required: Whether required merge fields have to have a value.
    """

    def __init__(self, audience: Audience, *, demands_required: bool) -> None:
        self._puts: dict[str, Put] = {
            "email_type": _put_unless_empty("email_type"),
            "vip": _put_flag("vip"),
            LATITUDE: _put_place("latitude"),
            LONGITUDE: _put_place("longitude"),
            **{name: _put_text(name) for name in _TEXTS},
            **{name: _put_moment(name) for name in _MOMENTS},
        }
        self._parts: dict[str, tuple[str, str]] = {}
        for field in audience.merge_fields:
            if field.kind == ADDRESS:
                self._parts |= {f"{field.tag}.{part}": (field.tag, part) for part in ADDRESS_PARTS}
            else:
                self._puts[field.tag] = _put_merge(field)
        for category in audience.categories:
            self._puts[f"{INTERESTS}{category.title}"] = _put_interests(category)
        self._permissions = {f"{PERMISSIONS}{text}": one for text, one in (audience.permissions or {}).items()}
        self._required = audience.required_tags() if demands_required else []

    def member(self, fields: Fields) -> dict[str, Any]:
        """What a record says of a member, apart from address, status, tags and marketing permissions.

        Raises:
            RejectedRecordError: Mailchimp would refuse it; names the field.
        """
        body: dict[str, Any] = {}
        addresses: dict[str, dict[str, str]] = {}
        for name, value in fields.items():
            if (put := self._puts.get(name)) is not None:
                put(body, value)
            elif (part := self._parts.get(name)) is not None:
                addresses.setdefault(part[0], {})[part[1]] = _text(value).strip()
        for tag, parts in addresses.items():
            body.setdefault("merge_fields", {})[tag] = _address(tag, parts)
        self._check_required(body.get("merge_fields", {}))
        return body

    def permissions(self, fields: Fields) -> dict[str, bool]:
        """What a record says of marketing permissions, by their ids; null takes one back."""
        return {one: fields[name] is True for name, one in self._permissions.items() if name in fields}

    def _check_required(self, merge_fields: Mapping[str, Any]) -> None:
        empty = [tag for tag in self._required if merge_fields.get(tag) == ""]
        if empty:
            names = ", ".join(f"'{tag}'" for tag in empty)
            msg = f"The audience requires a value in {names}. Fill it in the model, or set 'skip_merge_validation'."
            raise RejectedRecordError(RejectCode.REQUIRED_FIELD, msg)


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _put_text(name: str) -> Put:
    def put(body: dict[str, Any], value: Value) -> None:
        body[name] = _text(value)

    return put


def _put_unless_empty(name: str) -> Put:
    """A value that a member always has: null leaves it alone, since there is nothing to clear it to."""

    def put(body: dict[str, Any], value: Value) -> None:
        if value is not None:
            body[name] = value

    return put


def _put_flag(name: str) -> Put:
    def put(body: dict[str, Any], value: Value) -> None:
        body[name] = value is True

    return put


def _put_place(part: str) -> Put:
    """Half of a location; a member without one shows zeros (recorded), so that is what clears it."""

    def put(body: dict[str, Any], value: Value) -> None:
        number = 0 if value is None else value
        body.setdefault("location", {})[part] = float(number) if isinstance(number, Decimal) else number

    return put


def _put_moment(name: str) -> Put:
    def put(body: dict[str, Any], value: Value) -> None:
        body[name] = moment(_text(value))

    return put


def moment(text: str) -> str:
    """A moment in UTC as Mailchimp prints it.

    >>> moment("2021-11-23T22:51:56.123Z"), moment("")
    ('2021-11-23T22:51:56+00:00', '')
    """
    return _BELOW_SECONDS.sub("", text).removesuffix("Z") + "+00:00" if text else ""


def _put_interests(category: Category) -> Put:
    """All interests of a group, true or false: a record says which of them a member has."""

    def put(body: dict[str, Any], value: Value) -> None:
        chosen = value if isinstance(value, list) else [value]
        interests = body.setdefault("interests", {})
        interests.update({one: name in chosen for name, one in category.interests.items()})

    return put


def _put_merge(field: MergeField) -> Put:
    convert = _CONVERSIONS.get(field.kind, _plain)

    def put(body: dict[str, Any], value: Value) -> None:
        # source: recording grouparoo 2021: `""` clears; null is refused by the schema (api/mailchimp.md 2)
        merged = "" if value in (None, "") else convert(field.tag, value)
        body.setdefault("merge_fields", {})[field.tag] = merged

    return put


def _plain(_tag: str, value: Value) -> str | int | float:
    return value if isinstance(value, str) else str(value)


def _number(_tag: str, value: Value) -> str | int | float:
    """A JSON number where that is exact, else its digits as text: both are taken (OpenAPI of 2026)."""
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        number = float(value)
        return number if Decimal(repr(number)) == value else format(value, "f")
    return value if isinstance(value, (int, float, str)) else str(value)


def _birthday(tag: str, value: Value) -> str:
    text = birthday(str(value))
    if text is None:
        msg = f"Field '{tag}' takes a birthday as MM/DD, or a date. Cast it in the model."
        raise RejectedRecordError(RejectCode.INVALID_VALUE, msg)
    return text


def birthday(text: str) -> str | None:
    """A birthday as `MM/DD`, from that or from a date; `None` for anything else.

    >>> birthday("1980-12-21"), birthday("2/29"), birthday("02/30")
    ('12/21', '02/29', None)
    """
    found = _BIRTHDAY.fullmatch(text.strip())
    if found is None:
        return None
    month, day = int(found[1]), int(found[2])
    try:
        dt.date(_LEAP_YEAR, month, day)
    except ValueError:
        return None
    return f"{month:02d}/{day:02d}"


_CONVERSIONS: dict[str, Callable[[str, Value], str | int | float]] = {"number": _number, BIRTHDAY: _birthday}


def _address(tag: str, parts: Mapping[str, str]) -> dict[str, str] | str:
    """An address of all its parts, or `""` where all of them are empty.

    Raises:
        RejectedRecordError: A required part is missing.
    """
    if not any(parts.values()):
        return ""
    lacking = [part for part in REQUIRED_PARTS if not parts.get(part)]
    if lacking:
        names = ", ".join(f"'{tag}.{part}'" for part in lacking)
        msg = (
            f"An address is written as a whole, and {names} is missing. Fill it in the model, or leave all of it empty."
        )
        raise RejectedRecordError(RejectCode.REQUIRED_FIELD, msg)
    return {part: text for part, text in parts.items() if text or part not in REQUIRED_PARTS}
