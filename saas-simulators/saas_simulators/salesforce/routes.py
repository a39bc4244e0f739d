"""Every path of Salesforce that the simulator answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.routing import Route
from saas_simulators.salesforce import describe, query, resources, rows, sobject_collections
from saas_simulators.salesforce.bulk.routes import bulk_routes

if TYPE_CHECKING:
    from saas_simulators.salesforce.calls import Action

    Line = tuple[str, str, Action]

VERSIONS_PATH = "/services/data"
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
REVOKE_PATH = "/services/oauth2/revoke"
SOAP_PREFIX = "/services/Soap/"
# Paths whose bodies hold credentials.
SECRET_PREFIXES = ("/services/oauth2/", SOAP_PREFIX)
BASE = "/services/data/v{version}"

LINES: tuple[Line, ...] = (
    ("PATCH", "/composite/sobjects/{object}/{field}", sobject_collections.upsert),
    ("GET", "/composite/sobjects/{object}", sobject_collections.retrieve),
    ("POST", "/composite/sobjects/{object}", sobject_collections.retrieve),
    ("POST", "/composite/sobjects", sobject_collections.create),
    ("PATCH", "/composite/sobjects", sobject_collections.update),
    ("DELETE", "/composite/sobjects", sobject_collections.delete),
    ("GET", "/composite", resources.composite_resources),
    ("GET", "/query", query.query),
    ("GET", "/queryAll", query.query_all),
    ("GET", "/query/{locator}", query.more),
    ("GET", "/queryAll/{locator}", query.more),
    ("GET", "/sobjects", describe.everything),
    ("GET", "/sobjects/{object}/describe", describe.one),
    ("POST", "/sobjects/{object}/Id", rows.create_by_id),
    ("PATCH", "/sobjects/{object}/{field}/{value}", rows.upsert),
    ("GET", "/sobjects/{object}/{field}/{value}", rows.get_by_key),
    ("DELETE", "/sobjects/{object}/{field}/{value}", rows.delete_by_key),
    ("PATCH", "/sobjects/{object}/{id}", rows.update),
    ("GET", "/sobjects/{object}/{id}", rows.get),
    ("DELETE", "/sobjects/{object}/{id}", rows.delete),
    ("POST", "/sobjects/{object}", rows.create),
    ("GET", "/sobjects/{object}", describe.basics),
    ("GET", "/limits", resources.limits),
    ("GET", "/limits/recordCount", resources.record_count),
    ("GET", "", resources.resources),
)


def routes() -> list[Route[Action]]:
    """Return the routes of all resources, bulk jobs included."""
    return [
        *(Route(method, BASE + path, action) for method, path, action in LINES),
        *bulk_routes(),
        Route("GET", VERSIONS_PATH, resources.versions),
        Route("GET", "/services/oauth2/userinfo", resources.user_info),
        Route("POST", "/services/oauth2/userinfo", resources.user_info),
        Route("GET", "/id/{org}/{user}", resources.user_info),
    ]
