"""Requests from batches, and answers from replies: pure, no I/O.

The replies of collections name nobody: their entries stand in the order of the request (documented, and recorded).
They are believed only where there is one for each record, and where ids agree.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.operations import Batch, RejectCode, Rejected, Removed, Unanswered, Unattempted, Verb, Written
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.schema import FieldType
from reverse_etl_core.transport import Request
from target_salesforce import errors
from target_salesforce.objects import ID_FIELD, SHORT_ID
from target_salesforce.verdicts import Answer, judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_etl_core.operations import Operation, Outcome, Value
    from reverse_etl_core.schema import Field, Reference
    from target_salesforce.objects import SObject

MOST_EXAMINED = 25
"""source: REST API Developer Guide, "Composite": subrequests in one call."""
_COMPOSITE_REFERENCE = "@{"
_BELOW_MILLISECONDS = re.compile(r"(\.\d{3})\d+")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,9})?", re.ASCII)
_SERVER_ERROR = 500


class Paths:
    """The API's paths in one version.

    Args:
        version: `67.0`, with or without its `v`.
    """

    def __init__(self, version: str) -> None:
        self.root = f"/services/data/v{version.removeprefix('v')}"

    def objects(self) -> str:
        """What objects there are."""
        return f"{self.root}/sobjects"

    def describe(self, object_name: str) -> str:
        """What an object has."""
        return f"{self.root}/sobjects/{object_name}/describe"

    def query(self) -> str:
        """Where queries go."""
        return f"{self.root}/query"

    def composite(self) -> str:
        """Where several requests go in one."""
        return f"{self.root}/composite"

    def collection(self, batch: Batch) -> str:
        """Where a batch goes."""
        path = f"{self.root}/composite/sobjects"
        return f"{path}/{batch.schema.name}/{batch.match_field}" if batch.verb is Verb.UPSERT else path

    def row(self, object_name: str, *key: str) -> str:
        """One record: a new one, or that with a key; it may hold a value, and stands in bodies only."""
        return "/".join([f"{self.root}/sobjects/{object_name}", *(quote(one, safe="") for one in key)])


# -- values


def value(field: Field | None, given: Value, *, is_time: bool = False) -> Any:  # noqa: ANN401 - any JSON value
    """A value as Salesforce takes it; null clears, and so does a text without characters, which it does not keep.

    >>> value(None, ""), value(None, ["a", "b"]), value(None, Decimal("1.50")), value(None, Decimal("1E+3"))
    (None, 'a;b', 1.5, 1000)
    >>> value(None, Decimal("12345678901234567.89"))  # source: recorded: numbers are taken as text, too
    '12345678901234567.89'
    """
    if isinstance(given, str):
        if is_time:
            return _time(given)
        if field is not None and field.type is FieldType.DATETIME:
            return _BELOW_MILLISECONDS.sub(r"\1", given) or None  # source: api/salesforce.md 5.1
        return given or None
    if isinstance(given, list):
        return ";".join(given) or None
    return _number(given) if isinstance(given, Decimal) else given


def _number(given: Decimal) -> int | float | str:
    if given == given.to_integral_value():
        return int(given)
    return float(given) if Decimal(repr(float(given))) == given else format(given, "f")


def _time(given: str) -> str | None:
    """A time of day with its milliseconds, and the `Z` that Salesforce demands though it has no zone."""
    text = given.strip()
    if not _CLOCK.fullmatch(text):
        return text or None
    seconds, _, fraction = text.partition(".")
    return f"{seconds}.{fraction[:3]:0<3}Z"


def _body(batch: Batch, operation: Operation, sobject: SObject) -> dict[str, Any]:
    """The fields of a record; those that name another record are given by relationship."""
    body: dict[str, Any] = {}
    known = batch.schema.fields
    for name, given in operation.fields.items():
        if name == ID_FIELD:
            continue
        written = value(known.get(name), given, is_time=name in sobject.times)
        reference = batch.references.get(name)
        if reference is None or written is None:
            body[name] = written  # a reference is cleared by its id, never by relationship (api/salesforce.md 6)
        else:
            body[_relationship(sobject, name)] = _parent(reference, given)
    return body


def _relationship(sobject: SObject, name: str) -> str:
    found = sobject.relationships.get(name)
    if found is None:
        msg = f"Field '{name}' has no relationship name, so 'lookup' cannot fill it. Write the record's id instead."
        raise ConfigError(msg)
    return found.name


def _parent(reference: Reference, given: Value) -> dict[str, Any]:
    # The type is needed where there are several, and harmless elsewhere (source: Data Loader always sends it).
    wanted = value(reference.match_field, given.strip() if isinstance(given, str) else given)
    return {"attributes": {"type": reference.object_name}, reference.match_field.name: wanted}


# -- writing


def build_write(batch: Batch, sobject: SObject, paths: Paths, headers: Mapping[str, str]) -> Request:
    """The request that writes a batch; what is good is written whatever becomes of the rest."""
    if batch.verb is Verb.REMOVE:
        ids = ",".join([str(one.destination_id) for one in batch.operations])
        query = {"ids": ids, "allOrNone": "false"}
        return Request("DELETE", paths.collection(batch), query=query, headers=headers, is_write=True)
    return Request(
        "POST" if batch.verb is Verb.CREATE else "PATCH",
        paths.collection(batch),
        json={"allOrNone": False, "records": [_record(batch, one, sobject) for one in batch.operations]},
        headers=headers,
        is_write=True,
        is_idempotent=batch.verb is not Verb.CREATE,
    )


def _record(batch: Batch, operation: Operation, sobject: SObject) -> dict[str, Any]:
    record = {"attributes": {"type": batch.schema.name}, **_body(batch, operation, sobject)}
    if batch.verb is Verb.UPSERT:
        record[batch.match_field] = _match_value(batch, operation)
    elif batch.verb is Verb.UPDATE:
        record["id"] = operation.destination_id
    return record


def _match_value(batch: Batch, operation: Operation) -> Any:  # noqa: ANN401 - any JSON value
    """The value itself and not the key: a key is folded, and Salesforce keeps what it is sent."""
    given = value(batch.schema.fields.get(batch.match_field), operation.fields.get(batch.match_field))
    return (given.strip() if isinstance(given, str) else given) or operation.match_key


def parse_write(batch: Batch, body: object) -> list[Answer]:
    """Exactly one answer per operation, in order, whatever the reply's status was."""
    entries = body if errors.is_by_record(body) and isinstance(body, list) else []
    pairs = list(zip(batch.operations, entries, strict=False))
    if len(entries) != len(batch.operations) or not all(_agrees(batch, *pair) for pair in pairs):
        return [Answer(one, Unanswered(one.source_key)) for one in batch.operations]
    return [_answer(batch, operation, entry) for operation, entry in pairs]


