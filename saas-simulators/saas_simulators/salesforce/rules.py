"""The org's own rules: validation rules, duplicate rules, and triggers that do not stand large chunks."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.results import DuplicateMatch, RowError

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.salesforce.records import Index, Record, RecordStore
    from saas_simulators.salesforce.state import Org

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
BLANK = "blank"


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Refuses a row when a field compares so; a missing value only makes `blank` and `!=` true."""

    field: str
    comparison: str
    value: Any
    message: str
    shown_at: tuple[str, ...]

    def refuses(self, values: dict[str, Any]) -> bool:
        """Whether a row with these values breaks the rule."""
        value = values.get(self.field)
        if self.comparison == BLANK:
            return value is None
        if value is None:
            return self.comparison == "!="
        try:
            return COMPARISONS[self.comparison](value, self.value)
        except TypeError:
            return False


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Finds rows that agree in all fields, whatever their case; an alert can be overridden, a block cannot."""

    name: str
    index: Index
    is_block: bool


def broken_rule(org: Org, store: RecordStore, values: dict[str, Any]) -> RowError | None:
    """Return the error of the first validation rule that a row breaks."""
    for rule in org.validation_rules.get(store.name, ()):
        if rule.refuses(values):
            # source: RESTPDF; recordings: the admin's text, `fields` as the rule places its message
            return RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, rule.shown_at)
    return None


def duplicate(
    org: Org, store: RecordStore, record: Record | None, values: dict[str, Any], *, allow_alerts: bool
) -> RowError | None:
    """Return the error of the first duplicate rule that finds another row."""
    for rule in org.duplicate_rules.get(store.name, ()):
        key = rule.index.key(values)
        if record is not None and rule.index.key(record.values) == key:
            continue  # inferred: a write that leaves the rule's fields alone is not checked again
        own = record.id if record else ""
        others = [found for found in rule.index.ids.get(key, ()) if found != own] if key is not None else []
        if others and (rule.is_block or not allow_alerts):
            # source: recorded body (v50); jsforce#1055
            verb = "You're creating a duplicate record. We recommend you use an existing record instead."
            text = verb if rule.is_block else "Use one of these records?"
            match = DuplicateMatch(rule.name, store.name, tuple(others), is_block=rule.is_block)
            return RowError("DUPLICATES_DETECTED", text, (), match)
    return None


def trigger_failure(org: Org, store: RecordStore, rows: int) -> RowError | None:
    """Return the error with which a trigger fails a whole chunk that is too large for it."""
    most = org.apex_limits.get(store.name)
    if most is None or rows <= most:
        return None
    # source: Census and rudder documentation; wording of Apex exceptions
    text = f"{store.name.removesuffix('__c')}Trigger: System.LimitException: Too many SOQL queries: 101"
    return RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text)
