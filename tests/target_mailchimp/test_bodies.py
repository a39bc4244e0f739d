"""A record's fields as the body of a member."""

from __future__ import annotations

import doctest
from decimal import Decimal
from typing import Any

import pytest

from reverse_etl_core.errors import RejectedRecordError
from reverse_etl_core.operations import RejectCode
from target_mailchimp import bodies, columns, consent, objects, tags
from target_mailchimp.audience import Audience, Category, MergeField
from target_mailchimp.bodies import Bodies

KINDS = ("text", "number", "date", "birthday", "phone", "zip", "url", "imageurl", "dropdown", "radio", "address")
AUDIENCE = Audience(
    "demo0000aa",
    tuple(MergeField(kind.upper(), kind, kind, choices=("S", "M")) for kind in KINDS),
    (Category("Letters", "checkboxes", {"Weekly": "w1", "Monthly": "m1"}), Category("Size", "radio", {"S": "s1"})),
    {"Post": "p1", "Email": "e1"},
)
FULL = {"ADDRESS.addr1": "Main St 1", "ADDRESS.city": "Bonn", "ADDRESS.state": "NW", "ADDRESS.zip": "53111"}


def member(fields: dict[str, Any], audience: Audience = AUDIENCE, *, demands_required: bool = True) -> dict[str, Any]:
    """The body of a record."""
    return Bodies(audience, demands_required=demands_required).member(fields)


@pytest.mark.parametrize("module", [bodies, columns, consent, objects, tags])
def test_the_examples_hold(module: Any) -> None:
    """Doctests are true."""
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 0) == (0, True)


@pytest.mark.parametrize(
    ("tag", "value", "sent"),
    [
        ("TEXT", "x", "x"),
        ("NUMBER", 7, 7),
        ("NUMBER", Decimal("15.50"), 15.5),
        ("NUMBER", Decimal("1E+3"), 1000),
        ("NUMBER", Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        ("DATE", "1980-12-21", "1980-12-21"),
        ("BIRTHDAY", "1980-12-21", "12/21"),
        ("BIRTHDAY", "1980-12-21T23:00:00Z", "12/21"),
        ("BIRTHDAY", "2/29", "02/29"),
        ("BIRTHDAY", "--02-29", "02/29"),
        ("PHONE", "+49 228 1", "+49 228 1"),
        ("ZIP", "02134", "02134"),
        ("DROPDOWN", "S", "S"),
    ],
)
def test_merge_values_have_the_form_of_their_kind(tag: str, value: Any, sent: Any) -> None:
    """Numbers stay exact, dates are ISO dates, birthdays are MM/DD, also from dates."""
    assert member({tag: value}) == {"merge_fields": {tag: sent}}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "address"])
@pytest.mark.parametrize("empty", [None, ""])
def test_null_clears_a_merge_field_with_an_empty_text(kind: str, empty: str | None) -> None:
    """G8: null and empty both clear, with `""`: the schema refuses null."""
    assert member({kind.upper(): empty}) == {"merge_fields": {kind.upper(): ""}}


@pytest.mark.parametrize("text", ["13/01", "02/30", "soon", "1980", "12/21/1980"])
def test_a_birthday_that_is_none_is_refused(text: str) -> None:
    """What Mailchimp would refuse is refused before it is sent, and the message does not quote it."""
    with pytest.raises(RejectedRecordError) as caught:
        member({"BIRTHDAY": text})
    assert (caught.value.code, text in caught.value.reason) == (RejectCode.INVALID_VALUE, False)


def test_the_parts_of_an_address_are_put_together() -> None:
    """Its parts are fields of their own and travel as one value."""
    sent = member({**FULL, "ADDRESS.addr2": None, "ADDRESS.country": "DE"})
    assert sent["merge_fields"]["ADDRESS"] == {
        "addr1": "Main St 1",
        "addr2": "",
        "city": "Bonn",
        "state": "NW",
        "zip": "53111",
        "country": "DE",
    }


def test_an_address_whose_parts_are_all_empty_is_cleared() -> None:
    """Nothing in any part clears the address."""
    assert member(dict.fromkeys(FULL))["merge_fields"] == {"ADDRESS": ""}


def test_pitfall_37_an_incomplete_address_is_refused_before_it_is_sent() -> None:
    """Missing parts are named: Mailchimp says only that an address is not complete."""
    with pytest.raises(RejectedRecordError, match=r"'ADDRESS\.city', 'ADDRESS\.zip' is missing") as caught:
        member({**FULL, "ADDRESS.city": " ", "ADDRESS.zip": None})
    assert caught.value.code is RejectCode.REQUIRED_FIELD


def test_pitfall_37_a_required_merge_field_is_not_cleared() -> None:
    """A required field without a value is refused before it is sent, unless that check is switched off."""
    audience = Audience("a", (MergeField("FNAME", "First", "text", is_required=True),))
    assert member({}, audience) == {}
    assert member({"FNAME": None}, audience, demands_required=False) == {"merge_fields": {"FNAME": ""}}
    with pytest.raises(RejectedRecordError, match="'FNAME'"):
        member({"FNAME": None}, audience)


def test_all_interests_of_a_group_are_sent() -> None:
    """The ones that the record names are true, all others of the group false; null takes all away."""
    assert member({"interests.Letters": ["Weekly"]}) == {"interests": {"w1": True, "m1": False}}
    assert member({"interests.Letters": None, "interests.Size": "S"}) == {
        "interests": {"w1": False, "m1": False, "s1": True}
    }


def test_the_other_fields_go_where_they_belong() -> None:
    """Language, VIP, location, addresses of sign-up and their moments."""
    fields = {
        "email_address": "ada@shop.example",
        "status": "subscribed",
        "tags": ["a"],
        "email_type": "text",
        "language": "de",
        "vip": True,
        "location.latitude": Decimal("50.73"),
        "location.longitude": 7,
        "ip_signup": "1.2.3.4",
        "timestamp_signup": "2021-11-23T22:51:56.5Z",
    }
    assert member(fields) == {
        "email_type": "text",
        "language": "de",
        "vip": True,
        "location": {"latitude": 50.73, "longitude": 7},
        "ip_signup": "1.2.3.4",
        "timestamp_signup": "2021-11-23T22:51:56+00:00",
    }


def test_null_clears_what_can_be_cleared() -> None:
    """A language becomes empty, a VIP none, a location the zeros that stand for none; an e-mail type stays."""
    names = ("language", "vip", "location.latitude", "ip_opt", "timestamp_opt", "email_type")
    assert member(dict.fromkeys(names)) == {
        "language": "",
        "vip": False,
        "location": {"latitude": 0},
        "ip_opt": "",
        "timestamp_opt": "",
    }


def test_permissions_are_told_by_their_ids() -> None:
    """True gives one, false and null take it back, absent leaves it alone."""
    made = Bodies(AUDIENCE, demands_required=True)
    assert made.permissions({"marketing_permissions.Post": True}) == {"p1": True}
    assert made.permissions({"marketing_permissions.Post": None, "marketing_permissions.Email": False}) == {
        "p1": False,
        "e1": False,
    }


def test_pitfall_36_the_hash_is_that_of_the_trimmed_lower_case_address() -> None:
    """A hash of an address as it was typed points at nobody, and a write to it is refused as Member Exists."""
    assert bodies.subscriber_hash(" Urist.McVankab@FreddiesJokes.com ") == "62eeb292278cc15f5817cb78f7790b08"
