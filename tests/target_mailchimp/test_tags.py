"""Tags: what a record says is what its member has, within the prefix that the sync manages."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_mailchimp.tags import Tag, plan

if TYPE_CHECKING:
    from conformance.stage import Result, Stage

    from .conftest import MailchimpVendor, Person

PREFIX = {"tag_prefix": "crm: "}
BY_TAG, BY_MEMBER = "POST /segments/{segment_id}", "POST /members/{member}/tags"


def deliver(stage: Stage, wanted: dict[str, Any], **config: Any) -> Result:
    """Deliver a record with these tags for each key."""
    return stage.deliver(({"email_address": key, "tags": names} for key, names in wanted.items()), **config)


def test_tags_are_added_by_the_call_that_writes_the_members(
    stage: Stage, vendor: MailchimpVendor, person: Person
) -> None:
    """Tags cost no request of their own; they may be an array or text."""
    deliver(stage, {"A": ["crm: x", "crm: y"], "B": "crm: x; other", "C": []}, **PREFIX)
    assert [person.tags(key) for key in "ABC"] == [["crm: x", "crm: y"], ["crm: x", "other"], []]
    assert vendor.writes() == {"POST /": 1}


def test_without_a_prefix_tags_are_only_added(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """Nobody's tag is taken away unless the sync says which tags are its own."""
    deliver(stage, {"A": ["x"]})
    deliver(stage, {"A": ["y"]})
    deliver(stage, {"A": None})
    assert person.tags("A") == ["x", "y"]
    assert set(vendor.writes()) == {"POST /"}


def test_g5_only_managed_tags_that_the_record_lacks_are_taken_away(stage: Stage, person: Person) -> None:
    """What people tag by hand stays, and so does what the record still says, whatever its case."""
    person.add("A", tags=["crm: old", "crm: Kept", "by hand", "crmless"])
    deliver(stage, {"A": ["CRM: kept", "crm: new"]}, **PREFIX)
    assert person.tags("A") == ["by hand", "crm: Kept", "crm: new", "crmless"]


@pytest.mark.parametrize(("value", "left"), [(None, ["by hand"]), ([], ["by hand"]), ("", ["by hand"])])
def test_null_takes_all_managed_tags_away(stage: Stage, person: Person, value: Any, left: list[str]) -> None:
    """G8: null clears what the sync owns."""
    person.add("A", tags=["crm: x", "by hand"])
    deliver(stage, {"A": value}, **PREFIX)
    assert person.tags("A") == left


def test_absent_tags_are_left_alone(stage: Stage, person: Person) -> None:
    """G8: a record that says nothing of tags changes none."""
    person.add("A", tags=["crm: x"])
    stage.run(stage.messages([{"email_address": "A", "FNAME": "x"}], columns=["tags"]), **PREFIX)
    assert person.tags("A") == ["crm: x"]


