"""The Salesforce simulator as the server sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import HTML_TYPE, Reply, Request
from saas_simulators.routing import Match, Route, Router
from saas_simulators.salesforce import seeding, soap
from saas_simulators.salesforce.calls import Call, unpacked
from saas_simulators.salesforce.composite import Composite
from saas_simulators.salesforce.errors import SalesforceError, not_found
from saas_simulators.salesforce.limits import too_many_at_once, too_many_today
from saas_simulators.salesforce.resources import check_version
from saas_simulators.salesforce.routes import (
    BASE,
    REVOKE_PATH,
    SECRET_PREFIXES,
    SOAP_PREFIX,
    TOKEN_PATH,
    VERSIONS_PATH,
    routes,
)
from saas_simulators.salesforce.state import VENDOR, Org
from saas_simulators.salesforce.tokens import session_expired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from saas_simulators.faults import FaultPlan, FaultRule
    from saas_simulators.journal import Journal
    from saas_simulators.salesforce.calls import Action
    from saas_simulators.salesforce.records import Record

PREFIXES = ("/services/", "/id/")
OPEN_PATHS = (TOKEN_PATH, REVOKE_PATH)
UNROUTED = "(unrouted)"
MAX_URI_BYTES = 16_384  # source: RESTPDF, status codes 414 and 431
# source: RESTPDF, partner WSDL v47 (codes); inferred: the texts; 423 and 477 are no statuses of Salesforce's
FAULTS = {
    "423": ("UNKNOWN_EXCEPTION", "The resource is locked."),
    "477": ("UNKNOWN_EXCEPTION", "This org is being moved."),
    "500": ("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: 1"),
    "503": ("SERVER_UNAVAILABLE", "Server Unavailable"),
}
# source: section "Status codes": the edge answers these with a page
PAGE = "<html><head><title>{0}</title></head><body><h1>{0} Error</h1><p>Down for maintenance</p></body></html>"


class Salesforce:
    """Answers Salesforce's paths from one org."""

    name = VENDOR

    def __init__(
        self,
        seed: dict[str, Any] | None,
        journal: Journal,
        clock: Callable[[], float],
        faults: FaultPlan,
    ) -> None:
        self._seed = seed
        self._journal = journal
        self._clock = clock
        self._faults = faults
        composite: Route[Action] = Route("POST", f"{BASE}/composite", Composite(self._router_match))
        self._router: Router[Action] = Router([composite, *routes()])
        self.org = self._seeded()

    def _router_match(self, request: Request) -> Match[Action] | None:
        return self._router.match(request.method, request.path)

    def reset(self) -> None:
        """Go back to the seeded org; limits, sessions and jobs too."""
        self.stop()
        self.org = self._seeded()

    def stop(self) -> None:
        """Leave off processing bulk jobs, and wait until nothing is written any more."""
        self.org.jobs.stop()

    def _seeded(self) -> Org:
        org = Org(self._journal, self._clock, self._faults)
        seeding.apply(org, seeding.default_seed())
        if self._seed:
            seeding.apply(org, self._seed)
        org.latest.clear()
        return org

    def owns(self, path: str) -> bool:
        """Whether a path belongs to Salesforce."""
        return path.startswith(PREFIXES)

    def is_secret(self, path: str) -> bool:
        """Whether bodies sent to a path hold credentials."""
        return path.startswith(SECRET_PREFIXES)

    def running(self) -> AbstractContextManager[Reply | None]:
        """Count a request as running, for the limit of concurrent ones."""
        return self.org.limits.running()

    def route_name(self, request: Request) -> str:
        """Return the template that a request matches."""
        if request.path.rstrip("/") in OPEN_PATHS or request.path.startswith(SOAP_PREFIX):
            return request.path
        match = self._router.match(*_method_and_path(request))
        return match.route.template if match else UNROUTED

    def respond(self, request: Request) -> Reply:
        """Answer one request."""
        path = request.path.rstrip("/")
        if request.method == "POST" and (path in OPEN_PATHS or path.startswith(SOAP_PREFIX)):
            with self.org.lock:
                return self._logged_in(path, request)
        if path == VERSIONS_PATH and request.method == "GET":
            return self._routed(request)  # source: RESTPDF: needs no session and counts for no limit
        try:
            _check_length(request)
            with self.org.lock:
                self.org.tokens.check(request.headers.get("authorization", ""))
                self.org.limits.admit()
            reply = self._routed(unpacked(request))
        except SalesforceError as error:
            reply = error.reply()
        return self._with_headers(reply)

    def _logged_in(self, path: str, request: Request) -> Reply:
        if path == TOKEN_PATH:
            return self.org.tokens.grant(request)
        if path == REVOKE_PATH:
            self.org.tokens.revoke(request.form.get("token", ""))
            return Reply(200)
        return soap.login(self.org, request)

    def _routed(self, request: Request) -> Reply:
        method, path = _method_and_path(request)
        match = self._router.match(method, path)
        if match is None:
            if methods := self._router.methods(path):
                # source: RESTPDF, wording of METHOD_NOT_ALLOWED
                text = f"HTTP Method '{method}' not allowed. Allowed are {','.join(methods)}"
                raise SalesforceError(405, "METHOD_NOT_ALLOWED", text)
            raise not_found()
        if "version" in match.parameters:
            check_version(match.parameters["version"])
        if method != request.method:
            request = Request(method, path, request.query_string, request.headers, request.body)
        with self.org.lock:
            return match.route.action(Call(self.org, request, match.parameters))

    def _with_headers(self, reply: Reply) -> Reply:
        # source: recordings grouparoo; body with headers of 2026-08-21
        reply.headers.setdefault("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private")
        if reply.status != 401:  # noqa: PLR2004 - who is not known has no limits to be told
            with self.org.lock:
                reply.headers.update(self.org.limits.headers())
        return reply

    def fault_reply(self, rule: FaultRule) -> Reply:
        """Return the reply of an injected refusal."""
        if rule.kind == "expired_token":
            return session_expired().reply()
        if rule.kind == "429":  # which Salesforce does not have: its limits answer 403
            return (too_many_today() if rule.policy == "DAILY" else too_many_at_once()).reply()
        kind = rule.kind.removesuffix("_after_commit")
        if kind in FAULTS:
            return SalesforceError(int(kind), *FAULTS[kind]).reply()
        status = rule.status if kind == "html_error" else int(kind)
        return Reply(status, PAGE.format(status).encode(), HTML_TYPE)

    # for the control surface

    def counts(self) -> dict[str, int]:
        """Return the number of live rows per object."""
        with self.org.lock:
            return {name: store.live_count for name, store in self.org.objects.items()}

    def records(self, object_name: str, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Return rows of one object with all of their values, deleted ones too; `after` counts rows."""
        with self.org.lock:
            rows = list(self.org.store(object_name).iterate())
            chosen = rows[after : after + limit]
            end = after + len(chosen)
            return [_shown(record) for record in chosen], end if end < len(rows) else None

    def latest(self) -> Iterator[dict[str, Any]]:
        """Yield the rows that were written last, newest first, each once."""
        with self.org.lock:
            written = list(self.org.latest)[::-1]
        seen = set()
        for object_name, record in written:
            if record.id not in seen:
                seen.add(record.id)
                yield {"vendor": VENDOR, "object": object_name, **_shown(record)}

    def limits(self) -> dict[str, Any]:
        """Return the limits in force."""
        with self.org.lock:
            return self.org.limits.as_json()

    def set_limits(self, settings: dict[str, Any]) -> None:
        """Put limits in force.

        Raises:
            LimitsError: A name or value is wrong.
        """
        with self.org.lock:
            self.org.limits.configure(settings)

    def set_lag(self, seconds: float) -> None:
        """Do nothing: queries see every write at once."""

    def dump(self) -> dict[str, Any]:
        """Return the org as JSON values; sessions and jobs are not kept."""
        with self.org.lock:
            return {name: store.dump() for name, store in self.org.objects.items()}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over the rows of a dumped org; objects and fields come from the seed."""
        with self.org.lock:
            for name, rows in dumped.items():
                if self.org.has_object(name):
                    self.org.store(name).load(rows)


def _check_length(request: Request) -> None:
    if len(request.path) + 1 + len(request.query_string) > MAX_URI_BYTES:
        # source: RESTPDF (status); inferred: the body
        raise SalesforceError(414, "URI_TOO_LONG", "The length of the URI exceeds the 16,384-byte limit")


def _method_and_path(request: Request) -> tuple[str, str]:
    """Return what to look up; `POST …?_HttpMethod=PATCH` means PATCH."""
    # source: RESTPDF, for clients that cannot send PATCH
    if request.method == "POST" and "_HttpMethod" in request.query_string:
        return request.query.get("_HttpMethod", ["POST"])[-1].upper(), request.path
    return ("GET" if request.method == "HEAD" else request.method), request.path


def _shown(record: Record) -> dict[str, Any]:
    values = record.values
    return {
        "id": record.id,
        "properties": values,
        "createdAt": str(values.get("CreatedDate")).replace("+0000", "Z"),
        "updatedAt": str(values.get("LastModifiedDate")).replace("+0000", "Z"),
        "archived": record.is_deleted,
    }


SIMULATED = Salesforce
