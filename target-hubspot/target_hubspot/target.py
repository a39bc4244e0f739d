"""The Singer target for HubSpot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.target import ReverseETLTarget
from target_hubspot.config import HUBSPOT_SETTINGS, HubSpotConfig
from target_hubspot.destination import TIMEOUT_S, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination


class TargetHubSpot(ReverseETLTarget):
    """Delivers any Singer stream to HubSpot's CRM objects."""

    name = "target-hubspot"
    # 19 requests per second are allowed; at 400 ms for a batch of 100 that takes 8 in flight.
    default_concurrency = 8
    retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    timeout_s: ClassVar[tuple[float, float]] = TIMEOUT_S
    config_jsonschema: ClassVar[dict[str, Any]] = {}

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """Parse HubSpot's settings and prepare the account."""
        return connect(
            HubSpotConfig.from_mapping(config),
            stop=self.stop,
            traffic=self.traffic,
            daily_quota_percent=common.daily_quota_percent if common else 100.0,
            policy=self.retry_policy,
            timeout_s=self.timeout_s,
            clock=time.monotonic,
        )


TargetHubSpot.config_jsonschema = TargetHubSpot.settings(*HUBSPOT_SETTINGS)
