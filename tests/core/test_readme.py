"""What the README of the core says is what it does."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverse_etl_core import errors, operations
from reverse_etl_core.ledger import tables

if TYPE_CHECKING:
    import pytest

TEXT = (Path(__file__).parents[2] / "reverse-etl-core" / "README.md").read_text(encoding="utf-8")


def test_tables_and_errors_are_the_real_ones() -> None:
    """Every table of the ledger and every outcome is named, and every error that is named exists."""
    assert all(f"| `{name}` |" in TEXT for name in tables.metadata.tables)
    named = set(re.findall(r"`([A-Z]\w+Error)`", TEXT))
    assert {name for name in named if not hasattr(errors, name)} == set()
    outcomes = (operations.Written, operations.Rejected, operations.Missing, operations.Unanswered)
    assert all(f"`{kind.__name__}`" in TEXT for kind in outcomes)


def test_the_example_delivers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The target in the README delivers records, rejects a long name, and releases STATE."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(block, names)  # noqa: S102 - our own documentation
    config = {"ledger_url": f"sqlite:///{tmp_path}/ledger.db", "report_dir": str(tmp_path)}
    target = names["TargetAddressBook"](config=config)
    schema = {"properties": {"number": {}, "name": {}}}
    messages = [
        {"type": "SCHEMA", "stream": "people", "schema": schema, "key_properties": ["number"]},
        {"type": "RECORD", "stream": "people", "record": {"number": 1, "name": "Ada"}},
        {"type": "RECORD", "stream": "people", "record": {"number": 2, "name": "x" * 30}},
        {"type": "STATE", "value": {"at": 2}},
    ]
    target.listen(io.StringIO("".join(json.dumps(one) + "\n" for one in messages)))
    assert json.loads(capsys.readouterr().out) == {"at": 2}
    (report,) = tmp_path.glob("*/report.json")
    totals = json.loads(report.read_text(encoding="utf-8"))["totals"]
    assert (totals["created"], totals["rejected"]) == (1, 1)
