"""Spark on this machine in the place of Databricks: runs the tap, or statements of the diff; in `.venv-spark`.

The driver's `connect` is replaced by one that hands statements and named parameters to a local Spark, as Databricks
would. Reads `{"setup": [SQL], "runs": [[argument]], "diff": bool}` from standard input, writes JSON.

Spark alone has no UPDATE and DELETE: tables of the diff that change are Databricks' own (Delta Lake).
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import databricks.sql
import sqlalchemy as sa
from databricks.sql.exc import ServerOperationError
from pyspark.sql import SparkSession

from tap_warehouse_model import queries
from tap_warehouse_model.dialects import dialect_of
from tap_warehouse_model.diff.source import Source
from tap_warehouse_model.diff.statements import Comparison, CreateTableAs, row_count
from tap_warehouse_model.diff.tables import ADDED, CHANGED, Tables
from tap_warehouse_model.models import parse_model
from tap_warehouse_model.slices import Slice
from tap_warehouse_model.tap import TapWarehouseModel

URL = "databricks://token:t@localhost?http_path=p&catalog=spark_catalog&schema=default"
PARTITIONS = 7


class Cursor:
    """What the tap and SQLAlchemy use of the driver's cursor."""

    rowcount = -1

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._rows: list[tuple[Any, ...]] = []

    def execute(self, sql: str, params: Any = None) -> Cursor:
        """Run a statement; errors are the driver's, with Spark's text."""
        try:
            answer = self._spark.sql(sql, args=dict(params)) if params else self._spark.sql(sql)
            self.description = [(name, None, None, None, None, None, None) for name in answer.columns] or None
            self._rows = [tuple(row) for row in answer.collect()]
        except Exception as error:  # noqa: BLE001 - of any kind, as a server's
            raise ServerOperationError(str(error)) from None
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        """Return the next rows."""
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return all rows."""
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        """Do nothing."""


class Connection:
    """What SQLAlchemy uses of the driver's connection."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark

    def cursor(self) -> Cursor:
        """Return a cursor."""
        return Cursor(self._spark)

    def commit(self) -> None:
        """Do nothing, as the driver does."""

    rollback = close = commit


def session(folder: str) -> SparkSession:
    """Start Spark."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": PARTITIONS,
        "spark.sql.warehouse.dir": folder,
        "spark.sql.session.timeZone": "Pacific/Auckland",  # the tap sets its own
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    found = builder.getOrCreate()
    found.sparkContext.setLogLevel("OFF")
    return found


def run(arguments: list[str]) -> dict[str, Any]:
    """Run the tap's command."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: Any = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            TapWarehouseModel.cli(arguments)
        except SystemExit as stop:
            code = stop.code
    return {
        "exit_code": int(code or 0),
        "stdout": out.buffer.getvalue().decode(),
        "stderr": err.buffer.getvalue().decode(),
    }


