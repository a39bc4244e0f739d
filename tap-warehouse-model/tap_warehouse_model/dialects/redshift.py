"""Amazon Redshift, through sqlalchemy-redshift and psycopg2, whose named cursors fetch a result in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_warehouse_model.columns import UNREPRESENTABLE, Column, Described, Kind
from tap_warehouse_model.dialects.base import Dialect
from tap_warehouse_model.dialects.postgresql import PostgreSQL
from tap_warehouse_model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

# source: redshift_connector 2.2.0, redshift_connector/utils/oids.py; 25 and 705 are PostgreSQL's text and unknown
_TYPES = {
    16: "boolean",
    20: "bigint",
    21: "smallint",
    23: "integer",
    25: "varchar",
    26: "oid",
    700: "real",
    701: "double precision",
    705: "unknown",
    1042: "char",
    1043: "varchar",
    1082: "date",
    1114: "timestamp",
    1184: "timestamptz",
    1700: "numeric",
    3000: "geometry",
    3001: "geography",
    4000: "super",
    6551: "varbyte",
}


def _within_calendar(value: str, low: str, high: str) -> str:
    return f"CASE WHEN {{}} BETWEEN {low} AND {high} THEN {value} WHEN {{}} IS NOT NULL THEN '{UNREPRESENTABLE}' END"


def _iso(value: str) -> str:
    return f"TO_CHAR({value}, 'YYYY-MM-DD') || 'T' || TO_CHAR({value}, 'HH24:MI:SS.US') || '+00:00'"


_DATE = _within_calendar("TO_CHAR({}, 'YYYY-MM-DD')", "DATE '0001-01-01'", "DATE '9999-12-31'")
_TIMESTAMP = _within_calendar(_iso("{}"), "TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '9999-12-31 23:59:59.999999'")
_TIMESTAMPTZ = _within_calendar(
    _iso("({} AT TIME ZONE 'UTC')"),
    "TIMESTAMPTZ '0001-01-01 00:00:00+00'",
    "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'",
)
# source: Redshift, CAST: without a length VARCHAR has 256 bytes
# https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
_AS_TEXT = "CAST({} AS VARCHAR(65535))"

_Row = tuple[Kind, str, "str | None", tuple[tuple[str, Any], ...]]
_SIMPLE: dict[str, _Row] = {
    "boolean": (Kind.BOOLEAN, "{}", None, ()),
    "smallint": (Kind.INTEGER, "{}", "BIGINT", ()),
    "integer": (Kind.INTEGER, "{}", "BIGINT", ()),
    "bigint": (Kind.INTEGER, "{}", "BIGINT", ()),
    "oid": (Kind.INTEGER, "{}", None, ()),
    "real": (Kind.FLOAT, "{}", None, ()),
    "double precision": (Kind.FLOAT, "{}", None, ()),
    "varchar": (Kind.TEXT, "{}", "VARCHAR(65535)", ()),
    "char": (Kind.TEXT, _AS_TEXT, "VARCHAR(65535)", ()),
    "date": (Kind.DATE, _DATE, "DATE", ()),
    "timestamp": (Kind.TIMESTAMP, _TIMESTAMP, "TIMESTAMP", ()),
    "timestamptz": (Kind.TIMESTAMP, _TIMESTAMPTZ, "TIMESTAMPTZ", ()),
    # source: https://docs.aws.amazon.com/redshift/latest/dg/JSON_SERIALIZE.html
    "super": (Kind.JSON, "JSON_SERIALIZE({})", None, ()),
    # source: https://docs.aws.amazon.com/redshift/latest/dg/r_FROM_VARBYTE.html: 'base64' is among its formats
    "varbyte": (Kind.TEXT, "FROM_VARBYTE({}, 'base64')", None, (("contentEncoding", "base64"),)),
    "geometry": (Kind.TEXT, "ST_AsText({})", None, ()),
    "geography": (Kind.TEXT, "ST_AsText({})", None, ()),
}


class Redshift(PostgreSQL):
    """Read through a cursor of the server, which keeps the result on the leader node until it is fetched."""

    package = "'tap-warehouse-model[redshift]'"
    # source: "FETCH": at most 1,000 rows at once on a cluster of one node
    # https://docs.aws.amazon.com/redshift/latest/dg/fetch.html
    chunk_rows = 1000
    # source: https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_ConfigurationRef.html
    # No query_group: it would choose the queue.
    session_pins = (
        "SET timezone TO 'UTC'",
        "SET datestyle TO 'ISO, YMD'",
        "SET extra_float_digits TO 2",
    )
    read_only_pins = ()
    write_pins = ()
    scratch_table = "TABLE"
    text = _AS_TEXT
    part = "MD5({})"  # all columns would not fit into the 65,535 bytes of a VARCHAR
    length = "OCTET_LENGTH({})"
    digest = "MD5({})"
    digest_type = "VARCHAR(32)"
    # source: https://docs.aws.amazon.com/redshift/latest/dg/r_STRTOL.html
    slice_number = "STRTOL(SUBSTRING(MD5({}), 1, 8), 16)"
    snapshot_isolation = None
    numbers_unordered = False

    def connect_args(self) -> dict[str, Any]:
        """Return the name that the server's activity view shows.

        Raises:
            ConfigError: The URL names the driver that reads whole results into memory.
        """
        if self.url.drivername == "redshift+redshift_connector":
            # source: redshift_connector 2.2.0, core.py, EXECUTE_MSG: asks for all rows
            msg = "'sqlalchemy_url': redshift_connector reads a whole result into memory. Write 'redshift://...'."
            raise ConfigError(msg)
        return super().connect_args()

    def describe(self, cursor: Any, sql: str, params: Mapping[str, Any]) -> list[Described]:  # noqa: ANN401
        """Return names and types as the server announces them before the first row."""
        cursor.execute(f"SELECT * FROM ({sql}\n) AS q LIMIT 0", self.arguments(params))  # noqa: S608 - the user's own SQL
        return [_described(column) for column in cursor.description or ()]

    def column(self, described: Described) -> Column:
        """Return the column; a type without a JSON form is cast to text."""
        name, sql_type, category = described.name, described.sql_type, described.category
        if category == "integral":
            return Column(name, sql_type, Kind.INTEGER, "{}", bookmark_type="DECIMAL(38,0)")
        if category == "decimal":
            return Column(name, sql_type, Kind.DECIMAL)
        if sql_type not in _SIMPLE:
            return Column(name, sql_type, Kind.TEXT, _AS_TEXT)
        kind, expression, bookmark_type, extra = _SIMPLE[sql_type]
        return Column(name, sql_type, kind, expression, bookmark_type, extra)

    def argument(self, value: Any) -> Any:  # noqa: ANN401
        """Return a list as a tuple, which psycopg2 writes for `IN :name`: there is no array to compare with."""
        return tuple(value) if isinstance(value, list) else value

    def joined(self, texts: Sequence[str]) -> str:
        """Return texts joined one by one: there is no concat_ws."""
        return Dialect.joined(self, texts)

    def keys_relation(self, count: int, parameter: str) -> None:  # type: ignore[override]
        """Return None: JSON_PARSE takes a VARCHAR of at most 65,535 bytes."""
        del count, parameter

    def create_table_as(self, connection: sa.Connection, statement: sa.Executable) -> None:
        """Run the statement: psycopg2 writes parameters into the text."""
        connection.execute(statement)

    def index(self, table: str, column: str) -> None:  # type: ignore[override]
        """Return None: there are no indexes."""
        del table, column

    def interrupt(self, connection: Any) -> None:  # noqa: ANN401
        """Ask the server to break off the query; psycopg2 does not look for signals while it waits."""
        connection.cancel()


def _described(column: Any) -> Described:  # noqa: ANN401
    sql_type = _TYPES.get(column.type_code, f"oid {column.type_code}")
    if sql_type != "numeric":
        return Described(column.name, sql_type)
    if column.precision is None:
        return Described(column.name, "numeric", "decimal")
    kind = "decimal" if column.scale else "integral"
    return Described(column.name, f"numeric({column.precision},{column.scale})", kind)
