"""A batch as the CSV of a bulk job, and the CSV that comes back: pure, no I/O but on the files that are given.

Every cell that says something is quoted, also where it would not have to be: then a line break of any kind is part of
a value (pitfalls 26), and a file that was cut short somewhere ends inside a quote and is refused instead of written.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from reverse_etl_core import identity
from reverse_etl_core.errors import ConfigError, UnknownOutcomeError
from reverse_etl_core.operations import Verb
from reverse_etl_core.schema import FieldType
from target_salesforce import wire
from target_salesforce.objects import ID_FIELD, SHORT_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reverse_etl_core.operations import Batch, Operation, Value
    from reverse_etl_core.schema import Reference
    from target_salesforce.objects import Relationship, SObject

NULL = "#N/A"
"""Clears a field; an empty cell leaves it alone. source: Bulk API 2.0 guide v66, "Prepare CSV Files"."""

# source: Bulk API 2.0 guide v66, "Prepare CSV Files" and "Limits"
CELL_CHARACTERS = 32_000
RECORD_CHARACTERS = 400_000
HEADER_CHARACTERS = 32_000
FILE_BYTES = 100_000_000
"""source: as above, "Upload Job Data": 150 MB once the server has encoded it in base64, so 100 MB before."""

BY_ID = frozenset({Verb.UPDATE, Verb.REMOVE})
"""What concerns records that are known by their id."""

LINE_END = "\r\n"
_QUOTES_AND_COMMA = 3
_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?", re.ASCII)
# What XML 1.0 cannot hold. inferred: Salesforce reads records of a job as it reads those of its SOAP API; what it makes
# of such a character in a CSV is not documented, in JSON it can only spoil its own record.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def cell(written: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value as `wire.value` gives it, as a cell.

    >>> cell(None), cell(True), cell(1e-7), cell(12), cell("a;b")
    ('#N/A', 'true', '0.0000001', '12', 'a;b')
    """
    if isinstance(written, bool):
        return "true" if written else "false"
    if isinstance(written, float):
        return format(Decimal(repr(written)), "f")
    return NULL if written is None else str(written)


@dataclass(frozen=True, slots=True)
class Sheet:
    """How the operations of one batch are laid out.

    Attributes:
        batch: What is laid out.
        sobject: Its object.
        join_field: The column by which results are joined to operations.
        headers: Header of a column where it is not the field's own name.
    """

    batch: Batch
    sobject: SObject
    join_field: str
    headers: Mapping[str, str]

    def row(self, operation: Operation) -> dict[str, str] | None:
        """The cells of an operation; `None` where a job cannot carry it faithfully, and a request has to.

        That is so for a text that reads like the sign for null, for one with characters that XML does not know, for
        cells and records that are too long, and for a match value that may not come back as it was sent. It depends on
        nothing but the operation.
        """
        cells: dict[str, str] = {}
        for name, given in self._values(operation):
            written = self._value(name, given)
            cells[name] = cell(written)
            if written is not None and not _is_faithful(cells[name]):
                return None
        match_value = cells.get(self.join_field, NULL)
        if match_value == NULL or not match_value.isprintable() or match_value != match_value.strip():
            return None
        characters = sum(map(len, cells.values())) + _QUOTES_AND_COMMA * len(cells)
        return cells if characters <= RECORD_CHARACTERS else None

    def _values(self, operation: Operation) -> Iterator[tuple[str, Value]]:
        if self.batch.verb is not Verb.REMOVE:  # a deletion takes ids, and nothing else
            for name, given in identity.decoded(operation.fields).items():
                if name != ID_FIELD:
                    yield name, given
        if self.batch.verb in BY_ID:
            yield ID_FIELD, operation.destination_id

    def _value(self, name: str, given: Value) -> Any:  # noqa: ANN401 - any JSON value
        reference = self.batch.references.get(name)
        if reference is not None:
            return wire.value(reference.match_field, given.strip() if isinstance(given, str) else given)
        return wire.value(self.batch.schema.fields.get(name), given, is_time=name in self.sobject.times)

    def header(self, name: str) -> str:
        """The header of a field's column."""
        return self.headers.get(name, name)

    def key(self, operation: Operation) -> str:
        """What the results call an operation, as `key_of` gives it."""
        if self.batch.verb in BY_ID:
            return (operation.destination_id or "")[:SHORT_ID]
        return operation.match_key

    def key_of(self, found: str) -> str | None:
        """The key of a result, from its join column."""
        if self.batch.verb in BY_ID:
            return found[:SHORT_ID] or None
        match = self.batch.schema.fields[self.batch.match_field]
        is_number = match.type in (FieldType.INTEGER, FieldType.NUMBER) and _NUMBER.fullmatch(found)
        return identity.match_key(match, Decimal(found) if is_number else found)


