"""The destination over real HTTP, against the simulator; `test_repeats.py` has replies that it cannot give."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.errors import (
    AuthError,
    BatchRefusedError,
    ConfigError,
    QuotaExhaustedError,
    UnknownOutcomeError,
)
from reverse_etl_core.operations import (
    Batch,
    Missing,
    Operation,
    Outcome,
    RejectCode,
    Rejected,
    Verb,
    Written,
)
from reverse_etl_core.schema import ObjectSchema, Reference
from target_salesforce import destination as module
from target_salesforce.bulk import BulkJobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Org

    from target_salesforce.destination import SalesforceDestination

SEED = {
    "salesforce": {
        "objects": [
            {
                "name": "Subscription__c",
                "label": "Subscription",
                "fields": [
                    {"name": "Number__c", "type": "string", "length": 20, "external_id": True, "unique": True},
                    {"name": "Account__c", "type": "reference", "to": "Account"},
                    {"name": "Person__c", "type": "reference", "to": ["Contact", "Lead"], "relationship": "Person__r"},
                    {"name": "Tags__c", "type": "multipicklist", "values": ["a", "b"], "restricted": True},
                    {"name": "Day__c", "type": "date"},
                    {"name": "At__c", "type": "datetime"},
                ],
            }
        ],
        "record_types": {"Opportunity": [{"name": "Renewal", "developer_name": "Renewal"}]},
        "validation_rules": [
            {"object": "Account", "field": "Score__c", "is": ">", "value": 100, "message": "At most 100 points."},
        ],
        "duplicate_rules": [{"object": "Contact", "fields": ["Email"], "action": "alert", "name": "Same_person"}],
        "apex_limits": {"Lead": 60},
    }
}
WRITES = "*/composite*"


@pytest.fixture
def accounts(salesforce: SalesforceDestination) -> ObjectSchema:
    """The live schema of accounts."""
    return salesforce.describe("Account")


def operation(key: str, destination_id: str | None = None, **fields: Any) -> Operation:
    """An operation for a record with this external id."""
    return Operation(key, key.lower(), fields or {"External_Id__c": key, "Name": "Acme"}, destination_id)


def batch(
    schema: ObjectSchema,
    verb: Verb,
    *operations: Operation,
    match_field: str = "External_Id__c",
    references: dict[str, Reference] | None = None,
) -> Batch:
    """A batch."""
    return Batch(verb, schema, match_field, operations, references or {})


def by_key(outcomes: Sequence[Outcome]) -> dict[str, Outcome]:
    """Outcomes by key."""
    return {one.source_key: one for one in outcomes}


def rejected(outcome: Outcome) -> Rejected:
    """A rejection."""
    assert isinstance(outcome, Rejected), outcome
    return outcome


def leads(count: int) -> list[Operation]:
    """So many new leads."""
    return [operation(f"l{n}", External_Id__c=f"l{n}", LastName="Ada", Company="Acme") for n in range(count)]


# -- who is asking


def test_the_account_is_the_org(org: Org, salesforce: SalesforceDestination) -> None:
    """Its id has 18 characters, and reading it checks the credentials."""
    assert salesforce.account() == org.server.salesforce.id
    assert len(salesforce.account()) == 18


def test_a_wrong_token_is_refused_once(org: Org) -> None:
    """A token that Salesforce does not know ends the run at the first request, without showing it."""
    with pytest.raises(AuthError) as caught:
        org.connect(access_token="invalid-SECRET").account()
    assert "SECRET" not in str(caught.value)
    assert org.traffic.requests == 1


def test_an_expired_session_is_renewed_once_for_eight_threads(org: Org) -> None:
    """Eight threads meet the same expired session: one login more, every record is written once."""
    salesforce = org.connect(client_id="expiring-app", client_secret="cs")
    accounts = salesforce.describe("Account")
    batches = [batch(accounts, Verb.UPSERT, operation(f"a{n}")) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = [one for found in pool.map(salesforce.write, batches) for one in found]
    assert all(isinstance(one, Written) and one.created for one in outcomes)
    assert org.live("Account") == 40
    assert org.count("/oauth2/token") == 2


def test_jobs_are_there_unless_switched_off(org: Org) -> None:
    """`api: rest` has none, also not in the limits of objects."""
    assert org.connect(api="rest").jobs is not None  # for those that earlier runs left behind
    assert org.connect(api="rest").describe("Account").jobs is None
    salesforce = org.connect(api="auto")
    assert isinstance(salesforce.jobs, BulkJobs)
    limits = salesforce.describe("Account").jobs
    assert limits is not None
    assert limits.records_from > 1


# -- what there is


@pytest.mark.parametrize("name", ["Account", "account", " ACCOUNT "])
def test_objects_go_by_their_name_in_any_case(salesforce: SalesforceDestination, name: str) -> None:
    """The canonical name stands in the ledger."""
    assert salesforce.describe(name).name == "Account"


def test_objects_are_described_once(org: Org, salesforce: SalesforceDestination) -> None:
    """Whatever the user calls them, and however often they are asked for."""
    for name in ("account", "Account", "ACCOUNT"):
        salesforce.describe(name)
    salesforce.write(batch(salesforce.describe("Account"), Verb.UPSERT, operation("a1")))
    assert org.count("describe") == 1


def test_custom_objects_are_described(salesforce: SalesforceDestination) -> None:
    """With their references, options and keys."""
    found = salesforce.describe("subscription__c")
    assert found.name == "Subscription__c"
    assert found.upsert_fields == {"Number__c"}
    assert found.fields["Person__c"].references == ("Contact", "Lead")
    assert found.fields["Tags__c"].options == ("a", "b")


@pytest.mark.parametrize("name", ["contacts", "../limits", "Contact/describe?x=", "Cöntact", ""])
def test_an_unknown_object_is_answered_with_close_ones(org: Org, salesforce: SalesforceDestination, name: str) -> None:
    """And what is no name never becomes part of an address."""
    with pytest.raises(ConfigError, match="There is no object"):
        salesforce.describe(name)
    assert {"describe", "sobjects"} >= {
        one["route"].rstrip("/").rsplit("/", 1)[-1] for one in org.control("GET", "requests?last=1")["counts"]
    }


# -- reading


def test_records_are_found_as_salesforce_compares(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """Without regard to case; a key without a record is absent, a deleted record is not found."""
    kept, gone = (
        org.create("Account", Name="A", External_Id__c="K1"),
        org.create("Account", Name="B", External_Id__c="K2"),
    )
    org.api("DELETE", f"sobjects/Account/{gone}")
    assert salesforce.find(accounts, "External_Id__c", ["k1", "k2", "k3"]) == {"k1": [kept]}
    assert salesforce.find(accounts, "Id", [kept, gone]) == {kept: [kept]}
    assert salesforce.find(accounts, "Id", [kept[:15]]) == {kept[:15]: [kept]}


def test_all_records_that_share_a_key_are_found(org: Org, salesforce: SalesforceDestination) -> None:
    """A key that is not unique leads to several, so that nobody guesses."""
    ids = [org.create("Opportunity", Name="Deal", StageName="Prospecting", CloseDate="2026-01-01") for _ in range(2)]
    found = salesforce.find(salesforce.describe("Opportunity"), "Name", ["deal"])
    assert sorted(found["deal"]) == sorted(ids)


def test_hostile_keys_find_only_themselves(org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema) -> None:
    """A value that looks like SOQL is a value, and stands in no path."""
    hostile = "x') OR Name LIKE '%\\"
    record_id = org.create("Account", Name="A", External_Id__c=hostile)
    org.create("Account", Name="B", External_Id__c="other")
    assert salesforce.find(accounts, "External_Id__c", [hostile, "' OR Id != '"]) == {hostile: [record_id]}
    assert all("OR" not in one.path for one in org.traffic.slowest())


# -- writing


def test_records_are_created_updated_and_upserted(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """The flag tells which it was; an update changes what it holds and nothing else."""
    (created,) = salesforce.write(batch(accounts, Verb.CREATE, operation("A1")))
    assert isinstance(created, Written)
    assert created.created
    both = by_key(salesforce.write(batch(accounts, Verb.UPSERT, operation("a1"), operation("a2"))))
    assert both["a1"] == Written("a1", created.destination_id, created=False)
    update = operation("a1", created.destination_id, BillingCity="Turin")
    (updated,) = salesforce.write(batch(accounts, Verb.UPDATE, update))
    assert updated == Written("a1", created.destination_id, created=False)
    record = org.read("Account", created.destination_id)
    assert (record["Name"], record["BillingCity"], record["External_Id__c"]) == ("Acme", "Turin", "a1")
    assert org.live("Account") == 2


def test_values_arrive_as_they_are_meant(org: Org, salesforce: SalesforceDestination) -> None:
    """Lists, dates and moments; null and empty text clear, what is absent stays."""
    subscriptions = salesforce.describe("Subscription__c")
    fields: dict[str, Any] = {
        "Number__c": "S1",
        "Tags__c": ["b", "a"],
        "Day__c": "2026-11-21",
        "At__c": "2026-11-21T08:00:00.123456Z",
    }
    (outcome,) = salesforce.write(batch(subscriptions, Verb.UPSERT, operation("s1", **fields), match_field="Number__c"))
    assert isinstance(outcome, Written)
    record = org.read("Subscription__c", outcome.destination_id)
    assert (record["Tags__c"], record["Day__c"]) == ("a;b", "2026-11-21")
    assert record["At__c"] == "2026-11-21T08:00:00.123+0000"
    clear = operation("s1", outcome.destination_id, Tags__c=[], Day__c=None)
    salesforce.write(batch(subscriptions, Verb.UPDATE, clear, match_field="Number__c"))
    record = org.read("Subscription__c", outcome.destination_id)
    assert (record["Tags__c"], record["Day__c"], record["Number__c"]) == (None, None, "S1")
    assert record["At__c"]


def test_one_bad_record_does_not_spoil_the_others(salesforce: SalesforceDestination, accounts: ObjectSchema) -> None:
    """Each has its own outcome, and no value is shown."""
    long = operation("a2", External_Id__c="a2", Name="SECRET" * 60)
    found = by_key(salesforce.write(batch(accounts, Verb.UPSERT, operation("a1"), long)))
    assert isinstance(found["a1"], Written)
    assert rejected(found["a2"]).code is RejectCode.TOO_LONG
    assert "SECRET" not in rejected(found["a2"]).reason
    assert "'Name'" in rejected(found["a2"]).reason


def test_a_value_that_cannot_be_read_refuses_the_batch(salesforce: SalesforceDestination) -> None:
    """Nothing is written, and core splits the batch until the bad record stands alone."""
    subscriptions = salesforce.describe("Subscription__c")
    bad = operation("s1", Number__c="s1", Day__c="SECRET")
    with pytest.raises(BatchRefusedError) as caught:
        salesforce.write(batch(subscriptions, Verb.UPSERT, bad, match_field="Number__c"))
    assert caught.value.code is RejectCode.INVALID_VALUE
    assert "SECRET" not in str(caught.value)


def test_the_text_of_a_rule_is_told(salesforce: SalesforceDestination, accounts: ObjectSchema) -> None:
    """The administrator's words, without the value."""
    (outcome,) = salesforce.write(
        batch(accounts, Verb.UPSERT, operation("a1", External_Id__c="a1", Name="Acme", Score__c=100))
    )
    assert isinstance(outcome, Written)
    (outcome,) = salesforce.write(batch(accounts, Verb.UPSERT, operation("a1", External_Id__c="a1", Score__c=101)))
    assert rejected(outcome).code is RejectCode.VALIDATION_RULE
    assert "At most 100 points." in rejected(outcome).reason


