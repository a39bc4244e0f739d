"""What describes the account: owners, pipelines, account information."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.exchange import Reply, json_reply
from saas_simulators.hubspot.definitions import ACCOUNT_BORN
from saas_simulators.hubspot.errors import MissingError
from saas_simulators.hubspot.values import DAY_MS, iso

if TYPE_CHECKING:
    from saas_simulators.hubspot.calls import Call

MAX_OWNERS = 500
# source: names of the default pipelines' ends; the probability of the stages between is made up
CLOSED = {"closedwon": "1.0", "closedlost": "0.0"}


def owners(call: Call) -> Reply:
    """Return one page of owners, filtered by e-mail."""
    # source: recording captaincontrat v3_owners.json; an unknown e-mail gives an empty list
    email = call.option("email").lower()
    after = call.option("after", "0")
    limit = call.number("limit", 100, most=MAX_OWNERS)
    chosen = [
        owner
        for owner in call.account.owners.values()
        if owner["archived"] == call.flag("archived") and (not email or owner["email"].lower() == email)
    ]
    start = int(after) if after.isdigit() else 0
    body: dict[str, Any] = {"results": chosen[start : start + limit]}
    if start + limit < len(chosen):
        body["paging"] = {"next": {"after": str(start + limit)}}
    return json_reply(200, body)


def owner(call: Call) -> Reply:
    """Return one owner."""
    found = call.account.owners.get(call.parameters["owner_id"])
    if found is None:
        raise MissingError
    return json_reply(200, found)


def pipelines(call: Call) -> Reply:
    """Return the pipelines of an object type."""
    return json_reply(200, {"results": _pipelines(call)})


def pipeline(call: Call) -> Reply:
    """Return one pipeline."""
    return json_reply(200, _pipeline(call))


def stages(call: Call) -> Reply:
    """Return the stages of one pipeline."""
    return json_reply(200, {"results": _pipeline(call)["stages"]})


def details(call: Call) -> Reply:
    """Return what the account says about itself."""
    # source: HubSpot docs "Account information" (keys)
    body = {
        "portalId": call.account.portal_id,
        "accountType": "STANDARD",
        "timeZone": "UTC",
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": "+00:00",
        "utcOffsetMilliseconds": 0,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }
    return json_reply(200, body)


def daily_usage(call: Call) -> Reply:
    """Return how much of the daily quota is used."""
    # source: HubSpot docs "Account information" (keys)
    now_ms = call.account.now_ms()
    quota = call.account.limits.daily
    usage = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": quota.limit,
        "currentUsage": quota.used,
        "collectedAt": iso(now_ms),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso(now_ms - now_ms % DAY_MS + DAY_MS),
    }
    return json_reply(200, {"results": [usage]})


def _pipelines(call: Call) -> list[dict[str, Any]]:
    table = call.store.type.pipelines
    return [_shown(order, key, spec) for order, (key, spec) in enumerate(table.items())]


def _pipeline(call: Call) -> dict[str, Any]:
    for shown in _pipelines(call):
        if shown["id"] == call.parameters["pipeline_id"]:
            return shown
    raise MissingError


def _shown(order: int, key: str, spec: dict[str, Any]) -> dict[str, Any]:
    # source: HubSpot API reference "Pipelines" (keys)
    dates = {"createdAt": ACCOUNT_BORN, "updatedAt": ACCOUNT_BORN, "archived": False}
    return {
        "label": spec["label"],
        "displayOrder": order,
        "id": key,
        "stages": [
            {
                "label": label,
                "displayOrder": position,
                "metadata": {"isClosed": str(stage in CLOSED).lower(), "probability": CLOSED.get(stage, "0.4")},
                "id": stage,
                **dates,
                "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
            }
            for position, (stage, label) in enumerate(spec["stages"].items())
        ],
        **dates,
    }
