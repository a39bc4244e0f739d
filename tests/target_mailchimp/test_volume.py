"""The numbers that a user can count on: requests for 100,000 members with merge fields and tags; a rerun takes none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.suite import faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from conformance.stage import Stage

    from .conftest import MailchimpVendor

BATCH = 500
TAG = "crm: customer"


def rows(stage: Stage, count: int, text: str = "first") -> Iterator[Mapping[str, Any]]:
    """Members with a text, a number and tags."""
    return (stage.record(n, text, LTV=n, PLAN="pro", tags=[TAG, f"crm: group {n % 7}"]) for n in range(count))


def _takes_the_fewest_requests(stage: Stage, vendor: MailchimpVendor, count: int) -> None:
    """New members, changed members and a rerun, each within 2 % of the floor."""
    floor = -(-count // BATCH)
    most = floor + floor * 2 // 100
    config = {"tag_prefix": "crm: "}
    created = stage.deliver(rows(stage, count), **config)
    first = vendor.write_requests()
    updated = stage.deliver(rows(stage, count, "second"), **config)
    second = vendor.write_requests() - first
    effects = vendor.side_effects()
    rerun = stage.deliver(rows(stage, count, "second"), **config)
    assert (created.totals["created"], updated.totals["updated"], rerun.totals["unchanged"]) == (count, count, count)
    assert max(first, second) <= most
    assert (vendor.write_requests(), vendor.side_effects()) == (first + second, effects)


def test_five_thousand_members_take_the_fewest_requests(stage: Stage, vendor: MailchimpVendor) -> None:
    """10 requests for 5,000 new ones, 10 for changed ones, none for a rerun."""
    _takes_the_fewest_requests(stage, vendor, 5_000)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_hundred_thousand_members_take_the_fewest_requests(stage: Stage, vendor: MailchimpVendor) -> None:
    """At most 204 requests for 100,000 new ones, 204 for changed ones, none for a rerun."""
    _takes_the_fewest_requests(stage, vendor, 100_000)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("load_method", ["upsert", "create"])
def test_members_survive_trouble_on_every_write(stage: Stage, vendor: MailchimpVendor, load_method: str) -> None:
    """With 5 % each of lost replies, 502 after commit, 429 and cut connections, each member is welcomed once."""
    count = 20_000
    vendor.faults(faults(stage, 0.05))
    result = stage.deliver(rows(stage, count), stream={"load_method": load_method})
    assert (result.exit_code, result.totals["rejected"]) == (0, 0)
    assert vendor.events("welcome_mail") == vendor.events("member_added") == {f"K{n}": 1 for n in range(count)}