def test_a_create_that_exists(org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema) -> None:
    """The record that holds the match value is named by its id."""
    record_id = org.create("Account", Name="A", External_Id__c="A1")
    (outcome,) = salesforce.write(batch(accounts, Verb.CREATE, operation("a1")))
    assert rejected(outcome).code is RejectCode.ALREADY_EXISTS
    assert record_id[:15] in rejected(outcome).reason


def test_a_converted_lead(org: Org, salesforce: SalesforceDestination) -> None:
    """It says what it is, and where to write instead."""
    lead = org.create("Lead", LastName="A", Company="B", IsConverted=True)
    (outcome,) = salesforce.write(batch(salesforce.describe("Lead"), Verb.UPDATE, operation("l1", lead, LastName="C")))
    assert (rejected(outcome).code, rejected(outcome).vendor_code) == (
        RejectCode.VENDOR_REFUSED,
        "CANNOT_UPDATE_CONVERTED_LEAD",
    )


# -- records that are gone


def test_an_update_of_a_deleted_record_is_missing(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """Also where it refers to others, once it was looked at."""
    gone, kept = org.create("Account", Name="A"), org.create("Account", Name="B")
    org.api("DELETE", f"sobjects/Account/{gone}")
    updates = operation("a1", gone, Name="C"), operation("a2", kept, Name="D")
    found = by_key(salesforce.write(batch(accounts, Verb.UPDATE, *updates)))
    assert found["a1"] == Missing("a1")
    assert isinstance(found["a2"], Written)
    (child,) = salesforce.write(batch(accounts, Verb.UPDATE, operation("a1", gone, ParentId=kept)))
    assert child == Missing("a1")


def test_an_update_whose_parent_is_gone_is_rejected(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """The record is there, so it is the parent that is not."""
    gone, kept = org.create("Account", Name="A"), org.create("Account", Name="B")
    org.api("DELETE", f"sobjects/Account/{gone}")
    (outcome,) = salesforce.write(batch(accounts, Verb.UPDATE, operation("a1", kept, ParentId=gone)))
    assert rejected(outcome).code is RejectCode.REFERENCE_NOT_FOUND


# -- references


def references(salesforce: SalesforceDestination, *, is_optional: bool = False) -> dict[str, Reference]:
    """A subscription names its account and its person by their external ids."""
    account, contact = salesforce.describe("Account"), salesforce.describe("Contact")
    return {
        "Account__c": Reference("Account", account.fields["External_Id__c"], is_optional=is_optional),
        "Person__c": Reference("Contact", contact.fields["External_Id__c"], is_optional=is_optional),
    }


def test_parents_are_named_by_their_external_id(org: Org, salesforce: SalesforceDestination) -> None:
    """Of one kind or of several; null takes them away."""
    account = org.create("Account", Name="A", External_Id__c="A1")
    person = org.create("Contact", LastName="P", External_Id__c="P1")
    subscriptions, parents = salesforce.describe("Subscription__c"), references(salesforce)
    one = operation("s1", Number__c="s1", Account__c="a1", Person__c="p1")
    request = batch(subscriptions, Verb.UPSERT, one, match_field="Number__c", references=parents)
    (outcome,) = salesforce.write(request)
    assert isinstance(outcome, Written)
    record = org.read("Subscription__c", outcome.destination_id)
    assert (record["Account__c"], record["Person__c"]) == (account, person)
    cleared = operation("s1", Number__c="s1", Account__c=None)
    salesforce.write(batch(subscriptions, Verb.UPSERT, cleared, match_field="Number__c", references=parents))
    record = org.read("Subscription__c", outcome.destination_id)
    assert (record["Account__c"], record["Person__c"]) == (None, person)


def test_a_missing_parent_rejects_its_child(salesforce: SalesforceDestination) -> None:
    """The field of the stream is named, the value is not."""
    one = operation("s1", Number__c="s1", Account__c="SECRET")
    request = batch(
        salesforce.describe("Subscription__c"),
        Verb.UPSERT,
        one,
        match_field="Number__c",
        references=references(salesforce),
    )
    (outcome,) = salesforce.write(request)
    assert rejected(outcome).code is RejectCode.REFERENCE_NOT_FOUND
    assert "'Account__c'" in rejected(outcome).reason
    assert "SECRET" not in rejected(outcome).reason


def test_optional_parents_are_left_out_one_by_one(org: Org, salesforce: SalesforceDestination) -> None:
    """The one that is there stays; a record without any of them is written all the same."""
    account = org.create("Account", Name="A", External_Id__c="A1")
    request = batch(
        salesforce.describe("Subscription__c"),
        Verb.UPSERT,
        operation("s1", Number__c="s1", Account__c="a1", Person__c="gone"),
        operation("s2", Number__c="s2", Account__c="gone", Person__c="gone"),
        operation("s3", Number__c="s3", Account__c="a1"),
        match_field="Number__c",
        references=references(salesforce, is_optional=True),
    )
    found = by_key(salesforce.write(request))
    assert all(isinstance(one, Written) and one.created for one in found.values())
    records = [org.read("Subscription__c", one.destination_id) for one in found.values() if isinstance(one, Written)]
    assert sorted((one["Number__c"], one["Account__c"]) for one in records) == [
        ("s1", account),
        ("s2", None),
        ("s3", account),
    ]
    assert org.live("Subscription__c") == 3


# -- contention


def test_locked_rows_are_sent_again_alone(org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema) -> None:
    """Rows of large requests meet a lock: smaller ones get through, nothing is written twice."""
    org.faults({"kind": "row_lock", "path": WRITES, "rows_over": 10, "probability": 0.5})
    operations = [operation(f"a{n}") for n in range(120)]
    outcomes = salesforce.write(batch(accounts, Verb.CREATE, *operations))
    assert all(isinstance(one, Written) for one in outcomes)
    assert org.live("Account") == 120


def test_rows_that_stay_locked_are_rejected(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """With Salesforce's code, after a bounded number of requests."""
    org.faults({"kind": "row_lock", "path": WRITES})
    outcomes = salesforce.write(batch(accounts, Verb.UPSERT, operation("a1"), operation("a2")))
    assert {(rejected(one).code, rejected(one).vendor_code) for one in outcomes} == {
        (RejectCode.VENDOR_REFUSED, "UNABLE_TO_LOCK_ROW")
    }
    assert org.count("composite/sobjects") == 1 + 3 * 2


def test_triggers_that_stand_fewer_rows_get_fewer(org: Org, salesforce: SalesforceDestination) -> None:
    """200 leads are too many for their trigger, fifty are not."""
    outcomes = salesforce.write(batch(salesforce.describe("Lead"), Verb.UPSERT, *leads(200)))
    assert all(isinstance(one, Written) and one.created for one in outcomes)
    assert org.live("Lead") == 200
    assert org.count("composite/sobjects") == 1 + 4
    salesforce.write(batch(salesforce.describe("Lead"), Verb.UPSERT, *leads(200)))
    assert org.count("composite/sobjects") == 1 + 4 + 4  # the second batch knows


def test_contention_in_several_threads_ends(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """Each thread gets its turn alone."""
    org.faults({"kind": "row_lock", "path": WRITES, "rows_over": 1})
    batches = [batch(accounts, Verb.CREATE, *(operation(f"a{n}-{m}") for m in range(12))) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        outcomes = [one for found in pool.map(salesforce.write, batches) for one in found]
    assert all(isinstance(one, Written) for one in outcomes)
    assert org.live("Account") == 48


# -- duplicate rules


def person(key: str, email: str = "ada@example.com", **fields: Any) -> Operation:
    """A contact."""
    return operation(key, External_Id__c=key, LastName="Ada", Email=email, **fields)


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.UPSERT])
def test_duplicates_are_named(org: Org, salesforce: SalesforceDestination, verb: Verb) -> None:
    """The reject says which rule, and which record it found; the others of the batch are not sent again."""
    known = org.create("Contact", LastName="Ada", Email="ada@example.com")
    contacts = salesforce.describe("Contact")
    found = by_key(salesforce.write(batch(contacts, verb, person("p1"), person("p2", "bob@example.com"))))
    duplicate = rejected(found["p1"])
    assert (duplicate.code, duplicate.vendor_code) == (RejectCode.DUPLICATE_RULE, "DUPLICATES_DETECTED")
    assert known in duplicate.reason
    assert "'Same_person'" in duplicate.reason
    assert "ada@" not in duplicate.reason
    assert isinstance(found["p2"], Written)
    assert (org.count("composite/sobjects"), org.live("Contact")) == (1, 2)


def test_an_alert_can_be_passed(org: Org) -> None:
    """`allow_duplicates` lets the org's alerts pass."""
    org.create("Contact", LastName="Ada", Email="ada@example.com")
    salesforce = org.connect(allow_duplicates=True)
    (outcome,) = salesforce.write(batch(salesforce.describe("Contact"), Verb.UPSERT, person("p1")))
    assert isinstance(outcome, Written)


def test_duplicates_are_named_up_to_a_limit(
    org: Org, salesforce: SalesforceDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each examination costs a request; after a while the rule's name has to do."""
    monkeypatch.setattr(module, "EXAMINED_PER_RUN", 30)
    org.create("Contact", LastName="Ada", Email="ada@example.com")
    contacts = salesforce.describe("Contact")
    outcomes = salesforce.write(batch(contacts, Verb.CREATE, *(person(f"p{n}") for n in range(60))))
    assert all(rejected(one).code is RejectCode.DUPLICATE_RULE for one in outcomes)
    assert sum("Same_person" in rejected(one).reason for one in outcomes) == 25
    assert org.live("Contact") == 1


def test_values_that_look_like_references_are_not_examined(org: Org, salesforce: SalesforceDestination) -> None:
    """A composite request would replace them."""
    org.create("Contact", LastName="Ada", Email="ada@example.com")
    one = person("p1", Description="@{row0.id}")
    (outcome,) = salesforce.write(batch(salesforce.describe("Contact"), Verb.CREATE, one))
    assert rejected(outcome).code is RejectCode.DUPLICATE_RULE
    assert org.count("composite", "POST") == 1


# -- trouble on the way


@pytest.mark.parametrize(
    "kind",
    ["cut_before", "cut_after", "502_after_commit", "truncated", "html_error", "500", "503", "429", "expired_token"],
)
def test_an_upsert_survives_trouble(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, kind: str
) -> None:
    """It is repeated, and makes no second record."""
    if kind == "expired_token":
        salesforce = org.connect(client_id="app", client_secret="cs")
        accounts = salesforce.describe("Account")
    org.faults({"kind": kind, "path": WRITES, "times": 2 if kind != "expired_token" else 1})
    (outcome,) = salesforce.write(batch(accounts, Verb.UPSERT, operation("a1")))
    assert isinstance(outcome, Written)
    assert org.live("Account") == 1


@pytest.mark.parametrize(
    "kind", ["cut_before", "cut_after", "502_after_commit", "truncated", "html_error", "500", "503"]
)
def test_a_create_without_an_answer_is_not_repeated(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema, kind: str
) -> None:
    """Core looks for the record first."""
    org.faults({"kind": kind, "path": WRITES, "times": 1})
    with pytest.raises(UnknownOutcomeError):
        salesforce.write(batch(accounts, Verb.CREATE, operation("a1")))
    assert org.count("composite/sobjects") <= 1
    assert org.live("Account") <= 1


def test_too_many_requests_at_a_time_pass(org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema) -> None:
    """Nothing was applied, so that a create is repeated, too."""
    org.faults({"kind": "429", "path": WRITES, "times": 2})
    (outcome,) = salesforce.write(batch(accounts, Verb.CREATE, operation("a1")))
    assert isinstance(outcome, Written)
    assert org.traffic.retries == 2


def test_the_daily_limit_ends_the_run_at_once(
    org: Org, salesforce: SalesforceDestination, accounts: ObjectSchema
) -> None:
    """It is not met again and again."""
    org.faults({"kind": "429", "policy": "DAILY", "path": WRITES})
    with pytest.raises(QuotaExhaustedError):
        salesforce.write(batch(accounts, Verb.UPSERT, operation("a1")))
    assert org.traffic.retries == 0


def test_the_share_of_the_daily_limit_is_kept(org: Org) -> None:
    """Nothing is written once the org's use reaches the setting, which every reply tells."""
    org.control("PUT", "limits", {"salesforce": {"daily": 100, "daily_used": 50}})
    salesforce = org.connect(daily_quota_percent=50)
    accounts = salesforce.describe("Account")
    with pytest.raises(QuotaExhaustedError, match="daily_quota_percent"):
        salesforce.write(batch(accounts, Verb.UPSERT, operation("a1")))
    assert org.live("Account") == 0


def test_values_stay_out_of_logs_and_paths(
    org: Org, salesforce: SalesforceDestination, caplog: pytest.LogCaptureFixture
) -> None:
    """Requests, repeats and refusals are logged without any value of a record (G7)."""
    caplog.set_level(logging.DEBUG)
    org.create("Contact", LastName="SECRET", Email="secret@example.com")
    org.faults({"kind": "503", "times": 1}, {"kind": "row_lock", "path": WRITES, "times": 1})
    contacts = salesforce.describe("Contact")
    one = operation("SECRET", External_Id__c="SECRET", LastName="SECRET", Email="secret@example.com")
    salesforce.find(contacts, "External_Id__c", ["secret"])
    salesforce.write(batch(contacts, Verb.UPSERT, one))
    ours = "".join(
        one.getMessage() for one in caplog.records if not one.name.startswith(("urllib3", "saas_simulators"))
    )
    shown = ours + "".join(one.path for one in org.traffic.slowest())
    assert "secret" not in shown.lower()
