"""The Singer target for Salesforce."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from reverse_etl_core.target import ReverseETLTarget
from target_salesforce.config import SALESFORCE_SETTINGS, SalesforceConfig
from target_salesforce.destination import TIMEOUT_S, connect
from target_salesforce.limits import CHECKPOINT_RECORDS, CONCURRENCY, HARD_DELETE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination
    from reverse_etl_core.retry import RetryPolicy


class TargetSalesforce(ReverseETLTarget):
    """Delivers any Singer stream to Salesforce's standard and custom objects."""

    name = "target-salesforce"
    default_concurrency = CONCURRENCY
    default_checkpoint_records = CHECKPOINT_RECORDS
    default_checkpoint_seconds = 300
    retry_policy: ClassVar[RetryPolicy | None] = None
    timeout_s: ClassVar[tuple[float, float]] = TIMEOUT_S
    config_jsonschema: ClassVar[dict[str, Any]] = {}

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """Parse Salesforce's settings and prepare the org."""
        return connect(
            SalesforceConfig.from_mapping(config),
            stop=self.stop,
            traffic=self.traffic,
            daily_quota_percent=common.daily_quota_percent if common else 100.0,
            folder=(common.report_dir if common else Path()) / "bulk",
            policy=self.retry_policy,
            timeout_s=self.timeout_s,
            clock=time.monotonic,
            now=time.time,
            deletes_for_good=common is not None and common.hard_delete and _deletes_for_good(common),
        )


def _deletes_for_good(common: CommonConfig) -> bool:
    return any(one.removal == HARD_DELETE.name for one in common.streams.values())


TargetSalesforce.config_jsonschema = TargetSalesforce.settings(*SALESFORCE_SETTINGS)
