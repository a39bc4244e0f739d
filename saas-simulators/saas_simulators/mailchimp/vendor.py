"""The Mailchimp simulator as the server sees it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import HTML_TYPE, Reply
from saas_simulators.limits import LimitsError
from saas_simulators.mailchimp import errors, seeding
from saas_simulators.mailchimp.batches import RESULTS, download
from saas_simulators.mailchimp.calls import Call, parse_body
from saas_simulators.mailchimp.errors import MailchimpError
from saas_simulators.mailchimp.routes import METADATA_PATH, ROOT, TOKEN_PATH, routes
from saas_simulators.mailchimp.state import VENDOR, Account
from saas_simulators.mailchimp.tokens import metadata
from saas_simulators.routing import Router

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from saas_simulators.exchange import Request
    from saas_simulators.faults import FaultPlan, FaultRule
    from saas_simulators.journal import Journal
    from saas_simulators.mailchimp.calls import Action

PREFIXES = ("/3.0/", "/oauth2/", RESULTS)
UNROUTED = "(unrouted)"
# What would crowd the page without telling much.
UNSHOWN = {"contact_id", "email_type", "ip_opt", "ip_signup", "location", "timestamp_opt", "timestamp_signup"}
# source: mailchimp/APIv3-examples#28 (500). inferred: the others; 502 and 504 come from the edge as pages
FAULT_TEXTS = {
    "423": ("Locked", "The resource is locked."),
    "477": ("Account Moved", "This account is being moved."),
    "500": (
        "Internal Server Error",
        "An internal error has occurred during the processing of your request. Please contact support.",
    ),
    "503": ("Service Unavailable", "The service is temporarily unavailable."),
}


class Mailchimp:
    """Answers Mailchimp's paths from one account."""

    name = VENDOR

    def __init__(
        self, seed: dict[str, Any] | None, journal: Journal, clock: Callable[[], float], faults: FaultPlan
    ) -> None:
        del faults  # each is decided once per request here
        self._seed = seed
        self._journal = journal
        self._clock = clock
        self._router: Router[Action] = Router(routes())
        self.reset()

    def stop(self) -> None:
        """Do nothing: nothing goes on between two requests."""

    def reset(self) -> None:
        """Go back to the seeded account; limits too."""
        self.account = Account(self._journal, self._clock, self._routed)
        seeding.apply(self.account, seeding.default_seed())
        if self._seed:
            seeding.apply(self.account, self._seed)
        self.account.latest.clear()

    def owns(self, path: str) -> bool:
        """Whether a path belongs to Mailchimp."""
        return path == ROOT or path.startswith(PREFIXES)

    def route_name(self, request: Request) -> str:
        """Return the template that a request matches."""
        if request.path.startswith(RESULTS):
            return RESULTS + "{file}"
        if request.path in {TOKEN_PATH, METADATA_PATH}:
            return request.path
        match = self._router.match(request.method, request.path)
        return match.route.template if match else UNROUTED

    def is_secret(self, path: str) -> bool:
        """Whether bodies sent to a path hold credentials."""
        return path.startswith("/oauth2/")

    def running(self) -> AbstractContextManager[Reply | None]:
        """Hold one of the account's connections for a request, injected waits included."""
        return self.account.limits.occupied()

    def respond(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path == ROOT:
            return _moved(request)
        with self.account.lock:
            if request.path.startswith(RESULTS):
                return download(self.account, request.path)
            if request.path == TOKEN_PATH and request.method == "POST":
                return self.account.tokens.grant(request)
            if request.path == METADATA_PATH:
                return metadata(request, self.account.name)
        try:
            with self.account.lock:
                self.account.tokens.check(request.headers.get("authorization", ""))
            return self._routed(_overridden(request))
        except MailchimpError as error:
            return error.reply()

    def _routed(self, request: Request) -> Reply:
        """Answer a request whose credential was accepted; also one operation of a batch."""
        try:
            match = self._router.match(request.method, request.path)
            if match is None:
                methods = self._router.methods(request.path)
                raise errors.not_allowed(methods) if methods else errors.not_found()
            call = Call(self.account, request, match.parameters, parse_body(request))
            with self.account.lock:
                reply = match.route.action(call)
        except MailchimpError as error:
            return error.reply()
        reply.headers.setdefault("X-Request-Id", errors.new_request_id())
        return reply

    def fault_reply(self, rule: FaultRule) -> Reply:
        """Return the reply of an injected refusal."""
        kind = rule.kind.removesuffix("_after_commit")
        if kind == "expired_token":
            reply = errors.key_invalid().reply()
        elif kind == "429":
            reply = errors.too_many().reply()
        elif kind == "html_error":
            reply = errors.edge_page(rule.status)
        elif kind in FAULT_TEXTS:
            reply = MailchimpError(int(kind), *FAULT_TEXTS[kind]).reply()
        else:
            reply = errors.edge_page(int(kind))
        if rule.retry_after is not None:
            reply.headers["Retry-After"] = f"{rule.retry_after:g}"
        return reply

    # for the control surface

    def counts(self) -> dict[str, int]:
        """Return the number of contacts per audience, archived ones apart."""
        with self.account.lock:
            return {
                one.id: sum(not member.is_archived for member in one.members.values())
                for one in self.account.audiences.values()
            }

    def records(self, object_name: str, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Return the contacts of one audience, archived ones too, in the order in which they came.

        Raises:
            LimitsError: There is no such audience.
        """
        with self.account.lock:
            audience = self.account.audiences.get(object_name)
            if audience is None:
                msg = f"No audience '{object_name}'. Known: {', '.join(self.account.audiences)}."
                raise LimitsError(msg)
            found = sorted(audience.members.values(), key=lambda member: member.web_id)
            waiting = (member for member in found if member.web_id >= after)
            page = [self.account.shown(audience, member) for member in islice(waiting, limit)]
            cursor = next(waiting, None)
            return page, cursor.web_id if cursor else None

    def latest(self) -> Iterator[dict[str, Any]]:
        """Yield the contacts that were written last, newest first, each once; empty values are left out."""
        with self.account.lock:
            newest = {(audience.id, member.web_id): (audience, member) for audience, member in self.account.latest}
            shown = [
                {"vendor": VENDOR, "object": audience.id, **self.account.shown(audience, member)}
                for audience, member in newest.values()
                if member.key in audience.members
            ][::-1]
        for one in shown:
            properties = {name: value for name, value in one["properties"].items() if value and name not in UNSHOWN}
            yield {**one, "properties": properties}

    def limits(self) -> dict[str, Any]:
        """Return the limits in force."""
        return self.account.limits.as_json()

    def set_limits(self, settings: dict[str, Any]) -> None:
        """Put limits in force.

        Raises:
            LimitsError: A name or value is wrong.
        """
        self.account.limits.configure(settings)

    def set_lag(self, seconds: float) -> None:
        """Refuse: every read of Mailchimp's is immediate.

        Raises:
            LimitsError: Always, unless the lag is none.
        """
        if seconds:
            msg = "Lag of mailchimp: expected 0; its reads are immediate."
            raise LimitsError(msg)

    def dump(self) -> dict[str, Any]:
        """Return the account as JSON values."""
        with self.account.lock:
            return seeding.dump(self.account)

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over a dumped account."""
        with self.account.lock:
            seeding.load(self.account, dumped)


def _moved(request: Request) -> Reply:
    """Return the redirect to the root's slash."""
    # source: recording dominicsayers 2016
    address = f"http://{request.headers.get('host', '127.0.0.1')}{ROOT}/"
    page = (
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>301 Moved Permanently</title>\n'
        f'</head><body>\n<h1>Moved Permanently</h1>\n<p>The document has moved <a href="{address}">here</a>.</p>\n'
        "</body></html>\n"
    )
    return Reply(301, page.encode(), HTML_TYPE, {"Location": address})


def _overridden(request: Request) -> Request:
    """Return the request with the method that `X-HTTP-Method-Override` asks for."""
    method = request.headers.get("x-http-method-override")
    if method is None:
        return request
    if request.method != "POST":
        # source: error glossary "InvalidMethodOverride"; inferred: the text
        raise MailchimpError(422, "Invalid Method Override", "The method may be overridden in a POST request only.")
    request.method = method.upper()
    return request


SIMULATED = Mailchimp
