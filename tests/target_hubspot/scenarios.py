"""What tests of all targets write to HubSpot."""

from __future__ import annotations

from typing import Any

from scenario import Scenario

_HUBSPOT: dict[str, Any] = {
    "vendor": "hubspot",
    "key_field": "customer_id",
    "settings": {"access_token": "pat-kill", "api_url": "{url}"},
    "write_paths": ("*/batch/create", "*/batch/update", "*/batch/upsert"),
}
_DEAL = {"dealname": "Deal {key}", "dealstage": "appointmentscheduled"}
SCENARIOS = {
    "contacts": Scenario(
        object_name="contacts",
        text_field="city",
        required={"email": "{key}@example.com"},
        is_brief=True,
        **_HUBSPOT,
    ),
    "deals": Scenario(object_name="deals", text_field="description", required=_DEAL, **_HUBSPOT),
    "created-deals": Scenario(
        object_name="deals",
        text_field="description",
        required=_DEAL,
        load_method="create",
        is_brief=True,
        **_HUBSPOT,
    ),
}
