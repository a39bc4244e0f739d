"""Ledgers as earlier releases left them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

FOLDER = Path(__file__).parent / "ledgers"
ROWS: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "version_1.rows.json").read_text(encoding="utf-8"))
"""Of a run that was killed: three records delivered, one rejected, one pending, one in a job."""


def make_version_1(url: str) -> None:
    """Create the tables of the first release, with rows that it wrote."""
    engine = sa.create_engine(url)
    text = (FOLDER / f"version_1.{engine.dialect.name}.sql").read_text(encoding="utf-8")
    with engine.begin() as connection:
        for statement in text.split("\n", 1)[1].split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    with engine.begin() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        for name, rows in ROWS.items():
            if rows:
                connection.execute(sa.insert(tables.tables[name]), [_row(one) for one in rows])
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('scopes', 'scope_id'), 1)")
    engine.dispose()


def _row(row: dict[str, Any]) -> dict[str, Any]:
    payload_hash = row.get("payload_hash")
    return {**row, "payload_hash": bytes.fromhex(payload_hash)} if payload_hash else row


def shape(url: str) -> dict[str, Any]:
    """The columns and indexes of each table. How long a text may be means nothing to SQLite, and stays as it was."""
    engine = sa.create_engine(url)
    is_sqlite = engine.dialect.name == "sqlite"
    found = sa.inspect(engine)
    shapes = {
        name: (
            {
                (
                    one["name"],
                    "TEXT" if is_sqlite and isinstance(one["type"], sa.String) else str(one["type"]),
                    one["nullable"],
                )
                for one in found.get_columns(name)
            },
            {(one["name"], tuple(one["column_names"])) for one in found.get_indexes(name)},
            tuple(found.get_pk_constraint(name)["constrained_columns"]),
        )
        for name in found.get_table_names()
    }
    engine.dispose()
    return shapes


def rows_of(url: str, table: str) -> list[dict[str, Any]]:
    """All rows of a table, as in `ROWS`, without what is null."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        reflected = sa.Table(table, sa.MetaData(), autoload_with=connection)
        rows = [dict(row) for row in connection.execute(sa.select(reflected)).mappings()]
    engine.dispose()
    for row in rows:
        if row.get("payload_hash") is not None:
            row["payload_hash"] = bytes(row["payload_hash"]).hex()
    return [present(row) for row in rows]


def present(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what is null."""
    return {name: value for name, value in row.items() if value is not None}
