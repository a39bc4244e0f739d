"""What each kind of fault does to a request, and to the store."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from saas_simulators.faults import FaultPlan, FaultRuleError

if TYPE_CHECKING:
    from conftest import Api

PATH = "/crm/v3/objects/contacts"
ADA = {"properties": {"email": "ada@example.com"}}


def inject(api: Api, *rules: dict[str, Any]) -> None:
    """Put rules in force."""
    reply = api.send("PUT", "/_simulator/faults", list(rules))
    assert reply.status_code == 200, reply.text


def is_written(api: Api) -> bool:
    """Whether the contact exists, asked beside the faulty paths."""
    return bool(api.send("GET", "/_simulator/records/hubspot/contacts").json()["records"])


@pytest.mark.parametrize("kind", ["429", "500", "502", "503", "504", "423", "477"])
def test_refusals_write_nothing(api: Api, kind: str) -> None:
    """A refusing fault answers with its status in the vendor's form, before anything is written."""
    inject(api, {"kind": kind, "path": PATH, "retry_after": 2})
    reply = api.send("POST", PATH, ADA)
    assert (reply.status_code, reply.json()["status"]) == (int(kind), "error")
    assert reply.headers["Retry-After"] == "2"
    assert not is_written(api)


def test_daily_429(api: Api) -> None:
    """An injected 429 names the policy that was asked for, and has no Retry-After by itself."""
    inject(api, {"kind": "429", "policy": "DAILY"})
    reply = api.send("POST", PATH, ADA)
    assert reply.json()["policyName"] == "DAILY"
    assert "Retry-After" not in reply.headers


def test_expired_token(api: Api) -> None:
    """An injected expiry looks like a real one."""
    inject(api, {"kind": "expired_token", "times": 1})
    assert api.send("POST", PATH, ADA).json()["category"] == "EXPIRED_AUTHENTICATION"
    assert api.send("POST", PATH, ADA).status_code == 201


def test_html_error(api: Api) -> None:
    """An HTML error is a page with the chosen status."""
    inject(api, {"kind": "html_error", "status": 521})
    reply = api.send("POST", PATH, ADA)
    assert (reply.status_code, reply.headers["Content-Type"].partition(";")[0]) == (521, "text/html")
    assert not is_written(api)


@pytest.mark.parametrize(("kind", "written"), [("cut_before", False), ("cut_after", True)])
def test_cuts(api: Api, kind: str, written: bool) -> None:  # noqa: FBT001 - a parameter
    """A cut loses the reply; whether the write happened is the difference."""
    inject(api, {"kind": kind, "path": PATH})
    with pytest.raises(requests.ConnectionError):
        api.send("POST", PATH, ADA)
    assert is_written(api) is written
    (count,) = api.send("GET", "/_simulator/requests").json()["counts"]
    assert count["status"] == 0


def test_truncated(api: Api) -> None:
    """A truncated reply promises more bytes than it sends; the write happened."""
    inject(api, {"kind": "truncated"})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        api.send("POST", PATH, ADA)
    assert is_written(api)


def test_502_after_commit(api: Api) -> None:
    """An answer of 502 does not mean that nothing was written."""
    inject(api, {"kind": "502_after_commit"})
    assert api.send("POST", PATH, ADA).status_code == 502
    assert is_written(api)


def test_latency_adds_to_others(api: Api) -> None:
    """Latency waits and lets another fault decide."""
    inject(api, {"kind": "latency", "seconds": 0.1}, {"kind": "503"})
    started = time.perf_counter()
    assert api.send("POST", PATH, ADA).status_code == 503
    assert time.perf_counter() - started >= 0.1
    (seen,) = api.send("GET", "/_simulator/requests?last=1").json()["last"]
    assert seen["faults"] == ["latency", "503"]


def test_timeout_writes_and_keeps_the_client_waiting(api: Api) -> None:
    """A timeout fault commits at once and holds the reply."""
    inject(api, {"kind": "timeout", "seconds": 0.5})
    with pytest.raises(requests.ReadTimeout):
        requests.post(api.server.url + PATH, json=ADA, headers={"Authorization": "Bearer x"}, timeout=0.1)
    assert is_written(api)


