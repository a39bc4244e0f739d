"""What tests of all targets write to {{cookiecutter.title}}: kills, and the wheel that is installed alone."""

from __future__ import annotations

from dataclasses import replace

from scenario import Scenario

# Skeleton: the object, fields and paths of the skeleton's API.
_CONTACTS = Scenario(
    vendor="{{cookiecutter.name}}",
    object_name="contacts",
    key_field="customer_id",
    text_field="city",
    required={"email": "{key}@example.com"},
    settings={"access_token": "token-kill", "api_url": "{url}"},
    write_paths=("*/batch/create", "*/batch/update"),
    removal_paths=("*/batch/archive",),
    greeting="record_created",
    is_brief=True,
)
SCENARIOS = {
    "{{cookiecutter.name}}-contacts": _CONTACTS,
    "{{cookiecutter.name}}-created-contacts": replace(_CONTACTS, load_method="create", removal_paths=(), is_brief=False),
}
