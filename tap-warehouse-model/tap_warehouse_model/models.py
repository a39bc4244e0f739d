"""A model: what a stream's rows are selected by, and how they are replicated. Pure; files are read elsewhere."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy.sql import quoted_name

from tap_warehouse_model import sqltext
from tap_warehouse_model.settings import MODEL_PROPERTIES

FULL_TABLE = "FULL_TABLE"
INCREMENTAL = "INCREMENTAL"
LOG_BASED = "LOG_BASED"
METHODS = (FULL_TABLE, INCREMENTAL, LOG_BASED)
REJECT = "reject"
DUPLICATE_POLICIES = ("fail", REJECT)
SOURCES = ("sql", "sql_file", "table", "dbt_model")

_QUOTES = '"`'
_SCALARS = (str, int, float, bool, dt.date, dt.datetime, type(None))


@dataclass(frozen=True)
class Origin:
    """What dbt's manifest says of the relation that a model reads.

    Attributes:
        node: The node's unique id.
        name: The node's name and version, for dbt's `--select`.
        relation: As dbt writes it in SQL.
        columns: Descriptions by column, in dbt's spelling.
    """

    node: str
    name: str
    relation: str
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Model:
    """One stream, checked as far as possible without a database.

    Attributes:
        name: Name of the stream.
        sql: The statement, or None for a table.
        table: Parts of the table's name, outermost first; empty for a statement.
        replication_key: Set if and only if the method is INCREMENTAL, unless a catalog changes it.
    """

    name: str
    sql: str | None = None
    table: tuple[str, ...] = ()
    key_properties: tuple[str, ...] = ()
    replication_method: str = FULL_TABLE
    replication_key: str | None = None
    start_value: str | int | None = None
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    mapping_version: str = ""
    on_duplicate_key: str | None = None
    description: str = ""
    origin: Origin | None = None

    @property
    def remedy(self) -> str:
        """What to do when the warehouse refuses the model's query."""
        if self.origin is None:
            return "Correct the model."
        return (
            f"For dbt's manifest it is {self.origin.relation}. Run 'dbt build --select {self.origin.name}' for the "
            "target that 'sqlalchemy_url' opens, or use the manifest of that target; its user must be able to read it."
        )


def method_problem(name: str, method: object) -> str | None:
    """Return why a replication method cannot be used, or None."""
    if method in METHODS:
        return None
    return f"Model '{name}': 'replication_method' must be FULL_TABLE, INCREMENTAL or LOG_BASED. Correct it."


def parse_model(entry: Mapping[str, Any], *, where: str, sql: str | None) -> tuple[Model | None, list[str]]:
    """Check one model.

    Args:
        entry: As written by the user.
        where: For messages: the setting or the file, and the place in it.
        sql: The statement: from `sql`, from the file that `sql_file` names, or over the relation of a dbt model.

    Returns:
        The model, or None with every problem found.
    """
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        return None, [f"{where}: a model needs a 'name' (a text); it becomes the stream's name."]
    source_problems = _source_problems(name, entry)
    problems = [
        *_unknown(name, entry),
        *source_problems,
        *_key_problems(name, entry),
        *_replication_problems(name, entry),
        *_param_problems(name, entry, sql),
        *_diff_problems(name, entry),
        *_description_problems(name, entry),
    ]
    statement = None
    if sql is not None and not source_problems:
        try:
            statement = sqltext.single_statement(sql)
        except sqltext.UnreadableSqlError as error:
            problems.append(f"Model '{name}': its SQL {error}. Write exactly one SELECT statement.")
    if problems:
        return None, problems
    return _model(name, entry, statement), []


def _model(name: str, entry: Mapping[str, Any], statement: str | None) -> Model:
    method = entry.get("replication_method") or FULL_TABLE
    return Model(
        name=name,
        sql=statement,
        table=tuple(table_parts(entry["table"])) if entry.get("table") else (),
        key_properties=tuple(entry.get("key_properties") or ()),
        replication_method=method,
        replication_key=entry.get("replication_key") if method == INCREMENTAL else None,
        start_value=entry.get("start_value"),
        params=MappingProxyType(dict(entry.get("params") or {})),
        mapping_version=str(entry.get("mapping_version", "")),
        on_duplicate_key=entry.get("on_duplicate_key"),
        description=(entry.get("description") or "").strip(),
    )


def table_parts(table: str) -> list[str]:
    """Split a qualified name at its dots; a quoted part may hold dots.

    A part that was quoted is a `quoted_name`: in some databases others are folded.

    >>> table_parts('marts."odd.name"'), table_parts('`odd-project`.marts.t')
    (['marts', 'odd.name'], ['odd-project', 'marts', 't'])
    """
    parts: list[str] = []
    rest = table.strip()
    while rest:
        if (quote := rest[0]) in _QUOTES:
            end = rest.find(quote, 1)
            while end != -1 and rest[end : end + 2] == quote * 2:
                end = rest.find(quote, end + 2)
            end = len(rest) if end == -1 else end
            parts.append(quoted_name(rest[1:end].replace(quote * 2, quote), quote=True))
            rest = rest[end + 1 :].removeprefix(".")
        else:
            part, _, rest = rest.partition(".")
            parts.append(part.strip())
    return parts


