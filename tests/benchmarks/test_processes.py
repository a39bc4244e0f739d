"""What measures is right: memory, exit codes, pairs, and which results are kept."""

from __future__ import annotations

import doctest
import sys
from typing import TYPE_CHECKING

import calls
import processes
import pytest
import run as benches

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = sys.executable


def test_the_peak_is_that_of_the_command_alone() -> None:
    """A command that holds 200 MB shows them; one that does nothing shows neither those nor this process's own."""
    large = processes.run([PYTHON, "-c", "bytearray(200_000_000)"])
    small = processes.run([PYTHON, "-I", "-S", "-c", "pass"])
    assert 190 < large.peak_mb < 260
    assert small.peak_mb < 30
    assert small.seconds > 0


def test_a_failure_is_told_with_its_last_words() -> None:
    """A command that fails ends the measurement, unless its exit code is allowed."""
    command = [PYTHON, "-c", "import sys; sys.exit('it broke')"]
    with pytest.raises(processes.BenchmarkError, match="exit code 1:\nit broke"):
        processes.run(command)
    assert processes.run(command, allowed=(0, 1)).exit_code == 1
    assert processes.run([PYTHON, "-c", "import os; os.kill(os.getpid(), 9)"], allowed=None).exit_code == -9


def test_a_pipe_measures_both_ends(tmp_path: Path) -> None:
    """Each of two processes is measured alone, and the second one sees the end of its input."""
    found = tmp_path / "found"
    read = f"import sys; open({str(found)!r}, 'w').write(str(len(sys.stdin.read())))"
    first, second = processes.pipe([PYTHON, "-c", "print('x' * 100_000, end='')"], [PYTHON, "-c", read])
    assert found.read_text(encoding="utf-8") == "100000"
    assert (first.exit_code, second.exit_code) == (0, 0)


def test_doctests() -> None:
    """The examples hold."""
    assert doctest.testmod(processes).failed == 0


def entry(length: str, date: str) -> dict[str, str]:
    """A measurement."""
    return {"length": length, "run": date}


def test_a_shorter_measurement_does_not_replace_a_longer_one() -> None:
    """Runs that nothing is left of are forgotten."""
    results = benches.read(benches.RESULTS.with_name("no such file"))
    for date, length in (("1", "bench"), ("2", "long"), ("3", "bench")):
        benches.keep(results, "tap", entry(length, date), {"date": date})
    benches.keep(results, "calls", entry("bench", "3"), {"date": "3"})
    assert results["measures"] == {"tap": entry("long", "2"), "calls": entry("bench", "3")}
    assert list(results["runs"]) == ["2", "3"]


def test_calls_are_counted_at_the_simulator() -> None:
    """A thousand contacts: the floor, then the floor again, then nothing."""
    (one,) = calls.measure(1000, ["hubspot"])["ways"].values()
    writes = [one["runs"][name]["requests"]["writes"] for name in ("new", "changed", "unchanged")]
    assert writes == [one["floor"], one["floor"], 0] == [10, 10, 0]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_contacts_take_the_fewest_calls() -> None:
    """At most the floor and 2 per cent for all new and for all changed; a second run writes nothing; under 300 MB."""
    for way, one in calls.measure(100_000)["ways"].items():
        runs = one["runs"]
        assert max(runs[name]["requests"]["writes"] for name in ("new", "changed")) <= 1.02 * one["floor"], way
        assert runs["unchanged"]["requests"]["writes"] == 0, way
        assert runs["unchanged"]["totals"] == {"read": 100_000, "unchanged": 100_000}, way
        assert max(run["peak_mb"] for run in runs.values()) <= 300, way
