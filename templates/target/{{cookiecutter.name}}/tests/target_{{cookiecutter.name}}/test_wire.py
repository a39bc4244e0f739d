"""Requests and answers, without a socket.

Skeleton: answers of the skeleton's API. Yours: recorded ones, in files beside this one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from reverse_etl_core.errors import UnknownOutcomeError
from reverse_etl_core.operations import Batch, Current, Missing, Operation, Rejected, Removed, Unanswered, Verb, Written
from reverse_etl_core.schema import Field, FieldType
from target_{{cookiecutter.name}} import wire
from target_{{cookiecutter.name}}.objects import object_schema

SCHEMA = object_schema(
    {
        "name": "contacts",
        "fields": [
            {"name": "customer_id", "type": "string", "unique": True, "required": True},
            {"name": "seats", "type": "integer"},
            {"name": "kind", "type": "brand-new-type"},
        ],
    }
)


def batch(verb: Verb, *ids: str | None, removal: str = "") -> Batch:
    """A batch of as many operations."""
    operations = tuple(Operation(f"s{n}", f"K{n}", {"seats": Decimal(n)}, one) for n, one in enumerate(ids))
    return Batch(verb, SCHEMA, "customer_id", operations, removal=removal)


def error(ref: str, code: str, field: str = "") -> dict[str, Any]:
    """A refused record."""
    return {"ref": ref, "error": {"code": code, "field": field}}


def test_the_schema_knows_what_the_description_says() -> None:
    """The only unique field is the natural one; a type that is new travels as text."""
    assert (SCHEMA.natural_match_field, SCHEMA.required_to_create) == ("customer_id", (("customer_id",),))
    assert [one.type for one in SCHEMA.fields.values()] == [FieldType.STRING, FieldType.INTEGER, FieldType.STRING]


@pytest.mark.parametrize(
    ("verb", "removal", "path", "is_idempotent"),
    [
        (Verb.CREATE, "", "create", False),
        (Verb.UPDATE, "", "update", True),
        (Verb.REMOVE, "archive", "archive", True),
        (Verb.REMOVE, "delete", "delete", True),
    ],
)
def test_a_create_is_sent_once(verb: Verb, removal: str, path: str, *, is_idempotent: bool) -> None:
    """Everything else may be repeated; all of them count as writes."""
    request = wire.build_write(batch(verb, "r1", removal=removal))
    assert request.path.endswith(f"/objects/contacts/batch/{path}")
    assert (request.is_write, request.is_idempotent) == (True, is_idempotent)


def test_answers_are_joined_by_their_reference() -> None:
    """Shuffled, and one left out, which nobody knows anything of."""
    body = {"results": [{"ref": "2", "id": "r12"}, {"ref": "0", "id": "r10"}]}
    assert wire.parse_write(batch(Verb.CREATE, None, None, None), body) == [
        Written("s0", "r10", created=True),
        Unanswered("s1"),
        Written("s2", "r12", created=True),
    ]


def test_a_record_that_is_gone() -> None:
    """An update finds it anew; a removal has nothing left to do."""
    body = {"results": [error("0", "not_found")]}
    assert wire.parse_write(batch(Verb.UPDATE, "r1"), body) == [Missing("s0")]
    assert wire.parse_write(batch(Verb.REMOVE, "r1", removal="archive"), body) == [Removed("s0")]


def test_a_taken_key_of_a_new_record_exists_already() -> None:
    """Of another field, or of an update, it is a conflict; trouble that passes is no answer."""

    def code(verb: Verb, name: str, field: str) -> object:
        (outcome,) = wire.parse_write(batch(verb, "r1"), {"results": [error("0", name, field)]})
        return outcome.code.value if isinstance(outcome, Rejected) else outcome

    assert code(Verb.CREATE, "conflict", "customer_id") == "already_exists"
    assert code(Verb.CREATE, "conflict", "seats") == "conflict"
    assert code(Verb.UPDATE, "conflict", "customer_id") == "conflict"
    assert code(Verb.UPDATE, "rate_limited", "") == Unanswered("s0")


def test_a_look_up_gives_records_by_key() -> None:
    """Two records of one key are both told; values have their types, and one that is not of its type equals nothing."""
    records = [
        {"id": "r1", "fields": {"customer_id": "K1", "seats": 5}},
        {"id": "r2", "fields": {"customer_id": "K1", "seats": "many"}},
        {"id": "r3", "fields": {"customer_id": "other"}},
    ]
    body = {"records": records, "next_cursor": "7"}
    found, cursor = wire.parse_search(SCHEMA, "customer_id", ["K1"], body, ["seats"])
    assert found == {"K1": [Current("r1", {"seats": 5}), Current("r2", {"seats": "many"})]}
    assert wire.build_search(SCHEMA, "customer_id", ["K1"], cursor).json == {
        "field": "customer_id", "values": ["K1"], "cursor": "7",
    }  # fmt: skip
    by_id, _ = wire.parse_search(SCHEMA, "id", ["r2"], {"records": records}, [])
    assert by_id == {"r2": [Current("r2", {})]}


def test_an_answer_without_records_proves_nothing() -> None:
    """It must not be taken for "there is none": a second record would come of it."""
    with pytest.raises(UnknownOutcomeError):
        wire.parse_search(SCHEMA, "customer_id", ["K1"], {}, [])


def test_keys_compare_as_the_api_compares_them() -> None:
    """Blanks around do not count; capitals where the field says so."""
    folded = Field("email", FieldType.EMAIL, is_case_sensitive=False)
    assert (wire.comparable(folded, " Ada "), wire.comparable(None, " Ada "), wire.comparable(None, None)) == (
        "ada", "Ada", "",
    )  # fmt: skip
