"""What an org says of itself: versions, resources, limits, its user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saas_simulators.salesforce.calls import json_ok
from saas_simulators.salesforce.errors import SalesforceError
from saas_simulators.salesforce.tokens import own_url

if TYPE_CHECKING:
    from saas_simulators.exchange import Reply
    from saas_simulators.salesforce.calls import Call

OLDEST = 31  # source: RESTPDF: v21 to v30 retired with Summer '25
NEWEST = 68  # source: platform guide "dome-upsert", samples of v68.0
SEASONS = ("Spring", "Summer", "Winter")
SPRING_26 = 66  # source: release notes


def label(version: int) -> str:
    """Return the release that brought a version.

    >>> [label(version) for version in (31, 64, 65, 66, 67, 68)]
    ["Summer '14", "Summer '25", "Winter '26", "Spring '26", "Summer '26", "Winter '27"]
    """
    years, season = divmod(version - SPRING_26, 3)
    year = 26 + years + (season == SEASONS.index("Winter"))
    return f"{SEASONS[season]} '{year}"


def versions(call: Call) -> Reply:
    """`GET /services/data`, for everybody."""
    del call
    found = range(OLDEST, NEWEST + 1)
    return json_ok([{"label": label(one), "url": f"/services/data/v{one}.0", "version": f"{one}.0"} for one in found])


def check_version(text: str) -> None:
    """Refuse versions that are no more, or not yet.

    Raises:
        SalesforceError: 410 or 404.
    """
    number = text.removesuffix(".0")
    version = int(number) if number.isdigit() and text != number else 0
    if not version or version > NEWEST:
        raise SalesforceError(404, "NOT_FOUND", "The requested resource does not exist")
    if version < OLDEST:
        # source: RESTPDF (status and code); the text follows the release notes
        raise SalesforceError(410, "UNSUPPORTED_API_VERSION", f"API version {text} is no longer supported.")


def resources(call: Call) -> Reply:
    """`GET /services/data/vNN.0`."""
    names = ("sobjects", "query", "queryAll", "composite", "limits", "jobs")
    return json_ok({name: f"{call.base}/{name}" for name in names})


def limits(call: Call) -> Reply:
    """`GET /limits`."""
    return json_ok(call.org.limits.overview(call.org.jobs.batches))


def record_count(call: Call) -> Reply:
    """`GET /limits/recordCount?sObjects=`."""
    # source: recording cumulusci
    asked = [name for name in call.option("sObjects").split(",") if name] or list(call.org.objects)
    stores = [call.org.store(name) for name in asked if call.org.has_object(name)]
    return json_ok({"sObjects": [{"count": store.live_count, "name": store.name} for store in stores]})


def user_info(call: Call) -> Reply:
    """`GET /services/oauth2/userinfo`, and the identity URL of a token answer."""
    org = call.org
    user = org.store("User").records[org.user_id].values
    # source: RESTPDF "OpenID Connect userinfo" (keys; a selection), sf CLI
    shown: dict[str, Any] = {
        "sub": f"{own_url(call.request)}/id/{org.id}/{org.user_id}",
        "user_id": org.user_id,
        "organization_id": org.id,
        "preferred_username": user["Username"],
        "username": user["Username"],
        "nickname": user.get("Alias"),
        "name": user["Name"],
        "display_name": user["Name"],
        "email": user["Email"],
        "email_verified": True,
        "active": True,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "urls": {"rest": f"{own_url(call.request)}/services/data/v{{version}}/"},
    }
    return json_ok(shown)


def composite_resources(call: Call) -> Reply:
    """`GET /composite`."""
    return json_ok({"sobjects": f"{call.base}/composite/sobjects"})
