"""Writes of up to 200 rows: the one way in which rows, collections and bulk jobs change an org."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from saas_simulators.salesforce import keys, removal, rules
from saas_simulators.salesforce.derived import with_defaults, with_derived
from saas_simulators.salesforce.results import RowError, RowRefusedError, RowResult
from saas_simulators.salesforce.rowplan import RowPlan, RowReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from saas_simulators.salesforce.records import RecordStore
    from saas_simulators.salesforce.state import Org

Verb = Literal["insert", "update", "upsert", "delete", "hardDelete"]
DELETIONS = ("delete", "hardDelete")
MAX_ROWS = 200  # source: RESTPDF "sObject Collections"; LIMDOC: triggers run per 200 rows of a bulk job
__all__ = ["DEFAULTS", "MAX_ROWS", "DmlOptions", "RowError", "RowResult", "Verb", "write_rows"]


@dataclass(frozen=True, slots=True)
class DmlOptions:
    """How a chunk is written.

    Attributes:
        allow_duplicates: `allowSave` of `Sforce-Duplicate-Rule-Header`.
        auto_assign: The value of `Sforce-Auto-Assign`, `TRUE`, `FALSE` or the id of a rule; None counts as `TRUE`.
        update_only: An upsert without a match is refused.
        columns: Given for CSV text: the zero-based column of each field. A value that cannot be parsed then fails its
            row; without, it is a `JSON_PARSER_ERROR` of the request.
        method: Of the request, for fault rules.
        path: Of the request or the job, for fault rules.
        request_rows: Rows of the whole request or job, for fault rules; None when the chunk is all of it.
    """

    allow_duplicates: bool = False
    auto_assign: str | None = None
    update_only: bool = False
    columns: Mapping[str, int] | None = None
    method: str = ""
    path: str = ""
    request_rows: int | None = None


DEFAULTS = DmlOptions()


def write_rows(
    org: Org,
    verb: Verb,
    object_name: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    external_id_field: str | None = None,
    options: DmlOptions = DEFAULTS,
) -> list[RowResult]:
    """Write one chunk and return one result per row, in order; rows fail alone.

    Args:
        org: Its lock is taken here.
        verb: `update` and `delete` find the row by `Id`.
        object_name: In any case.
        rows: Values by field name in any case, as JSON values or (see `options.columns`) as CSV text; None clears.
            A parent by external id is `{"Account": {"External_Id__c": "A1"}}`, with
            `"attributes": {"type": "Account"}` inside where the reference is polymorphic.
        external_id_field: Of an upsert; may be `Id`.
        options: See `DmlOptions`.

    Raises:
        SalesforceError: The object does not exist, the external id field is none, or a JSON value cannot be parsed.
    """
    with org.lock, org.changes.together():
        store = org.store(object_name)
        key_field = keys.key_field(store, external_id_field) if verb == "upsert" else None
        locked = org.locked_rows(options.method, options.path, len(rows), request_rows=options.request_rows)
        chunk = _Chunk(org, store, verb, options)
        return chunk.write(rows, key_field, locked)


class _Chunk:
    """The rows of one call: all are checked against the org as it was, then written one after the other.

    source: Apex guide and reports: a parent created by the same chunk is not found by its siblings.
    """

    def __init__(self, org: Org, store: RecordStore, verb: Verb, options: DmlOptions) -> None:
        self._org = org
        self._store = store
        self._verb = verb
        self._options = options
        self._binned: list[removal.Binned] = []

    def write(
        self, rows: Sequence[Mapping[str, Any]], key_field: str | None, locked: frozenset[int]
    ) -> list[RowResult]:
        plans = [RowPlan() for _ in rows]
        self._find_records(plans, rows, key_field)
        reader = RowReader(self._org, self._store, self._options.columns)
        if self._verb not in DELETIONS:
            for row, plan in zip(rows, plans, strict=True):
                if not plan.errors:
                    reader.read(row, plan, "Id" if self._verb == "update" else key_field)
            if failure := rules.trigger_failure(self._org, self._store, len(rows)):
                for plan in plans:
                    plan.refuse(failure)
        for position, plan in enumerate(plans):
            if not plan.errors:
                self._write_one(plan, is_locked=position in locked)
        removal.purge(self._binned if self._verb == "hardDelete" else ())
        return [plan.outcome for plan in plans]

    def _find_records(self, plans: list[RowPlan], rows: Sequence[Mapping[str, Any]], key_field: str | None) -> None:
        """Find the rows that are there already; keys that stand twice in the chunk are refused, all of them."""
        if not self._store.definition.is_writable:
            # inferred: the code is documented, the text as remembered
            done = {"insert": "inserted", "update": "updated", "upsert": "upserted"}.get(self._verb, "deleted")
            error = RowError("INVALID_TYPE_FOR_OPERATION", f"entity type cannot be {done}: {self._store.name}")
            for plan in plans:
                plan.refuse(error)
        elif self._verb == "upsert":
            keys.match_by_key(self._store, rows, plans, key_field or "Id", update_only=self._options.update_only)
        elif self._verb != "insert":
            keys.match_by_id(self._store, rows, plans)

    def _write_one(self, plan: RowPlan, *, is_locked: bool) -> None:
        try:
            if is_locked:
                raise keys.locked(plan)
            if self._verb in DELETIONS:
                self._binned += removal.remove(self._org, self._store, plan)
            elif plan.record is None:
                self._create(plan)
            else:
                self._update(plan)
        except RowRefusedError as refused:
            plan.refuse(*refused.errors)

    def _check(self, plan: RowPlan, values: dict[str, Any]) -> None:
        """Apply the org's rules and unique fields to a row as it would be."""
        allow = self._options.allow_duplicates
        org, store = self._org, self._store
        error = rules.broken_rule(org, store, values)
        error = error or rules.duplicate(org, store, plan.record, values, allow_alerts=allow)
        error = error or keys.taken(store, plan, values)
        if error:
            raise RowRefusedError(error)

    def _create(self, plan: RowPlan) -> None:
        org, store = self._org, self._store
        record_id = store.next_id()
        values = {"Id": record_id, **with_defaults(org, store, plan.values)}
        values = with_derived(store, values, plan.values.keys())
        self._check(plan, values)
        now = org.moment()
        values |= {
            "CreatedDate": now,
            "CreatedById": org.user_id,
            "LastModifiedDate": now,
            "LastModifiedById": org.user_id,
            "SystemModstamp": now,
        }
        record = store.put(record_id, values)
        org.note(store, record, "record_created", [name for name, value in plan.values.items() if value is not None])
        org.note_automation(store, record, self._options.auto_assign, is_new=True)
        plan.result = RowResult(success=True, id=record_id, created=True)

    def _update(self, plan: RowPlan) -> None:
        org, store, record = self._org, self._store, plan.record
        assert record is not None  # noqa: S101 - only rows that were found are updated
        old = record.values
        if old.get("IsConverted") is True:
            # source: recording grouparoo
            raise RowRefusedError(RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead"))
        changes = {name: value for name, value in plan.values.items() if old.get(name) != value}
        values = {name: value for name, value in {**old, **changes}.items() if value is not None}
        values = with_derived(store, values, changes.keys()) if changes else values
        self._check(plan, values)
        now = org.moment()
        values |= {"LastModifiedDate": now, "LastModifiedById": org.user_id, "SystemModstamp": now}
        store.put(record.id, values)
        # Automation runs, and the row is stamped, even when nothing changes.
        org.note(store, record, "record_updated" if changes else "record_touched", tuple(changes))
        org.note_automation(store, record, self._options.auto_assign, is_new=False)
        plan.result = RowResult(success=True, id=record.id, created=False)
