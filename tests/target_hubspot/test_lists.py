"""Members of static lists through the front door: added, taken out, spared, in trouble; HubSpot's client looks."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hubspot.crm.lists import ListCreateRequest

from reverse_etl_core.errors import FatalError
from reverse_etl_core.operations import Batch, Operation, Verb
from saas_simulators import SimulatorServer

from .hubspot_account import answering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.stage import Result, Stage

CUSTOMERS = {"object": "contacts", "match_on": "customer_id", "fields": {"customer_id": "key", "email": "mail"}}
VIPS = {"object": "list:VIPs", "match_on": "customer_id", "fields": {"customer_id": "key"}}
MIRROR = {**VIPS, "load_method": "mirror"}
GONE = {"_sdc_deleted_at": "2026-11-28T00:00:00Z"}
ALL = {"max_removed_percent": 100, "max_rejected_percent": 100}


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    """An account for this module."""
    with SimulatorServer() as running:
        yield running


@pytest.fixture
def simulator(server: SimulatorServer) -> SimulatorServer:
    """The account as it was seeded, without limits."""
    server.simulation.reset()
    requests.put(f"{server.url}/_simulator/limits", json={"hubspot": {"enabled": False}}, timeout=10)
    return server


@pytest.fixture
def vips(client: Any) -> str:
    """The id of a static list of contacts."""
    return make(client, "VIPs")


def make(client: Any, name: str, kind: str = "MANUAL", type_id: str = "0-1") -> str:
    """Create a list as a person would; its id."""
    request = ListCreateRequest(name=name, object_type_id=type_id, processing_type=kind)
    return str(client.crm.lists.lists_api.create(request).list.list_id)


def rows(stream: str, *records: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of one stream."""
    schema = {"properties": {"key": {}, "mail": {}}}
    head = {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["key"]}
    return [head, *({"type": "RECORD", "stream": stream, "record": one} for one in records)]


def person(key: str) -> dict[str, Any]:
    """One customer."""
    return {"key": key, "mail": f"{key.lower()}@example.com"}


def deliver(stage: Stage, *messages: dict[str, Any], vips: Any = VIPS, **config: Any) -> Result:
    """Deliver customers, and who is a VIP."""
    streams = {"customers": CUSTOMERS, "vips": vips}
    return stage.run([*messages, {"type": "STATE", "value": {"at": 1}}], streams=streams, **config)


def people(client: Any, *keys: str) -> dict[str, str]:
    """Create contacts as a person would; their ids."""
    create = client.crm.contacts.basic_api.create
    return {key: create({"properties": {"customer_id": key, "email": f"{key.lower()}@example.com"}}).id for key in keys}


def members(stage: Stage, client: Any, list_id: str) -> set[str]:
    """The customer ids of a list's members, as HubSpot's client reads them."""
    page = stage.vendor.control("records/hubspot/contacts?limit=1000")
    keys = {one["id"]: one["properties"].get("customer_id") for one in page["records"]}
    found = client.crm.lists.memberships_api.get_page(list_id).results
    return {keys[str(one.record_id)] for one in found}


def counts(stage: Stage, part: str = "memberships") -> Counter[str]:
    """Requests so far whose route has this part, by the end of it."""
    found = stage.vendor.control("requests?last=1")["counts"]
    return Counter({one["route"].rsplit("/", 1)[-1]: one["count"] for one in found if part in one["route"]})


def events(stage: Stage, event: str) -> list[str]:
    """Ids of the records of one kind of side effects."""
    entries = stage.vendor.control("journal?limit=1000")["entries"]
    return [one["id"] for one in entries if one["event"] == event]


def test_members_are_added_with_the_ids_that_the_run_knows(stage: Stage, client: Any, vips: str) -> None:
    """Records may come later in the same input: one request for all members, none for ids, nothing on the rerun."""
    messages = [
        *rows("vips", person("C1"), person("C2")),
        *rows("customers", person("C1"), person("C2"), person("C3")),
    ]
    first = deliver(stage, *messages)
    assert (first.exit_code, first.error, first.totals["created"]) == (0, "", 5)
    assert counts(stage) == {"add": 1}
    assert members(stage, client, vips) == {"C1", "C2"}
    assert counts(stage, "contacts/batch")["read"] == 0
    effects, written = stage.vendor.side_effects(), counts(stage)
    second = deliver(stage, *messages)
    assert (second.exit_code, second.totals["unchanged"]) == (0, 5)
    assert (stage.vendor.side_effects(), counts(stage)["add"]) == (effects, written["add"])


