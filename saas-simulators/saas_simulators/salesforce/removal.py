"""Deleting: rows go to the recycle bin, their dependents with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.salesforce.results import RowResult

if TYPE_CHECKING:
    from saas_simulators.salesforce.records import Record, RecordStore
    from saas_simulators.salesforce.rowplan import RowPlan
    from saas_simulators.salesforce.state import Org


def remove(org: Org, store: RecordStore, plan: RowPlan) -> None:
    """Delete a row that was found."""
    record = plan.record
    if record is None or record.is_deleted:  # a parent in the same chunk took it along
        return
    plan.result = RowResult(success=True, id=record.id, created=False)
    _bin(org, store, record)


def _bin(org: Org, store: RecordStore, record: Record) -> None:
    values = {**record.values, "IsDeleted": True, "LastModifiedDate": org.moment(), "SystemModstamp": org.moment()}
    store.put(record.id, values, is_deleted=True)
    org.note(store, record, "record_deleted")
    for child_store in org.objects.values():
        for name, field in child_store.fields.items():
            if store.name not in field.reference_to or name not in child_store.indexes:
                continue
            for child_id in list(child_store.indexes[name].find(record.id)):
                _unlink(org, child_store, child_store.records[child_id], name)


def _unlink(org: Org, store: RecordStore, child: Record, name: str) -> None:
    """Delete a detail row; a mere lookup is emptied."""
    if store.fields[name].is_cascading:
        _bin(org, store, child)
        return
    store.put(child.id, {key: value for key, value in child.values.items() if key != name})
    # inferred: an emptied lookup starts nothing
