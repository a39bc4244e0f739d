"""What users of such pipelines really hit: one test for each pitfall of HubSpot, numbered as in the list of them.

The list has public reports of other tools (207 read as success, lost batches, doubled contacts). Number 17 is about
associations, which have a module of their own.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from reverse_etl_core.operations import Operation, Unanswered, Verb
from target_hubspot.target import TargetHubSpot

from .hubspot_account import answering, batch, operation
from .rows import api, by_key, count, define, deliver, live, only, person

if TYPE_CHECKING:
    from conformance.stage import Stage

    from reverse_etl_core.schema import ObjectSchema

BY_EMAIL: dict[str, Any] = {"object": "contacts", "match_on": "email"}
BY_EMAIL_OF_A_CUSTOMER = {**BY_EMAIL, "source_key": ["customer_id"]}


def sent(stage: Stage, part: str) -> str:
    """Bodies of the requests to paths with this part."""
    log = stage.vendor.control("requests?last=100&bodies=true")["last"]
    return "".join(one["body"] or "" for one in log if part in one["path"]).replace(" ", "")


def make(stage: Stage, **properties: str) -> str:
    """A contact as a person makes it; its id."""
    return str(api(stage, "POST", "/crm/v3/objects/contacts", {"properties": properties})["id"])


def test_pitfall_01_a_207_is_no_success_of_all(stage: Stage) -> None:
    """Each refused record of a 207 is a reject with its own code and the others are delivered, which the counts say."""
    owners = {3: "404404", 150: "404404"}
    result = deliver(stage, *(person(n, hubspot_owner_id=owners.get(n)) for n in range(200)))
    assert (result.totals["created"], result.codes) == (198, {"invalid_option": 2})
    assert set(by_key(stage)) == {f"K{n}" for n in range(200)} - {"K3", "K150"}
    assert stage.vendor.write_requests() == 2


@pytest.mark.parametrize("verb", [Verb.UPSERT, Verb.CREATE])
def test_pitfall_02_silence_is_no_success(contacts: ObjectSchema, verb: Verb) -> None:
    """A 2xx that mentions no record leaves all of them unanswered; they are sent again or looked for."""
    silent = answering((200, {"status": "COMPLETE", "results": [], "errors": []}))
    found = silent.write(batch(contacts, verb, operation("c1"), operation("c2")))
    assert [type(one) for one in found] == [Unanswered, Unanswered]


def test_pitfall_03_the_same_record_twice_does_not_spoil_a_batch(stage: Stage) -> None:
    """Spellings of one address are one record: the last one wins, no request is refused, and the rest arrives."""
    rows = [{"email": f"p{n}@example.com", "city": "a"} for n in range(5)]
    rows += [{"email": " P1@Example.com ", "city": "b"}, {"email": "P2@EXAMPLE.COM", "city": "c"}]
    result = deliver(stage, *rows, stream=BY_EMAIL, keys=("email",), max_rejected_percent=100)
    assert result.totals["created"] == 5
    assert result.totals["superseded"] + result.totals["rejected"] == 2
    assert len(live(stage)) == 5
    statuses = {one["status"] for one in stage.vendor.control("requests?last=1")["counts"]}
    assert statuses <= {200, 201}


def test_pitfall_03_addresses_of_one_contact_do_not_spoil_a_batch(stage: Stage) -> None:
    """A primary and a secondary address lead to one contact, which stays one."""
    survivor = make(stage, email="main@example.com")
    api(
        stage,
        "POST",
        "/crm/v3/objects/contacts/merge",
        {"primaryObjectId": survivor, "objectIdToMerge": make(stage, email="old@example.com")},
    )
    rows = [{"email": one, "city": "Bonn"} for one in ("main@example.com", "old@example.com", "new@example.com")]
    result = deliver(stage, *rows, stream=BY_EMAIL, max_rejected_percent=100)
    assert (result.exit_code, result.totals["created"], len(live(stage))) == (0, 1, 2)


def test_pitfall_04_ids_are_no_unique_property(stage: Stage) -> None:
    """Records are updated by HubSpot's id without naming it as a property, which HubSpot refuses."""
    known = make(stage, email="a@example.com")
    row = {"hs_object_id": known, "city": "Bonn"}
    result = deliver(stage, row, stream={"object": "contacts", "match_on": "hs_object_id"})
    assert (result.totals["updated"], only(stage)["city"]) == (1, "Bonn")
    assert "idProperty" not in sent(stage, "batch/update")


