"""target-webhook as a process."""

from __future__ import annotations

from conformance.command import BaseCommand


class TestCommand(BaseCommand):
    """What users, Meltano and schedulers see."""

    credential = "access_token"
    address = "api_url"
    account_route = "/webhook/status"
