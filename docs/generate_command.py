"""Write the outputs in `docs/command.md` from the code: each example runs on the ledger of `example_ledger.py`."""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from reverse_etl_core.command.program import main as command

sys.path.insert(0, str(Path(__file__).parent))
import example_ledger

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).with_name("command.md")
EXAMPLE = re.compile(r"^```text\n\$ reverse-etl ([^\n]*)\n.*?^```", re.MULTILINE | re.DOTALL)


def page() -> str:
    """The page with each example's output as it is; examples are run one after the other."""
    text = PAGE.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "target-hubspot.db"
        shown_at = example_ledger.make(path)
        return EXAMPLE.sub(lambda found: _shown(found[1], path, lambda: shown_at), text)


def _shown(line: str, path: Path, clock: Callable[[], float]) -> str:
    environment = {"REVERSE_ETL_LEDGER_URL": str(path), "COLUMNS": "120"}
    done = CliRunner().invoke(command, shlex.split(line), input="y\n", env=environment, obj={"clock": clock})
    return f"```text\n$ reverse-etl {line}\n{done.output.rstrip()}\n```"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"Wrote {PAGE}")
