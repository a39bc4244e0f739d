from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.operations import (
    Batch,
    Missing,
    Operation,
    Outcome,
    RejectCode,
    Rejected,
    Removed,
    Unanswered,
    Unattempted,
    Verb,
    Written,
)
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.schema import Field, FieldType, Reference
from target_salesforce import wire
from target_salesforce.objects import sobject
from target_salesforce.verdicts import judge, sorted_out

PATHS = wire.Paths("67.0")
BODIES = Path(__file__).parent / "bodies"
CONTACT = sobject(json.loads((BODIES / "contact_describe.json").read_text(encoding="utf-8")), jobs=None)
ACCOUNT_KEY = Field("External_Id__c", FieldType.STRING, is_key=True, is_case_sensitive=False)
ACCOUNT = Reference("Account", ACCOUNT_KEY)
ID, OTHER_ID = "003D000000IRFmaIAH", "003D000000IRFmbIAH"


def operation(key: str = "a1", destination_id: str | None = None, **fields: Any) -> Operation:
    """An operation with a key; without fields it has a name."""
    return Operation(key, key.lower(), fields or {"External_Id__c": key, "LastName": "Ada"}, destination_id)


def batch(verb: Verb, *operations: Operation, match_field: str = "External_Id__c", **references: Reference) -> Batch:
    """A batch of contacts."""
    return Batch(verb, CONTACT.schema, match_field, operations, references)


def body_of(one: Batch) -> list[dict[str, Any]]:
    """The records of a batch's request."""
    found: Any = wire.build_write(one, CONTACT, PATHS, {}).json
    records: list[dict[str, Any]] = found["records"]
    return records


def outcomes(one: Batch, body: object) -> list[Outcome]:
    """The outcomes of a reply."""
    return [answer.outcome for answer in wire.parse_write(one, body)]


def good(record_id: str = ID, **more: Any) -> dict[str, Any]:
    """An entry of a record that was written."""
    return {"id": record_id, "success": True, "errors": [], **more}


def bad(code: str, message: str = "", *fields: str) -> dict[str, Any]:
    """An entry of a record that was refused."""
    return {"success": False, "errors": [{"statusCode": code, "message": message, "fields": list(fields)}]}


# -- requests


def test_an_upsert_names_its_key_in_the_path() -> None:
    """The key field is in the path and in each record; one bad record does not undo the others."""
    request = wire.build_write(batch(Verb.UPSERT, operation()), CONTACT, wire.Paths("v60.0"), {"X": "1"})
    assert (request.method, request.path) == ("PATCH", "/services/data/v60.0/composite/sobjects/Contact/External_Id__c")
    assert request.json == {
        "allOrNone": False,
        "records": [{"attributes": {"type": "Contact"}, "External_Id__c": "a1", "LastName": "Ada"}],
    }
    assert request.headers == {"X": "1"}
    assert request.is_write
    assert request.is_idempotent


def test_an_update_goes_by_id() -> None:
    """The record's id is beside its fields, and it may be sent again."""
    request = wire.build_write(batch(Verb.UPDATE, operation("a1", ID, LastName="Ada")), CONTACT, PATHS, {})
    assert (request.method, request.path) == ("PATCH", "/services/data/v67.0/composite/sobjects")
    assert body_of(batch(Verb.UPDATE, operation("a1", ID, LastName="Ada", Id=ID))) == [
        {"attributes": {"type": "Contact"}, "LastName": "Ada", "id": ID}
    ]
    assert request.is_idempotent


def test_a_create_is_not_repeated_blindly() -> None:
    """Nobody knows whether a create without an answer was applied."""
    request = wire.build_write(batch(Verb.CREATE, operation()), CONTACT, PATHS, {})
    assert (request.method, request.path) == ("POST", "/services/data/v67.0/composite/sobjects")
    assert not request.is_idempotent
    assert "id" not in body_of(batch(Verb.CREATE, operation()))[0]


