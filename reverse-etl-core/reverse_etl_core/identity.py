"""Who a record is: its source key, its match key as the destination compares it, the hash of its content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator, KeysView, Sequence, ValuesView

    from reverse_etl_core.operations import Value
    from reverse_etl_core.schema import Field

HASH_BYTES = 16
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""Control characters but for those that white space is made of."""

_decoder: msgspec.json.Decoder[dict[str, Value]] = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number", order="sorted", enc_hook=lambda _unreadable: None)


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
    return text if field.is_case_sensitive else text.lower()


def is_sound(key: str) -> bool:
    r"""Whether a match key can be looked for: queries, URLs and databases choke on control characters.

    >>> is_sound("two\nlines"), is_sound("bell\x07")
    (True, False)
    """
    return key.isprintable() or _CONTROL.search(key) is None  # most keys are, which costs less to see


def _plain(value: Value) -> str:
    if isinstance(value, Decimal):
        text = format(value, "f")  # never with an exponent; 1.0 and 1.00 are 1 for whoever compares numbers
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def encode(fields: Mapping[str, Value]) -> bytes:
    """Fields as canonical JSON: sorted names, no spaces. Equal bytes mean equal content."""
    return _encoder.encode(fields)


class EncodedFields(Mapping[str, "Value"]):
    """Fields as they were encoded; decoded once, by whoever sends them.

    Args:
        payload: What `encode` gave.
        leave_out: Fields that are not to be written.
    """

    __slots__ = ("_decoded", "_leave_out", "_payload")

    def __init__(self, payload: bytes, leave_out: frozenset[str] = frozenset()) -> None:
        self._payload = payload
        self._leave_out = leave_out
        self._decoded: dict[str, Value] | None = None

    def _fields(self) -> dict[str, Value]:
        if self._decoded is None:
            self._decoded = self.decode()
        return self._decoded

    def decode(self) -> dict[str, Value]:
        """A copy that is not kept: decoded, the fields of many records are large."""
        decoded = _decoder.decode(self._payload)
        for name in self._leave_out:
            decoded.pop(name, None)
        return decoded

    def __getitem__(self, name: str) -> Value:
        return self._fields()[name]

    # What `Mapping` has of the following goes through every field in Python.

    def items(self) -> ItemsView[str, Value]:
        """Names and values."""
        return self._fields().items()

    def keys(self) -> KeysView[str]:
        """Names."""
        return self._fields().keys()

    def values(self) -> ValuesView[Value]:
        """Values."""
        return self._fields().values()

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as `Mapping` has it
        """The value of a field."""
        return self._fields().get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self._fields()

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields())

    def __len__(self) -> int:
        return len(self._fields())


def decoded(fields: Mapping[str, Value]) -> Mapping[str, Value]:
    """Fields to be looked at once, which `fields` does not keep."""
    return fields.decode() if isinstance(fields, EncodedFields) else fields


def digest(payload: bytes) -> bytes:
    """The hash that stands for a payload in the ledger, 16 bytes.

    128 bits: two versions of one record collide with a probability of 3e-39, and only versions of the
    same record are ever compared.
    """
    return hashlib.blake2b(payload, digest_size=HASH_BYTES).digest()
