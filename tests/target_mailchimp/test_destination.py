"""The destination over HTTP: what is asked of Mailchimp, and what becomes of it there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conformance.stage import Stage

from saas_simulators import SimulatorServer

from .conftest import DOMAIN, LIST_ID, MailchimpVendor, Person

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from saas_simulators.mailchimp.audience import Audience

PRESS = "press00000"
SEED = {
    "mailchimp": {
        "audiences": [
            {
                "id": LIST_ID,
                "merge_fields": [
                    {"tag": "BORN", "name": "Birth day", "type": "birthday"},
                    {"tag": "SINCE", "type": "date"},
                    {"tag": "SIZE", "type": "dropdown", "options": {"choices": ["S", "M"]}},
                    {"tag": "HOME", "type": "address"},
                    {"tag": "SITE", "type": "url"},
                    {"tag": "ZIP", "type": "zip"},
                ],
                "marketing_permissions": ["Email", "Post"],
                "interest_categories": [
                    {"title": "Letters", "type": "checkboxes", "interests": ["Weekly", "Monthly"]},
                    {"title": "Colour", "type": "radio", "interests": ["Red", "Blue"]},
                ],
                "members": [{"email_address": f"first{DOMAIN}"}],
            },
            {
                "id": PRESS,
                "name": "Press",
                "merge_fields": [{"tag": "FNAME", "type": "text", "required": True}],
                "segments": ["Spring"],
            },
        ],
        "too_many_signups": [f"busy{DOMAIN}"],
    }
}


@pytest.fixture
def simulator() -> Iterator[SimulatorServer]:
    """An account with all that an audience can have."""
    with SimulatorServer(seed=SEED) as server:
        yield server


def properties(vendor: MailchimpVendor, key: str) -> dict[str, Any]:
    """A member as the simulator keeps it."""
    (found,) = vendor.records()[key]
    return found


# -- fields


def test_every_kind_of_field_arrives(stage: Stage, vendor: MailchimpVendor) -> None:
    """Merge fields of every kind, interests, permissions, place, language, VIP and moments, from one record."""
    home = {"HOME.addr1": "Main St 1", "HOME.city": "Bonn", "HOME.state": "NW", "HOME.zip": "53111"}
    row = {
        "email_address": "Ada",
        "FNAME": "Ada",
        "LTV": 15.5,
        "Birth day": "1980-12-21",
        "SINCE": "2020-01-02T23:30:00Z",
        "SIZE": "M",
        "SITE": "https://shop.example/a",
        "ZIP": "02134",
        "language": "de",
        "vip": True,
        "email_type": "text",
        "location.latitude": 50.73,
        "location.longitude": 7.1,
        "ip_signup": "192.0.2.7",
        "timestamp_opt": "2021-11-23T22:51:56Z",
        "interests.Letters": ["Weekly"],
        "interests.Colour": "Blue",
        "marketing_permissions.Post": True,
        **home,
    }
    assert stage.deliver([row]).totals["created"] == 1
    found = properties(vendor, "ADA")
    assert found["email_address"] == f"ada{DOMAIN}"
    expected = {
        "FNAME": "Ada",
        "LTV": 15.5,
        "BORN": "12/21",
        "SINCE": "2020-01-02",
        "SIZE": "M",
        "SITE": "https://shop.example/a",
        "ZIP": "02134",
        "language": "de",
        "vip": True,
        "email_type": "text",
        "location": {"latitude": 50.73, "longitude": 7.1},
        "ip_signup": "192.0.2.7",
        "timestamp_opt": "2021-11-23T22:51:56+00:00",
        "interests": ["Weekly", "Blue"],
        "marketing_permissions": ["Post"],
    }
    assert {name: found[name] for name in expected} == expected
    address = {"addr1": "Main St 1", "addr2": "", "city": "Bonn", "state": "NW", "zip": "53111", "country": "US"}
    assert found["HOME"] == address


def test_columns_find_their_fields_in_other_spellings(stage: Stage, vendor: MailchimpVendor) -> None:
    """`email` is the address, and the natural match field; tags and names of merge fields go in any case."""
    row = {"id": 1, "email": f"ada{DOMAIN}", "fname": "Ada", "birth DAY": "12/21"}
    schema = {"type": "SCHEMA", "stream": "people", "schema": {"properties": {name: {} for name in row}}}
    messages = [schema | {"key_properties": ["id"]}, {"type": "RECORD", "stream": "people", "record": row}]
    config = {"streams": {"people": {"object": "members"}}, "unknown_fields": "drop"}
    assert stage.run(messages, **config).totals["created"] == 1
    assert (properties(vendor, "ADA")["FNAME"], properties(vendor, "ADA")["BORN"]) == ("Ada", "12/21")


def test_two_columns_of_one_field_are_refused(stage: Stage, vendor: MailchimpVendor) -> None:
    """In any spelling; both are named."""
    result = stage.deliver([{"email_address": "ada", "email": "bob@shop.example"}])
    assert (result.exit_code, "'email'" in result.error) == (78, True)
    assert vendor.write_requests() == 0


def test_null_clears_every_kind_of_field(stage: Stage, vendor: MailchimpVendor) -> None:
    """G8, for all kinds at once: nothing is left but the address."""
    names = ("FNAME", "LTV", "BORN", "SINCE", "SIZE", "SITE", "ZIP", "language")
    values = ("x", 1, "12/21", "2020-01-02", "S", "https://shop.example", "02134", "de")
    filled = dict(zip(names, values, strict=True)) | {"interests.Letters": "Weekly", "marketing_permissions.Post": True}
    stage.deliver([{"email_address": "ada", **filled}])
    assert all(properties(vendor, "ADA")[name] for name in names)
    stage.deliver([{"email_address": "ada", **dict.fromkeys(filled)}])
    found = properties(vendor, "ADA")
    assert {found[name] for name in names} == {""}
    assert (found["interests"], found["marketing_permissions"]) == ([], [])


@pytest.mark.parametrize("load_method", ["upsert", "create", "update"])
def test_marketing_permissions_arrive_by_every_way(
    stage: Stage, vendor: MailchimpVendor, person: Person, load_method: str
) -> None:
    """The call for many does not take them: what is new or different goes one by one, what is the same nowhere."""
    if load_method == "update":
        person.add("ADA")
    row = {"email_address": "ada", "marketing_permissions.Post": True, "marketing_permissions.Email": None}
    config = {"stream": {"load_method": load_method}}
    assert stage.deliver([row], **config).totals["rejected"] == 0
    assert properties(vendor, "ADA")["marketing_permissions"] == ["Post"]
    before = vendor.writes()
    stage.deliver([row | {"FNAME": "x"}], stream={"load_method": "upsert"})
    assert vendor.writes() - before == {"POST /": 1}


def test_pitfall_37_the_verdict_of_a_member_is_that_of_a_member(stage: Stage, vendor: MailchimpVendor) -> None:
    """The call answers 200 whatever becomes of each: six are refused, each with its own code, and one arrives."""
    rows: list[dict[str, Any]] = [
        {"email_address": "ada", "SITE": "https://shop.example", "ZIP": "02134"},
        {"email_address": "foo@example.com"},
        {"email_address": "busy"},
        {"email_address": "site", "SITE": "nowhere"},
        {"email_address": "zip", "ZIP": "1"},
        {"email_address": "size", "SIZE": "XL"},
        {"email_address": "home", "HOME.addr1": "x"},
    ]
    result = stage.deliver(rows, max_rejected_percent=100)
    codes = {"invalid_email": 1, "vendor_refused": 1, "invalid_value": 2, "invalid_option": 1, "required_field": 1}
    assert (result.totals["created"], result.codes) == (1, codes)
    assert "ADA" in vendor.records()


def test_required_merge_fields_are_those_of_the_audience(stage: Stage, vendor: MailchimpVendor) -> None:
    """A new member lacks one and is refused by Mailchimp; a setting lets it in all the same."""
    config = {"stream": {"object": "Press"}, "max_rejected_percent": 100}
    rows = [{"email_address": "a"}, {"email_address": "b", "FNAME": None}]
    result = stage.deliver(rows, **config)
    assert result.codes == {"required_field": 2}
    assert vendor.writes() == {"POST /": 1}
    result = stage.deliver([row | {"FNAME": ""} for row in rows], skip_merge_validation=True, **config)
    assert result.totals["created"] == 2


# -- objects


@pytest.mark.parametrize("name", ["members", "Subscriber", LIST_ID, "Demo audience"])
def test_an_audience_has_one_name_in_the_ledger(stage: Stage, audience: Audience, name: str) -> None:
    """However it is called, the same members are the same records."""
    name = audience.name if name.startswith("Demo") else name
    stage.deliver([stage.record(1)])
    assert stage.deliver([stage.record(1)], stream={"object": name}).totals["unchanged"] == 1


def test_the_setting_may_name_the_audience(stage: Stage, simulator: SimulatorServer) -> None:
    """Its name is resolved as well as its id."""
    stage.deliver([stage.record(1)], list_id="press")
    assert len(simulator.mailchimp.audiences[PRESS].members) == 1


def test_without_an_audience_the_object_is_refused(stage: Stage) -> None:
    """The setting is named, and nothing is written."""
    stage.vendor.settings.pop("list_id")  # type: ignore[attr-defined]
    result = stage.deliver([stage.record(1)])
    assert (result.exit_code, "list_id" in result.error) == (78, True)


def test_an_unknown_audience_is_refused_with_those_that_there_are(stage: Stage) -> None:
    """By name and id."""
    result = stage.deliver([stage.record(1)], stream={"object": "Pres"})
    assert result.exit_code == 78
    assert f"'Press' ({PRESS})" in result.error


def test_two_audiences_in_one_run_stay_apart(stage: Stage, vendor: MailchimpVendor, simulator: SimulatorServer) -> None:
    """Each stream writes to its own."""
    streams = {"people": {"object": "members"}, "press": {"object": "Press"}}
    messages = stage.messages([stage.record(1)])
    other = Stage(vendor, stage.root, stream="press").messages([stage.record(2)])
    assert stage.run([*messages, *other], streams=streams).totals["created"] == 2
    assert set(simulator.mailchimp.audiences[PRESS].members) == {_hash("k2")}


# -- addresses


def keyed(stage: Stage, key: str, **changes: Any) -> list[Any]:
    """A message whose source key is not the address."""
    row = {"id": 7, "email_address": key, "FNAME": "x", **changes}
    return stage.messages([row], key_properties=["id"], columns=["id", *changes])


CONFIG = {"unknown_fields": "drop"}


def test_pitfall_36_a_changed_address_keeps_the_contact(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """The contact keeps its id and tags, gets no mail, and is one contact."""
    stage.run(keyed(stage, "old", tags=["x"]), **CONFIG)
    before, mails = properties(vendor, "OLD")["contact_id"], vendor.events("welcome_mail")
    result = stage.run(keyed(stage, "New"), **CONFIG)
    assert result.totals["updated"] == 1
    assert (properties(vendor, "NEW")["contact_id"], person.tags("NEW")) == (before, ["x"])
    assert "OLD" not in vendor.records()
    assert vendor.events("welcome_mail").total() == mails.total()


def test_pitfall_36_case_and_blanks_do_not_make_another_contact(stage: Stage, vendor: MailchimpVendor) -> None:
    """The hash is that of the trimmed lower-case address; a changed case changes nothing at all."""
    stage.run(keyed(stage, f" Ada{DOMAIN.upper()} "), **CONFIG)
    effects = vendor.side_effects()
    stage.run(keyed(stage, "aDA"), **CONFIG)
    assert [one["email_address"] for one in vendor.records()["ADA"]] == [f"ada{DOMAIN}"]
    assert vendor.side_effects() == effects


def test_pitfall_36_an_address_of_somebody_else_is_a_conflict(
    stage: Stage, vendor: MailchimpVendor, person: Person
) -> None:
    """Both contacts stay as they are."""
    person.add("TAKEN", merge_fields={"FNAME": "other"})
    stage.run(keyed(stage, "old"), **CONFIG)
    assert stage.run(keyed(stage, "taken"), **CONFIG).codes == {"conflict": 1}
    assert properties(vendor, "TAKEN")["FNAME"] == "other"
    assert properties(vendor, "OLD")["FNAME"] == "x"


@pytest.mark.parametrize("kind", ["cut_after", "502_after_commit"])
@pytest.mark.parametrize("load_method", ["upsert", "update"])
def test_a_lost_reply_to_a_changed_address_makes_no_second_contact(
    stage: Stage, vendor: MailchimpVendor, kind: str, load_method: str
) -> None:
    """The repeat meets the old hash gone, and finds the contact under the new one."""
    stage.run(keyed(stage, "old"), **CONFIG)
    vendor.faults([{"kind": kind, "path": "*/members/*", "method": "PATCH", "times": 1}])
    config = {**CONFIG, "stream": {"load_method": load_method}}
    result = stage.run(keyed(stage, "new", FNAME="second"), **config)
    assert (result.totals["updated"], result.totals["created"]) == (1, 0)
    assert set(vendor.records()) == {"NEW", "FIRST"}
    assert properties(vendor, "NEW")["FNAME"] == "second"


def test_a_contact_that_changed_its_own_address_is_not_created_by_an_update(
    stage: Stage, vendor: MailchimpVendor, person: Person
) -> None:
    """`load_method: update` goes to the member's own path: the old address is free, and stays free."""
    stage.deliver([stage.record(1)])
    person.change("K1", email_address=f"moved{DOMAIN}")
    result = stage.deliver([stage.record(1, "second")], stream={"load_method": "update"})
    assert result.codes == {"not_found": 1}
    assert set(vendor.records()) == {"MOVED", "FIRST"}


