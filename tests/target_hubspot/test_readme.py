"""What the README of target-hubspot says is what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from conformance.readme import BaseReadme

from target_hubspot.config import HubSpotConfig
from target_hubspot.target import TargetHubSpot

if TYPE_CHECKING:
    from collections.abc import Mapping


class TestReadme(BaseReadme):
    """The example under Start matches contacts by their addresses."""

    target = TargetHubSpot
    credentials: ClassVar[dict[str, str]] = {"access_token": "pat-na1-1"}
    row: ClassVar[dict[str, Any]] = {"email": "Ada@Example.com", "firstname": "Ada"}

    def parse(self, config: Mapping[str, Any]) -> HubSpotConfig:
        """Read HubSpot's settings."""
        return HubSpotConfig.from_mapping(config)
