"""The paths of Bulk API 2.0 ingest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saas_simulators.routing import Route
from saas_simulators.salesforce.bulk import ingest

if TYPE_CHECKING:
    from saas_simulators.salesforce.calls import Action

BASE = "/services/data/v{version}/jobs/ingest"


def bulk_routes() -> list[Route[Action]]:
    """Return the routes of ingest jobs, the busiest first."""
    return [
        Route("GET", BASE + "/{job_id}", ingest.info),
        Route("POST", BASE, ingest.create),
        Route("PUT", BASE + "/{job_id}/batches", ingest.upload),
        Route("PATCH", BASE + "/{job_id}", ingest.change_state),
        Route("GET", BASE + "/{job_id}/{file}", ingest.result_file),
        Route("GET", BASE, ingest.listing),
        Route("DELETE", BASE + "/{job_id}", ingest.delete),
    ]
