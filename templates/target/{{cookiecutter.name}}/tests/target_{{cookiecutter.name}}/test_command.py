"""target-{{cookiecutter.name}} as a process."""

from __future__ import annotations

from typing import ClassVar

from conformance.command import BaseCommand, BaseDailyQuota


class TestCommand(BaseCommand):
    """What users, Meltano and schedulers see."""

    credential = "access_token"
    address = "api_url"
    account_route = "/account"


class TestDailyQuota(BaseDailyQuota):
    """The skeleton's API takes so many requests a day; leave this out where the vendor has no such limit."""

    used_up: ClassVar[dict[str, dict[str, int]]] = {"{{cookiecutter.name}}": {"daily": 10, "daily_used": 10}}
    come_back = "after midnight UTC"
