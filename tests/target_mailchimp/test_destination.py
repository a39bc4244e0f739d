"""The account and its audiences over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conformance.stage import Stage

from .conftest import DOMAIN, LIST_ID, PRESS, RICH

if TYPE_CHECKING:
    from saas_simulators import SimulatorServer
    from saas_simulators.mailchimp.audience import Audience

    from .conftest import MailchimpVendor


@pytest.fixture
def seed() -> dict[str, Any]:
    """An account with all that an audience can have."""
    return RICH


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


def test_a_column_may_name_the_audience_of_each_record(
    stage: Stage, simulator: SimulatorServer, vendor: MailchimpVendor
) -> None:
    """By id or name; two names of one audience are one, and a record of an unknown one is a reject."""
    places = ("Press", PRESS, LIST_ID, "members", "nowhere")
    rows = [stage.record(n, audience=place) for n, place in enumerate(places)]
    streams = {"people": {"object_from": "audience", "match_on": "email_address"}}
    result = stage.deliver(rows, streams=streams)
    assert (result.totals["created"], result.totals["rejected"]) == (4, 1)
    assert set(simulator.mailchimp.audiences[PRESS].members) == {_hash("k0"), _hash("k1")}
    assert set(vendor.records()) == {"K2", "K3", "FIRST"}
    assert stage.deliver(rows, streams=streams).totals["unchanged"] == 4


def test_two_audiences_in_one_run_stay_apart(stage: Stage, vendor: MailchimpVendor, simulator: SimulatorServer) -> None:
    """Each stream writes to its own."""
    streams = {"people": {"object": "members"}, "press": {"object": "Press"}}
    messages = stage.messages([stage.record(1)])
    other = Stage(vendor, stage.root, stream="press").messages([stage.record(2)])
    assert stage.run([*messages, *other], streams=streams).totals["created"] == 2
    assert set(simulator.mailchimp.audiences[PRESS].members) == {_hash("k2")}


def test_an_account_is_told_by_its_own_id(stage: Stage) -> None:
    """And not by the key, which people replace every year."""
    stage.deliver([stage.record(1)])
    assert stage.deliver([stage.record(1)], api_key="another-key-us7").totals["unchanged"] == 1


def test_a_refused_key_ends_the_run(stage: Stage) -> None:
    """With exit code 78 and the settings to look at."""
    result = stage.deliver([stage.record(1)], api_key="invalid-us1")
    assert (result.exit_code, "api_key" in result.error) == (78, True)


def test_pitfall_37_at_most_ten_connections_are_open(stage: Stage, vendor: MailchimpVendor) -> None:
    """Eight in flight, with latency, and nobody ever meets the limit."""
    vendor.faults([{"kind": "latency", "path": f"/3.0/lists/{LIST_ID}", "seconds": 0.1}])
    stage.deliver(stage.record(n) for n in range(8000))
    counts = vendor.control("requests?last=1")["counts"]
    assert {one["status"] for one in counts} == {200}


def _hash(key: str) -> str:
    from target_mailchimp.bodies import subscriber_hash  # noqa: PLC0415 - what is compared

    return subscriber_hash(key + DOMAIN)
