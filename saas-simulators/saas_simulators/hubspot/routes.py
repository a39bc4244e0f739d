"""Every path of HubSpot that the simulator answers, one table per resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.hubspot import (
    association_labels,
    associations,
    batch,
    directory,
    lists,
    properties,
    schemas,
    search,
    single,
)
from saas_simulators.routing import Route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from saas_simulators.hubspot.calls import Action

    Line = tuple[str, str, Action]

# source: HubSpot docs "API versioning"; 2026-09 is current, the paths without a date stay until 2027
VERSIONS = ("v3", "2026-03", "2026-09")

DATED = VERSIONS[1:]

OBJECTS: tuple[Line, ...] = (
    ("POST", "/{object_type}/batch/upsert", batch.upsert),
    ("POST", "/{object_type}/batch/update", batch.update),
    ("POST", "/{object_type}/batch/create", batch.create),
    ("POST", "/{object_type}/batch/read", batch.read),
    ("POST", "/{object_type}/batch/archive", batch.archive),
    ("POST", "/{object_type}/search", search.search),
    ("POST", "/{object_type}/merge", single.merge),
    ("POST", "/{object_type}/gdpr-delete", single.gdpr_delete),
    ("POST", "/{object_type}", single.create),
    ("GET", "/{object_type}", single.listing),
    ("GET", "/{object_type}/{record_id}", single.get),
    ("PATCH", "/{object_type}/{record_id}", single.update),
    ("DELETE", "/{object_type}/{record_id}", single.archive),
)
PROPERTIES: tuple[Line, ...] = (
    ("POST", "/{object_type}/batch/create", properties.batch_create),
    ("POST", "/{object_type}/batch/read", properties.batch_read),
    ("POST", "/{object_type}/batch/archive", properties.batch_archive),
    ("GET", "/{object_type}/groups", properties.groups),
    ("POST", "/{object_type}/groups", properties.create_group),
    ("GET", "/{object_type}/groups/{name}", properties.group),
    ("PATCH", "/{object_type}/groups/{name}", properties.update_group),
    ("DELETE", "/{object_type}/groups/{name}", properties.archive_group),
    ("GET", "/{object_type}", properties.listing),
    ("POST", "/{object_type}", properties.create),
    ("GET", "/{object_type}/{name}", properties.get),
    ("PATCH", "/{object_type}/{name}", properties.update),
    ("DELETE", "/{object_type}/{name}", properties.archive),
)
SCHEMAS: tuple[Line, ...] = (
    ("GET", "", schemas.listing),
    ("POST", "", schemas.create),
    ("GET", "/{object_type}", schemas.get),
    ("DELETE", "/{object_type}", schemas.archive),
)
OWNERS: tuple[Line, ...] = (("GET", "", directory.owners), ("GET", "/{owner_id}", directory.owner))
PIPELINES: tuple[Line, ...] = (
    ("GET", "/{object_type}", directory.pipelines),
    ("GET", "/{object_type}/{pipeline_id}", directory.pipeline),
    ("GET", "/{object_type}/{pipeline_id}/stages", directory.stages),
)
ACCOUNT: tuple[Line, ...] = (
    ("GET", "/details", directory.details),
    ("GET", "/api-usage/daily/private-apps", directory.daily_usage),
)
ASSOCIATIONS: tuple[Line, ...] = (
    ("POST", "/{object_type}/{to_type}/batch/create", associations.create),
    ("POST", "/{object_type}/{to_type}/batch/associate/default", associations.create_default),
    ("POST", "/{object_type}/{to_type}/batch/read", associations.read),
    ("POST", "/{object_type}/{to_type}/batch/archive", associations.archive),
    ("POST", "/{object_type}/{to_type}/batch/labels/archive", associations.archive_labels),
    ("GET", "/{object_type}/{to_type}/labels", association_labels.listing),
    ("POST", "/{object_type}/{to_type}/labels", association_labels.create),
    ("PUT", "/{object_type}/{to_type}/labels", association_labels.update),
    ("DELETE", "/{object_type}/{to_type}/labels/{association_type_id}", association_labels.delete),
)
LISTS: tuple[Line, ...] = (
    ("POST", "/search", lists.search),
    ("POST", "/records/memberships/batch/read", lists.of_records),
    ("GET", "/records/{list_type}/{record_id}/memberships", lists.of_record),
    ("POST", "", lists.create),
    ("GET", "", lists.listing),
    ("PUT", "/{list_id}/memberships/add", lists.add),
    ("PUT", "/{list_id}/memberships/remove", lists.remove),
    ("PUT", "/{list_id}/memberships/add-and-remove", lists.add_and_remove),
    ("GET", "/{list_id}/memberships", lists.members),
    ("PUT", "/{list_id}/update-list-name", lists.rename),
    ("PUT", "/{list_id}/restore", lists.restore),
    ("GET", "/object-type-id/{list_type}/name/{name}", lists.get_by_name),
    ("GET", "/{list_id}", lists.get),
    ("DELETE", "/{list_id}", lists.delete),
)
RECORD_ASSOCIATIONS: tuple[Line, ...] = (
    ("PUT", "/{object_type}/{record_id}/associations/default/{to_type}/{to_id}", associations.put_default),
    ("PUT", "/{object_type}/{record_id}/associations/{to_type}/{to_id}", associations.put),
    ("DELETE", "/{object_type}/{record_id}/associations/{to_type}/{to_id}", associations.delete),
    ("GET", "/{object_type}/{record_id}/associations/{to_type}", associations.listing),
)
# resource -> its table, its dated path, its legacy path where that differs in more than the version
RESOURCES: tuple[tuple[tuple[Line, ...], str, str | None], ...] = (
    (OBJECTS, "/crm/objects/{version}", "/crm/v3/objects"),
    (PROPERTIES, "/crm/properties/{version}", "/crm/v3/properties"),
    (SCHEMAS, "/crm-object-schemas/{version}/schemas", "/crm/v3/schemas"),
    (LISTS, "/crm/lists/{version}", "/crm/v3/lists"),
    (OWNERS, "/crm/owners/{version}", "/crm/v3/owners"),
    (PIPELINES, "/crm/pipelines/{version}", "/crm/v3/pipelines"),
    (ACCOUNT, "/account-info/{version}", None),
)
# What has another shape under v3, and is left out there.
V4_RESOURCES: tuple[tuple[tuple[Line, ...], str, str], ...] = (
    (ASSOCIATIONS, "/crm/associations/{version}", "/crm/v4/associations"),
    (RECORD_ASSOCIATIONS, "/crm/objects/{version}", "/crm/v4/objects"),
)
INTROSPECTION_PATHS = tuple(f"/oauth/{version}/token/introspect" for version in VERSIONS)
PRIVATE_APP_PATH = "/oauth/v2/private-apps/get/access-token-info"
ACCESS_TOKENS_PATH = "/oauth/v1/access-tokens/"
TOKEN_PATHS = ("/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token", "/oauth/2026-09/token")


def routes() -> list[Route[Action]]:
    """Return the routes of all resources, on dated and legacy paths, the busiest first."""
    found: list[Route[Action]] = []
    for lines, dated, legacy in RESOURCES:
        bases = [dated.replace("{version}", version) for version in VERSIONS]
        found += _table(lines, [legacy, *bases] if legacy else bases)
    for lines, dated, legacy in V4_RESOURCES:
        found += _table(lines, [legacy, *(dated.replace("{version}", version) for version in DATED)])
    return found


def _table(lines: Iterable[Line], bases: list[str]) -> list[Route[Action]]:
    return [Route(method, base + path, action) for method, path, action in lines for base in bases]
