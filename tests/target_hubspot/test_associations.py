"""Associations through the front door: labels, late parents, changes, removals, trouble; HubSpot's client looks."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hubspot.crm.associations.v4.schema import PublicAssociationDefinitionCreateRequest

from saas_simulators import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.stage import Result, Stage

CUSTOMERS = {"object": "contacts", "match_on": "customer_id"}
ACCOUNTS = {"object": "companies", "match_on": "customer_id"}
WORKS_AT = {"object": "companies", "from": "account_id", "match_on": "customer_id"}


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


def rows(stream: str, *records: dict[str, Any], columns: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The messages of one stream."""
    names = dict.fromkeys([*(name for one in records for name in one if not name.startswith("_sdc_")), *columns])
    schema = {"properties": {name: {} for name in names}}
    head = {"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": ["customer_id"]}
    return [head, *({"type": "RECORD", "stream": stream, "record": one} for one in records)]


def customer(key: str, account: Any = None, **more: Any) -> dict[str, Any]:
    """A person and where they work."""
    return {"customer_id": key, "email": f"{key.lower()}@example.com", "account_id": account, **more}


def account(key: str) -> dict[str, Any]:
    """A company."""
    return {"customer_id": key, "name": f"Company {key}"}


def deliver(stage: Stage, *messages: dict[str, Any], associations: Any = None, **config: Any) -> Result:
    """Deliver customers, tied to accounts, and accounts."""
    customers = {**CUSTOMERS, "fields": {"customer_id": "customer_id", "email": "email"}}
    customers["associations"] = [WORKS_AT] if associations is None else associations
    streams = {"customers": customers | config.pop("customers", {}), "accounts": ACCOUNTS}
    return stage.run([*messages, {"type": "STATE", "value": {"at": 1}}], streams=streams, **config)


def ids(stage: Stage, object_name: str) -> dict[str, str]:
    """Record ids by customer id."""
    page = stage.vendor.control(f"records/hubspot/{object_name}?limit=1000")
    return {one["properties"]["customer_id"]: one["id"] for one in page["records"] if not one["archived"]}


def ties(stage: Stage, client: Any) -> dict[str, set[tuple[str, str | None]]]:
    """Each person's companies with the labels, as HubSpot's client reads them."""
    companies = {record_id: key for key, record_id in ids(stage, "companies").items()}
    found: dict[str, set[tuple[str, str | None]]] = {}
    for key, record_id in ids(stage, "contacts").items():
        page = client.crm.associations.v4.basic_api.get_page("contacts", record_id, "companies")
        found[key] = {
            (companies[str(one.to_object_id)], kind.label) for one in page.results for kind in one.association_types
        }
    return found


def tied(stage: Stage, client: Any) -> dict[str, set[str]]:
    """Each person's companies."""
    return {key: {name for name, _ in some} for key, some in ties(stage, client).items()}


def requests_by_path(stage: Stage, part: str) -> Counter[str]:
    """Requests so far whose route has this part, by the end of it."""
    counts = stage.vendor.control("requests?last=1")["counts"]
    return Counter({one["route"].rsplit("/", 1)[-1]: one["count"] for one in counts if part in one["route"]})


def test_records_are_tied_once_both_are_there(stage: Stage, client: Any) -> None:
    """Parents may come later in the same input; one request for all ties, none for ids, nothing on the rerun."""
    people = rows("customers", customer("C1", "A1"), customer("C2", ["A1", "A2"]), customer("C3"))
    companies = rows("accounts", account("A1"), account("A2"))
    first = deliver(stage, *people, *companies)
    assert (first.exit_code, first.error) == (0, "")
    assert tied(stage, client) == {"C1": {"A1"}, "C2": {"A1", "A2"}, "C3": set()}
    assert requests_by_path(stage, "associations")["create"] == 1
    assert first.report is not None
    counts = first.report["streams"]["customers > companies"]["counts"]
    assert (counts["read"], counts["created"], counts["unchanged"]) == (3, 2, 1)
    effects, written = stage.vendor.side_effects(), stage.vendor.write_requests()
    second = deliver(stage, *people, *companies)
    assert (second.exit_code, second.totals["unchanged"]) == (0, 8)
    assert (stage.vendor.side_effects(), stage.vendor.write_requests()) == (effects, written)


