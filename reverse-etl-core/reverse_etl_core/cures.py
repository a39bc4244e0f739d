"""What is wrong with a record that was not delivered, and what to do: one table, which docs/rejects.md agrees with.

Names of settings and columns stand in backticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from reverse_etl_core.operations import DeferCode, RejectCode

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Cure:
    """What a code means for the person who runs the sync.

    Attributes:
        wrong: What is wrong, or why the record was put off.
        cure: What to do; empty where the next run does it.
    """

    wrong: str
    cure: str = ""


UNKNOWN = Cure("This release does not explain the code.", "Look at the reason in the ledger.")

CURES: Mapping[str, Cure] = MappingProxyType(
    {
        RejectCode.MISSING_KEY.value: Cure(
            "A key column, or the field that records are matched on, is null or blank. Such a record cannot be "
            "recognised again, so it is never sent.",
            "Filter the rows in the model, or match on another field (`match_on`).",
        ),
        RejectCode.DUPLICATE_KEY.value: Cure(
            "Another row of the source already owns this match value, or the record that it leads to. The first one "
            "keeps it, also for the rest of a run in which it is removed.",
            "Make the value unique in the model: decide which row is right. If the owner's key is gone from the"
            " source, forget the owner (`reverse-etl forget`).",
        ),
        RejectCode.INVALID_EMAIL.value: Cure(
            "The address is not valid by its syntax.",
            "Correct it at the source. To deliver the rest of the row, turn bad addresses into null in the "
            "model, and match on another field.",
        ),
        RejectCode.INVALID_VALUE.value: Cure(
            "The value does not fit the field's type: text in a number, an impossible date.",
            "Cast or clean the column in the model.",
        ),
        RejectCode.INVALID_OPTION.value: Cure(
            "The field takes one of a list of options, and this is none of them.",
            "Translate the value in the model, or add the option at the destination. Internal names count; labels only "
            "where the target's page says so.",
        ),
        RejectCode.TOO_LONG.value: Cure(
            "The text has more characters than the field takes.",
            "Cut it in the model. It is never cut silently.",
        ),
        RejectCode.UNKNOWN_FIELD.value: Cure(
            "The destination does not know the field. It existed when the run began, or it is no longer mapped.",
            "Create it again, or take it out of `fields`. A field that is missing at the start is an error of "
            "the settings instead.",
        ),
        RejectCode.READ_ONLY_FIELD.value: Cure(
            "The field cannot be written.",
            "Take it out of `fields` or of the model.",
        ),
        RejectCode.REQUIRED_FIELD.value: Cure(
            "A new record needs a value that is missing: a deal's name, say.",
            "Fill it in the model. Updates of records that exist do not need it.",
        ),
        RejectCode.REFERENCE_NOT_FOUND.value: Cure(
            "A `lookup`, an association or a list names a record that does not exist there. It is tried once more at "
            "the end of the run, when the other streams have arrived, and by later runs.",
            "Deliver the other object too, or do without it where it is missing (`on_missing`).",
        ),
        RejectCode.AMBIGUOUS_MATCH.value: Cure(
            "Several records of the destination hold the match value; or the record that a later field of "
            "`match_on` finds has another value in the first one.",
            "Merge them there, or correct the value.",
        ),
        RejectCode.CONFLICT.value: Cure(
            "Another record of the destination holds a value that must be unique, and it is not the match value.",
            "Merge the two, or correct the value.",
        ),
        RejectCode.NOT_FOUND.value: Cure(
            "`load_method: update`, and the destination has no such record; or a record matched by its id is gone.",
            "Use `upsert`, or leave the row out.",
        ),
        RejectCode.ALREADY_EXISTS.value: Cure(
            "`load_method: create`, and the destination already has the record.",
            "Use `upsert`, or leave the row out.",
        ),
        RejectCode.DUPLICATE_RULE.value: Cure(
            "A duplicate rule of the account blocks the record; the reason names the ids of the records that match.",
            "Change the rule, merge the records, or set `allow_duplicates` where the target has it and the rule only "
            "warns.",
        ),
        RejectCode.VALIDATION_RULE.value: Cure(
            "A rule or automation that the account's administrators wrote refuses the record.",
            "Meet the rule in the model, or change it.",
        ),
        RejectCode.PERMISSION.value: Cure(
            "The credentials may not write this record or field. Some APIs refuse whole requests: the run then "
            "stops with exit code 78 and names the scope.",
            "Grant the permission.",
        ),
        RejectCode.CONSENT.value: Cure(
            "The person has withdrawn consent, or was deleted for privacy.",
            "None from here, on purpose.",
        ),
        RejectCode.VENDOR_REFUSED.value: Cure(
            "The destination refused the record for a reason that has no code of ours, or did not answer for "
            "it. The vendor's own code stands in parentheses at the end of the reason.",
            "Look the vendor's code up in the vendor's documentation.",
        ),
        DeferCode.QUOTA.value: Cure(
            "The daily quota is used up, or the share of it that `daily_quota_percent` leaves to this sync.",
        ),
        DeferCode.BRAKE.value: Cure(
            "A brake stopped the run. Removals that it held are in the ledger, and wait there to be approved.",
        ),
        DeferCode.STOPPED.value: Cure(
            "A signal or an error ended the run.",
        ),
    }
)
"""By the value of `RejectCode` or `DeferCode`."""


def cure(code: str) -> Cure:
    """What a code means; a general word for one that is not in the table."""
    return CURES.get(code, UNKNOWN)
