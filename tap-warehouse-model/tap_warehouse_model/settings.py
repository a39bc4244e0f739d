"""The settings as JSON Schema: the source of `--about`, of the README's table and of Meltano's definition."""

from __future__ import annotations

from typing import Any

_BRAKES: dict[str, dict[str, Any]] = {
    "max_removed": {
        "type": "integer",
        "title": "Max removed",
        "description": "Brake: the most rows that one plan may remove. Without it, any number.",
    },
    "max_removed_percent": {
        "type": "number",
        "title": "Max removed percent",
        "description": (
            "Brake: the most rows that one plan may remove, as a share of those delivered. Without it 20, from 10 "
            "delivered rows on."
        ),
    },
    "max_changed_percent": {
        "type": "number",
        "title": "Max changed percent",
        "description": (
            "Brake: the most rows that one plan may change, as a share of those delivered. Rows that are sent again "
            "on purpose do not count. Without it, any number."
        ),
    },
    "min_rows": {
        "type": "integer",
        "title": "Min rows",
        "description": "Brake: the fewest rows that a model must have. Without it, none.",
    },
    "on_empty": {
        "type": "string",
        "enum": ["fail", "skip", "apply"],
        "title": "On empty",
        "description": (
            "Brake: what an empty model means where rows were delivered before: `fail` (default) stops the run, `skip` "
            "leaves everything as it is, `apply` removes the rows, within the brakes on removals."
        ),
    },
}

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
        "enum": ["FULL_TABLE", "INCREMENTAL", "LOG_BASED"],
        "description": (
            "`FULL_TABLE` (default) emits every row in every run; `INCREMENTAL` resumes at the bookmark; `LOG_BASED` "
            "emits what changed since the last confirmed delivery, removals included."
        ),
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
    "mapping_version": {
        "type": ["string", "integer"],
        "description": "For `LOG_BASED`: raise it to send all rows again, after the target's mapping changed, say.",
    },
    "on_duplicate_key": {
        "type": "string",
        "enum": ["fail", "reject"],
        "description": (
            "For `LOG_BASED`: `fail` (default) refuses a model whose keys are null or occur twice; `reject` keeps one "
            "row of each key, the same in every run, and reports how many are left out."
        ),
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
        "sync_id": {
            "type": "string",
            "title": "Sync ID",
            "description": (
                "Names the sync, one per destination, such as `crm-prod`. Needed for `LOG_BASED`: what was delivered "
                "is remembered under it."
            ),
        },
        "state_schema": {
            "type": "string",
            "default": "reverse_etl",
            "title": "State schema",
            "description": "Schema for the tables of the diff; created if need be. Default: `reverse_etl`.",
        },
        "state_url": {
            "type": "string",
            "secret": True,
            "title": "State URL",
            "description": (
                "Keeps the tables of the diff in a DuckDB file (`duckdb:////data/state.duckdb`) instead of the "
                "warehouse, for a role that only reads. A DuckDB warehouse has such a file by itself: "
                "`<root>/.reverse-etl/<sync_id>.duckdb`."
            ),
        },
        "partition_count": {
            "type": "integer",
            "title": "Partition count",
            "description": "Divides the keys of every model into this many slices, for several workers. Default: 1.",
        },
        "partition_index": {
            "type": "integer",
            "title": "Partition index",
            "description": "The slice that this worker emits, counted from 0.",
        },
        "on_duplicate_key": {
            **MODEL_PROPERTIES["on_duplicate_key"],
            "title": "On duplicate key",
        },
        **_BRAKES,
    },
    "required": ["sqlalchemy_url"],
}