def test_a_tag_that_many_lose_takes_one_request(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """300 members change their tag: one call writes them, one takes the old tag away."""
    keys = [f"K{n}" for n in range(300)]
    deliver(stage, {key: ["crm: lead"] for key in keys}, **PREFIX)
    before = vendor.writes()
    deliver(stage, {key: ["crm: customer"] for key in keys}, **PREFIX)
    assert vendor.writes() - before == {"POST /": 1, BY_TAG: 1}
    assert {tuple(person.tags(key)) for key in keys} == {("crm: customer",)}


def test_many_tags_that_one_loses_take_one_request(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """The member's own path takes them all."""
    deliver(stage, {"A": [f"crm: {n}" for n in range(5)], "B": ["crm: 1"]}, **PREFIX)
    before = vendor.writes()
    deliver(stage, {"A": ["crm: 0"], "B": ["crm: 1"]}, **PREFIX)
    assert vendor.writes() - before == {"POST /": 1, BY_MEMBER: 1}
    assert (person.tags("A"), person.tags("B")) == (["crm: 0"], ["crm: 1"])


def test_g4_a_rerun_is_free(stage: Stage, vendor: MailchimpVendor, person: Person) -> None:
    """Neither a request nor a side effect; without a ledger one request that changes nothing."""
    person.add("A", tags=["crm: old"])
    deliver(stage, {"A": ["crm: new"]}, **PREFIX)
    before = (vendor.write_requests(), vendor.side_effects())
    deliver(stage, {"A": ["crm: new"]}, **PREFIX)
    assert (vendor.write_requests(), vendor.side_effects()) == before
    deliver(stage, {"A": ["crm: new"]}, ledger_url=f"sqlite:///{stage.root}/new.db", **PREFIX)
    assert (vendor.write_requests(), vendor.side_effects()) == (before[0] + 1, before[1])


@pytest.mark.parametrize("kind", ["cut_after", "502_after_commit", "500", "cut_before", "429"])
@pytest.mark.parametrize(("path", "count"), [("*/segments/*", 3), ("*/tags", 1)])
def test_trouble_while_tags_are_taken_away_changes_nothing_of_the_result(
    stage: Stage, person: Person, kind: str, path: str, count: int
) -> None:
    """A removal whose reply is lost is made again; nobody counts as delivered before it is answered."""
    keys = [f"K{n}" for n in range(count)]
    for key in keys:
        person.add(key, tags=["crm: a", "crm: b"] if count == 1 else ["crm: a"])
    stage.vendor.faults([{"kind": kind, "path": path, "method": "POST", "times": 2}])
    result = deliver(stage, {key: ["crm: c"] for key in keys}, **PREFIX)
    assert (result.exit_code, result.totals["updated"]) == (0, count)
    assert {tuple(person.tags(key)) for key in keys} == {("crm: c",)}


def test_g3_a_removal_that_never_works_is_no_success(stage: Stage, person: Person) -> None:
    """The record is not delivered; once the API works again the next run brings it in order."""
    person.add("A", tags=["crm: a", "crm: b"])
    rule = {"kind": "500", "path": "*/tags", "method": "POST"}
    stage.vendor.faults([rule])
    result = deliver(stage, {"A": ["crm: c"]}, **PREFIX)
    assert result.totals["updated"] == 0
    assert result.totals["rejected"] + result.totals["deferred"] == 1
    stage.vendor.faults([])
    deliver(stage, {"A": ["crm: d"]}, **PREFIX)
    assert person.tags("A") == ["crm: d"]


def test_a_sync_that_only_updates_brings_tags_in_order_too(
    stage: Stage, vendor: MailchimpVendor, person: Person
) -> None:
    """A member's own path takes no tags, so they follow; with nothing to change nothing follows."""
    person.add("A", tags=["crm: old", "by hand"])
    config = {**PREFIX, "stream": {"load_method": "update"}}
    deliver(stage, {"A": ["crm: new"]}, **config)
    assert person.tags("A") == ["by hand", "crm: new"]
    before = vendor.writes()
    deliver(stage, {"A": ["crm: new"]}, ledger_url=f"sqlite:///{stage.root}/new.db", **config)
    assert vendor.writes() == before


TAGS = [Tag(str(number), f"t{number}") for number in range(4)]


SURPLUS = st.lists(st.sampled_from(TAGS), min_size=1, unique=True)


@given(st.dictionaries(st.sampled_from("abcdef"), SURPLUS))
def test_a_plan_takes_away_exactly_what_is_surplus(surpluses: dict[str, list[Tag]]) -> None:
    """Each loss once, with never more requests than one per tag or one per member."""
    removals = plan(surpluses)
    by_tag = [(member, tag) for tag, members in removals.by_tag.items() for member in members]
    by_member = [(member, tag) for member, tags in removals.by_member.items() for tag in tags]
    wanted = {(member, tag) for member, tags in surpluses.items() for tag in tags}
    assert set(by_tag) | set(by_member) == wanted
    assert not set(by_tag) & set(by_member)
    distinct = set(itertools.chain.from_iterable(surpluses.values()))
    assert len(removals) <= min(len(distinct), len(surpluses))
