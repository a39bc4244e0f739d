"""The HubSpot part of a seed file, and of a saved state."""

from __future__ import annotations

import dataclasses
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from saas_simulators.hubspot import definitions
from saas_simulators.hubspot.definitions import FIELD_TYPES, ObjectType, PropertyDefinition
from saas_simulators.hubspot.errors import HubSpotError
from saas_simulators.hubspot.list_store import PROCESSING_TYPES
from saas_simulators.hubspot.schemas import add_custom_object, associate
from saas_simulators.hubspot.values import ValueRefusedError, WrongShapeError, writer
from saas_simulators.seeds import SeedError, entries, expect_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.hubspot.records import RecordStore
    from saas_simulators.hubspot.state import Account

WHERE = "hubspot"
PROPERTY_KEYS = {
    "name",
    "label",
    "type",
    "field_type",
    "group",
    "options",
    "unique",
    "read_only",
    "calculated",
    "hidden",
}
OBJECT_KEYS = {"name", "labels", "primary", "required", "associated", "properties"}
SWITCHES = {"merge_keeps_primary_id": "merge_keeps_primary_id", "companies_from_emails": "makes_companies"}
ASSOCIATED = ("contacts", "companies", "deals", "tickets")
OWNER_KEYS = {"id", "email", "first_name", "last_name", "archived"}


def default_seed() -> dict[str, Any]:
    """Return what every account has."""
    text = files(__package__).joinpath("default_seed.yml").read_text(encoding="utf-8")
    seed: dict[str, Any] = yaml.safe_load(text)[WHERE]
    return seed


def apply(account: Account, seed: dict[str, Any]) -> None:
    """Add what a seed describes.

    Raises:
        SeedError: Something is unknown, missing or not acceptable; names the place and the remedy.
    """
    expect_keys(seed, {"portal_id", "properties", "records", *SWITCHES, *ADDERS}, WHERE)
    for key, attribute in SWITCHES.items():
        setattr(account, attribute, bool(seed.get(key, getattr(account, attribute))))
    if "portal_id" in seed:
        account.portal_id = _number(seed["portal_id"], f"{WHERE}.portal_id")
    for key, add in ADDERS.items():
        for place, spec in entries(seed.get(key, []), f"{WHERE}.{key}"):
            add(account, spec, place)
    for object_name, specs in _mapping(seed.get("properties", {}), f"{WHERE}.properties").items():
        store = _store(account, object_name, f"{WHERE}.properties")
        for place, spec in entries(specs, f"{WHERE}.properties.{object_name}"):
            store.define(_property(store, spec, place))
    for object_name, rows in _mapping(seed.get("records", {}), f"{WHERE}.records").items():
        store = _store(account, object_name, f"{WHERE}.records")
        for place, row in entries(rows, f"{WHERE}.records.{object_name}"):
            _add_record(account, store, row, place)


def _add_owner(account: Account, owner: dict[str, Any], place: str) -> None:
    expect_keys(owner, OWNER_KEYS, place, required={"id", "email"})
    owner_id = str(_number(owner["id"], f"{place}.id"))
    # source: recording captaincontrat v3_owners.json (keys and their order)
    account.owners[owner_id] = {
        "id": owner_id,
        "email": str(owner["email"]),
        "type": "PERSON",
        "firstName": str(owner.get("first_name", "")),
        "lastName": str(owner.get("last_name", "")),
        "userId": int(owner_id) % 10_000_000,
        "userIdIncludingInactive": int(owner_id) % 10_000_000,
        "createdAt": definitions.ACCOUNT_BORN,
        "updatedAt": definitions.ACCOUNT_BORN,
        "archived": bool(owner.get("archived")),
    }