@pytest.mark.parametrize(
    ("match_on", "value"), [("customer_id", "C1"), ("email", "C1@Example.com"), ("hs_object_id", "")]
)
def test_records_are_named_by_any_field_that_recognises_them(
    stage: Stage, client: Any, vips: str, match_on: str, value: str
) -> None:
    """A unique property, the address of a contact, or HubSpot's own id; nobody but the list is written."""
    record_id = people(client, "C1")["C1"]
    before = stage.vendor.side_effects()
    stream = {"object": f"LIST: {vips}", "match_on": match_on, "fields": {match_on: "key"}}
    result = deliver(stage, *rows("vips", {"key": value or record_id}), vips=stream)
    assert (result.exit_code, result.error, result.codes) == (0, "", {})
    assert members(stage, client, vips) == {"C1"}
    assert stage.vendor.side_effects() == before + 1


def test_a_list_of_another_object(stage: Stage, client: Any) -> None:
    """Which records are meant is what the list says."""
    made = make(client, "Accounts", "SNAPSHOT", "0-2")
    company = client.crm.companies.basic_api.create({"properties": {"customer_id": "A1", "name": "One"}}).id
    stream = {"object": "list:accounts", "fields": {"customer_id": "key"}, "match_on": "customer_id"}
    assert deliver(stage, *rows("vips", person("A1")), vips=stream).exit_code == 0
    found = client.crm.lists.memberships_api.get_page(made).results
    assert [one.record_id for one in found] == [company]


def test_an_unknown_record_is_waited_for(stage: Stage, client: Any, vips: str) -> None:
    """It is rejected, kept, and becomes a member when it is there; an id that nobody has is refused too."""
    first = deliver(stage, *rows("vips", person("C1")), **ALL)
    assert (first.codes, bool(first.states)) == ({"reference_not_found": 1}, True)
    people(client, "C1")
    with closing(sqlite3.connect(stage.root / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE deliveries SET due_at = 0 WHERE due_at IS NOT NULL")  # as if hours had passed
    assert deliver(stage, *rows("vips")).exit_code == 0
    assert members(stage, client, vips) == {"C1"}
    by_id = {"object": "list:VIPs", "match_on": "hs_object_id", "fields": {"hs_object_id": "key"}}
    wrong = deliver(stage, *rows("vips", {"key": "987"}, {"key": "x1"}), vips=by_id, **ALL, sync_id="ids")
    assert wrong.codes == {"reference_not_found": 1, "invalid_value": 1}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"object": "list:VIP"}, ("no list 'VIP'", "Did you mean 'VIPs'?", "VIPs")),
        ({"object": "list:404"}, ("no list '404'",)),
        ({"object": "list:Smart"}, ("'Smart'", "is dynamic", "Name a static list")),
        ({"object": "list:Twice"}, ("Lists of several objects are called 'Twice'", "of 0-1", "of 0-2")),
        ({"object": "list:Gone"}, ("no list 'Gone'",)),
        ({"load_method": "update"}, ("'load_method: update' makes no sense", "'upsert', which adds")),
        ({"load_method": "create"}, ("'load_method: create' makes no sense",)),
        ({"on_removed": "clear"}, ("'on_removed: clear' makes no sense", "'archive'")),
        ({"match_on": ["customer_id", "email"]}, ("recognised by one field",)),
        ({"match_on": "firstname"}, ("'match_on' names 'firstname'", "hs_object_id")),
        ({"fields": {"customer_id": "key", "city": "mail"}}, ("city",)),
    ],
)
def test_what_cannot_work_is_refused_at_start(
    stage: Stage, client: Any, vips: str, change: dict[str, Any], words: tuple[str, ...]
) -> None:
    """With the remedy; nothing has been written by then."""
    make(client, "Smart", "DYNAMIC")
    make(client, "Twice")
    make(client, "Twice", type_id="0-2")
    client.crm.lists.lists_api.remove(make(client, "Gone"))
    before = stage.vendor.side_effects()
    result = deliver(stage, *rows("vips", person("C1")), vips={**VIPS, **change})
    assert result.exit_code == 78
    assert all(word in result.error for word in words), result.error
    assert stage.vendor.side_effects() == before


def test_a_deleted_list_says_so(stage: Stage, client: Any, vips: str) -> None:
    """By its id it is still known, and can be restored."""
    client.crm.lists.lists_api.remove(vips)
    result = deliver(stage, *rows("vips", person("C1")), vips={**VIPS, "object": f"list:{vips}"})
    assert (result.exit_code, "Restore it in HubSpot" in result.error) == (78, True)


# -- removals


