"""Every statement, compiled by each dialect's own package, is the one on file, and the dialect's grammar reads it.

After a change: `.venv-warehouses/bin/python tests/warehouses/statements.py tests/tap_warehouse_model/statements`.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlglot
from sqlglot import exp
from warehouses.environments import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent / "statements"
SCRIPT = Path(__file__).parents[1] / "warehouses/statements.py"
DIALECTS = ("bigquery", "databricks", "duckdb", "postgresql", "redshift", "snowflake")
GRAMMARS = {"postgresql": "postgres"}
# %(name)s, %(name:STRING(200))s, %(name)s::VARCHAR, $name, :`name`, :name
PARAMETER = re.compile(r"%\((\w+)(?::[^)]*(?:\([^)]*\))?)?\)s|\$(\w+)|:`(\w+)`|(?<![:'\w]):(\w+)")


def statements(dialect: str) -> Iterator[tuple[str, str]]:
    """Yield names and texts of the statements on file."""
    text = (FOLDER / f"{dialect}.sql").read_text(encoding="utf-8")
    for block in re.split(r"^-- (?=\w)", text, flags=re.MULTILINE)[1:]:
        title, _, body = block.partition("\n")
        yield title, body.strip()


def parsed(dialect: str, sql: str) -> exp.Expression:
    """Return a statement's tree; one that is not understood would be a Command."""
    with_values = PARAMETER.sub("'p'", sql).replace("%%", "%")
    tree = sqlglot.parse_one(with_values, read=GRAMMARS.get(dialect, dialect), error_level=sqlglot.ErrorLevel.RAISE)
    assert not isinstance(tree, exp.Command), sql
    return tree


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the statements as they are compiled today."""
    folder = tmp_path_factory.mktemp("statements")
    subprocess.run([environment("warehouses") / "bin/python", SCRIPT, folder], check=True, timeout=120)
    return folder


@pytest.mark.parametrize("dialect", DIALECTS)
def test_statements_are_those_on_file(compiled: Path, dialect: str) -> None:
    """A change of a statement is seen in a review, whether our code, SQLAlchemy or a dialect's package caused it."""
    assert (compiled / f"{dialect}.sql").read_text("utf-8") == (FOLDER / f"{dialect}.sql").read_text("utf-8")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_grammar_of_the_dialect_reads_every_statement(dialect: str) -> None:
    """Sqlglot parses each statement in the dialect's grammar."""
    titles = set()
    for title, sql in statements(dialect):
        titles.add(title)
        if title != "pins":
            parsed(dialect, sql)
    assert len(titles) > 45


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_delete_is_correlated(dialect: str) -> None:
    """A DELETE's subquery names only its own tables: sqlalchemy-redshift drops a correlation, and all rows would go."""
    deletes = [(title, parsed(dialect, sql)) for title, sql in statements(dialect) if sql.startswith("DELETE")]
    assert [title for title, _ in deletes] == ["fold: forget (1 key)", "fold: forget (2 keys)"]
    for _, delete in deletes:
        assert isinstance(delete, exp.Delete)
        (subquery,) = delete.find_all(exp.Select)
        assert isinstance(subquery.parent, (exp.In, exp.Subquery))
        tables = {table.name for table in subquery.find_all(exp.Table)}
        assert tables == {"plan_0a1b2c3d4e5f_0of1_7"}
        assert {column.table for column in subquery.find_all(exp.Column)} <= {*tables, ""}
        assert not list(delete.find_all(exp.Exists))


def test_the_check_for_correlation_sees_one() -> None:
    """The control: what sqlalchemy-redshift 1.0.0 makes of a correlated DELETE would be noticed."""
    wrong = "DELETE FROM s WHERE EXISTS (SELECT p.k FROM p, s WHERE p.k = s.k)"
    tree = parsed("redshift", wrong)
    assert list(tree.find_all(exp.Exists))
    assert {table.name for table in tree.find_all(exp.Table)} == {"s", "p"}
