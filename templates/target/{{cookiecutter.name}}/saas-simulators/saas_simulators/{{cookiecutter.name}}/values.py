"""Which values a field takes.

Skeleton: types of the skeleton's API. Yours: the vendor's reference of its fields, and what recorded refusals show. A
simulator that takes everything proves nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from saas_simulators.{{cookiecutter.name}}.errors import ApiError, refused

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """A field of an object."""

    name: str
    type: str = "string"
    label: str = ""
    max_length: int | None = None
    unique: bool = False
    required: bool = False
    read_only: bool = False
    options: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As the API describes it."""
        shown: dict[str, Any] = {"name": self.name, "type": self.type, "label": self.label or self.name}
        shown |= {name: True for name in ("unique", "required", "read_only") if getattr(self, name)}
        if self.max_length is not None:
            shown["max_length"] = self.max_length
        return shown | ({"options": list(self.options)} if self.options else {})


def accepted(field: FieldDefinition, value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value as it is kept; `None` where the field is emptied.

    Raises:
        ApiError: The field takes no such value.
    """
    if field.read_only:
        raise refused(field.name, "read_only_field", "The field cannot be written.")
    if value is None or (value == "" and field.type != "string") or value == []:
        return None
    problem = _problem(field, value)
    if problem is not None:
        raise problem
    return value


def _problem(field: FieldDefinition, value: Any) -> ApiError | None:  # noqa: ANN401 - any JSON
    if field.type == "options":
        is_fine = isinstance(value, list) and set(value) <= set(field.options)
        return None if is_fine else refused(field.name, "invalid_option", "Not among the options.")
    if field.type == "option":
        return None if value in field.options else refused(field.name, "invalid_option", "Not among the options.")
    if field.type == "email" and not (isinstance(value, str) and EMAIL.fullmatch(value)):
        return refused(field.name, "invalid_email", "Not an address.")
    if not _is_of_type(field.type, value):
        return refused(field.name, "invalid_value", f"Not a value of type {field.type}.")
    if field.max_length is not None and len(value) > field.max_length:
        return refused(field.name, "too_long", f"Longer than {field.max_length} characters.")
    return None


def _is_of_type(kind: str, value: Any) -> bool:  # noqa: ANN401 - any JSON
    if kind == "boolean":
        return isinstance(value, bool)
    if kind in ("integer", "number"):
        kinds = (int,) if kind == "integer" else (int, float)
        return isinstance(value, kinds) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    parse = {"date": dt.date.fromisoformat, "datetime": _moment}.get(kind)
    try:
        return parse is None or bool(parse(value))
    except ValueError:
        return False


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text).replace("Z", "+00:00"))