def test_a_mirror_takes_out_what_it_added_and_nobody_else(stage: Stage, client: Any, vips: str) -> None:
    """Who was in the list before stays in it, also when the source had them."""
    ids = people(client, "C1", "C2", "C3", "C4")
    client.crm.lists.memberships_api.add(vips, [ids["C2"], ids["C4"]])
    added = deliver(stage, *rows("vips", person("C1"), person("C2"), person("C3")), vips=MIRROR, **ALL)
    assert (added.exit_code, added.totals["created"], added.totals["updated"]) == (0, 2, 1)
    gone = [{**person(key), **GONE} for key in ("C1", "C2")]
    result = deliver(stage, *rows("vips", *gone), vips=MIRROR, **ALL)
    assert (result.exit_code, result.totals["removed"], result.totals["unchanged"]) == (0, 1, 1)
    assert members(stage, client, vips) == {"C2", "C3", "C4"}
    assert counts(stage)["remove"] == 1
    again = deliver(stage, *rows("vips", person("C1")), vips=MIRROR, **ALL)
    assert (again.totals["created"], members(stage, client, vips)) == (1, {"C1", "C2", "C3", "C4"})


def test_an_upsert_adds_and_never_takes_out(stage: Stage, client: Any, vips: str) -> None:
    """Also where a row means another record by now."""
    people(client, "C1", "C2")
    stream = {"object": "list:VIPs", "match_on": "email", "fields": {"email": "mail"}}
    for mail in ("c1@example.com", "c2@example.com"):
        assert deliver(stage, *rows("vips", {"key": "1", "mail": mail}), vips=stream).exit_code == 0
    deliver(stage, *rows("vips", {"key": "1", **GONE}), vips=stream)
    assert members(stage, client, vips) == {"C1", "C2"}


def test_a_row_of_a_mirror_that_means_another_record_moves(stage: Stage, client: Any, vips: str) -> None:
    """The former one leaves the list where this sync added it, and stays where it did not."""
    ids = people(client, "C1", "C2", "C3", "C4")
    client.crm.lists.memberships_api.add(vips, [ids["C3"]])
    stream = {"object": "list:VIPs", "match_on": "email", "fields": {"email": "mail"}, "load_method": "mirror"}
    before = [{"key": "1", "mail": "c1@example.com"}, {"key": "2", "mail": "c3@example.com"}]
    after = [{"key": "1", "mail": "c2@example.com"}, {"key": "2", "mail": "c4@example.com"}]
    deliver(stage, *rows("vips", *before), vips=stream)
    result = deliver(stage, *rows("vips", *after), vips=stream)
    assert (result.exit_code, result.error) == (0, "")
    assert members(stage, client, vips) == {"C2", "C3", "C4"}


def test_two_rows_that_mean_one_record_are_one_member(stage: Stage, client: Any, vips: str) -> None:
    """The second is refused, and takes over when the first is gone."""
    ids = people(client, "C1")
    other = client.crm.contacts.basic_api.create({"properties": {"email": "other@example.com"}}).id
    client.crm.contacts.basic_api.merge({"primaryObjectId": ids["C1"], "objectIdToMerge": other})
    stream = {"object": "list:VIPs", "match_on": "email", "fields": {"email": "mail"}, "load_method": "mirror"}
    both = [{"key": "1", "mail": "c1@example.com"}, {"key": "2", "mail": "other@example.com"}]
    first = deliver(stage, *rows("vips", *both), vips=stream, **ALL)
    assert (first.totals["created"], first.codes) == (1, {"duplicate_key": 1})
    deliver(stage, *rows("vips", {"key": "1", **GONE}), vips=stream, **ALL)
    deliver(stage, *rows("vips"), vips=stream, **ALL)
    assert members(stage, client, vips) == {"C1"}


# -- trouble


@pytest.mark.parametrize(
    "kind", ["cut_after", "cut_before", "502_after_commit", "html_error", "truncated", "429", "423"]
)
def test_trouble_adds_nobody_twice_and_forgets_nothing(stage: Stage, client: Any, vips: str, kind: str) -> None:
    """What was added under a lost reply is this sync's own: the mirror takes it out again."""
    people(client, "C1", "C2")
    stage.vendor.faults([{"kind": kind, "path": "*/memberships/*", "times": 1, "retry_after": 0.1}])
    result = deliver(stage, *rows("vips", person("C1"), person("C2")), vips=MIRROR)
    assert (result.exit_code, result.error) == (0, "")
    assert len(events(stage, "list_member_added")) == 2
    stage.vendor.faults([{"kind": kind, "path": "*/memberships/remove", "times": 1, "retry_after": 0.1}])
    gone = deliver(stage, *rows("vips", {**person("C1"), **GONE}), vips=MIRROR, **ALL)
    assert (gone.exit_code, gone.totals["removed"]) == (0, 1)
    assert members(stage, client, vips) == {"C2"}


