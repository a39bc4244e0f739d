"""The test suite that the Singer SDK ships for taps, on both databases."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SUITE = """
import json, os
from singer_sdk.testing import get_tap_test_class
from tap_warehouse_model.tap import TapWarehouseModel
TestStandard = get_tap_test_class(TapWarehouseModel, config=json.loads(os.environ["TAP_CONFIG"]))
"""


def test_the_sdk_suite_passes(database: Any, tmp_path: Path) -> None:
    """Every test of `get_tap_test_class` passes; the class wants its database while it is defined."""
    database.execute(
        "CREATE TABLE people (id integer, email text, score decimal(9,2), rate double precision, active boolean,"
        " born date, seen timestamptz, tags json)",
        "INSERT INTO people VALUES (1, 'a@b.c', 1.5, 0.5, true, DATE '2000-02-29',"
        " TIMESTAMPTZ '2024-01-01 00:00:00+02', '{\"a\": 1}'), (2, 'd@e.f', 2.5, 1.5, false, DATE '2001-01-01',"
        " TIMESTAMPTZ '2024-01-02 00:00:00+02', '{}')",
    )
    config = database.config(
        {"name": "people", "table": "people", "key_properties": ["id"]},
        {
            "name": "seen",
            "sql": "SELECT id, seen, tags FROM people",
            "key_properties": ["id"],
            "replication_method": "INCREMENTAL",
            "replication_key": "seen",
        },
    )
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "test_suite.py"],
        cwd=tmp_path,
        env={**os.environ, "TAP_CONFIG": json.dumps(config)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed is not None
    assert int(passed[1]) > 25