def _add_object(account: Account, spec: dict[str, Any], place: str) -> None:
    expect_keys(spec, OBJECT_KEYS, place, required={"name", "properties"})
    properties = list(entries(spec["properties"], f"{place}.properties"))
    if not properties:
        msg = f"{place}.properties: a custom object needs at least one property."
        raise SeedError(msg)
    labels = spec.get("labels") or [spec["name"], f"{spec['name']}s"]
    body = {
        "name": str(spec["name"]),
        "labels": dict(zip(("singular", "plural"), map(str, labels), strict=False)),
        "primaryDisplayProperty": spec.get("primary") or properties[0][1].get("name"),
        "requiredProperties": spec.get("required", []),
        "properties": [],
    }
    try:
        store = add_custom_object(account, body)
    except HubSpotError as error:
        msg = f"{place}: {error}"
        raise SeedError(msg) from None
    for property_place, one in properties:
        store.define(_property(store, one, property_place))
    for other in spec.get("associated", ASSOCIATED):
        associate(account, store, _store(account, other, f"{place}.associated"))


def _add_label(account: Account, spec: dict[str, Any], place: str) -> None:
    expect_keys(spec, {"from", "to", "name", "label", "inverse"}, place, required={"from", "to", "label"})
    one, other = (_store(account, spec[side], place) for side in ("from", "to"))
    label, inverse = str(spec["label"]), spec.get("inverse")
    name = str(spec.get("name") or label.lower().replace(" ", "_"))
    associate(account, one, other)
    ends = (one.type.type_id, other.type.type_id)
    account.association_types.define(*ends, name, label, str(inverse) if inverse else None)


def _add_list(account: Account, spec: dict[str, Any], place: str) -> None:
    expect_keys(spec, {"name", "object", "processing_type"}, place, required={"name"})
    kind = str(spec.get("processing_type", PROCESSING_TYPES[0]))
    if kind not in PROCESSING_TYPES:
        msg = f"{place}.processing_type: {kind!r} is not one of {', '.join(PROCESSING_TYPES)}."
        raise SeedError(msg)
    store = _store(account, spec.get("object", "contacts"), f"{place}.object")
    account.lists.create(str(spec["name"]), store.type.type_id, kind)


def _limit_token(account: Account, spec: dict[str, Any], place: str) -> None:
    expect_keys(spec, {"token", "scopes"}, place, required={"token", "scopes"})
    account.tokens.limit(str(spec["token"]), map(str, spec["scopes"]))


def _limit_associations(account: Account, spec: dict[str, Any], place: str) -> None:
    expect_keys(spec, {"from", "to", "most"}, place, required={"from", "to", "most"})
    one, other = (_store(account, spec[side], place) for side in ("from", "to"))
    account.links.most[one.type.type_id, other.type.type_id] = _number(spec["most"], f"{place}.most")


def _property(store: RecordStore, spec: dict[str, Any], place: str) -> PropertyDefinition:
    expect_keys(spec, PROPERTY_KEYS, place, required={"name"})
    kind = str(spec.get("type", "string"))
    if kind not in FIELD_TYPES:
        msg = f"{place}.type: {kind!r} is not a property type. Use one of {', '.join(FIELD_TYPES)}."
        raise SeedError(msg)
    field_type = str(spec.get("field_type", FIELD_TYPES[kind][0]))
    if field_type not in FIELD_TYPES[kind]:
        msg = f"{place}.field_type: {field_type!r} does not fit {kind}. Use one of {', '.join(FIELD_TYPES[kind])}."
        raise SeedError(msg)
    if kind == "enumeration" and not spec.get("options"):
        msg = f"{place}.options: an enumeration needs a list of options."
        raise SeedError(msg)
    group = str(spec.get("group", next(iter(store.type.groups))))
    store.type.groups.setdefault(group, group)
    return PropertyDefinition(
        name=str(spec["name"]),
        label=str(spec.get("label", spec["name"])),
        type=kind,
        field_type=field_type,
        group=group,
        options=_options(spec.get("options", []), f"{place}.options"),
        is_unique=bool(spec.get("unique")),
        is_read_only=bool(spec.get("read_only")),
        is_calculated=bool(spec.get("calculated")),
        is_hidden=bool(spec.get("hidden")),
    )


