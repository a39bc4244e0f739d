"""A simulated receiver of webhooks: it keeps the last fields of each key, and answers a repetition without doing it.

GET    /webhook/status
POST   /webhook/hooks/{object}      {"key", "fields"}, with an Idempotency-Key: 201 for a key that is new, else 200
DELETE /webhook/hooks/{object}/{key}, for a person
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import HTML_TYPE, Reply, decode_json, json_reply
from saas_simulators.limits import LimitsError
from saas_simulators.routing import Match, Route, Router
from saas_simulators.seeds import expect_keys
from saas_simulators.webhook import errors
from saas_simulators.webhook.errors import ApiError
from saas_simulators.webhook.limits import AccountLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from saas_simulators.exchange import Request
    from saas_simulators.faults import FaultPlan, FaultRule
    from saas_simulators.journal import Journal

    Action = Callable[[Request, Match[Any]], Reply]

VENDOR = "webhook"
HOOK = "/webhook/hooks/{object}"
STATUS = "/webhook/status"
UNROUTED = "(unrouted)"


class Webhook:
    """Answers a receiver's paths. `keys_seen` are those of deliveries that were done."""

    name = VENDOR

    def __init__(
        self, seed: dict[str, Any] | None, journal: Journal, clock: Callable[[], float], faults: FaultPlan
    ) -> None:
        del faults  # each is decided once per request here
        expect_keys(seed or {}, set(), VENDOR)
        self._journal = journal
        self._clock = clock
        self._lock = threading.RLock()
        self._router: Router[Action] = Router(
            [
                Route("POST", HOOK, self._receive),
                Route("DELETE", HOOK + "/{key}", self._forget),
                Route("GET", STATUS, self._status),
            ]
        )
        self.reset()

    def stop(self) -> None:
        """Do nothing: nothing goes on between two requests."""

    def reset(self) -> None:
        """Forget everything; limits too."""
        with self._lock:
            self.objects: dict[str, dict[str, dict[str, Any]]] = {}
            self.keys_seen: set[str] = set()
            self._limits = AccountLimits(self._clock)
            self._number = 0

    def owns(self, path: str) -> bool:
        """Whether a path belongs to this receiver."""
        return path.startswith("/webhook/")

    def is_secret(self, path: str) -> bool:
        """No body holds credentials."""
        del path
        return False

    def running(self) -> AbstractContextManager[Reply | None]:
        """Any number of requests may be under way at once."""
        return contextlib.nullcontext()

    def route_name(self, request: Request) -> str:
        """Return the template that a request matches."""
        match = self._router.match(request.method, request.path)
        return match.route.template if match else UNROUTED

    def respond(self, request: Request) -> Reply:
        """Answer one request."""
        with self._lock:
            try:
                scheme, _, token = request.headers.get("authorization", "").partition(" ")
                if scheme.lower() != "bearer" or not token.strip() or token.startswith("invalid"):
                    raise errors.invalid_token()
                if (refusal := self._limits.refusal()) is not None:
                    return refusal.reply(Retry_After="1")
                match = self._router.match(request.method, request.path)
                if match is None:
                    raise errors.no_route()
                return match.route.action(request, match)
            except ApiError as error:
                return error.reply()

    def _status(self, _: Request, __: Match[Any]) -> Reply:
        return json_reply(200, {"status": "ready"})

    def _receive(self, request: Request, match: Match[Any]) -> Reply:
        try:
            body = decode_json(request.body)
        except (ValueError, RecursionError):
            raise errors.invalid_request(message="The body is not JSON.") from None
        delivery = request.headers.get("idempotency-key", "")
        fields = body.get("fields") if isinstance(body, dict) else None
        if not delivery or not isinstance(fields, dict) or not isinstance(body.get("key"), str):
            raise errors.invalid_request(message="Expected an Idempotency-Key, a key and fields.")
        records = self.objects.setdefault(match.parameters["object"], {})
        if delivery in self.keys_seen:
            return json_reply(200, {"repeated": True})
        self.keys_seen.add(delivery)
        is_new = body["key"] not in records
        now = dt.datetime.fromtimestamp(self._clock(), dt.timezone.utc).isoformat(timespec="milliseconds")
        if is_new:
            self._number += 1
            records[body["key"]] = {"number": self._number, "createdAt": now, "fields": {}}
        record = records[body["key"]]
        record["updatedAt"] = now
        record["fields"] |= fields
        self._journal.add(
            time=self._clock(),
            vendor=VENDOR,
            event="record_created" if is_new else "record_updated",
            object_name=match.parameters["object"],
            record_id=f"r{record['number']}",
            unique={"key": body["key"]},
            detail=tuple(fields),
        )
        return json_reply(201 if is_new else 200, {})

    def _forget(self, _: Request, match: Match[Any]) -> Reply:
        if self.objects.get(match.parameters["object"], {}).pop(match.parameters["key"], None) is None:
            raise errors.not_found()
        return Reply(204)

    def fault_reply(self, rule: FaultRule) -> Reply:
        """Return the reply of an injected refusal."""
        if rule.kind == "expired_token":
            return errors.expired_token().reply()
        if rule.kind == "html_error":
            return Reply(rule.status, b"<html><body>Error</body></html>", HTML_TYPE)
        status = int(rule.kind.removesuffix("_after_commit"))
        limited = errors.rate_limited()
        reply = (limited if status == limited.status else ApiError(status, "failed", "Failed.")).reply()
        if rule.retry_after is not None:
            reply.headers["Retry-After"] = f"{rule.retry_after:g}"
        return reply

    # for the control surface

    def counts(self) -> dict[str, int]:
        """Return the number of records per object."""
        with self._lock:
            return {name: len(records) for name, records in self.objects.items()}

    def records(self, object_name: str, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Return records of an object in the order in which they came."""
        with self._lock:
            found = [one for one in self.objects.get(object_name, {}).values() if one["number"] >= after]
            cursor = found[limit]["number"] if len(found) > limit else None
            return [_shown(one) for one in found[:limit]], cursor

    def latest(self) -> Iterator[dict[str, Any]]:
        """Yield records, the newest of each object first."""
        with self._lock:
            shown = [
                {"vendor": VENDOR, "object": name, **_shown(one)}
                for name, records in self.objects.items()
                for one in list(records.values())[:-26:-1]
            ]
        yield from shown

    def limits(self) -> dict[str, Any]:
        """Return the limits in force."""
        with self._lock:
            return self._limits.as_json()

    def set_limits(self, settings: dict[str, Any]) -> None:
        """Put limits in force.

        Raises:
            LimitsError: A name or value is wrong.
        """
        with self._lock:
            self._limits.configure(settings)

    def set_lag(self, seconds: float) -> None:
        """Refuse: nothing is read.

        Raises:
            LimitsError: Always, unless the lag is none.
        """
        if seconds:
            msg = f"Lag of {VENDOR}: expected 0; nothing of it is read."
            raise LimitsError(msg)

    def dump(self) -> dict[str, Any]:
        """Return the records as JSON values."""
        with self._lock:
            return {"objects": self.objects, "keys_seen": sorted(self.keys_seen), "number": self._number}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take dumped records over."""
        with self._lock:
            self.objects, self.keys_seen = dumped["objects"], set(dumped["keys_seen"])
            self._number = dumped["number"]


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    stamps = {"createdAt": record["createdAt"], "updatedAt": record["updatedAt"], "archived": False}
    properties = {name: value for name, value in record["fields"].items() if value is not None}
    return {"id": f"r{record['number']}", "properties": properties, **stamps}


SIMULATED = Webhook
