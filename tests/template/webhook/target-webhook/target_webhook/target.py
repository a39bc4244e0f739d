"""The Singer target for webhooks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from reverse_etl_core.errors import ConfigError
from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.target import ReverseETLTarget
from target_webhook.config import OWN_SETTINGS, WebhookConfig, problems_without_reading
from target_webhook.destination import TIMEOUT_S, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination


class TargetWebhook(ReverseETLTarget):
    """Delivers any Singer stream to a receiver of JSON, one record a request."""

    name = "target-webhook"
    default_concurrency = 8
    retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    timeout_s: ClassVar[tuple[float, float]] = TIMEOUT_S
    config_jsonschema: ClassVar[dict[str, Any]] = {}

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """Parse the target's own settings, refuse what a receiver cannot do, and prepare it."""
        own = WebhookConfig.from_mapping(config)
        if common is not None and (problems := problems_without_reading(common)):
            raise ConfigError(*problems)
        return connect(
            own,
            stop=self.stop,
            traffic=self.traffic,
            daily_quota_percent=common.daily_quota_percent if common else 100.0,
            policy=self.retry_policy,
            timeout_s=self.timeout_s,
            clock=time.monotonic,
        )


TargetWebhook.config_jsonschema = TargetWebhook.settings(*OWN_SETTINGS)
