"""Queries in SOQL that find records by match value, and what their answers say: pure, no I/O."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from reverse_etl_core import identity
from reverse_etl_core.errors import UnknownOutcomeError
from reverse_etl_core.schema import Field, FieldType
from target_salesforce.limits import FIND_URI_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ID = Field("Id", FieldType.STRING)
"""The record id. It is compared as it stands: of its 15 characters, case matters."""

COLUMN_BYTES = FIND_URI_BYTES // 2
"""What the columns of a query may take; where they need more, the same records are asked for more than once."""

_SHORT_ID = 15
_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_UNQUOTED = {
    FieldType.INTEGER: _NUMBER,
    FieldType.NUMBER: _NUMBER,
    FieldType.DATE: _DATE,
    FieldType.DATETIME: _MOMENT,
}
# source: SOQL and SOSL Reference, "Quoted String Escape Sequences"
_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(32), 127)} | str.maketrans(
    {"\\": r"\\", "'": r"\'", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\f": r"\f"}
)
_NEXT_PAGE = re.compile(r"/services/data/v\d+\.\d/query/[A-Za-z0-9-]+", re.ASCII)


def quoted(text: str) -> str:
    r"""A text as a literal that ends where the text ends, whatever it holds.

    >>> print(quoted("O'Neil \\ Sons"))
    'O\'Neil \\ Sons'
    """
    return f"'{text.translate(_ESCAPES)}'"


def literal(field: Field, key: str) -> str | None:
    """A match key as a literal of the field's type; `None` for one that no record can hold.

    >>> literal(Field("Number__c", FieldType.NUMBER), "5"), literal(Field("Number__c", FieldType.NUMBER), "5 OR 1=1")
    ('5', None)
    """
    if field.name == ID.name:
        return quoted(key) if _RECORD_ID.fullmatch(key) else None
    shape = _UNQUOTED.get(field.type)
    if shape is None:
        return quoted(key)
    return key if shape.fullmatch(key) else None


def selects(object_name: str, field: Field, keys: Iterable[str], columns: Iterable[str] = ()) -> Iterator[str]:
    """Queries for the records that hold one of the keys, as few as addresses allow.

    Args:
        object_name: Of the records.
        field: Whose values are looked for.
        keys: These values.
        columns: What is wanted of the records beside their id and the key itself.

    >>> list(selects("Contact", Field("Email", FieldType.EMAIL), ["ada@example.com", "bob@example.com"], ["Name"]))
    ["SELECT Id, Email, Name FROM Contact WHERE Email IN ('ada@example.com', 'bob@example.com')"]
    """
    literals = [one for one in (literal(field, key) for key in keys) if one is not None]
    always = dict.fromkeys((ID.name, field.name))  # a field must not stand there twice
    wanted = [one for one in dict.fromkeys(columns) if one not in always]
    for some in list(_groups(wanted, COLUMN_BYTES)) or [[]]:
        selected = ", ".join([*always, *some])
        head = f"SELECT {selected} FROM {object_name} WHERE {field.name} IN ("  # noqa: S608 - names from describe
        for group in _groups(literals, FIND_URI_BYTES - len(quote_plus(head))):
            yield f"{head}{', '.join(group)})"


def _groups(parts: Iterable[str], most_bytes: int) -> Iterator[list[str]]:
    group: list[str] = []
    total = 0
    for one in parts:
        size = len(quote_plus(f"{one}, "))
        if group and total + size > most_bytes:
            yield group
            group, total = [], 0
        group.append(one)
        total += size
    if group:
        yield group


def page(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """One page of an answer, its numbers with all of their digits."""
    return json.loads(body, parse_float=Decimal)


def rows(body: object) -> list[Mapping[str, Any]]:
    """The records of one page.

    Raises:
        UnknownOutcomeError: It is no page: nothing says that there are no records.
    """
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        msg = "Salesforce's answer to a query holds no records, and does not say that there are none."
        raise UnknownOutcomeError(msg)
    return records


def next_page(body: Mapping[str, Any]) -> str | None:
    """The path of the next page; `None` after the last one.

    Raises:
        UnknownOutcomeError: There should be one and is not.
    """
    if body.get("done") is True:
        return None
    path = body.get("nextRecordsUrl")
    if not isinstance(path, str) or not _NEXT_PAGE.fullmatch(path):
        msg = "Salesforce's answer to a query is not complete, and does not say where the rest is."
        raise UnknownOutcomeError(msg)
    return path


def by_key(
    field: Field, keys: Sequence[str], records: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Records with the match key that they hold, compared as the field compares; those that hold none are left out.

    >>> key = Field("Key__c", FieldType.STRING, is_case_sensitive=False)
    >>> list(by_key(key, ["1id"], [{"Id": "001", "Key__c": "1ID"}]))
    [('1id', {'Id': '001', 'Key__c': '1ID'})]
    """
    # What Salesforce holds equal and a lower case does not (the German sharp s, say) is looked for once more.
    known = {_folded(field, key): key for key in keys} | {_comparable(field, key): key for key in keys}
    for record in records:
        value, record_id = record.get(field.name), record.get(ID.name)
        if value is None or not isinstance(record_id, str):
            continue
        key = known.get(_comparable(field, value)) or known.get(_folded(field, value))
        if key is not None:
            yield key, record


def _comparable(field: Field, value: object) -> str:
    if field.name == ID.name:
        return str(value)[:_SHORT_ID]
    if field.type in (FieldType.INTEGER, FieldType.NUMBER) and _is_number(value):
        return identity.match_key(field, Decimal(str(value))) or ""
    return identity.match_key(field, str(value)) or ""


def _is_number(value: object) -> bool:
    """Whole doubles come as `5.0`, large ones as `9.1E8` (api/salesforce.md 5.1)."""
    try:
        return Decimal(str(value)).is_finite()
    except ArithmeticError:
        return False


def _folded(field: Field, value: object) -> str:
    text = _comparable(field, value)
    return text if field.is_case_sensitive else text.casefold()
