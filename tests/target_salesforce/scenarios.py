"""What tests of all targets write to Salesforce."""

from __future__ import annotations

from typing import Any

from scenario import Scenario

_SALESFORCE: dict[str, Any] = {
    "vendor": "salesforce",
    "object_name": "Account",
    "key_field": "External_Id__c",
    "text_field": "Description",
    "required": {"Name": "Account {key}"},
}
_LOGIN = {"access_token": "00Dkill!token", "instance_url": "{url}"}
COLLECTIONS = ("*/composite/sobjects*",)
JOBS = ("*/jobs/ingest*",)
JOB_POINTS = ("job_opened", "job_uploading", "job_submitted", "job_ended")
_REST: dict[str, Any] = {"settings": {**_LOGIN, "api": "rest"}, "write_paths": COLLECTIONS}
_BULK: dict[str, Any] = {"settings": {**_LOGIN, "api": "bulk"}, "write_paths": JOBS, "points": JOB_POINTS}
SCENARIOS = {
    "accounts": Scenario(is_brief=True, **_REST, **_SALESFORCE),
    "created-accounts": Scenario(load_method="create", **_REST, **_SALESFORCE),
    "bulk-accounts": Scenario(is_brief=True, **_BULK, **_SALESFORCE),
    "created-bulk-accounts": Scenario(load_method="create", **_BULK, **_SALESFORCE),
    # By a field whose values may repeat: nothing but the ledger keeps them from being created twice.
    "created-bulk-contacts": Scenario(
        vendor="salesforce",
        object_name="Contact",
        key_field="Email",
        key_template="{key}@example.com",
        text_field="MailingCity",
        required={"LastName": "Person {key}"},
        load_method="create",
        is_brief=True,
        **_BULK,
    ),
}
