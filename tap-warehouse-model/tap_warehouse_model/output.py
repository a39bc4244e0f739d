"""Standard output: whole lines only, and a signal never falls between two halves of one."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.helpers._state import StateWriter
from singer_sdk.singerlib import StateMessage
from singer_sdk.singerlib.encoding.base import GenericSingerWriter

from tap_warehouse_model.errors import OutputClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


class Output(GenericSingerWriter[bytes, Any]):
    """Writes Singer messages; `defer_signal` asks it to finish the line in hand first."""

    def __init__(self) -> None:
        self._is_writing = False
        self._deferred: Callable[[], None] | None = None

    def serialize_message(self, message: Any) -> bytes:  # noqa: ANN401
        """Return a message as a line without its line break."""
        if type(message) is StateMessage:  # `to_dict` copies it to the bottom, and it has all streams
            return _ENCODER.encode({"type": "STATE", "value": message.value})
        return _ENCODER.encode(message.to_dict())

    def write_message(self, message: Any) -> None:  # noqa: ANN401
        """Write one message."""
        self.write_lines(self.format_message(message) + b"\n")

    def write_lines(self, lines: bytes) -> None:
        """Write complete lines.

        Raises:
            OutputClosedError: The reader is gone.
        """
        with self._uninterrupted():
            try:
                _write_all(lines)
            except BrokenPipeError:
                # Python flushes stdout once more at exit and would complain about it.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                msg = "The target stopped reading before the end. See its own messages for the reason."
                raise OutputClosedError(msg) from None

    def when_idle(self, action: Callable[[], None]) -> None:
        """Run an action now, or as soon as the line in hand is written."""
        if self._is_writing:
            self._deferred = action
        else:
            action()

    @contextmanager
    def _uninterrupted(self) -> Iterator[None]:
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False
        if self._deferred is not None:
            action, self._deferred = self._deferred, None
            action()


class StateOutput(StateWriter):
    """Writes STATE when it has changed, as the SDK's does, but compares texts.

    The SDK copies the state of all streams each time: ten milliseconds per stream when there are a thousand.
    """

    def __init__(self, output: Output) -> None:
        super().__init__(output)
        self._last: bytes | None = None

    def write_state(self, state: Any) -> None:  # noqa: ANN401
        """Write one STATE message, unless it would repeat the last one."""
        text = _ENCODER.encode(state)
        if text != self._last:
            self._message_writer.write_message(StateMessage(value=state))
            self._last = text


def _write_all(lines: bytes) -> None:
    """Write and flush; with PYTHONUNBUFFERED a write that a signal interrupts is cut short."""
    rest = memoryview(lines)
    while rest:
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()
