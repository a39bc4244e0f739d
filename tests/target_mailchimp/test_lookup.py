"""Members are read in few requests, and as they are now where that matters."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from reverse_etl_core.errors import TransportError
from reverse_etl_core.transport import Reply
from target_mailchimp.bodies import subscriber_hash
from target_mailchimp.lookup import KEPT_S, Lookup

from .conftest import DOMAIN, LIST_ID, destination_at
from .writing import upsert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverse_etl_core.transport import Request
    from saas_simulators import SimulatorServer
    from target_mailchimp.destination import MailchimpDestination

    from .conftest import MailchimpVendor, Person

ALL = "GET /members"
ONE = "GET /members/{member}"


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
    upsert(destination, "k2", FNAME="by us")
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
        upsert(destination, f"k{n}", LTV=n)
        (found,) = destination.read(schema, "email_address", [addresses[n]], ["LTV"]).values()
        assert found[0].fields["LTV"] == n
    stop.set()
    thread.join()
    assert set(seen) == {40}
