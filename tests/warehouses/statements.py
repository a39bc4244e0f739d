"""Every statement that the tap sends, compiled by each dialect's own package; runs in `.venv-warehouses`.

`python tests/warehouses/statements.py FOLDER` writes one file per dialect. No database is asked: columns are those
that a warehouse would describe.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tap_warehouse_model import queries
from tap_warehouse_model.columns import Column, Described
from tap_warehouse_model.dialects import dialect_of
from tap_warehouse_model.diff.statements import Comparison, CreateTableAs, Source, row_count
from tap_warehouse_model.diff.tables import Tables, syncs_table
from tap_warehouse_model.models import parse_model
from tap_warehouse_model.slices import Slice

URLS = {
    "duckdb": "duckdb:///:memory:",
    "postgresql": "postgresql+psycopg://u@h/d",
    "snowflake": "snowflake://u@h/d",
    "redshift": "redshift://u@h/d",
    "bigquery": "bigquery://project/dataset",
    "databricks": "databricks://token:t@h?http_path=p&catalog=c&schema=s",
}
TEXT = {"bigquery": "STRING", "databricks": "string", "duckdb": "VARCHAR", "postgresql": "text", "redshift": "varchar"}
# type -> category; what `describe` of the dialect returns
DESCRIBED: dict[str, dict[str, str]] = {
    "duckdb": dict.fromkeys(
        [
            *(
                "BIGINT",
                "DECIMAL(9,0)",
                "DECIMAL(9,2)",
                "FLOAT",
                "DOUBLE",
                "BOOLEAN",
                "VARCHAR",
                "UUID",
                "BLOB",
                "JSON",
            ),
            *("DATE", "TIME", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "INTERVAL", "INTEGER[]", "STRUCT(a INTEGER)"),
        ],
        "",
    ),
    "postgresql": {
        **{name: name for name in ("int8", "numeric", "float4", "bool", "text", "uuid", "bytea", "json", "date")},
        **{name: name for name in ("timestamp", "timestamptz")},
        "numeric(9,0)": "integral",
        "integer[]": "array",
        "pair": "composite",
        "interval": "",
    },
    "snowflake": {
        "NUMBER(38,0)": "integral",
        "NUMBER(9,2)": "decimal",
        **dict.fromkeys(
            [
                *("FLOAT", "BOOLEAN", "VARCHAR", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"),
                *("VARIANT", "OBJECT", "ARRAY", "MAP", "VECTOR", "BINARY", "GEOGRAPHY", "GEOMETRY", "other"),
            ],
            "",
        ),
    },
    "redshift": {
        "numeric(9,0)": "integral",
        "numeric(9,2)": "decimal",
        **dict.fromkeys(
            [
                *("boolean", "bigint", "real", "double precision", "varchar", "char", "date", "timestamp"),
                *("timestamptz", "super", "varbyte", "geometry", "geography", "oid 1083", "unknown"),
            ],
            "",
        ),
    },
    "bigquery": {
        "NUMERIC(9,0)": "integral",
        "BIGNUMERIC": "decimal",
        "ARRAY<INTEGER>": "array",
        **dict.fromkeys(
            [
                *("INTEGER", "FLOAT", "BOOLEAN", "STRING", "BYTES", "DATE", "DATETIME", "TIMESTAMP", "TIME", "JSON"),
                *("RECORD", "GEOGRAPHY", "INTERVAL", "RANGE"),
            ],
            "",
        ),
    },
    "databricks": dict.fromkeys(
        [
            *("bigint", "decimal(9,0)", "decimal(9,2)", "float", "double", "boolean", "string", "binary", "date"),
            *(
                "timestamp",
                "timestamp_ntz",
                "variant",
                "struct<a:int>",
                "map<string,int>",
                "array<int>",
                "interval day",
            ),
            *("geography(4326)", "void"),
        ],
        "",
    ),
}
SALT = "0123456789abcdef"
Statements = dict[str, str]


def model(**entry: Any) -> Any:
    """Return a model."""
    made, problems = parse_model({"name": "m", **entry}, where="test", sql=entry.get("sql"))
    assert made is not None, problems
    return made


def statements(name: str) -> Statements:
    """Return statements of one dialect by their names."""
    ours = dialect_of(sa.make_url(URLS[name]))
    theirs = _their_dialect(name)
    preparer = theirs.identifier_preparer

    def plain(identifier: str) -> str:
        escaped = identifier.replace(preparer.escape_quote, preparer.escape_to_quote)
        return f"{preparer.initial_quote}{escaped}{preparer.final_quote}"

    def compiled(statement: Any) -> str:
        text = str(statement.compile(dialect=theirs))
        return "\n".join(line.rstrip() for line in text.strip().splitlines())

    columns = [
        ours.column(Described(re.sub(r"\W+", "_", f"a {sql_type}"), sql_type, category))
        for sql_type, category in DESCRIBED[name].items()
    ]
    text = next(column for column in columns if column.sql_type == TEXT.get(name, "VARCHAR"))
    keys = [_renamed(columns[0], "id"), _renamed(text, "part")]
    found: Statements = {"pins": ";\n".join((*ours.session_pins, *ours.read_only_pins))}
    found |= _reading(ours, preparer.quote_identifier, columns, keys)
    for count, chosen in ((1, keys[:1]), (2, keys)):
        found |= {
            f"{title} ({count} key{'s' * (count > 1)})": compiled(statement)
            for title, statement in _diff(ours, plain, chosen, columns).items()
        }
    syncs = syncs_table("reverse_etl")
    row = sa.and_(syncs.c.sync_id == "s", syncs.c.stream == "m", syncs.c.slice == "0/1", syncs.c.epoch == 1)
    control = {
        "syncs: create": sa.schema.CreateTable(syncs, if_not_exists=True),
        "syncs: insert": sa.insert(syncs).values(sync_id="s", stream="m", slice="0/1", tables="", tokens="[]", epoch=0),
        "syncs: update": sa.update(syncs).where(row).values(lease_owner="o", lease_until=1.5, epoch=2, plan_id=None),
        "syncs: select": sa.select(syncs).where(syncs.c.sync_id == "s", syncs.c.stream == "m"),
    }
    return found | {title: compiled(statement) for title, statement in control.items()}


def _their_dialect(name: str) -> Any:
    """Return the dialect's object with the style of parameters that it has when it is connected."""
    made = sa.make_url(URLS[name]).get_dialect()
    found: Any = made(dbapi=made.import_dbapi())
    if name == "databricks":  # connecting makes it so: databricks-sqlalchemy 2.0.10, base.py
        found.paramstyle = found.default_paramstyle
        found.positional = False
    return found


