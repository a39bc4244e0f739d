"""What the README of target-webhook says is what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from conformance.readme import BaseReadme

from target_webhook.config import WebhookConfig
from target_webhook.target import TargetWebhook

if TYPE_CHECKING:
    from collections.abc import Mapping


class TestReadme(BaseReadme):
    """The example under Start posts contacts by their id."""

    target = TargetWebhook
    credentials: ClassVar[dict[str, str]] = {"access_token": "token"}
    row: ClassVar[dict[str, Any]] = {"id": "C-1", "email": "ada@example.com", "name": "Ada"}

    def parse(self, config: Mapping[str, Any]) -> WebhookConfig:
        """Read the target's own settings."""
        return WebhookConfig.from_mapping(config)
