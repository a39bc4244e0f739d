"""The Salesforce part of a seed file."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from saas_simulators.salesforce.derived import with_defaults, with_derived
from saas_simulators.salesforce.dml import write_rows
from saas_simulators.salesforce.errors import SalesforceError
from saas_simulators.salesforce.seedfields import add_fields, add_object, add_person_accounts
from saas_simulators.salesforce.seedrules import add_apex_limits, add_duplicate_rule, add_validation_rule
from saas_simulators.salesforce.values import UnparseableError, ValueRefusedError
from saas_simulators.seeds import SeedError, entries, expect_keys

if TYPE_CHECKING:
    from saas_simulators.salesforce.records import RecordStore
    from saas_simulators.salesforce.state import Org

WHERE = "salesforce"
KEYS = {
    "organization",
    "person_accounts",
    "users",
    "fields",
    "objects",
    "record_types",
    "validation_rules",
    "duplicate_rules",
    "apex_limits",
    "not_deletable",
    "records",
}
USER_KEYS = {"username", "first_name", "last_name", "email", "alias", "active", "employee_number", "federation_id"}


def default_seed() -> dict[str, Any]:
    """Return what every org has."""
    text = files(__package__).joinpath("default_seed.yml").read_text(encoding="utf-8")
    seed: dict[str, Any] = yaml.safe_load(text)[WHERE]
    return seed


def apply(org: Org, seed: dict[str, Any]) -> None:
    """Add what a seed describes; rules come last, so that its records may break them.

    Raises:
        SeedError: Something is unknown, missing or not acceptable; names the place and the remedy.
    """
    expect_keys(seed, KEYS, WHERE)
    _set_organization(org, seed.get("organization", {}))
    _apply_definitions(org, seed)
    for store, place, rows in _per_object(org, seed, "records"):
        for one_place, row in entries(rows, place):
            _add_record(org, store, row, one_place)
    for place, spec in entries(seed.get("validation_rules", []), f"{WHERE}.validation_rules"):
        add_validation_rule(org, spec, place)
    for place, spec in entries(seed.get("duplicate_rules", []), f"{WHERE}.duplicate_rules"):
        add_duplicate_rule(org, spec, place)
    add_apex_limits(org, seed.get("apex_limits", {}), f"{WHERE}.apex_limits")
    _deny_deletion(org, seed.get("not_deletable", []))


def _apply_definitions(org: Org, seed: dict[str, Any]) -> None:
    """Add users, objects, fields and record types."""
    for place, spec in entries(seed.get("users", []), f"{WHERE}.users"):
        _add_user(org, spec, place)
    if seed.get("person_accounts"):
        add_person_accounts(org)
        _add_record_type(org, "Account", {"name": "Person Account", "developer_name": "PersonAccount", "person": True})
    for place, spec in entries(seed.get("objects", []), f"{WHERE}.objects"):
        add_object(org, spec, place)
    for store, place, specs in _per_object(org, seed, "fields"):
        add_fields(org, store, specs, place)
    for store, place, specs in _per_object(org, seed, "record_types"):
        for one_place, spec in entries(specs, place):
            expect_keys(spec, {"name", "developer_name", "person"}, one_place, required={"name"})
            _add_record_type(org, store.name, spec)


def _deny_deletion(org: Org, names: Any) -> None:  # noqa: ANN401 - any YAML value
    """Take the permission to delete rows of some objects."""
    place = f"{WHERE}.not_deletable"
    if not isinstance(names, list):
        msg = f"{place}: expected a list of objects."
        raise SeedError(msg)
    for name in names:
        store_named(org, str(name), place).definition.is_deletable = False


def _per_object(org: Org, seed: dict[str, Any], key: str) -> list[tuple[RecordStore, str, Any]]:
    """Return the store, place and content of each entry of a mapping by object."""
    place = f"{WHERE}.{key}"
    content = seed.get(key, {})
    if not isinstance(content, dict):
        msg = f"{place}: expected objects, each with a list."
        raise SeedError(msg)
    return [(store_named(org, str(name), place), f"{place}.{name}", specs) for name, specs in content.items()]


def store_named(org: Org, name: str, place: str) -> RecordStore:
    """Return an object's store, or say at which place of the seed it is missing."""
    if not org.has_object(name):
        msg = f"{place}: there is no object '{name}'. Known: {', '.join(org.objects)}. Add it under {WHERE}.objects."
        raise SeedError(msg)
    return org.store(name)


