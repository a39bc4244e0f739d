"""What happens while the tap says nothing."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from core.fake_family import Family, FamilyTarget, person, schema

from reverse_etl_core.errors import FatalError
from reverse_etl_core.patient_input import PatientInput, patient

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 20


def test_lines_come_whole_and_in_order_with_silence_between_them() -> None:
    """Also one that is longer than a buffer, and one whose parts come apart."""
    reading, writing = os.pipe()
    silences: list[int] = []
    long = b"x" * 3_000_000

    def tap() -> None:
        for part in (b"a\nb", b"c\n", long + b"\n", b"end"):
            _write_all(writing, part)
            before, until = len(silences), time.monotonic() + PATIENCE_S
            while len(silences) == before and time.monotonic() < until:
                time.sleep(0.01)
        os.close(writing)

    thread = threading.Thread(target=tap)
    thread.start()
    with io.FileIO(reading) as raw:
        lines = list(io.BufferedReader(PatientInput(raw, lambda: silences.append(1), silence_s=0.02)))
    thread.join()
    assert lines == [b"a\n", b"bc\n", long + b"\n", b"end"]
    assert len(silences) >= 4


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def test_what_silence_finds_ends_the_reading() -> None:
    """An error of what was under way does not wait for the next line."""

    def fail() -> None:
        raise FatalError("lost")

    reading, writing = os.pipe()
    with os.fdopen(reading, "r") as text, pytest.raises(FatalError):
        list(patient(text, fail))
    os.close(writing)


def test_text_in_memory_is_read_as_it_is(tmp_path: Path) -> None:
    """Nobody waits for it; a file is never silent."""
    path = tmp_path / "input.singer"
    path.write_text("a\nb\n")
    with path.open() as text:
        assert list(patient(text, lambda: pytest.fail("a file is not silent"))) == [b"a\n", b"b\n"]
    assert patient(["a\n"], lambda: None) == ["a\n"]


def test_requests_are_settled_while_the_tap_is_silent(tmp_path: Path) -> None:
    """Their answers are in the ledger before the next line comes: else a lease could end with requests in flight."""
    family = Family(tmp_path)
    reading, writing = os.pipe()
    delivered: list[int] = []

    def tap() -> None:
        messages: list[dict[str, Any]] = [schema("people"), *(person(f"p{n}") for n in range(1000))]
        _write_all(writing, "".join(json.dumps(one) + "\n" for one in messages).encode())
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and len(delivered) < 1000:
            time.sleep(0.1)
            delivered[:] = [1 for one in family.rows().values() if one["status"] == "delivered"]
        os.close(writing)

    target_class = type("OwnTarget", (FamilyTarget,), {"destination": family.destination})
    target = target_class(
        config={
            "streams": {"people": {"match_on": "key", "fields": {"key": "key", "name": "name"}}},
            "ledger_url": f"sqlite:///{tmp_path}/ledger.db",
            "concurrency": 4,
            "report_dir": str(tmp_path / "reports"),
        }
    )
    thread = threading.Thread(target=tap)
    thread.start()
    with os.fdopen(reading, "r") as text:
        target.listen(text)
    thread.join()
    assert len(delivered) == 1000
