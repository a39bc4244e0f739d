"""The tap's suite on the newest SQLAlchemy; Meltano holds the workspace at 2.0."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from warehouses.environments import environment

REPOSITORY = Path(__file__).parents[2]
# They run the command in other environments, or need the other packages of the workspace.
ELSEWHERE = (
    "bigquery",
    "benchmark",
    "databricks",
    "dbt_build",
    "redshift",
    "scale",
    "snowflake",
    "statements",
    "target",
    "warehouse_diffs",
)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_tap_works_with_the_newest_sqlalchemy() -> None:
    """What the tap does on SQLAlchemy 2.0 it does on 2.1."""
    if sys.version_info < (3, 11):
        pytest.skip("SQLAlchemy 2.1 needs Python 3.11")
    python = environment("sqlalchemy") / "bin/python"
    version = subprocess.run(
        [python, "-c", "import sqlalchemy; print(sqlalchemy.__version__)"], capture_output=True, text=True, check=True
    )
    assert version.stdout.startswith("2.1")
    options = [
        "-q",
        "-m",
        "not long",
        "-p",
        "no:cacheprovider",
        *(f"--ignore-glob=*/test_{name}.py" for name in ELSEWHERE),
    ]
    done = subprocess.run(
        [python, "-m", "pytest", *options, "tests/tap_warehouse_model"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 300
