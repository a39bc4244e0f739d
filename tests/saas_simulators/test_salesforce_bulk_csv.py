"""How an upload is cut into records and cells, and what breaks it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas_simulators.salesforce.bulk.outcomes import sf_error
from saas_simulators.salesforce.bulk.upload import (
    DELIMITERS,
    LINE_ENDINGS,
    RowRefusedError,
    UnusableUploadError,
    Upload,
)
from saas_simulators.salesforce.results import RowError

if TYPE_CHECKING:
    from collections.abc import Iterator


def rows(text: str | bytes, delimiter: str = "COMMA", line_ending: str = "LF") -> list[list[str]]:
    """Return the cells of every record."""
    raw = text.encode() if isinstance(text, str) else text
    upload = Upload(raw, delimiter, line_ending)
    return [upload.cells(number) for number in range(len(upload))]


@pytest.mark.parametrize(
    ("name", "sign"),
    [("COMMA", ","), ("SEMICOLON", ";"), ("PIPE", "|"), ("TAB", "\t"), ("CARET", "^"), ("BACKQUOTE", "`")],
)
def test_each_delimiter_cuts_cells_and_yields_to_quotes(name: str, sign: str) -> None:
    """All six delimiters work, and inside quotes none of them cuts."""
    assert rows(f'Name{sign}Site\nAda{sign}"x{sign}y"\n', name) == [["Ada", f"x{sign}y"]]


def test_quoted_cell_may_hold_quotes_delimiters_and_line_endings() -> None:
    """RFC 4180: doubled quotes, commas and line breaks of any kind inside quotes belong to the cell."""
    assert rows('A,B\n"say ""hi""","1,\n2\r\n3\r4"\n"",""""\n') == [['say "hi"', "1,\n2\r\n3\r4"], ["", '"']]


def test_cells_keep_their_spaces() -> None:
    """Values are not trimmed."""
    assert rows("A,B\nJohn, Smith\n") == [["John", " Smith"]]


def test_last_record_needs_no_line_ending_and_empty_lines_are_skipped() -> None:
    """A file may end without a line ending; lines without a character are no records."""
    assert rows("A\n1\n\n2") == [["1"], ["2"]]


def test_crlf_file_of_a_crlf_job_is_cut_at_crlf() -> None:
    """With lineEnding CRLF a bare LF inside quotes stays."""
    assert rows('A,B\r\n1,"x\ny"\r\n', line_ending="CRLF") == [["1", "x\ny"]]


@pytest.mark.parametrize(
    ("text", "line_ending"),
    [("A,B\r\n1,2\r\n", "LF"), ("A,B\n1,2\n", "CRLF"), ("A,B\n1,x\ry\n", "LF"), ("A,B\r\n1,2\n3,4\r\n", "CRLF")],
    ids=["crlf in lf", "lf in crlf", "lone cr", "one lf among crlf"],
)
def test_line_ending_that_is_not_the_jobs_breaks_the_upload(text: str, line_ending: str) -> None:
    """The job fails with the message that users quote, which names the job's setting."""
    with pytest.raises(UnusableUploadError) as failed:
        Upload(text.encode(), "COMMA", line_ending)
    expected = f"ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {line_ending}"
    assert str(failed.value) == expected


def test_byte_order_mark_before_a_quoted_header_is_an_unescaped_quote() -> None:
    """A BOM belongs to the first name, and a quoted one then has text before its quote."""
    with pytest.raises(UnusableUploadError) as failed:
        Upload(b'\xef\xbb\xbf"Name","Site"\n', "COMMA", "LF")
    assert str(failed.value) == (
        "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote"
    )


def test_byte_order_mark_before_a_bare_header_is_part_of_the_first_name() -> None:
    """Nothing strips it, so that the first field is not found later."""
    assert Upload(b"\xef\xbb\xbfName,Site\n", "COMMA", "LF").header == ["\ufeffName", "Site"]


@pytest.mark.parametrize("record", ['"John", "Smith"', '"John" ,x', 'x, "Smith"', 'x,"Smith" '])
def test_space_beside_a_quote_fails_only_its_row(record: str) -> None:
    """As documented: an error for the row; the next one can be read."""
    upload = Upload(f"A,B\n{record}\n1,2\n".encode(), "COMMA", "LF")
    with pytest.raises(RowRefusedError, match="unescaped quote"):
        upload.cells(0)
    assert upload.cells(1) == ["1", "2"]


