"""target-salesforce as a process."""

from __future__ import annotations

from typing import Any, ClassVar

from conformance.command import BaseCommand, BaseDailyQuota


class TestCommand(BaseCommand):
    """What users, Meltano and schedulers see."""

    credential = "access_token"
    address = "instance_url"
    account_route = "/query"


class TestDailyQuota(BaseDailyQuota):
    """When the day's requests are used up."""

    used_up: ClassVar[dict[str, Any]] = {"salesforce": {"daily": 1000, "daily_used": 1000}}
    come_back = "Run again later"
