"""Databricks SQL, through databricks-sqlalchemy."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tap_warehouse_model.columns import UNREPRESENTABLE, Column, Described, Kind
from tap_warehouse_model.dialects.base import Dialect, Failure, quiet

if TYPE_CHECKING:
    from collections.abc import Mapping


def _within_calendar(written: str, low: str, high: str) -> str:
    return f"CASE WHEN {{}} BETWEEN {low} AND {high} THEN {written} WHEN {{}} IS NOT NULL THEN '{UNREPRESENTABLE}' END"


def _timestamp(sql_type: str) -> str:
    # the session's time zone is UTC; no literal of a pattern with quotes, which dialects write differently
    written = "date_format({}, 'yyyy-MM-dd') || 'T' || date_format({}, 'HH:mm:ss.SSSSSS') || '+00:00'"
    low, high = (f"{sql_type} '{text}'" for text in ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"))
    return _within_calendar(written, low, high)


_DATE = _within_calendar("date_format({}, 'yyyy-MM-dd')", "DATE '0001-01-01'", "DATE '9999-12-31'")
_AS_TEXT = "CAST({} AS STRING)"
# source: Spark SQL, "JSON data source options": without the option, fields that are null are left out
# https://spark.apache.org/docs/latest/sql-data-sources-json.html
_JSON = "to_json({}, map('ignoreNullFields', 'false'))"

_Row = tuple[Kind, str, "str | None", tuple[tuple[str, Any], ...]]
# source: Databricks, "Data types", https://docs.databricks.com/en/sql/language-manual/sql-ref-datatypes.html
_SIMPLE: dict[str, _Row] = {
    "tinyint": (Kind.INTEGER, "{}", "BIGINT", ()),
    "smallint": (Kind.INTEGER, "{}", "BIGINT", ()),
    "int": (Kind.INTEGER, "{}", "BIGINT", ()),
    "bigint": (Kind.INTEGER, "{}", "BIGINT", ()),
    # By way of text: 0.1 as FLOAT stays 0.1 instead of 0.10000000149011612.
    "float": (Kind.FLOAT, "CAST(CAST({} AS STRING) AS DOUBLE)", None, ()),
    "double": (Kind.FLOAT, "{}", None, ()),
    "boolean": (Kind.BOOLEAN, "{}", None, ()),
    "string": (Kind.TEXT, "{}", "STRING", ()),
    "varchar": (Kind.TEXT, "{}", "STRING", ()),
    "char": (Kind.TEXT, "{}", "STRING", ()),
    "binary": (Kind.TEXT, "base64({})", None, (("contentEncoding", "base64"),)),
    "date": (Kind.DATE, _DATE, "DATE", ()),
    "timestamp": (Kind.TIMESTAMP, _timestamp("TIMESTAMP"), "TIMESTAMP", ()),
    "timestamp_ntz": (Kind.TIMESTAMP, _timestamp("TIMESTAMP_NTZ"), "TIMESTAMP_NTZ", ()),
    "variant": (Kind.JSON, "to_json({})", None, ()),
    "struct": (Kind.JSON, _JSON, None, (("type", ["object", "null"]),)),
    "map": (Kind.JSON, _JSON, None, (("type", ["object", "null"]),)),
    "array": (Kind.JSON, _JSON, None, (("type", ["array", "null"]), ("items", {}))),
    "geography": (Kind.TEXT, "ST_AsText({})", None, ()),
    "geometry": (Kind.TEXT, "ST_AsText({})", None, ()),
}
_DECIMAL = re.compile(r"decimal\(\d+,(\d+)\)")
_STATE = re.compile(r"SQLSTATE: (\w{5})")


class Databricks(Dialect):
    """A SQL warehouse or a cluster; parameters are named markers that the server binds."""

    package = "'tap-warehouse-model[databricks]'"
    chunk_rows = 10_000  # out of batches that the driver has fetched already
    session_pins = ("SET TIME ZONE 'UTC'",)
    text = _AS_TEXT
    digest_type = "STRING"
    # source: https://docs.databricks.com/en/sql/language-manual/functions/conv.html
    slice_number = "CAST(conv(substr(md5({}), 1, 8), 16, 10) AS BIGINT)"
    # source: Delta Lake, DeltaErrors.scala, multiColumnInPredicateNotSupportedException: not in DELETE
    has_row_values = False

    def __init__(self, url: Any) -> None:  # noqa: ANN401
        super().__init__(url)
        self._cursor: Any = None

    def connect_args(self) -> dict[str, Any]:
        """Return the name that the query history shows."""
        quiet("databricks")
        return {"user_agent_entry": "tap-warehouse-model"}

    def describe(self, cursor: Any, sql: str, params: Mapping[str, Any]) -> list[Described]:  # noqa: ANN401
        """Return names and exact types; DESCRIBE QUERY analyses the query but does not run it."""
        # source: https://docs.databricks.com/en/sql/language-manual/sql-ref-syntax-aux-describe-query.html
        cursor.execute(f"DESCRIBE QUERY {sql}", self.arguments(params))
        return [Described(row[0], row[1]) for row in cursor.fetchall()]

    def column(self, described: Described) -> Column:
        """Return the column; a type without a JSON form is cast to text."""
        name, sql_type = described.name, described.sql_type
        if decimal := _DECIMAL.fullmatch(sql_type):
            if decimal[1] == "0":
                return Column(name, sql_type, Kind.INTEGER, "{}", bookmark_type="DECIMAL(38,0)")
            return Column(name, sql_type, Kind.DECIMAL)
        base = re.split(r"[(<]", sql_type, maxsplit=1)[0]
        if base not in _SIMPLE:
            return Column(name, sql_type, Kind.TEXT, _AS_TEXT)
        kind, expression, bookmark_type, extra = _SIMPLE[base]
        return Column(name, sql_type, kind, expression, bookmark_type, extra)

    def placeholder(self, name: str) -> str:
        """Return a named marker."""
        return f":{name}"

    def escape(self, sql: str) -> str:
        """Return the text as it is."""
        return sql

    def keys_relation(self, count: int, parameter: str) -> str:
        """Return the keys, exploded."""
        items = ", ".join(f"key[{position}] AS k{position}" for position in range(count))
        return f"SELECT {items} FROM (SELECT explode(from_json({parameter}, 'array<array<string>>')) AS key)"  # noqa: S608

    def stream(self, connection: Any) -> Any:  # noqa: ANN401
        """Return a plain cursor: results come in batches."""
        self._cursor = connection.cursor()
        return self._cursor

    def interrupt(self, connection: Any) -> None:  # noqa: ANN401
        """Cancel the statement."""
        # source: databricks-sql-connector 4.9.0, client.py, Cursor.cancel: may be called from another thread
        del connection
        with suppress(Exception):  # it may have ended
            if self._cursor is not None:
                self._cursor.cancel()

    def failure(self, error: BaseException) -> Failure | None:
        """Return the server's message for errors in the SQL and of the connection, and only its state for the data."""
        if not type(error).__module__.startswith("databricks."):
            return None
        message = str(error)
        state = _STATE.search(message)
        text = " ".join(re.split(r"\n|== SQL", message, maxsplit=1)[0].split())
        if state is None:
            is_request = type(error).__name__ in {"RequestError", "OperationalError", "SessionAlreadyClosedError"}
            hidden = f"{type(error).__name__}; its text is not shown, because it may hold values"
            return Failure(self._without_password(text) if is_request else hidden)
        # source: Databricks, "SQLSTATE", class 42: syntax error or access rule violation
        # https://docs.databricks.com/en/error-messages/sqlstates.html
        if state[1].startswith("42"):
            return Failure(self._without_password(text), is_config_error=True)
        return Failure(
            f"{type(error).__name__} (SQLSTATE {state[1]}); its text is not shown, because it may hold values"
        )

    def _without_password(self, text: str) -> str:
        password = self.url.password
        return text.replace(str(password), "***") if password else text
