"""Google BigQuery, through sqlalchemy-bigquery."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tap_warehouse_model.columns import Column, Described, Kind
from tap_warehouse_model.dialects.base import Dialect, Failure
from tap_warehouse_model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

# source: BigQuery, "Format elements": %E4Y four digits of the year, %E6S seconds with six digits
# https://cloud.google.com/bigquery/docs/reference/standard-sql/format-elements
_ISO = "'%E4Y-%m-%dT%H:%M:%E6S+00:00'"
_JSON = "TO_JSON_STRING({})"
_AS_TEXT = "CAST({} AS STRING)"
_WITHOUT_ZONE = "DATETIME(CAST({} AS TIMESTAMP), 'UTC')"  # the text of a DATETIME has no offset

_Row = tuple[Kind, str, "str | None", tuple[tuple[str, Any], ...]]
_INTEGER: _Row = (Kind.INTEGER, "{}", "INT64", ())
_FLOAT: _Row = (Kind.FLOAT, "{}", None, ())
_BOOLEAN: _Row = (Kind.BOOLEAN, "{}", None, ())
_STRUCT: _Row = (Kind.JSON, _JSON, None, (("type", ["object", "null"]),))
# source: google-cloud-bigquery 3.47.0, google/cloud/bigquery/enums.py, SqlTypeNames: some types have two names
_SIMPLE: dict[str, _Row] = {
    "INTEGER": _INTEGER,
    "INT64": _INTEGER,
    "FLOAT": _FLOAT,
    "FLOAT64": _FLOAT,
    "BOOLEAN": _BOOLEAN,
    "BOOL": _BOOLEAN,
    "STRING": (Kind.TEXT, "{}", "STRING", ()),
    "BYTES": (Kind.TEXT, "TO_BASE64({})", None, (("contentEncoding", "base64"),)),
    "DATE": (Kind.DATE, _AS_TEXT, "DATE", ()),
    "DATETIME": (Kind.TIMESTAMP, f"FORMAT_DATETIME({_ISO}, {{}})", _WITHOUT_ZONE, ()),
    "TIMESTAMP": (Kind.TIMESTAMP, f"FORMAT_TIMESTAMP({_ISO}, {{}}, 'UTC')", "TIMESTAMP", ()),
    "JSON": (Kind.JSON, _JSON, None, ()),
    "RECORD": _STRUCT,
    "STRUCT": _STRUCT,
    "GEOGRAPHY": (Kind.TEXT, "ST_ASTEXT({})", None, ()),
}
_NUMERIC = frozenset({"NUMERIC", "BIGNUMERIC"})


class RefusedError(Exception):
    """BigQuery refused a query while it was only described: its text is about the SQL, not about data."""


class BigQuery(Dialect):
    """Each query is a job; there are no sessions and no transactions."""

    package = "'tap-warehouse-model[bigquery]'"
    chunk_rows = 10_000  # out of pages that the client has fetched already
    session_pins = ()
    text = _AS_TEXT
    digest = "TO_HEX(MD5({}))"
    digest_type = "STRING"
    mark = "SUBSTR(TO_HEX(MD5({})), 1, 3)"
    # source: "Conversion functions", CAST of '0x...' to INT64
    # https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_functions
    slice_number = "CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5({})), 1, 8)) AS INT64)"
    has_row_values = False
    # source: "Numbering functions", ROW_NUMBER: does not require ORDER BY
    # https://cloud.google.com/bigquery/docs/reference/standard-sql/numbering_functions
    numbers_unordered = True

    def __init__(self, url: Any) -> None:  # noqa: ANN401
        super().__init__(url)
        self._cursor: Any = None

    def connect_args(self) -> dict[str, Any]:
        """Return nothing: the client is made from the URL."""
        return {}

    def describe(self, cursor: Any, sql: str, params: Mapping[str, Any]) -> list[Described]:  # noqa: ANN401
        """Return names and types by a dry run, which costs nothing."""
        from google.cloud.bigquery import QueryJobConfig  # noqa: PLC0415 - an extra: there when a connection is

        try:
            cursor.execute(sql, self.arguments(params), job_config=QueryJobConfig(dry_run=True))
        except Exception as error:  # noqa: BLE001 - raised again
            raise self._refused(error) from None
        # The description of DB-API knows neither arrays nor scales.
        return [_described(field) for field in cursor._query_rows.schema]  # noqa: SLF001

    def _refused(self, error: Exception) -> Exception:
        cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
        if _status(cause) in {400, 404}:
            return RefusedError(_text(cause))
        return error

    def column(self, described: Described) -> Column:
        """Return the column; a type without a JSON form is cast to text."""
        name, sql_type, category = described.name, described.sql_type, described.category
        if category == "array":
            return Column(name, sql_type, Kind.JSON, _JSON, extra=(("type", ["array", "null"]), ("items", {})))
        if category == "integral":
            return Column(name, sql_type, Kind.INTEGER, "{}", bookmark_type="BIGNUMERIC")
        if category == "decimal":
            return Column(name, sql_type, Kind.DECIMAL)
        if sql_type not in _SIMPLE:
            return Column(name, sql_type, Kind.TEXT, _AS_TEXT)
        kind, expression, bookmark_type, extra = _SIMPLE[sql_type]
        return Column(name, sql_type, kind, expression, bookmark_type, extra)

    def placeholder(self, name: str) -> str:
        """Return a named parameter; the client makes BigQuery's `@name` of it."""
        return f"%({name})s"

    def escape(self, sql: str) -> str:
        """Double percent signs, which the client reads as placeholders."""
        return sql.replace("%", "%%")

    def arguments(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters.

        Raises:
            ConfigError: One is null: BigQuery's parameters have types, and null does not show one.
        """
        # source: google-cloud-bigquery 3.47.0, dbapi/_helpers.py, bigquery_scalar_type: none for None
        if nulls := [name for name, value in params.items() if value is None]:
            msg = (
                f"'params': '{nulls[0]}' is null, which has no type in BigQuery. Write CAST(NULL AS STRING) in the SQL."
            )
            raise ConfigError(msg)
        return super().arguments(params)  # type: ignore[no-any-return]

    def keys_relation(self, count: int, parameter: str) -> str:
        """Return the keys, unnested."""
        items = ", ".join(f"JSON_VALUE(key, '$[{position}]') AS k{position}" for position in range(count))
        return f"SELECT {items} FROM UNNEST(JSON_QUERY_ARRAY({parameter})) AS key"  # noqa: S608

    def stream(self, connection: Any) -> Any:  # noqa: ANN401
        """Return a plain cursor: results come in pages."""
        self._cursor = connection.cursor()
        return self._cursor

    def interrupt(self, connection: Any) -> None:  # noqa: ANN401
        """Cancel the job whose rows are being read; while one is started, Python's own I/O sees the signal."""
        del connection
        with suppress(Exception):  # it may have ended
            if self._cursor is not None and self._cursor.query_job is not None:
                self._cursor.query_job.cancel()

    def failure(self, error: BaseException) -> Failure | None:
        """Return BigQuery's text for what concerns the SQL or the account, and only the kind for the data."""
        if isinstance(error, RefusedError):
            return Failure(str(error), is_config_error=True)
        if not type(error).__module__.startswith("google."):
            return None
        cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
        if type(cause).__module__.startswith("google.auth"):
            return Failure(_text(cause), is_config_error=True)
        status = _status(cause)
        if status in {401, 403}:
            return Failure(_text(cause))
        if status is None:
            return Failure(f"{type(cause).__name__}; the text is not shown, because it may hold values")
        return Failure(f"{type(cause).__name__} (HTTP {status}); the text is not shown, because it may hold values")


def _status(error: BaseException) -> int | None:
    code = getattr(error, "code", None)
    return int(code) if isinstance(code, int) else None


def _text(error: BaseException) -> str:
    """Return a message on one line, without what the client adds: the address, the statement, the job."""
    errors = getattr(error, "errors", None) or []
    messages = [item["message"] for item in errors if isinstance(item, dict) and item.get("message")]
    return " ".join((messages[0] if messages else str(error).partition("\n")[0]).split())


def _described(field: Any) -> Described:  # noqa: ANN401
    if field.mode == "REPEATED":
        return Described(field.name, f"ARRAY<{field.field_type}>", "array")
    if field.field_type not in _NUMERIC:
        return Described(field.name, field.field_type)
    if field.precision is None:
        return Described(field.name, field.field_type, "decimal")
    scale = field.scale or 0
    return Described(field.name, f"{field.field_type}({field.precision},{scale})", "decimal" if scale else "integral")