def _is_faithful(written: str) -> bool:
    """Whether the cell of a value can be sent, and is not read as null."""
    return written.strip().upper() != NULL and len(written) <= CELL_CHARACTERS and _NO_TEXT.search(written) is None


def sheet(batch: Batch, sobject: SObject) -> Sheet:
    """Lay out a batch.

    Raises:
        ConfigError: A field cannot be filled by the key of another object's record.
    """
    headers = {name: _header(name, one, sobject.relationships.get(name)) for name, one in batch.references.items()}
    return Sheet(batch, sobject, ID_FIELD if batch.verb in BY_ID else batch.match_field, headers)


def _header(name: str, reference: Reference, parent: Relationship | None) -> str:
    """The header of a reference by key: `Account.Key__c`, and `User:Owner.Username` where there are several targets.

    source: Bulk API 2.0 guide v66, "Relationship Fields in a Header Row"; the type is refused where there is only one
    target (facts 9.4).
    """
    if parent is None:
        msg = f"Field '{name}' has no relationship name, so 'lookup' cannot fill it. Write the record's id instead."
        raise ConfigError(msg)
    path = f"{parent.name}.{reference.match_field.name}"
    return f"{reference.object_name}:{path}" if parent.is_polymorphic else path


# -- writing


def columns(operations: Iterable[Operation], first: str) -> list[str]:
    """The fields of all operations; `first` is the join column."""
    names = {first: None}
    for operation in operations:
        names.update(dict.fromkeys(identity.decoded(operation.fields)))
    return [name for name in names if name != ID_FIELD or name == first]


def write(file: BinaryIO, layout: Sheet, most_bytes: int = FILE_BYTES) -> int:
    r"""Write the CSV of a batch: UTF-8 without a byte order mark, CRLF, every cell in quotes unless it is empty.

    Args:
        file: Where to.
        layout: The batch.
        most_bytes: Where to stop; what does not fit stays out, and the job's results tell so.

    Returns:
        Rows written.

    Raises:
        ConfigError: There are more columns than a job takes.
    """
    operations = layout.batch.operations
    names = columns(operations if layout.batch.verb is not Verb.REMOVE else (), layout.join_field)
    header = ",".join(map(layout.header, names)) + LINE_END
    if len(header) > HEADER_CHARACTERS:
        msg = (
            f"The columns of '{layout.batch.schema.name}' have names of {len(header)} characters together, and a bulk "
            f"job takes {HEADER_CHARACTERS}. Set 'api' to 'rest', or write fewer fields."
        )
        raise ConfigError(msg)
    written = file.write(header.encode())
    count = 0
    for operation in operations:
        cells = layout.row(operation)
        if cells is None:
            continue
        line = (",".join([_quoted(cells.get(name, "")) for name in names]) + LINE_END).encode()
        if written + len(line) > most_bytes:
            break
        written += file.write(line)
        count += 1
    return count


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if text else ""


# -- reading


@dataclass(frozen=True, slots=True)
class Result:
    """One row of a result file.

    Attributes:
        cell: What stands in the join column.
        record_id: The record, empty where the job knows none.
        is_created: Whether it is new.
        error: `sf__Error`; holds field values.
    """

    cell: str
    record_id: str = ""
    is_created: bool = False
    error: str = ""


def results(file: TextIO, join_header: str) -> Iterator[Result]:
    r"""The rows of a result file, one at a time. A file without rows may be quite empty.

    Args:
        file: Opened without translation of line ends.
        join_header: Header of the column by which results are joined.

    Raises:
        UnknownOutcomeError: The file is not CSV.

    >>> import io
    >>> list(results(io.StringIO('"sf__Id","sf__Created",Key__c\n"001","true","a"\n'), "Key__c"))
    [Result(cell='a', record_id='001', is_created=True, error='')]
    """
    rows = csv.reader(file, strict=True)
    try:
        places = {name.lower(): place for place, name in enumerate(next(rows, []))}
        wanted = [places.get(name) for name in (join_header.lower(), "sf__id", "sf__created", "sf__error")]
        for row in rows:
            found, record_id, created, error = [_at(row, place) for place in wanted]
            yield Result(found, record_id, created.lower() == "true", error)
    except csv.Error:
        msg = "A result file of a bulk job is not CSV, or it was cut short."
        raise UnknownOutcomeError(msg) from None


def _at(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""
