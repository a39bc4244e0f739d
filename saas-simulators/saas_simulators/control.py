"""The control surface under `/_simulator`, and the page at `/`."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import HTML_TYPE, Reply, Request, decode_json, json_reply
from saas_simulators.faults import KINDS, FaultRuleError
from saas_simulators.limits import LimitsError
from saas_simulators.routing import Route, Router

if TYPE_CHECKING:
    from collections.abc import Callable

    from saas_simulators.simulation import Simulation, Vendor

    Action = Callable[[Simulation, Request, dict[str, str]], Reply]

PREFIX = "/_simulator"
MAX_PAGE = 10_000
PAGE_ROWS = 25
# The page shows what clients sent: no script but its own may run, and nothing is loaded from elsewhere.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


class ControlError(ValueError):
    """A request to the control surface cannot be served; the message says what to send instead."""


def owns(path: str) -> bool:
    """Whether a path is the page or part of the control surface."""
    return path == "/" or path.startswith(PREFIX + "/")


def respond(simulation: Simulation, request: Request) -> Reply:
    """Answer the page or the control surface."""
    match = ROUTER.match(request.method, request.path)
    if match is None:
        known = ", ".join(f"{route.method} {route.template}" for route in ROUTES)
        return json_reply(404, {"error": f"No such control path. Known: {known}"})
    try:
        return match.route.action(simulation, request, match.parameters)
    except (ControlError, FaultRuleError, LimitsError) as error:
        return json_reply(400, {"error": str(error)})


def page(_: Simulation, __: Request, ___: dict[str, str]) -> Reply:
    """Return the page for people."""
    html = files(__package__).joinpath("page.html").read_bytes()
    return Reply(200, html, HTML_TYPE, {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-store"})


def overview(simulation: Simulation, _: Request, __: dict[str, str]) -> Reply:
    """Return what the page shows."""
    now = simulation.clock()
    latest = [record for vendor in simulation.vendors for record in vendor.latest()]
    latest.sort(key=lambda record: str(record["updatedAt"]), reverse=True)
    body = {
        "now": now,
        "counts": {vendor.name: vendor.counts() for vendor in simulation.vendors},
        "latest": latest[:PAGE_ROWS],
        "requests": [seen.as_json() for seen in simulation.traffic.last(PAGE_ROWS)],
        "request_counts": simulation.traffic.counts(),
        "per_second": simulation.traffic.per_second(now),
        "journal": [entry.as_json() for entry in simulation.journal.tail(PAGE_ROWS)],
        "journal_length": len(simulation.journal),
        "faults": [rule.as_json() for rule in simulation.faults.rules],
        "fault_counts": simulation.traffic.fault_counts(),
        "limits": {vendor.name: vendor.limits() for vendor in simulation.vendors},
    }
    return json_reply(200, body, {"Cache-Control": "no-store"})


def journal(simulation: Simulation, request: Request, _: dict[str, str]) -> Reply:
    """Return side effects after `since`, oldest first."""
    since = _number(request, "since", 0)
    limit = _number(request, "limit", MAX_PAGE)
    entries = simulation.journal.since(since, limit)
    last = entries[-1].sequence if entries else since
    body = {"entries": [entry.as_json() for entry in entries], "last": last, "total": len(simulation.journal)}
    return json_reply(200, body)


def faults(simulation: Simulation, _: Request, __: dict[str, str]) -> Reply:
    """Return the rules in force with their counters, and the kinds there are."""
    return json_reply(200, {"faults": [rule.as_json() for rule in simulation.faults.rules], "kinds": KINDS})


def put_faults(simulation: Simulation, request: Request, parameters: dict[str, str]) -> Reply:
    """Replace all rules."""
    simulation.faults.replace(_json(request))
    return faults(simulation, request, parameters)


def reset(simulation: Simulation, _: Request, __: dict[str, str]) -> Reply:
    """Go back to the seed: records, journal, requests, faults, limits, lag."""
    simulation.reset()
    return json_reply(200, {"reset": True})


def requests(simulation: Simulation, request: Request, _: dict[str, str]) -> Reply:
    """Return counts by route and status, and the last requests; `bodies=true` adds what was sent."""
    with_body = request.query.get("bodies", [""])[-1] == "true"
    counts = simulation.traffic.counts()
    last = [seen.as_json(with_body=with_body) for seen in simulation.traffic.last(_number(request, "last", 50))]
    total = sum(count["count"] for count in counts)
    body = {"total": total, "counts": counts, "faults": simulation.traffic.fault_counts(), "last": last}
    return json_reply(200, body)


def records(simulation: Simulation, request: Request, parameters: dict[str, str]) -> Reply:
    """Return one page of records with all of their properties, archived ones too."""
    vendor = _vendor(simulation, parameters["vendor"])
    limit = max(1, min(MAX_PAGE, _number(request, "limit", 1000)))
    try:
        found, cursor = vendor.records(parameters["object"], _number(request, "after", 0), limit)
    except Exception as error:  # noqa: BLE001 - each vendor has its own class for an unknown object
        raise ControlError(str(error)) from None
    return json_reply(200, {"records": found, "next": cursor})


def limits(simulation: Simulation, _: Request, __: dict[str, str]) -> Reply:
    """Return the limits in force."""
    return json_reply(200, {vendor.name: vendor.limits() for vendor in simulation.vendors})


def put_limits(simulation: Simulation, request: Request, parameters: dict[str, str]) -> Reply:
    """Set limits per vendor; `{"hubspot": {"enabled": false}}` switches all of them off."""
    for vendor, settings in _per_vendor(simulation, request):
        vendor.set_limits(settings)
    return limits(simulation, request, parameters)


def put_scopes(simulation: Simulation, request: Request, _: dict[str, str]) -> Reply:
    """Set which scopes HubSpot's tokens have: `{"hubspot": {"<token>": [...]}}`; null lets a token do all again."""
    body = _json(request)
    granted = body.get("hubspot") if isinstance(body, dict) and len(body) == 1 else None
    if not isinstance(granted, dict) or not all(names is None or _are_texts(names) for names in granted.values()):
        msg = 'Scopes: expected {"hubspot": {"<token>": [<names>] or null}}; no other vendor has scopes.'
        raise ControlError(msg)
    simulation.hubspot.limit_tokens(granted)
    return json_reply(200, {"tokens": len(granted)})


