"""What is read of members is what was written, in few requests, and as it is now where that matters."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.operations import Batch, Operation, Verb, Written
from saas_simulators import SimulatorServer
from target_mailchimp.audience import ADDRESS, BIRTHDAY, Audience, Category, MergeField
from target_mailchimp.bodies import subscriber_hash
from target_mailchimp.lookup import FEW
from target_mailchimp.objects import members_schema
from target_mailchimp.readings import Readings

from .conftest import DOMAIN, RICH, destination_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reverse_etl_core.schema import ObjectSchema
    from target_mailchimp.destination import MailchimpDestination

    from .conftest import MailchimpVendor, Person

MORE_FIELDS = [
    {"tag": "TEL", "type": "phone"},
    {"tag": "IMAGE", "type": "imageurl"},
    {"tag": "KIND", "type": "radio", "options": {"choices": ["A", "B"]}},
]


@pytest.fixture
def seed() -> dict[str, Any]:
    """An account with all that an audience can have."""
    return RICH


# -- values

number = itertools.count(1)
words = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
stripped = words.map(str.strip)
dates = st.dates().map(lambda one: one.isoformat())
moments = st.datetimes().map(lambda one: one.replace(microsecond=0).isoformat() + "Z")
places = st.decimals(-90, 90, places=4, allow_nan=False).filter(bool)
numbers = st.one_of(
    st.integers(-(2**53), 2**53), st.decimals(-(10**9), 10**9, places=3, allow_nan=False, allow_infinity=False)
)
home = st.fixed_dictionaries(
    {f"HOME.{part}": stripped for part in ("addr1", "city", "state", "zip")},
    optional={"HOME.addr2": stripped, "HOME.country": st.sampled_from(["DE", "FR"])},
)
no_home = st.just({f"HOME.{part}": None for part in ("addr1", "addr2", "city", "state", "zip")})


def subset(*names: str) -> Any:
    """Some of these names in their order; none of them is null."""
    chosen = st.lists(st.booleans(), min_size=len(names), max_size=len(names))
    return chosen.map(lambda flags: [name for name, is_in in zip(names, flags, strict=True) if is_in] or None)


CLEARED = {
    "FNAME": words,
    "LTV": numbers,
    "SINCE": dates,
    "BORN": st.dates().map(lambda one: f"{one.month:02d}/{one.day:02d}"),
    "SIZE": st.sampled_from(["S", "M"]),
    "KIND": st.sampled_from(["A", "B"]),
    "SITE": st.sampled_from(["https://shop.example/a", "http://b.example/?c=1"]),
    "IMAGE": st.just("https://shop.example/a.png"),
    "ZIP": st.integers(0, 99999).map(lambda one: f"{one:05d}"),
    "TEL": words,
    "language": st.sampled_from(["de", "pt_PT"]),
    "ip_signup": st.sampled_from(["192.0.2.7", "2001:db8::1"]),
    "ip_opt": st.just("192.0.2.8"),
    "timestamp_signup": moments,
    "timestamp_opt": moments,
    "interests.Letters": subset("Weekly", "Monthly"),
    "interests.Colour": st.sampled_from(["Red", "Blue"]),
}
"""Fields that null clears."""
KEPT = {
    "vip": st.booleans(),
    "email_type": st.sampled_from(["html", "text"]),
    "marketing_permissions.Email": st.booleans(),
    "marketing_permissions.Post": st.booleans(),
    "tags": subset("crm: a", "crm: b", "crm: c"),
}
records = st.builds(
    lambda some, address, place: some | address | place,
    st.fixed_dictionaries({}, optional={name: st.none() | one for name, one in CLEARED.items()} | KEPT),
    st.one_of(st.just({}), home, no_home),
    st.one_of(st.just({}), st.fixed_dictionaries({"location.latitude": places, "location.longitude": places})),
)


@pytest.fixture(scope="module")
def rich() -> Iterator[MailchimpDestination]:
    """One account for all examples."""
    (first, *_) = RICH["mailchimp"]["audiences"]
    audience = first | {"merge_fields": [*first["merge_fields"], *MORE_FIELDS]}
    with SimulatorServer(seed={"mailchimp": {"audiences": [audience]}}) as server:
        yield destination_at(server.url, tag_prefix="crm: ")


def write(target: MailchimpDestination, schema: ObjectSchema, name: str, fields: Mapping[str, Any]) -> None:
    """Write one member."""
    address = f"{name}{DOMAIN}"
    operation = Operation(name, address, {"email_address": address, **fields})
    (outcome,) = target.write(Batch(Verb.UPSERT, schema, "email_address", (operation,)))
    assert isinstance(outcome, Written), outcome


@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(before=records, after=records)
def test_what_was_written_is_read(rich: MailchimpDestination, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Every kind of field comes back in the form of a mapped value, also once it was changed or cleared."""
    schema = rich.describe("members")
    name = f"p{next(number)}"
    expected: dict[str, Any] = {}
    for fields in (before, after):
        write(rich, schema, name, fields)
        expected |= fields
        if fields.get("HOME.addr1"):
            expected |= {"HOME.addr2": fields.get("HOME.addr2"), "HOME.country": fields.get("HOME.country", "US")}
        elif "HOME.addr1" in fields:
            expected["HOME.country"] = None
    ((current,),) = rich.read(schema, "email_address", [f"{name}{DOMAIN}"], list(expected)).values()
    assert current.destination_id == subscriber_hash(f"{name}{DOMAIN}")
    assert {name: unordered(one) for name, one in current.fields.items()} == {
        name: unordered(one) for name, one in expected.items()
    }


