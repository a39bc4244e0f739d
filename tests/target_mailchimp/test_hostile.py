"""Records that nobody would send on purpose: each arrives as it is, or is one reject; the others arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import properties

if TYPE_CHECKING:
    from conformance.stage import Stage

    from .conftest import MailchimpVendor, Person

ADDRESSES = (
    "Ada.LOVELACE@Shop.Example",
    "ada+news@shop.example",
    "o'brien@shop.example",
    "a&b=c#d%41@shop.example",
    '"quoted name"@shop.example',
    "ümlaut@shop.example",
    "ada@bücher.example",
    "ada@xn--bcher-kva.example",
    "ada@例え.テスト",
    "İstanbul@shop.example",
    f"{'a' * 64}@shop.example",
    f"{'a' * 65}@shop.example",
    f"ada@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 60}.example",
    "ada\x00@shop.example",
    "ada@shop.example\r\nBcc: eve@shop.example",
    "<ada@shop.example>",
    "ada@shop.example,eve@shop.example",
    "../../members@shop.example",
    "ada@",
    "@shop.example",
)
TEXTS = (
    "x" * 300,
    "<script>alert('x')</script>",
    "👩‍👩‍👧 Ünïcode ☃",
    "*|FNAME|*",
    "a\x00b",
    "'; DROP TABLE members;--",
    "\u202eabc",
)
TAG_TEXTS = ("a, b", 'say "hi"', "t" * 100, "t" * 101, "t" * 300, "👩‍🚀", "a\x00b", "<b>")


def test_each_address_arrives_or_is_rejected(stage: Stage, vendor: MailchimpVendor) -> None:
    """No spelling takes another record with it, none is mixed up with another, and a rerun sends nothing."""
    rows = [{"email_address": one, "FNAME": f"row {n}"} for n, one in enumerate(ADDRESSES)]
    messages = [{"type": "RECORD", "stream": stage.stream, "record": row} for row in [*rows, stage.record(1)]]
    schema = stage.schema()
    result = stage.run([schema, *messages], max_rejected_percent=100)
    assert result.exit_code == 0, result.error
    members = {one["properties"]["FNAME"]: one["properties"]["email_address"] for one in vendor.members()}
    assert len(members) == result.totals["created"]
    assert result.totals["created"] + result.totals["rejected"] == len(ADDRESSES) + 1
    assert set(result.codes) <= {"invalid_email", "invalid_value", "duplicate_key"}
    assert all(f"row {n}" in members for n in range(4))
    assert not any(f"row {n}" in members for n in range(12, len(ADDRESSES)))
    writes = vendor.write_requests()
    again = stage.run([schema, *messages], max_rejected_percent=100)
    assert (again.totals["created"], again.totals["updated"], vendor.write_requests()) == (0, 0, writes)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_arrives_as_it_is_or_is_one_reject(stage: Stage, vendor: MailchimpVendor, text: str) -> None:
    """The others of its batch arrive in any case."""
    result = stage.deliver([stage.record(1, text), stage.record(2)], max_rejected_percent=100)
    assert result.exit_code == 0, result.error
    assert properties(vendor, "K2")["FNAME"] == "first"
    assert result.totals["created"] + result.totals["rejected"] == 2
    if "K1" in vendor.records():
        assert properties(vendor, "K1")["FNAME"] == text


@pytest.mark.parametrize("tag", TAG_TEXTS)
def test_a_tag_arrives_as_it_is_or_is_one_reject(
    stage: Stage, person: Person, vendor: MailchimpVendor, tag: str
) -> None:
    """Neither cut nor taken apart where it comes in an array."""
    result = stage.deliver([stage.record(1, tags=[tag]), stage.record(2, tags=["ok"])], max_rejected_percent=100)
    assert result.exit_code == 0, result.error
    assert person.tags("K2") == ["ok"]
    assert result.totals["created"] + result.totals["rejected"] == 2
    if "K1" in vendor.records():
        assert person.tags("K1") == [tag]


@pytest.mark.parametrize(
    ("value", "tags"), [("a; b", ["a", "b"]), (["a; b"], ["a; b"]), (["a", " b "], ["a", "b"]), ("a, b", ["a, b"])]
)
def test_semicolons_separate_only_text(stage: Stage, person: Person, value: object, tags: list[str]) -> None:
    """Text is taken apart at semicolons, an array is as it is."""
    assert stage.deliver([stage.record(1, tags=value)]).exit_code == 0
    assert person.tags("K1") == tags
