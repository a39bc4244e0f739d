"""DuckDB, through duckdb-sqlalchemy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_warehouse_model.columns import UNREPRESENTABLE, Column, Described, Kind
from tap_warehouse_model.dialects.base import Dialect, Failure
from tap_warehouse_model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# source: DuckDB documentation, "Data types", https://duckdb.org/docs/stable/sql/data_types/overview
_INTEGERS = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"]
)
_NAIVE = frozenset({"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
_ZONED = "TIMESTAMP WITH TIME ZONE"
_ISO = "'%Y-%m-%dT%H:%M:%S.%f+00:00'"
_CONFIG_ERRORS = frozenset(
    {"ParserException", "BinderException", "CatalogException", "SyntaxException", "NotImplementedException"}
)
# Their text quotes the value that could not be read.
_ERRORS_WITH_VALUES = frozenset(
    {"ConversionException", "InvalidInputException", "OutOfRangeException", "ConstraintException"}
)


def _within_calendar(value: str, written: str, low: str, high: str) -> str:
    """Return an expression: `written` for a value between two literals, and the marker for another one."""
    return (
        f"CASE WHEN {value} BETWEEN {low} AND {high} THEN {written} WHEN {{}} IS NOT NULL THEN '{UNREPRESENTABLE}' END"
    )


_DATE = _within_calendar("{}", "CAST({} AS VARCHAR)", "DATE '0001-01-01'", "DATE '9999-12-31'")
# The cast is for TIMESTAMP_NS, which cannot hold the literals that it would be compared with.
_TIMESTAMP = _within_calendar(
    "CAST({} AS TIMESTAMP)",
    f"strftime(CAST({{}} AS TIMESTAMP), {_ISO})",
    "TIMESTAMP '0001-01-01 00:00:00'",
    "TIMESTAMP '9999-12-31 23:59:59.999999'",
)
# AT TIME ZONE 'UTC' first: the Python client turns TIMESTAMPTZ into datetime through pytz, which alone
# takes longer than the rest of a sync.
_TIMESTAMPTZ = _within_calendar(
    "{}",
    f"strftime({{}} AT TIME ZONE 'UTC', {_ISO})",
    "TIMESTAMPTZ '0001-01-01 00:00:00+00'",
    "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'",
)


class DuckDB(Dialect):
    """An embedded file is opened read-only, so that it is not locked against other readers."""

    package = "duckdb-sqlalchemy"
    chunk_rows = 256  # no round trip: any size measures the same, and DuckDB keeps 2,048 rows ready itself
    session_pins = ("SET TimeZone = 'UTC'",)
    length = "strlen({})"
    digest = "CAST(md5({}) AS UUID)"
    digest_type = "UUID"
    slice_number = "CAST('0x' || substr(md5({}), 1, 8) AS BIGINT)"
    numbers_unordered = True

    def has_lock(self) -> bool:
        """Return True for a file: nobody can write it while it is open."""
        return self._is_file()

    def connect_args(self) -> dict[str, Any]:
        """Return `read_only` for a file, and check that the file is there."""
        if not self._is_file():
            return {}
        path = Path(str(self.url.database))
        if not path.is_file():
            msg = (
                f"'sqlalchemy_url': the DuckDB file '{path}' does not exist (working directory: '{Path.cwd()}'). "
                "Build it first, or correct the path; an absolute path needs four slashes, duckdb:////data/x.duckdb."
            )
            raise ConfigError(msg)
        return {} if "access_mode" in self.url.query else {"read_only": True}

    def _is_file(self) -> bool:
        database = self.url.database or ":memory:"
        return not database.startswith((":memory:", "md:", "motherduck:")) and "://" not in database

    def describe(self, cursor: Any, sql: str, params: Mapping[str, Any]) -> list[Described]:  # noqa: ANN401
        """Return names and exact types; DESCRIBE binds the query but does not run it."""
        # Not `SELECT * FROM (...)`: that would rename a duplicate column instead of showing it.
        cursor.execute(f"DESCRIBE {sql}", dict(params))
        return [Described(row[0], row[1]) for row in cursor.fetchall()]

    def column(self, described: Described) -> Column:
        """Return the column; a type without a JSON form is cast to text."""
        name, sql_type = described.name, described.sql_type
        base = sql_type.partition("(")[0]
        if sql_type.endswith("]") or base in {"STRUCT", "MAP"}:
            return Column(name, sql_type, Kind.NESTED, extra=_nested_type(sql_type), compared=_NESTED_TEXT)
        if sql_type in _INTEGERS:
            return Column(name, sql_type, Kind.INTEGER, bookmark_type=sql_type)
        if sql_type in _NAIVE:
            return Column(name, sql_type, Kind.TIMESTAMP, _TIMESTAMP, bookmark_type="TIMESTAMP", compared=_MICROSECONDS)
        if base == "DECIMAL":
            return _decimal(name, sql_type)
        column = _SIMPLE.get(sql_type)
        if column is None:
            return Column(name, sql_type, Kind.TEXT, "CAST({} AS VARCHAR)")
        kind, expression, bookmark_type, extra = column
        return Column(name, sql_type, kind, expression, bookmark_type, extra, _COMPARED.get(sql_type))

    def placeholder(self, name: str) -> str:
        """Return a named parameter."""
        return f"${name}"

    def escape(self, sql: str) -> str:
        """Return the text as it is."""
        return sql

    def joined(self, texts: Sequence[str]) -> str:
        """Return `concat_ws`, which measures a fifth faster than `||`; it would leave out nulls, but there are none."""
        return f"concat_ws('|', {', '.join(texts)})"

    def keys_relation(self, count: int, parameter: str) -> str:
        """Return the keys, unnested."""
        items = ", ".join(f"key ->> {position} AS k{position}" for position in range(count))
        return f"SELECT {items} FROM (SELECT unnest(CAST({parameter} AS JSON[])) AS key)"  # noqa: S608

    def stream(self, connection: Any) -> Any:  # noqa: ANN401
        """Return a plain cursor: DuckDB computes a result while it is fetched."""
        return connection.cursor()

    def interrupt(self, connection: Any) -> None:  # noqa: ANN401
        """Break off the query: DuckDB does not look for signals while it computes the next rows."""
        connection.interrupt()

    def failure(self, error: BaseException) -> Failure | None:
        """Return the first paragraph of DuckDB's message, unless it may quote values."""
        if not type(error).__module__.startswith(("_duckdb", "duckdb")):
            return None
        kind = type(error).__name__
        if kind in _ERRORS_WITH_VALUES:
            return Failure(f"{kind}; DuckDB's text is not shown, because it may hold values")
        reason = " ".join(str(error).partition("\n\nLINE")[0].split())
        if kind == "IOException" and "Could not set lock" in reason:
            return Failure(reason.partition(" See also")[0], is_busy=True)
        is_other_file = kind == "IOException" and "not a valid DuckDB database file" in reason
        return Failure(reason, is_config_error=kind in _CONFIG_ERRORS or is_other_file)


