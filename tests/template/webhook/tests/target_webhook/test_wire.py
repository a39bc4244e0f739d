"""Requests and answers, without a socket."""

from __future__ import annotations

from reverse_etl_core.operations import Operation, Written
from reverse_etl_core.schema import FieldType
from target_webhook import wire
from target_webhook.config import Endpoint

PEOPLE = Endpoint("people", "/in/people", "id", {"id": FieldType.STRING, "city": FieldType.STRING})


def key(city: str, last: str | None = None) -> str:
    """The key of a delivery."""
    return wire.delivery_key(PEOPLE, Operation("s", "K1", {"city": city, "id": "K1"}, last))


def test_a_delivery_is_named_by_what_it_follows() -> None:
    """The same when repeated, another one for another content or after another delivery."""
    first = key("Ulm")
    assert first == key("Ulm")
    assert len({first, key("Bonn"), key("Bonn", first), key("Ulm", key("Bonn", first))}) == 4


def test_a_post_carries_key_and_fields() -> None:
    """A record's key in its own spelling, in the body and never in the path; it may be repeated."""
    request = wire.build_post(PEOPLE, Operation("s", "k1", {"id": "K1", "city": None}, None))
    assert request.json == {"object": "people", "key": "K1", "fields": {"id": "K1", "city": None}}
    assert (request.path, request.is_write, request.is_idempotent) == ("/in/people", True, True)
    assert len(request.headers[wire.IDEMPOTENCY_KEY]) == 32


def test_the_status_says_what_is_new() -> None:
    """201, and no other."""
    operation = Operation("s", "K1", {"id": "K1"}, None)
    outcomes = [wire.parse_post(PEOPLE, operation, status) for status in (200, 201, 204)]
    assert [isinstance(one, Written) and one.created for one in outcomes] == [False, True, False]