def unordered(value: Any) -> Any:
    """Tags have no order."""
    return sorted(value) if isinstance(value, list) else value


def test_values_that_nobody_wrote_are_empty(destination: MailchimpDestination, person: Person) -> None:
    """A new member shows every field; what has no empty value has the one that Mailchimp gives it."""
    person.add("ADA")
    schema = destination.describe("members")
    names = [name for name in schema.fields if name not in ("ip_opt", "timestamp_opt")]
    (current,) = destination.read(schema, "email_address", [f"ada{DOMAIN}"], names)[f"ada{DOMAIN}"]
    given = {name: value for name, value in current.fields.items() if value is not None}
    assert set(current.fields) == set(names)
    assert given == {
        "email_address": f"ADA{DOMAIN}",
        "status": "subscribed",
        "email_type": "html",
        "vip": False,
        "marketing_permissions.Email": False,
        "marketing_permissions.Post": False,
    }


def test_fields_keep_the_names_that_were_asked_for(destination: MailchimpDestination, person: Person) -> None:
    """In any spelling; what is no field is absent."""
    person.add("ADA", merge_fields={"FNAME": "Ada", "LTV": 0.1})
    schema = destination.describe("members")
    (found,) = destination.read(schema, None, [subscriber_hash(f"ada{DOMAIN}")], ["fname", "LTV", "shoe"]).values()
    assert [one.fields for one in found] == [{"fname": "Ada", "LTV": Decimal("0.1")}]


def test_an_answer_that_lacks_a_field_says_nothing_of_it() -> None:
    """Nor does one of another form; a value that does not fit its type is the text that it is."""
    audience = Audience(
        "l1",
        (MergeField("SINCE", "", "date"), MergeField("HOME", "", "address")),
        (Category("Letters", "checkboxes", {"Weekly": "w"}),),
        {"Post": "p1"},
    )
    readings = Readings(audience, members_schema(audience, demands_required=True).fields)
    names = ["SINCE", "HOME.city", "interests.Letters", "marketing_permissions.Post", "tags", "location.latitude"]
    for member in ({}, {"merge_fields": [], "interests": None, "location": 7}, {"marketing_permissions": [{}]}):
        assert readings.values(member, names) == {}
    odd = {"merge_fields": {"SINCE": "0000-00-00", "HOME": "nowhere"}}
    assert readings.values(odd, names) == {"SINCE": "0000-00-00", "HOME.city": None}


