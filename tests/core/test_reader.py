"""Singer messages from lines."""

from __future__ import annotations

import io
import traceback
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from reverse_etl_core.errors import InputError
from reverse_etl_core.reader import LineReader

SECRET = "s3cret"


def read(text: str | bytes, *, take: bool = True) -> tuple[list[Any], list[Any], Any]:
    """Messages that went to callbacks, records that were taken, and counts."""
    reader = LineReader()
    messages: list[Any] = []
    taken: list[Any] = []
    if take:
        reader.takers["people"] = lambda raw, _size: taken.append(msgspec.json.decode(raw))
    callbacks = dict.fromkeys(("SCHEMA", "RECORD", "STATE"), messages.append)
    source = io.StringIO(text) if isinstance(text, str) else io.TextIOWrapper(io.BytesIO(text))
    counts = reader.process_lines(source, callbacks)
    return messages, taken, counts


LINES = '{"type":"SCHEMA","stream":"people"}\n\n  \n{"type":"RECORD","stream":"people","record":{"a":1.10}}\n'


@pytest.mark.parametrize("text", [LINES, LINES.encode(), LINES.rstrip("\n"), LINES.replace("\n", "\r\n")])
def test_records_go_to_their_taker_and_the_rest_to_callbacks(text: str | bytes) -> None:
    """Text or bytes, with blank lines, with or without a last line break."""
    messages, taken, counts = read(text)
    assert [one["type"] for one in messages] == ["SCHEMA"]
    assert taken == [{"a": 1.1}]
    assert counts == {"SCHEMA": 1, "RECORD": 1}


def test_records_without_a_taker_keep_their_digits() -> None:
    """Floats become decimals."""
    messages, _, counts = read(LINES, take=False)
    assert messages[1]["record"] == {"a": Decimal("1.10")}
    assert counts["RECORD"] == 1


@pytest.mark.parametrize(
    "line",
    [
        f'{{"type":"RECORD","stream":"people","record":{{"a":"{SECRET}',
        f'{{"stream":"{SECRET}"}}',
        f'["{SECRET}"]',
        f'"{SECRET}"',
        f'{{"type":"{SECRET}"}}',
        f'{{"type":5,"x":"{SECRET}"}}',
        f'{{"type":"RECORD","stream":7,"record":"{SECRET}"}}',
        f'{{"type":"RECORD","record":{{"a":"{SECRET}"}}}}',
        f'{{"type":"RECORD","stream":"other","a":"{SECRET}"}}',
        f"{SECRET}",
        f'{{"type":"STATE","value":"{SECRET}\ud800"}}',
    ],
)
def test_what_is_not_a_message_is_refused_by_line_number_without_its_content(line: str) -> None:
    """G7: number and length of the line, never what it holds; blank lines count."""
    told: list[BaseException] = []
    reader = LineReader()
    reader.on_failure = told.append
    with pytest.raises(InputError, match=r"Line 2 of the input \(\d+ bytes\)") as caught:
        reader.process_lines(io.StringIO(f"\n{line}\n"), dict.fromkeys(("SCHEMA", "RECORD", "STATE"), print))
    assert SECRET not in str(caught.value)
    assert told == [caught.value]
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """With the line's number."""
    with pytest.raises(InputError, match="Line 1 "):
        read(b'{"type":"STATE","value":"\xff"}\n')


def test_asked_to_stop_it_ends_between_two_messages() -> None:
    """The message at hand is finished, the next one is not read."""
    reader = LineReader()
    seen: list[Any] = []

    def callback(message: Any) -> None:
        seen.append(message)
        reader.is_asked_to_stop = True

    asked: list[bool] = []
    reader.on_stop = lambda: asked.append(reader.is_waiting)
    reader.process_lines(io.StringIO('{"type":"STATE","value":1}\n{"type":"STATE","value":2}\n'), {"STATE": callback})
    assert (len(seen), asked) == (1, [False])


def test_what_a_message_lacks_is_named_without_the_message() -> None:
    """The SDK's check, without showing the line."""
    with pytest.raises(InputError, match="type STATE lacks value") as caught:
        LineReader.assert_line_requires({"type": "STATE", "x": SECRET}, {"value", "type"})
    assert SECRET not in str(caught.value)
