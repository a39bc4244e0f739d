"""What differs between databases: connecting, describing a query, types, placeholders, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_warehouse_model.dialects.base import Dialect, Failure
from tap_warehouse_model.dialects.bigquery import BigQuery
from tap_warehouse_model.dialects.databricks import Databricks
from tap_warehouse_model.dialects.duckdb import DuckDB
from tap_warehouse_model.dialects.postgresql import PostgreSQL
from tap_warehouse_model.dialects.redshift import Redshift
from tap_warehouse_model.dialects.snowflake import Snowflake
from tap_warehouse_model.errors import ConfigError

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Dialect", "Failure", "dialect_of"]

_DIALECTS: dict[str, type[Dialect]] = {
    "duckdb": DuckDB,
    "postgresql": PostgreSQL,
    "postgres": PostgreSQL,
    "snowflake": Snowflake,
    "redshift": Redshift,
    "bigquery": BigQuery,
    "databricks": Databricks,
}


def dialect_of(url: sa.URL) -> Dialect:
    """Return the dialect of a URL.

    Raises:
        ConfigError: This version does not know the database.
    """
    name = url.get_backend_name()
    if name not in _DIALECTS:
        names = sorted(set(_DIALECTS) - {"postgres"})
        msg = f"'sqlalchemy_url': the database '{name}' is not supported. Supported: {', '.join(names)}."
        raise ConfigError(msg)
    return _DIALECTS[name](url)
