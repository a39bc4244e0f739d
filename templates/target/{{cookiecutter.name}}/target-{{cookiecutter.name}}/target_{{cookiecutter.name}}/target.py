"""The Singer target for {{cookiecutter.title}}."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from reverse_etl_core.retry import RetryPolicy
from reverse_etl_core.target import ReverseETLTarget
from target_{{cookiecutter.name}}.config import OWN_SETTINGS, {{cookiecutter.class_name}}Config
from target_{{cookiecutter.name}}.destination import TIMEOUT_S, connect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reverse_etl_core.config import CommonConfig
    from reverse_etl_core.destination import Destination


class Target{{cookiecutter.class_name}}(ReverseETLTarget):
    """Delivers any Singer stream to {{cookiecutter.title}}'s objects."""

    name = "target-{{cookiecutter.name}}"
    # Skeleton: requests in flight. Yours: what the rate allows at the time that a full batch takes, and at most the
    # connections that the vendor takes of one account.
    default_concurrency = 4
    retry_policy: ClassVar[RetryPolicy] = RetryPolicy()
    timeout_s: ClassVar[tuple[float, float]] = TIMEOUT_S
    config_jsonschema: ClassVar[dict[str, Any]] = {}

    def connect(self, config: Mapping[str, Any], common: CommonConfig | None) -> Destination:
        """Parse the target's own settings and prepare the account."""
        return connect(
            {{cookiecutter.class_name}}Config.from_mapping(config),
            stop=self.stop,
            traffic=self.traffic,
            daily_quota_percent=common.daily_quota_percent if common else 100.0,
            policy=self.retry_policy,
            timeout_s=self.timeout_s,
            clock=time.monotonic,
        )


Target{{cookiecutter.class_name}}.config_jsonschema = Target{{cookiecutter.class_name}}.settings(*OWN_SETTINGS)