@pytest.mark.parametrize(
    ("object_name", "name"), [("companies", "domain"), ("companies", "name"), ("deals", "dealname")]
)
def test_pitfall_04_what_is_not_unique_is_refused_at_the_start(stage: Stage, object_name: str, name: str) -> None:
    """Exit code 78 with the properties that are; no record is sent."""
    result = deliver(stage, {name: "x"}, stream={"object": object_name, "match_on": name})
    assert (result.exit_code, stage.vendor.write_requests()) == (78, 0)
    assert f"'{name}'" in result.error
    assert "customer_id" in result.error


def test_pitfall_05_one_bad_record_does_not_discard_the_others(stage: Stage) -> None:
    """Bad values of several kinds, and values that are taken, among 300 records: the other 295 arrive."""
    make(stage, email="taken@example.com")
    rows = [person(n) for n in range(300)]
    rows[10]["email"] = "taken@example.com"
    rows[110] |= {"hubspot_owner_id": "404404"}
    rows[210] |= {"plan": "gold"}
    rows[211] |= {"churn_risk": "high"}
    rows[212] |= {"email": "no address"}
    result = deliver(stage, *rows)
    assert (result.exit_code, result.totals["created"]) == (0, 295)
    codes = {"conflict": 1, "invalid_option": 2, "invalid_value": 1, "invalid_email": 1}
    assert (result.codes, len(by_key(stage))) == (codes, 295)


@pytest.mark.parametrize("load_method", ["upsert", "create"])
def test_pitfall_06_a_contact_that_exists_is_no_second_one(stage: Stage, load_method: str) -> None:
    """An upsert updates it; a create is rejected as `already_exists`. Neither searches."""
    make(stage, email="ada@example.com")
    row = {"email": "Ada@Example.com", "city": "Bonn"}
    result = deliver(stage, row, stream={**BY_EMAIL, "load_method": load_method}, max_rejected_percent=100)
    expected: Any = ({}, 1) if load_method == "upsert" else ({"already_exists": 1}, 0)
    assert (result.codes, result.totals["updated"]) == expected
    assert (len(live(stage)), count(stage, "/search")) == (1, 0)


def test_pitfall_06_a_contact_that_appears_meanwhile_is_updated(stage: Stage) -> None:
    """Somebody creates it between our look and our create: the conflict leads to it, not to a reject."""
    stage.vendor.faults([{"kind": "latency", "path": "*/batch/create", "seconds": 1.5, "times": 1}])

    def create_meanwhile() -> None:
        while not count(stage, "batch/read"):
            time.sleep(0.02)
        make(stage, email="ada@example.com", city="Rome")

    person_at_work = threading.Thread(target=create_meanwhile)
    person_at_work.start()
    fields = {"email": "email", "city": "city", "firstname": {"from": "firstname", "write": "on_create"}}
    row = {"email": "ada@example.com", "city": "Bonn", "firstname": "Ada"}
    result = deliver(stage, row, stream={**BY_EMAIL, "fields": fields})
    person_at_work.join()
    assert (result.codes, result.totals["updated"], result.totals["created"]) == ({}, 1, 0)
    assert only(stage)["city"] == "Bonn"


def test_pitfall_07_a_lagging_index_hides_no_record(stage: Stage) -> None:
    """With an index that is a minute behind, a run with an empty ledger finds what the run before created."""
    stage.vendor.control("lag", {"hubspot": {"search_seconds": 60}})
    rows = [person(n) for n in range(120)]
    for load_method in ("upsert", "update"):
        ledger = f"sqlite:///{stage.root}/{load_method}.db"
        result = deliver(stage, *rows, stream={**BY_EMAIL, "load_method": load_method}, ledger_url=ledger)
        assert result.exit_code == 0, result.error
    assert (len(live(stage)), count(stage, "/search")) == (120, 0)


