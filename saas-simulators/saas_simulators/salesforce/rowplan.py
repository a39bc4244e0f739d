"""One row on its way into the org: its names resolved and its values checked, before any row is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.errors import SalesforceError
from saas_simulators.salesforce.parents import check_reference, parent_id
from saas_simulators.salesforce.results import RowError, RowRefusedError, RowResult
from saas_simulators.salesforce.values import UnparseableError, ValueRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from saas_simulators.salesforce.records import Record, RecordStore
    from saas_simulators.salesforce.state import Org


@dataclass(slots=True)
class RowPlan:
    """What one row wants; `values` holds checked values, None where a field is cleared."""

    values: dict[str, Any] = field(default_factory=dict)
    record: Record | None = None
    errors: tuple[RowError, ...] = ()
    result: RowResult | None = None

    def refuse(self, *errors: RowError) -> None:
        """Refuse the row; the first refusal stays."""
        if not self.errors:
            self.errors = errors

    @property
    def outcome(self) -> RowResult:
        """What became of the row."""
        if self.result is not None and not self.errors:
            return self.result
        return RowResult(success=False, id=self.record.id if self.record else None, created=False, errors=self.errors)


class RowReader:
    """Turns sent rows into checked values of one object's fields."""

    def __init__(self, org: Org, store: RecordStore, columns: Mapping[str, int] | None) -> None:
        self._org = org
        self._store = store
        self._columns = columns

    def read(self, row: Mapping[str, Any], plan: RowPlan, key_field: str | None = None) -> None:
        """Fill in the plan's values, or its errors.

        Args:
            row: As sent, with names in any case.
            plan: Its `record` says whether the row is new.
            key_field: Identifies the row, so it may stand there; of an update it is `Id`.

        Raises:
            SalesforceError: A JSON value cannot be parsed, which fails the request.
        """
        names, parents = self._resolved(row, plan, key_field)
        if plan.errors or self._has_locked_fields([*names, *parents], plan, key_field):
            return
        problems: list[RowError] = []
        for name, value in names.items():
            try:
                plan.values[name] = None if value is None else self._written(name, value)
            except ValueRefusedError as refused:
                problems.append(RowError(refused.code, str(refused), (name,)))
            except RowRefusedError as refused:
                problems += refused.errors
        for name, given in parents.items():
            try:
                plan.values[name] = parent_id(self._org, self._store.fields[name], given)
            except RowRefusedError as refused:
                problems += refused.errors
        plan.errors = tuple(problems) or self._missing(plan)

    def _resolved(
        self, row: Mapping[str, Any], plan: RowPlan, key_field: str | None
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """Return the row's values by API name, and its parents by the name of the reference."""
        store = self._store
        names: dict[str, Any] = {}
        parents: dict[str, dict[str, Any]] = {}
        for name, value in row.items():
            found = store.field_name(name)
            if found == "Id":
                if key_field != "Id":
                    # inferred: the text
                    plan.refuse(RowError("INVALID_FIELD", "The Id field should not be specified in the sobject data."))
            elif found is not None:
                names[found] = value
            elif (reference := store.relationships.get(name.lower())) is not None:
                if isinstance(value, dict):
                    parents[reference.name] = value
                # source: Data Loader maps null references to the id field: null here changes nothing
            elif name.lower() != "attributes":
                # source: recordings amp-labs unknown-field.json
                text = f"No such column '{name}' on sobject of type {store.name}"
                plan.refuse(RowError("INVALID_FIELD", text))
        for name in names.keys() & parents.keys():
            # inferred: the text, as remembered
            relationship = store.fields[name].relationship
            text = f"Cannot specify both an external ID reference {relationship} and a salesforce id, {name}"
            plan.refuse(RowError("INVALID_FIELD", text, (name,)))
        return names, parents

    def _has_locked_fields(self, names: list[str], plan: RowPlan, key_field: str | None) -> bool:
        """Refuse fields that cannot be written."""
        fields = self._store.fields
        is_new = plan.record is None
        locked = [
            name
            for name in names
            if not (fields[name].is_createable if is_new else fields[name].is_updateable) and name != key_field
        ]
        locked += self._wrong_kind_of_account(names, plan) if self._org.has_person_accounts else []
        if locked:
            # source: recording amp-labs invalid-field-upsert.json
            text = (
                f"Unable to create/update fields: {', '.join(locked)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set."
            )
            plan.refuse(RowError("INVALID_FIELD_FOR_INSERT_UPDATE", text, tuple(locked)))
        return bool(locked)

    def _wrong_kind_of_account(self, names: list[str], plan: RowPlan) -> list[str]:
        """Return the fields of persons in a business account, or Name in a person (inferred)."""
        if self._store.name != "Account" or plan.record is None:
            return []
        is_person = plan.record.values.get("IsPersonAccount") is True
        personal = {"LastName", "FirstName", "Salutation"}
        return [name for name in names if (name == "Name" if is_person else name in personal)]

    def _written(self, name: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return the stored form of a value."""
        definition = self._store.fields[name]
        try:
            written = self._store.writers[name](value)
        except UnparseableError as error:
            if self._columns is None:
                raise SalesforceError(400, "JSON_PARSER_ERROR", error.json_message) from None
            column = self._columns.get(name, 0)
            raise RowRefusedError(RowError("INVALID_FIELD", error.csv_message(column), (name,))) from None
        if written is not None and definition.type == "reference":
            check_reference(self._org, definition, written)
        return written

    def _missing(self, plan: RowPlan) -> tuple[RowError, ...]:
        """Return the error of required fields that a new row lacks, or that an update would clear."""
        values = plan.values
        fields = self._store.fields
        for name in [name for name, value in values.items() if value is None and fields[name].type == "boolean"]:
            # source: report of 2026 on a null for a checkbox, code and wording; what should name the value is empty
            text = f"{fields[name].label}: value not of required type: "
            return (RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", text, (name,)),)
        missing = [name for name, value in values.items() if value is None and not fields[name].is_nillable]
        if plan.record is None:
            required = [name for name in self._store.required if values.get(name) is None]
            missing = list(dict.fromkeys(required + missing))
            if self._org.has_person_accounts and self._store.name == "Account":
                missing = self._missing_of_account(values)
        if not missing:
            return ()
        # source: recordings grouparoo, amp-labs
        text = f"Required fields are missing: [{', '.join(missing)}]"
        return (RowError("REQUIRED_FIELD_MISSING", text, tuple(missing)),)

    def _missing_of_account(self, values: dict[str, Any]) -> list[str]:
        """A person needs a last name, a business a name; the record type says which of them it is."""
        record_type = self._org.store("RecordType").find(values.get("RecordTypeId") or "")
        is_person = record_type is not None and record_type.values.get("IsPersonType") is True
        values["IsPersonAccount"] = is_person
        needed = "LastName" if is_person else "Name"
        return [] if values.get(needed) is not None else [needed]
