"""What is read of members is what was written, in few requests, and as it is now where that matters."""

from __future__ import annotations

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverse_etl_core.errors import TransportError
from reverse_etl_core.operations import Batch, Operation, Verb, Written
from reverse_etl_core.transport import Reply
from saas_simulators import SimulatorServer
from target_mailchimp.audience import Audience, Category, MergeField
from target_mailchimp.bodies import subscriber_hash
from target_mailchimp.lookup import FEW, KEPT_S, Lookup
from target_mailchimp.objects import members_schema
from target_mailchimp.readings import Readings

from .conftest import DOMAIN, LIST_ID, RICH, destination_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reverse_etl_core.schema import ObjectSchema
    from reverse_etl_core.transport import Request
    from target_mailchimp.destination import MailchimpDestination

    from .conftest import MailchimpVendor, Person

ALL = "GET /members"
ONE = "GET /members/{member}"
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


# -- in few requests


def fill(person: Person, count: int) -> list[str]:
    """Add members; their addresses."""
    rows = [{"email_address": f"k{n}{DOMAIN}", "status": "subscribed"} for n in range(count)]
    for start in range(0, count, 500):
        person.call("POST", "", {"members": rows[start : start + 500]})
    return [one["email_address"] for one in rows]


def reads(vendor: MailchimpVendor) -> tuple[int, int]:
    """Requests for pages of members, and for single members."""
    counts = vendor.requests()
    return counts[ALL], counts[ONE]


def test_many_members_are_read_in_pages_once(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """2,500 members by five calls for 500 take three pages, and one of archived members; who is new is absent."""
    addresses = fill(person, 2500)
    person.archive("K7")
    schema = destination.describe("members")
    before = reads(vendor)
    for start in range(0, 2500, 500):
        assert len(destination.find(schema, "email_address", addresses[start : start + 500])) == 500
    assert destination.find(schema, "email_address", [f"new{n}{DOMAIN}" for n in range(500)]) == {}
    assert (reads(vendor)[0] - before[0], reads(vendor)[1]) == (4, 0)


def test_few_members_of_a_large_audience_are_read_one_by_one(vendor: MailchimpVendor, person: Person) -> None:
    """As long as that takes fewer requests than the pages of the audience would."""
    addresses = fill(person, 100)
    lookup = Lookup(LIST_ID, sender(vendor), contacts=30_000, clock=lambda: 0.0)
    ids = [subscriber_hash(one) for one in addresses]
    before = reads(vendor)
    for _ in range(2):
        assert len(lookup.read(ids[:15], ["vip"])) == 15
    assert [now - then for now, then in zip(reads(vendor), before, strict=True)] == [0, 30]
    assert len(lookup.read(ids[:15], ["vip"])) == 15
    assert [now - then for now, then in zip(reads(vendor), before, strict=True)] == [2, 30]


def sender(vendor: MailchimpVendor) -> Any:
    """What sends a request to the simulator."""

    def send(request: Request) -> Reply:
        answer = requests.get(vendor.url + request.path, params=request.query, auth=("any", "key"), timeout=10)
        return Reply(answer.status_code, answer.headers, answer.content)

    return send


def test_the_audience_is_read_by_one_thread_for_all(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """Eight that ask at the same time wait for it."""
    addresses = fill(person, 800)
    schema = destination.describe("members")
    before = reads(vendor)
    with ThreadPoolExecutor(8) as pool:
        parts = [addresses[start : start + 100] for start in range(0, 800, 100)]
        found = list(pool.map(lambda part: destination.find(schema, "email_address", part), parts))
    assert [len(one) for one in found] == [100] * 8
    assert reads(vendor)[0] - before[0] == 2


def test_a_few_are_read_as_they_are_now(person: Person, destination: MailchimpDestination) -> None:
    """And so is who was written by us since the audience was read; of others its state then is believed for a while."""
    addresses = fill(person, 20)
    schema = destination.describe("members")

    def names(keys: Sequence[str]) -> set[Any]:
        found = destination.read(schema, "email_address", keys, ["FNAME"])
        return {one.fields["FNAME"] for (one,) in found.values()}

    assert names(addresses) == {None}
    person.change("K1", merge_fields={"FNAME": "by hand"})
    write(destination, schema, "k2", {"FNAME": "by us"})
    assert names(addresses[1:3]) == {"by hand", "by us"}
    assert names(addresses) == {None, "by us"}


def test_the_audience_is_read_anew_after_a_while(simulator: SimulatorServer, person: Person) -> None:
    """A quarter of an hour."""
    now = [0.0]
    target = destination_at(simulator.url, clock=lambda: now[0])
    addresses = fill(person, 20)
    schema = target.describe("members")
    assert len(target.find(schema, "email_address", addresses)) == 20
    person.forget("K1")
    now[0] = KEPT_S
    assert len(target.find(schema, "email_address", addresses)) == 20
    now[0] += 1
    assert len(target.find(schema, "email_address", addresses)) == 19


def test_more_fields_than_before_are_read(person: Person, destination: MailchimpDestination) -> None:
    """What an earlier read left out is no empty value."""
    addresses = fill(person, 20)
    person.change("K1", merge_fields={"FNAME": "Ada"}, vip=True)
    schema = destination.describe("members")
    for names in ((), ("FNAME",), ("vip",), ("FNAME", "vip")):
        found = destination.read(schema, "email_address", addresses, names)
        expected = {"FNAME": "Ada", "vip": True}
        assert found[addresses[1]][0].fields == {name: expected[name] for name in names}


def test_members_of_a_segment_are_read_in_pages_too(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination
) -> None:
    """By the segment's tag, whoever else is asked for."""
    addresses = fill(person, 30)
    for n in (3, 4):
        person.call("POST", f"{person.path(f'K{n}')}/tags", {"tags": [{"name": "Summer", "status": "active"}]})
    segment = destination.describe("segments/Summer")
    before = reads(vendor)
    found = destination.read(segment, "email_address", addresses, ["email_address"])
    assert {key: one.fields for key, (one,) in found.items()} == {
        address: {"email_address": address} for address in addresses[3:5]
    }
    assert reads(vendor)[0] - before[0] == 2


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "503", "truncated"])
def test_lost_answers_are_asked_for_again(
    vendor: MailchimpVendor, person: Person, destination: MailchimpDestination, kind: str
) -> None:
    """Reading is safe to repeat, page by page and one by one."""
    addresses = fill(person, 1500)
    schema = destination.describe("members")
    rules = [{"kind": kind, "path": f"/3.0/lists/{LIST_ID}/members*", "probability": 0.4, "seed": 5, "method": "GET"}]
    vendor.faults(rules)
    assert len(destination.find(schema, "email_address", addresses[:500])) == 500
    assert len(destination.find(schema, "email_address", addresses[:9])) == 9


