"""Which columns identify a row of a dbt model, as its constraints and tests have it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_warehouse_model.manifest import Node

# A test may be about an expression, which is no key.
_COLUMN = re.compile(r"""[\w$]+|"[^"]+"|`[^`]+`|\[[^\]]+\]""")
_KINDS = {
    (None, "unique"),
    ("dbt", "unique"),
    (None, "not_null"),
    ("dbt", "not_null"),
    ("dbt_utils", "unique_combination_of_columns"),
}


def key_candidates(node: Node, tests: Sequence[Node]) -> list[tuple[str, ...]]:
    """Return the key, or all that could be it.

    A primary key that somebody declared is the key. Else what is tested for uniqueness: a column that is tested for
    nulls too before others. `unique_key` of an incremental model says how dbt merges, not that a value is unique, and
    `primary_key`, which dbt infers itself since 1.8, counts tests that are disabled.

    Args:
        node: A model, seed or snapshot.
        tests: The generic tests that are attached to it.
    """
    if primary := _primary_key(node):
        return [primary]
    unique: dict[tuple[str, ...], tuple[str, ...]] = {}
    filled = {name.casefold() for name, kind in _column_constraints(node) if kind == "not_null"}
    for test in filter(_is_binding, tests):
        columns = _tested_columns(test)
        if _kind(test) == "not_null":
            filled |= {column.casefold() for column in columns}
        elif columns:
            unique.setdefault(tuple(sorted(column.casefold() for column in columns)), columns)
    sure = [columns for folded, columns in unique.items() if len(folded) == 1 and folded[0] in filled]
    return sure or list(unique.values())


def _primary_key(node: Node) -> tuple[str, ...]:
    for constraint in node.constraints or []:
        if constraint.type == "primary_key" and constraint.columns:
            return tuple(map(_unquoted, constraint.columns))
    return tuple(name for name, kind in _column_constraints(node) if kind == "primary_key")


def _column_constraints(node: Node) -> Iterator[tuple[str, str]]:
    for name, column in (node.columns or {}).items():
        for constraint in column.constraints or []:
            yield name, constraint.type or ""


def _kind(test: Node) -> str:
    """Return the name of a test that says something about keys, else an empty text."""
    metadata = test.test_metadata
    return str(metadata.name) if metadata and (metadata.namespace, metadata.name) in _KINDS else ""


def _is_binding(test: Node) -> bool:
    """Return whether dbt fails when one row breaks the test: no filter, no mere warning, no tolerance."""
    config = test.config
    if config is None:
        return bool(_kind(test))
    is_error = (config.severity or "error").lower() == "error"
    has_tolerance = (config.error_if or "!= 0") not in {"!= 0", "!=0", "<> 0", "> 0", ">0"}
    return bool(_kind(test)) and is_error and not has_tolerance and not config.where


def _tested_columns(test: Node) -> tuple[str, ...]:
    """Return the columns of a test; none when one of them is an expression."""
    arguments = (test.test_metadata and test.test_metadata.kwargs) or {}
    named = arguments.get("combination_of_columns") or [test.column_name or arguments.get("column_name")]
    if not isinstance(named, list) or not all(isinstance(name, str) and _COLUMN.fullmatch(name) for name in named):
        return ()
    return tuple(map(_unquoted, named))


def _unquoted(name: str) -> str:
    return name[1:-1] if name[:1] in {'"', "`", "["} else name