def test_all_tags_are_read(destination: MailchimpDestination, person: Person, vendor: MailchimpVendor) -> None:
    """An answer shows fifty; the others take one more request, of those who have them."""
    tags = [f"t{n:02d}" for n in range(60)]
    person.add("MANY", tags=tags)
    person.add("NONE")
    schema = destination.describe("members")
    found = destination.read(schema, "email_address", [f"many{DOMAIN}", f"none{DOMAIN}"], ["tags"])
    assert [one.fields["tags"] for (one,) in found.values()] == [tags, None]
    assert vendor.requests()["GET /members/{member}/tags"] == 1
    segment = destination.describe("segments/t59")
    assert set(destination.find(segment, "email_address", list(found))) == {f"many{DOMAIN}"}


# -- who is read


@pytest.mark.parametrize("others", [0, FEW])
def test_archived_members_exist_and_forgotten_ones_do_not(
    destination: MailchimpDestination, person: Person, others: int
) -> None:
    """By either way; addresses in any case are the same member."""
    pasts = person.with_every_past()
    schema = destination.describe("members")
    keys = [f"{key}{DOMAIN}" for key in [*pasts, "FORGOTTEN", *(f"K{n}" for n in range(others))]]
    chunks = [keys] if others else [keys[:5], keys[5:]]
    found = {}
    for some in chunks:
        found |= destination.read(schema, "email_address", some, ["status"])
    assert {key.removesuffix(DOMAIN): one.fields["status"] for key, (one,) in found.items()} == pasts


def test_members_are_read_by_their_ids(destination: MailchimpDestination, person: Person) -> None:
    """Few and many, with the same values by both ways."""
    person.add("ADA", merge_fields={"LTV": 15.5, "BORN": "12/21"}, tags=["a"], vip=True, location={"latitude": 1.5})
    schema = destination.describe("members")
    names = list(schema.fields)
    ids = [subscriber_hash(f"k{n}{DOMAIN}") for n in range(20)] + [subscriber_hash(f"ada{DOMAIN}")]
    by_pages = destination.read(schema, None, ids, names)
    one_by_one = destination.read(schema, None, ids[-1:], names)
    assert by_pages == one_by_one
    assert list(by_pages) == ids[-1:]


@pytest.mark.parametrize(
    ("name", "wanted", "current", "is_same"),
    [
        ("BORN", "1980-12-21", "12/21", True),
        ("BORN", "1980-12-21", "12/22", False),
        ("BORN", None, None, True),
        ("vip", None, False, True),
        ("vip", None, True, False),
        ("marketing_permissions.Post", None, False, True),
        ("HOME.country", None, "US", True),
        ("HOME.country", "", "DE", False),
        ("HOME.country", "DE", "US", False),
        ("location.latitude", 0, None, True),
        ("location.latitude", Decimal("0.0"), None, True),
        ("location.latitude", None, 7.5, False),
        ("timestamp_opt", "2026-01-31T10:00:00.999Z", "2026-01-31T10:00:00Z", True),
        ("timestamp_opt", "2026-01-31T10:00:01Z", "2026-01-31T10:00:00Z", False),
        ("status", None, "subscribed", True),
        ("status", "unsubscribed", "subscribed", False),
        ("tags", ["VIP"], ["vip", "theirs"], True),
        ("tags", ["vip", "new"], ["vip"], False),
        ("tags", None, ["theirs"], True),
        ("tags", ["vip"], ["vip", "crm: old"], False),
        ("tags", None, ["crm: old"], False),
        ("tags", ["CRM: old"], ["crm: old"], True),
        ("interests.Letters", ["Weekly"], ["Weekly"], True),
        ("interests.Letters", [], None, True),
    ],
)
def test_values_are_compared_as_mailchimp_keeps_them(name: str, wanted: Any, current: Any, *, is_same: bool) -> None:
    """What comes back otherwise than it was written is the same; tags of others are no matter, ours are."""
    audience = Audience(
        "l",
        (MergeField("BORN", "Born", BIRTHDAY), MergeField("HOME", "Home", ADDRESS)),
        (Category("Letters", "checkboxes", {"Weekly": "w"}),),
        {"Post": "p1"},
    )
    fields = members_schema(audience, demands_required=True).fields
    readings = Readings(audience, fields, "crm: ")
    assert readings.shows(fields[name], wanted, current) is is_same
