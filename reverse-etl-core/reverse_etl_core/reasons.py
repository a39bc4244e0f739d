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
    RejectCode.AMBIGUOUS_MATCH: "The destination has several records with this value of '{field}'. Merge them "
    "there: {ids}.",
}
IDS_IN_MESSAGE = 5


def after_find(code: RejectCode, field: str, found: Sequence[str]) -> str:
    """Why reading the destination by match key ends the way of a record.

    Args:
        code: What it is rejected with.
        field: The match field.
        found: Ids of the records that have its match key.
    """
    more = ", …" if len(found) > IDS_IN_MESSAGE else ""
    return _AFTER_FIND[code].format(field=field, ids=", ".join(found[:IDS_IN_MESSAGE]) + more)


def with_vendor_code(outcome: Rejected) -> str:
    """The destination's reason, with its own code where it has one."""
    return f"{outcome.reason} ({outcome.vendor_code})" if outcome.vendor_code else outcome.reason
