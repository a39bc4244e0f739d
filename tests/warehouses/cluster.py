"""PostgreSQL in the place of Redshift: what both understand, through sqlalchemy-redshift and psycopg2."""

from __future__ import annotations

from typing import Any

import psycopg

FUNCTIONS = (
    "CREATE FUNCTION strtol(digits text, base integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS "
    "$$ SELECT CAST(CAST('x' || digits AS bit(32)) AS bigint) $$"
)
"""What the tap uses of Redshift's and PostgreSQL lacks."""


class Cluster:
    """A database, and the configuration that reads it as if it were Redshift."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.url = url.replace("postgresql://", "redshift://", 1)
        self.execute(FUNCTIONS)

    def config(self, *models: dict[str, Any], **settings: Any) -> dict[str, Any]:
        """Return a configuration with these models."""
        options = {"connect_args": {"sslmode": "disable"}}
        return {"sqlalchemy_url": self.url, "engine_options": options, "models": list(models), **settings}

    def execute(self, *statements: str) -> list[list[str]]:
        """Run statements and commit; return the rows of the last one as texts."""
        with psycopg.connect(self._url) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement.encode())
            return [[str(value) for value in row] for row in cursor.fetchall()] if cursor.description else []
