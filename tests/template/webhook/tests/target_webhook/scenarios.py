"""What tests of all targets write to a webhook: kills, and the wheel that is installed alone."""

from __future__ import annotations

from scenario import Scenario

SCENARIOS = {
    "webhook-contacts": Scenario(
        vendor="webhook",
        object_name="contacts",
        key_field="customer_id",
        text_field="city",
        required={},
        settings={"access_token": "token-kill", "api_url": "{url}", "check_path": "/webhook/status"}
        | {
            "objects": {
                "contacts": {"path": "/webhook/hooks/{object}", "key": "customer_id", "fields": {"city": "string"}}
            }
        },
        write_paths=("/webhook/hooks/*",),
        is_brief=True,
    )
}
