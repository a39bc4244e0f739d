"""What the account holds at the start, and what is kept of it between two runs.

Skeleton: three objects with the columns of the demo's models, so that the demo delivers to it as it is. Yours: what an
account of the vendor has on its first day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.seeds import SeedError, entries, expect_keys
from saas_simulators.{{cookiecutter.name}}.errors import ApiError
from saas_simulators.{{cookiecutter.name}}.state import VENDOR, Store
from saas_simulators.{{cookiecutter.name}}.values import FieldDefinition

if TYPE_CHECKING:
    from saas_simulators.{{cookiecutter.name}}.state import Account

FIELD_KEYS = {"name", "type", "label", "max_length", "unique", "required", "read_only", "options"}
DEFAULT: dict[str, tuple[FieldDefinition, ...]] = {
    "contacts": (
        FieldDefinition("customer_id", unique=True, required=True),
        FieldDefinition("email", "email"),
        FieldDefinition("first_name", max_length=80),
        FieldDefinition("last_name", max_length=80),
        FieldDefinition("phone"),
        FieldDefinition("job"),
        FieldDefinition("city", max_length=200),
        FieldDefinition("plan", "option", options=("free", "pro", "enterprise")),
        FieldDefinition("churn_risk", "number"),
        FieldDefinition("seats", "integer"),
        FieldDefinition("active", "boolean"),
        FieldDefinition("since", "date"),
        FieldDefinition("seen_at", "datetime"),
        FieldDefinition("interests", "options", options=("news", "offers", "events")),
        FieldDefinition("note"),
        FieldDefinition("created_by", read_only=True),
    ),
    "companies": (
        FieldDefinition("account_id", unique=True, required=True),
        FieldDefinition("name", required=True, max_length=200),
        FieldDefinition("website"),
        FieldDefinition("industry"),
        FieldDefinition("employees", "integer"),
        FieldDefinition("yearly_eur", "number"),
        FieldDefinition("city"),
    ),
    "deals": (
        FieldDefinition("deal_id", unique=True, required=True),
        FieldDefinition("title", required=True),
        FieldDefinition("stage"),
        FieldDefinition("amount_eur", "number"),
        FieldDefinition("closes_at", "datetime"),
        FieldDefinition("note"),
    ),
}


def apply(account: Account, seed: dict[str, Any]) -> None:
    """Add what every account has, and then what a seed describes: `objects` with their fields, and `records`.

    Raises:
        SeedError: Something is unknown, missing or not acceptable; names the place and the remedy.
    """
    for name, usual in DEFAULT.items():
        account.stores[name] = Store(name, {one.name: one for one in usual}, account)
    expect_keys(seed, {"objects", "records"}, VENDOR)
    for place, spec in entries(seed.get("objects", []), f"{VENDOR}.objects"):
        expect_keys(spec, {"name", "fields"}, place, required={"name", "fields"})
        fields = [_field(one, where) for where, one in entries(spec["fields"], f"{place}.fields")]
        account.stores[str(spec["name"])] = Store(str(spec["name"]), {one.name: one for one in fields}, account)
    for place, row in entries(seed.get("records", []), f"{VENDOR}.records"):
        expect_keys(row, {"object", "fields"}, place, required={"object", "fields"})
        try:
            account.store(str(row["object"])).create(row["fields"])
        except ApiError as error:
            msg = f"{place}: {error.message}"
            raise SeedError(msg) from None
    account.latest.clear()


def _field(spec: dict[str, Any], place: str) -> FieldDefinition:
    expect_keys(spec, FIELD_KEYS, place, required={"name"})
    return FieldDefinition(**{**spec, "options": tuple(spec.get("options", ()))})


def dump(account: Account) -> dict[str, Any]:
    """The records as JSON values; objects are those of the seed."""
    rows = [
        {"object": store.name, "number": one.number, "fields": one.fields, "created": one.created}
        | {"updated": one.updated, "archived": one.archived}
        for store in account.stores.values()
        for one in store.records.values()
    ]
    return {"last_number": account.last_number, "records": rows}


def load(account: Account, dumped: dict[str, Any]) -> None:
    """Take dumped records over, in the place of those that there are."""
    account.last_number = dumped["last_number"]
    account.latest.clear()
    for name, store in account.stores.items():
        account.stores[name] = Store(name, store.fields, account)
    for row in dumped["records"]:
        stamps = (row["created"], row["updated"])
        account.store(row["object"]).restore(row["number"], row["fields"], stamps, archived=row["archived"])
