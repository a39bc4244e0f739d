"""target-mailchimp as a process."""

from __future__ import annotations

from conformance.command import BaseCommand


class TestCommand(BaseCommand):
    """What users, Meltano and schedulers see."""

    credential = "api_key"
    address = "api_url"
    account_route = "/3.0"
