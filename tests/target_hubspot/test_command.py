"""target-hubspot as a process."""

from __future__ import annotations

from typing import Any, ClassVar

from conformance.command import BaseCommand, BaseDailyQuota


class TestCommand(BaseCommand):
    """What users, Meltano and schedulers see."""

    credential = "access_token"
    address = "api_url"
    account_route = "account-info"


class TestDailyQuota(BaseDailyQuota):
    """When the day's requests are used up."""

    used_up: ClassVar[dict[str, Any]] = {"hubspot": {"daily": 1000, "daily_used": 1000}}
    come_back = "midnight"
