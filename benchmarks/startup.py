"""What a run costs before its first record: commands with nothing to do, and the interpreter alone.

python benchmarks/startup.py
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from processes import PYTHON, in_turn, run
from world import HUBSPOT, simulator, write_customers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from processes import Usage

QUIET = {"LOGLEVEL": "WARNING"}


def measure(repeat: int = 3) -> dict[str, Any]:
    """Seconds and processor seconds of commands that deliver one record, or nothing."""
    with tempfile.TemporaryDirectory(prefix="startup-") as name, simulator() as server:
        folder = Path(name)
        with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
            connection.execute("CREATE TABLE one AS SELECT 1 AS id")
        tap = folder / "tap.json"
        model = {"name": "one", "table": "one", "key_properties": ["id"]}
        tap.write_text(json.dumps({"sqlalchemy_url": f"duckdb:///{folder}/warehouse.duckdb", "models": [model]}))
        target = folder / "target.json"
        target.write_text(json.dumps(HUBSPOT.config(server.url, folder)))
        stream = write_customers(folder / "one.singer", 1)
        commands: dict[str, Callable[[], Usage]] = {
            "python": lambda: run([PYTHON, "-c", "pass"]),
            "singer_sdk": lambda: run([PYTHON, "-c", "import singer_sdk"]),
            "tap, one row": lambda: run([PYTHON, "-m", "tap_warehouse_model", "--config", tap], environment=QUIET),
            "target-hubspot, one record": lambda: run(
                [PYTHON, "-m", "target_hubspot", "--config", target], stdin=stream, environment=QUIET
            ),
        }
        return {"commands": in_turn(commands, repeat)}


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """What is printed."""
    for name, one in figures["commands"].items():
        yield f"{name:28} {one['seconds']['median']:6.2f} s, cpu {one['cpu_s']['median']:5.2f} s"


def main() -> None:
    """Measure, print, and write JSON where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = measure(given.repeat)
    print("\n".join(lines(figures)))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