def test_what_a_run_added_that_died_is_this_syncs_own(stage: Stage, client: Any, vips: str) -> None:
    """The intent is noted before the request: the next run finds the member, and a mirror may take it out."""
    people(client, "C1")
    stage.vendor.faults([{"kind": "cut_after", "path": "*/memberships/add"}])
    died = deliver(stage, *rows("vips", person("C1")), vips=MIRROR, reconcile_grace_seconds=1)
    assert died.exit_code != 0
    assert members(stage, client, vips) == {"C1"}
    stage.vendor.faults([])
    deliver(stage, *rows("vips", person("C1")), vips=MIRROR, reconcile_grace_seconds=1)
    result = deliver(stage, *rows("vips", {**person("C1"), **GONE}), vips=MIRROR, **ALL)
    assert (result.exit_code, members(stage, client, vips)) == (0, set())


def test_an_id_that_is_gone_is_looked_up_again(stage: Stage, client: Any, vips: str) -> None:
    """The ledger knows the contact under an id that somebody archived; another one has its key by now."""
    deliver(stage, *rows("customers", person("C1")))
    record = stage.vendor.control("records/hubspot/contacts?limit=10")["records"][0]["id"]
    client.crm.contacts.basic_api.archive(record)
    people(client, "C1")
    result = deliver(stage, *rows("customers", person("C1")), *rows("vips", person("C1")))
    assert (result.exit_code, members(stage, client, vips)) == (0, {"C1"})


def test_a_large_list_is_not_read_for_a_few(stage: Stage, client: Any, vips: str) -> None:
    """Whether new members are in it is asked in the fewest requests: their lists, or all members of a short one."""
    ids = people(client, *(f"C{number}" for number in range(260)))
    client.crm.lists.memberships_api.add(vips, list(ids.values())[:255])
    deliver(stage, *rows("vips", person("C1"), person("C259")), vips=MIRROR)
    assert (counts(stage)["read"], counts(stage)["memberships"]) == (1, 0)
    deliver(stage, *rows("vips", *(person(key) for key in ids)), vips=MIRROR)
    assert (counts(stage)["read"], counts(stage)["memberships"]) == (1, 2)
    assert len(events(stage, "list_member_added")) == 260


def test_a_refusal_of_the_list_ends_the_run() -> None:
    """It is nobody's reject: halving the request would ask for each member what is wrong with the list."""
    found = {"listId": "7", "name": "VIPs", "objectTypeId": "0-1", "processingType": "MANUAL"}
    refusal = {"status": "error", "message": "Can not operate manually", "category": "VALIDATION_ERROR"}
    hubspot = answering((200, {"lists": [found], "hasMore": False}), (200, {"results": []}), (400, refusal))
    schema = hubspot.describe("list:VIPs")
    one = Batch(Verb.UPSERT, schema, "hs_object_id", (Operation("1", "12", {}), Operation("2", "13", {})))
    with pytest.raises(FatalError, match="who is in the list 'VIPs'"):
        hubspot.write(one)


@pytest.mark.parametrize("stream", [VIPS, MIRROR])
def test_a_run_that_only_looks_adds_nobody(stage: Stage, client: Any, vips: str, stream: dict[str, Any]) -> None:
    """The plan counts them, those who are in already and those who are unknown; the run does what it says."""
    ids = people(client, "C1", "C2")
    client.crm.lists.memberships_api.add(vips, [ids["C2"]])
    before = stage.vendor.side_effects()
    messages = [*rows("vips", person("C1"), person("C2"), person("C9"), person("C3")), *rows("customers", person("C3"))]
    looked = deliver(stage, *messages, vips=stream, dry_run=True)
    assert (looked.exit_code, looked.error, stage.vendor.side_effects()) == (0, "", before)
    plan = next((stage.root / "reports").glob("*plan*/plan.jsonl")).read_text().splitlines()
    actions = Counter(one.split('"action":"')[1].split('"')[0] for one in plan if '"list:' in one and '"action"' in one)
    result = deliver(stage, *messages, vips=stream, **ALL)
    assert result.report is not None
    done = result.report["streams"]["vips"]["counts"]
    assert (actions["create"], actions["reject"]) == (done["created"], done["rejected"]) == (2, 1)
    assert members(stage, client, vips) == {"C1", "C2", "C3"}


@pytest.mark.parametrize("version", ["2026-09", "2026-03", "v3"])
def test_every_version_has_lists(stage: Stage, client: Any, vips: str, version: str) -> None:
    """By name and by id, with removals."""
    people(client, "C1", "C2")
    config = {"api_version": version, **ALL}
    deliver(stage, *rows("vips", person("C1"), person("C2")), vips=MIRROR, **config)
    by_id = {**MIRROR, "object": f"list:{vips}"}
    result = deliver(stage, *rows("vips", {**person("C1"), **GONE}), vips=by_id, **config)
    assert (result.exit_code, members(stage, client, vips)) == (0, {"C2"})
