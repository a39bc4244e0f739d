"""References: parents named by their external id, and ids that must lead to a row of the right object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.results import RowError, RowRefusedError
from saas_simulators.salesforce.values import UnparseableError, ValueRefusedError

if TYPE_CHECKING:
    from saas_simulators.salesforce.definitions import FieldDefinition
    from saas_simulators.salesforce.records import RecordStore
    from saas_simulators.salesforce.state import Org

QUEUE_PREFIX = "00G"


def parent_id(org: Org, field: FieldDefinition, given: dict[str, Any]) -> str | None:
    """Return the id of the parent that `{"External_Id__c": "A1"}` names; None when its value is null (inferred).

    Raises:
        RowRefusedError: The object is not said, the key is none, or not exactly one row has the value.
    """
    keys = {name: value for name, value in given.items() if name.lower() != "attributes"}
    store = _parent_store(org, field, given)
    if len(keys) > 1:
        # source: RESTPDF "Insert or update (upsert) a record using an external ID", error text
        text = f"More than 1 field provided in an external foreign key reference in entity: {store.name}"
        raise RowRefusedError(RowError("INVALID_FIELD", text))
    if not keys:
        raise _no_entity(field)
    name, value = next(iter(keys.items()))
    key_name = store.field_name(name)
    if key_name is None:
        raise RowRefusedError(RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {store.name}"))
    if value is None or value == "":
        return None
    if key_name != "Id" and not _is_key(store, key_name):
        # inferred: the wording follows the Bulk API's for a key that is none
        wanted = f"an External ID, Salesforce Id, or indexed field for {store.name}"
        text = f"Field name provided, {name} does not match {wanted}"
        raise RowRefusedError(RowError("INVALID_FIELD", text))
    found = _matches(store, key_name, value)
    if not found:
        # source: user report, wording confirmed by docs.polytomic.com
        text = f"Foreign key external ID: {value} not found for field {key_name} in entity {store.name}"
        raise RowRefusedError(RowError("INVALID_FIELD", text))
    if len(found) > 1:
        raise several(store.fields[key_name], found)
    return found[0]


def several(field: FieldDefinition, ids: list[str]) -> RowRefusedError:
    """Return the refusal of a key that leads to more than one row."""
    # source: reports of users, wording
    text = f"{field.label}: more than one record found for external id field: [{', '.join(ids)}]"
    return RowRefusedError(RowError("DUPLICATE_EXTERNAL_ID", text, (field.name,)))


def _parent_store(org: Org, field: FieldDefinition, given: dict[str, Any]) -> RecordStore:
    attributes = next((value for name, value in given.items() if name.lower() == "attributes"), None)
    kind = attributes.get("type") if isinstance(attributes, dict) else None
    if kind is None and field.is_polymorphic:
        # inferred: that the type is demanded follows Data Loader, which always sends it; the text is not evidenced
        raise _no_entity(field)
    allowed = {name.lower(): name for name in field.reference_to}
    name = allowed.get(str(kind).lower()) if kind is not None else field.reference_to[0]
    if name is None or not org.has_object(name):
        raise _no_entity(field)
    return org.store(name)


def _no_entity(field: FieldDefinition) -> RowRefusedError:
    text = f"The external foreign key reference does not reference a valid entity: {field.relationship}"
    return RowRefusedError(RowError("INVALID_FIELD", text))  # inferred


def _is_key(store: RecordStore, name: str) -> bool:
    field = store.fields[name]
    return field.is_external_id or field.is_id_lookup or field.is_unique


def _matches(store: RecordStore, name: str, value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    try:
        written = store.writers[name](value)
    except (ValueRefusedError, UnparseableError):
        return []
    if name == "Id":
        return [written] if store.find(written) else []
    return store.indexes[name].find(written)


def check_reference(org: Org, field: FieldDefinition, target_id: str) -> None:
    """Refuse an id that does not lead to a live row of an object that the field may refer to.

    Raises:
        RowRefusedError: It does not.
    """
    store = org.store_of(target_id)
    is_queue = target_id[:3] == QUEUE_PREFIX and "Group" in field.reference_to  # which have no rows here
    if not is_queue and (store is None or store.name not in field.reference_to):
        # source: salto.io "invalid cross reference id" (code); the text is not evidenced
        text = f"{field.label}: id value of incorrect type: {target_id}"
        raise RowRefusedError(RowError("FIELD_INTEGRITY_EXCEPTION", text, (field.name,)))
    record = store.get(target_id) if store else None
    if record is None:
        raise RowRefusedError(_unknown(field, target_id))
    if record.is_deleted:
        raise RowRefusedError(RowError("ENTITY_IS_DELETED", "entity is deleted"))
    if field.name == "OwnerId" and record.values.get("IsActive") is False:
        # inferred: the text; the code is documented
        text = f"operation performed with inactive user [{target_id}] as owner"
        raise RowRefusedError(RowError("INACTIVE_OWNER_OR_USER", text))


def _unknown(field: FieldDefinition, target_id: str) -> RowError:
    if field.name == "RecordTypeId":
        # source: reports of users
        text = f"{field.label}: this ID value isn't valid for the user: {target_id}"
        return RowError("INVALID_CROSS_REFERENCE_KEY", text, (field.name,))
    # inferred: INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY is the other answer seen; sharing decides
    return RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