# -- lists of another behaviour


class Lists:
    """Answers for an audience whose list may change between two pages."""

    def __init__(self, ids: Sequence[str], *, archived: Sequence[str] = (), shows_archived: bool = False) -> None:
        self.ids = list(ids)
        self.archived = list(archived)
        self.shows_archived = shows_archived
        self.requests: list[Request] = []
        self.before_page: dict[int, Any] = {}

    def send(self, request: Request) -> Reply:
        """As a transport."""
        change = self.before_page.get(len(self.requests))
        self.requests.append(request)
        if change is not None:
            change()
        query = request.query or {}
        if "offset" not in query:
            return Reply(200, body=json.dumps({"id": request.path[-4:], "status": "written"}).encode())
        rows = self._rows(query.get("status"))
        offset, count = int(query["offset"]), int(query["count"])
        body = {"members": rows[offset : offset + count], "total_items": len(rows)}
        return Reply(200, body=json.dumps(body).encode())

    def _rows(self, status: str | None) -> list[dict[str, str]]:
        others = [{"id": one, "status": "subscribed"} for one in self.ids]
        archived = [{"id": one, "status": "archived"} for one in self.archived]
        if status is not None:
            return archived
        return others + archived if self.shows_archived else others


def lookup_of(lists: Lists) -> Lookup:
    """A lookup that has no reason to read one by one."""
    return Lookup("l1", lists.send, contacts=0, clock=lambda: 0.0)


def test_members_that_leave_while_pages_are_read_leave_no_gap() -> None:
    """Whoever moves to an earlier page is met all the same, however many leave."""
    ids = [f"{n:04d}" for n in range(3000)]
    for gone in (5, 30, 700):
        lists = Lists(ids)
        lists.before_page[1] = lambda lists=lists, gone=gone: lists.ids.__delitem__(slice(0, gone))
        assert set(ids[gone:]) <= set(lookup_of(lists).read(ids, []))


def test_a_list_that_is_emptied_meanwhile_ends() -> None:
    """With what was there."""
    ids = [f"{n:04d}" for n in range(3000)]
    lists = Lists(ids)
    lists.before_page[1] = lists.ids.clear
    assert set(lookup_of(lists).read(ids, [])) == set(ids[:1000])


@pytest.mark.parametrize("shows_archived", [False, True])
def test_archived_members_are_read_once(*, shows_archived: bool) -> None:
    """Whether the list of all members shows them or not: Mailchimp's documentation does not say."""
    ids = [f"{n:04d}" for n in range(20)]
    lists = Lists(ids[:15], archived=ids[15:], shows_archived=shows_archived)
    found = lookup_of(lists).read(ids, [])
    assert [one["status"] for one in found.values()] == ["subscribed"] * 15 + ["archived"] * 5
    assert len(lists.requests) == (1 if shows_archived else 2)


def test_who_is_written_while_the_audience_is_read_is_read_again() -> None:
    """What a page shows of it may be older than the write."""
    ids = [f"{n:04d}" for n in range(20)]
    lists = Lists(ids, archived=["x"])
    lookup = lookup_of(lists)
    lists.before_page[0] = lambda: lookup.outdate([ids[3]])
    assert lookup.read(ids, [])[ids[3]]["status"] == "written"
    assert [one.path for one in lists.requests[2:]] == ["/3.0/lists/l1/members/0003"]


def test_trouble_while_the_audience_is_read_leaves_nothing_half_read() -> None:
    """The next call begins anew."""
    ids = [f"{n:04d}" for n in range(1500)]
    lists = Lists(ids)
    lookup = lookup_of(lists)

    def fail() -> None:
        raise TransportError

    lists.before_page[1] = fail
    with pytest.raises(TransportError):
        lookup.read(ids, [])
    assert set(lookup.read(ids, [])) == set(ids)


def test_threads_may_write_while_others_read(person: Person, destination: MailchimpDestination) -> None:
    """Nobody waits for anybody else's lock for long, and nothing is read older than it was written."""
    addresses = fill(person, 40)
    schema = destination.describe("members")
    stop = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(len(destination.find(schema, "email_address", addresses)))

    thread = threading.Thread(target=read)
    thread.start()
    for n in range(20):
        write(destination, schema, f"k{n}", {"LTV": n})
        (found,) = destination.read(schema, "email_address", [addresses[n]], ["LTV"]).values()
        assert found[0].fields["LTV"] == n
    stop.set()
    thread.join()
    assert set(seen) == {40}