@pytest.mark.parametrize("cut", [False, True])
def test_apply_later(api: Api, cut: bool) -> None:  # noqa: FBT001 - a parameter
    """A late request is applied although its client has gone."""
    inject(api, {"kind": "apply_later", "seconds": 0.25, "cut": cut})
    with pytest.raises((requests.ReadTimeout, requests.ConnectionError)):
        requests.post(api.server.url + PATH, json=ADA, headers={"Authorization": "Bearer x"}, timeout=0.1)
    assert not is_written(api)
    deadline = time.monotonic() + 5
    while not is_written(api) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_written(api)


def drawn(rules: list[dict[str, Any]], count: int = 200) -> list[list[str]]:
    """Return the kinds that hit each of a row of requests."""
    plan = FaultPlan()
    plan.replace(rules)
    return [[rule.kind for rule in plan.draw("POST", PATH)] for _ in range(count)]


def test_draws_are_deterministic_and_independent() -> None:
    """The same seeds give the same faults, and adding a rule does not change what another rule does."""
    one = {"kind": "500", "probability": 0.3, "seed": 7}
    other = {"kind": "502", "probability": 0.3, "seed": 8}
    alone = [bool(kinds) for kinds in drawn([one])]
    both = drawn([one, other])
    assert drawn([one, other]) == both
    assert ["500" in kinds for kinds in both] == alone
    assert 30 < sum(alone) < 90
    assert ["502" in kinds for kinds in both] != alone


def test_rules_choose_by_path_method_and_counters() -> None:
    """Globs, regular expressions, methods, `after` and `times` choose the requests."""
    plan = FaultPlan()
    plan.replace(
        [
            {"kind": "500", "path": "*/batch/*", "method": "POST", "after": 1, "times": 2},
            {"kind": "502", "path_regex": r"/crm/v3/objects/(deals|tickets)"},
        ]
    )
    batch = "/crm/v3/objects/contacts/batch/upsert"
    assert [len(plan.draw("POST", batch)) for _ in range(4)] == [0, 1, 1, 0]
    assert plan.draw("GET", batch) == []
    assert [len(plan.draw("GET", f"/crm/v3/objects/{name}")) for name in ("deals", "tickets", "deals/1")] == [1, 1, 0]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({}, "expected a JSON list"),
        ([{"path": "*"}], "'kind'"),
        ([{"kind": "boom"}], "unknown kind 'boom'"),
        ([{"kind": "500", "chance": 1}], "unknown field 'chance'"),
        ([{"kind": "500"}, {"kind": "500", "probability": "often"}], "Fault rule 1: 'probability'"),
        ([{"kind": "500", "path_regex": "("}], "not a regular expression"),
        ([{"kind": "500", "method": "post"}], "'method'"),
    ],
)
def test_wrong_rules_are_refused_whole(api: Api, rules: Any, said: str) -> None:
    """A wrong rule is refused with its place, and the rules in force stay."""
    inject(api, {"kind": "latency", "seconds": 0})
    reply = api.send("PUT", "/_simulator/faults", rules)
    assert reply.status_code == 400
    assert said in reply.json()["error"]
    assert len(api.server.simulation.faults.rules) == 1
    with pytest.raises(FaultRuleError):
        FaultPlan().replace(rules)


def test_reset_drops_what_was_to_come_later(api: Api) -> None:
    """A late request does not reach the account of the next test."""
    inject(api, {"kind": "apply_later", "seconds": 30, "cut": True})
    with pytest.raises(requests.ConnectionError):
        api.send("POST", PATH, ADA)
    threads = [thread for thread in threading.enumerate() if thread.name == "apply-later"]
    api.send("POST", "/_simulator/reset")
    for thread in threads:
        thread.join(5)
    assert threads
    assert not is_written(api)