def _unknown(name: str, entry: Mapping[str, Any]) -> list[str]:
    return [
        f"Model '{name}': unknown setting '{key}'.{suggestion(key, MODEL_PROPERTIES)}"
        for key in entry
        if key not in MODEL_PROPERTIES
    ]


def suggestion(word: object, known: Mapping[str, Any]) -> str:
    """Return the remedy for a word that is not known, with the nearest known one.

    >>> suggestion("modles", {"models": 1})
    " Did you mean 'models'?"
    """
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Did you mean '{near[0]}'?" if near else f" Remove it, or use one of: {', '.join(known)}."


def _source_problems(name: str, entry: Mapping[str, Any]) -> list[str]:
    given = [source for source in SOURCES if entry.get(source) is not None]
    if len(given) != 1:
        found = " and ".join(f"'{source}'" for source in given) or "none"
        choice = ", ".join(f"'{source}'" for source in SOURCES)
        return [f"Model '{name}': give exactly one of {choice} (found: {found})."]
    value = entry[given[0]]
    if not isinstance(value, str) or not value.strip():
        return [f"Model '{name}': '{given[0]}' must be a text that is not empty."]
    if given[0] == "table" and not all(table_parts(value)):
        return [f"Model '{name}': 'table' has an empty part. Write 'table', 'schema.table' or '\"a.b\".table'."]
    return []


def _key_problems(name: str, entry: Mapping[str, Any]) -> list[str]:
    keys = entry.get("key_properties")
    if keys is None:
        return []
    if not isinstance(keys, list) or not all(isinstance(key, str) and key for key in keys):
        return [f"Model '{name}': 'key_properties' must be a list of column names, such as [id]."]
    if len(set(keys)) != len(keys):
        return [f"Model '{name}': 'key_properties' names a column twice. Remove one."]
    return []


def _replication_problems(name: str, entry: Mapping[str, Any]) -> list[str]:
    method = entry.get("replication_method") or FULL_TABLE
    if problem := method_problem(name, method):
        return [problem]
    key, start = entry.get("replication_key"), entry.get("start_value")
    problems = []
    if method == INCREMENTAL and not (isinstance(key, str) and key):
        problems.append(
            f"Model '{name}': INCREMENTAL needs 'replication_key', the column that grows with every change."
        )
    if method != INCREMENTAL and key is not None:
        problems.append(
            f"Model '{name}': 'replication_key' has no effect with {method}. "
            "Set 'replication_method: INCREMENTAL' or remove the key."
        )
    if start is not None and (method != INCREMENTAL or not isinstance(start, str | int)):
        problems.append(f"Model '{name}': 'start_value' needs INCREMENTAL and must be a text or an integer.")
    return problems


def _diff_problems(name: str, entry: Mapping[str, Any]) -> list[str]:
    problems = []
    if entry.get("on_duplicate_key") not in (None, *DUPLICATE_POLICIES):
        problems.append(f"Model '{name}': 'on_duplicate_key' must be 'fail' or 'reject'.")
    version = entry.get("mapping_version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, str | int)):
        problems.append(f"Model '{name}': 'mapping_version' must be a text or an integer.")
    if entry.get("replication_method") == LOG_BASED and not entry.get("key_properties"):
        problems.append(f"Model '{name}': LOG_BASED needs 'key_properties', the columns by which rows are found again.")
    return problems


def _param_problems(name: str, entry: Mapping[str, Any], sql: str | None) -> list[str]:
    params = entry.get("params")
    if params is None:
        return []
    if not isinstance(params, Mapping):
        return [f"Model '{name}': 'params' must map names to values."]
    if params and (entry.get("table") is not None or entry.get("dbt_model") is not None):
        return [f"Model '{name}': 'params' go with 'sql' or 'sql_file', not with 'table' or 'dbt_model'."]
    bad = [key for key in params if not (isinstance(key, str) and key.isidentifier())]
    problems = [f"Model '{name}': the parameter name '{key}' is not an identifier." for key in bad]
    problems += [
        f"Model '{name}': parameter '{key}' must be a text, a number, a boolean, a date, null or a list of these."
        for key, value in params.items()
        if not _is_bindable(value)
    ]
    used = sqltext.used_names(sql, set(map(str, params))) if sql is not None and not bad else set(params)
    problems += [
        f"Model '{name}': parameter '{key}' is not used. Write ':{key}' in the SQL or remove it from 'params'."
        for key in params
        if key not in used
    ]
    return problems


def _description_problems(name: str, entry: Mapping[str, Any]) -> list[str]:
    if isinstance(entry.get("description"), str | None):
        return []
    return [f"Model '{name}': 'description' must be a text."]


def _is_bindable(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, _SCALARS) for item in value)
    return isinstance(value, _SCALARS)
