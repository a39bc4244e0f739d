"""Records from the stream, or from the ledger, to candidates: key, mapping, validation."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from singer_sdk.exceptions import MissingKeyPropertiesError

from reverse_etl_core import identity, lenient
from reverse_etl_core.errors import InputError, RejectedRecordError
from reverse_etl_core.operations import RejectCode
from reverse_etl_core.planning import Candidate, Refusal, Removal
from reverse_etl_core.typed import is_removed, typed_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reverse_etl_core.ledger import Delivery
    from reverse_etl_core.routing import Route

_decoder = msgspec.json.Decoder(float_hook=Decimal)


class MissingKeyColumnError(InputError, MissingKeyPropertiesError):
    """A RECORD lacks a key property altogether: the tap breaks the Singer specification."""


Judged: TypeAlias = "Candidate | Refusal | Removal"


class Intake:
    """Judges the records of one stream by the route's rules."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._match = route.schema.fields[route.match_field]
        self._key_columns = route.key_columns
        self._mapping = route.mapping
        self._validator = route.validator
        self._typed = typed_records(route)
        self._records_without_key_column = 0

    def judge(self, record: msgspec.Raw | Mapping[str, Any]) -> Judged:
        """Map and validate one record of the stream.

        Raises:
            InputError: It is not a JSON object.
        """
        if not isinstance(record, msgspec.Raw):
            return self.judge_thoroughly(record)
        try:
            candidate = self._typed.candidate(record) if self._typed else None
            return candidate or self.judge_thoroughly(_decoder.decode(record))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return self._judge_leniently(bytes(record))

    def _judge_leniently(self, record: bytes) -> Judged:
        """Judge what is not JSON, or more of it than can be read."""
        try:
            return self.judge_thoroughly(lenient.read(record))
        except RecursionError:
            digest = identity.digest(record)
            reason = "The record is nested too deep to be read. Flatten it in the model."
            return Refusal(f"no key: {digest.hex()}", RejectCode.INVALID_VALUE, reason, b"{}", digest, is_curable=False)

    def judge_thoroughly(self, record: Mapping[str, Any] | None) -> Judged:
        """Map and validate one record by mapping and `jsonschema`.

        Raises:
            InputError: It is not an object.
        """
        if not isinstance(record, dict):
            msg = f"A record of stream '{self._route.stream}' is not a JSON object. Check the tap."
            raise InputError(msg)
        if is_removed(record):
            return self._removal(record)
        try:
            fields = self._mapping.fields(record)
            self._validator.check(fields)
        except RejectedRecordError as error:
            return self._refuse(record, error.code, error.reason)
        match_key = identity.match_key(self._match, fields.get(self._route.match_field))
        source_key = self._source_key(record)
        if match_key is None or source_key is None:
            return self._refuse(record, RejectCode.MISSING_KEY, self._missing_key(match_key))
        if not identity.is_sound(match_key):
            return self._refuse(record, RejectCode.INVALID_VALUE, self._unsound_key())
        payload = identity.encode(fields)
        digest = identity.digest(payload)
        return Candidate(source_key or identity.source_key([match_key]), match_key, payload, digest)

    def _removal(self, record: Mapping[str, Any]) -> Removal:
        """A removed record, which need not hold more than its key: `source_key` may name other columns."""
        source_key = self._source_key(record)
        if source_key and self._key_columns and not self._route.removes_by_match:
            return Removal(source_key)
        column = self._mapping.column_of(self._route.match_field)
        try:
            value = self._mapping.fields({column: record.get(column)} if column else {}).get(self._route.match_field)
        except RejectedRecordError:
            value = None
        match_key = identity.match_key(self._match, value)
        if match_key is not None and not self._key_columns:
            return Removal(identity.source_key([match_key]))
        return Removal("", match_key)

    def judge_again(self, delivery: Delivery) -> Candidate | Refusal:
        """Map and validate a record that the ledger kept, by today's rules."""
        stored = stored_fields(delivery)
        try:
            fields = self._mapping.again(stored)
            self._validator.check(fields)
        except RejectedRecordError as error:
            return _refuse_again(delivery, stored, error.code, error.reason)
        match_key = identity.match_key(self._match, fields.get(self._route.match_field))
        if match_key is None:
            return _refuse_again(delivery, stored, RejectCode.MISSING_KEY, self._missing_key(match_key))
        if not identity.is_sound(match_key):
            return _refuse_again(delivery, stored, RejectCode.INVALID_VALUE, self._unsound_key())
        payload = identity.encode(fields)
        digest = identity.digest(payload)
        return Candidate(delivery.source_key, match_key, payload, digest, is_replay=True)

    def _source_key(self, record: Mapping[str, Any]) -> str | None:
        return source_key_of(record, self._key_columns)

    def check_input(self) -> None:
        """Look at the whole input: a key that is null is a bad row, but one that is not there is a bad tap.

        Raises:
            MissingKeyColumnError: Records lacked a key property altogether. They are rejected like any other row
                without a key, but nobody should have to find out from the ledger.
        """
        if self._records_without_key_column:
            names = ", ".join(f"'{name}'" for name in self._key_columns)
            msg = (
                f"{self._records_without_key_column} records of stream '{self._route.stream}' lack a key property "
                f"({names}) altogether and were rejected as missing_key; everything else was "
                "delivered. The tap must send every key property with every record."
            )
            raise MissingKeyColumnError(msg)

    def _missing_key(self, match_key: str | None) -> str:
        if match_key is None:
            field = self._route.match_field
            return f"Field '{field}', by which records are matched, is empty. Filter such rows in the model."
        return f"A key column ({', '.join(self._route.key_columns)}) is empty. Filter such rows in the model."

    def _unsound_key(self) -> str:
        return f"Field '{self._route.match_field}', by which records are matched, holds a control character. Clean it."

    def _refuse(self, record: Mapping[str, Any], code: RejectCode, reason: str) -> Refusal:
        kept = {one.field.name: record[one.column] for one in self._mapping.columns if one.column in record}
        payload = identity.encode(kept)
        digest = identity.digest(payload)
        source_key = self._source_key(record)
        if not source_key:
            if any(column not in record for column in self._key_columns):
                self._records_without_key_column += 1
            # Without a key a row cannot be recognised: the content stands in, so that a rerun finds the same row.
            return Refusal(f"no key: {digest.hex()}", code, reason, payload, digest, is_curable=False)
        # What could not be read cannot be stored either: without it the record would be another one.
        is_whole = lenient.UNREADABLE not in kept.values()
        return Refusal(source_key, code, reason, payload, digest, is_curable=is_whole)

    def judge_all(self, records: Iterable[msgspec.Raw | Mapping[str, Any]]) -> list[Judged]:
        """Judge records in order."""
        return [self.judge(record) for record in records]


def stored_fields(delivery: Delivery) -> dict[str, Any]:
    """The mapped fields that the ledger kept of a record."""
    fields: dict[str, Any] = _decoder.decode(delivery.record or "{}")
    return fields


def source_key_of(record: Mapping[str, Any], key_columns: Sequence[str]) -> str | None:
    """The key columns as text; empty for a stream without any; `None` where one of them is null or blank."""
    values = [record.get(column) for column in key_columns]
    if None in values or "" in values or lenient.UNREADABLE in values:
        return None
    return identity.source_key(values) if values else ""


def _refuse_again(delivery: Delivery, stored: Mapping[str, Any], code: RejectCode, reason: str) -> Refusal:
    payload = identity.encode(stored)
    digest = delivery.payload_hash or identity.digest(payload)
    return Refusal(delivery.source_key, code, reason, payload, digest, is_replay=True)
