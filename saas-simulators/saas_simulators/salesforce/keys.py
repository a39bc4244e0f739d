"""Which row a sent row means: by id, or by the key of an upsert; and values that only one row may have."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.errors import not_found
from saas_simulators.salesforce.parents import several
from saas_simulators.salesforce.results import RowError, RowRefusedError
from saas_simulators.salesforce.values import UnparseableError, ValueRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from saas_simulators.salesforce.records import Record, RecordStore
    from saas_simulators.salesforce.rowplan import RowPlan

# source: RESTPDF, for a lookup by id that leads nowhere
UNKNOWN = RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")


def key_field(store: RecordStore, name: str | None) -> str:
    """Return the API name of an upsert's key.

    Raises:
        SalesforceError: 404; the field is no key.
    """
    found = store.field_name(name or "")
    if found is None or not (found == "Id" or store.fields[found].is_id_lookup or store.fields[found].is_external_id):
        # source: restforce fixture upsert_sobject error
        text = f"Provided external ID field does not exist or is not accessible: {name}"
        raise not_found(text)
    return found


def value_of(store: RecordStore, row: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return a field's value, whatever the case of its name in the row."""
    if name in row:
        return row[name]
    return next((value for given, value in row.items() if store.field_name(given) == name), None)


def match_by_id(store: RecordStore, rows: Sequence[Mapping[str, Any]], plans: list[RowPlan]) -> None:
    """Find the rows of an update or a delete; ids that stand twice are refused."""
    for row, plan in zip(rows, plans, strict=True):
        try:
            plan.record = find(store, value_of(store, row, "Id"))
        except RowRefusedError as refused:
            plan.refuse(*refused.errors)
    _refuse_repeated(plans)


def match_by_key(
    store: RecordStore, rows: Sequence[Mapping[str, Any]], plans: list[RowPlan], name: str, *, update_only: bool
) -> None:
    """Find the rows of an upsert by their key; keys that stand twice are refused, all of them."""
    if name == "Id":
        # source: recordings cumulusci: `"Id": null` creates
        known = [value_of(store, row, "Id") or update_only for row in rows]
        match_by_id(
            store,
            [row for row, is_known in zip(rows, known, strict=True) if is_known],
            [plan for plan, is_known in zip(plans, known, strict=True) if is_known],
        )
        return
    index = store.indexes[name]
    sent = [_key(store, row, name, plan) for row, plan in zip(rows, plans, strict=True)]
    counts = Counter(index.fold(key) for key in sent if key is not None)
    for key, plan in zip(sent, plans, strict=True):
        if key is None:
            continue
        if counts[index.fold(key)] > 1:
            # source: SE 296121, SE 104048, TIBCO documentation; inferred: `fields`
            plan.refuse(RowError("DUPLICATE_VALUE", f"Duplicate external id specified: {key}", (name,)))
            continue
        found = index.find(key)
        if len(found) > 1:
            plan.refuse(*several(store.fields[name], found).errors)
        elif found:
            plan.record = store.records[found[0]]
        elif update_only:
            # inferred: what an update-only upsert without a match answers is not evidenced
            plan.refuse(RowError("NOT_FOUND", "The requested resource does not exist"))


def _key(store: RecordStore, row: Mapping[str, Any], name: str, plan: RowPlan) -> Any:  # noqa: ANN401 - of the field's type
    value = value_of(store, row, name)
    if value is None or value == "":
        # source: forcedotcom/Data-Migration-Tool#5, wording; inferred: the code
        plan.refuse(RowError("MISSING_ARGUMENT", f"{name} not specified"))
        return None
    try:
        return store.writers[name](value)
    except ValueRefusedError as refused:
        plan.refuse(RowError(refused.code, str(refused), (name,)))
    except UnparseableError:
        pass  # the reader of the row says so
    return None


def find(store: RecordStore, value: Any) -> Record:  # noqa: ANN401 - any JSON value
    """Return the live row with this id.

    Raises:
        RowRefusedError: The id is missing, malformed, of another object, unknown or of a deleted row.
    """
    if value is None or value == "":
        # source: recording amp-labs batch_update_contacts_err-each-no-ids.json
        raise RowRefusedError(RowError("MISSING_ARGUMENT", "Id not specified in an update call"))
    try:
        record_id = store.writers["Id"](value)
    except ValueRefusedError as refused:
        raise RowRefusedError(RowError(refused.code, str(refused), ("Id",))) from None
    except UnparseableError:
        raise RowRefusedError(
            RowError("MALFORMED_ID", f"{store.fields['Id'].label}: id value of incorrect type: {value}", ("Id",))
        ) from None
    if not record_id.startswith(store.definition.key_prefix):
        raise RowRefusedError(
            RowError("MALFORMED_ID", f"{store.fields['Id'].label}: id value of incorrect type: {value}", ("Id",))
        )
    record = store.records.get(record_id)
    if record is None:
        raise RowRefusedError(UNKNOWN)
    if record.is_deleted:
        # source: recording amp-labs crm_delete_not-found.json
        raise RowRefusedError(RowError("ENTITY_IS_DELETED", "entity is deleted"))
    return record


def _refuse_repeated(plans: list[RowPlan]) -> None:
    counts = Counter(plan.record.id for plan in plans if plan.record)
    for plan in plans:
        if plan.record and counts[plan.record.id] > 1:
            # source: Salesforce help 000384876
            plan.refuse(RowError("DUPLICATE_VALUE", f"Duplicate id specified: {plan.record.id}"))


def taken(store: RecordStore, plan: RowPlan, values: dict[str, Any]) -> RowError | None:
    """Return the error of the first unique field whose value another row has."""
    for name, index in store.indexes.items():
        if name not in plan.values or not store.fields[name].is_unique or values.get(name) is None:
            continue
        own = plan.record.id if plan.record else ""
        others = [found for found in index.find(values[name]) if found != own]
        if others:
            # source: k-capehart/go-salesforce#133, body of 2026-01; older reports show 15 characters of the id
            text = f"duplicate value found: {name} duplicates value on record with id: {others[0]}"
            return RowError("DUPLICATE_VALUE", text)
    return None


def locked(plan: RowPlan) -> RowRefusedError:
    """Return the refusal of a row that somebody else is writing, or whose parent somebody is."""
    # source: airflow#63930, jsforce#1018: both wordings
    shown = plan.record.id if plan.record else ""
    text = "unable to obtain exclusive access to this record" + (f" or 1 records: {shown}" if shown else "")
    return RowRefusedError(RowError("UNABLE_TO_LOCK_ROW", text))
