"""The simulated receiver keeps the last fields of a key, and does a delivery once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from saas_simulators.simulation import Simulation

if TYPE_CHECKING:
    from .conftest import Api

HOOK = "/webhook/hooks/people"


def post(api: Api, delivery: str, **fields: Any) -> int:
    """Deliver; the status."""
    return api.send("POST", HOOK, {"key": "K1", "fields": fields}, Idempotency_Key=delivery).status_code


def test_a_delivery_is_done_once(api: Api) -> None:
    """Its repetition is answered, and sets nothing off; what it does not name stays."""
    assert [post(api, "a", city="Ulm"), post(api, "a", city="Ulm"), post(api, "b", name="Ada")] == [201, 200, 200]
    (record,) = api.send("GET", "/_simulator/records/webhook/people").json()["records"]
    assert (record["properties"], len(api.journal())) == ({"city": "Ulm", "name": "Ada"}, 2)


@pytest.mark.parametrize("body", [None, [], {"fields": {}}, {"key": "K", "fields": 1}])
def test_what_is_no_delivery_is_refused(api: Api, body: Any) -> None:
    """As is one without a key, and a token that is not known."""
    assert api.send("POST", HOOK, body, Idempotency_Key="a").status_code == 400
    assert api.send("POST", HOOK, {"key": "K", "fields": {}}).status_code == 400
    api.token = "invalid"
    assert api.send("GET", "/webhook/status").status_code == 401


def test_a_dump_is_loaded_whole(api: Api) -> None:
    """Keys of deliveries too, so that a repetition after a restart is none."""
    post(api, "a", city="Ulm")
    dumped = json.loads(json.dumps(api.server.simulation.dump()))
    other = Simulation()
    other.load(dumped)
    assert other.dump()["vendors"]["webhook"] == dumped["vendors"]["webhook"]