def test_a_parent_that_comes_in_a_later_run_is_waited_for(stage: Stage, client: Any) -> None:
    """The record is delivered without it; its tie is rejected, kept, and made when the ledger knows the other one.

    Without looking for those in vain, and without waiting until the rejected one is due.
    """
    first = deliver(stage, *rows("customers", customer("C1", "A9")), max_rejected_percent=100)
    assert (first.totals["created"], first.codes) == (1, {"reference_not_found": 1})
    assert first.states
    deliver(stage, *rows("accounts", account("A9")))
    assert tied(stage, client) == {"C1": set()}
    messages = [*rows("customers", columns=tuple(customer("C1"))), *rows("accounts", account("A9"))]
    assert deliver(stage, *messages, dry_run=True).exit_code == 0
    plan = [json.loads(line) for line in next((stage.root / "reports").glob("*plan*/plan.jsonl")).open()]
    assert [(one["action"], one["stream"]) for one in plan] == [("create", "customers > companies")]
    third = deliver(stage, *messages)
    assert (third.exit_code, third.error) == (0, "")
    assert tied(stage, client) == {"C1": {"A9"}}


def test_a_missing_parent_can_be_skipped(stage: Stage, client: Any) -> None:
    """`on_missing: skip` ties what is there."""
    one = [{**WORKS_AT, "on_missing": "skip"}]
    people, companies = rows("customers", customer("C1", ["A1", "A9"])), rows("accounts", account("A1"))
    result = deliver(stage, *companies, *people, associations=one)
    assert (result.exit_code, result.codes) == (0, {})
    assert tied(stage, client) == {"C1": {"A1"}}


