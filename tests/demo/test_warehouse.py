# ruff: noqa: S608 - the SQL is put together from the constants of this file
"""The sample warehouse: always the same, as dirty as promised, and it changes as promised."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from demo.project import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"customers": 5_000, "accounts": 1_200, "deals": 3_000}
CHANGES = {"customers": 40, "accounts": 10, "deals": 25}


def run_script(verb: str, path: Path) -> None:
    """Run the script as a user does."""
    script = str(REPOSITORY / "demo/warehouse.py")
    subprocess.run([sys.executable, script, verb, str(path)], check=True, capture_output=True)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the warehouse."""
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        return connection.execute(query).fetchall()


def content(path: Path, table: str) -> Counter[str]:
    """All rows of a table as text."""
    return Counter(str(row[0]) for row in rows(path, f"SELECT {table}::VARCHAR FROM raw.{table}"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that no test changes."""
    path: Path = tmp_path_factory.mktemp("built") / "warehouse.duckdb"
    run_script("build", path)
    return path


@pytest.mark.parametrize("table", SIZES)
def test_every_build_is_the_same(table: str, built: Path, tmp_path: Path) -> None:
    """Two builds hold the same rows, so that what the documents show is what people see."""
    run_script("build", tmp_path / "again.duckdb")
    assert content(built, table) == content(tmp_path / "again.duckdb", table)
    assert SIZES[table] <= content(built, table).total() < SIZES[table] * 1.01


def test_a_change_touches_a_few_rows_and_says_so_in_updated_at(built: Path, tmp_path: Path) -> None:
    """40 customers, 10 accounts and 25 deals change, each change is visible to a bookmark, and again others change."""
    path = tmp_path / "changing.duckdb"
    path.write_bytes(built.read_bytes())
    for _ in range(2):
        before = {table: content(path, table) for table in SIZES}
        latest = {table: rows(path, f"SELECT max(updated_at)::VARCHAR FROM raw.{table}")[0][0] for table in SIZES}
        run_script("change", path)
        for table, count in CHANGES.items():
            assert (content(path, table) - before[table]).total() == count
            newer = rows(path, f"SELECT count(*) FROM raw.{table} WHERE updated_at > '{latest[table]}'")
            assert newer == [(count,)]


@pytest.mark.parametrize(
    ("what", "table", "condition"),
    [
        ("no address", "customers", "email IS NULL"),
        ("a wrong address", "customers", "email NOT SIMILAR TO '.+@.+[.].+'"),
        ("blanks around a name", "customers", "first_name <> trim(first_name)"),
        ("names beyond ASCII", "customers", "last_name <> strip_accents(last_name)"),
        ("a score that is no number", "customers", "isnan(churn_score)"),
        ("a plan that is gone", "customers", "plan LIKE 'legacy%'"),
        ("an account without key", "accounts", "account_id IS NULL"),
        ("a guessed number", "accounts", "employees LIKE 'about%'"),
        ("a deal without title", "deals", "title IS NULL"),
        ("a text that is too long", "deals", "length(note) > 65536"),
    ],
)
def test_the_dirt_is_there_and_rare(what: str, table: str, condition: str, built: Path) -> None:
    """Each kind of dirt concerns some rows; only accents are common."""
    ((count,),) = rows(built, f"SELECT count(*) FROM raw.{table} WHERE {condition}")
    limit = 1.0 if what == "names beyond ASCII" else 0.03
    assert 0 < count < SIZES[table] * limit, what


def test_addresses_and_accounts_repeat(built: Path) -> None:
    """Some addresses belong to two customers, and some accounts come twice."""
    repeated = "SELECT count(*) - count(DISTINCT {}) FROM raw.{} WHERE {} IS NOT NULL"
    assert 20 < rows(built, repeated.format("lower(email)", "customers", "email"))[0][0] < 200
    assert 1 < rows(built, repeated.format("account_id", "accounts", "account_id"))[0][0] < 20
