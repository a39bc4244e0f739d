"""Batches as core sends them, of members that the ledger knows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from reverse_etl_core.operations import Batch, Operation, Verb
from target_mailchimp.bodies import subscriber_hash

from .conftest import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.operations import Outcome
    from reverse_etl_core.schema import ObjectSchema
    from target_mailchimp.destination import MailchimpDestination


def operation(key: str, **fields: Any) -> Operation:
    """A record of which the ledger knows the member."""
    address = f"{key}{DOMAIN}".lower()
    return Operation(key, address, fields, subscriber_hash(address))


def remove(target: MailchimpDestination, way: str, keys: Sequence[str], name: str = "members") -> dict[str, Outcome]:
    """Take members away: outcomes by key."""
    return written(target, target.describe(name), Verb.REMOVE, [operation(key) for key in keys], way)


def upsert(target: MailchimpDestination, key: str, **fields: Any) -> Outcome:
    """Deliver a record whose member is known."""
    given = {"email_address": f"{key}{DOMAIN}".lower(), **fields}
    return written(target, target.describe("members"), Verb.UPSERT, [operation(key, **given)])[key]


def written(
    target: MailchimpDestination, schema: ObjectSchema, verb: Verb, operations: Sequence[Operation], way: str = ""
) -> dict[str, Outcome]:
    """Write a batch: outcomes by key, one each."""
    outcomes = target.write(Batch(verb, schema, "email_address", tuple(operations), removal=way))
    found = {one.source_key: one for one in outcomes}
    assert len(outcomes) == len(operations) == len(found)
    return found


def kinds(outcomes: dict[str, Outcome]) -> Counter[str]:
    """Outcomes by kind."""
    return Counter(type(one).__name__ for one in outcomes.values())
