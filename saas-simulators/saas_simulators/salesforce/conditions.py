"""Conditions of a query: which rows could meet them, and whether one does."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.ids import normal_id
from saas_simulators.salesforce.soql import Condition, Junction, Moment
from saas_simulators.salesforce.values import UnparseableError, as_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from saas_simulators.salesforce.definitions import FieldDefinition
    from saas_simulators.salesforce.errors import SalesforceError
    from saas_simulators.salesforce.records import Record, RecordStore
    from saas_simulators.salesforce.state import Org

    Test = Callable[[Record], bool]

ORDERED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def candidates(store: RecordStore, where: Condition | Junction | None, *, with_deleted: bool) -> Iterable[Record]:
    """Return the rows that could meet the conditions: by an index, or all."""
    for condition in _needed(where):
        name = store.field_name(condition.name)
        values = condition.value if condition.operator == "IN" else [condition.value]
        if condition.operator not in {"=", "IN"} or name is None or None in values:
            continue
        if name == "Id":
            return {found.id: found for text in values if (found := store.get(str(text)))}.values()
        # An index knows live rows only, and folds case as a key does; of queries only folding ones will do.
        index = store.indexes.get(name)
        if index is not None and not with_deleted and index.folds_case:
            ids = {found: None for value in values for found in index.find(value)}
            return sorted((store.records[found] for found in ids), key=lambda record: record.id)
    return store.iterate()


def _needed(where: Condition | Junction | None) -> list[Condition]:
    """Return conditions that every row of the result must meet."""
    if isinstance(where, Condition):
        return [where]
    if where is not None and where.word == "AND":
        return [part for part in where.parts if isinstance(part, Condition)]
    return []


class Matcher:
    """Turns conditions on one object's rows into functions."""

    def __init__(self, org: Org, store: RecordStore, unknown: Callable[[str], SalesforceError]) -> None:
        self._org = org
        self._store = store
        self._unknown = unknown

    def compiled(self, where: Condition | Junction | None) -> Test:
        """Return whether a row meets the conditions, as a function.

        Raises:
            SalesforceError: 400; a field is unknown.
        """
        if where is None:
            return lambda _: True
        if isinstance(where, Condition):
            return self._condition(where)
        parts = [self.compiled(part) for part in where.parts]
        if where.word == "NOT":
            return lambda record: not parts[0](record)
        if where.word == "OR":
            return lambda record: any(part(record) for part in parts)
        return lambda record: all(part(record) for part in parts)

    def getter(self, name: str) -> Callable[[Record], Any]:
        """Return the function that gets a field, of the row or of a parent."""
        return self._resolved(name)[0]

    def _resolved(self, name: str) -> tuple[Callable[[Record], Any], FieldDefinition]:
        relationship, _, rest = name.rpartition(".")
        if not relationship or relationship.lower() == self._store.name.lower():
            found = self._store.field_name(rest)
            if found is None:
                raise self._unknown(rest)
            return lambda record: record.values.get(found), self._store.fields[found]
        reference = self._store.relationships.get(relationship.lower())
        target = next((one for one in reference.reference_to if self._org.has_object(one)), None) if reference else None
        if reference is None or target is None:
            raise self._unknown(name)
        parents = self._org.store(target)
        parent_field = parents.field_name(rest)
        if parent_field is None:
            raise self._unknown(name)
        return self._of_parent(reference.name, parent_field), parents.fields[parent_field]

    def _of_parent(self, reference: str, name: str) -> Callable[[Record], Any]:
        def get(record: Record) -> Any:  # noqa: ANN401 - of the field's type
            parent_id = record.values.get(reference)
            store = self._org.store_of(parent_id) if parent_id else None
            parent = store.records.get(parent_id) if store and parent_id else None
            return parent.values.get(name) if parent else None

        return get

    def _condition(self, condition: Condition) -> Test:
        get, field = self._resolved(condition.name)
        if condition.operator in {"IN", "NOT IN"}:
            wanted = {_comparable(field, value) for value in condition.value}
            is_in = condition.operator == "IN"
            return lambda record: (_comparable(field, get(record)) in wanted) == is_in
        value = _comparable(field, condition.value)
        if condition.operator in {"=", "!="}:
            is_equal = condition.operator == "="
            return lambda record: (_comparable(field, get(record)) == value) == is_equal
        if condition.operator == "LIKE":
            pattern = _like(str(value or ""))
            return lambda record: bool(pattern.fullmatch(str(_comparable(field, get(record)) or "")))
        return _ordered(field, get, condition.operator, value)


def _ordered(field: FieldDefinition, get: Callable[[Record], Any], sign: str, value: Any) -> Test:  # noqa: ANN401 - of the field's type
    compare = ORDERED[sign]

    def holds(record: Record) -> bool:
        found = _comparable(field, get(record))
        try:
            return found is not None and value is not None and bool(compare(found, value))
        except TypeError:
            return False

    return holds


def _comparable(field: FieldDefinition, value: Any) -> Any:  # noqa: ANN401 - of the field's type
    """Return a value as SOQL compares it: text without regard to case, ids with 18 characters.

    source: recording grouparoo: `IN ('1ID')` found the row that stores `1id`.
    """
    if isinstance(value, Moment) and field.type == "datetime":
        return _as_datetime(value)
    if field.type in {"id", "reference"} and isinstance(value, str):
        return normal_id(value) or value
    if isinstance(value, str):
        return str(value) if field.is_case_sensitive else value.lower()
    return value


def _as_datetime(value: str) -> str:
    try:
        return as_datetime(value).lower()
    except UnparseableError:
        return value.lower()


def _like(pattern: str) -> re.Pattern[str]:
    """Return LIKE's `%` and `_` as a regular expression; a backslash takes their meaning away."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    signs = {"%": ".*", "_": "."}
    return re.compile("".join(signs.get(part) or re.escape(part.removeprefix("\\")) for part in parts), re.DOTALL)
