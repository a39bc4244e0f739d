"""PostgreSQL, through psycopg 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_warehouse_model.columns import UNREPRESENTABLE, Column, Described, Kind
from tap_warehouse_model.dialects.base import Dialect, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa


# source: PostgreSQL 16, table pg_type: typname, typtype, typcategory
# https://www.postgresql.org/docs/16/catalog-pg-type.html
_TYPES_QUERY = """
SELECT t.oid, format_type(t.oid, NULL), t.typname, t.typtype, t.typcategory
FROM pg_catalog.pg_type AS t WHERE t.oid = ANY(%(oids)s)
"""
# to_char, not a cast: a fixed width makes the order of texts the order of times.
_TIMESTAMP_PATTERN = '\'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"\''


def _within_calendar(value: str, low: str, high: str) -> str:
    return f"CASE WHEN {{}} BETWEEN {low} AND {high} THEN {value} WHEN {{}} IS NOT NULL THEN '{UNREPRESENTABLE}' END"


_DATE = _within_calendar("to_char({}, 'YYYY-MM-DD')", "DATE '0001-01-01'", "DATE '9999-12-31'")
_TIMESTAMP = _within_calendar(
    f"to_char({{}}, {_TIMESTAMP_PATTERN})",
    "TIMESTAMP '0001-01-01 00:00:00'",
    "TIMESTAMP '9999-12-31 23:59:59.999999'",
)
_TIMESTAMPTZ = _within_calendar(
    f"to_char({{}} AT TIME ZONE 'UTC', {_TIMESTAMP_PATTERN})",
    "TIMESTAMPTZ '0001-01-01 00:00:00+00'",
    "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'",
)
_AS_TEXT = "CAST({} AS text)"
# encode() breaks its lines after 76 characters
_BASE64 = "translate(encode({}, 'base64'), E'\\n', '')"
_JSON = "CAST({} AS text)"
_NESTED_JSON = "CAST(to_json({}) AS text)"

_Row = tuple[Kind, str, "str | None", tuple[tuple[str, Any], ...]]
_SIMPLE: dict[str, _Row] = {
    "int2": (Kind.INTEGER, "{}", "bigint", ()),
    "int4": (Kind.INTEGER, "{}", "bigint", ()),
    "int8": (Kind.INTEGER, "{}", "bigint", ()),
    "oid": (Kind.INTEGER, "{}", None, ()),
    "numeric": (Kind.DECIMAL, "{}", None, ()),
    "float4": (Kind.FLOAT, "{}", None, ()),
    "float8": (Kind.FLOAT, "{}", None, ()),
    "bool": (Kind.BOOLEAN, "{}", None, ()),
    "text": (Kind.TEXT, "{}", "text", ()),
    "varchar": (Kind.TEXT, "{}", "text", ()),
    "uuid": (Kind.TEXT, _AS_TEXT, "uuid", (("format", "uuid"),)),
    "bytea": (Kind.TEXT, _BASE64, None, (("contentEncoding", "base64"),)),
    "json": (Kind.JSON, _JSON, None, ()),
    "jsonb": (Kind.JSON, _JSON, None, ()),
    "date": (Kind.DATE, _DATE, "date", ()),
    "timestamp": (Kind.TIMESTAMP, _TIMESTAMP, "timestamp", ()),
    "timestamptz": (Kind.TIMESTAMP, _TIMESTAMPTZ, "timestamptz", ()),
}
# The session's pins make the casts say the same everywhere, at half the cost of to_char.
_COMPARED = dict.fromkeys(("date", "timestamp", "timestamptz"), _AS_TEXT)


class PostgreSQL(Dialect):
    """Read through a server-side cursor, in a session that cannot write."""

    package = "'tap-warehouse-model[postgres]'"
    chunk_rows = 1000  # one round trip each; 5,000 take the same processor time, and memory when rows become large
    session_pins: tuple[str, ...] = (
        "SET TimeZone = 'UTC'",
        "SET DateStyle = 'ISO, YMD'",
        "SET IntervalStyle = 'postgres'",
        "SET extra_float_digits = 1",
        "SET bytea_output = 'hex'",  # inside arrays, composites and ranges
    )
    read_only_pins: tuple[str, ...] = ("SET default_transaction_read_only = on",)
    # The planner takes a hash of a row for cheap and a row from a parallel worker for dear, and would compute alone.
    # Somebody who looks at a plan in a transaction of theirs would keep it from being dropped for ever.
    write_pins: tuple[str, ...] = ("SET parallel_tuple_cost = 0.01", "SET lock_timeout = '120s'")
    scratch_table = "UNLOGGED TABLE"
    length = "octet_length({})"
    digest = "CAST(md5({}) AS uuid)"
    digest_type = "uuid"
    slice_number = "CAST(CAST('x' || substr(md5({}), 1, 8) AS bit(32)) AS bigint)"
    snapshot_isolation: str | None = "REPEATABLE READ"
    numbers_unordered = True

    def __init__(self, url: sa.URL) -> None:
        super().__init__(url)
        self._types: dict[int, tuple[str, ...]] = {}

    def connect_args(self) -> dict[str, Any]:
        """Return the name that the server's activity view shows."""
        return {} if "application_name" in self.url.query else {"application_name": "tap-warehouse-model"}

    def describe(self, cursor: Any, sql: str, params: Mapping[str, Any]) -> list[Described]:  # noqa: ANN401
        """Return names and types as the server announces them before the first row."""
        cursor.connection.autocommit = True  # a transaction would be two more round trips per model
        cursor.execute(f"SELECT * FROM ({sql}\n) AS q LIMIT 0", dict(params))  # noqa: S608 - the user's own SQL
        announced = list(cursor.description or ())
        self._learn(cursor, {column.type_code for column in announced} - self._types.keys())
        cursor.connection.autocommit = False  # not after an error: it may be gone, and nothing will be read
        return [_described(column, *self._types[column.type_code]) for column in announced]

    def _learn(self, cursor: Any, oids: set[int]) -> None:  # noqa: ANN401
        """Ask for types that were not met yet."""
        if oids:
            cursor.execute(_TYPES_QUERY, {"oids": sorted(oids)})
            self._types |= {oid: tuple(rest) for oid, *rest in cursor.fetchall()}

    def column(self, described: Described) -> Column:
        """Return the column; a type without a JSON form is cast to text."""
        name, sql_type, category = described.name, described.sql_type, described.category
        if category == "integral":
            return Column(name, sql_type, Kind.INTEGER, "{}", bookmark_type="numeric")
        if category == "array":
            return Column(name, sql_type, Kind.JSON, _NESTED_JSON, extra=(("type", ["array", "null"]), ("items", {})))
        if category == "composite":
            return Column(name, sql_type, Kind.JSON, _NESTED_JSON, extra=(("type", ["object", "null"]),))
        if category in _SIMPLE:
            kind, expression, bookmark_type, extra = _SIMPLE[category]
            return Column(name, sql_type, kind, expression, bookmark_type, extra, _COMPARED.get(category))
        return Column(name, sql_type, Kind.TEXT, _AS_TEXT)

    def placeholder(self, name: str) -> str:
        """Return a named parameter."""
        return f"%({name})s"

    def escape(self, sql: str) -> str:
        """Double percent signs, which psycopg reads as placeholders."""
        return sql.replace("%", "%%")

    def joined(self, texts: Sequence[str]) -> str:
        """Return `concat_ws`: one call instead of a chain of copies; it would leave out nulls, but there are none."""
        return f"concat_ws('|', {', '.join(texts)})"

    def keys_relation(self, count: int, parameter: str) -> str:
        """Return the keys, unnested."""
        items = ", ".join(f"key ->> {position} AS k{position}" for position in range(count))
        return f"SELECT {items} FROM json_array_elements(CAST({parameter} AS json)) AS key"  # noqa: S608

    def create_table_as(self, connection: sa.Connection, statement: sa.Executable) -> None:
        """Let psycopg write the parameters into the statement: the server takes none in CREATE TABLE AS."""
        import psycopg  # noqa: PLC0415 - an extra: it is there when a connection is

        compiled = statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
        driver: Any = connection.connection.driver_connection
        psycopg.ClientCursor(driver).execute(str(compiled), compiled.params)

    def index(self, table: str, column: str) -> str:
        """Return the statement for an index; without it each page would read the whole table."""
        return f"CREATE UNIQUE INDEX ON {table} ({column})"

    def stream(self, connection: Any) -> Any:  # noqa: ANN401
        """Return a server-side cursor."""
        return connection.cursor(name="tap_warehouse_model")

    def failure(self, error: BaseException) -> Failure | None:
        """Return the server's message for errors in the SQL, and only the kind of error in the data."""
        if not type(error).__module__.startswith("psycopg"):
            return None
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)  # psycopg2's name
        if code is None:
            return Failure(self._without_password(" ".join(str(error).split())))
        # source: PostgreSQL 16, appendix A: 55P03 is lock_not_available, what lock_timeout raises
        if code == "55P03":
            return Failure("a table is locked by another session (SQLSTATE 55P03)", is_busy=True)
        # source: PostgreSQL 16, appendix A: 25006 is read_only_sql_transaction
        if code == "25006":
            return Failure("the session may only read (SQLSTATE 25006)", is_config_error=True)
        # source: PostgreSQL 16, appendix A: class 42 is "Syntax Error or Access Rule Violation", class 0A is
        # "Feature Not Supported", which a relation of another database is
        if code.startswith(("42", "0A")):
            primary = getattr(getattr(error, "diag", None), "message_primary", None) or type(error).__name__
            return Failure(f"{primary} (SQLSTATE {code})", is_config_error=True)
        return Failure(
            f"{type(error).__name__} (SQLSTATE {code}); the server's text is not shown, because it may hold values"
        )

    def _without_password(self, text: str) -> str:
        password = self.url.password
        return text.replace(str(password), "***") if password else text


def _described(column: Any, name: str, typname: str, typtype: str, typcategory: str) -> Described:  # noqa: ANN401
    """Return one column; a domain arrives here as its base type, as the server announces it so."""
    if typname == "numeric" and column.precision is not None:
        precision, scale = column.precision, column.scale
        return Described(column.name, f"numeric({precision},{scale})", "numeric" if scale > 0 else "integral")
    if typcategory == "A":
        return Described(column.name, name, "array")
    if typtype == "c" or typname == "record":
        return Described(column.name, name, "composite")
    return Described(column.name, name, typname if typtype == "b" else "")
