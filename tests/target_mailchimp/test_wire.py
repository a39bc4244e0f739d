"""Requests from records, and what answers say of them."""

from __future__ import annotations

from typing import Any

import pytest

from target_mailchimp import wire
from target_mailchimp.bodies import subscriber_hash

ADA, BOB = "ada@shop.example", "bob@shop.example"
HASH = subscriber_hash(ADA)


def test_no_path_holds_an_address() -> None:
    """G7: paths are logged, so members are named by their hash; addresses travel in bodies only."""
    requests = [
        wire.build_subscribe("l1", [{"email_address": ADA}], updates=True, is_idempotent=True, skips_required=False),
        wire.build_add("l1", {"email_address": ADA}, skips_required=False),
        wire.build_change("l1", HASH, {"email_address": BOB}, skips_required=False),
        wire.build_tagging("l1", HASH, add=["x"], remove=[]),
        wire.build_membership("l1", "7", add=[ADA], remove=[BOB]),
        wire.build_leave("l1", "7", HASH),
        wire.build_find("l1", HASH),
        wire.build_mark("l1", HASH, "x"),
        wire.build_archive("l1", HASH),
        wire.build_forget("l1", HASH),
    ]
    assert not [one.path for one in requests if "@" in one.path or ADA in one.path]
    assert all(one.is_write is (one.method != "GET") for one in requests)


def test_only_what_may_be_repeated_says_so() -> None:
    """A create must not be repeated blindly; everything else may be, unless the caller knows better."""
    assert not wire.build_add("l1", {}, skips_required=False).is_idempotent
    assert not wire.build_segment("l1", "x").is_idempotent
    assert not wire.build_merge_field("l1", {}).is_idempotent
    assert wire.build_membership("l1", "7", remove=[ADA]).is_idempotent
    assert wire.build_tagging("l1", HASH, add=(), remove=["x"]).is_idempotent
    assert wire.build_archive("l1", HASH).is_idempotent
    assert wire.build_forget("l1", HASH).is_idempotent


def test_required_merge_fields_are_skipped_by_a_parameter() -> None:
    """And only where the setting says so."""
    for skips, query in ((True, {"skip_merge_validation": "true"}), (False, None)):
        request = wire.build_subscribe("l1", [], updates=True, is_idempotent=True, skips_required=skips)
        assert request.query == query
        assert wire.build_change("l1", HASH, {}, skips_required=skips).query == query


def test_an_empty_list_of_members_is_left_out() -> None:
    """A call that only removes adds nothing."""
    assert wire.build_membership("l1", "7", remove=[ADA]).json == {"members_to_remove": [ADA]}


@pytest.mark.parametrize("body", [None, [], {}, {"new_members": None, "errors": "x"}, {"new_members": [None, 7, {}]}])
def test_an_answer_that_makes_no_sense_says_nothing(body: Any) -> None:
    """Of nobody."""
    for parse in (wire.parse_subscribe, wire.parse_membership):
        answers = parse(body, [ADA, BOB])
        assert (answers.shown, answers.created, answers.refused) == ({}, set(), {})


def test_members_that_were_not_sent_are_ignored() -> None:
    """Whatever else an answer shows."""
    body = {"new_members": [{"email_address": "eve@shop.example"}], "errors": [{"email_address": "kim@shop.example"}]}
    answers = wire.parse_subscribe(body, [ADA, BOB])
    assert (answers.shown, answers.refused) == ({}, {})


def test_a_member_is_recognised_by_its_id_too() -> None:
    """Where the address was normalised in a way that we do not know of."""
    member = {"email_address": "a.d.a@shop.example", "id": HASH}
    assert wire.parse_subscribe({"updated_members": [member]}, [ADA, BOB]).shown == {ADA: member}


def test_members_that_were_in_a_segment_already_are_not_named() -> None:
    """They are neither added nor complained of; that is believed of an answer that agrees with itself."""
    body = {"members_added": [{"email_address": ADA}], "errors": [], "total_added": 1, "error_count": 0}
    answers = wire.parse_membership(body, [ADA, BOB])
    assert (set(answers.shown), answers.created) == ({ADA, BOB}, {ADA})
    answers = wire.parse_membership(body | {"total_added": 2}, [ADA, BOB])
    assert set(answers.shown) == {ADA}
    unnamed = {"errors": [{"error": "x"}], "error_count": 1}
    assert set(wire.parse_membership(body | unnamed, [ADA, BOB]).shown) == {ADA}


def test_complaints_of_a_segment_name_their_addresses() -> None:
    """One complaint may be of several."""
    error = {"email_addresses": ["Ada@shop.example", "eve@shop.example"], "error": "x"}
    body = {"members_added": [], "errors": [error], "total_added": 0, "error_count": 1}
    answers = wire.parse_membership(body, [ADA, BOB])
    assert (answers.refused, set(answers.shown)) == ({ADA: error}, {BOB})