@pytest.mark.parametrize(
    ("name", "given", "sent"),
    [
        ("LastName", "Ada", "Ada"),
        ("LastName", "", None),
        ("LastName", None, None),
        ("LastName", " ", " "),
        ("HasOptedOutOfEmail", False, False),
        ("Seats__c", 5, 5),
        ("Score__c", Decimal("1.50"), 1.5),
        ("Score__c", Decimal("1E+3"), 1000),
        ("Score__c", Decimal("12345678901234567.89"), "12345678901234567.89"),
        ("Birthdate", "1815-12-10", "1815-12-10"),
        ("CreatedDate", "2026-11-21T08:00:00.123456Z", "2026-11-21T08:00:00.123Z"),
        ("CreatedDate", "2026-11-21T08:00:00Z", "2026-11-21T08:00:00Z"),
        ("Regions__c", ["emea", "apac"], "emea;apac"),
        ("Regions__c", [], None),
        ("Opens__c", "08:30:00", "08:30:00.000Z"),
        ("Opens__c", "08:30:00.1234", "08:30:00.123Z"),
        ("Opens__c", "08:30:00.000Z", "08:30:00.000Z"),
        ("Opens__c", "", None),
        ("Opens__c", "half past eight", "half past eight"),
    ],
)
def test_values_are_sent_as_salesforce_takes_them(name: str, given: Any, sent: Any) -> None:
    """Null clears and so does an empty text; what is absent is left alone."""
    record = body_of(batch(Verb.UPDATE, operation("a1", ID, **{name: given})))[0]
    assert record[name] == sent
    assert type(record[name]) is type(sent)
    assert set(record) == {"attributes", "id", name}


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**17), max_value=10**17))
def test_numbers_lose_nothing(number: Decimal) -> None:
    """What is sent is the number that was given, to its last digit."""
    sent = json.loads(json.dumps(wire.value(None, number)), parse_float=Decimal)
    assert Decimal(sent) == number


def test_the_match_value_is_sent_as_it_is_spelt() -> None:
    """Not folded like its key, without blanks around it; where it is not among the fields, the key serves."""
    record = body_of(batch(Verb.UPSERT, operation("a1", External_Id__c=" A1 ", LastName="Ada")))[0]
    assert record["External_Id__c"] == "A1"
    assert body_of(batch(Verb.UPSERT, operation("A1", LastName="Ada")))[0]["External_Id__c"] == "a1"


def test_a_parent_is_named_by_relationship() -> None:
    """With its type and its own match value; the id field is left out."""
    record = body_of(batch(Verb.UPSERT, operation("a1", LastName="Ada", AccountId=" K1 "), AccountId=ACCOUNT))[0]
    assert record["Account"] == {"attributes": {"type": "Account"}, "External_Id__c": "K1"}
    assert "AccountId" not in record


@pytest.mark.parametrize("given", [None, ""])
def test_a_parent_is_taken_away_by_its_id(given: str | None) -> None:
    """A null relationship would change nothing."""
    record = body_of(batch(Verb.UPSERT, operation("a1", LastName="Ada", AccountId=given), AccountId=ACCOUNT))[0]
    assert record["AccountId"] is None
    assert "Account" not in record


def test_a_parent_by_number_keeps_its_type() -> None:
    """A match value of the parent is sent as the parent's field takes it."""
    by_number = Reference("Project__c", Field("Number__c", FieldType.NUMBER, is_key=True))
    record = body_of(batch(Verb.CREATE, operation("a1", Master__c=Decimal("7.0")), Master__c=by_number))[0]
    assert record["Master__r"] == {"attributes": {"type": "Project__c"}, "Number__c": 7}


def test_an_id_is_written_as_it_is() -> None:
    """Without a lookup a reference takes the other record's id."""
    assert body_of(batch(Verb.CREATE, operation("a1", AccountId=ID)))[0]["AccountId"] == ID


def test_a_relationship_without_a_name_cannot_be_used() -> None:
    """The remedy is named."""
    with pytest.raises(ConfigError, match=r"'Nameless__c' has no relationship name.*id instead"):
        body_of(batch(Verb.CREATE, operation("a1", Nameless__c="K1"), Nameless__c=ACCOUNT))


