"""Why a record was rejected, in sentences with field names and the remedy, and without field values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverse_etl_core.operations import RejectCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.operations import Rejected

DUPLICATE = (
    "Another source key owns this value of '{field}'. Make it unique in the model; if the other key is gone from the "
    "source, forget it in the ledger (docs/rejects.md, duplicate_key)."
)
SHARED = (
    "Another row of the source is the same record of the destination. Merge the two rows in the model, or let only one "
    "of them match it."
)
UNSETTLED = "The destination answered {rounds} times without saying what became of the record."
NOT_TAKEN = "The destination put the record off {rounds} times. It is tried again by a later run."
GONE = "The destination no longer has this record, or it was merged into another one."
INCOMPLETE = "A new record needs a value in at least one of: {fields}. Fill it in the model."
NO_PARENT = "Field '{field}' names a record that does not exist, and that this plan does not create."
NO_PARENT_CAME = "It names a record that does not exist, and that this plan does not create."
_AFTER_FIND = {
    RejectCode.NOT_FOUND: "The destination has no record with this value of '{field}', and only updates are wanted.",
    RejectCode.ALREADY_EXISTS: "The destination already has a record with this value of '{field}', and only creates "
    "are wanted.",
    RejectCode.AMBIGUOUS_MATCH: "{count} records of the destination have this value of '{field}': {ids}. Merge them "
    "there, or correct the value.",
}
OTHERS_RECORD = (
    "No record of the destination has this value of '{match_field}'. The one with this value of '{field}' has another "
    "value of '{match_field}': {ids}. Correct whichever of them is wrong, there or in the model."
)
IDS_IN_MESSAGE = 5


def after_find(code: RejectCode, field: str, found: Sequence[str], *, match_field: str) -> str:
    """Why reading the destination by match key ends the way of a record.

    Args:
        code: What it is rejected with.
        field: The field by which it was looked for.
        found: Ids of the records that have its value there.
        match_field: The first field by which it is looked for.
    """
    more = ", …" if len(found) > IDS_IN_MESSAGE else ""
    ids = ", ".join(found[:IDS_IN_MESSAGE]) + more
    is_others = code is RejectCode.AMBIGUOUS_MATCH and len(found) == 1
    text = OTHERS_RECORD if is_others else _AFTER_FIND[code]
    return text.format(field=field, ids=ids, count=len(found), match_field=match_field)


def with_vendor_code(outcome: Rejected) -> str:
    """The destination's reason, with its own code where it has one."""
    return f"{outcome.reason} ({outcome.vendor_code})" if outcome.vendor_code else outcome.reason
