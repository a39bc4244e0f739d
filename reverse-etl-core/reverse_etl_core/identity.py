"""Who a record is: its source key, its match key as the destination compares it, the hash of its content."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverse_etl_core.operations import Value
    from reverse_etl_core.schema import Field

HASH_BYTES = 16

_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted")
_plain_encoder = msgspec.json.Encoder(decimal_format="number")


def source_key(values: Sequence[Any]) -> str:
    """The values of a record's key properties as canonical JSON text.

    >>> source_key([42, "EU"])
    '[42,"EU"]'
    """
    if len(values) == 1 and values[0].__class__ is str and values[0].isalnum():  # nothing to escape
        return f'["{values[0]}"]'
    return _encoder.encode(values).decode()


def match_key(field: Field, value: Value) -> str | None:
    """The match value as the destination compares it; `None` for null and blank, which match nothing.

    >>> from reverse_etl_core.schema import Field, FieldType
    >>> match_key(Field("email", FieldType.EMAIL, is_case_sensitive=False), " Ada@Example.com ")
    'ada@example.com'
    """
    if value is None:
        return None
    text = value if isinstance(value, str) else _plain(value)
    text = text.strip()
    if not text:
        return None
    return text if field.is_case_sensitive else text.casefold()


def _plain(value: Value) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def encode(fields: Mapping[str, Value]) -> bytes:
    """Fields as canonical JSON: sorted names, no spaces. Equal bytes mean equal content."""
    return _encoder.encode(fields)


def encode_sorted(fields: Mapping[str, Value]) -> bytes:
    """As `encode`, for fields whose names are in order already, as a mapping leaves them."""
    return _plain_encoder.encode(fields)


def digest(payload: bytes) -> bytes:
    """The hash that stands for a payload in the ledger, 16 bytes.

    128 bits: two versions of one record collide with a probability of 3e-39, and only versions of the
    same record are ever compared.
    """
    return hashlib.blake2b(payload, digest_size=HASH_BYTES).digest()
