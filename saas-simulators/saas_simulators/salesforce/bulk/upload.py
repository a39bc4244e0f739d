"""The uploaded CSV: where its records begin and end, and what their cells say. It knows nothing of fields."""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

# source: Bulk API 2.0 guide v66, "Create a Job"
DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": b"\n", "CRLF": b"\r\n"}
# source: Bulk API 2.0 guide v66, "Prepare CSV Files" and "Limits"
MAX_HEADER_CHARACTERS = 32_000
MAX_CELL_CHARACTERS = 32_000
MAX_CELLS = 5_000
MAX_RECORD_CHARACTERS = 400_000

# A record without its line ending; a line ending inside quotes belongs to it. It never fails, it only stops early.
_RECORD = re.compile(rb'[^"\r\n]*(?:"[^"]*"[^"\r\n]*)*')
# source: apache/gobblin InputStreamCSVReader.java, which follows the CSV reader of Salesforce's own client (WSC)
UNESCAPED_QUOTE = "Found unescaped quote. A value with quote should be within a quote"
UNCLOSED_QUOTE = "EOF reached before closing an opened quote"
TEXT_AFTER_QUOTE = "Not expecting more text after end quote"


class UnusableUploadError(Exception):
    """The whole job fails; the message is the job's `errorMessage`."""


class RowRefusedError(Exception):
    """One record cannot be read; the others can. The message is what `sf__Error` says after the code."""


class Upload:
    r"""One uploaded file. It keeps the bytes and the places of the records, and cuts cells when asked.

    >>> upload = Upload(b'Name,Site\n"A, B",\n', "COMMA", "LF")
    >>> upload.header, len(upload), list(upload.cells(0))
    (['Name', 'Site'], 1, ['A, B', ''])
    """

    def __init__(self, raw: bytes, delimiter: str, line_ending: str) -> None:
        """Find the records.

        Raises:
            UnusableUploadError: The line ending is not the job's, a quote stays open, or the header is not CSV.
        """
        self._raw = raw
        self._delimiter = DELIMITERS[delimiter]
        sign = re.escape(self._delimiter)
        self._cell = re.compile(rf'((?:"[^"]*")+|[^"{sign}]*){sign}')
        self._spaced_cell = re.compile(rf'( *(?:"[^"]*")+ *|[^"{sign}]*){sign}')
        self._starts = array("Q")
        self._ends = array("Q")
        self._index(line_ending)
        self.header_line = self.text(-1)
        self.header = self._header()

    def __len__(self) -> int:
        """Return the number of records, the header not counted."""
        return max(0, len(self._starts) - 1)

    def _index(self, line_ending: str) -> None:
        raw, size, ending = self._raw, len(self._raw), LINE_ENDINGS[line_ending]
        position = 0
        while position < size:
            end = _record_end(raw, position)
            if end < size and not raw.startswith(ending, end):
                raise UnusableUploadError(self._broken_at(end, line_ending))
            # source: the CSV reader named above skips empty lines
            if end > position:
                self._starts.append(position)
                self._ends.append(end)
            position = end + len(ending)

    def _broken_at(self, end: int, line_ending: str) -> str:
        if self._raw[end] == ord('"'):
            return f"InvalidBatch : Failed to parse CSV. {UNCLOSED_QUOTE}"
        # source: error quoted in many reports (SFDMU, sf CLI), for LF and CRLF; that a lone CR counts is inferred
        return f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {line_ending}"

    def text(self, number: int) -> str:
        """Return record `number` as it was sent; -1 is the header.

        Raises:
            RowRefusedError: It is not UTF-8 (inferred: the text, and that only the record fails).
        """
        place = number + 1
        if place >= len(self._starts):
            return ""
        try:
            return self._raw[self._starts[place] : self._ends[place]].decode()
        except UnicodeDecodeError:
            msg = "Failed to parse CSV. The record is not UTF-8"
            raise RowRefusedError(msg) from None

    def _header(self) -> list[str]:
        if len(self.header_line) > MAX_HEADER_CHARACTERS:
            # inferred: the limit is documented, the text is not
            msg = f"InvalidBatch : Header row exceeds {MAX_HEADER_CHARACTERS} characters"
            raise UnusableUploadError(msg)
        try:
            return self._cut(self.header_line) if self.header_line else []
        except RowRefusedError as refused:
            msg = f"InvalidBatch : {refused}"
            raise UnusableUploadError(msg) from None

    def cells(self, number: int) -> list[str]:
        """Return the cells of record `number`, unquoted.

        Raises:
            RowRefusedError: A limit is exceeded, or a space stands beside a quote: this record fails.
            UnusableUploadError: The record is not CSV: the job fails here (inferred: that it fails only here).
        """
        cells = self._cut(self.text(number))
        if len(cells) == len(self.header):
            return cells
        # inferred: neither the text nor that only the record fails is evidenced
        msg = f"Failed to parse CSV. The record has {len(cells)} fields, the header has {len(self.header)}"
        raise RowRefusedError(msg)

    def _cut(self, record: str) -> list[str]:
        if '"' not in record:
            cells = record.split(self._delimiter)
        else:
            cells = self._cell.findall(record + self._delimiter)
            if not _is_whole(cells, record):
                self._refuse_quotes(record)
            cells = [cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell for cell in cells]
        if len(record) > MAX_CELLS:
            _check_limits(record, cells)
        return cells

    def _refuse_quotes(self, record: str) -> NoReturn:
        # source: Bulk API 2.0 guide, "Prepare CSV Files": a space before or after a double quote is an error of the row
        if _is_whole(self._spaced_cell.findall(record + self._delimiter), record):
            msg = f"Failed to parse CSV. {UNESCAPED_QUOTE}"
            raise RowRefusedError(msg)
        text = TEXT_AFTER_QUOTE if record.startswith('"') else UNESCAPED_QUOTE
        msg = f"InvalidBatch : Failed to parse CSV. {text}"
        raise UnusableUploadError(msg)

    def lenient_cells(self, number: int) -> Iterator[str]:
        """Yield the cells of any record for a result file, whatever is wrong with it."""
        try:
            yield from self._cut(self.text(number))
        except (RowRefusedError, UnusableUploadError):
            yield self._raw[self._starts[number + 1] : self._ends[number + 1]].decode("utf-8", "replace")


def _record_end(raw: bytes, start: int) -> int:
    found = _RECORD.match(raw, start)
    return found.end() if found else start


def _check_limits(record: str, cells: list[str]) -> None:
    # inferred: the limits are documented, the texts are not
    limits = (
        (len(record), MAX_RECORD_CHARACTERS, "characters per record"),
        (len(cells), MAX_CELLS, "fields per record"),
        (max(map(len, cells)), MAX_CELL_CHARACTERS, "characters per field"),
    )
    for found, most, what in limits:
        if found > most:
            msg = f"Failed to parse CSV. Found {found} {what}; the maximum is {most}"
            raise RowRefusedError(msg)


def _is_whole(cells: list[str], record: str) -> bool:
    """Return whether the cells and a delimiter after each are all of the record."""
    return sum(map(len, cells)) + len(cells) == len(record) + 1
