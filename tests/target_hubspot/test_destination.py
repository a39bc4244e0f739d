"""Auth and destination over real HTTP, against the simulator."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.errors import (
    AuthError,
    ConfigError,
    FatalError,
    QuotaExhaustedError,
    RateLimitedError,
    RetryableError,
    TransportError,
    UnknownOutcomeError,
)
from reverse_etl_core.operations import (
    Batch,
    Missing,
    Operation,
    RejectCode,
    Unanswered,
    Verb,
    Written,
)
from reverse_etl_core.schema import FieldType, ObjectSchema
from target_hubspot.config import API_VERSIONS
from target_hubspot.errors import NotGrantedError, RecordRefusedError

from .hubspot_account import QUICK, WRITES, Account, answering, batch, by_key, code_of, operation

if TYPE_CHECKING:
    from target_hubspot.destination import HubSpotDestination

# -- who is asking


@pytest.mark.parametrize("version", API_VERSIONS)
def test_every_version_has_an_account(account: Account, version: str) -> None:
    """The portal's id is read, and objects described, in each version of the paths."""
    destination = account.connect(api_version=version)
    assert destination.account() == "4711"
    assert "email" in destination.describe("contacts").fields
    assert destination.describe("subscription").name == "p4711_subscription"


def test_a_wrong_token_is_refused_once(account: Account) -> None:
    """A token that HubSpot does not know ends the run at the first request, without showing it."""
    with pytest.raises(AuthError, match="access_token") as caught:
        account.connect(access_token="invalid-SECRET").account()
    assert "SECRET" not in str(caught.value)
    assert account.traffic.requests == 1


