"""The settings as JSON Schema: the source of `--about`, of the README's table and of Meltano's definition."""

from __future__ import annotations

from typing import Any

MODEL_PROPERTIES: dict[str, Any] = {
    "name": {"type": "string", "description": "Name of the stream."},
    "sql": {"type": "string", "description": "A SELECT (or WITH ... SELECT) statement."},
    "sql_file": {
        "type": "string",
        "description": (
            "File that holds the statement, relative to the model file's folder; for inline models to "
            "`models_path` or else to the project root."
        ),
    },
    "table": {
        "type": "string",
        "description": 'Table or view, `schema.table` if need be; quote parts that hold a dot: `"a.b".t`.',
    },
    "dbt_model": {
        "type": "string",
        "description": (
            "Model, seed or snapshot of dbt, named as in `ref`: `customers`, `customers.v2`, `package.customers`. "
            "Needs `dbt_manifest`."
        ),
    },
    "key_properties": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Columns that identify a row. Targets need them for updates. A dbt model has a default.",
    },
    "replication_method": {
        "type": "string",
        "enum": ["FULL_TABLE", "INCREMENTAL"],
        "description": "`FULL_TABLE` (default) emits every row in every run; `INCREMENTAL` resumes at the bookmark.",
    },
    "replication_key": {
        "type": "string",
        "description": "Column that grows with every change: an integer, a date, a timestamp or a text.",
    },
    "start_value": {
        "type": ["string", "integer"],
        "description": "Where the first INCREMENTAL run begins; without it, at the beginning.",
    },
    "params": {
        "type": "object",
        "description": "Values for `:name` in the SQL. They are bound by the database driver, never pasted in.",
    },
    "description": {
        "type": "string",
        "description": "For people; part of the announced schema. Default of a dbt model: dbt's.",
    },
}

SETTINGS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "sqlalchemy_url": {
            "type": "string",
            "secret": True,
            "title": "SQLAlchemy URL",
            "description": (
                "The warehouse, as a SQLAlchemy URL: `duckdb:////data/warehouse.duckdb` (opened read-only) or "
                "`postgresql://user:password@host:5432/database`."
            ),
        },
        "engine_options": {
            "type": "object",
            "title": "Engine options",
            "description": "Passed on to SQLAlchemy's `create_engine`, for example `connect_args`.",
        },
        "models": {
            "type": "array",
            "title": "Models",
            "items": {"type": "object", "properties": MODEL_PROPERTIES, "required": ["name"]},
            "description": (
                "Models written in the configuration. Each has `name`, exactly one of `sql`, `sql_file`, `table` "
                "and `dbt_model`, and what else the section on models lists."
            ),
        },
        "models_path": {
            "type": "string",
            "title": "Models path",
            "description": (
                "Folder of model files (`*.yml`) and the `*.sql` files that they name, relative to the project "
                "root (`MELTANO_PROJECT_ROOT`, else the working directory)."
            ),
        },
        "dbt_manifest": {
            "type": "string",
            "title": "dbt manifest",
            "description": (
                "Path of dbt's `target/manifest.json`, relative to the project root. Models may then name a "
                "`dbt_model`, and each node with `meta.reverse_etl` becomes a model."
            ),
        },
    },
    "required": ["sqlalchemy_url"],
}