_TEXT_KEY = "VARCHAR"
_SIMPLE: dict[str, tuple[Kind, str, str | None, tuple[tuple[str, Any], ...]]] = {
    "BOOLEAN": (Kind.BOOLEAN, "{}", None, ()),
    "DOUBLE": (Kind.FLOAT, "{}", None, ()),
    # By way of text: 0.1 as FLOAT stays 0.1 instead of 0.10000000149011612.
    "FLOAT": (Kind.FLOAT, "CAST(CAST({} AS VARCHAR) AS DOUBLE)", None, ()),
    "VARCHAR": (Kind.TEXT, "{}", _TEXT_KEY, ()),
    "UUID": (Kind.TEXT, "CAST({} AS VARCHAR)", "UUID", (("format", "uuid"),)),
    "BLOB": (Kind.TEXT, "to_base64({})", None, (("contentEncoding", "base64"),)),
    "JSON": (Kind.JSON, "CAST({} AS VARCHAR)", None, ()),
    "DATE": (Kind.DATE, _DATE, "DATE", ()),
    _ZONED: (Kind.TIMESTAMP, _TIMESTAMPTZ, _ZONED, ()),
}
_MICROSECONDS = "epoch_us({})"
_NESTED_TEXT = "CAST(to_json({}) AS VARCHAR)"
_COMPARED = {_ZONED: _MICROSECONDS, "DATE": "{}"}


def _decimal(name: str, sql_type: str) -> Column:
    """Return an exact number; without digits after the point it is an integer."""
    if sql_type.endswith(",0)"):
        return Column(name, sql_type, Kind.INTEGER, "CAST({} AS HUGEINT)", bookmark_type="HUGEINT")
    return Column(name, sql_type, Kind.DECIMAL)


def _nested_type(sql_type: str) -> tuple[tuple[str, Any], ...]:
    if sql_type.endswith("]"):
        return (("type", ["array", "null"]), ("items", {}))
    return (("type", ["object", "null"]),)
