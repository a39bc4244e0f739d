"""All vendors together: which one answers, what goes wrong on the way, and what is remembered of it."""

from __future__ import annotations

import importlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from saas_simulators.exchange import json_reply
from saas_simulators.faults import FaultPlan, FaultRule
from saas_simulators.hubspot.vendor import HubSpot
from saas_simulators.journal import Journal
from saas_simulators.mailchimp.vendor import Mailchimp
from saas_simulators.salesforce.vendor import Salesforce
from saas_simulators.seeds import VENDORS, check_seed
from saas_simulators.traffic import KEPT_BODY_BYTES, Seen, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from saas_simulators.exchange import Reply, Request

# The order in which faults that hit the same request take effect: latency always, then one of the others.
REFUSALS = {"429", "500", "502", "503", "504", "html_error", "expired_token", "423", "477"}
CUT_STATUS = 0  # the status that stands in counts for a reply that the client never got
Kind = TypeVar("Kind")


class Vendor(Protocol):
    """What the server needs of a simulated vendor; the module `vendor` of its package has it as `SIMULATED`.

    Args:
        seed: What the account holds at the start, beyond what every account has.
        journal: Where side effects are noted.
        clock: Seconds since 1970.
        faults: What goes wrong on request, where that is not decided once per request.
    """

    name: str

    def __init__(
        self, seed: dict[str, Any] | None, journal: Journal, clock: Callable[[], float], faults: FaultPlan
    ) -> None: ...

    def stop(self) -> None:
        """Leave off whatever goes on between two requests, and wait until nothing is written any more."""

    def reset(self) -> None:
        """Go back to the seeded state."""

    def owns(self, path: str) -> bool:
        """Whether the path belongs to this vendor."""

    def is_secret(self, path: str) -> bool:
        """Whether bodies sent to a path hold credentials, so that they are not kept."""

    def running(self) -> AbstractContextManager[Reply | None]:
        """Return what a request stands in while it is answered; gives the refusal of one too many."""

    def route_name(self, request: Request) -> str:
        """Return the template that a request matches, for counting."""

    def respond(self, request: Request) -> Reply:
        """Answer one request."""

    def fault_reply(self, rule: FaultRule) -> Reply:
        """Return the reply of an injected refusal."""

    def counts(self) -> dict[str, int]:
        """Return the number of records per object type."""

    def records(self, object_name: str, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Return one page of records and the cursor of the next."""

    def latest(self) -> Iterator[dict[str, Any]]:
        """Yield the records that were written last."""

    def limits(self) -> dict[str, Any]:
        """Return the limits in force."""

    def set_limits(self, settings: dict[str, Any]) -> None:
        """Put limits in force."""

    def set_lag(self, seconds: float) -> None:
        """Set how long reads that are not immediate stay behind."""

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON values."""

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over a dumped state."""


def simulated(name: str) -> type[Vendor]:
    """The class of a vendor, found by the vendor's name."""
    found: type[Vendor] = importlib.import_module(f"saas_simulators.{name}.vendor").SIMULATED
    return found


@dataclass(slots=True)
class Delivery:
    """What the server shall do: send the reply whole, send half of it, or hang up."""

    reply: Reply | None
    is_truncated: bool = False
    faults: list[str] = field(default_factory=list)


class Simulation:
    """The state behind one server."""

    def __init__(self, seed: dict[str, Any] | None = None, clock: Callable[[], float] = time.time) -> None:
        checked = check_seed({} if seed is None else seed)
        self.clock = clock
        self.journal = Journal()
        self.traffic = Traffic()
        self.faults = FaultPlan()
        self._interrupted = threading.Event()
        self.vendors: Sequence[Vendor] = tuple(
            simulated(name)(checked.get(name), self.journal, clock, self.faults) for name in VENDORS
        )
        self.journal.clear()

    @property
    def hubspot(self) -> HubSpot:
        """The simulated HubSpot."""
        return self.one(HubSpot)

    @property
    def salesforce(self) -> Salesforce:
        """The simulated Salesforce."""
        return self.one(Salesforce)

    @property
    def mailchimp(self) -> Mailchimp:
        """The simulated Mailchimp."""
        return self.one(Mailchimp)

    def one(self, kind: type[Kind]) -> Kind:
        """The vendor of this class."""
        return next(vendor for vendor in self.vendors if isinstance(vendor, kind))

    def reset(self) -> None:
        """Forget records, journal, requests, faults and limits; go back to the seed."""
        self.interrupt()
        for vendor in self.vendors:
            vendor.reset()
        self.journal.clear()
        self.traffic.clear()
        self.faults.replace([])

    def interrupt(self) -> None:
        """End every injected wait; what was to be applied later is dropped, so that it meets no fresh account.

        Bulk jobs leave off, too, so that nothing is written beside a dump.
        """
        waiting, self._interrupted = self._interrupted, threading.Event()
        waiting.set()
        for vendor in self.vendors:
            vendor.stop()

    def _wait(self, seconds: float) -> bool:
        """Wait, and return whether the wait was not cut short."""
        return not self._interrupted.wait(seconds)

    def vendor(self, name: str) -> Vendor | None:
        """Return the vendor of this name."""
        return next((vendor for vendor in self.vendors if vendor.name == name), None)

    def deliver(self, request: Request) -> Delivery:
        """Answer a vendor's request, faults included, and count it."""
        started = time.perf_counter()
        owner = next((vendor for vendor in self.vendors if vendor.owns(request.path)), None)
        if owner is None:
            names = ", ".join(vendor.name for vendor in self.vendors)
            return Delivery(json_reply(404, {"error": f"No simulated vendor serves this path. There are: {names}."}))
        rules = self.faults.draw(request.method, request.path)
        with owner.running() as refusal:
            if refusal is not None:
                delivery = Delivery(refusal)
            else:
                delivery = self._faulty(owner, request, rules) if rules else Delivery(owner.respond(request))
        seen = Seen(
            time=self.clock(),
            method=request.method,
            path=owner.route_name(request) if owner.is_secret(request.path) else request.path,
            route=owner.route_name(request),
            status=delivery.reply.status if delivery.reply else CUT_STATUS,
            milliseconds=(time.perf_counter() - started) * 1000,
            faults=delivery.faults,
            body=None if owner.is_secret(request.path) else request.body[:KEPT_BODY_BYTES],
        )
        self.traffic.add(seen)
        return delivery

    def _faulty(self, owner: Vendor, request: Request, rules: list[FaultRule]) -> Delivery:
        for rule in rules:
            if rule.kind == "latency":
                self._wait(rule.wait_s())
        decisive = next((rule for rule in rules if rule.kind != "latency"), None)
        delivery = self._decided(owner, request, decisive)
        delivery.faults = [rule.kind for rule in rules if rule.kind == "latency" or rule is decisive]
        return delivery

    def _decided(self, owner: Vendor, request: Request, rule: FaultRule | None) -> Delivery:
        """Answer with the one fault that decides."""
        if rule is None:
            return Delivery(owner.respond(request))
        if rule.kind == "cut_before":
            return Delivery(None)
        if rule.kind in REFUSALS:
            return Delivery(owner.fault_reply(rule))
        if rule.kind == "apply_later":
            return self._applied_later(owner, request, rule)
        reply = owner.respond(request)
        if rule.kind == "502_after_commit":
            return Delivery(owner.fault_reply(rule))
        if rule.kind == "timeout":
            self._wait(rule.wait_s())
        return Delivery(None if rule.kind == "cut_after" else reply, is_truncated=rule.kind == "truncated")

    def _applied_later(self, owner: Vendor, request: Request, rule: FaultRule) -> Delivery:
        """Write after a while: the client waits, or is hung up on at once. Its going changes nothing."""

        def apply() -> Reply | None:
            return owner.respond(request) if self._wait(rule.wait_s()) else None

        if not rule.cut:
            return Delivery(apply())
        threading.Thread(target=apply, daemon=True, name="apply-later").start()
        return Delivery(None)

    def dump(self) -> dict[str, Any]:
        """Return the state of all vendors as JSON values."""
        return {"version": 1, "vendors": {vendor.name: vendor.dump() for vendor in self.vendors}}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over a dumped state."""
        for vendor in self.vendors:
            if vendor.name in dumped["vendors"]:
                vendor.load(dumped["vendors"][vendor.name])
