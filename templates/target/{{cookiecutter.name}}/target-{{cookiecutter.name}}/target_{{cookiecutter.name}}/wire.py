"""Requests from batches, and outcomes from replies: pure, no I/O.

Skeleton: paths and bodies of the skeleton's API. Yours: the reference of each endpoint for what is sent, and recorded
replies for what comes back; keep those beside the tests. Join answers to records by something that the API repeats, and
never by their position unless the vendor promises the order.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reverse_etl_core.coercion import COERCIONS
from reverse_etl_core.errors import UnknownOutcomeError
from reverse_etl_core.operations import (
    Current,
    Missing,
    RejectCode,
    Rejected,
    Removed,
    Unanswered,
    Verb,
    Written,
)
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.schema import FieldType
from reverse_etl_core.transport import Request
from target_{{cookiecutter.name}}.errors import record_recovery, record_refusal
from target_{{cookiecutter.name}}.objects import ID_FIELD, entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_etl_core.operations import Batch, Operation, Outcome, Value
    from reverse_etl_core.recovery import Refusal
    from reverse_etl_core.schema import Field, ObjectSchema

# Skeleton: begins with the target's name, so that several skeletons can be simulated side by side. Yours: the paths of
# the vendor as they are.
ROOT = "/{{cookiecutter.name}}/v1"


def account() -> Request:
    """The request that tells whose token this is.

    Skeleton: an endpoint of its own. Yours: the cheapest one that names an id which stays when the token is
    replaced: it stands in the ledger, and another id would make every record unknown.
    """
    return Request("GET", f"{ROOT}/account")


def objects() -> Request:
    """The request that lists the objects of the account."""
    return Request("GET", f"{ROOT}/objects")


def description(object_name: str) -> Request:
    """The request that describes an object."""
    return Request("GET", _path(object_name))


# -- writing


def build_write(batch: Batch) -> Request:
    """The request that writes a batch.

    A create may be sent once only: repeating it would make a second record. What is lost is read back by core.
    Where the API takes a key that tells it of a repetition, send that and call the request idempotent.
    """
    verb = batch.removal if batch.verb is Verb.REMOVE else batch.verb.value
    records = [_written(batch.verb, str(number), one) for number, one in enumerate(batch.operations)]
    return Request(
        "POST",
        f"{_path(batch.schema.name)}/batch/{verb}",
        json={"records": records},
        is_write=True,
        is_idempotent=batch.verb is not Verb.CREATE,
    )


def _written(verb: Verb, ref: str, operation: Operation) -> dict[str, Any]:
    record: dict[str, Any] = {"ref": ref}
    if verb is not Verb.CREATE:
        record["id"] = operation.destination_id
    if verb is not Verb.REMOVE:
        record["fields"] = {name: json_value(value) for name, value in operation.fields.items()}
    return record


def json_value(value: Value) -> Any:  # noqa: ANN401 - any JSON
    """A value as the API takes it: null clears a field.

    Skeleton: JSON's own types, dates as ISO 8601. Yours: how the vendor spells dates, how a field is cleared, and how
    several options are separated.

    >>> json_value(Decimal("2.50")), json_value(Decimal("5")), json_value(None)
    (2.5, 5, None)
    """
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def parse_write(batch: Batch, body: Mapping[str, Any]) -> list[Outcome]:
    """Exactly one outcome per operation; one that the reply does not name is unanswered, and read back by core."""
    results = {str(one.get("ref")): one for one in entries(body.get("results"))}
    return [_outcome(batch, one, results.get(str(number))) for number, one in enumerate(batch.operations)]


def _outcome(batch: Batch, operation: Operation, result: Mapping[str, Any] | None) -> Outcome:
    key = operation.source_key
    if result is None:
        return Unanswered(key)
    if "error" in result:
        return _complained(batch, operation, result)
    if batch.verb is Verb.REMOVE:
        return Removed(key)
    record_id = result.get("id")
    return Written(key, str(record_id), created=batch.verb is Verb.CREATE) if record_id else Unanswered(key)


def _complained(batch: Batch, operation: Operation, result: Mapping[str, Any]) -> Outcome:
    recovery = record_recovery(result)
    if recovery is Recovery.FIND:
        return (Removed if batch.verb is Verb.REMOVE else Missing)(operation.source_key)
    if recovery in (Recovery.WAIT, Recovery.TRY_LATER, Recovery.UNCERTAIN):
        return Unanswered(operation.source_key)
    refusal = in_context(batch, record_refusal(result))
    return Rejected(operation.source_key, refusal.code, refusal.reason, refusal.vendor_code)


def in_context(batch: Batch, refusal: Refusal) -> Refusal:
    """A refusal, once it is known what was tried: a create whose match value is taken exists already."""
    is_taken = refusal.code is RejectCode.CONFLICT and batch.match_field in refusal.fields
    return replace(refusal, code=RejectCode.ALREADY_EXISTS) if is_taken and batch.verb is Verb.CREATE else refusal


# -- reading


def build_search(schema: ObjectSchema, key_field: str, keys: Sequence[str], cursor: str | None = None) -> Request:
    """The request that looks records up by the values of a field, one page of them.

    Skeleton: an endpoint that reads what was written just before. Yours: never a search index that lags behind; where
    there is nothing else, `reconcile_grace_seconds` has to be longer than the lag. Values go into the body or the
    query, which are not logged, and never into the path.
    """
    body: dict[str, Any] = {"field": key_field, "values": list(keys)}
    return Request("POST", f"{_path(schema.name)}/search", json=body | ({"cursor": cursor} if cursor else {}))


def parse_search(
    schema: ObjectSchema, key_field: str, keys: Sequence[str], body: Mapping[str, Any], fields: Sequence[str]
) -> tuple[dict[str, list[Current]], str | None]:
    """Records by key, and the cursor of the next page; a key without a record is absent.

    Raises:
        UnknownOutcomeError: The reply is no list, so nobody knows whether the records exist.
    """
    if not isinstance(body.get("records"), list):
        msg = "The answer to a look-up holds no list of records."
        raise UnknownOutcomeError(msg)
    field = schema.fields.get(key_field)
    wanted = {comparable(field, key): key for key in keys}
    found: dict[str, list[Current]] = {}
    for record in entries(body["records"]):
        record_id, values = str(record.get("id") or ""), record.get("fields")
        values = values if isinstance(values, dict) else {}
        key = wanted.get(comparable(field, record_id if key_field == ID_FIELD else values.get(key_field)))
        if record_id and key is not None:
            shown = {name: mapped(schema.fields.get(name), values[name]) for name in fields if name in values}
            found.setdefault(key, []).append(Current(record_id, shown))
    cursor = body.get("next_cursor")
    return found, cursor if isinstance(cursor, str) and cursor else None


def comparable(field: Field | None, value: object) -> str:
    """A match value in the one form in which the API compares it.

    Skeleton: as text, without the blanks around it. Yours: what the vendor says of capitals, blanks and accents, or
    what you see when you create two records that differ in these only.
    """
    plain = str(value if value is not None else "").strip()
    return plain if field is None or field.is_case_sensitive else plain.casefold()


def mapped(field: Field | None, given: object) -> Value:
    """What the API shows of a field, in the form that mapped values have; `None` where it is empty.

    A value that is not of the field's type is given as text: it equals no mapped value, and is written anew.
    """
    if given is None or given in ("", []):
        return None
    try:
        value = COERCIONS[FieldType.STRING if field is None else field.type](given)
    except (ValueError, OverflowError):
        return str(given)
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def _path(object_name: str) -> str:
    return f"{ROOT}/objects/{quote(object_name, safe='')}"