def test_pitfall_08_the_search_limit_is_never_met(stage: Stage) -> None:
    """Nothing is searched for, whatever a stream asks for: no limit of five per second, none of 10,000 results."""
    stage.vendor.control("limits", {"hubspot": {"search_per_second": 0}})
    rows = [person(n, city="Bonn") for n in range(10)]
    for settings in ({}, {"compare_with": "destination"}, {"dry_run": True}):
        assert deliver(stage, *rows, **settings).exit_code == 0
    stream = {"object": "contacts", "match_on": ["customer_id", "email"], "load_method": "mirror"}
    assert deliver(stage, *rows, stream=stream).exit_code == 0
    assert count(stage, "/search") == 0


@pytest.mark.parametrize("policy", ["TEN_SECONDLY_ROLLING", "SECONDLY"])
def test_pitfall_09_a_limit_of_seconds_is_waited_out(stage: Stage, policy: str) -> None:
    """Everything arrives, after the pause that HubSpot asks for."""
    stage.vendor.faults([{"kind": "429", "path": "*/batch/*", "policy": policy, "retry_after": 0.3, "times": 2}])
    started_s = time.monotonic()
    assert deliver(stage, *(person(n) for n in range(10))).totals["created"] == 10
    assert time.monotonic() - started_s >= 0.3


def test_pitfall_09_the_limit_of_the_day_ends_the_run(stage: Stage) -> None:
    """Exit code 75, no STATE, nothing is tried again; the next run delivers the rest."""
    rows = [person(n) for n in range(250)]
    stage.vendor.faults([{"kind": "429", "path": "*/batch/*", "policy": "DAILY", "after": 1}])
    result = deliver(stage, *rows, concurrency=1)
    assert (result.exit_code, result.states) == (75, [])
    assert stage.vendor.write_requests() == 2
    stage.vendor.faults([])
    assert deliver(stage, *rows).exit_code == 0
    assert len(live(stage)) == 250


@pytest.mark.parametrize("load_method", ["upsert", "create"])
@pytest.mark.parametrize("kind", ["500", "502", "502_after_commit"])
def test_pitfall_10_a_failing_server_makes_no_second_record(stage: Stage, load_method: str, kind: str) -> None:
    """Whether or not the failed request was applied, every record exists once."""
    stage.vendor.faults([{"kind": kind, "path": "*/batch/*", "method": "POST", "after": 1, "times": 2}])
    stream = {**BY_EMAIL, "load_method": load_method}
    assert deliver(stage, *(person(n) for n in range(250)), stream=stream).exit_code == 0
    assert len(live(stage)) == 250


def test_pitfall_11_without_a_key_nothing_is_created(stage: Stage) -> None:
    """Deals and custom objects have no natural key: refused with the way out, which then holds under lost replies."""
    row = {"subject": "Help", "hs_pipeline_stage": "1"}
    refused = deliver(stage, row, stream={"object": "tickets"})
    assert (refused.exit_code, stage.vendor.write_requests()) == (78, 0)
    assert "create_match_property" in refused.error
    stage.vendor.faults([{"kind": "cut_after", "path": "*/batch/upsert", "times": 1}])
    stream = {"object": "tickets", "match_on": "external_id"}
    rows = [{**row, "external_id": f"T{n}"} for n in range(20)]
    assert deliver(stage, *rows, stream=stream, create_match_property=True).exit_code == 0
    assert len(live(stage, "tickets")) == 20


