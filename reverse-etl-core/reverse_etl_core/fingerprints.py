"""Records that arrive as they were delivered, told by what they look like before they are mapped or validated.

The ledger keeps, beside the hash of what was sent, a fingerprint: the hash of the columns as they came, and of all
rules by which they were judged. Equal fingerprints mean that judging the record would give what was delivered. It is
only ever a short cut: without one, or with another one, a record is judged and its content compared.
"""

from __future__ import annotations

import hashlib
from importlib import metadata
from typing import TYPE_CHECKING, Any

import msgspec

from reverse_etl_core import identity
from reverse_etl_core.typed import KEY_TYPE, NOT_REMOVED, REMOVED_AT, values_reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.routing import Route

JUDGES = ("reverse-etl-core", "email-validator", "disposable-email-domains")
"""Packages whose releases judge records, by what they know of addresses too."""
_ABSENT = msgspec.Raw()
_encode = msgspec.json.Encoder().encode


class Fingerprints:
    """The fingerprints of one stream.

    Args:
        route: Where the stream goes.
    """

    def __init__(self, route: Route) -> None:
        columns = dict.fromkeys(one.column for one in route.mapping.columns)
        keys = route.key_columns
        read = [*keys, *(one for one in columns if one not in keys)]
        names = [f"c{number}" for number in range(len(read))]
        fields: list[Any] = [
            (name, KEY_TYPE, msgspec.UNSET) if column in keys else (name, msgspec.Raw, _ABSENT)
            for name, column in zip(names, read, strict=True)
        ]
        rename = dict(zip(names, read, strict=True)) | {"removed_at": REMOVED_AT}
        struct = msgspec.defstruct("Seen", [*fields, NOT_REMOVED], rename=rename, gc=False)
        self._decode = msgspec.json.Decoder(struct).decode
        self._key_values = values_reader(names[: len(keys)])
        self._rules = rules(route)
        # A stream without keys is recognised by its match value, which has to be mapped first.
        self.are_known = bool(keys) and REMOVED_AT not in columns and route.validator.is_steady

    def of(self, record: msgspec.Raw | Mapping[str, Any]) -> tuple[str, bytes] | None:
        """Source key and fingerprint of a record; `None` says nothing, and the record has to be judged."""
        if record.__class__ is not msgspec.Raw:
            return None
        try:
            seen = self._decode(record)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        keys = self._key_values(seen)
        if None in keys or "" in keys or msgspec.UNSET in keys:
            return None
        text = hashlib.blake2b(_encode(seen) + self._rules, digest_size=identity.HASH_BYTES)
        return identity.source_key(keys), text.digest()


def rules(route: Route) -> bytes:
    """A hash of everything beside the record that decides what it is judged to be, 16 bytes.

    Which releases judge is part of it: what was delivered by others is judged once more.
    """
    judged_by = (
        [metadata.version(one) for one in JUDGES],
        route.stream,
        route.match_field,
        route.key_columns,
        [(one.column, one.skips_null, one.field, sorted(one.field.aliases.items())) for one in route.mapping.columns],
        route.mapping.constants,
        route.validator.rules,
    )
    return identity.digest(repr(judged_by).encode(errors="surrogatepass"))
