"""Checks of a write, before anything is written: values, required properties, unique values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from saas_simulators.hubspot import errors
from saas_simulators.hubspot.association_checks import LinkRefusedError, planned
from saas_simulators.hubspot.automation import associate_company
from saas_simulators.hubspot.calls import as_object, json_name
from saas_simulators.hubspot.derived import ECHOED
from saas_simulators.hubspot.records import EMAIL, Record, RecordStore, fold
from saas_simulators.hubspot.values import ValueRefusedError, WrongShapeError

if TYPE_CHECKING:
    from saas_simulators.hubspot.association_types import AssociationType
    from saas_simulators.hubspot.errors import HubSpotError
    from saas_simulators.hubspot.links import End
    from saas_simulators.hubspot.state import Account

Problems = list[dict[str, str]]


@dataclass(slots=True)
class Write:
    """One checked input of a write."""

    written: dict[str, str]
    record: Record | None = None
    trace_id: str | None = None
    problems: Problems = field(default_factory=list)
    error: HubSpotError | None = None
    links: list[tuple[End, list[AssociationType]]] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        """Whether this input cannot be written."""
        return bool(self.problems) or self.error is not None


class Checker:
    """Checks the inputs of one call; remembers unique values that earlier inputs of the call will take."""

    def __init__(self, account: Account, store: RecordStore) -> None:
        self._account = account
        self._store = store
        self._claimed: dict[tuple[str, str], Record | None] = {}

    def check(self, properties: Any, record: Record | None, defaults: dict[str, str] | None = None) -> Write:  # noqa: ANN401 - any JSON value
        """Check one input against definitions, requirements and unique values.

        Args:
            properties: The input's `properties` as sent.
            record: The record to update, or None to create one.
            defaults: Values that count as sent unless `properties` has them.
        """
        sent = as_object(properties)
        values, problems = self._values({**defaults, **sent} if defaults else sent)
        write = Write(values, record, problems=problems)
        if problems:
            return write
        if record is None:
            write.error = self._missing(values)
        keys = [(name, fold(name, values[name])) for name in self._store.unique if values.get(name)]
        write.error = write.error or self._taken(keys, record)
        if write.error is None:
            for key in keys:
                self._claimed[key] = record
        return write

    def check_new(self, given: dict[str, Any]) -> Write:
        """Check an input that creates a record, with the associations that it asks for."""
        properties = given.get("properties")
        write = self.check({} if properties is None else properties, None)
        if not write.is_refused and given.get("associations"):
            try:
                write.links = planned(self._account, self._store, given["associations"])
            except LinkRefusedError as refused:
                write.error = refused.error()
        return write

    def _values(self, properties: dict[str, Any]) -> tuple[dict[str, str], Problems]:
        values: dict[str, str] = {}
        problems: Problems = []
        writers = self._store.writers
        for name, value in properties.items():
            write = writers.get(name)
            if write is None:
                # source: captured bodies amp-labs
                message = f'Property "{name}" does not exist'
                problems.append({"message": message, "code": "PROPERTY_DOESNT_EXIST", "name": name})
                continue
            try:
                values[name] = write(value)
            except ValueRefusedError as refused:
                problems.append({"message": str(refused), "code": refused.code, "name": name})
            except WrongShapeError:
                detail = f"Cannot deserialize value of type `java.lang.String` from {json_name(value)} value"
                raise errors.wrong_json(detail) from None
        if self._store.blocked_emails:
            problems += self._blocked(values)
        return values, problems

    def _blocked(self, values: dict[str, str]) -> Problems:
        blocked = self._store.blocked_emails
        if EMAIL in self._store.unique and values.get(EMAIL) in blocked:
            # source: HubSpot's own web client compares with this text and code, for its property-validation endpoint.
            # inferred: a create answers alike; the imports API calls it GDPR_BLACKLISTED_EMAIL.
            return [{"message": "email has been GDPR blacklisted", "code": "INVALID_EMAIL", "name": EMAIL}]
        return []

    def _missing(self, values: dict[str, str]) -> HubSpotError | None:
        """Refuse a new record that lacks what its object type requires."""
        object_type = self._store.type
        required = list(object_type.required)
        if object_type.pipeline and len(object_type.pipelines) > 1:
            required.append(object_type.pipeline)
        lacking = [name for name in required if not values.get(name)]
        if object_type.required_any and not any(values.get(name) for name in object_type.required_any):
            lacking += object_type.required_any
        if not lacking:
            return None
        # source: portal probe 2026-04-21 (the message); which properties: HubSpot docs per object. inferred: context
        message = f"Error creating {object_type.code}. Some required properties were not set."
        return errors.validation(message, context={"properties": lacking})

    def _taken(self, keys: list[tuple[str, str]], record: Record | None) -> HubSpotError | None:
        """Refuse a unique value that another record has, or that an earlier input will take."""
        for name, key in keys:
            owner = self._store.find_by(name, key)
            if owner is not None and owner is not record:
                return self._conflict(name, key, record, owner.id)
            claim = (name, key)
            if claim in self._claimed and (record is None or self._claimed[claim] is not record):
                # source: Joystream#355: two creates with the same e-mail in one batch answer 409
                claimant = self._claimed[claim]
                return self._conflict(name, key, record, claimant.id if claimant else self._account.next_id())
        return None

    def _conflict(self, name: str, value: str, record: Record | None, owner_id: str) -> HubSpotError:
        object_type = self._store.type
        if name == EMAIL and record is None:
            return errors.already_exists(object_type.labels[0], owner_id)
        kind = f"legacyObjectType={object_type.code}"
        if object_type.is_custom:
            # inferred: how a custom type is printed
            kind = f"metaTypeId=2, innerId={object_type.type_id.removeprefix('2-')}"
        # A create has an id by then, though the record never comes to life.
        return errors.value_taken(
            portal_id=self._account.portal_id,
            type_text=f"ObjectTypeId{{{kind}}}",
            name=name,
            value=value,
            record_id=record.id if record else self._account.next_id(),
            owner_id=owner_id,
        )


def refuse(write: Write, portal_id: int) -> HubSpotError:
    """Return the error of one refused input."""
    if write.problems:
        return errors.invalid_properties(write.problems, portal_id)
    if write.error is None:  # pragma: no cover - callers ask only about refused writes
        msg = "This write was not refused"
        raise ValueError(msg)
    return write.error


def apply(account: Account, store: RecordStore, write: Write) -> tuple[Record, dict[str, str], bool]:
    """Write a checked input; return the record, the properties to echo, and whether it is new."""
    if write.record is None:
        record = store.create(write.written)
        if account.makes_companies and store.type.type_id == "0-1":
            associate_company(account, record)
        for other, kinds in write.links:
            account.links.connect((store.type.type_id, record.id), other, kinds)
        return record, write.written | record.properties, True
    record = write.record
    store.update(record, write.written)
    current = record.properties
    names = (*write.written, *ECHOED, store.type.created, store.type.modified)
    if store.type.type_id == "0-1":
        names += ("lifecyclestage", *(("hs_email_domain",) if EMAIL in write.written else ()))
    echo = {name: current.get(name, "") for name in names if name in current or name in write.written}
    return record, echo, False