# -- replies


def test_a_reply_is_joined_in_order() -> None:
    """Created, updated and refused records each get their own outcome."""
    one = batch(Verb.UPSERT, operation("a1"), operation("a2"), operation("a3"))
    body = [good(ID, created=True), bad("STRING_TOO_LONG", "Name: data value too large", "LastName"), good(OTHER_ID)]
    first, second, third = outcomes(one, body)
    assert first == Written("a1", ID, created=True)
    assert isinstance(second, Rejected)
    assert (second.code, second.vendor_code) == (RejectCode.TOO_LONG, "STRING_TOO_LONG")
    assert third == Written("a3", OTHER_ID, created=False)


def test_a_create_is_created() -> None:
    """Replies to creates have no flag."""
    assert outcomes(batch(Verb.CREATE, operation()), [good()]) == [Written("a1", ID, created=True)]


@pytest.mark.parametrize(
    "body",
    [
        [],
        [good()],
        [good(), good(OTHER_ID), good()],
        [good(), {"message": "x", "errorCode": "Y"}],
        [good(), None],
        {"success": True},
        None,
    ],
)
def test_a_reply_that_cannot_be_joined_tells_nothing(body: object) -> None:
    """One entry too few or too many may belong to anybody."""
    one = batch(Verb.UPSERT, operation("a1"), operation("a2"))
    assert outcomes(one, body) == [Unanswered("a1"), Unanswered("a2")]


def test_an_update_answers_with_its_own_id() -> None:
    """An id of 15 characters is the same record; another one means that the order is not ours."""
    one = batch(Verb.UPDATE, operation("a1", ID[:15]), operation("a2", OTHER_ID))
    assert outcomes(one, [good(ID), good(OTHER_ID)])[0] == Written("a1", ID, created=False)
    assert outcomes(one, [good(OTHER_ID), good(ID)]) == [Unanswered("a1"), Unanswered("a2")]


@pytest.mark.parametrize("record_id", [None, "", 7])
def test_a_success_without_an_id_confirms_nothing(record_id: Any) -> None:
    """The others of the reply keep their outcome."""
    one = batch(Verb.CREATE, operation("a1"), operation("a2"))
    assert outcomes(one, [good(record_id), good()]) == [Unanswered("a1"), Written("a2", ID, created=True)]


def test_a_refusal_without_errors_is_one_all_the_same() -> None:
    """Nothing is known but that the record is not written."""
    (outcome,) = outcomes(batch(Verb.CREATE, operation()), [{"success": False, "errors": []}])
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectCode.VENDOR_REFUSED


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "success", "errors", "statusCode", "message", "fields", "compositeResponse", "body"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(JSON, st.sampled_from(list(Verb)))
def test_every_operation_has_one_answer(body: object, verb: Verb) -> None:
    """Whatever arrives, each record has exactly one answer, in order."""
    one = batch(verb, operation("a1", ID), operation("a2", OTHER_ID))
    assert [answer.operation.source_key for answer in wire.parse_write(one, body)] == ["a1", "a2"]
    assert set(wire.parse_examination(one, body)) <= {"a1", "a2"}


# -- removals


def test_a_removal_is_a_list_of_ids() -> None:
    """They stand in the address; what else the records hold stays here, and each may fail alone."""
    one = batch(Verb.REMOVE, operation("a1", ID, LastName="Ada"), operation("a2", OTHER_ID))
    request = wire.build_write(one, CONTACT, PATHS, {"X": "1"})
    assert (request.method, request.path) == ("DELETE", "/services/data/v67.0/composite/sobjects")
    assert request.query == {"ids": f"{ID},{OTHER_ID}", "allOrNone": "false"}
    assert request.json is None
    assert request.is_write
    assert request.is_idempotent
    assert outcomes(one, [good(ID), good(OTHER_ID)]) == [Removed("a1"), Removed("a2")]
    assert outcomes(one, [good(OTHER_ID), good(ID)]) == [Unanswered("a1"), Unanswered("a2")]