@pytest.mark.parametrize(
    ("record", "text"),
    [('5"x"6,1', "Found unescaped quote"), ('"a"b,c', "Not expecting more text after end quote")],
)
def test_quote_inside_a_bare_cell_fails_the_job(record: str, text: str) -> None:
    """Nobody can tell where such a record ends."""
    upload = Upload(f"A,B\n{record}\n".encode(), "COMMA", "LF")
    with pytest.raises(UnusableUploadError, match=text):
        upload.cells(0)


def test_quote_that_stays_open_breaks_the_upload() -> None:
    """The rest of the file would be one cell."""
    with pytest.raises(UnusableUploadError, match="EOF reached before closing an opened quote"):
        Upload(b'A,B\n1,"2\n3,4\n', "COMMA", "LF")


@pytest.mark.parametrize("record", ["1", "1,2,3"])
def test_record_with_another_number_of_cells_fails_only_its_row(record: str) -> None:
    """A row is not shifted and not filled up."""
    upload = Upload(f"A,B\n{record}\n1,2\n".encode(), "COMMA", "LF")
    with pytest.raises(RowRefusedError, match="the header has 2"):
        upload.cells(0)
    assert upload.cells(1) == ["1", "2"]


def test_limits_of_a_record_fail_only_their_row() -> None:
    """32,000 characters per field and 400,000 per record are the most; one more is refused."""
    long, longer = "x" * 32_000, "x" * 32_001
    upload = Upload(f"A,B\n{long},1\n{longer},1\n1,{'y' * 400_000}\n".encode(), "COMMA", "LF")
    assert upload.cells(0) == [long, "1"]
    for number in (1, 2):
        with pytest.raises(RowRefusedError, match="the maximum is"):
            upload.cells(number)


def test_header_of_more_than_32000_characters_breaks_the_upload() -> None:
    """The header has a limit of its own."""
    with pytest.raises(UnusableUploadError, match="Header row exceeds 32000 characters"):
        Upload(b",".join([b"Name"] * 6_401) + b"\n", "COMMA", "LF")


def test_record_that_is_not_utf_8_fails_only_its_row() -> None:
    """A latin-1 letter spoils one record."""
    upload = Upload("A\nJosé\nAda\n".encode("latin-1"), "COMMA", "LF")
    with pytest.raises(RowRefusedError, match="UTF-8"):
        upload.cells(0)
    assert upload.cells(1) == ["Ada"]


def test_empty_upload_has_no_header_and_no_records() -> None:
    """Nothing is a legal upload."""
    upload = Upload(b"", "COMMA", "LF")
    assert (upload.header, len(upload)) == ([], 0)


def test_upload_of_many_quoted_records_is_indexed_at_once() -> None:
    """Places are found without cutting cells: 200,000 records take far less than a second per pass."""

    def lines() -> Iterator[str]:
        yield "A,B"
        for number in range(200_000):
            yield f'"{number}","x, ""{number}"""'

    upload = Upload("\n".join(lines()).encode(), "COMMA", "LF")
    assert len(upload) == 200_000
    assert upload.cells(199_999) == ["199999", 'x, "199999"']


@pytest.mark.parametrize(
    ("errors", "text"),
    [
        ([RowError("DUPLICATE_VALUE", "Duplicate id: 1", ("Id",))], "DUPLICATE_VALUE:Duplicate id: 1:Id --"),
        ([RowError("X", "y", ("A", "B"))], "X:y:A,B --"),
        ([RowError("X", "y")], "X:y:--"),
    ],
)
def test_error_of_a_row_is_code_message_and_fields(errors: list[RowError], text: str) -> None:
    """The form of recorded failures; without fields the end is `:--`."""
    assert sf_error(errors) == text


CELLS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=12)


@given(
    table=st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1)
    ),
    delimiter=st.sampled_from(sorted(DELIMITERS)),
    line_ending=st.sampled_from(sorted(LINE_ENDINGS)),
)
def test_what_a_csv_library_quotes_is_read_back(table: list[list[str]], delimiter: str, line_ending: str) -> None:
    """Any text in any cell survives, whichever delimiter and line ending the job has."""
    text = io.StringIO(newline="")
    ending = LINE_ENDINGS[line_ending].decode()
    writer = csv.writer(text, delimiter=DELIMITERS[delimiter], lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerow([f"F{number}" for number in range(len(table[0]))])
    writer.writerows(table)
    assert rows(text.getvalue(), delimiter, line_ending) == table
