"""Standard input that tells when nothing comes for a while."""

from __future__ import annotations

import io
import os
import select
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SILENCE_S = 1.0
BUFFER_BYTES = 1_000_000


class PatientInput(io.RawIOBase):
    """An open file that is read as it comes.

    Args:
        raw: The file.
        on_silence: Called whenever nothing came for `silence_s`; what it raises ends the reading.
        silence_s: Seconds.
    """

    def __init__(self, raw: io.FileIO, on_silence: Callable[[], None], silence_s: float = SILENCE_S) -> None:
        self._raw = raw
        self._on_silence = on_silence
        self._silence_s = silence_s

    def readable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """Of the file."""
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - whatever has a buffer
        """Wait for something, and read it."""
        while not select.select([self._raw], [], [], self._silence_s)[0]:
            self._on_silence()
        return self._raw.readinto(buffer)


def patient(text: Any, on_silence: Callable[[], None]) -> Any:  # noqa: ANN401 - anything that gives lines
    """The lines of a text file, as bytes where it has them; those of a process's own input tell when none come.

    Windows cannot wait for a pipe with a limit of time.
    """
    lines = getattr(text, "buffer", text)
    raw = getattr(lines, "raw", None)
    if not isinstance(raw, io.FileIO) or os.name == "nt":
        return lines
    return io.BufferedReader(PatientInput(raw, on_silence), BUFFER_BYTES)
