from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reverse_etl_core.errors import FatalError
from reverse_etl_core.operations import (
    Batch,
    Missing,
    Operation,
    RejectCode,
    Rejected,
    Unanswered,
    Unattempted,
    Verb,
)
from reverse_etl_core.recovery import Recovery
from reverse_etl_core.schema import Field, FieldType, Reference
from target_salesforce.objects import sobject
from target_salesforce.verdicts import Answer, end_of_run, judge, without_missing_references

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


def said(code: str, message: str = "", *fields: str) -> list[dict[str, Any]]:
    """What a reply says of a refused record."""
    return [{"statusCode": code, "message": message, "fields": list(fields)}]


def rejected(answer: Answer) -> Rejected:
    """The rejection that an answer amounts to."""
    assert isinstance(answer.outcome, Rejected), answer
    return answer.outcome


TAKEN = "duplicate value found: {} duplicates value on record with id: 003D000000IRFmb"
NOWHERE = "Foreign key external ID: {} not found for field External_Id__c in entity Account"


# -- uniqueness


def test_a_create_whose_match_value_is_taken_exists_already() -> None:
    """The record that holds it is named; another unique value is a conflict."""
    found = rejected(
        judge(batch(Verb.CREATE, operation()), operation(), said("DUPLICATE_VALUE", TAKEN.format("External_Id__c")))
    )
    assert found.code is RejectCode.ALREADY_EXISTS
    assert "'External_Id__c'" in found.reason
    assert "003D000000IRFmb" in found.reason
    other = judge(batch(Verb.CREATE, operation()), operation(), said("DUPLICATE_VALUE", TAKEN.format("Exact_Key__c")))
    assert rejected(other).code is RejectCode.CONFLICT


@pytest.mark.parametrize("field", ["External_Id__c", "<unknown>"])
def test_an_upsert_that_lost_a_race_is_sent_again(field: str) -> None:
    """Somebody made the record meanwhile; the same upsert now updates it. If not, it is a conflict."""
    answer = judge(batch(Verb.UPSERT, operation()), operation(), said("DUPLICATE_VALUE", TAKEN.format(field)))
    assert answer.recovery is Recovery.AGAIN
    assert rejected(answer).code is RejectCode.CONFLICT


@pytest.mark.parametrize("verb", [Verb.UPSERT, Verb.UPDATE])
def test_another_unique_value_is_no_race(verb: Verb) -> None:
    """Sending it again would meet the same record."""
    one = operation("a1", ID)
    answer = judge(batch(verb, one), one, said("DUPLICATE_VALUE", TAKEN.format("Exact_Key__c")))
    assert answer.recovery is None
    assert rejected(answer).code is RejectCode.CONFLICT


def test_two_records_of_one_request_are_no_race() -> None:
    """Every record with that key is refused, and would be again."""
    message = "Duplicate external id specified: a1"
    answer = judge(batch(Verb.UPSERT, operation()), operation(), said("DUPLICATE_VALUE", message, "External_Id__c"))
    assert answer.recovery is None
    assert rejected(answer).code is RejectCode.DUPLICATE_KEY


# -- ids that lead nowhere


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ENTITY_IS_DELETED", "entity is deleted"),
        ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
        ("NOT_FOUND", "The requested resource does not exist"),
    ],
)
def test_an_update_of_a_record_that_is_gone(code: str, message: str) -> None:
    """It is found anew; where the row also refers to others, it has to be seen which of them is gone."""
    plain = operation("a1", ID, LastName="Ada", AccountId=None)
    assert judge(batch(Verb.UPDATE, plain), plain, said(code, message)).outcome == Missing("a1")
    child = operation("a1", ID, LastName="Ada", AccountId=OTHER_ID)
    answer = judge(batch(Verb.UPDATE, child), child, said(code, message))
    assert answer.recovery is Recovery.FIND
    assert isinstance(answer.outcome, Rejected)
    named = judge(batch(Verb.UPDATE, child), child, said(code, message, "AccountId"))
    assert named.recovery is None
    assert isinstance(named.outcome, Rejected)


@pytest.mark.parametrize("code", ["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"])
@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.UPSERT])
def test_a_new_record_can_only_refer_to_what_is_gone(code: str, verb: Verb) -> None:
    """It has no id of its own yet."""
    answer = judge(batch(verb, operation()), operation(), said(code, "invalid cross reference id"))
    assert answer.recovery is None
    assert rejected(answer).code is RejectCode.REFERENCE_NOT_FOUND


# -- references


def test_a_missing_parent_is_named_by_the_field_that_leads_to_it() -> None:
    """Salesforce names the parent's own key field; the user knows the field of the stream."""
    one = operation("a1", LastName="Ada", AccountId="SECRETVALUE")
    answer = judge(
        batch(Verb.UPSERT, one, AccountId=ACCOUNT), one, said("INVALID_FIELD", NOWHERE.format("SECRETVALUE"))
    )
    found = rejected(answer)
    assert found.code is RejectCode.REFERENCE_NOT_FOUND
    assert "'AccountId'" in found.reason
    assert "SECRETVALUE" not in found.reason


def test_the_value_tells_two_references_to_one_object_apart() -> None:
    """Two fields lead to accounts; the one whose value was not found is meant."""
    one = operation("a1", LastName="Ada", AccountId="here", Master__c="GONE")
    both = batch(Verb.UPSERT, one, AccountId=ACCOUNT, Master__c=ACCOUNT)
    answer = judge(both, one, said("INVALID_FIELD", NOWHERE.format("gone")))
    assert answer.complaint is not None
    assert answer.complaint.fields == ("Master__c",)
    unclear = judge(both, one, said("INVALID_FIELD", NOWHERE.format("something else")))
    assert unclear.complaint is not None
    assert set(unclear.complaint.fields) == {"AccountId", "Master__c"}


