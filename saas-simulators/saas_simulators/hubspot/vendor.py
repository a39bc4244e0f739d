"""The HubSpot simulator as the server sees it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import HTML_TYPE, Reply, json_reply
from saas_simulators.hubspot import scopes, seeding
from saas_simulators.hubspot.calls import Call, as_string, object_body, parse_body
from saas_simulators.hubspot.errors import (
    HubSpotError,
    MissingError,
    missing_scopes,
    new_correlation_id,
    not_found_reply,
    rate_limited,
    token_expired,
)
from saas_simulators.hubspot.routes import (
    ACCESS_TOKENS_PATH,
    INTROSPECTION_PATHS,
    PRIVATE_APP_PATH,
    TOKEN_PATHS,
    routes,
)
from saas_simulators.hubspot.state import VENDOR, Account
from saas_simulators.routing import Match, Router

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from saas_simulators.exchange import Request
    from saas_simulators.faults import FaultPlan, FaultRule
    from saas_simulators.hubspot.calls import Action
    from saas_simulators.journal import Journal

PREFIXES = ("/crm/", "/crm-object-schemas/", "/account-info/", "/oauth/")
UNROUTED = "(unrouted)"
# inferred: bodies of 423 and 477 are not evidenced; of 5xx the overload pages were seen as HTML and as JSON
FAULT_TEXTS = {
    "423": "The resource is locked; wait at least 2 seconds before trying again.",
    "477": "This account is being migrated between data hosting locations.",
    "500": "internal error",
    "502": "The server could not be reached in time.",
    "503": "Service temporarily unavailable.",
    "504": "The request timed out.",
}


class HubSpot:
    """Answers HubSpot's paths from one account."""

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
        """Go back to the seeded account; limits and lag too."""
        self.account = Account(self._journal, self._clock)
        seeding.apply(self.account, seeding.default_seed())
        if self._seed:
            seeding.apply(self.account, self._seed)
        self.account.latest.clear()

    def owns(self, path: str) -> bool:
        """Whether a path belongs to HubSpot."""
        return path.startswith(PREFIXES)

    def is_secret(self, path: str) -> bool:
        """Whether bodies sent to a path hold credentials."""
        return path.startswith("/oauth/")

    def running(self) -> AbstractContextManager[Reply | None]:
        """Return nothing to stand in: HubSpot does not limit how many requests run at once."""
        return nullcontext()

    def route_name(self, request: Request) -> str:
        """Return the template that a request matches."""
        if request.path in {*TOKEN_PATHS, *INTROSPECTION_PATHS, PRIVATE_APP_PATH}:
            return request.path
        if request.path.startswith(ACCESS_TOKENS_PATH):
            return f"{ACCESS_TOKENS_PATH}{{token}}"
        match = self._router.match(request.method, request.path)
        return match.route.template if match else UNROUTED

    def respond(self, request: Request) -> Reply:
        """Answer one request."""
        match = self._router.match(request.method, request.path)
        is_search = match is not None and match.route.template.endswith("/search")
        try:
            if (reply := self._about_tokens(request)) is not None:
                return reply
            with self.account.lock:
                self.account.tokens.check(request.headers.get("authorization", ""))
                refusal = self.account.limits.refuse(is_search=is_search)
            reply = refusal or self._routed(request, match)
        except HubSpotError as error:
            reply = error.reply()
        except MissingError:
            reply = not_found_reply(accepts_json=request.accepts_json)
        return self._with_headers(reply, is_search=is_search)

    def _about_tokens(self, request: Request) -> Reply | None:
        """Answer what gives tokens or tells of them, which needs no other credential and counts for no limit."""
        path, tokens = request.path, self.account.tokens
        with self.account.lock:
            if request.method == "POST" and path in TOKEN_PATHS:
                return tokens.grant(request)
            if request.method == "POST" and path in INTROSPECTION_PATHS:
                return json_reply(200, tokens.introspect(request.form))
            if request.method == "POST" and path == PRIVATE_APP_PATH:
                body = object_body(parse_body(request), "tokenKey")
                return json_reply(200, tokens.private_app(as_string(body["tokenKey"])))
            if request.method == "GET" and path.startswith(ACCESS_TOKENS_PATH):
                return json_reply(200, tokens.oauth(path.removeprefix(ACCESS_TOKENS_PATH)))
        return None

    def _routed(self, request: Request, match: Match[Action] | None) -> Reply:
        if match is None:
            if methods := self._router.methods(request.path):
                # source: HubSpot docs "Error handling" (405); inferred: the text
                error = HubSpotError(405, "HTTP 405 Method Not Allowed")
                reply = error.reply()
                reply.headers["Allow"] = ", ".join(methods)
                return reply
            # source: portal probe 2026-04-21: unrouted paths answer with the HTML page
            return not_found_reply(accepts_json=False)
        call = Call(self.account, request, match.parameters, parse_body(request))
        with self.account.lock:
            granted = self.account.tokens.scopes_of(request.headers.get("authorization", ""))
            if lacking := scopes.missing(scopes.needed(match, self.account), granted):
                raise missing_scopes(*lacking, is_about_schemas=scopes.is_about_schemas(match))
            return match.route.action(call)

    def _with_headers(self, reply: Reply, *, is_search: bool) -> Reply:
        reply.headers.setdefault("X-HubSpot-Correlation-Id", new_correlation_id())
        if reply.status != 401:  # noqa: PLR2004 - who is not known has no limits to be told
            with self.account.lock:
                reply.headers.update(self.account.limits.headers(is_search=is_search))
        return reply

    def fault_reply(self, rule: FaultRule) -> Reply:
        """Return the reply of an injected refusal."""
        if rule.kind == "expired_token":
            return token_expired().reply()
        if rule.kind == "429":
            return rate_limited(rule.policy, rule.retry_after)
        if rule.kind == "html_error":
            page = f"<html><head><title>{rule.status}</title></head><body><h1>{rule.status} Error</h1></body></html>"
            return Reply(rule.status, page.encode(), HTML_TYPE)
        kind = rule.kind.removesuffix("_after_commit")
        reply = HubSpotError(int(kind), FAULT_TEXTS[kind]).reply()
        if rule.retry_after is not None:
            reply.headers["Retry-After"] = f"{rule.retry_after:g}"
        return reply

    # for the control surface

    def counts(self) -> dict[str, int]:
        """Return the number of live records per object type."""
        with self.account.lock:
            return {name: store.live_count for name, store in self.account.stores.items()}

    def records(self, object_name: str, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Return records of one object type with all of their properties, archived ones too."""
        with self.account.lock:
            store = self.account.store(object_name)
            found: list[dict[str, Any]] = []
            for record in store.iterate(after):
                if len(found) == limit:
                    return found, int(record.id)
                found.append(_shown(record))
            return found, None

    def latest(self) -> Iterator[dict[str, Any]]:
        """Yield the records that were written last, newest first, each once."""
        with self.account.lock:
            written = list(self.account.latest)[::-1]
        seen = set()
        for object_name, record in written:
            if (object_name, record.id) not in seen:
                seen.add((object_name, record.id))
                yield {"vendor": VENDOR, "object": object_name, **_shown(record)}

    def limits(self) -> dict[str, Any]:
        """Return the limits in force."""
        with self.account.lock:
            return self.account.limits.as_json()

    def set_limits(self, settings: dict[str, Any]) -> None:
        """Put limits in force.

        Raises:
            LimitsError: A name or value is wrong.
        """
        with self.account.lock:
            self.account.limits.configure(settings)

    def limit_tokens(self, granted: dict[str, list[str] | None]) -> None:
        """Set what tokens may do."""
        with self.account.lock:
            for token, names in granted.items():
                self.account.tokens.limit(token, names)

    def set_lag(self, seconds: float) -> None:
        """Set how long the search index stays behind."""
        with self.account.lock:
            self.account.search_lag_s = seconds

    def dump(self) -> dict[str, Any]:
        """Return the account as JSON values."""
        with self.account.lock:
            return seeding.dump(self.account)

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over a dumped account."""
        with self.account.lock:
            seeding.load(self.account, dumped)


def _shown(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a Record; importing it would only serve this line
    return {
        "id": record.id,
        "properties": record.properties,
        "createdAt": record.created,
        "updatedAt": record.updated,
        "archived": record.archived_at is not None,
    }


SIMULATED = HubSpot
