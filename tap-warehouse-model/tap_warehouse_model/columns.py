"""A column of a model: how SQL selects it, what arrives in Python, and its JSON Schema."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

UNREPRESENTABLE = "@out-of-range@"
"""What SQL returns for a date or timestamp that ISO 8601 cannot write (infinity, before year 1, after 9999).

A text column may hold the same characters: only columns of kind DATE and TIMESTAMP are looked at.
"""


class Kind(enum.Enum):
    """What arrives from the driver, once the column's expression has been applied."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    JSON = "json"
    NESTED = "nested"


_SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.INTEGER: {"type": ["integer", "null"]},
    # No `multipleOf`: validators compute it in binary floats and refuse 19.99 as a multiple of 0.01.
    Kind.DECIMAL: {"type": ["number", "null"]},
    Kind.FLOAT: {"type": ["number", "null"]},
    Kind.BOOLEAN: {"type": ["boolean", "null"]},
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.DATE: {"type": ["string", "null"], "format": "date"},
    Kind.TIMESTAMP: {"type": ["string", "null"], "format": "date-time"},
    Kind.JSON: {"type": ["object", "array", "string", "number", "boolean", "null"]},
    Kind.NESTED: {"type": ["object", "array", "null"]},
}


@dataclass(frozen=True)
class Column:
    """One column of a model's query.

    Attributes:
        name: As the query names it.
        sql_type: As the database names it, for messages.
        kind: What arrives from the driver.
        expression: Pattern for the SELECT list; `{}` stands for the quoted column.
        compared: Pattern for what the diff compares, where it is cheaper than `expression`: equal only if
            what is emitted is equal, whatever the session's settings.
        bookmark_type: Type that a bookmark is cast to, or pattern that makes one of its text; None when the column
            cannot be a replication key.
        extra: Additions to the kind's JSON Schema; `type` replaces.
        description: For people; part of the JSON Schema.
    """

    name: str
    sql_type: str
    kind: Kind
    expression: str = "{}"
    bookmark_type: str | None = None
    extra: tuple[tuple[str, Any], ...] = ()
    compared: str | None = None
    description: str = ""

    @property
    def json_schema(self) -> dict[str, Any]:
        """A JSON Schema; always nullable, as a query does not tell whether a column can be null."""
        described = {"description": self.description} if self.description else {}
        return {**_SCHEMAS[self.kind], **dict(self.extra), **described}


@dataclass(frozen=True)
class Described:
    """A column as the database describes it."""

    name: str
    sql_type: str
    category: str = ""


def stream_schema(columns: Iterable[Column], description: str = "") -> dict[str, Any]:
    """Return the JSON Schema of a stream."""
    described = {"description": description} if description else {}
    return {"type": "object", **described, "properties": {column.name: column.json_schema for column in columns}}


def known_as(name: str, columns: Iterable[Column]) -> str:
    """Return the name of the column that a user means: the same one, or the only one that differs in case.

    >>> known_as("customer_id", [Column("CUSTOMER_ID", "NUMBER(38,0)", Kind.INTEGER)])
    'CUSTOMER_ID'
    """
    names = [column.name for column in columns]
    alike = [known for known in names if known.lower() == name.lower()]
    return alike[0] if name not in names and len(alike) == 1 else name


DELETED_AT = Column("_sdc_deleted_at", "", Kind.TIMESTAMP)
"""What the record of a removed row has besides its key: Singer's name for it."""
