"""Snowflake, through snowflake-sqlalchemy and either major version of its connector (4, or 5 in Rust)."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tap_warehouse_model.columns import UNREPRESENTABLE, Column, Described, Kind
from tap_warehouse_model.dialects.base import Dialect, Failure, quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

# source: snowflake-connector-python 4.8.1, snowflake/connector/constants.py, FIELD_TYPES: the position is the code;
# 5.2.0, snowflake/connector/_internal/type_codes.py: the same numbers
_TYPES = (
    "NUMBER",
    "FLOAT",
    "VARCHAR",
    "DATE",
    "TIMESTAMP",
    "VARIANT",
    "TIMESTAMP_LTZ",
    "TIMESTAMP_TZ",
    "TIMESTAMP_NTZ",
    "OBJECT",
    "ARRAY",
    "BINARY",
    "TIME",
    "BOOLEAN",
    "GEOGRAPHY",
    "GEOMETRY",
    "VECTOR",
    "MAP",
)
# source: Snowflake, "Date and time input and output formats": FF6 is microseconds, fixed width
# https://docs.snowflake.com/en/sql-reference/date-time-input-output
_ISO = "'YYYY-MM-DD\"T\"HH24:MI:SS.FF6'"


def _within_calendar(written: str, low: str, high: str) -> str:
    return f"CASE WHEN {{}} BETWEEN {low} AND {high} THEN {written} WHEN {{}} IS NOT NULL THEN '{UNREPRESENTABLE}' END"


def _timestamp(sql_type: str, utc: str, offset: str = "") -> str:
    low, high = (
        f"CAST('{text}{offset}' AS {sql_type})" for text in ("0001-01-01T00:00:00", "9999-12-31T23:59:59.999999")
    )
    return _within_calendar(f"TO_CHAR(CAST({utc} AS TIMESTAMP_NTZ), {_ISO}) || '+00:00'", low, high)


_DATE = _within_calendar(
    "TO_CHAR(CAST({} AS DATE), 'YYYY-MM-DD')", "CAST('0001-01-01' AS DATE)", "CAST('9999-12-31' AS DATE)"
)
# source: Snowflake, CONVERT_TIMEZONE with two arguments: the result has the target's offset, which the cast to
# TIMESTAMP_NTZ then drops
# https://docs.snowflake.com/en/sql-reference/functions/convert_timezone
_ZONED = "CONVERT_TIMEZONE('UTC', {})"
_AS_TEXT = "CAST({} AS VARCHAR)"
# source: Snowflake, TO_JSON: compact text; https://docs.snowflake.com/en/sql-reference/functions/to_json
_JSON = "TO_JSON({})"
_WKT = "ST_ASWKT({})"  # GEOGRAPHY cannot be cast to VARCHAR

_ARRAY: tuple[tuple[str, Any], ...] = (("type", ["array", "null"]), ("items", {}))
_OBJECT: tuple[tuple[str, Any], ...] = (("type", ["object", "null"]),)
_Row = tuple[Kind, str, "str | None", tuple[tuple[str, Any], ...]]
_SIMPLE: dict[str, _Row] = {
    "FLOAT": (Kind.FLOAT, "{}", None, ()),
    "BOOLEAN": (Kind.BOOLEAN, "{}", None, ()),
    "VARCHAR": (Kind.TEXT, "{}", "VARCHAR", ()),
    "DATE": (Kind.DATE, _DATE, "DATE", ()),
    "TIME": (Kind.TEXT, _AS_TEXT, None, ()),
    "TIMESTAMP_NTZ": (Kind.TIMESTAMP, _timestamp("TIMESTAMP_NTZ", "{}"), "TIMESTAMP_NTZ", ()),
    "TIMESTAMP_LTZ": (Kind.TIMESTAMP, _timestamp("TIMESTAMP_LTZ", _ZONED, "+00:00"), "TIMESTAMP_LTZ", ()),
    "TIMESTAMP_TZ": (Kind.TIMESTAMP, _timestamp("TIMESTAMP_TZ", _ZONED, "+00:00"), "TIMESTAMP_TZ", ()),
    "VARIANT": (Kind.JSON, _JSON, None, ()),
    "OBJECT": (Kind.JSON, _JSON, None, _OBJECT),
    "MAP": (Kind.JSON, "TO_JSON(CAST({} AS VARIANT))", None, _OBJECT),
    "ARRAY": (Kind.JSON, _JSON, None, _ARRAY),
    "VECTOR": (Kind.JSON, "TO_JSON(CAST({} AS ARRAY))", None, _ARRAY),
    "BINARY": (Kind.TEXT, "BASE64_ENCODE({})", None, (("contentEncoding", "base64"),)),
    "GEOGRAPHY": (Kind.TEXT, _WKT, None, ()),
    "GEOMETRY": (Kind.TEXT, _WKT, None, ()),
}

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_CODE = re.compile(r"^(?:\d{6} \(\w{5}\): )+")
# source: Snowflake, "SQLSTATE" in error messages: class 42 is "Syntax Error or Access Rule Violation"; 2043: "Object
# does not exist, or operation cannot be performed"; 90105, 90106: no current database, no current schema
_CONFIG_ERRNOS = frozenset({2043, 90105, 90106})
_LOGIN_ERRNOS = frozenset([*range(250000, 252000), *range(390000, 400000)])
LOGIN_TIMEOUT_S = 60
_NOT_USED = "tap_not_used"


class Snowflake(Dialect):
    """Parameters are written into the SQL by the driver, which quotes them."""

    package = "'tap-warehouse-model[snowflake]'"
    chunk_rows = 10_000  # out of batches that the driver has fetched already
    session_pins = (
        "ALTER SESSION SET TIMEZONE = 'UTC'",
        "ALTER SESSION SET TIME_OUTPUT_FORMAT = 'HH24:MI:SS.FF6'",
        # of a process that was killed; https://docs.snowflake.com/en/sql-reference/parameters#abort-detached-query
        "ALTER SESSION SET ABORT_DETACHED_QUERY = TRUE",
    )
    # source: https://docs.snowflake.com/en/sql-reference/functions/md5_number_upper64: the first 64 of 128 bits, big
    # endian, as an unsigned integer; a plain division would round
    slice_number = "((MD5_NUMBER_UPPER64({}) - MOD(MD5_NUMBER_UPPER64({}), 4294967296)) / 4294967296)"

    def engine_options(self) -> dict[str, Any]:
        """Return options without a statement per connection that goes back: reading leaves nothing to roll back."""
        return {"pool_reset_on_return": None}

    def connect_args(self) -> dict[str, Any]:
        """Return a tag that Snowflake's query history shows, and a limit for hosts that do not answer."""
        quiet("snowflake")
        arguments: dict[str, Any] = {"session_parameters": {"QUERY_TAG": "tap-warehouse-model"}}
        return arguments if "login_timeout" in self.url.query else {**arguments, "login_timeout": LOGIN_TIMEOUT_S}

    def describe(self, cursor: Any, sql: str, params: Mapping[str, Any]) -> list[Described]:  # noqa: ANN401
        """Return names and types as the server announces them; the query is compiled, not run."""
        return [_described(column) for column in cursor.describe(sql, self.arguments(params))]

    def column(self, described: Described) -> Column:
        """Return the column; a type without a JSON form is cast to text."""
        name, sql_type, category = described.name, described.sql_type, described.category
        if category == "integral":
            return Column(name, sql_type, Kind.INTEGER, "{}", bookmark_type="NUMBER(38,0)")
        if category == "decimal":
            return Column(name, sql_type, Kind.DECIMAL)
        if sql_type not in _SIMPLE:
            return Column(name, sql_type, Kind.TEXT, _AS_TEXT)
        kind, expression, bookmark_type, extra = _SIMPLE[sql_type]
        return Column(name, sql_type, kind, expression, bookmark_type, extra)

    def table_part(self, part: str, *, is_quoted: bool) -> str:
        """Return a name as Snowflake keeps it: in upper case unless it was quoted."""
        return part if is_quoted or not _PLAIN_NAME.fullmatch(part) else part.upper()

    def placeholder(self, name: str) -> str:
        """Return a named parameter."""
        return f"%({name})s"

    def escape(self, sql: str) -> str:
        """Double percent signs, which the connector reads as placeholders."""
        return sql.replace("%", "%%")

    def arguments(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters, at least one: without any, the connector leaves doubled percent signs as they are."""
        # source: snowflake-connector-python 4.8.1, cursor.py, _preprocess_pyformat_query
        return super().arguments(params) or {_NOT_USED: None}

    def keys_relation(self, count: int, parameter: str) -> str:
        """Return the keys, flattened."""
        items = ", ".join(f"CAST(f.value[{position}] AS VARCHAR) AS k{position}" for position in range(count))
        return f"SELECT {items} FROM TABLE(FLATTEN(INPUT => PARSE_JSON({parameter}))) AS f"  # noqa: S608

    def stream(self, connection: Any) -> Any:  # noqa: ANN401
        """Return a plain cursor: results come in batches, of which the driver holds a few."""
        return connection.cursor()

    def interrupt(self, connection: Any) -> None:  # noqa: ANN401
        """Cancel what the session runs, by another request of the same session."""
        # source: https://docs.snowflake.com/en/sql-reference/functions/system_cancel_all_queries
        with suppress(Exception):  # there may be nothing to cancel any more
            connection.cursor().execute(f"SELECT SYSTEM$CANCEL_ALL_QUERIES({int(connection.session_id)})")

    def failure(self, error: BaseException) -> Failure | None:
        """Return the server's message for errors in the SQL and of the login, and only its number for the data."""
        if not type(error).__module__.startswith("snowflake."):
            return None
        number, state = getattr(error, "errno", None), getattr(error, "sqlstate", None) or ""
        text = _CODE.sub("", " ".join(str(getattr(error, "raw_msg", None) or error).split()))
        code = f"({number}, SQLSTATE {state})" if state else f"({number})"
        if state.startswith("42") or number in _CONFIG_ERRNOS:
            return Failure(f"{text.rstrip('.')} {code}", is_config_error=True)
        if state.startswith("08") or number in _LOGIN_ERRNOS:
            return Failure(self._without_password(text))
        return Failure(f"{type(error).__name__} {code}; Snowflake's text is not shown, because it may hold values")

    def _without_password(self, text: str) -> str:
        password = self.url.password
        return text.replace(str(password), "***") if password else text


def _described(column: Any) -> Described:  # noqa: ANN401
    name = _TYPES[column.type_code] if column.type_code < len(_TYPES) else "other"
    if name != "NUMBER":
        return Described(column.name, name)
    if column.precision is None or column.scale is None:
        return Described(column.name, "DECFLOAT", "decimal")
    return Described(
        column.name, f"NUMBER({column.precision},{column.scale})", "decimal" if column.scale > 0 else "integral"
    )