def test_an_expired_token_is_renewed_once_for_eight_threads(account: Account, contacts: ObjectSchema) -> None:
    """Eight threads meet the same expired token: one renewal, nobody fails, every record is written once."""
    destination = account.connect(client_id="app", client_secret="cs", refresh_token="expiring-rt")
    batches = [batch(contacts, Verb.UPSERT, operation(f"c{n}")) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = [one for found in pool.map(destination.write, batches) for one in found]
    assert all(isinstance(one, Written) and one.created for one in outcomes)
    assert len(account.contacts()) == 40
    assert account.count("/oauth/") == 2


def test_a_refused_refresh_token_is_asked_for_once(account: Account) -> None:
    """Eight threads, one refusal of the token endpoint, and all of them learn the remedy."""
    destination = account.connect(client_id="app", client_secret="cs", refresh_token="invalid-SECRET")

    def attempt(_: int) -> str:
        with pytest.raises(NotGrantedError) as caught:
            destination.account()
        return str(caught.value)

    with ThreadPoolExecutor(8) as pool:
        messages = set(pool.map(attempt, range(8)))
    assert len(messages) == 1
    assert "'refresh_token'" in messages.pop()
    assert account.count("/oauth/") == 1


@pytest.mark.parametrize(
    ("version", "path"),
    [("2026-09", "/oauth/2026-09/token"), ("2026-03", "/oauth/2026-03/token"), ("v3", "/oauth/v1/token")],
)
def test_the_token_endpoint_follows_the_version(account: Account, version: str, path: str) -> None:
    """Tokens come from the endpoint of the version."""
    oauth = {"client_id": "app", "client_secret": "cs", "refresh_token": "rt"}
    account.connect(**oauth, api_version=version).account()
    assert account.count(path) == 1


def test_a_lost_answer_of_the_token_endpoint_is_asked_for_again(account: Account) -> None:
    """A token request may be repeated."""
    account.faults({"kind": "cut_after", "path": "/oauth/*", "times": 1})
    assert account.connect(client_id="app", client_secret="cs", refresh_token="rt").account() == "4711"


# -- what there is


def test_contacts_are_described(contacts: ObjectSchema) -> None:
    """The live properties become fields."""
    assert contacts.natural_match_field == "email"
    assert contacts.fields["churn_risk"].type is FieldType.NUMBER
    assert contacts.fields["plan"].options == ("free", "pro", "enterprise")
    assert not contacts.fields["hs_object_id"].is_writable
    assert {"email", "customer_id"} <= contacts.upsert_fields


@pytest.mark.parametrize("name", ["contact", "CONTACTS", "0-1"])
def test_any_spelling_is_one_object(hubspot: HubSpotDestination, name: str) -> None:
    """The ledger sees one name."""
    assert hubspot.describe(name).name == "contacts"


def test_an_unknown_object_is_answered_with_those_there_are(hubspot: HubSpotDestination) -> None:
    """The names include the account's custom objects; the record type that HubSpot denies is treated alike."""
    with pytest.raises(ConfigError, match=r"no object 'contcts'.*p4711_subscription.*'contacts'\?"):
        hubspot.describe("contcts")
    with pytest.raises(ConfigError, match="no object '0-999'"):
        hubspot.describe("0-999")


# -- finding


def test_records_are_found_by_unique_values(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """By customer id and by e-mail in any case; archived ones and strangers are absent."""
    first = account.create(customer_id="c1", email="Ada@Example.com")
    gone = account.create(customer_id="c2", email="bob@example.com")
    account.api("DELETE", f"/crm/v3/objects/contacts/{gone}")
    assert hubspot.find(contacts, "customer_id", ["c1", "c2", "c3"]) == {"c1": [first]}
    assert hubspot.find(contacts, "email", ["ada@example.com", "bob@example.com"]) == {"ada@example.com": [first]}


def test_a_read_that_is_cut_short_is_repeated(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """A truncated answer to a read is asked for again."""
    first = account.create(customer_id="c1", firstname="Ada")
    account.faults({"kind": "truncated", "path": "*/batch/read", "times": 2})
    assert hubspot.find(contacts, "customer_id", ["c1"]) == {"c1": [first]}


# -- writing


def test_an_upsert_creates_and_updates(account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema) -> None:
    """100 records in one request; what exists is updated, the rest created."""
    known = account.create(customer_id="c7", firstname="Old")
    found = by_key(hubspot.write(batch(contacts, Verb.UPSERT, *(operation(f"c{n}") for n in range(100)))))
    assert found["c7"] == Written('["c7"]', known, created=False)
    assert sum(isinstance(one, Written) and one.created for one in found.values()) == 99
    assert account.contacts()[known]["firstname"] == "Ada"
    assert account.count("upsert") == 1


def test_one_bad_record_does_not_spoil_the_batch(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """207: each bad record is rejected with its own code, the others are written (pitfall 1)."""
    account.create(email="taken@example.com")
    rows = {
        "good": {"firstname": "Ada"},
        "option": {"plan": "gold"},
        "number": {"churn_risk": "high"},
        "mail": {"email": "nobody"},
        "readonly": {"hs_email_domain": "x"},
        "unknown": {"no_such_property": "x"},
        "taken": {"email": "taken@example.com"},
        "bare": {"churn_risk": 1},
    }
    found = by_key(
        hubspot.write(
            batch(contacts, Verb.UPSERT, *(operation(key, None, customer_id=key, **row) for key, row in rows.items()))
        )
    )
    assert isinstance(found.pop("good"), Written)
    assert {key: code_of(one) for key, one in found.items()} == {
        "option": RejectCode.INVALID_OPTION,
        "number": RejectCode.INVALID_VALUE,
        "mail": RejectCode.INVALID_EMAIL,
        "readonly": RejectCode.READ_ONLY_FIELD,
        "unknown": RejectCode.UNKNOWN_FIELD,
        "taken": RejectCode.CONFLICT,
        "bare": RejectCode.REQUIRED_FIELD,
    }
    assert len(account.contacts()) == 2
    assert not any(value in str(found) for value in ("gold", "high", "nobody", "taken@"))


def test_updates_by_id_of_records_that_are_gone(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """Archived, merged-away and never existing ids are missing; the one beside them is updated."""
    here, archived, kept, merged = (account.create(customer_id=f"c{n}", firstname="Old") for n in range(4))
    account.api("DELETE", f"/crm/v3/objects/contacts/{archived}")
    body = {"primaryObjectId": kept, "objectIdToMerge": merged}
    account.api("POST", "/crm/v3/objects/contacts/merge", body)
    ids = {"here": here, "archived": archived, "merged": merged, "never": "987654321"}
    operations = [operation(key, record_id, firstname="New") for key, record_id in ids.items()]
    found = by_key(hubspot.write(batch(contacts, Verb.UPDATE, *operations)))
    assert found.pop("here") == Written('["here"]', here, created=False)
    assert all(isinstance(one, Missing) for one in found.values())
    assert account.contacts()[here]["firstname"] == "New"


def test_null_clears_and_absence_leaves_alone(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """G8: null is sent as an empty text, which clears; what is not sent stays."""
    known = account.create(customer_id="c1", firstname="Ada", lastname="Lovelace")
    hubspot.write(batch(contacts, Verb.UPDATE, operation("c1", known, lastname=None)))
    properties = account.contacts()[known]
    assert (properties["firstname"], properties.get("lastname") or "") == ("Ada", "")


@pytest.mark.parametrize(
    ("match_field", "code"), [("email", RejectCode.ALREADY_EXISTS), ("customer_id", RejectCode.CONFLICT)]
)
def test_a_create_of_what_exists(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, match_field: str, code: RejectCode
) -> None:
    """A taken match value means that the record exists; any other taken value is a conflict."""
    account.create(email="ada@example.com", customer_id="other")
    one = operation("c1", None, customer_id="c1", email="ada@example.com")
    (found,) = hubspot.write(batch(contacts, Verb.CREATE, one, match_field=match_field))
    assert code_of(found) is code


def test_the_same_record_twice_in_a_batch_is_split(hubspot: HubSpotDestination, contacts: ObjectSchema) -> None:
    """Core never sends it; if it did, the batch is refused as a whole and can be halved (pitfall 3)."""
    twins = [Operation(str(n), "c1", {"customer_id": "c1", "firstname": "Ada"}) for n in range(2)]
    with pytest.raises(RecordRefusedError) as caught:
        hubspot.write(batch(contacts, Verb.UPSERT, *twins))
    assert (caught.value.code, caught.value.vendor_code) == (RejectCode.DUPLICATE_KEY, "DUPLICATE_IDS")


def test_a_property_that_is_not_unique(hubspot: HubSpotDestination, contacts: ObjectSchema) -> None:
    """Matching by it is a wrong setting, not a wrong record (pitfall 4)."""
    one = Operation("1", "Ada", {"firstname": "Ada"})
    with pytest.raises(ConfigError, match=r"'firstname'.*'match_on'"):
        hubspot.write(batch(contacts, Verb.UPSERT, one, match_field="firstname"))


def test_custom_objects_are_written(hubspot: HubSpotDestination) -> None:
    """A custom object is upserted under its full name."""
    schema = hubspot.describe("subscription")
    (found,) = hubspot.write(Batch(Verb.UPSERT, schema, "number", (Operation("1", "S-1", {"number": "S-1"}),)))
    assert isinstance(found, Written)
    assert found.created


# -- trouble on the way


@pytest.mark.parametrize(
    "kind", ["cut_after", "cut_before", "truncated", "502_after_commit", "html_error", "500", "423"]
)
def test_an_upsert_survives_trouble(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, kind: str
) -> None:
    """An upsert is repeated until it is confirmed, and exists once."""
    extra = {"retry_after": 0} if kind == "423" else {}
    account.faults({"kind": kind, "path": WRITES, "times": 2, **extra})
    (found,) = hubspot.write(batch(contacts, Verb.UPSERT, operation("c1")))
    assert isinstance(found, Written)
    assert len(account.contacts()) == 1


@pytest.mark.parametrize("kind", ["cut_after", "truncated", "502_after_commit", "html_error"])
def test_a_create_is_not_repeated_blindly(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, kind: str
) -> None:
    """When nobody knows whether a create was applied, it is sent once and the caller reads back (G2)."""
    account.faults({"kind": kind, "path": WRITES, "times": 1})
    with pytest.raises(UnknownOutcomeError):
        hubspot.write(batch(contacts, Verb.CREATE, operation("c1")))
    assert account.count("create") == 1


@pytest.mark.parametrize("verb", [Verb.CREATE, Verb.UPSERT])
@pytest.mark.parametrize("pause", [{"retry_after": 0.05}, {"policy": "SECONDLY", "retry_after": 0}])
def test_a_429_is_waited_for(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, verb: Verb, pause: dict[str, Any]
) -> None:
    """A request over the limit was not applied: every verb is sent again after the pause."""
    account.faults({"kind": "429", "path": WRITES, "times": 2, **pause})
    (found,) = hubspot.write(batch(contacts, verb, operation("c1")))
    assert isinstance(found, Written)
    assert account.traffic.retries == 2


def test_a_429_without_a_pause_waits_for_the_interval(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema
) -> None:
    """Without `Retry-After` the limit's own interval says how long (recorded 429s have none)."""
    account.faults({"kind": "429", "path": WRITES, "times": 1, "policy": "SECONDLY"})
    started_s = time.monotonic()
    hubspot.write(batch(contacts, Verb.UPSERT, operation("c1")))
    assert time.monotonic() - started_s >= 1.0


def test_a_daily_429_ends_the_run(account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema) -> None:
    """A used-up day is not waited for (pitfall 9)."""
    account.faults({"kind": "429", "path": WRITES, "policy": "DAILY", "retry_after": 1})
    with pytest.raises(QuotaExhaustedError, match="midnight"):
        hubspot.write(batch(contacts, Verb.UPSERT, operation("c1")))
    assert account.count("upsert") == 1


def test_the_daily_share_stops_before_the_limit(account: Account, contacts: ObjectSchema) -> None:
    """`daily_quota_percent` holds back writes as soon as the headers say that the share is used."""
    account.control("PUT", "limits", {"hubspot": {"daily": 1000, "daily_used": 900}})
    destination = account.connect()
    destination.account()
    with pytest.raises(QuotaExhaustedError, match="daily_quota_percent"):
        destination.write(batch(contacts, Verb.UPSERT, operation("c1")))
    assert account.contacts() == {}


@pytest.mark.parametrize(("retry_after", "kind"), [(36_000, QuotaExhaustedError), (0, RateLimitedError)])
def test_an_account_that_is_moving(
    account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema, retry_after: int, kind: type[Exception]
) -> None:
    """477 for hours ends the run; for a moment it is waited for, as long as attempts last."""
    account.faults({"kind": "477", "path": WRITES, "retry_after": retry_after})
    with pytest.raises(kind):
        hubspot.write(batch(contacts, Verb.UPSERT, operation("c1")))


def test_a_page_instead_of_an_answer(account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema) -> None:
    """A 404 in HTML is a wrong address; its text is not repeated."""
    account.faults({"kind": "html_error", "path": WRITES, "status": 404})
    with pytest.raises(FatalError, match="api_url") as caught:
        hubspot.write(batch(contacts, Verb.UPSERT, operation("c1")))
    assert "html" not in str(caught.value)
    assert not isinstance(caught.value, AuthError)


def test_nobody_listens(account: Account, contacts: ObjectSchema) -> None:
    """A host that cannot be reached is told apart from a lost answer."""
    destination = account.connect(api_url="http://127.0.0.1:9")
    with pytest.raises(TransportError, match=r"127\.0\.0\.1"):
        destination.write(batch(contacts, Verb.CREATE, operation("c1")))


def test_silence_is_no_success(contacts: ObjectSchema) -> None:
    """A reply that mentions nobody leaves every record unanswered (pitfall 2)."""
    destination = answering((200, {"status": "COMPLETE", "results": []}))
    found = destination.write(batch(contacts, Verb.UPSERT, operation("c1"), operation("c2")))
    assert [type(one) for one in found] == [Unanswered, Unanswered]


def test_another_api_behind_the_address() -> None:
    """JSON that is not HubSpot's is a wrong address."""
    with pytest.raises(ConfigError, match="api_url"):
        answering((200, {"hello": "world"})).account()


def test_standard_objects_need_no_right_to_list_custom_ones() -> None:
    """A token without the schema scope still writes calls; an unknown name says what may be missing."""
    refusal = (403, {"category": "MISSING_SCOPES", "context": {"requiredGranularScopes": ["crm.schemas.custom.read"]}})
    assert answering(refusal, (200, {"results": []})).describe("calls").name == "calls"
    with pytest.raises(ConfigError, match=r"crm\.schemas\.custom\.read"):
        answering(refusal).describe("subscription_plan")


def test_a_conflict_of_a_whole_call_becomes_one_of_its_record(contacts: ObjectSchema) -> None:
    """409 for a batch is split by core; alone, a create of what exists is `already_exists` (pitfalls 5 and 6)."""
    conflict = (409, {"category": "CONFLICT", "message": "Contact already exists. Existing ID: 7"})
    one = operation("ada@example.com", None, email="ada@example.com")
    with pytest.raises(RecordRefusedError) as caught:
        answering(conflict).write(batch(contacts, Verb.CREATE, one, match_field="email"))
    assert caught.value.code is RejectCode.ALREADY_EXISTS


def test_a_second_address_is_looked_up(contacts: ObjectSchema) -> None:
    """A reply without trace ids that shows another address is settled by reading the contact."""
    shown = {"id": "1", "properties": {"email": "new@example.com", "hs_additional_emails": "old@example.com"}}
    reply = {"status": "COMPLETE", "results": [shown]}
    one = operation("old@example.com", None, email="old@example.com")
    found = answering((200, reply), (200, reply)).write(batch(contacts, Verb.UPSERT, one, match_field="email"))
    assert found == [Written('["old@example.com"]', "1", created=False)]


def test_attempts_run_out(account: Account, hubspot: HubSpotDestination, contacts: ObjectSchema) -> None:
    """Trouble that does not end becomes an error after the last attempt."""
    account.faults({"kind": "503", "path": WRITES})
    with pytest.raises(RetryableError):
        hubspot.write(batch(contacts, Verb.UPSERT, operation("c1")))
    assert account.count("upsert") == QUICK.attempts
