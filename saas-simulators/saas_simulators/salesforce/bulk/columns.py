"""The header of an upload against the object's fields: what each column writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.bulk.upload import UnusableUploadError
from saas_simulators.salesforce.dml import DELETIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from saas_simulators.salesforce.definitions import FieldDefinition
    from saas_simulators.salesforce.state import Org

# source: Bulk API 2.0 guide v66, "Prepare CSV Files"
NULL = "#N/A"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a field, or a parent found by an external id."""

    name: str  # the field that is written; of a parent, the lookup field
    relationship: str | None = None
    parent_field: str = ""
    parent_type: str | None = None  # where the lookup has several targets

    def put(self, row: dict[str, Any], cell: str) -> None:
        """Add a cell to a row; an empty one leaves the field alone."""
        if not cell:
            return
        if cell == NULL:
            row[self.name] = None
        elif self.relationship is None:
            row[self.name] = cell
        else:
            attributes = {"attributes": {"type": self.parent_type}} if self.parent_type else {}
            row[self.relationship] = {**attributes, self.parent_field: cell}


@dataclass(frozen=True, slots=True)
class Columns:
    """All columns of an upload, in its order."""

    columns: tuple[Column, ...]
    numbers: dict[str, int] = field(default_factory=dict)
    hidden: frozenset[int] = frozenset()  # columns whose values result files do not show

    def row(self, cells: Sequence[str]) -> dict[str, Any]:
        """Return one record for `write_rows`; its values are still text."""
        row: dict[str, Any] = {}
        for column, cell in zip(self.columns, cells, strict=True):
            column.put(row, cell)
        return row


def read_header(org: Org, object_name: str, operation: str, header: Sequence[str]) -> Columns:
    """Return what the columns mean.

    Raises:
        UnusableUploadError: A column is unknown, and with it the whole job; only the first one is named.
    """
    fields = Fields(org, object_name)
    columns = [fields.column(name) for name in header]
    if operation in DELETIONS and [column.name for column in columns] != ["Id"] and header:
        # source: simple-salesforce 1.12.10, _constrain_id_only, quotes it; inferred: that it is the job that fails
        msg = f"InvalidBatch : The '{operation}' batch must contain only ids"
        raise UnusableUploadError(msg)
    names = [column.name for column in columns]
    if repeated := [name for number, name in enumerate(names) if name in names[:number]]:
        # inferred: neither that it fails nor the text is evidenced
        msg = f"InvalidBatch : Field name specified more than once : {repeated[0]}"
        raise UnusableUploadError(msg)
    hidden = {
        place
        for place, (column, sent) in enumerate(zip(columns, header, strict=True))
        if column.relationship is None and column.name != sent
    }
    return Columns(tuple(columns), {name: place for place, name in enumerate(names)}, frozenset(hidden))


class Fields:
    """The fields and relationships of one object, found in any case."""

    def __init__(self, org: Org, object_name: str) -> None:
        self._org = org
        self._store = org.store(object_name)

    def column(self, header: str) -> Column:
        """Return the column that a header cell names."""
        if "." in header and header.count(":") <= 1:
            return self._parent(header)
        name = self._store.field_name(header)
        if name is None:
            # source: recording amp-labs bulk_info_complete-failure.json
            raise _unknown(header)
        return Column(name)

    def _parent(self, header: str) -> Column:
        """Read `Relationship.Field` or `Type:Relationship.Field`."""
        path, _, key = header.partition(".")
        parent_type, _, relationship = path.rpartition(":")
        found = self._store.relationships.get(relationship.lower())
        if found is None or found.relationship is None:
            # source: id 57600719128, answers of an org, 2026-08, one per spelling of a header
            msg = f"InvalidBatch : Unable to find relationship: {relationship}"
            raise UnusableUploadError(msg)
        if parent_type and not found.is_polymorphic:
            # source: as above
            msg = f"InvalidBatch : type is not needed for non polymorphic foreign key references: {found.relationship}"
            raise UnusableUploadError(msg)
        if found.is_polymorphic and not parent_type:
            # source: Bulk API 2.0 guide, "Relationship Fields in a Header Row": a type is required; inferred: the text
            msg = f"InvalidBatch : type is needed for polymorphic foreign key references: {found.relationship}"
            raise UnusableUploadError(msg)
        target = _target(found, parent_type or found.reference_to[0], header)
        return Column(found.name, found.relationship, self._key(target, key, header), target if parent_type else None)

    def _key(self, target: str, key: str, header: str) -> str:
        parent = self._org.objects.get(target)
        found = parent.fields.get(parent.field_name(key) or "") if parent else None
        if found is None or not (found.is_id_lookup or found.is_external_id):
            # inferred: the text for a field of the parent that is unknown or no key
            raise _unknown(header)
        return found.name


def _target(reference: FieldDefinition, parent_type: str, header: str) -> str:
    for target in reference.reference_to:
        if target.lower() == parent_type.lower():
            return target
    # inferred: the text for a type that the lookup does not have
    raise _unknown(header)


def _unknown(header: str) -> UnusableUploadError:
    return UnusableUploadError(f"InvalidBatch : Field name not found : {header}")
