"""Bodies that were captured from a real org, as they stand; they lie beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reverse_etl_core.errors import BatchRefusedError, FatalError, ReverseETLError
from reverse_etl_core.operations import Batch, Current, Operation, Outcome, RejectCode, Rejected, Verb, Written
from reverse_etl_core.schema import Field, FieldType, Limits, ObjectSchema
from reverse_etl_core.transport import Reply, Request
from target_salesforce import soql, wire
from target_salesforce.errors import UnknownObjectError, failure
from target_salesforce.objects import SObject
from target_salesforce.reading import Column, current_by_key
from target_salesforce.wire import Paths, build_write, parse_write

PLACES = [up / "shared" / "recordings" / "salesforce" / "ampersand" for up in Path(__file__).parents[3:]]
RECORDINGS = next((one for one in PLACES if one.is_dir()), PLACES[0])
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not part of the repository")

FIELDS = {name: Field(name, FieldType.STRING) for name in ("FirstName", "LastName")}
CONTACT = SObject(ObjectSchema("Contact", FIELDS, Limits(200)), {}, frozenset())
WRITE = Request("PATCH", "/services/data/v60.0/composite/sobjects", json={}, is_write=True)


def recorded(name: str) -> Any:
    """One recorded body."""
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))


def batch(verb: Verb, payload: Any) -> Batch:
    """The operations that a recorded request was made of."""
    operations = tuple(
        Operation(
            f"k{number}",
            f"k{number}",
            {name: one[name] for name in one if name not in ("attributes", "id")},
            one.get("id"),
        )
        for number, one in enumerate(payload["records"])
    )
    return Batch(verb, CONTACT.schema, "LastName", operations)


def outcomes(verb: Verb, kind: str, reply: str) -> list[Outcome]:
    """The outcomes of a recorded reply to a recorded request."""
    answers = parse_write(batch(verb, recorded(f"batch_{kind}_contacts_payload")), recorded(f"batch_{kind}_{reply}"))
    return [answer.outcome for answer in answers]


def error_of(name: str, status: int, request: Request = WRITE) -> ReverseETLError:
    """What a recorded refusal amounts to."""
    error = failure(request, Reply(status, body=(RECORDINGS / f"{name}.json").read_bytes()))
    assert error is not None
    return error


@pytest.mark.parametrize(("verb", "kind"), [(Verb.CREATE, "create"), (Verb.UPDATE, "update")])
def test_our_requests_are_the_recorded_ones(verb: Verb, kind: str) -> None:
    """Batches are sent as a client of a real org sent them."""
    payload = recorded(f"batch_{kind}_contacts_payload")
    assert build_write(batch(verb, payload), CONTACT, Paths("60.0"), {}).json == payload


def test_recorded_successes() -> None:
    """Both creates and updates answer in order."""
    created = outcomes(Verb.CREATE, "create", "contacts_success")
    assert created == [
        Written("k0", "003ak00000luKU1AAM", created=True),
        Written("k1", "003ak00000luKU2AAM", created=True),
    ]
    updated = outcomes(Verb.UPDATE, "update", "contacts_success")
    assert updated == [
        Written("k0", "003ak00000jvIfpAAE", created=False),
        Written("k1", "003ak00000jvIfqAAE", created=False),
    ]


@pytest.mark.parametrize(
    ("verb", "kind", "reply", "codes"),
    [
        (
            Verb.CREATE,
            "create",
            "contacts_partial-but-allOrNone",
            [RejectCode.REQUIRED_FIELD, RejectCode.VENDOR_REFUSED],
        ),
        (
            Verb.UPDATE,
            "update",
            "contacts_partial-but-allOrNone",
            [RejectCode.VENDOR_REFUSED, RejectCode.UNKNOWN_FIELD],
        ),
        (Verb.UPDATE, "update", "contacts_err-each-no-ids", [RejectCode.MISSING_KEY, RejectCode.MISSING_KEY]),
    ],
)
def test_recorded_refusals_of_records(verb: Verb, kind: str, reply: str, codes: list[RejectCode]) -> None:
    """Each record has the code that its own refusal asks for."""
    found = outcomes(verb, kind, reply)
    assert [one.code for one in found if isinstance(one, Rejected)] == codes


@pytest.mark.parametrize(
    ("name", "status", "code", "named"),
    [
        ("batch_create_contacts_err-bad-request", 400, RejectCode.REQUIRED_FIELD, ""),
        ("invalid-field-upsert", 400, RejectCode.READ_ONLY_FIELD, "'MasterRecordId'"),
        ("unknown-field", 400, RejectCode.UNKNOWN_FIELD, "'AccountNumer'"),
        ("metadata_write_err-duplicate-permission-assignment", 400, RejectCode.CONFLICT, "'AssigneeId'"),
    ],
)
def test_recorded_refusals_of_requests(name: str, status: int, code: RejectCode, named: str) -> None:
    """A request that is refused for a record is split; the field is named, no id of the message is."""
    error = error_of(name, status)
    assert isinstance(error, BatchRefusedError)
    assert error.code is code
    assert named in str(error)
    assert "005ak000005hvjJ" not in str(error)


def test_a_recorded_query_of_an_unknown_object() -> None:
    """The excerpt of the query in the message is not passed on."""
    error = error_of("unknown-object", 400, Request("GET", "/services/data/v60.0/query"))
    assert isinstance(error, UnknownObjectError)
    assert "Accout" not in str(error)


def test_a_record_that_was_deleted() -> None:
    """A refused delete is about an address, and no record of a batch."""
    assert isinstance(error_of("crm_delete_not-found", 404), FatalError)


def test_a_success_that_is_none() -> None:
    """A row's reply can carry an id and still be a refusal."""
    body = recorded("success-with-errors")
    (answer,) = parse_write(batch(Verb.CREATE, {"records": [{"LastName": "x"}]}), [body])
    assert isinstance(answer.outcome, Rejected)
    assert answer.outcome.code is RejectCode.INVALID_VALUE
    assert "001RM000003oLrB000" not in answer.outcome.reason


def test_recorded_pages() -> None:
    """Records are read, and the next page is found although the recorded answer says that there is none."""
    page = recorded("read-opportunity-with-account")
    name, amount = Field("Name", FieldType.STRING), Field("Amount", FieldType.NUMBER)
    wanted = [
        Column("Amount", "Amount", amount),
        Column("AccountId", "AccountId", Field("AccountId", FieldType.STRING)),
    ]
    keys = ["Test Opportunity 1", "Test Opportunity 2"]
    assert current_by_key(name, keys, soql.rows(page), wanted) == {
        keys[0]: [Current("006ak00000OQ4RxAAL", {"Amount": 50000, "AccountId": "001ak00000OKNPHAA5"})],
        keys[1]: [Current("006ak00000OQ4RyAAL", {"Amount": 30000, "AccountId": None})],
    }
    assert soql.next_page(page) is None
    leads = recorded("read-list-leads")
    assert soql.next_page({**leads, "done": False}) == leads["nextRecordsUrl"]


def test_a_created_row() -> None:
    """The reply to a single record is one entry of a collection's."""
    found = wire.parse_write(batch(Verb.CREATE, {"records": [{"LastName": "x"}]}), [recorded("create-ok")])
    assert found[0].outcome == Written("k0", "001ak00000OQTieAAH", created=True)