class Diff:
    """Statements of the diff about the table `people`, run one after the other."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._dialect = dialect_of(engine.url)
        model, _ = parse_model(
            {"name": "m", "sql": "SELECT * FROM people WHERE id < :most", "params": {"most": 1000000}},
            where="here",
            sql="SELECT * FROM people WHERE id < :most",
        )
        assert model is not None
        self._model = model
        with engine.connect() as connection:
            cursor = connection.connection.cursor()
            sql = queries.statement(model, self._dialect, self._quote)
            described = self._dialect.describe(cursor, sql, model.params)
        columns = [self._dialect.column(item) for item in described]
        self._keys, self._columns = columns[:2], columns[2:]
        self._tables = Tables("diff", "x", [key.name for key in self._keys], [column.name for column in self._columns])

    def _quote(self, name: str) -> str:
        return f"`{name}`"

    def source(self, part: Slice, *, keeps_first: bool = False) -> Source:
        """Return the model's rows."""
        bound = queries.bound(self._model, self._dialect, self._quote)
        return Source(bound, self._keys, self._columns, "5a17", part, keeps_first, self._dialect, self._quote)

    def comparison(self, part: Slice = Slice()) -> Comparison:  # noqa: B008 - frozen
        """Return the statements."""
        return Comparison(self._tables, self._dialect, self._keys, part, self._quote)

    def rows(self, statement: Any) -> list[list[Any]]:
        """Run a statement and return its rows."""
        with self._engine.connect() as connection:
            result = connection.execute(statement)
            return [list(row) for row in result] if result.returns_rows else []

    def first_load(self) -> dict[str, Any]:
        """Stage all rows against an empty snapshot, and plan them."""
        tables, comparison = self._tables, self.comparison()
        empty = comparison.snapshot_of(self.source(Slice()).stage()).where(sa.literal_column("1 = 0"))
        self.rows(CreateTableAs(tables.snapshot, empty))
        return self._plan("1", comparison.snapshot())

    def next_load(self) -> dict[str, Any]:
        """Plan against what the first plan makes of the snapshot."""
        known = self.comparison().expected(self._tables.plan("1"), 10**6)
        found = self._plan("2", known)
        columns = self.comparison().changed_columns(self._tables.plan("2"), known, len(self._columns))
        return {**found, "changed_columns": self.rows(columns)[0]}

    def _plan(self, suffix: str, known: Any) -> dict[str, Any]:
        tables, comparison = self._tables, self.comparison()
        stage, changes, plan = tables.stage(suffix), tables.changes(suffix), tables.plan(suffix)
        self.rows(CreateTableAs(stage, self.source(Slice()).stage()))
        self.rows(comparison.changes(changes, stage, known))
        self.rows(CreateTableAs(plan, self.source(Slice()).payload(changes, [ADDED, CHANGED])))
        upserts = self.rows(row_count(plan))[0][0]
        self.rows(comparison.removals(plan, changes, upserts))
        return {
            "counts": self.rows(comparison.counts(changes))[0],
            "staged": self.rows(row_count(stage))[0][0],
            "repeated": self.rows(comparison.repeated(stage))[0],
            "page": [row[:4] for row in self.rows(comparison.page(plan, 0, 10**6))],
        }

    def slices(self, count: int) -> list[list[list[Any]]]:
        """Return the keys of each slice."""
        return [self.rows(self.source(Slice(index, count)).copied_stage()) for index in range(count)]

    def of_keys(self, keys: list[list[str]]) -> list[list[Any]]:
        """Return key texts of rows that are asked for by key."""
        return [row[:2] for row in self.rows(self.source(Slice()).copied_rows(json.dumps(keys)))]


def diff(spark: SparkSession) -> dict[str, Any]:
    """Return what the statements of the diff find, before and after the model changed."""
    spark.sql("CREATE SCHEMA diff")
    engine = sa.create_engine(URL)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET TIME ZONE 'UTC'")
    people = spark.range(0, 1000, 1, PARTITIONS).selectExpr(
        "id", "CASE WHEN id % 3 = 0 THEN 'eu' ELSE 'us' END AS region", "concat('name|', id) AS name", "id * 1.5 AS n"
    )
    people.createOrReplaceTempView("people")
    made = Diff(engine)
    found: dict[str, Any] = {"first": made.first_load(), "slices": made.slices(4)}
    found["of_keys"] = made.of_keys([["3", "eu"], ["4", "us"], ["4", "eu"]])
    changed = people.where("id <> 7").selectExpr(
        "id", "region", "CASE WHEN id = 8 THEN NULL ELSE name END AS name", "CASE WHEN id = 9 THEN 0 ELSE n END AS n"
    )
    changed.union(spark.sql("SELECT 5000, 'eu', 'new', 1.5")).createOrReplaceTempView("people")
    return {**found, "next": made.next_load()}


def main() -> None:
    """Do what standard input asks for."""
    order = json.load(sys.stdin)
    spark = session(order["folder"])
    databricks.sql.connect = lambda **_: Connection(spark)
    for statement in order["setup"]:
        spark.sql(statement)
    found: dict[str, Any] = {"runs": [run(arguments) for arguments in order["runs"]]}
    if order.get("diff"):
        found["diff"] = diff(spark)
    sys.stdout.write(json.dumps(found, default=str))
    spark.stop()


if __name__ == "__main__":
    main()