def test_labels_go_by_name(stage: Stage, client: Any) -> None:
    """A label of the account's own, in any case; the plain association is there with it; two labels are two streams."""
    create = client.crm.associations.v4.schema.definitions_api.create
    create("contacts", "companies", PublicAssociationDefinitionCreateRequest(name="partner", label="Partner"))
    both = [{**WORKS_AT, "label": "partner"}, {**WORKS_AT, "label": "Primary"}]
    people, companies = rows("customers", customer("C1", "A1")), rows("accounts", account("A1"))
    result = deliver(stage, *companies, *people, associations=both)
    assert (result.exit_code, result.error) == (0, "")
    assert ties(stage, client)["C1"] == {("A1", None), ("A1", "Partner"), ("A1", "Primary")}
    assert result.report is not None
    assert {"customers > companies (partner)", "customers > companies (Primary)"} < set(result.report["streams"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": "Nobody"}, ("no label 'Nobody'", "'Primary'", "Create it in HubSpot")),
        ({"object": "shops"}, ("There is no object 'shops'",)),
        ({"match_on": "domain"}, ("cannot be recognised by 'domain'", "'customer_id'")),
        ({"from": None}, ("associations[0].from' is missing",)),
        ({"colour": "red"}, ("colour", "is not a setting")),
        ({"on_missing": "ignore"}, ("on_missing' must be one of reject, skip",)),
        ({"from": "no_column"}, ("no column 'no_column'",)),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(
    stage: Stage, change: dict[str, Any], words: tuple[str, ...]
) -> None:
    """With the remedy; nothing has been written by then."""
    result = deliver(stage, *rows("customers", customer("C1", "A1")), associations=[{**WORKS_AT, **change}])
    assert result.exit_code == 78
    assert all(word in result.error for word in words), result.error
    assert stage.vendor.side_effects() == 0


# -- changes and removals


def test_an_upsert_adds_and_never_takes_away(stage: Stage, client: Any) -> None:
    """Another company is added; null and absent change nothing."""
    companies = rows("accounts", account("A1"), account("A2"))
    deliver(stage, *companies, *rows("customers", customer("C1", "A1")))
    deliver(stage, *companies, *rows("customers", customer("C1", "A2")))
    assert tied(stage, client) == {"C1": {"A1", "A2"}}
    deliver(stage, *companies, *rows("customers", customer("C1", None)))
    lean = {"customer_id": "C1", "email": "c1@example.com"}
    deliver(stage, *companies, *rows("customers", lean, columns=("account_id",)))
    assert tied(stage, client) == {"C1": {"A1", "A2"}}


def test_a_mirror_follows_the_source_and_spares_what_others_made(stage: Stage, client: Any) -> None:
    """Changed, emptied, left out: what this sync added goes, and nothing else."""
    mirror = {"customers": {"load_method": "mirror"}}
    companies = rows("accounts", account("A1"), account("A2"), account("A3"))
    deliver(stage, *companies, *rows("customers", customer("C1"), customer("C2")), **mirror)
    record, other = ids(stage, "contacts")["C1"], ids(stage, "companies")["A3"]
    client.crm.associations.v4.basic_api.create_default("contacts", record, "companies", other)
    deliver(stage, *companies, *rows("customers", customer("C1", ["A1", "A3"]), customer("C2", "A1")), **mirror)
    assert tied(stage, client) == {"C1": {"A1", "A3"}, "C2": {"A1"}}
    deliver(stage, *companies, *rows("customers", customer("C1", ["A2"]), customer("C2", None)), **mirror)
    assert tied(stage, client) == {"C1": {"A2", "A3"}, "C2": set()}
    lean = {"customer_id": "C1", "email": "c1@example.com"}
    deliver(stage, *companies, *rows("customers", lean, columns=("account_id",)), **mirror)
    assert tied(stage, client)["C1"] == {"A2", "A3"}


def test_two_streams_tie_the_same_objects_each_in_its_way(stage: Stage, client: Any) -> None:
    """Each has its own records, rows and counts."""
    fields = {"customer_id": "customer_id", "email": "email"}
    both = {name: {**CUSTOMERS, "fields": fields, "associations": [WORKS_AT]} for name in ("customers", "guests")}
    both["guests"]["associations"] = [{**WORKS_AT, "on_missing": "skip"}]
    people = [*rows("customers", customer("C1", "A9")), *rows("guests", customer("C2", ["A1", "A9"]))]
    messages = [*rows("accounts", account("A1")), *people]
    result = stage.run(messages, streams={**both, "accounts": ACCOUNTS}, max_rejected_percent=100)
    assert (result.exit_code, result.codes) == (0, {"reference_not_found": 1})
    assert tied(stage, client) == {"C1": set(), "C2": {"A1"}}


@pytest.mark.parametrize("other", ["label", "stream", "side"])
def test_a_mirror_is_the_only_one_to_tie_two_objects(stage: Stage, other: str) -> None:
    """HubSpot ends a pair with all its labels, from both sides: what else names it would be gone without a word."""
    customers: dict[str, Any] = {**CUSTOMERS, "load_method": "mirror", "associations": [WORKS_AT]}
    streams: dict[str, Any] = {"customers": customers, "accounts": dict(ACCOUNTS)}
    if other == "label":
        customers["associations"] = [WORKS_AT, {**WORKS_AT, "label": "Primary"}]
    elif other == "stream":
        streams["guests"] = {**CUSTOMERS, "associations": [WORKS_AT]}
    else:
        streams["accounts"]["associations"] = [{"object": "contact", "from": "people", "match_on": "customer_id"}]
    result = stage.run(rows("accounts", account("A1")), streams=streams)
    assert result.exit_code == 78
    assert "several entries are about the same two objects" in result.error
    assert stage.vendor.side_effects() == 0


def test_a_text_names_one_record_whatever_is_in_it(stage: Stage, client: Any) -> None:
    """Only an array names several."""
    companies = rows("accounts", account("A"), account("B"), account("A;B"))
    deliver(
        stage, *companies, *rows("customers", customer("C1", "A;B"), customer("C2", ["A", " B "]), customer("C3", 7))
    )
    assert tied(stage, client) == {"C1": {"A;B"}, "C2": {"A", "B"}, "C3": set()}


def test_a_comparison_leaves_associations_alone(stage: Stage) -> None:
    """They are not read first, and what was delivered is not written again."""
    messages = [*rows("accounts", account("A1")), *rows("customers", customer("C1", "A1"))]
    deliver(stage, *messages, compare_with="destination")
    before = requests_by_path(stage, "associations")
    result = deliver(stage, *messages, compare_with="destination")
    assert (result.totals["unchanged"], requests_by_path(stage, "associations")["create"]) == (3, before["create"])


def test_a_label_in_two_spellings_is_spelt_exactly(stage: Stage, client: Any) -> None:
    """Any case will do where it is clear which one is meant."""
    create = client.crm.associations.v4.schema.definitions_api.create
    for name, label in (("one", "Twin"), ("other", "twin")):
        create("contacts", "companies", PublicAssociationDefinitionCreateRequest(name=name, label=label))
    messages = [*rows("accounts", account("A1")), *rows("customers", customer("C1", "A1"))]
    result = deliver(stage, *messages, associations=[{**WORKS_AT, "label": "TWIN"}])
    assert (result.exit_code, "could mean several labels" in result.error) == (78, True)
    assert deliver(stage, *messages, associations=[{**WORKS_AT, "label": "twin"}]).exit_code == 0
    assert ("A1", "twin") in ties(stage, client)["C1"]
    assert ("A1", "Twin") not in ties(stage, client)["C1"]


def test_more_than_a_hundred_are_too_many(stage: Stage) -> None:
    """Whether they exist or not."""
    crowd = [f"A{number}" for number in range(101)]
    result = deliver(stage, *rows("customers", customer("C1", crowd)), max_rejected_percent=100)
    assert result.codes == {"too_long": 1}


def test_a_label_that_was_added_to_an_older_association_is_taken_off_alone(stage: Stage, client: Any) -> None:
    """The association itself was somebody else's."""
    mirror: dict[str, Any] = {"customers": {"load_method": "mirror"}}
    create = client.crm.associations.v4.schema.definitions_api.create
    create("contacts", "companies", PublicAssociationDefinitionCreateRequest(name="partner", label="Partner"))
    mirror["associations"] = [{**WORKS_AT, "label": "Partner"}]
    companies = rows("accounts", account("A1"))
    deliver(stage, *companies, *rows("customers", customer("C1")), **mirror)
    record, other = ids(stage, "contacts")["C1"], ids(stage, "companies")["A1"]
    client.crm.associations.v4.basic_api.create_default("contacts", record, "companies", other)
    deliver(stage, *companies, *rows("customers", customer("C1", "A1")), **mirror)
    assert ("A1", "Partner") in ties(stage, client)["C1"]
    deliver(stage, *companies, *rows("customers", customer("C1", None)), **mirror)
    left = ties(stage, client)["C1"]
    assert ("A1", "Partner") not in left
    assert ("A1", None) in left


def test_a_removed_record_takes_its_associations_along(stage: Stage, client: Any) -> None:
    """One that this sync did not create stays, without what this sync tied to it."""
    mirror = {"customers": {"load_method": "mirror"}, "max_removed_percent": 100}
    record = client.crm.contacts.basic_api.create({"properties": {"customer_id": "C2", "email": "c2@example.com"}})
    companies = rows("accounts", account("A1"))
    deliver(stage, *companies, *rows("customers", customer("C1", "A1"), customer("C2", "A1")), **mirror)
    gone = {"_sdc_deleted_at": "2026-11-28T00:00:00Z"}
    removals = [{"customer_id": key, **gone} for key in ("C1", "C2")]
    result = deliver(stage, *companies, *rows("customers", *removals, columns=("email", "account_id")), **mirror)
    assert (result.exit_code, result.error) == (0, "")
    assert ids(stage, "contacts") == {"C2": record.id}
    assert tied(stage, client) == {"C2": set()}


# -- trouble


def test_an_id_that_is_gone_is_looked_up_again(stage: Stage, client: Any) -> None:
    """The ledger knows the company under an id that somebody archived; another one has its key by now."""
    companies = rows("accounts", account("A1"))
    deliver(stage, *companies)
    client.crm.companies.basic_api.archive(ids(stage, "companies")["A1"])
    client.crm.companies.basic_api.create({"properties": {"customer_id": "A1", "name": "Again"}})
    result = deliver(stage, *companies, *rows("customers", customer("C1", "A1")))
    assert (result.exit_code, result.error) == (0, "")
    assert tied(stage, client) == {"C1": {"A1"}}


@pytest.mark.parametrize(
    "kind", ["cut_after", "cut_before", "502_after_commit", "html_error", "truncated", "429", "423", "timeout"]
)
def test_trouble_ties_nothing_twice(stage: Stage, client: Any, kind: str) -> None:
    """The repeat is safe; each tie is made once."""
    rule = {"kind": kind, "path": "*/associations/*/batch/create", "times": 1, "seconds": 0.2, "retry_after": 0.1}
    stage.vendor.faults([rule])
    companies = rows("accounts", account("A1"))
    result = deliver(stage, *companies, *rows("customers", customer("C1", "A1"), customer("C2", "A1")))
    assert (result.exit_code, result.error) == (0, "")
    assert tied(stage, client) == {"C1": {"A1"}, "C2": {"A1"}}
    entries = stage.vendor.control("journal?limit=1000")["entries"]
    made = Counter((one["event"], one["id"]) for one in entries if one["event"] == "association_created")
    assert set(made.values()) <= {1}


def test_a_run_that_only_looks_makes_no_tie(stage: Stage, client: Any) -> None:
    """The plan counts them, missing parents too, and the run after it does what it says."""
    messages = [
        *rows("accounts", account("A1")),
        *rows("customers", customer("C1", "A1"), customer("C2", "A9")),
    ]
    looked = deliver(stage, *messages, dry_run=True)
    assert (looked.exit_code, looked.error, stage.vendor.side_effects()) == (0, "", 0)
    plan = next((stage.root / "reports").glob("*plan*/plan.jsonl")).read_text()
    assert '"reference_not_found"' in plan
    result = deliver(stage, *messages, max_rejected_percent=100)
    assert result.codes == {"reference_not_found": 1}
    assert tied(stage, client) == {"C1": {"A1"}, "C2": set()}


def test_a_plan_counts_what_there_is_nothing_to_tie_to(stage: Stage) -> None:
    """As the run does: records that are not there, others that are skipped, and what HubSpot needs for a new record."""
    skip = [{**WORKS_AT, "on_missing": "skip"}]
    people = [
        customer("C1", "A1"),
        customer("C2", "A9"),
        customer("C3", "A9", email="no address"),
        customer("C4", "A8"),
    ]
    messages = [*rows("customers", *people), *rows("accounts", account("A1"), {"customer_id": "A8", "name": None})]
    planned = deliver(stage, *messages, associations=skip, dry_run=True)
    assert planned.exit_code == 0
    plan = [json.loads(line) for line in next((stage.root / "reports").glob("*plan*/plan.jsonl")).open()]
    counts = Counter((one["stream"], one["action"]) for one in plan)
    run = deliver(stage, *messages, associations=skip, max_rejected_percent=100)
    assert run.report is not None
    for stream, found in run.report["streams"].items():
        assert counts[stream, "create"] == found["counts"]["created"], stream
        assert counts[stream, "reject"] == found["counts"]["rejected"], stream
    assert run.codes == {"invalid_email": 1, "reference_not_found": 1, "required_field": 1}


@pytest.mark.parametrize("version", ["2026-09", "2026-03", "v3"])
def test_every_version_ties(stage: Stage, client: Any, version: str) -> None:
    """Dated paths, and those of version 4 where the API has no date."""
    messages = [*rows("accounts", account("A1")), *rows("customers", customer("C1", "A1"))]
    assert deliver(stage, *messages, api_version=version).exit_code == 0
    assert tied(stage, client) == {"C1": {"A1"}}


def test_pitfall_17_a_record_with_an_association_is_written_once(stage: Stage, client: Any) -> None:
    """One record however many it is tied to; the plain association that comes with a label is not sent again."""
    people = rows("customers", customer("C1", ["A1", "A1", "A2"]))
    result = deliver(stage, *rows("accounts", account("A1"), account("A2")), *people)
    assert (result.exit_code, len(ids(stage, "contacts"))) == (0, 1)
    assert tied(stage, client) == {"C1": {"A1", "A2"}}
    entries = stage.vendor.control("journal?limit=1000")["entries"]
    assert sum(one["event"] == "record_created" and one["object"] == "contacts" for one in entries) == 1


def test_what_a_plan_masks_it_masks_in_associations_too(stage: Stage) -> None:
    """They name a record by the same value."""
    people = {"customers": {"object": "contacts", "match_on": "email"}}
    messages = [*rows("accounts", account("A1")), *rows("customers", customer("C1", "A1", email="ada@example.com"))]
    result = deliver(stage, *messages, **people, dry_run=True, redact=["email"])
    assert (result.exit_code, result.error) == (0, "")
    folder = next((stage.root / "reports").glob("*plan*"))
    lines = (folder / "plan.jsonl").read_text()
    assert '"customers > companies"' in lines
    assert "ada@" not in lines + (folder / "plan.html").read_text()
