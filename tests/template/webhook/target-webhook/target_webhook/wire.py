"""Requests from records, and outcomes from replies: pure, no I/O."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reverse_etl_core.operations import Written
from reverse_etl_core.transport import Request

if TYPE_CHECKING:
    from reverse_etl_core.operations import Operation, Outcome, Value
    from target_webhook.config import Endpoint

IDEMPOTENCY_KEY = "Idempotency-Key"
"""source: IETF draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header)."""
_CREATED = 201


def build_check(path: str) -> Request:
    """The request that shows whether the token is good."""
    return Request("GET", path)


def delivery_key(endpoint: Endpoint, operation: Operation) -> str:
    """What names this delivery: the same when it is repeated, another one for whatever comes later.

    The ledger keeps the key of the last delivery as the record's id, and the next one follows from it. So a record that
    takes an earlier content again is not taken for a repetition of that one.
    """
    content = {name: json_value(value) for name, value in sorted(operation.fields.items())}
    parts = [endpoint.name, operation.match_key, operation.destination_id or "", content]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:32]


def build_post(endpoint: Endpoint, operation: Operation) -> Request:
    """The request that delivers one record; with its key it may be repeated."""
    fields = {name: json_value(value) for name, value in operation.fields.items()}
    key = fields.get(endpoint.key) or operation.match_key
    return Request(
        "POST",
        endpoint.path,
        json={"object": endpoint.name, "key": key, "fields": fields},
        headers={IDEMPOTENCY_KEY: delivery_key(endpoint, operation)},
        is_write=True,
    )


def parse_post(endpoint: Endpoint, operation: Operation, status: int) -> Outcome:
    """Any 2xx confirms; 201 says that the record is new."""
    return Written(operation.source_key, delivery_key(endpoint, operation), created=status == _CREATED)


def json_value(value: Value) -> Any:  # noqa: ANN401 - any JSON
    """A value as JSON; null clears a field.

    >>> json_value(Decimal("2.50")), json_value(Decimal("5")), json_value(None)
    (2.5, 5, None)
    """
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
