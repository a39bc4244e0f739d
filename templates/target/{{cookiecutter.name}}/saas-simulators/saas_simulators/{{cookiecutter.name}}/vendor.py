"""The simulator of {{cookiecutter.title}} as the server sees it.

Skeleton: a plain REST API. Everything is JSON; a token goes with each request.

    GET    {ROOT}/account
    GET    {ROOT}/objects                              GET {ROOT}/objects/{object}, with its fields
    POST   {ROOT}/objects/{object}/search              {"field", "values", "cursor"}: look up, 50 on a page
    POST   {ROOT}/objects/{object}/records             {"fields"}: one new record
    GET    {ROOT}/objects/{object}/records/{id}        PATCH and DELETE as well
    POST   {ROOT}/objects/{object}/batch/{verb}        {"records": [{"ref", "id", "fields"}]}

Verbs of a batch are create, update, archive and delete.

Yours: the paths of the vendor, written from its documentation and from recorded answers, and never from the target: a
page that was misread would otherwise be misread twice.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import HTML_TYPE, Reply, decode_json, json_reply
from saas_simulators.limits import LimitsError
from saas_simulators.routing import Route, Router
from saas_simulators.{{cookiecutter.name}} import errors, seeding
from saas_simulators.{{cookiecutter.name}}.errors import ApiError
from saas_simulators.{{cookiecutter.name}}.state import VENDOR, Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from saas_simulators.exchange import Request
    from saas_simulators.faults import FaultPlan, FaultRule
    from saas_simulators.journal import Journal
    from saas_simulators.{{cookiecutter.name}}.state import Record, Store

    Action = Callable[["Call"], Reply]

ROOT = "/{{cookiecutter.name}}/v1"
OBJECT = ROOT + "/objects/{object}"
RECORD = OBJECT + "/records/{id}"
PAGE = 50
MAX_BATCH = 100
MAX_VALUES = 100
UNROUTED = "(unrouted)"
USES_BEFORE_EXPIRY = 5


class Call:
    """A request that found its route."""

    def __init__(self, account: Account, request: Request, parameters: dict[str, str]) -> None:
        self.account = account
        self.request = request
        self.parameters = parameters

    @property
    def store(self) -> Store:
        """The object that the path names."""
        return self.account.store(self.parameters["object"])

    def body(self, *required: str) -> dict[str, Any]:
        """The JSON body, with the keys that the endpoint needs.

        Raises:
            ApiError: It is none, or lacks one of them.
        """
        try:
            body = decode_json(self.request.body)
        except (ValueError, RecursionError):
            raise errors.invalid_request(message="The body is not JSON.") from None
        if not isinstance(body, dict) or any(name not in body for name in required):
            raise errors.invalid_request(message=f"Expected an object with {', '.join(required)}.")
        return body


def get_account(call: Call) -> Reply:
    """Whose token it is."""
    return json_reply(200, {"id": call.account.id})


def list_objects(call: Call) -> Reply:
    """Names of the objects."""
    return json_reply(200, {"objects": list(call.account.stores)})


def describe(call: Call) -> Reply:
    """An object and its fields."""
    store = call.store
    return json_reply(200, {"name": store.name, "fields": [one.as_json() for one in store.fields.values()]})


def search(call: Call) -> Reply:
    """Live records by the values of a field, a page at a time."""
    store, body = call.store, call.body("field", "values")
    field, values = body["field"], body["values"]
    if not isinstance(values, list) or len(values) > MAX_VALUES or any(isinstance(one, (list, dict)) for one in values):
        raise errors.invalid_request(message=f"'values' must be a list of at most {MAX_VALUES} plain values.")
    if field != "id" and field not in store.fields:
        raise errors.refused(str(field), "unknown_field", "There is no such field.")
    after = str(body.get("cursor") or "0")
    if not after.isdigit():
        raise errors.invalid_request(message="The cursor is none of ours.")
    found = [one for one in store.search(field, values) if one.number > int(after)]
    page = found[:PAGE]
    cursor = str(page[-1].number) if len(found) > PAGE else None
    return json_reply(200, {"records": [_rendered(one) for one in page], "next_cursor": cursor})


def create(call: Call) -> Reply:
    """One new record."""
    return json_reply(201, _rendered(call.store.create(_fields(call.body("fields")))))


def show(call: Call) -> Reply:
    """One record."""
    return json_reply(200, _rendered(call.store.one(call.parameters["id"])))


def change(call: Call) -> Reply:
    """One record, changed."""
    return json_reply(200, _rendered(call.store.update(call.parameters["id"], _fields(call.body("fields")))))


def remove(call: Call) -> Reply:
    """One record, away for good."""
    call.store.delete(call.parameters["id"])
    return Reply(204)


def batch(call: Call) -> Reply:
    """Up to 100 records; each is written or refused on its own, and answered under its `ref`."""
    store, records = call.store, call.body("records")["records"]
    verb = call.parameters["verb"]
    if verb not in ("create", "update", "archive", "delete"):
        raise errors.no_route()
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise errors.invalid_request(message="'records' must be a list of objects.")
    if len(records) > MAX_BATCH:
        raise ApiError(400, "too_many_records", f"At most {MAX_BATCH} records.")
    return json_reply(200, {"results": [_one_of_a_batch(store, verb, one) for one in records]})


def _one_of_a_batch(store: Store, verb: str, given: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"ref": given.get("ref")}
    try:
        if verb == "create":
            record = store.create(_fields(given))
        elif verb == "update":
            record = store.update(given.get("id"), _fields(given))
        else:
            record = (store.archive if verb == "archive" else store.delete)(given.get("id"))
    except ApiError as error:
        return answer | error.body()
    return answer | {"id": record.id}


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    fields = body.get("fields")
    if not isinstance(fields, dict):
        raise errors.invalid_request(message="'fields' must be an object.")
    return fields


def _rendered(record: Record) -> dict[str, Any]:
    return {"id": record.id, "fields": record.fields}


ROUTES: list[Route[Action]] = [
    Route("POST", OBJECT + "/batch/{verb}", batch),
    Route("POST", OBJECT + "/search", search),
    Route("POST", OBJECT + "/records", create),
    Route("GET", RECORD, show),
    Route("PATCH", RECORD, change),
    Route("DELETE", RECORD, remove),
    Route("GET", OBJECT, describe),
    Route("GET", ROOT + "/objects", list_objects),
    Route("GET", ROOT + "/account", get_account),
]


class {{cookiecutter.class_name}}:
    """Answers the paths of {{cookiecutter.title}} from one account."""

    name = VENDOR

    def __init__(
        self, seed: dict[str, Any] | None, journal: Journal, clock: Callable[[], float], faults: FaultPlan
    ) -> None:
        del faults  # each is decided once per request here
        self._seed = seed or {}
        self._journal = journal
        self._clock = clock
        self._router: Router[Action] = Router(ROUTES)
        self.reset()

    def stop(self) -> None:
        """Do nothing: nothing goes on between two requests."""

    def reset(self) -> None:
        """Go back to the seeded account; limits too."""
        self.account = Account(self._journal, self._clock)
        self._uses: dict[str, int] = {}
        seeding.apply(self.account, self._seed)

    def owns(self, path: str) -> bool:
        """Whether a path belongs to this vendor."""
        return path.startswith(ROOT + "/")

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
        with self.account.lock:
            try:
                self._check_token(request.headers.get("authorization", ""))
                reply = self._routed(request)
            except ApiError as error:
                reply = error.reply()
            reply.headers.update(self.account.limits.headers())
        return reply

    def _check_token(self, authorization: str) -> None:
        """Any token is good, but for those that begin with `invalid` or `expiring`."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip() or token.startswith("invalid"):
            raise errors.invalid_token()
        if token.startswith("expiring"):
            self._uses[token] = self._uses.get(token, 0) + 1
            if self._uses[token] > USES_BEFORE_EXPIRY:
                raise errors.expired_token()

    def _routed(self, request: Request) -> Reply:
        refusal = self.account.limits.refusal()
        if refusal is not None:
            return refusal.reply(Retry_After="1")
        match = self._router.match(request.method, request.path)
        if match is None:
            raise errors.no_route()
        return match.route.action(Call(self.account, request, match.parameters))

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
        """Return the number of live records per object."""
        with self.account.lock:
            return {name: store.live_count for name, store in self.account.stores.items()}

    def records(self, object_name: str, after: int, limit: int) -> tuple[list[dict[str, Any]], int | None]:
        """Return records of an object, archived ones too, in the order in which they came.

        Raises:
            ApiError: There is no such object.
        """
        with self.account.lock:
            store = self.account.store(object_name)
            found = [one for one in store.records.values() if one.number >= after]
            cursor = found[limit].number if len(found) > limit else None
            return [one.shown() for one in found[:limit]], cursor

    def latest(self) -> Iterator[dict[str, Any]]:
        """Yield the records that were written last, newest first, each once."""
        with self.account.lock:
            newest = {record.id: (store, record) for store, record in self.account.latest}
            shown = [{"vendor": VENDOR, "object": store.name, **one.shown()} for store, one in newest.values()]
        yield from reversed(shown)

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

    def set_lag(self, seconds: float) -> None:
        """Refuse: every read is immediate.

        Raises:
            LimitsError: Always, unless the lag is none.
        """
        if seconds:
            msg = f"Lag of {VENDOR}: expected 0; its reads are immediate."
            raise LimitsError(msg)

    def dump(self) -> dict[str, Any]:
        """Return the account as JSON values."""
        with self.account.lock:
            return seeding.dump(self.account)

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over a dumped account."""
        with self.account.lock:
            seeding.load(self.account, dumped)


SIMULATED = {{cookiecutter.class_name}}
