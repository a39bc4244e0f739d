"""What to do about a rejected record, by its code: the words of docs/rejects.md."""

from __future__ import annotations

from reverse_etl_core.operations import RejectCode

CURES = {
    RejectCode.MISSING_KEY: "Filter the rows in the model, or match on another field (`match_on`).",
    RejectCode.DUPLICATE_KEY: "Make the value unique in the model: decide which row is right. If the owner's key is "
    "gone from the source, forget the owner (`reverse-etl forget`).",
    RejectCode.INVALID_EMAIL: "Correct it at the source. To deliver the rest of the row, turn bad addresses into null "
    "in the model, and match on another field.",
    RejectCode.INVALID_VALUE: "Cast or clean the column in the model.",
    RejectCode.INVALID_OPTION: "Translate the value in the model, or add the option at the destination. Internal names "
    "count, not labels.",
    RejectCode.TOO_LONG: "Cut it in the model. It is never cut silently.",
    RejectCode.UNKNOWN_FIELD: "Create it again, or take it out of `fields`. A field that is missing at the start is an "
    "error of the settings instead.",
    RejectCode.READ_ONLY_FIELD: "Take it out of `fields` or of the model.",
    RejectCode.REQUIRED_FIELD: "Fill it in the model. Updates of records that exist do not need it.",
    RejectCode.REFERENCE_NOT_FOUND: "Deliver the other object too, or drop the reference where it is missing "
    "(`on_missing: skip_field`).",
    RejectCode.AMBIGUOUS_MATCH: "Merge them there.",
    RejectCode.CONFLICT: "Merge the two, or correct the value.",
    RejectCode.NOT_FOUND: "Use `upsert`, or leave the row out.",
    RejectCode.ALREADY_EXISTS: "Use `upsert`, or leave the row out.",
    RejectCode.DUPLICATE_RULE: "Change the rule, merge the records, or set `allow_duplicates` where the target has it "
    "and the rule only warns.",
    RejectCode.VALIDATION_RULE: "Meet the rule in the model, or change it.",
    RejectCode.PERMISSION: "Grant the permission.",
    RejectCode.CONSENT: "None from here, on purpose.",
    RejectCode.VENDOR_REFUSED: "Look the vendor's code up in the vendor's documentation.",
}


def cure(code: str | None) -> str:
    """The remedy for a code; one that this release does not know leads to the documents.

    >>> cure("permission")
    'Grant the permission.'
    >>> cure("from a newer release")
    'See docs/rejects.md.'
    """
    known = {one.value: text for one, text in CURES.items()}
    return known.get(code or "", "See docs/rejects.md.")
