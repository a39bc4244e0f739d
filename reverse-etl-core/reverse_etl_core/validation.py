"""Mapped fields against the object's schema: the verdict of `jsonschema`.

It takes 6 us per field, so records that are plainly fine do not come here (`typed.py`), and of those that do, values
are first looked at one by one: `jsonschema` only judges a record with one that is not plainly fine.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, FormatChecker

from reverse_etl_core.emails import PLAIN_LENGTH, EmailRules, PlainAddresses, is_email
from reverse_etl_core.errors import RejectedRecordError
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.schema import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from jsonschema import ValidationError

    from reverse_etl_core.operations import Value
    from reverse_etl_core.schema import Field

    Check = Callable[[Any], bool]

_JSON_TYPES: dict[FieldType, dict[str, Any]] = {
    FieldType.STRING: {"type": "string"},
    FieldType.EMAIL: {"type": "string", "format": "email"},
    FieldType.INTEGER: {"type": "integer"},
    FieldType.NUMBER: {"type": "number"},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.DATE: {"type": "string", "format": "date"},
    FieldType.DATETIME: {"type": "string", "format": "date-time"},
    FieldType.OPTION: {"type": "string"},
    FieldType.OPTIONS: {"type": "array", "items": {"type": "string"}},
    FieldType.KEYS: {"type": ["string", "array"], "items": {"type": "string"}},
}

_CODES = {
    "maxLength": RejectCode.TOO_LONG,
    "enum": RejectCode.INVALID_OPTION,
    "pattern": RejectCode.INVALID_OPTION,
    "type": RejectCode.INVALID_VALUE,
    "format": RejectCode.INVALID_VALUE,
}

_format_checker = FormatChecker(formats=())


@_format_checker.checks("email")
def _checks_email(value: object) -> bool:
    return not isinstance(value, str) or is_email(value)


def json_schema(fields: Iterable[Field]) -> dict[str, Any]:
    """The fields as a JSON Schema. Every field may be null, which clears it, or absent."""
    return {
        "type": "object",
        "properties": {one.name: _property(one) for one in fields},
        "additionalProperties": False,
    }


def _property(field: Field) -> dict[str, Any]:
    rules = {key: value for key, value in _JSON_TYPES[field.type].items() if key != "type"}
    kind = _JSON_TYPES[field.type]["type"]
    rules["type"] = [*(kind if isinstance(kind, list) else [kind]), "null"]
    if field.max_length is not None and field.type in (FieldType.STRING, FieldType.EMAIL):
        rules["maxLength"] = field.max_length
    if field.options and field.type is FieldType.OPTION:
        rules["enum"] = [*field.options, None]
    if field.options and field.type is FieldType.OPTIONS:
        rules["items"] = {"type": "string", "enum": list(field.options)}
    if field.pattern is not None and not field.options:
        of_one = {"type": "string", "pattern": field.pattern}
        rules |= {"items": of_one} if field.type is FieldType.OPTIONS else {"pattern": field.pattern}
    return rules


def _check(field: Field) -> Check:
    """Whether a value that is not null is certainly valid for a field; false says nothing."""
    if field.type is FieldType.EMAIL:
        longest = min(PLAIN_LENGTH, field.max_length or PLAIN_LENGTH)
        is_plain = PlainAddresses().has
        return lambda value: value.__class__ is str and len(value) <= longest and is_plain(value)
    if field.type in (FieldType.OPTION, FieldType.OPTIONS):
        is_one = _option_check(field)
        return is_one if field.type is FieldType.OPTION else lambda value: _is_list_of(is_one, value)
    if field.type is FieldType.KEYS:
        return lambda value: _is_text(value) or _is_list_of(_is_text, value)
    if field.type is FieldType.STRING and field.max_length is not None:
        limit = field.max_length
        return lambda value: value.__class__ is str and len(value) <= limit
    return _CHECKS[field.type]


def _option_check(field: Field) -> Check:
    """Whether a value is one option."""
    if field.options:
        options = frozenset(field.options)
        return lambda value: value.__class__ is str and value in options
    if field.pattern is not None:
        search = re.compile(field.pattern).search
        return lambda value: value.__class__ is str and search(value) is not None
    return _is_text


def _is_list_of(is_one: Check, value: Any) -> bool:  # noqa: ANN401 - any mapped value
    return value.__class__ is list and all(map(is_one, value))


def _is_text(value: Any) -> bool:  # noqa: ANN401 - any mapped value
    return value.__class__ is str


_CHECKS: dict[FieldType, Check] = {
    FieldType.STRING: _is_text,
    FieldType.INTEGER: lambda value: value.__class__ is int,
    FieldType.NUMBER: lambda value: value.__class__ is int or value.__class__ is Decimal,
    FieldType.BOOLEAN: lambda value: value.__class__ is bool,
    FieldType.DATE: _is_text,
    FieldType.DATETIME: _is_text,
}
"""Types without parameters."""


class Validator:
    """Judges mapped records of one object.

    Args:
        fields: Those that the stream maps.
        emails: What e-mail addresses have to keep to beyond their syntax.
        unruled: Fields whose addresses may be any: they name other records and are not written.
    """

    def __init__(
        self, fields: Iterable[Field], *, emails: EmailRules | None = None, unruled: Collection[str] = ()
    ) -> None:
        self._fields = {one.name: one for one in fields}
        self._emails = emails or EmailRules()
        are_ruled = [
            one.name for one in self._fields.values() if one.type is FieldType.EMAIL and one.name not in unruled
        ]
        self._ruled = tuple(are_ruled) if self._emails else ()
        self._checks = {name: _check(one) for name, one in self._fields.items()}
        self._validator = Draft202012Validator(json_schema(self._fields.values()), format_checker=_format_checker)

    @property
    def rules(self) -> tuple[object, ...]:
        """What e-mail addresses have to keep to, and of which fields."""
        return self._ruled, self._emails.phrases

    @property
    def is_steady(self) -> bool:
        """Whether the same record is judged the same way as long as the rules are the same."""
        return self._emails.is_steady or not self._ruled

    def check(self, fields: Mapping[str, Value]) -> None:
        """Judge one record.

        Raises:
            RejectedRecordError: With the code and the field's name of the first violation.
        """
        if not self._is_plainly_valid(fields):
            for error in self._validator.iter_errors(fields):
                raise self._rejection(error)
        for name in self._ruled:
            address = fields.get(name)
            problem = self._emails.problem(address) if isinstance(address, str) else None
            if problem is not None:
                raise RejectedRecordError(RejectCode.INVALID_EMAIL, f"Field '{name}' holds an address that {problem}.")

    def _is_plainly_valid(self, fields: Mapping[str, Value]) -> bool:
        """Whether `jsonschema` would certainly find nothing; false says nothing."""
        checks = self._checks
        for name, value in fields.items():
            is_fine = checks.get(name)
            if is_fine is None or not (value is None or is_fine(value)):
                return False
        return True

    def second_look(self, name: str) -> Callable[[Any], bool] | None:
        """Whether a valid address keeps to the rules, as a function of it; `None` for a field without rules."""
        return (lambda address: self._emails.problem(address) is None) if name in self._ruled else None

    def _rejection(self, error: ValidationError) -> RejectedRecordError:
        name = str(error.absolute_path[0]) if error.absolute_path else ""
        field = self._fields.get(name)
        if field is None:
            return RejectedRecordError(
                RejectCode.UNKNOWN_FIELD, "The record has a field that the object does not know."
            )
        if field.type is FieldType.EMAIL and error.validator == "format":
            return RejectedRecordError(
                RejectCode.INVALID_EMAIL, f"Field '{name}' does not hold a valid e-mail address."
            )
        code = _CODES.get(str(error.validator), RejectCode.INVALID_VALUE)
        return RejectedRecordError(code, _sentence(code, field))


def _sentence(code: RejectCode, field: Field) -> str:
    if code is RejectCode.TOO_LONG:
        return f"Field '{field.name}' takes at most {field.max_length} characters. Shorten it in the model."
    if code is RejectCode.INVALID_OPTION:
        remedy = field.remedy or "Map the value in the model, or add the option."
        return f"Field '{field.name}' takes only its own options. {remedy}"
    return f"Field '{field.name}' takes values of type {field.type.value}. Cast it in the model."