def _renamed(column: Column, name: str) -> Column:
    return Column(name, column.sql_type, column.kind, column.expression, column.bookmark_type, column.extra)


def _reading(ours: Any, quote: Any, columns: list[Column], keys: list[Column]) -> Statements:
    table = model(table='marts."odd.name"')
    query = model(sql="SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :n", params={"n": 1})
    resumable = [column for column in columns if column.bookmark_type]
    found = {"read: all": queries.select(table, queries.Reading(columns), ours, quote)}
    for column in resumable:
        reading = queries.Reading([column], column, [keys[0].name], has_bookmark=True)
        found[f"read: from a bookmark, {column.sql_type}"] = queries.select(query, reading, ours, quote)
    return found


def _diff(ours: Any, quote: Any, keys: list[Column], columns: list[Column]) -> dict[str, Any]:
    part, whole = Slice(1, 4), Slice()
    names = [column.name for column in columns]
    tables = Tables("reverse_etl", "0a1b2c3d4e5f", [key.name for key in keys], names)
    query = model(sql="SELECT ':n' AS a FROM t WHERE a LIKE '%x%' AND b = :n", params={"n": 1})

    def source(slice_: Slice, *, keeps_first: bool = False) -> Source:
        statement = queries.bound(query, ours, quote)
        return Source(statement, keys, columns, SALT, slice_, keeps_first, ours, quote)

    comparison = Comparison(tables, ours, keys, whole, quote)
    sliced = Comparison(tables, ours, keys, part, quote)
    stage, changes, plan = tables.stage("0of1_7"), tables.changes("0of1_7"), tables.plan("0of1_7")
    known = comparison.snapshot()
    return {
        "snapshot": CreateTableAs(
            tables.snapshot, comparison.snapshot_of(source(whole).stage()).where(sa.literal_column("1 = 0"))
        ),
        "stage": CreateTableAs(stage, source(whole).stage()),
        "stage: a slice, first of each key": CreateTableAs(stage, source(part, keeps_first=True).stage()),
        "changes": comparison.changes(changes, stage, known),
        "changes: a slice": sliced.changes(changes, stage, sliced.snapshot()),
        "counts": comparison.counts(changes),
        "repeated": comparison.repeated(changes),
        "nulls": comparison.nulls(stage),
        "rows": row_count(known.subquery("k")),
        "plan": CreateTableAs(plan, source(whole).payload(changes)),
        "removals": comparison.removals(plan, changes, 17),
        "changed columns": comparison.changed_columns(plan, known, 2),
        "page": comparison.page(plan, 0, 256),
        "fold: forget": comparison.forget(plan, 0, 256),
        "fold: confirm": comparison.confirm(plan, 0, 256),
        "taint": comparison.taint(plan, 256, 512),
        "expected": comparison.expected(plan, 256),
        "copied: stage": source(whole).copied_stage(),
        "copied: rows of keys": source(whole).copied_rows("[]"),
    }


def text_of(name: str) -> str:
    """Return all statements of a dialect as one text."""
    return "\n".join(f"-- {title}\n{sql}\n" for title, sql in statements(name).items())


def main(folder: Path) -> None:
    """Write one file per dialect."""
    for name in URLS:
        (folder / f"{name}.sql").write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
