"""What the refusal of one record amounts to, given what was tried: pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from reverse_etl_core.operations import (
    Missing,
    Operation,
    RejectCode,
    Rejected,
    Removed,
    Unanswered,
    Unattempted,
    Verb,
)
from reverse_etl_core.recovery import Recovery
from target_salesforce import complaints, errors
from target_salesforce.objects import ID_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from reverse_etl_core.errors import ReverseETLError
    from reverse_etl_core.operations import Batch, Outcome, Value
    from reverse_etl_core.recovery import Refusal
    from target_salesforce.complaints import Complaint, Parent


_NO_DELETION = "The user of this sync may not delete this record. Grant 'Delete' on the object, or share the record."
_IN_THE_WAY = (
    "Salesforce does not delete it although it is there: the user of this sync may not, or something that belongs to "
    "it stands in the way. Delete it in Salesforce to see what."
)
UNDELETED = {
    "INSUFFICIENT_ACCESS": _NO_DELETION,
    "INSUFFICIENT_ACCESS_OR_READONLY": _NO_DELETION,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _NO_DELETION,
    "INVALID_CROSS_REFERENCE_KEY": _IN_THE_WAY,
    "ENTITY_IS_DELETED": _IN_THE_WAY,
    "NOT_FOUND": _IN_THE_WAY,
}
"""Codes that mean something else where a record was to be deleted, and what."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one operation, and what could still be done about it.

    Attributes:
        operation: As it was sent.
        outcome: What it amounts to if nothing more is done.
        recovery: What could be done; `None` where the outcome is the last word.
        complaint: What Salesforce said; `None` for a record that is written.
    """

    operation: Operation
    outcome: Outcome
    recovery: Recovery | None = None
    complaint: Complaint | None = None


def judge(batch: Batch, operation: Operation, entries: object) -> Answer:
    """What one refused record amounts to, given what was tried.

    The recoveries that remain: `CONTENDED`, `AGAIN`; `FIND` for an update whose record may be gone, or one that it
    refers to; `STOP` for what ends the run.
    """
    found = _without_values(operation, _naming_references(batch, operation, complaints.read(entries)))
    refusal = _in_context(batch, errors.row_refusal(found), found)
    rejected = Rejected(operation.source_key, refusal.code, refusal.reason, refusal.vendor_code)
    if errors.end_of_run(found) is not None:
        return Answer(operation, Unattempted(operation.source_key), Recovery.STOP, found)
    recovery = errors.row_recovery(found)
    if recovery is Recovery.UNCERTAIN:
        return Answer(operation, Unanswered(operation.source_key), None, found)
    if recovery in (Recovery.WAIT, Recovery.SMALLER) or _is_removed_twice(batch, found):
        recovery = Recovery.CONTENDED
    if recovery is Recovery.FIND:
        return _judge_lost(batch, operation, found, rejected)
    if _is_race(batch, found):
        recovery = Recovery.AGAIN
    return Answer(operation, rejected, recovery if recovery is not Recovery.REJECT else None, found)


def _judge_lost(batch: Batch, operation: Operation, found: Complaint, rejected: Rejected) -> Answer:
    """An id leads nowhere: that of the record itself, or that of one it refers to."""
    if batch.verb is Verb.REMOVE:
        return Answer(operation, rejected, Recovery.FIND, found)
    if batch.verb is not Verb.UPDATE or set(found.fields) - {ID_FIELD}:
        return Answer(operation, rejected, None, found)
    if found.fields or not _has_references(batch, operation):
        return Answer(operation, Missing(operation.source_key), None, found)
    return Answer(operation, rejected, Recovery.FIND, found)


def _has_references(batch: Batch, operation: Operation) -> bool:
    known = batch.schema.fields
    return any(name in known and known[name].references and given for name, given in operation.fields.items())


def _is_race(batch: Batch, found: Complaint) -> bool:
    """Whether somebody else made the record between an upsert's look and its write: once more, it is an update.

    source: salesforce.stackexchange 197382
    """
    is_taken = found.codes[:1] == ("DUPLICATE_VALUE",)
    return batch.verb is Verb.UPSERT and is_taken and (not found.fields or batch.match_field in found.fields)


def _is_removed_twice(batch: Batch, found: Complaint) -> bool:
    """Whether two records of a request have the same id: alone, one is deleted and the other one found deleted."""
    return batch.verb is Verb.REMOVE and found.codes[:1] == ("DUPLICATE_IN_REQUEST",)


def sorted_out(batch: Batch, answer: Answer, present: AbstractSet[str] | None) -> Answer:
    """The answer for an id that led nowhere, once it is known which records there are.

    Args:
        batch: What was sent.
        answer: With `Recovery.FIND`, or any other one, which stays.
        present: Ids of the records that are there, of those that led nowhere; `None` where nobody knows.
    """
    if answer.recovery is not Recovery.FIND:
        return answer
    operation = answer.operation
    is_away = present is not None and str(operation.destination_id) not in present
    if batch.verb is not Verb.REMOVE:
        return Answer(operation, Missing(operation.source_key)) if is_away else answer
    if is_away:
        return Answer(operation, Removed(operation.source_key))
    return Answer(operation, Unattempted(operation.source_key)) if present is None else answer


def _in_context(batch: Batch, refusal: Refusal, found: Complaint) -> Refusal:
    """A refusal, once it is known what was tried: a create whose match value is taken exists already."""
    if batch.verb is Verb.REMOVE and found.code in UNDELETED:
        return replace(refusal, code=RejectCode.PERMISSION, reason=UNDELETED[found.code])
    is_taken = batch.verb is Verb.CREATE and refusal.code is RejectCode.CONFLICT and batch.match_field in found.fields
    return replace(refusal, code=RejectCode.ALREADY_EXISTS) if is_taken else refusal


# -- references


def _naming_references(batch: Batch, operation: Operation, found: Complaint) -> Complaint:
    """A complaint about a parent names the parent's field; the user knows the reference by its own."""
    if found.parent is None or not batch.references:
        return found
    names = _missing_references(batch, operation, found.parent)
    return replace(found, fields=tuple(names)) if names else found


