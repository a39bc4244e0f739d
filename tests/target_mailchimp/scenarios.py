"""What tests of all targets write to Mailchimp."""

from __future__ import annotations

from dataclasses import replace

from scenario import Scenario

_MEMBERS = Scenario(
    vendor="mailchimp",
    object_name="demo0000aa",
    key_field="email_address",
    text_field="FNAME",
    required={},
    settings={"api_key": "kill-us1", "api_url": "{url}"},
    write_paths=("/3.0/lists/demo0000aa",),
    key_template="{key}@shop.example",
    greeting="welcome_mail",
    is_brief=True,
)
SCENARIOS = {"members": _MEMBERS, "created-members": replace(_MEMBERS, load_method="create")}