@pytest.mark.parametrize(
    ("code", "expected", "recovery"),
    [
        ("DELETE_FAILED", RejectCode.VENDOR_REFUSED, None),
        ("INSUFFICIENT_ACCESS_OR_READONLY", RejectCode.PERMISSION, None),
        ("DELETE_REQUIRED_ON_CASCADE", RejectCode.PERMISSION, None),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", RejectCode.VALIDATION_RULE, None),
        ("SOMETHING_NEW", RejectCode.VENDOR_REFUSED, None),
        ("ENTITY_IS_DELETED", RejectCode.PERMISSION, Recovery.FIND),
        ("INVALID_CROSS_REFERENCE_KEY", RejectCode.PERMISSION, Recovery.FIND),
        ("NOT_FOUND", RejectCode.PERMISSION, Recovery.FIND),
        ("UNABLE_TO_LOCK_ROW", RejectCode.VENDOR_REFUSED, Recovery.CONTENDED),
    ],
)
def test_a_removal_that_is_refused(code: str, expected: RejectCode, recovery: Recovery | None) -> None:
    """An id that leads nowhere is looked for first; what it is rejected with otherwise speaks of deleting."""
    one = batch(Verb.REMOVE, operation("a1", ID))
    (answer,) = wire.parse_write(one, [bad(code)])
    assert isinstance(answer.outcome, Rejected)
    assert (answer.outcome.code, answer.outcome.vendor_code, answer.recovery) == (expected, code, recovery)
    assert "refers to does not exist" not in answer.outcome.reason


@pytest.mark.parametrize(
    ("present", "expected"),
    [(set(), Removed("a1")), (None, Unattempted("a1")), ({ID}, None)],
)
def test_an_id_that_leads_nowhere_is_removed_once_that_is_certain(
    present: set[str] | None, expected: Outcome | None
) -> None:
    """If nobody could look, it is removed once more; if the record is there, something else stands in the way."""
    one = batch(Verb.REMOVE, operation("a1", ID))
    answer = judge(one, one.operations[0], bad("INVALID_CROSS_REFERENCE_KEY")["errors"])
    assert sorted_out(one, answer, present).outcome == (expected or answer.outcome)


def test_an_id_that_stands_twice_travels_alone() -> None:
    """Then one of the two removes it, and the other finds it removed."""
    one = batch(Verb.REMOVE, operation("a1", ID))
    refused = bad("DUPLICATE_VALUE", f"Duplicate id specified: {ID}")["errors"]
    assert judge(one, one.operations[0], refused).recovery is Recovery.CONTENDED


# -- for bulk jobs


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", Unattempted("a1", is_contended=True)),
        ("DUPLICATE_VALUE", "duplicate value found: External_Id__c duplicates value on record with id: x", None),
        ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", Unattempted("a1")),
        ("UNKNOWN_EXCEPTION", "An unexpected error occurred.", Unanswered("a1")),
    ],
)
def test_a_row_of_a_job_is_sent_again_where_that_helps(code: str, message: str, expected: Outcome | None) -> None:
    """Whoever cannot repeat it now leaves it to the next request."""
    answer = judge(batch(Verb.UPSERT, operation()), operation(), bad(code, message)["errors"])
    outcome = wire.left_open(answer)
    assert outcome == (expected or Unattempted("a1"))


def test_an_update_of_a_job_may_be_lost() -> None:
    """Without references the record is gone; with one, a request that can tell them apart comes next."""
    errors = bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")["errors"]
    plain, child = operation("a1", ID, LastName="Ada"), operation("a1", ID, AccountId=OTHER_ID)
    assert wire.left_open(judge(batch(Verb.UPDATE, plain), plain, errors)) == Missing("a1")
    assert wire.left_open(judge(batch(Verb.UPDATE, child), child, errors)) == Unattempted("a1", is_contended=True)


# -- examination


