"""Fields over HTTP: what a record says is what its member has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import DOMAIN, RICH, properties

if TYPE_CHECKING:
    from conformance.stage import Stage

    from .conftest import MailchimpVendor, Person


@pytest.fixture
def seed() -> dict[str, Any]:
    """An account with all that an audience can have."""
    return RICH


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