@pytest.mark.parametrize("stream", [None, BY_EMAIL_OF_A_CUSTOMER], ids=["own key", "address as key"])
def test_pitfall_12_a_new_address_is_no_new_contact(stage: Stage, stream: dict[str, Any] | None) -> None:
    """The known contact gets the new address, by its own key or by what the source knows of it."""
    assert deliver(stage, person(1), person(2), stream=stream, keys=("customer_id",)).totals["created"] == 2
    ids = {one["customer_id"]: one["id"] for one in live(stage)}
    changed = {**person(1), "email": "new@example.com"}
    result = deliver(stage, changed, person(2), stream=stream, keys=("customer_id",))
    assert (result.totals["updated"], result.totals["unchanged"]) == (1, 1)
    assert {key: one["id"] for key, one in by_key(stage).items()} == ids
    assert by_key(stage)["K1"]["email"] == "new@example.com"
    # A person has the new address by then: a conflict, and still nobody is doubled.
    make(stage, email="taken@example.com")
    taken = {**person(1), "email": "taken@example.com"}
    result = deliver(stage, taken, stream=stream, keys=("customer_id",), max_rejected_percent=100)
    assert (len(live(stage)), sum(result.codes.values())) == (3, 1)
    assert result.codes.keys() <= {"conflict", "duplicate_key"}


def test_pitfall_12_a_merged_contact_is_found_anew(stage: Stage) -> None:
    """Its id has vanished from the answers: the record is looked for by its key, and not created again."""
    deliver(stage, person(1), person(2))
    held = by_key(stage)
    merged = {"primaryObjectId": held["K2"]["id"], "objectIdToMerge": held["K1"]["id"]}
    api(stage, "POST", "/crm/v3/objects/contacts/merge", merged)
    result = deliver(stage, {"email": "k1@example.com", "city": "Bonn"}, stream=BY_EMAIL)
    assert (result.exit_code, result.totals["updated"], len(live(stage))) == (0, 1, 1)
    # By the key of its own, which the survivor has not taken over: a person has to look, and nobody is doubled.
    result = deliver(stage, {**person(1), "city": "Rome"}, max_rejected_percent=100)
    assert (result.codes, only(stage)["city"]) == ({"conflict": 1}, "Bonn")


def test_pitfall_12_a_forgotten_person_does_not_come_back(stage: Stage) -> None:
    """GDPR-deleted: rejected as `consent`, again and again without a request."""
    deliver(stage, person(1), person(2))
    body = {"objectId": "k1@example.com", "idProperty": "email"}
    api(stage, "POST", "/crm/v3/objects/contacts/gdpr-delete", body)
    changed = [{**person(n), "city": "Bonn"} for n in (1, 2)]
    result = deliver(stage, *changed, max_rejected_percent=100)
    assert (result.codes, list(by_key(stage))) == ({"consent": 1}, ["K2"])
    before = stage.vendor.write_requests()
    deliver(stage, *changed, max_rejected_percent=100)
    assert stage.vendor.write_requests() == before


def test_pitfall_13_what_cannot_be_written_is_known_before(stage: Stage) -> None:
    """Read-only and calculated properties end the run at the start; a stage that is kept is no success."""
    define(stage, "score", "number", "calculation_equation")
    for name in ("createdate", "score"):
        result = deliver(stage, person(1, **{name: "1"}))
        assert (result.exit_code, f"'{name}'" in result.error) == (78, True)
    assert stage.vendor.write_requests() == 0
    deliver(stage, person(1, lifecyclestage="customer"))
    result = deliver(stage, person(1, lifecyclestage="lead"), max_rejected_percent=100)
    assert result.codes == {"validation_rule": 1}


def test_pitfall_14_null_clears_and_absence_does_not(stage: Stage) -> None:
    """A null travels as an empty text and never as null; what a record lacks is left alone."""
    full = person(1, city="Bonn", churn_risk=1, plan="pro")
    deliver(stage, full)
    deliver(
        stage, {name: full[name] for name in ("customer_id", "email", "city")}, types={"churn_risk": {}, "plan": {}}
    )
    assert (only(stage)["plan"], only(stage)["churn_risk"]) == ("pro", "1")
    deliver(stage, full | {"city": None, "churn_risk": None, "plan": ""})
    assert [only(stage).get(name) or "" for name in ("city", "churn_risk", "plan")] == ["", "", ""]
    bodies = sent(stage, "/batch/")
    assert '"plan":""' in bodies
    assert "null" not in bodies