def _agrees(batch: Batch, operation: Operation, entry: Mapping[str, Any]) -> bool:
    """Whether an entry can belong to an operation: a record that is known by its id keeps it."""
    if batch.verb not in (Verb.UPDATE, Verb.REMOVE) or entry.get("success") is not True:
        return True
    return str(entry.get("id"))[:SHORT_ID] == str(operation.destination_id)[:SHORT_ID]


def _answer(batch: Batch, operation: Operation, entry: Mapping[str, Any]) -> Answer:
    if entry.get("success") is not True:
        return judge(batch, operation, entry.get("errors"))
    if batch.verb is Verb.REMOVE:
        return Answer(operation, Removed(operation.source_key))
    record_id = entry.get("id")
    if not isinstance(record_id, str) or not record_id:
        return Answer(operation, Unanswered(operation.source_key))
    # The flag is missing below v46, and from creates and updates (api/salesforce.md 7).
    created = batch.verb is Verb.CREATE or entry.get("created") is True
    return Answer(operation, Written(operation.source_key, record_id, created))


def left_open(answer: Answer) -> Outcome:
    """What an answer amounts to for whoever cannot do anything about it now (a bulk job)."""
    operation = answer.operation
    if answer.recovery in (Recovery.CONTENDED, Recovery.FIND):
        return Unattempted(operation.source_key, is_contended=True)
    return Unattempted(operation.source_key) if answer.recovery is Recovery.AGAIN else answer.outcome


# -- looking at what a duplicate rule found


def is_examinable(operation: Operation) -> bool:
    """Whether the values of a record stay values in a composite request, which replaces `@{…}`."""
    return _COMPOSITE_REFERENCE not in json.dumps(list(operation.fields.values()), default=str)


def build_examination(batch: Batch, sobject: SObject, paths: Paths, headers: Mapping[str, str]) -> Request:
    """The records of a batch once more, each as a request of its own: only such a reply names duplicates.

    Args:
        batch: Creates or upserts, at most `MOST_EXAMINED`.
        sobject: The object.
        paths: Of the version.
        headers: As the batch had them.
    """
    parts = [_single(batch, number, one, sobject, paths) for number, one in enumerate(batch.operations)]
    return Request(
        "POST",
        paths.composite(),
        json={"allOrNone": False, "compositeRequest": parts},
        headers=headers,
        is_write=True,
        is_idempotent=batch.verb is Verb.UPSERT,
    )


def _single(batch: Batch, number: int, operation: Operation, sobject: SObject, paths: Paths) -> dict[str, Any]:
    body = _body(batch, operation, sobject)
    key: tuple[str, ...] = ()
    if batch.verb is Verb.UPSERT:
        body.pop(batch.match_field, None)
        key = (batch.match_field, str(_match_value(batch, operation)))
    return {
        "method": "PATCH" if key else "POST",
        "url": paths.row(batch.schema.name, *key),
        "referenceId": f"row{number}",
        "body": body,
    }


def parse_examination(batch: Batch, body: object) -> dict[str, Answer]:
    """Answers by source key: records that are written now, whose outcome is unknown now, and what names duplicates."""
    replies = body.get("compositeResponse") if isinstance(body, dict) else None
    by_name = {
        str(one.get("referenceId")): one
        for one in (replies if isinstance(replies, list) else [])
        if isinstance(one, dict)
    }
    answers: dict[str, Answer] = {}
    for number, operation in enumerate(batch.operations):
        reply = by_name.get(f"row{number}", {})
        status, found = reply.get("httpStatusCode"), reply.get("body")
        if not isinstance(status, int) or status >= _SERVER_ERROR:
            answers[operation.source_key] = Answer(operation, Unanswered(operation.source_key))
        elif isinstance(found, dict) and found.get("success") is True:
            answers[operation.source_key] = _answer(batch, operation, found)
        else:
            answer = judge(batch, operation, found)
            if isinstance(answer.outcome, Rejected) and answer.outcome.code is RejectCode.DUPLICATE_RULE:
                answers[operation.source_key] = answer
    return answers


def part(batch: Batch, operations: Sequence[Operation]) -> Batch:
    """A batch of the same kind with other operations."""
    return msgspec.structs.replace(batch, operations=tuple(operations))