def _set_organization(org: Org, given: Any) -> None:  # noqa: ANN401 - any YAML value
    expect_keys(given, {"name", "sandbox", "edition", "instance"}, f"{WHERE}.organization")
    store = org.store("Organization")
    org.id = org.id or store.next_id()
    old = store.records[org.id].values if org.id in store.records else {}
    values = {
        "Id": org.id,
        "Name": str(given.get("name", old.get("Name", "Simulated Org"))),
        "InstanceName": str(given.get("instance", old.get("InstanceName", "SIM1"))),
        "IsSandbox": bool(given.get("sandbox", old.get("IsSandbox", False))),
        "OrganizationType": str(given.get("edition", old.get("OrganizationType", "Developer Edition"))),
        "LanguageLocaleKey": "en_US",
    }
    store.put(org.id, values | _audit(org))


def _audit(org: Org) -> dict[str, Any]:
    now = org.moment()
    return {
        "IsDeleted": False,
        "CreatedDate": now,
        "CreatedById": org.user_id,
        "LastModifiedDate": now,
        "LastModifiedById": org.user_id,
        "SystemModstamp": now,
    }


def _add_user(org: Org, spec: dict[str, Any], place: str) -> None:
    expect_keys(spec, USER_KEYS, place, required={"username", "last_name"})
    store = org.store("User")
    username = str(spec["username"])
    user_id = store.next_id()
    org.user_id = org.user_id or user_id  # the first user is the one that every session runs as
    sent = {
        "Username": username,
        "FirstName": spec.get("first_name"),
        "LastName": str(spec["last_name"]),
        "Email": str(spec.get("email", username)),
        "Alias": str(spec.get("alias", username[:8])),
        "IsActive": bool(spec.get("active", True)),
        "EmployeeNumber": spec.get("employee_number") and str(spec["employee_number"]),
        "FederationIdentifier": spec.get("federation_id") and str(spec["federation_id"]),
    }
    values = with_derived(store, with_defaults(org, store, sent), sent)
    if store.indexes["Username"].find(username):
        msg = f"{place}.username: another user has this name."
        raise SeedError(msg)
    store.put(user_id, values | _audit(org) | {"Id": user_id})


def _add_record_type(org: Org, object_name: str, spec: dict[str, Any]) -> None:
    store = org.store("RecordType")
    record_id = store.next_id()
    name = str(spec["name"])
    values = {
        "Id": record_id,
        "Name": name,
        "DeveloperName": str(spec.get("developer_name", name.replace(" ", "_"))),
        "SobjectType": object_name,
        "IsActive": True,
        "IsPersonType": bool(spec.get("person")),
    }
    store.put(record_id, values | _audit(org))
    reference = {"name": "RecordTypeId", "label": "Record Type ID", "type": "reference", "to": ["RecordType"]}
    add_fields(org, org.store(object_name), [{**reference, "relationship": "RecordType"}], "")


def _add_record(org: Org, store: RecordStore, row: dict[str, Any], place: str) -> None:
    """Create a row; unlike the API, a seed may also set fields that are read-only."""
    sent = {str(name): _plain(value) for name, value in row.items()}
    fixed: dict[str, Any] = {}
    for name in list(sent):
        found = store.field_name(name)
        if found and found != "Id" and not store.fields[found].is_createable:
            fixed[found] = _checked(store, found, sent.pop(name), f"{place}.{name}")
    try:
        result = write_rows(org, "insert", store.name, [sent])[0]
    except SalesforceError as error:
        msg = f"{place}: {error}"
        raise SeedError(msg) from None
    if not result.success or result.id is None:
        msg = f"{place}: {result.errors[0].message}"
        raise SeedError(msg)
    if fixed:
        store.put(result.id, {**store.records[result.id].values, **fixed})


def _checked(store: RecordStore, name: str, value: Any, place: str) -> Any:  # noqa: ANN401 - of the field's type
    try:
        return store.writers[name](value)
    except (ValueRefusedError, UnparseableError) as error:
        msg = f"{place}: {error}"
        raise SeedError(msg) from None


def _plain(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """Return YAML's dates and times as the text that the API takes."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if not hasattr(value, "isoformat"):
        return value
    text = value.isoformat()
    return f"{text}Z" if "T" in text and text[-6] not in "+-" else text
