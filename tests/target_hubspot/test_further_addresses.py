"""Replies without trace ids that show a contact under another address than the one it was written by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.operations import Batch, Operation, Unanswered, Verb, Written
from reverse_etl_core.transport import Reply, Request
from target_hubspot.destination import HubSpotDestination
from target_hubspot.objects import core_object, object_schema

if TYPE_CHECKING:
    from reverse_etl_core.schema import ObjectSchema

PROPERTIES = [
    {"name": "email", "type": "string"},
    {"name": "hs_additional_emails", "type": "enumeration", "fieldType": "checkbox", "options": []},
    {"name": "city", "type": "string"},
]
# Id, first address, further addresses.
CONTACTS = [("1", "ada@example.com", "ada@work.example"), ("2", "bob@example.com", "b@b.example;bob@work.example")]


class Account:
    """Answers like HubSpot does for known contacts: shuffled, without trace ids, under the first address."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def send(self, request: Request) -> Reply:
        """Answer a batch; unknown addresses are left out."""
        self.paths.append(request.path.rsplit("/", 1)[-1])
        body: Any = request.json
        wanted = {one["id"] for one in body["inputs"]}
        names = body.get("properties", ["email"])
        found = [
            {"id": one, "properties": {"email": first} | ({"hs_additional_emails": more} if len(names) > 1 else {})}
            for one, first, more in reversed(CONTACTS)
            if wanted & {first, *more.split(";")}
        ]
        return Reply(200, body=json.dumps({"status": "COMPLETE", "results": found}).encode())


@pytest.fixture
def contacts() -> ObjectSchema:
    """Contacts as their property definitions describe them."""
    kind = core_object("contacts")
    assert kind is not None
    return object_schema(kind, {"results": PROPERTIES})


def batch(contacts: ObjectSchema, *addresses: str) -> Batch:
    """An upsert by address."""
    operations = (Operation(f'["{one}"]', one, {"email": one, "city": "Bonn"}) for one in addresses)
    return Batch(Verb.UPSERT, contacts, "email", tuple(operations))


def outcomes(account: Account, written: Batch) -> dict[str, str | None]:
    """Record ids by address; `None` for an operation without an answer."""
    answers = HubSpotDestination(account.send, "2026-09").write(written)
    assert [one.source_key for one in answers] == [one.source_key for one in written.operations]
    assert all(isinstance(one, (Written, Unanswered)) for one in answers)
    ids = [one.destination_id if isinstance(one, Written) else None for one in answers]
    return dict(zip((one.match_key for one in written.operations), ids, strict=True))


def test_several_further_addresses_are_told_apart(contacts: ObjectSchema) -> None:
    """The contacts are read once by the addresses that the reply does not name, and each is whose it is."""
    account = Account()
    found = outcomes(account, batch(contacts, "bob@work.example", "ada@work.example"))
    assert found == {"bob@work.example": "2", "ada@work.example": "1"}
    assert account.paths == ["upsert", "read"]


def test_an_address_that_nobody_has_stays_without_answer(contacts: ObjectSchema) -> None:
    """What neither reply mentions is not taken for written."""
    account = Account()
    found = outcomes(account, batch(contacts, "ada@work.example", "nobody@example.com"))
    assert found == {"ada@work.example": "1", "nobody@example.com": None}


def test_replies_that_name_everybody_cost_no_read(contacts: ObjectSchema) -> None:
    """The usual case takes one request; so does one that names nobody else."""
    account = Account()
    assert outcomes(account, batch(contacts, "ada@example.com")) == {"ada@example.com": "1"}
    assert outcomes(account, batch(contacts, "nobody@example.com")) == {"nobody@example.com": None}
    assert account.paths == ["upsert", "upsert"]