def test_pitfall_15_a_token_that_ends_is_renewed_once(stage: Stage) -> None:
    """Not once per record, not once per thread; every record arrives."""
    oauth = {"client_id": "app", "client_secret": "s3cret", "refresh_token": "expiring-refresh-token"}
    rows = [person(n) for n in range(1500)]
    assert deliver(stage, *rows, access_token=None, concurrency=8, **oauth).totals["created"] == 1500
    assert count(stage, "/oauth/") == 2


def test_pitfall_16_a_key_that_hubspot_normalises_is_still_ours(stage: Stage) -> None:
    """HubSpot keeps addresses in lower case: a mirror with capitals neither archives nor doubles them."""
    stream = {**BY_EMAIL, "load_method": "mirror"}
    rows = [{"email": f"Person{n}@Example.COM", "city": "Bonn"} for n in range(20)]
    others = make(stage, email="theirs@example.com")
    assert deliver(stage, *rows, stream=stream, keys=("email",)).totals["created"] == 20
    again = deliver(stage, *rows, stream=stream, keys=("email",))
    assert (again.totals["unchanged"], again.totals["removed"]) == (20, 0)
    gone = {"email": "Person7@Example.COM", "city": None, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
    theirs = {"email": "Theirs@example.com", "city": None, "_sdc_deleted_at": "2026-01-01T00:00:00Z"}
    result = deliver(stage, gone, theirs, stream=stream, keys=("email",))
    assert result.exit_code == 0, result.error
    left = {one["email"]: one["id"] for one in live(stage)}
    assert "person7@example.com" not in left
    assert (len(left), left["theirs@example.com"]) == (20, others)


@pytest.mark.parametrize("kind", [None, "500", "truncated"])
def test_pitfall_18_what_is_counted_is_what_hubspot_confirmed(stage: Stage, kind: str | None) -> None:
    """Created and updated are HubSpot's own counts, the rest is rejected, and the sum is what was read (G1).

    There is no import that could end as FAILED or in part: records travel in batches that answer for each of them.
    """
    deliver(stage, *(person(n) for n in range(50)))
    before = len(stage.vendor.control("journal?limit=9000")["entries"])
    if kind:
        stage.vendor.faults([{"kind": kind, "path": "*/batch/*", "times": 1}])
    rows = [person(n, city="Bonn", hubspot_owner_id="404404" if n % 10 == 7 else "") for n in range(250)]
    result = deliver(stage, *rows, max_rejected_percent=100)
    events = [one["event"] for one in stage.vendor.control("journal?limit=9000")["entries"][before:]]
    assert result.totals["created"] + result.totals["updated"] == 225
    assert result.totals["rejected"] == 25
    assert (events.count("record_created"), events.count("record_updated")) == (180, 45)
    if kind != "truncated":  # what was lost after it was applied is confirmed as an update when it is sent again
        assert (result.totals["created"], result.totals["updated"]) == (180, 45)
    assert count(stage, "/imports") == 0


def test_pitfall_18_a_batch_that_is_not_complete_is_not_counted(contacts: ObjectSchema) -> None:
    """A status other than COMPLETE confirms only the records that the answer shows."""
    body = {"status": "PROCESSING", "results": [{"id": "1", "properties": {"customer_id": "c1"}}]}
    found = answering((200, body)).write(
        batch(contacts, Verb.UPDATE, operation("c1", "1"), Operation('["c2"]', "c2", {"city": "x"}, "2"))
    )
    assert [type(one).__name__ for one in found] == ["Written", "Unanswered"]


def test_every_pitfall_has_a_test() -> None:
    """1 to 18 but for 17; the target has nothing of the import API."""
    numbers = {int(name.split("_")[2]) for name in globals() if name.startswith("test_pitfall_")}
    assert numbers == set(range(1, 19)) - {17}
    assert "import" not in " ".join(TargetHubSpot.config_jsonschema["properties"])