def test_no_request_names_an_address(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """G7: paths and parameters are logged by many; they hold hashes."""
    person.add("OLD", tags=["crm: a"])
    asked = len(vendor.control("requests?last=200")["last"])
    for load_method in ("upsert", "create", "update"):
        rows = [stage.record(n, load_method, tags=[]) for n in range(2)] + [{"email_address": "old", "tags": []}]
        stage.deliver(rows, stream={"load_method": load_method}, tag_prefix="crm: ", resubscribe="always")
    paths = [str(one) for one in vendor.control("requests?last=200")["last"][:-asked]]
    assert not [path for path in paths if "shop.example" in path or "%40" in path]


# -- segments

SUMMER = {"object": "segments/Summer", "unknown_fields": "drop"}


def segment(simulator: SimulatorServer, list_id: str, name: str) -> Any:
    """A static segment of an audience."""
    return simulator.mailchimp.audiences[list_id].segment(name)


def test_a_segment_is_created_on_demand_and_filled(
    stage: Stage, vendor: MailchimpVendor, simulator: SimulatorServer, person: Person
) -> None:
    """600 members join in two calls; who is no member is a reject of its own."""
    for n in range(600):
        person.add(f"K{n}")
    before = vendor.writes()
    rows = [{"email_address": f"K{n}"} for n in range(601)]
    result = stage.deliver(rows, stream=SUMMER)
    assert (result.totals["created"], result.codes) == (600, {"reference_not_found": 1})
    assert vendor.writes() - before == {"POST /segments": 1, "POST /segments/{segment_id}": 2}
    assert len(segment(simulator, LIST_ID, "summer").members) == 600


def test_a_segment_that_exists_is_found_by_its_name(stage: Stage, simulator: SimulatorServer) -> None:
    """Of another audience too; a rerun is free, and a member that is in there already is fine."""
    stage.deliver([stage.record(1)], stream={"object": "Press"})
    config = {"stream": {**SUMMER, "object": "press/segments/SPRING"}}
    assert stage.deliver([{"email_address": "K1"}], **config).totals["created"] == 1
    assert stage.deliver([{"email_address": "K1"}], **config).totals["unchanged"] == 1
    again = stage.deliver([{"email_address": "K1"}], ledger_url=f"sqlite:///{stage.root}/new.db", **config)
    assert again.totals["updated"] == 1
    assert len(segment(simulator, PRESS, "Spring").members) == 1


def test_a_renamed_segment_is_the_same_no_more(stage: Stage, simulator: SimulatorServer, person: Person) -> None:
    """The ledger knows segments by id: one that was renamed away is made and filled anew."""
    config = {"stream": SUMMER}
    stage.deliver([{"email_address": "FIRST"}], **config)
    number = segment(simulator, LIST_ID, "Summer").id
    person.call("PATCH", f"/segments/{number}", {"name": "Winter"})
    assert stage.deliver([{"email_address": "FIRST"}], **config).totals["created"] == 1
    assert len(segment(simulator, LIST_ID, "Summer").members) == 1


def test_a_changed_address_moves_the_membership(stage: Stage, simulator: SimulatorServer, person: Person) -> None:
    """The new address joins and the old one leaves."""
    person.add("OLD")
    person.add("NEW")
    for key in ("OLD", "NEW"):
        stage.run(keyed(stage, key), stream=SUMMER)
    found = segment(simulator, LIST_ID, "Summer")
    assert [one.email for one in simulator.mailchimp.audiences[LIST_ID].tagged(found)] == [f"NEW{DOMAIN}"]


@pytest.mark.parametrize(("load_method", "code"), [("create", "already_exists"), ("update", "not_found")])
def test_memberships_are_found_by_the_tags_of_a_member(
    stage: Stage, person: Person, load_method: str, code: str
) -> None:
    """`create` refuses who is in the segment already, `update` who is not."""
    name = "Summer"
    person.add("IN", tags=[name])
    person.add("OUT")
    key = "IN" if load_method == "create" else "OUT"
    config = {**SUMMER, "load_method": load_method}
    assert stage.deliver([{"email_address": key}], stream=config).codes == {code: 1}


def _hash(key: str) -> str:
    from target_mailchimp.bodies import subscriber_hash  # noqa: PLC0415 - what is compared

    return subscriber_hash(key + DOMAIN)


# -- the account


def test_an_account_is_told_by_its_own_id(stage: Stage) -> None:
    """And not by the key, which people replace every year."""
    stage.deliver([stage.record(1)])
    assert stage.deliver([stage.record(1)], api_key="another-key-us7").totals["unchanged"] == 1


def test_a_refused_key_ends_the_run(stage: Stage, tmp_path: Path) -> None:
    """With exit code 78 and the settings to look at."""
    del tmp_path
    result = stage.deliver([stage.record(1)], api_key="invalid-us1")
    assert (result.exit_code, "api_key" in result.error) == (78, True)


def test_pitfall_37_at_most_ten_connections_are_open(stage: Stage, vendor: MailchimpVendor) -> None:
    """Eight in flight, with latency, and nobody ever meets the limit."""
    vendor.faults([{"kind": "latency", "path": f"/3.0/lists/{LIST_ID}", "seconds": 0.1}])
    stage.deliver(stage.record(n) for n in range(8000))
    counts = vendor.control("requests?last=1")["counts"]
    assert {one["status"] for one in counts} == {200}


# -- merge fields on request


def typed(stage: Stage, row: dict[str, Any], types: dict[str, Any]) -> list[Any]:
    """A message whose SCHEMA has types."""
    schema, *rest = stage.messages([row])
    schema["schema"]["properties"] |= types
    return [schema, *rest]


def test_merge_fields_are_created_on_request(stage: Stage, vendor: MailchimpVendor, audience: Audience) -> None:
    """Each column gets a field of its type, and finds it again by its own name in the next run."""
    row = {"email_address": "ada", "customer_since": "2020-01-02", "seats_in_use": 7, "plan_name": "pro", "note": "x"}
    types = {
        "customer_since": {"type": ["null", "string"], "format": "date"},
        "seats_in_use": {"type": ["null", "integer"]},
        "plan_name": {"enum": ["free", "pro"]},
    }
    result = stage.run(typed(stage, row, types), create_merge_fields=True)
    assert result.totals["created"] == 1
    made = {one.name: (tag, one.type) for tag, one in audience.fields.by_tag.items()}
    assert {name: made[name] for name in row if name in made} == {
        "customer_since": ("CUSTOMERSI", "date"),
        "seats_in_use": ("SEATSINUSE", "number"),
        "plan_name": ("PLAN_NAME", "dropdown"),
        "note": ("NOTE", "text"),
    }
    found = properties(vendor, "ADA")
    assert (found["CUSTOMERSI"], found["SEATSINUSE"], found["PLAN_NAME"]) == ("2020-01-02", 7, "pro")
    again = stage.run(typed(stage, row | {"note": "y"}, types), create_merge_fields=True)
    assert (again.totals["updated"], properties(vendor, "ADA")["NOTE"]) == (1, "y")
    assert vendor.writes()["POST /merge-fields"] == 4


def test_without_the_setting_an_unknown_column_is_refused(stage: Stage, vendor: MailchimpVendor) -> None:
    """Nothing is created, and the column is named."""
    result = stage.deliver([{"email_address": "ada", "seats": 7}])
    assert (result.exit_code, "seats" in result.error) == (78, True)
    assert vendor.write_requests() == 0


def test_a_merge_field_too_many_is_refused_with_its_column(stage: Stage, vendor: MailchimpVendor) -> None:
    """An audience has room for 30; what does not fit is named before a record is sent."""
    row = {"email_address": "ada"} | {f"column_{n}": n for n in range(40)}
    result = stage.deliver([row], create_merge_fields=True)
    assert (result.exit_code, "column_" in result.error) == (78, True)
    assert vendor.writes()["POST /"] == 0


def test_parts_of_other_fields_are_not_made_up(stage: Stage) -> None:
    """A misspelt interest is a mistake and no merge field."""
    result = stage.deliver([{"email_address": "ada", "interests.Leters": "Weekly"}], create_merge_fields=True)
    assert result.exit_code == 78
    assert "interests.Letters" in result.error