def _missing_references(batch: Batch, operation: Operation, parent: Parent) -> list[str]:
    """Fields whose reference leads to a parent that does not exist, by what was looked for where that tells more."""
    names = [
        name
        for name, one in batch.references.items()
        if one.object_name.lower() == parent.object_name.lower()
        and one.match_field.name.lower() == parent.field.lower()
        and operation.fields.get(name) not in (None, "")
    ]
    same = [name for name in names if _shown(operation.fields[name]).strip().lower() == parent.value.strip().lower()]
    return same or names


def without_missing_references(batch: Batch, answer: Answer) -> Operation | None:
    """The operation without optional references that lead nowhere; `None` where it has none."""
    outcome = answer.outcome
    if not isinstance(outcome, Rejected) or outcome.code is not RejectCode.REFERENCE_NOT_FOUND:
        return None
    fields = answer.operation.fields
    optional = {name for name, one in batch.references.items() if one.is_optional and fields.get(name) is not None}
    named = set(answer.complaint.fields if answer.complaint else ())
    lost = optional & named if named & batch.references.keys() else optional
    if not lost:
        return None
    kept = {name: given for name, given in fields.items() if name not in lost}
    operation = answer.operation
    return Operation(operation.source_key, operation.match_key, kept, operation.destination_id)


# -- what an administrator wrote


def _without_values(operation: Operation, found: Complaint) -> Complaint:
    """The text of a validation rule; code can put values into it, which are taken out (guarantee G7)."""
    if not found.quote:
        return found
    shown = {text for given in operation.fields.values() for text in _texts(given)}
    quote_ = found.quote
    for text in sorted(shown, key=len, reverse=True):
        quote_ = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", "…", quote_, flags=re.IGNORECASE)
    return replace(found, quote=quote_)


def _texts(given: Value) -> Iterable[str]:
    if isinstance(given, list):
        return [one for one in given if one]
    return [text] if not isinstance(given, bool) and (text := _shown(given).strip()) else []


def _shown(given: Value) -> str:
    if given is None:
        return ""
    return format(given, "f") if isinstance(given, Decimal) else str(given)


def renamed(answer: Answer, operation: Operation) -> Answer:
    """What came of another operation on the same record."""
    outcome = msgspec.structs.replace(answer.outcome, source_key=operation.source_key)
    return replace(answer, operation=operation, outcome=outcome)


def end_of_run(answers: Iterable[Answer]) -> ReverseETLError | None:
    """The error that ends the run, where one of the records was refused for it."""
    found = (one.complaint for one in answers if one.recovery is Recovery.STOP)
    return next((errors.end_of_run(one) for one in found if one is not None), None)