def put_lag(simulation: Simulation, request: Request, _: dict[str, str]) -> Reply:
    """Set the seconds by which search stays behind writes, per vendor."""
    chosen = _per_vendor(simulation, request)
    for vendor, settings in chosen:
        seconds = settings.get("search_seconds") if isinstance(settings, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
            msg = f'Lag of {vendor.name}: expected {{"search_seconds": <seconds, 0 or more>}}.'
            raise ControlError(msg)
        vendor.set_lag(seconds)
    return json_reply(200, {vendor.name: settings for vendor, settings in chosen})


def _are_texts(names: object) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _json(request: Request) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return decode_json(request.body)
    except ValueError:
        msg = "The body is not JSON."
        raise ControlError(msg) from None


def _per_vendor(simulation: Simulation, request: Request) -> list[tuple[Vendor, Any]]:
    body = _json(request)
    if not isinstance(body, dict):
        names = ", ".join(vendor.name for vendor in simulation.vendors)
        msg = f"Expected an object with one entry per vendor: {names}."
        raise ControlError(msg)
    return [(_vendor(simulation, name), settings) for name, settings in body.items()]


def _vendor(simulation: Simulation, name: str) -> Vendor:
    found = simulation.vendor(name)
    if found is None:
        names = ", ".join(vendor.name for vendor in simulation.vendors)
        msg = f"No vendor '{name}'. Known: {names}."
        raise ControlError(msg)
    return found


def _number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, [str(default)])[-1]
    if not text.isdigit():
        msg = f"'{name}' must be a whole number, not negative."
        raise ControlError(msg)
    return int(text)


ROUTES: list[Route[Action]] = [
    Route("GET", "/", page),
    Route("GET", f"{PREFIX}/overview", overview),
    Route("GET", f"{PREFIX}/journal", journal),
    Route("GET", f"{PREFIX}/faults", faults),
    Route("PUT", f"{PREFIX}/faults", put_faults),
    Route("POST", f"{PREFIX}/reset", reset),
    Route("GET", f"{PREFIX}/requests", requests),
    Route("GET", f"{PREFIX}/records/{{vendor}}/{{object}}", records),
    Route("GET", f"{PREFIX}/limits", limits),
    Route("PUT", f"{PREFIX}/limits", put_limits),
    Route("PUT", f"{PREFIX}/lag", put_lag),
    Route("PUT", f"{PREFIX}/scopes", put_scopes),
]
ROUTER: Router[Action] = Router(ROUTES)