def test_an_examination_sends_each_record_alone() -> None:
    """Creates as they are; upserts by their key, which stands in the address within the body only."""
    hostile = operation("a/1 ?", External_Id__c="a/1 ?", LastName="Ada", AccountId="K1")
    request: Any = wire.build_examination(batch(Verb.UPSERT, hostile, AccountId=ACCOUNT), CONTACT, PATHS, {"X": "1"})
    assert (request.method, request.path) == ("POST", "/services/data/v67.0/composite")
    assert request.is_idempotent
    assert request.headers == {"X": "1"}
    assert request.json["allOrNone"] is False
    assert request.json["compositeRequest"] == [
        {
            "method": "PATCH",
            "url": "/services/data/v67.0/sobjects/Contact/External_Id__c/a%2F1%20%3F",
            "referenceId": "row0",
            "body": {"LastName": "Ada", "Account": {"attributes": {"type": "Account"}, "External_Id__c": "K1"}},
        }
    ]
    request = wire.build_examination(batch(Verb.CREATE, operation()), CONTACT, PATHS, {})
    assert not request.is_idempotent
    (single,) = request.json["compositeRequest"]
    assert (single["method"], single["url"]) == ("POST", "/services/data/v67.0/sobjects/Contact")
    assert single["body"] == {"External_Id__c": "a1", "LastName": "Ada"}


def test_values_that_a_composite_would_replace_are_not_examined() -> None:
    """`@{…}` refers to another reply, and would read what the record does not hold."""
    assert wire.is_examinable(operation())
    assert not wire.is_examinable(operation("a1", LastName="@{row0.id}"))
    assert not wire.is_examinable(operation("a1", Regions__c=["x", "@{row0}"]))


def composite(*replies: tuple[int, Any]) -> dict[str, Any]:
    """The reply of a composite request, last record first."""
    shown = [
        {"body": body, "httpHeaders": {}, "httpStatusCode": status, "referenceId": f"row{number}"}
        for number, (status, body) in enumerate(replies)
    ]
    return {"compositeResponse": shown[::-1]}


def test_an_examination_names_the_matches() -> None:
    """Joined by name; a record that passes now is written, one whose outcome is lost is not known to be."""
    duplicates = json.loads((BODIES / "duplicates_detected.json").read_text(encoding="utf-8"))
    one = batch(Verb.UPSERT, *(operation(f"a{number}") for number in range(5)))
    other = [{"errorCode": "INVALID_FIELD", "message": "x"}]
    body = composite(
        (400, duplicates), (201, good(created=True)), (500, other), (404, other), (200, good(created=False))
    )
    found = {key: answer.outcome for key, answer in wire.parse_examination(one, body).items()}
    named = found.pop("a0")
    assert isinstance(named, Rejected)
    assert named.code is RejectCode.DUPLICATE_RULE
    assert "0034x00000abcdeAAA" in named.reason
    assert found == {
        "a1": Written("a1", ID, created=True),
        "a2": Unanswered("a2"),
        "a4": Written("a4", ID, created=False),
    }


def test_a_create_that_passes_the_examination_is_created() -> None:
    """A reply of its own has no flag."""
    found = wire.parse_examination(batch(Verb.CREATE, operation()), composite((201, good())))
    assert found["a1"].outcome == Written("a1", ID, created=True)


def test_an_examination_that_is_not_answered_leaves_records_unknown() -> None:
    """Without a part for it, nobody knows whether a record was written meanwhile."""
    one = batch(Verb.CREATE, operation("a1"), operation("a2"))
    found = wire.parse_examination(one, composite((201, good())))
    assert found["a2"].outcome == Unanswered("a2")
    assert {answer.outcome for answer in wire.parse_examination(one, None).values()} == {
        Unanswered("a1"),
        Unanswered("a2"),
    }


def test_building_changes_nothing() -> None:
    """Requests are built from copies: the operations can be sent again."""
    one = operation("a1", LastName="Ada", AccountId="K1")
    before = copy.deepcopy(dict(one.fields))
    for verb in Verb:
        wire.build_write(batch(verb, one, AccountId=ACCOUNT), CONTACT, PATHS, {})
    wire.build_examination(batch(Verb.UPSERT, one), CONTACT, PATHS, {})
    assert dict(one.fields) == before
