"""What the README of target-mailchimp says is what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from conformance.readme import BaseReadme

from target_mailchimp.config import MailchimpConfig
from target_mailchimp.target import TargetMailchimp

if TYPE_CHECKING:
    from collections.abc import Mapping


class TestReadme(BaseReadme):
    """The example under Start recognises members by address."""

    target = TargetMailchimp
    credentials: ClassVar[dict[str, str]] = {"api_key": "0123456789abcdef-us6"}
    row: ClassVar[dict[str, Any]] = {"email_address": "ada@shop.example", "FNAME": "Ada"}

    def parse(self, config: Mapping[str, Any]) -> MailchimpConfig:
        """Read Mailchimp's settings."""
        return MailchimpConfig.from_mapping(config)
