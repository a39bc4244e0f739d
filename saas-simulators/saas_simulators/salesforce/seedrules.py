"""Validation rules, duplicate rules and Apex limits of a seed file."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.rules import BLANK, COMPARISONS, DuplicateRule, ValidationRule
from saas_simulators.seeds import SeedError, expect_keys

if TYPE_CHECKING:
    from saas_simulators.salesforce.records import RecordStore
    from saas_simulators.salesforce.state import Org

ACTIONS = ("block", "alert")


def add_validation_rule(org: Org, spec: dict[str, Any], place: str) -> None:
    """Add a rule that refuses a row when a field compares so."""
    keys = {"object", "field", "is", "value", "message", "at"}
    expect_keys(spec, keys, place, required={"object", "field", "is", "message"})
    store = _store(org, spec, place)
    comparison = str(spec["is"])
    if comparison not in COMPARISONS and comparison != BLANK:
        msg = f"{place}.is: {comparison!r} is no comparison. Use one of {', '.join(COMPARISONS)}, {BLANK}."
        raise SeedError(msg)
    value = spec.get("value")
    value = value.isoformat() if isinstance(value, date) else value
    shown_at = (_field(store, str(spec["at"]), f"{place}.at"),) if "at" in spec else ()
    field = _field(store, str(spec["field"]), f"{place}.field")
    rule = ValidationRule(field, comparison, value, str(spec["message"]), shown_at)
    org.validation_rules.setdefault(store.name, []).append(rule)


def add_duplicate_rule(org: Org, spec: dict[str, Any], place: str) -> None:
    """Add a rule that finds rows which agree in some fields."""
    expect_keys(spec, {"object", "fields", "action", "name"}, place, required={"object", "fields", "action"})
    store = _store(org, spec, place)
    if spec["action"] not in ACTIONS:
        msg = f"{place}.action: {spec['action']!r} is not one of {', '.join(ACTIONS)}."
        raise SeedError(msg)
    if not isinstance(spec["fields"], list):
        msg = f"{place}.fields: expected a list of fields."
        raise SeedError(msg)
    names = tuple(_field(store, str(name), f"{place}.fields") for name in spec["fields"])
    index = store.group(names)
    name = str(spec.get("name", f"Standard_{store.name}_Duplicate_Rule"))
    rule = DuplicateRule(name, index, is_block=spec["action"] == "block")
    org.duplicate_rules.setdefault(store.name, []).append(rule)


def add_apex_limits(org: Org, given: Any, place: str) -> None:  # noqa: ANN401 - any YAML value
    """Set how many rows per chunk the triggers of an object stand."""
    if not isinstance(given, dict):
        msg = f"{place}: expected objects, each with the most rows that its triggers stand."
        raise SeedError(msg)
    for name, most in given.items():
        store = _store(org, {"object": name}, place)
        if not isinstance(most, int) or isinstance(most, bool) or most < 0:
            msg = f"{place}.{name}: {most!r} is not a whole number."
            raise SeedError(msg)
        org.apex_limits[store.name] = most


def _store(org: Org, spec: dict[str, Any], place: str) -> RecordStore:
    name = str(spec["object"])
    if not org.has_object(name):
        msg = f"{place}: there is no object '{name}'. Known: {', '.join(org.objects)}."
        raise SeedError(msg)
    return org.store(name)


def _field(store: RecordStore, name: str, place: str) -> str:
    found = store.field_name(name)
    if found is None:
        msg = f"{place}: {store.name} has no field '{name}'."
        raise SeedError(msg)
    return found