def test_optional_references_are_left_out() -> None:
    """Only the one that leads nowhere, and only if the user says so."""
    optional = Reference("Account", ACCOUNT_KEY, is_optional=True)
    one = operation("a1", LastName="Ada", AccountId="gone", Master__c="here")
    both = batch(Verb.UPSERT, one, AccountId=optional, Master__c=optional)
    answer = judge(both, one, said("INVALID_FIELD", NOWHERE.format("gone")))
    again = without_missing_references(both, answer)
    assert again is not None
    assert dict(again.fields) == {"LastName": "Ada", "Master__c": "here"}
    assert (again.source_key, again.match_key) == (one.source_key, one.match_key)


def test_a_reference_that_is_not_optional_stays() -> None:
    """A record without its parent is rejected, and so is one that is refused for something else."""
    one = operation("a1", LastName="Ada", AccountId="gone")
    required = batch(Verb.UPSERT, one, AccountId=ACCOUNT)
    assert (
        without_missing_references(required, judge(required, one, said("INVALID_FIELD", NOWHERE.format("gone"))))
        is None
    )
    optional = batch(Verb.UPSERT, one, AccountId=Reference("Account", ACCOUNT_KEY, is_optional=True))
    assert without_missing_references(optional, judge(optional, one, said("STRING_TOO_LONG", "x", "LastName"))) is None
    mixed = batch(Verb.UPSERT, one, AccountId=ACCOUNT, Master__c=Reference("Account", ACCOUNT_KEY, is_optional=True))
    assert without_missing_references(mixed, judge(mixed, one, said("INVALID_FIELD", NOWHERE.format("gone")))) is None


def test_where_nothing_names_the_reference_all_optional_ones_go() -> None:
    """Another wording, or an id that leads nowhere."""
    optional = Reference("Account", ACCOUNT_KEY, is_optional=True)
    one = operation("a1", LastName="Ada", AccountId="gone")
    batch_ = batch(Verb.UPSERT, one, AccountId=optional)
    answer = judge(batch_, one, said("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"))
    again = without_missing_references(batch_, answer)
    assert again is not None
    assert dict(again.fields) == {"LastName": "Ada"}


# -- others


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
        ("TOO_MANY_APEX_REQUESTS", ""),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "LeadTrigger: System.LimitException: Too many SOQL queries: 101"),
        ("REQUEST_RUNNING_TOO_LONG", ""),
        ("QUERY_TIMEOUT", ""),
    ],
)
def test_what_others_are_to_blame_for_is_contended(code: str, message: str) -> None:
    """If nothing helps, it is rejected with Salesforce's code."""
    answer = judge(batch(Verb.CREATE, operation()), operation(), said(code, message))
    assert answer.recovery is Recovery.CONTENDED
    assert (rejected(answer).code, rejected(answer).vendor_code) == (RejectCode.VENDOR_REFUSED, code)


def test_a_trigger_that_fails_by_itself_is_a_rule() -> None:
    """Fewer records would not help it."""
    message = "LeadTrigger: execution of BeforeInsert\n\ncaused by: System.NullPointerException: x"
    answer = judge(batch(Verb.CREATE, operation()), operation(), said("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message))
    assert answer.recovery is None
    assert rejected(answer).code is RejectCode.VALIDATION_RULE


def test_what_ends_the_run_is_not_attempted() -> None:
    """The record waits for the next run, and the reason is told once."""
    answer = judge(
        batch(Verb.CREATE, operation()), operation(), said("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
    )
    assert answer.outcome == Unattempted("a1")
    error = end_of_run([answer])
    assert isinstance(error, FatalError)
    assert "storage" in str(error)
    assert end_of_run([judge(batch(Verb.CREATE, operation()), operation(), said("STRING_TOO_LONG"))]) is None


def test_a_failure_of_salesforce_itself_is_not_known() -> None:
    """It may be repeated where that is safe."""
    answer = judge(
        batch(Verb.UPSERT, operation()), operation(), said("UNKNOWN_EXCEPTION", "An unexpected error occurred.")
    )
    assert (answer.outcome, answer.recovery) == (Unanswered("a1"), None)


@pytest.mark.parametrize("entries", [None, [], "x", [None], [{}]])
def test_a_refusal_that_says_nothing(entries: object) -> None:
    """The record is rejected, without a code."""
    found = rejected(judge(batch(Verb.CREATE, operation()), operation(), entries))
    assert (found.code, found.vendor_code) == (RejectCode.VENDOR_REFUSED, "")


# -- what an administrator wrote


def test_values_are_taken_out_of_a_validation_rules_text() -> None:
    """A rule's text is quoted; what code put into it of the record is not (G7)."""
    one = operation("a1", LastName="O'Neil", Score__c=Decimal("7.5"), Regions__c=["emea"], HasOptedOutOfEmail=True)
    text = "O'NEIL scores 7.5 in emea, which is true but not allowed."
    found = rejected(judge(batch(Verb.UPSERT, one), one, said("FIELD_CUSTOM_VALIDATION_EXCEPTION", text, "Score__c")))
    assert found.code is RejectCode.VALIDATION_RULE
    assert '"… scores … in …, which is true but not allowed."' in found.reason
    assert found.reason.startswith("Field 'Score__c'")


def test_parts_of_words_are_not_values() -> None:
    """A short value does not tear holes into longer words."""
    one = operation("a1", LastName="a", FirstName="")
    found = rejected(judge(batch(Verb.UPSERT, one), one, said("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Name a manager.")))
    assert '"Name … manager."' in found.reason
