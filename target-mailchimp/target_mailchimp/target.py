"""The Singer target for Mailchimp."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.target import ReverseETLTarget
from target_mailchimp.config import MAILCHIMP_SETTINGS, MailchimpConfig
from target_mailchimp.destination import connect
from target_mailchimp.limits import DEFAULT_CONCURRENCY, TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination


class TargetMailchimp(ReverseETLTarget):
    """Delivers any Singer stream to Mailchimp's audiences."""

    name = "target-mailchimp"
    default_concurrency = DEFAULT_CONCURRENCY
    retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    timeout_s: ClassVar[tuple[float, float]] = TIMEOUT_S
    config_jsonschema: ClassVar[dict[str, Any]] = {}

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """Parse Mailchimp's settings and prepare the account."""
        return connect(
            MailchimpConfig.from_mapping(config),
            stop=self.stop,
            traffic=self.traffic,
            policy=self.retry_policy,
            timeout_s=self.timeout_s,
            clock=time.monotonic,
            is_plan=common is not None and common.dry_run,
        )


TargetMailchimp.config_jsonschema = TargetMailchimp.settings(*MAILCHIMP_SETTINGS)
