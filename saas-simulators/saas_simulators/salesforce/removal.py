"""Deleting: rows go to the recycle bin, their dependents with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.salesforce.results import RowError, RowRefusedError, RowResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from saas_simulators.salesforce.definitions import FieldDefinition
    from saas_simulators.salesforce.records import Record, RecordStore
    from saas_simulators.salesforce.rowplan import RowPlan
    from saas_simulators.salesforce.state import Org

    Binned = tuple[RecordStore, str]

# source: recording amp-labs crm_delete_not-found.json
DELETED = RowError("ENTITY_IS_DELETED", "entity is deleted")
# source: amp-labs tests (code and text, of updates); inferred: that a delete without the permission says the same
DENIED = RowError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")


def remove(org: Org, store: RecordStore, plan: RowPlan) -> list[Binned]:
    """Delete a row that was found; return what went to the recycle bin.

    Raises:
        RowRefusedError: The permission is missing, or another row holds it.
    """
    record = plan.record
    if record is None or record.is_deleted:  # inferred: a parent in the same chunk took it along
        raise RowRefusedError(DELETED)
    if not store.definition.is_deletable:
        raise RowRefusedError(DENIED)
    if holder := _holder(org, store, record):
        # source: EDA issue 458 (text, as people see it), partner WSDL (code); inferred: that the API says the same
        name = record.values.get("Name") or record.id
        text = f"Your attempt to delete {name} could not be completed because it is associated with the following"
        raise RowRefusedError(RowError("DELETE_FAILED", f"{text} {holder.definition.plural.lower()}."))
    plan.result = RowResult(success=True, id=record.id, created=False)
    return list(_bin(org, store, record))


def purge(binned: Iterable[Binned]) -> None:
    """Take rows out of the recycle bin, too."""
    for store, record_id in binned:
        store.restore(record_id, None, is_deleted=True)


def _children(org: Org, store: RecordStore, record: Record) -> Iterator[tuple[RecordStore, FieldDefinition, Record]]:
    for child_store in org.objects.values():
        for name, field in child_store.fields.items():
            if store.name not in field.reference_to or name not in child_store.indexes:
                continue
            for child_id in list(child_store.indexes[name].find(record.id)):
                yield child_store, field, child_store.records[child_id]


def _holder(org: Org, store: RecordStore, record: Record) -> RecordStore | None:
    """Return the object of a row that does not let this one go, nor the ones that would go along."""
    for child_store, field, child in _children(org, store, record):
        if field.is_restricting:
            return child_store
        if field.is_cascading and (holder := _holder(org, child_store, child)):
            return holder
    return None


def _bin(org: Org, store: RecordStore, record: Record) -> Iterator[Binned]:
    values = {**record.values, "IsDeleted": True, "LastModifiedDate": org.moment(), "SystemModstamp": org.moment()}
    store.put(record.id, values, is_deleted=True)
    org.note(store, record, "record_deleted")
    yield store, record.id
    for child_store, field, child in _children(org, store, record):
        if child.is_deleted:
            continue
        if field.is_cascading:
            yield from _bin(org, child_store, child)
        else:  # inferred: an emptied lookup starts nothing
            kept = {key: value for key, value in child.values.items() if key != field.name}
            child_store.put(child.id, kept)
