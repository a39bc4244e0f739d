"""Properties that HubSpot sets by itself when a record is created or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saas_simulators.hubspot.definitions import ObjectType

APP_ID = "1024738"
# What an update's echo holds beside the properties that were sent.
# source: captured bodies amp-labs 2025; recordings captaincontrat (tickets, PATCH)
ECHOED = ("hs_object_id", "hs_object_source", "hs_object_source_id", "hs_object_source_label")


def on_create(object_type: ObjectType, written: dict[str, str], record_id: str, moment: str) -> dict[str, str]:
    """Return the first properties of a record: what was sent, and what HubSpot adds."""
    sent = {name: value for name, value in written.items() if value}
    return {
        **_defaults(object_type, record_id),
        object_type.created: moment,
        object_type.modified: moment,
        "hs_object_id": record_id,
        "hs_object_source": "INTEGRATION",
        "hs_object_source_id": APP_ID,
        "hs_object_source_label": "INTEGRATION",
        **sent,
        **on_update(object_type, sent),
    }


def on_update(object_type: ObjectType, changes: dict[str, str]) -> dict[str, str]:
    """Return what follows from changed properties."""
    if object_type.type_id == "0-1" and "email" in changes:
        return {"hs_email_domain": changes["email"].rpartition("@")[2]}
    return {}


def _defaults(object_type: ObjectType, record_id: str) -> dict[str, str]:
    """Return the values that a new record has when none are sent."""
    if object_type.type_id == "0-1":
        # source: captured bodies amp-labs 2025
        return {
            "hs_all_contact_vids": record_id,
            "hs_is_contact": "true",
            "hs_is_unworked": "true",
            "hs_pipeline": "contacts-lifecycle-pipeline",
            "lifecyclestage": "lead",
        }
    defaults = {}
    if object_type.pipeline and object_type.pipelines:
        # source: HubSpot docs "Deals": without a pipeline the default one is used
        defaults[object_type.pipeline] = next(iter(object_type.pipelines))
    if object_type.type_id == "0-5":
        defaults["hs_ticket_id"] = record_id
    return defaults