def _options(given: Any, place: str) -> list[dict[str, Any]]:  # noqa: ANN401 - any YAML value
    if not isinstance(given, list):
        msg = f"{place}: expected a list of values, or of objects with 'value' and 'label'."
        raise SeedError(msg)
    options = []
    for order, one in enumerate(given):
        value, label = (one.get("value"), one.get("label")) if isinstance(one, dict) else (one, None)
        if value is None:
            msg = f"{place}[{order}]: an option needs a value."
            raise SeedError(msg)
        options.append(definitions.option(_text(value), label and str(label), order))
    return options


def _add_record(account: Account, store: RecordStore, row: dict[str, Any], place: str) -> None:
    """Create a record; unlike the API, a seed may also set read-only properties."""
    written: dict[str, str] = {}
    for name, value in row.items():
        definition = store.definitions.get(str(name))
        if definition is None:
            msg = f"{place}: {store.type.name} has no property {name!r}. Add it under {WHERE}.properties first."
            raise SeedError(msg)
        writable = dataclasses.replace(definition, is_read_only=False, is_calculated=False)
        try:
            written[name] = writer(writable, store.type.type_id, account)(_text(value))
        except (ValueRefusedError, WrongShapeError) as refused:
            msg = f"{place}.{name}: {refused or 'expected a single value'}"
            raise SeedError(msg) from None
    for name in store.unique:
        if written.get(name) and store.find_by(name, written[name]):
            msg = f"{place}.{name}: another record already has this value, and it must be unique."
            raise SeedError(msg)
    store.create(written)


def _text(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """Return YAML's dates and times as the text that they were."""
    return value.isoformat() if hasattr(value, "isoformat") else value if isinstance(value, (bool, str)) else str(value)


def _number(value: Any, place: str) -> int:  # noqa: ANN401 - any YAML value
    if not str(value).isdigit():
        msg = f"{place}: {value!r} is not a whole number."
        raise SeedError(msg)
    return int(value)


def _mapping(value: Any, place: str) -> dict[str, Any]:  # noqa: ANN401 - any YAML value
    if not isinstance(value, dict):
        msg = f"{place}: expected object types, each with a list."
        raise SeedError(msg)
    return value


def _store(account: Account, name: str, place: str) -> RecordStore:
    try:
        return account.store(str(name))
    except HubSpotError:
        known = ", ".join(account.stores)
        msg = f"{place}.{name}: there is no such object type. Known: {known}. Add a custom one under {WHERE}.objects."
        raise SeedError(msg) from None


# What is added one by one, in this order; properties and records come after all of these.
ADDERS: dict[str, Callable[[Account, dict[str, Any], str], None]] = {
    "owners": _add_owner,
    "objects": _add_object,
    "association_labels": _add_label,
    "association_limits": _limit_associations,
    "lists": _add_list,
    "tokens": _limit_token,
}


def dump(account: Account) -> dict[str, Any]:
    """Return everything that the API could have changed, as JSON values."""
    stores = [
        {
            "type": dataclasses.asdict(store.type),
            "definitions": [dataclasses.asdict(d) for d in store.definitions.values()],
            **store.dump(),
        }
        for store in account.stores.values()
    ]
    return {
        "portal_id": account.portal_id,
        "numbering": account.numbering,
        "owners": account.owners,
        "stores": stores,
        "association_types": account.association_types.dump(),
        "associations": account.links.dump(),
        "lists": account.lists.dump(),
    }


def load(account: Account, dumped: dict[str, Any]) -> None:
    """Replace an account's content by what `dump` returned."""
    account.portal_id = dumped["portal_id"]
    account.owners = dict(dumped["owners"])
    for saved in dumped["stores"]:
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved["type"].items()}
        object_type = ObjectType(**fields)
        properties = [PropertyDefinition(**definition) for definition in saved["definitions"]]
        account.add_type(object_type, properties).load(saved)
    account.reserve_ids(*dumped["numbering"])
    if "associations" in dumped:  # a state of an earlier version has none
        account.load_associations(dumped["association_types"], dumped["associations"])
        account.lists.load(dumped["lists"])
