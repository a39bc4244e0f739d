"""What is asked of a destination, and what came of it: frozen values, joined by source key.

They are `msgspec` structs, because one of each is made per record: a frozen dataclass costs ten times as much.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from decimal import Decimal

    from reverse_etl_core.schema import ObjectSchema, Reference

Value: TypeAlias = "str | int | float | Decimal | bool | list[str] | None"
"""A field's value after mapping. Dates and datetimes are ISO 8601 text; `None` clears the field."""

Fields: TypeAlias = Mapping[str, Value]
"""Destination field to value. A field that is absent is left alone (guarantee G8)."""


class Verb(str, enum.Enum):
    """What a batch does. Every operation of a batch has the same verb."""

    CREATE = "create"
    """Create a record that was not found: repeating it makes a second one."""
    UPDATE = "update"
    """Change the record with `Operation.destination_id`."""
    UPSERT = "upsert"
    """Create or change the record with `Operation.match_key`; the API itself does this in one step."""
    REMOVE = "remove"
    """Take the record with `Operation.destination_id` away, as `Batch.removal` says."""


class RejectCode(str, enum.Enum):
    """Why a record was not delivered. Stable: users filter and alert by it (DESIGN.md 4)."""

    MISSING_KEY = "missing_key"
    DUPLICATE_KEY = "duplicate_key"
    INVALID_EMAIL = "invalid_email"
    INVALID_VALUE = "invalid_value"
    INVALID_OPTION = "invalid_option"
    TOO_LONG = "too_long"
    UNKNOWN_FIELD = "unknown_field"
    READ_ONLY_FIELD = "read_only_field"
    REQUIRED_FIELD = "required_field"
    REFERENCE_NOT_FOUND = "reference_not_found"
    AMBIGUOUS_MATCH = "ambiguous_match"
    CONFLICT = "conflict"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    DUPLICATE_RULE = "duplicate_rule"
    VALIDATION_RULE = "validation_rule"
    PERMISSION = "permission"
    CONSENT = "consent"
    VENDOR_REFUSED = "vendor_refused"


class DeferCode(str, enum.Enum):
    """Why a record was not attempted in this run; the next run delivers it."""

    QUOTA = "quota"
    BRAKE = "brake"
    STOPPED = "stopped"


class Operation(msgspec.Struct, frozen=True, gc=False):
    """One record to write.

    Attributes:
        source_key: The record's Singer key properties as canonical JSON text; unique within a batch.
        match_key: The match value as the destination compares it; unique within a batch.
        destination_id: The destination's own id where it is known; always set for `Verb.UPDATE`.
        fields: What to write, the match field included where it has to be written.
    """

    source_key: str
    match_key: str
    fields: Fields
    destination_id: str | None = None


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Operations that travel in one request.

    Attributes:
        verb: What to do with each of them.
        schema: The object that is written.
        match_field: The field that `Operation.match_key` belongs to.
        operations: At least one; within the object's limits.
        references: Fields whose values name records of another object by match value, and that object.
        removal: For `Verb.REMOVE` the name of one of `schema.removals`.
        parent_ids: Of fields in `references`: match key to the id that the ledger knows, for `schema.takes_ids`. The
            record may be gone since: the destination is right, and not the ledger (L6).
        ours: For `schema.takes_ids` and a stream that takes away what it added: source keys of the records that this
            sync created.
    """

    verb: Verb
    schema: ObjectSchema
    match_field: str
    operations: tuple[Operation, ...]
    references: Mapping[str, Reference] = {}
    removal: str = ""
    parent_ids: Mapping[str, Mapping[str, str]] = {}
    ours: frozenset[str] = frozenset()


class Current(msgspec.Struct, frozen=True, gc=False):
    """A record as the destination has it.

    Attributes:
        destination_id: Its id.
        fields: Those that were asked for, in the form that mapped values have: `None` where one is empty, absent where
            the API does not show it.
    """

    destination_id: str
    fields: Fields = {}


class Written(msgspec.Struct, frozen=True, gc=False):
    """The destination confirmed the record.

    Attributes:
        source_key: Which one.
        destination_id: Where it is.
        created: Whether it is new.
        changed: Whether anything had to be written.
    """

    source_key: str
    destination_id: str
    created: bool
    changed: bool = True


class Removed(msgspec.Struct, frozen=True, gc=False):
    """The record is away, since now or since before."""

    source_key: str


class Missing(msgspec.Struct, frozen=True, gc=False):
    """The destination no longer has a record with this id (deleted or merged): find it anew."""

    source_key: str


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """The destination, or our own validation, refuses this record.

    Attributes:
        source_key: Which one.
        code: Stable code.
        reason: A sentence with field names and the remedy, and without field values.
        vendor_code: The destination's own code, verbatim.
        rest_s: How long the same content is not tried again at least, where the destination asks for more than usual.
    """

    source_key: str
    code: RejectCode
    reason: str
    vendor_code: str = ""
    rest_s: float = 0.0


class Unanswered(msgspec.Struct, frozen=True, gc=False):
    """The reply was a success but does not mention this record: not known to be written."""

    source_key: str


class Unattempted(msgspec.Struct, frozen=True, gc=False):
    """The destination did not write this record and says so: it may be sent again at once.

    Attributes:
        source_key: Which one.
        is_contended: Another write held what this one needs, so it should travel with fewer others.
    """

    source_key: str
    is_contended: bool = False


Outcome: TypeAlias = "Written | Removed | Missing | Rejected | Unanswered | Unattempted"
"""What came of one operation. `Destination.write` gives exactly one per operation of the batch."""
