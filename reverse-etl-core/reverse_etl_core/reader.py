"""Singer messages from stdin: fast, with line numbers in errors, and never a line's content in a message."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any

import msgspec
from singer_sdk.singerlib.encoding.base import GenericSingerReader

from reverse_etl_core import lenient
from reverse_etl_core.errors import InputError
from reverse_etl_core.patient_input import patient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Envelope(msgspec.Struct, gc=False):
    """A message whose record is left undecoded: the stream's own types decode it (`typed.py`)."""

    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw()


class LineReader(GenericSingerReader[str]):
    """Reads one message per line.

    Attributes:
        is_waiting: True while it waits for the next line: only then may a signal end it at once, since at any
            other time a message is half processed.
        is_asked_to_stop: Looked at between two messages.
        takers: Stream to what takes its records as they are, with the length of their lines; other messages go
            through the callbacks.
        on_stop: Called when asked to stop; raises to end the reading.
        on_silence: Called when no line comes for a while.
        on_failure: Told of the error that ends the reading, before it propagates.
    """

    default_input = sys.stdin

    def __init__(self) -> None:
        super().__init__()
        self.is_waiting = False
        self.is_asked_to_stop = False
        self.takers: dict[str, Callable[[msgspec.Raw, int], None]] = {}
        self.on_stop: Callable[[], None] = _nothing
        self.on_silence: Callable[[], None] = _nothing
        self.on_failure: Callable[[BaseException], None] = _ignore
        self._decode = msgspec.json.Decoder(float_hook=Decimal).decode

    def process_lines(
        self, file_input: IO[str] | None, callbacks: dict[str, Callable[[dict[str, Any]], None]]
    ) -> Counter[str]:
        """Hand every message to its callback.

        Raises:
            InputError: A line is not a Singer message.
        """
        counts: Counter[str] = Counter()
        _rest_garbage_collection()
        try:
            # Bytes are decoded once, by msgspec; text would be decoded by Python and encoded again.
            self._read(iter(patient(file_input or sys.stdin, self._use_silence)), callbacks, counts)
        except BaseException as error:  # whatever ends the reading, what was read is counted; it propagates
            self.is_waiting = False
            self.on_failure(error)
            raise
        return counts

    def _read(
        self,
        lines: Iterator[str | bytes],
        callbacks: dict[str, Callable[[dict[str, Any]], None]],
        counts: Counter[str],
    ) -> None:
        number = records = 0
        open_envelope, takers = msgspec.json.Decoder(Envelope).decode, self.takers
        try:
            while not self.is_asked_to_stop:
                self.is_waiting = True
                line = next(lines, None)
                self.is_waiting = False
                if line is None:
                    return
                number += 1
                try:
                    envelope = open_envelope(line)
                    take = takers.get(envelope.stream) if envelope.type == "RECORD" else None
                    if take is None:
                        _check_addressed(envelope)
                        message = self._decode(line)
                        callback = callbacks[envelope.type]
                except (msgspec.DecodeError, KeyError, UnicodeError, RecursionError):
                    records += self._take_leniently(number, line, callbacks)
                    continue
                if take is not None:
                    take(envelope.record, len(line))
                    records += 1
                else:
                    callback(message)
                    counts[envelope.type] += 1
            self.on_stop()
        finally:
            counts["RECORD"] += records

    def _use_silence(self) -> None:
        """Let something be done while no line comes; a signal does not break it off, and is looked at afterwards."""
        self.is_waiting = False
        self.on_silence()
        if self.is_asked_to_stop:
            self.on_stop()
        self.is_waiting = True

    def _take_leniently(
        self, number: int, line: str | bytes, callbacks: dict[str, Callable[[dict[str, Any]], None]]
    ) -> int:
        """Hand on a record with values that are not JSON; one of them is no reason to lose the others.

        Returns:
            Records handed on, 0 or 1.

        Raises:
            InputError: It is no record.
        """
        message = lenient.read_record_message(line)
        if message is None:
            self._complain(number, line, callbacks)
            return 0
        callbacks["RECORD"](message)
        return 1

    def _complain(self, number: int, line: str | bytes, callbacks: dict[str, Callable[[dict[str, Any]], None]]) -> None:
        """Say which line is wrong; blank lines are none.

        Raises:
            InputError: Always, but for a blank line.
        """
        if not line.strip():
            return
        types = ", ".join(str(getattr(one, "value", one)) for one in callbacks)
        msg = (
            f"Line {number} of the input ({len(line)} bytes) is not a Singer message of type {types}. "
            "Everything before it is kept. Check that the tap did not die, and that it prints nothing else."
        )
        raise InputError(msg) from None

    @staticmethod
    def assert_line_requires(line_dict: dict[str, Any], requires: set[str]) -> None:
        """As the SDK, but the message names what is missing and never shows the line.

        Raises:
            InputError: A message lacks a part that its type must have.
        """
        if missing := requires - set(line_dict):
            kind = line_dict.get("type")
            of = f"of type {kind}" if kind in ("RECORD", "SCHEMA", "STATE", "BATCH", "ACTIVATE_VERSION") else "'schema'"
            msg = f"A Singer message {of} lacks {', '.join(sorted(missing))}. Check the tap."
            raise InputError(msg)

    def deserialize_json(self, line: str) -> dict[str, Any]:
        """Decode one line; floats become `Decimal`, so that nothing is lost."""
        message: dict[str, Any] = self._decode(line)
        return message


def _rest_garbage_collection() -> None:
    """Look for reference cycles less often: records are trees, and live as long as their chunk.

    The interpreter's default is after every 700 new objects, which is every few records.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _check_addressed(envelope: Envelope) -> None:
    """Refuse a RECORD without a stream, or whose record is no object.

    Raises:
        KeyError: As for a line without a type.
    """
    if envelope.type == "RECORD" and not (envelope.stream and bytes(envelope.record).startswith(b"{")):
        raise KeyError


def _nothing() -> None:
    """Go on."""


def _ignore(_error: BaseException) -> None:
    """Let it propagate."""
